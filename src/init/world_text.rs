//! In which world is it drilled? The estate, with the source down and what it lacks made.

use serde_json::{Value, json};

use super::draft::Draft;
use super::strategy::Strategy;
use super::text::comment;
use super::todo::without_service_keys;
use crate::sim::{Scenario, World};

/// The world of a drill: what differs from the estate's own.
pub(super) fn world(draft: &Draft, name: &str, estate: &str, down: bool) -> String {
    let mut head = String::from("# The world of a drill, written by backroad init.\n");
    let source = draft.source.as_ref().map(|own| own.as_str());
    let words = match source.filter(|_| down) {
        Some(source) => format!("{estate} on the day on which {source} is down."),
        None => format!("{estate} as it is, and every region answers."),
    };
    head.push_str(&comment(
        &format!(
            "{words} What stands below differs from it: the region that is down, and what the estate lacks today \
             as if it had been made (the commands are in the list beside this file)."
        ),
        0,
    ));
    let assumes = down && draft.assumes_overlap();
    if assumes {
        head.push_str(&comment(
            "`overlap: accept` is an assumption: that Azure takes the target's connection although the source's still stands \
             on the circuit with the same addresses. Its own text says that this cannot be, and nobody has recorded what it \
             does while the source's region is down. Write `refuse` to drill the other answer.",
            0,
        ));
    }
    let mut own = serde_json::Map::new();
    own.insert("extends".to_owned(), json!(estate));
    own.insert("world".to_owned(), json!(name));
    own.insert("description".to_owned(), json!(words));
    if draft.strategy != Strategy::OnpremToAzure {
        let regions: Vec<&str> = source.filter(|_| down).into_iter().collect();
        own.insert("regions_down".to_owned(), json!(regions));
    }
    if assumes {
        own.insert("overlap".to_owned(), json!("accept"));
    }
    if !draft.todo.lifted.is_empty() {
        own.insert("locks".to_owned(), json!(draft.locks));
    }
    if let Some(onprem) = &draft.todo.onprem {
        own.insert("onprem".to_owned(), json!(onprem));
    }
    let groups: Vec<Value> =
        draft.todo.groups.iter().map(|(id, home)| json!({ "id": id, "location": home })).collect();
    if !groups.is_empty() {
        own.insert("resource_groups".to_owned(), json!(groups));
    }
    if !draft.todo.overlay.is_empty() {
        let all: Vec<&Value> = draft.todo.overlay.values().collect();
        own.insert("resources".to_owned(), json!(all));
    }
    let text = serde_yaml::to_string(&Value::Object(own)).unwrap_or_default();
    head + &text
}

/// The estate itself as a world file, for a folder that its own file is not in: without any key.
#[must_use]
pub fn copy(scenario: &Scenario) -> String {
    let mut file = World::new(scenario).to_file(scenario.now);
    file["world"] = json!(scenario.world);
    file["description"] = json!(scenario.description);
    without_service_keys(&mut file);
    let text = serde_yaml::to_string(&file).unwrap_or_default();
    format!("# The estate, copied by backroad init. Keys are sealed.\n{text}")
}
