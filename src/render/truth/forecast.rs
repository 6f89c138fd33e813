//! When will it end? What is left of each step, laid along the graph and past shared resources.
//!
//! Three ends are worked out: with everything quick, as usual, and slow. People count as answering at once,
//! since nobody can know better, and how many have to is told beside it; the people of a drill count as they
//! are described.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::barred::Barred;
use super::usual::{self, Left, Usual};
use crate::engine::record::Direction;
use crate::engine::{Phase, RunPhase, RunState, StepRecord, StepState};
use crate::model::action::General;
use crate::model::{Action, Answer, Operand, Plan, Step, StepName, StepStatus, Timestamp, Verdict};
use crate::render::timeline::seconds;
use crate::render::view::Driven;

/// When the end of a run is expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpectedEnd {
    /// At the earliest, if all is quick.
    pub from: Timestamp,
    /// As half of such runs.
    pub likely: Timestamp,
    /// At the latest, in nine of ten; none where something takes longer than all that was recorded.
    pub to: Option<Timestamp>,
    /// The same from now on, in seconds.
    pub from_seconds: f64,
    /// The same from now on, in seconds.
    pub likely_seconds: f64,
    /// The same from now on, in seconds.
    pub to_seconds: Option<f64>,
    /// How many answers of people lie before it; each counts as given at once.
    pub answers: usize,
    /// Whether it comes only when somebody lets the run go on: it is paused, or nobody drives it.
    pub stands_still: bool,
    /// The steps that decide it, first to last.
    pub path: Vec<String>,
}

/// What is left of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Forecast {
    pub(super) low: Duration,
    pub(super) likely: Duration,
    pub(super) high: Option<Duration>,
    /// The same, where what is late takes as long again as it has taken: nobody knows, and a small thing that is late
    /// by seconds puts nothing at risk.
    pub(super) as_long_again: Duration,
    answers: usize,
    stands_still: bool,
    /// Whether nothing new starts, so that the end is none of the runbook's.
    pub(super) stops: bool,
    path: Vec<StepName>,
}

impl Forecast {
    pub(super) fn view(&self, now: Timestamp) -> ExpectedEnd {
        ExpectedEnd {
            from: now + self.low,
            likely: now + self.likely,
            to: self.high.map(|high| now + high),
            from_seconds: seconds(self.low),
            likely_seconds: seconds(self.likely),
            to_seconds: self.high.map(seconds),
            answers: self.answers,
            stands_still: self.stands_still,
            path: self.path.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What we do ourselves before and after a write.
const OWN: (Duration, Duration, Duration) =
    (Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5));

/// How long what must become true in Azure takes, in seconds.
const BECOMES_TRUE: (u64, u64) = (2, 240);

/// When the run will end, seen from `now`; none when it has ended.
pub(super) fn forecast(
    state: &RunState,
    driven: Driven,
    barred: &Barred,
    now: Timestamp,
) -> Option<Forecast> {
    let opened = state.opened.as_ref()?;
    let plan = &*opened.plan;
    let back = match &state.phase {
        RunPhase::Ended { .. } => return None,
        RunPhase::Undoing { .. } => true,
        RunPhase::Forward | RunPhase::Cancelling | RunPhase::Settling { .. } => false,
    };
    let stops = match state.phase {
        RunPhase::Forward => state.stopped_by.is_some() || state.deadline_passed,
        RunPhase::Cancelling => true,
        RunPhase::Undoing { .. } | RunPhase::Settling { .. } | RunPhase::Ended { .. } => false,
    };
    let ahead = Ahead { state, plan, now, stops };
    let left: BTreeMap<usize, StepLeft> = plan
        .steps()
        .iter()
        .enumerate()
        .filter(|(place, _)| !barred.places.contains(place))
        .filter_map(|(place, step)| Some((place, ahead.left(step)?)))
        .collect();
    let (low, _) = laid(plan, back, &left, |left| left.left.low);
    let (likely, path) = laid(plan, back, &left, |left| left.left.likely);
    let none_late = left.values().all(|left| left.left.high.is_some());
    let (high, _) = laid(plan, back, &left, |left| left.left.high.unwrap_or_default());
    let (as_long_again, _) =
        laid(plan, back, &left, |left| left.left.high.unwrap_or(left.left.late_for()));
    let path = path.into_iter().filter_map(|at| Some(plan.steps().get(at)?.name.clone()));
    Some(Forecast {
        low,
        likely,
        high: none_late.then_some(high),
        as_long_again,
        answers: left.values().filter(|left| left.person).count(),
        stands_still: state.paused.is_some() || driven == Driven::ByNobody,
        stops: stops || !barred.by.is_empty(),
        path: path.collect(),
    })
}

/// What is left of a step.
#[derive(Debug, Clone, Copy)]
struct StepLeft {
    left: Left,
    /// Whether a person has to answer, and nobody knows when.
    person: bool,
}

struct Ahead<'a> {
    state: &'a RunState,
    plan: &'a Plan,
    now: Timestamp,
    stops: bool,
}

impl Ahead<'_> {
    /// What is left of a step; none when nothing is.
    fn left(&self, step: &Step) -> Option<StepLeft> {
        let record = self.state.step(&step.name)?;
        if let Some(work) = record.work() {
            let mut own = self.of_work(step, work.direction, &work.phase);
            // What was begun before an undo is finished, and then taken back.
            if let RunPhase::Undoing { by } = &self.state.phase
                && work.direction == Direction::Forward
                && record.to_undo(step.saga, by)
            {
                let back = record.undo.as_ref().and_then(|undo| usual::of_undo(&step.action, undo));
                own.left = own.left.and(whole(back.as_ref()));
            }
            return Some(own);
        }
        if matches!(record.state, StepState::Held { .. }) {
            return Some(StepLeft { left: Left::NOTHING, person: true });
        }
        match &self.state.phase {
            RunPhase::Undoing { by } if record.to_undo(step.saga, by) => {
                let usual =
                    record.undo.as_ref().and_then(|undo| usual::of_undo(&step.action, undo));
                Some(StepLeft { left: whole(usual.as_ref()), person: false })
            }
            RunPhase::Settling { .. } if record.status() == StepStatus::Pending => {
                self.state.owes(step).then(|| self.of_pending(step))
            }
            RunPhase::Forward if self.is_ahead(step, record) => Some(self.of_pending(step)),
            RunPhase::Forward
            | RunPhase::Cancelling
            | RunPhase::Undoing { .. }
            | RunPhase::Settling { .. }
            | RunPhase::Ended { .. } => None,
        }
    }

