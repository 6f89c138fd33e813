//! The promise: kill it at any instruction, on any step; go on; the world ends the same and nothing
//! was written twice. And when it cannot end well, it says what is left.

use backroad::engine::{Command, EngineError, RunState, StepState};
use backroad::model::{OnFailure, Plan, PlanParts, RunOutcome, Step};
use backroad::sim::{Fault, FaultEffect};

use crate::support::{Drove, Lab, Place, Sabotage, shipped_plan, shipped_world, undisturbed};

fn writers(plan: &Plan) -> Vec<Step> {
    plan.steps().iter().filter(|step| step.action.written().is_some()).cloned().collect()
}

fn fault(step: &Step, effect: FaultEffect, times: u32) -> Fault {
    let written = step.action.written().map(ToString::to_string).unwrap_or_default();
    Fault::new(Some("PUT"), &written, times, effect)
}

#[tokio::test]
async fn a_step_that_fails_for_good_leaves_what_the_run_says_and_can_be_undone() {
    let plan = shipped_plan();
    let initial = Lab::new(plan.clone(), &shipped_world()).comparable();
    for step in writers(&plan) {
        let lab = Lab::new(plan.clone(), &shipped_world());
        let effect = FaultEffect::Fail { code: "Forbidden".to_owned() };
        lab.world.lock().unwrap().add_fault(fault(&step, effect, 1_000));
        let outcome = Lab::outcome_of(lab.drive(None).await);
        assert_eq!(outcome, RunOutcome::Failed, "{}", step.name);
        lab.check_ledger().unwrap();
        // A failed resource is still there; the undo takes it back as well, once Azure lets it.
        lab.world.lock().unwrap().clear_faults();
        let undo = Command::Undo { by: "a person".into(), reason: None };
        let outcome = Lab::outcome_of(lab.drive(Some(undo)).await);
        assert_eq!(outcome, RunOutcome::Undone, "{}", step.name);
        assert_eq!(lab.comparable(), initial, "{}: everything is as it was", step.name);
    }
}

#[tokio::test]
async fn on_failure_undo_takes_everything_back_by_itself() {
    let mut parts: PlanParts = shipped_plan().into();
    for step in &mut parts.steps {
        step.on_failure = OnFailure::Undo;
    }
    let plan = Plan::new(parts).unwrap();
    let lab = Lab::new(plan.clone(), &shipped_world());
    let initial = lab.comparable();
    let connection = writers(&plan).into_iter().find(|s| s.name.as_str() == "connection").unwrap();
    let effect = FaultEffect::Fail { code: "Forbidden".to_owned() };
    lab.world.lock().unwrap().add_fault(fault(&connection, effect, 1_000));
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Undone);
    assert_eq!(lab.comparable(), initial);
    lab.check_ledger().unwrap();
}

#[tokio::test]
async fn what_an_undo_cannot_take_back_is_listed() {
    let plan = shipped_plan();
    let lab = Lab::new(plan.clone(), &shipped_world());
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    lab.world.lock().unwrap().add_fault(Fault::new(
        Some("DELETE"),
        "*/connections/*",
        1_000,
        FaultEffect::Refuse { status: 409, code: "ScopeLocked".to_owned() },
    ));
    let undo = Command::Undo { by: "a person".into(), reason: None };
    assert_eq!(Lab::outcome_of(lab.drive(Some(undo)).await), RunOutcome::UndoIncomplete);
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let owed = state.obligations().join("\n");
    let world = lab.comparable().to_string();
    for step in writers(&plan) {
        let record = &state.steps[&step.name];
        if matches!(record.state, StepState::UndoFailed(_)) {
            let resource = step.action.written().unwrap();
            assert!(owed.contains(resource.as_str()), "{owed}");
            assert!(world.contains(resource.key()), "what is said to be left is left");
        }
    }
    assert!(owed.contains("con-hub-sea-singapore") && owed.contains("ergw-hub-sea"), "{owed}");
}

