//! How is a program run? Without a shell, with the environment it was given, within bounds, and ended whole.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::limit::within;

/// What a program has to end by itself when it is asked to, before it is ended.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Bytes of what a program writes that are kept. Its answer is a few lines of JSON; a flood is read on, so
/// that the program does not stand still, and thrown away.
const OUTPUT_BYTES_MAX: usize = 256 << 10;

/// Letters of the last line of its errors that are shown.
const LINE_LETTERS_MAX: usize = 300;

/// How long what it wrote is waited for after its end: what it started may hold its pipes open for ever.
const DRAIN: Duration = Duration::from_millis(500);

/// A program that ended by itself.
#[derive(Debug)]
pub(super) struct Ended {
    /// How.
    pub(super) status: ExitStatus,
    /// What it wrote; none when that was too much.
    pub(super) stdout: Option<Vec<u8>>,
    /// The last line of its errors.
    pub(super) last_error: String,
}

/// A program that did not end by itself.
#[derive(Debug)]
pub(super) enum ProgramFault {
    /// It never began.
    NotStarted(String),
    /// Its time was up; it and what it started were ended.
    TimedOut,
    /// It cannot be known.
    Lost(String),
}

/// What is run.
pub(super) struct Run<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: &'a [String],
    pub(super) env: Vec<(String, String)>,
    pub(super) stdin: Option<Vec<u8>>,
    pub(super) limit: Duration,
}

/// A program and all that it started. Whoever drops it, ends it.
struct Group {
    child: Child,
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

impl Group {
    fn of(child: Child) -> Self {
        #[cfg(unix)]
        let id = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        Self {
            child,
            #[cfg(unix)]
            id,
        }
    }

    /// Asks all of them to end.
    fn ask(&self) {
        #[cfg(unix)]
        if let Some(id) = self.id {
            // Who is not there any more has ended.
            let _gone = rustix::process::kill_process_group(id, rustix::process::Signal::TERM);
        }
    }

    /// Ends all of them.
    fn end(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.id.take() {
            let _gone = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
        drop(self.child.start_kill());
    }

    /// It ended by itself: what it left behind on purpose is its own.
    fn leave(&mut self) {
        #[cfg(unix)]
        {
            self.id = None;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs a program to its end, or to the end of its time.
///
/// # Errors
/// It did not end by itself.
pub(super) async fn run(run: Run<'_>) -> Result<Ended, ProgramFault> {
    let mut command = command(&run);
    let child = command.spawn().map_err(|error| ProgramFault::NotStarted(error.to_string()))?;
    let mut group = Group::of(child);
    let (stdin, stdout, stderr) =
        (group.child.stdin.take(), group.child.stdout.take(), group.child.stderr.take());
    let feed = async {
        if let (Some(mut pipe), Some(bytes)) = (stdin, run.stdin) {
            // Who does not read is not made to.
            drop(pipe.write_all(&bytes).await);
        }
    };
    let (mut out, mut err) = (Kept::default(), Kept::default());
    let ended = {
        let reads = async {
            tokio::join!(keep(stdout, &mut out), keep(stderr, &mut err));
        };
        let mut reads = std::pin::pin!(reads);
        let work = async {
            let mut feed = std::pin::pin!(feed);
            let (mut fed, mut read) = (false, false);
            let status = loop {
                tokio::select! {
                    status = group.child.wait() => break status,
                    () = &mut feed, if !fed => fed = true,
                    () = &mut reads, if !read => read = true,
                }
            };
            if !read {
                within(DRAIN, &mut reads).await;
            }
            status
        };
        within(run.limit, work).await
    };
    match ended {
        Some(Ok(status)) => {
            group.leave();
            Ok(Ended {
                status,
                stdout: (!out.flooded).then_some(out.bytes),
                last_error: err.last_line(),
            })
        }
        Some(Err(error)) => {
            group.end();
            Err(ProgramFault::Lost(error.to_string()))
        }
        None => {
            group.ask();
            within(GRACE, group.child.wait()).await;
            // What it started, too, whether or not it ended when it was asked.
            group.end();
            drop(within(GRACE, group.child.wait()).await);
            Err(ProgramFault::TimedOut)
        }
    }
}

/// The program with nothing of ours: its own environment, no place, a group of its own.
fn command(run: &Run<'_>) -> Command {
    let mut command = Command::new(run.program);
    command
        .args(run.arguments)
        .env_clear()
        .envs(run.env.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(if run.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// What was read of a pipe.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    flooded: bool,
}

impl Kept {
    fn last_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
        line.unwrap_or_default().chars().take(LINE_LETTERS_MAX).collect()
    }
}

/// Reads a pipe to its end. Of a flood the last part is kept, for its last line.
async fn keep(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Kept) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = vec![0; 16 << 10];
    loop {
        match pipe.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                kept.bytes.extend_from_slice(&buffer[..count]);
                if kept.bytes.len() > OUTPUT_BYTES_MAX {
                    kept.flooded = true;
                    let from = kept.bytes.len() - OUTPUT_BYTES_MAX / 2;
                    kept.bytes.drain(..from);
                }
            }
        }
    }
}

/// How a program ended, in words.
pub(super) fn shown(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was ended by signal {signal}");
    }
    match status.code() {
        Some(code) => format!("ended with status {code}"),
        None => "ended in a way that nobody knows".to_owned(),
    }
}
