//! The promise of the first page: whoever types what it says sees what it shows.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;

use crate::support::file;
use crate::support::process::{Served, binary, serve};

/// A command of the page, and what it says that is printed.
struct Shown {
    command: String,
    output: Vec<String>,
}

fn shown(page: &str) -> Vec<Shown> {
    let mut all = Vec::new();
    for block in page.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match line.strip_prefix("$ ") {
                Some(command) => {
                    all.push(Shown { command: command.to_owned(), output: Vec::new() });
                }
                None => all.last_mut().unwrap().output.push(line.to_owned()),
            }
        }
    }
    all
}

/// The id of a run in a text.
fn run_in(text: &str) -> Option<String> {
    let is_id = |word: &&str| {
        word.len() == 26
            && word.starts_with("01")
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    text.split_whitespace().find(is_id).map(str::to_owned)
}

/// Whether the lines are those that are shown, but for those that are left out.
fn says(printed: &[&str], shown: &[String]) -> Result<(), String> {
    let mut at = 0;
    let mut free = false;
    for line in shown {
        if line == "…" {
            free = true;
            continue;
        }
        let found = printed[at..].iter().position(|own| own.trim_end() == line.trim_end());
        match found {
            Some(0) => at += 1,
            Some(more) if free => at += more + 1,
            _ => return Err(format!("`{line}` is not printed after line {at}")),
        }
        free = false;
    }
    if !free && at < printed.len() {
        return Err(format!("more is printed than is shown: `{}`", printed[at]));
    }
    Ok(())
}

fn words(command: &str, run: Option<&str>, served: &Served) -> Vec<String> {
    let mut words: Vec<String> = command
        .split_whitespace()
        .map(|word| if word == "RUN" { run.unwrap().to_owned() } else { word.to_owned() })
        .collect();
    assert_eq!(words.remove(0), "backroad", "{command}");
    if words[0] == "capture" {
        // Azure is a served world here.
        let more = ["--endpoint", &served.endpoint, "--clock-factor", "600"];
        words.extend(more.map(str::to_owned));
    }
    words
}

#[test]
fn every_command_of_the_first_page_prints_what_the_page_shows() {
    let page = std::fs::read_to_string(file("docs/getting-started.md")).unwrap();
    let served = serve(file("tests/fixtures/estates/same-addresses.yaml"), 600);
    let folder = tempfile::tempdir().unwrap();
    let mut run = None;
    let all = shown(&page);
    assert!(all.len() >= 10, "{}", all.len());
    for Shown { command, output } in all {
        let words = words(&command, run.as_deref(), &served);
        let done = binary()
            .args(&words)
            .env("BACKROAD_STATE_DIR", Path::new(folder.path()).join(".state"))
            .current_dir(folder.path())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{command}: {told}");
        let text = String::from_utf8(done.stdout).unwrap();
        run = run_in(&text).or(run);
        let printed: Vec<&str> = text.lines().collect();
        says(&printed, &output).unwrap_or_else(|why| panic!("{command}: {why}\n{text}"));
    }
}
