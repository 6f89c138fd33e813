//! Where do traces go? To stderr, as `RUST_LOG` asks, and into the log of a run; never with a token or a body in them
//! (D4).
//!
//! The log is written by a thread of its own behind a bounded line, since a disk may hang. What is said before there
//! is a run waits for it; what a process says that comes to no run is dropped.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use super::voice;
use crate::azure::log_filter;
use crate::outward;

/// Lines that wait for the disk, or for a run.
const WAITING_MAX: usize = 4_096;

/// The longest line that is kept whole.
const LINE_BYTES_MAX: usize = 16 << 10;

/// Bytes of a run's log; a failover of a day says less.
const LOG_BYTES_MAX: u64 = 32 << 20;

/// How long the end of a command waits until the log is written.
const LAST_LINES: Duration = Duration::from_secs(2);

/// A text without known secrets and without what would steer a terminal. A line comes in one piece.
fn clean(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    outward::visible(&outward::redacted(&text)).into_owned().into_bytes()
}

/// Standard error.
struct Clean;

impl Write for Clean {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        voice::say(clean(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

enum LogPart {
    Line(Vec<u8>),
    /// From here on there is a run.
    Run(File),
    /// Tells when all that came before is written.
    Mark(SyncSender<()>),
}

/// The log of the run that this process drives.
struct RunLog {
    parts: SyncSender<LogPart>,
    dropped: Arc<AtomicU64>,
}

/// There is one for the process: it drives one run.
static LOG: OnceLock<RunLog> = OnceLock::new();

/// What writes a line into the log.
struct IntoRun;

impl Write for IntoRun {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(log) = LOG.get() {
            let mut line = clean(bytes);
            line.truncate(LINE_BYTES_MAX);
            if !line.ends_with(b"\n") {
                line.push(b'\n');
            }
            if let Err(TrySendError::Full(_)) = log.parts.try_send(LogPart::Line(line)) {
                log.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts the traces: on stderr only with `RUST_LOG`, and into the run's log as its directives say.
pub(super) fn start(wanted: Option<&str>, of_run: Option<&str>) {
    let of_run = of_run.filter(|_| begun().is_some());
    let on_stderr = wanted.map(|wanted| {
        fmt::layer().with_writer(|| Clean).with_ansi(false).with_filter(log_filter(Some(wanted)))
    });
    let into_run = of_run.map(|level| {
        fmt::layer().with_writer(|| IntoRun).with_ansi(false).with_filter(log_filter(Some(level)))
    });
    if on_stderr.is_some() || into_run.is_some() {
        // A second start is a test's in the same process.
        drop(tracing_subscriber::registry().with(on_stderr).with(into_run).try_init());
    }
}

fn begun() -> Option<&'static RunLog> {
    let (parts, inbox) = sync_channel(WAITING_MAX);
    let dropped = Arc::new(AtomicU64::new(0));
    let lost = Arc::clone(&dropped);
    let write = move || written(&inbox, &lost);
    std::thread::Builder::new().name("log".to_owned()).spawn(write).ok()?;
    Some(LOG.get_or_init(|| RunLog { parts, dropped }))
}

/// From now on what is said goes into this file, what was said before first.
pub(super) fn into(file: File) {
    if let Some(log) = LOG.get() {
        let _full = log.parts.try_send(LogPart::Run(file)).is_err();
    }
}

/// Waits a moment until what was said is written.
pub(super) fn finish() {
    let Some(log) = LOG.get() else { return };
    let (reached, reaching) = sync_channel(1);
    if log.parts.try_send(LogPart::Mark(reached)).is_ok() {
        let _stuck_or_written = reaching.recv_timeout(LAST_LINES);
    }
}

fn written(inbox: &Receiver<LogPart>, lost: &AtomicU64) {
    let mut before: Vec<Vec<u8>> = Vec::new();
    let mut log: Option<(File, u64)> = None;
    for part in inbox {
        match (part, &mut log) {
            (LogPart::Line(line), Some((file, length))) => add(file, length, &line),
            (LogPart::Line(line), None) if before.len() < WAITING_MAX => before.push(line),
            (LogPart::Line(_), None) => drop(lost.fetch_add(1, Ordering::Relaxed)),
            (LogPart::Run(mut file), _) => {
                let mut length = file.metadata().map_or(0, |found| found.len());
                before.drain(..).for_each(|line| add(&mut file, &mut length, &line));
                log = Some((file, length));
            }
            (LogPart::Mark(reached), log) => {
                let count = lost.swap(0, Ordering::Relaxed);
                if let (Some((file, length)), true) = (log, count > 0) {
                    add(file, length, format!("({count} lines are missing here)\n").as_bytes());
                }
                let _nobody_waits_any_more = reached.try_send(());
            }
        }
    }
}

/// Adds a line, up to the log's bound. A disk that refuses loses a log, and nothing else.
fn add(file: &mut File, length: &mut u64, line: &[u8]) {
    if *length >= LOG_BYTES_MAX {
        return;
    }
    *length += line.len() as u64;
    drop(file.write_all(line));
    if *length >= LOG_BYTES_MAX {
        drop(file.write_all(b"(The log is full. What happens is in the journal.)\n"));
    }
}
