//! How do two plans differ? For "the runbook changed since this run began".

use serde::Serialize;

use crate::model::{Plan, StepName};

/// A difference between two plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanDifference {
    /// A step is new.
    Added(StepName),
    /// A step is gone.
    Removed(StepName),
    /// A step asks for something else.
    Changed(StepName),
    /// Something besides the steps: parameters, objective, people.
    Header,
}

/// The differences, in the order of the new plan and then of the old.
#[must_use]
pub fn compare(old: &Plan, new: &Plan) -> Vec<PlanDifference> {
    let mut found = Vec::new();
    let header = |plan: &Plan| {
        let mut parts = plan.parts().clone();
        parts.steps.clear();
        parts
    };
    if header(old) != header(new) {
        found.push(PlanDifference::Header);
    }
    for step in new.steps() {
        match old.step(&step.name) {
            None => found.push(PlanDifference::Added(step.name.clone())),
            Some(before) if before != step => {
                found.push(PlanDifference::Changed(step.name.clone()));
            }
            Some(_) => {}
        }
    }
    let gone = old.steps().iter().filter(|step| new.step(&step.name).is_none());
    found.extend(gone.map(|step| PlanDifference::Removed(step.name.clone())));
    found
}
