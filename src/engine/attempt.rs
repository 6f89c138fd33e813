//! How does an attempt go on? Observe, intend, send, poll, confirm; the same way forward and back.

use super::decision::{Effect, Ticket, Timer, TurnContext};
use super::event::{Event, Intent};
use super::failure;
use super::glance;
use super::mending;
use super::ports::{PollAnswer, SendAnswer};
use super::record::{Direction, Phase, StepState};
use super::retry;
use super::timeout;
use super::unasked;
use crate::model::action::General;
use crate::model::{
    Action, Assessed, Assessment, Disposition, Operand, PlannedChange, Seen, Step, StepError,
    StepName, Timestamp, Unanswered, Verdict, limits,
};
use std::time::Duration;

/// Wait before another look where the observation names none: about one rung of Azure's own ladder.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// Begins the next attempt of a step in a direction.
pub(super) fn start(turn: &mut TurnContext<'_>, name: &StepName, direction: Direction) {
    let Some(attempt) = turn.record(name).map(|record| record.attempt + 1) else {
        return;
    };
    let step = name.clone();
    turn.emit(match direction {
        Direction::Forward => Event::StepStarted { step, attempt },
        Direction::Backward => Event::UndoStarted { step, attempt },
    });
    let ticket = turn.ticket(name);
    turn.effect(Effect::Observe(ticket, direction));
}

/// Whether the step only lets time pass.
pub(super) fn is_wait(step: &Step) -> bool {
    matches!(step.action, Action::General(General::Wait { .. }))
}

/// Sets the timer of a wait that began at `since`.
pub(super) fn arm_wait(turn: &mut TurnContext<'_>, step: &Step, since: Timestamp) {
    if let Action::General(General::Wait { duration }) = &step.action {
        let ticket = turn.ticket(&step.name);
        turn.effect(Effect::WakeAt(Timer::Wait(ticket), since + *duration));
    }
}

/// An observation came back.
pub(super) fn observed(
    turn: &mut TurnContext<'_>,
    ticket: &Ticket,
    result: Result<Assessment, StepError>,
) {
    let Some((step, direction, phase)) = turn.current(ticket) else {
        return;
    };
    match phase {
        Phase::Observing | Phase::Waiting { .. } => looked(turn, step, direction, result),
        Phase::InDoubt(intent) => looked_in_doubt(turn, step, direction, &intent, result),
        Phase::Confirming(_) => confirmed(turn, step, direction, result),
        Phase::Operating { .. } => glanced(turn, step, direction, ticket, result),
        // A late observation of an attempt that has gone on since.
        Phase::Intended(_) | Phase::Retrying { .. } | Phase::Asking { .. } => {}
    }
}

/// Looked at the resource while its operation is polled: only its goal ends the wait; anything else is
/// the operation's to tell.
fn glanced(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    ticket: &Ticket,
    result: Result<Assessment, StepError>,
) {
    match result {
        Ok(Assessment { verdict: Assessed::Holds, seen, outputs }) => {
            turn.emit(Event::OperationEnded { step: step.name.clone(), error: None });
            reached(turn, step, direction, seen, outputs);
        }
        Ok(_) | Err(_) => glance_later(turn, ticket),
    }
}

/// Sets the timer of the next look at the resource, while its operation is polled.
pub(super) fn glance_later(turn: &mut TurnContext<'_>, ticket: &Ticket) {
    if let Some((_, _, Phase::Operating { intent, since, .. })) = turn.current(ticket)
        && let Some(next) = glance::next(&intent, turn.now.at.since(since))
    {
        turn.effect(Effect::WakeAt(Timer::Glance(ticket.clone()), since + next));
    }
}

fn looked(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    result: Result<Assessment, StepError>,
) {
    let assessment = match result {
        Ok(assessment) => assessment,
        Err(error) => return failure::retry_or_fail(turn, step, direction, error),
    };
    let Assessment { verdict, seen, outputs } = assessment;
    match verdict {
        Assessed::Holds => reached(turn, step, direction, seen, outputs),
        Assessed::Change(change) => intend(turn, step, direction, *change, seen),
        Assessed::InProgress { why, after } | Assessed::NotYet { why, after } => {
            look_again(turn, step, why, after);
        }
        Assessed::Blocked { code, why } => {
            failure::fail(turn, step, direction, StepError::rejected(&code, why));
        }
    }
}

