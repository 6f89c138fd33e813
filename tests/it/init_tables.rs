//! A route table that several subnets use is written once, and two that come to one name are two: what `init` writes is
//! taken by our own compiler.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeSet;

use backroad::init::{KnownEstate, Wish, advise, draft, written};
use backroad::model::{Action, Plan, Region};
use backroad::plan::{CompileOptions, compile};
use backroad::runbook::SourceFile;
use backroad::sim::Scenario;
use serde_json::{Value, json};

use crate::support::{file, world_file};

const EA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network";

fn body<'s>(scenario: &'s mut Scenario, name: &str) -> &'s mut Value {
    let ends = format!("/{name}");
    let is_it = |body: &&mut Value| body["id"].as_str().is_some_and(|id| id.ends_with(&ends));
    scenario.resources.iter_mut().find(is_it).unwrap()
}

fn add_subnet(scenario: &mut Scenario, vnet: &str, subnet: Value) {
    let own = body(scenario, vnet);
    own["properties"]["subnets"].as_array_mut().unwrap().push(subnet);
}

/// The plans of the failover and of the way home that are written for an estate.
fn plans(scenario: &Scenario, wish: &Wish) -> Vec<Plan> {
    let estate = KnownEstate::of(scenario);
    let advice = advise(&estate, wish).unwrap_or_else(|e| panic!("{e}: {:?}", e.hints));
    let draft = draft(&estate, &advice).unwrap();
    let all = written(&draft, "x", "estate.yaml");
    let mut plans = Vec::new();
    for name in ["x.yaml", "x-failback.yaml"] {
        let text = &all.iter().find(|own| own.name == name).unwrap().text;
        let options = CompileOptions { profile: Some("drill".to_owned()), ..Default::default() };
        let compiled = compile(&SourceFile::new(name, text.clone()), &options);
        let plan =
            compiled.plan.unwrap_or_else(|| panic!("{name}: {:?}\n{text}", compiled.diagnostics));
        plans.push(plan);
    }
    plans
}

/// The tables that a plan makes, each as often as it does.
fn made(plan: &Plan) -> Vec<String> {
    let tables = plan.steps().iter().filter_map(|step| match &step.action {
        Action::RouteTable(spec) => Some(spec.id.name().to_owned()),
        _ => None,
    });
    tables.collect()
}

fn eastwards() -> Wish {
    let region = |name: &str| Some(Region::parse(name).unwrap());
    Wish { source: region("eastasia"), target: region("southeastasia"), ..Wish::default() }
}

#[test]
fn two_tables_of_one_name_are_two_at_the_target_as_well() {
    let mut scenario = world_file("two-circuits.yaml");
    let mut other = body(&mut scenario, "rt-app-ea").clone();
    let id = format!("{}/routeTables/rt-app-ea", EA.replace("rg-network-ea", "rg-other-ea"));
    other["id"] = json!(id);
    other["properties"]["routes"][0]["properties"]["addressPrefix"] = json!("10.0.0.0/9");
    scenario.resources.push(other);
    let network = body(&mut scenario, "vnet-app2-ea");
    network["properties"]["subnets"][0]["properties"]["routeTable"] = json!({ "id": id });
    let plans = plans(&scenario, &eastwards());
    let made = made(&plans[0]);
    let names: BTreeSet<&str> = made.iter().map(String::as_str).collect();
    assert_eq!(made.len(), names.len(), "each once: {made:?}");
    assert!(names.contains("rt-app-sea") && names.contains("rt-app-sea-2"), "{made:?}");
}

#[test]
fn two_tables_of_one_name_with_the_same_routes_are_one() {
    let mut scenario = world_file("two-circuits.yaml");
    let mut other = body(&mut scenario, "rt-app-ea").clone();
    let id = format!("{}/routeTables/rt-app-ea", EA.replace("rg-network-ea", "rg-other-ea"));
    other["id"] = json!(id);
    scenario.resources.push(other);
    let network = body(&mut scenario, "vnet-app2-ea");
    network["properties"]["subnets"][0]["properties"]["routeTable"] = json!({ "id": id });
    let plans = plans(&scenario, &eastwards());
    let made = made(&plans[0]);
    assert_eq!(made.iter().filter(|name| name.starts_with("rt-app-sea")).count(), 1, "{made:?}");
    let used = plans[0].steps().iter().filter(|step| match &step.action {
        Action::Association(spec) => spec.route_table.name() == "rt-app-sea",
        _ => false,
    });
    assert_eq!(used.count(), 2, "both subnets use it");
}

#[test]
fn a_subnet_of_the_target_that_stands_for_two_is_given_its_table_once() {
    let mut scenario = world_file("two-circuits.yaml");
    let table = json!({ "id": format!("{EA}/routeTables/rt-app-ea") });
    add_subnet(
        &mut scenario,
        "vnet-app1-ea",
        json!({ "name": "snet-web", "properties": { "addressPrefix": "10.1.0.128/25",
            "routeTable": table } }),
    );
    let target = body(&mut scenario, "vnet-app1-sea");
    target["properties"]["subnets"][0]["properties"]["addressPrefix"] = json!("10.1.0.128/25");
    plans(&scenario, &eastwards());
}

#[test]
fn a_table_that_is_used_behind_two_hubs_is_written_once() {
    let path = file("tests/fixtures/estates/two-hubs-in-one-region.yaml");
    // All of it in one group of each region.
    let text = std::fs::read_to_string(path).unwrap();
    let is_group =
        |line: &&str| line.contains("/resourceGroups/office-hub-") && line.contains("-rg,");
    let text: String =
        text.lines().filter(|line| !is_group(line)).map(|line| format!("{line}\n")).collect();
    let text = text.replace("office-hub-sdc-rg", "prod-hub-sdc-rg");
    let text = text.replace("office-hub-noe-rg", "prod-hub-noe-rg");
    let mut scenario = Scenario::parse("two-hubs", &text).unwrap();
    let spoke = body(&mut scenario, "prod-one-sdc").clone();
    let place = spoke["id"].as_str().unwrap().split("/virtualNetworks/").next().unwrap().to_owned();
    let table = format!("{place}/routeTables/rt-shared-sdc");
    scenario.resources.push(json!({ "id": table, "location": "swedencentral", "properties": {
        "routes": [{ "name": "out", "properties": {
            "addressPrefix": "0.0.0.0/0", "nextHopType": "Internet" } }] } }));
    for spoke in ["prod-one-sdc", "office-one-sdc"] {
        let subnet = &mut body(&mut scenario, spoke)["properties"]["subnets"][0];
        subnet["properties"]["routeTable"] = json!({ "id": table });
    }
    let plans = plans(&scenario, &Wish::default());
    let made = made(&plans[0]);
    assert_eq!(made.len(), 1, "{made:?}");
    let uses = |step: &&backroad::model::Step| matches!(step.action, Action::Association(_));
    assert_eq!(plans[0].steps().iter().filter(uses).count(), 2, "both spokes use it");
}
