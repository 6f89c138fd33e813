//! What still happens by itself, and since when do its times count?

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::Timestamp;
use crate::sim::scheduled_event::ScheduledEvent;

/// What is to come, the next first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sim) struct WorldSchedule {
    began: Timestamp,
    coming: Vec<(Timestamp, ScheduledEvent)>,
}

impl WorldSchedule {
    pub(in crate::sim) fn new(began: Timestamp) -> Self {
        Self { began, coming: Vec::new() }
    }

    /// When it began.
    pub(in crate::sim) fn began(&self) -> Timestamp {
        self.began
    }

    /// Counts times from now on.
    pub(in crate::sim) fn begin_at(&mut self, now: Timestamp) {
        self.began = now;
    }

    /// Adds what is to come, counted from `now`.
    pub(in crate::sim) fn add(&mut self, events: &[ScheduledEvent], now: Timestamp) {
        self.coming.extend(events.iter().map(|event| (now + event.after, event.clone())));
        self.coming.sort_by_key(|(at, _)| *at);
    }

    /// When the next one is due, if that is by now.
    pub(in crate::sim) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        self.coming.first().map(|(at, _)| *at).filter(|at| *at <= now)
    }

    /// Takes the next one off.
    pub(in crate::sim) fn take_next(&mut self) -> Option<ScheduledEvent> {
        (!self.coming.is_empty()).then(|| self.coming.remove(0).1)
    }

    /// What is to come as a world file has it, which begins now.
    pub(in crate::sim) fn to_file(&self, now: Timestamp) -> Value {
        let one = |(at, event): &(Timestamp, ScheduledEvent)| {
            let mut event = event.clone();
            event.after = at.since(now);
            event.day = None;
            json!(event)
        };
        self.coming.iter().map(one).collect()
    }
}
