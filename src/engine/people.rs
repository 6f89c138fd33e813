//! What comes of what people say? Each command acts on the run, or is refused; `gates.rs` has the questions they are asked.

use super::actor::Actor;
pub use super::command::{Command, StepCommand};
use super::decision::{Effect, TurnContext, refuse};
use super::event::Event;
use super::failure;
use super::gates;
use super::record::{Phase, StepRecord, StepState};
use super::refusal::CommandRefusal;
use super::skip::SkipReason;
use super::state::{RunPhase, RunState};
use super::timeout;
use crate::model::{Action, Person, Plan, Step, StepError, StepName};

/// A person said something. Either it acts, or the turn carries the reason why not.
pub(super) fn command(turn: &mut TurnContext<'_>, command: Command) {
    match command {
        Command::Approve(said) => {
            if known(turn, &said.step) {
                let StepCommand { step, by, reason, choice } = said;
                gates::approve(turn, &step, Actor::Person(by), (reason, choice));
            }
        }
        Command::Decline(said) => {
            if known(turn, &said.step) {
                gates::decline(turn, &said.step, Actor::Person(said.by), said.reason);
            }
        }
        Command::RetryFrom(said) => {
            if known(turn, &said.step) {
                retry_from(turn, &said);
            }
        }
        Command::RetryAll { by, reason, done } => retry_all(turn, &by, reason.as_ref(), done),
        Command::Pause { by, reason } => pause(turn, by, reason),
        Command::Continue { by } => {
            if turn.state.paused.is_none() {
                return refuse(turn, CommandRefusal::NotPaused);
            }
            turn.emit(Event::Continued { by: Actor::Person(by) });
        }
        Command::SourceDown { by, reason } => {
            if turn.state.outcome().is_some() {
                return refuse(turn, CommandRefusal::RunEnded);
            }
            let why = reason.unwrap_or_else(|| "declared".to_owned());
            turn.emit(Event::SourceDown { by: Actor::Person(by), why });
        }
        Command::Settle { by, reason } => settle(turn, &by, reason.as_ref()),
        Command::Retry(said) => {
            if known(turn, &said.step) {
                retry(turn, said);
            }
        }
        Command::Skip(said) => {
            if known(turn, &said.step) {
                skip(turn, said);
            }
        }
        Command::Cancel { by, reason } => match turn.state.phase {
            RunPhase::Forward | RunPhase::Settling { .. } => {
                turn.emit(Event::CancelRequested { by: Actor::Person(by), reason });
            }
            RunPhase::Cancelling => refuse(turn, CommandRefusal::CancelledAlready),
            RunPhase::Undoing { .. } => refuse(turn, CommandRefusal::UndoIsNotCancelled),
            RunPhase::Ended { outcome, .. } => {
                refuse(turn, CommandRefusal::NothingToCancel(outcome))
            }
        },
        Command::Undo { by, reason } => undo(turn, &by, reason),
    }
}

fn known(turn: &mut TurnContext<'_>, name: &StepName) -> bool {
    let found = turn.step(name).is_some();
    if !found {
        refuse(turn, CommandRefusal::UnknownStep(name.clone()));
    }
    found
}

fn reopen_if_ended(turn: &mut TurnContext<'_>, by: &Person, why: &str) {
    if turn.state.outcome().is_some() {
        let by = Actor::Person(by.clone());
        turn.emit(Event::Reopened { by, why: why.to_owned() });
        // What Azure was still at work on when the run ended is asked about again.
        let left: Vec<_> = turn
            .state
            .steps
            .iter()
            .filter_map(|(name, record)| match &record.state {
                StepState::TimedOut { operation: Some(handle), .. } => {
                    Some((turn.ticket(name), handle.clone()))
                }
                StepState::Pending
                | StepState::Working(_)
                | StepState::Succeeded
                | StepState::Failed(_)
                | StepState::TimedOut { .. }
                | StepState::Skipped { .. }
                | StepState::Held { .. }
                | StepState::Undone
                | StepState::UndoFailed(_) => None,
            })
            .collect();
        for (ticket, handle) in left {
            turn.effect(Effect::Poll(ticket, handle));
        }
    }
}

