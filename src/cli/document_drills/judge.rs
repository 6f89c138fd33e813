//! How did a drill end? What the executor did in it, in a word and a sentence.

use std::time::Duration;

use super::super::error::CliError;
use super::good_day::GoodDay;
use crate::drill::{DrillError, Drilled};
use crate::engine::{Ending, Event, Recorded, RunState, StepRecord, StepState};
use crate::model::{RunOutcome, StepName};
use crate::render::document::material::{Cell, DrillStop, Handling};
use crate::render::view::RunView;
use crate::sim::Strikes;

/// The cell of a drill in which nothing of what was to go wrong did: no step meets it.
pub(super) fn not_met(
    played: &Result<Drilled, DrillError>,
    own: impl FnOnce(Vec<Strikes>) -> Vec<Strikes>,
) -> Option<Cell> {
    let played = played.as_ref().ok()?;
    let own = own(played.world.strikes());
    let idle = !own.is_empty() && own.iter().all(|one| one.struck == 0);
    idle.then(|| Cell { handling: Handling::NotMet, text: String::new() })
}

/// The last so many that are no bad days: those of a drill stand behind the world's own.
pub(super) fn last(all: Vec<Strikes>, count: usize) -> Vec<Strikes> {
    let faults: Vec<Strikes> = all.into_iter().filter(|one| !one.is_day).collect();
    let from = faults.len().saturating_sub(count);
    faults.into_iter().skip(from).collect()
}

pub(super) fn folded(played: &Drilled) -> Result<RunState, CliError> {
    RunState::fold(&played.events).map_err(|error| {
        CliError::refused("The drill for the document does not make sense.").because(&error)
    })
}

pub(super) const DIFFERS: &str = "the run says that it succeeded, and the world is another";

pub(super) fn judge(
    played: Result<Drilled, DrillError>,
    good: &GoodDay,
    at: Option<&StepName>,
) -> Cell {
    let unhandled = |text: String| Cell { handling: Handling::Unhandled, text };
    let played = match played {
        Ok(played) => played,
        Err(error) => return unhandled(error.to_string().trim_end_matches('.').to_owned()),
    };
    let Ok(state) = folded(&played) else {
        return unhandled("its journal does not make sense".to_owned());
    };
    let record = at.and_then(|name| state.step(name));
    match played.ending {
        Ending::Ended(RunOutcome::Succeeded) => {
            if let Some(step) = gone_on_without(&played.events, &state) {
                let text = format!("asks at {step}, and goes on without it at a yes");
                return Cell { handling: Handling::Asks, text };
            }
            if played.world.comparable() != good.world.comparable()
                && state.obligations().is_empty()
            {
                return unhandled(DIFFERS.to_owned());
            }
            let later = played.now.since(good.end);
            Cell { handling: Handling::Recovers, text: recovered(record, later) }
        }
        Ending::Ended(RunOutcome::Undone) => {
            Cell { handling: Handling::Undoes, text: "everything is put back".to_owned() }
        }
        Ending::Ended(outcome) => match why(&state, at) {
            Some(why) => Cell { handling: Handling::Stops, text: why },
            None => unhandled(format!("it ended {outcome}, and no step says why")),
        },
        Ending::Waiting(steps) => {
            let names: Vec<String> = steps.iter().map(ToString::to_string).collect();
            Cell { handling: Handling::Asks, text: format!("waits at {}", names.join(", ")) }
        }
        Ending::Interrupted => unhandled("it was interrupted".to_owned()),
    }
}

/// The first step whose failure a person was asked about, and that was gone on without.
fn gone_on_without<'e>(events: &'e [Recorded], state: &RunState) -> Option<&'e StepName> {
    events.iter().find_map(|recorded| match &recorded.event {
        Event::GateOpened { step, failure: Some(_), .. } => {
            let left = state.step(step).map(|record| &record.state);
            matches!(left, Some(StepState::Skipped { .. })).then_some(step)
        }
        _ => None,
    })
}

fn recovered(record: Option<&StepRecord>, later: Duration) -> String {
    let mut parts = Vec::new();
    if let Some(record) = record {
        let again = record.attempt.saturating_sub(1) + record.refusals;
        match again {
            0 => {}
            1 => parts.push("tried again".to_owned()),
            n => parts.push(format!("tried again {n} times")),
        }
    }
    match later.as_secs() {
        0 => {}
        seconds if seconds < 120 => parts.push(format!("{seconds} s later")),
        seconds => parts.push(format!("{} min later", (seconds + 30) / 60)),
    }
    parts.join(", ")
}

/// Where a drill on a good day stopped, unless it did what its runbook is for.
pub(super) fn stopped(ending: &Ending, state: &RunState, view: &RunView) -> Option<DrillStop> {
    let (how, step) = match ending {
        Ending::Ended(RunOutcome::Succeeded) => return None,
        Ending::Ended(RunOutcome::Failed) => ("FAILED".to_owned(), culprit(state)),
        Ending::Ended(RunOutcome::Undone) => {
            ("FAILED and put everything back".to_owned(), culprit(state))
        }
        Ending::Ended(outcome) => (format!("ended {outcome}"), culprit(state)),
        Ending::Waiting(steps) => ("waits for people".to_owned(), steps.first().cloned()),
        Ending::Interrupted => ("was interrupted".to_owned(), None),
    };
    let seen =
        step.as_ref().and_then(|name| view.steps.iter().find(|seen| seen.name == name.as_str()));
    let why = seen.and_then(|seen| seen.why.clone().or_else(|| seen.question.clone()));
    Some(DrillStop { how, step, why })
}

/// The step that stopped a run.
fn culprit(state: &RunState) -> Option<StepName> {
    let failed = state.steps.iter().find(|(_, record)| {
        let left = &record.state;
        matches!(left, StepState::Failed(_) | StepState::TimedOut { .. } | StepState::Held { .. })
    });
    state.stopped_by.clone().or_else(|| failed.map(|(name, _)| name.clone()))
}

/// What stopped a run, in a few words; the step is not named where it is the one that met it.
fn why(state: &RunState, at: Option<&StepName>) -> Option<String> {
    let first = state.stopped_by.as_ref().and_then(|name| state.steps.get_key_value(name));
    first.into_iter().chain(&state.steps).find_map(|(name, record)| {
        let what = match &record.state {
            StepState::Failed(error) => error.code.clone(),
            StepState::TimedOut { .. } => "time is up".to_owned(),
            StepState::Held { why } => why.clone(),
            _ => return None,
        };
        Some(if at == Some(name) { what } else { format!("{name}: {what}") })
    })
}
