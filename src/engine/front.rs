//! Where is a run now? The steps at work and those whose turn may come, kept beside the records so that a
//! turn need not look at every step.
//!
//! Both sets follow from the records; [`Front::follow`] is told of each record that changed. A plan of
//! thousands of steps has a few dozen here.

use std::collections::{BTreeMap, BTreeSet};

use super::record::{StepRecord, StepState, releases_next};
use crate::model::{Plan, StepName};

/// Steps by their places in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Front {
    /// At work, held for a person, or out of time while Azure works on.
    at_work: BTreeSet<usize>,
    /// Not begun, and all that they need lets them.
    ready: BTreeSet<usize>,
    /// How many steps do not let those that need them go on yet.
    unfinished: usize,
}

impl Front {
    /// The front of a run of which nothing has begun.
    pub(super) fn of(plan: &Plan) -> Self {
        let count = plan.steps().len();
        let ready = (0..count).filter(|place| plan.dag().needs(*place).is_empty()).collect();
        Self { at_work: BTreeSet::new(), ready, unfinished: count }
    }

    /// Takes in that the record of a step is no longer what it was; `before` is whether it let others on.
    pub(super) fn follow(
        &mut self,
        plan: &Plan,
        records: &BTreeMap<StepName, StepRecord>,
        place: usize,
        before: bool,
    ) {
        let step = &plan.steps()[place];
        let Some(record) = records.get(&step.name) else { return };
        set(&mut self.at_work, place, is_at_work(record));
        set(&mut self.ready, place, is_ready(plan, records, place));
        let after = releases_next(step, record);
        if before == after {
            return;
        }
        if after {
            self.unfinished -= 1;
        } else {
            self.unfinished += 1;
        }
        for &next in plan.dag().needed_by(place) {
            set(&mut self.ready, next, is_ready(plan, records, next));
        }
    }

    /// Steps at work, held for a person, or out of time while Azure works on, in the order of the plan.
    pub(super) fn at_work(&self) -> impl Iterator<Item = usize> + '_ {
        self.at_work.iter().copied()
    }

    /// Steps that have not begun and that nothing before them keeps, in the order of the plan.
    pub(super) fn ready(&self) -> impl Iterator<Item = usize> + '_ {
        self.ready.iter().copied()
    }

    /// Whether every step lets those that need it go on.
    pub(super) fn is_finished(&self) -> bool {
        self.unfinished == 0
    }
}

fn is_at_work(record: &StepRecord) -> bool {
    match &record.state {
        StepState::Working(_) | StepState::Held { .. } => true,
        StepState::TimedOut { operation, .. } => operation.is_some(),
        StepState::Pending
        | StepState::Succeeded
        | StepState::Failed(_)
        | StepState::Skipped { .. }
        | StepState::Undone
        | StepState::UndoFailed(_) => false,
    }
}

fn is_ready(plan: &Plan, records: &BTreeMap<StepName, StepRecord>, place: usize) -> bool {
    let record = |place: usize| {
        let step = &plan.steps()[place];
        records.get(&step.name).map(|record| (step, record))
    };
    let pending = record(place).is_some_and(|(_, record)| record.state == StepState::Pending);
    pending
        && plan
            .dag()
            .needs(place)
            .iter()
            .all(|need| record(*need).is_some_and(|(step, record)| releases_next(step, record)))
}

fn set(places: &mut BTreeSet<usize>, place: usize, belongs: bool) {
    if belongs {
        places.insert(place);
    } else {
        places.remove(&place);
    }
}
