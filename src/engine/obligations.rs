//! What does a run leave to be done? Goals that it went on without, and what it could not clear up.

use std::time::Duration;

use serde_json::Value;

use super::actor::Actor;
use super::record::Phase;
use super::state::{RunPhase, RunState, StepState};
use crate::model::action::{Removal, RemovalKind};
use crate::model::{Action, RunOutcome, SagaClass, Step, StepName, Undo};

impl RunState {
    /// Whether the run owes the goal of a step: it ended without it, and what comes after it was done
    /// all the same. Where nothing comes after it, the run went on to its end without it.
    #[must_use]
    pub fn owes(&self, step: &crate::model::Step) -> bool {
        let (Some(opened), Some(record)) = (&self.opened, self.steps.get(&step.name)) else {
            return false;
        };
        let without_goal = match &record.state {
            StepState::Failed(_) | StepState::TimedOut { .. } | StepState::Held { .. } => true,
            StepState::Skipped { by, .. } => *by != Actor::Engine,
            // Being settled: owed until it is done.
            StepState::Pending | StepState::Working(_) => {
                matches!(self.phase, RunPhase::Settling { .. })
            }
            StepState::Succeeded | StepState::Undone | StepState::UndoFailed(_) => false,
        };
        let Some(place) = opened.plan.place(&step.name).filter(|_| without_goal) else {
            return false;
        };
        let after = opened.plan.dag().descendants(place);
        if after.is_empty() {
            return step.owes.is_some() && self.ended_forward();
        }
        step.owes.is_some()
            && after.into_iter().any(|after| {
                let after = &opened.plan.steps()[after];
                after.action.changed().is_some()
                    && self.steps.get(&after.name).is_some_and(|record| {
                        record.touched || record.state == StepState::Succeeded
                    })
            })
    }

    /// Whether the run came to its end in the forward direction: what it did stands.
    fn ended_forward(&self) -> bool {
        let ended = match self.phase {
            RunPhase::Ended { outcome, .. } | RunPhase::Settling { before: outcome } => outcome,
            RunPhase::Forward | RunPhase::Cancelling | RunPhase::Undoing { .. } => return false,
        };
        match ended {
            RunOutcome::Succeeded | RunOutcome::Failed => true,
            RunOutcome::Undone | RunOutcome::UndoIncomplete | RunOutcome::Cancelled => false,
        }
    }

    /// For each write that was meant to be sent and of which it is not known whether it was: how long its call may
    /// last by itself. Whoever takes the run over from another host waits that out.
    pub fn calls_under_way(&self) -> impl Iterator<Item = Duration> {
        self.steps.values().filter_map(|record| {
            let StepState::Working(work) = &record.state else { return None };
            let (Phase::Intended(intent) | Phase::InDoubt(intent)) = &work.phase else {
                return None;
            };
            Some(intent.write.lasts.unwrap_or_default())
        })
    }

    /// The steps whose goals the run owes.
    #[must_use]
    pub fn owed_steps(&self) -> Vec<StepName> {
        let steps = self.opened.iter().flat_map(|opened| opened.plan.steps());
        steps.filter(|step| self.owes(step)).map(|step| step.name.clone()).collect()
    }

    /// What the run owes, as sentences.
    #[must_use]
    pub fn owed(&self) -> Vec<String> {
        let steps = self.opened.iter().flat_map(|opened| opened.plan.steps());
        steps.filter(|step| self.owes(step)).filter_map(obligation).collect()
    }

    /// What stays of what the run did, whatever is undone: what its author keeps and what nothing takes back,
    /// as sentences.
    #[must_use]
    pub fn stays(&self) -> Vec<String> {
        let steps = self.opened.iter().flat_map(|opened| opened.plan.steps());
        let stay = steps.filter_map(|step| {
            let record = self.steps.get(&step.name).filter(|record| record.touched)?;
            let nothing_leads_back = record.undo.as_ref().is_none_or(|undo| *undo == Undo::Nothing);
            let why = match step.saga {
                SagaClass::Retriable => "it is kept",
                SagaClass::Undoable | SagaClass::Pivot if nothing_leads_back => {
                    "nothing takes it back"
                }
                SagaClass::Undoable | SagaClass::Pivot => return None,
            };
            let done = matches!(record.state, StepState::Succeeded);
            let did = if done { "did" } else { "may have done" };
            let what = step.action.changed()?;
            Some(format!("What step `{}` {did} to {what} stays: {why}.", step.name))
        });
        stay.collect()
    }

    /// What the run leaves for a person to look after, as sentences that name the thing.
    #[must_use]
    pub fn obligations(&self) -> Vec<String> {
        let Some(opened) = &self.opened else {
            return Vec::new();
        };
        let mut owed = Vec::new();
        for step in opened.plan.steps() {
            let Some(record) = self.steps.get(&step.name) else {
                continue;
            };
            let resource = step.action.changed().map(|what| what.to_string()).unwrap_or_default();
            if self.owes(step) {
                owed.extend(obligation(step));
                continue;
            }
            match &record.state {
                StepState::UndoFailed(error) => owed.push(format!(
                    "Step `{}` could not be undone and leaves {resource}: {}{}",
                    step.name,
                    error.message,
                    other_side(step, record.undo.as_ref())
                )),
                StepState::TimedOut { operation: Some(_), .. } => owed.push(format!(
                    "Step `{}` ran out of time while Azure may still be at work on {resource}.",
                    step.name
                )),
                StepState::Held { why } => {
                    owed.push(format!("Step `{}` is held for a person: {why}", step.name));
                }
                StepState::Pending
                | StepState::Working(_)
                | StepState::Succeeded
                | StepState::Failed(_)
                | StepState::TimedOut { .. }
                | StepState::Skipped { .. }
                | StepState::Undone => {}
            }
        }
        owed
    }
}

/// A side of a peering that is not back leaves its other side alone, which nobody wrote. A hub's connection has no
/// other side of its own.
fn other_side(step: &Step, undo: Option<&Undo>) -> String {
    let is_removed = |spec: &Removal| spec.kind == RemovalKind::Peering;
    let is_side = matches!(&step.action, Action::Peering(_))
        || matches!(&step.action, Action::Remove(spec) if is_removed(spec));
    let Some(Undo::Restore { body, .. }) = undo.filter(|_| is_side) else { return String::new() };
    let remote = body.pointer("/properties/remoteVirtualNetwork/id").and_then(Value::as_str);
    remote.map_or_else(String::new, |network| {
        format!(" Without it its other side, in {network}, carries nothing.")
    })
}

fn obligation(step: &Step) -> Option<String> {
    let text = step.owes.as_ref()?.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(format!("{text} (step `{}`)", step.name))
}
