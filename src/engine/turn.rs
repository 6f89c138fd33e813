//! What now? The whole decision, without I/O: plan, state and input to events and effects.
//!
//! The driver appends the events, then performs the effects. Starting a run is taking the turn of
//! [`Input::Opened`] on an empty journal; resuming is taking it on a longer one.

use super::command::Command;
use super::decision::TurnContext;
pub use super::decision::{Effect, Input, Intake, Moment, Ticket, Timer, Turn};
use super::event::{BootTime, Event};
use super::record::{Phase, StepState};
use super::refusal::CommandRefusal;
use super::state::RunState;
use super::{attempt, gates, people, questions, schedule, timeout};
use crate::model::{Plan, StepError, Timestamp};

/// Decides. Total and deterministic: the same arguments give the same turn.
///
/// `state` is led on by the events that are decided, so that each decision sees the ones before it; it is
/// ahead of the journal until they are appended. A refused command leaves it as it was.
#[must_use]
pub fn take_turn(
    plan: &Plan,
    state: &mut RunState,
    input: Input,
    now: &Moment,
    pace: Intake,
) -> Turn {
    match input {
        // People speak rarely, and may be refused half-way: they are heard on a copy.
        Input::Command(_) => {
            let mut copy = state.clone();
            let turn = decide(plan, &mut copy, input, now, pace);
            if turn.refusal.is_none() {
                *state = copy;
            }
            turn
        }
        // A terminal state stays: only a person's command reopens it.
        _ if state.outcome().is_some() => Turn::default(),
        input @ Input::Opened
        | input @ Input::Observed(..)
        | input @ Input::Sent(..)
        | input @ Input::Polled(..)
        | input @ Input::JournalBack { .. }
        | input @ Input::Due(_) => decide(plan, state, input, now, pace),
    }
}

/// Why a command would be refused as the run stands; none where it would be followed. It decides nothing: whoever
/// offers a command asks the engine, and no second judgement of it exists.
#[must_use]
pub fn refusal(
    plan: &Plan,
    state: &RunState,
    command: Command,
    at: Timestamp,
) -> Option<CommandRefusal> {
    // What a person says depends on the wall clock alone.
    let now = Moment { at, boot: BootTime { boot: String::new(), nanos: 0 } };
    let mut copy = state.clone();
    decide(plan, &mut copy, Input::Command(command), &now, Intake::Leaving).refusal
}

fn decide(plan: &Plan, state: &mut RunState, input: Input, now: &Moment, pace: Intake) -> Turn {
    let mut turn = TurnContext { plan, state, now, turn: Turn::default() };
    match input {
        Input::Opened => opened(&mut turn),
        Input::Observed(ticket, result) => attempt::observed(&mut turn, &ticket, result),
        Input::Sent(ticket, result) => attempt::sent(&mut turn, &ticket, result),
        Input::Polled(ticket, result) => attempt::polled(&mut turn, &ticket, result),
        Input::Due(timer) => due(&mut turn, timer),
        Input::JournalBack { since } => timeout::journal_back(&mut turn, since),
        Input::Command(command) => people::command(&mut turn, command),
    }
    if pace == Intake::Going && turn.turn.refusal.is_none() {
        schedule::advance(&mut turn);
    }
    turn.turn
}

/// What a new driver does for each step, by its last event: the table of docs/architecture.md.
fn opened(turn: &mut TurnContext<'_>) {
    if let (Some(deadline), Some(opened)) = (turn.plan.parts().deadline, &turn.state.opened) {
        let at = opened.at + deadline;
        turn.effect(Effect::WakeAt(Timer::Deadline, at));
    }
    for step in turn.plan.steps() {
        let Some(record) = turn.record(&step.name) else {
            continue;
        };
        let ticket = turn.ticket(&step.name);
        let work = match &record.state {
            StepState::Working(work) => work.clone(),
            StepState::TimedOut { operation: Some(handle), .. } => {
                let handle = handle.clone();
                turn.effect(Effect::Poll(ticket, handle));
                continue;
            }
            StepState::Pending
            | StepState::Succeeded
            | StepState::Failed(_)
            | StepState::TimedOut { .. }
            | StepState::Skipped { .. }
            | StepState::Held { .. }
            | StepState::Undone
            | StepState::UndoFailed(_) => continue,
        };
        turn.effect(Effect::WakeAt(Timer::Timeout(step.name.clone()), work.since + step.timeout));
        match work.phase {
            // It was begun and not asked yet: nothing that is seen answers for people.
            Phase::Observing if step.action.gate().is_some() => questions::ask(turn, step),
            Phase::Observing if attempt::is_wait(step) => {
                attempt::arm_wait(turn, step, work.since);
            }
            Phase::Observing | Phase::Waiting { .. } | Phase::InDoubt(_) | Phase::Confirming(_) => {
                turn.effect(Effect::Observe(ticket, work.direction));
            }
            Phase::Intended(intent) => {
                let error = StepError::ambiguous(
                    "driver_stopped",
                    "The process that was to send this request stopped before it recorded an answer.",
                );
                attempt::left_behind(turn, step, work.direction, &intent, &error);
            }
            Phase::Operating { handle, .. } => {
                turn.effect(Effect::Poll(ticket.clone(), handle));
                attempt::glance_later(turn, &ticket);
            }
            Phase::Retrying { at, .. } => turn.effect(Effect::WakeAt(Timer::Retry(ticket), at)),
            // Nobody was there when its time was over: silence counts as it does where somebody is.
            Phase::Asking { expires_at: Some(at), .. } if at <= turn.now.at => {
                gates::gate_expired(turn, &step.name);
            }
            Phase::Asking { since, expires_at, .. } => {
                questions::arm_gate(turn, &step.name, since, expires_at);
            }
        }
    }
}

fn due(turn: &mut TurnContext<'_>, timer: Timer) {
    match timer {
        Timer::Retry(ticket) => {
            if let Some((_, direction, Phase::Retrying { .. })) = turn.current(&ticket) {
                attempt::start(turn, &ticket.step, direction);
            }
        }
        Timer::Look(ticket) => {
            if let Some((_, direction, phase)) = turn.current(&ticket)
                && matches!(phase, Phase::Observing | Phase::Waiting { .. } | Phase::InDoubt(_))
            {
                turn.effect(Effect::Observe(ticket, direction));
            }
        }
        Timer::Poll(ticket) => attempt::poll_again(turn, ticket),
        Timer::Glance(ticket) => {
            if let Some((_, direction, Phase::Operating { .. })) = turn.current(&ticket) {
                turn.effect(Effect::Observe(ticket, direction));
            }
        }
        Timer::Wait(ticket) => {
            if turn.current(&ticket).is_some() {
                turn.emit(Event::StepSucceeded {
                    step: ticket.step,
                    outputs: std::collections::BTreeMap::new(),
                    seen: Vec::new(),
                });
            }
        }
        Timer::Timeout(name) => timeout::reached(turn, &name),
        Timer::Gate(name) => gates::gate_expired(turn, &name),
        Timer::Person(name) => gates::drill_person(turn, &name),
        Timer::Deadline => {
            let over = turn.state.deadline_passed || turn.state.outcome().is_some();
            if !over && !turn.draining() {
                turn.emit(Event::DeadlinePassed {});
            }
        }
    }
}
