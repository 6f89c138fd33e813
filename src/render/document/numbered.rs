//! Which number does each step of a document have, and what is begun and not waited for?
//!
//! An executor begins all that can begin. Hands do one thing after another, so that the order of the numbers decides
//! the time: what takes long is begun before anybody is asked, and what does not need it is done meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use super::usual;
use super::view::{MeanwhileView, StepLink};
use crate::model::{Plan, Step};

/// What takes so long by itself is begun first, and is not waited for where something else can be done: a gateway
/// takes 15 to 45 minutes (azure-facts 2), a connection one or two.
const LONG: Duration = Duration::from_secs(300);

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
        let order = order(plan);
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

    /// What is done while a step goes on that takes long: from the one after it to the first that waits for it.
    pub(super) fn meanwhile(&self, place: usize) -> Option<MeanwhileView> {
        let step = &self.plan.steps()[place];
        if !is_long(step) || step.when.is_some() {
            return None;
        }
        let later = self.plan.dag().descendants(place);
        let mut after = self.order.iter().skip_while(|other| **other != place).skip(1);
        let next = after.next().filter(|next| !later.contains(next))?;
        let until = after.find(|other| later.contains(other));
        Some(MeanwhileView {
            next: self.links[*next].clone(),
            until: until.map(|place| self.links[*place].clone()),
        })
    }
}

/// Whether Azure takes long for it, and nobody has to do anything meanwhile.
fn is_long(step: &Step) -> bool {
    usual::duration(&step.action).is_some_and(|(half, _)| half >= LONG)
}

/// The author's order, but that what takes long, and what it needs, comes before a question.
fn order(plan: &Plan) -> Vec<usize> {
    let (dag, steps) = (plan.dag(), plan.steps());
    let mut first = BTreeSet::new();
    for place in (0..steps.len()).filter(|place| is_long(&steps[*place])) {
        first.insert(place);
        first.extend(dag.ancestors(place));
    }
    let mut left = dag.order().to_vec();
    let mut order = Vec::with_capacity(left.len());
    let mut done = BTreeSet::new();
    while let Some(&next) = left.first() {
        let free = |place: &usize| dag.needs(*place).iter().all(|need| done.contains(need));
        let asks = steps[next].action.gate().is_some() && !first.contains(&next);
        let sooner = match asks {
            true => left.iter().position(|place| first.contains(place) && free(place)),
            false => None,
        };
        let place = left.remove(sooner.unwrap_or(0));
        done.insert(place);
        order.push(place);
    }
    order
}
