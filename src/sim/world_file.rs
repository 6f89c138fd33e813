//! How is a world written down? As what two worlds are compared by, and as the world file from which the same
//! world begins.

use serde_json::{Value, json};

use super::provider::{self, Provider};
use super::resiliency::is_on;
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
        let mut world =
            json!({ "resources": all, "silent": self.silent, "regions_down": self.regions_down });
        let tested: Vec<&ResourceId> =
            self.site_tests.iter().filter(|(_, tests)| is_on(tests)).map(|(id, _)| id).collect();
        if !tested.is_empty() {
            world["under_test"] = json!(tested);
        }
        world
    }

    /// The world as it may be written to a file: with seals for keys. A seal serves as the key.
    #[must_use]
    pub fn sealed(&self) -> Self {
        let mut sealed = self.clone();
        for resource in sealed.resources.values_mut() {
            seal_keys(&mut resource.body);
        }
        sealed
    }

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
            .filter(|id| id.parent().is_none() || is_ours(id) || stands_alone(id))
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
        let mut file = json!({
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
            // One that is used up strikes no more.
            "faults": self.faults.iter().filter(|fault| fault.times > 0).collect::<Vec<_>>(),
            "site_tests": self.written_tests(),
        });
        if !self.tenancy.is_plain() {
            file["tenants"] = json!(self.tenancy);
        }
        if !self.policies.is_empty() {
            file["policies"] = json!(self.policies);
        }
        if !self.quotas.is_empty() {
            file["quotas"] = json!(self.quotas);
        }
        if !self.stopped_appliances.is_empty() {
            file["stopped_appliances"] = json!(self.stopped_appliances);
        }
        file
    }
}

/// Whether a child is in no body but its own: its parent's does not show it.
fn stands_alone(id: &ResourceId) -> bool {
    let kind = id.resource_type();
    let own = kind.as_str().rsplit('/').next().unwrap_or_default();
    let shown = id.parent().and_then(|parent| provider::of(&parent)).map(Provider::children);
    shown.is_some_and(|shown| !shown.iter().any(|key| key.eq_ignore_ascii_case(own)))
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
