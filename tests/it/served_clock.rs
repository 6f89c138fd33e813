//! A simulator that is served faster goes on while no process drives a run against it, and so does the run's clock.
#![cfg(unix)]

use backroad::model::Timestamp;
use serde_json::Value;

use super::outlives::{failover, only_run, simulator};
use crate::support::process::backroad;

#[test]
fn a_run_remembers_how_fast_its_clock_goes_and_goes_on_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let output = backroad(state, &failover(&served)).output().unwrap();
    assert_eq!(output.status.code(), Some(10), "{output:?}");
    let run = only_run(state).unwrap();
    let events = || -> Vec<Value> {
        let told = backroad(state, &["journal", &run, "--output", "jsonl"]).output().unwrap();
        let text = String::from_utf8(told.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let at = |event: &Value| Timestamp::parse(event["at"].as_str().unwrap()).unwrap();
    let before = events();
    let journal = state.join("runs").join(&run).join("journal.jsonl");
    assert!(std::fs::read_to_string(journal).unwrap().contains("clock_factor"));
    // A process starts anew: some tenths of a second, four hundred times.
    let output = backroad(state, &["resume", &run]).output().unwrap();
    assert_eq!(output.status.code(), Some(10), "{output:?}");
    let after = events();
    let (last, next) = (at(before.last().unwrap()), at(&after[before.len()]));
    assert!(next.since(last).as_secs() >= 20, "{last} {next}");
}
