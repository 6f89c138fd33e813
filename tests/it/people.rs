//! Who said it, and why? What the command line asks of people, and what it keeps of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::process::binary;

/// A runbook of one gate that two people pass, and one step after it.
fn two_people(folder: &Path, people: &str) -> String {
    let path = folder.join("two-people.yaml");
    let text = format!(
        "runbook: two-people\ntitle: Two people\n{people}steps:\n  go:\n    title: Go\n    action: approval\n    \
         with: {{ question: Go?, approvals: 2 }}\n  after:\n    title: After\n    needs: [go]\n    action: wait\n    \
         with: {{ duration: 1m }}\n"
    );
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn ran(state: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = binary();
    // What the environment says of the user counts for nothing.
    command.env("USER", "the-boss").env("SUDO_USER", "zoe");
    command.args(words).arg("--state-dir").arg(state).stdin(Stdio::null());
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A drill that waits at its gate, since nobody sits at a terminal.
fn waiting(state: &Path, people: &str) -> String {
    let runbook = two_people(state, people);
    let world = "runbooks/worlds/two-circuits.yaml";
    let words = ["drill", &runbook, "--world", world, "--people", "ask", "--output", "json"];
    let (code, out, err) = ran(state, &words);
    assert_eq!(code, 10, "{err}");
    let view: Value = serde_json::from_str(&out).unwrap();
    view["run"].as_str().unwrap().to_owned()
}

#[test]
fn a_word_that_goes_past_something_takes_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let run = waiting(state, "");
    let run = run.as_str();
    for words in [
        &["skip", run, "go"][..],
        &["retry", run, "go", "--from"],
        &["decline", run, "go"],
        &["cancel", run],
        &["undo", run],
    ] {
        for none in [&[][..], &["--reason", "  "]] {
            let (code, _, err) = ran(state, &[words, none].concat());
            assert_eq!(code, 2, "{words:?}: {err}");
            assert!(err.contains("takes a reason") && err.contains("--reason TEXT"), "{err}");
        }
    }
    let (_, journal, _) = ran(state, &["journal", run]);
    assert!(!journal.contains("by zoe") && !journal.contains("the-boss"), "{journal}");
    let (code, _, err) = ran(state, &["decline", run, "go", "--reason", "not tonight"]);
    assert_eq!(code, 0, "{err}");
    for words in [&["journal", run][..], &["status", run], &["report", run, "--format", "md"]] {
        let (_, out, _) = ran(state, words);
        assert!(out.contains("not tonight"), "{words:?}: {out}");
    }
}

#[test]
fn the_account_stands_beside_the_name_in_journal_status_and_report() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let run = waiting(state, "");
    let (code, _, err) = ran(state, &["approve", &run, "go", "--by", "mei"]);
    assert_eq!(code, 10, "{err}");
    let (_, out, _) = ran(state, &["journal", &run, "--output", "json"]);
    let approved = out.lines().find(|line| line.contains("\"approved\"")).unwrap();
    assert!(approved.contains("\"name\":\"mei\""), "{approved}");
    assert!(approved.contains("\"account\":{") && approved.contains("\"sudo_user\":\"zoe\""));
    assert!(!out.contains("the-boss") && !out.contains("somebody"), "{out}");
    for words in [&["journal", &run][..], &["status", &run], &["report", &run]] {
        let (_, out, _) = ran(state, words);
        let flat = out.replace('\\', "");
        let flat = flat.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("mei (account "), "{words:?}: {out}");
        assert!(flat.contains("SUDO_USER zoe)"), "{words:?}: {out}");
    }
}

#[test]
fn one_account_under_two_names_is_one_of_two_unless_names_are_trusted() {
    for (people, second) in [("", 4), ("people: { trust_names: true }\n", 0)] {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        let run = waiting(state, people);
        assert_eq!(ran(state, &["approve", &run, "go", "--by", "mei"]).0, 10);
        let (code, _, err) = ran(state, &["approve", &run, "go", "--by", "jun"]);
        assert_eq!(code, second, "{err}");
        if second != 0 {
            assert!(err.contains("has this person's yes already"), "{err}");
        }
    }
}

#[test]
fn one_person_does_not_skip_what_two_people_pass() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let run = waiting(state, "");
    let skip = |by: &str| ran(state, &["skip", &run, "go", "--by", by, "--reason", "in a hurry"]);
    assert_eq!(skip("mei").0, 10, "it takes another");
    let (code, _, err) = skip("jun");
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("2 different people"), "{err}");
    let (code, _, err) = ran(state, &["decline", &run, "go", "--reason", "no"]);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = skip("mei");
    assert_eq!(code, 4, "it is still declined: {err}");
    assert!(err.contains("it takes more people"), "{err}");
    assert!(skip("jun").2.contains("2 different people"));
    let (_, out, _) = ran(state, &["status", &run, "--output", "json"]);
    let view: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(view["outcome"], "failed", "one word leaves it as it ended");
    assert_eq!(view["steps"][1]["status"], "pending");
}
