//! What Azure refuses, and the simulator as well: a connection too many, subnets of sizes that there are not, and writes
//! in a subscription that is disabled.

use backroad::azure::wire::Method;
use backroad::sim::{Scenario, World};
use serde_json::{Value, json};

use super::estates::asked;
use super::{SEA, world};

const CIRCUIT: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-singapore";

fn put(scenario: &Scenario, path: &str, body: &Value) -> (u16, String) {
    let mut world = World::new(scenario);
    let path = format!("{SEA}/{path}");
    let (status, answer) = asked(&mut world, Method::Put, &path, body, scenario.now);
    (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_connection_more_than_a_circuit_may_have_is_refused() {
    let body = json!({ "location": "southeastasia", "properties": { "connectionType": "ExpressRoute",
        "virtualNetworkGateway1": { "id": format!("{SEA}/virtualNetworkGateways/ergw-hub-sea") },
        "peer": { "id": CIRCUIT } } });
    for (spent, full) in [(9, false), (10, true)] {
        let mut scenario = world("standing-gateway-world.yaml");
        let own = |body: &&mut Value| body["id"].as_str() == Some(CIRCUIT);
        let circuit = scenario.resources.iter_mut().find(own).unwrap();
        circuit["sku"]["tier"] = json!("Standard");
        let all: Vec<Value> = (0..spent).map(|n| json!({ "name": format!("a{n}"), "properties": {
            "authorizationKey": format!("k{n}"), "authorizationUseStatus": "InUse",
            "connectionResourceUri": format!("/subscriptions/9{n}/resourceGroups/x/providers/Microsoft.Network/connections/c") } })).collect();
        circuit["properties"]["authorizations"] = json!(all);
        let (_, code) = put(&scenario, "connections/con-new", &body);
        assert_eq!(code == "ExpressRouteCircuitConnectionLimitReached", full, "{spent}: {code}");
    }
}

#[test]
fn subnets_of_sizes_that_azure_does_not_make_are_refused() {
    let mut scenario = world("standing-gateway-world.yaml");
    let own =
        |body: &&mut Value| body["id"].as_str().is_some_and(|id| id.ends_with("/vnet-app1-sea"));
    let network = scenario.resources.iter_mut().find(own).unwrap();
    let space = network["properties"]["addressSpace"]["addressPrefixes"].as_array_mut().unwrap();
    space.extend([json!("10.250.0.0/24"), json!("fd00:1::/48")]);
    for (prefixes, taken) in [
        (json!(["10.250.0.0/29"]), true),
        (json!(["10.250.0.0/30"]), false),
        (json!(["10.250.0.0/29", "fd00:1:0:1::/64"]), true),
        (json!(["10.250.0.0/29", "fd00:1:0:1::/80"]), false),
        (json!(["10.250.0.0/29", "fd00:1::/56"]), false),
    ] {
        let body = json!({ "properties": { "addressPrefixes": prefixes } });
        let (status, code) = put(&scenario, "virtualNetworks/vnet-app1-sea/subnets/new", &body);
        assert_eq!(status < 300, taken, "{prefixes}: {code}");
        assert!(taken || code == "NetcfgInvalidSubnet", "{prefixes}: {code}");
    }
}

#[test]
fn a_subscription_that_is_disabled_takes_no_writes() {
    let mut scenario = world("standing-gateway-world.yaml");
    let body = json!({ "location": "southeastasia", "properties": {} });
    assert!(put(&scenario, "routeTables/rt-new", &body).0 < 300);
    scenario.disabled.push("11111111-1111-1111-1111-111111111111".to_owned());
    let (status, code) = put(&scenario, "routeTables/rt-new", &body);
    assert_eq!((status, code.as_str()), (409, "ReadOnlyDisabledSubscription"));
}

/// A Route Server stands in a network, as its own resource tells.
fn with_route_server(scenario: &mut Scenario, vnet: &str) {
    let end = format!("/{vnet}");
    let own = |body: &&mut Value| body["id"].as_str().is_some_and(|id| id.ends_with(&end));
    let properties = &mut scenario.resources.iter_mut().find(own).unwrap()["properties"];
    let space = properties["addressSpace"]["addressPrefixes"].as_array_mut().unwrap();
    space.push(json!("10.201.0.0/24"));
    properties["subnets"].as_array_mut().unwrap().push(
        json!({ "name": "RouteServerSubnet", "properties": { "addressPrefix": "10.201.0.0/26" } }),
    );
    let server = format!("{SEA}/virtualHubs/rs");
    scenario.resources.push(
        json!({ "id": server, "location": "southeastasia", "properties": { "sku": "Standard" } }),
    );
    let subnet = format!("{SEA}/virtualNetworks/{vnet}/subnets/RouteServerSubnet");
    scenario.resources.push(json!({ "id": format!("{server}/ipConfigurations/ipconfig1"),
        "properties": { "subnet": { "id": subnet } } }));
}

#[test]
fn a_network_with_a_route_server_is_connected_to_no_hub() {
    let body = json!({ "properties": { "remoteVirtualNetwork": {
        "id": format!("{SEA}/virtualNetworks/vnet-app1-sea") } } });
    let path = "virtualHubs/hub-sea/hubVirtualNetworkConnections/con-new";
    let mut scenario = world("vwan-two-hubs.yaml");
    assert!(put(&scenario, path, &body).0 < 300);
    with_route_server(&mut scenario, "vnet-app1-sea");
    let (status, code) = put(&scenario, path, &body);
    assert_eq!((status, code.as_str()), (400, "VnetCannotBeConnectedToVirtualHub"));
}

#[test]
fn a_route_server_counts_as_a_gateway_of_a_peering() {
    let hub = format!("{SEA}/virtualNetworks/vnet-hub-sea");
    let body = json!({ "properties": { "remoteVirtualNetwork": { "id": hub },
        "useRemoteGateways": true } });
    let path = "virtualNetworks/vnet-app1-sea/virtualNetworkPeerings/app1-to-hub";
    let mut scenario = world("two-circuits.yaml");
    assert_eq!(put(&scenario, path, &body).1, "RemoteVnetHasNoGateways");
    // The hub's is lent.
    with_route_server(&mut scenario, "vnet-hub-sea");
    assert!(put(&scenario, path, &body).0 < 300);
    // The spoke has its own.
    let mut scenario = world("standing-gateway-world.yaml");
    assert!(put(&scenario, path, &body).0 < 300);
    with_route_server(&mut scenario, "vnet-app1-sea");
    assert_eq!(put(&scenario, path, &body).1, "VnetHasOwnGateway");
}

#[test]
fn a_circuit_does_not_become_local_again() {
    let scenario = world("two-circuits.yaml");
    for (tier, taken) in [("Local", false), ("Premium", true)] {
        let mut world = World::new(&scenario);
        let (_, mut body) = asked(&mut world, Method::Get, CIRCUIT, &Value::Null, scenario.now);
        body["sku"] =
            json!({ "name": format!("{tier}_MeteredData"), "tier": tier, "family": "MeteredData" });
        let (status, answer) = asked(&mut world, Method::Put, CIRCUIT, &body, scenario.now);
        assert_eq!(status < 300, taken, "{tier}: {answer}");
    }
}

/// What a circuit shows of its Microsoft peering's prefixes an hour after a write of it.
fn prefixes_after(change: impl Fn(&mut Value)) -> Value {
    let mut scenario = world("two-circuits.yaml");
    let circuit = scenario.resources.iter_mut().find(|body| body["id"] == CIRCUIT).unwrap();
    circuit["properties"]["peerings"].as_array_mut().unwrap().push(json!({
        "name": "MicrosoftPeering", "properties": { "peeringType": "MicrosoftPeering", "peerASN": 65_001, "vlanId": 300,
            "primaryPeerAddressPrefix": "203.0.113.0/30", "secondaryPeerAddressPrefix": "203.0.113.4/30",
            "microsoftPeeringConfig": { "advertisedPublicPrefixes": ["203.0.113.128/26"],
                "advertisedPublicPrefixesState": "Configured" } } }));
    let mut world = World::new(&scenario);
    let (_, mut body) = asked(&mut world, Method::Get, CIRCUIT, &json!({}), scenario.now);
    change(&mut body);
    let (status, answer) = asked(&mut world, Method::Put, CIRCUIT, &body, scenario.now);
    assert!(status < 300, "{answer}");
    let later = scenario.now + std::time::Duration::from_secs(3_600);
    let (_, body) = asked(&mut world, Method::Get, CIRCUIT, &json!({}), later);
    let peerings = body["properties"]["peerings"].as_array().unwrap();
    let own = peerings.iter().find(|peering| peering["name"] == "MicrosoftPeering").unwrap();
    own["properties"]["microsoftPeeringConfig"]["advertisedPublicPrefixesState"].clone()
}

#[test]
fn a_write_of_a_circuit_leaves_prefixes_validated_that_it_does_not_change() {
    let raised = prefixes_after(|body| {
        body["properties"]["serviceProviderProperties"]["bandwidthInMbps"] = json!(1_000);
    });
    assert_eq!(raised, "Configured");
    let others = prefixes_after(|body| {
        let peerings = body["properties"]["peerings"].as_array_mut().unwrap();
        let own = peerings.iter_mut().find(|peering| peering["name"] == "MicrosoftPeering");
        own.unwrap()["properties"]["microsoftPeeringConfig"]["advertisedPublicPrefixes"] =
            json!(["203.0.113.192/26"]);
    });
    assert_eq!(others, "ValidationNeeded");
}
