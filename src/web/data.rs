//! What does the page of a run fetch? Its head now or after an event, and a part of its steps or of its journal.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use serde::Deserialize;

use super::Web;
use super::answer::{self, data, typed};
use super::source::WebProblem;
use crate::model::RunId;
use crate::render::board::{self, ROWS_MAX, StepsShown, StepsWanted};

/// Which part of a list, at which moment.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct PartWanted {
    /// How many to leave out before.
    #[serde(default)]
    from: usize,
    /// How many.
    #[serde(default = "all_at_once")]
    count: usize,
    /// Which steps.
    #[serde(default)]
    show: StepsShown,
    /// After which event; now when absent.
    at: Option<u64>,
}

fn all_at_once() -> usize {
    ROWS_MAX
}

/// The run that a path names.
pub(super) fn known_run(web: &Web, run: &str) -> Result<RunId, WebProblem> {
    let unknown =
        || WebProblem::new(404, "There is no such run here.").hint("The list of runs is at `/`.");
    let run = RunId::parse(run).map_err(|_| unknown())?;
    web.parts().source.glance(&run).map(|_| run).ok_or_else(unknown)
}

pub(super) async fn now(State(web): State<Web>, Path(run): Path<String>) -> Response<Body> {
    let made = async {
        let run = known_run(&web, &run)?;
        web.parts().follower.picture(&run).await
    };
    match made.await {
        Ok(picture) => typed(StatusCode::OK, "application/json", picture.json.to_string()),
        Err(problem) => problem.into_response(),
    }
}

pub(super) async fn at(
    State(web): State<Web>,
    Path((run, event)): Path<(String, u64)>,
) -> Response<Body> {
    let made = async {
        let run = known_run(&web, &run)?;
        let follower = &web.parts().follower;
        let followed = follower.run(&run).await?;
        follower.worked(move || Ok(followed.known().board_at(event)?.0)).await
    };
    match made.await {
        Ok(board) => data(&board),
        Err(problem) => problem.into_response(),
    }
}

pub(super) async fn steps(
    State(web): State<Web>,
    Path(run): Path<String>,
    Query(part): Query<PartWanted>,
) -> Response<Body> {
    let wanted = StepsWanted { show: part.show, from: part.from, count: part.count };
    let made = async {
        let run = known_run(&web, &run)?;
        let follower = &web.parts().follower;
        match part.at {
            None => {
                let picture = follower.picture(&run).await?;
                if let Some(text) = picture.steps(wanted) {
                    return Ok(text);
                }
                let followed = follower.run(&run).await?;
                let work = move || {
                    // Somebody else may have had it made meanwhile.
                    if let Some(text) = picture.steps(wanted) {
                        return Ok(text);
                    }
                    let known = followed.known();
                    let steps = board::steps(&known.state, &known.events, &picture.view, wanted);
                    let text = Arc::<str>::from(answer::text(&steps)?);
                    picture.keep_steps(wanted, &text);
                    Ok(text)
                };
                follower.worked(work).await
            }
            Some(event) => {
                let followed = follower.run(&run).await?;
                let work = move || {
                    let known = followed.known();
                    let (_, view) = known.board_at(event)?;
                    let (state, events) = known.at(event)?;
                    let steps = board::steps(&state, events, &view, wanted);
                    Ok(Arc::<str>::from(answer::text(&steps)?))
                };
                follower.worked(work).await
            }
        }
    };
    match made.await {
        Ok(text) => typed(StatusCode::OK, "application/json", text.to_string()),
        Err(problem) => problem.into_response(),
    }
}

pub(super) async fn journal(
    State(web): State<Web>,
    Path(run): Path<String>,
    Query(part): Query<PartWanted>,
) -> Response<Body> {
    let made = async {
        let run = known_run(&web, &run)?;
        let follower = &web.parts().follower;
        let followed = follower.run(&run).await?;
        let work = move || {
            let known = followed.known();
            let until = part.at.and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
            let events = &known.events[..until.min(known.events.len())];
            Ok(board::journal(&known.state, events, part.from, part.count))
        };
        follower.worked(work).await
    };
    match made.await {
        Ok(journal) => data(&journal),
        Err(problem) => problem.into_response(),
    }
}
