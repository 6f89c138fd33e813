//! What did not go as the runbook says? Refusals, retries, skips, waivers, anomalies, drift.

use std::time::Duration;

use super::moment::by_the_clock;
use super::view::Deviation;
use crate::engine::{Actor, Event, Recorded};
use crate::model::{Plan, StepError, StepName, Timestamp};
use crate::render::recovered_at;
use crate::render::split::end;
use crate::render::step_words::ALREADY_SO;
use crate::render::style::clock;
use crate::render::typical::typical;
use crate::render::view::RunView;

/// How much longer than nine in ten a step may take before that is an anomaly: looks and polls take a
/// while of their own.
const LATE: Duration = Duration::from_secs(30);

/// The kind of what was tried again.
const RETRY: &str = "retry";

/// Everything that departed from the runbook, in order.
pub(super) fn departures(
    view: &RunView,
    events: &[Recorded],
    plan: &Plan,
    opened: Timestamp,
) -> Vec<Deviation> {
    let mut found = Departures { opened, all: Vec::new(), last_error: None };
    let mut claims = 0;
    for Recorded { at, event, .. } in events {
        if let Event::RunClaimed { .. } = event {
            claims += 1;
        }
        let step = event.step().map(StepName::as_str);
        if let Event::RetryScheduled { error, .. } = event
            && found.goes_on(*at, step, error)
        {
            continue;
        }
        if let Some((kind, what)) = departure(event, claims) {
            found.add(*at, kind, step, what);
            found.last_error = error_of(event).cloned();
        }
    }
    of_steps(&mut found, view, events, plan);
    let recovered = recovered_at(events).is_some();
    if let (Some(objective), Some(end), true) = (plan.parts().objective.rto, end(events), recovered)
        && end.since(opened) > objective
    {
        let allowed = clock(objective);
        found.add(
            end,
            "objective",
            None,
            format!("the recovery took longer than the {allowed} that are allowed"),
        );
    }
    found.all.sort_by_key(|(at, _)| *at);
    found.all.into_iter().map(|(_, deviation)| deviation).collect()
}

/// Steps that found what they wanted, or took longer than usual.
fn of_steps(found: &mut Departures, view: &RunView, events: &[Recorded], plan: &Plan) {
    for step in &view.steps {
        let Some(ended) = step.ended_at else { continue };
        if step.change.as_deref() == Some(ALREADY_SO) {
            found.add(
                ended,
                "drift",
                Some(&step.name),
                "it was as wanted already: nothing was written".to_owned(),
            );
        }
        let own = plan.steps().iter().find(|own| own.name.as_str() == step.name);
        let usual = own.and_then(|own| typical(&own.action));
        // Until it had succeeded: what was taken back later took its time by itself.
        if let (Some(usual), Some((began, ended))) = (usual, doing(events, &step.name))
            && ended.since(began) > usual.to + LATE
        {
            let (took, most) = (clock(ended.since(began)), clock(usual.to));
            let what = format!("it took {took}; seldom more than {most}");
            found.add(ended, "anomaly", Some(&step.name), what);
        }
    }
}

/// What was found so far, each with when it was.
struct Departures {
    opened: Timestamp,
    all: Vec<(Timestamp, Deviation)>,
    /// What the last of them was about, where no retry follows from it yet.
    last_error: Option<StepError>,
}

impl Departures {
    fn add(&mut self, at: Timestamp, kind: &str, step: Option<&str>, what: String) {
        let deviation = Deviation {
            at: clock(at.since(self.opened)),
            when: by_the_clock(at),
            kind: kind.to_owned(),
            step: step.map(str::to_owned),
            what,
        };
        self.all.push((at, deviation));
    }

    /// A failure and the retry that follows from it at once are one thing; tells whether they were.
    fn goes_on(&mut self, at: Timestamp, step: Option<&str>, error: &StepError) -> bool {
        let Some((before, last)) = self.all.last_mut() else { return false };
        // What is known of it besides may have been added since.
        let same =
            |before: &StepError| (&before.code, &before.message) == (&error.code, &error.message);
        if (*before, last.step.as_deref()) != (at, step)
            || !self.last_error.as_ref().is_some_and(same)
        {
            return false;
        }
        RETRY.clone_into(&mut last.kind);
        last.what.push_str("; tried again");
        self.last_error = None;
        true
    }
}

/// What an event that tells of a failure tells of.
fn error_of(event: &Event) -> Option<&StepError> {
    match event {
        Event::Refused { error, .. }
        | Event::InDoubt { error, .. }
        | Event::OperationEnded { error: Some(error), .. }
        | Event::RetryScheduled { error, .. }
        | Event::StepFailed { error, .. }
        | Event::StepUndoFailed { error, .. } => Some(error),
        _ => None,
    }
}

/// From when to when a step was done, if it was: from its first attempt to its first success.
pub(super) fn doing(events: &[Recorded], name: &str) -> Option<(Timestamp, Timestamp)> {
    let own =
        |recorded: &&Recorded| recorded.event.step().is_some_and(|step| step.as_str() == name);
    let when = |wanted: fn(&Event) -> bool| {
        events.iter().filter(own).find(|recorded| wanted(&recorded.event)).map(|found| found.at)
    };
    when(|event| matches!(event, Event::StepStarted { .. }))
        .zip(when(|event| matches!(event, Event::StepSucceeded { .. })))
}

/// Its kind and what it was; none for what is as it should be.
fn departure(event: &Event, claims: u32) -> Option<(&'static str, String)> {
    Some(match event {
        Event::Refused { error, .. } => ("refusal", format!("a write was refused: {error}")),
        Event::InDoubt { error, .. } => {
            ("doubt", format!("whether a write had landed was not known: {error}"))
        }
        Event::OperationEnded { error: Some(error), .. } => {
            ("failure", format!("Azure's work failed: {error}"))
        }
        Event::RetryScheduled { error, .. } => (RETRY, format!("tried again after: {error}")),
        Event::StepFailed { error, .. } => ("failure", format!("failed: {error}")),
        Event::StepTimedOut { .. } => ("failure", "its time was up".to_owned()),
        Event::StepHeld { why, .. } => ("held", why.clone()),
        Event::StepSkipped { by, why, .. } if *by != Actor::Engine => ("skip", why.to_string()),
        Event::GateExpired { .. } => ("people", "nobody answered in time".to_owned()),
        Event::Declined { .. } => ("people", "declined".to_owned()),
        Event::StepUndoFailed { error, .. } => {
            ("failure", format!("could not be taken back: {error}"))
        }
        Event::Waived { rule, finding, .. } => ("waiver", format!("{rule} was waived: {finding}")),
        Event::SourceDown { why, .. } => {
            ("region", format!("the source region is out of reach: {why}"))
        }
        Event::DeadlinePassed {} => ("deadline", "the run's deadline passed".to_owned()),
        Event::JournalAway { since } => {
            ("process", format!("nothing could be recorded since {since}"))
        }
        Event::Paused { .. } => ("people", "the run was paused".to_owned()),
        Event::CancelRequested { by, reason } if *by != Actor::Engine => {
            let why = reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            ("people", format!("it was cancelled{why}"))
        }
        Event::UndoRequested { by, reason } if *by != Actor::Engine => {
            let why = reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            ("people", format!("it was taken back{why}"))
        }
        Event::RunClaimed { holder, .. } if claims > 1 => {
            ("process", format!("the process had ended; {holder} took the run up"))
        }
        _ => return None,
    })
}
