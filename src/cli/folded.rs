//! What do a run's events come to, and what time is it in a run that nobody tells of?

use std::num::NonZeroU32;

use super::clock::RealClock;
use super::context::Context;
use super::error::{CliError, Status};
use crate::engine::state::Opened;
use crate::engine::{Clock as _, Event, Recorded, RunMode, RunState};
use crate::model::Timestamp;

impl Context {
    /// A run's events folded.
    ///
    /// # Errors
    /// They do not fold, or there are none.
    pub fn fold(events: &[Recorded]) -> Result<RunState, CliError> {
        let state = RunState::fold(events).map_err(|error| {
            CliError::new(Status::OutOfReach, "The run's journal does not make sense.")
                .because(&error)
                .hint("Check it with `backroad verify RUN`.")
        })?;
        Self::opened(&state)?;
        Ok(state)
    }

    /// What a run was opened with.
    ///
    /// # Errors
    /// It has no event.
    pub fn opened(state: &RunState) -> Result<&Opened, CliError> {
        state.opened.as_ref().ok_or_else(|| {
            CliError::refused("The run has no event yet: its process ended before the first.")
            .hint("Nothing was done. Start another run; where its claims are in the way, `backroad resume RUN` gives them back.")
        })
    }
}

/// The time in a run that nobody tells: the host's, or of a drill the last that was recorded.
pub(super) fn time_in(events: &[Recorded]) -> Timestamp {
    let drill = events
        .first()
        .is_some_and(|first| matches!(first.event, Event::RunOpened { mode: RunMode::Drill, .. }));
    match events.last().map(|last| last.at) {
        Some(last) if drill => last,
        last => match events.first().map(|first| &first.event) {
            Some(Event::RunOpened { run, clock_factor: Some(factor), .. }) => {
                RealClock::of_run(run, *factor, last).now()
            }
            _ => RealClock::new(NonZeroU32::MIN, last).now(),
        },
    }
}
