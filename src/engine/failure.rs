//! What does a failure lead to? Another attempt, a question, a held step, or the end of the step and perhaps of the run.

use super::decision::{ENGINE, Effect, Timer, TurnContext};
use super::event::Event;
use super::mending::{self, named_in};
use super::questions;
use super::record::{Direction, GOAL_NOT_SEEN, StepState};
use super::retry;
use super::state::RunPhase;
use crate::model::{Change, Disposition, OnFailure, ResourceId, SagaClass, Side, Step, StepError};

/// The code of a step that ended only because its run was cancelled.
const CANCELLED: &str = "cancelled";

/// What the codes have in common by which Azure says that something else is at work there (docs/wire.md 3).
const SOMETHING_AT_WORK: &str = "AnotherOperation";

/// What Azure says of a reference to what is not there. It is accepted later where that is being made, or has
/// just been (docs/wire.md 3).
const REFERS_TO_NOTHING: &str = "InvalidResourceReference";

/// What is said of a write that sends the key of a resource that is not there.
const KEY_NOT_THERE: &str = "key_not_there";

/// How often a key is looked for that a step of the run has made. One GET may lag behind its operation
/// (docs/wire.md 3); what is not there three times over is gone.
const KEY_LOOKS_MAX: u32 = 3;

/// Schedules another attempt if the error may pass and the policy allows one; else the step fails.
pub(super) fn retry_or_fail(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    error: StepError,
) {
    let Some(record) = turn.record(&step.name) else {
        return;
    };
    let made = record.attempt - record.budget_from;
    let missing = made_by_nobody(turn, step, &error).map(|missing| {
        format!("No step makes {missing}: no waiting brings it, and it is not tried again.")
    });
    let missing = missing.or_else(|| gone_since(turn, &error, made));
    let error = match missing.or_else(|| mending::nobody_mends(turn, step, &error)) {
        Some(why) => StepError { disposition: Disposition::Rejected, ..error }.caused_by(why),
        None => error,
    };
    let asked = match error.disposition {
        Disposition::Transient { after } => after,
        Disposition::Ambiguous => None,
        Disposition::Rejected => return fail(turn, step, direction, error),
    };
    let draining_forward = turn.draining() && direction == Direction::Forward;
    let allowed = retry::allows_another(&step.retry, made) || waits_for_our_own(turn, step, &error);
    if !allowed || draining_forward {
        return fail(turn, step, direction, error);
    }
    let nonce = turn.state.opened.as_ref().map_or("", |opened| opened.nonce.as_str());
    let key = retry::operation_key(nonce, &step.name, direction, record.generation);
    let at = turn.now.at + retry::delay(&step.retry, made, asked, &key);
    turn.emit(Event::RetryScheduled { step: step.name.clone(), error, not_before: at });
    let ticket = turn.ticket(&step.name);
    turn.effect(Effect::WakeAt(Timer::Retry(ticket), at));
}

/// Whether Azure refuses because something is at work there, and that may be what a step of this run began and gave
/// up waiting for: it ends by itself, and counting attempts until then proves nothing. The step's own time bounds it
/// (azure-facts 3.9, 1.3: a removal in a region that is down may be accepted, and fail half an hour later).
fn waits_for_our_own(turn: &TurnContext<'_>, step: &Step, error: &StepError) -> bool {
    let at_work = |other: &Step| {
        let state = turn.record(&other.name).map(|record| &record.state);
        other.name != step.name
            && matches!(state, Some(StepState::TimedOut { operation: Some(_), .. }))
    };
    error.code.contains(SOMETHING_AT_WORK) && turn.plan.steps().iter().any(at_work)
}

/// Azure says that a write is done, and the resource shows something else. The next attempt begins by looking, and
/// writes only if it is still so; after several such writes somebody else makes it so, and no further one helps.
pub(super) fn not_shown(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    differs: &[Change],
) {
    let fields: Vec<String> = differs.iter().map(Change::to_string).collect();
    let what = fields.join("; ");
    let unkept = turn.record(&step.name).map_or(0, |record| record.unkept);
    if unkept + 1 < retry::UNKEPT_MAX {
        let why = format!("Azure says that it is done, and the resource does not show it: {what}.");
        let error = StepError::transient(GOAL_NOT_SEEN, &why, None);
        return retry_or_fail(turn, step, direction, error);
    }
    let whose =
        if differs.iter().all(|change| change.path == STATE) { STAYS_FAILED } else { MADE_SO };
    let why = format!(
        "Azure took {} writes, said each time that it was done, and shows something else: {what}. {whose}",
        retry::UNKEPT_MAX
    );
    fail(turn, step, direction, StepError::rejected("goal_not_kept", why));
}

/// Which step is to be repeated where what it has made is gone, and with it the key that is sent.
fn gone_since(turn: &TurnContext<'_>, error: &StepError, made: u32) -> Option<String> {
    if error.code != KEY_NOT_THERE || made < KEY_LOOKS_MAX {
        return None;
    }
    let gone = error.missing.as_ref()?;
    let maker = turn.plan.steps().iter().find(|step| step.action.written() == Some(gone))?;
    let done = matches!(turn.record(&maker.name)?.state, StepState::Succeeded);
    done.then(|| {
        format!(
            "The step `{0}` has made it, and it is gone since: `backroad retry RUN {0} --from` makes it anew, and what \
             comes after it.",
            maker.name
        )
    })
}

