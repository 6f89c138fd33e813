//! The table of a GatewaySubnet counts whenever a step gives or writes it, and where a gateway stands that the run
//! counts on.

use super::*;

const TABLE: &str = "rt-gw";

fn route(prefix: &str) -> Value {
    json!({ "name": "d", "prefix": prefix, "next_hop": { "appliance": "10.10.10.10" } })
}

/// A step that writes the table, after others.
fn write(case: &mut Case, needs: &[&str], routes: &Value, propagate: bool) {
    let spec = json!({ "action": "route_table.ensure", "with": {
        "id": format!("{SEA}/routeTables/{TABLE}"), "location": "southeastasia", "routes": routes,
        "propagate_gateway_routes": propagate, "tags": {} } });
    add_step(case, "gw_table", needs, spec);
}

/// A step that gives it to the GatewaySubnet, after others.
fn give(case: &mut Case, needs: &[&str]) {
    let spec = json!({ "action": "route_table.associate", "with": {
        "subnet": format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet"),
        "route_table": format!("{SEA}/routeTables/{TABLE}") } });
    add_step(case, "gw_association", needs, spec);
}

fn add_step(case: &mut Case, name: &str, needs: &[&str], action: Value) {
    let mut step = case.step("hub_routes").clone();
    step.name = StepName::parse(name).unwrap();
    step.needs = needs.iter().map(|own| StepName::parse(own).unwrap()).collect();
    step.action = serde_json::from_value(action).unwrap();
    case.plan.steps.push(step);
}

fn count(found: &Preflight, rule: &str) -> usize {
    let own = found.findings.iter().filter(|finding| finding.rule == rule);
    own.filter(|finding| matches!(finding.verdict, FindingVerdict::Failed(_))).count()
}

#[tokio::test]
async fn a_table_that_comes_beside_or_after_the_gateway_counts_and_is_found_once() {
    for needs in [&["gw_table", "gateway_subnet"][..], &["gw_table", "gateway"][..]] {
        let mut case = Case::of(MAIN);
        write(&mut case, &[], &json!([route("0.0.0.0/0")]), false);
        give(&mut case, needs);
        let found = case.found().await;
        let rules = ["GWS-UDR0", "GWS-PROPAGATION"];
        assert_eq!(rules.map(|rule| count(&found, rule)), [1, 1], "{needs:?}");
    }
    let mut well = Case::of(MAIN);
    write(&mut well, &[], &json!([route("10.1.0.0/24")]), true);
    give(&mut well, &["gw_table", "gateway"]);
    let found = well.found().await;
    assert!(!failed(&found).iter().any(|rule| rule.starts_with("GWS-")), "{:?}", failed(&found));
}

#[tokio::test]
async fn a_route_that_is_put_into_the_table_of_the_gateways_subnet_counts() {
    for (table, fires) in [("rt-bad", 1), ("rt-other", 0)] {
        let mut case = Case::of(MAIN);
        with_table(&mut case, &json!([]), false);
        let other = json!({ "id": format!("{SEA}/routeTables/rt-other"),
            "location": "southeastasia", "properties": { "routes": [] } });
        case.add(other);
        let spec = json!({ "action": "route.ensure", "with": {
            "id": format!("{SEA}/routeTables/{table}/routes/d"),
            "prefix": "0.0.0.0/0", "next_hop": { "appliance": "10.10.10.10" } } });
        add_step(&mut case, "default", &["gateway"], spec);
        assert_eq!(count(&case.found().await, "GWS-UDR0"), fires, "{table}");
    }
}

/// The prepared gateway is made by no step: its subnet counts because the run counts on it.
#[tokio::test]
async fn the_table_of_a_gateway_that_stands_by_counts_until_a_step_mends_it() {
    for mended in [false, true] {
        let mut case = Case::of(PREPARED);
        case.add(json!({ "id": format!("{SEA}/routeTables/{TABLE}"), "location": "southeastasia",
            "properties": { "disableBgpRoutePropagation": true, "routes": [] } }));
        let subnets = case.body("vnet-hub-sea")["properties"]["subnets"].as_array_mut().unwrap();
        let own = subnets.iter_mut().find(|own| own["name"] == "GatewaySubnet").unwrap();
        own["properties"]["routeTable"] = json!({ "id": format!("{SEA}/routeTables/{TABLE}") });
        if mended {
            let spec = json!({ "action": "route_table.ensure", "with": {
                "id": format!("{SEA}/routeTables/{TABLE}"), "location": "southeastasia",
                "routes": [], "propagate_gateway_routes": true, "tags": {} } });
            let mut step = case.step("circuit_ready").clone();
            step.name = StepName::parse("mend").unwrap();
            step.needs = Vec::new();
            step.action = serde_json::from_value(spec).unwrap();
            case.plan.steps.push(step);
            let mend = StepName::parse("mend").unwrap();
            for step in &mut case.plan.steps {
                if step.name != mend {
                    step.needs.push(mend.clone());
                }
            }
        }
        let found = case.found().await;
        assert_eq!(count(&found, "GWS-PROPAGATION"), usize::from(!mended), "mended: {mended}");
    }
}
