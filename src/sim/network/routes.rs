//! What does a gateway know and tell? Its learned and advertised routes and its BGP peers.
//!
//! Rows are those of azure-facts 5.4. A gateway has two peers for each connection: the two
//! Microsoft edge routers of the circuit, the primary's first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::estate::Estate;
use super::onprem::OnPrem;
use super::parts::{Dead, EstateConnection, ExpressRouteGateway};
use crate::arm::CircuitPath;
use crate::model::ResourceId;

/// The autonomous system of Microsoft's edge (azure-facts 5.4).
pub const MICROSOFT_ASN: u32 = 12_076;

/// The autonomous system of Azure's gateways: what a gateway's `bgpSettings.asn` is unless set.
pub const GATEWAY_ASN: u32 = 65_515;

/// The weight of a gateway's own routes; Azure's tables start here and add the connection's.
const WEIGHT_LOCAL: u32 = 32_768;

/// Addresses of a subnet that Azure keeps for itself before the first that is used.
const SUBNET_RESERVED: u32 = 4;

/// Where in its subnet a gateway speaks from: past the peers of its first four connections.
const LOCAL_OFFSET: u32 = 12;

/// A row of `getLearnedRoutes` and `getAdvertisedRoutes`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteRow {
    /// The gateway's own address.
    pub local_address: IpAddr,
    /// The destination.
    pub network: IpNet,
    /// The next hop; empty for the gateway's own networks.
    pub next_hop: String,
    /// Who said so.
    pub source_peer: IpAddr,
    /// `Network` for own networks, `EBgp` for learned ones, `Igp` for advertised ones.
    pub origin: String,
    /// AS numbers joined by `-`; empty for own networks, starting with 12076 over ExpressRoute.
    pub as_path: String,
    /// The larger wins.
    pub weight: u32,
}

/// A row of `getBgpPeerStatus`. How long the session stands is not modelled and left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BgpPeerRow {
    /// The gateway's own address.
    pub local_address: IpAddr,
    /// The peer's.
    pub neighbor: IpAddr,
    /// The peer's autonomous system.
    pub asn: u32,
    /// `Connected` or `Idle`.
    pub state: String,
    /// How many routes came from it.
    pub routes_received: u64,
    /// An OPEN, a KEEPALIVE and an UPDATE for each route told.
    pub messages_sent: u64,
    /// The same for each route heard.
    pub messages_received: u64,
}

/// One of the two Microsoft edges of a connection, as the gateway sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) connection: EstateConnection,
    pub(super) path: CircuitPath,
    pub(super) address: IpAddr,
}

/// What came over one edge: each network with the shortest customer path it was heard with.
pub(super) fn heard(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    circuit: &ResourceId,
    path: CircuitPath,
) -> BTreeMap<IpNet, Vec<u32>> {
    let mut heard: BTreeMap<IpNet, Vec<u32>> = BTreeMap::new();
    for link in onprem.links_up(circuit).filter(|link| link.path == path) {
        let as_path = link.as_path(onprem.asn);
        let crosses = |network: &IpNet| estate.crosses(circuit, network);
        for network in onprem.advertised(link).into_iter().filter(crosses) {
            let best = heard.entry(network).or_insert_with(|| as_path.clone());
            if as_path.len() < best.len() {
                best.clone_from(&as_path);
            }
        }
    }
    heard
}

/// The address that a gateway speaks BGP from: what its body says, else one of its subnet's.
#[must_use]
pub fn local_address(estate: &Estate<'_>, gateway: &ExpressRouteGateway) -> Option<IpAddr> {
    estate
        .bgp_address(&gateway.id)
        .or_else(|| Some(address_in(subnet_of(estate, gateway)?, LOCAL_OFFSET)))
}

fn subnet_of(estate: &Estate<'_>, gateway: &ExpressRouteGateway) -> Option<IpNet> {
    if let Some(hub) = &gateway.hub {
        return crate::arm::read::prefix(estate.body(hub)?, "/properties/addressPrefix");
    }
    let subnet = gateway.subnet.as_ref()?;
    estate.subnet_prefix(subnet).or_else(|| {
        let vnet = estate.vnet(gateway.vnet.as_ref()?)?;
        vnet.prefixes.first().copied()
    })
}

fn address_in(net: IpNet, offset: u32) -> IpAddr {
    match net.network() {
        IpAddr::V4(base) => IpAddr::from(u32::from(base).wrapping_add(offset).to_be_bytes()),
        IpAddr::V6(base) => {
            IpAddr::from(u128::from(base).wrapping_add(u128::from(offset)).to_be_bytes())
        }
    }
}

