//! The key that both ends of a VPN connection share.

use serde_json::{Value, json};

use super::{Provider, Put};
use crate::model::ResourceId;
use crate::sim::world::World;

pub(super) struct SharedKey;

impl Provider for SharedKey {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/connections/sharedKey"
    }

    fn word(&self) -> &'static str {
        "VirtualNetworkGatewayConnectionSharedKey"
    }

    fn locks_with_conflict(&self) -> bool {
        true
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        json!({ "value": put.body.get("value").cloned().unwrap_or_default() })
    }

    fn finished(&self, world: &mut World, id: &ResourceId) {
        let key = world.body(id).and_then(|body| body.get("value")).cloned();
        if let (Some(connection), Some(key)) = (id.parent(), key) {
            world.edit(&connection, |body| body["properties"]["sharedKey"] = key);
        }
    }
}
