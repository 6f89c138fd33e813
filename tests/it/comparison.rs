//! The dual of the table of comparison: each field of each body that a shipped runbook makes is left out,
//! turned around, written in other letters, or met with more than was asked; the plan still says what the
//! table says.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use backroad::model::compared::{How, Unshown, field};
use backroad::model::{Action, Assessed, Goal, ResourceId, RunOutcome};
use serde_json::{Value, json};

use crate::support::{Stage, all_shipped};
use crate::wire::observe;

/// Every value of a body that has none below it, and every list, by pointer and by path of the table.
fn places(pointer: &str, path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let below = |key: &str| {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}/{key}") };
        (format!("{pointer}/{escaped}"), path)
    };
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let (pointer, path) = below(key);
                places(&pointer, &path, value, found);
            }
        }
        Value::Array(list) => {
            found.push((pointer.to_owned(), path.to_owned()));
            for (place, item) in list.iter().enumerate() {
                places(&format!("{pointer}/{place}"), &format!("{path}/*"), item, found);
            }
        }
        _ => found.push((pointer.to_owned(), path.to_owned())),
    }
}

fn removed(body: &Value, pointer: &str) -> Option<Value> {
    let mut body = body.clone();
    let (parent, key) = pointer.rsplit_once('/')?;
    body.pointer_mut(parent)?.as_object_mut()?.remove(&key.replace("~1", "/"))?;
    Some(body)
}

fn with(body: &Value, pointer: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut body = body.clone();
    change(body.pointer_mut(pointer).unwrap());
    body
}

/// Words that Azure's answer decides about by themselves: how far it is, and what it is in step with.
fn is_state(path: &str) -> bool {
    ["provisioningState", "peeringState", "peeringSyncLevel"]
        .iter()
        .any(|word| path.ends_with(word))
}

/// Whether a path is a tag, or inside of what is compared as one value: a list of addresses.
fn is_part_of_a_value(of: &str, path: &str) -> bool {
    let above = path.match_indices('/').map(|(at, _)| &path[..at]);
    path.starts_with("tags/")
        || above.filter_map(|above| field(of, above)).any(|row| row.how == How::AnyCase)
}

/// Whether the table lets what was left out pass.
fn may_be_left_out(of: &str, path: &str, was: &Value) -> bool {
    // What is in a list that is compared as one is not there for itself.
    let whole = path.rsplit_once("/*").and_then(|(list, _)| field(of, list));
    if whole.is_some() && field(of, path).is_none() {
        return false;
    }
    let off = [json!(false), json!(0), json!([]), json!({})].contains(was);
    match field(of, path).map(|row| (row.how, row.unshown)) {
        None | Some((How::NotOnceItStands, _) | (_, Unshown::Nothing)) => true,
        Some((_, Unshown::Off)) => off,
        Some((_, Unshown::Differs)) => off && was.is_array(),
    }
}

/// Holds a made body, disfigured one way, against the action that made it.
fn check(action: &Action, body: &Value, about: &str, problems: &mut Vec<String>) {
    let verdict = observe(&Goal::Do(action), body);
    if verdict != Assessed::Holds {
        problems.push(format!("{}: {about}: {verdict:?}", action.name()));
    }
}