/// The peers of a gateway: two for each connection it has, whether that carries or not.
pub(super) fn peers(estate: &Estate<'_>, gateway: &ExpressRouteGateway) -> Vec<Peer> {
    let Some(subnet) = subnet_of(estate, gateway) else {
        return Vec::new();
    };
    let mut peers = Vec::new();
    let mut offset = SUBNET_RESERVED;
    for connection in estate.connections_of_gateway(&gateway.id) {
        for path in CircuitPath::BOTH {
            if offset == LOCAL_OFFSET {
                offset += 2;
            }
            peers.push(Peer {
                connection: connection.clone(),
                path,
                address: address_in(subnet, offset),
            });
            offset += 1;
        }
    }
    peers
}

/// The networks behind a gateway that it speaks for: the hub's own, and those of each spoke whose
/// peering uses the remote gateway, with both sides `Connected` and transit allowed by the hub's
/// (azure-facts 1.6). By network.
///
/// Empty when the gateway is not there, not finished, or in a region that is down.
#[must_use]
pub fn advertised_prefixes(estate: &Estate<'_>, gateway: &ResourceId) -> Arc<BTreeSet<IpNet>> {
    match estate.gateway_lives(gateway) {
        Ok(_) => estate.told(gateway),
        Err(_) => Arc::default(),
    }
}

/// What of that a connection's circuit takes ([`Estate::crosses`]).
pub(super) fn told_over(estate: &Estate<'_>, connection: &EstateConnection) -> Vec<IpNet> {
    let told = advertised_prefixes(estate, &connection.gateway);
    told.iter().copied().filter(|network| estate.crosses(&connection.circuit, network)).collect()
}

/// The networks that a gateway would speak for if everything were well: what Azure's own records say,
/// whatever its region does.
#[must_use]
pub fn configured_prefixes(estate: &Estate<'_>, gateway: &ResourceId) -> BTreeSet<IpNet> {
    (*estate.told(gateway)).clone()
}

/// Works [`configured_prefixes`] out.
pub(super) fn prefixes_behind(estate: &Estate<'_>, gateway: &ResourceId) -> BTreeSet<IpNet> {
    let found = estate.gateway(gateway);
    if let Some(hub) = found.and_then(|gateway| gateway.hub.as_ref()) {
        return estate.told_by_hub(hub).into_iter().map(|(net, _)| net).collect();
    }
    let hub = found.and_then(|gateway| gateway.vnet.as_ref());
    hub.map(|hub| networks_behind(estate, hub)).unwrap_or_default()
}

/// The networks of a hub and of the spokes that use its gateways.
pub(super) fn networks_behind(estate: &Estate<'_>, hub: &ResourceId) -> BTreeSet<IpNet> {
    let Some(hub) = estate.vnet(hub) else {
        return BTreeSet::new();
    };
    let spokes = estate
        .peerings(&hub.id)
        .iter()
        .filter(|side| side.connected && side.allow_gateway_transit)
        .filter(|side| {
            estate
                .peerings(&side.remote)
                .iter()
                .any(|back| back.remote == hub.id && back.connected && back.use_remote_gateways)
        })
        .filter_map(|side| {
            let spoke = estate.vnet(&side.remote)?.prefixes.iter().copied();
            // What the spoke has got since the last sync is not known to the hub, and what it has given up
            // is not there.
            Some(spoke.filter(|own| side.known.as_ref().is_none_or(|known| known.contains(own))))
        });
    let mut prefixes: BTreeSet<IpNet> = spokes.flatten().collect();
    prefixes.extend(&hub.prefixes);
    prefixes
}

/// The rows of `getLearnedRoutes`: own networks first, then peer by peer.
///
/// Every route that was heard is shown, also those that another one beats.
#[must_use]
pub fn learned_routes(estate: &Estate<'_>, onprem: &OnPrem, gateway: &ResourceId) -> Vec<RouteRow> {
    let Ok(gateway) = estate.gateway_lives(gateway) else {
        return Vec::new();
    };
    let Some(local) = local_address(estate, gateway) else {
        return Vec::new();
    };
    let mut rows: Vec<RouteRow> = advertised_prefixes(estate, &gateway.id)
        .iter()
        .map(|network| RouteRow {
            local_address: local,
            network: *network,
            next_hop: String::new(),
            source_peer: local,
            origin: "Network".to_owned(),
            as_path: String::new(),
            weight: WEIGHT_LOCAL,
        })
        .collect();
    for peer in peers(estate, gateway) {
        if estate.carries(onprem, &peer.connection).is_ok() {
            rows.extend(learned_from(estate, onprem, &peer, local));
        }
    }
    rows
}