fn pause(turn: &mut TurnContext<'_>, by: Person, reason: Option<String>) {
    if turn.state.outcome().is_some() {
        return refuse(turn, CommandRefusal::NothingToPause);
    }
    if turn.state.paused.is_some() {
        return refuse(turn, CommandRefusal::PausedAlready);
    }
    turn.emit(Event::Paused { by: Actor::Person(by), reason });
}

/// Tries what an ended run owes once more, and nothing else.
fn settle(turn: &mut TurnContext<'_>, by: &Person, reason: Option<&String>) {
    if turn.state.outcome().is_none() {
        return refuse(turn, CommandRefusal::OwesUntilEnded);
    }
    let owed = turn.state.owed_steps();
    if owed.is_empty() {
        return refuse(turn, CommandRefusal::OwesNothing);
    }
    reopen_if_ended(turn, by, "settle");
    let by = Actor::Person(by.clone());
    let reason = reason.cloned();
    turn.emit(Event::SettleRequested { by: by.clone(), reason: reason.clone() });
    for step in owed {
        turn.emit(Event::StepReset { step, by: by.clone(), reason: reason.clone() });
    }
}

/// What a step and those after it were left at: what `retry --from` tries again.
#[must_use]
pub fn tried_again(plan: &Plan, state: &RunState, from: &StepName) -> Vec<StepName> {
    let Some(place) = plan.place(from) else {
        return Vec::new();
    };
    let after = plan.dag().descendants(place);
    let left = |name: &StepName| {
        state.steps.get(name).is_some_and(|record| {
            ended_badly(state, record)
                || matches!(record.state, StepState::Skipped { .. } | StepState::Held { .. })
        })
    };
    plan.steps()
        .iter()
        .enumerate()
        .filter(|(at, step)| (*at == place || after.contains(at)) && left(&step.name))
        .map(|(_, step)| step.name.clone())
        .collect()
}

/// What goes on when a step is skipped: the steps that wait for it, near and far.
#[must_use]
pub fn waits_for(plan: &Plan, state: &RunState, name: &StepName) -> Vec<StepName> {
    let Some(place) = plan.place(name) else {
        return Vec::new();
    };
    let after = plan.dag().descendants(place);
    let pending = |name: &StepName| {
        state.steps.get(name).is_some_and(|record| record.state == StepState::Pending)
    };
    let steps = plan.steps().iter().enumerate();
    steps
        .filter(|(at, step)| after.contains(at) && pending(&step.name))
        .map(|(_, step)| step.name.clone())
        .collect()
}

fn retry_from(turn: &mut TurnContext<'_>, said: &StepCommand) {
    let steps = tried_again(turn.plan, turn.state, &said.step);
    if steps.is_empty() {
        return refuse(turn, CommandRefusal::NothingFailedFrom(said.step.clone()));
    }
    if matches!(turn.state.phase, RunPhase::Undoing { .. } | RunPhase::Cancelling) {
        return refuse(turn, CommandRefusal::OnItsWayOut);
    }
    reopen_if_ended(turn, &said.by, "retry");
    for step in steps {
        reset(turn, step, &said.by, said.reason.as_ref());
    }
    ask_again(turn, &said.by);
}

/// Whether a step failed, or ran out of time and Azure is not at work for it; in a run that has ended nobody asks
/// whether it is, and another attempt looks.
fn ended_badly(state: &RunState, record: &StepRecord) -> bool {
    match &record.state {
        StepState::Failed(_) => true,
        StepState::TimedOut { operation, .. } => operation.is_none() || state.outcome().is_some(),
        StepState::Pending
        | StepState::Working(_)
        | StepState::Succeeded
        | StepState::Skipped { .. }
        | StepState::Held { .. }
        | StepState::Undone
        | StepState::UndoFailed(_) => false,
    }
}

/// The steps that failed or ran out of time; one that Azure is still at work for is not among them while the run asks
/// how that stands.
#[must_use]
pub fn failed(plan: &Plan, state: &RunState) -> Vec<StepName> {
    all_tried_again(plan, state, false)
}

/// The steps that a person's undo takes back, the last first.
#[must_use]
pub fn taken_back<'p>(plan: &'p Plan, state: &RunState) -> Vec<&'p Step> {
    let by = Actor::Person("somebody".into());
    // What could not be put back is tried once more.
    let back = |step: &&Step| {
        state.step(&step.name).is_some_and(|own| {
            own.to_undo(step.saga, &by) || matches!(own.state, StepState::UndoFailed(_))
        })
    };
    plan.steps().iter().rev().filter(back).collect()
}

