//! The promise: nothing started is endless. Every wait has a bound and leads to a person, in a drill too; and
//! a drill that goes on all the same stops and says what it waits for.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::engine::{Command, Ending, EngineError, RunState, StepCommand};
use backroad::model::{OnFailure, Plan, PlanParts, RunOutcome, StepName, limits};
use backroad::render::run_view;
use backroad::render::view::Driven;
use backroad::sim::{Fault, FaultEffect};

use crate::support::worlds::differences;
use crate::support::{Drove, Lab, Stage};

async fn stage(change: impl Fn(&mut PlanParts)) -> Stage {
    let stage = Stage::of("site-recovery-test.yaml", "drill").await;
    let mut parts: PlanParts = stage.plan.clone().into();
    change(&mut parts);
    Stage { plan: Plan::new(parts).unwrap(), ..stage }
}

fn strike(lab: &Lab, method: &str, resource: &str, effect: FaultEffect) {
    let fault = Fault::new(Some(method), resource, 1, effect);
    lab.world.lock().unwrap().add_fault(fault);
}

fn waits_at(drove: Drove) -> Vec<String> {
    match drove {
        Drove::Ended(Ending::Waiting(steps)) => steps.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn owed(lab: &Lab) -> String {
    RunState::fold(&lab.journal.events()).unwrap().obligations().join("\n")
}

fn undo() -> Option<Command> {
    Some(Command::Undo { by: "zoe".into(), reason: None })
}

#[tokio::test]
async fn an_undo_that_waits_for_an_operation_without_an_end_asks_a_person() {
    let lab = stage(|_| {}).await.lab();
    let begun = lab.now();
    strike(&lab, "POST", "*/testFailover", FaultEffect::Stuck);
    assert_eq!(waits_at(lab.drive(None).await), ["copies"]);
    let longest = Duration::from_secs(2 * 3_600 + 900) + limits::OPERATION_OVERDUE_AFTER;
    assert!(lab.now().since(begun) < longest, "{}", lab.now());
    assert!(owed(&lab).contains("has not ended 4h after the step's time was up"), "{}", owed(&lab));
    // Taken up again it waits still, and goes on when a person says so.
    assert_eq!(waits_at(lab.drive(None).await), ["copies"]);
    assert_eq!(Lab::outcome_of(lab.drive(undo()).await), RunOutcome::UndoIncomplete);
    assert!(owed(&lab).contains("could not be undone") && owed(&lab).contains("rp-apps"));
}

#[tokio::test]
async fn a_person_may_leave_what_an_undo_waits_for_and_it_is_listed() {
    let lab = stage(|_| {}).await.lab();
    strike(&lab, "POST", "*/testFailover", FaultEffect::Stuck);
    assert_eq!(waits_at(lab.drive(None).await), ["copies"]);
    let skip = Command::Skip(StepCommand {
        step: StepName::parse("copies").unwrap(),
        by: "zoe".into(),
        reason: Some("Microsoft has a ticket".to_owned()),
        choice: None,
    });
    assert_eq!(Lab::outcome_of(lab.drive(Some(skip)).await), RunOutcome::UndoIncomplete);
    assert!(owed(&lab).contains("Microsoft has a ticket"), "{}", owed(&lab));
}

#[tokio::test]
async fn what_is_held_in_doubt_is_never_called_undone() {
    // Lost, at work for ever, and its time is over: held. An undo looks before it says anything.
    let lab = stage(|_| {}).await.lab();
    let before = lab.comparable();
    strike(&lab, "POST", "*/testFailover", FaultEffect::LoseAnswer);
    strike(&lab, "POST", "*/testFailover", FaultEffect::Stuck);
    assert_eq!(waits_at(lab.drive(None).await), ["copies"]);
    assert_eq!(Lab::outcome_of(lab.drive(undo()).await), RunOutcome::UndoIncomplete);
    assert!(!differences(&before, &lab.comparable()).is_empty());
    assert!(owed(&lab).contains("rp-apps"), "{}", owed(&lab));
}

#[tokio::test]
async fn a_run_that_goes_on_without_a_step_asks_when_its_operation_never_ends() {
    let lab = stage(|parts| {
        for step in &mut parts.steps {
            step.on_failure = OnFailure::Continue;
        }
        parts.steps.retain(|step| step.name.as_str() == "copies");
    })
    .await
    .lab();
    strike(&lab, "POST", "*/testFailover", FaultEffect::Stuck);
    assert_eq!(waits_at(lab.drive(None).await), ["copies"]);
}

#[tokio::test]
async fn a_drill_that_does_not_end_stops_and_names_its_wait() {
    let lab = stage(|parts| {
        for step in &mut parts.steps {
            step.timeout = Duration::from_secs(360 * 86_400);
        }
    })
    .await
    .lab();
    strike(&lab, "POST", "*/testFailover", FaultEffect::Stuck);
    let Drove::Broke(error) = lab.drive(None).await else { panic!("it ended") };
    assert!(matches!(error, EngineError::Endless { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("Step `copies` has waited since") && text.contains("rp-apps"), "{text}");
    let events = lab.journal.events().len();
    assert!(events < 1_000, "{events} events");
}

#[tokio::test]
async fn what_azure_goes_on_removing_is_not_called_removed() {
    let lab = Stage::of("dr-circuit-failback.yaml", "drill").await.lab();
    strike(&lab, "DELETE", "*/con-hub-sea-singapore", FaultEffect::Stuck);
    drop(lab.drive(None).await);
    let events = lab.journal.events();
    let state = RunState::fold(&events).unwrap();
    let view = run_view(&state, &events, Driven::ByNobody).unwrap();
    let step = view.steps.iter().find(|step| step.name.as_str() == "disconnect").unwrap();
    assert_eq!(step.change.as_deref(), Some("being_removed"), "{step:?}");
}
