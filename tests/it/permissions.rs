//! The rights that a runbook is said to need are the rights that it uses: no fewer, no more.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::{BTreeMap, BTreeSet};

use backroad::engine::{Command, RunState, StepState};
use backroad::model::{Plan, RunOutcome, permission};

use crate::support::worlds::grants;
use crate::support::{Lab, Stage, all_shipped};

/// `group|right`, as the simulator remembers them.
fn needed(plan: &Plan) -> BTreeSet<String> {
    plan.steps()
        .iter()
        .flat_map(permission::needed)
        .map(|(id, right)| {
            let (subscription, group) = (id.subscription(), id.resource_group());
            format!("/subscriptions/{subscription}/resourceGroups/{group}|{right}")
        })
        .collect()
}

/// Drills and takes it back with these rights; gives what was used.
async fn used(stage: &Stage, rights: &BTreeSet<String>) -> (RunOutcome, BTreeSet<String>) {
    let lab = stage.lab();
    lab.world.lock().unwrap().set_rights(grants(rights));
    let outcome = Lab::outcome_of(lab.drive(None).await);
    if outcome == RunOutcome::Succeeded {
        let undo = Command::Undo { by: "a person".into(), reason: None };
        let undone = Lab::outcome_of(lab.drive(Some(undo)).await);
        let left = RunState::fold(&lab.journal.events()).unwrap().obligations();
        assert_eq!(undone, RunOutcome::Undone, "{left:#?}");
    }
    let used = lab.world.lock().unwrap().rights_used().clone();
    (outcome, used)
}

#[tokio::test]
async fn the_rights_that_are_asked_for_are_the_rights_that_are_used() {
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut spent: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, profile) in all_shipped() {
        let stage = Stage::of(&name, &profile).await;
        let rights = needed(&stage.plan);
        let (outcome, used) = used(&stage, &rights).await;
        assert_eq!(outcome, RunOutcome::Succeeded, "{name} {profile}: it needs no more");
        asked.entry(name.clone()).or_default().extend(rights);
        spent.entry(name).or_default().extend(used);
    }
    for (name, asked) in asked {
        let fold = |set: &BTreeSet<String>| -> BTreeSet<String> {
            set.iter().map(|right| right.to_ascii_lowercase()).collect()
        };
        let (asked, spent) = (fold(&asked), fold(&spent[&name]));
        // Whether a step makes a resource, which an undo then removes, or changes one that is there,
        // is known only when it looks: in these worlds the prepared connection, the portal's name, or the hub is
        // there.
        let stands = |right: &str| {
            (name.contains("prepared") && right.ends_with("/delete"))
                || right.contains("|microsoft.network/privatednszones/")
                || (name.contains("vwan") && right.ends_with("/virtualhubs/delete"))
        };
        let known = |right: &&String| !(right.ends_with("/delete") && stands(right));
        let idle: Vec<&String> = asked.difference(&spent).filter(known).collect();
        assert!(idle.is_empty(), "{name} asks for what it does not use: {idle:#?}");
    }
}

#[tokio::test]
async fn without_any_one_of_them_the_main_job_does_not_get_through() {
    let stage = Stage::of("dr-circuit.yaml", "drill").await;
    let rights = needed(&stage.plan);
    // Only an undo removes, and looks who has come to use a gateway.
    let of_undo =
        |right: &&String| right.ends_with("/delete") || right.ends_with("/virtualNetworks/read");
    for right in rights.iter().filter(|right| !of_undo(right)) {
        let mut fewer = rights.clone();
        fewer.remove(right);
        let lab = stage.lab();
        lab.world.lock().unwrap().set_rights(grants(&fewer));
        drop(lab.drive(None).await);
        // A person may let the run go on without a step; without its right it did not succeed.
        let state = RunState::fold(&lab.journal.events()).unwrap();
        let through = state.steps.values().all(|record| record.state == StepState::Succeeded);
        assert!(!through, "{right} is not needed");
    }
}
