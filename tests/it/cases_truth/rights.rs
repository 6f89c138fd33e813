//! Whose token, and which rights: what no waiting mends is said at once, and what waiting does mend is
//! waited for.

use std::collections::BTreeSet;

use backroad::azure::tenancy::WRONG_TENANT;
use backroad::engine::{Command, RunState, StepState};
use backroad::model::RunOutcome;
use backroad::preflight::FindingVerdict;
use backroad::sim::{Scenario, World};
use serde_json::json;

use super::{drill, failed, of, preflight, shipped, world, written_world};
use crate::support::Lab;

const HOME: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const CARRIER: &str = "bbbbbbbb-0000-4000-8000-000000000002";

/// The circuits are in a subscription of the carrier team's own tenant.
fn two_tenants() -> Scenario {
    written_world(
        "two-tenants",
        &format!(
            "extends: two-circuits.yaml\nworld: two-tenants\ntenants:\n  home: {HOME}\n  subscriptions:\n    \
             22222222-2222-2222-2222-222222222222: {CARRIER}\n"
        ),
    )
}

#[tokio::test]
async fn a_token_of_another_tenant_stops_the_run_before_anything_is_built() {
    let (plan, scenario) = (shipped("dr-circuit.yaml"), world("other-tenant-world.yaml"));
    let found = preflight(&plan, &scenario).await;
    let stops: Vec<_> = found.blocking().filter(|f| f.rule == "TENANT-TOKEN").collect();
    assert_eq!(stops.len(), 1, "{:?}", failed(&found));
    assert!(stops[0].about.contains("22222222"), "{}", stops[0].about);
    let FindingVerdict::Failed(why) = &stops[0].verdict else { panic!() };
    for part in ["is of tenant", "belongs to tenant", "az login --tenant", "--tenant 22222222"] {
        assert!(why.contains(part), "{part}: {why}");
    }
    // And whoever goes on all the same is not kept waiting for it.
    let (outcome, lab) = drill(&plan, &scenario).await;
    assert_ne!(outcome, RunOutcome::Succeeded);
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let refused = state.steps.values().any(
        |record| matches!(&record.state, StepState::Failed(error) if error.code == WRONG_TENANT),
    );
    assert!(refused, "the step fails with Azure's own word");
}

#[tokio::test]
async fn subscriptions_of_two_tenants_are_each_given_their_own_token() {
    let (plan, scenario) = (shipped("dr-circuit.yaml"), two_tenants());
    let found = preflight(&plan, &scenario).await;
    assert_eq!(found.blocking().count(), 0, "{:?}", failed(&found));
    assert!(of(&found, "TENANT-TOKEN").iter().all(|f| f.verdict == FindingVerdict::Passed));
    // The connection names a circuit of the other tenant: its token goes along.
    assert_eq!(drill(&plan, &scenario).await.0, RunOutcome::Succeeded);
}

/// The simulator's half: who sends no token of the linked tenant is refused with Azure's word.
#[test]
fn the_simulator_wants_a_token_of_every_tenant_that_a_write_names() {
    use backroad::azure::wire::{Headers, Method, WireRequest};
    use backroad::sim::server::Answers;
    let scenario = two_tenants();
    let mut world = World::new(&scenario);
    let ours = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network";
    let circuits = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-singapore";
    let mut ask = |method, path: &str, body: String, headers: Headers| {
        let url = format!("http://127.0.0.1{path}?api-version=2024-03-01");
        let request = WireRequest { method, url: url.parse().unwrap(), headers, body: body.into() };
        world.answer(&request, scenario.now).0.unwrap()
    };
    let plain = || Headers::new().with("Authorization", "Bearer t");
    let refused = ask(Method::Get, circuits, String::new(), plain());
    assert_eq!(refused.status, 401);
    let header = refused.headers.get("www-authenticate").unwrap_or_default().to_owned();
    assert!(header.contains(CARRIER) && header.contains("authorization_uri"), "{header}");
    let theirs = Headers::new().with("Authorization", format!("Bearer t.of.{CARRIER}"));
    assert_eq!(ask(Method::Get, circuits, String::new(), theirs).status, 200);
    let body = json!({ "location": "eastasia", "properties": { "connectionType": "ExpressRoute",
        "virtualNetworkGateway1": { "id": format!("{ours}/virtualNetworkGateways/ergw-hub-ea") },
        "peer": { "id": circuits }, "authorizationKey": "x" } })
    .to_string();
    let path = format!("{ours}/connections/con-x");
    let alone = ask(Method::Put, &path, body.clone(), plain());
    let text = String::from_utf8_lossy(&alone.body).into_owned();
    assert_eq!(alone.status, 403, "{text}");
    assert!(text.contains("LinkedAuthorizationFailed"), "{text}");
    let along = plain().with("x-ms-authorization-auxiliary", format!("Bearer t.of.{CARRIER}"));
    let answer = ask(Method::Put, &path, body, along);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!text.contains("LinkedAuthorizationFailed"), "{text}");
}

/// A role that was activated a moment ago is listed, and not yet obeyed.
#[tokio::test]
async fn a_right_that_is_listed_and_not_yet_obeyed_is_waited_for() {
    let (plan, scenario) = (shipped("dr-circuit.yaml"), world("fresh-rights-world.yaml"));
    assert_eq!(drill(&plan, &scenario).await.0, RunOutcome::Succeeded);
}

