//! What happened is told whole: every run has a report in every form, and evidence that can be checked.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use backroad::engine::{Event, Recorded, RunState};
use backroad::model::RunOutcome;
use backroad::render::report::{Report, ReportMaterial, html, markdown, report, split};
use backroad::render::template::Templates;
use backroad::render::view::{Driven, run_view};
use backroad::sim::bad_day::named;
use backroad::store::evidence;

use crate::generated::unlucky_lab;
use crate::support::process::binary;
use crate::support::{Lab, Stage, all_shipped, file};

fn templates() -> Templates {
    Templates::new(&std::collections::BTreeMap::new()).unwrap()
}

/// The report of what a lab did.
fn told(lab: &Lab) -> Report {
    told_of(&lab.journal.events())
}

/// The report of a history.
pub(crate) fn told_of(events: &[Recorded]) -> Report {
    let state = RunState::fold(events).unwrap();
    let material = ReportMaterial {
        state: &state,
        events,
        driven: Driven::ByNobody,
        reached: &[],
        strikes: &[],
        told: &[],
        head: Some("00ff"),
        correlation: None,
        runbook: None,
        templates: None,
    };
    report(material).unwrap()
}

/// The four parts of the time add up to all of it.
fn adds_up(lab: &Lab, told: &Report) {
    let events = lab.journal.events();
    let parts = split(&events, &lab.plan);
    let ended = events.iter().find_map(|recorded| match recorded.event {
        Event::RunEnded { outcome: RunOutcome::Succeeded } => Some(recorded.at),
        _ => None,
    });
    let end = ended.unwrap_or_else(|| events.last().unwrap().at);
    assert_eq!(parts.whole(), end.since(events[0].at));
    let sum: f64 = told.recovery.parts.iter().map(|part| part.seconds).sum();
    assert!((sum - told.recovery.seconds).abs() < 0.001, "{sum} {}", told.recovery.seconds);
}

#[tokio::test]
async fn every_shipped_drill_is_told_in_every_form() {
    let templates = templates();
    for (name, profile) in all_shipped() {
        let stage = Stage::of(&name, &profile).await;
        let lab = stage.lab();
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded, "{name}");
        let told = told(&lab);
        adds_up(&lab, &told);
        let page = html(&told, &templates).unwrap();
        let text = markdown(&told, &templates).unwrap();
        for step in lab.plan.steps() {
            assert!(page.contains(step.name.as_str()), "{name}: {} is not told", step.name);
        }
        assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg"), "{name}");
        assert!(text.starts_with("# "), "{name}");
        assert_eq!(page, html(&told, &templates).unwrap(), "the same report, the same bytes");
        let json = serde_json::to_value(&told).unwrap();
        assert_eq!(json["schema"], "backroad.report/1");
        // Waiting for a gateway is waiting for Azure.
        if lab.plan.steps().iter().any(|step| step.action.name() == "gateway.ensure") {
            assert!(told.recovery.parts[2].seconds > 300.0, "{name}: {:?}", told.recovery.parts);
        }
    }
}

/// Generated runs, with a fault each, to their end and killed on the way: a killed run's journal is the
/// beginning of a longer one.
#[tokio::test]
async fn any_run_is_told_in_every_form_wherever_it_was_killed() {
    let templates = templates();
    let mut retried = 0;
    for seed in 0..24 {
        let lab = unlucky_lab(seed);
        drop(lab.drive(None).await);
        let events = lab.journal.events();
        adds_up(&lab, &told(&lab));
        for cut in [1, events.len() / 3, events.len() / 2, events.len() - 1, events.len()] {
            let events = &events[..cut.max(1)];
            let told = told_of(events);
            assert_eq!(told, told_of(events), "seed {seed}, {cut} events");
            let page = html(&told, &templates).unwrap();
            assert!(page.contains("</html>") && page == html(&told, &templates).unwrap());
            let text = markdown(&told, &templates).unwrap();
            assert!(text.contains("## 7 ") && text == markdown(&told, &templates).unwrap());
            assert!(serde_json::to_value(&told).unwrap()["summary"][4].is_string());
            let intended = events
                .iter()
                .filter_map(|recorded| match &recorded.event {
                    Event::Intended { intent, .. } => Some(intent.key.to_string()),
                    _ => None,
                })
                .collect::<std::collections::BTreeSet<_>>();
            let told_keys = told.steps.iter().flat_map(|step| &step.writes).map(|write| &write.key);
            assert_eq!(told_keys.cloned().collect::<std::collections::BTreeSet<_>>(), intended);
            retried += told.deviations.iter().filter(|one| one.kind == "retry").count();
        }
    }
    assert!(retried > 0, "no generated run tried anything again: the faults are none");
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings
}

