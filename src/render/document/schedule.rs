//! When does each step come, and which of them decide how long it takes? From usual durations.

use std::collections::BTreeSet;
use std::time::Duration;

use super::usual;
use crate::model::Plan;

/// When a step usually runs: from the start of the run, without people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) start: Duration,
    /// When half of them are done.
    pub(super) end: Duration,
    /// When nine in ten are done, counted from the same start.
    pub(super) late: Duration,
    /// Whether people decide how long it takes.
    pub(super) people: bool,
}

/// The steps over time.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    /// By the step's place in the plan.
    pub(super) slots: Vec<Slot>,
    /// The places of the steps that decide the end, in order.
    pub(super) path: Vec<usize>,
    /// The whole at the usual speed.
    pub(super) usual: Duration,
    /// The whole where every step takes as long as one in ten does.
    pub(super) slow: Duration,
}

/// The schedule of a plan: each step begins when what it needs has ended. People take no time in it, nor
/// do steps that are skipped on a good day.
pub(super) fn schedule(plan: &Plan, skipped: &BTreeSet<usize>) -> Schedule {
    let none =
        Slot { start: Duration::ZERO, end: Duration::ZERO, late: Duration::ZERO, people: false };
    let count = plan.steps().len();
    let mut slots = vec![none; count];
    let mut slow_ends = vec![Duration::ZERO; count];
    for &place in plan.dag().order() {
        let needs = plan.dag().needs(place);
        let start = needs.iter().map(|need| slots[*need].end).max().unwrap_or_default();
        let slow_start = needs.iter().map(|need| slow_ends[*need]).max().unwrap_or_default();
        let took = match usual::duration(&plan.steps()[place].action) {
            Some(_) if skipped.contains(&place) => Some(Default::default()),
            took => took,
        };
        let (half, most) = took.unwrap_or_default();
        slots[place] =
            Slot { start, end: start + half, late: start + most, people: took.is_none() };
        slow_ends[place] = slow_start + most;
    }
    let last = (0..count).max_by_key(|place| (slots[*place].end, std::cmp::Reverse(*place)));
    let mut path: Vec<usize> = last.into_iter().collect();
    while let Some(before) = path.last().and_then(|place| {
        plan.dag()
            .needs(*place)
            .iter()
            .max_by_key(|need| (slots[**need].end, std::cmp::Reverse(**need)))
    }) {
        path.push(*before);
    }
    path.reverse();
    Schedule {
        usual: slots.iter().map(|slot| slot.end).max().unwrap_or_default(),
        slow: slow_ends.iter().copied().max().unwrap_or_default(),
        slots,
        path,
    }
}