/// The goal was observed to hold.
fn reached(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    seen: Vec<Seen>,
    outputs: crate::model::Outputs,
) {
    if direction == Direction::Backward {
        turn.emit(Event::StepUndone { step: step.name.clone() });
        return;
    }
    if let Some(error) = mending::mended(turn, step) {
        return failure::end_failed(turn, step, error);
    }
    for condition in &step.ensure {
        let read = |operand: &Operand| match operand {
            Operand::Output { step: of, field } if *of == step.name => outputs.get(field).cloned(),
            other @ Operand::Literal(_)
            | other @ Operand::Output { .. }
            | other @ Operand::Status { .. } => turn.state.operand(other),
        };
        match condition.judge(&read) {
            Verdict::Holds => {}
            Verdict::Fails(why) | Verdict::Unknown(why) => {
                let why = format!("the postcondition {condition} does not hold: {why}");
                // What no look shows will not be otherwise at the next one.
                if answered_unseen(turn, step) {
                    let error =
                        StepError::rejected("postcondition", format!("It was done, and {why}."));
                    return failure::fail(turn, step, direction, error);
                }
                return look_again(turn, step, why, LOOK_AGAIN);
            }
        }
    }
    turn.emit(Event::StepSucceeded { step: step.name.clone(), outputs, seen });
}

/// Whether the step's write was answered, and nothing but that answer tells of it.
fn answered_unseen(turn: &TurnContext<'_>, step: &Step) -> bool {
    let work = turn.record(&step.name).and_then(|record| record.work());
    work.is_some_and(|work| match &work.phase {
        Phase::Confirming(intent) => !intent.write.unanswered.is_look(),
        Phase::Observing
        | Phase::Intended(_)
        | Phase::InDoubt(_)
        | Phase::Operating { .. }
        | Phase::Waiting { .. }
        | Phase::Retrying { .. }
        | Phase::Asking { .. } => false,
    })
}

/// Looks again later; the journal hears of it when the reason changes.
fn look_again(turn: &mut TurnContext<'_>, step: &Step, why: String, after: Duration) {
    tell_of_wait(turn, step, why);
    let ticket = turn.ticket(&step.name);
    turn.wake_after(Timer::Look(ticket), after.max(limits::POLL_INTERVAL_MIN));
}

/// Tells the journal what a step waits for, once for each reason.
fn tell_of_wait(turn: &mut TurnContext<'_>, step: &Step, why: String) {
    let known = turn.record(&step.name).is_some_and(|record| {
        let waits = record
            .work()
            .is_some_and(|work| matches!(work.phase, Phase::Waiting { .. } | Phase::InDoubt(_)));
        waits && record.told.as_ref() == Some(&why)
    });
    if !known {
        turn.emit(Event::StepWaiting { step: step.name.clone(), why });
    }
}

/// Intends the write: in the journal first, then out.
fn intend(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    change: PlannedChange,
    seen: Vec<Seen>,
) {
    if let Some(error) = mending::stays_failed(turn, step) {
        return failure::end_failed(turn, step, error);
    }
    // A waiting step looks from the phase it waits in; a write begins a new attempt.
    let waiting = turn
        .record(&step.name)
        .and_then(|record| record.work())
        .is_some_and(|work| matches!(work.phase, Phase::Waiting { .. }));
    if waiting {
        let attempt = turn.record(&step.name).map_or(0, |record| record.attempt) + 1;
        let step = step.name.clone();
        turn.emit(match direction {
            Direction::Forward => Event::StepStarted { step, attempt },
            Direction::Backward => Event::UndoStarted { step, attempt },
        });
    }
    let nonce = turn.state.opened.as_ref().map_or("", |opened| opened.nonce.as_str()).to_owned();
    let generation = turn.record(&step.name).map_or(0, |record| record.generation);
    let mut not_after_boot = turn.now.boot.clone();
    let validity = u64::try_from(limits::INTENT_VALIDITY.as_nanos()).unwrap_or(u64::MAX);
    not_after_boot.nanos = not_after_boot.nanos.saturating_add(validity);
    let intent = Box::new(Intent {
        key: retry::operation_key(&nonce, &step.name, direction, generation),
        digest: change.write.digest(),
        write: change.write,
        undo: change.undo,
        seen,
        not_after: turn.now.at + limits::INTENT_VALIDITY,
        not_after_boot,
    });
    turn.emit(Event::Intended { step: step.name.clone(), intent: intent.clone() });
    let ticket = turn.ticket(&step.name);
    turn.effect(Effect::Send(ticket, intent));
}

