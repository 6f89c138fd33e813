//! Which steps are drilled where all of them would be too many? One of those that are alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Plan, Step, StepName};
use crate::render::view::{RunView, StepView};

/// Drills of faults up to which every step has its own: more than any shipped runbook takes, and a minute's work.
const DRILLS_MAX: usize = 400;

/// Steps that are named where many stand for others.
const NAMED_MAX: usize = 8;

/// How the steps of a plan share their drills.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// The steps that are drilled for others as well, and for how many others.
    pub(super) alike: BTreeMap<StepName, usize>,
    /// Those others: each is drilled by another one.
    pub(super) stands_in: BTreeSet<StepName>,
}

/// How narrowly steps are held to be alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    /// The turns of one `each`, and what else does the same beside it in one part.
    Turns,
    /// Whatever does the same, wherever it stands.
    Doing,
}

/// Which steps share their drills: none where there are few enough, else the turns of one `each`, and where those
/// are still too many, all that do the same. `drills_of` says how many drills a step takes.
pub(super) fn sample(plan: &Plan, good: &RunView, drills_of: fn(&Step) -> usize) -> Sample {
    let count = |sample: &Sample| -> usize {
        let own = plan.steps().iter().filter(|step| !sample.stands_in.contains(&step.name));
        own.map(drills_of).sum()
    };
    let every = Sample::default();
    if count(&every) <= DRILLS_MAX {
        return every;
    }
    let turns = shared(plan, good, drills_of, Likeness::Turns);
    if count(&turns) <= DRILLS_MAX {
        return turns;
    }
    shared(plan, good, drills_of, Likeness::Doing)
}

fn shared(
    plan: &Plan,
    good: &RunView,
    drills_of: fn(&Step) -> usize,
    likeness: Likeness,
) -> Sample {
    let seen: BTreeMap<&str, &StepView> =
        good.steps.iter().map(|seen| (seen.name.as_str(), seen)).collect();
    let mut first: BTreeMap<String, StepName> = BTreeMap::new();
    let mut sample = Sample::default();
    for step in plan.steps().iter().filter(|step| drills_of(step) > 0) {
        let mark = mark(step, seen.get(step.name.as_str()).copied(), likeness);
        match first.get(&mark) {
            Some(drilled) => {
                *sample.alike.entry(drilled.clone()).or_default() += 1;
                sample.stands_in.insert(step.name.clone());
            }
            None => {
                first.insert(mark, step.name.clone());
            }
        }
    }
    sample
}

/// What steps have in common that are alike: what they do, what happened to them on a good day, and what their
/// failure means.
fn mark(step: &Step, seen: Option<&StepView>, likeness: Likeness) -> String {
    let group = match (likeness, step.name.as_str().rsplit_once('.')) {
        (Likeness::Turns, Some((group, _))) => group,
        (Likeness::Turns, None) => step.name.as_str(),
        (Likeness::Doing, _) => "",
    };
    let good = seen.map(|seen| (seen.status, seen.change.as_deref()));
    format!(
        "{group} {} {good:?} {:?} {:?} {:?} {:?} {} {}",
        step.action.name(),
        step.on_failure,
        step.saga,
        step.retry,
        step.timeout,
        step.when.is_some(),
        step.owes.is_some(),
    )
}

/// What a document says of it, behind how many drills there were.
pub(super) fn said(alike: &BTreeMap<StepName, usize>) -> String {
    if alike.is_empty() {
        return String::new();
    }
    let mut named: Vec<String> = alike
        .iter()
        .take(NAMED_MAX)
        .map(|(name, others)| format!("{name} for {others} others"))
        .collect();
    if let more @ 1.. = alike.len().saturating_sub(NAMED_MAX) {
        named.push(format!("{more} more"));
    }
    format!(
        " Not every step was drilled: of steps that do the same in the same way one stands for the others ({}).",
        named.join(", ")
    )
}
