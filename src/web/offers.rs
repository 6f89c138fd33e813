//! What can be said to a run as it stands, and by whom? Each answer that is asked for, and each command of a terminal's
//! that the engine would follow now.
//!
//! Whether it would is asked of the engine itself ([`refusal`]): the page judges nothing a second time.

use serde::Serialize;

use crate::engine::people::{tried_again, waits_for};
use crate::engine::turn::refusal;
use crate::engine::{Command, RunPhase, RunState, StepCommand, StepState};
use crate::model::{Gate, Person, StepName};
use crate::render::board::RunBoard;
use crate::render::truth::{Ask, AskKind, RunStanding};

/// Names of steps that are told of what a command would reach.
const NAMES_MAX: usize = 6;

/// What is looked at: a run as it stands, and who would speak.
pub(super) struct OfferView<'a> {
    pub(super) board: &'a RunBoard,
    pub(super) state: &'a RunState,
    /// As the journal would name them.
    pub(super) person: &'a Person,
    /// The role of their invitation.
    pub(super) role: Option<&'a str>,
}

/// A form without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Offered {
    /// A word that [`command`] knows.
    pub(super) command: &'static str,
    /// The step that it is about; none when it is about the run.
    pub(super) step: Option<String>,
    /// What is chosen, at a decision.
    pub(super) choice: Option<String>,
    /// On the button.
    pub(super) label: String,
    /// What it does, beside it.
    pub(super) what: String,
    /// Whether a reason has to be given.
    pub(super) reason: bool,
    /// Which attempt of the step asks; 0 where it is about the run.
    #[serde(skip)]
    pub(super) attempt: u32,
}

/// The command of a form. No other word is taken from a page; `settle` is not among them, since it is said to a run
/// that has ended, which nobody drives.
pub(super) fn command(
    name: &str,
    step: Option<StepName>,
    choice: Option<String>,
    (by, reason): (Person, Option<String>),
) -> Option<Command> {
    let of_run = match name {
        "pause" => Command::Pause { by, reason },
        "resume" => Command::Continue { by },
        "cancel" => Command::Cancel { by, reason },
        "undo" => Command::Undo { by, reason },
        "retry_all" => Command::RetryAll { by, reason, done: false },
        "source_down" => Command::SourceDown { by, reason },
        _ => {
            let said = StepCommand { step: step?, by, reason, choice };
            return match name {
                "approve" => Some(Command::Approve(said)),
                "decline" => Some(Command::Decline(said)),
                "retry" => Some(Command::Retry(said)),
                "retry_from" => Some(Command::RetryFrom(said)),
                "skip" => Some(Command::Skip(said)),
                _ => None,
            };
        }
    };
    step.is_none().then_some(of_run)
}

/// Everything that this person can say to a run as it stands, and about one step of it; and why nothing can be said
/// about that step, if nothing can.
pub(super) fn all(
    view: &OfferView<'_>,
    about: Option<&StepName>,
) -> (Vec<Offered>, Option<String>) {
    let (mut found, why_not) = untimed(view, about);
    for one in &mut found {
        let step = one.step.as_deref().and_then(|step| StepName::parse(step).ok());
        let record = step.and_then(|step| view.state.step(&step));
        one.attempt = record.map_or(0, |record| record.attempt);
    }
    (found, why_not)
}

/// The same, of whatever attempt.
fn untimed(view: &OfferView<'_>, about: Option<&StepName>) -> (Vec<Offered>, Option<String>) {
    let mut found = of_asks(view);
    found.extend(of_run(view));
    let Some(step) = about else { return (found, None) };
    let (of_step, why_not) = of_step(view, step);
    let is_there = |one: &Offered| {
        found.iter().any(|other| {
            (other.command, &other.step, &other.choice) == (one.command, &one.step, &one.choice)
        })
    };
    let more: Vec<Offered> = of_step.into_iter().filter(|one| !is_there(one)).collect();
    found.extend(more);
    let any = found.iter().any(|one| one.step.as_deref() == Some(step.as_str()));
    (found, why_not.filter(|_| !any))
}

