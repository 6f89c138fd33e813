//! What does Azure refuse of a connection for what it joins? Regions, pairs, BGP and FastPath.

use std::collections::BTreeSet;

use serde_json::Value;

use super::subnet::prefixes_of;
use super::{Put, id_at};
use crate::arm::read::{self, flag};
use crate::arm::{CircuitView, GatewayView, is_spent, kind, spending_connection};
use crate::model::ResourceId;
use crate::model::azure_limits::{
    CIRCUITS_OF_HUB, CIRCUITS_OF_ONE_LOCATION, VNET_PREFIXES_AT_CREATION, gateway_sku, links_max,
};
use crate::model::net;
use crate::sim::envelope::{Month, is_since};
use crate::sim::network::configured_prefixes;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

/// From then on it is published that both ends of a connection have IPv6, or the gateway has none.
const V6_ON_BOTH_SINCE: Month = (2023, 9);

const GATEWAY: &str = "/properties/virtualNetworkGateway1/id";
/// How a hub's connection names its circuit.
const CIRCUIT_PEERING: &str = "/properties/expressRouteCircuitPeering/id";
/// The other ends that a connection may have.
const OTHERS: [&str; 3] = [
    "/properties/peer/id",
    "/properties/localNetworkGateway2/id",
    "/properties/virtualNetworkGateway2/id",
];

/// Refuses a new connection in another region than its gateway: both stand in one.
pub(super) fn region(world: &World, put: &Put<'_>) -> Result<(), Refusal> {
    if put.stored.is_some() {
        return Ok(());
    }
    let Some(gateway) = id_at(put.body, GATEWAY) else { return Ok(()) };
    match (read::region(put.body), world.location(&gateway)) {
        (Some(own), Some(of_gateway)) if own != of_gateway => {
            let message = format!(
                "Connection {} is in {} and its gateway {gateway} in {}; both must be in one region.",
                put.id,
                own.as_str(),
                of_gateway.as_str()
            );
            Err(Refusal::unconfirmed(&unconfirmed::CONNECTION_REGION, message))
        }
        _ => Ok(()),
    }
}

/// Refuses a second connection between two ends.
pub(super) fn only(world: &World, put: &Put<'_>) -> Result<(), Refusal> {
    if put.stored.is_some() {
        return Ok(());
    }
    let ends = |body: &Value| {
        let other = OTHERS.iter().find_map(|pointer| id_at(body, pointer));
        id_at(body, GATEWAY).zip(other)
    };
    let Some(own) = ends(put.body) else { return Ok(()) };
    let mut others = world.resources.of_type(kind::CONNECTIONS);
    let twin = others.find(|(id, other)| *id != put.id && ends(&other.body).as_ref() == Some(&own));
    match twin {
        None => Ok(()),
        Some((id, _)) => {
            let message = format!("{} and {} are connected already, by {id}.", own.0, own.1);
            Err(Refusal::unconfirmed(&unconfirmed::ENDS_CONNECTED, message))
        }
    }
}

/// Refuses BGP over a tunnel of which an end does not speak it.
pub(super) fn bgp(world: &World, put: &Put<'_>) -> Result<(), Refusal> {
    if !flag(put.body, "/properties/enableBgp") {
        return Ok(());
    }
    let at = |pointer: &str| id_at(put.body, pointer);
    let body = |id: &ResourceId| world.body(id);
    let gateways = [at(GATEWAY), at(OTHERS[2])].into_iter().flatten();
    let silent =
        gateways.filter(|id| body(id).is_some_and(|own| !flag(own, "/properties/enableBgp")));
    let device = at(OTHERS[1]).filter(|id| {
        body(id).is_some_and(|own| own.pointer("/properties/bgpSettings/asn").is_none())
    });
    match silent.chain(device).next() {
        None => Ok(()),
        Some(end) => {
            let message = format!("EnableBgp of {} needs BGP on {end}, which has none.", put.id);
            Err(Refusal::unconfirmed(&unconfirmed::NO_BGP, message))
        }
    }
}

