//! Nobody is left in the dark by a disk: on one that is full or may only be read, a run is looked at, a live
//! one is answered, and what is owed is said.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::file;
use crate::support::process::{Process, Served, binary, serve};

/// A small file system of its own, gone when dropped. Needs root.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(folder.path());
        if mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        // Past the capture of the test harness: a skipped test is seen.
        drop(std::io::stderr().write_all(b"SKIPPED: no small disk, which takes root and tmpfs\n"));
        None
    }

    fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    fn read_only(&self) {
        let mut mount = Command::new("mount");
        mount.args(["-o", "remount,ro"]).arg(self.0.path());
        assert!(mount.status().unwrap().success());
    }

    /// Not one byte more fits on it.
    fn fill(&self) {
        let mut ballast = std::fs::File::create(self.0.path().join("ballast")).unwrap();
        let full = std::io::copy(&mut std::io::repeat(1), &mut ballast).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0.path()).status());
    }
}

fn backroad(state: &Path, words: &[&str]) -> Command {
    let mut command = binary();
    command.args(words).arg("--state-dir").arg(state).stdin(Stdio::null());
    command
}

fn ran(state: &Path, words: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = backroad(state, words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A drill that waits for a person, and its run.
fn waiting(state: &Path) -> String {
    let runbook = file("tests/fixtures/journals/v1/runbook.yaml");
    let words = ["drill", runbook.to_str().unwrap(), "--people", "ask", "--output", "json"];
    let (code, out, err) = ran(state, &words);
    assert_eq!(code, 10, "{err}");
    serde_json::from_str::<Value>(&out).unwrap()["run"].as_str().unwrap().to_owned()
}

/// What reads and writes nothing.
fn can_be_read(state: &Path, run: &str) {
    for words in [
        &["status", run][..],
        &["journal", run],
        &["runs"],
        &["report", run, "--format", "json"],
        &["verify", run],
    ] {
        let (code, out, err) = ran(state, words);
        assert_eq!(code, 0, "{words:?}: {out}{err}");
        assert!(out.contains(run) || words[0] == "journal", "{words:?}: {out}");
    }
}

#[test]
fn a_run_is_read_on_a_disk_that_may_only_be_read() {
    let Some(disk) = Disk::new() else { return };
    let run = waiting(&disk.state());
    disk.read_only();
    can_be_read(&disk.state(), &run);
    let (code, _, err) = ran(&disk.state(), &["approve", &run, "go_ahead", "--reason", "x"]);
    assert!(code == 5 && err.contains("Read-only"), "it is not said to be done: {code} {err}");
}

#[test]
fn a_run_is_read_on_a_full_disk_however_its_process_ended() {
    let Some(disk) = Disk::new() else { return };
    let run = waiting(&disk.state());
    let folder = disk.state().join("runs").join(&run);
    disk.fill();
    can_be_read(&disk.state(), &run);
    // Where the export is lost, the store is looked at in memory.
    std::fs::remove_file(folder.join("journal.jsonl")).unwrap();
    disk.fill();
    can_be_read(&disk.state(), &run);
    let left = std::fs::read_dir(&folder).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    let passing = |name: &std::ffi::OsString| name.to_string_lossy().contains("scratch");
    assert!(!left.iter().any(passing), "{left:?}");
}

/// A live run that is driven by a process, waiting for a person, and the process.
fn driven(state: &Path, elsewhere: &Path) -> (String, Process, Served) {
    let world = file("tests/fixtures/journals/v1/world.yaml");
    let simulator = serve(&world, 400);
    let endpoint = simulator.endpoint.as_str();
    // A long wait beside the gate keeps its process.
    let text = std::fs::read_to_string(file("tests/fixtures/journals/v1/runbook.yaml")).unwrap();
    let text = format!(
        "{text}\n  beside:\n    title: x\n    action: wait\n    with: {{ duration: 10h }}\n    timeout: 20h\n"
    );
    let runbook = elsewhere.join("runbook.yaml");
    std::fs::write(&runbook, text).unwrap();
    let words = ["run", runbook.to_str().unwrap(), "--profile", "drill", "--endpoint", endpoint];
    let driver = backroad(state, &words).stderr(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut driver = Process(driver.unwrap());
    loop {
        assert!(driver.0.try_wait().unwrap().is_none(), "it ended early");
        std::thread::yield_now();
        let (_, out, _) = ran(state, &["runs", "--output", "json"]);
        let runs: Value = serde_json::from_str(&out).unwrap();
        let Some(run) = runs["runs"][0]["run"].as_str() else { continue };
        let (_, out, _) = ran(state, &["status", run]);
        if out.contains("waiting") || out.contains("a person") {
            return (run.to_owned(), driver, simulator);
        }
    }
}

#[test]
fn a_live_run_is_answered_at_its_socket_on_a_full_disk_and_on_one_that_may_only_be_read() {
    for read_only in [false, true] {
        let Some(disk) = Disk::new() else { return };
        let elsewhere = tempfile::tempdir().unwrap();
        let (run, driver, _simulator) = driven(&disk.state(), elsewhere.path());
        if read_only {
            // Its files are open for writing, so nobody can remount it: another view of it may only be read.
            let view = tempfile::tempdir().unwrap();
            let bound =
                Command::new("mount").arg("--bind").arg(disk.0.path()).arg(view.path()).status();
            assert!(bound.unwrap().success());
            let mut remount = Command::new("mount");
            remount.args(["-o", "remount,ro,bind"]).arg(view.path());
            assert!(remount.status().unwrap().success());
            let state = view.path().join("state");
            let told = answered(&state, &run);
            assert!(Command::new("umount").arg("-l").arg(view.path()).status().unwrap().success());
            told.unwrap();
        } else {
            disk.fill();
            answered(&disk.state(), &run).unwrap();
        }
        drop(driver);
    }
}

#[test]
fn after_a_kill_a_run_is_read_from_its_export_without_a_copy_of_its_store() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (run, driver, _simulator) = driven(&state, folder.path());
    drop(driver);
    // Without a store there is nothing that could be copied.
    let store = state.join("runs").join(&run).join("store");
    std::fs::rename(&store, folder.path().join("away")).unwrap();
    for words in [&["status", run.as_str()][..], &["journal", &run], &["report", &run]] {
        let (code, _, err) = ran(&state, words);
        assert_eq!(code, 0, "{words:?}: {err}");
    }
    let out = folder.path().join("out.tar");
    let (code, _, err) = ran(&state, &["export", &run, "-o", out.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(ran(&state, &["verify", out.to_str().unwrap()]).0, 0);
}

#[test]
fn a_process_that_holds_a_run_and_does_not_answer_hides_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (run, _driver, _simulator) = driven(&state, folder.path());
    std::fs::remove_file(state.join("runs").join(&run).join("socket.json")).unwrap();
    let (code, out, err) = ran(&state, &["status", &run]);
    assert!(code == 0 && out.contains("go_ahead"), "{code}: {out}{err}");
    assert!(err.contains("does not answer"), "{err}");
}

fn answered(state: &Path, run: &str) -> Result<(), String> {
    let (code, out, err) = ran(state, &["status", run]);
    if code != 0 || !out.contains(run) {
        return Err(format!("status {code}: {out}{err}"));
    }
    // The word reaches the process: what it answers to it is another promise's.
    let words = ["approve", run, "go_ahead", "--by", "ada", "--reason", "INC-1"];
    let (code, _, err) = ran(state, &words);
    if code != 0 && !err.contains("See the run with") {
        return Err(format!("approve {code}: {err}"));
    }
    Ok(())
}

/// A drill's state directory whose run owes, as if it had been live: the reminder is for live runs.
fn owing(folder: &Path) -> (PathBuf, String, Process) {
    let state = folder.join("state");
    let worlds = file("runbooks/worlds");
    for name in ["two-circuits.yaml", "one-circuit-kept.yaml", "one-circuit-kept-source-dead.yaml"]
    {
        std::fs::copy(worlds.join(name), folder.join(name)).unwrap();
    }
    let world = folder.join("one-circuit-kept-source-dead.yaml");
    let words = ["sim", "serve", "--world", world.to_str().unwrap(), "--speed", "400"];
    let mut simulator = backroad(folder, &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(Process)
        .unwrap();
    let mut line = String::new();
    BufReader::new(simulator.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let endpoint = said["endpoint"].as_str().unwrap().to_owned();
    let target = ["--endpoint", endpoint.as_str(), "--clock-factor", "400"];
    let runbook = file("runbooks/same-circuit-swap.yaml");
    let start = [
        "run",
        runbook.to_str().unwrap(),
        "--profile",
        "drill_source_dead",
        "--source-down",
        "dark",
        "--output",
        "json",
    ];
    let (code, out, err) = ran(&state, &[&start[..], &target].concat());
    assert_eq!(code, 10, "{err}");
    let run = serde_json::from_str::<Value>(&out).unwrap()["run"].as_str().unwrap().to_owned();
    for _ in 0..8 {
        let (_, out, _) = ran(&state, &["status", &run, "--output", "json"]);
        let status: Value = serde_json::from_str(&out).unwrap();
        let open = status["steps"].as_array().unwrap().iter().find(|s| s["status"] == "waiting");
        let Some(step) = open.map(|step| step["name"].as_str().unwrap().to_owned()) else { break };
        let mut words = vec!["approve", run.as_str(), step.as_str(), "--reason", "dark"];
        let choice = step == "source_dead";
        if choice {
            words.extend(["--choice", "connect_anyway"]);
        }
        let (_, _, err) = ran(&state, &[&words[..], &target].concat());
        if err.contains("error:") && choice {
            panic!("{err}");
        }
    }
    (state, run, simulator)
}

#[test]
fn data_that_stdout_does_not_take_is_no_success_and_a_closed_pipe_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        println!("SKIPPED: this host has no /dev/full");
        return;
    };
    let mut command = backroad(folder.path(), &["schema"]);
    let ended = command.stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(5), "{said}");
    assert!(said.contains("Standard output cannot be written"), "{said}");
    let mut command = backroad(folder.path(), &["schema"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_owed_is_said_where_its_note_is_damaged_lost_or_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let (state, run, _simulator) = owing(folder.path());
    let said = |why: &str| {
        let (_, _, err) = ran(&state, &["schema"]);
        assert!(err.contains(&format!("Run {run} owes it.")), "{why}: {err}");
    };
    said("as noted");
    let notes = state.join("obligations");
    let note = notes.join(format!("{run}.json"));
    for bytes in [&b"{"[..], b"", b"\xff\xff", b"{\"run\":\"x\"}", b"[]"] {
        std::fs::write(&note, bytes).unwrap();
        said("damaged");
        assert!(std::fs::read_to_string(&note).unwrap().contains(&run), "it is mended");
    }
    std::fs::remove_file(&note).unwrap();
    said("lost");
    // Emptied by somebody, or of a time before the debt.
    let text = std::fs::read_to_string(&note).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["obligations"] = serde_json::json!([]);
    value["head"] = 3.into();
    std::fs::write(&note, value.to_string()).unwrap();
    said("behind");
    // The folder cannot be written: there is a file in its place.
    std::fs::remove_dir_all(&notes).unwrap();
    std::fs::write(&notes, "").unwrap();
    said("no folder");
    // Neither note nor journal: at least that is said.
    let anchor = state.join("runs").join(&run).join("anchor");
    std::fs::write(anchor, "x").unwrap();
    let (_, _, err) = ran(&state, &["schema"]);
    assert!(err.contains("What is owed is not known in full") && err.contains(&run), "{err}");
}
