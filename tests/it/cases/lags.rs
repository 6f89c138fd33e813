//! Azure refuses a write for a while: it has not heard everywhere of what the write names, or somebody is at work.

use backroad::engine::{Command, RunState};
use backroad::model::{RunOutcome, StepName};
use backroad::sim::{Fault, FaultEffect};

use super::written;
use crate::support::{Lab, compiled, shipped_world};

async fn drilled(resource: &str, times: u32, effect: FaultEffect) -> (Lab, RunOutcome) {
    let (_, compiled) = compiled("dr-circuit.yaml", "drill");
    let mut scenario = shipped_world();
    scenario.faults.push(Fault::new(Some("PUT"), resource, times, effect));
    let lab = Lab::new(compiled.plan.unwrap(), &scenario);
    let outcome = Lab::outcome_of(lab.drive(None).await);
    (lab, outcome)
}

fn refused(status: u16, code: &str) -> FaultEffect {
    FaultEffect::Refuse { status, code: code.to_owned() }
}

fn attempts(lab: &Lab, step: &str) -> u32 {
    let state = RunState::fold(&lab.journal.events()).unwrap();
    state.steps[&StepName::parse(step).unwrap()].attempt
}

#[tokio::test]
async fn a_write_that_azure_refuses_for_want_of_what_stands_is_tried_again_and_made_once() {
    for code in ["ResourceNotFound", "NotFound", "ParentResourceNotFound"] {
        let (lab, outcome) = drilled("*/connections/*", 1, refused(404, code)).await;
        assert_eq!(outcome, RunOutcome::Succeeded, "{code}");
        assert_eq!(attempts(&lab, "connection"), 2, "{code}");
        assert_eq!(written(&lab, "/connections/con-hub-sea-singapore"), 1, "{code}");
        let journal = serde_json::to_string(&lab.journal.events()).unwrap();
        assert!(journal.contains("What the write names stands"), "{code}");
    }
    // The parent stands, and no step makes it.
    let effect = refused(404, "ParentResourceNotFound");
    let (_, outcome) = drilled("*/virtualNetworkPeerings/app1-to-hub", 1, effect).await;
    assert_eq!(outcome, RunOutcome::Succeeded);
}

#[tokio::test]
async fn what_is_refused_for_ever_ends_within_the_policy_and_a_missing_group_at_once() {
    let (lab, outcome) = drilled("*/connections/*", 99, refused(404, "NotFound")).await;
    assert_eq!(outcome, RunOutcome::Failed);
    assert_eq!(attempts(&lab, "connection"), 8);
    let effect = refused(404, "ResourceGroupNotFound");
    let (lab, outcome) = drilled("*/connections/*", 1, effect).await;
    assert_eq!((outcome, attempts(&lab, "connection")), (RunOutcome::Failed, 1));
}

#[tokio::test]
async fn a_plain_conflict_is_tried_again_within_the_policy() {
    let (lab, outcome) = drilled("*/connections/*", 2, refused(409, "Conflict")).await;
    assert_eq!((outcome, attempts(&lab, "connection")), (RunOutcome::Succeeded, 3));
    let (lab, outcome) = drilled("*/connections/*", 99, refused(409, "Conflict")).await;
    assert_eq!((outcome, attempts(&lab, "connection")), (RunOutcome::Failed, 8));
}

#[tokio::test]
async fn a_gateway_that_fails_by_the_network_s_own_error_is_tried_again() {
    let effect = FaultEffect::Fail { code: "NetworkingInternalOperationError".to_owned() };
    let (lab, outcome) = drilled("*/virtualNetworkGateways/*", 1, effect).await;
    assert_eq!(outcome, RunOutcome::Succeeded);
    assert_eq!(attempts(&lab, "gateway"), 2);
}

#[tokio::test]
async fn what_was_a_lock_or_a_missing_registration_until_now_is_tried_again_and_a_lock_that_stands_is_not()
 {
    for code in ["ScopeLocked", "MissingSubscriptionRegistration", "SubscriptionNotRegistered"] {
        let (lab, outcome) = drilled("*/connections/*", 2, refused(409, code)).await;
        assert_eq!(outcome, RunOutcome::Succeeded, "{code}");
        assert_eq!(attempts(&lab, "connection"), 3, "{code}");
        assert_eq!(written(&lab, "/connections/con-hub-sea-singapore"), 1, "{code}");
        let journal = serde_json::to_string(&lab.journal.events()).unwrap();
        assert!(journal.contains("not all of Azure has heard of it"), "{code}");
    }
    // One that is listed stands, and no waiting removes it.
    let (lab, outcome) = drilled("*/connections/*", 1_000, refused(409, "ScopeLocked")).await;
    assert_eq!((outcome, attempts(&lab, "connection")), (RunOutcome::Failed, 1));
    // What is gone for a while and refused for ever ends within the policy.
    let (lab, outcome) = drilled("*/connections/*", 99, refused(409, "ScopeLocked")).await;
    assert_eq!((outcome, attempts(&lab, "connection")), (RunOutcome::Failed, 8));
}

#[tokio::test]
async fn a_table_that_no_subnet_uses_any_more_is_deleted_although_azure_says_that_it_is_in_use() {
    let (_, compiled) = compiled("dr-circuit.yaml", "drill");
    let lab = Lab::new(compiled.plan.unwrap(), &shipped_world());
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let code = "InUseRouteTableCannotBeDeleted";
    let fault = Fault::new(Some("DELETE"), "*/routeTables/*", 2, refused(400, code));
    lab.world.lock().unwrap().add_fault(fault);
    let undo = Command::Undo { by: "a person".into(), reason: None };
    assert_eq!(Lab::outcome_of(lab.drive(Some(undo)).await), RunOutcome::Undone);
}