#[tokio::test]
async fn a_run_that_succeeded_reads_like_this() {
    let lab = Stage::of("dr-circuit.yaml", "drill").await.lab();
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let text = markdown(&told(&lab), &templates()).unwrap();
    settings().bind(|| insta::assert_snapshot!("report-succeeded", text));
}

#[tokio::test]
async fn a_run_that_failed_says_where_and_why() {
    let lab = Stage::of("dr-circuit.yaml", "drill").await.lab();
    lab.world.lock().unwrap().live_through(named("no-routes").unwrap(), &lab.plan, lab.now());
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Failed);
    let told = told(&lab);
    adds_up(&lab, &told);
    assert!(!told.succeeded && told.recovery.within.is_none());
    let text = markdown(&told, &templates()).unwrap();
    assert!(text.contains("is not learned over ExpressRoute"), "{text}");
    settings().bind(|| insta::assert_snapshot!("report-failed", text));
}

#[tokio::test]
async fn what_others_wrote_is_text_and_nothing_else() {
    let lab = Stage::of("dr-circuit.yaml", "drill").await.lab();
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let mut told = told(&lab);
    told.title = "<script>alert(1)</script>".to_owned();
    told.steps[0].title = "| a | b |".to_owned();
    told.deviations.push(backroad::render::report::Deviation {
        at: "00:01".to_owned(),
        when: "2026-03-14 03:00:01".to_owned(),
        kind: "failure".to_owned(),
        step: None,
        what: "<img src=x onerror=alert(1)> | **bold**".to_owned(),
    });
    let page = html(&told, &templates()).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "HTML got through");
    let text = markdown(&told, &templates()).unwrap();
    assert!(!text.contains("<script>") && !text.contains("| a | b |"), "{text}");
}

fn backroad(state: &Path, words: &[&str]) -> Output {
    let mut command = binary();
    command.args(words).arg("--state-dir").arg(state).stdin(Stdio::null());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// As a person does it: a drill, its report beside another's, its evidence, and a byte of it changed.
#[test]
fn evidence_is_exported_and_a_changed_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let runbook = file("runbooks/dr-circuit-prepared.yaml");
    let drill = |seed: &str| {
        let words = ["drill", runbook.to_str().unwrap(), "--seed", seed, "--output", "json"];
        let said = backroad(&state, &words);
        assert!(said.status.success(), "{}", text(&said.stderr));
        let view: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        view["run"].as_str().unwrap().to_owned()
    };
    let (one, other) = (drill("1"), drill("2"));
    let said = backroad(&state, &["report", &one, "--compare", &other, "--format", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(told["compared"]["run"], other.as_str());
    assert_eq!(told["compared"]["same_plan"], true);
    assert!(told["reachability"].as_array().is_some_and(|all| !all.is_empty()));
    let out = folder.path().join("evidence.tar");
    let path = out.to_str().unwrap();
    let said = backroad(&state, &["export", &one, "-o", path]);
    assert!(said.status.success(), "{}", text(&said.stderr));
    assert_eq!(
        backroad(&state, &["export", &one, "-o", path]).status.code(),
        Some(2),
        "never over it"
    );
    // Elsewhere, without the state directory.
    let elsewhere = folder.path().join("elsewhere");
    let said = backroad(&elsewhere, &["verify", path]);
    assert!(said.status.success(), "{}", text(&said.stdout));
    let bytes = std::fs::read(&out).unwrap();
    for name in ["journal.jsonl", "runbook.yaml", "world.json", "report.html", "plan.json"] {
        assert!(text(&bytes).contains(name), "{name} is not in it");
    }
    let mut changed = bytes.clone();
    let at = text(&bytes).find("\"kind\":\"step_succeeded\"").unwrap() + 10;
    changed[at] ^= 1;
    std::fs::write(&out, &changed).unwrap();
    let said = backroad(&elsewhere, &["verify", path]);
    assert_eq!(said.status.code(), Some(1));
    assert!(text(&said.stdout).contains("journal.jsonl: event "), "{}", text(&said.stdout));
    // Anywhere in it: the first header, the end, and some hundreds of places between.
    let step = (bytes.len() / 300).max(1) | 1;
    let ends = (0..520).step_by(7).chain(bytes.len() - 1_100..bytes.len());
    for at in (0..bytes.len()).step_by(step).chain(ends.step_by(5)) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let found = evidence::verify(&changed).first_bad;
        let found = found.unwrap_or_else(|| panic!("byte {at} was changed unseen"));
        assert!(found.contains(':'), "byte {at}: {found}");
    }
}

/// A drill that waits for a person, who says why: who, when and why are told, with what was reached before.
#[test]
fn who_approved_when_and_why_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let runbook = file("runbooks/same-circuit.yaml");
    let words = ["drill", runbook.to_str().unwrap(), "--people", "ask", "--output", "json"];
    let said = backroad(&state, &words);
    assert_eq!(said.status.code(), Some(10), "{}", text(&said.stderr));
    let view: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let run = view["run"].as_str().unwrap();
    let report = || {
        let said = backroad(&state, &["report", run, "--format", "json"]);
        serde_json::from_slice::<serde_json::Value>(&said.stdout).unwrap()
    };
    let waiting = report();
    assert_eq!(
        (&waiting["outcome"], waiting["succeeded"].as_bool()),
        (&"waiting".into(), Some(false))
    );
    assert!(waiting["summary"][0].as_str().unwrap().contains("waiting at go_ahead"), "{waiting}");
    let open = view["steps"].as_array().unwrap().iter().find(|step| step["status"] == "waiting");
    let step = open.unwrap()["name"].as_str().unwrap().to_owned();
    let said =
        backroad(&state, &["approve", run, &step, "--reason", "CHG-1234: the region is down"]);
    // Another gate of it is still open.
    assert_eq!(said.status.code(), Some(10), "{}", text(&said.stderr));
    let told = report();
    let word = &told["words"][0];
    assert_eq!((&word["step"], &word["what"]), (&step.as_str().into(), &"approved".into()));
    assert_eq!(word["why"], "CHG-1234: the region is down");
    assert_eq!(word["when"].as_str().unwrap().len(), "2026-03-14 03:04:20".len());
    let reached = told["reachability"].as_array().unwrap();
    assert!(
        reached.iter().any(|one| one["before"] != one["verdict"] && one["works"] == true),
        "{reached:?}"
    );
    assert_eq!(told["correlation"].as_str().unwrap().len(), 36);
    let versions = told["versions"].as_array().unwrap();
    for of in ["Plan", "Runbook", "Templates", "Driven by"] {
        assert!(versions.iter().any(|version| version["of"] == of), "{of}: {versions:?}");
    }
}

