//! The promise of `init` at a terminal: it asks what no estate says, a wrong answer is asked again, and whoever leaves
//! leaves nothing behind.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::file;
use crate::support::process::binary;

/// Whether a terminal can be made here; said where it cannot.
fn has_terminals() -> bool {
    let known = Command::new("python3").args(["-c", "import pty"]).output();
    let has = known.is_ok_and(|known| known.status.success());
    if !has {
        drop(std::io::stderr().write_all(b"SKIPPED: no python3 for a terminal.\n"));
    }
    has
}

/// Runs `init` on a terminal of its own and answers its questions: what was on the screen, and how it ended.
fn init(folder: &Path, talk: &[(&str, &str)], words: &[&str]) -> (String, Option<i32>) {
    let program = binary();
    let mut command = Command::new("python3");
    command.arg(file("tests/fixtures/terminal.py")).arg("60");
    for (question, answer) in talk {
        command.args([question, answer]);
    }
    command.arg("--").arg(program.get_program()).args(["init", "estate.yaml"]).args(words);
    command.current_dir(folder).env("BACKROAD_STATE_DIR", folder.join(".state"));
    command.env_remove("NO_COLOR").env("TERM", "xterm").stdin(Stdio::null());
    let output = command.output().unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = file("tests/fixtures/estates/same-addresses.yaml");
    std::fs::copy(from, folder.path().join("estate.yaml")).unwrap();
    folder
}

/// What lies in a folder, without what a state directory has.
fn files(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".state");
    names.sort();
    names
}

#[test]
fn what_no_estate_says_is_asked_and_a_wrong_answer_is_asked_again() {
    if !has_terminals() {
        return;
    }
    let folder = folder();
    let talk = [
        ("Who answers for this runbook", "Network: \"night\" {shift} #1"),
        ("How are they reached?", "\u{1b}[A"),
        ("How are they reached?", "+31 20 555 # at night"),
        ("How long may a recovery take?", "an hour"),
        ("How long may a recovery take?", "45"),
        ("How long may a recovery take?", "45m"),
    ];
    let (screen, code) = init(folder.path(), &talk, &[]);
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("--param rto=an hour"), "{screen}");
    assert!(screen.contains("characters that no text has"), "{screen}");
    let text = std::fs::read_to_string(folder.path().join("my-failover.yaml")).unwrap();
    let owner =
        r##"owner: { team: "Network: \"night\" {shift} #1", contact: "+31 20 555 # at night" }"##;
    assert!(text.contains(owner), "{text}");
    assert!(text.contains("objective: { rto: 45m }"), "{text}");
    let check = binary().args(["check", "my-failover.yaml"]).current_dir(folder.path()).output();
    assert_eq!(check.unwrap().status.code(), Some(0));
}

#[test]
fn an_empty_answer_takes_what_is_suggested_and_what_was_said_is_not_asked() {
    if !has_terminals() {
        return;
    }
    let folder = folder();
    let talk = [("How are they reached?", ""), ("How long may a recovery take?", "")];
    let (screen, code) = init(folder.path(), &talk, &["--param", "team=Night"]);
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains("Who answers for this runbook"), "{screen}");
    let text = std::fs::read_to_string(folder.path().join("my-failover.yaml")).unwrap();
    assert!(text.contains(r#"team: "Night", contact: "to be filled in""#), "{text}");
    assert!(text.contains("rto: 60m"), "{text}");
}

#[test]
fn whoever_leaves_at_a_question_leaves_nothing_behind() {
    if !has_terminals() {
        return;
    }
    // Ctrl-C, the end of input, and a terminal that goes away.
    for (left, code) in [("\u{3}", None), ("\u{4}", Some(130)), ("HANGUP", None)] {
        let folder = folder();
        let talk = [("Who answers for this runbook", "Night"), ("How are they reached?", left)];
        let (screen, ended) = init(folder.path(), &talk, &[]);
        if let Some(code) = code {
            assert_eq!(ended, Some(code), "{screen}");
            assert!(screen.contains("Nothing was written."), "{screen}");
        }
        assert_ne!((left, ended), ("\u{3}", Some(0)), "{screen}");
        assert_eq!(files(folder.path()), ["estate.yaml"], "{left:?}: {screen}");
    }
}

#[test]
fn nobody_is_asked_where_nobody_sits_or_yes_was_said() {
    if !has_terminals() {
        return;
    }
    let folder = folder();
    let (screen, code) = init(folder.path(), &[], &["--yes"]);
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains("Who answers"), "{screen}");
}
