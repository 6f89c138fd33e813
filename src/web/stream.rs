//! How does a page hear of changes? Server-sent events: the newest state whenever it differs, and nothing that a
//! slow reader has missed. What is told is made once; all who are told hold the same bytes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use futures::stream::{Stream, unfold};
use tokio::sync::OwnedSemaphorePermit;

use super::Web;
use super::answer::{self, typed};
use super::data::known_run;
use super::known::{BoardVersion, ToldEvent};
use super::list;
use super::source::WebProblem;
use crate::model::{RunId, Timestamp};

/// How often a run is looked at for those who watch it, and the list for those who watch that.
const RUN_EVERY: Duration = Duration::from_millis(500);
const LIST_EVERY: Duration = Duration::from_secs(2);

/// How long nothing is sent: then a word that says so, so that a line that is gone is noticed on both sides.
const QUIET_MAX: Duration = Duration::from_secs(10);

/// What one watcher was told.
struct WatchedRun {
    web: Web,
    run: RunId,
    told: Option<BoardVersion>,
    problem: Option<String>,
    said_at: Timestamp,
    _place: OwnedSemaphorePermit,
}

/// A place among those who are told; a page that gets none looks now and then.
fn place(web: &Web) -> Result<OwnedSemaphorePermit, WebProblem> {
    let places = Arc::clone(&web.parts().streams);
    places.try_acquire_owned().map_err(|_| {
        WebProblem::new(503, "As many pages as can be told of changes are told already.")
            .hint("This one looks every few seconds instead.")
    })
}

fn refused(problem: WebProblem) -> Response<Body> {
    let mut response = problem.into_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

fn told<S>(stream: S) -> Response<Body>
where
    S: Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
{
    let mut response = typed(StatusCode::OK, "text/event-stream", Body::from_stream(stream));
    // A proxy in between keeps nothing back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A word that says that the line is there.
fn still() -> Bytes {
    Bytes::from_static(b"event: still\ndata: {}\n\n")
}

pub(super) async fn run(State(web): State<Web>, Path(run): Path<String>) -> Response<Body> {
    let run = match known_run(&web, &run) {
        Ok(run) => run,
        Err(problem) => return problem.into_response(),
    };
    let place = match place(&web) {
        Ok(place) => place,
        Err(problem) => return refused(problem),
    };
    let said_at = web.parts().clock.now();
    let first = WatchedRun { web, run, told: None, problem: None, said_at, _place: place };
    told(unfold(first, |mut watched| async move {
        let event = watched.next().await;
        Some((Ok(event), watched))
    }))
}

impl WatchedRun {
    /// Waits until there is something to tell.
    async fn next(&mut self) -> Bytes {
        loop {
            if self.told.is_some() || self.problem.is_some() {
                pause(&self.web, RUN_EVERY).await;
            }
            let now = self.web.parts().clock.now();
            match self.web.parts().follower.picture(&self.run).await {
                Ok(picture) if self.told.as_ref() != Some(&picture.version) => {
                    (self.told, self.problem) = (Some(picture.version.clone()), None);
                    self.said_at = now;
                    return picture.told.frame();
                }
                Err(problem) if self.problem.as_ref() != Some(&problem.what) => {
                    self.problem = Some(problem.what.clone());
                    self.told = None;
                    self.said_at = now;
                    let text = answer::text(&serde_json::json!({ "problem": problem.what }));
                    return ToldEvent::new("problem", &text.unwrap_or_default()).frame();
                }
                Ok(_) | Err(_) => {}
            }
            if now.since(self.said_at) >= QUIET_MAX {
                self.said_at = now;
                return still();
            }
        }
    }
}

async fn pause(web: &Web, time: Duration) {
    let clock = &web.parts().clock;
    clock.sleep_until(clock.now() + time).await;
}

/// What a watcher of the list was told.
struct WatchedList {
    web: Web,
    told: Option<blake3::Hash>,
    said_at: Timestamp,
    _place: OwnedSemaphorePermit,
}

pub(super) async fn runs(State(web): State<Web>) -> Response<Body> {
    let place = match place(&web) {
        Ok(place) => place,
        Err(problem) => return refused(problem),
    };
    let said_at = web.parts().clock.now();
    let first = WatchedList { web, told: None, said_at, _place: place };
    told(unfold(first, |mut watched| async move {
        let event = watched.next().await;
        Some((Ok(event), watched))
    }))
}

impl WatchedList {
    async fn next(&mut self) -> Bytes {
        loop {
            if self.told.is_some() {
                pause(&self.web, LIST_EVERY).await;
            }
            let now = self.web.parts().clock.now();
            let page = list::first(&self.web).await;
            if self.told != Some(page.version) {
                (self.told, self.said_at) = (Some(page.version), now);
                return page.told.frame();
            }
            if now.since(self.said_at) >= QUIET_MAX {
                self.said_at = now;
                return still();
            }
        }
    }
}
