//! Virtual network peerings: two sides, of which each changes the other's state.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{Provider, Put, default, id_at};
use crate::model::ResourceId;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct Peering;

const REMOTE: &str = "/properties/remoteVirtualNetwork/id";

impl Provider for Peering {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
    }

    fn word(&self) -> &'static str {
        "VirtualNetworkPeering"
    }

    fn has_guid(&self) -> bool {
        true
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let (Some(vnet), Some(remote)) = (put.id.parent(), id_at(put.body, REMOTE)) else {
            let message = "A peering needs remoteVirtualNetwork.";
            return Err(Refusal::new(400, "InvalidRequestFormat", message));
        };
        let overlap = spaces(world, &vnet)
            .iter()
            .any(|a| spaces(world, &remote).iter().any(|b| a.contains(b) || b.contains(a)));
        if overlap {
            let message = format!("The address spaces of {vnet} and {remote} overlap.");
            return Err(Refusal::unconfirmed(&unconfirmed::PEERS_OVERLAP, message));
        }
        let state = |side: Option<&Value>| {
            side.and_then(|side| side.pointer("/properties/peeringState")).and_then(Value::as_str)
                == Some("Disconnected")
        };
        let other = other_side(world, &vnet, &remote);
        if state(put.stored) || state(other.as_ref().and_then(|id| world.body(id))) {
            let message =
                "A Disconnected peering cannot be connected again: delete both sides first.";
            return Err(Refusal::unconfirmed(&unconfirmed::DISCONNECTED, message));
        }
        if put.body.pointer("/properties/useRemoteGateways") != Some(&json!(true)) {
            return Ok(());
        }
        let second = world.ids().any(|other| {
            other != put.id
                && other.parent().as_ref() == Some(&vnet)
                && world.body(other).and_then(|b| b.pointer("/properties/useRemoteGateways"))
                    == Some(&json!(true))
        });
        if second {
            let message = "Only one peering of a virtual network may use remote gateways.";
            return Err(Refusal::unconfirmed(&unconfirmed::SECOND_REMOTE, message));
        }
        if world.gateway_of(&remote).is_none() {
            let message =
                format!("Peering {} cannot use remote gateways: {remote} has none.", put.id);
            return Err(Refusal::new(400, "RemoteVnetHasNoGateways", message));
        }
        if world.gateway_of(&vnet).is_some() {
            let message = format!("{vnet} has a gateway of its own and cannot use a remote one.");
            return Err(Refusal::unconfirmed(&unconfirmed::OWN_GATEWAY, message));
        }
        Ok(())
    }

    fn accept(&self, world: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        for key in ["allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways"] {
            default(&mut properties, key, json!(false));
        }
        default(&mut properties, "allowVirtualNetworkAccess", json!(true));
        default(&mut properties, "doNotVerifyRemoteGateways", json!(false));
        default(&mut properties, "peerCompleteVnets", json!(true));
        properties["routeServiceVips"] = json!({});
        let remote = id_at(put.body, REMOTE);
        let both = put
            .id
            .parent()
            .zip(remote.clone())
            .and_then(|(vnet, remote)| other_side(world, &vnet, &remote))
            .is_some();
        properties["peeringState"] = json!(if both { "Connected" } else { "Initiated" });
        properties["peeringSyncLevel"] =
            json!(if both { "FullyInSync" } else { "RemoteNotInSync" });
        let space: Vec<String> =
            remote.iter().flat_map(|remote| spaces(world, remote)).map(|p| p.to_string()).collect();
        properties["remoteAddressSpace"] =
            json!({ "addressPrefixes": space, "ipamPoolPrefixAllocations": [] });
        properties["remoteVirtualNetworkAddressSpace"] =
            json!({ "addressPrefixes": space, "ipamPoolPrefixAllocations": [] });
        if properties["useRemoteGateways"] == json!(true)
            && let Some(gateway) = remote.and_then(|remote| world.gateway_of(&remote))
        {
            properties["remoteGateways"] = json!([{ "id": gateway.as_str() }]);
        } else if let Some(properties) = properties.as_object_mut() {
            properties.remove("remoteGateways");
        }
        json!({
            "name": put.id.name(),
            "id": put.id.as_str(),
            "properties": properties,
            "type": put.id.resource_type().as_str(),
        })
    }

    fn joins(&self, _: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        self.references(body).into_iter().map(|remote| (remote, "peer/action")).collect()
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        id_at(body, REMOTE).into_iter().collect()
    }

    fn also_locks(&self, body: &Value) -> Vec<ResourceId> {
        self.references(body)
    }

    fn accepted(&self, world: &mut World, id: &ResourceId) {
        set_other_side(world, id, None, "Connected", "FullyInSync");
    }

    fn deleted(&self, world: &mut World, id: &ResourceId, body: &Value) {
        set_other_side(world, id, Some(body), "Disconnected", "RemoteNotInSync");
    }
}

fn spaces(world: &World, vnet: &ResourceId) -> Vec<IpNet> {
    world
        .body(vnet)
        .and_then(|body| body.pointer("/properties/addressSpace/addressPrefixes"))
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(|p| p.as_str()?.parse().ok()).collect())
        .unwrap_or_default()
}

/// The peering of `remote` that leads back to `vnet`.
fn other_side(world: &World, vnet: &ResourceId, remote: &ResourceId) -> Option<ResourceId> {
    world
        .ids()
        .find(|id| {
            id.parent().as_ref() == Some(remote)
                && world.body(id).and_then(|body| id_at(body, REMOTE)).as_ref() == Some(vnet)
        })
        .cloned()
}

fn set_other_side(
    world: &mut World,
    id: &ResourceId,
    gone: Option<&Value>,
    state: &str,
    level: &str,
) {
    let body = gone.or_else(|| world.body(id));
    let remote = body.and_then(|body| id_at(body, REMOTE));
    let Some((vnet, remote)) = id.parent().zip(remote) else {
        return;
    };
    if let Some(other) = other_side(world, &vnet, &remote) {
        world.edit(&other, |body| {
            body["properties"]["peeringState"] = json!(state);
            body["properties"]["peeringSyncLevel"] = json!(level);
        });
    }
}