/// Refuses private endpoints past the gateway where nothing else goes past it: the published description of
/// `enablePrivateLinkFastPath` wants `expressRouteGatewayBypass`.
pub(super) fn fast_path(put: &Put<'_>) -> Result<(), Refusal> {
    let on = |key: &str| flag(put.body, &format!("/properties/{key}"));
    if !on("enablePrivateLinkFastPath") || on("expressRouteGatewayBypass") {
        return Ok(());
    }
    let message =
        format!("enablePrivateLinkFastPath of {} needs expressRouteGatewayBypass.", put.id);
    Err(Refusal::unconfirmed(&unconfirmed::NO_FAST_PATH, message))
}

/// Refuses a new connection of a gateway whose subnet has IPv6 to a circuit of which the private peering has none
/// (azure-docs PR 114738), and one of more prefixes than Azure takes at once (E-LINK 2020; azure-facts 2.2).
pub(super) fn prefixes(
    world: &World,
    put: &Put<'_>,
    (gateway, circuit): (&ResourceId, &ResourceId),
) -> Result<(), Refusal> {
    if put.stored.is_some() {
        return Ok(());
    }
    let shown = world.shown();
    let estate = world.estate(&shown);
    let speaks_v6 = estate.circuit(circuit).and_then(|own| own.private.as_ref());
    let alone = speaks_v6.is_some_and(|own| !own.v6) && is_since(put.now, V6_ON_BOTH_SINCE);
    let subnet = world.body(gateway).and_then(|own| GatewayView::of(own).subnet());
    let subnet = subnet.as_ref().and_then(|subnet| world.body(subnet));
    let dual = subnet.is_some_and(|own| prefixes_of(own).iter().any(|own| own.addr().is_ipv6()));
    if alone && dual {
        let message = format!(
            "Gateway {gateway} is dual-stack and the private peering of circuit {circuit} has no IPv6: they cannot be \
             connected."
        );
        return Err(Refusal::unconfirmed(&unconfirmed::GATEWAY_DUAL_STACK, message));
    }
    let count = configured_prefixes(&estate, gateway).len();
    if count <= VNET_PREFIXES_AT_CREATION {
        return Ok(());
    }
    let message = format!(
        "Gateway {gateway} speaks for {count} address prefixes; a connection may have {VNET_PREFIXES_AT_CREATION} \
         when it is made."
    );
    Err(Refusal::unconfirmed(&unconfirmed::PREFIXES_MANY, message))
}

/// Refuses a new connection of networks to a circuit that has networks of the same addresses.
pub(super) fn overlap(
    world: &World,
    put: &Put<'_>,
    (gateway, circuit): (&ResourceId, &ResourceId),
) -> Result<(), Refusal> {
    if put.stored.is_some() || !world.network.refuses_overlap() {
        return Ok(());
    }
    let shown = world.shown();
    let estate = world.estate(&shown);
    let ours = configured_prefixes(&estate, gateway);
    // One whose authorization is gone is off the circuit (E-LINK), also while its own region cannot say so.
    let linked = estate.connections_of_circuit(circuit);
    for other in linked.filter(|other| !world.network.is_revoked(&other.id)) {
        let theirs = configured_prefixes(&estate, &other.gateway);
        let clash = ours.iter().find(|a| theirs.iter().any(|b| net::overlap(a, b)));
        if let Some(prefix) = clash.filter(|_| other.gateway != *gateway) {
            let message = format!(
                "{prefix} overlaps a virtual network that connection {} links to {circuit}.",
                other.id
            );
            return Err(Refusal::unconfirmed(&unconfirmed::OVERLAP_ON_CIRCUIT, message));
        }
    }
    Ok(())
}

