//! What is an ExpressRoute gateway of a hub, and what are its connections to circuits?

use serde_json::{Value, json};

use super::{
    Provider, Put, child, connection, connection_ends, default, hub, id_at, keep, top_level,
};
use crate::model::hub::DEFAULT_TABLE;
use crate::model::{Region, ResourceId};
use crate::sim::consequence::Consequence;
use crate::sim::network::Routed;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct HubGatewayType;

pub(super) struct HubConnectionType;

pub(super) const GATEWAYS: &str = "Microsoft.Network/expressRouteGateways";
pub(super) const CONNECTIONS: &str =
    "Microsoft.Network/expressRouteGateways/expressRouteConnections";

/// The hub of a gateway.
pub(super) const HUB: &str = "/properties/virtualHub/id";

/// The circuit's peering of a connection.
const PEERING: &str = "/properties/expressRouteCircuitPeering/id";

impl Provider for HubGatewayType {
    fn kind(&self) -> &'static str {
        GATEWAYS
    }

    fn carries(&self) -> bool {
        true
    }

    fn word(&self) -> &'static str {
        "ExpressRouteGateway"
    }

    fn children(&self) -> &'static [&'static str] {
        &["expressRouteConnections"]
    }

    fn drops_unsent_children(&self) -> bool {
        // azure-rest-api-specs PR 18417, terraform-provider-azurerm 13368.
        true
    }

    fn locks_with_conflict(&self) -> bool {
        true
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let refused = |belief, message: String| Err(Refusal::unconfirmed(belief, message));
        let Some(hub) = id_at(put.body, HUB) else {
            let message = "An ExpressRoute gateway of a virtual WAN needs virtualHub.";
            return Err(Refusal::new(400, "InvalidRequestFormat", message));
        };
        let at = |body: Option<&Value>| {
            body.and_then(|body| body.get("location")?.as_str())
                .and_then(|text| Region::parse(text).ok())
        };
        if at(Some(put.body)) != at(world.body(&hub)) {
            let message = format!("Gateway {} is not in the region of its hub {hub}.", put.id);
            return refused(&unconfirmed::HUB_GATEWAY, message);
        }
        if let Some(other) = hub::gateway_in(world, &hub).filter(|other| other != put.id) {
            let message = format!("Hub {hub} has the ExpressRoute gateway {other} already.");
            return refused(&unconfirmed::HUB_GATEWAY, message);
        }
        let basic = hub::wan_of(world, &hub)
            .and_then(|wan| world.body(&wan))
            .and_then(|body| body.pointer("/properties/type")?.as_str())
            .is_some_and(|kind| kind.eq_ignore_ascii_case("Basic"));
        if basic {
            let message = format!("The virtual WAN of hub {hub} is Basic: it has no ExpressRoute.");
            return refused(&unconfirmed::WAN_BASIC, message);
        }
        let bound = |key: &str| {
            let pointer = format!("/properties/autoScaleConfiguration/bounds/{key}");
            put.body.pointer(&pointer).and_then(Value::as_u64)
        };
        let (min, max) = (bound("min").unwrap_or(1), bound("max"));
        if min == 0 || max.is_some_and(|max| max < min) {
            let message = format!("{min} units at least and {max:?} at most are no bounds.");
            return refused(&unconfirmed::HUB_UNITS, message);
        }
        Ok(())
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("expressRouteConnections");
        }
        let bounds = json!({ "bounds": { "min": 1 } });
        default(&mut properties, "autoScaleConfiguration", bounds);
        default(&mut properties, "allowNonVirtualWanTraffic", json!(false));
        if put.stored.is_some() && put.body.pointer("/properties/virtualHub").is_none() {
            keep(&mut properties, put.stored, &["virtualHub"]);
        }
        top_level(put, properties)
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        id_at(body, HUB).into_iter().collect()
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        match world.resources.children(id).next() {
            None => Ok(()),
            Some((user, _)) => Err(Refusal::unconfirmed(
                &unconfirmed::HUB_GATEWAY_CONNECTED,
                format!("Gateway {id} has the connection {user}; delete the connection first."),
            )),
        }
    }
}

