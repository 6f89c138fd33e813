//! A gateway where Azure makes none, or with which none works: refused, or standing and silent; its neighbour is not.

use super::*;
use crate::support::world_file;

const SUBNET: &str = "virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet";
const CIRCUITS: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits";

fn put(azure: &mut Azure, path: &str, body: &Value) -> (u16, String) {
    let answer = azure.call(Method::Put, path, body);
    (answer.status, code(&answer))
}

fn path(of: &str) -> String {
    format!("{NETWORK}/{of}")
}

/// What becomes of a gateway in this subnet, of this SKU.
fn made_in(subnet: &Value, sku: &str) -> (u16, String) {
    let mut azure = ready_for_a_gateway();
    let table = json!({ "location": "southeastasia", "properties": { "routes": [
        { "name": "all", "properties": { "addressPrefix": "0.0.0.0/0", "nextHopType": "Internet" } }] } });
    assert_eq!(put(&mut azure, &path("routeTables/rt-all"), &table).0, 201);
    azure.later(60);
    let of_subnet = put(&mut azure, &path(SUBNET), subnet);
    if of_subnet.0 >= 400 {
        return of_subnet;
    }
    azure.later(60);
    let mut body = gateway();
    body["properties"]["sku"] = json!({ "name": sku, "tier": sku });
    put(&mut azure, &path("virtualNetworkGateways/gw"), &body)
}

#[test]
fn a_gateway_is_made_in_a_subnet_that_is_large_enough_and_has_no_route_for_everything() {
    let of = |prefix: &str| json!({ "properties": { "addressPrefix": prefix } });
    let small = "GatewaySubnetTooSmallForExpressRouteGateway";
    assert_eq!(made_in(&of("10.10.10.128/28"), "ErGw1AZ"), (400, small.to_owned()));
    let ultra = "GatewaySubnetTooSmallForExpressrouteUltraPerformanceGatewaySku";
    assert_eq!(made_in(&of("10.10.10.128/28"), "UltraPerformance"), (400, ultra.to_owned()));
    assert_eq!(made_in(&of("10.10.10.128/27"), "UltraPerformance").0, 201);
    let wide = json!({ "properties": {
        "addressPrefix": "10.10.10.128/27", "routeTable": { "id": path("routeTables/rt-all") } } });
    let all = "GatewaySubnetDefaultRouteNotSupported";
    assert_eq!(made_in(&wide, "ErGw1AZ"), (400, all.to_owned()));
}

#[test]
fn a_security_group_is_neither_put_on_the_subnet_of_gateways_nor_let_be_under_a_new_one() {
    let code = "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet".to_owned();
    let group = path("networkSecurityGroups/nsg");
    let guarded = json!({ "properties": {
        "addressPrefix": "10.10.10.128/27", "networkSecurityGroup": { "id": group } } });
    let with_group = |on_it: bool| {
        let mut scenario = crate::support::shipped_world();
        let nsg = json!({ "id": group, "location": "southeastasia", "properties": {} });
        scenario.resources.push(nsg);
        if on_it {
            let id = path(SUBNET);
            let mut subnet = guarded.clone();
            subnet["id"] = json!(id);
            scenario.resources.push(subnet);
        }
        Azure { world: World::new(&scenario), now: scenario.now }
    };
    let mut bare = with_group(false);
    assert_eq!(put(&mut bare, &path(SUBNET), &guarded), (400, code.clone()));
    // One that a world has on it: people have managed (azure-docs 122297).
    let mut stands = with_group(true);
    stands.call(Method::Put, &path("publicIPAddresses/pip"), &address());
    stands.later(60);
    let gateway_at = path("virtualNetworkGateways/gw");
    assert_eq!(put(&mut stands, &gateway_at, &gateway()), (400, code));
    // The subnet is written as it is, and without the group.
    assert_eq!(put(&mut stands, &path(SUBNET), &guarded).0, 200);
    stands.later(60);
    let free = json!({ "properties": { "addressPrefix": "10.10.10.128/27" } });
    assert_eq!(put(&mut stands, &path(SUBNET), &free).0, 200);
    stands.later(60);
    assert_eq!(put(&mut stands, &gateway_at, &gateway()).0, 201);
}

