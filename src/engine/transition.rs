//! Which event may follow which state of a step? One match; what it does not list is illegal.

use std::sync::Arc;

use super::actor::Actor;
use super::event::{Event, Intent};
use super::illegal::IllegalMove;
use super::record::{
    ASKED_AGAIN, AttemptWork, Direction, GOAL_NOT_SEEN, GivenAnswer, MendedCircuit, Phase,
    StepRecord, StepState,
};
use crate::model::{StepError, Timestamp};

/// Takes an event about one step into its record.
#[expect(clippy::wildcard_enum_match_arm, reason = "apply_to_attempt names every event")]
pub(super) fn apply_to_step(
    record: &mut StepRecord,
    event: &Event,
    at: Timestamp,
) -> Result<(), IllegalMove> {
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
        Event::StepTimedOut { .. } => timed_out(record, at),
        Event::StepSkipped { why, by, .. } => {
            if matches!(record.state, StepState::Succeeded | StepState::Undone) {
                return Err(IllegalMove::StepDone);
            }
            end(record, StepState::Skipped { why: why.clone(), by: by.clone() }, at)
        }
        Event::SkipAgreed { by, .. } => {
            if matches!(record.state, StepState::Succeeded | StepState::Undone) {
                return Err(IllegalMove::StepDone);
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
                return Err(IllegalMove::NothingToUndo);
            }
            end(record, StepState::UndoFailed(error.clone()), at)
        }
        Event::StepMending { error, .. } => looks_after(record, error),
        Event::StepReset { .. } => reset(record),
        Event::OperationEnded { .. } => operation_ended(record),
        _ => apply_to_attempt(record, event, at),
    }
}

/// It has failed, and looks whether it left its resource Failed.
fn looks_after(record: &mut StepRecord, error: &StepError) -> Result<(), IllegalMove> {
    no_write_under_way(record)?;
    record.mending = Some(MendedCircuit { failed: error.clone(), written: false });
    Ok(())
}

/// Its time is up; an operation that Azure still works at is kept.
fn timed_out(record: &mut StepRecord, at: Timestamp) -> Result<(), IllegalMove> {
    let unasked = record.unasked.clone();
    let (operation, missing) = match &working(record)?.phase {
        Phase::Operating { handle, .. } => (Some(handle.clone()), unasked),
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

/// It is tried again, with a new budget of attempts.
fn reset(record: &mut StepRecord) -> Result<(), IllegalMove> {
    if record.state == StepState::Pending {
        return Err(IllegalMove::NotBegun);
    }
    count_anew(record);
    record.ended_at = None;
    record.told = None;
    record.skip_agreed.clear();
    record.state = StepState::Pending;
    Ok(())
}

/// What was tried so far does not count against the policy any more.
fn count_anew(record: &mut StepRecord) {
    record.budget_from = record.attempt;
    record.unkept = 0;
}

/// Azure is done with it, well or not.
fn operation_ended(record: &mut StepRecord) -> Result<(), IllegalMove> {
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
        | other @ Phase::Asking { .. } => refuse(work, other, IllegalMove::NoOperation),
    }
}

/// The events within one attempt.
fn apply_to_attempt(
    record: &mut StepRecord,
    event: &Event,
    at: Timestamp,
) -> Result<(), IllegalMove> {
    match event {
        Event::Intended { intent, .. } => intended(record, intent),
        Event::Accepted { handle, .. } => {
            let handle = handle.clone();
            after_send(record, |intent| Phase::Operating { intent, handle, since: at })
                .map(|()| landed(record))
        }
        Event::Answered { .. } => after_send(record, Phase::Confirming).map(|()| landed(record)),
        Event::Refused { .. } => refused(record),
        Event::InDoubt { .. } => in_doubt(record),
        Event::NeverLanded { .. } => never_landed(record),
        Event::RetryScheduled { not_before, error, .. } => retrying(record, *not_before, error),
        Event::StepWaiting { why, .. } => waiting(record, why),
        Event::GateOpened { question, expires_at, failure, .. } => {
            let phase = open_gate(question.clone(), at, *expires_at, failure.clone());
            record.mending = None;
            no_write_under_way(record).map(|work| work.phase = phase)
        }
        Event::Approved { by, choice: chosen, .. } => {
            let (approved_by, choice) = asking(record)?;
            approved_by.push(by.clone());
            choice.clone_from(chosen);
            answered(record, by, true, at)
        }
        Event::Declined { by, .. } => answered(record, by, false, at),
        Event::GateExpired { .. } => asking(record).map(drop),
        Event::RunOpened { .. }
        | Event::Waived { .. }
        | Event::RunClaimed { .. }
        | Event::TerminalLost {}
        | Event::JournalAway { .. }
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
        | Event::StepMending { .. }
        | Event::DeadlinePassed { .. }
        | Event::RunEnded { .. }
        | Event::Reopened { .. } => Err(IllegalMove::NotOfAStep),
    }
}

/// A write is about to be sent. The first of a step says how it is taken back.
fn intended(record: &mut StepRecord, intent: &Intent) -> Result<(), IllegalMove> {
    let touched = record.touched;
    let work = working(record)?;
    if !matches!(work.phase, Phase::Observing) {
        return Err(IllegalMove::NotObserved);
    }
    work.phase = Phase::Intended(Arc::new(intent.clone()));
    let forward = work.direction == Direction::Forward;
    record.touched_before = touched;
    if forward && record.undo.is_none() {
        record.undo = Some(intent.undo.clone());
    }
    Ok(())
}

/// What was sent was not taken.
fn refused(record: &mut StepRecord) -> Result<(), IllegalMove> {
    after_send(record, |_| Phase::Observing)?;
    record.refusals += 1;
    if !record.touched {
        record.undo = None;
    }
    Ok(())
}

/// What was sent may have landed.
fn in_doubt(record: &mut StepRecord) -> Result<(), IllegalMove> {
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
        | other @ Phase::Asking { .. } => refuse(work, other, IllegalMove::NothingSent),
    }
}

