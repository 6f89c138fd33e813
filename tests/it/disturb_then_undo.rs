//! The promise: whatever goes wrong at any one write of any shipped runbook, `undo` then gives the world
//! before, or lists exactly what is left. And each drill of them ends.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeSet;
use std::time::Duration;

use backroad::engine::{Command, Ending, RunState};
use backroad::model::{ResourceId, RunOutcome, Step};
use backroad::sim::Effect;

use crate::support::worlds::{differences, fault_of};
use crate::support::{Drove, Lab, Stage, all_shipped};

/// What may happen to a write, and how often.
fn misfortunes() -> Vec<(Effect, u32)> {
    vec![
        (Effect::LoseRequest, 1),
        (Effect::LoseAnswer, 1),
        (Effect::Stuck, 1),
        (Effect::Forget, 1),
        (Effect::Fail { code: "Forbidden".to_owned() }, 1_000),
        (Effect::Refuse { status: 403, code: "AuthorizationFailed".to_owned() }, 1_000),
    ]
}

/// A person who undoes, and says so again where the run waits for a word; how it ended, or none where
/// there was nothing to undo.
async fn undo(lab: &Lab) -> Result<Option<RunOutcome>, String> {
    for _ in 0..3 {
        let undo = Command::Undo { by: "a person".into(), reason: None };
        match lab.drive_if_accepted(undo).await {
            Err(_) => return Ok(None),
            Ok(Drove::Ended(Ending::Ended(outcome))) => return Ok(Some(outcome)),
            Ok(Drove::Ended(Ending::Waiting(_))) => {}
            Ok(other) => return Err(format!("{other:?}")),
        }
    }
    Err("the undo waits for people for ever".to_owned())
}

/// One misfortune at one write, and the way back.
async fn point(stage: &Stage, step: &Step, effect: &Effect, times: u32) -> Result<(), String> {
    let lab = stage.lab();
    let before = lab.comparable();
    lab.world.lock().unwrap().add_fault(fault_of(step, effect.clone(), times));
    #[expect(clippy::disallowed_methods, reason = "the host's time is what is meant")]
    let drove = tokio::time::timeout(Duration::from_secs(120), lab.drive(None)).await;
    match drove {
        Ok(Drove::Ended(Ending::Ended(_) | Ending::Waiting(_))) => {}
        Ok(other) => return Err(format!("{other:?}")),
        Err(_) => return Err("it goes in circles".to_owned()),
    }
    lab.world.lock().unwrap().clear_faults();
    let outcome = undo(&lab).await?;
    lab.check_ledger()?;
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let owed = state.obligations().join("\n").to_ascii_lowercase();
    let told = format!("{owed}\n{}", state.stays().join("\n").to_ascii_lowercase());
    // A debt names its step, and the step its resource.
    let owing = state.owed_steps();
    let owing = owing.iter().filter_map(|step| stage.plan.step(step)?.action.written());
    let told = owing.fold(told, |told, id| format!("{told}\n{}", id.key()));
    let left = differences(&before, &lab.comparable());
    if let Some(id) = left.keys().find(|id| !is_told_of(&told, id)) {
        return Err(format!("ended {outcome:?} and does not say that {id} is left, but: {told}"));
    }
    let written = stage.plan.steps().iter().filter_map(|step| step.action.written());
    let named: Vec<&str> = written.map(ResourceId::key).filter(|id| names(&owed, id)).collect();
    match outcome {
        Some(RunOutcome::Undone) if named.is_empty() => Ok(()),
        // Nothing to undo: what is said of it is what cannot be undone.
        None => Ok(()),
        Some(RunOutcome::UndoIncomplete) => {
            let whole = named.iter().find(|of| !left.keys().any(|id| is_within(id, of)));
            whole.map_or(Ok(()), |id| Err(format!("says that {id} is left, and it is not: {owed}")))
        }
        other => Err(format!("ended {other:?}, and says: {owed}")),
    }
}

/// What is inside a thing, and the machines of a recovery plan, which are beside it in its vault.
fn is_within(id: &str, of: &str) -> bool {
    let vault = of.split_once("/replicationrecoveryplans/").map(|(vault, _)| vault);
    id == of || id.starts_with(&format!("{}/", vault.unwrap_or(of)))
}

/// Whether a text names a resource, or one that it is in.
fn is_told_of(text: &str, id: &str) -> bool {
    let ends = id.match_indices('/').map(|(at, _)| at).chain([id.len()]).skip(8);
    let mut within = ends.map(|end| &id[..end]);
    let vault = id.find("/replicationfabrics/").map(|end| &id[..end]);
    within.any(|of| names(text, of))
        || vault.is_some_and(|vault| text.contains(&format!("{vault}/replicationrecoveryplans/")))
}

/// Whether a text names a resource, and not just one inside it or with a longer name.
fn names(text: &str, id: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || "-_/".contains(c));
    text.match_indices(id).any(|(at, _)| !goes_on(&text[at + id.len()..]))
}

/// Every misfortune at every write of a runbook; tells how many that were.
async fn matrix(name: &str, profile: &str) -> String {
    let stage = Stage::of(name, profile).await;
    let writers = stage.plan.steps().iter().filter(|step| step.action.written().is_some());
    let (mut points, mut wrong) = (0, Vec::new());
    for step in writers {
        for (effect, times) in misfortunes() {
            points += 1;
            if let Err(why) = point(&stage, step, &effect, times).await {
                wrong.push(format!("{} with {effect:?}: {why}", step.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {points}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(points > 0);
    format!("disturb, then undo: {name} {profile}: {points} points")
}

/// A test for each runbook and profile, so that they run side by side.
macro_rules! matrices {
    ($($test:ident: $runbook:literal, $profile:literal;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                println!("{}", matrix(concat!($runbook, ".yaml"), $profile).await);
            }
        )*

        #[test]
        fn every_shipped_runbook_is_disturbed_and_undone() {
            let here = [$((concat!($runbook, ".yaml"), $profile)),*];
            let here: BTreeSet<(String, String)> =
                here.iter().map(|(name, profile)| ((*name).to_owned(), (*profile).to_owned())).collect();
            assert_eq!(here, all_shipped().into_iter().collect());
        }
    };
}

matrices! {
    dr_circuit_failback: "dr-circuit-failback", "drill";
    dr_circuit_prepared_failback: "dr-circuit-prepared-failback", "drill";
    dr_circuit_prepared: "dr-circuit-prepared", "drill";
    dr_circuit_prepared_more_bandwidth: "dr-circuit-prepared", "drill_more_bandwidth";
    dr_circuit: "dr-circuit", "drill";
    onprem_to_azure_failback: "onprem-to-azure-failback", "drill";
    onprem_to_azure: "onprem-to-azure", "drill";
    same_circuit_failback: "same-circuit-failback", "drill";
    same_circuit_swap_failback: "same-circuit-swap-failback", "drill";
    same_circuit_swap: "same-circuit-swap", "drill";
    same_circuit_swap_source_dead: "same-circuit-swap", "drill_source_dead";
    same_circuit_swap_revoke: "same-circuit-swap", "drill_revoke";
    same_circuit_swap_other_circuit: "same-circuit-swap", "drill_other_circuit";
    same_circuit: "same-circuit", "drill";
    site_recovery_test: "site-recovery-test", "drill";
    two_circuits_one_location_failback: "two-circuits-one-location-failback", "drill";
    two_circuits_one_location: "two-circuits-one-location", "drill";
    vwan_dr_circuit_failback: "vwan-dr-circuit-failback", "drill";
    vwan_dr_circuit: "vwan-dr-circuit", "drill";
}
