//! What does a gateway learn, and what does it tell?

use super::super::testing::{Lab, connection, gateway, id, net};
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
        .flat_map(|peer| advertised_routes(&estate, &lab.onprem, &gateway(place), peer.neighbor))
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
    let from: Vec<_> =
        rows.iter().filter(|row| row.origin == "EBgp").map(|row| row.next_hop.as_str()).collect();
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
        (circuit("ea"), "/properties/circuitProvisioningState", "Disabled", Dead::EstateCircuit),
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
fn a_gateway_that_tells_too_much_or_whose_subnet_takes_no_gateway_routes_carries_nothing() {
    let space = |count: usize| -> serde_json::Value {
        (0..count).map(|n| format!("10.{}.{}.0/24", 60 + n / 256, n % 256)).collect()
    };
    let hub = id("virtualNetworks", "hub-ea");
    // With the spoke's own prefix.
    for (count, expected) in [(999, Ok(())), (1_000, Err(Dead::Prefixes(1_001)))] {
        let mut lab = Lab::new();
        lab.set(&hub, "/properties/addressSpace/addressPrefixes", space(count));
        let own = lab.connection(&connection("ea"));
        assert_eq!(lab.estate().carries(&lab.onprem, &own), expected);
    }
    let mut lab = Lab::new();
    let table = id("routeTables", "rt");
    let subnet = hub.child("subnets", "GatewaySubnet").unwrap();
    lab.bodies.get_mut(&subnet).unwrap()["properties"]["routeTable"] =
        serde_json::json!({ "id": table.as_str() });
    for (off, expected) in [(false, Ok(())), (true, Err(Dead::CutOff))] {
        let body = serde_json::json!({ "properties": { "disableBgpRoutePropagation": off } });
        lab.bodies.insert(table.clone(), body);
        let own = lab.connection(&connection("ea"));
        assert_eq!(lab.estate().carries(&lab.onprem, &own), expected);
        assert_eq!(learned(&lab, "ea").is_empty(), off);
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

/// Without a configuration for it on the private peering, IPv6 is told to neither side (azure-facts 2.2).
#[test]
fn ipv6_crosses_a_circuit_only_where_its_private_peering_has_it() {
    use super::super::testing::{circuit, id};
    let mut lab = Lab::new();
    let space = serde_json::json!(["10.10.10.0/24", "fd00:10::/48"]);
    lab.set(&id("virtualNetworks", "hub-ea"), "/properties/addressSpace/addressPrefixes", space);
    lab.onprem.sites[0].prefixes.push(net("fd00:100::/48"));
    let seen = |lab: &Lab| {
        let learned = networks(&learned(lab, "ea"), "EBgp").contains(&"fd00:100::/48".to_owned());
        let told = told(lab, "ea").contains(&"fd00:10::/48".to_owned());
        let rows = super::super::edge::circuit_routes(
            &lab.estate(),
            &lab.onprem,
            &circuit("ea"),
            CircuitPath::Primary,
        );
        let crossing = rows.iter().filter(|row| matches!(row.network, IpNet::V6(_))).count();
        (learned, told, crossing)
    };
    assert_eq!(seen(&lab), (false, false, 0));
    let v6 = serde_json::json!({ "primaryPeerAddressPrefix": "fd00:a::/126" });
    let body = lab.bodies.get_mut(&circuit("ea")).unwrap();
    body["properties"]["peerings"][0]["properties"]["ipv6PeeringConfig"] = v6;
    assert_eq!(seen(&lab), (true, true, 2));
}
