//! What follows from a write for other resources, and later for its own? Each type says it, as data; one place
//! applies it.

use serde_json::Value;

use super::parts::{Resource, State};
use super::patch::{difference, merge};
use super::world::World;
use crate::model::{ResourceId, Timestamp};

/// Something that Azure does of itself because of a write.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Consequence {
    /// A stored body changes.
    Change {
        id: ResourceId,
        /// A merge patch (RFC 7396).
        patch: Value,
    },
    /// A resource comes to be, where it is not there.
    Make { id: ResourceId, body: Value, state: State },
    /// A resource goes.
    Remove { id: ResourceId },
    /// What is inside a resource goes.
    RemoveWithin { id: ResourceId },
    /// A resource comes to stand in another state.
    SetState { id: ResourceId, state: State },
    /// The connections that were made with a key of a circuit go.
    Revoke { circuit: ResourceId, key: String },
}

impl Consequence {
    /// A stored body changes as `change` says; nothing follows where it is not there.
    pub(super) fn change(
        world: &World,
        id: &ResourceId,
        change: impl FnOnce(&mut Value),
    ) -> Option<Self> {
        let before = world.body(id)?;
        let mut after = before.clone();
        change(&mut after);
        Some(Self::Change { id: id.clone(), patch: difference(before, &after) })
    }

    /// Some properties of a stored body are set, whatever else follows for it.
    pub(super) fn set(id: &ResourceId, properties: Value) -> Self {
        let patch = std::iter::once(("properties".to_owned(), properties)).collect();
        Self::Change { id: id.clone(), patch: Value::Object(patch) }
    }
}

impl World {
    /// Lets consequences happen, in their order.
    pub(super) fn apply(
        &mut self,
        consequences: impl IntoIterator<Item = Consequence>,
        at: Timestamp,
    ) {
        for consequence in consequences {
            match consequence {
                Consequence::Change { id, patch } => {
                    self.resources.edit(&id, |body| merge(body, &patch));
                }
                Consequence::Make { id, body, state } => {
                    let resource = Resource { body, state, version: 1, settled_at: at };
                    self.resources.insert(id, resource);
                }
                Consequence::Remove { id } => drop(self.resources.remove(&id)),
                Consequence::RemoveWithin { id } => self.resources.remove_within(&id),
                Consequence::SetState { id, state } => self.resources.set_state(&id, state, at),
                Consequence::Revoke { circuit, key } => self.revoke(&circuit, &key),
            }
        }
    }
}
