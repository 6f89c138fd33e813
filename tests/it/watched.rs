//! The promise: whoever looks at a run from any terminal sees where it stands, and can let it go on. The binary
//! itself, with real terminals.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;
use std::process::{Command, Output};

use crate::outlives::{
    Background, SOON, detached, failover, gates, json, on_a_terminal, only_run, simulator,
};
use crate::support::process::{backroad, until};

/// The same on a terminal of that size.
fn sized(mut command: Command, columns: u32) -> Command {
    let words: Vec<_> = command.get_args().map(std::ffi::OsStr::to_owned).collect();
    let cut = words.iter().position(|word| word == "--").unwrap();
    let mut again = Command::new(command.get_program());
    let stty = format!("stty cols {columns} rows 30; exec \"$@\"");
    again.args(&words[..=cut]).args(["sh", "-c", &stty, "sh"]).args(&words[cut + 1..]);
    again.current_dir(env!("CARGO_MANIFEST_DIR")).env("TERM", "xterm");
    again.stdin(std::process::Stdio::null());
    command = again;
    command
}

fn said(state: &Path, words: &[&str]) -> String {
    let Output { status, stdout, stderr } = backroad(state, words).output().unwrap();
    assert!(status.success(), "{words:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// A drill that has ended well; its run.
fn drilled(state: &Path) -> String {
    said(state, &["drill", "runbooks/dr-circuit.yaml"]);
    only_run(state).unwrap()
}

/// What is on the screen when a talk at a terminal has ended, and the exit status.
fn talked(state: &Path, columns: u32, talk: &[&str], words: &[&str]) -> Option<(i32, String)> {
    let command = on_a_terminal(state, talk, words)?;
    let Output { status, stdout, .. } = sized(command, columns).output().unwrap();
    Some((status.code().unwrap(), String::from_utf8_lossy(&stdout).into_owned()))
}

#[test]
fn watch_steps_through_a_run_that_has_ended_and_gives_the_terminal_back() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    drilled(state);
    for (keys, columns) in [("q", 120), ("\u{3}", 60)] {
        let talk = ["happened", "\u{1b}[D", "event", keys];
        let Some((code, screen)) = talked(state, columns, &talk, &["watch"]) else { return };
        assert_eq!(code, 0, "{screen}");
        assert!(screen.contains("SUCCEEDED"), "{screen}");
        // It left the other screen, and showed the cursor again.
        let left = screen.rfind("\u{1b}[?1049l").unwrap();
        assert!(left > screen.rfind("\u{1b}[?1049h").unwrap(), "{screen:?}");
        assert!(screen.rfind("\u{1b}[?25h").unwrap() > screen.find("\u{1b}[?25l").unwrap());
    }
}

#[test]
fn watch_gives_the_terminal_back_when_it_is_told_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    drilled(state);
    for signal in ["SIGTERM", "SIGHUP"] {
        let Some((code, screen)) = talked(state, 80, &["happened", signal], &["watch"]) else {
            return;
        };
        assert_eq!(code, 130, "{signal}: {screen:?}");
        let left = screen.rfind("\u{1b}[?1049l").unwrap();
        assert!(left > screen.rfind("\u{1b}[?1049h").unwrap(), "{signal}: {screen:?}");
        assert!(screen.rfind("\u{1b}[?25h").unwrap() > screen.rfind("\u{1b}[?25l").unwrap());
    }
}

#[test]
fn status_takes_the_newest_run_where_none_is_named_and_says_so_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let none = backroad(state, &["status"]).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("There is no run here yet."));
    let first = drilled(state);
    said(state, &["drill", "runbooks/dr-circuit.yaml"]);
    let runs = json(state, &["runs"]);
    assert_eq!(runs["runs"][1]["run"], first.as_str(), "the newest stands first");
    assert_eq!(runs["runs"][0]["standing"], "succeeded");
    assert_eq!(json(state, &["status"])["run"], runs["runs"][0]["run"]);
    assert_eq!(json(state, &["runs", "--running"])["runs"].as_array().unwrap().len(), 0);
}

#[test]
fn a_pause_is_seen_everywhere_and_lifted_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let (run, process, _) = detached(state, &served);
    let _ends = Background(process);
    assert!(until(SOON, || (!gates(state, &run).is_empty()).then_some(())).is_some());
    let open = json(state, &["status"]);
    let ask = &open["now"]["asks"][0];
    let command = ask["ways"][0]["command"].as_str().unwrap();
    assert!(command.starts_with(&format!("backroad approve {run} ")), "{command}");
    let line = &json(state, &["runs", "--running"])["runs"][0];
    assert_eq!(
        (line["mode"].as_str(), line["runbook"].as_str()),
        (Some("simulated"), Some("dr-circuit"))
    );
    assert!(line["by"].is_string() && line["open_gates"][0].is_string(), "{line}");
    // Without its id: it is the one that is driven.
    said(state, &["pause", &run, "--reason", "the provider calls"]);
    assert_eq!(json(state, &["status"])["now"]["standing"], "paused");
    for words in [vec!["status"], vec!["runs"]] {
        let shown = said(state, &words);
        assert!(shown.to_lowercase().contains("paused"), "{shown}");
        assert!(shown.contains("the provider calls"), "{shown}");
    }
    said(state, &["resume", &run]);
    assert_ne!(json(state, &["status"])["now"]["standing"], "paused");
    let again = backroad(state, &["resume", &run]).output().unwrap();
    let why = String::from_utf8(again.stderr).unwrap();
    assert_eq!(again.status.code(), Some(4));
    assert!(why.contains("not paused"), "{why}");
}

#[test]
fn a_prompt_is_shown_once_below_its_question_and_the_runs_id_from_the_first_line_on() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let words = [&failover(&served)[..], &["--interactive"]].concat();
    let talk = ["[yes/no]", "no", "Why not?", "too early"];
    let Some((code, screen)) = talked(state, 80, &talk, &words) else { return };
    assert_eq!(code, 4, "{screen}");
    assert_eq!(screen.matches("[yes/no]").count(), 1, "{screen}");
    let run = only_run(state).unwrap();
    let first = screen.find("● run ").unwrap();
    assert!(screen[first..].starts_with(&format!("● run {run} of dr-circuit")), "{screen}");
    assert!(!screen.contains("\r\n\r\n\r\n"), "rows broke into blank ones: {screen:?}");
}

#[test]
fn for_a_screen_reader_nothing_redraws_and_no_bar_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    drilled(state);
    for words in [&["watch", "--plain"][..], &["status", "--plain"], &["runs", "--plain"]] {
        let Some((code, screen)) = talked(state, 80, &[], words) else { return };
        assert_eq!(code, 0, "{screen}");
        assert!(!screen.contains('\u{1b}') && !screen.contains('█'), "{screen:?}");
    }
}
