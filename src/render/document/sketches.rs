//! How do the networks look before a run, now, and when it is done? Three pictures that can be laid over one
//! another, each with a sentence for those who cannot see it.

use super::estate::NetworkPicture;
use super::material::Known;
use super::topology::{self, Layout};
use crate::engine::{RunState, StepRecord};
use crate::model::StepStatus;

/// The networks at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSketch {
    /// `before`, `now` or `after`.
    pub name: &'static str,
    /// Which moment that is, for people.
    pub title: &'static str,
    /// What the picture shows, in words.
    pub words: String,
    /// The picture, an SVG file of its own.
    pub svg: String,
}

/// The networks before the run, as far as it has come, and after it; none where its plan names no networks.
///
/// What is known of the estate at its beginning gives prefixes and regions; without it the plan alone tells, and
/// what it does not refer to is not shown.
#[must_use]
pub fn sketches(state: &RunState, known: Option<&Known>) -> Vec<NetworkSketch> {
    let Some(opened) = &state.opened else { return Vec::new() };
    let plan = &opened.plan;
    let before = known.map_or_else(|| NetworkPicture::of_plan(plan), NetworkPicture::of);
    if before.is_empty() {
        return Vec::new();
    }
    let after_steps = |wanted: &dyn Fn(Option<StepStatus>) -> bool| {
        let mut estate = before.clone();
        for place in plan.dag().order() {
            let Some(step) = plan.steps().get(*place) else { continue };
            let record = state.step(&step.name);
            if wanted(record.map(StepRecord::status)) {
                estate.apply(&step.action);
            }
        }
        estate
    };
    let done = |found: Option<StepStatus>| {
        matches!(found, Some(StepStatus::Succeeded | StepStatus::UndoFailed))
    };
    let not_left_out = |found: Option<StepStatus>| !matches!(found, Some(StepStatus::Skipped));
    let moments = [
        ("before", "Before the run", before.clone()),
        ("now", "Now", after_steps(&done)),
        ("after", "When every step is done", after_steps(&not_left_out)),
    ];
    let layout = Layout::of(&moments[2].2);
    moments
        .iter()
        .map(|(name, title, estate)| NetworkSketch {
            name,
            title,
            words: topology::sentence(estate),
            svg: topology::draw(estate, &layout, &format!("networks-{name}"), title).file(),
        })
        .collect()
}
