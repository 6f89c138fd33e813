//! Who looks on while a run is driven? The recorder, and what notes what the run owes.
//!
//! `live.rs` is the screen, and `asked.rs` whoever is asked at a gate.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::{Event, Recorded, RunState, Watcher};
use crate::model::{Epoch, Seq};
use crate::render::machine::fields::told;
use crate::store::{Obligations, Owed};

/// Keeps the events, for the socket and the summary.
#[derive(Debug, Default)]
pub struct EventRecorder(Mutex<Vec<Recorded>>);

impl EventRecorder {
    /// The events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The events after one: who looks again and again is told only what is new.
    #[must_use]
    pub fn after(&self, last: Seq) -> Vec<Recorded> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = events.partition_point(|event| event.seq <= last);
        events.get(from..).unwrap_or_default().to_vec()
    }
}

impl Watcher for EventRecorder {
    fn recorded(&self, events: &[Recorded], _: &RunState) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(events);
    }
}

/// Notes what the run owes, as soon as it owes it. A thread of its own writes: the one that drives also hears
/// that it is to leave, and must not wait for a disk that hangs.
pub struct ObligationNotes {
    desk: Arc<NoteDesk>,
}

/// What is to be written, and how far that is.
struct NoteDesk {
    notes: Obligations,
    work: Mutex<NoteWork>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct NoteWork {
    next: Option<Owed>,
    last: Option<Vec<String>>,
    writing: bool,
    over: bool,
}

impl ObligationNotes {
    /// Notes into this state directory.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn new(notes: Obligations) -> io::Result<Self> {
        let (work, changed) = (Mutex::default(), Condvar::new());
        let desk = Arc::new(NoteDesk { notes, work, changed });
        let writes = Arc::clone(&desk);
        std::thread::Builder::new().name("notes".to_owned()).spawn(move || writes.serve())?;
        Ok(Self { desk })
    }

    /// Waits until everything is noted, for a bounded time. What is not is made again from the journal.
    pub fn finish(&self, within: Duration) {
        let busy = |work: &mut NoteWork| work.next.is_some() || work.writing;
        let waited = self.desk.changed.wait_timeout_while(self.desk.lock(), within, busy);
        if waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
            tracing::warn!("what the run owes is not noted in time; its journal says it");
        }
    }
}

impl Drop for ObligationNotes {
    fn drop(&mut self) {
        self.desk.lock().over = true;
        self.desk.changed.notify_all();
    }
}

impl NoteDesk {
    fn lock(&self) -> MutexGuard<'_, NoteWork> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        loop {
            let idle = |work: &mut NoteWork| work.next.is_none() && !work.over;
            let waited = self.changed.wait_while(self.lock(), idle);
            let mut work = waited.unwrap_or_else(PoisonError::into_inner);
            let Some(note) = work.next.take() else { return };
            work.writing = true;
            drop(work);
            let set = self.notes.set(&note);
            let mut work = self.lock();
            work.writing = false;
            if let Err(error) = set {
                tracing::warn!(%error, "what the run owes is not noted");
                // It is tried again with the next event.
                work.last = None;
            }
            drop(work);
            self.changed.notify_all();
        }
    }
}

impl Watcher for ObligationNotes {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        let Some(opened) = &state.opened else { return };
        let owed = state.owed();
        let mut work = self.desk.lock();
        // At its end too, so that nobody has to read the journal to know that nothing is owed.
        let ended = events.iter().any(|one| matches!(one.event, Event::RunEnded { .. }));
        if work.last.as_ref() == Some(&owed) && !ended {
            return;
        }
        work.next = Some(Owed {
            run: opened.run.clone(),
            mode: opened.mode,
            obligations: owed.clone(),
            head: events.last().map(|last| last.seq),
        });
        work.last = Some(owed);
        drop(work);
        self.desk.changed.notify_all();
    }
}

/// Tells the log what is recorded, so that what crates say in it stands between the events that it belongs to.
#[derive(Debug)]
pub struct EventLog {
    /// Whose events are told: earlier processes told their own.
    pub epoch: Epoch,
}

impl Watcher for EventLog {
    fn recorded(&self, events: &[Recorded], _: &RunState) {
        for Recorded { seq, event, .. } in events.iter().filter(|one| one.epoch == self.epoch) {
            let (name, fields) = told(event);
            let fields = serde_json::Value::Object(fields);
            match event {
                Event::StepFailed { .. }
                | Event::StepTimedOut { .. }
                | Event::StepHeld { .. }
                | Event::StepUndoFailed { .. }
                | Event::InDoubt { .. }
                | Event::Refused { .. }
                | Event::RetryScheduled { .. } => {
                    tracing::warn!(target: "backroad::event", seq = seq.0, %fields, "{name}");
                }
                _ => tracing::info!(target: "backroad::event", seq = seq.0, %fields, "{name}"),
            }
        }
    }
}

/// Several watchers as one.
pub struct All(pub Vec<Arc<dyn Watcher>>);

impl Watcher for All {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        for watcher in &self.0 {
            watcher.recorded(events, state);
        }
    }
}