fn learned_from(estate: &Estate<'_>, onprem: &OnPrem, peer: &Peer, local: IpAddr) -> Vec<RouteRow> {
    heard(estate, onprem, &peer.connection.circuit, peer.path)
        .into_iter()
        .map(|(network, customer)| RouteRow {
            local_address: local,
            network,
            next_hop: peer.address.to_string(),
            source_peer: peer.address,
            origin: "EBgp".to_owned(),
            as_path: joined(&microsoft_path(&customer), "-"),
            weight: WEIGHT_LOCAL + 1 + peer.connection.weight,
        })
        .collect()
}

/// The AS path of what a gateway hears: Microsoft's edge, then the customer's part.
pub(super) fn microsoft_path(customer: &[u32]) -> Vec<u32> {
    let mut path = vec![MICROSOFT_ASN];
    path.extend(customer);
    path
}

pub(super) fn joined(as_path: &[u32], between: &str) -> String {
    let numbers: Vec<String> = as_path.iter().map(u32::to_string).collect();
    numbers.join(between)
}

/// The rows of `getAdvertisedRoutes?peer=`: what the gateway tells one of its peers, by network.
///
/// Empty when the peer is none of the gateway's, or its connection carries nothing.
#[must_use]
pub fn advertised_routes(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    gateway: &ResourceId,
    peer: IpAddr,
) -> Vec<RouteRow> {
    let Ok(gateway) = estate.gateway_lives(gateway) else {
        return Vec::new();
    };
    let Some(local) = local_address(estate, gateway) else {
        return Vec::new();
    };
    let told = peers(estate, gateway).into_iter().find(|candidate| {
        candidate.address == peer && estate.carries(onprem, &candidate.connection).is_ok()
    });
    let Some(told) = told else {
        return Vec::new();
    };
    told_over(estate, &told.connection)
        .into_iter()
        .map(|network| RouteRow {
            local_address: local,
            network,
            next_hop: local.to_string(),
            source_peer: local,
            origin: "Igp".to_owned(),
            as_path: GATEWAY_ASN.to_string(),
            weight: 0,
        })
        .collect()
}

/// The rows of `getBgpPeerStatus`: two for each connection, the primary edge's first.
///
/// A session is between the gateway and Microsoft's edge, so it stands also when no link to
/// on-premises does, or when a fault lets nothing through: then it brings no routes.
#[must_use]
pub fn bgp_peers(estate: &Estate<'_>, onprem: &OnPrem, gateway: &ResourceId) -> Vec<BgpPeerRow> {
    let Ok(gateway) = estate.gateway_lives(gateway) else {
        return Vec::new();
    };
    let Some(local) = local_address(estate, gateway) else {
        return Vec::new();
    };
    peers(estate, gateway)
        .into_iter()
        .map(|peer| {
            let carries = estate.carries(onprem, &peer.connection);
            let received = match carries {
                Ok(()) => count(learned_from(estate, onprem, &peer, local).len()),
                Err(_) => 0,
            };
            let told = count(advertised_routes(estate, onprem, &gateway.id, peer.address).len());
            let (state, greeting) = if attached(&carries) { ("Connected", 2) } else { ("Idle", 0) };
            BgpPeerRow {
                local_address: local,
                neighbor: peer.address,
                asn: MICROSOFT_ASN,
                state: state.to_owned(),
                routes_received: received,
                messages_sent: greeting + told,
                messages_received: greeting + received,
            }
        })
        .collect()
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Whether Azure's own half stands: what is missing, if anything, is the customer's or a fault.
fn attached(carries: &Result<(), Dead>) -> bool {
    matches!(carries, Ok(()) | Err(Dead::Links | Dead::Silent))
}

/// The `connectionStatus` that a connection settles at: `Connected` or `NotConnected`.
///
/// It speaks of Azure's own half, so a connection may be `Connected` and bring no route at all:
/// that is why a connection is only believed when routes are seen. `Unknown` and `Connecting`, which
/// come before (azure-facts 3.3), are the world's to show.
#[must_use]
pub fn connection_status(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    connection: &EstateConnection,
) -> &'static str {
    if attached(&estate.carries(onprem, connection)) { "Connected" } else { "NotConnected" }
}

#[cfg(test)]
mod tests;
