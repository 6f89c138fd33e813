//! What is a peering of virtual networks? Two sides, of which each changes the other's state.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{Provider, Put, default};
use crate::arm;
use crate::arm::kind;
use crate::model::ResourceId;
use crate::model::net::clash;
use crate::sim::body_rule::BodyRule;
use crate::sim::consequence::Consequence;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct NetworkPeeringType;

/// The addresses of the other network that a side knows of.
const KNOWN: &str = "/properties/remoteAddressSpace/addressPrefixes";

/// What a side says of its own network's addresses, since api-version 2024-05-01.
const LOCAL: [&str; 2] = ["localAddressSpace", "localVirtualNetworkAddressSpace"];

/// Refuses the use of the other network's gateway where it has none or does not lend it, or this one has its own.
fn may_use_remote(
    world: &World,
    put: &Put<'_>,
    (vnet, remote): (&ResourceId, &ResourceId),
    other_side: Option<&ResourceId>,
) -> Result<(), Refusal> {
    let second = world.resources.children(vnet).any(|(other, side)| {
        other != put.id && side.body.pointer("/properties/useRemoteGateways") == Some(&json!(true))
    });
    if second {
        let message = "Only one peering of a virtual network may use remote gateways.";
        return Err(Refusal::unconfirmed(&unconfirmed::SECOND_REMOTE, message));
    }
    if world.gateway_of(remote).is_none() && world.route_server_of(remote).is_none() {
        let message = format!("Peering {} cannot use remote gateways: {remote} has none.", put.id);
        return Err(Refusal::new(400, "RemoteVnetHasNoGateways", message));
    }
    let lends = other_side
        .and_then(|id| world.body(id))
        .is_none_or(|side| side.pointer("/properties/allowGatewayTransit") == Some(&json!(true)));
    if !lends {
        let message = format!(
            "Peering {} cannot have UseRemoteGateways flag set to true because the corresponding \
             peering of {remote} does not have AllowGatewayTransit set to true.",
            put.id
        );
        return Err(Refusal::unconfirmed(&unconfirmed::NOT_LENT, message));
    }
    if world.gateway_of(vnet).is_some() {
        let message = format!("{vnet} has a gateway of its own and cannot use a remote one.");
        return Err(Refusal::unconfirmed(&unconfirmed::OWN_GATEWAY, message));
    }
    if let Some(server) = world.route_server_of(vnet) {
        let message = format!(
            "{vnet} has a Route Server of its own ({server}) and cannot use a remote gateway."
        );
        return Err(Refusal::unconfirmed(&unconfirmed::OWN_GATEWAY, message));
    }
    Ok(())
}

