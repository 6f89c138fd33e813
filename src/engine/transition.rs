//! Which event may follow which state of a step? One match; what it does not list is illegal.

use super::event::Event;
use super::record::{AttemptWork, Direction, Phase, StepRecord, StepState};
use crate::model::Timestamp;

/// Takes an event about one step into its record.
#[expect(clippy::wildcard_enum_match_arm, reason = "apply_to_attempt names every event")]
pub(super) fn apply_to_step(
    record: &mut StepRecord,
    event: &Event,
    at: Timestamp,
) -> Result<(), String> {
    match event {
        Event::StepStarted { attempt, .. } => start(record, Direction::Forward, *attempt, at),
        Event::UndoStarted { attempt, .. } => start(record, Direction::Backward, *attempt, at),
        Event::StepSucceeded { outputs, .. } => {
            working(record)?;
            record.outputs = outputs.clone();
            end(record, StepState::Succeeded, at)
        }
        Event::StepFailed { error, .. } => {
            working_or_held(record)?;
            end(record, StepState::Failed(error.clone()), at)
        }
        Event::StepTimedOut { .. } => {
            let (operation, missing) = match &working(record)?.phase {
                Phase::Operating { handle, .. } => (Some(handle.clone()), None),
                Phase::Waiting { why } => (None, Some(why.clone())),
                Phase::Retrying { error, .. } => (None, Some(error.message.clone())),
                Phase::Observing
                | Phase::Intended(_)
                | Phase::InDoubt(_)
                | Phase::Confirming(_)
                | Phase::Asking { .. } => (None, None),
            };
            end(record, StepState::TimedOut { operation, missing }, at)
        }
        Event::StepSkipped { why, by, .. } => {
            if matches!(record.state, StepState::Succeeded | StepState::Undone) {
                return Err("the step is done".to_owned());
            }
            end(record, StepState::Skipped { why: why.clone(), by: by.clone() }, at)
        }
        Event::SkipAgreed { by, .. } => {
            if matches!(record.state, StepState::Succeeded | StepState::Undone) {
                return Err("the step is done".to_owned());
            }
            record.skip_agreed.push(by.clone());
            Ok(())
        }
        Event::StepHeld { why, .. } => {
            // Its operation may outlive it, and never end.
            if !matches!(record.state, StepState::TimedOut { operation: Some(_), .. }) {
                working(record)?;
            }
            end(record, StepState::Held { why: why.clone() }, at)
        }
        Event::StepUndone { .. } => {
            backward(record)?;
            record.touched = false;
            record.touched_before = false;
            record.undo = None;
            end(record, StepState::Undone, at)
        }
        Event::StepUndoFailed { error, .. } => {
            if !record.touched {
                return Err("there is nothing to undo".to_owned());
            }
            end(record, StepState::UndoFailed(error.clone()), at)
        }
        Event::StepReset { .. } => {
            if matches!(record.state, StepState::Pending | StepState::Succeeded) {
                return Err("the step has not ended badly".to_owned());
            }
            record.budget_from = record.attempt;
            record.ended_at = None;
            record.told = None;
            record.skip_agreed.clear();
            record.state = StepState::Pending;
            Ok(())
        }
        Event::OperationEnded { .. } => {
            record.generation += 1;
            if let StepState::TimedOut { operation, .. } = &mut record.state {
                *operation = None;
                return Ok(());
            }
            let work = working(record)?;
            match std::mem::replace(&mut work.phase, Phase::Observing) {
                Phase::Operating { intent, .. } | Phase::InDoubt(intent) => {
                    work.phase = Phase::Confirming(intent);
                    Ok(())
                }
                other @ Phase::Observing
                | other @ Phase::Intended(_)
                | other @ Phase::Confirming(_)
                | other @ Phase::Waiting { .. }
                | other @ Phase::Retrying { .. }
                | other @ Phase::Asking { .. } => refuse(work, other, "there is no operation"),
            }
        }
        _ => apply_to_attempt(record, event, at),
    }
}