/// What is tried again at once: what failed, and on demand what is done and can be looked at.
#[must_use]
pub fn all_tried_again(plan: &Plan, state: &RunState, done: bool) -> Vec<StepName> {
    let succeeded = |record: &StepRecord| record.state == StepState::Succeeded;
    let wanted = |name: &&StepName| {
        state.step(name).is_some_and(|record| {
            ended_badly(state, record) || (done && succeeded(record) && is_of_azure(plan, name))
        })
    };
    plan.steps().iter().map(|step| &step.name).filter(wanted).cloned().collect()
}

fn retry_all(turn: &mut TurnContext<'_>, by: &Person, reason: Option<&String>, done: bool) {
    let steps = all_tried_again(turn.plan, turn.state, done);
    if steps.is_empty() {
        return refuse(turn, CommandRefusal::NothingFailed);
    }
    if matches!(turn.state.phase, RunPhase::Undoing { .. } | RunPhase::Cancelling) {
        return refuse(turn, CommandRefusal::OnItsWayOut);
    }
    reopen_if_ended(turn, by, "retry");
    for step in steps {
        reset(turn, step, by, reason);
    }
    ask_again(turn, by);
}

fn reset(turn: &mut TurnContext<'_>, step: StepName, by: &Person, reason: Option<&String>) {
    let (by, reason) = (Actor::Person(by.clone()), reason.cloned());
    turn.emit(Event::StepReset { step, by, reason });
}

/// A gate that a cancelled run left without an answer is asked again when the run goes on: a step that
/// may fail and be gone on without is passed by the plan's word, never by a cancellation.
fn ask_again(turn: &mut TurnContext<'_>, by: &Person) {
    let plan = turn.plan;
    for step in plan.steps().iter().filter(|step| step.action.gate().is_some()) {
        if turn.record(&step.name).is_some_and(|record| failure::was_cancelled(&record.state)) {
            reset(turn, step.name.clone(), by, None);
        }
    }
}

fn retry(turn: &mut TurnContext<'_>, said: StepCommand) {
    let StepCommand { step: name, by, reason, .. } = said;
    let Some(record) = turn.record(&name) else {
        return;
    };
    let asks_about_failure =
        matches!(gates::asking(turn, &name), Some(Phase::Asking { failure: Some(_), .. }));
    match &record.state {
        StepState::Failed(_)
        | StepState::Skipped { .. }
        | StepState::Held { .. }
        | StepState::TimedOut { operation: None, .. } => {}
        StepState::TimedOut { operation: Some(_), .. }
            if timeout::is_overdue(record, turn.now.at) => {}
        // Nobody asks about it any more: the attempt looks first, and waits for what Azure still does.
        StepState::TimedOut { operation: Some(_), .. } if turn.state.outcome().is_some() => {}
        StepState::TimedOut { operation: Some(_), .. } => {
            return refuse(turn, CommandRefusal::AzureAtWork(name));
        }
        StepState::UndoFailed(_) => {
            return refuse(turn, CommandRefusal::UndoFailed(name));
        }
        StepState::Working(_) if asks_about_failure => {}
        // What it left may be another's by now; an attempt looks first, and writes only what is not so.
        StepState::Succeeded if is_of_azure(turn.plan, &name) => {}
        StepState::Pending | StepState::Working(_) | StepState::Succeeded | StepState::Undone => {
            let status = record.status();
            return refuse(turn, CommandRefusal::NotEndedBadly(name, status));
        }
    }
    // What an undo waits for is looked at once more, on its way back.
    let held = matches!(record.state, StepState::Held { .. });
    if held && matches!(turn.state.phase, RunPhase::Undoing { .. }) {
        return turn.emit(Event::StepReset { step: name, by: Actor::Person(by), reason });
    }
    if matches!(turn.state.phase, RunPhase::Undoing { .. } | RunPhase::Cancelling) {
        return refuse(turn, CommandRefusal::OnItsWayOut);
    }
    reopen_if_ended(turn, &by, "retry");
    reset(turn, name, &by, reason.as_ref());
    // What was stopped only because the run was cancelled goes on with it.
    let cancelled: Vec<StepName> = turn
        .state
        .steps
        .iter()
        .filter(|(_, record)| failure::was_cancelled(&record.state))
        .map(|(name, _)| name.clone())
        .collect();
    for step in cancelled {
        reset(turn, step, &by, None);
    }
}

