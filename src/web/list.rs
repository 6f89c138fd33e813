//! Which runs are there? The newest first, a page at a time; what has ended is read once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::Response;
use axum::response::IntoResponse as _;
use serde::{Deserialize, Serialize};

use super::Web;
use super::answer::{self, data};
use super::known::ToldEvent;
use super::source::{RunOfList, RunsListed, WebProblem};
use crate::model::{RunId, Seq, Timestamp};
use crate::render::RunLine;
use crate::render::board::RunBoard;
use crate::store::RunProgress;

/// Runs of one page.
const RUNS_MAX: usize = 25;

/// Lines that are kept.
const LINES_MAX: usize = 1_000;

/// How old the first page may be that is told again: however many look at it, it is made no more often.
const FRESH: Duration = Duration::from_secs(1);

/// A page of runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct RunsPage {
    schema: &'static str,
    from: usize,
    total: usize,
    /// How many of all are driven now.
    driven: usize,
    runs: Vec<RunLine>,
    /// Whether people may act on their pages.
    actions: bool,
}

/// The first page as it is told to all who watch it.
pub(super) struct FirstPage {
    made: Timestamp,
    /// What all get.
    pub(super) told: ToldEvent,
    /// Differs whenever there is something to tell: the ages of runs alone are no news.
    pub(super) version: blake3::Hash,
}

/// From which run on.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct RunsFrom {
    #[serde(default)]
    from: usize,
}

/// What is known of the list.
#[derive(Default)]
pub(super) struct RunList {
    /// The lines of runs that nobody drives, by how far they had come.
    lines: Mutex<BTreeMap<RunId, (Option<Seq>, RunLine)>>,
    /// The first page; held while it is made.
    first: tokio::sync::Mutex<Option<Arc<FirstPage>>>,
}

pub(super) async fn runs(State(web): State<Web>, Query(wanted): Query<RunsFrom>) -> Response<Body> {
    match page(&web, wanted.from).await {
        Ok(page) => data(&page),
        Err(problem) => problem.into_response(),
    }
}

/// The first page, made once for all who watch it.
pub(super) async fn first(web: &Web) -> Arc<FirstPage> {
    let parts = web.parts();
    let mut first = parts.list.first.lock().await;
    if let Some(page) = first.as_ref().filter(|page| parts.clock.now().since(page.made) < FRESH) {
        return Arc::clone(page);
    }
    let (text, version) = match page(web, 0).await {
        Ok(mut page) => {
            let text = answer::text(&page);
            page.runs.iter_mut().for_each(|run| run.age_seconds = None);
            let version = serde_json::to_vec(&page).unwrap_or_default();
            (text, version)
        }
        Err(problem) => {
            let version = problem.what.clone().into_bytes();
            (answer::text(&serde_json::json!({ "problem": problem.what })), version)
        }
    };
    let page = Arc::new(FirstPage {
        made: parts.clock.now(),
        told: ToldEvent::new("runs", &text.unwrap_or_default()),
        version: blake3::hash(&version),
    });
    *first = Some(Arc::clone(&page));
    page
}

/// A page of the runs, the newest first.
async fn page(web: &Web, from: usize) -> Result<RunsPage, WebProblem> {
    let RunsListed { total, driven, runs: listed } =
        web.parts().source.listed(from, RUNS_MAX).await?;
    let mut runs = Vec::new();
    for RunOfList { progress, line: told } in &listed {
        runs.push(match told {
            Some(told) => RunLine { age_seconds: age_of(web, &progress.run), ..told.clone() },
            None => line(web, progress).await,
        });
    }
    Ok(RunsPage {
        schema: "backroad.web.runs/1",
        from: from.min(total),
        total,
        driven,
        runs,
        actions: web.parts().settings.actions,
    })
}

fn age_of(web: &Web, run: &RunId) -> Option<f64> {
    age(run, web.parts().clock.now())
}

/// One run that cannot be read is told in its line, and hides none of the others.
async fn line(web: &Web, progress: &RunProgress) -> RunLine {
    let parts = web.parts();
    let age = age_of(web, &progress.run);
    let kept = || parts.list.lines.lock().unwrap_or_else(PoisonError::into_inner);
    if !progress.driven
        && let Some((head, line)) = kept().get(&progress.run)
        && *head == progress.head
    {
        return RunLine { age_seconds: age, ..line.clone() };
    }
    let (line, settled) = match parts.follower.picture(&progress.run).await {
        // A picture may be a moment old: of a run that has just ended it may show less than its folder says.
        Ok(picture) => {
            let version = &picture.version;
            let settled = Some(version.head) == progress.head && !version.driven;
            (of_board(&picture.board, progress), settled)
        }
        // What could not be read may be readable in a moment.
        Err(problem) => (unread(progress, problem.what), false),
    };
    if !progress.driven && settled && line.runbook.is_some() {
        let mut kept = kept();
        while kept.len() >= LINES_MAX {
            kept.pop_first();
        }
        kept.insert(progress.run.clone(), (progress.head, line.clone()));
    }
    RunLine { age_seconds: age, ..line }
}

fn unread(progress: &RunProgress, problem: String) -> RunLine {
    let holder = progress.driven.then(|| "a process".to_owned());
    RunLine::unread(&progress.run, holder, Some(problem))
}

fn of_board(board: &RunBoard, progress: &RunProgress) -> RunLine {
    RunLine {
        run: board.run.clone(),
        runbook: Some(board.runbook.clone()),
        mode: Some(board.mode),
        outcome: Some(board.now.standing.as_str().to_owned()),
        standing: Some(board.now.standing),
        headline: Some(board.now.headline.clone()),
        by: board.by.clone(),
        open_gates: board.now.asks.iter().filter_map(|ask| ask.step.clone()).collect(),
        started_at: Some(board.started_at),
        age_seconds: None,
        recovery_seconds: board.recovery_seconds,
        short: board.short.clone(),
        holder: progress.driven.then(|| "a process".to_owned()),
        problem: board.stale.clone(),
    }
}

/// How long ago a run was started by this host's clock, in seconds: its id tells when.
fn age(run: &RunId, now: Timestamp) -> Option<f64> {
    let begun = ulid::Ulid::from_string(run.as_str()).ok()?.timestamp_ms();
    let begun = Timestamp::from_millis(i64::try_from(begun).ok()?);
    Some(now.since(begun).as_secs_f64().floor())
}
