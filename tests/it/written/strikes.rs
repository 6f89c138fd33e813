//! The truth about what was proven: what struck nothing is said and fails, and a simulator is not Azure.

use serde_json::Value;

use crate::support::process::{backroad, serve};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The last run in a state directory, as `runs` shows it.
fn last(state: &std::path::Path) -> Value {
    let out = backroad(state, &["runs", "--output", "json"]).output().unwrap();
    let runs: Value = serde_json::from_slice(&out.stdout).unwrap();
    runs["runs"].as_array().unwrap().last().unwrap().clone()
}

#[test]
fn a_bad_day_that_struck_nothing_fails_the_drill_unless_that_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    // It is about recovery plans, and this runbook has none.
    let words = ["drill", "runbooks/dr-circuit.yaml", "--bad-day", IDLE];
    let out = backroad(state, &words).output().unwrap();
    let (shown, said) = (text(&out.stdout), text(&out.stderr));
    assert_eq!(out.status.code(), Some(1), "{shown}{said}");
    assert!(said.contains(&format!("`{IDLE}` did not strike (0 of ")), "{said}");
    assert!(said.contains("--allow-no-strike"), "{said}");
    assert!(shown.contains(&format!("{IDLE}: did not strike (0 of ")), "{shown}");
    let out = backroad(state, &words).arg("--allow-no-strike").output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("did not strike"), "{}", text(&out.stderr));
}

/// The drill's own preflight is part of it: what struck that alone has struck, and where is said.
#[test]
fn a_fault_that_struck_the_preflight_alone_is_said_to_have_struck_there() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let worlds = crate::support::file("runbooks/worlds");
    let name = "two-circuits.yaml";
    std::fs::copy(worlds.join(name), state.join(name)).unwrap();
    let world = state.join("struck.yaml");
    let fault = "{ method: POST, resource: '*/routetablessummary/primary', effect: { fail: { code: GatewayTimeout } } }";
    let text_of = format!("extends: two-circuits.yaml\nworld: struck\nfaults:\n  - {fault}\n");
    std::fs::write(&world, text_of).unwrap();
    let words = ["drill", "runbooks/dr-circuit.yaml", "--world", world.to_str().unwrap()];
    let out = backroad(state, &words).output().unwrap();
    let (shown, said) = (text(&out.stdout), text(&out.stderr));
    assert_eq!(out.status.code(), Some(0), "{shown}{said}");
    assert!(
        shown.contains("struck once in the drill's preflight, and nothing in the drill (0 of "),
        "{shown}{said}"
    );
    assert!(!said.contains("did not strike"), "{said}");
}

/// A day that no step of the runbook about circuits meets.
const IDLE: &str = "machines-fail";

#[test]
fn a_bad_day_stands_by_its_name_in_status_journal_and_report() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let words = ["drill", "runbooks/dr-circuit.yaml", "--bad-day", "slow-gateway"];
    let out = backroad(state, &words).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
    let run = last(state)["run"].as_str().unwrap().to_owned();
    for words in [
        vec!["status", &run],
        vec!["status", &run, "--output", "json"],
        vec!["journal", &run],
        vec!["report", &run],
        vec!["report", &run, "--format", "html"],
        vec!["report", &run, "--format", "json"],
    ] {
        let out = backroad(state, &words).output().unwrap();
        assert!(text(&out.stdout).contains("slow-gateway"), "{words:?}: {}", text(&out.stdout));
    }
    let out = backroad(state, &["report", &run]).output().unwrap();
    assert!(text(&out.stdout).contains("struck once"), "{}", text(&out.stdout));
    // A report that is made from the evidence is the same.
    let evidence = folder.path().join("evidence.tar");
    let out =
        backroad(state, &["export", &run, "-o", evidence.to_str().unwrap()]).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    let out = backroad(state, &["verify", evidence.to_str().unwrap()]).output().unwrap();
    assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
}

#[test]
fn a_run_against_a_simulator_is_never_shown_as_live() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = serve("runbooks/worlds/site-recovery-test.yaml", 600);
    let words = [
        "run",
        "runbooks/site-recovery-test.yaml",
        "--profile",
        "drill",
        "--clock-factor",
        "600",
        "--endpoint",
        &served.endpoint,
    ];
    let out = backroad(state, &words).output().unwrap();
    let told = format!("{}{}", text(&out.stdout), text(&out.stderr));
    let line = last(state);
    assert_eq!(line["mode"], "simulated", "{told}");
    let run = line["run"].as_str().unwrap().to_owned();
    let shown = |words: &[&str]| text(&backroad(state, words).output().unwrap().stdout);
    assert!(shown(&["runs"]).contains("simulated"));
    assert!(shown(&["status", &run]).contains("· simulated ·"), "{}", shown(&["status", &run]));
    let status: Value =
        serde_json::from_str(&shown(&["status", &run, "--output", "json"])).unwrap();
    assert_eq!(status["mode"], "simulated");
    let report: Value =
        serde_json::from_str(&shown(&["report", &run, "--format", "json"])).unwrap();
    assert_eq!(report["mode"], "simulated");
    assert!(
        shown(&["journal", &run]).contains("(simulated, http"),
        "{}",
        shown(&["journal", &run])
    );
}