fn disfigure(action: &Action, id: &ResourceId, body: &Value, problems: &mut Vec<String>) -> usize {
    let of = id.resource_type();
    let of = of.as_str();
    check(action, body, "as it is", problems);
    let mut found = Vec::new();
    places("", "", body, &mut found);
    for (pointer, path) in &found {
        if is_state(path) {
            continue;
        }
        let value = body.pointer(pointer).unwrap();
        let row = field(of, path);
        if !is_part_of_a_value(of, path)
            && may_be_left_out(of, path, value)
            && let Some(less) = removed(body, pointer)
        {
            check(action, &less, &format!("{path} is left out"), problems);
        }
        // Tags and texts that nobody reads in other letters keep theirs.
        let cased = row.is_none_or(|row| !matches!(row.how, How::Exactly | How::Tags));
        if let Value::String(text) = value
            && cased
            && !path.starts_with("tags/")
        {
            for other in [text.to_ascii_uppercase(), text.to_ascii_lowercase()] {
                let other = with(body, pointer, |value| *value = json!(other));
                check(action, &other, &format!("{path} in other letters"), problems);
            }
        }
        if let Value::Array(list) = value
            && list.len() > 1
            && row.is_none_or(|row| row.how != How::Exactly || list[0].get("name").is_some())
        {
            let turned = with(body, pointer, |value| value.as_array_mut().unwrap().reverse());
            check(action, &turned, &format!("{path} turned around"), problems);
        }
    }
    // More than anybody asked for, beside every field.
    let mut objects = vec![String::new()];
    objects.extend(found.iter().filter_map(|(pointer, _)| {
        let (parent, _) = pointer.rsplit_once('/')?;
        body.pointer(parent)?.is_object().then(|| parent.to_owned())
    }));
    objects.sort();
    objects.dedup();
    for pointer in &objects {
        let more = with(body, pointer, |value| value["newOfAzures"] = json!({ "x": [1, "y"] }));
        check(action, &more, &format!("more below {pointer}"), problems);
    }
    found.len()
}

#[tokio::test]
async fn whatever_azure_makes_of_what_shipped_runbooks_made_is_no_difference() {
    let mut problems = Vec::new();
    let (mut bodies, mut fields) = (0, 0);
    let mut looked_at = std::collections::BTreeSet::new();
    for (runbook, profile) in all_shipped() {
        let lab = Stage::of(&runbook, &profile).await.lab();
        if lab.drive_through().await != RunOutcome::Succeeded {
            continue;
        }
        let file = lab.world.lock().unwrap().to_file(lab.now());
        for step in lab.plan.steps() {
            let (Some(id), false) =
                (step.action.written(), matches!(step.action, Action::Remove(_)))
            else {
                continue;
            };
            let Some(body) = shown(&file, id) else { continue };
            // What a later step changed is that step's.
            let last = lab.plan.steps().iter().filter(|s| s.action.written() == Some(id)).count();
            if last != 1 || matches!(step.action, Action::RecoveryPlan(_)) {
                continue;
            }
            // Whoever answers here has one body, and such an action reads the firewall's as well.
            if !step.action.firewalls().is_empty() {
                continue;
            }
            let (action, id) = (step.action.clone(), id.clone());
            let work = move || {
                let mut own = Vec::new();
                let count = disfigure(&action, &id, &body, &mut own);
                (count, own)
            };
            let (count, own) = tokio::task::spawn_blocking(work).await.unwrap();
            bodies += 1;
            fields += count;
            looked_at.insert(runbook.clone());
            problems.extend(own.into_iter().map(|problem| format!("{runbook}: {problem}")));
        }
    }
    println!("comparison: {fields} fields of {bodies} bodies");
    assert!(bodies > 50 && fields > 500, "{bodies} {fields}");
    for runbook in ["vpn-last-path.yaml", "vwan-dr-circuit.yaml"] {
        assert!(looked_at.contains(runbook), "{runbook} is among {looked_at:?}");
    }
    let shown: Vec<String> =
        problems.iter().map(|problem| problem.chars().take(400).collect()).collect();
    assert!(shown.is_empty(), "{} problems: {:#?}", shown.len(), &shown[..shown.len().min(12)]);
}

/// What a GET shows of a resource at the end of a lab.
fn shown(file: &Value, id: &ResourceId) -> Option<Value> {
    let all = file["resources"].as_array()?;
    let find = |id: &ResourceId| {
        all.iter().find(|body| body["id"].as_str().unwrap().eq_ignore_ascii_case(id.as_str()))
    };
    if let Some(body) = find(id) {
        return Some(body.clone());
    }
    let parent = find(&id.parent()?)?;
    let kind = id.resource_type();
    let list = kind.as_str().rsplit('/').next().unwrap();
    let children = parent["properties"][list].as_array()?;
    children
        .iter()
        .find(|child| child["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(id.name())))
        .cloned()
}
