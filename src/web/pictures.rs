//! What is one click away? The networks as pictures, the report, and the procedure as a document; each made when it
//! is asked for.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::Web;
use super::answer::{self, typed};
use super::data::known_run;
use super::guard::DOCUMENT_POLICY;
use super::source::WebProblem;
use crate::engine::RunState;
use crate::outward;
use crate::render::board::{KeptEstate, NetworkSketch, sketches};

/// After which event; now when absent.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SketchMoment {
    at: Option<u64>,
}

/// The pictures of one moment as they are sent.
pub(super) struct DrawnNetworks {
    /// Which there are, and what each shows in words.
    told: Result<Bytes, WebProblem>,
    /// Each by its name.
    svg: Vec<(&'static str, Bytes)>,
}

impl DrawnNetworks {
    pub(super) fn of(state: &RunState, estate: Option<&KeptEstate>) -> Self {
        let all = sketches(state, estate);
        let told =
            |one: &NetworkSketch| json!({"name": one.name, "title": one.title, "words": one.words});
        let list = json!({ "pictures": all.iter().map(told).collect::<Vec<_>>() });
        let drawn =
            |one: NetworkSketch| (one.name, Bytes::from(outward::redacted(&one.svg).into_owned()));
        Self {
            told: answer::text(&list).map(Bytes::from),
            svg: all.into_iter().map(drawn).collect(),
        }
    }
}

async fn drawn(web: &Web, run: &str, at: Option<u64>) -> Result<Arc<DrawnNetworks>, WebProblem> {
    let run = known_run(web, run)?;
    web.parts().follower.networks(&run, at).await
}

/// Which pictures there are, and what each shows in words.
pub(super) async fn networks(
    State(web): State<Web>,
    Path(run): Path<String>,
    Query(moment): Query<SketchMoment>,
) -> Response<Body> {
    let made = async { drawn(&web, &run, moment.at).await?.told.clone() };
    match made.await {
        Ok(text) => typed(StatusCode::OK, "application/json", text),
        Err(problem) => problem.into_response(),
    }
}

/// One of them: `before.svg`, `now.svg` or `after.svg`.
pub(super) async fn network(
    State(web): State<Web>,
    Path((run, moment)): Path<(String, String)>,
    Query(at): Query<SketchMoment>,
) -> Response<Body> {
    let made = async {
        let nothing = || WebProblem::new(404, "There is no such picture.");
        let name = moment.strip_suffix(".svg").ok_or_else(nothing)?;
        let all = drawn(&web, &run, at.at).await?;
        let svg = all.svg.iter().find(|(own, _)| *own == name);
        svg.map(|(_, svg)| svg.clone()).ok_or_else(nothing)
    };
    match made.await {
        Ok(svg) => as_document(typed(StatusCode::OK, "image/svg+xml", svg)),
        Err(problem) => problem.into_response(),
    }
}

/// A document brings its style along, and nothing in it may run.
fn as_document(mut response: Response<Body>) -> Response<Body> {
    let policy = HeaderValue::from_static(DOCUMENT_POLICY);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

fn page(made: Result<String, WebProblem>) -> Response<Body> {
    match made {
        Ok(text) => {
            let text = outward::redacted(&text).into_owned();
            as_document(typed(StatusCode::OK, "text/html; charset=utf-8", text))
        }
        Err(problem) => problem.into_response(),
    }
}

pub(super) async fn report(State(web): State<Web>, Path(run): Path<String>) -> Response<Body> {
    let made = async {
        let run = known_run(&web, &run)?;
        // One at a time with all other work: a report of thousands of steps is large.
        let _place = web.parts().work.acquire().await;
        web.parts().source.report(&run).await
    };
    page(made.await)
}

pub(super) async fn document(State(web): State<Web>, Path(run): Path<String>) -> Response<Body> {
    let made = async {
        let run = known_run(&web, &run)?;
        let followed = web.parts().follower.run(&run).await?;
        let plan = move || {
            let known = followed.known();
            let opened = known.state.opened.as_ref();
            let plan = opened.map(|opened| opened.plan.clone());
            plan.ok_or_else(|| WebProblem::new(404, "The run has no event yet."))
        };
        let plan = web.parts().follower.worked(plan).await?;
        let _place = web.parts().work.acquire().await;
        web.parts().source.document(&run, &plan).await
    };
    page(made.await)
}
