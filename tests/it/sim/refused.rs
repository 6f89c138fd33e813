//! What Azure refuses for what stands already, or for what is not sold: each is refused, and its neighbour is not.

use super::*;
use crate::support::world_file;

const CIRCUITS: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits";
const ZONE: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-names/providers/Microsoft.Network/privateDnsZones/corp.contoso.example";

fn last_path(change: impl FnOnce(&mut backroad::sim::Scenario)) -> Azure {
    let mut scenario = world_file("worlds/vpn-last-path.yaml");
    change(&mut scenario);
    Azure { world: World::new(&scenario), now: scenario.now }
}

fn put(azure: &mut Azure, path: &str, body: &Value) -> (u16, String) {
    let answer = azure.call(Method::Put, path, body);
    (answer.status, code(&answer))
}

#[test]
fn a_region_that_answers_no_reads_tells_no_key_no_list_and_no_table() {
    let gateway = format!("{SOURCE}/virtualNetworkGateways/vgw-hub-ea");
    let reads = [
        (Method::Get, format!("{SOURCE}/connections/con-vpn-ea")),
        (Method::Get, format!("{SOURCE}/connections/con-vpn-ea/sharedkey")),
        (Method::Get, format!("{SOURCE}/virtualNetworks/vnet-hub-ea/subnets")),
        (Method::Get, format!("{gateway}/connections")),
        (Method::Post, format!("{gateway}/getLearnedRoutes")),
    ];
    let mut answers = last_path(|_| {});
    let mut refuses = last_path(|scenario| {
        scenario.outage = serde_json::from_value(json!({ "reads": "refuse" })).unwrap();
    });
    for (method, path) in reads {
        let told = answers.call(method, &path, &Value::Null).status;
        assert!(told == 200 || told == 202, "{path}: {told}");
        assert_eq!(refuses.call(method, &path, &Value::Null).status, 503, "{path}");
    }
    // The living region answers.
    let alive = refuses.call(
        Method::Get,
        &format!("{NETWORK}/virtualNetworks/vnet-hub-sea/subnets"),
        &Value::Null,
    );
    assert_eq!(alive.status, 200);
}

#[test]
fn a_name_stands_for_another_or_has_records_and_not_both() {
    let alias = json!({ "properties": { "ttl": 60, "cnameRecord": { "cname": "x.example" } } });
    let record =
        json!({ "properties": { "ttl": 60, "aRecords": [{ "ipv4Address": "10.1.0.9" }] } });
    let mut azure = last_path(|_| {});
    assert_eq!(put(&mut azure, &format!("{ZONE}/CNAME/Portal"), &alias).0, 409);
    assert_eq!(put(&mut azure, &format!("{ZONE}/CNAME/shop"), &alias).0, 201);
    let refused = put(&mut azure, &format!("{ZONE}/A/shop"), &record);
    assert_eq!(refused, (409, "Conflict".to_owned()));
    // Its own kind is no other, and neither is a network that knows the zone.
    assert_eq!(put(&mut azure, &format!("{ZONE}/CNAME/shop"), &alias).0, 200);
    assert_eq!(put(&mut azure, &format!("{ZONE}/CNAME/hub-sea"), &alias).0, 201);
    assert_eq!(put(&mut azure, &format!("{ZONE}/A/portal"), &record).0, 200);
    let gone = azure.call(Method::Delete, &format!("{ZONE}/CNAME/shop"), &Value::Null);
    assert_eq!(gone.status, 200);
    assert_eq!(put(&mut azure, &format!("{ZONE}/A/shop"), &record).0, 201);
}

#[test]
fn a_circuit_has_a_bandwidth_that_is_sold() {
    let mut azure = Azure::new();
    let path = format!("{CIRCUITS}/er-singapore");
    let mut body = azure.get(&path);
    let pointer = "/properties/serviceProviderProperties/bandwidthInMbps";
    *body.pointer_mut(pointer).unwrap() = json!(750);
    let refused = put(&mut azure, &path, &body);
    assert_eq!(refused, (400, "ExpressRouteCircuitBandwidthNotSupported".to_owned()));
    *body.pointer_mut(pointer).unwrap() = json!(1_000);
    assert_eq!(put(&mut azure, &path, &body).0, 200);
}

/// A world with the target's gateway, and what connects it.
fn connected() -> (Azure, String) {
    let mut azure = ready_for_a_gateway();
    let gateway = format!("{NETWORK}/virtualNetworkGateways/ergw");
    assert_eq!(put(&mut azure, &gateway, &super::gateway()).0, 201);
    azure.later(4 * 3_600);
    azure.get(&gateway);
    (azure, gateway)
}

