//! A connection that carries may say nothing of whether it is connected: its gateway's sessions say it.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use backroad::engine::{RunState, survey};
use backroad::model::{RunOutcome, StepName};
use backroad::plan::{Preview, PreviewVerdict, preview};
use backroad::sim::{Fault, FaultEffect};

use crate::support::{Lab, compiled, shipped_world};

fn untold(faults: &[Fault]) -> Lab {
    let (_, compiled) = compiled("dr-circuit.yaml", "drill");
    let mut scenario = shipped_world();
    scenario.faults.push(Fault::new(Some("PUT"), "*/connections/*", 9, FaultEffect::Untold));
    scenario.faults.extend_from_slice(faults);
    Lab::new(compiled.plan.unwrap(), &scenario)
}

async fn previewed(lab: &Lab) -> PreviewVerdict {
    let clock = lab.clock();
    let observer = lab.arm(&clock).observer();
    let seen = survey(&lab.plan, &observer, &clock).await;
    let Preview { steps } = preview(&lab.plan, &seen);
    steps.iter().find(|step| step.name.as_str() == "connected").unwrap().verdict
}

#[tokio::test]
async fn a_failover_is_not_failed_by_a_status_that_azure_does_not_tell() {
    let lab = untold(&[]);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let connected = &state.steps[&StepName::parse("connected").unwrap()];
    assert_eq!(connected.outputs["connection_status"], "Unknown", "as Azure says it");
    assert_eq!(previewed(&lab).await, PreviewVerdict::AlreadySo);
}

#[tokio::test]
async fn where_the_sessions_cannot_be_read_either_a_plan_says_that_it_cannot_be_known() {
    let lab = untold(&[]);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let blind = FaultEffect::Refuse { status: 403, code: "AuthorizationFailed".to_owned() };
    let fault = Fault::new(Some("POST"), "*/getBgpPeerStatus", 99, blind);
    lab.world.lock().unwrap().add_fault(fault);
    assert_eq!(previewed(&lab).await, PreviewVerdict::Unknown);
}
