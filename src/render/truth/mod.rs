//! What is true of a run now? One answer, worked out once, that every view shows.
//!
//! Comes in: a run's state, its events, whether somebody drives it, and the time. Goes out: the headline, the
//! elapsed time against the objective, when the end is expected, what Azure is at, what comes next, and what
//! people have to do with the exact command. The time is handed in, so that what is shown ticks between
//! events; nothing here reads a clock.

mod asks;
mod at_work;
mod barred;
mod forecast;
mod headline;
#[cfg(test)]
pub(super) mod tests;
mod usual;

use serde::{Deserialize, Serialize};

use self::barred::Barred;
use super::outage::no_path;
use super::recovered::recovered_at;
use super::timeline::seconds;
use super::view::Driven;
use crate::engine::{Recorded, RunPhase, RunState, StepState};
use crate::model::{RunOutcome, StepName, StepStatus, Timestamp};
use crate::render::Ourselves;

pub use super::outage::NoPath;
pub use asks::{Ask, AskKind, AskWay};
pub use at_work::AzureWork;
pub use forecast::ExpectedEnd;
pub use headline::{Mood, RunStanding};

/// What a step asks of people now; none where it asks nothing.
#[must_use]
pub fn question(state: &RunState, step: &StepName) -> Option<Ask> {
    let plan = &state.opened.as_ref()?.plan;
    asks::of_step(state, plan, plan.step(step)?)
}

/// What is true of a run at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunTruth {
    /// Where it stands, in a word.
    pub standing: RunStanding,
    /// Where it stands, in a sentence: who is waited for, who paused it, what goes on.
    pub headline: String,
    /// The moment.
    pub at: Timestamp,
    /// From its opening to that moment, or to its end, in seconds.
    pub elapsed_seconds: f64,
    /// What that is measured against, in seconds.
    pub objective_seconds: Option<f64>,
    /// Whether that still holds.
    pub objective: ObjectiveVerdict,
    /// When its end is expected; none when it has ended.
    pub expected_end: Option<ExpectedEnd>,
    /// Steps that are done, of how many.
    pub done: (usize, usize),
    /// What Azure is at.
    pub azure: Vec<AzureWork>,
    /// That one connection is removed, and no path over the other is proven yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_path: Option<NoPath>,
    /// What comes next: the steps that may begin first.
    pub next: Vec<String>,
    /// What people have to do.
    pub asks: Vec<Ask>,
    /// What is left for people to look after.
    pub owed: Vec<String>,
}

impl RunTruth {
    /// Says how this program is called again, in every command.
    #[must_use]
    pub fn told_by(mut self, ourselves: &Ourselves) -> Self {
        for way in self.asks.iter_mut().flat_map(|ask| &mut ask.ways) {
            way.command = ourselves.whole(&way.command);
        }
        self
    }
}

/// Whether the objective of a run holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectiveVerdict {
    /// The runbook names none.
    None,
    /// Even if the rest takes long it holds.
    Holds,
    /// It holds if all goes well.
    AtRisk,
    /// It cannot hold any more: what is left takes longer at best.
    WillBeMissed,
    /// Its time has passed.
    Missed,
    /// The run recovered in time.
    Met,
    /// The run does not lead to a recovery: it is taken back, or ended otherwise.
    Abandoned,
}

impl ObjectiveVerdict {
    /// As a person says it.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::None => "the runbook names no objective",
            Self::Holds => "the objective holds",
            Self::AtRisk => "the objective is at risk",
            Self::WillBeMissed => "the objective will be missed",
            Self::Missed => "the objective is missed",
            Self::Met => "the objective was met",
            Self::Abandoned => "no recovery comes of this run",
        }
    }
}

/// What is true of a run at `now`; none before its first event.
#[must_use]
pub fn truth(
    state: &RunState,
    events: &[Recorded],
    driven: Driven,
    now: Timestamp,
) -> Option<RunTruth> {
    let opened = state.opened.as_ref()?;
    let plan = &opened.plan;
    let now = moment(state, now);
    let elapsed = now.since(opened.at);
    let azure = at_work::at_work(state, driven, now);
    let no_path = no_path(state, events);
    let barred = Barred::of(state, plan);
    let mut asks = asks::asks(state, driven, &barred, &azure, now);
    if let Some(no_path) = &no_path {
        asks.iter_mut().for_each(|ask| ask.without_a_path(*no_path));
    }
    let forecast = forecast::forecast(state, driven, &barred, now);
    let objective = verdict(state, events, elapsed, forecast.as_ref());
    let done = state
        .steps
        .values()
        .filter(|record| matches!(record.status(), StepStatus::Succeeded | StepStatus::Skipped))
        .count();
    let (standing, mut headline) =
        headline::headline(state, events, driven, &barred, &asks, &azure);
    if let Some(no_path) = no_path.filter(|_| standing.mood() == Mood::Bad) {
        headline.insert_str(
            0,
            if no_path.other_made { "no path is proven; " } else { "nothing is reachable; " },
        );
    }
    Some(RunTruth {
        standing,
        headline,
        at: now,
        elapsed_seconds: seconds(elapsed),
        objective_seconds: plan.parts().objective.rto.map(seconds),
        objective,
        expected_end: forecast
            .filter(|_| stopped(state).is_none() && barred.by.is_empty())
            .map(|forecast| forecast.view(now)),
        done: (done, plan.steps().len()),
        azure,
        no_path,
        next: next(state, &barred),
        asks,
        owed: state.obligations(),
    })
}

