//! Where are the clients of a name sent? Traffic Manager profiles and their endpoints.
//!
//! Nobody's recording of these is at hand: bodies are those of the published specification of 2022-04-01.

use serde_json::{Value, json};

use super::{Provider, Put, Shown, child, default, top_level};
use crate::model::ResourceId;
use crate::sim::reply::Refusal;
use crate::sim::world::World;

/// A profile.
pub(super) struct ProfileType;

impl Provider for ProfileType {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/trafficManagerProfiles"
    }

    fn word(&self) -> &'static str {
        "TrafficManagerProfile"
    }

    fn at_once(&self) -> bool {
        true
    }

    fn tells_of_delete(&self) -> Option<Value> {
        Some(deleted())
    }

    fn has_guid(&self) -> bool {
        false
    }

    fn shows_children(&self) -> &'static [&'static str] {
        &["endpoints"]
    }

    fn computed(&self) -> &'static [&'static str] {
        &["endpoints"]
    }

    fn show(&self, world: &World, shown: &Shown<'_>, body: &mut Value) {
        let endpoints = world.endpoints_of(shown.id).into_iter().map(|(_, body)| body.clone());
        body["properties"]["endpoints"] = endpoints.collect();
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(own) = properties.as_object_mut() {
            own.remove("endpoints");
        }
        default(&mut properties, "profileStatus", json!("Enabled"));
        default(&mut properties, "trafficRoutingMethod", json!("Priority"));
        top_level(put, properties)
    }
}

impl World {
    /// The endpoints of a Traffic Manager profile, of every kind.
    fn endpoints_of(&self, profile: &ResourceId) -> Vec<(&ResourceId, &Value)> {
        self.resources.children(profile).map(|(id, resource)| (id, &resource.body)).collect()
    }
}

/// `DeleteOperationResult` as it is published, its one key named for its type: Azure's own client reads it in
/// every 200 to a DELETE.
fn deleted() -> Value {
    json!({ "boolean": true })
}

/// A kind of endpoints.
pub(super) struct EndpointType(pub(super) &'static str);

impl Provider for EndpointType {
    fn kind(&self) -> &'static str {
        match self.0 {
            "azureEndpoints" => "Microsoft.Network/trafficManagerProfiles/azureEndpoints",
            "externalEndpoints" => "Microsoft.Network/trafficManagerProfiles/externalEndpoints",
            _ => "Microsoft.Network/trafficManagerProfiles/nestedEndpoints",
        }
    }

    fn word(&self) -> &'static str {
        "TrafficManagerEndpoint"
    }

    fn at_once(&self) -> bool {
        true
    }

    fn tells_of_delete(&self) -> Option<Value> {
        Some(deleted())
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let at = |body: &Value, key: &str| body.pointer(&format!("/properties/{key}")).cloned();
        if at(put.body, "target").is_none() && at(put.body, "targetResourceId").is_none() {
            let message = "The endpoint needs a target or a targetResourceId.";
            return Err(Refusal::new(400, "BadRequest", message));
        }
        let Some(priority) = at(put.body, "priority").and_then(|own| own.as_u64()) else {
            return Ok(());
        };
        if !(1..=1_000).contains(&priority) {
            let message = format!("The endpoint priority {priority} is not between 1 and 1000.");
            return Err(Refusal::new(400, "BadRequest", message));
        }
        let Some(profile) = put.id.parent() else { return Ok(()) };
        let twin = world
            .endpoints_of(&profile)
            .into_iter()
            .find(|(id, body)| *id != put.id && at(body, "priority") == Some(json!(priority)));
        match twin {
            None => Ok(()),
            Some((id, _)) => {
                let message =
                    format!("Endpoint {} has the priority {priority} already.", id.name());
                Err(Refusal::new(400, "BadRequest", message))
            }
        }
    }

    fn accept(&self, world: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        default(&mut properties, "endpointStatus", json!("Enabled"));
        default(&mut properties, "weight", json!(1));
        if properties.get("priority").is_none() {
            let others = put.id.parent().map(|profile| world.endpoints_of(&profile).len());
            default(&mut properties, "priority", json!(others.unwrap_or(0) + 1));
        }
        let on = properties["endpointStatus"] == json!("Enabled");
        properties["endpointMonitorStatus"] = json!(if on { "Online" } else { "Disabled" });
        child(put, properties)
    }
}
