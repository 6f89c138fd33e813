//! Which runs are there? The newest first, a page at a time; what has ended is read once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::Response;
use axum::response::IntoResponse as _;
use serde::{Deserialize, Serialize};

use super::Web;
use super::answer::data;
use super::source::WebProblem;
use crate::model::{RunId, Seq, Timestamp};
use crate::render::RunLine;
use crate::render::board::RunBoard;
use crate::store::RunGlance;

/// Runs of one page.
const RUNS_MAX: usize = 25;

/// Lines that are kept.
const LINES_MAX: usize = 1_000;

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

/// From which run on.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct RunsFrom {
    #[serde(default)]
    from: usize,
}

/// What is known of runs that nobody drives: their lines, by how far they had come.
#[derive(Default)]
pub(super) struct RunList(Mutex<BTreeMap<RunId, (Option<Seq>, RunLine)>>);

pub(super) async fn runs(State(web): State<Web>, Query(wanted): Query<RunsFrom>) -> Response<Body> {
    match page(&web, wanted.from).await {
        Ok(page) => data(&page),
        Err(problem) => problem.into_response(),
    }
}

/// A page of the runs, the newest first.
pub(super) async fn page(web: &Web, from: usize) -> Result<RunsPage, WebProblem> {
    let mut all = web.parts().source.glances()?;
    all.reverse();
    let driven = all.iter().filter(|glance| glance.driven).count();
    let from = from.min(all.len());
    let mut runs = Vec::new();
    for glance in all.iter().skip(from).take(RUNS_MAX) {
        runs.push(line(web, glance).await);
    }
    Ok(RunsPage {
        schema: "backroad.web.runs/1",
        from,
        total: all.len(),
        driven,
        runs,
        actions: web.parts().settings.actions,
    })
}

/// One run that cannot be read is told in its line, and hides none of the others.
async fn line(web: &Web, glance: &RunGlance) -> RunLine {
    let parts = web.parts();
    let age = age(&glance.run, parts.clock.now());
    let kept = || parts.list.0.lock().unwrap_or_else(PoisonError::into_inner);
    if !glance.driven
        && let Some((head, line)) = kept().get(&glance.run)
        && *head == glance.head
    {
        return RunLine { age_seconds: age, ..line.clone() };
    }
    let (line, settled) = match parts.follower.picture(&glance.run).await {
        // A picture may be a moment old: of a run that has just ended it may show less than the glance.
        Ok(picture) => {
            let version = &picture.version;
            let settled = Some(version.head) == glance.head && !version.driven;
            (of_board(&picture.board, glance), settled)
        }
        // What could not be read may be readable in a moment.
        Err(problem) => (unread(glance, problem.what), false),
    };
    if !glance.driven && settled && line.runbook.is_some() {
        let mut kept = kept();
        while kept.len() >= LINES_MAX {
            kept.pop_first();
        }
        kept.insert(glance.run.clone(), (glance.head, line.clone()));
    }
    RunLine { age_seconds: age, ..line }
}

fn unread(glance: &RunGlance, problem: String) -> RunLine {
    RunLine {
        run: glance.run.to_string(),
        runbook: None,
        mode: None,
        outcome: None,
        standing: None,
        headline: None,
        by: None,
        open_gates: Vec::new(),
        started_at: None,
        age_seconds: None,
        recovery_seconds: None,
        holder: glance.driven.then(|| "a process".to_owned()),
        problem: Some(problem),
    }
}

fn of_board(board: &RunBoard, glance: &RunGlance) -> RunLine {
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
        holder: glance.driven.then(|| "a process".to_owned()),
        problem: board.stale.clone(),
    }
}

/// How long ago a run was started by this host's clock, in seconds: its id tells when.
fn age(run: &RunId, now: Timestamp) -> Option<f64> {
    let begun = ulid::Ulid::from_string(run.as_str()).ok()?.timestamp_ms();
    let begun = Timestamp::from_millis(i64::try_from(begun).ok()?);
    Some(now.since(begun).as_secs_f64().floor())
}
