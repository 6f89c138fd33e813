//! Which steps may go? Forward along the graph, backward against it, never two on one resource.

use std::collections::BTreeSet;

use super::attempt;
use super::decision::{ENGINE, Effect, Timer, TurnContext};
use super::event::Event;
use super::failure;
use super::questions;
use super::record::{Direction, Phase, StepRecord, StepState};
use super::skip::SkipReason;
use super::state::RunPhase;
use crate::model::{ResourceId, RunOutcome, Side, Step, StepError, Until, Verdict, limits};

/// Starts what may start, and ends the run when nothing more can.
pub(super) fn advance(turn: &mut TurnContext<'_>) {
    match turn.state.phase.clone() {
        RunPhase::Ended { .. } => return,
        RunPhase::Forward => {
            if turn.state.stopped_by.is_none() && !turn.state.deadline_passed {
                while start_one(turn) {}
            }
        }
        RunPhase::Settling { .. } => while start_one(turn) {},
        RunPhase::Cancelling => drain(turn),
        RunPhase::Undoing { .. } => {
            drain(turn);
            while undo_one(turn) {}
        }
    }
    // A failure on the way may have turned the run around.
    if matches!(turn.state.phase, RunPhase::Undoing { .. }) {
        drain(turn);
        while undo_one(turn) {}
    }
    end_if_over(turn);
}

/// Starts or skips the first step that may; tells whether there was one.
fn start_one(turn: &mut TurnContext<'_>) -> bool {
    let working = turn.state.at_work().filter(|(_, record)| record.work().is_some()).count();
    if working >= limits::WORKERS_MAX {
        return false;
    }
    if turn.state.paused.is_some() {
        return false;
    }
    // As nearly always: nothing to hold against what others hold.
    if turn.state.front.ready().next().is_none() {
        return false;
    }
    let held = held_resources(turn);
    let plan = turn.plan;
    let settling = matches!(turn.state.phase, RunPhase::Settling { .. });
    let mut front = turn.state.front.ready().filter_map(|place| plan.steps().get(place));
    // What a run owes is met without the rest of it being begun.
    let may = |step: &&Step| (!settling || turn.state.owes(step)) && is_free(step, &held);
    let Some(step) = front.find(may) else { return false };
    drop(front);
    match step.when.as_ref().map(|when| (when, when.judge(&|o| turn.state.operand(o)))) {
        None | Some((_, Verdict::Holds)) => begin(turn, step),
        Some((when, Verdict::Fails(why))) => {
            let why = SkipReason::Condition { when: when.to_string(), why };
            turn.emit(Event::StepSkipped { step: step.name.clone(), why, by: ENGINE });
        }
        Some((when, Verdict::Unknown(why))) => {
            let error = StepError::rejected(
                "condition_unknown",
                format!("Its condition {when} cannot be judged: {why}."),
            );
            turn.emit(Event::StepFailed { step: step.name.clone(), error });
            failure::after_failure(turn, step);
        }
    }
    match turn.state.phase {
        RunPhase::Forward => turn.state.stopped_by.is_none(),
        RunPhase::Settling { .. } => true,
        RunPhase::Cancelling | RunPhase::Undoing { .. } | RunPhase::Ended { .. } => false,
    }
}

fn begin(turn: &mut TurnContext<'_>, step: &Step) {
    let gate = questions::gate_policy(step);
    // People can be asked wherever they are: a region's end answers no gate.
    let down = turn.state.source_down.clone().filter(|_| gate.is_none());
    if let (Some(Side::Source), Some(why)) = (step.side, down) {
        let attempt = turn.record(&step.name).map_or(0, |record| record.attempt) + 1;
        turn.emit(Event::StepStarted { step: step.name.clone(), attempt });
        let message = format!("It acts on the source region, which is out of reach ({why}).");
        let error = StepError::rejected("source_down", message);
        return failure::fail(turn, step, Direction::Forward, error);
    }
    if gate.is_some() || attempt::is_wait(step) {
        let attempt = turn.record(&step.name).map_or(0, |record| record.attempt) + 1;
        turn.emit(Event::StepStarted { step: step.name.clone(), attempt });
    } else {
        attempt::start(turn, &step.name, Direction::Forward);
    }
    match gate {
        Some(_) => questions::ask(turn, step),
        None => {
            attempt::arm_wait(turn, step, turn.now.at);
            if !attempt::is_wait(step) {
                turn.wake_after(Timer::Timeout(step.name.clone()), step.timeout);
            }
        }
    }
}

/// What steps at work have to themselves, and what is held for operations that outlive their step.
fn held_resources(turn: &TurnContext<'_>) -> BTreeSet<ResourceId> {
    let mut held = BTreeSet::new();
    for (step, record) in turn.state.at_work() {
        let accepted = match &record.state {
            StepState::Working(work) => {
                matches!(work.phase, Phase::Operating { .. } | Phase::Confirming(_))
            }
            StepState::TimedOut { operation: Some(_), .. } => true,
            StepState::Held { .. } => false,
            StepState::Pending
            | StepState::Succeeded
            | StepState::Failed(_)
            | StepState::TimedOut { .. }
            | StepState::Skipped { .. }
            | StepState::Undone
            | StepState::UndoFailed(_) => continue,
        };
        for hold in step.action.holds() {
            if hold.until == Until::Ended || !accepted {
                held.insert(hold.resource);
            }
        }
    }
    held
}