/// Whether a step's goal is a state of Azure's, which can be looked at again: no question, wait or program, and no
/// machines, which people go on with.
fn is_of_azure(plan: &Plan, name: &StepName) -> bool {
    plan.step(name).is_some_and(|step| {
        step.action.subject().is_some() && !matches!(step.action, Action::RecoveryPlan(_))
    })
}

fn skip(turn: &mut TurnContext<'_>, said: StepCommand) {
    let StepCommand { step: name, by, reason, .. } = said;
    let Some(record) = turn.record(&name) else {
        return;
    };
    let idle = match &record.state {
        StepState::Working(work) => matches!(
            work.phase,
            Phase::Waiting { .. } | Phase::Retrying { .. } | Phase::Asking { .. }
        ),
        StepState::Pending
        | StepState::Failed(_)
        | StepState::TimedOut { operation: None, .. }
        | StepState::Held { .. } => true,
        StepState::Succeeded
        | StepState::TimedOut { .. }
        | StepState::Skipped { .. }
        | StepState::Undone
        | StepState::UndoFailed(_) => false,
    };
    if !idle {
        let status = record.status();
        return refuse(turn, CommandRefusal::NotToSkip(name, status));
    }
    let held = matches!(record.state, StepState::Held { .. }) && record.touched;
    if held && matches!(turn.state.phase, RunPhase::Undoing { .. }) {
        let why = reason.unwrap_or_else(|| "a person decided so".to_owned());
        let error = StepError::rejected("undo_left", format!("{by} left it as it is: {why}"));
        return turn.emit(Event::StepUndoFailed { step: name, error });
    }
    if matches!(turn.state.phase, RunPhase::Undoing { .. } | RunPhase::Cancelling) {
        return refuse(turn, CommandRefusal::OnItsWayOut);
    }
    match gates::may_skip(turn, &name, &Actor::Person(by.clone()), reason.as_ref()) {
        Err(why) => return refuse(turn, why),
        Ok(gates::Passing::NotYet(reason)) => {
            let by = Actor::Person(by);
            return turn.emit(Event::SkipAgreed { step: name, by, reason });
        }
        Ok(gates::Passing::Now) => {}
    }
    reopen_if_ended(turn, &by, "skip");
    let why = SkipReason::said(reason);
    turn.emit(Event::StepSkipped { step: name, why, by: Actor::Person(by.clone()) });
    ask_again(turn, &by);
}

fn undo(turn: &mut TurnContext<'_>, by: &Person, reason: Option<String>) {
    let held = |turn: &TurnContext<'_>| {
        let mut records = turn.state.steps.values();
        records.any(|record| matches!(record.state, StepState::Held { .. }))
    };
    if matches!(turn.state.phase, RunPhase::Undoing { .. }) && !held(turn) {
        return refuse(turn, CommandRefusal::UndoneAlready);
    }
    let actor = Actor::Person(by.clone());
    let anything = turn.plan.steps().iter().any(|step| {
        turn.record(&step.name).is_some_and(|record| {
            record.work().is_some()
                || record.to_undo(step.saga, &actor)
                || matches!(record.state, StepState::UndoFailed(_))
        })
    });
    if !anything {
        let stays = turn.state.stays();
        return refuse(turn, CommandRefusal::NothingToUndo(stays));
    }
    reopen_if_ended(turn, by, "undo");
    // What could not be undone is tried again, and what was held is looked at: a person says so.
    let again: Vec<StepName> = turn
        .state
        .steps
        .iter()
        .filter(|(_, record)| {
            matches!(record.state, StepState::UndoFailed(_) | StepState::Held { .. })
                || timeout::is_overdue(record, turn.now.at)
        })
        .map(|(name, _)| name.clone())
        .collect();
    for step in again {
        turn.emit(Event::StepReset { step, by: actor.clone(), reason: reason.clone() });
    }
    turn.emit(Event::UndoRequested { by: actor, reason });
}