impl Provider for HubConnectionType {
    fn kind(&self) -> &'static str {
        CONNECTIONS
    }

    fn carries(&self) -> bool {
        true
    }

    fn changes_softly(&self) -> &'static [&'static str] {
        &["/properties/routingWeight"]
    }

    fn word(&self) -> &'static str {
        "ExpressRouteConnection"
    }

    fn has_guid(&self) -> bool {
        true
    }

    fn locks_with_conflict(&self) -> bool {
        true
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let Some(circuit) = circuit_of(put.body) else {
            let message = "An ExpressRoute connection needs expressRouteCircuitPeering.";
            return Err(Refusal::new(400, "InvalidRequestFormat", message));
        };
        let moved = put.stored.and_then(circuit_of).is_some_and(|old| old != circuit);
        if moved {
            let message = format!("Connection {} cannot be moved to another circuit.", put.id);
            return Err(Refusal::unconfirmed(&unconfirmed::PEER_CHANGED, message));
        }
        connection::check_weight(put)?;
        let follows = Routed::of(put.body).and_then(|routed| routed.associated);
        if follows.is_some_and(|table| !table.name().eq_ignore_ascii_case(DEFAULT_TABLE)) {
            let message =
                format!("Connection {} can follow the default table of its hub only.", put.id);
            return Err(Refusal::unconfirmed(&unconfirmed::HUB_ASSOCIATED, message));
        }
        let hub = put.id.parent().and_then(|gateway| id_at(world.body(&gateway)?, HUB));
        let fills = Routed::of(put.body).map(|routed| routed.tables).unwrap_or_default();
        hub::without_intent(world, hub.as_ref(), &fills)?;
        connection_ends::room(world, put, &circuit)?;
        if let Some(gateway) = put.id.parent() {
            connection_ends::gateway_room(world, put, (&gateway, &circuit))?;
        }
        connection::check_key(world, put, &circuit)
    }

    fn accept(&self, world: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if properties.get("authorizationKey").is_none()
            && let Some(key) = put.stored.and_then(|stored| stored.pointer(connection::KEY))
        {
            properties["authorizationKey"] = key.clone();
        }
        for (key, value) in [
            ("routingWeight", json!(0)),
            ("enableInternetSecurity", json!(false)),
            ("expressRouteGatewayBypass", json!(false)),
            ("enablePrivateLinkFastPath", json!(false)),
        ] {
            default(&mut properties, key, value);
        }
        let gateway = put.id.parent();
        if let Some(hub) = gateway.and_then(|gateway| id_at(world.body(&gateway)?, HUB)) {
            hub::routing_defaults(&mut properties, &hub, world);
        }
        child(put, properties)
    }

    fn joins(&self, id: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        // With a key, a circuit of another subscription need not be ours to join.
        let own = |circuit: &ResourceId| circuit.subscription() == id.subscription();
        circuit_of(body).filter(own).map(|circuit| (circuit, "join/action")).into_iter().collect()
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        let tables = Routed::of(body).map(|routed| routed.tables).unwrap_or_default();
        id_at(body, PEERING).into_iter().chain(tables).collect()
    }

    fn also_locks(&self, body: &Value) -> Vec<ResourceId> {
        circuit_of(body).into_iter().collect()
    }

    fn fails(&self, world: &World, put: &Put<'_>) -> Option<(String, String)> {
        // Recorded: accepted, and failed with this very code.
        connection::not_provisioned(world, &circuit_of(put.body)?)
    }

    fn redeemed<'b>(&self, body: &'b Value) -> Option<(ResourceId, &'b str)> {
        circuit_of(body).zip(body.pointer(connection::KEY)?.as_str())
    }

    fn accepted(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        let spent = world.body(id).and_then(|body| connection::spent_key(self, world, body));
        connection::use_key(spent, "InUse")
    }

    fn deleted(&self, world: &World, _: &ResourceId, body: &Value) -> Vec<Consequence> {
        let spent = connection::spent_key(self, world, body);
        connection::use_key(spent, "Available")
    }
}

/// The circuit of a connection's body.
pub(super) fn circuit_of(body: &Value) -> Option<ResourceId> {
    id_at(body, PEERING)?.parent()
}

/// The connections of hubs to a circuit.
pub(super) fn connections_of(world: &World, circuit: &ResourceId) -> Vec<ResourceId> {
    let all = world.resources.of_type(CONNECTIONS);
    all.filter(|(_, own)| circuit_of(&own.body).as_ref() == Some(circuit))
        .map(|(id, _)| id.clone())
        .collect()
}
