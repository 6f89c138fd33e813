//! Networks of hubs and what their tables drop, Route Servers beside gateways, hubs that stand otherwise than they are
//! wanted, and a tier that has no way back.

use super::*;

/// A network's first subnet has a table, which is not the runbook's.
fn given(case: &mut Case, vnet: &str, routes: &Value, off: bool) {
    case.add(table(routes, off));
    let id = json!({ "id": format!("{SEA}/routeTables/rt-bad") });
    case.body(vnet)["properties"]["subnets"][0]["properties"]["routeTable"] = id;
}

#[tokio::test]
async fn a_table_that_drops_what_a_hub_brings_is_told_of_its_networks() {
    let route = |kind: &str, prefix: &str| json!([{ "name": "r", "properties": { "addressPrefix": prefix, "nextHopType": kind } }]);
    for (routes, off, told) in [
        (json!([]), true, Some("table rt-bad keeps the gateway's routes away")),
        (route("None", "10.100.0.0/16"), false, Some("dropped by route r of table rt-bad")),
        (route("Internet", "10.100.0.0/16"), false, Some("sent to the Internet by route r")),
        // What the hub brings is longer.
        (route("None", "10.0.0.0/8"), false, None),
        (json!([]), false, None),
    ] {
        // One that the run connects, and one that stands connected.
        for vnet in ["vnet-app1-sea", "vnet-shared-sea"] {
            let mut case = Case::of(VWAN);
            given(&mut case, vnet, &routes, off);
            let said_of = said(&case.found().await, "UDR-DROP");
            let own = said_of.iter().find(|(about, _)| about == vnet);
            match (own, told) {
                (Some((_, why)), Some(told)) => assert!(why.contains(told), "{why}"),
                (own, told) => assert_eq!(own.is_some(), told.is_some(), "{said_of:?} {routes}"),
            }
        }
    }
}

/// A Route Server stands in a network: its resource is a hub without a WAN, and its configuration names the subnet.
fn route_server(case: &mut Case, vnet: &str) {
    let subnet =
        json!({ "name": "RouteServerSubnet", "properties": { "addressPrefix": "10.201.0.0/26" } });
    let properties = &mut case.body(vnet)["properties"];
    properties["addressSpace"]["addressPrefixes"]
        .as_array_mut()
        .unwrap()
        .push(json!("10.201.0.0/24"));
    properties["subnets"].as_array_mut().unwrap().push(subnet);
    let server = format!("{SEA}/virtualHubs/rs");
    case.add(
        json!({ "id": server, "location": "southeastasia", "properties": { "sku": "Standard" } }),
    );
    let subnet = format!("{SEA}/virtualNetworks/{vnet}/subnets/RouteServerSubnet");
    case.add(json!({ "id": format!("{server}/ipConfigurations/ipconfig1"), "properties": {
        "subnet": { "id": subnet } } }));
}

#[tokio::test]
async fn a_network_with_a_route_server_is_no_hubs_and_uses_no_remote_gateway() {
    for (runbook, rule) in [(VWAN, "HUB-VNET-FREE"), (MAIN, "VP-ONE-REMOTE")] {
        let mut case = Case::of(runbook);
        route_server(&mut case, "vnet-app1-sea");
        let said_of = said(&case.found().await, rule);
        assert_eq!(said_of.len(), 1, "{said_of:?}");
        assert!(said_of[0].1.starts_with("the Route Server rs stands in it"), "{said_of:?}");
    }
}

#[tokio::test]
async fn a_subnet_for_a_route_server_with_nothing_in_it_is_no_route_server() {
    for (runbook, rule) in [(VWAN, "HUB-VNET-FREE"), (MAIN, "VP-ONE-REMOTE")] {
        let mut case = Case::of(runbook);
        route_server(&mut case, "vnet-app1-sea");
        case.remove("ipconfig1");
        assert!(!failed(&case.found().await).contains(rule), "{rule}");
    }
}

#[tokio::test]
async fn a_hub_that_has_a_route_server_only_lends_that() {
    let without_gateway = || {
        let mut case = Case::of(MAIN);
        case.step("spoke_to_hub.app1").needs.retain(|need| need.as_str() != "gateway");
        case
    };
    assert!(failed(&without_gateway().found().await).contains("VP-REMOTE-GW"));
    let mut case = without_gateway();
    route_server(&mut case, "vnet-hub-sea");
    assert!(!failed(&case.found().await).contains("VP-REMOTE-GW"));
}

#[tokio::test]
async fn a_hub_that_stands_otherwise_than_it_is_wanted_stops_the_run() {
    for (pointer, value, told) in [
        ("/properties/sku", json!("Basic"), "of the SKU Basic"),
        ("/properties/addressPrefix", json!("10.44.0.0/23"), "it has 10.44.0.0/23"),
        (
            "/properties/virtualWan",
            json!({ "id": format!("{SEA}/virtualWans/other") }),
            "it is of other",
        ),
    ] {
        let mut case = Case::of(VWAN);
        case.set("hub-sea", pointer, value);
        let found = case.found().await;
        let said_of = said(&found, "HUB-THERE");
        assert!(said_of.iter().any(|(_, why)| why.contains(told)), "{pointer}: {said_of:?}");
        assert!(found.blocking().count() > 0);
    }
}

#[tokio::test]
async fn only_a_raise_from_local_has_no_way_back() {
    for (has, least, fires) in [
        ("Local", "premium", true),
        ("Local", "standard", true),
        ("Standard", "premium", false),
        ("Premium", "standard", false),
    ] {
        let mut case = Case::of(PREPARED);
        case.step("bandwidth").when = None;
        let circuit = format!("{CIR}/expressRouteCircuits/er-singapore");
        let with = json!({ "id": circuit, "at_least": least });
        case.instead("bandwidth", json!({ "action": "circuit.tier", "with": with }));
        case.set("er-singapore", "/sku/tier", json!(has));
        let said_of = said(&case.found().await, "TIER-RAISE");
        assert_eq!(!said_of.is_empty(), fires, "{has} {least}: {said_of:?}");
    }
}
