//! What is there to know about each step, and about the gates among them?

use std::collections::BTreeMap;
use std::time::Duration;

use super::material::Material;
use super::numbered::Numbered;
use super::only::only;
use super::schedule::Schedule;
use super::view::{
    CommandView, GateView, MeanwhileView, OptionView, StepLink, StepPart, TroubleView, UndoView,
    WindowView,
};
use super::{usual, words};
use crate::model::{Action, OnFailure, Plan, SagaClass, Step};
use crate::render::by_hand::{self, Guide, Line, Trouble};
use crate::render::outage::window;

/// The gate of a step, if people answer at it.
pub(super) fn gate(step: &Step, link: &StepLink) -> Option<GateView> {
    let found = match step.action.gate() {
        Some(found) => found,
        None if step.on_failure == OnFailure::Ask => {
            return Some(GateView {
                step: link.clone(),
                kind: "failure".to_owned(),
                question: "If this step fails: try again, go on without it, undo, or stop?"
                    .to_owned(),
                who: "Anybody who has the runbook in hand.".to_owned(),
                silence: "It stays open until somebody answers.".to_owned(),
                options: Vec::new(),
            });
        }
        None => return None,
    };
    let (kind, gate, decision) = (found.kind(), found.policy(), found.decision());
    let options = decision.map(|decision| decision.options.as_slice()).unwrap_or_default();
    Some(GateView {
        step: link.clone(),
        kind: kind.to_owned(),
        question: gate.question.clone(),
        who: words::who(gate),
        silence: words::silence(gate, decision),
        options: options
            .iter()
            .map(|(name, meaning)| OptionView { name: name.clone(), meaning: meaning.clone() })
            .collect(),
    })
}

pub(super) fn window_view(
    numbered: &Numbered<'_>,
    schedule: &Schedule,
    drilled: Option<f64>,
) -> Option<WindowView> {
    let window = window(numbered.plan)?;
    let (opens, closes) = (schedule.slots[window.opens], schedule.slots[window.closes]);
    Some(WindowView {
        opens: numbered.links[window.opens].clone(),
        closes: numbered.links[window.closes].clone(),
        usual: words::time(closes.end.saturating_sub(opens.start)),
        drilled: drilled.map(|value| words::time(words::seconds(value))),
    })
}

fn commands(lines: Vec<Line>) -> Vec<CommandView> {
    lines.into_iter().map(|line| CommandView { note: line.note, command: line.command }).collect()
}

/// What a shell is told once, where a step needs it.
pub(super) fn typed_first(plan: &Plan) -> Option<CommandView> {
    let needs = |step: &Step| {
        by_hand::guide(step, &plan.parts().secrets).act.iter().any(by_hand::Line::keeps)
    };
    let Line { note, command } = by_hand::typed_first();
    plan.steps().iter().any(needs).then_some(CommandView { note, command })
}

/// What is said of most steps of a plan.
pub(super) fn usual(plan: &Plan, of: impl Fn(&Step) -> String) -> String {
    most(plan.steps().iter().map(of))
}

/// How most of what a plan writes is taken back.
pub(super) fn usual_undo(plan: &Plan) -> String {
    most(plan.steps().iter().filter(|step| step.action.written().is_some()).map(words::undo))
}

fn most(texts: impl Iterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let most = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
    most.map(|(text, _)| text).unwrap_or_default()
}

pub(super) fn troubles(list: impl IntoIterator<Item = Trouble>) -> Vec<TroubleView> {
    list.into_iter()
        .map(|trouble| TroubleView { sign: trouble.sign.to_owned(), then: trouble.then.to_owned() })
        .collect()
}

/// Every step of a part.
pub(super) fn parts(
    material: &Material,
    numbered: &Numbered<'_>,
    schedule: &Schedule,
) -> Vec<StepPart> {
    let window = window(numbered.plan);
    let mut said: Vec<(Vec<TroubleView>, StepLink)> = Vec::new();
    let mut all: Vec<StepPart> = numbered
        .steps()
        .map(|(place, step, link)| {
            let guide = by_hand::guide(step, &numbered.plan.parts().secrets);
            let within = window.as_ref().map_or("", |window| match place {
                place if place == window.opens => "opens",
                place if place == window.closes => "closes",
                place if window.inside.contains(&place) => "inside",
                _ => "",
            });
            part(material, numbered, (place, step, link), guide, (within, schedule))
        })
        .collect();
    for (own, (_, _, link)) in all.iter_mut().zip(numbered.steps()) {
        match said.iter().find(|(trouble, _)| *trouble == own.trouble) {
            Some((_, first)) => own.trouble_as = Some(first.clone()),
            None if own.trouble.is_empty() => {}
            None => said.push((own.trouble.clone(), link.clone())),
        }
    }
    all
}