/// How many of the networks of a world are reached from some site.
fn reached(world: &World) -> usize {
    world.reachability().iter().filter(|own| own.verdict.works()).count()
}

#[test]
fn a_gateway_whose_subnet_takes_no_gateway_routes_carries_nothing() {
    for world in ["one-circuit-kept", "two-circuits"] {
        let mut scenario = world_file(&format!("worlds/{world}.yaml"));
        scenario.regions_down.clear();
        let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
        let before = reached(&azure.world);
        assert!(before > 0, "{world}");
        let subnet = format!("{SOURCE}/virtualNetworks/vnet-hub-ea/subnets/GatewaySubnet");
        let mut body = azure.get(&subnet);
        let own = format!("{SOURCE}/routeTables/rt-gateway-ea");
        for (off, expected) in [(true, 0), (false, before)] {
            let table = json!({ "location": "eastasia",
                "properties": { "disableBgpRoutePropagation": off, "routes": [] } });
            assert!(put(&mut azure, &own, &table).0 < 300);
            azure.later(60);
            body["properties"]["routeTable"] = json!({ "id": own });
            assert_eq!(put(&mut azure, &subnet, &body).0, 200);
            azure.later(60);
            azure.get(&subnet);
            assert_eq!(reached(&azure.world), expected, "{world}, off: {off}");
        }
    }
}

#[test]
fn a_session_over_which_a_tier_has_too_many_prefixes_ends() {
    for (tier, count, stands) in [
        ("Premium", 10_000_u32, true),
        ("Premium", 10_001, false),
        ("Standard", 4_000, true),
        ("Standard", 4_001, false),
    ] {
        let mut scenario = crate::support::shipped_world();
        scenario.regions_down.clear();
        let nets =
            (0..count).map(|n| format!("172.{}.{}.{}/32", 20 + (n >> 16), (n >> 8) & 255, n & 255));
        let nets: Vec<ipnet::IpNet> = nets.map(|net| net.parse().unwrap()).collect();
        scenario.onprem.sites[0].prefixes.clone_from(&nets);
        scenario.onprem.sites[1].prefixes.clear();
        for own in &mut scenario.resources {
            if own["id"].as_str().unwrap().ends_with("/er-hongkong") {
                own["sku"]["tier"] = json!(tier);
            }
        }
        let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
        let summary = format!(
            "{CIRCUITS}/er-hongkong/peerings/AzurePrivatePeering/routeTablesSummary/primary"
        );
        let answer = azure.call(Method::Post, &summary, &Value::Null);
        let url = answer.headers.get("location").unwrap().to_owned();
        azure.later(600);
        let rows = json_of(&azure.ask(Method::Get, &url, &Value::Null).unwrap());
        let told = rows["value"][0]["statePfxRcd"].as_str().unwrap().to_owned();
        let expected = if stands { count.to_string() } else { "Idle (PfxCt)".to_owned() };
        assert_eq!(told, expected, "{tier} {count}");
    }
}

