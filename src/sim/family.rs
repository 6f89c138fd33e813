//! Who stands in whose body? Children are written with their parent or alone, and shown with it.

use serde_json::{Value, json};

use super::parts::{Resource, State};
use super::provider::{self, Provider, Put};
use super::world::World;
use crate::arm::PeeringView;
use crate::model::{ResourceId, Timestamp};

impl World {
    /// Takes the children out of a body, with their ids.
    pub(super) fn take_children(
        &self,
        id: &ResourceId,
        body: &mut Value,
    ) -> Vec<(ResourceId, Value)> {
        let kinds = provider::of(id).map(Provider::children).unwrap_or_default();
        let mut found = Vec::new();
        for kind in kinds {
            let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) else {
                continue;
            };
            let Some(Value::Array(children)) = properties.remove(*kind) else { continue };
            for child in children {
                let name = child.get("name").and_then(Value::as_str).unwrap_or_default();
                if let Ok(id) = id.child(kind, name) {
                    found.push((id, child));
                }
            }
        }
        found
    }

    /// The children that a body shows in lists of several types, each with its own id.
    pub(super) fn shown_children(id: &ResourceId, body: &Value) -> Vec<(ResourceId, Value)> {
        let lists = provider::of(id).map(Provider::shows_children).unwrap_or_default();
        let items = lists.iter().filter_map(|list| body["properties"][*list].as_array()).flatten();
        items
            .filter_map(|item| {
                let child = ResourceId::parse(item["id"].as_str()?).ok()?;
                child.is_child_of(id).then(|| (child, item.clone()))
            })
            .collect()
    }

    /// Writes the children that came with their parent: they share its operation.
    pub(super) fn put_children(&mut self, id: &ResourceId, sent: &Value, now: Timestamp) {
        let mut body = sent.clone();
        let provider = provider::of(id);
        // Who is left out of a list that was sent is removed.
        let replaces = provider.filter(|provider| !provider.keeps_children());
        let kinds = replaces.map(Provider::children).unwrap_or_default();
        let drops = replaces.is_some_and(Provider::drops_unsent_children);
        let replaced: Vec<String> = kinds
            .iter()
            .filter(|kind| {
                drops || body.pointer(&format!("/properties/{kind}")).is_some_and(Value::is_array)
            })
            .map(|kind| format!("{}/{kind}", id.resource_type()))
            .collect();
        let children = self.take_children(id, &mut body);
        // What Azure shows of a hub is nobody's to write or to leave out.
        let is_hubs = |body: &Value| PeeringView::of(body).hub().is_some();
        let left_out: Vec<ResourceId> = self
            .resources
            .children(id)
            .filter(|(other, own)| {
                replaced.iter().any(|kind| other.is_a(kind))
                    && !children.iter().any(|(child, _)| child == *other)
                    && !is_hubs(&own.body)
            })
            .map(|(other, _)| other.clone())
            .collect();
        for other in left_out {
            self.resources.remove(&other);
        }
        for (child, body) in children.into_iter().filter(|(_, body)| !is_hubs(body)) {
            let Some(provider) = provider::of(&child) else { continue };
            let ordinal = self.chance.count(&child);
            let stored = self.body(&child);
            let put = Put { id: &child, body: &body, stored, ordinal, now, syncs: false };
            let mut stored = provider.accept(self, &put);
            self.give_guid(&child, provider, &mut stored);
            // A connection that is sent as it stands goes on carrying.
            if drops && self.body(&child) == Some(&stored) {
                continue;
            }
            let resource =
                Resource { body: stored, state: State::Updating, version: 1, settled_at: now };
            self.resources.insert(child.clone(), resource);
            self.apply(provider.accepted(self, &child), now);
        }
    }

    /// Ends the children that were written with their parent.
    pub(super) fn end_children(&mut self, id: &ResourceId, state: State, at: Timestamp) {
        let own = |child: &ResourceId| {
            self.operations
                .open()
                .any(|operation| !operation.settled && operation.resource == *child)
        };
        let children: Vec<ResourceId> = self
            .resources
            .children(id)
            .filter(|(_, resource)| resource.state == State::Updating)
            .map(|(child, _)| child.clone())
            .filter(|child| !own(child))
            .collect();
        for child in children {
            if let (State::Succeeded, Some(provider)) = (state, provider::of(&child)) {
                self.apply(provider.finished(self, &child), at);
            }
            self.resources.set_state(&child, state, at);
        }
    }

    /// A resource's `resourceGuid`, where its type has one.
    pub(super) fn give_guid(&self, id: &ResourceId, provider: &dyn Provider, body: &mut Value) {
        let known = id.resource_type().as_str().starts_with("Microsoft.Network/");
        if provider.has_guid() && known {
            let own = self.chance.name(&[id.key(), "resourceGuid"]);
            if body["properties"].is_null() {
                // Written without any: the same as with none.
                body["properties"] = json!({});
            }
            provider::default(&mut body["properties"], "resourceGuid", json!(own));
        }
    }
}
