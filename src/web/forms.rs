//! What may this person do here? A form for each answer that is asked for now, each with a token that is good for it
//! alone.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Response};
use axum::response::IntoResponse as _;
use serde::{Deserialize, Serialize};

use super::Web;
use super::answer::data;
use super::data::known_run;
use super::offers::{self, OfferView, Offered};
use super::source::WebProblem;
use super::trust::{FormCommand, PageSpeaker};
use crate::model::{RunId, StepName};
use crate::render::board::RunBoard;

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
    #[serde(flatten)]
    pub(super) offered: Offered,
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
    ) -> Option<&Offered> {
        self.forms.iter().map(|form| &form.offered).find(|form| {
            form.command == command
                && form.step.as_deref() == step
                && form.choice.as_deref() == choice
        })
    }
}

/// Which forms: those of the run and of what is asked, or those about one step.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct FormsWanted {
    /// The step; what is asked and the run itself when absent.
    step: Option<String>,
}

pub(super) async fn forms(
    State(web): State<Web>,
    Path(run): Path<String>,
    Query(wanted): Query<FormsWanted>,
    headers: HeaderMap,
) -> Response<Body> {
    let speaker = web.speaker(&headers);
    let made = async {
        let run = known_run(&web, &run)?;
        let mut page = offered(&web, &run, speaker.as_ref(), wanted.step.as_deref()).await?;
        if wanted.step.is_some() {
            page.forms.retain(|form| form.offered.step == wanted.step);
        }
        Ok::<_, WebProblem>(page)
    };
    match made.await {
        Ok(forms) => data(&forms),
        Err(problem) => problem.into_response(),
    }
}

impl PageForms {
    /// For whoever asks, with nothing on it yet.
    fn without(speaker: Option<&PageSpeaker>) -> Self {
        Self {
            schema: "backroad.web.forms/1",
            name: speaker.map(|speaker| speaker.invited.name.clone()),
            role: speaker.and_then(|speaker| speaker.invited.role.clone()),
            why_not: None,
            note: None,
            forms: Vec::new(),
        }
    }
}

/// Why nobody can do anything on a page, whoever it is.
fn nothing_to_do(run: &RunId, board: &RunBoard) -> Option<String> {
    if board.now.standing.is_end() {
        return Some(match board.now.owed.is_empty() {
            true => "The run has ended.".to_owned(),
            // It takes a process that acts, with rights to Azure: a page has neither.
            false => format!(
                "The run has ended. What it owes is met by `backroad settle {run}`, in a terminal."
            ),
        });
    }
    let words = "No process drives the run: take it up with the command, in a terminal.";
    (!board.driven).then(|| words.to_owned())
}

/// What a person may do to a run now, and with one step of it.
pub(super) async fn offered(
    web: &Web,
    run: &RunId,
    speaker: Option<&PageSpeaker>,
    step: Option<&str>,
) -> Result<PageForms, WebProblem> {
    let mut page = PageForms::without(speaker);
    if !web.parts().settings.actions {
        let words = "This page only shows. What is to be done stands as a command, for a terminal.";
        page.why_not = Some(words.to_owned());
        return Ok(page);
    }
    let Some(speaker) = speaker else {
        page.why_not =
            Some("To act here, ask for a link of your own: `backroad web invite NAME`.".to_owned());
        return Ok(page);
    };
    let picture = web.parts().follower.picture(run).await?;
    if let Some(why) = nothing_to_do(run, &picture.board) {
        page.why_not = Some(why);
        return Ok(page);
    }
    let followed = web.parts().follower.run(run).await?;
    let invited = &speaker.invited;
    let person = web.parts().source.person(&invited.name, invited.role.as_deref());
    let (role, about) = (invited.role.clone(), step.map(StepName::parse).transpose());
    let about = about.map_err(|_| WebProblem::new(404, "There is no such step in the run."))?;
    let work = move || {
        let known = followed.known();
        let opened = known.state.opened.as_ref();
        let trusts = opened.map(|opened| opened.plan.parts().trust_names);
        let view = OfferView {
            board: &picture.board,
            state: &known.state,
            person: &person,
            role: role.as_deref(),
        };
        Ok((offers::all(&view, about.as_ref()), trusts))
    };
    let ((found, why_not), trusts) = web.parts().follower.worked(work).await?;
    page.why_not = why_not;
    page.note = (trusts == Some(false)).then(|| counted(web, speaker));
    let with_token = |one: Offered| {
        let command = FormCommand {
            run,
            command: one.command,
            step: one.step.as_deref(),
            choice: one.choice.as_deref(),
        };
        PageForm { token: speaker.token(command, one.attempt), offered: one }
    };
    page.forms = found.into_iter().map(with_token).collect();
    Ok(page)
}

/// What a person should know where the runbook does not count by names.
fn counted(web: &Web, speaker: &PageSpeaker) -> String {
    format!(
        "The journal will say {} and that it came by this page. The runbook counts accounts and not names, so that \
         whoever acts here counts as account {}.",
        speaker.invited.name,
        web.parts().settings.account
    )
}
