//! Circuit authorizations: a key that serves one connection and is spent by it.

use serde_json::{Value, json};

use super::{Provider, Put};
use crate::model::ResourceId;
use crate::sim::reply::{Refusal, guid};
use crate::sim::world::World;

pub(super) struct Authorization;

impl Provider for Authorization {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/expressRouteCircuits/authorizations"
    }

    fn word(&self) -> &'static str {
        "ExpressRouteCircuitAuthorization"
    }

    fn locks_with_conflict(&self) -> bool {
        true
    }

    fn accept(&self, world: &World, put: &Put<'_>) -> Value {
        // Written again, an authorization keeps its key and its use.
        if let Some(stored) = put.stored {
            return stored.clone();
        }
        let key = guid(&[&world.seed().to_string(), put.id.key(), &put.ordinal.to_string(), "key"]);
        json!({
            "name": put.id.name(),
            "id": put.id.as_str(),
            "properties": { "authorizationKey": key, "authorizationUseStatus": "Available" },
            "type": put.id.resource_type().as_str(),
        })
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        let status = world
            .body(id)
            .and_then(|body| body.pointer("/properties/authorizationUseStatus"))
            .and_then(Value::as_str);
        if status == Some("InUse") {
            // Not recorded anywhere: a synthetic code. Azure removes the connection with it.
            let message = format!("Authorization {id} is in use; delete its connection first.");
            return Err(Refusal::new(400, "AuthorizationInUse", message));
        }
        Ok(())
    }
}
