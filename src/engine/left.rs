//! What should stand as the steps of a run left it?
//!
//! A gateway takes half an hour and a person may take four: what was written in the first minute may be another's
//! by the end. Which steps can be held to what they did follows from the plan and the journal; what stands is
//! looked at by whoever asks.

use super::record::StepState;
use super::state::RunState;
use crate::model::{Action, Plan, Step};

/// The steps that are done, whose resource no step wrote or removed since. Machines are left out: people go on with
/// what Site Recovery has begun.
#[must_use]
pub fn left_by<'p>(plan: &'p Plan, state: &RunState) -> Vec<&'p Step> {
    let done = |step: &Step| {
        state.steps.get(&step.name).is_some_and(|record| record.state == StepState::Succeeded)
    };
    let held_to = |place: usize, step: &Step| {
        step.action.written().is_some()
            && !matches!(step.action, Action::RecoveryPlan(_))
            && done(step)
            && !plan.dag().descendants(place).into_iter().any(|later| {
                let later = &plan.steps()[later];
                done(later) && replaces(later, step)
            })
    };
    let steps = plan.steps().iter().enumerate();
    steps.filter(|(place, step)| held_to(*place, step)).map(|(_, step)| step).collect()
}

/// Whether a later step makes something else of what a step is about, or removes it.
fn replaces(later: &Step, step: &Step) -> bool {
    let (Some(own), Some(other)) = (step.action.written(), later.action.written()) else {
        return false;
    };
    let removed = matches!(later.action, Action::Remove(_)) && own.is_within(other);
    removed || (own == other && family(&later.action) == family(&step.action))
}

/// What of a resource an action is about: the first half of its name. An association of a subnet with a route table
/// and one with a security group leave each other alone.
fn family(action: &Action) -> &'static str {
    let name = action.name();
    name.split_once('.').map_or(name, |(family, _)| family)
}