/// Answers to what is asked; of what asks a role only what asks this one.
fn of_asks(view: &OfferView<'_>) -> Vec<Offered> {
    let state = view.state;
    let trusts = state.opened.as_ref().is_some_and(|opened| opened.plan.parts().trust_names);
    let mut found = Vec::new();
    for ask in view.board.now.asks.iter().filter(|ask| is_for(view.role, ask.role.as_deref())) {
        let said = trusts && ask.by.contains(&view.person.name);
        // Who has said yes can only take it back by a no.
        found
            .extend(of_ask(ask, state).into_iter().filter(|one| !said || one.command != "approve"));
    }
    found
}

/// A role on an invitation narrows: who has one answers what asks for it, and what asks for none.
fn is_for(own: Option<&str>, asked: Option<&str>) -> bool {
    match (own, asked) {
        (Some(own), Some(asked)) => own == asked,
        (None, _) | (_, None) => true,
    }
}

/// What is said to the run as a whole, the lightest first.
fn of_run(view: &OfferView<'_>) -> Vec<Offered> {
    let state = view.state;
    let paused = view.board.now.standing == RunStanding::Paused || state.paused.is_some();
    let one = |command, label: &str, what: &str, reason| Offered {
        command,
        step: None,
        choice: None,
        label: label.to_owned(),
        what: what.to_owned(),
        reason,
        attempt: 0,
    };
    let mut wanted = Vec::new();
    wanted.push(match paused {
        true => one("resume", "Resume", "let the run go on", false),
        false => one("pause", "Pause", "start nothing new; what is at work is finished", false),
    });
    let plan = state.opened.as_ref().map(|opened| &opened.plan);
    wanted.push(one("retry_all", "Try all that failed again", "try each step that failed", false));
    let region = plan.and_then(|plan| plan.parts().source_region.as_ref());
    // What counts as down counts so to the run's end; and what is on its way out does not act on the source by plan.
    if let Some(region) = region
        && state.source_down.is_none()
        && matches!(state.phase, RunPhase::Forward)
    {
        let what = format!(
            "{} counts as out of reach to the end of the run: what acts on it is not tried, and owed",
            region.as_str()
        );
        wanted.push(one("source_down", "The source is down", &what, true));
    }
    let what = "put back what the run changed, in the reverse order; not what lies past a point of no return";
    wanted.push(one("undo", "Undo the run", what, true));
    wanted.push(one("cancel", "Cancel the run", "start nothing more, and end it", true));
    wanted.retain(|one| would_refuse(view, one).is_none());
    wanted
}

/// What is said about a step, whoever asks; and why it is not to be left out or tried again, if it is not.
fn of_step(view: &OfferView<'_>, step: &StepName) -> (Vec<Offered>, Option<String>) {
    let Some(plan) = view.state.opened.as_ref().map(|opened| &opened.plan) else {
        return (Vec::new(), None);
    };
    let gate = plan.step(step).and_then(|step| step.action.gate());
    if !is_for(view.role, gate.and_then(|gate| gate.policy().role.as_deref())) {
        let why = format!("Step `{step}` asks another role than the one of this invitation.");
        return (Vec::new(), Some(why));
    }
    let one = |command, label: &str, what: String, reason| Offered {
        command,
        step: Some(step.to_string()),
        choice: None,
        label: label.to_owned(),
        what,
        reason,
        attempt: 0,
    };
    let after = waits_for(plan, view.state, step);
    let skipped = match after.as_slice() {
        [] => "go on without this step".to_owned(),
        after => format!("go on without this step; after it come {}", named(after)),
    };
    let again = tried_again(plan, view.state, step);
    let mut wanted =
        vec![one("retry", "Try again", "look, and try this step again".to_owned(), false)];
    if again.len() > 1 {
        let what = format!("try again {}", named(&again));
        wanted.push(one("retry_from", "Try again from here", what, true));
    }
    wanted.push(one("skip", "Skip it", skipped, true));
    let mut why_not = None;
    wanted.retain(|one| {
        let why = would_refuse(view, one);
        let kept = why.is_none();
        why_not = why.or(why_not.take());
        kept
    });
    (wanted, why_not)
}

