//! How is a world written down? As the world file from which the same world begins.

use serde_json::{Value, json};

use super::seal::seal_keys;
use super::site_recovery::is_ours;
use super::world::World;
use crate::model::Timestamp;

impl World {
    /// The world as a world file: what a GET shows, the on-premises side, and how Azure behaves. Keys are
    /// sealed, and a seal serves as the key. Operations that are under way are not part of it: what they
    /// work on is as far as they have come.
    #[must_use]
    pub fn to_file(&self, now: Timestamp) -> Value {
        let groups: Vec<Value> = self
            .groups
            .iter()
            .map(|(id, home)| {
                let subscription = id.split('/').nth(2).unwrap_or_default();
                let name = self
                    .group_details
                    .get(id)
                    .and_then(|details| details["name"].as_str())
                    .or_else(|| id.rsplit('/').next())
                    .unwrap_or_default();
                json!({
                    "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"),
                    "location": home.as_str(),
                })
            })
            .collect();
        let mut resources: Vec<Value> = self
            .ids()
            .filter(|id| id.parent().is_none() || is_ours(id))
            .filter_map(|id| self.get_body(id, now))
            .collect();
        for body in &mut resources {
            let failed = body["properties"]["provisioningState"] == json!("Failed");
            without_marks(body);
            keep_failed(body, failed);
            seal_keys(body);
        }
        let events: Vec<Value> = self
            .coming
            .iter()
            .map(|(at, event)| {
                let mut event = event.clone();
                event.after = at.since(now);
                json!(event)
            })
            .collect();
        json!({
            "world": "written-down",
            "description": format!("A simulated Azure as it was at {now}."),
            "seed": self.seed,
            "now": now,
            "latency": self.latency,
            "resource_groups": groups,
            "resources": resources,
            "onprem": self.onprem,
            "regions_down": self.regions_down,
            "outage": self.outage,
            "events": events,
            "overlap": self.overlap,
            "rights": self.rights,
            "unregistered": self.unregistered,
            "locks": self.locks,
            "faults": self.faults,
        })
    }
}

/// Takes out what is made anew: etags and states. What is not done is read as done: nobody works on it
/// in the world that begins.
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
