//! What when a step's time is up? It ends, and what Azure still does is followed to its end.

use std::time::Duration;

use super::decision::{Effect, Moment, Ticket, Timer, TurnContext};
use super::event::{Event, Intent};
use super::failure;
use super::outage;
use super::ports::PollAnswer;
use super::questions;
use super::record::{AttemptWork, Direction, Phase, StepRecord, StepState};
use super::retry;
use crate::model::{Action, Disposition, OnFailure, Step, StepError, StepName, Timestamp, limits};

/// Ends a step whose time is up, unless a write is on its way or a person is asked.
pub(super) fn reached(turn: &mut TurnContext<'_>, name: &StepName) {
    let Some(step) = turn.step(name) else { return };
    let Some(work) = turn.record(name).and_then(|record| record.work()).cloned() else {
        return;
    };
    if turn.now.at < work.since + step.timeout {
        return;
    }
    match (&work.phase, work.direction) {
        // Its answer is due within the call's time-out; it is recorded first.
        (Phase::Intended(_), _) | (Phase::Asking { .. }, _) => {}
        // Nothing is said of a write while it may still be under way, and one look is given time.
        (Phase::InDoubt(intent), _)
            if turn.now.at < settled_at(intent, turn.now) + limits::CALL_TIMEOUT =>
        {
            let at = settled_at(intent, turn.now) + limits::CALL_TIMEOUT;
            turn.effect(Effect::WakeAt(Timer::Timeout(name.clone()), at));
        }
        // A removal that lands late does what was wanted: it is owed, not held.
        (Phase::InDoubt(intent), _)
            if work.direction == Direction::Backward
                || !matches!(step.action, Action::Remove(_)) =>
        {
            let why = format!(
                "its time is up while it is not known whether a write to {} landed",
                intent.write.resource
            );
            failure::hold_for_person(turn, step, work.direction, why);
        }
        _ => end(turn, step, &work),
    }
}

/// The journal takes events again that it did not take since then: the time in between is given back to the steps
/// at work, and none is given up before it was looked at.
pub(super) fn journal_back(turn: &mut TurnContext<'_>, since: Timestamp) {
    let plan = turn.plan;
    let works = |step: &&Step| {
        outage::counts_for(step)
            && turn.record(&step.name).is_some_and(|record| record.work().is_some())
    };
    let at_work: Vec<&Step> = plan.steps().iter().filter(works).collect();
    if at_work.is_empty() {
        return;
    }
    turn.emit(Event::JournalAway { since });
    for step in at_work {
        if let Some(work) = turn.record(&step.name).and_then(|record| record.work()) {
            let at = work.since + step.timeout;
            turn.effect(Effect::WakeAt(Timer::Timeout(step.name.clone()), at));
        }
    }
}

/// Whether the time of a step at work is over.
pub(super) fn is_over(turn: &TurnContext<'_>, step: &Step) -> bool {
    let work = turn.record(&step.name).and_then(|record| record.work());
    work.is_some_and(|work| turn.now.at >= work.since + step.timeout)
}

/// Ends a step whose time is over and of which no write can be under way any more.
pub(super) fn end(turn: &mut TurnContext<'_>, step: &Step, work: &AttemptWork) {
    let name = &step.name;
    match (&work.phase, work.direction) {
        (phase, Direction::Backward) => {
            let error = StepError::rejected("undo_timed_out", timeout_message(step, phase));
            turn.emit(Event::StepUndoFailed { step: name.clone(), error });
        }
        (_, Direction::Forward) => {
            let operating = matches!(work.phase, Phase::Operating { .. });
            match &work.phase {
                Phase::Retrying { error, .. } => failure::conclude_source_down(turn, step, error),
                Phase::InDoubt(_) => {
                    let why = "Nobody said whether the request was taken.";
                    failure::conclude_source_down(
                        turn,
                        step,
                        &StepError::ambiguous("no_answer", why),
                    );
                }
                Phase::Observing
                | Phase::Intended(_)
                | Phase::Operating { .. }
                | Phase::Confirming(_)
                | Phase::Waiting { .. }
                | Phase::Asking { .. } => {}
            }
            if step.on_failure == OnFailure::Ask && !turn.draining() {
                return ask_what_then(turn, step, &work.phase);
            }
            turn.emit(Event::StepTimedOut { step: name.clone() });
            if operating {
                let ticket = turn.ticket(name);
                turn.wake_after(Timer::Poll(ticket), limits::POLL_INTERVAL_DEFAULT);
            }
            failure::after_failure(turn, step);
        }
    }
}

