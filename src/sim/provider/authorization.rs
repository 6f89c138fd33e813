//! What is an authorization of a circuit? A key that serves one connection and is spent by it.

use serde_json::{Value, json};

use super::{Provider, Put};
use crate::arm::kind;
use crate::model::ResourceId;
use crate::sim::consequence::Consequence;
use crate::sim::reply::guid;
use crate::sim::world::World;

pub(super) struct AuthorizationType;

impl Provider for AuthorizationType {
    fn kind(&self) -> &'static str {
        kind::AUTHORIZATIONS
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

    /// Revoking an authorization takes the connections with it that it was used for (azure-facts 1.3).
    fn deleted(&self, _: &World, id: &ResourceId, body: &Value) -> Vec<Consequence> {
        let key = body.pointer("/properties/authorizationKey").and_then(Value::as_str);
        let revoke = |(circuit, key): (ResourceId, &str)| Consequence::Revoke {
            circuit,
            key: key.to_owned(),
        };
        id.parent().zip(key).map(revoke).into_iter().collect()
    }
}