/// A run that has ended stays as it ended; a clock that was set back does not make it younger.
fn moment(state: &RunState, now: Timestamp) -> Timestamp {
    match state.phase {
        RunPhase::Ended { at, .. } => at,
        RunPhase::Forward
        | RunPhase::Cancelling
        | RunPhase::Undoing { .. }
        | RunPhase::Settling { .. } => state.last_at.map_or(now, |last| last.max(now)),
    }
}

fn verdict(
    state: &RunState,
    events: &[Recorded],
    elapsed: std::time::Duration,
    forecast: Option<&forecast::Forecast>,
) -> ObjectiveVerdict {
    let Some(opened) = &state.opened else { return ObjectiveVerdict::None };
    let Some(rto) = opened.plan.parts().objective.rto else { return ObjectiveVerdict::None };
    let recovered = recovered_at(events);
    let met = |at: Timestamp| match at.since(opened.at) <= rto {
        true => ObjectiveVerdict::Met,
        false => ObjectiveVerdict::Missed,
    };
    match (&state.phase, recovered) {
        (
            RunPhase::Ended { outcome: RunOutcome::Succeeded, .. }
            | RunPhase::Settling { before: RunOutcome::Succeeded },
            Some(at),
        ) => return met(at),
        (
            RunPhase::Ended { .. }
            | RunPhase::Cancelling
            | RunPhase::Undoing { .. }
            | RunPhase::Settling { .. },
            _,
        ) => {
            return ObjectiveVerdict::Abandoned;
        }
        (RunPhase::Forward, _) => {}
    }
    if elapsed > rto {
        return ObjectiveVerdict::Missed;
    }
    let left = rto.saturating_sub(elapsed);
    match forecast {
        // Nothing starts any more, and no recovery is near.
        Some(forecast) if forecast.stops => ObjectiveVerdict::AtRisk,
        Some(forecast) if forecast.low > left => ObjectiveVerdict::WillBeMissed,
        Some(forecast) if forecast.as_long_again <= left => ObjectiveVerdict::Holds,
        None | Some(_) => ObjectiveVerdict::AtRisk,
    }
}

/// The step whose failure lets nothing new start, while the run goes on for what was begun before it.
pub(super) fn stopped(state: &RunState) -> Option<&StepName> {
    let forward = matches!(state.phase, RunPhase::Forward);
    state.stopped_by.as_ref().filter(|_| forward)
}

/// The steps that may begin first: pending ones whose needs are not pending themselves, in the plan's order;
/// on the way back those that are still to be taken back.
fn next(state: &RunState, barred: &Barred) -> Vec<String> {
    const SHOWN: usize = 4;
    let Some(opened) = &state.opened else { return Vec::new() };
    let pending = |name: &StepName| {
        state.step(name).is_some_and(|record| matches!(record.state, StepState::Pending))
    };
    let steps = opened.plan.steps().iter();
    let soon = |names: Vec<String>| names.into_iter().take(SHOWN).collect();
    match &state.phase {
        RunPhase::Forward if stopped(state).is_some() => Vec::new(),
        RunPhase::Forward => soon(
            steps
                .enumerate()
                .filter(|(place, _)| !barred.places.contains(place))
                .filter(|(_, step)| pending(&step.name) && !step.needs.iter().any(pending))
                .map(|(_, step)| step.name.to_string())
                .collect(),
        ),
        RunPhase::Undoing { by } => {
            let left = steps.rev().filter(|step| {
                state
                    .step(&step.name)
                    .is_some_and(|record| record.work().is_none() && record.to_undo(step.saga, by))
            });
            soon(left.map(|step| step.name.to_string()).collect())
        }
        RunPhase::Settling { .. } => soon(
            steps
                .filter(|step| pending(&step.name) && state.owes(step))
                .map(|step| step.name.to_string())
                .collect(),
        ),
        RunPhase::Cancelling | RunPhase::Ended { .. } => Vec::new(),
    }
}
