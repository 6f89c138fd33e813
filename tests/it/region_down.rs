//! A region goes down because a person says so: in drills, plans, preflights and documents, of a healthy world too.
#![expect(clippy::unwrap_used, reason = "in a test, also in its helpers, a panic is the answer")]

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::support::file;
use crate::support::process::backroad;

/// A world in which nothing is down, and a runbook for it.
const HEALTHY: &str = "runbooks/same-circuit-swap.yaml";
const BEGINS_DOWN: &str = "runbooks/dr-circuit.yaml";

fn ran(state: &Path, words: &[&str]) -> Output {
    backroad(state, words).output().unwrap()
}

fn words_of(verb: &str, runbook: &str, more: &[&str]) -> Vec<String> {
    let runbook = file(runbook).display().to_string();
    [verb.to_owned(), runbook].into_iter().chain(more.iter().map(|w| (*w).to_owned())).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn try_it(verb: &str, runbook: &str, more: &[&str]) -> (i32, Output) {
    let folder = tempfile::tempdir().unwrap();
    let words = words_of(verb, runbook, more);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = ran(folder.path(), &words);
    (output.status.code().unwrap(), output)
}

/// What the shipped world of [`BEGINS_DOWN`] is before its region goes down.
fn healthy_two_circuits(folder: &Path) -> PathBuf {
    let healthy = folder.join("healthy.yaml");
    let text = std::fs::read_to_string(file("runbooks/worlds/two-circuits.yaml")).unwrap();
    std::fs::write(&healthy, text.replace("regions_down: [eastasia]\n", "")).unwrap();
    healthy
}

#[test]
fn a_drill_takes_a_region_of_a_healthy_world_down() {
    // The region that takes over is down: what it has to do cannot be done.
    let (code, output) = try_it("drill", HEALTHY, &["--region-down", "southeastasia"]);
    assert_ne!(code, 0, "{}", said(&output));
    // Later, and the drill meets it in the middle.
    let (code, output) = try_it("drill", HEALTHY, &["--region-down", "Southeast Asia@1m"]);
    assert_ne!(code, 0, "{}", said(&output));
    assert!(said(&output).contains("southeastasia goes down 1m after the beginning"));
    // Nothing goes down where nobody says so.
    let (code, output) = try_it("drill", HEALTHY, &[]);
    assert_eq!(code, 0, "{}", said(&output));
    assert!(!said(&output).contains("goes down"), "{}", said(&output));
}

#[test]
fn a_failover_from_a_healthy_world_is_drilled_with_its_source_down() {
    // What the shipped world says with `regions_down`, said on the command line of a world that says nothing.
    let folder = tempfile::tempdir().unwrap();
    let healthy = healthy_two_circuits(folder.path());
    let more =
        ["--world", healthy.to_str().unwrap(), "--output", "json", "--region-down", "eastasia"];
    let (code, down) = try_it("drill", BEGINS_DOWN, &more);
    assert_eq!(code, 0, "{}", said(&down));
    let (_, shipped) = try_it("drill", BEGINS_DOWN, &["--output", "json"]);
    let steps = |output: &Output| -> Value {
        let view: Value = serde_json::from_slice(&output.stdout).unwrap();
        view["reachability"].clone()
    };
    assert!(!steps(&down).is_null());
    assert_eq!(steps(&down), steps(&shipped));
}

#[test]
fn a_region_that_goes_down_after_the_drills_end_did_not_strike() {
    let (code, output) = try_it("drill", HEALTHY, &["--region-down", "eastasia@20h"]);
    assert_eq!(code, 1, "{}", said(&output));
    assert!(said(&output).contains("did not strike: eastasia was to go down after 20h"));
}

#[test]
fn a_region_where_the_world_has_nothing_is_a_clear_error_for_every_verb() {
    for verb in ["drill", "plan", "preflight"] {
        let (code, output) = try_it(verb, BEGINS_DOWN, &["--region-down", "eastasa"]);
        assert_eq!(code, 2, "{verb}: {}", said(&output));
        assert!(said(&output).contains("Did you mean `eastasia`?"), "{verb}: {}", said(&output));
        let (code, output) = try_it(verb, BEGINS_DOWN, &["--region-down", "ukwest@5m"]);
        assert_eq!(code, 2, "{verb}: {}", said(&output));
        let names = "The world has something in eastasia, southeastasia.";
        assert!(said(&output).contains(names), "{verb}: {}", said(&output));
        let (code, output) = try_it(verb, BEGINS_DOWN, &["--region-down", "eastasia@soon"]);
        assert_eq!(code, 2, "{verb}: {}", said(&output));
    }
}

#[test]
fn a_plan_looks_at_the_world_with_its_region_down() {
    let folder = tempfile::tempdir().unwrap();
    // Where the region refuses reads, so that one sees it at once.
    for name in ["one-circuit-kept", "two-circuits"] {
        let from = file(&format!("runbooks/worlds/{name}.yaml"));
        std::fs::copy(from, folder.path().join(format!("{name}.yaml"))).unwrap();
    }
    let world = folder.path().join("world.yaml");
    let text = "extends: one-circuit-kept.yaml\nworld: refuses\noutage: { reads: refuse }\n";
    std::fs::write(&world, text).unwrap();
    let look = |more: &[&str]| -> (i32, Value, String) {
        let more = [&["--output", "json", "--world", world.to_str().unwrap()], more].concat();
        let (code, output) = try_it("plan", HEALTHY, &more);
        let said = said(&output);
        let view = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
        (code, view, said)
    };
    let (_, whole, _) = look(&[]);
    let (_, down, _) = look(&["--region-down", "southeastasia"]);
    assert_ne!(whole, down);
    let (_, later, said) = look(&["--region-down", "southeastasia@1h"]);
    assert_eq!(whole, later);
    assert!(said.contains("`plan` looks at the beginning, where it is up"), "{said}");
}

#[test]
fn azure_itself_has_no_region_to_take_down() {
    for verb in ["plan", "preflight"] {
        let more = ["--profile", "live", "--region-down", "eastasia"];
        let (code, output) = try_it(verb, BEGINS_DOWN, &more);
        assert_eq!(code, 2, "{verb}: {}", said(&output));
        assert!(said(&output).contains("a region of a simulated Azure"), "{}", said(&output));
    }
}

#[test]
fn a_declared_source_says_what_it_does_not_do() {
    let note = "only declares eastasia out of reach";
    let (_, output) = try_it("drill", HEALTHY, &["--source-down"]);
    assert!(said(&output).contains(note), "{}", said(&output));
    let (_, output) =
        try_it("drill", HEALTHY, &["--source-down", "known", "--region-down", "eastasia"]);
    assert!(!said(&output).contains(note), "{}", said(&output));
    let (_, output) = try_it("drill", BEGINS_DOWN, &["--source-down"]);
    assert!(!said(&output).contains(note), "it is down there: {}", said(&output));
}

#[test]
fn a_document_says_which_region_its_drills_took_down() {
    let folder = tempfile::tempdir().unwrap();
    let healthy = healthy_two_circuits(folder.path());
    let more = ["--without-drills", "--format", "md", "--region-down", "eastasia"];
    let of_healthy = [&more[..], &["--world", healthy.to_str().unwrap()]].concat();
    let (code, output) = try_it("render", BEGINS_DOWN, &of_healthy);
    assert_eq!(code, 0, "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("with eastasia down"), "{text}");
    // Where the failover does not carry without that region, the document is there and says so, and so does its end.
    let (code, output) = try_it("render", HEALTHY, &more);
    assert_eq!(code, 1, "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("with eastasia down, seed 1, FAILED at step"), "{text}");
}

/// Answers whatever a drill waits for, command by command, until it has ended.
fn answered_one_by_one(state: &Path, begun: &Output) -> (String, Output) {
    let view = |output: &Output| -> Value {
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(output)))
    };
    let run = view(begun)["run"].as_str().unwrap().to_owned();
    let mut last = begun.clone();
    for _ in 0..12 {
        if last.status.code() != Some(10) {
            return (run, last);
        }
        let waits = view(&last)["steps"].as_array().unwrap().iter().find_map(|step| {
            (step["status"] == "waiting").then(|| step["name"].as_str().unwrap().to_owned())
        });
        let step = waits.unwrap_or_else(|| panic!("{}", view(&last)));
        last = ran(state, &["--output", "json", "approve", &run, &step]);
    }
    panic!("it waits for ever: {}", said(&last));
}

#[test]
fn a_drill_that_people_end_by_later_commands_must_have_struck_as_well() {
    for (allowed, code) in [(false, 1), (true, 0)] {
        let folder = tempfile::tempdir().unwrap();
        let runbook = file(BEGINS_DOWN).display().to_string();
        // A day that is about recovery plans, of which this runbook has none.
        let mut words = vec!["--output", "json", "drill", &runbook, "--people", "ask"];
        words.extend(["--bad-day", "machines-fail"]);
        words.extend(allowed.then_some("--allow-no-strike"));
        let begun = ran(folder.path(), &words);
        assert_eq!(begun.status.code(), Some(10), "{}", said(&begun));
        assert!(!said(&begun).contains("did not strike"), "it may yet: {}", said(&begun));
        let (_, ended) = answered_one_by_one(folder.path(), &begun);
        assert_eq!(ended.status.code(), Some(code), "{}", said(&ended));
        assert!(said(&ended).contains("did not strike"), "{}", said(&ended));
    }
}

#[test]
fn a_region_that_never_went_down_is_told_by_the_command_that_ends_the_drill() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = file(BEGINS_DOWN).display().to_string();
    let words =
        ["--output", "json", "drill", &runbook, "--people", "ask", "--region-down", "eastasia@20h"];
    let begun = ran(folder.path(), &words);
    assert_eq!(begun.status.code(), Some(10), "{}", said(&begun));
    let (run, ended) = answered_one_by_one(folder.path(), &begun);
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    assert!(said(&ended).contains("did not strike: eastasia was to go down after 20h"));
    // Taken back, it is no proof of anything, and none is asked for.
    let undone = ran(folder.path(), &["undo", &run, "--reason", "practice"]);
    assert_eq!(undone.status.code(), Some(0), "{}", said(&undone));
}

#[test]
fn the_journal_and_all_that_is_made_of_it_say_which_regions_were_taken_down() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = file(BEGINS_DOWN).display().to_string();
    let mut words = vec!["--output", "json", "drill", &runbook];
    words.extend(["--region-down", "eastasia", "--region-down", "southeastasia@20h"]);
    let drilled = ran(folder.path(), &words);
    let view: Value = serde_json::from_slice(&drilled.stdout).unwrap();
    assert_eq!(view["regions_down"], serde_json::json!(["eastasia", "southeastasia after 20h"]));
    let run = view["run"].as_str().unwrap();
    for (words, told) in [
        (vec!["status", run], "with eastasia, southeastasia after 20h down"),
        (vec!["journal", run], "with eastasia, southeastasia after 20h down"),
        (
            vec!["report", run, "--format", "md"],
            "| Taken down | eastasia, southeastasia after 20h |",
        ),
        (
            vec!["report", run, "--format", "html"],
            "<dt>Taken down</dt><dd>eastasia, southeastasia after 20h</dd>",
        ),
        (vec!["report", run, "--format", "json"], "\"southeastasia after 20h\""),
    ] {
        let output = ran(folder.path(), &words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(told), "{words:?}: {text}");
    }
}