/// The events within one attempt.
fn apply_to_attempt(record: &mut StepRecord, event: &Event, at: Timestamp) -> Result<(), String> {
    match event {
        Event::Intended { intent, .. } => {
            let touched = record.touched;
            let work = working(record)?;
            if !matches!(work.phase, Phase::Observing) {
                return Err("nothing was observed for it".to_owned());
            }
            work.phase = Phase::Intended(intent.clone());
            let forward = work.direction == Direction::Forward;
            record.touched_before = touched;
            if forward && record.undo.is_none() {
                record.undo = Some(intent.undo.clone());
            }
            Ok(())
        }
        Event::Accepted { handle, .. } => {
            let handle = handle.clone();
            after_send(record, |intent| Phase::Operating { intent, handle, since: at })?;
            landed(record);
            Ok(())
        }
        Event::Answered { .. } => {
            after_send(record, Phase::Confirming)?;
            landed(record);
            Ok(())
        }
        Event::Refused { .. } => {
            after_send(record, |_| Phase::Observing)?;
            record.refusals += 1;
            if !record.touched {
                record.undo = None;
            }
            Ok(())
        }
        Event::InDoubt { .. } => {
            record.touched = true;
            let work = working(record)?;
            match std::mem::replace(&mut work.phase, Phase::Observing) {
                Phase::Intended(intent) | Phase::Operating { intent, .. } => {
                    work.phase = Phase::InDoubt(intent);
                    Ok(())
                }
                other @ Phase::Observing
                | other @ Phase::InDoubt(_)
                | other @ Phase::Confirming(_)
                | other @ Phase::Waiting { .. }
                | other @ Phase::Retrying { .. }
                | other @ Phase::Asking { .. } => refuse(work, other, "nothing was sent"),
            }
        }
        Event::NeverLanded { .. } => {
            let work = working(record)?;
            match std::mem::replace(&mut work.phase, Phase::Observing) {
                Phase::InDoubt(_) => {
                    record.touched = record.touched_before;
                    if !record.touched {
                        record.undo = None;
                    }
                    Ok(())
                }
                other @ Phase::Observing
                | other @ Phase::Intended(_)
                | other @ Phase::Operating { .. }
                | other @ Phase::Confirming(_)
                | other @ Phase::Waiting { .. }
                | other @ Phase::Retrying { .. }
                | other @ Phase::Asking { .. } => refuse(work, other, "nothing is in doubt"),
            }
        }
        Event::RetryScheduled { not_before: when, error, .. } => {
            let work = working(record)?;
            if matches!(work.phase, Phase::Intended(_) | Phase::Operating { .. }) {
                return Err("a write is under way".to_owned());
            }
            work.phase = Phase::Retrying { at: *when, error: error.clone() };
            Ok(())
        }
        Event::StepWaiting { why, .. } => {
            record.told = Some(why.clone());
            let work = working(record)?;
            match &mut work.phase {
                Phase::Observing | Phase::Waiting { .. } | Phase::Confirming(_) => {
                    work.phase = Phase::Waiting { why: why.clone() };
                    Ok(())
                }
                // In doubt stays in doubt while Azure is seen at work.
                Phase::InDoubt(_) => Ok(()),
                Phase::Intended(_)
                | Phase::Operating { .. }
                | Phase::Retrying { .. }
                | Phase::Asking { .. } => Err("the step is not looking".to_owned()),
            }
        }
        Event::GateOpened { question, expires_at, failure, .. } => {
            let work = working(record)?;
            if matches!(work.phase, Phase::Intended(_) | Phase::Operating { .. }) {
                return Err("a write is under way".to_owned());
            }
            work.phase = Phase::Asking {
                question: question.clone(),
                since: at,
                expires_at: *expires_at,
                failure: failure.clone(),
                approved_by: Vec::new(),
                choice: None,
            };
            Ok(())
        }
        Event::Approved { by, choice: chosen, .. } => match &mut working(record)?.phase {
            Phase::Asking { approved_by, choice, .. } => {
                approved_by.push(by.clone());
                choice.clone_from(chosen);
                Ok(())
            }
            Phase::Observing
            | Phase::Intended(_)
            | Phase::InDoubt(_)
            | Phase::Operating { .. }
            | Phase::Confirming(_)
            | Phase::Waiting { .. }
            | Phase::Retrying { .. } => Err("no gate is open".to_owned()),
        },
        Event::Declined { .. } | Event::GateExpired { .. } => match working(record)?.phase {
            Phase::Asking { .. } => Ok(()),
            Phase::Observing
            | Phase::Intended(_)
            | Phase::InDoubt(_)
            | Phase::Operating { .. }
            | Phase::Confirming(_)
            | Phase::Waiting { .. }
            | Phase::Retrying { .. } => Err("no gate is open".to_owned()),
        },
        Event::RunOpened { .. }
        | Event::Waived { .. }
        | Event::RunClaimed { .. }
        | Event::TerminalLost {}
        | Event::StepStarted { .. }
        | Event::OperationEnded { .. }
        | Event::StepSucceeded { .. }
        | Event::StepFailed { .. }
        | Event::StepTimedOut { .. }
        | Event::StepSkipped { .. }
        | Event::SkipAgreed { .. }
        | Event::StepHeld { .. }
        | Event::Paused { .. }
        | Event::Continued { .. }
        | Event::SourceDown { .. }
        | Event::SettleRequested { .. }
        | Event::CancelRequested { .. }
        | Event::UndoRequested { .. }
        | Event::UndoStarted { .. }
        | Event::StepUndone { .. }
        | Event::StepUndoFailed { .. }
        | Event::StepReset { .. }
        | Event::DeadlinePassed { .. }
        | Event::RunEnded { .. }
        | Event::Reopened { .. } => Err("it is not about a step".to_owned()),
    }
}