/// What was in doubt has not landed.
fn never_landed(record: &mut StepRecord) -> Result<(), IllegalMove> {
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
        | other @ Phase::Asking { .. } => refuse(work, other, IllegalMove::NothingInDoubt),
    }
}

/// It waits for what it has looked for.
fn waiting(record: &mut StepRecord, why: &str) -> Result<(), IllegalMove> {
    record.told = Some(why.to_owned());
    let work = working(record)?;
    match &mut work.phase {
        Phase::Observing | Phase::Waiting { .. } | Phase::Confirming(_) => {
            work.phase = Phase::Waiting { why: why.to_owned() };
            Ok(())
        }
        // In doubt stays in doubt while Azure is seen at work, or cannot be seen.
        Phase::InDoubt(_) => Ok(()),
        // Azure goes on with it, whether it answers or not.
        Phase::Operating { .. } => {
            record.unasked = Some(why.to_owned()).filter(|why| why != ASKED_AGAIN);
            Ok(())
        }
        Phase::Intended(_) | Phase::Retrying { .. } | Phase::Asking { .. } => {
            Err(IllegalMove::NotLooking)
        }
    }
}

/// A gate that nobody has answered yet.
fn open_gate(
    question: String,
    since: Timestamp,
    expires_at: Option<Timestamp>,
    failure: Option<StepError>,
) -> Phase {
    Phase::Asking { question, since, expires_at, failure, approved_by: Vec::new(), choice: None }
}

/// A step of which nothing is sent, or what was sent is in doubt or answered.
fn no_write_under_way(record: &mut StepRecord) -> Result<&mut AttemptWork, IllegalMove> {
    let work = working(record)?;
    match work.phase {
        Phase::Intended(_) | Phase::Operating { .. } => Err(IllegalMove::WriteUnderWay),
        Phase::Observing
        | Phase::InDoubt(_)
        | Phase::Confirming(_)
        | Phase::Waiting { .. }
        | Phase::Retrying { .. }
        | Phase::Asking { .. } => Ok(work),
    }
}

/// Who said yes to a step that asks, and what was chosen.
fn asking(record: &mut StepRecord) -> Result<(&mut Vec<Actor>, &mut Option<String>), IllegalMove> {
    match &mut working(record)?.phase {
        Phase::Asking { approved_by, choice, .. } => Ok((approved_by, choice)),
        Phase::Observing
        | Phase::Intended(_)
        | Phase::InDoubt(_)
        | Phase::Operating { .. }
        | Phase::Confirming(_)
        | Phase::Waiting { .. }
        | Phase::Retrying { .. } => Err(IllegalMove::NoGate),
    }
}

