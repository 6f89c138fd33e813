//! What when a step that fails leaves its resource Failed? It writes it again as it stands, once, and fails then.
//!
//! Azure takes no authorization, peering or connection of a circuit that is Failed, so that a raise that Azure began
//! and could not carry out would take the rest of the failover with it. The step looks first: a circuit that is well
//! is not written. Its write goes the way of every other, the intent durable before it is sent.

use super::decision::{Effect, TurnContext};
use super::event::Event;
use super::record::{Direction, MendedCircuit, StepState};
use crate::model::{Action, ResourceId, Step, StepError};

/// What Azure says of a reference to a resource that is not done; passing, but where it has failed.
const NOT_PROVISIONED: &str = "ReferencedResourceNotProvisioned";

/// How Azure says of it that it has failed.
const IN_FAILED_STATE: &str = "in Failed state";

/// What is to become of a step that fails.
pub(super) enum FailingStep {
    /// It ends so.
    Ends(StepError),
    /// It looks whether it left its resource Failed.
    Mends,
}

/// Whether the step looks first at what it left, and how it ends where it has done so.
pub(super) fn judged(turn: &mut TurnContext<'_>, step: &Step, error: StepError) -> FailingStep {
    let Some(record) = turn.record(&step.name) else { return FailingStep::Ends(error) };
    if let Some(mending) = &record.mending {
        let why = format!("What it left could not be written again: {}", error.message);
        return FailingStep::Ends(mending.failed.clone().caused_by(why));
    }
    let leaves_failed = matches!(step.action, Action::Bandwidth(_) | Action::Tier(_));
    if !leaves_failed || !record.touched || record.work().is_none() || turn.draining() {
        return FailingStep::Ends(error);
    }
    let attempt = record.attempt + 1;
    turn.emit(Event::StepMending { step: step.name.clone(), error });
    turn.emit(Event::StepStarted { step: step.name.clone(), attempt });
    let ticket = turn.ticket(&step.name);
    turn.effect(Effect::Observe(ticket, Direction::Forward));
    FailingStep::Mends
}

/// How the step ends now that its resource is well; none where it is not at that.
pub(super) fn mended(turn: &TurnContext<'_>, step: &Step) -> Option<StepError> {
    let mending = mending(turn, step)?;
    let failed = mending.failed.clone();
    let what = named(step);
    Some(match mending.written {
        true => failed.caused_by(format!(
            "It left {what} in state Failed, and has written it again as it stood: {what} is well."
        )),
        false => failed,
    })
}

/// How the step ends where its resource is Failed although it was written again; none where it was not.
pub(super) fn stays_failed(turn: &TurnContext<'_>, step: &Step) -> Option<StepError> {
    let mending = mending(turn, step).filter(|mending| mending.written)?;
    Some(mending.failed.clone().caused_by(format!(
        "It left {} in state Failed, also after it wrote it again as it stood: nothing of it can be changed before such \
         a write succeeds.",
        named(step)
    )))
}

fn mending<'a>(turn: &'a TurnContext<'_>, step: &Step) -> Option<&'a MendedCircuit> {
    turn.record(&step.name)?.mending.as_ref()
}

fn named(step: &Step) -> String {
    step.action.written().map_or_else(|| step.name.to_string(), |id| id.name().to_owned())
}

/// Why no waiting helps where Azure says that what a write names has failed: no step is left that writes it.
pub(super) fn nobody_mends(
    turn: &TurnContext<'_>,
    step: &Step,
    error: &StepError,
) -> Option<String> {
    if error.code != NOT_PROVISIONED || !error.message.contains(IN_FAILED_STATE) {
        return None;
    }
    let own = step.action.written()?;
    let failed: Vec<ResourceId> =
        named_in(&error.message).filter(|id| !id.is_within(own) && !own.is_within(id)).collect();
    let writes = |other: &&Step| {
        let open = turn.record(&other.name).is_some_and(|record| {
            matches!(record.state, StepState::Pending | StepState::Working(_))
        });
        let written = other.action.written().filter(|_| open && other.name != step.name);
        written.is_some_and(|id| {
            failed.iter().any(|failed| id.is_within(failed) || failed.is_within(id))
        })
    };
    if failed.is_empty() || turn.plan.steps().iter().any(|other| writes(&other)) {
        return None;
    }
    let names: Vec<&str> = failed.iter().map(ResourceId::name).collect();
    Some(format!(
        "{} has failed, and nothing of this run writes it again: no waiting mends that. Write it again as it is \
         (an update that changes nothing), and retry this step.",
        names.join(", ")
    ))
}

/// The resources that a text names.
pub(super) fn named_in(said: &str) -> impl Iterator<Item = ResourceId> {
    let words = said.split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | ','));
    words.filter_map(|word| ResourceId::parse(word.trim_end_matches(['.', ';', ':'])).ok())
}
