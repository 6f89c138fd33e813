//! A journal that an earlier version wrote opens for ever: it is read, folded, verified, told, gone on with
//! and undone. What lies in tests/fixtures/journals is never written again.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use backroad::engine::{Event, RunState};
use backroad::model::{RunId, RunOutcome};
use backroad::store::{StateDir, evidence, verify_file};
use serde_json::Value;

use crate::support::file;
use crate::support::process::binary;

const V1: &str = "tests/fixtures/journals/v1";
const RUN: &str = "01m8gqshq5g2byxp5wg18qxve3";
/// The hash of the last event of the evidence, as it was told when it was exported.
const HEAD: &str = "aeedb478bffc31ba5396cc4024088cc34e85d99ba693d5d56c74790429e3401a";
/// The length of the kept store's log, whose last zeros are not kept.
const LOG_BYTES: u64 = 524_287;

fn backroad(state: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = binary();
    command.args(words).arg("--state-dir").arg(state).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (source, target) = {
            let e = entry.unwrap();
            (e.path(), to.join(e.file_name()))
        };
        if source.is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).unwrap();
        }
    }
}

/// The kept state directory, as it was.
fn kept_state() -> (tempfile::TempDir, StateDir) {
    let folder = tempfile::tempdir().unwrap();
    copy(&file(V1).join("state"), folder.path());
    let store = folder.path().join("runs").join(RUN).join("store");
    let log = std::fs::OpenOptions::new().write(true).open(store.join("db")).unwrap();
    log.set_len(LOG_BYTES).unwrap();
    // No version control keeps an empty folder.
    std::fs::create_dir_all(store.join("blobs")).unwrap();
    let state = StateDir::new(folder.path());
    (folder, state)
}

#[test]
fn the_evidence_of_every_version_verifies_and_is_folded_for_ever() {
    let path = file(V1).join("evidence.tar");
    let bytes = std::fs::read(&path).unwrap();
    let report = evidence::verify(&bytes);
    assert_eq!(report.first_bad, None);
    assert_eq!((report.run.as_deref(), report.head.as_deref()), (Some(RUN), Some(HEAD)));
    // Its journal by itself, taken out with any tar.
    let folder = tempfile::tempdir().unwrap();
    let taken = Command::new("tar").arg("-xf").arg(&path).arg("-C").arg(folder.path()).status();
    assert!(taken.unwrap().success());
    let journal = verify_file(&folder.path().join("journal.jsonl")).unwrap();
    assert!(journal.is_whole() && journal.ended, "{journal:?}");
    assert_eq!(journal.hash.as_deref(), Some(HEAD));
    // And as a run of a state directory, from its export alone: told in every form.
    let (state, _) = kept_state();
    for form in ["md", "html", "json"] {
        let (code, out, err) = backroad(state.path(), &["report", RUN, "--format", form]);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("kept-journal"), "{form}");
    }
}

#[tokio::test]
async fn a_store_of_every_version_opens_for_ever() {
    let (folder, state) = kept_state();
    let run = RunId::parse(RUN).unwrap();
    let exported = state.read(&run).unwrap();
    std::fs::remove_file(state.run_path(&run).join("journal.jsonl")).unwrap();
    let stored = state.read(&run).unwrap();
    assert_eq!(exported, stored, "the export and the store say the same");
    let folded = RunState::fold(&stored).unwrap();
    assert_eq!(folded.outcome(), None, "it waits");
    let verified = state.verify(&run).unwrap();
    assert!(verified.is_whole(), "{verified:?}");
    let store = state.open(&run).unwrap();
    store.close().await.unwrap();
    assert!(!state.run_path(&run).join("copies").exists(), "it is as it was closed");
    drop(folder);
}

#[test]
fn a_run_of_every_version_is_gone_on_with_and_undone_for_ever() {
    let (folder, state) = kept_state();
    let path = folder.path();
    let (code, out, err) = backroad(path, &["status", RUN]);
    assert!(code == 0 && out.contains("moved"), "{out}{err}");
    let (code, _, err) = backroad(path, &["resume", RUN]);
    assert_eq!(code, 10, "it still waits for a person: {err}");
    let words = ["approve", RUN, "moved", "--by", "grace", "--reason", "they run"];
    let (code, _, err) = backroad(path, &words);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = backroad(path, &["undo", RUN, "--by", "ada", "--reason", "an exercise"]);
    assert_eq!(code, 0, "{err}");
    let (code, out, _) = backroad(path, &["status", RUN, "--output", "json"]);
    let status: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, status["outcome"].as_str()), (0, Some("undone")), "{out}");
    let events = state.read(&RunId::parse(RUN).unwrap()).unwrap();
    let ended = RunState::fold(&events).unwrap().last_outcome;
    assert_eq!(ended, Some(RunOutcome::Undone));
    assert_eq!(backroad(path, &["verify", RUN]).0, 0);
}

#[test]
fn every_kind_of_event_that_was_ever_stored_is_read_and_means_the_same() {
    let text = std::fs::read_to_string(file(V1).join("events.jsonl")).unwrap();
    let mut kinds = BTreeSet::new();
    for line in text.lines() {
        let stored: Value = serde_json::from_str(line).unwrap();
        let event: Event = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        kinds.insert(stored["kind"].as_str().unwrap().to_owned());
        // What it said then it says today: fields may have come, none went or changed.
        contains(&serde_json::to_value(&event).unwrap(), &stored, line);
    }
    assert!(kinds.len() >= KINDS, "{} kinds: {kinds:?}", kinds.len());
}

/// How many kinds of events are kept.
const KINDS: usize = 34;

/// Whether everything of the one stands in the other.
fn contains(now: &Value, then: &Value, line: &str) {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            // How a person is written may grow; who it was is read all the same.
            for (key, then) in then.iter().filter(|(key, _)| *key != "by") {
                let now = now.get(key).unwrap_or_else(|| panic!("`{key}` is lost: {line}"));
                contains(now, then, line);
            }
        }
        (Value::Array(now), Value::Array(then)) => {
            assert_eq!(now.len(), then.len(), "{line}");
            now.iter().zip(then).for_each(|(now, then)| contains(now, then, line));
        }
        (now, then) => assert_eq!(now, then, "{line}"),
    }
}
