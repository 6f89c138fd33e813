//! Which virtual networks may be connected to a hub, and how?

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{Provider, Put, child, default, hub, id_at};
use crate::arm::PeeringView;
use crate::model::ResourceId;
use crate::model::net::overlap;
use crate::sim::consequence::Consequence;
use crate::sim::network::Routed;
use crate::sim::parts::State;
use crate::sim::reply::{Refusal, guid};
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct HubVnetType;

pub(super) const KIND: &str = "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections";

/// The network of a connection.
pub(super) const REMOTE: &str = "/properties/remoteVirtualNetwork/id";

impl Provider for HubVnetType {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn carries(&self) -> bool {
        true
    }

    fn word(&self) -> &'static str {
        "HubVirtualNetworkConnection"
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let refused = |belief, message: String| Err(Refusal::unconfirmed(belief, message));
        let (Some(hub), Some(vnet)) = (put.id.parent(), id_at(put.body, REMOTE)) else {
            let message = "A connection of a hub needs remoteVirtualNetwork.";
            return Err(Refusal::new(400, "InvalidRequestFormat", message));
        };
        let state = hub::routing_state(world, &hub, put.now);
        if state != "Provisioned" {
            let message = format!("The routing state of hub {hub} is {state}, not Provisioned.");
            return refused(&unconfirmed::HUB_NOT_ROUTING, message);
        }
        if put.stored.is_some_and(|stored| id_at(stored, REMOTE).as_ref() != Some(&vnet)) {
            let message = format!("Connection {} cannot be moved to another network.", put.id);
            return refused(&unconfirmed::HUB_VNET, message);
        }
        if let Some(why) = unfit(world, put.id, &vnet) {
            return refused(&unconfirmed::HUB_VNET, why);
        }
        let routed = Routed::of(put.body);
        let own = routed.iter().flat_map(|own| own.associated.iter().chain(&own.tables));
        hub::without_intent(world, Some(&hub), own)?;
        let Some(wan) = hub::wan_of(world, &hub) else { return Ok(()) };
        let taken = hub::taken(world, &wan, put.id);
        for own in space(world, &vnet) {
            let other = taken.iter().find(|(id, net)| *id != vnet && overlap(net, &own));
            if let Some((other, net)) = other {
                let message =
                    format!("{own} of {vnet} overlaps {net} of {other} in the same virtual WAN.");
                return refused(&unconfirmed::HUB_VNET_OVERLAP, message);
            }
        }
        Ok(())
    }

    fn accept(&self, world: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        for (key, value) in [
            ("allowHubToRemoteVnetTransit", json!(true)),
            ("allowRemoteVnetToUseHubVnetGateways", json!(true)),
            ("enableInternetSecurity", json!(true)),
        ] {
            default(&mut properties, key, value);
        }
        if let Some(hub) = put.id.parent() {
            hub::routing_defaults(&mut properties, &hub, world);
        }
        let routes = &mut properties["routingConfiguration"];
        default(routes, "vnetRoutes", json!({}));
        let routes = &mut routes["vnetRoutes"];
        default(routes, "staticRoutes", json!([]));
        default(routes, "staticRoutesConfig", json!({}));
        let config = &mut routes["staticRoutesConfig"];
        default(config, "vnetLocalRouteOverrideCriteria", json!("Contains"));
        // Azure's own, whatever was sent.
        config["propagateStaticRoutes"] = json!(true);
        child(put, properties)
    }

    fn comes_with(&self, world: &World, id: &ResourceId) -> Vec<(ResourceId, Value)> {
        side_shown(world, id).into_iter().collect()
    }

    fn finished(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        let side = side_shown(world, id).into_iter();
        side.map(|(id, body)| Consequence::Make { id, body, state: State::Succeeded }).collect()
    }

    fn deleted(&self, world: &World, id: &ResourceId, body: &Value) -> Vec<Consequence> {
        let (Some(hub), Some(vnet)) = (id.parent(), id_at(body, REMOTE)) else { return Vec::new() };
        let sides = hub_sides(world, &vnet, hub.name()).into_iter();
        sides.map(|id| Consequence::Remove { id }).collect()
    }

    fn joins(&self, _: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        id_at(body, REMOTE).map(|vnet| (vnet, "peer/action")).into_iter().collect()
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        let routed = Routed::of(body);
        let follows = routed.iter().filter_map(|routed| routed.associated.clone());
        let fills = routed.iter().flat_map(|routed| routed.tables.iter().cloned());
        id_at(body, REMOTE).into_iter().chain(follows).chain(fills).collect()
    }

    fn also_locks(&self, body: &Value) -> Vec<ResourceId> {
        id_at(body, REMOTE).into_iter().collect()
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        let table = world.resources.iter().find(|(table, resource)| {
            let routes = resource.body.pointer("/properties/routes").and_then(Value::as_array);
            table.parent() == id.parent()
                && routes.is_some_and(|routes| {
                    routes.iter().any(|own| id_at(own, "/nextHop").as_ref() == Some(id))
                })
        });
        match table {
            None => Ok(()),
            Some((table, _)) => Err(Refusal::unconfirmed(
                &unconfirmed::HUB_VNET,
                format!("Connection {id} is the next hop of a route of {table}."),
            )),
        }
    }
}

