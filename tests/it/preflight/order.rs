//! What a plan does in which order, and what of it is done at all.

use super::*;
use backroad::model::Condition;
use backroad::model::permission::by_group;

/// Another connection to be, like the plan's own, in the place of a step that has no order with that.
fn second(case: &mut Case, name: &str, circuit: &str) {
    let mut action = serde_json::to_value(&case.step("connection").action).unwrap();
    action["with"]["id"] = json!(format!("{SEA}/connections/{name}"));
    action["with"]["circuit"] = json!(format!("{CIR}/expressRouteCircuits/{circuit}"));
    let gateway = case.step("gateway").name.clone();
    let step = case.step("spoke_to_hub.app1");
    step.needs = vec![gateway];
    step.action = serde_json::from_value(action).unwrap();
}

#[tokio::test]
async fn what_never_runs_is_not_judged_and_needs_no_right() {
    for runs in [true, false] {
        let mut case = Case::of(MAIN);
        case.want("gateway", "/with/location", json!("eastasia"));
        let gateway = case.step("gateway");
        gateway.when = (!runs).then_some(Condition::Known(false));
        let plan = Plan::new(case.plan.clone()).unwrap();
        let rights: BTreeSet<String> = by_group(&plan).into_values().flatten().collect();
        assert_eq!(rights.contains("Microsoft.Network/virtualNetworkGateways/write"), runs);
        assert_eq!(failed(&case.found().await).contains("GW-LOCATION"), runs);
    }
}

#[tokio::test]
async fn two_connections_without_an_order_find_one_another_where_one_place_is_left() {
    for (standing, full) in [(2, false), (3, true)] {
        let mut case = Case::of(MAIN);
        links(&mut case, standing, |n| format!("Place{n}"));
        circuit("er-second", |_| {}, &mut case);
        second(&mut case, "con-second", "er-second");
        let found = case.found().await;
        assert_eq!(failed(&found).contains("GW-SKU-CIRCUITS"), full, "{standing}");
    }
}

#[tokio::test]
async fn two_connections_without_an_order_take_two_places_of_a_circuit() {
    for (spent, full) in [(8, false), (9, true)] {
        let mut case = Case::of(MAIN);
        case.set("er-singapore", "/sku/tier", json!("Standard"));
        let by = |n: u32| {
            let other = "/subscriptions/99999999-9999-9999-9999-999999999999/resourceGroups/x";
            json!({ "name": format!("a{n}"), "properties": { "authorizationKey": format!("k{n}"),
                "authorizationUseStatus": "InUse", "connectionResourceUri":
                format!("{other}/providers/Microsoft.Network/connections/c{n}") } })
        };
        let all: Vec<Value> = (0..spent).map(by).collect();
        case.body("er-singapore")["properties"]["authorizations"] = json!(all);
        second(&mut case, "con-second", "er-singapore");
        assert_eq!(failed(&case.found().await).contains("LINK-COUNT"), full, "{spent}");
    }
}

#[tokio::test]
async fn a_connection_of_another_circuit_frees_no_authorization() {
    let spent = format!("{CIR}/expressRouteCircuits/er-hongkong/authorizations/auth-hub-ea");
    for (removed, warned) in [("con-other", true), ("con-hub-ea-hongkong", false)] {
        let mut case = Case::of(MAIN);
        let gateway = format!("{EA}/virtualNetworkGateways/ergw-hub-ea");
        let mut other = link("con-other", &gateway, "er-singapore", 0);
        let id = if removed == "con-other" { SEA } else { EA };
        other["id"] = json!(format!("{SEA}/connections/con-other"));
        case.add(other);
        let id = format!("{id}/connections/{removed}");
        let remove = |kind: &str, id: &str| json!({ "action": "remove", "with": { "kind": kind, "id": id } });
        case.instead("circuit_ready", remove("connection", &id));
        case.instead("circuit_layer2", remove("authorization", &spent));
        let first = case.step("circuit_ready").name.clone();
        case.step("circuit_layer2").needs = vec![first];
        let found = case.found().await;
        assert_eq!(failed(&found).contains("AUTH-REVOKE"), warned, "{removed}");
    }
}
