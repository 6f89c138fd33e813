//! The promise: nothing sent is forgotten. A POST that changes something and is not answered is in doubt,
//! like any other write: looked after, waited for, taken back, and counted.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::engine::{Command, Event, RunState};
use backroad::model::{OnFailure, Plan, PlanParts, RunOutcome, Timestamp};
use backroad::render::text::summary;
use backroad::render::view::Driven;
use backroad::render::{Style, run_view};
use backroad::sim::{Fault, FaultEffect};

use crate::support::worlds::differences;
use crate::support::{Lab, Stage};

/// A drill of a shipped runbook with some of its steps changed, or left out.
async fn lab_of(runbook: &str, change: impl Fn(&mut PlanParts)) -> Lab {
    let stage = Stage::of(runbook, "drill").await;
    let mut parts: PlanParts = stage.plan.clone().into();
    change(&mut parts);
    Stage { plan: Plan::new(parts).unwrap(), ..stage }.lab()
}

/// Copies of the machines are started, and nothing takes them down.
async fn copies() -> Lab {
    lab_of("site-recovery-test.yaml", |parts| {
        parts.steps.retain(|step| step.name.as_str() == "copies");
    })
    .await
}

fn strike(lab: &Lab, verb: &str, effect: FaultEffect) {
    lab.world.lock().unwrap().add_fault(Fault::new(Some("POST"), &format!("*/{verb}"), 1, effect));
}

fn kinds(lab: &Lab) -> Vec<String> {
    lab.journal.events().iter().map(|recorded| recorded.event.kind()).collect()
}

fn undo() -> Option<Command> {
    Some(Command::Undo { by: "a person".into(), reason: None })
}

#[tokio::test]
async fn a_lost_answer_to_a_post_is_in_doubt_and_undo_takes_the_test_machines_down() {
    let lab = copies().await;
    let before = lab.comparable();
    strike(&lab, "testFailover", FaultEffect::LoseAnswer);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let told = kinds(&lab);
    assert!(told.contains(&"in_doubt".to_owned()), "{told:?}");
    assert!(!told.contains(&"refused".to_owned()), "{told:?}");
    assert_eq!(lab.sends(), 1, "nothing goes out twice");
    assert!(!differences(&before, &lab.comparable()).is_empty(), "the copies run");
    assert_eq!(Lab::outcome_of(lab.drive(undo()).await), RunOutcome::Undone);
    assert_eq!(differences(&before, &lab.comparable()).keys().next(), None);
}

#[tokio::test]
async fn a_lost_post_goes_out_again_only_when_it_cannot_land_any_more() {
    let lab = copies().await;
    strike(&lab, "testFailover", FaultEffect::LoseRequest);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let events = lab.journal.events();
    let intents = events.iter().filter_map(|recorded| match &recorded.event {
        Event::Intended { intent, .. } => Some((recorded.at, intent.key.clone())),
        _ => None,
    });
    let intents: Vec<(Timestamp, _)> = intents.collect();
    let [(first, key), (second, again)] = intents.as_slice() else { panic!("{intents:?}") };
    assert_eq!(key, again, "it is the same change");
    assert!(second.since(*first) >= Duration::from_secs(150), "{first} {second}");
}

#[tokio::test]
async fn a_lost_commit_counts_as_past_the_pivot() {
    // Whether the commit landed nobody knows, and then its time is up.
    let lab = lab_of("dr-circuit-prepared-failback.yaml", |parts| {
        for step in &mut parts.steps {
            step.on_failure = OnFailure::Undo;
        }
    })
    .await;
    strike(&lab, "failoverCommit", FaultEffect::LoseAnswer);
    strike(&lab, "failoverCommit", FaultEffect::Stuck);
    drop(lab.drive(None).await);
    let told = kinds(&lab);
    assert!(told.contains(&"in_doubt".to_owned()), "{told:?}");
    assert!(!told.contains(&"undo_requested".to_owned()), "past a pivot a person undoes: {told:?}");
}

#[tokio::test]
async fn a_summary_counts_what_landed_unanswered_and_what_nobody_knows() {
    let summarized = |lab: &Lab| {
        let events = lab.journal.events();
        let state = RunState::fold(&events).unwrap();
        let view = run_view(&state, &events, Driven::ByNobody).unwrap();
        (view.writes, view.writes_in_doubt, summary(&view, Style::PLAIN))
    };
    let lab = copies().await;
    strike(&lab, "testFailover", FaultEffect::LoseAnswer);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let (taken, unknown, text) = summarized(&lab);
    assert_eq!((taken, unknown), (1, 0), "{text}");
    assert!(text.contains("Azure took 1 write."), "{text}");
    // Lost, and Azure is at work on it for ever: nobody can say whose work that is.
    let lab = copies().await;
    strike(&lab, "testFailover", FaultEffect::LoseAnswer);
    strike(&lab, "testFailover", FaultEffect::Stuck);
    drop(lab.drive(None).await);
    let (taken, unknown, text) = summarized(&lab);
    assert_eq!((taken, unknown), (0, 1), "{text}");
    assert!(!text.contains("Azure took no write"), "{text}");
}