fn start(
    record: &mut StepRecord,
    direction: Direction,
    attempt: u32,
    at: Timestamp,
) -> Result<(), String> {
    if attempt != record.attempt + 1 {
        return Err(format!("attempt {attempt} cannot follow attempt {}", record.attempt));
    }
    let since = match (&record.state, direction) {
        (StepState::Working(work), way) if way == work.direction => {
            if matches!(work.phase, Phase::Intended(_) | Phase::Operating { .. }) {
                return Err("a write of the last attempt is under way".to_owned());
            }
            work.since
        }
        (StepState::Pending, Direction::Forward) => {
            record.started_at.get_or_insert(at);
            at
        }
        (StepState::Working(_), _) => {
            return Err("the step is not where this way begins".to_owned());
        }
        (_, Direction::Forward) => return Err("the step has ended".to_owned()),
        (_, Direction::Backward) if !record.touched => {
            return Err("the step has changed nothing".to_owned());
        }
        (_, Direction::Backward) => {
            record.budget_from = record.attempt;
            at
        }
    };
    record.attempt = attempt;
    record.ended_at = None;
    record.told = None;
    record.state =
        StepState::Working(AttemptWork { direction, attempt, since, phase: Phase::Observing });
    Ok(())
}

fn end(record: &mut StepRecord, state: StepState, at: Timestamp) -> Result<(), String> {
    record.state = state;
    record.ended_at = Some(at);
    // What was agreed before the end was about the step as it stood then.
    record.skip_agreed.clear();
    Ok(())
}

fn landed(record: &mut StepRecord) {
    record.touched = true;
    // What was accepted is not undone by a later doubt about it.
    record.touched_before = true;
    record.generation += 1;
}

fn after_send(
    record: &mut StepRecord,
    next: impl FnOnce(Box<super::event::Intent>) -> Phase,
) -> Result<(), String> {
    let work = working(record)?;
    match std::mem::replace(&mut work.phase, Phase::Observing) {
        Phase::Intended(intent) => {
            work.phase = next(intent);
            Ok(())
        }
        other @ Phase::Observing
        | other @ Phase::InDoubt(_)
        | other @ Phase::Operating { .. }
        | other @ Phase::Confirming(_)
        | other @ Phase::Waiting { .. }
        | other @ Phase::Retrying { .. }
        | other @ Phase::Asking { .. } => refuse(work, other, "no write was intended"),
    }
}

/// Puts the phase back and refuses.
fn refuse(work: &mut AttemptWork, phase: Phase, why: &str) -> Result<(), String> {
    work.phase = phase;
    Err(why.to_owned())
}

fn working(record: &mut StepRecord) -> Result<&mut AttemptWork, String> {
    match &mut record.state {
        StepState::Working(work) => Ok(work),
        StepState::Pending
        | StepState::Succeeded
        | StepState::Failed(_)
        | StepState::TimedOut { .. }
        | StepState::Skipped { .. }
        | StepState::Held { .. }
        | StepState::Undone
        | StepState::UndoFailed(_) => Err("no attempt is under way".to_owned()),
    }
}

fn working_or_held(record: &mut StepRecord) -> Result<(), String> {
    match &record.state {
        StepState::Working(_) | StepState::Held { .. } | StepState::Pending => Ok(()),
        StepState::Succeeded
        | StepState::Failed(_)
        | StepState::TimedOut { .. }
        | StepState::Skipped { .. }
        | StepState::Undone
        | StepState::UndoFailed(_) => Err("the step has ended".to_owned()),
    }
}

fn backward(record: &mut StepRecord) -> Result<(), String> {
    match &record.state {
        StepState::Working(work) if work.direction == Direction::Backward => Ok(()),
        StepState::Pending
        | StepState::Working(_)
        | StepState::Succeeded
        | StepState::Failed(_)
        | StepState::TimedOut { .. }
        | StepState::Skipped { .. }
        | StepState::Held { .. }
        | StepState::Undone
        | StepState::UndoFailed(_) => Err("the step is not being undone".to_owned()),
    }
}
