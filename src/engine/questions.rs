//! When are people asked, and what? Gates as they open, with their timers.

use super::decision::{Effect, Timer, TurnContext, drill_people};
use super::event::Event;
use crate::model::{Answer, Gate, GatePolicy, Step, StepError, StepName, Timestamp};

/// Opens a gate and sets its timers.
pub(super) fn open_gate(
    turn: &mut TurnContext<'_>,
    name: &StepName,
    question: String,
    expires_at: Option<Timestamp>,
    failure: Option<StepError>,
) {
    turn.emit(Event::GateOpened { step: name.clone(), question, expires_at, failure });
    arm_gate(turn, name, turn.now.at, expires_at);
}

/// Asks what the step asks, if it is a gate.
pub(super) fn ask(turn: &mut TurnContext<'_>, step: &Step) {
    let Some(policy) = gate_policy(step) else { return };
    let expires_at = policy.expires_after.map(|after| turn.now.at + after);
    open_gate(turn, &step.name, question(step, policy), expires_at, None);
}

/// Asks what shall become of a step that ended without its goal.
pub(super) fn ask_about(turn: &mut TurnContext<'_>, step: &Step, how: &str, error: StepError) {
    let question = format!(
        "Step `{}` {how}: {} Approve to go on without it, decline to stop, or retry it.",
        step.name, error.message
    );
    open_gate(turn, &step.name, question, None, Some(error));
}

/// Sets the timers of a gate that opened at `since`.
pub(super) fn arm_gate(
    turn: &mut TurnContext<'_>,
    name: &StepName,
    since: Timestamp,
    expires_at: Option<Timestamp>,
) {
    if let Some(at) = expires_at {
        turn.effect(Effect::WakeAt(Timer::Gate(name.clone()), at));
    }
    if let Some(people) = drill_people(turn)
        && people.answer != Answer::Absent
    {
        turn.effect(Effect::WakeAt(Timer::Person(name.clone()), since + people.answer_after));
    }
}

/// The gate that a step is, if it is one.
pub(super) fn gate_policy(step: &Step) -> Option<&GatePolicy> {
    step.action.gate().map(Gate::policy)
}

/// What is asked at a gate; a decision says what there is to choose from.
fn question(step: &Step, policy: &GatePolicy) -> String {
    let Some(options) = options(step) else {
        return policy.question.clone();
    };
    // A line for each: how a text was broken in the runbook does not matter.
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let ways = options.iter().map(|(name, means)| format!("{name}: {}", flat(means)));
    std::iter::once(flat(&policy.question)).chain(ways).collect::<Vec<_>>().join("\n")
}

/// The options of a decision.
pub(super) fn options(step: &Step) -> Option<&[(String, String)]> {
    step.action.gate().and_then(Gate::decision).map(|decision| decision.options.as_slice())
}