#[test]
fn a_span_of_nothing_has_no_parts() {
    assert_eq!(backroad::render::report::Split::default().whole(), Duration::ZERO);
}

/// The profile in which the source is dead goes past `revoke`, which nobody does.
#[tokio::test]
async fn what_took_the_time_names_no_step_that_nobody_did() {
    let lab = Stage::of("same-circuit-swap.yaml", "drill_source_dead").await.lab();
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let events = lab.journal.events();
    let state = RunState::fold(&events).unwrap();
    let view = run_view(&state, &events, Driven::ByNobody).unwrap();
    let revoke = view.steps.iter().find(|step| step.name == "revoke").unwrap();
    assert_eq!(revoke.started_at, None, "or the test proves nothing");
    let path = &view.critical_path;
    assert!(path.iter().any(|name| name == "source_dead"), "what it waited for stays: {path:?}");
    for name in path {
        let step = view.steps.iter().find(|step| step.name == *name).unwrap();
        assert!(step.started_at.is_some(), "{name} took no time: {path:?}");
    }
}

/// A source that lives and is preferred carries everything on: every step succeeds, and nothing has failed over.
#[test]
fn a_drill_in_which_the_source_carries_on_does_not_say_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("alive.yaml");
    let shipped = file("runbooks/worlds/two-circuits.yaml");
    let text = std::fs::read_to_string(shipped).unwrap();
    assert!(text.contains("regions_down: [eastasia]"));
    std::fs::write(&world, text.replace("regions_down: [eastasia]", "regions_down: []")).unwrap();
    let runbook = file("runbooks/dr-circuit.yaml");
    let drill = |words: &[&str]| {
        let mut command = binary();
        command.arg("drill").arg(&runbook).args(words);
        command.arg("--state-dir").arg(folder.path().join("state"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let alive = drill(&["--world", world.to_str().unwrap()]);
    let said = "is reached as before, over er-hongkong, and nothing over er-singapore.";
    assert!(alive.contains("Nothing has failed over") && alive.contains(said), "{alive}");
    assert!(!alive.contains("Recovered in"), "{alive}");
    let dead = drill(&[]);
    assert!(dead.contains("Recovered in") && !dead.contains("failed over:"), "{dead}");
}