/// So are a right at a resource that a body names, and those to look and to ask Site Recovery.
#[tokio::test]
async fn a_right_of_any_kind_that_is_not_yet_obeyed_is_waited_for() {
    let plan = shipped("dr-circuit.yaml");
    for (method, code, from) in [
        ("PUT", "LinkedAuthorizationFailed", None),
        ("GET", "AuthorizationFailed", Some("1s")),
        ("POST", "AuthorizationFailed", Some("1s")),
    ] {
        let mut scenario = world("fresh-rights-world.yaml");
        // The list of rights is read all the same.
        let resource = "*/microsoft.network/*";
        let mut fault = json!({ "method": method, "resource": resource, "times": 100_000, "until": "4m",
            "effect": { "refuse": { "status": 403, "code": code } } });
        if let Some(from) = from {
            fault["from"] = json!(from);
        }
        scenario.faults = vec![serde_json::from_value(fault).unwrap()];
        let (outcome, lab) = drill(&plan, &scenario).await;
        assert_eq!(outcome, RunOutcome::Succeeded, "{method} {code}: {:?}", lab.journal.events());
    }
}

/// The same refusal, and the list of rights does not have it: no waiting gives it.
#[tokio::test]
async fn a_right_that_is_not_listed_is_not_waited_for() {
    let mut scenario = world("fresh-rights-world.yaml");
    scenario.faults.clear();
    let grants = json!([{ "scope": "/subscriptions/11111111-1111-1111-1111-111111111111",
        "actions": ["*/read", "*/action"] },
        { "scope": "/subscriptions/22222222-2222-2222-2222-222222222222", "actions": ["*"] }]);
    scenario.rights = serde_json::from_value(grants).unwrap();
    let begun = scenario.now;
    let (outcome, lab) = drill(&shipped("dr-circuit.yaml"), &scenario).await;
    assert_eq!(outcome, RunOutcome::Failed);
    assert!(lab.now().since(begun).as_secs() < 300, "nobody waits for what does not come");
}

#[tokio::test]
async fn retry_without_a_step_tries_all_failed_ones() {
    let mut scenario = world("fresh-rights-world.yaml");
    // Longer than the retries of a step go on.
    scenario.faults[0].until = Some(std::time::Duration::from_secs(3_600));
    let plan = shipped("dr-circuit.yaml");
    let lab = Lab::new(plan, &scenario);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Failed);
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let count = |state: &RunState| {
        state.steps.values().filter(|record| matches!(record.state, StepState::Failed(_))).count()
    };
    assert!(count(&state) > 1, "several steps failed: {}", count(&state));
    lab.world.lock().unwrap().clear_faults();
    let by = "eve".into();
    let command = Command::RetryAll { by, reason: None, done: false };
    assert_eq!(Lab::outcome_of(lab.drive(Some(command)).await), RunOutcome::Succeeded);
}

/// A world in which a stack denies what is written in a scope of the target.
fn denied(scope: &str, more: &str) -> Scenario {
    let network =
        "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea";
    written_world(
        "denied",
        &format!(
            "extends: two-circuits.yaml\nworld: denied\ndeny_assignments:\n  - name: stack\n    scope: \
             {network}{scope}\n    actions: ['*']\n    not_actions: ['*/read']\n{more}"
        ),
    )
}

#[tokio::test]
async fn what_a_stack_denies_is_told_before_the_run_and_refused_in_it() {
    let plan = shipped("dr-circuit.yaml");
    let scenario = denied("", "");
    let found = preflight(&plan, &scenario).await;
    let stops: Vec<_> = found.blocking().filter(|own| own.rule == "DENY-ASSIGNED").collect();
    assert!(stops.iter().any(|own| own.about == "ergw-hub-sea"), "{stops:?}");
    assert!(found.blocking().all(|own| own.rule == "DENY-ASSIGNED"), "{:?}", failed(&found));
    let (outcome, lab) = drill(&plan, &scenario).await;
    assert_ne!(outcome, RunOutcome::Succeeded);
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let code = "DenyAssignmentAuthorizationFailed";
    let refused = state
        .steps
        .values()
        .any(|record| matches!(&record.state, StepState::Failed(error) if error.code == code));
    assert!(refused, "at once, and by Azure's own word");
    // One that leaves somebody out may leave us out.
    let found = preflight(&plan, &denied("", "    excluded: [them]\n")).await;
    assert!(failed(&found).contains("DENY-MAYBE") && found.blocking().next().is_none());
    // What holds at a network alone is no matter of its subnets and peerings.
    let network = "/providers/Microsoft.Network/virtualNetworks/vnet-hub-sea";
    let about = async |more: &str| -> BTreeSet<String> {
        let found = preflight(&plan, &denied(network, more)).await;
        let own = of(&found, "DENY-ASSIGNED").into_iter();
        let own = own.filter(|own| matches!(own.verdict, FindingVerdict::Failed(_)));
        own.map(|own| own.about.clone()).collect()
    };
    // It is peered with itself: that is a right on the network.
    let here = about("    here_only: true\n").await;
    assert_eq!(here, BTreeSet::from(["vnet-hub-sea".to_owned()]));
    let below = about("").await;
    assert!(below.contains("vnet-hub-sea/GatewaySubnet"), "{below:?}");
}

#[tokio::test]
async fn deny_assignments_that_may_not_be_read_are_not_known() {
    let mut scenario = crate::support::shipped_world();
    let fault = json!({ "method": "GET", "resource": "*/denyAssignments", "times": 99,
        "effect": { "refuse": { "status": 403, "code": "AuthorizationFailed" } } });
    scenario.faults.push(serde_json::from_value(fault).unwrap());
    let found = preflight(&shipped("dr-circuit.yaml"), &scenario).await;
    let unknown = found.findings.iter().any(|own| {
        own.rule == "DENY-ASSIGNED" && matches!(own.verdict, FindingVerdict::Unknown(_))
    });
    assert!(unknown && found.blocking().next().is_none());
}