    /// Whether the step will be begun: it is pending, nothing stops the run, and its condition, where that can
    /// be judged, calls for it.
    fn is_ahead(&self, step: &Step, record: &StepRecord) -> bool {
        if record.status() != StepStatus::Pending || self.stops {
            return false;
        }
        let Some(when) = &step.when else { return true };
        let known = when
            .steps()
            .into_iter()
            .all(|name| self.state.step(name).is_some_and(|record| record.ended_at.is_some()));
        let read = |operand: &Operand| match operand {
            Operand::Literal(value) => Some(value.clone()),
            Operand::Output { step, field } => self.state.step(step)?.outputs.get(field).cloned(),
            Operand::Status { step } => {
                Some(serde_json::Value::from(self.state.step(step)?.status().as_str()))
            }
        };
        !known || !matches!(when.judge(&read), Verdict::Fails(_))
    }

    fn of_pending(&self, step: &Step) -> StepLeft {
        if step.action.gate().is_some() {
            return self.of_gate(Duration::ZERO);
        }
        // A condition that is not decided yet may leave the step out.
        let mut left = whole(before(&step.action).as_ref());
        if step.when.is_some() {
            left.low = Duration::ZERO;
        }
        StepLeft { left, person: false }
    }

    /// A question that has been open for so long.
    fn of_gate(&self, open: Duration) -> StepLeft {
        match &self.plan.parts().people {
            Some(people) if people.answer != Answer::Absent => {
                let left = people.answer_after.saturating_sub(open);
                StepLeft { left: Left::exactly(left), person: false }
            }
            _ => StepLeft { left: Left::NOTHING, person: true },
        }
    }

    fn of_work(&self, step: &Step, direction: Direction, phase: &Phase) -> StepLeft {
        let begun = self.state.step(&step.name).and_then(|record| record.started_at);
        let elapsed = begun.map_or(Duration::ZERO, |begun| self.now.since(begun));
        let record = self.state.step(&step.name);
        let usual = || match direction {
            Direction::Forward => before(&step.action),
            Direction::Backward => record
                .and_then(|record| record.undo.as_ref())
                .and_then(|undo| usual::of_undo(&step.action, undo)),
        };
        let waits = || Usual::seconds(BECOMES_TRUE.0, BECOMES_TRUE.1);
        let left = match phase {
            Phase::Asking { since, failure: None, .. } => {
                return self.of_gate(self.now.since(*since));
            }
            Phase::Asking { .. } => return StepLeft { left: Left::NOTHING, person: true },
            Phase::Operating { intent, since, .. } => usual::of_intent(&step.action, intent)
                .map_or(own(), |usual| usual.left(self.now.since(*since)).and(own())),
            Phase::Observing if matches!(step.action, Action::General(General::Wait { .. })) => {
                waiting(step, elapsed)
            }
            Phase::Waiting { .. } => match &step.action {
                Action::General(General::Wait { .. }) => waiting(step, elapsed),
                Action::Verify(_) => waits().left(elapsed),
                _ => waits().left(Duration::ZERO).and(whole(usual().as_ref())),
            },
            Phase::Confirming(_) => own(),
            Phase::InDoubt(_) => waits().left(Duration::ZERO),
            Phase::Retrying { at, .. } => {
                Left::exactly(at.since(self.now)).and(whole(usual().as_ref()))
            }
            Phase::Observing | Phase::Intended(_) => whole(usual().as_ref()),
        };
        StepLeft { left, person: false }
    }
}