/// What a refused write names that is not there and that no step of the run makes: nothing where the refusal
/// does not say which it is, or where it may be Azure that has not heard of what the run has made.
fn made_by_nobody(turn: &TurnContext<'_>, step: &Step, error: &StepError) -> Option<ResourceId> {
    let own = step.action.written()?;
    let named = match &error.missing {
        Some(missing) => vec![missing.clone()],
        // Azure's own message also names what was to be written, and what that is in.
        None if error.code == REFERS_TO_NOTHING => {
            named_in(&error.message).filter(|id| !id.is_within(own) && !own.is_within(id)).collect()
        }
        None => return None,
    };
    let made = |id: &ResourceId| {
        let steps = turn.plan.steps().iter().filter(|other| other.name != step.name);
        steps
            .filter_map(|other| other.action.written())
            .any(|written| written.is_within(id) || id.is_within(written))
    };
    if named.iter().any(made) { None } else { named.into_iter().next() }
}

/// The step ends without its goal, or a person is asked first.
pub(super) fn fail(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    error: StepError,
) {
    if direction == Direction::Backward {
        turn.emit(Event::StepUndoFailed { step: step.name.clone(), error });
        return;
    }
    match mending::judged(turn, step, error) {
        mending::FailingStep::Ends(error) => end_failed(turn, step, error),
        mending::FailingStep::Mends => {}
    }
}

/// The step ends without its goal, whatever it left.
pub(super) fn end_failed(turn: &mut TurnContext<'_>, step: &Step, error: StepError) {
    conclude_source_down(turn, step, &error);
    if step.on_failure == OnFailure::Ask && !turn.draining() {
        return questions::ask_about(turn, step, "failed", error);
    }
    turn.emit(Event::StepFailed { step: step.name.clone(), error });
    after_failure(turn, step);
}

/// A step on the source side that could not be done because nobody answered there says that the
/// source is down, for the steps that are still to come there.
pub(super) fn conclude_source_down(turn: &mut TurnContext<'_>, step: &Step, error: &StepError) {
    let silent = match error.disposition {
        Disposition::Transient { .. } | Disposition::Ambiguous => true,
        Disposition::Rejected => false,
    };
    if step.side == Some(Side::Source) && silent && turn.state.source_down.is_none() {
        let why = format!("step `{}`: {}", step.name, error.message);
        turn.emit(Event::SourceDown { by: ENGINE, why });
    }
}

/// What a failure means for the run. Past a pivot nothing is undone without a person.
pub(super) fn after_failure(turn: &mut TurnContext<'_>, step: &Step) {
    if step.on_failure != OnFailure::Undo || !matches!(turn.state.phase, RunPhase::Forward) {
        return;
    }
    let past_pivot = turn.plan.steps().iter().any(|other| {
        other.saga == SagaClass::Pivot
            && turn.record(&other.name).is_some_and(|record| {
                record.touched || matches!(record.state, StepState::Succeeded)
            })
    });
    if !past_pivot {
        let reason = Some(format!("step `{}` failed", step.name));
        turn.emit(Event::UndoRequested { by: ENGINE, reason });
    }
}

/// A doubt that only a person can settle ends the step for now.
pub(super) fn hold_for_person(
    turn: &mut TurnContext<'_>,
    step: &Step,
    direction: Direction,
    why: String,
) {
    match direction {
        Direction::Forward => turn.emit(Event::StepHeld { step: step.name.clone(), why }),
        Direction::Backward => {
            let error = StepError::rejected("undo_in_doubt", why);
            turn.emit(Event::StepUndoFailed { step: step.name.clone(), error });
        }
    }
}

/// The field that a resource which stays Failed shows.
const STATE: &str = "properties.provisioningState";

/// Why a value does not stay that Azure took.
const MADE_SO: &str =
    "A policy with the effect Modify or Append does this, or somebody else who writes it.";

/// Why a resource stays Failed. Of a connection whose key was revoked Azure ignores a write whose only change is the
/// key (azure-rest-api-specs 43690).
const STAYS_FAILED: &str = "No write of it as it is wanted mends that. A connection keeps the key that it was made \
    with: where that was revoked or is another's, remove the connection and let the step make it anew.";

/// How a step ends only because its run is cancelled.
pub(super) fn cancelled() -> StepError {
    StepError::rejected(CANCELLED, "It was stopped before it was done.")
}

/// Whether a step ended only because its run was cancelled.
pub(super) fn was_cancelled(state: &StepState) -> bool {
    matches!(state, StepState::Failed(error) if error.code == CANCELLED)
}

/// What is said of a write that nobody answered.
pub(super) fn no_answer() -> StepError {
    StepError::ambiguous("no_answer", "No answer to it was recorded.")
}
