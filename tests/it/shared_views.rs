//! The promise: what a team reads of a run on any of its hosts is what the run's driver knows, and a run that ended
//! elsewhere is in nobody's way. The binary itself, hosts that are state directories, and a folder that they share.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

use crate::outlives::{Background, SOON, failover, simulator};
use crate::support::process::{Served, backroad, signal, text, until};

/// Hosts, the folder that they share and the world that they work on.
struct Team {
    folder: tempfile::TempDir,
    served: Served,
}

impl Team {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("shared")).unwrap();
        Self { folder, served: simulator() }
    }

    fn host(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn place(&self) -> String {
        format!("file://{}", self.host("shared").display())
    }

    fn alone(&self, host: &str, words: &[&str]) -> Output {
        backroad(&self.host(host), words).env("BACKROAD_HOST", host).output().unwrap()
    }

    fn at(&self, host: &str, words: &[&str]) -> Output {
        self.alone(host, &[words, &["--store", &self.place()]].concat())
    }

    /// A command that goes on with a run, as [`Self::at`].
    fn goes_on(&self, host: &str, words: &[&str]) -> Output {
        let target = ["--endpoint", &self.served.endpoint, "--clock-factor", "400"];
        self.at(host, &[words, &target].concat())
    }

    /// The row of the list for the only run, as a host sees it.
    fn row(&self, host: &str) -> Value {
        let done = self.at(host, &["runs", "--output", "json"]);
        let all: Value = serde_json::from_slice(&done.stdout).unwrap();
        all["runs"][0].clone()
    }

    /// A failover that a host drives in the background, standing at its gate.
    fn waiting_in_background(&self, host: &str) -> (String, Background) {
        let state = self.host(host);
        let place = self.place();
        let words =
            [&failover(&self.served)[..], &["--detach", "--output", "json", "--store", &place]];
        let done = backroad(&state, &words.concat()).env("BACKROAD_HOST", host).output().unwrap();
        let begun: Value = serde_json::from_slice(&done.stdout).unwrap();
        let process = u32::try_from(begun["process"].as_u64().unwrap()).unwrap();
        let ends = Background(process);
        let run = begun["run"].as_str().unwrap().to_owned();
        let asked = until(SOON, || {
            let done = self.at(host, &["status", &run, "--output", "json"]);
            let status: Value = serde_json::from_slice(&done.stdout).ok()?;
            let steps = status["steps"].as_array()?;
            steps.iter().any(|step| step["status"] == "waiting").then_some(())
        });
        assert!(asked.is_some(), "it came to no gate");
        (run, ends)
    }
}

fn said(done: &Output) -> String {
    format!("{}{}", text(&done.stdout), text(&done.stderr))
}

#[test]
fn a_host_that_never_drove_a_run_lists_its_kind_where_it_stands_and_what_it_asks() {
    let team = Team::new();
    let done = team.at("alpha", &failover(&team.served));
    assert_eq!(done.status.code(), Some(10), "{}", said(&done));
    let (there, here) = (team.row("alpha"), team.row("beta"));
    assert_eq!(here["mode"], "simulated", "{here}");
    assert_eq!(here["open_gates"], serde_json::json!(["go_ahead"]), "{here}");
    for key in ["run", "mode", "runbook", "standing", "open_gates"] {
        assert_eq!(here[key], there[key], "{key}: {here} {there}");
    }
    let listed = said(&team.at("beta", &["runs"]));
    assert!(listed.contains("waiting") && listed.contains("open gates: go_ahead"), "{listed}");
}

#[test]
fn a_driver_that_hangs_and_was_taken_over_is_read_where_the_run_went_on() {
    let team = Team::new();
    let (run, driver) = team.waiting_in_background("alpha");
    signal(driver.0, "-STOP");
    let taken = team.goes_on("beta", &["take-over", &run]);
    assert_eq!(taken.status.code(), Some(10), "{}", said(&taken));
    let no = ["decline", &run, "go_ahead", "--by", "mei", "--reason", "no"];
    let declined = team.at("beta", &no);
    assert!(said(&declined).contains("go_ahead"), "{}", said(&declined));
    let ended = until(SOON, || {
        team.goes_on("beta", &["resume", &run]);
        (team.row("beta")["standing"] == "failed").then_some(())
    });
    assert!(ended.is_some(), "{}", team.row("beta"));
    // The process of alpha still stands there, and says nothing.
    let seen = team.at("alpha", &["status", &run, "--output", "json"]);
    let seen: Value = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!(seen["outcome"], "failed", "{seen}");
    drop(driver);
    // Its own copy says that it is one, and keeps no new failover from its resources.
    let copy = said(&team.alone("alpha", &["status", &run]));
    assert!(copy.contains(&format!("It is kept in {}", team.place())), "{copy}");
    let next = team.alone("alpha", &failover(&team.served));
    assert_eq!(next.status.code(), Some(10), "{}", said(&next));
}

#[test]
fn who_resumes_what_another_host_drives_is_told_how_to_take_it_over_and_how_long_silence_takes() {
    let team = Team::new();
    let (run, driver) = team.waiting_in_background("alpha");
    signal(driver.0, "-KILL");
    let refused = team.goes_on("beta", &["resume", &run]);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    let told = said(&refused);
    assert!(told.contains("driven by alpha"), "{told}");
    assert!(told.contains(&format!("`backroad take-over {run}")), "{told}");
    let wait = told.split("does so in ").nth(1).unwrap().split(' ').next().unwrap();
    assert!((1..=105).contains(&wait.parse::<u32>().unwrap()), "{told}");
}