/// Looked at a write that may have landed (D8): the goal holds, Azure is at work, or nothing came of
/// it; the last is believed only once the intent can no longer be under way.
fn looked_in_doubt(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    intent: &Intent,
    result: Result<Assessment, StepError>,
) {
    let name = step.name.clone();
    let settled_at = timeout::settled_at(intent, turn.now);
    match intent.write.unanswered {
        Unanswered::Look => {}
        Unanswered::SendAgain if turn.now.at < settled_at => {
            let ticket = turn.ticket(&name);
            return turn.effect(Effect::WakeAt(Timer::Look(ticket), settled_at));
        }
        Unanswered::SendAgain => {
            return failure::retry_or_fail(turn, step, direction, failure::no_answer());
        }
        Unanswered::AskPerson => {
            return ask_whether(turn, step, direction, intent, &failure::no_answer());
        }
    }
    let assessment = match result {
        Ok(assessment) => assessment,
        Err(error) if error.disposition == Disposition::Rejected && turn.now.at >= settled_at => {
            let why = format!(
                "a write to {} may have landed, and it cannot be observed: {}",
                intent.write.resource, error.message
            );
            return failure::hold_for_person(turn, step, direction, why);
        }
        Err(error) => {
            tell_of_wait(turn, step, format!("it cannot be looked at: {}", error.message));
            let ticket = turn.ticket(&name);
            return turn.wake_after(Timer::Look(ticket), LOOK_AGAIN);
        }
    };
    match assessment.verdict {
        Assessed::Holds => reached(turn, step, direction, assessment.seen, assessment.outputs),
        Assessed::InProgress { why, after } => {
            tell_of_wait(turn, step, why);
            let ticket = turn.ticket(&step.name);
            turn.wake_after(Timer::Look(ticket), after.max(limits::POLL_INTERVAL_MIN));
        }
        _ if turn.now.at < settled_at => {
            let ticket = turn.ticket(&name);
            turn.effect(Effect::WakeAt(Timer::Look(ticket), settled_at));
        }
        verdict @ Assessed::Change(_)
        | verdict @ Assessed::NotYet { .. }
        | verdict @ Assessed::Blocked { .. } => {
            not_reached(turn, step, direction, intent, verdict, assessment.seen);
        }
    }
}

/// The goal does not hold, and nothing is under way: the write landed without reaching it, or never landed.
fn not_reached(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    intent: &Intent,
    verdict: Assessed,
    seen: Vec<Seen>,
) {
    let name = step.name.clone();
    if intent.has_changed(&seen) {
        // It landed and did not lead to the goal: that change is over, the next is another.
        let why = "The write landed, but its goal does not hold.";
        let error = StepError::transient("landed_without_goal", why, None);
        turn.emit(Event::OperationEnded { step: name, error: Some(error.clone()) });
        return failure::retry_or_fail(turn, step, direction, error);
    }
    let work = turn.record(&name).and_then(|record| record.work()).cloned();
    turn.emit(Event::NeverLanded { step: name.clone() });
    // There is no time to send it again.
    if let Some(work) = work.filter(|_| timeout::is_over(turn, step)) {
        return timeout::end(turn, step, &work);
    }
    // The same change, under the same key.
    if let Assessed::Change(change) = verdict {
        let attempt = turn.record(&name).map_or(0, |record| record.attempt) + 1;
        turn.emit(match direction {
            Direction::Forward => Event::StepStarted { step: name, attempt },
            Direction::Backward => Event::UndoStarted { step: name, attempt },
        });
        return intend(turn, step, direction, *change, seen);
    }
    let lost = StepError::transient("lost_request", "The write never landed.", None);
    failure::retry_or_fail(turn, step, direction, lost);
}

/// A write whose answer is missing because the process that sent it ended.
pub(super) fn left_behind(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    intent: &Intent,
    error: &StepError,
) {
    turn.emit(Event::InDoubt { step: step.name.clone(), error: error.clone() });
    let ticket = turn.ticket(&step.name);
    match intent.write.unanswered {
        Unanswered::Look => turn.effect(Effect::Observe(ticket, direction)),
        // Once nothing of it can be under way any more.
        Unanswered::SendAgain => {
            let at = timeout::settled_at(intent, turn.now);
            turn.effect(Effect::WakeAt(Timer::Look(ticket), at));
        }
        Unanswered::AskPerson => ask_whether(turn, step, direction, intent, error),
    }
}

/// Nothing tells whether it happened, and it must not happen twice.
fn ask_whether(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    intent: &Intent,
    error: &StepError,
) {
    let why = format!(
        "it is not known whether {} happened, nothing tells, and it is not done twice: {}",
        intent.write.resource, error.message
    );
    failure::hold_for_person(turn, step, direction, why);
}

/// Azure said that it is done; looking whether it is so.
fn confirmed(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    result: Result<Assessment, StepError>,
) {
    match result {
        Ok(Assessment { verdict: Assessed::Holds, seen, outputs }) => {
            reached(turn, step, direction, seen, outputs);
        }
        Ok(Assessment { verdict: Assessed::InProgress { why, after }, .. })
        | Ok(Assessment { verdict: Assessed::NotYet { why, after }, .. }) => {
            look_again(turn, step, why, after);
        }
        Ok(Assessment { verdict: Assessed::Blocked { code, why }, .. }) => {
            failure::fail(turn, step, direction, StepError::rejected(&code, why));
        }
        Ok(Assessment { verdict: Assessed::Change(planned), .. }) => {
            failure::not_shown(turn, step, direction, &planned.changes);
        }
        Err(error) => failure::retry_or_fail(turn, step, direction, error),
    }
}

