//! The promise: whatever goes wrong at any one write of any shipped runbook, `undo` then gives the world
//! before, or lists exactly what is left. And each drill of them ends.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::engine::{Command, Ending, RunState};
use backroad::model::{ResourceId, RunOutcome, Step};
use backroad::sim::FaultEffect;

use crate::support::each_shipped::each_shipped;
use crate::support::worlds::{differences, fault_of};
use crate::support::{Drove, Lab, Stage};

/// What may happen to a write, and how often.
fn faults() -> Vec<(FaultEffect, u32)> {
    vec![
        (FaultEffect::LoseRequest, 1),
        (FaultEffect::LoseAnswer, 1),
        (FaultEffect::Stuck, 1),
        (FaultEffect::Forget, 1),
        (FaultEffect::Fail { code: "Forbidden".to_owned() }, 1_000),
        (FaultEffect::Refuse { status: 403, code: "AuthorizationFailed".to_owned() }, 1_000),
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

/// One fault at one write, and the way back.
async fn point(stage: &Stage, step: &Step, effect: &FaultEffect, times: u32) -> Result<(), String> {
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
    if let Some((id, (was, is))) = left.iter().find(|(id, _)| !is_told_of(&told, id)) {
        return Err(format!(
            "ended {outcome:?} and does not say that {id} is left (it was {was}, it is {is}), but: {told}"
        ));
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

/// Every fault at every write of a runbook; tells how many that were.
async fn matrix(name: &str, profile: &str) -> String {
    let stage = Stage::of(name, profile).await;
    let writers = stage.plan.steps().iter().filter(|step| step.action.written().is_some());
    let (mut points, mut wrong) = (0, Vec::new());
    for step in writers {
        for (effect, times) in faults() {
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

each_shipped!(matrix);
