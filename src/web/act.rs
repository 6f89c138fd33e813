//! How does a word come from the page to the run? By the same command as from a terminal, with the name of whoever
//! was invited, and only where everything about it is right.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::json;

use super::Web;
use super::answer::data;
use super::data::known_run;
use super::source::WebProblem;
use super::trust::FormCommand;
use super::{forms, offers};
use crate::model::StepName;

/// Letters of a reason.
const REASON_MAX: usize = 2_000;

/// What a form sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SentForm {
    command: String,
    step: Option<String>,
    choice: Option<String>,
    reason: Option<String>,
    token: String,
}

pub(super) async fn act(
    State(web): State<Web>,
    Path(run): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    match acted(&web, &run, &headers, &body).await {
        Ok(()) => data(&json!({ "schema": "backroad.web.done/1", "done": true })),
        Err(problem) => problem.into_response(),
    }
}

async fn acted(web: &Web, run: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), WebProblem> {
    let run = known_run(web, run)?;
    if !web.parts().settings.actions {
        return Err(WebProblem::new(403, "This page only shows.")
            .hint("Serve it with `--allow-actions`, or type the command in a terminal."));
    }
    let speaker = web.speaker(headers).ok_or_else(|| {
        WebProblem::new(401, "To act here takes a link of one's own.")
            .hint("Ask for one: `backroad web invite NAME`.")
    })?;
    // What is wrong with it is told without what it held.
    let unknown = || WebProblem::new(400, "That is no form of this page.");
    let sent: SentForm = serde_json::from_slice(body).map_err(|_| unknown())?;
    let command = FormCommand {
        run: &run,
        command: &sent.command,
        step: sent.step.as_deref(),
        choice: sent.choice.as_deref(),
    };
    let attempt = speaker.vouches(command, &sent.token).ok_or_else(|| {
        WebProblem::new(403, "That form is not of this page, or not of this session.")
            .hint("Load the page again.")
    })?;
    // As the run stands by now, and not a moment ago: what was offered a moment ago may be answered, and a role may ask somebody else.
    web.parts().follower.freshen(&run).await;
    let offered = forms::offered(web, &run, Some(&speaker), sent.step.as_deref()).await?;
    let form = offered.find(&sent.command, sent.step.as_deref(), sent.choice.as_deref());
    let form = form.ok_or_else(|| {
        WebProblem::new(409, "That is not asked for any more, or not of you.")
            .hint("See what the page shows now.")
    })?;
    if form.attempt != attempt {
        return Err(WebProblem::new(409, "That was asked before, and has been asked anew since.")
            .hint("See what the page shows now."));
    }
    let reason = sent.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if form.reason && reason.is_none() {
        return Err(WebProblem::new(400, "That takes a reason; it goes into the journal."));
    }
    if reason.is_some_and(|reason| reason.chars().count() > REASON_MAX) {
        return Err(WebProblem::new(400, format!("A reason has {REASON_MAX} letters at most.")));
    }
    let invited = &speaker.invited;
    let by = web.parts().source.person(&invited.name, invited.role.as_deref());
    let reason = reason.map(str::to_owned);
    let step = form.step.as_deref().map(StepName::parse).transpose().map_err(|_| unknown())?;
    let command = offers::command(form.command, step, sent.choice, (by, reason));
    let command = command.ok_or_else(unknown)?;
    web.parts().source.tell(&run, command).await?;
    web.parts().follower.freshen(&run).await;
    Ok(())
}