/// A write was answered, or was not.
pub(super) fn sent(
    turn: &mut TurnContext<'_>,
    ticket: &Ticket,
    result: Result<SendAnswer, StepError>,
) {
    let Some((step, direction, Phase::Intended(intent))) = turn.current(ticket) else {
        return;
    };
    let name = step.name.clone();
    match result {
        Ok(SendAnswer::Accepted { handle, after, request_id }) => {
            turn.emit(Event::Accepted { step: name, handle, request_id });
            turn.wake_after(Timer::Poll(ticket.clone()), retry::poll_delay(after));
            glance_later(turn, ticket);
        }
        Ok(SendAnswer::Done { request_id, outputs }) => {
            turn.emit(Event::Answered { step: name, request_id });
            match intent.write.unanswered {
                Unanswered::Look => turn.effect(Effect::Observe(ticket.clone(), direction)),
                // No look tells: its answer is what is known of it.
                Unanswered::SendAgain | Unanswered::AskPerson => {
                    reached(turn, step, direction, Vec::new(), outputs);
                }
            }
        }
        Ok(SendAnswer::Failed(error)) => {
            turn.emit(Event::Answered { step: name, request_id: None });
            failure::retry_or_fail(turn, step, direction, error);
        }
        Err(error) => match error.disposition {
            Disposition::Ambiguous => {
                turn.emit(Event::InDoubt { step: name, error: error.clone() });
                match intent.write.unanswered {
                    Unanswered::Look => turn.effect(Effect::Observe(ticket.clone(), direction)),
                    // Whoever called has ended, and says so itself: nothing of it is under way.
                    Unanswered::SendAgain => failure::retry_or_fail(turn, step, direction, error),
                    Unanswered::AskPerson => ask_whether(turn, step, direction, &intent, &error),
                }
            }
            Disposition::Transient { .. } | Disposition::Rejected => {
                turn.emit(Event::Refused { step: name, error: error.clone() });
                failure::retry_or_fail(turn, step, direction, error);
            }
        },
    }
    timeout::reached(turn, &ticket.step);
}

/// A poll was answered, or was not. A question that fails says nothing about the operation.
pub(super) fn polled(
    turn: &mut TurnContext<'_>,
    ticket: &Ticket,
    result: Result<PollAnswer, StepError>,
) {
    if let Some(StepState::TimedOut { operation: Some(_), .. }) =
        turn.record(&ticket.step).map(|record| record.state.clone())
    {
        return timeout::polled_after_time(turn, ticket, &result);
    }
    let Some((step, direction, Phase::Operating { .. })) = turn.current(ticket) else {
        return;
    };
    let name = step.name.clone();
    match result {
        Ok(PollAnswer::Running { after }) => {
            unasked::asked_again(turn, &name);
            turn.wake_after(Timer::Poll(ticket.clone()), retry::poll_delay(after));
        }
        Ok(PollAnswer::Succeeded) => {
            turn.emit(Event::OperationEnded { step: name, error: None });
            turn.effect(Effect::Observe(ticket.clone(), direction));
        }
        Ok(PollAnswer::Failed(error)) => {
            turn.emit(Event::OperationEnded { step: name, error: Some(error.clone()) });
            failure::retry_or_fail(turn, step, direction, error);
        }
        Err(error) => match error.disposition {
            Disposition::Transient { after } => unasked::unasked(turn, ticket, &error, after),
            Disposition::Ambiguous => unasked::unasked(turn, ticket, &error, None),
            // The handle is gone: only the resource can tell.
            Disposition::Rejected => {
                turn.emit(Event::InDoubt { step: name, error });
                turn.effect(Effect::Observe(ticket.clone(), direction));
            }
        },
    }
}

/// The time for another poll has come.
pub(super) fn poll_again(turn: &mut TurnContext<'_>, ticket: Ticket) {
    let handle = match turn.record(&ticket.step).map(|record| &record.state) {
        Some(StepState::TimedOut { operation: Some(handle), .. }) => handle.clone(),
        Some(StepState::Working(work)) if work.attempt == ticket.attempt => match &work.phase {
            Phase::Operating { handle, .. } => handle.clone(),
            Phase::Observing
            | Phase::Intended(_)
            | Phase::InDoubt(_)
            | Phase::Confirming(_)
            | Phase::Waiting { .. }
            | Phase::Retrying { .. }
            | Phase::Asking { .. } => return,
        },
        _ => return,
    };
    turn.effect(Effect::Poll(ticket, handle));
}
