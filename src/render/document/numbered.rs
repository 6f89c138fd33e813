//! Which number does each step of a document have?

use super::view::StepLink;
use crate::model::{Plan, Step};

/// The steps of a part as they are numbered: in an order in which each comes after all it needs.
pub(super) struct Numbered<'m> {
    pub(super) plan: &'m Plan,
    /// Places in the plan, in the order of their numbers.
    pub(super) order: Vec<usize>,
    /// By place in the plan.
    pub(super) links: Vec<StepLink>,
}

impl<'m> Numbered<'m> {
    pub(super) fn of(plan: &'m Plan, key: &str) -> Self {
        let order = plan.dag().order().to_vec();
        let mut links: Vec<Option<StepLink>> = vec![None; plan.steps().len()];
        for (number, place) in order.iter().enumerate() {
            let step = &plan.steps()[*place];
            links[*place] = Some(StepLink {
                number: (number + 1).to_string(),
                name: step.name.to_string(),
                title: if step.title.is_empty() {
                    step.name.to_string()
                } else {
                    step.title.clone()
                },
                anchor: format!("{key}-step-{}", step.name.as_str().replace('.', "-")),
            });
        }
        Self { plan, order, links: links.into_iter().flatten().collect() }
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = (usize, &'m Step, &StepLink)> {
        self.order.iter().map(|place| (*place, &self.plan.steps()[*place], &self.links[*place]))
    }
}
