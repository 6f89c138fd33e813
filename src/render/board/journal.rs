//! What was recorded? A page of a run's journal, an event a row.

use serde::Serialize;

use super::super::line::told;
use super::super::style::clock;
use super::window;
use crate::engine::{Recorded, RunState};
use crate::model::Timestamp;

/// A page of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoardJournal {
    /// How many events come before the first of these.
    pub from: usize,
    /// How many there are.
    pub total: usize,
    /// The events.
    pub rows: Vec<BoardEvent>,
}

/// An event, flat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoardEvent {
    /// Its place.
    pub event: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// That, since the run was opened.
    pub since: String,
    /// What it says.
    pub text: String,
}

/// The events from a place on.
#[must_use]
pub fn journal(state: &RunState, events: &[Recorded], from: usize, count: usize) -> BoardJournal {
    let range = window(events.len(), from, count);
    let shown = events.get(range.clone()).unwrap_or_default();
    let rows = state.opened.as_ref().map_or_else(Vec::new, |opened| {
        let row = |one: &Recorded| BoardEvent {
            event: one.seq.0,
            at: one.at,
            since: clock(one.at.since(opened.at)),
            text: told(&one.event, &opened.plan),
        };
        shown.iter().map(row).collect()
    });
    BoardJournal { from: range.start, total: events.len(), rows }
}
