//! How is a world written down? As what two worlds are compared by, and as the world file from which the same
//! world begins.

use serde_json::{Value, json};

use super::provider;
use super::seal::{seal_keys, without_keys};
use super::site_recovery::{is_ours, without_times};
use super::world::World;
use crate::model::{ResourceId, Timestamp};

impl World {
    /// The world in the form in which two worlds are equal: without exactly etags, operation ids,
    /// request ids and timestamps. Keys are left out too, as they must not be shown.
    #[must_use]
    pub fn comparable(&self) -> Value {
        let mut all = serde_json::Map::new();
        for (id, resource) in &self.resources {
            let mut body = resource.body.clone();
            without_keys(&mut body);
            if is_ours(id) {
                without_times(&mut body);
            }
            body["properties"]["provisioningState"] = json!(resource.state.as_str());
            all.insert(id.key().to_owned(), body);
        }
        let mut world = json!({ "resources": all });
        self.network.compare_into(&mut world);
        world["regions_down"] = json!(self.regions.down());
        world
    }

    /// The world as it may be written to a file: with seals for keys. A seal serves as the key.
    #[must_use]
    pub fn sealed(&self) -> Self {
        let mut sealed = self.clone();
        sealed.resources.rewrite(seal_keys);
        sealed
    }

    /// The world as a world file: what a GET shows, the on-premises side, and how Azure behaves. Keys are
    /// sealed, and a seal serves as the key. Operations that are under way are not part of it: what they
    /// work on is as far as they have come.
    #[must_use]
    pub fn to_file(&self, now: Timestamp) -> Value {
        let mut resources: Vec<Value> = self
            .ids()
            .filter(|id| id.parent().is_none() || is_ours(id) || stands_alone(id))
            .filter_map(|id| self.get_body(id, now))
            .collect();
        for body in &mut resources {
            let failed = body["properties"]["provisioningState"] == json!("Failed");
            without_marks(body);
            keep_failed(body, failed);
            seal_keys(body);
        }
        let mut file = json!({
            "world": "written-down",
            "description": format!("A simulated Azure as it was at {now}."),
            "seed": self.seed(),
            "now": now,
            "latency": self.latency,
            "resource_groups": self.groups.to_file(),
            "resources": resources,
        });
        self.network.write_into(&mut file);
        self.without_loose_links(&mut file);
        self.regions.write_into(&mut file);
        file["events"] = self.schedule.to_file(now);
        self.governance.write_into(&mut file);
        file["faults"] = self.faults.to_file();
        file
    }
}

impl World {
    /// Takes out the links of circuits that are gone: a world whose links lead nowhere is none.
    fn without_loose_links(&self, file: &mut Value) {
        let links = file.pointer_mut("/onprem/links").and_then(Value::as_array_mut);
        let is_there = |link: &Value| {
            let id = link["circuit"].as_str().and_then(|id| ResourceId::parse(id).ok());
            id.is_some_and(|id| self.resources.body(&id).is_some())
        };
        links.into_iter().for_each(|links| links.retain(|link| is_there(link)));
    }
}

/// Whether a child stands in no body of its parent's: it is written by itself.
fn stands_alone(id: &ResourceId) -> bool {
    let Some(parent) = id.parent() else { return true };
    let kind = id.resource_type();
    let own = kind.as_str().rsplit('/').next().unwrap_or_default();
    // What this world only holds has no provider, and is no part of a body that has one.
    provider::of(&parent)
        .is_some_and(|above| !above.children().iter().any(|kind| kind.eq_ignore_ascii_case(own)))
}

/// Takes out what is made anew: etags and states. What is being worked on as a world begins is said by itself
/// (`World::go_on_with`).
pub(super) fn without_marks(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("etag");
            object.remove("provisioningState");
            object.values_mut().for_each(without_marks);
        }
        Value::Array(list) => list.iter_mut().for_each(without_marks),
        _ => {}
    }
}

/// Keeps that a resource has failed: its children hear of it.
fn keep_failed(body: &mut Value, failed: bool) {
    if failed {
        body["properties"]["provisioningState"] = json!("Failed");
    }
}
