//! What is one click away? The networks as pictures, the report, and the procedure as a document; each made when it
//! is asked for.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::json;

use super::Web;
use super::answer::{data, typed};
use super::data::known_run;
use super::guard::DOCUMENT_POLICY;
use super::source::WebProblem;
use crate::outward;
use crate::render::board::{NetworkSketch, sketches};

/// After which event; now when absent.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct SketchMoment {
    at: Option<u64>,
}

async fn sketched(web: &Web, run: &str, at: Option<u64>) -> Result<Vec<NetworkSketch>, WebProblem> {
    let run = known_run(web, run)?;
    let follower = &web.parts().follower;
    let followed = follower.run(&run).await?;
    let source = std::sync::Arc::clone(&web.parts().source);
    let work = move || {
        let known = followed.known();
        let estate = source.estate(&run);
        Ok(match at {
            None => sketches(&known.state, estate.as_ref()),
            Some(event) => sketches(&known.at(event)?.0, estate.as_ref()),
        })
    };
    follower.worked(work).await
}

/// Which pictures there are, and what each shows in words.
pub(super) async fn networks(
    State(web): State<Web>,
    Path(run): Path<String>,
    Query(moment): Query<SketchMoment>,
) -> Response<Body> {
    match sketched(&web, &run, moment.at).await {
        Ok(all) => {
            let told = |one: &NetworkSketch| json!({"name": one.name, "title": one.title, "words": one.words});
            data(&json!({ "pictures": all.iter().map(told).collect::<Vec<_>>() }))
        }
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
        let all = sketched(&web, &run, at.at).await?;
        all.into_iter().find(|one| one.name == name).ok_or_else(nothing)
    };
    match made.await {
        Ok(sketch) => {
            let svg = outward::redacted(&sketch.svg).into_owned();
            as_document(typed(StatusCode::OK, "image/svg+xml", svg))
        }
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
        let plan = followed.known().state.opened.as_ref().map(|opened| opened.plan.clone());
        let plan = plan.ok_or_else(|| WebProblem::new(404, "The run has no event yet."))?;
        let _place = web.parts().work.acquire().await;
        web.parts().source.document(&run, &plan).await
    };
    page(made.await)
}
