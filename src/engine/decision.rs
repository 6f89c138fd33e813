//! In which words is a turn decided? What can happen, what can be done about it, and the turn while it is taken.

use super::actor::Actor;
use super::command::Command;
use super::event::{BootTime, Event};
use super::ports::{PollAnswer, SendAnswer};
use super::record::{Direction, Phase, StepRecord};
use super::refusal::CommandRefusal;
use super::state::{RunPhase, RunState};
use super::target::RunMode;
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
    /// The journal takes events again; since then it had taken none.
    JournalBack {
        /// Since when.
        since: Timestamp,
    },
    /// A person said something.
    Command(Command),
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
    pub refusal: Option<CommandRefusal>,
}

/// Whether new work may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// It may.
    Going,
    /// The process is about to leave: what is in flight is recorded, nothing starts.
    Leaving,
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

/// The people of a drill, if this run has them.
pub(super) fn drill_people<'a>(turn: &TurnContext<'a>) -> Option<&'a crate::model::People> {
    let opened = turn.state.opened.as_ref()?;
    if opened.mode == RunMode::Drill { turn.plan.parts().people.as_ref() } else { None }
}

/// Who the engine is, in the journal.
pub(super) const ENGINE: Actor = Actor::Engine;

/// Refuses a command: what was decided in this turn is not done.
pub(super) fn refuse(turn: &mut TurnContext<'_>, why: CommandRefusal) {
    turn.turn.refusal = Some(why);
}