/// Refuses one connection more than a circuit's bandwidth and tier allow. Those of other subscriptions count, which
/// the circuit's authorizations name, and so does Global Reach (azure-facts 2.1).
pub(super) fn room(world: &World, put: &Put<'_>, circuit: &ResourceId) -> Result<(), Refusal> {
    let Some(body) = world.body(circuit).filter(|_| put.stored.is_none()) else { return Ok(()) };
    let view = CircuitView::of(body);
    let Some(mbps) = view.mbps() else { return Ok(()) };
    let networks = world.resources.of_type(kind::CONNECTIONS);
    let networks =
        networks.filter(|(_, own)| id_at(&own.body, OTHERS[0]).as_ref() == Some(circuit));
    let mut all: BTreeSet<ResourceId> = networks.map(|(id, _)| id.clone()).collect();
    let of_hub = |body: &Value| id_at(body, CIRCUIT_PEERING)?.parent();
    let hubs = world.resources.of_type(kind::HUB_CONNECTIONS);
    let hubs = hubs.filter(|(_, own)| of_hub(&own.body).as_ref() == Some(circuit));
    all.extend(hubs.map(|(id, _)| id.clone()));
    let keys = world.resources.of_type(kind::AUTHORIZATIONS);
    let keys = keys.filter(|(id, _)| id.parent().as_ref() == Some(circuit));
    // Where a world says of a key no more than that it is spent, a connection that stands may be who spent it.
    let standing = all.len();
    let mut unnamed = 0_usize;
    for (_, own) in keys {
        match spending_connection(&own.body) {
            Some(named) => _ = all.insert(named),
            None => unnamed += usize::from(is_spent(&own.body)),
        }
    }
    let unnamed = unnamed.saturating_sub(standing);
    let reach = world.resources.of_type(kind::GLOBAL_REACH);
    let of_circuit = |id: &ResourceId| id.root() == *circuit;
    all.extend(reach.map(|(id, _)| id.clone()).filter(of_circuit));
    all.remove(put.id);
    all.retain(|own| !world.network.is_revoked(own));
    let max = links_max(mbps, view.is_tier("Premium"));
    let count = all.len() + unnamed;
    if count < max {
        return Ok(());
    }
    let message = format!("Circuit {circuit} has {count} connections of at most {max}.");
    Err(Refusal::unconfirmed(&unconfirmed::CIRCUIT_FULL, message))
}

/// Refuses one circuit more than a gateway may have: as its SKU allows, eight of a hub's, and four of one peering
/// location (azure-facts 2.4; virtual WAN limits).
pub(super) fn gateway_room(
    world: &World,
    put: &Put<'_>,
    (gateway, circuit): (&ResourceId, &ResourceId),
) -> Result<(), Refusal> {
    let Some(body) = world.body(gateway).filter(|_| put.stored.is_none()) else { return Ok(()) };
    let max = match gateway.is_a(kind::GATEWAYS) {
        true => GatewayView::of(body).sku().and_then(gateway_sku).map(|sku| sku.circuits),
        false => Some(CIRCUITS_OF_HUB),
    };
    let networks = world.resources.of_type(kind::CONNECTIONS);
    let networks = networks
        .filter(|(id, own)| *id != put.id && id_at(&own.body, GATEWAY).as_ref() == Some(gateway))
        .filter_map(|(_, own)| id_at(&own.body, OTHERS[0]));
    let hubs = world.resources.of_type(kind::HUB_CONNECTIONS);
    let hubs = hubs
        .filter(|(id, _)| *id != put.id && id.parent().as_ref() == Some(gateway))
        .filter_map(|(_, own)| id_at(&own.body, CIRCUIT_PEERING)?.parent());
    let others: Vec<ResourceId> = networks.chain(hubs).collect();
    let place =
        |circuit: &ResourceId| world.body(circuit).and_then(|b| CircuitView::of(b).location());
    let here = place(circuit);
    let near = others.iter().filter(|own| here.is_some() && place(own) == here).count();
    let refused = if max.is_some_and(|max| others.len() >= max) {
        format!("Gateway {gateway} has {} circuits already.", others.len())
    } else if near >= CIRCUITS_OF_ONE_LOCATION {
        format!("Gateway {gateway} has {near} circuits of {} already.", here.unwrap_or_default())
    } else {
        return Ok(());
    };
    Err(Refusal::unconfirmed(&unconfirmed::GATEWAY_FULL, refused))
}