fn is_free(step: &Step, held: &BTreeSet<ResourceId>) -> bool {
    step.action.holds().iter().all(|hold| !held.contains(&hold.resource))
}

/// Ends the forward steps that wait for something; what Azure works on is waited for.
fn drain(turn: &mut TurnContext<'_>) {
    let at_work: Vec<usize> = turn.state.front.at_work().collect();
    for step in at_work.into_iter().filter_map(|place| turn.plan.steps().get(place)) {
        let Some(work) = turn.record(&step.name).and_then(|record| record.work()) else {
            continue;
        };
        let idle = matches!(
            work.phase,
            Phase::Observing
                | Phase::Waiting { .. }
                | Phase::Retrying { .. }
                | Phase::Asking { .. }
        );
        if work.direction == Direction::Forward && idle {
            turn.emit(Event::StepFailed { step: step.name.clone(), error: failure::cancelled() });
        }
    }
}

/// Starts taking back the last step that may be; tells whether there was one.
fn undo_one(turn: &mut TurnContext<'_>) -> bool {
    let RunPhase::Undoing { by } = turn.state.phase.clone() else {
        return false;
    };
    if forward_left(turn) {
        return false;
    }
    let held = held_resources(turn);
    let plan = turn.plan;
    for &place in plan.dag().order().iter().rev() {
        let step = &plan.steps()[place];
        let Some(record) = turn.record(&step.name) else {
            continue;
        };
        if record.work().is_some() || !record.to_undo(step.saga, &by) {
            continue;
        }
        // Whether Azure still works on it nobody knows; a person says when to go on.
        if matches!(record.state, StepState::Held { .. }) {
            continue;
        }
        let after: Vec<(&Step, &StepRecord)> = plan
            .dag()
            .descendants(place)
            .into_iter()
            .filter_map(|d| plan.steps().get(d))
            .filter_map(|d| turn.record(&d.name).map(|record| (d, record)))
            .collect();
        let busy = |(d, record): &(&Step, &StepRecord)| {
            record.work().is_some() || record.to_undo(d.saga, &by)
        };
        if after.iter().any(busy) {
            continue;
        }
        if let Some((left, _)) =
            after.iter().find(|(_, record)| matches!(record.state, StepState::UndoFailed(_)))
        {
            let error = StepError::rejected(
                "undo_blocked",
                format!("Step `{}` comes after it and could not be undone.", left.name),
            );
            turn.emit(Event::StepUndoFailed { step: step.name.clone(), error });
            return true;
        }
        if is_free(step, &held) {
            attempt::start(turn, &step.name, Direction::Backward);
            turn.wake_after(Timer::Timeout(step.name.clone()), step.timeout);
            return true;
        }
    }
    false
}

/// Whether something of the way forward is still at work.
fn forward_left(turn: &TurnContext<'_>) -> bool {
    turn.state.at_work().any(|(_, record)| match &record.state {
        StepState::Working(work) => work.direction == Direction::Forward,
        StepState::TimedOut { operation, .. } => operation.is_some(),
        StepState::Pending
        | StepState::Succeeded
        | StepState::Failed(_)
        | StepState::Skipped { .. }
        | StepState::Held { .. }
        | StepState::Undone
        | StepState::UndoFailed(_) => false,
    })
}

/// Ends the run when nothing is at work and nothing more can start.
fn end_if_over(turn: &mut TurnContext<'_>) {
    let at_work = || turn.state.at_work().map(|(_, record)| &record.state);
    if at_work().any(|state| matches!(state, StepState::Working(_))) {
        return;
    }
    let operation_left =
        at_work().any(|state| matches!(state, StepState::TimedOut { operation: Some(_), .. }));
    let held_left = at_work().any(|state| matches!(state, StepState::Held { .. }));
    let outcome = match &turn.state.phase {
        RunPhase::Ended { .. } => return,
        RunPhase::Forward => {
            let stopped = turn.state.stopped_by.is_some() || turn.state.deadline_passed;
            if held_left || (operation_left && !stopped) {
                return;
            }
            let good = turn.state.front.is_finished();
            // Paused with something left to do: somebody lets it go on.
            if turn.state.paused.is_some() && !good && !stopped {
                return;
            }
            if good { RunOutcome::Succeeded } else { RunOutcome::Failed }
        }
        RunPhase::Settling { before } => *before,
        RunPhase::Cancelling => RunOutcome::Cancelled,
        RunPhase::Undoing { .. } => {
            if operation_left || held_left {
                return;
            }
            let left = turn
                .state
                .steps
                .values()
                .any(|record| matches!(record.state, StepState::UndoFailed(_)));
            if left { RunOutcome::UndoIncomplete } else { RunOutcome::Undone }
        }
    };
    turn.emit(Event::RunEnded { outcome });
    turn.effect(Effect::Finish(outcome));
}