/// A person is asked instead of the step being ended. While Azure is at work the step is held: to go on
/// without it, or to try it again, is theirs to decide, and a new attempt looks first.
fn ask_what_then(turn: &mut TurnContext<'_>, step: &Step, phase: &Phase) {
    let why = timeout_message(step, phase);
    if let Phase::Operating { intent, .. } = phase {
        let resource = &intent.write.resource;
        let why = format!("{why} Azure is still at work on {resource}");
        return failure::hold_for_person(turn, step, Direction::Forward, why);
    }
    questions::ask_about(turn, step, "ran out of time", StepError::rejected("timed_out", why));
}

fn timeout_message(step: &Step, phase: &Phase) -> String {
    let limit = crate::model::time::format_duration(step.timeout);
    match phase {
        Phase::Waiting { why } => format!("Its {limit} are over, and still: {why}."),
        Phase::Retrying { error, .. } => format!("Its {limit} are over; the last refusal: {error}"),
        Phase::Observing
        | Phase::Intended(_)
        | Phase::InDoubt(_)
        | Phase::Operating { .. }
        | Phase::Confirming(_)
        | Phase::Asking { .. } => format!("Its {limit} are over."),
    }
}

/// From when on a write whose answer is missing cannot land any more: its call has ended, whoever made it.
/// By both clocks, where the host is still the same: a wall clock that was set on proves nothing.
pub(super) fn settled_at(intent: &Intent, now: &Moment) -> Timestamp {
    let lasts = intent.write.lasts.unwrap_or_default().max(limits::CALL_TIMEOUT);
    let by_wall = intent.not_after + lasts;
    if intent.not_after_boot.boot != now.boot.boot {
        return by_wall;
    }
    let not_after = Duration::from_nanos(intent.not_after_boot.nanos);
    let left = (not_after + lasts).saturating_sub(Duration::from_nanos(now.boot.nanos));
    if left.is_zero() { by_wall } else { by_wall.max(now.at + left) }
}

/// Whether the operation of a step whose time is up has been asked about for as long as makes sense.
pub(super) fn is_overdue(record: &StepRecord, now: Timestamp) -> bool {
    let left = matches!(record.state, StepState::TimedOut { operation: Some(_), .. });
    left && record.ended_at.is_none_or(|ended| now >= ended + limits::OPERATION_OVERDUE_AFTER)
}

/// The operation of a step whose time is up was asked about.
pub(super) fn polled_after_time(
    turn: &mut TurnContext<'_>,
    ticket: &Ticket,
    result: &Result<PollAnswer, StepError>,
) {
    let (ended, after) = match result {
        Ok(PollAnswer::Running { after }) => (None, *after),
        Ok(PollAnswer::Succeeded) => (Some(None), None),
        Ok(PollAnswer::Failed(error)) => (Some(Some(error.clone())), None),
        Err(error) => match error.disposition {
            Disposition::Rejected => (Some(Some(error.clone())), None),
            Disposition::Transient { after } => (None, after),
            Disposition::Ambiguous => (None, None),
        },
    };
    match ended {
        Some(error) => turn.emit(Event::OperationEnded { step: ticket.step.clone(), error }),
        None if turn.record(&ticket.step).is_some_and(|record| is_overdue(record, turn.now.at)) => {
            let limit = crate::model::time::format_duration(limits::OPERATION_OVERDUE_AFTER);
            let resource = turn.step(&ticket.step).and_then(|step| step.action.written());
            let resource = resource.map(ToString::to_string).unwrap_or_default();
            let why = format!(
                "Azure's operation on {resource} has not ended {limit} after the step's time was up"
            );
            turn.emit(Event::StepHeld { step: ticket.step.clone(), why });
        }
        None => {
            let after = retry::poll_delay(after).max(limits::OVERDUE_POLL_INTERVAL_MIN);
            turn.wake_after(Timer::Poll(ticket.clone()), after);
        }
    }
}
