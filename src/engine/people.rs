//! What do people say? Gates, their answers and expiry, and the commands that drive a run on.

use serde::{Deserialize, Serialize};

use super::event::{Actor, Event};
use super::state::{Phase, RunPhase, StepState};
use super::turn::{Effect, Timer, Turning, drill_people};
use crate::model::action::General;
use crate::model::{Action, Answer, GatePolicy, OnExpiry, Step, StepError, StepName, Timestamp};

/// What a person says to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Yes, at a gate.
    Approve(Said),
    /// No, at a gate.
    Decline(Said),
    /// Try a step again that ended badly or is held.
    Retry(Said),
    /// Go on without a step.
    Skip(Said),
    /// Start nothing more, and end.
    Cancel {
        /// By whom.
        by: String,
        /// Why.
        reason: Option<String>,
    },
    /// Put back what was done.
    Undo {
        /// By whom.
        by: String,
        /// Why.
        reason: Option<String>,
    },
}

/// What a person says about a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The step.
    pub step: StepName,
    /// By whom.
    pub by: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Opens a gate and sets its timers.
pub(super) fn open_gate(
    turn: &mut Turning<'_>,
    name: &StepName,
    question: String,
    expires_at: Option<Timestamp>,
    failure: Option<StepError>,
) {
    turn.emit(Event::GateOpened { step: name.clone(), question, expires_at, failure });
    arm_gate(turn, name, turn.now.at, expires_at);
}

/// Sets the timers of a gate that opened at `since`.
pub(super) fn arm_gate(
    turn: &mut Turning<'_>,
    name: &StepName,
    since: Timestamp,
    expires_at: Option<Timestamp>,
) {
    if let Some(at) = expires_at {
        turn.effect(Effect::WakeAt(Timer::Gate(name.clone()), at));
    }
    if let Some(people) = drill_people(turn)
        && people.answer != Answer::Absent
    {
        turn.effect(Effect::WakeAt(Timer::Person(name.clone()), since + people.answer_after));
    }
}

/// The people of a drill come to the gate.
pub(super) fn drill_person(turn: &mut Turning<'_>, name: &StepName) {
    let Some(people) = drill_people(turn) else {
        return;
    };
    match people.answer {
        Answer::Approve => approve(turn, name, Actor::DrillPerson, None),
        Answer::Decline => decline(turn, name, Actor::DrillPerson, None),
        Answer::Absent => {}
    }
}

/// Whether the people of a drill with this plan stay away.
pub(super) fn nobody_comes(plan: &crate::model::Plan) -> bool {
    plan.parts().people.as_ref().is_some_and(|people| people.answer == Answer::Absent)
}

/// Nobody came to the gate.
pub(super) fn gate_expired(turn: &mut Turning<'_>, name: &StepName) {
    let Some(Phase::Asking { expires_at: Some(at), .. }) = asking(turn, name) else {
        return;
    };
    if turn.now.at < at {
        return;
    }
    turn.emit(Event::GateExpired { step: name.clone() });
    let policy = turn.step(name).and_then(gate_policy);
    match policy.map(|policy| policy.on_expiry) {
        Some(OnExpiry::Approve) => turn.emit(gate_passed(name)),
        Some(OnExpiry::Decline) | None => {
            let error = StepError::rejected("gate_expired", "Nobody answered in time.");
            end_gate_badly(turn, name, error);
        }
    }
}

fn gate_policy(step: &Step) -> Option<&GatePolicy> {
    match &step.action {
        Action::General(General::Approval(policy) | General::Manual(policy)) => Some(policy),
        _ => None,
    }
}

fn gate_passed(name: &StepName) -> Event {
    Event::StepSucceeded {
        step: name.clone(),
        outputs: std::collections::BTreeMap::new(),
        seen: Vec::new(),
    }
}

fn asking(turn: &Turning<'_>, name: &StepName) -> Option<Phase> {
    let work = turn.record(name)?.work()?;
    matches!(work.phase, Phase::Asking { .. }).then(|| work.phase.clone())
}

fn approve(turn: &mut Turning<'_>, name: &StepName, by: Actor, reason: Option<String>) {
    let Some(Phase::Asking { failure, .. }) = asking(turn, name) else {
        return refuse(turn, format!("Step `{name}` is not asking for an approval."));
    };
    turn.emit(Event::Approved { step: name.clone(), by: by.clone(), reason });
    match failure {
        None => turn.emit(gate_passed(name)),
        Some(error) => {
            let why =
                format!("it failed ({}) and a person decided to go on without it", error.code);
            turn.emit(Event::StepSkipped { step: name.clone(), why, by });
        }
    }
}

fn decline(turn: &mut Turning<'_>, name: &StepName, by: Actor, reason: Option<String>) {
    let Some(Phase::Asking { failure, .. }) = asking(turn, name) else {
        return refuse(turn, format!("Step `{name}` is not asking for an approval."));
    };
    turn.emit(Event::Declined { step: name.clone(), by, reason });
    let declined = StepError::rejected("gate_declined", "A person declined.");
    end_gate_badly(turn, name, failure.unwrap_or(declined));
}

fn end_gate_badly(turn: &mut Turning<'_>, name: &StepName, error: StepError) {
    turn.emit(Event::StepFailed { step: name.clone(), error });
    if let Some(step) = turn.step(name) {
        super::attempt::after_failure(turn, step);
    }
}

fn refuse(turn: &mut Turning<'_>, why: String) {
    turn.turn.refusal = Some(why);
}