#[test]
fn a_gateway_of_two_homes_and_its_connections_are_deleted_once_it_has_one() {
    let connection = format!("{SOURCE}/connections/con-hub-ea-hongkong");
    let gateway = format!("{SOURCE}/virtualNetworkGateways/ergw-hub-ea");
    let scenario = world_file("worlds/one-circuit-kept.yaml");
    let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
    let mut body = azure.get(&gateway);
    body["properties"]["resiliencyModel"] = json!("MultiHomed");
    assert_eq!(put(&mut azure, &gateway, &body).0, 200);
    azure.later(4 * 3_600);
    for path in [&connection, &gateway] {
        let refused = azure.call(Method::Delete, path, &Value::Null);
        assert_eq!(refused.status, 400, "{path}");
        assert_eq!(code(&refused), "MultiHomedVirtualNetworkGatewayCannotBeDeleted");
    }
    body["properties"]["resiliencyModel"] = json!("SingleHomed");
    assert_eq!(put(&mut azure, &gateway, &body).0, 200);
    azure.later(4 * 3_600);
    assert_eq!(azure.call(Method::Delete, &connection, &Value::Null).status, 202);
}

fn link(gateway: &str, circuit: &str) -> Value {
    json!({ "location": "southeastasia", "properties": {
        "connectionType": "ExpressRoute", "virtualNetworkGateway1": { "id": gateway },
        "peer": { "id": format!("{CIRCUITS}/{circuit}") } } })
}

/// The key of an authorization of a circuit that nobody has spent.
fn with_key(azure: &mut Azure, circuit: &str, name: &str, mut body: Value) -> Value {
    let path = format!("{CIRCUITS}/{circuit}/authorizations/{name}");
    assert_eq!(put(azure, &path, &json!({ "properties": {} })).0, 201);
    azure.later(3_600);
    body["properties"]["authorizationKey"] =
        azure.get(&path)["properties"]["authorizationKey"].clone();
    body
}

#[test]
fn a_pair_has_one_connection_in_the_gateways_region_that_is_not_moved() {
    let (mut azure, gateway) = connected();
    let own = with_key(&mut azure, "er-singapore", "one", link(&gateway, "er-singapore"));
    let mut elsewhere = own.clone();
    elsewhere["location"] = json!("eastasia");
    let one = format!("{NETWORK}/connections/one");
    let refused = put(&mut azure, &one, &elsewhere);
    assert_eq!(refused, (400, "ConnectionLocationNotSameAsGateway".to_owned()));
    let mut private = own.clone();
    private["properties"]["enablePrivateLinkFastPath"] = json!(true);
    let refused = put(&mut azure, &one, &private);
    assert_eq!(refused, (400, "PrivateLinkFastPathNeedsFastPath".to_owned()));
    assert_eq!(put(&mut azure, &one, &own).0, 201);
    azure.later(3_600);
    let twin = with_key(&mut azure, "er-singapore", "two", link(&gateway, "er-singapore"));
    let refused = put(&mut azure, &format!("{NETWORK}/connections/two"), &twin);
    assert_eq!(refused.1, "VirtualNetworkGatewayConnectionAlreadyExistsForEndpoints");
    let refused = put(&mut azure, &one, &link(&gateway, "er-hongkong"));
    assert_eq!(refused.1, "ExpressRouteConnectionPeerCannotBeChanged");
}

#[test]
fn bgp_over_a_tunnel_is_refused_while_an_end_of_it_speaks_none() {
    let speaks = |scenario: &mut backroad::sim::Scenario, name: &str, key: &str, value: Value| {
        let ends = |body: &&mut Value| body["id"].as_str().unwrap().ends_with(name);
        scenario.resources.iter_mut().find(ends).unwrap()["properties"][key] = value;
    };
    let tunnel = json!({ "location": "eastasia", "properties": {
        "connectionType": "IPsec", "enableBgp": true, "sharedKey": "an-example-and-nobodys-key",
        "virtualNetworkGateway1": { "id": format!("{SOURCE}/virtualNetworkGateways/vgw-hub-ea") },
        "localNetworkGateway2": { "id": format!("{SOURCE}/localNetworkGateways/lng-onprem-ea") } } });
    for (gateway, device, taken) in
        [(false, false, false), (true, false, false), (false, true, false), (true, true, true)]
    {
        let mut azure = last_path(|scenario| {
            scenario.regions_down.clear();
            speaks(scenario, "/vgw-hub-ea", "enableBgp", json!(gateway));
            if device {
                let own = json!({ "asn": 65_010, "bgpPeeringAddress": "10.100.0.254" });
                speaks(scenario, "/lng-onprem-ea", "bgpSettings", own);
            }
        });
        let answer = put(&mut azure, &format!("{SOURCE}/connections/con-vpn-ea"), &tunnel);
        assert_eq!(answer.0 == 200, taken, "{gateway} {device}: {answer:?}");
    }
}

