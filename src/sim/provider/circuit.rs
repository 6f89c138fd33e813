//! What becomes of a circuit that is written? A failover reads it more than it writes it.

use serde_json::{Value, json};

use super::{Provider, Put, default, keep, top_level};
use crate::arm::kind;
use crate::arm::read::is;
use crate::model::ResourceId;
use crate::model::azure_limits::BANDWIDTHS;
use crate::sim::consequence::Consequence;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct CircuitType;

impl Provider for CircuitType {
    fn kind(&self) -> &'static str {
        kind::CIRCUITS
    }

    fn word(&self) -> &'static str {
        "ExpressRouteCircuit"
    }

    fn children(&self) -> &'static [&'static str] {
        &["peerings", "authorizations"]
    }

    fn ends_links(&self) -> bool {
        true
    }

    fn has_counters(&self) -> bool {
        true
    }

    fn locks_with_conflict(&self) -> bool {
        true
    }

    fn validate(&self, _: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let bandwidth = |body: &Value| {
            body.pointer("/properties/serviceProviderProperties/bandwidthInMbps")
                .and_then(Value::as_u64)
        };
        let before = put.stored.and_then(bandwidth);
        if let (Some(before), Some(after)) = (before, bandwidth(put.body))
            && after < before
        {
            let message =
                format!("Circuit bandwidth cannot be lowered from {before} to {after} Mbps.");
            return Err(Refusal::unconfirmed(&unconfirmed::BANDWIDTH, message));
        }
        let local = |body: &Value| is(body, "/sku/tier", "Local");
        if put.stored.is_some_and(|stored| !local(stored)) && local(put.body) {
            let message = format!("The SKU tier of circuit {} cannot be changed to Local.", put.id);
            return Err(Refusal::unconfirmed(&unconfirmed::TIER_LOCAL, message));
        }
        // What stands is taken as it is.
        let sold = |mbps: u64| BANDWIDTHS.into_iter().any(|own| u64::from(own) == mbps);
        if let Some(mbps) = bandwidth(put.body)
            && before != Some(mbps)
            && !sold(mbps)
        {
            let message =
                format!("{mbps} Mbps is no bandwidth that a provider offers: {BANDWIDTHS:?}.");
            return Err(Refusal::unconfirmed(&unconfirmed::BANDWIDTH_NOT_OFFERED, message));
        }
        Ok(())
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("peerings");
            properties.remove("authorizations");
        }
        let kept = [
            "serviceProviderProvisioningState",
            "serviceKey",
            "circuitProvisioningState",
            "gatewayManagerEtag",
            "stag",
        ];
        keep(&mut properties, put.stored, &kept);
        // What a circuit is made of stays where a write does not say it (recorded).
        let ours = put.stored.and_then(|old| old.pointer("/properties/serviceProviderProperties"));
        if let Some(ours) = ours {
            default(&mut properties, "serviceProviderProperties", ours.clone());
        }
        default(&mut properties, "circuitProvisioningState", json!("Disabled"));
        default(&mut properties, "allowGlobalReach", json!(false));
        // One on a port of its own has no provider that would provision it (azure-facts 2.1).
        if properties.pointer("/expressRoutePort/id").is_none() {
            default(&mut properties, "serviceProviderProvisioningState", json!("NotProvisioned"));
        }
        default(&mut properties, "serviceKey", json!("00000000-0000-0000-0000-000000000000"));
        default(&mut properties, "allowClassicOperations", json!(false));
        default(&mut properties, "globalReachEnabled", json!(false));
        let mut body = top_level(put, properties);
        if let Some(sku) = put.stored.and_then(|stored| stored.get("sku")) {
            default(&mut body, "sku", sku.clone());
        }
        body
    }

    fn finished(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        let key = world.chance.name(&[id.key(), "serviceKey"]);
        let change = Consequence::change(world, id, |body| {
            let properties = &mut body["properties"];
            properties["circuitProvisioningState"] = json!("Enabled");
            default(properties, "gatewayManagerEtag", json!(""));
            default(properties, "stag", json!(2));
            if body["properties"]["serviceKey"] == "00000000-0000-0000-0000-000000000000" {
                body["properties"]["serviceKey"] = json!(key);
            }
        });
        change.into_iter().collect()
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        let of_hubs = || super::hub_gateway::connections_of(world, id).into_iter().next();
        match world.resources.user_of(id, kind::CONNECTIONS).or_else(of_hubs) {
            None => Ok(()),
            Some(user) => Err(Refusal::unconfirmed(
                &unconfirmed::CIRCUIT_CONNECTED,
                format!("Circuit {id} is connected by {user}; delete the connection first."),
            )),
        }
    }

    fn deleted(&self, _: &World, id: &ResourceId, _: &Value) -> Vec<Consequence> {
        vec![Consequence::RemoveWithin { id: id.clone() }]
    }
}