/// How long an action takes that has not begun.
fn before(action: &Action) -> Option<Usual> {
    match action {
        Action::Verify(_) => Some(Usual::seconds(BECOMES_TRUE.0, BECOMES_TRUE.1)),
        other => usual::of_action(other),
    }
}

fn waiting(step: &Step, elapsed: Duration) -> Left {
    match &step.action {
        Action::General(General::Wait { duration }) => {
            Left::exactly(duration.saturating_sub(elapsed))
        }
        _ => Left::NOTHING,
    }
}

fn whole(usual: Option<&Usual>) -> Left {
    usual.map_or(Left::NOTHING, |usual| usual.left(Duration::ZERO)).and(own())
}

fn own() -> Left {
    Left { low: OWN.0, likely: OWN.1, high: Some(OWN.2) }
}

/// The steps laid along the graph, each as soon as what it needs is done and its resources are free: when the
/// last of them ends, and the chain that decides it.
fn laid(
    plan: &Plan,
    back: bool,
    left: &BTreeMap<usize, StepLeft>,
    takes: impl Fn(&StepLeft) -> Duration,
) -> (Duration, Vec<usize>) {
    let dag = plan.dag();
    let before = |place| if back { dag.needed_by(place) } else { dag.needs(place) };
    let after = |place| if back { dag.needs(place) } else { dag.needed_by(place) };
    // What is done still carries the order of what comes before it to what comes after it.
    let mut open: Vec<usize> = (0..plan.steps().len()).map(|place| before(place).len()).collect();
    let mut ready: BinaryHeap<Reverse<(Duration, bool, usize)>> = BinaryHeap::new();
    let at_rest = |place: usize| !left.contains_key(&place);
    for (place, _) in open.iter().enumerate().filter(|(_, open)| **open == 0) {
        ready.push(Reverse((Duration::ZERO, at_rest(place), place)));
    }
    let mut ends = vec![Duration::ZERO; open.len()];
    let mut because: Vec<Option<usize>> = vec![None; open.len()];
    let mut needs_end: Vec<(Duration, Option<usize>)> = vec![(Duration::ZERO, None); open.len()];
    let mut free: BTreeMap<String, (Duration, usize)> = BTreeMap::new();
    while let Some(Reverse((from, _, place))) = ready.pop() {
        let mut begins = from;
        because[place] = needs_end[place].1;
        if let Some(left) = left.get(&place) {
            let holds = plan.steps()[place].action.holds();
            let keys: Vec<String> =
                holds.iter().map(|hold| hold.resource.key().to_string()).collect();
            if let Some((until, by)) = free_after(&free, &keys, from) {
                begins = until;
                because[place] = Some(by);
            }
            ends[place] = begins + takes(left);
            for (key, hold) in keys.into_iter().zip(holds) {
                let until = match hold.until {
                    crate::model::Until::Ended => ends[place],
                    crate::model::Until::Accepted => begins + OWN.1,
                };
                free.insert(key, (until, place));
            }
        } else {
            ends[place] = begins;
        }
        let passes = if left.contains_key(&place) { Some(place) } else { needs_end[place].1 };
        for next in after(place) {
            let known = &mut needs_end[*next];
            if known.1.is_none() || ends[place] > known.0 {
                *known = (ends[place].max(known.0), passes.or(known.1));
            }
            open[*next] = open[*next].saturating_sub(1);
            if open[*next] == 0 {
                ready.push(Reverse((needs_end[*next].0, at_rest(*next), *next)));
            }
        }
    }
    let last = left.keys().copied().max_by_key(|place| (ends[*place], Reverse(*place)));
    let path = chain(last, &because);
    (last.map_or(Duration::ZERO, |last| ends[last]), path)
}

/// The chain that leads to a step, from its beginning.
fn chain(last: Option<usize>, because: &[Option<usize>]) -> Vec<usize> {
    let mut path = Vec::new();
    let mut at = last;
    while let Some(place) = at.filter(|place| !path.contains(place)) {
        path.push(place);
        at = because[place];
    }
    path.reverse();
    path
}

/// When the last of some resources is free, where that is later; and the step that has it until then.
fn free_after(
    free: &BTreeMap<String, (Duration, usize)>,
    keys: &[String],
    from: Duration,
) -> Option<(Duration, usize)> {
    let mut last = None;
    for (until, by) in keys.iter().filter_map(|key| free.get(key)) {
        if *until > last.map_or(from, |(last, _)| last) {
            last = Some((*until, *by));
        }
    }
    last
}
