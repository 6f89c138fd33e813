//! What are people asked, and who may answer? Gates and decisions, their answers and their expiry.

use super::event::{Actor, Event};
use super::people::refuse;
use super::state::Phase;
use super::turn::{Effect, Timer, Turning, drill_people};
use crate::model::action::General;
use crate::model::{Action, Answer, GatePolicy, OnExpiry, Step, StepError, StepName, Timestamp};

/// Opens a gate and sets its timers.
pub(super) fn open_gate(
    turn: &mut Turning<'_>,
    name: &StepName,
    question: String,
    expires_at: Option<Timestamp>,
    failure: Option<StepError>,
) {
    turn.emit(Event::GateOpened { step: name.clone(), question, expires_at, failure });
    arm_gate(turn, name, turn.now.at, expires_at);
}

/// Sets the timers of a gate that opened at `since`.
pub(super) fn arm_gate(
    turn: &mut Turning<'_>,
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

/// The people of a drill come to the gate. They stand for everybody who is asked there.
pub(super) fn drill_person(turn: &mut Turning<'_>, name: &StepName) {
    let Some(people) = drill_people(turn) else {
        return;
    };
    // Somebody else was quicker, or the gate closed.
    if asking(turn, name).is_none() {
        return;
    }
    match people.answer {
        Answer::Approve => {
            let choice = turn.step(name).and_then(|step| options(step)).and_then(|options| {
                let wanted = people.choices.get(name.as_str());
                let known = |wanted: &&String| options.iter().any(|(option, _)| option == *wanted);
                wanted.filter(known).or_else(|| options.first().map(|(first, _)| first)).cloned()
            });
            approve(turn, name, Actor::DrillPerson, (None, choice));
        }
        Answer::Decline => decline(turn, name, Actor::DrillPerson, None),
        Answer::Absent => {}
    }
}

/// Whether the people of a drill with this plan stay away.
pub(super) fn nobody_comes(plan: &crate::model::Plan) -> bool {
    plan.parts().people.as_ref().is_some_and(|people| people.answer == Answer::Absent)
}

/// Nobody came to the gate.
pub(super) fn gate_expired(turn: &mut Turning<'_>, name: &StepName) {
    let Some(Phase::Asking { expires_at: Some(at), .. }) = asking(turn, name) else {
        return;
    };
    if turn.now.at < at {
        return;
    }
    turn.emit(Event::GateExpired { step: name.clone() });
    if let Some(Action::General(General::Decision(decision))) =
        turn.step(name).map(|step| &step.action)
    {
        return match &decision.otherwise {
            Some(choice) => turn.emit(gate_passed(name, Some(choice.clone()))),
            None => {
                let error = StepError::rejected("gate_expired", "Nobody answered in time.");
                end_gate_badly(turn, name, error);
            }
        };
    }
    let policy = turn.step(name).and_then(gate_policy);
    match policy.map(|policy| policy.on_expiry) {
        Some(OnExpiry::Approve) => turn.emit(gate_passed(name, None)),
        Some(OnExpiry::Decline) | None => {
            let error = StepError::rejected("gate_expired", "Nobody answered in time.");
            end_gate_badly(turn, name, error);
        }
    }
}

/// The gate that a step is, if it is one.
pub(super) fn gate_policy(step: &Step) -> Option<&GatePolicy> {
    match &step.action {
        Action::General(General::Approval(policy) | General::Manual(policy)) => Some(policy),
        Action::General(General::Decision(policy)) => Some(&policy.gate),
        _ => None,
    }
}

/// What is asked at a gate; a decision says what there is to choose from.
pub(super) fn question(step: &Step, policy: &GatePolicy) -> String {
    let Some(options) = options(step) else {
        return policy.question.clone();
    };
    // A line for each: how a text was broken in the runbook does not matter.
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let ways = options.iter().map(|(name, means)| format!("{name}: {}", flat(means)));
    std::iter::once(flat(&policy.question)).chain(ways).collect::<Vec<_>>().join("\n")
}

/// The options of a decision.
fn options(step: &Step) -> Option<&[(String, String)]> {
    match &step.action {
        Action::General(General::Decision(policy)) => Some(&policy.options),
        _ => None,
    }
}

fn gate_passed(name: &StepName, choice: Option<String>) -> Event {
    Event::StepSucceeded {
        step: name.clone(),
        outputs: choice.map(|choice| ("choice".to_owned(), choice.into())).into_iter().collect(),
        seen: Vec::new(),
    }
}

pub(super) fn asking(turn: &Turning<'_>, name: &StepName) -> Option<Phase> {
    let work = turn.record(name)?.work()?;
    matches!(work.phase, Phase::Asking { .. }).then(|| work.phase.clone())
}

/// Whether this person may answer this gate; the reason when not.
fn may_answer(turn: &Turning<'_>, step: &Step, by: &Actor) -> Result<(), String> {
    let (Some(policy), Actor::Person(name)) = (gate_policy(step), by) else {
        return Ok(());
    };
    let starter = turn.state.opened.as_ref().and_then(|opened| opened.by.as_ref());
    if policy.not_by_starter && starter == Some(name) {
        return Err(format!(
            "Step `{}` is not to be answered by {name}, who started the run.",
            step.name
        ));
    }
    let role = policy
        .role
        .as_ref()
        .and_then(|role| turn.plan.parts().roles.get(role).map(|people| (role, &people.people)));
    match role {
        Some((role, people)) if !people.is_empty() && !people.contains(name) => Err(format!(
            "Step `{}` is answered by {role} ({}), and {name} is none of them.",
            step.name,
            people.join(", ")
        )),
        _ => Ok(()),
    }
}

/// A yes: with a choice, at a decision.
pub(super) fn approve(
    turn: &mut Turning<'_>,
    name: &StepName,
    by: Actor,
    (reason, choice): (Option<String>, Option<String>),
) {
    let (Some(Phase::Asking { failure, approved_by, .. }), Some(step)) =
        (asking(turn, name), turn.step(name))
    else {
        return refuse(turn, format!("Step `{name}` is not asking for an approval."));
    };
    if let Err(why) = may_answer(turn, step, &by) {
        return refuse(turn, why);
    }
    let offered = options(step).filter(|_| failure.is_none());
    match (offered, &choice) {
        (None, Some(_)) => {
            return refuse(turn, format!("Step `{name}` leaves nothing to choose."));
        }
        (Some(options), chosen)
            if !options.iter().any(|(option, _)| Some(option) == chosen.as_ref()) =>
        {
            let names: Vec<&str> = options.iter().map(|(name, _)| name.as_str()).collect();
            let names = names.join(", ");
            return refuse(turn, format!("Step `{name}` asks for a choice: one of {names}."));
        }
        _ => {}
    }
    if approved_by.contains(&by) {
        return refuse(turn, format!("Step `{name}` has this person's yes already."));
    }
    let needed = gate_policy(step).filter(|_| failure.is_none()).map_or(1, |gate| gate.approvals);
    let given = u32::try_from(approved_by.len()).unwrap_or(u32::MAX).saturating_add(1);
    turn.emit(Event::Approved {
        step: name.clone(),
        by: by.clone(),
        choice: choice.clone(),
        reason,
    });
    match failure {
        // The people of a drill stand for everybody.
        None if given >= needed || by == Actor::DrillPerson => {
            turn.emit(gate_passed(name, choice));
        }
        None => {}
        Some(error) => {
            let why =
                format!("it failed ({}) and a person decided to go on without it", error.code);
            turn.emit(Event::StepSkipped { step: name.clone(), why, by });
        }
    }
}

/// A no.
pub(super) fn decline(turn: &mut Turning<'_>, name: &StepName, by: Actor, reason: Option<String>) {
    let Some(Phase::Asking { failure, .. }) = asking(turn, name) else {
        return refuse(turn, format!("Step `{name}` is not asking for an approval."));
    };
    if let Some(Err(why)) = turn.step(name).map(|step| may_answer(turn, step, &by)) {
        return refuse(turn, why);
    }
    turn.emit(Event::Declined { step: name.clone(), by, reason });
    let declined = StepError::rejected("gate_declined", "A person declined.");
    end_gate_badly(turn, name, failure.unwrap_or(declined));
}

fn end_gate_badly(turn: &mut Turning<'_>, name: &StepName, error: StepError) {
    turn.emit(Event::StepFailed { step: name.clone(), error });
    if let Some(step) = turn.step(name) {
        super::attempt::after_failure(turn, step);
    }
}
