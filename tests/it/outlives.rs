//! The promise: a run outlives whoever watches it, and ends when it is told to. The binary itself, with real
//! pipes, signals and terminals.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::file;
use crate::support::process::{Process, Served, backroad, serve, signal, until};

/// A run waits for a person within this, and ends within it after its last gate.
pub(crate) const SOON: Duration = Duration::from_secs(120);

pub(crate) fn simulator() -> Served {
    serve("runbooks/worlds/two-circuits.yaml", 400)
}

/// A failover against a served world.
pub(crate) fn failover(served: &Served) -> Vec<&str> {
    let endpoint = served.endpoint.as_str();
    let target = ["--endpoint", endpoint, "--clock-factor", "400"];
    [&["run", "runbooks/dr-circuit.yaml", "--profile", "live"], &target[..]].concat()
}

pub(crate) fn json(state: &Path, words: &[&str]) -> Value {
    let Output { stdout, stderr, .. } =
        backroad(state, &[words, &["--output", "json"]].concat()).output().unwrap();
    serde_json::from_slice(&stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&stderr)))
}

pub(crate) fn only_run(state: &Path) -> Option<String> {
    json(state, &["runs"])["runs"][0]["run"].as_str().map(str::to_owned)
}

fn outcome(state: &Path, run: &str) -> String {
    json(state, &["status", run])["outcome"].as_str().unwrap().to_owned()
}

/// The gates that wait for a person.
pub(crate) fn gates(state: &Path, run: &str) -> Vec<String> {
    let status = json(state, &["status", run]);
    let steps = status["steps"].as_array().unwrap();
    let waits = steps.iter().filter(|step| step["status"] == "waiting");
    waits.map(|step| step["name"].as_str().unwrap().to_owned()).collect()
}

fn approve(state: &Path, run: &str, gate: &str) {
    let words = ["approve", run, gate, "--by", "ann", "--reason", "drill"];
    let Output { status, stderr, .. } = backroad(state, &words).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
}

/// Approves what a run that is driven elsewhere asks, until it has ended well.
fn led_to_its_end(state: &Path, run: &str) {
    let ended = until(SOON * 2, || {
        for gate in gates(state, run) {
            approve(state, run, &gate);
        }
        Some(outcome(state, run)).filter(|outcome| outcome == "succeeded")
    });
    assert!(ended.is_some(), "{}", json(state, &["status", run]));
}

/// Starts a failover in the background; gives its run, its process and its log.
pub(crate) fn detached(state: &Path, served: &Served) -> (String, u32, PathBuf) {
    let said = json(state, &[&failover(served)[..], &["--detach"]].concat());
    assert_eq!(said["schema"], "backroad.detached/1");
    let process = u32::try_from(said["process"].as_u64().unwrap()).unwrap();
    (said["run"].as_str().unwrap().to_owned(), process, said["log"].as_str().unwrap().into())
}

/// Ends a process that is nobody's child here when the test ends, however it does.
pub(crate) struct Background(pub(crate) u32);

impl Drop for Background {
    fn drop(&mut self) {
        let words = ["-KILL", &self.0.to_string()];
        drop(Command::new("kill").args(words).stderr(Stdio::null()).status());
    }
}

#[test]
fn a_full_stderr_pipe_does_not_stop_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    // Nobody reads it, and not one more byte has room.
    let (_unread, mut full) = std::io::pipe().unwrap();
    full.write_all(&vec![b'x'; 64 << 10]).unwrap();
    let mut command = backroad(state, &failover(&served));
    command.env("RUST_LOG", "trace").stdout(Stdio::null()).stderr(full);
    let mut driver = Process::of(command);
    assert_eq!(driver.ended(SOON).code(), Some(10), "it came to its first gate");
    let run = only_run(state).unwrap();
    assert!(!gates(state, &run).is_empty());
}

#[test]
fn a_hangup_does_not_stop_a_run_and_stands_in_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let (run, process, _) = detached(state, &served);
    let _ends = Background(process);
    signal(process, "-HUP");
    led_to_its_end(state, &run);
    let journal = backroad(state, &["journal", &run, "--output", "json"]).output().unwrap();
    let journal = String::from_utf8(journal.stdout).unwrap();
    assert!(journal.contains("terminal_lost"), "{journal}");
}

/// It was killed between its claims and its first event.
#[test]
fn a_run_that_ended_before_its_first_event_gives_back_what_it_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    let served = simulator();
    let place = format!("file://{}", shared.display());
    for store in [&[][..], &["--store", place.as_str()]] {
        let state = folder.path().join(format!("state-{}", store.len()));
        let at = |words: &[&str]| backroad(&state, &[words, store].concat()).output().unwrap();
        let run = begun_and_killed(&state, store, &served);
        let again = at(&failover(&served));
        assert_eq!(again.status.code(), Some(4), "it is in the way: {again:?}");
        let resumed = at(&["resume", &run]);
        assert_eq!(resumed.status.code(), Some(4), "{resumed:?}");
        let said = String::from_utf8(resumed.stderr).unwrap();
        assert!(said.contains("no event yet"), "{said}");
        let again = at(&failover(&served));
        assert_eq!(again.status.code(), Some(10), "another run gets to its gate: {again:?}");
    }
}

