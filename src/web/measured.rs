//! What is told of all runs together? Measures for Prometheus, and how ready the runbooks are.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use serde_json::json;
use tokio::sync::Mutex;

use super::Web;
use super::answer::{data, typed};
use super::source::WebProblem;
use crate::model::Timestamp;
use crate::outward;
use crate::render::machine::prometheus;

/// How old measures may be that are told again: however many scrape, the runs are read no more often.
const FRESH: Duration = Duration::from_secs(5);

/// The measures that were told last, and when they were made; held while they are made.
pub(super) type ToldMeasures = Mutex<Option<(Timestamp, Arc<str>)>>;

/// `GET /metrics`: what `backroad metrics` prints.
pub(super) async fn metrics(State(web): State<Web>) -> Response<Body> {
    match told(&web).await {
        Ok(text) => typed(StatusCode::OK, prometheus::CONTENT_TYPE, text.to_string()),
        Err(problem) => problem.into_response(),
    }
}

async fn told(web: &Web) -> Result<Arc<str>, WebProblem> {
    let parts = web.parts();
    let mut last = parts.measures.lock().await;
    let now = parts.clock.now();
    if let Some((at, text)) = &*last
        && now.since(*at) < FRESH
    {
        return Ok(Arc::clone(text));
    }
    let measured = {
        let _place = parts.work.acquire().await;
        parts.source.measures().await?
    };
    let text: Arc<str> = outward::redacted(&prometheus::metrics(&measured)).into();
    *last = Some((parts.clock.now(), Arc::clone(&text)));
    Ok(text)
}

/// `GET /readiness`: what `backroad ready --history` tells, of every runbook that was looked at here.
pub(super) async fn readiness(State(web): State<Web>) -> Response<Body> {
    let source = Arc::clone(&web.parts().source);
    match web.parts().follower.worked(move || source.readiness()).await {
        Ok(runbooks) => {
            data(&json!({ "schema": "backroad.web.readiness/1", "runbooks": runbooks }))
        }
        Err(problem) => problem.into_response(),
    }
}