#[tokio::test]
async fn a_crash_anywhere_in_an_undo_leads_back_all_the_same() {
    let plan = shipped_plan();
    let initial = Lab::new(plan.clone(), &shipped_world()).comparable();
    let undo = || Command::Undo { by: "a person".into(), reason: None };
    let done = || async {
        let lab = Lab::new(plan.clone(), &shipped_world());
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
        lab
    };
    let reference = done().await;
    let before = (reference.appends(), reference.sends());
    assert_eq!(Lab::outcome_of(reference.drive(Some(undo())).await), RunOutcome::Undone);
    assert_eq!(reference.comparable(), initial);
    let mut points = Vec::new();
    for n in before.0 + 2..=reference.appends() {
        points.extend([Place::BeforeAppend(n), Place::AfterAppend(n)]);
    }
    for n in before.1 + 1..=reference.sends() {
        points.extend([Place::BeforeSend(n), Place::AfterSend(n)]);
    }
    for place in points {
        let lab = done().await;
        lab.crash_at(Some(place));
        assert!(matches!(lab.drive(Some(undo())).await, Drove::Crashed), "{place:?}");
        lab.crash_at(None);
        assert_eq!(lab.drive_through().await, RunOutcome::Undone, "{place:?}");
        assert_eq!(lab.comparable(), initial, "{place:?}");
        lab.check_ledger().unwrap();
    }
}

#[tokio::test]
async fn a_second_run_of_the_same_runbook_writes_nothing() {
    let (first, expected) = undisturbed().await;
    assert!(first.check_ledger().unwrap() > 0);
    let second = Lab::in_world(first.plan.clone(), first.world.clone(), first.now(), "2");
    assert_eq!(Lab::outcome_of(second.drive(None).await), RunOutcome::Succeeded);
    assert_eq!(second.comparable(), expected);
    assert_eq!(second.sends(), 0);
    assert_eq!(second.check_ledger(), Ok(0));
}

#[tokio::test]
async fn a_new_run_converges_when_the_state_of_the_first_is_lost() {
    let (_, expected) = undisturbed().await;
    for sends in [1, 5, 9] {
        let lost = Lab::new(shipped_plan(), &shipped_world());
        lost.crash_at(Some(Place::AfterSend(sends)));
        assert!(matches!(lost.drive(None).await, Drove::Crashed));
        let new = Lab::in_world(lost.plan.clone(), lost.world.clone(), lost.now(), "2");
        assert_eq!(Lab::outcome_of(new.drive(None).await), RunOutcome::Succeeded);
        assert_eq!(new.comparable(), expected, "after {sends} sends");
    }
}

/// The test of the test: with a fault in the engine itself, the matrix must fail.
#[tokio::test]
async fn a_double_write_or_a_late_intent_does_not_get_through_the_matrix() {
    let (reference, expected) = undisturbed().await;
    for sabotage in [Sabotage::DoubleWrite, Sabotage::LateIntent] {
        let mut caught = 0;
        for n in 1..=reference.sends() {
            let place = Place::AfterSend(n);
            caught += u32::from(crash_and_go_on_or_break(place, &expected, sabotage).await);
        }
        assert!(caught > 0, "{sabotage:?} was not noticed");
    }
}

/// Whether the disturbed engine is noticed; one that breaks down altogether is.
async fn crash_and_go_on_or_break(
    place: Place,
    expected: &serde_json::Value,
    sabotage: Sabotage,
) -> bool {
    let mut lab = Lab::new(shipped_plan(), &shipped_world());
    lab.sabotage = sabotage;
    lab.crash_at(Some(place));
    for _ in 0..4 {
        match lab.drive(None).await {
            Drove::Crashed => lab.crash_at(None),
            Drove::Ended(_) => break,
            // It may not follow its own journal, or go in circles: both are noticed.
            Drove::Broke(error) => {
                return matches!(error, EngineError::Journey(_) | EngineError::Endless { .. });
            }
        }
    }
    lab.check_ledger().is_err() || lab.comparable() != *expected
}
