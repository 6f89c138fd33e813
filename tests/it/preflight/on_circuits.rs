//! A circuit carries networks and hubs alike: its connections are counted, weighed and compared whichever they are;
//! and a hub's side that a later step makes is no fault of the spoke's.

use super::*;

/// A hub of another virtual WAN, with a gateway that is on these circuits.
fn other_hub(case: &mut Case, prefix: &str, circuits: &[&str]) {
    let wan = format!("{SEA}/virtualWans/wan-other");
    let hub = format!("{SEA}/virtualHubs/hub-other");
    case.add(
        json!({ "id": wan, "location": "southeastasia", "properties": { "type": "Standard" } }),
    );
    case.add(json!({ "id": hub, "location": "southeastasia", "properties": {
        "virtualWan": { "id": wan }, "addressPrefix": prefix, "sku": "Standard" } }));
    let connections: Vec<Value> = circuits
        .iter()
        .map(|circuit| hub_connection(&format!("con-{circuit}"), circuit, 0))
        .collect();
    case.add(
        json!({ "id": format!("{SEA}/expressRouteGateways/ergw-other"), "location": "southeastasia",
        "properties": { "virtualHub": { "id": hub }, "expressRouteConnections": connections } }),
    );
}

fn hub_connection(name: &str, circuit: &str, weight: u64) -> Value {
    let peering = format!("{CIR}/expressRouteCircuits/{circuit}/peerings/AzurePrivatePeering");
    json!({ "name": name, "properties": {
        "expressRouteCircuitPeering": { "id": peering }, "routingWeight": weight } })
}

fn verdict(found: &Preflight, rule: &str) -> Vec<FindingVerdict> {
    let own = found.findings.iter().filter(|finding| finding.rule == rule);
    own.map(|finding| finding.verdict.clone()).collect()
}

#[tokio::test]
async fn connections_of_hubs_are_counted_on_their_circuit() {
    // Ten are allowed: nine of networks and one of a hub's are there.
    for (of_networks, fires) in [(8, false), (9, true)] {
        let mut case = Case::of(MAIN);
        case.set("er-singapore", "/sku/tier", json!("Standard"));
        for n in 0..of_networks {
            let gateway = format!("{SEA}/virtualNetworkGateways/gw{n}");
            case.add(link(&format!("con{n}"), &gateway, "er-singapore", 0));
        }
        other_hub(&mut case, "10.90.0.0/23", &["er-singapore"]);
        assert_eq!(failed(&case.found().await).contains("LINK-COUNT"), fires, "{of_networks}");
    }
}

#[tokio::test]
async fn a_hubs_own_connection_is_judged_by_the_count_as_well() {
    let mut case = Case::of(VWAN);
    assert!(!failed(&Case::of(VWAN).found().await).contains("LINK-COUNT"));
    for n in 0..60 {
        let gateway = format!("{SEA}/virtualNetworkGateways/gw{n}");
        case.add(link(&format!("con{n}"), &gateway, "er-singapore", 0));
    }
    let found = case.found().await;
    assert!(failed(&found).contains("LINK-COUNT"), "{:?}", verdict(&found, "LINK-COUNT"));
}

#[tokio::test]
async fn networks_and_hubs_on_one_circuit_have_no_addresses_in_common() {
    // The hub's own prefix is one that the target's networks have.
    let mut case = Case::of(MAIN);
    other_hub(&mut case, "10.10.10.0/24", &["er-singapore"]);
    let found = case.found().await;
    assert!(
        failed(&found).contains("ADDR-SAME-CIRCUIT"),
        "{:?}",
        verdict(&found, "ADDR-SAME-CIRCUIT")
    );
    let mut case = Case::of(MAIN);
    other_hub(&mut case, "10.90.0.0/23", &["er-singapore"]);
    assert!(!failed(&case.found().await).contains("ADDR-SAME-CIRCUIT"));
}

