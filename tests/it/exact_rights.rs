//! Take any one right out of the printed role, and something is refused: no right is in it for nothing.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeSet;

use backroad::engine::Command;
use backroad::model::{RunOutcome, permission};

use crate::support::each_shipped::each_shipped;
use crate::support::worlds::grants;
use crate::support::{Lab, Stage};

/// `group|right`.
type Rights = BTreeSet<String>;

fn role(stage: &Stage) -> Rights {
    let groups = permission::by_group(&stage.plan);
    let own = |(group, rights): (String, BTreeSet<String>)| {
        rights.into_iter().map(move |right| format!("{group}|{right}")).collect::<Vec<_>>()
    };
    groups.into_iter().flat_map(own).collect()
}

/// Runs, and takes it back where it succeeded: what was refused for want of a right, and which rights were used.
async fn refused(stage: &Stage, rights: &Rights) -> (usize, Rights) {
    let lab = stage.lab();
    lab.world.lock().unwrap().set_rights(grants(rights));
    let before = lab.world.lock().unwrap().ledger().len();
    if Lab::outcome_of(lab.drive(None).await) == RunOutcome::Succeeded {
        let undo = Command::Undo { by: "a person".into(), reason: None };
        drop(lab.drive(Some(undo)).await);
    }
    let world = lab.world.lock().unwrap();
    let count = world.ledger()[before..].iter().filter(|entry| entry.status == 403).count();
    (count, world.rights_used().iter().map(|right| right.to_ascii_lowercase()).collect())
}

async fn each_right_is_needed(runbook: &str, profile: &str) -> String {
    let stage = Stage::of(runbook, profile).await;
    let whole = role(&stage);
    let (count, used) = refused(&stage, &whole).await;
    assert_eq!(count, 0, "{runbook} {profile}: the role is enough");
    let mut tried = 0;
    let mut idle = Vec::new();
    for right in &whole {
        // Whether a step makes a resource or finds it is the world's to say: what is not met here is met in
        // another (`permissions`).
        if !used.contains(&right.to_ascii_lowercase()) {
            continue;
        }
        let mut fewer = whole.clone();
        fewer.remove(right);
        tried += 1;
        if refused(&stage, &fewer).await.0 == 0 {
            idle.push(right.clone());
        }
    }
    assert!(idle.is_empty(), "{runbook} {profile}: nothing is refused without {idle:#?}");
    format!("{runbook} {profile}: {tried} rights, each of them needed")
}

each_shipped!(each_right_is_needed);