fn answered(
    record: &mut StepRecord,
    by: &Actor,
    yes: bool,
    at: Timestamp,
) -> Result<(), IllegalMove> {
    asking(record)?;
    record.answered = Some(GivenAnswer { by: by.clone(), yes, at });
    Ok(())
}

fn start(
    record: &mut StepRecord,
    direction: Direction,
    attempt: u32,
    at: Timestamp,
) -> Result<(), IllegalMove> {
    if attempt != record.attempt + 1 {
        return Err(IllegalMove::Attempt { last: record.attempt, next: attempt });
    }
    let since = match (&record.state, direction) {
        (StepState::Working(work), way) if way == work.direction => {
            if matches!(work.phase, Phase::Intended(_) | Phase::Operating { .. }) {
                return Err(IllegalMove::WriteUnderWay);
            }
            work.since
        }
        (StepState::Pending, Direction::Forward) => {
            record.started_at.get_or_insert(at);
            at
        }
        (StepState::Working(_), _) => {
            return Err(IllegalMove::WrongWay);
        }
        (_, Direction::Forward) => return Err(IllegalMove::StepEnded),
        (_, Direction::Backward) if !record.touched => {
            return Err(IllegalMove::ChangedNothing);
        }
        (_, Direction::Backward) => {
            count_anew(record);
            at
        }
    };
    record.attempt = attempt;
    record.ended_at = None;
    record.told = None;
    record.unasked = None;
    record.state =
        StepState::Working(AttemptWork { direction, attempt, since, phase: Phase::Observing });
    Ok(())
}

fn end(record: &mut StepRecord, state: StepState, at: Timestamp) -> Result<(), IllegalMove> {
    record.state = state;
    record.ended_at = Some(at);
    record.mending = None;
    // What was agreed before the end was about the step as it stood then.
    record.skip_agreed.clear();
    Ok(())
}

fn retrying(
    record: &mut StepRecord,
    when: Timestamp,
    error: &StepError,
) -> Result<(), IllegalMove> {
    record.unkept += u32::from(error.code == GOAL_NOT_SEEN);
    let phase = Phase::Retrying { at: when, error: error.clone() };
    no_write_under_way(record).map(|work| work.phase = phase)
}

fn landed(record: &mut StepRecord) {
    record.touched = true;
    record.unasked = None;
    if let Some(mending) = &mut record.mending {
        mending.written = true;
    }
    // What was accepted is not undone by a later doubt about it.
    record.touched_before = true;
    record.generation += 1;
}

fn after_send(
    record: &mut StepRecord,
    next: impl FnOnce(Arc<Intent>) -> Phase,
) -> Result<(), IllegalMove> {
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
        | other @ Phase::Asking { .. } => refuse(work, other, IllegalMove::NothingIntended),
    }
}

/// Puts the phase back and refuses.
fn refuse(work: &mut AttemptWork, phase: Phase, why: IllegalMove) -> Result<(), IllegalMove> {
    work.phase = phase;
    Err(why)
}

fn working(record: &mut StepRecord) -> Result<&mut AttemptWork, IllegalMove> {
    match &mut record.state {
        StepState::Working(work) => Ok(work),
        StepState::Pending
        | StepState::Succeeded
        | StepState::Failed(_)
        | StepState::TimedOut { .. }
        | StepState::Skipped { .. }
        | StepState::Held { .. }
        | StepState::Undone
        | StepState::UndoFailed(_) => Err(IllegalMove::NoAttempt),
    }
}

fn working_or_held(record: &mut StepRecord) -> Result<(), IllegalMove> {
    match &record.state {
        StepState::Working(_) | StepState::Held { .. } | StepState::Pending => Ok(()),
        StepState::Succeeded
        | StepState::Failed(_)
        | StepState::TimedOut { .. }
        | StepState::Skipped { .. }
        | StepState::Undone
        | StepState::UndoFailed(_) => Err(IllegalMove::StepEnded),
    }
}

fn backward(record: &mut StepRecord) -> Result<(), IllegalMove> {
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
        | StepState::UndoFailed(_) => Err(IllegalMove::NotUndone),
    }
}
