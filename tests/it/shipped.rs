//! The promises of the main job hold for every runbook that is shipped: it is right, it drills, it can
//! be taken back, and its way home leads home. (That it can be killed anywhere: `killed_anywhere`.)

use std::sync::Arc;

use backroad::engine::{Command, RunState, survey};
use backroad::model::RunOutcome;
use backroad::outside::{BesideAzure, RoutedObserver};
use backroad::render::{Style, diagnostic};
use serde_json::Value;

use crate::support::worlds::differences;
use crate::support::{Lab, Stage, all_shipped, compiled};

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
        let beside = BesideAzure::stand_in(Arc::clone(&clock)).observer();
        let observer = RoutedObserver::new(Arc::new(lab.arm(&clock).observer()), beside);
        let seen = survey(&lab.plan, &observer, &clock).await;
        let failed: Vec<_> = seen.iter().filter(|(_, seen)| seen.is_err()).collect();
        assert!(failed.is_empty(), "{name}: {failed:?}");
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
    assert_eq!(ways, 8, "every failover has its way home");
}

/// Names the resources that differ, rather than print two worlds.
fn same_resources(expected: &Value, found: &Value, about: &str) {
    let differ = differences(expected, found);
    assert!(differ.is_empty(), "{about}: {differ:#?}");
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
