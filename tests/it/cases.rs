//! Cases from the field: small estates after public reports, and what is right for each.
//!
//! The simulator's half (Azure's answers as they are) and the executor's half (what is made of them) are
//! looked at apart, so that the two cannot be wrong together.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

mod at_work;
mod changed_since;
mod estates;
mod lags;
mod mended;
mod others_since;
mod refused;
mod served;
mod untold;

use backroad::engine::{RunState, StepState, survey};
use backroad::model::action::Vpn;
use backroad::model::{Action, Assessed, Plan, ResourceId, RunOutcome, Timestamp};
use backroad::plan::{CompileOptions, compile};
use backroad::runbook::SourceFile;
use backroad::sim::{Scenario, World};
use serde_json::Value;

use crate::support::{Lab, compiled, file, shipped_world};

const SEA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network";

fn plan(name: &str) -> Plan {
    let text = std::fs::read_to_string(file("tests/fixtures/cases").join(name)).unwrap();
    let options = CompileOptions { profile: Some("live".to_owned()), ..CompileOptions::default() };
    let compiled = compile(&SourceFile::new(name, text), &options);
    compiled.plan.unwrap_or_else(|| panic!("{name}: {:?}", compiled.diagnostics))
}

/// A world of the cases over a shipped one.
fn world(name: &str) -> Scenario {
    let read = |path: &str| {
        let name = std::path::Path::new(path).file_name().unwrap();
        let own = file("tests/fixtures/cases").join(name);
        let path = if own.exists() { own } else { file("runbooks/worlds").join(name) };
        std::fs::read_to_string(path).map_err(|error| error.to_string())
    };
    Scenario::parse_over(name, &read(name).unwrap(), &read).unwrap()
}

/// The writes that Azure accepted on a resource.
fn written(lab: &Lab, end: &str) -> usize {
    let world = lab.world.lock().unwrap();
    let about = |path: &str| path.to_ascii_lowercase().ends_with(&end.to_ascii_lowercase());
    let writes = world.ledger().iter().filter(|e| e.method != "GET" && e.accepted == Some(true));
    writes.filter(|entry| about(&entry.path)).count()
}

/// What a GET shows of a resource at the end of a lab.
fn shown(lab: &Lab, id: &str) -> Value {
    let file = lab.world.lock().unwrap().to_file(lab.now());
    let all = file["resources"].as_array().unwrap();
    let found = all.iter().find(|body| body["id"].as_str().unwrap().eq_ignore_ascii_case(id));
    found.unwrap_or_else(|| panic!("{id} is not there")).clone()
}

#[tokio::test]
async fn a_gateway_that_shows_no_address_is_written_once() {
    let lab = Lab::new(plan("gateway-with-address.yaml"), &shipped_world());
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    assert_eq!(written(&lab, "/ergw-x"), 1, "one write in all");
    let gateway = shown(&lab, &format!("{SEA}/virtualNetworkGateways/ergw-x"));
    let configuration = &gateway["properties"]["ipConfigurations"][0]["properties"];
    assert!(configuration["subnet"]["id"].is_string(), "{gateway}");
    assert!(configuration.get("publicIPAddress").is_none(), "the simulator's half: {gateway}");
    // Again: nothing is different.
    let again = Lab::in_world(lab.plan.clone(), lab.world.clone(), lab.now(), "2");
    assert_eq!(Lab::outcome_of(again.drive(None).await), RunOutcome::Succeeded);
    assert_eq!(again.sends(), 0);
}

#[tokio::test]
async fn a_gateway_of_a_time_that_showed_addresses_is_written_once_as_well() {
    let mut then = shipped_world();
    then.now = Timestamp::parse("2025-07-31T03:00:00Z").unwrap();
    let lab = Lab::new(plan("gateway-with-address.yaml"), &then);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    assert_eq!(written(&lab, "/ergw-x"), 1);
    // The lab ended in August 2025? It did not: an hour is not enough.
    let gateway = shown(&lab, &format!("{SEA}/virtualNetworkGateways/ergw-x"));
    let configuration = &gateway["properties"]["ipConfigurations"][0]["properties"];
    assert!(configuration["publicIPAddress"]["id"].is_string(), "{gateway}");
}