#[test]
fn an_address_that_a_load_balancer_has_is_shown_so_and_given_to_nobody() {
    let balancer = format!("{NETWORK}/loadBalancers/lb/frontendIPConfigurations/front");
    let mut scenario = shipped_world();
    let mut body = address();
    body["id"] = json!(format!("{NETWORK}/publicIPAddresses/pip"));
    body["properties"]["ipConfiguration"] = json!({ "id": balancer });
    scenario.resources.push(body);
    let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
    let path = format!("{NETWORK}/publicIPAddresses/pip");
    assert_eq!(azure.get(&path)["properties"]["ipConfiguration"]["id"], json!(balancer));
    let subnet = json!({ "properties": { "addressPrefix": "10.10.10.128/25" } });
    let place = format!("{NETWORK}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet");
    put(&mut azure, &place, &subnet);
    azure.later(60);
    let refused = put(&mut azure, &format!("{NETWORK}/virtualNetworkGateways/gw"), &gateway());
    assert_eq!(refused, (400, "PublicIPAddressInUse".to_owned()));
    let kept = azure.call(Method::Delete, &path, &Value::Null);
    assert_eq!(code(&kept), "PublicIPAddressCannotBeDeleted");
    // Whoever writes the address says nothing of who has it.
    assert_eq!(put(&mut azure, &path, &address()).0, 200);
    azure.later(60);
    assert_eq!(azure.get(&path)["properties"]["ipConfiguration"]["id"], json!(balancer));
}

#[test]
fn a_hub_with_routing_intent_takes_no_tables_and_no_associations_of_ones_own() {
    let hub = format!("{NETWORK}/virtualHubs/hub-sea");
    let vwan = |intent: bool| {
        let mut scenario = world_file("worlds/vwan-two-hubs.yaml");
        if intent {
            scenario.resources.push(json!({ "id": format!("{hub}/routingIntent/ri"), "name": "ri",
                "properties": { "routingPolicies": [] } }));
        }
        Azure { world: World::new(&scenario), now: scenario.now }
    };
    let table = json!({ "properties": { "routes": [], "labels": [] } });
    let default = format!("{hub}/hubRouteTables/defaultRouteTable");
    let own = format!("{hub}/hubRouteTables/rt-own");
    let connection = |follows: &str| {
        json!({ "properties": {
            "remoteVirtualNetwork": { "id": format!("{NETWORK}/virtualNetworks/vnet-app1-sea") },
            "routingConfiguration": { "associatedRouteTable": { "id": follows },
                "propagatedRouteTables": { "ids": [{ "id": default }], "labels": [] } } } })
    };
    let con = format!("{hub}/hubVirtualNetworkConnections/con-app1");
    let refusal = "CustomRouteTablesNotSupportedWithRoutingIntent";
    let mut azure = vwan(true);
    assert_eq!(put(&mut azure, &own, &table), (400, refusal.to_owned()));
    let none = format!("{hub}/hubRouteTables/noneRouteTable");
    assert_eq!(put(&mut azure, &con, &connection(&none)), (400, refusal.to_owned()));
    assert_eq!(put(&mut azure, &con, &connection(&default)).0, 201);
    // It is kept in a world that is written down.
    let kept = azure.world.to_file(azure.now);
    let has = |body: &Value| body["id"].as_str().unwrap().ends_with("/routingIntent/ri");
    assert!(kept["resources"].as_array().unwrap().iter().any(has));
    let mut without = vwan(false);
    assert_eq!(put(&mut without, &own, &table).0, 201);
}

#[test]
fn what_only_a_world_file_tells_of_keeps_what_it_uses() {
    let mut scenario = world_file("worlds/vwan-two-hubs.yaml");
    let vnet = format!("{NETWORK}/virtualNetworks/vnet-x");
    let subnet = format!("{vnet}/subnets/snet");
    let nic = format!("{NETWORK}/networkInterfaces/nic/ipConfigurations/c");
    let link = format!("{subnet}/serviceAssociationLinks/AppServiceLink");
    for (name, key, user) in
        [("snet", "ipConfigurations", &nic), ("snet-web", "serviceAssociationLinks", &link)]
    {
        let body = json!({ "id": format!("{vnet}-{name}"), "location": "southeastasia", "properties": {
            "addressSpace": { "addressPrefixes": ["10.77.0.0/16"] },
            "subnets": [{ "name": name, "properties": {
                "addressPrefix": "10.77.1.0/24", key: [{ "id": user }] } }] } });
        scenario.resources.push(body);
    }
    let hub = format!("{NETWORK}/virtualHubs/hub-firewalled");
    let wan = scenario.resources.iter().find_map(|body| {
        body["id"].as_str().filter(|id| id.contains("/virtualWans/")).map(str::to_owned)
    });
    scenario.resources.push(json!({ "id": hub, "location": "southeastasia", "properties": {
        "virtualWan": { "id": wan.unwrap() }, "addressPrefix": "10.78.0.0/23",
        "azureFirewall": { "id": format!("{NETWORK}/azureFirewalls/fw") } } }));
    let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
    let mut refusal = |path: &str| code(&azure.call(Method::Delete, path, &Value::Null));
    for name in ["snet", "snet-web"] {
        let path = format!("{vnet}-{name}/subnets/{name}");
        assert_eq!(refusal(&path), "InUseSubnetCannotBeDeleted", "{name}");
    }
    assert_eq!(refusal(&hub), "CannotDeleteVirtualHubWhenItIsInUse");
}