/// What the engine would say against a form; none where it would follow.
fn would_refuse(view: &OfferView<'_>, one: &Offered) -> Option<String> {
    let unknown = || Some("The run has no event yet.".to_owned());
    let Some(opened) = view.state.opened.as_ref() else { return unknown() };
    let step = one.step.as_deref().and_then(|step| StepName::parse(step).ok());
    // A reason will be there when it is said.
    let reason = one.reason.then(|| "a reason".to_owned());
    let by = (view.person.clone(), reason);
    let Some(command) = command(one.command, step, one.choice.clone(), by) else {
        return unknown();
    };
    let why = refusal(&opened.plan, view.state, command, view.board.now.at);
    why.map(|why| why.to_string())
}

/// Names of steps, and how many more.
fn named(steps: &[StepName]) -> String {
    let names: Vec<&str> = steps.iter().take(NAMES_MAX).map(StepName::as_str).collect();
    match steps.len().saturating_sub(NAMES_MAX) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn of_ask(ask: &Ask, state: &RunState) -> Vec<Offered> {
    let Some(step) = &ask.step else { return Vec::new() };
    let one = |command, label: &str, what: &str, reason| Offered {
        command,
        step: Some(step.clone()),
        choice: None,
        label: label.to_owned(),
        what: what.to_owned(),
        reason,
        attempt: 0,
    };
    match ask.kind {
        AskKind::Approval => vec![
            one("approve", "Approve", "say yes and go on", false),
            one("decline", "Decline", "say no", true),
        ],
        AskKind::Manual => vec![
            one("approve", "It is done", "say that it is done", false),
            one("decline", "It is not", "say that it cannot be done", true),
        ],
        AskKind::Decision => {
            let mut found: Vec<Offered> = options(step, state)
                .into_iter()
                .map(|(option, means)| Offered {
                    choice: Some(option.clone()),
                    ..one("approve", &option, &means, false)
                })
                .collect();
            found.push(one("decline", "None of them", "choose none", true));
            found
        }
        AskKind::Failure => vec![
            one("retry", "Try again", "try the step again", false),
            one("approve", "Go on without it", "leave the step as it is", true),
            one("decline", "Stop", "let the failure stand", true),
        ],
        AskKind::Held => {
            let left = match state.phase {
                RunPhase::Undoing { .. } => "leave it as it is, and undo the rest",
                RunPhase::Forward
                | RunPhase::Cancelling
                | RunPhase::Settling { .. }
                | RunPhase::Ended { .. } => "go on without it",
            };
            let mut found = vec![one("retry", "Look again", "look again and go on", false)];
            if is_held(step, state) {
                found.push(one("skip", "Leave it", left, true));
            }
            found
        }
        AskKind::Paused | AskKind::Interrupted | AskKind::Stopped => Vec::new(),
    }
}

fn is_held(step: &str, state: &RunState) -> bool {
    let record = StepName::parse(step).ok().and_then(|name| state.step(&name));
    record.is_some_and(|record| matches!(record.state, StepState::Held { .. }))
}

/// What can be chosen at a decision, and what each means.
fn options(step: &str, state: &RunState) -> Vec<(String, String)> {
    let name = StepName::parse(step).ok();
    let plan = state.opened.as_ref().map(|opened| &opened.plan);
    let step = plan.zip(name.as_ref()).and_then(|(plan, name)| plan.step(name));
    match step.and_then(|step| step.action.gate()) {
        Some(Gate::Decision(decision)) => decision
            .options
            .iter()
            .map(|(option, means)| {
                (option.clone(), means.split_whitespace().collect::<Vec<_>>().join(" "))
            })
            .collect(),
        Some(Gate::Approval(_) | Gate::Manual(_)) | None => Vec::new(),
    }
}