#[tokio::test]
async fn a_hub_that_is_to_be_connected_meets_the_networks_of_its_circuit() {
    let mut case = Case::of(VWAN);
    let vnet = format!("{SEA}/virtualNetworks/vnet-beside");
    case.add(json!({ "id": vnet, "location": "southeastasia", "properties": {
        "addressSpace": { "addressPrefixes": ["10.40.0.0/24"] },
        "subnets": [{ "name": "GatewaySubnet", "properties": { "addressPrefix": "10.40.0.0/27" } }] } }));
    let gateway = format!("{SEA}/virtualNetworkGateways/ergw-beside");
    case.add(json!({ "id": gateway, "location": "southeastasia", "properties": {
        "gatewayType": "ExpressRoute", "sku": { "name": "ErGw1AZ", "tier": "ErGw1AZ" },
        "ipConfigurations": [{ "name": "c", "properties": {
            "subnet": { "id": format!("{vnet}/subnets/GatewaySubnet") } } }] } }));
    case.add(link("con-beside", &gateway, "er-singapore", 0));
    let found = case.found().await;
    assert!(
        failed(&found).contains("ADDR-SAME-CIRCUIT"),
        "{:?}",
        verdict(&found, "ADDR-SAME-CIRCUIT")
    );
}

#[tokio::test]
async fn the_hubs_of_one_wan_are_one_network_on_a_circuit() {
    // The other hub of the WAN is on the same circuit, and has what its WAN has.
    let mut case = Case::of(VWAN);
    let own = case.body("ergw-hub-ea");
    own["properties"]["expressRouteConnections"].as_array_mut().unwrap().push(hub_connection(
        "con-singapore",
        "er-singapore",
        0,
    ));
    assert!(!failed(&case.found().await).contains("ADDR-SAME-CIRCUIT"));
}

#[tokio::test]
async fn weights_of_a_hubs_gateway_are_compared() {
    for (weight, rule) in [(100, "LINK-ECMP"), (30_000, "LINK-WEIGHT-ORDER")] {
        let mut case = Case::of(VWAN);
        circuit("er-second", |_| {}, &mut case);
        let gateway = case.step("connection").action.subject().unwrap().parent().unwrap();
        case.add(json!({ "id": gateway.as_str(), "location": "southeastasia", "properties": {
            "virtualHub": { "id": format!("{SEA}/virtualHubs/hub-sea") },
            "expressRouteConnections": [hub_connection("con-second", "er-second", weight)] } }));
        let found = case.found().await;
        let all: Vec<_> = found.findings.iter().filter(|f| f.rule == rule).collect();
        assert!(failed(&found).contains(rule), "{rule}: {all:?}");
    }
}

#[tokio::test]
async fn a_hub_that_has_no_side_yet_lends_when_a_step_makes_it() {
    let mut case = Case::of(MAIN);
    case.step("spoke_to_hub.app1").needs.retain(|need| need.as_str() != "hub_to_spoke.app1");
    let found = case.found().await;
    assert!(!failed(&found).contains("VP-LENDS"), "{:?}", verdict(&found, "VP-LENDS"));
    // Where nobody makes it, nothing ever goes through.
    let mut case = Case::of(MAIN);
    let absent: ResourceId = format!("{SEA}/connections/x").parse().unwrap();
    case.step("hub_to_spoke.app1").action =
        Action::Verify(Verification::Absent { resource: absent });
    assert!(failed(&case.found().await).contains("VP-LENDS"));
}

#[tokio::test]
async fn a_hubs_connection_needs_an_authorization_that_is_free_and_a_circuit_of_its_own() {
    // The key is spent by another one, and nothing of that is removed.
    let mut case = Case::of(VWAN);
    let id = case.step("authorization").action.subject().unwrap().clone();
    let name = id.name().to_owned();
    case.body("er-singapore")["properties"]["authorizations"] = json!([{ "name": name,
        "properties": { "authorizationUseStatus": "InUse", "authorizationKey": "k" } }]);
    assert!(failed(&case.found().await).contains("AUTH-FREE"));
    // The hub's gateway is connected to the circuit by another name.
    let mut case = Case::of(VWAN);
    let gateway = case.step("connection").action.subject().unwrap().parent().unwrap();
    case.add(json!({ "id": gateway.as_str(), "location": "southeastasia", "properties": {
        "virtualHub": { "id": format!("{SEA}/virtualHubs/hub-sea") },
        "expressRouteConnections": [hub_connection("by-hand", "er-singapore", 0)] } }));
    assert!(failed(&case.found().await).contains("LINK-DUP"));
}

#[tokio::test]
async fn the_key_of_the_runs_own_connection_is_not_revoked_unsaid() {
    let mut case = Case::of(MAIN);
    let id = format!("{CIR}/expressRouteCircuits/er-singapore/authorizations/auth-hub-sea");
    let removal = json!({ "action": "remove", "with": { "kind": "authorization", "id": id } });
    case.instead("circuit_routes", removal);
    assert!(failed(&case.found().await).contains("AUTH-REVOKE"));
}
