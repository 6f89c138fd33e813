//! What does a gateway know and tell? Its learned and advertised routes and its BGP peers.
//!
//! Rows are those of azure-facts 5.4. A gateway has two peers for each connection: the two
//! Microsoft edge routers of the circuit, the primary's first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::estate::{Dead, Estate, EstateConnection, ExpressRouteGateway};
use super::onprem::OnPrem;
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
    onprem: &OnPrem,
    circuit: &ResourceId,
    path: CircuitPath,
) -> BTreeMap<IpNet, Vec<u32>> {
    let mut heard: BTreeMap<IpNet, Vec<u32>> = BTreeMap::new();
    for link in onprem.links_up(circuit).filter(|link| link.path == path) {
        let as_path = link.as_path(onprem.asn);
        for network in onprem.advertised(link) {
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
            rows.extend(learned_from(onprem, &peer, local));
        }
    }
    rows
}

fn learned_from(onprem: &OnPrem, peer: &Peer, local: IpAddr) -> Vec<RouteRow> {
    heard(onprem, &peer.connection.circuit, peer.path)
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
    let told = peers(estate, gateway).into_iter().any(|candidate| {
        candidate.address == peer && estate.carries(onprem, &candidate.connection).is_ok()
    });
    if !told {
        return Vec::new();
    }
    advertised_prefixes(estate, &gateway.id)
        .iter()
        .map(|network| RouteRow {
            local_address: local,
            network: *network,
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
                Ok(()) => count(learned_from(onprem, &peer, local).len()),
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
mod tests {
    use super::super::testing::{Lab, connection, gateway, net};
    use super::*;

    fn networks(rows: &[RouteRow], origin: &str) -> Vec<String> {
        rows.iter().filter(|row| row.origin == origin).map(|row| row.network.to_string()).collect()
    }

    fn learned(lab: &Lab, place: &str) -> Vec<RouteRow> {
        learned_routes(&lab.estate(), &lab.onprem, &gateway(place))
    }

    fn told(lab: &Lab, place: &str) -> Vec<String> {
        let estate = lab.estate();
        let mut prefixes: Vec<String> = bgp_peers(&estate, &lab.onprem, &gateway(place))
            .iter()
            .flat_map(|peer| {
                advertised_routes(&estate, &lab.onprem, &gateway(place), peer.neighbor)
            })
            .map(|row| row.network.to_string())
            .collect();
        prefixes.sort();
        prefixes.dedup();
        prefixes
    }

    #[test]
    fn a_gateway_learns_from_both_edges_and_shows_its_own_networks() {
        let rows = learned(&Lab::new(), "ea");
        assert_eq!(networks(&rows, "Network"), ["10.1.0.0/24", "10.10.10.0/24"]);
        assert_eq!(networks(&rows, "EBgp"), ["10.100.0.0/16", "10.100.0.0/16"]);
        assert_eq!(
            serde_json::to_value(&rows[2]).unwrap(),
            serde_json::json!({
                "localAddress": "10.10.10.140", "network": "10.100.0.0/16",
                "nextHop": "10.10.10.132", "sourcePeer": "10.10.10.132", "origin": "EBgp",
                "asPath": "12076-65001", "weight": 32_769,
            })
        );
        assert_eq!(rows[3].next_hop, "10.10.10.133");
    }

    #[test]
    fn a_spoke_that_does_not_use_the_remote_gateway_is_not_advertised() {
        let mut lab = Lab::new();
        assert_eq!(told(&lab, "ea"), ["10.1.0.0/24", "10.10.10.0/24"]);
        lab.set(&Lab::peering("spoke-ea", "hub-ea"), "/properties/useRemoteGateways", false);
        assert_eq!(told(&lab, "ea"), ["10.10.10.0/24"]);
    }

    #[test]
    fn a_spoke_is_advertised_only_while_the_hub_allows_transit() {
        let mut lab = Lab::new();
        lab.set(&Lab::peering("hub-ea", "spoke-ea"), "/properties/allowGatewayTransit", false);
        assert_eq!(told(&lab, "ea"), ["10.10.10.0/24"]);
    }

    #[test]
    fn a_spoke_is_gone_when_either_side_is_deleted_or_disconnected() {
        for (from, to) in [("hub-ea", "spoke-ea"), ("spoke-ea", "hub-ea")] {
            let mut lab = Lab::new();
            lab.set(&Lab::peering(from, to), "/properties/peeringState", "Disconnected");
            assert_eq!(told(&lab, "ea"), ["10.10.10.0/24"], "{from} disconnected");
            lab.bodies.remove(&Lab::peering(from, to));
            assert_eq!(told(&lab, "ea"), ["10.10.10.0/24"], "{from} deleted");
        }
    }

    #[test]
    fn a_gateway_in_a_dead_region_neither_learns_nor_advertises() {
        let mut lab = Lab::new();
        lab.down.insert(crate::model::Region::parse("East Asia").unwrap());
        assert!(learned(&lab, "ea").is_empty());
        assert!(told(&lab, "ea").is_empty());
        assert!(advertised_prefixes(&lab.estate(), &gateway("ea")).is_empty());
        assert_eq!(told(&lab, "sea"), ["10.2.0.0/24", "10.20.10.0/24"]);
    }

    #[test]
    fn one_link_down_leaves_the_other() {
        let mut lab = Lab::new();
        lab.links("ea").next().unwrap().up = false;
        let rows = learned(&lab, "ea");
        let from: Vec<_> = rows
            .iter()
            .filter(|row| row.origin == "EBgp")
            .map(|row| row.next_hop.as_str())
            .collect();
        assert_eq!(from, ["10.10.10.133"]);
        let received: Vec<_> = bgp_peers(&lab.estate(), &lab.onprem, &gateway("ea"))
            .into_iter()
            .map(|peer| (peer.state, peer.routes_received))
            .collect();
        assert_eq!(received, [("Connected".to_owned(), 0), ("Connected".to_owned(), 1)]);
    }

    #[test]
    fn a_connection_that_carries_nothing_is_connected_and_brings_no_route() {
        let mut lab = Lab::new();
        lab.silent.insert(connection("ea"));
        assert!(networks(&learned(&lab, "ea"), "EBgp").is_empty());
        assert!(told(&lab, "ea").is_empty());
        let estate = lab.estate();
        let silent = lab.connection(&connection("ea"));
        assert_eq!(connection_status(&estate, &lab.onprem, &silent), "Connected");
        for peer in bgp_peers(&estate, &lab.onprem, &gateway("ea")) {
            assert_eq!((peer.state.as_str(), peer.routes_received), ("Connected", 0));
        }
    }

    #[test]
    fn a_connection_counts_only_when_everything_it_stands_on_is_ready() {
        use super::super::testing::circuit;
        let broken: [(ResourceId, &str, &str, Dead); 5] = [
            (connection("ea"), "/properties/provisioningState", "Updating", Dead::EstateConnection),
            (gateway("ea"), "/properties/provisioningState", "Updating", Dead::Gateway),
            (
                circuit("ea"),
                "/properties/circuitProvisioningState",
                "Disabled",
                Dead::EstateCircuit,
            ),
            (
                circuit("ea"),
                "/properties/serviceProviderProvisioningState",
                "NotProvisioned",
                Dead::EstateCircuit,
            ),
            (circuit("ea"), "/properties/peerings/0/properties/state", "Disabled", Dead::Peering),
        ];
        for (what, pointer, value, why) in broken {
            let mut lab = Lab::new();
            lab.set(&what, pointer, value);
            let connection = lab.connection(&connection("ea"));
            let estate = lab.estate();
            assert_eq!(estate.carries(&lab.onprem, &connection), Err(why));
            assert!(networks(&learned(&lab, "ea"), "EBgp").is_empty(), "{pointer}");
            assert!(told(&lab, "ea").is_empty(), "{pointer}");
            assert_eq!(connection_status(&estate, &lab.onprem, &connection), "NotConnected");
        }
    }

    #[test]
    fn no_link_up_or_another_number_means_no_route() {
        let mut lab = Lab::new();
        lab.links("ea").for_each(|link| link.up = false);
        assert!(networks(&learned(&lab, "ea"), "EBgp").is_empty());
        let mut lab = Lab::new();
        lab.onprem.asn = 65_002;
        assert!(networks(&learned(&lab, "ea"), "EBgp").is_empty());
    }

    #[test]
    fn a_second_connection_brings_its_weight_and_two_more_peers() {
        let mut lab = Lab::new();
        lab.connect("ea", "sea", 100);
        let estate = lab.estate();
        let peers = bgp_peers(&estate, &lab.onprem, &gateway("ea"));
        let addresses: Vec<String> = peers.iter().map(|p| p.neighbor.to_string()).collect();
        assert_eq!(addresses, ["10.10.10.132", "10.10.10.133", "10.10.10.134", "10.10.10.135"]);
        let weights: Vec<u32> = learned(&lab, "ea")
            .iter()
            .filter(|row| row.origin == "EBgp")
            .map(|row| row.weight)
            .collect();
        assert_eq!(weights, [32_769, 32_769, 32_869, 32_869]);
    }

    #[test]
    fn no_peer_has_the_gateways_own_address_however_many_there_are() {
        let mut lab = Lab::new();
        for extra in 0..8 {
            let body = lab.bodies[&connection("ea")].clone();
            lab.bodies.insert(connection(&format!("more-{extra}")), body);
        }
        let estate = lab.estate();
        let peers = bgp_peers(&estate, &lab.onprem, &gateway("ea"));
        let distinct: BTreeSet<_> = peers.iter().map(|peer| peer.neighbor).collect();
        assert_eq!(distinct.len(), 18);
        assert!(!distinct.contains(&peers[0].local_address));
    }

    #[test]
    fn an_override_and_prepending_are_heard_as_configured() {
        let mut lab = Lab::new();
        for link in lab.links("ea") {
            link.advertise = Some(vec![net("10.0.0.7/8")]);
            link.as_path_prepend = 2;
        }
        let rows = learned(&lab, "ea");
        assert_eq!(networks(&rows, "EBgp"), ["10.0.0.0/8", "10.0.0.0/8"]);
        assert_eq!(rows[3].as_path, "12076-65001-65001-65001");
    }

    #[test]
    fn a_stranger_is_told_nothing() {
        let lab = Lab::new();
        let stranger = "10.10.10.200".parse().unwrap();
        assert!(advertised_routes(&lab.estate(), &lab.onprem, &gateway("ea"), stranger).is_empty());
    }
}