/// What becomes of the connection to Singapore's circuit where the target's hub has these prefixes, and its gateway's
/// subnet these.
fn connected(space: &[String], subnet: &Value, v6: bool) -> (u16, String) {
    let mut scenario = crate::support::shipped_world();
    for own in &mut scenario.resources {
        let id = own["id"].as_str().unwrap().to_owned();
        if id.ends_with("/vnet-hub-sea") {
            own["properties"]["addressSpace"]["addressPrefixes"] = json!(space);
        }
        if id.ends_with("/er-singapore") && v6 {
            own["properties"]["peerings"][0]["properties"]["ipv6PeeringConfig"] = json!({
                "primaryPeerAddressPrefix": "fd00:1::/126", "secondaryPeerAddressPrefix": "fd00:2::/126",
                "state": "Enabled" });
        }
    }
    let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
    azure.call(Method::Put, &path("publicIPAddresses/pip"), &address());
    assert!(put(&mut azure, &path(SUBNET), &json!({ "properties": subnet })).0 < 300);
    azure.later(60);
    let gateway_at = path("virtualNetworkGateways/gw");
    assert_eq!(put(&mut azure, &gateway_at, &gateway()).0, 201);
    let auth = format!("{CIRCUITS}/er-singapore/authorizations/mine");
    assert_eq!(put(&mut azure, &auth, &json!({ "properties": {} })).0, 201);
    azure.later(4 * 3_600);
    azure.get(&gateway_at);
    let link = json!({ "location": "southeastasia", "properties": {
        "connectionType": "ExpressRoute", "virtualNetworkGateway1": { "id": gateway_at },
        "authorizationKey": azure.get(&auth)["properties"]["authorizationKey"],
        "peer": { "id": format!("{CIRCUITS}/er-singapore") } } });
    put(&mut azure, &path("connections/con"), &link)
}

#[test]
fn a_connection_is_made_of_two_hundred_prefixes_at_most() {
    let subnet = json!({ "addressPrefix": "10.10.10.128/25" });
    let space = |count: usize| -> Vec<String> {
        let more = (1..count).map(|n| format!("10.60.{n}.0/24"));
        std::iter::once("10.10.10.0/24".to_owned()).chain(more).collect()
    };
    let code = "VnetAddressPrefixesExceedExpressRouteConnectionLimit".to_owned();
    assert_eq!(connected(&space(201), &subnet, false), (400, code));
    assert_eq!(connected(&space(200), &subnet, false).0, 201);
}

#[test]
fn a_dual_stack_gateway_is_connected_to_a_circuit_that_has_both() {
    let space = ["10.10.10.0/24".to_owned(), "fd00:10::/48".to_owned()];
    let dual = json!({ "addressPrefixes": ["10.10.10.128/25", "fd00:10::/64"] });
    let code = "ExpressRouteCircuitPeeringIPv6NotEnabled".to_owned();
    assert_eq!(connected(&space, &dual, false), (400, code));
    assert_eq!(connected(&space, &dual, true).0, 201);
    let single = json!({ "addressPrefix": "10.10.10.128/25" });
    assert_eq!(connected(&space, &single, false).0, 201);
}

/// No fact says that a change of weight interrupts anything; what else is changed of a connection does, for all we know.
#[test]
fn a_connection_carries_while_its_weight_or_its_tags_are_written() {
    let connection = path("connections/con-hub-sea-singapore");
    let changes = [
        ("/properties/routingWeight", json!(77), true),
        ("/tags", json!({ "by": "us" }), true),
        ("/properties/enablePrivateLinkFastPath", json!(true), false),
    ];
    for (pointer, value, carries) in changes {
        let scenario = world_file("worlds/two-circuits-prepared.yaml");
        let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
        let before = reached(&azure.world);
        assert!(before > 0);
        let mut body = azure.get(&connection);
        if pointer == "/tags" {
            body["tags"] = value;
        } else {
            *body.pointer_mut(pointer).unwrap() = value;
            body["properties"]["expressRouteGatewayBypass"] = json!(!carries);
        }
        let answer = azure.call(Method::Put, &connection, &body);
        assert_eq!(answer.status, 200, "{pointer}: {}", json_of(&answer));
        assert_eq!(json_of(&answer)["properties"]["provisioningState"], "Updating");
        let during = reached(&azure.world);
        assert_eq!(during, if carries { before } else { 0 }, "{pointer}");
        azure.later(3_600);
        assert_eq!(azure.get(&connection)["properties"]["provisioningState"], "Succeeded");
        assert_eq!(reached(&azure.world), before, "{pointer}");
    }
}
