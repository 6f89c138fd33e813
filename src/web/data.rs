//! What does the page of a run fetch? Its head now or after an event, and a part of its steps or of its journal.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use serde::Deserialize;

use super::Web;
use super::answer::{self, data, typed};
use super::known::{BoardPart, BoardPicture, KnownRun};
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
    // One that is followed is there: nobody has to look for it again at each question.
    if web.parts().follower.knows(&run) {
        return Ok(run);
    }
    web.parts().source.progress(&run).map(|_| run).ok_or_else(unknown)
}

pub(super) async fn now(State(web): State<Web>, Path(run): Path<String>) -> Response<Body> {
    let made = async {
        let run = known_run(&web, &run)?;
        web.parts().follower.picture(&run).await
    };
    sent(made.await.map(|picture| picture.told.data()))
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
        let Some(event) = part.at else {
            let make = move |known: &KnownRun, picture: &BoardPicture| {
                let steps = board::steps(&known.state, &known.events, &picture.view, wanted);
                answer::text(&steps)
            };
            return follower.part(&run, BoardPart::Steps(wanted), make).await;
        };
        let followed = follower.run(&run).await?;
        let work = move || {
            let known = followed.known();
            let (_, view) = known.board_at(event)?;
            let (state, events) = known.at(event)?;
            answer::text(&board::steps(&state, events, &view, wanted)).map(Bytes::from)
        };
        follower.worked(work).await
    };
    sent(made.await)
}

pub(super) async fn journal(
    State(web): State<Web>,
    Path(run): Path<String>,
    Query(part): Query<PartWanted>,
) -> Response<Body> {
    let PartWanted { from, count, .. } = part;
    let made = async {
        let run = known_run(&web, &run)?;
        let follower = &web.parts().follower;
        let Some(event) = part.at else {
            let make = move |known: &KnownRun, _: &BoardPicture| {
                answer::text(&board::journal(&known.state, &known.events, from, count))
            };
            return follower.part(&run, BoardPart::Journal { from, count }, make).await;
        };
        let followed = follower.run(&run).await?;
        let work = move || {
            let known = followed.known();
            let until = usize::try_from(event).unwrap_or(usize::MAX).min(known.events.len());
            let journal = board::journal(&known.state, &known.events[..until], from, count);
            answer::text(&journal).map(Bytes::from)
        };
        follower.worked(work).await
    };
    sent(made.await)
}

fn sent(made: Result<Bytes, WebProblem>) -> Response<Body> {
    match made {
        Ok(text) => typed(StatusCode::OK, "application/json", text),
        Err(problem) => problem.into_response(),
    }
}