/// A person said something. Either it acts, or the turn carries the reason why not.
pub(super) fn command(turn: &mut Turning<'_>, command: Command) {
    match command {
        Command::Approve(Said { step, by, reason }) => {
            if known(turn, &step) {
                approve(turn, &step, Actor::Person(by), reason);
            }
        }
        Command::Decline(Said { step, by, reason }) => {
            if known(turn, &step) {
                decline(turn, &step, Actor::Person(by), reason);
            }
        }
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
            RunPhase::Forward => {
                turn.emit(Event::CancelRequested { by: Actor::Person(by), reason });
            }
            RunPhase::Cancelling => refuse(turn, "The run is being cancelled already.".to_owned()),
            RunPhase::Undoing { .. } => {
                refuse(turn, "The run is being undone; an undo is not cancelled.".to_owned());
            }
            RunPhase::Ended { outcome, .. } => {
                refuse(turn, format!("The run has ended ({outcome}); there is nothing to cancel."));
            }
        },
        Command::Undo { by, reason } => undo(turn, &by, reason),
    }
}

fn known(turn: &mut Turning<'_>, name: &StepName) -> bool {
    let found = turn.step(name).is_some();
    if !found {
        refuse(turn, format!("There is no step `{name}` in this run."));
    }
    found
}

fn reopen_if_ended(turn: &mut Turning<'_>, by: &str, why: &str) {
    if turn.state.outcome().is_some() {
        let by = Actor::Person(by.to_owned());
        turn.emit(Event::Reopened { by, why: why.to_owned() });
        // What Azure was still at work on when the run ended is asked about again.
        let left: Vec<_> = turn
            .state
            .steps
            .iter()
            .filter_map(|(name, record)| match &record.state {
                StepState::TimedOut { operation: Some(handle) } => {
                    Some((turn.ticket(name), handle.clone()))
                }
                _ => None,
            })
            .collect();
        for (ticket, handle) in left {
            turn.effect(Effect::Poll(ticket, handle));
        }
    }
}

fn retry(turn: &mut Turning<'_>, said: Said) {
    let Said { step: name, by, .. } = said;
    let Some(record) = turn.record(&name) else {
        return;
    };
    let asks_about_failure =
        matches!(asking(turn, &name), Some(Phase::Asking { failure: Some(_), .. }));
    match &record.state {
        StepState::Failed(_)
        | StepState::Skipped { .. }
        | StepState::Held { .. }
        | StepState::TimedOut { operation: None } => {}
        StepState::TimedOut { operation: Some(_) } => {
            return refuse(
                turn,
                format!("Azure is still at work for step `{name}`; retry it when that has ended."),
            );
        }
        StepState::UndoFailed(_) => {
            return refuse(
                turn,
                format!("Step `{name}` could not be undone; use undo to try that again."),
            );
        }
        StepState::Working(_) if asks_about_failure => {}
        StepState::Pending | StepState::Working(_) | StepState::Succeeded | StepState::Undone => {
            let status = record.status();
            return refuse(
                turn,
                format!("Step `{name}` is {status}; only a step that ended badly can be retried."),
            );
        }
    }
    if matches!(turn.state.phase, RunPhase::Undoing { .. } | RunPhase::Cancelling) {
        return refuse(turn, "The run is on its way out; wait until it has ended.".to_owned());
    }
    reopen_if_ended(turn, &by, "retry");
    turn.emit(Event::StepReset { step: name, by: Actor::Person(by.clone()) });
    // What was stopped only because the run was cancelled goes on with it.
    let cancelled: Vec<StepName> = turn
        .state
        .steps
        .iter()
        .filter(|(_, record)| {
            matches!(&record.state, StepState::Failed(error) if error.code == "cancelled")
        })
        .map(|(name, _)| name.clone())
        .collect();
    for step in cancelled {
        turn.emit(Event::StepReset { step, by: Actor::Person(by.clone()) });
    }
}

fn skip(turn: &mut Turning<'_>, said: Said) {
    let Said { step: name, by, reason } = said;
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
        | StepState::TimedOut { operation: None }
        | StepState::Held { .. } => true,
        _ => false,
    };
    if !idle {
        let status = record.status();
        return refuse(turn, format!("Step `{name}` is {status} and cannot be skipped now."));
    }
    if matches!(turn.state.phase, RunPhase::Undoing { .. } | RunPhase::Cancelling) {
        return refuse(turn, "The run is on its way out; wait until it has ended.".to_owned());
    }
    reopen_if_ended(turn, &by, "skip");
    let why = reason.unwrap_or_else(|| "a person decided so".to_owned());
    turn.emit(Event::StepSkipped { step: name, why, by: Actor::Person(by) });
}

fn undo(turn: &mut Turning<'_>, by: &str, reason: Option<String>) {
    if matches!(turn.state.phase, RunPhase::Undoing { .. }) {
        return refuse(turn, "The run is being undone already.".to_owned());
    }
    let actor = Actor::Person(by.to_owned());
    let anything = turn.plan.steps().iter().any(|step| {
        turn.record(&step.name).is_some_and(|record| {
            record.work().is_some()
                || record.to_undo(step.saga, &actor)
                || matches!(record.state, StepState::UndoFailed(_))
        })
    });
    if !anything {
        return refuse(turn, "The run has changed nothing that could be undone.".to_owned());
    }
    reopen_if_ended(turn, by, "undo");
    let failed: Vec<StepName> = turn
        .state
        .steps
        .iter()
        .filter(|(_, record)| matches!(record.state, StepState::UndoFailed(_)))
        .map(|(name, _)| name.clone())
        .collect();
    for step in failed {
        turn.emit(Event::StepReset { step, by: actor.clone() });
    }
    turn.emit(Event::UndoRequested { by: actor, reason });
}
