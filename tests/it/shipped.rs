//! The promises of the main job hold for every runbook that is shipped: it is right, it drills, it can
//! be killed anywhere, taken back, and its way home leads home.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use backroad::engine::{Command, RunState, survey};
use backroad::model::{Action, Plan, RunOutcome, Step};
use backroad::render::{Style, diagnostic};
use backroad::sim::Effect;
use serde_json::Value;

use crate::support::kept::Way;
use crate::support::worlds::{differences, fault_of};
use crate::support::{Lab, Stage, all_shipped, compiled};

fn writers(plan: &Plan) -> Vec<Step> {
    plan.steps().iter().filter(|step| step.action.written().is_some()).cloned().collect()
}

#[test]
fn every_shipped_runbook_is_without_a_word_of_blame_under_every_profile() {
    for (name, _) in all_shipped() {
        for profile in compiled(&name, "drill").1.profiles {
            let (source, compiled) = compiled(&name, &profile);
            let said = diagnostic::diagnostics(&source, &compiled.diagnostics, Style::PLAIN);
            assert!(compiled.diagnostics.is_empty(), "{name} {profile}: {said}");
        }
    }
}

#[tokio::test]
async fn a_dry_run_of_each_reads_and_nothing_else() {
    for (name, profile) in all_shipped() {
        let lab = Stage::of(&name, &profile).await.lab();
        let (before, clock) = (lab.comparable(), lab.clock());
        let seen = survey(&lab.plan, &lab.arm(&clock).observer(), &clock).await;
        assert!(seen.values().all(Result::is_ok), "{name}: {seen:?}");
        assert_eq!(lab.comparable(), before, "{name} {profile}");
        assert_eq!(lab.check_ledger(), Ok(0));
    }
}

/// The way home: each failback, drilled from where its failover ends, ends where that began.
#[tokio::test]
async fn each_failback_leads_back_to_the_world_before_its_failover() {
    let mut ways = 0;
    for (name, profile) in all_shipped() {
        let (_, failover) = compiled(&name, &profile);
        let Some(failback) = failover.plan.unwrap().parts().failback.clone() else { continue };
        let (_, home) = compiled(&failback, "drill");
        if home.after.as_deref() != Some(name.as_str()) || profile != "drill" {
            continue;
        }
        let first = Stage::of(&name, &profile).await.lab().comparable();
        let lab = Stage::of(&failback, "drill").await.lab();
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded, "{failback}");
        same_resources(&first, &lab.comparable(), &failback);
        ways += 1;
    }
    assert_eq!(ways, 7, "every failover has its way home");
}

/// Names the resources that differ, rather than print two worlds.
fn same_resources(expected: &Value, found: &Value, about: &str) {
    let differ = differences(expected, found);
    assert!(differ.is_empty(), "{about}: {differ:#?}");
}

/// The matrix of one runbook under one profile: the number of points and what went wrong.
async fn matrix(name: &str, profile: &str) -> (u64, Vec<String>) {
    let stage = Stage::of(name, profile).await;
    let reference = stage.lab();
    let way = Way::of(&reference).await;
    assert_eq!(way.outcome, RunOutcome::Succeeded, "{name} {profile}");
    reference.check_ledger().unwrap();
    let expected = (way.outcome, reference.comparable());
    let mut wrong = Vec::new();
    // Before and after each append and each send: what a crash leaves there.
    for kept in &way.kept {
        if let Err(why) = way.go_on(kept, &reference, &expected).await {
            wrong.push(format!("{name} {profile}: {why}"));
        }
    }
    let mut points = way.points();
    let effects = [
        Effect::LoseRequest,
        Effect::LoseAnswer,
        Effect::Conflict,
        Effect::Throttle { after: None },
        Effect::Fail { code: "InternalServerError".to_owned() },
    ];
    for step in writers(&stage.plan) {
        // Site Recovery's jobs can be forgotten, too; `disturb_then_undo` has the other writes.
        let forgotten = matches!(step.action, Action::RecoveryPlan(_)).then_some(Effect::Forget);
        for effect in effects.iter().chain(&forgotten) {
            points += 1;
            let lab = stage.lab();
            lab.world.lock().unwrap().add_fault(fault_of(&step, effect.clone(), 1));
            let outcome = Lab::outcome_of(lab.drive(None).await);
            let about = format!("{name} {profile}: {} with {effect:?}", step.name);
            if let Err(why) = lab.check_ledger() {
                wrong.push(format!("{about}: {why}"));
            }
            if outcome != RunOutcome::Succeeded {
                wrong.push(format!("{about}: the run ended {outcome}"));
            } else if lab.comparable() != expected.1 {
                wrong.push(format!("{about}: the world differs"));
            }
        }
    }
    (points, wrong)
}

/// The first half of the shipped runbooks, and the second: two tests, for two cores.
async fn matrices(half: usize) -> String {
    let (mut total, mut wrong, mut told) = (0, Vec::new(), String::new());
    for (place, (name, profile)) in all_shipped().into_iter().enumerate() {
        // The main job has a matrix of its own, with every point.
        if place % 2 != half || name == "dr-circuit.yaml" {
            continue;
        }
        let (points, more) = matrix(&name, &profile).await;
        told.push_str(&format!("matrix: {name} {profile}: {points} points\n"));
        total += points;
        wrong.extend(more);
    }
    told.push_str(&format!("matrix: {total} points in all"));
    assert!(wrong.is_empty(), "{} of {total}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(total > 500, "{total} points are too few");
    told
}

#[tokio::test]
async fn a_crash_or_a_misfortune_anywhere_leads_to_the_same_world() {
    println!("{}", matrices(0).await);
}

#[tokio::test]
async fn a_crash_or_a_misfortune_anywhere_leads_to_the_same_world_in_the_others() {
    println!("{}", matrices(1).await);
}

#[tokio::test]
async fn what_each_changed_can_be_taken_back() {
    for (name, profile) in all_shipped() {
        let stage = Stage::of(&name, &profile).await;
        let lab = stage.lab();
        let first = lab.comparable();
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
        let undo = Command::Undo { by: "a person".into(), reason: None };
        let outcome = Lab::outcome_of(lab.drive(Some(undo)).await);
        let state = RunState::fold(&lab.journal.events()).unwrap();
        assert_eq!(outcome, RunOutcome::Undone, "{name} {profile}: {:?}", state.obligations());
        let kept = stage.plan.steps().iter().any(|step| {
            step.saga == backroad::model::SagaClass::Retriable && state.steps[&step.name].touched
        });
        if !kept {
            same_resources(&first, &lab.comparable(), &format!("{name} {profile}"));
        }
    }
}
