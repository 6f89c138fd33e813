//! What is told when nobody can say how an operation stands? Once that it is so, and once that it is over.
//!
//! A question that fails says nothing about the operation, so that the step goes on as it was; but whoever looks at
//! the run has to know why nothing moves, also when its time is up.

use std::time::Duration;

use super::decision::{Ticket, Timer, TurnContext};
use super::event::Event;
use super::record::ASKED_AGAIN;
use super::retry;
use crate::model::{StepError, StepName};

/// The operation could not be asked about; it is asked about again.
pub(super) fn unasked(
    turn: &mut TurnContext<'_>,
    ticket: &Ticket,
    error: &StepError,
    after: Option<Duration>,
) {
    if !is_told(turn, &ticket.step) {
        let why = format!("Azure does not say how its operation stands: {}", error.message);
        turn.emit(Event::StepWaiting { step: ticket.step.clone(), why });
    }
    turn.wake_after(Timer::Poll(ticket.clone()), retry::poll_delay(after));
}

/// It could be asked about.
pub(super) fn asked_again(turn: &mut TurnContext<'_>, step: &StepName) {
    if is_told(turn, step) {
        let why = ASKED_AGAIN.to_owned();
        turn.emit(Event::StepWaiting { step: step.clone(), why });
    }
}

fn is_told(turn: &TurnContext<'_>, step: &StepName) -> bool {
    turn.record(step).is_some_and(|record| record.unasked.is_some())
}
