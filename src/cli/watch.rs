//! Who looks on while a run is driven? The recorder, and what notes what the run owes.
//!
//! `live.rs` is the screen, and `asked.rs` whoever is asked at a gate.

use std::sync::{Arc, Mutex, PoisonError};

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

/// Notes what the run owes, as soon as it owes it.
pub struct ObligationNotes {
    notes: Obligations,
    last: Mutex<Option<Vec<String>>>,
}

impl ObligationNotes {
    /// Notes into this state directory.
    #[must_use]
    pub fn new(notes: Obligations) -> Self {
        Self { notes, last: Mutex::new(None) }
    }
}

impl Watcher for ObligationNotes {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        let Some(opened) = &state.opened else { return };
        let owed = state.owed();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // At its end too, so that nobody has to read the journal to know that nothing is owed.
        let ended = events.iter().any(|one| matches!(one.event, Event::RunEnded { .. }));
        if last.as_ref() == Some(&owed) && !ended {
            return;
        }
        let note = Owed {
            run: opened.run.clone(),
            mode: opened.mode,
            obligations: owed.clone(),
            head: events.last().map(|last| last.seq),
        };
        match self.notes.set(&note) {
            Ok(()) => *last = Some(owed),
            Err(error) => tracing::warn!(%error, "what the run owes is not noted"),
        }
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
