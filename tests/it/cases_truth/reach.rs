//! What a site reaches takes route tables into account, both ways.

use backroad::sim::network::{Reach, ReachVerdict};
use backroad::sim::{Scenario, World};
use serde_json::{Value, json};

use super::{set, world, written_world};

const EA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network";

/// East Asia is well, and its hub and spokes are connected.
fn well() -> Scenario {
    written_world("x", "extends: two-circuits.yaml\nworld: x\nregions_down: []\n")
}

fn reached(scenario: &Scenario, network: &str) -> Reach {
    let all = World::new(scenario).reachability();
    let found =
        all.into_iter().find(|r| r.network.to_string() == network && r.site == "hongkong-dc");
    found.unwrap()
}

fn routes(scenario: &mut Scenario, table: &str, routes: Value) {
    set(scenario, &format!("/{table}"), "/properties/routes", routes);
}

fn route(prefix: &str, kind: &str, hop: Option<&str>) -> Value {
    json!([{ "name": "r", "properties": {
        "addressPrefix": prefix, "nextHopType": kind, "nextHopIpAddress": hop } }])
}

#[test]
fn a_route_to_nowhere_drops_the_way_back() {
    let mut scenario = well();
    assert!(reached(&scenario, "10.1.0.0/24").verdict.works());
    routes(&mut scenario, "rt-app-ea", route("10.100.0.0/16", "None", None));
    let verdict = reached(&scenario, "10.1.0.0/24").verdict;
    let ReachVerdict::DroppedBack(why) = &verdict else { panic!("{verdict:?}") };
    assert!(why.contains("dropped by route r of table rt-app-ea"), "{why}");
    assert!(!verdict.works());
    // A learned route that is longer goes before it.
    routes(&mut scenario, "rt-app-ea", route("10.0.0.0/8", "None", None));
    assert!(reached(&scenario, "10.1.0.0/24").verdict.works());
}

#[test]
fn an_appliance_that_is_not_up_drops_what_is_sent_to_it() {
    let mut scenario = well();
    routes(
        &mut scenario,
        "rt-app-ea",
        route("10.100.0.0/16", "VirtualAppliance", Some("10.10.10.10")),
    );
    let reach = reached(&scenario, "10.1.0.0/24");
    assert!(reach.verdict.works(), "{reach:?}");
    let remark = reach.remark.unwrap();
    assert!(remark.contains("goes past the appliance 10.10.10.10"), "{remark}");
    let stopped =
        json!([{ "vnet": format!("{EA}/virtualNetworks/vnet-hub-ea"), "address": "10.10.10.10" }]);
    scenario.stopped_appliances = serde_json::from_value(stopped).unwrap();
    let ReachVerdict::DroppedBack(why) = reached(&scenario, "10.1.0.0/24").verdict else {
        panic!()
    };
    assert!(why.contains("10.10.10.10 is not up"), "{why}");
    scenario.stopped_appliances.clear();
    routes(
        &mut scenario,
        "rt-app-ea",
        route("10.100.0.0/16", "VirtualAppliance", Some("10.77.0.1")),
    );
    let ReachVerdict::DroppedBack(why) = reached(&scenario, "10.1.0.0/24").verdict else {
        panic!()
    };
    assert!(why.contains("10.77.0.1 is in no subnet"), "{why}");
}

#[test]
fn propagation_that_is_off_keeps_the_gateways_routes_away() {
    let mut scenario = well();
    routes(&mut scenario, "rt-app-ea", json!([]));
    set(&mut scenario, "/rt-app-ea", "/properties/disableBgpRoutePropagation", json!(true));
    let ReachVerdict::DroppedBack(why) = reached(&scenario, "10.1.0.0/24").verdict else {
        panic!()
    };
    assert!(why.contains("table rt-app-ea keeps the gateway's routes"), "{why}");
    // The hub has no such table.
    assert!(reached(&scenario, "10.10.10.0/24").verdict.works());
}

#[test]
fn a_table_of_the_gateways_subnet_drops_the_way_there() {
    let mut scenario = well();
    let table = format!("{EA}/routeTables/rt-gw");
    scenario.resources.push(json!({ "id": table, "location": "eastasia", "properties": {
        "disableBgpRoutePropagation": false, "routes": route("10.1.0.0/24", "None", None) } }));
    let pointer = "/properties/subnets/1/properties/routeTable";
    set(&mut scenario, "/vnet-hub-ea", pointer, json!({ "id": table }));
    let ReachVerdict::DroppedThere(why) = reached(&scenario, "10.1.0.0/24").verdict else {
        panic!()
    };
    assert!(why.contains("route r of table rt-gw"), "{why}");
    assert!(reached(&scenario, "10.2.0.0/24").verdict.works());
}

#[test]
fn the_cases_have_no_table_that_drops() {
    for name in ["default-route-world.yaml", "vpn-beside-world.yaml"] {
        for reach in World::new(&world(name)).reachability() {
            let dropped = matches!(
                reach.verdict,
                ReachVerdict::DroppedBack(_) | ReachVerdict::DroppedThere(_)
            );
            assert!(!dropped, "{name}: {reach:?}");
        }
    }
}
