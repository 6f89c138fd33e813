//! When had a run recovered?
//!
//! What was settled, taken back or done again after that is no part of the recovery.

use crate::engine::{Event, Recorded};
use crate::model::{RunOutcome, Timestamp};

fn is_success(recorded: &Recorded) -> bool {
    matches!(recorded.event, Event::RunEnded { outcome: RunOutcome::Succeeded })
}

/// When the run first came to its end well.
#[must_use]
pub fn recovered_at(events: &[Recorded]) -> Option<Timestamp> {
    events.iter().find(|recorded| is_success(recorded)).map(|recorded| recorded.at)
}

/// The events up to then; all of them where it never was.
pub(super) fn until_recovered(events: &[Recorded]) -> &[Recorded] {
    match events.iter().position(is_success) {
        Some(place) => &events[..=place],
        None => events,
    }
}
