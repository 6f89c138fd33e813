//! What is measured of a run? Numbers from its events alone, the same for every system that collects them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::{Event, Recorded, RunKind, RunState};
use crate::model::{Plan, RunId, StepError, StepName, Timestamp};
use crate::render::timeline::seconds;
use crate::render::truth::{ObjectiveVerdict, RunStanding, RunTruth};
use crate::render::{RunView, recovered_at};

/// The codes with which Azure says that too much was asked of it, or a part of them.
const THROTTLED: [&str; 3] = ["toomanyrequests", "throttl", "ratelimit"];

/// What is measured of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunMeasures {
    /// Its id.
    pub run: String,
    /// Its runbook.
    pub runbook: String,
    /// What kind of run it is.
    pub kind: RunKind,
    /// Where it stands.
    pub standing: RunStanding,
    /// When it was opened.
    pub started: Timestamp,
    /// From its opening to its end, or to now, in seconds.
    pub elapsed: f64,
    /// From its opening to its success, in seconds.
    pub recovery: Option<f64>,
    /// When it succeeded first: of a drill, by the clock of the host that ran it.
    pub succeeded_at: Option<Timestamp>,
    /// What that is measured against, in seconds.
    pub objective: Option<f64>,
    /// Whether that holds.
    pub verdict: ObjectiveVerdict,
    /// How many steps have which status.
    pub steps: BTreeMap<&'static str, u32>,
    /// How many things people have to do.
    pub asks: usize,
    /// How much is left for people to look after.
    pub owed: usize,
    /// How much of the time went by for people alone, in seconds.
    pub people: f64,
    /// What its events tell.
    pub told: EventCounts,
}

/// What the events of a run tell, counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventCounts {
    /// Attempts at steps, undo included.
    pub attempts: u32,
    /// Attempts that were followed by another.
    pub retries: u32,
    /// Writes that are known to have been sent.
    pub writes: u32,
    /// Writes that were refused before they were accepted.
    pub refused: u32,
    /// Refusals and failures by which Azure said that too much was asked of it.
    pub throttled: u32,
    /// Writes of which nobody knew whether they landed.
    pub in_doubt: u32,
    /// How long Azure's operations took, each.
    pub operations: Vec<Duration>,
    /// How long each step that could begin had not begun yet.
    pub lags: Vec<Duration>,
}

impl EventCounts {
    /// The longest lag.
    #[must_use]
    pub fn longest_lag(&self) -> Duration {
        self.lags.iter().copied().max().unwrap_or_default()
    }
}

/// Whether an error says that too much was asked.
#[must_use]
pub fn is_throttled(error: &StepError) -> bool {
    let code = error.code.to_ascii_lowercase();
    THROTTLED.iter().any(|part| code.contains(part))
}

/// Counts a run's events.
#[must_use]
pub fn counted(plan: &Plan, events: &[Recorded]) -> EventCounts {
    let mut told = EventCounts::default();
    let mut counting =
        Counting { ended: BTreeMap::new(), open: BTreeMap::new(), began: Vec::new() };
    let opened = events.first().map(|first| first.at);
    for Recorded { at, event, .. } in events {
        counting.count(&mut told, *at, event);
    }
    for (step, at) in &counting.began {
        let Some(step) = plan.step(step) else { continue };
        // What ended after the step began was tried again later.
        let ends =
            step.needs.iter().filter_map(|need| counting.ended.get(need)).filter(|end| *end <= at);
        if let Some(could) = ends.max().copied().or(opened) {
            told.lags.push(at.since(could));
        }
    }
    told
}

struct Counting<'a> {
    /// When each step ended first.
    ended: BTreeMap<&'a StepName, Timestamp>,
    /// Since when Azure works on what a step sent.
    open: BTreeMap<&'a StepName, Timestamp>,
    /// The first beginning of each step.
    began: Vec<(&'a StepName, Timestamp)>,
}

impl<'a> Counting<'a> {
    fn count(&mut self, told: &mut EventCounts, at: Timestamp, event: &'a Event) {
        let mut throttled = |error: &StepError| told.throttled += u32::from(is_throttled(error));
        match event {
            Event::StepStarted { step, attempt } => {
                told.attempts += 1;
                if *attempt == 1 && !self.began.iter().any(|(name, _)| *name == step) {
                    self.began.push((step, at));
                }
            }
            Event::UndoStarted { .. } => told.attempts += 1,
            Event::Intended { .. } => told.writes += 1,
            Event::Accepted { step, .. } => {
                self.open.insert(step, at);
            }
            Event::Refused { error, .. } => {
                throttled(error);
                told.refused += 1;
            }
            Event::InDoubt { .. } => told.in_doubt += 1,
            Event::RetryScheduled { error, .. } => {
                throttled(error);
                told.retries += 1;
            }
            Event::OperationEnded { step, error } => {
                error.iter().for_each(&mut throttled);
                told.operations.extend(self.open.remove(step).map(|since| at.since(since)));
            }
            Event::StepSucceeded { step, .. }
            | Event::StepSkipped { step, .. }
            | Event::StepFailed { step, .. }
            | Event::StepTimedOut { step } => {
                self.ended.entry(step).or_insert(at);
            }
            _ => {}
        }
    }
}

/// When a run was begun, by the clock of the host that named it: its id begins with that.
fn begun_here(run: &RunId) -> Option<Timestamp> {
    let id = ulid::Ulid::from_string(run.as_str()).ok()?;
    i64::try_from(id.timestamp_ms()).ok().map(Timestamp::from_millis)
}

/// What is measured of a run; none before its first event.
#[must_use]
pub fn measures(state: &RunState, events: &[Recorded], view: &RunView) -> Option<RunMeasures> {
    let opened = state.opened.as_ref()?;
    let RunTruth { standing, objective, elapsed_seconds, asks, owed, .. } = view.now.as_ref()?;
    let mut steps = BTreeMap::new();
    for step in &view.steps {
        *steps.entry(step.status.as_str()).or_default() += 1;
    }
    Some(RunMeasures {
        run: view.run.clone(),
        runbook: view.runbook.clone(),
        kind: view.mode,
        standing: *standing,
        started: opened.at,
        elapsed: *elapsed_seconds,
        recovery: view.recovery(),
        succeeded_at: recovered_at(events).map(|at| match view.mode {
            // A drill's hours are its own: by this host's clock it took a second.
            RunKind::Drill => begun_here(&opened.run).unwrap_or(at),
            RunKind::Simulated | RunKind::Live => at,
        }),
        objective: opened.plan.parts().objective.rto.map(seconds),
        verdict: *objective,
        steps,
        asks: asks.len(),
        owed: owed.len(),
        people: view.people_seconds,
        told: counted(&opened.plan, events),
    })
}
