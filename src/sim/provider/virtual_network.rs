//! Virtual networks, as far as their children need them.

use serde_json::{Value, json};

use super::{Provider, Put, default, top_level};
use crate::model::ResourceId;
use crate::sim::reply::Refusal;
use crate::sim::world::World;

pub(super) struct VirtualNetwork;

impl Provider for VirtualNetwork {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/virtualNetworks"
    }

    fn word(&self) -> &'static str {
        "VirtualNetwork"
    }

    fn first_retry_after(&self) -> (u64, u64) {
        (3, 10)
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            // Children are written through their own endpoints in this world.
            properties.remove("subnets");
            properties.remove("virtualNetworkPeerings");
        }
        default(&mut properties, "enableDdosProtection", json!(false));
        top_level(put, properties)
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        let in_use = world
            .ids()
            .any(|other| other != id && other.is_within(id) && world.subnet_user(other).is_some());
        if in_use {
            let message = format!("Virtual network {id} is in use and cannot be deleted.");
            return Err(Refusal::new(400, "InUseVirtualNetworkCannotBeDeleted", message));
        }
        Ok(())
    }

    fn deleted(&self, world: &mut World, id: &ResourceId, _: &Value) {
        world.remove_within(id);
    }
}