/// Why a network cannot be a hub's, if that is so.
fn unfit(world: &World, connection: &ResourceId, vnet: &ResourceId) -> Option<String> {
    let gateway = vnet.child("subnets", "GatewaySubnet").ok()?;
    if let Some(user) = world.user_of(&gateway) {
        return Some(format!("{vnet} has the gateway {user}: it cannot be connected to a hub."));
    }
    if let Some(server) = world.route_server_of(vnet) {
        return Some(format!("{vnet} has a Route Server ({server}): it cannot be a hub's."));
    }
    let own = connection.parent();
    for (side, resource) in world.resources.children(vnet) {
        let view = PeeringView::of(&resource.body);
        match view.hub() {
            // What a connection shows of itself is judged with it.
            Some(name) if world.is_of_hub(vnet, &name) => {}
            Some(name) if own.as_ref().is_some_and(|hub| hub.name() == name) => {}
            Some(name) => return Some(format!("{vnet} is connected to the hub {name} already.")),
            None if view.uses_gateway() => {
                return Some(format!("The peering {side} uses remote gateways."));
            }
            None => {}
        }
    }
    let mut others = world.resources.of_type(KIND);
    let other = others
        .find(|(id, own)| *id != connection && id_at(&own.body, REMOTE).as_ref() == Some(vnet));
    other.map(|(other, _)| format!("{vnet} is connected to a hub already, by {other}."))
}

/// The addresses of a network.
pub(super) fn space(world: &World, vnet: &ResourceId) -> Vec<IpNet> {
    let list = world
        .body(vnet)
        .and_then(|body| body.pointer("/properties/addressSpace/addressPrefixes")?.as_array());
    list.into_iter().flatten().filter_map(|net| net.as_str()?.parse().ok()).collect()
}

/// The peering that a network shows once a hub has it; none where it shows one already. It is Azure's own, and leads into
/// a subscription of Microsoft's: the connection itself, under another name (azure-docs 107338).
fn side_shown(world: &World, connection: &ResourceId) -> Option<(ResourceId, Value)> {
    let hub = connection.parent()?;
    let vnet = id_at(world.body(connection)?, REMOTE)?;
    if !hub_sides(world, &vnet, hub.name()).is_empty() {
        return None;
    }
    let word = |purpose: &str| guid(&[connection.key(), purpose]);
    let id = vnet
        .child("virtualNetworkPeerings", &format!("RemoteVnetToHubPeering_{}", word("side")))
        .ok()?;
    let behind = format!(
        "/subscriptions/{}/resourceGroups/RG_{name}_{}/providers/Microsoft.Network/virtualNetworks/HV_{name}_{}",
        word("subscription"),
        word("group"),
        word("network"),
        name = hub.name()
    );
    let space = world.body(&hub).and_then(|body| body.pointer("/properties/addressPrefix"));
    let space = json!({ "addressPrefixes": space.into_iter().collect::<Vec<_>>() });
    let body = json!({
        "name": id.name(), "id": id.as_str(), "type": id.resource_type().as_str(),
        "properties": {
            "resourceGuid": word("guid"), "peeringState": "Connected",
            "peeringSyncLevel": "FullyInSync", "remoteVirtualNetwork": { "id": behind },
            "allowVirtualNetworkAccess": true, "allowForwardedTraffic": false,
            "allowGatewayTransit": false, "useRemoteGateways": true,
            "doNotVerifyRemoteGateways": true, "peerCompleteVnets": true,
            "remoteAddressSpace": space, "remoteVirtualNetworkAddressSpace": space,
            "routeServiceVips": {},
        },
    });
    Some((id, body))
}

/// The peerings of Azure's own that a network shows of a hub.
fn hub_sides(world: &World, vnet: &ResourceId, hub: &str) -> Vec<ResourceId> {
    let children = world.resources.children(vnet);
    let own = children.filter(|(_, side)| {
        PeeringView::of(&side.body).hub().is_some_and(|name| name.eq_ignore_ascii_case(hub))
    });
    own.map(|(id, _)| id.clone()).collect()
}

impl World {
    /// Whether a network shows another peering of Azure's own for the same hub: the one that came with the connection.
    pub(in crate::sim) fn shows_hub_already(&self, id: &ResourceId, body: &Value) -> bool {
        let (Some(vnet), Some(name)) = (id.parent(), PeeringView::of(body).hub()) else {
            return false;
        };
        hub_sides(self, &vnet, &name).iter().any(|own| own != id)
    }

    /// The connection of a network to a hub of this name, where there is one.
    pub(in crate::sim) fn is_of_hub(&self, vnet: &ResourceId, name: &str) -> bool {
        let mut all = self.resources.of_type(KIND);
        all.any(|(id, own)| {
            id_at(&own.body, REMOTE).as_ref() == Some(vnet)
                && id.parent().is_some_and(|hub| hub.name().eq_ignore_ascii_case(name))
        })
    }
}
