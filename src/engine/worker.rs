//! How is one effect performed? It is carried out, and one input comes back; nothing is decided here.

use std::sync::Arc;

use super::event::Intent;
use super::ports::{Actuator, CallContext, Clock};
use super::state::{Direction, RunState};
use super::turn::{Effect, Input, Ticket, Timer};
use crate::model::{Action, Goal, OperationHandle, Plan, StepError, Timestamp, Undo};

/// Work that one task does, with everything it needs.
#[derive(Debug)]
pub(super) enum WorkerJob {
    /// Look.
    Observe {
        ticket: Ticket,
        direction: Direction,
        undo: Option<Box<Undo>>,
        /// Its action with what earlier steps put out in it, where it takes in any of that.
        filled: Result<Option<Box<Action>>, StepError>,
        /// Whether its step has failed and only looks after what it left.
        mending: bool,
        /// Since when its step is at work.
        since: Option<Timestamp>,
        /// What else the run has to take back.
        rest: Vec<Undo>,
    },
    /// Write.
    Send { ticket: Ticket, intent: Box<Intent> },
    /// Ask.
    Poll { ticket: Ticket, handle: OperationHandle },
    /// Wait.
    Wake { timer: Timer, at: Timestamp },
}

impl WorkerJob {
    /// The job of an effect; none for the end of the run.
    pub(super) fn of(effect: Effect, state: &RunState) -> Option<Self> {
        Some(match effect {
            Effect::Observe(ticket, direction) => {
                let record = state.steps.get(&ticket.step);
                let undo = record.and_then(|record| record.undo.clone()).map(Box::new);
                let filled = state.filled(&ticket.step);
                let since = record.and_then(|record| record.work()).map(|work| work.since);
                let mending = record.is_some_and(|record| record.mending.is_some());
                let rest = rest(state, &ticket, direction);
                Self::Observe { ticket, direction, undo, filled, mending, since, rest }
            }
            Effect::Send(ticket, intent) => Self::Send { ticket, intent },
            Effect::Poll(ticket, handle) => Self::Poll { ticket, handle },
            Effect::WakeAt(timer, at) => Self::Wake { timer, at },
            Effect::Finish(_) => return None,
        })
    }

    /// Whether the run is still going on by itself while this job lasts. The timers that only end
    /// things (a timeout, a gate's expiry, the deadline) do not keep a run going; nor does the timer of a
    /// look beside a poll, which goes on itself and may have ended long before that look was due.
    pub(super) fn keeps_going(&self) -> bool {
        !matches!(
            self,
            Self::Wake {
                timer: Timer::Timeout(_) | Timer::Gate(_) | Timer::Deadline | Timer::Glance(_),
                ..
            }
        )
    }

    /// Whether leaving now would lose the answer to a write.
    pub(super) fn is_send(&self) -> bool {
        matches!(self, Self::Send { .. })
    }
}

/// What the run has to take back beside this step.
fn rest(state: &RunState, ticket: &Ticket, direction: Direction) -> Vec<Undo> {
    let others = state.steps.iter().filter(|(step, _)| **step != ticket.step);
    match direction {
        Direction::Forward => Vec::new(),
        Direction::Backward => others.filter_map(|(_, record)| record.undo.clone()).collect(),
    }
}

/// Performs the job.
pub(super) async fn perform(
    job: WorkerJob,
    plan: Arc<Plan>,
    actuator: Arc<dyn Actuator>,
    clock: Arc<dyn Clock>,
    mut context: CallContext,
) -> Input {
    match job {
        WorkerJob::Observe { ticket, direction, undo, filled, mending, since, rest } => {
            let Some(step) = plan.step(&ticket.step) else {
                return unknown_step(ticket);
            };
            let filled = match filled {
                Ok(filled) => filled,
                Err(error) => return Input::Observed(ticket, Err(error)),
            };
            let action = filled.as_deref().unwrap_or(&step.action);
            let nothing = Undo::Nothing;
            context.waited = since.map(|since| clock.now().since(since));
            let goal = match direction {
                Direction::Forward if mending => Goal::Mend(action),
                Direction::Forward => Goal::Do(action),
                Direction::Backward => {
                    Goal::Undo { action, undo: undo.as_deref().unwrap_or(&nothing), rest: &rest }
                }
            };
            let result = actuator.observe(&goal, &context).await;
            Input::Observed(ticket, result)
        }
        WorkerJob::Send { ticket, intent } => {
            context.not_after = Some((intent.not_after, intent.not_after_boot.clone()));
            let result = actuator.send(&intent.write, &intent.key, &context).await;
            Input::Sent(ticket, result)
        }
        WorkerJob::Poll { ticket, handle } => {
            let result = actuator.poll(&handle, &context).await;
            Input::Polled(ticket, result)
        }
        WorkerJob::Wake { timer, at } => {
            clock.sleep_until(at).await;
            Input::Due(timer)
        }
    }
}

fn unknown_step(ticket: Ticket) -> Input {
    let message = format!("There is no step `{}` in the plan.", ticket.step);
    Input::Observed(ticket, Err(StepError::rejected("unknown_step", message)))
}
