//! Where did the time go? A run's time from its opening to its recovery, split into five parts that add up.
//!
//! At each moment one thing counts, the first of these that holds:
//!
//! 1. **Azure**: a write is on its way or at work, Azure asked us to come back later, or what must become
//!    true in Azure (a route, a status) is not true yet.
//! 2. **people**: a task is in somebody's hands.
//! 3. **left**: nothing can go on until somebody says so: the run is paused, has ended badly, or nobody drives it.
//! 4. **deciding**: a question is open, for approval or for a choice.
//! 5. **our own**: we look, we compile requests, we start the next step.
//!
//! So a question that is open while Azure makes a gateway costs nothing: it is asked in Azure's time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::recovered::recovered_at;
use crate::engine::{Event, Recorded};
use crate::model::{Gate, Plan, RunOutcome, StepName, Timestamp};

/// The parts of a run's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Split {
    /// Questions were open and nothing else went on.
    pub deciding: Duration,
    /// People had something to do.
    pub people: Duration,
    /// The run was left: paused, ended badly, or driven by nobody.
    pub left: Duration,
    /// Azure was at work.
    pub azure: Duration,
    /// The rest.
    pub own: Duration,
}

impl Split {
    /// All of it.
    #[must_use]
    pub fn whole(self) -> Duration {
        self.deciding + self.people + self.left + self.azure + self.own
    }
}

/// What a step is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Looking,
    Azure,
    Task,
    Question,
}

/// What a step is at after an event of it; none when it is at rest.
pub(super) fn after(event: &Event, plan: &Plan, before: Option<Doing>) -> Option<Doing> {
    match event {
        Event::StepStarted { .. }
        | Event::UndoStarted { .. }
        | Event::Answered { .. }
        | Event::Refused { .. }
        | Event::NeverLanded { .. }
        | Event::OperationEnded { .. }
        | Event::StepMending { .. } => Some(Doing::Looking),
        Event::Intended { .. }
        | Event::Accepted { .. }
        | Event::InDoubt { .. }
        | Event::RetryScheduled { .. }
        | Event::StepWaiting { .. } => Some(Doing::Azure),
        Event::GateOpened { step, .. } => {
            let task = plan
                .step(step)
                .is_some_and(|step| matches!(step.action.gate(), Some(Gate::Manual(_))));
            Some(if task { Doing::Task } else { Doing::Question })
        }
        Event::StepSucceeded { .. }
        | Event::StepFailed { .. }
        | Event::StepTimedOut { .. }
        | Event::StepSkipped { .. }
        | Event::StepHeld { .. }
        | Event::StepUndone { .. }
        | Event::StepUndoFailed { .. }
        | Event::StepReset { .. } => None,
        _ => before,
    }
}

/// When the run's recovery ended: its first success, else its last event.
pub(super) fn end(events: &[Recorded]) -> Option<Timestamp> {
    recovered_at(events).or_else(|| events.last().map(|recorded| recorded.at))
}

/// Splits the time from the first event to the recovery.
#[must_use]
pub fn split(events: &[Recorded], plan: &Plan) -> Split {
    let mut split = Split::default();
    let (Some(first), Some(end)) = (events.first(), end(events)) else { return split };
    let mut doing: BTreeMap<&StepName, Doing> = BTreeMap::new();
    let (mut stopped, mut at) = (false, first.at);
    for Recorded { at: now, event, .. } in events.iter().filter(|recorded| recorded.at <= end) {
        let passed = now.since(at);
        at = *now;
        let any = |wanted: Doing| doing.values().any(|own| *own == wanted);
        // Who takes a run up again ends a time in which nobody drove it.
        let abandoned = matches!(event, Event::RunClaimed { .. }) && doing.is_empty();
        let part = if any(Doing::Azure) {
            &mut split.azure
        } else if any(Doing::Task) && !stopped {
            &mut split.people
        } else if stopped || abandoned {
            &mut split.left
        } else if any(Doing::Question) {
            &mut split.deciding
        } else {
            &mut split.own
        };
        *part += passed;
        match event {
            Event::Paused { .. } => stopped = true,
            Event::RunEnded { outcome } => stopped = *outcome != RunOutcome::Succeeded,
            Event::Continued { .. } | Event::Reopened { .. } => stopped = false,
            _ => {}
        }
        if let Some(step) = event.step() {
            match after(event, plan, doing.get(step).copied()) {
                Some(now) => doing.insert(step, now),
                None => doing.remove(step),
            };
        }
    }
    split
}
