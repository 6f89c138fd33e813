//! Who may answer what people are asked, and what then? The answers at gates and decisions, and their expiry.

use super::actor::Actor;
use super::decision::{TurnContext, drill_people, refuse};
use super::event::Event;
use super::failure;
use super::questions::{gate_policy, options};
use super::record::{Phase, StepState, releases_next};
use super::refusal::CommandRefusal;
use super::skip::SkipReason;
use crate::model::{Answer, Gate, OnExpiry, Step, StepError, StepName};

/// The people of a drill come to the gate. They stand for everybody who is asked there.
pub(super) fn drill_person(turn: &mut TurnContext<'_>, name: &StepName) {
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
pub(super) fn gate_expired(turn: &mut TurnContext<'_>, name: &StepName) {
    let Some(Phase::Asking { expires_at: Some(at), .. }) = asking(turn, name) else {
        return;
    };
    if turn.now.at < at {
        return;
    }
    turn.emit(Event::GateExpired { step: name.clone() });
    let gate = turn.step(name).and_then(|step| step.action.gate());
    if let Some(decision) = gate.and_then(Gate::decision) {
        return match &decision.otherwise {
            Some(choice) => turn.emit(gate_passed(name, Some(choice.clone()))),
            None => {
                let error = StepError::rejected("gate_expired", "Nobody answered in time.");
                end_gate_badly(turn, name, error);
            }
        };
    }
    match gate.map(|gate| gate.policy().on_expiry) {
        Some(OnExpiry::Approve) => turn.emit(gate_passed(name, None)),
        Some(OnExpiry::Decline) | None => {
            let error = StepError::rejected("gate_expired", "Nobody answered in time.");
            end_gate_badly(turn, name, error);
        }
    }
}

fn gate_passed(name: &StepName, choice: Option<String>) -> Event {
    Event::StepSucceeded {
        step: name.clone(),
        outputs: choice.map(|choice| ("choice".to_owned(), choice.into())).into_iter().collect(),
        seen: Vec::new(),
    }
}

pub(super) fn asking(turn: &TurnContext<'_>, name: &StepName) -> Option<Phase> {
    let work = turn.record(name)?.work()?;
    matches!(work.phase, Phase::Asking { .. }).then(|| work.phase.clone())
}

/// Whether a word comes in time, where the end of the gate's time is not noted yet. The people of a drill have come in
/// time, by the drill's own clock.
fn in_time(turn: &TurnContext<'_>, name: &StepName, by: &Actor) -> Result<(), CommandRefusal> {
    match asking(turn, name) {
        Some(Phase::Asking { expires_at: Some(at), .. })
            if matches!(by, Actor::Person(_)) && at <= turn.now.at =>
        {
            Err(CommandRefusal::GateClosed { step: name.clone(), at })
        }
        _ => Ok(()),
    }
}

/// Nobody is asked: who comes second hears who came first.
fn not_asking(turn: &mut TurnContext<'_>, name: &StepName) {
    let record = turn.record(name);
    let answered = record.and_then(|record| record.answered.clone());
    let ended_badly = record
        .is_some_and(|own| matches!(own.state, StepState::Failed(_) | StepState::TimedOut { .. }));
    refuse(turn, CommandRefusal::NotAsking { step: name.clone(), ended_badly, answered });
}

/// Whether this person may answer this gate; the reason when not.
fn may_answer(turn: &TurnContext<'_>, step: &Step, by: &Actor) -> Result<(), CommandRefusal> {
    let (Some(policy), Actor::Person(person)) = (gate_policy(step), by) else {
        return Ok(());
    };
    let trust = turn.plan.parts().trust_names;
    let starter = turn.state.opened.as_ref().and_then(|opened| opened.by.as_ref());
    if policy.not_by_starter && starter.is_some_and(|starter| starter.is_same(person, trust)) {
        return Err(CommandRefusal::ByStarter { step: step.name.clone(), person: person.clone() });
    }
    let name = person.known_as(trust);
    let role = policy
        .role
        .as_ref()
        .and_then(|role| turn.plan.parts().roles.get(role).map(|people| (role, &people.people)));
    match role {
        Some((role, people)) if !people.is_empty() && !people.iter().any(|p| p == name) => {
            Err(CommandRefusal::NotOfRole {
                step: step.name.clone(),
                role: role.clone(),
                people: people.clone(),
                person: person.clone(),
                claimed: people.contains(&person.name),
            })
        }
        _ => Ok(()),
    }
}

/// Whether this one is among those who spoke already, for whoever counts people.
fn spoke(turn: &TurnContext<'_>, spoken: &[Actor], by: &Actor) -> bool {
    let trust = turn.plan.parts().trust_names;
    spoken.iter().any(|other| match (other, by) {
        (Actor::Person(one), Actor::Person(two)) => one.is_same(two, trust),
        (one, two) => one == two,
    })
}

/// How many different people a step takes to be passed: one, where it is no gate.
fn people_needed(step: &Step) -> usize {
    gate_policy(step).map_or(1, |gate| usize::try_from(gate.approvals).unwrap_or(usize::MAX).max(1))
}

/// Whether a person's word is the last that is needed.
pub(super) enum Passing {
    /// It is.
    Now,
    /// More people are needed; why this one would.
    NotYet(String),
}

/// The reason for going on without the answer of a gate; there has to be one.
fn with_reason<'r>(
    name: &StepName,
    reason: Option<&'r String>,
) -> Result<&'r String, CommandRefusal> {
    let said = reason.filter(|reason| !reason.trim().is_empty());
    said.ok_or_else(|| CommandRefusal::NoReason(name.clone()))
}

