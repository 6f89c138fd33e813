//! How does a run go on without a terminal? In a process and a session of its own, which is this
//! program again with the same words.
//!
//! That process says everything into a log of the run's. The one that was typed waits until the run is driven
//! or has been refused, so that what is refused is refused at the terminal.

use std::fs::File;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::args::Output;
use super::clock::RealClock;
use super::context::Context;
use super::control;
use super::error::{CliError, Status};
use super::interrupts::Interrupts;
use super::settings;
use crate::engine::Clock as _;
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{RunId, Seq};
use crate::render::json;
use crate::render::machine::stream::refused_line;
use crate::store::regular;

/// How often it is looked whether the run is driven.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often the first event is looked for once the run is driven: what keeps it elsewhere may take its time.
const LOOKS_MAX: u32 = 50;

/// How much of the log is shown at the terminal.
const WORDS_BYTES_MAX: usize = 64 << 10;

/// Whether the run goes on by itself.
#[derive(Debug, Clone, Default, Args)]
pub struct Detach {
    /// Drive it in the background, without this terminal; says how to follow it.
    #[arg(long)]
    pub detach: bool,
    /// The run that this process drives in the background.
    #[arg(long, hide = true, value_name = "RUN", conflicts_with = "detach")]
    pub detached_as: Option<String>,
}

impl Detach {
    /// In the background: leaves the terminal's session, so that nothing of it reaches this process, and
    /// gives the run that it drives. None in the foreground.
    ///
    /// # Errors
    /// The text is no run's id.
    pub(super) fn leave_session(&self) -> Result<Option<RunId>, CliError> {
        let Some(text) = &self.detached_as else { return Ok(None) };
        #[cfg(unix)]
        if let Err(error) = rustix::process::setsid() {
            // It leads a session already; a hangup is survived all the same.
            tracing::debug!(%error, "the session cannot be left");
        }
        RunId::parse(text).map(Some).map_err(|error| {
            CliError::usage(format!("`{text}` is not the id of a run.")).because(&error)
        })
    }
}

/// Starts this program again for that run, without a terminal, and says how it is followed.
///
/// # Errors
/// It could not be started, or ended before the run was driven.
pub(super) async fn start(context: &Context, run: &RunId) -> Result<Status, CliError> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        CliError::new(Status::OutOfReach, "The run cannot be put into the background.")
            .because(error)
            .hint("Drive it here, or under `systemd-run --user` or `tmux`.")
    };
    let (path, file) = context.state.open_log(run)?;
    let length = file.metadata().map_err(|error| failed(&error))?.len();
    let log = Log { path, begins: usize::try_from(length).unwrap_or(usize::MAX) };
    let folder = context.state.run_path(run);
    let before = control::read_socket(&folder).ok();
    let mut child = spawn(run, file).map_err(|error| failed(&error))?;
    let clock = RealClock::new(NonZeroU32::MIN, None);
    let mut interrupts = Interrupts::listen();
    let mut looks = 0;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| failed(&error))? {
            return ended(context, run, &log, status.code());
        }
        let now = control::read_socket(&folder).ok();
        if now.is_some() && now != before {
            // Whoever is told of the run may ask for it at once: it has its first event by then.
            let head = context.state.progress(run).and_then(|progress| progress.head);
            if head.is_some_and(|head| head > Seq::default()) || looks >= LOOKS_MAX {
                break;
            }
            looks += 1;
        }
        tokio::select! {
            () = clock.sleep_until(clock.now() + LOOK_EVERY) => {}
            () = interrupts.next() => stop(&child),
        }
    }
    // What preflight had to say, for instance.
    context.ui.say(log.words().trim_end());
    follow(context, run, &child, &log.path);
    Ok(Status::Done)
}

fn spawn(run: &RunId, log: File) -> std::io::Result<Child> {
    let words = settings::arguments().into_iter().skip(1).filter(|word| word != "--detach");
    Command::new(settings::program()?)
        .args(words)
        .arg("--detached-as")
        .arg(run.as_str())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
}

/// An interrupt while the run is not driven yet means the run: it is asked to leave, and waited for.
fn stop(child: &Child) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process};
        // One that has ended by now is seen to have ended.
        let _ended_already = kill_process(Pid::from_child(child), Signal::TERM).is_err();
    }
    #[cfg(not(unix))]
    let _ = child;
}

fn follow(context: &Context, run: &RunId, child: &Child, log: &Path) {
    let (process, log, ours) = (child.id(), log.display(), context.ui.ours);
    match context.ui.output {
        Output::Json | Output::Jsonl => context.ui.data(&json::object(&json!({
            "schema": "backroad.detached/1",
            "run": run.as_str(),
            "process": process,
            "log": log.to_string(),
            // Its events are told there: this process has none.
            "follow": ours.whole(&format!("backroad journal {run} --follow --output jsonl")),
        }))),
        Output::Text => context.ui.data(&format!(
            "Run {run} goes on in the background, as process {process}.\n\
             \x20 Where it stands: {}\n\
             \x20 At a gate:       {}\n\
             \x20 What it says:    tail -f {log}\n\
             \x20 To leave it:     kill {process} (twice: at once), then {}\n",
            ours.whole(&format!("backroad status {run}")),
            ours.whole(&format!("backroad approve {run} STEP")),
            ours.whole(&format!("backroad resume {run}")),
        )),
    }
}

/// It ended before anybody saw it drive: what it said is said here, and a log of nothing else goes.
fn ended(context: &Context, run: &RunId, log: &Log, code: Option<i32>) -> Result<Status, CliError> {
    context.ui.say(log.words().trim_end());
    if log.begins == 0 && !context.state.has(run) {
        drop(std::fs::remove_file(&log.path));
    }
    let ended = code.and_then(|code| u8::try_from(code).ok()).and_then(Status::from_code);
    if let (true, Some(status)) = (context.ui.lines, ended) {
        let what = "The run was not taken up in the background; what it said is on standard error.";
        context.ui.data(&refused_line(what, &[], &[], status.code()));
    }
    ended.ok_or_else(|| {
        CliError::new(Status::OutOfReach, "The process in the background was ended.")
            .hint(format!("See `backroad status {run}`; resume the run if it has begun."))
    })
}

/// Where the process in the background speaks, and where its first word stands.
struct Log {
    path: PathBuf,
    begins: usize,
}

impl Log {
    fn words(&self) -> String {
        let Ok(bytes) = regular::read(&self.path, FILE_BYTES_MAX) else { return String::new() };
        let words = bytes.get(self.begins..).unwrap_or_default();
        String::from_utf8_lossy(&words[..words.len().min(WORDS_BYTES_MAX)]).into_owned()
    }
}