/// A run with claims and without events.
fn begun_and_killed(state: &Path, store: &[&str], served: &Served) -> String {
    use backroad::model::RunId;
    use backroad::store::StateDir;

    let dir = StateDir::new(state);
    let run = RunId::parse("01jd0000000000000000000001").unwrap();
    let claimed = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/\
                   providers/Microsoft.Network/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet";
    let claimed = [backroad::model::ResourceId::parse(claimed).unwrap()];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if let [_, place] = store {
            let objects = object_store::local::LocalFileSystem::new_with_prefix(
                place.strip_prefix("file://").unwrap(),
            );
            let store = backroad::store::shared::SharedStore::new(
                *place,
                std::sync::Arc::new(objects.unwrap()),
                object_store::path::Path::default(),
            );
            let clock = std::sync::Arc::new(backroad::sim::VirtualClock::new(
                backroad::model::Timestamp::from_millis(1_770_000_000_000),
            ));
            let run = RunId::parse("01jd0000000000000000000002").unwrap();
            drop(store.open(&dir, &run, clock).await.unwrap());
            store.claims().claim(&run, &served.endpoint, &claimed).await.unwrap();
            return run.to_string();
        }
        drop(dir.create_run(&run).unwrap());
        dir.claims().restore(&[]).unwrap();
        dir.claims().claim(&run, &served.endpoint, &claimed).unwrap();
        run.to_string()
    })
}

#[test]
fn with_lines_for_machines_the_start_is_one_line_that_says_how_its_events_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let words = [&failover(&served)[..], &["--detach", "--output", "jsonl"]].concat();
    let output = backroad(state, &words).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.lines().count() == 1, "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    let _ends = Background(u32::try_from(said["process"].as_u64().unwrap()).unwrap());
    let run = said["run"].as_str().unwrap();
    let follow = said["follow"].as_str().unwrap();
    assert!(
        follow.starts_with(&format!("backroad journal {run} --follow --output jsonl")),
        "{follow}"
    );
    // As it says, its events come: the first one, once that process has had its turn.
    let opened = until(Duration::from_secs(60), || {
        let told = backroad(state, &["journal", run, "--output", "jsonl"]).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        told.lines().next().filter(|line| line.contains("run_opened")).map(str::to_owned)
    });
    assert!(opened.is_some(), "no event came");
}

#[test]
fn a_run_in_the_background_outlives_who_started_it_and_is_followed_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let words = [&failover(&served)[..], &["--detach"]].concat();
    let Output { status, stdout, .. } =
        backroad(state, &words).env("RUST_LOG", "trace").output().unwrap();
    let said = String::from_utf8(stdout).unwrap();
    assert!(status.success(), "{said}");
    let run = only_run(state).unwrap();
    let log = state.join("logs").join(format!("{run}.log"));
    for part in [
        format!("Run {run} goes on in the background"),
        format!("backroad status {run}"),
        format!("backroad approve {run} STEP"),
        log.display().to_string(),
        format!("backroad resume {run}"),
    ] {
        assert!(said.contains(&part), "{part}: {said}");
    }
    let process = said.split("as process ").nth(1).unwrap().split('.').next().unwrap();
    let _ends = Background(process.parse().unwrap());
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let session = stat.rsplit(") ").next().unwrap().split(' ').nth(3).unwrap();
        assert_eq!(session, process, "it leads a session of its own");
    }
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    let socket = state.join("runs").join(&run).join("socket.json");
    let socket: Value = serde_json::from_slice(&std::fs::read(socket).unwrap()).unwrap();
    led_to_its_end(state, &run);
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(!log.contains(socket["token"].as_str().unwrap()), "a secret is in the log");
    assert!(!log.contains("0f2b7c1e-0000-4000-8000"), "a key is in the log");
    assert!(log.contains("succeeded"), "{log}");
}

#[test]
fn what_a_run_in_the_background_is_refused_for_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let words = ["run", "runbooks/dr-circuit.yaml", "--profile", "no-such", "--detach"];
    let words = [&words[..], &["--endpoint", &served.endpoint]].concat();
    let Output { status, stderr, .. } = backroad(state, &words).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("no-such"), "{said}");
    assert!(!state.join("runs").exists(), "there is no run");
    assert_eq!(std::fs::read_dir(state.join("logs")).unwrap().count(), 0, "and no log");

    let (run, process, log) = detached(state, &served);
    let _ends = Background(process);
    let again = backroad(state, &["resume", &run, "--detach"]).output().unwrap();
    assert_eq!(again.status.code(), Some(4), "it is driven already");
    assert!(log.exists(), "and its log stays");
    let both = ["run", "x.yaml", "--detach", "--interactive"];
    assert_eq!(backroad(state, &both).output().unwrap().status.code(), Some(2));
}