impl Provider for NetworkPeeringType {
    fn kind(&self) -> &'static str {
        kind::PEERINGS
    }

    fn word(&self) -> &'static str {
        "VirtualNetworkPeering"
    }

    fn has_guid(&self) -> bool {
        true
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[BodyRule::Needs(&["/properties/remoteVirtualNetwork"])]
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let (Some(vnet), Some(remote)) = (put.id.parent(), arm::PeeringView::of(put.body).remote())
        else {
            let message = "A peering needs remoteVirtualNetwork.";
            return Err(Refusal::new(400, "InvalidRequestFormat", message));
        };
        if clash(&spaces(world, &vnet), &spaces(world, &remote)).is_some() {
            let message = format!("The address spaces of {vnet} and {remote} overlap.");
            return Err(Refusal::unconfirmed(&unconfirmed::PEERS_OVERLAP, message));
        }
        let twice = leads_there_already(world, put.id, &vnet, &remote);
        if let Some(refusal) = twice.or_else(|| meets_a_peer(world, &vnet, &remote)) {
            return Err(refusal);
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
        may_use_remote(world, put, (&vnet, &remote), other.as_ref())
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
        let remote = arm::PeeringView::of(put.body).remote();
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
        // What it knows of the other network's addresses changes when somebody asks for that.
        let known = put.stored.and_then(|stored| stored.pointer(KNOWN)).filter(|_| !put.syncs);
        let known = known.cloned().unwrap_or_else(|| json!(space));
        properties["remoteAddressSpace"] =
            json!({ "addressPrefixes": known, "ipamPoolPrefixAllocations": [] });
        properties["remoteVirtualNetworkAddressSpace"] =
            json!({ "addressPrefixes": space, "ipamPoolPrefixAllocations": [] });
        let own: Vec<String> = put
            .id
            .parent()
            .iter()
            .flat_map(|vnet| spaces(world, vnet))
            .map(|prefix| prefix.to_string())
            .collect();
        for key in LOCAL {
            properties[key] = json!({ "addressPrefixes": own, "ipamPoolPrefixAllocations": [] });
        }
        hears_of(world, remote.as_ref(), &mut properties);
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

    fn needs_references_idle(&self) -> bool {
        // The very same condition is a 400 on a peering (docs/wire.md 3).
        true
    }

    fn joins(&self, _: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        self.references(body).into_iter().map(|remote| (remote, "peer/action")).collect()
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        arm::PeeringView::of(body).remote().into_iter().collect()
    }

    fn also_locks(&self, body: &Value) -> Vec<ResourceId> {
        self.references(body)
    }

    fn accepted(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        let Some(body) = world.body(id) else { return Vec::new() };
        let mut follows: Vec<Consequence> =
            set_other_side(world, id, body, "Connected", "FullyInSync").into_iter().collect();
        follows.extend(levels(world, id, None));
        follows
    }

    fn deleted(&self, world: &World, id: &ResourceId, body: &Value) -> Vec<Consequence> {
        set_other_side(world, id, body, "Disconnected", "RemoteNotInSync").into_iter().collect()
    }
}

/// What the other network says of itself and its peers hear.
fn hears_of(world: &World, remote: Option<&ResourceId>, properties: &mut Value) {
    for (key, of) in [
        ("remoteBgpCommunities", "bgpCommunities"),
        ("remoteVirtualNetworkEncryption", "encryption"),
    ] {
        let there = remote.and_then(|remote| world.body(remote));
        let said = there.and_then(|body| body["properties"].get(of)).cloned();
        match (said, properties.as_object_mut()) {
            (Some(said), _) => properties[key] = said,
            (None, Some(properties)) => drop(properties.remove(key)),
            (None, None) => {}
        }
    }
}

fn spaces(world: &World, vnet: &ResourceId) -> Vec<IpNet> {
    world.body(vnet).map(|body| arm::VirtualNetworkView::of(body).space()).unwrap_or_default()
}

/// One peering of a network leads to another, under whatever name.
fn leads_there_already(
    world: &World,
    id: &ResourceId,
    vnet: &ResourceId,
    remote: &ResourceId,
) -> Option<Refusal> {
    let (other, _) = world.resources.children(vnet).find(|(other, side)| {
        *other != id
            && other.is_a(NetworkPeeringType.kind())
            && arm::PeeringView::of(&side.body).leads_to(remote)
    })?;
    let message = format!(
        "Cannot create or update peering {id}. Virtual network {vnet} already has a peering {other} \
         referencing remote virtual network {remote}."
    );
    Some(Refusal::unconfirmed(&unconfirmed::REMOTE_TWICE, message))
}

/// Two networks with the same addresses cannot both be beside a third (AzureTRE 4641).
fn meets_a_peer(world: &World, vnet: &ResourceId, remote: &ResourceId) -> Option<Refusal> {
    for (first, second) in [(vnet, remote), (remote, vnet)] {
        let ours = spaces(world, first);
        let beside = world
            .resources
            .children(second)
            .filter_map(|(_, side)| arm::PeeringView::of(&side.body).remote());
        for peer in beside.filter(|peer| peer != first && peer != second) {
            let theirs = spaces(world, &peer);
            let Some((overlap, _)) = clash(&ours, &theirs) else { continue };
            let message = format!(
                "Virtual networks {vnet} and {remote} cannot be peered because address space of the \
                 first virtual network overlaps with address space of virtual network {peer} already \
                 peered with the second virtual network. Overlapping address prefixes: {overlap}."
            );
            return Some(Refusal::new(
                400,
                "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
                message,
            ));
        }
    }
    None
}

/// The addresses of a network have changed: the peerings that lead to it know of `before`.
pub(super) fn space_changed(world: &World, vnet: &ResourceId, before: &Value) -> Vec<Consequence> {
    let leads_here = |id: &&ResourceId| {
        world.body(id).and_then(|body| arm::PeeringView::of(body).remote()).as_ref() == Some(vnet)
    };
    let is_side = |id: &&ResourceId| id.is_a(NetworkPeeringType.kind());
    let sides: Vec<ResourceId> = world.ids().filter(is_side).filter(leads_here).cloned().collect();
    let now: Vec<String> = spaces(world, vnet).iter().map(ToString::to_string).collect();
    let near: Vec<ResourceId> =
        world.resources.children(vnet).map(|(id, _)| id).filter(is_side).cloned().collect();
    let space = json!({ "addressPrefixes": now, "ipamPoolPrefixAllocations": [] });
    // What was last synced stays; what the network has is said at once.
    let mut follows: Vec<Consequence> =
        near.iter().map(|side| Consequence::set(side, json!({ LOCAL[1]: space }))).collect();
    for side in sides {
        follows.extend(Consequence::change(world, &side, |body| {
            let properties = &mut body["properties"];
            let known = json!({ "addressPrefixes": before, "ipamPoolPrefixAllocations": [] });
            default(properties, "remoteAddressSpace", known);
            properties["remoteVirtualNetworkAddressSpace"] = space.clone();
        }));
        follows.extend(levels(world, &side, Some(before)));
    }
    follows
}

/// Whether a side knows of other addresses than the other network has; one that says nothing knows of `usual`.
fn is_behind(world: &World, side: &ResourceId, usual: Option<&Value>) -> bool {
    let body = world.body(side);
    let known = body.and_then(|body| body.pointer(KNOWN)).or(usual).and_then(Value::as_array);
    let remote = body.and_then(|body| arm::PeeringView::of(body).remote());
    let (Some(known), Some(remote)) = (known, remote) else { return false };
    let known: Vec<IpNet> = known.iter().filter_map(|p| p.as_str()?.parse().ok()).collect();
    let now = spaces(world, &remote);
    known.len() != now.len() || !known.iter().all(|own| now.contains(own))
}

/// Says on both sides of a peering which of them is behind; a side that stands alone keeps what it says.
fn levels(world: &World, side: &ResourceId, usual: Option<&Value>) -> Vec<Consequence> {
    let remote = world.body(side).and_then(|body| arm::PeeringView::of(body).remote());
    let other = side.parent().zip(remote).and_then(|(vnet, far)| other_side(world, &vnet, &far));
    let Some(other) = other else { return Vec::new() };
    let behind = (is_behind(world, side, usual), is_behind(world, &other, None));
    let level = |(own, others): (bool, bool)| match (own, others) {
        (false, false) => "FullyInSync",
        // The side that does not know yet is the one to be synced (azure-facts 9).
        (true, false) => "LocalNotInSync",
        (false, true) => "RemoteNotInSync",
        (true, true) => "LocalAndRemoteNotInSync",
    };
    [(side, behind), (&other, (behind.1, behind.0))]
        .map(|(id, behind)| Consequence::set(id, json!({ "peeringSyncLevel": level(behind) })))
        .into()
}

/// The peering of `remote` that leads back to `vnet`.
fn other_side(world: &World, vnet: &ResourceId, remote: &ResourceId) -> Option<ResourceId> {
    let mut sides = world.resources.children(remote);
    sides
        .find(|(_, side)| arm::PeeringView::of(&side.body).leads_to(vnet))
        .map(|(id, _)| id.clone())
}

/// What a side means for the other one, where that is there.
fn set_other_side(
    world: &World,
    id: &ResourceId,
    body: &Value,
    state: &str,
    level: &str,
) -> Option<Consequence> {
    let other = other_side(world, &id.parent()?, &arm::PeeringView::of(body).remote()?)?;
    let properties = json!({ "peeringState": state, "peeringSyncLevel": level });
    Some(Consequence::set(&other, properties))
}
