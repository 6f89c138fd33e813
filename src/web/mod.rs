//! What do ten people on a call look at? One page of a run and one of all runs, over HTTP, while it happens and
//! afterwards.
//!
//! Comes in: a [`WebSource`], which reads runs and passes words on, and who is invited. Goes out: a [`Web`], which
//! answers requests, and [`serve()`], which puts it behind a socket. The room reads; it acts only where it was told
//! that it may, and then by the same words as the command line. It never holds a lock of a driver's: it follows the
//! journal, once for all who watch. Uses `model`, `engine`, `store`, `render` and `outward`.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod act;
mod answer;
mod assets;
mod data;
mod enter;
mod follow;
mod forms;
mod guard;
mod known;
mod list;
mod measured;
mod offers;
mod pictures;
mod serve;
mod socket;
mod source;
mod stream;
mod trust;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::sync::Semaphore;

use crate::engine::{Clock, Entropy};
use crate::store::Invitations;

pub use serve::{PageBounds, serve};
pub use source::{FreshEvents, RunBeside, RunOfList, RunsListed, WebProblem, WebSource};
pub use trust::{PageIdentity, PageIdentityError, PagePeer};

use follow::Follower;
use list::RunList;
use measured::ToldMeasures;

/// Bytes of one request's body: a step's name, a choice and a reason of a page.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// Pages that are told of changes at once: a call has a few dozen people, each with a tab or two.
const STREAMS_MAX: usize = 128;

/// Views that are worked out at once; others wait, so that a run in the same process goes on.
const WORK_MAX: usize = 2;

/// How a page is served.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// The values of `Host` that mean this page, in lower case: what is asked under another name is refused.
    pub hosts: Vec<String>,
    /// Whether it is reached over https.
    pub secure: bool,
    /// Whether people may act on it.
    pub actions: bool,
    /// The account whose page it is, for people.
    pub account: String,
    /// The port, which makes the name of the cookie one of its own: cookies do not know ports.
    pub port: u16,
}

/// The page: what it needs to answer, shared by all who ask.
#[derive(Clone)]
pub struct Web(Arc<WebParts>);

struct WebParts {
    source: Arc<dyn WebSource>,
    follower: Follower,
    list: RunList,
    measures: ToldMeasures,
    invitations: Invitations,
    settings: WebSettings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy + Send + Sync>,
    streams: Arc<Semaphore>,
    work: Arc<Semaphore>,
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Web").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Web {
    /// A page of the runs that this source knows. `clock` is the host's: it says how often is looked, and how long
    /// a session is good.
    #[must_use]
    pub fn new(
        source: Arc<dyn WebSource>,
        invitations: Invitations,
        settings: WebSettings,
        (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy + Send + Sync>),
    ) -> Self {
        let work = Arc::new(Semaphore::new(WORK_MAX));
        let about = (Arc::clone(&source), Arc::clone(&clock), Arc::clone(&work));
        Self(Arc::new(WebParts {
            follower: Follower::new(about),
            list: RunList::default(),
            measures: ToldMeasures::default(),
            source,
            invitations,
            settings,
            clock,
            entropy,
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            work,
        }))
    }

    /// What answers requests. Each needs a [`PagePeer`] among its extensions: who is at the other end.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(assets::runs_page))
            .route("/runs", get(list::runs))
            .route("/events", get(stream::runs))
            .route("/metrics", get(measured::metrics))
            .route("/readiness", get(measured::readiness))
            .route("/runs/{run}", get(assets::run_page))
            .route("/runs/{run}/now", get(data::now))
            .route("/runs/{run}/at/{event}", get(data::at))
            .route("/runs/{run}/steps", get(data::steps))
            .route("/runs/{run}/journal", get(data::journal))
            .route("/runs/{run}/networks", get(pictures::networks))
            .route("/runs/{run}/networks/{moment}", get(pictures::network))
            .route("/runs/{run}/report", get(pictures::report))
            .route("/runs/{run}/document", get(pictures::document))
            .route("/runs/{run}/events", get(stream::run))
            .route("/runs/{run}/forms", get(forms::forms))
            .route("/runs/{run}/act", post(act::act))
            .route("/enter", get(assets::enter_page).post(enter::enter))
            .route("/leave", post(enter::leave))
            .route("/me", get(enter::me))
            .route("/assets/{name}", get(assets::asset))
            .fallback(assets::nothing)
            .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
            .layer(axum::middleware::from_fn_with_state(self.clone(), guard::guard))
            .with_state(self.clone())
    }

    fn parts(&self) -> &WebParts {
        &self.0
    }
}
