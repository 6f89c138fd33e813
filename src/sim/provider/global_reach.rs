//! What is Global Reach? A circuit's private peering joined to that of another circuit.

use serde_json::{Value, json};

use super::{Provider, Put, child, default, id_at};
use crate::arm::{self, kind};
use crate::model::ResourceId;
use crate::sim::body_rule::BodyRule;
use crate::sim::consequence::Consequence;
use crate::sim::parts::State;
use crate::sim::world::World;

pub(super) struct GlobalReachType;

impl Provider for GlobalReachType {
    fn kind(&self) -> &'static str {
        kind::GLOBAL_REACH
    }

    fn word(&self) -> &'static str {
        "ExpressRouteCircuitConnection"
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[BodyRule::Prefix("/properties/addressPrefix")]
    }

    fn locks_with_conflict(&self) -> bool {
        true
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        default(&mut properties, "circuitConnectionStatus", json!("Disconnected"));
        child(put, properties)
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        ["expressRouteCircuitPeering", "peerExpressRouteCircuitPeering"]
            .iter()
            .filter_map(|key| id_at(body, &format!("/properties/{key}/id")))
            .collect()
    }

    fn fails(&self, world: &World, put: &Put<'_>) -> Option<(String, String)> {
        let circuit = put.id.parent()?.parent()?;
        let view = arm::CircuitView::of(world.body(&circuit)?);
        let state = view.provider_state().unwrap_or_default();
        (!view.is_provisioned()).then(|| {
            let message =
                format!("The initiating circuit {circuit} is not in provisioned state ({state}).");
            ("InitiatingCircuitNotProvisioned".to_owned(), message)
        })
    }

    fn failed(&self, _: &World, id: &ResourceId) -> Vec<Consequence> {
        // The circuit, not the peering between, stands failed too (docs/wire.md 4).
        let circuit = id.parent().and_then(|peering| peering.parent());
        let failed = |id| Consequence::SetState { id, state: State::Failed };
        circuit.map(failed).into_iter().collect()
    }

    fn finished(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        if world.body(id).is_none() {
            return Vec::new();
        }
        vec![Consequence::set(id, json!({ "circuitConnectionStatus": "Connected" }))]
    }
}
