//! Who writes the events of a run on standard output, so that the run need not wait for the reader? One thread.
//!
//! The events are kept anyway while a run is driven, so that the thread reads them there: a slow reader gets each of
//! them, later. A reader that has gone away gets nothing more, which is no error; one that hangs is left at the end.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::watch::EventRecorder;
use crate::engine::{Recorded, RunState, Watcher};
use crate::model::{Epoch, Seq};
use crate::render::machine::{StreamedRun, event_line};

/// How long the end of a command waits for a reader that takes nothing.
const HANGS_AFTER: Duration = Duration::from_secs(3);

/// What the thread has to write next.
#[derive(Default)]
struct Waiting {
    /// Where the events are, and whose are told: those of this process.
    source: Option<(Arc<EventRecorder>, Epoch)>,
    /// Whether there may be new ones.
    more: bool,
    /// The last line of all.
    last: Option<String>,
}

/// The lines, from the side of whoever drives.
struct LineStream {
    waiting: Mutex<Waiting>,
    wakes: Condvar,
    written: AtomicU64,
}

/// What wakes the thread: comes after the recorder among the watchers.
#[derive(Debug)]
pub(super) struct StreamWaker;

impl Watcher for StreamWaker {
    fn recorded(&self, _: &[Recorded], _: &RunState) {
        if let Some((stream, _)) = STREAM.get() {
            stream.wake(|waiting| waiting.more = true);
        }
    }
}

/// There is one for the process, as there is one standard output.
static STREAM: OnceLock<(Arc<LineStream>, Mutex<Receiver<()>>)> = OnceLock::new();

impl LineStream {
    fn wake(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.wakes.notify_one();
    }

    /// What to write, when there is something.
    fn next(&self) -> (Option<(Arc<EventRecorder>, Epoch)>, Option<String>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while !waiting.more && waiting.last.is_none() {
            waiting = self.wakes.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.more = false;
        (waiting.source.clone(), waiting.last.take())
    }

    fn write(&self, out: &mut impl Write) {
        let (mut told, mut run) = (Seq::default(), None);
        let mut reads = true;
        loop {
            let (source, last) = self.next();
            if let Some((recorder, epoch)) = source {
                for recorded in recorder.after(told) {
                    told = recorded.seq;
                    run = run.or_else(|| StreamedRun::opened(&recorded));
                    // What earlier processes did they told themselves.
                    if let (Some(run), true) = (&run, recorded.epoch == epoch) {
                        reads = reads && self.line(out, &event_line(run, &recorded));
                    }
                }
            }
            if let Some(last) = last {
                let _gone = reads && self.line(out, &last);
                return;
            }
        }
    }

    /// Writes a line at once; tells whether anybody reads.
    fn line(&self, out: &mut impl Write, line: &str) -> bool {
        let written = out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_ok();
        self.written.fetch_add(1, Ordering::Relaxed);
        written
    }
}

fn started() -> Option<&'static (Arc<LineStream>, Mutex<Receiver<()>>)> {
    if let Some(stream) = STREAM.get() {
        return Some(stream);
    }
    let stream = Arc::new(LineStream {
        waiting: Mutex::default(),
        wakes: Condvar::new(),
        written: AtomicU64::new(0),
    });
    let (ends, ended) = sync_channel(1);
    let writes = Arc::clone(&stream);
    std::thread::Builder::new()
        .name("stream".to_owned())
        .spawn(move || {
            writes.write(&mut std::io::stdout());
            let _nobody_waits_any_more = ends.try_send(());
        })
        .ok()?;
    Some(STREAM.get_or_init(|| (stream, Mutex::new(ended))))
}

/// From now on the events of this epoch are told as the recorder has them.
pub(super) fn tell(recorder: &Arc<EventRecorder>, epoch: Epoch) -> StreamWaker {
    if let Some((stream, _)) = started() {
        let source = Some((Arc::clone(recorder), epoch));
        stream.wake(|waiting| waiting.source = source);
    }
    StreamWaker
}

/// Writes the last line, after all events, and waits for as long as somebody reads.
pub(super) fn finish(last: String) {
    let Some((stream, ended)) = started() else { return };
    stream.wake(|waiting| waiting.last = Some(last));
    let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let before = stream.written.load(Ordering::Relaxed);
        let is_over =
            ended.recv_timeout(HANGS_AFTER) != Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        if is_over || stream.written.load(Ordering::Relaxed) == before {
            return;
        }
    }
}