#[tokio::test]
async fn a_standing_gateway_without_an_address_is_left_alone() {
    let (_, compiled) = compiled("dr-circuit.yaml", "drill");
    let plan = compiled.plan.unwrap();
    let lab = Lab::new(plan, &world("standing-gateway-world.yaml"));
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    assert_eq!(written(&lab, "/ergw-hub-sea"), 0, "already so");
}

#[test]
fn no_shipped_runbook_makes_an_address_for_an_express_route_gateway() {
    for (name, profile) in crate::support::all_shipped() {
        let plan = compiled(&name, &profile).1.plan.unwrap();
        // A VPN gateway still brings its own.
        let brought: Vec<&ResourceId> = plan
            .steps()
            .iter()
            .filter_map(|step| match &step.action {
                Action::Vpn(Vpn::Gateway(gateway)) => Some(&gateway.public_ips),
                _ => None,
            })
            .flatten()
            .collect();
        for step in plan.steps().iter().filter(|step| step.action.name() == "public_ip.ensure") {
            let made = step.action.written().unwrap();
            assert!(brought.contains(&made), "{name}: {} makes {made}", step.name);
        }
    }
}

/// The verdict of a look at the address of `zones.yaml` in a world, and the writes of a run there.
async fn zones(name: &str) -> (Assessed, RunState, u64) {
    let lab = Lab::new(plan("zones.yaml"), &world(name));
    let clock = lab.clock();
    let seen = survey(&lab.plan, &lab.arm(&clock).observer(), &clock).await;
    let verdict = seen.into_values().next().unwrap().unwrap().verdict;
    drop(clock);
    drop(lab.drive(None).await);
    (verdict, RunState::fold(&lab.journal.events()).unwrap(), lab.sends())
}

#[tokio::test]
async fn zones_are_a_set_and_more_of_them_hold() {
    for name in ["zones-order-world.yaml", "zones-more-world.yaml"] {
        let (verdict, state, sends) = zones(name).await;
        assert_eq!(verdict, Assessed::Holds, "{name}");
        assert_eq!((state.outcome(), sends), (Some(RunOutcome::Succeeded), 0), "{name}");
    }
}

#[tokio::test]
async fn zones_that_cannot_be_changed_are_said_by_the_plan_and_never_written() {
    for name in ["zones-none-world.yaml", "zones-one-world.yaml"] {
        let (verdict, state, sends) = zones(name).await;
        let Assessed::Blocked { code, why } = verdict else { panic!("{name}: {verdict:?}") };
        assert_eq!(code, "zones_cannot_change");
        for part in
            ["ResourceAvailabilityZonesCannotBeModified", "Choose another name", "zones 1, 2"]
        {
            assert!(why.contains(part), "{why}");
        }
        assert_eq!((state.outcome(), sends), (Some(RunOutcome::Failed), 0), "{name}");
        let failed =
            state.steps.values().all(|record| matches!(record.state, StepState::Failed(_)));
        assert!(failed, "{name}");
    }
}

/// The simulator's half of the zones: whoever writes others is refused with Azure's own word.
#[test]
fn the_simulator_never_changes_zones() {
    use backroad::azure::wire::{Headers, Method, WireRequest};
    use backroad::sim::server::Answers;
    let scenario = world("zones-one-world.yaml");
    let mut world = World::new(&scenario);
    let mut put = |zones: Value| {
        let id = ResourceId::parse(&format!("{SEA}/publicIPAddresses/pip-x")).unwrap();
        let body = serde_json::json!({ "location": "southeastasia", "sku": { "name": "Standard" },
            "zones": zones, "properties": { "publicIPAllocationMethod": "Static" } });
        let request = WireRequest {
            method: Method::Put,
            url: format!("http://127.0.0.1{id}?api-version=2024-03-01").parse().unwrap(),
            headers: Headers::new(),
            body: body.to_string().into(),
        };
        let answer = world.answer(&request, scenario.now).0.unwrap();
        (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
    };
    let (status, text) = put(serde_json::json!(["1", "2"]));
    assert_eq!(status, 400);
    assert!(text.contains("ResourceAvailabilityZonesCannotBeModified"), "{text}");
    assert_eq!(put(serde_json::json!(["1"])).0, 200);
}
