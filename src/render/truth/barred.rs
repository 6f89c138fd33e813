//! Which steps wait in vain, and behind which ones that failed?

use std::collections::BTreeSet;

use crate::engine::{RunPhase, RunState, StepState};
use crate::model::{OnFailure, Plan, Step, StepName, StepStatus};

/// The pending steps that do not begin before a step that failed is done, however the run goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Barred {
    /// The steps that failed, in the plan's order.
    pub(super) by: Vec<StepName>,
    /// The places in the plan of those that wait for them.
    pub(super) places: BTreeSet<usize>,
}

impl Barred {
    /// Of a run that goes forward; of any other none does.
    pub(super) fn of(state: &RunState, plan: &Plan) -> Self {
        let mut barred = Self::default();
        if !matches!(state.phase, RunPhase::Forward) {
            return barred;
        }
        let pending = |place: &usize| {
            let record = plan.steps().get(*place).and_then(|step| state.step(&step.name));
            record.is_some_and(|record| record.status() == StepStatus::Pending)
        };
        for (place, step) in plan.steps().iter().enumerate().filter(|(_, step)| bars(state, step)) {
            let mut behind: Vec<usize> = plan.dag().needed_by(place).to_vec();
            behind.retain(pending);
            if behind.is_empty() {
                continue;
            }
            barred.by.push(step.name.clone());
            while let Some(next) = behind.pop() {
                if barred.places.insert(next) {
                    behind.extend(plan.dag().needed_by(next).iter().filter(|next| pending(next)));
                }
            }
        }
        barred
    }

    /// What of, as a clause.
    pub(super) fn told(&self) -> String {
        let by: Vec<&str> = self.by.iter().map(StepName::as_str).collect();
        let behind = match self.places.len() {
            1 => "the step behind it does not begin".to_owned(),
            many => format!("the {many} steps behind it do not begin"),
        };
        format!("{} failed, and {behind}", by.join(" and "))
    }
}

/// Whether a step failed so that what needs it does not begin.
fn bars(state: &RunState, step: &Step) -> bool {
    let failed = state.step(&step.name).is_some_and(|record| {
        matches!(record.state, StepState::Failed(_) | StepState::TimedOut { .. })
    });
    failed && step.on_failure != OnFailure::Continue
}