/// A command on a terminal of its own; none, and a word about it, where there is no Python.
pub(crate) fn on_a_terminal(state: &Path, talk: &[&str], words: &[&str]) -> Option<Command> {
    let known = Command::new("python3").arg("-c").arg("import pty").output();
    if !known.is_ok_and(|known| known.status.success()) {
        drop(std::io::stderr().write_all(b"SKIPPED: no python3 for a terminal.\n"));
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(file("tests/fixtures/terminal.py")).arg("200").args(talk).arg("--");
    command.arg(env!("CARGO_BIN_EXE_backroad")).args(words).arg("--state-dir").arg(state);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("TERM", "xterm").stdin(Stdio::null());
    Some(command)
}

#[test]
fn a_run_in_the_background_outlives_its_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let words = [&failover(&served)[..], &["--detach"]].concat();
    let talk = ["To leave it:", "HANGUP"];
    let Some(mut command) = on_a_terminal(state, &talk, &words) else { return };
    let said = command.output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let process = said.split("as process ").nth(1).unwrap().split('.').next().unwrap();
    let _ends = Background(process.parse().unwrap());
    let run = only_run(state).unwrap();
    led_to_its_end(state, &run);
}

#[test]
fn a_gate_is_asked_about_and_answered_at_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let words = [&failover(&served)[..], &["--interactive"]].concat();
    // What is neither a yes nor a no is asked again, and a no is asked why.
    let talk = ["[yes/no]", "perhaps", "[yes/no]", "no", "Why not?", "", "Why not?", "too early"];
    let Some(mut command) = on_a_terminal(state, &talk, &words) else { return };
    let Output { status, stdout, .. } = command.output().unwrap();
    let screen = String::from_utf8_lossy(&stdout).into_owned();
    assert_eq!(status.code(), Some(4), "{screen}");
    let run = only_run(state).unwrap();
    let journal = backroad(state, &["journal", &run]).output().unwrap();
    let journal = String::from_utf8(journal.stdout).unwrap();
    assert!(journal.contains("too early"), "{journal}");
}

#[test]
fn every_gate_that_is_approved_at_the_terminal_leads_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let words = [&failover(&served)[..], &["--interactive"]].concat();
    let talk = ["[yes/no]", "yes"].repeat(6);
    let Some(mut command) = on_a_terminal(state, &talk, &words) else { return };
    let Output { status, stdout, .. } = command.output().unwrap();
    let screen = String::from_utf8_lossy(&stdout).into_owned();
    assert_eq!(status.code(), Some(0), "{screen}");
    assert_eq!(outcome(state, &only_run(state).unwrap()), "succeeded");
}

/// What makes every sync of a process hang, as a library to be loaded before others.
#[cfg(target_os = "linux")]
fn hanging_disk(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("hang.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(file("tests/fixtures/hang.c"));
    let made = compiler.arg("-ldl").output().is_ok_and(|made| made.status.success());
    if !made {
        drop(std::io::stderr().write_all(b"SKIPPED: no C compiler for a disk that hangs.\n"));
    }
    made.then_some(library)
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_store_hangs_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = hanging_disk(folder.path()) else { return };
    let served = simulator();
    // Told once it ends within what service managers give; told twice, sooner. They wait side by side.
    let case = |told: u32, within: u64| {
        let state = folder.path().join(format!("state-{told}"));
        let hang = folder.path().join(format!("hang-{told}"));
        let mut command = backroad(&state, &failover(&served));
        command.env("LD_PRELOAD", &library).env("HANG_WHEN", &hang);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut driver = Process::of(command);
        let runs = state.join("runs");
        let begun = until(SOON, || {
            let run = std::fs::read_dir(&runs).ok()?.next()?.ok()?.path();
            // Its first event is durable: it is driven.
            let told =
                std::fs::metadata(run.join("journal.jsonl")).is_ok_and(|file| file.len() > 0);
            told.then_some(run)
        });
        let run = begun.unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        std::fs::write(&hang, "").unwrap();
        std::thread::sleep(Duration::from_millis(1_500));
        assert!(driver.0.try_wait().unwrap().is_none(), "it hangs");
        driver.signal("-TERM");
        if told == 2 {
            std::thread::sleep(Duration::from_millis(1_000));
            driver.signal("-TERM");
        }
        let code = driver.ended(Duration::from_secs(within)).code();
        // The store could not be closed, or what was going on was left.
        assert!(matches!(code, Some(5 | 130)), "{code:?}");
        std::fs::remove_file(&hang).unwrap();
        // What was acknowledged is there, and the run can be gone on with.
        assert_eq!(outcome(&state, &run), "interrupted");
    };
    std::thread::scope(|scope| {
        let once = scope.spawn(|| case(1, 180));
        case(2, 150);
        once.join().unwrap();
    });
}
