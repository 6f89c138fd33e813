//! What may this person do here? A form for each answer that is asked for now, each with a token that is good for it
//! alone.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use axum::response::IntoResponse as _;
use serde::Serialize;

use super::Web;
use super::answer::data;
use super::data::known_run;
use super::source::WebProblem;
use super::trust::{FormDeed, PageSpeaker};
use crate::engine::RunState;
use crate::model::{Gate, RunId, StepName};
use crate::render::board::RunBoard;
use crate::render::truth::{Ask, AskKind, RunStanding};

/// What a person may do to a run now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct PageForms {
    schema: &'static str,
    /// Who they are; none who came without a link.
    name: Option<String>,
    role: Option<String>,
    /// Why there is no form, if there is none.
    why_not: Option<String>,
    /// What they should know before they use one.
    note: Option<String>,
    forms: Vec<PageForm>,
}

/// One thing that a person may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct PageForm {
    /// `approve`, `decline`, `retry`, `pause`, `resume` or `cancel`.
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
    /// What is sent along.
    token: String,
}

impl PageForms {
    /// The form that does this, if it is offered.
    pub(super) fn find(
        &self,
        command: &str,
        step: Option<&str>,
        choice: Option<&str>,
    ) -> Option<&PageForm> {
        self.forms.iter().find(|form| {
            form.command == command
                && form.step.as_deref() == step
                && form.choice.as_deref() == choice
        })
    }
}

/// A form without its token.
struct Offered {
    command: &'static str,
    step: Option<String>,
    choice: Option<String>,
    label: String,
    what: String,
    reason: bool,
}

pub(super) async fn forms(
    State(web): State<Web>,
    Path(run): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let speaker = web.speaker(&headers);
    let made = async {
        let run = known_run(&web, &run)?;
        offered(&web, &run, speaker.as_ref()).await
    };
    match made.await {
        Ok(forms) => data(&forms),
        Err(problem) => problem.into_response(),
    }
}

/// What a person may do to a run now.
pub(super) async fn offered(
    web: &Web,
    run: &RunId,
    speaker: Option<&PageSpeaker>,
) -> Result<PageForms, WebProblem> {
    let mut page = PageForms {
        schema: "backroad.web.forms/1",
        name: speaker.map(|speaker| speaker.invited.name.clone()),
        role: speaker.and_then(|speaker| speaker.invited.role.clone()),
        why_not: None,
        note: None,
        forms: Vec::new(),
    };
    if !web.parts().settings.actions {
        page.why_not = Some(
            "This page only shows. What is to be done stands as a command, for a terminal."
                .to_owned(),
        );
        return Ok(page);
    }
    let Some(speaker) = speaker else {
        page.why_not =
            Some("To act here, ask for a link of your own: `backroad web invite NAME`.".to_owned());
        return Ok(page);
    };
    let picture = web.parts().follower.picture(run).await?;
    if picture.board.now.standing.is_end() {
        page.why_not = Some("The run has ended.".to_owned());
        return Ok(page);
    }
    if !picture.board.driven {
        page.why_not = Some(
            "No process drives the run: take it up with the command, in a terminal.".to_owned(),
        );
        return Ok(page);
    }
    let followed = web.parts().follower.run(run).await?;
    let known = followed.known();
    page.note = counted(web, &known.state, speaker);
    let role = speaker.invited.role.as_deref();
    let with_token = |one: Offered| {
        let deed = FormDeed {
            run,
            command: one.command,
            step: one.step.as_deref(),
            choice: one.choice.as_deref(),
        };
        let token = speaker.token(deed);
        let Offered { command, step, choice, label, what, reason } = one;
        PageForm { command, step, choice, label, what, reason, token }
    };
    page.forms = all(&picture.board, &known.state, (&speaker.invited.name, role))
        .into_iter()
        .map(with_token)
        .collect();
    Ok(page)
}

/// What a person should know where the runbook does not count by names.
fn counted(web: &Web, state: &RunState, speaker: &PageSpeaker) -> Option<String> {
    let trusts = state.opened.as_ref()?.plan.parts().trust_names;
    (!trusts).then(|| {
        format!(
            "The journal will say {} and that it came by this page. The runbook counts accounts and not names, so that \
             whoever acts here counts as account {}.",
            speaker.invited.name,
            web.parts().settings.account
        )
    })
}

/// Everything that can be done to a run as it stands; of what asks a role only what asks this one.
fn all(board: &RunBoard, state: &RunState, (name, role): (&str, Option<&str>)) -> Vec<Offered> {
    let trusts = state.opened.as_ref().is_some_and(|opened| opened.plan.parts().trust_names);
    let mut found = Vec::new();
    for ask in &board.now.asks {
        let for_them = match (role, ask.role.as_deref()) {
            (Some(own), Some(asked)) => own == asked,
            (None, _) | (_, None) => true,
        };
        if for_them {
            let said = trusts && ask.by.iter().any(|one| one == name);
            // Who has said yes can only take it back by a no.
            found.extend(
                of_ask(ask, state).into_iter().filter(|one| !said || one.command != "approve"),
            );
        }
    }
    let of_run = |command, label: &str, what: &str, reason| Offered {
        command,
        step: None,
        choice: None,
        label: label.to_owned(),
        what: what.to_owned(),
        reason,
    };
    if board.now.standing == RunStanding::Paused || state.paused.is_some() {
        found.push(of_run("resume", "Resume", "let the run go on", false));
    } else {
        let what = "start nothing new; what is at work is finished";
        found.push(of_run("pause", "Pause", what, false));
    }
    found.push(of_run("cancel", "Cancel the run", "start nothing more, and end it", true));
    found
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
        AskKind::Held => vec![one("retry", "Look again", "look again and go on", false)],
        AskKind::Paused | AskKind::Interrupted => Vec::new(),
    }
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