fn part(
    material: &Material,
    numbered: &Numbered<'_>,
    (place, step, link): (usize, &Step, &StepLink),
    guide: Guide,
    (within, schedule): (&str, &Schedule),
) -> StepPart {
    let drilled = drilled(material, step);
    let is_gate = step.action.gate().is_some();
    StepPart {
        number: link.number.clone(),
        name: link.name.clone(),
        title: link.title.clone(),
        anchor: link.anchor.clone(),
        action: step.action.name().to_owned(),
        kind: words::kind(&step.action).to_owned(),
        gate: gate(step, link).filter(|_| is_gate),
        pivot: step.saga == SagaClass::Pivot,
        window: within.to_owned(),
        critical: schedule.path.contains(&place),
        needs: numbered
            .plan
            .dag()
            .needs(place)
            .iter()
            .map(|need| numbered.links[*need].clone())
            .collect(),
        why: step.prose.why.clone(),
        changes: words::changes(&step.action),
        resource: step.action.subject().map(ToString::to_string),
        usual: usual::phrase(&step.action),
        usual_short: usual_short(material, step),
        drilled,
        meanwhile: meanwhile(numbered, place, &guide),
        good: guide.good,
        looks_good: step.prose.looks_good.clone(),
        portal: guide.portal,
        act: commands(guide.act),
        check: commands(guide.check),
        by_hand: step.prose.by_hand.clone(),
        call: step.prose.call.clone(),
        trouble: troubles(guide.wrong),
        trouble_as: None,
        on_failure: words::on_failure(step),
        on_failure_as_usual: words::on_failure(step) == usual(numbered.plan, words::on_failure),
        retry: words::retry(&step.retry),
        retry_as_usual: words::retry(&step.retry)
            == usual(numbered.plan, |step| words::retry(&step.retry)),
        timeout: time_allowed(step),
        when: step.when.as_ref().map(ToString::to_string),
        only: only(step, numbered),
        ensure: step.ensure.iter().map(ToString::to_string).collect(),
        owes: step.owes.clone(),
        undo: undo_text(step, &guide.undo_note),
        undo_said: step.action.written().is_some()
            || matches!(step.action, Action::Verify(_) | Action::General(_)),
        undo_commands: commands(guide.undo),
    }
}

/// What is done while a step goes on that another shell can begin as well.
fn meanwhile(numbered: &Numbered<'_>, place: usize, guide: &Guide) -> Option<MeanwhileView> {
    let elsewhere = !guide.act.iter().any(Line::sets_a_variable);
    numbered.meanwhile(place).filter(|_| elsewhere)
}

/// When a step began in the drill, and how long it took there.
fn seen_in_drill(material: &Material, step: &Step) -> Option<(Duration, Duration)> {
    let drill = material.drill.as_ref()?;
    let seen = drill.run.steps.iter().find(|seen| seen.name == step.name.as_str())?;
    let (from, to) = (seen.start_seconds?, seen.end_seconds?);
    Some((words::seconds(from), words::seconds(to - from)))
}

/// How long the drill took for a step, and when.
fn drilled(material: &Material, step: &Step) -> Option<String> {
    let (began, took) = seen_in_drill(material, step)?;
    Some(format!("{}, begun {} after the start", words::time(took), words::time(began)))
}

/// How long a step usually takes, for who reads one line. Where the drill was far from that, as when a removal is tried
/// in a region that is down, it is said as well: the good day alone would mislead on the day that the drill plays.
fn usual_short(material: &Material, step: &Step) -> String {
    let Some((half, slow)) = usual::duration(&step.action) else { return "people".to_owned() };
    let far = seen_in_drill(material, step)
        .filter(|(_, took)| *took >= Duration::from_secs(60) && *took > slow * 2);
    match far {
        Some((_, took)) => format!("{}; in the drill {}", words::time(half), words::time(took)),
        None => words::time(half),
    }
}

/// How long a step may take.
fn time_allowed(step: &Step) -> String {
    match step.action.gate() {
        // A question stays open as long as its gate says, whatever the steps around it may take.
        Some(gate) => gate.policy().expires_after.map(words::time).unwrap_or_default(),
        None => words::time(step.timeout),
    }
}

/// How a step is taken back.
fn undo_text(step: &Step, note: &str) -> String {
    match note {
        note if step.action.written().is_some() => {
            format!("{} {note}", words::undo(step)).trim_end().to_owned()
        }
        _ => words::undo(step),
    }
}

/// How a part is taken back: what was written, last first.
pub(super) fn undo(numbered: &Numbered<'_>) -> Vec<UndoView> {
    let mut all: Vec<UndoView> = numbered
        .steps()
        .filter(|(_, step, _)| step.action.written().is_some())
        .map(|(_, step, link)| {
            let guide = by_hand::guide(step, &numbered.plan.parts().secrets);
            UndoView {
                step: link.clone(),
                text: format!("{} {}", words::undo(step), guide.undo_note).trim_end().to_owned(),
                commands: commands(guide.undo),
                as_usual: words::undo(step) == usual_undo(numbered.plan),
                note: guide.undo_note,
                stays: step.saga == SagaClass::Retriable
                    || matches!(step.action, Action::Bandwidth(_)),
            }
        })
        .collect();
    all.reverse();
    all
}