/// Whether this person may go on without the answer of a gate: it takes the same people, as many of
/// them, and a reason. A step that is no gate takes anybody.
pub(super) fn may_skip(
    turn: &TurnContext<'_>,
    name: &StepName,
    by: &Actor,
    reason: Option<&String>,
) -> Result<Passing, CommandRefusal> {
    let Some(step) = turn.step(name).filter(|step| gate_policy(step).is_some()) else {
        return match gate_before(turn, name) {
            Some(gate) => {
                Err(CommandRefusal::KeptByGate { step: name.clone(), gate: gate.clone() })
            }
            None => Ok(Passing::Now),
        };
    };
    may_answer(turn, step, by)?;
    let reason = with_reason(name, reason)?;
    let agreed = turn.record(name).map_or(&[][..], |record| &record.skip_agreed);
    if spoke(turn, agreed, by) {
        return Err(CommandRefusal::HasThisWord {
            step: name.clone(),
            needed: people_needed(step),
        });
    }
    match agreed.len() + 1 < people_needed(step) {
        true => Ok(Passing::NotYet(reason.clone())),
        false => Ok(Passing::Now),
    }
}

/// A gate that is not passed and that going on without this step would go around: it comes before the step,
/// or whether it is asked at all depends on how the step ends.
fn gate_before<'a>(turn: &TurnContext<'a>, name: &StepName) -> Option<&'a StepName> {
    let plan = turn.plan;
    let place = plan.place(name)?;
    let before = plan.dag().ancestors(place);
    let mut gates = plan.steps().iter().enumerate().filter(|(_, step)| gate_policy(step).is_some());
    let kept = gates.find(|(at, gate)| {
        let passed = turn.record(&gate.name).is_some_and(|record| releases_next(gate, record));
        let decides = || gate.when.as_ref().is_some_and(|when| when.steps().contains(&name));
        !passed && (before.contains(at) || decides())
    });
    kept.map(|(_, gate)| &gate.name)
}

/// A yes: with a choice, at a decision.
pub(super) fn approve(
    turn: &mut TurnContext<'_>,
    name: &StepName,
    by: Actor,
    (reason, choice): (Option<String>, Option<String>),
) {
    let (Some(Phase::Asking { failure, approved_by, choice: chosen, .. }), Some(step)) =
        (asking(turn, name), turn.step(name))
    else {
        return not_asking(turn, name);
    };
    if let Err(why) = in_time(turn, name, &by).and_then(|()| may_answer(turn, step, &by)) {
        return refuse(turn, why);
    }
    let skips = failure.is_some() && gate_policy(step).is_some();
    if skips && let Err(why) = with_reason(name, reason.as_ref()) {
        return refuse(turn, why);
    }
    let offered = options(step).filter(|_| failure.is_none());
    match (offered, &choice) {
        (None, Some(_)) => {
            return refuse(turn, CommandRefusal::NothingToChoose(name.clone()));
        }
        (Some(options), chosen)
            if !options.iter().any(|(option, _)| Some(option) == chosen.as_ref()) =>
        {
            let options = options.iter().map(|(name, _)| name.clone()).collect();
            return refuse(turn, CommandRefusal::NoSuchChoice { step: name.clone(), options });
        }
        _ => {}
    }
    if spoke(turn, &approved_by, &by) {
        return refuse(turn, CommandRefusal::HasThisYes(name.clone()));
    }
    if let Some(chosen) = chosen.filter(|chosen| choice.as_ref() != Some(chosen)) {
        return refuse(turn, CommandRefusal::ChosenOtherwise { step: name.clone(), chosen });
    }
    let needed = people_needed(step);
    let given = approved_by.len() + 1;
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
        Some(_) if given < needed && by != Actor::DrillPerson => {}
        Some(error) => {
            let why = SkipReason::Failed { code: error.code };
            turn.emit(Event::StepSkipped { step: name.clone(), why, by });
        }
    }
}

/// A no.
pub(super) fn decline(
    turn: &mut TurnContext<'_>,
    name: &StepName,
    by: Actor,
    reason: Option<String>,
) {
    let Some(Phase::Asking { failure, .. }) = asking(turn, name) else {
        return not_asking(turn, name);
    };
    if let Err(why) = in_time(turn, name, &by) {
        return refuse(turn, why);
    }
    if let Some(Err(why)) = turn.step(name).map(|step| may_answer(turn, step, &by)) {
        return refuse(turn, why);
    }
    turn.emit(Event::Declined { step: name.clone(), by, reason });
    let declined = StepError::rejected("gate_declined", "A person declined.");
    end_gate_badly(turn, name, failure.unwrap_or(declined));
}

fn end_gate_badly(turn: &mut TurnContext<'_>, name: &StepName, error: StepError) {
    turn.emit(Event::StepFailed { step: name.clone(), error });
    if let Some(step) = turn.step(name) {
        failure::after_failure(turn, step);
    }
}
