//! The binary itself as a process that ends with its test, and a simulator that it can speak to.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// The program, with nothing in its environment.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backroad"));
    command.env_clear();
    command
}

/// The program in the project's folder, with nobody at its terminal and its state in a folder.
pub(crate) fn backroad(state: &Path, words: &[&str]) -> Command {
    let mut command = binary();
    command.args(words).arg("--state-dir").arg(state).stdin(Stdio::null());
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// Renders a runbook in a state directory of its own.
pub(crate) fn render(runbook: &Path, words: &[&str]) -> Output {
    let state = tempfile::tempdir().unwrap();
    let mut command = binary();
    command.arg("--state-dir").arg(state.path()).arg("render").arg(runbook);
    command.args(words).stdin(Stdio::null()).output().unwrap()
}

/// What a process wrote.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A process that ends with this value.
#[derive(Debug)]
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Process {
    pub(crate) fn of(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Its end, which must come in time.
    pub(crate) fn ended(&mut self, within: Duration) -> ExitStatus {
        until(within, || self.0.try_wait().unwrap())
            .unwrap_or_else(|| panic!("it has not ended within {within:?}"))
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }
}

/// Sends a process a signal.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args([name, &process.to_string()]).status().unwrap();
    assert!(sent.success(), "kill {name} {process}");
}

/// Waits for something; none where it does not come in time.
#[expect(clippy::disallowed_methods, reason = "another process's time is the host's")]
pub(crate) fn until<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if begun.elapsed() > within {
            return None;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A served world; it ends with this value.
#[derive(Debug)]
pub(crate) struct Served {
    #[expect(dead_code, reason = "the server lives as long as this")]
    process: Process,
    pub(crate) endpoint: String,
}

/// Serves a world, its clock so many times faster than the host's.
pub(crate) fn serve(world: impl AsRef<OsStr>, speed: u32) -> Served {
    let mut command = binary();
    command
        .args(["sim", "serve", "--speed", &speed.to_string(), "--world"])
        .arg(world)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut process = Process::of(command);
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    Served { process, endpoint: said["endpoint"].as_str().unwrap().to_owned() }
}
