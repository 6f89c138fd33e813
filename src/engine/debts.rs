//! What does a run leave to be done? Goals that it went on without, and what it could not clear up.

use super::event::Actor;
use super::state::{RunPhase, RunState, StepState};
use crate::model::StepName;

impl RunState {
    /// Whether the run owes the goal of a step: it ended without it, and what comes after it was done
    /// all the same.
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
        step.owes.is_some()
            && opened.plan.dag().descendants(place).into_iter().any(|after| {
                let after = &opened.plan.steps()[after];
                after.action.written().is_some()
                    && self.steps.get(&after.name).is_some_and(|record| {
                        record.touched || record.state == StepState::Succeeded
                    })
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
        steps.filter(|step| self.owes(step)).filter_map(debt).collect()
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
            let resource = step.action.written().map(ToString::to_string).unwrap_or_default();
            if self.owes(step) {
                owed.extend(debt(step));
                continue;
            }
            match &record.state {
                StepState::UndoFailed(error) => owed.push(format!(
                    "Step `{}` could not be undone and leaves {resource}: {}",
                    step.name, error.message
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

fn debt(step: &crate::model::Step) -> Option<String> {
    let text = step.owes.as_ref()?.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(format!("{text} (step `{}`)", step.name))
}
