//! The hazards of swapping one circuit between two networks with the same addresses, told as they go:
//! transcripts under version control, stable by their seed (azure-facts 1.3, H1 to H3).
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::engine::{Command, Ending, RunState};
use backroad::model::{Region, RunOutcome};
use backroad::preflight::{inquire, judge};
use backroad::render::Style;
use backroad::render::line;
use backroad::sim::bad_day::named;

use crate::support::{Drove, Lab, Stage, world_file};

/// The events from a place on, as a person sees them pass.
fn told(lab: &Lab, from: usize, out: &mut String) -> usize {
    let events = lab.journal.events();
    let began = events[0].at;
    for recorded in &events[from..] {
        if let Some(text) = line::progress(&recorded.event, &lab.plan, Style::PLAIN) {
            out.push_str(&format!("{} {text}\n", clock(recorded.at.since(began))));
        }
    }
    events.len()
}

fn clock(since: Duration) -> String {
    let seconds = since.as_secs();
    format!("{:>2}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// What each site reaches now.
fn reached(lab: &Lab, when: &str, out: &mut String) {
    out.push_str(&format!("-- {when}\n"));
    for reach in lab.world.lock().unwrap().reachability() {
        let circuits: Vec<&str> = reach.circuits.iter().map(|id| id.name()).collect();
        out.push_str(&format!(
            "   {} → {}: {} [{}]\n",
            reach.site,
            reach.network,
            reach.verdict.as_str(),
            circuits.join(", ")
        ));
    }
}

fn owed(lab: &Lab) -> Vec<String> {
    RunState::fold(&lab.journal.events()).unwrap().owed()
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// H1: the source region is dead, and its connection cannot be removed. It is tried for ten minutes, a
/// person decides, the target is connected, and the removal stays owed.
/// H2: the source comes back with its connection. Two regions answer for the same addresses, until what
/// is owed is met.
#[tokio::test]
async fn a_dead_source_keeps_its_connection_and_fights_when_it_returns() {
    let lab = Stage::of("same-circuit-swap.yaml", "drill_source_dead").await.lab();
    let mut text = String::from("H1: the source region is down.\n");
    reached(&lab, "before", &mut text);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let seen = told(&lab, 0, &mut text);
    reached(&lab, "after the failover", &mut text);
    for debt in owed(&lab) {
        text.push_str(&format!("-- owed: {debt}\n"));
    }
    assert_eq!(owed(&lab).len(), 1);
    text.push_str("\nH2: the source region comes back, with its connection.\n");
    lab.world.lock().unwrap().set_region_down(Region::parse("eastasia").unwrap(), false);
    reached(&lab, "nobody has settled anything", &mut text);
    let split = lab.world.lock().unwrap().reachability().iter().all(|reach| !reach.verdict.works());
    assert!(split, "packets drop: {text}");
    let settle = Command::Settle { by: "ann".into(), reason: Some("East Asia is up".to_owned()) };
    assert_eq!(Lab::outcome_of(lab.drive(Some(settle)).await), RunOutcome::Succeeded);
    told(&lab, seen, &mut text);
    reached(&lab, "settled", &mut text);
    assert!(owed(&lab).is_empty());
    assert!(lab.world.lock().unwrap().reachability().iter().all(|reach| reach.verdict.works()));
    lab.check_ledger().unwrap();
    snapshot("hazard-1-and-2-the-dead-source-returns", &text);
}

/// H1 as it is worst: the removal is taken and fails half an hour later, and keeps everybody else from the circuit
/// until then. Whatever the commander chooses waits for that, and recovers.
#[tokio::test]
async fn a_removal_that_is_taken_and_never_ends_holds_the_others_up_and_fails_none_of_them() {
    let southeastasia = Region::parse("southeastasia").unwrap();
    for profile in ["drill_source_dead", "drill_revoke"] {
        let stage = Stage::of("same-circuit-swap.yaml", profile).await;
        let mut scenario = world_file("runbooks/worlds/one-circuit-kept-source-dead.yaml");
        // Where the group is at home in the region that is out, nothing is taken.
        let groups = scenario.resource_groups.iter_mut();
        let ours = |group: &str| group.to_ascii_lowercase().ends_with("/rg-network-ea");
        for group in groups.filter(|group| ours(&group.id)) {
            group.location = southeastasia.clone();
        }
        let lab = Lab::new(stage.plan.clone(), &scenario);
        let day = named("source-takes-and-fails").unwrap();
        lab.world.lock().unwrap().live_through(day, &lab.plan, lab.now());
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded, "{profile}");
        let struck: u64 = lab.world.lock().unwrap().strikes().iter().map(|one| one.struck).sum();
        assert!(struck > 0, "{profile}: nothing was taken");
        let events = lab.journal.events();
        let refused = events.iter().filter(|one| one.event.kind() == "retry_scheduled").count();
        assert!(refused > 8, "{profile}: {refused} refusals, as many as attempts are counted");
        assert!(lab.world.lock().unwrap().reachability().iter().all(|reach| reach.verdict.works()));
    }
}

/// H2 again, prevented from the circuit's side: with its authorization revoked, the connection of the
/// returning source carries nothing.
#[tokio::test]
async fn a_revoked_authorization_keeps_the_returning_source_off_the_circuit() {
    let lab = Stage::of("same-circuit-swap.yaml", "drill_revoke").await.lab();
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    lab.world.lock().unwrap().set_region_down(Region::parse("eastasia").unwrap(), false);
    let mut text = String::from("The source's authorization was revoked, and East Asia is back.\n");
    reached(&lab, "after its return", &mut text);
    assert!(lab.world.lock().unwrap().reachability().iter().all(|reach| reach.verdict.works()));
    snapshot("hazard-2-prevented-by-revoking", &text);
}

/// The same where Azure refuses networks that overlap: the revoked connection is off the circuit, and refuses nothing.
#[tokio::test]
async fn a_revoked_connection_is_no_reason_to_refuse_the_next() {
    for (profile, outcome) in
        [("drill_revoke", RunOutcome::Succeeded), ("drill_source_dead", RunOutcome::Failed)]
    {
        let mut stage = Stage::of("same-circuit-swap.yaml", profile).await;
        let mut scenario = crate::support::world_file("worlds/one-circuit-kept-source-dead.yaml");
        scenario.overlap = serde_json::from_value(serde_json::json!("refuse")).unwrap();
        stage.world = backroad::sim::World::new(&scenario);
        let lab = stage.lab();
        assert_eq!(Lab::outcome_of(lab.drive(None).await), outcome, "{profile}");
    }
}

/// H3: one application cannot be moved by itself while its addresses are kept: the source's networks are
/// still on the circuit. The preflight says so, and Azure would refuse it.
#[tokio::test]
async fn nothing_is_connected_beside_a_living_network_of_the_same_addresses() {
    let mut stage = Stage::of("same-circuit-swap.yaml", "drill").await;
    // Somebody takes the removal out, to move one application only.
    let mut parts: backroad::model::PlanParts = stage.plan.clone().into();
    for step in &mut parts.steps {
        if step.name.as_str() == "disconnect" {
            step.when = Some(backroad::model::Condition::Known(false));
        }
        if step.name.as_str() == "source_dead" {
            step.when = Some(backroad::model::Condition::Known(false));
        }
        if step.name.as_str() == "left" {
            step.when = Some(backroad::model::Condition::Known(false));
        }
    }
    parts.steps.retain(|step| !step.name.as_str().starts_with("other"));
    stage.plan = backroad::model::Plan::new(parts).unwrap();
    let lab = stage.lab();
    let mut text = String::from("H3: one application shall move while the source lives.\n");
    reached(&lab, "before", &mut text);
    let clock = lab.clock();
    let found = judge(&lab.plan, &inquire(&lab.plan, &lab.arm(&clock).observer(), &clock).await);
    for finding in found.blocking() {
        text.push_str(&format!(
            "-- preflight: {} {}: {:?}\n",
            finding.rule, finding.about, finding.verdict
        ));
    }
    let drove = lab.drive(None).await;
    let Drove::Ended(Ending::Ended(outcome)) = drove else { panic!("{drove:?}") };
    assert_eq!(outcome, RunOutcome::Failed);
    told(&lab, 0, &mut text);
    reached(&lab, "after: the source is as it was", &mut text);
    snapshot("hazard-3-beside-a-living-network", &text);
}
