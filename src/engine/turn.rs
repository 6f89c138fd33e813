//! What now? The whole decision, without I/O: plan, state and input to events and effects.
//!
//! The driver appends the events, then performs the effects. Starting a run is taking the turn of
//! [`Input::Opened`] on an empty journal; resuming is taking it on a longer one.

use super::event::{Actor, BootTime, Event, RunMode};
use super::ports::{PollAnswer, SendAnswer};
use super::state::{Direction, Phase, RunPhase, RunState, StepRecord, StepState};
use super::{attempt, gates, people, schedule, timeout};
use crate::model::{
    Assessment, OperationHandle, Plan, RunOutcome, Step, StepError, StepName, Timestamp,
};

/// Everything that can happen to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A driver took the run up: with an empty journal, or a longer one.
    Opened,
    /// An observation came back.
    Observed(Ticket, Result<Assessment, StepError>),
    /// A write was answered, or was not.
    Sent(Ticket, Result<SendAnswer, StepError>),
    /// A poll was answered, or was not.
    Polled(Ticket, Result<PollAnswer, StepError>),
    /// A timer ran out.
    Due(Timer),
    /// A person said something.
    Command(people::Command),
}

/// Which attempt an effect and its input belong to; an input of an older attempt changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// The step.
    pub step: StepName,
    /// The attempt's number.
    pub attempt: u32,
}

/// What a timer is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The next attempt.
    Retry(Ticket),
    /// Another look.
    Look(Ticket),
    /// Another poll.
    Poll(Ticket),
    /// A look at the resource between two polls.
    Glance(Ticket),
    /// The step's own time is over: a wait.
    Wait(Ticket),
    /// The step's time is up.
    Timeout(StepName),
    /// A gate closes by itself.
    Gate(StepName),
    /// The people of a drill answer.
    Person(StepName),
    /// The run's time is up.
    Deadline,
}

/// What the driver must do now. Each effect but `Finish` yields exactly one input.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Compare the world with the step's goal.
    Observe(Ticket, Direction),
    /// Send the write whose intent was journalled in this turn.
    Send(Ticket, Box<super::event::Intent>),
    /// Ask how an operation stands.
    Poll(Ticket, OperationHandle),
    /// Come back later.
    WakeAt(Timer, Timestamp),
    /// The run is over.
    Finish(RunOutcome),
}

/// A moment, by both clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub at: Timestamp,
    /// The clock that does not go back.
    pub boot: BootTime,
}

/// What a turn decided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Turn {
    /// What is then true and worth remembering.
    pub events: Vec<Event>,
    /// What must be done, after the events are durable.
    pub effects: Vec<Effect>,
    /// Why a command was refused, if it was; a refused command changes nothing.
    pub refusal: Option<String>,
}

/// Whether new work may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// It may.
    Going,
    /// The process is about to leave: what is in flight is recorded, nothing starts.
    Leaving,
}

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
        | input @ Input::Due(_) => decide(plan, state, input, now, pace),
    }
}

fn decide(plan: &Plan, state: &mut RunState, input: Input, now: &Moment, pace: Intake) -> Turn {
    let mut turn = TurnContext { plan, state, now, turn: Turn::default() };
    match input {
        Input::Opened => opened(&mut turn),
        Input::Observed(ticket, result) => attempt::observed(&mut turn, &ticket, result),
        Input::Sent(ticket, result) => attempt::sent(&mut turn, &ticket, result),
        Input::Polled(ticket, result) => attempt::polled(&mut turn, &ticket, result),
        Input::Due(timer) => due(&mut turn, timer),
        Input::Command(command) => people::command(&mut turn, command),
    }
    if pace == Intake::Going && turn.turn.refusal.is_none() {
        schedule::advance(&mut turn);
    }
    turn.turn
}

/// A turn being taken: events are applied to the state as they are decided, so that each decision sees
/// the ones before it.
pub(super) struct TurnContext<'a> {
    pub(super) plan: &'a Plan,
    pub(super) state: &'a mut RunState,
    pub(super) now: &'a Moment,
    pub(super) turn: Turn,
}

impl<'a> TurnContext<'a> {
    /// Decides an event.
    ///
    /// # Panics
    /// The event cannot follow: a bug of the engine, found by its tests before a journal holds it.
    pub(super) fn emit(&mut self, event: Event) {
        if let Err(why) = self.state.apply_event(&event, self.now.at) {
            unreachable!(
                "the engine decided an event that cannot follow: {} ({why})",
                event.kind()
            );
        }
        self.turn.events.push(event);
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.turn.effects.push(effect);
    }

    pub(super) fn wake_after(&mut self, timer: Timer, delay: std::time::Duration) {
        let at = self.now.at + delay;
        self.effect(Effect::WakeAt(timer, at));
    }

    pub(super) fn step(&self, name: &StepName) -> Option<&'a Step> {
        self.plan.step(name)
    }

    pub(super) fn record(&self, name: &StepName) -> Option<&StepRecord> {
        self.state.steps.get(name)
    }

    /// The step and its work, if the ticket is of its current attempt.
    pub(super) fn current(&self, ticket: &Ticket) -> Option<(&'a Step, Direction, Phase)> {
        let step = self.step(&ticket.step)?;
        let work = self.record(&ticket.step)?.work()?;
        (work.attempt == ticket.attempt).then(|| (step, work.direction, work.phase.clone()))
    }

    pub(super) fn ticket(&self, name: &StepName) -> Ticket {
        let attempt = self.record(name).map_or(0, |record| record.attempt);
        Ticket { step: name.clone(), attempt }
    }

    /// Whether the run is on its way out of the forward direction.
    pub(super) fn draining(&self) -> bool {
        matches!(self.state.phase, RunPhase::Cancelling | RunPhase::Undoing { .. })
    }
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
            Phase::Observing if step.action.gate().is_some() => gates::ask(turn, step),
            Phase::Observing if attempt::is_wait(step) => {
                attempt::arm_wait(turn, step, work.since);
            }
            Phase::Observing | Phase::Waiting { .. } | Phase::InDoubt(_) | Phase::Confirming(_) => {
                turn.effect(Effect::Observe(ticket, work.direction));
            }
            Phase::Intended(_) => {
                let error = StepError::ambiguous(
                    "driver_stopped",
                    "The process that was to send this request stopped before it recorded an answer.",
                );
                turn.emit(Event::InDoubt { step: step.name.clone(), error });
                turn.effect(Effect::Observe(ticket, work.direction));
            }
            Phase::Operating { handle, .. } => {
                turn.effect(Effect::Poll(ticket.clone(), handle));
                attempt::glance_later(turn, &ticket);
            }
            Phase::Retrying { at, .. } => turn.effect(Effect::WakeAt(Timer::Retry(ticket), at)),
            Phase::Asking { since, expires_at, .. } => {
                gates::arm_gate(turn, &step.name, since, expires_at);
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

/// The people of a drill, if this run has them.
pub(super) fn drill_people<'a>(turn: &TurnContext<'a>) -> Option<&'a crate::model::People> {
    let opened = turn.state.opened.as_ref()?;
    if opened.mode == RunMode::Drill { turn.plan.parts().people.as_ref() } else { None }
}

/// Who the engine is, in the journal.
pub(super) const ENGINE: Actor = Actor::Engine;
