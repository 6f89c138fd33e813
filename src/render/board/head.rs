//! Where does a run stand, as everybody on the call sees it?

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::progress::Teller;
use super::super::strikes::StrikesView;
use super::super::style::Style;
use super::super::truth::RunTruth;
use super::super::view::{Driven, ReachView, ReachedView, RunView, run_view_at};
use crate::engine::{Recorded, RunKind, RunState};
use crate::model::Timestamp;

/// The schema of a board.
pub const BOARD_SCHEMA: &str = "backroad.board/1";

/// Steps at work, and things that people have to do, that are sent; of more only the count is.
const AT_ONCE_MAX: usize = 30;

/// What is owed, what sites reach: sentences and rows that are sent.
const ROWS_MAX: usize = 100;

/// Words of people that are sent, the last ones.
const WORDS_MAX: usize = 20;

/// Lines of what happened that are sent, the last ones, and events that are looked through for them.
const LOG_MAX: usize = 40;
const LOG_EVENTS: usize = 400;

/// The head of a board.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunBoard {
    /// [`BOARD_SCHEMA`].
    pub schema: &'static str,
    /// The run's id.
    pub run: String,
    /// Its runbook.
    pub runbook: String,
    /// What the runbook does.
    pub title: String,
    /// The profile it was compiled under.
    pub profile: Option<String>,
    /// `drill`, `simulated` or `live`.
    pub mode: RunKind,
    /// The bad days that a drill lives through, by name.
    pub bad_days: Vec<String>,
    /// What each of them, and each fault of a drill's world, came to, in words.
    pub strikes: Vec<String>,
    /// Where Azure is.
    pub endpoint: String,
    /// Who started it.
    pub by: Option<String>,
    /// When it was opened.
    pub started_at: Timestamp,
    /// When it ended, if it has by then.
    pub ended_at: Option<Timestamp>,
    /// From its opening to its recovery, in seconds.
    pub recovery_seconds: Option<f64>,
    /// Why not all is recovered, where every step of a drill was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short: Option<String>,
    /// Whether a process drives it.
    pub driven: bool,
    /// Whether this is how it stands now, and not as it stood after an earlier event.
    pub live: bool,
    /// The last event that is counted.
    pub event: u64,
    /// How many events there are.
    pub events: u64,
    /// What is true of it at that moment.
    pub now: RunTruth,
    /// What of that was left out, since it is more than anybody reads at once.
    pub hidden: BoardHidden,
    /// How many steps stand how.
    pub counts: BTreeMap<&'static str, usize>,
    /// What each site reached when it began, in a drill.
    pub reached_before: Vec<ReachView>,
    /// What each site reaches at that moment, in a drill.
    pub reached: Vec<ReachView>,
    /// Since when.
    pub reached_at: Option<Timestamp>,
    /// What stays of what it did, of a run that was undone.
    pub stays: Vec<String>,
    /// What people told it, the last of it.
    pub said: Vec<String>,
    /// What happened, a line each, the last of it.
    pub log: Vec<String>,
    /// Why what is shown may be old, if it may.
    pub stale: Option<String>,
}

/// How much was left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BoardHidden {
    /// Steps at work.
    pub azure: usize,
    /// Things that people have to do.
    pub asks: usize,
    /// Things that are owed.
    pub owed: usize,
}

/// Which moment of a run is on the board, and what lies beside its events.
#[derive(Debug, Clone, Copy)]
pub struct BoardMoment<'a> {
    /// Whether somebody drives it then.
    pub driven: Driven,
    /// The time in it.
    pub now: Timestamp,
    /// How many events there are in all, where these are not all of them.
    pub of: Option<u64>,
    /// What each site reached from when on.
    pub reached: &'a [ReachedView],
    /// What was to go wrong.
    pub strikes: &'a [StrikesView],
}

/// The board after these events, and the view of the run that its other parts are made from; none before the
/// first event.
#[must_use]
pub fn board(
    state: &RunState,
    events: &[Recorded],
    moment: BoardMoment<'_>,
) -> Option<(RunBoard, RunView)> {
    let mut view = run_view_at(state, events, moment.driven, moment.now)?;
    view.set_reached(moment.reached);
    let mut now = view.now.clone()?;
    let hidden = BoardHidden {
        azure: cut(&mut now.azure, AT_ONCE_MAX),
        asks: cut(&mut now.asks, AT_ONCE_MAX),
        owed: cut(&mut now.owed, ROWS_MAX),
    };
    if let Some(end) = &mut now.expected_end {
        cut(&mut end.path, AT_ONCE_MAX);
    }
    let mut counts = BTreeMap::new();
    for step in &view.steps {
        *counts.entry(step.status.as_str()).or_insert(0) += 1;
    }
    let rows = |reached: Option<&ReachedView>| -> Vec<ReachView> {
        reached.map(|one| one.reach.iter().take(ROWS_MAX).cloned().collect()).unwrap_or_default()
    };
    let reached = moment.reached.iter().rev().find(|one| one.at <= now.at);
    let board = RunBoard {
        schema: BOARD_SCHEMA,
        run: view.run.clone(),
        runbook: view.runbook.clone(),
        title: view.title.clone(),
        profile: view.profile.clone(),
        mode: view.mode,
        bad_days: view.bad_days.clone(),
        strikes: moment.strikes.iter().map(StrikesView::sentence).collect(),
        endpoint: view.endpoint.clone(),
        by: view.by.clone(),
        started_at: view.started_at,
        ended_at: view.ended_at,
        recovery_seconds: view.recovery(),
        short: view.short(),
        driven: moment.driven == Driven::ByAProcess && !now.standing.is_end(),
        live: moment.of.is_none(),
        event: view.events,
        events: moment.of.unwrap_or(view.events),
        now,
        hidden,
        counts,
        reached_before: rows(moment.reached.first()),
        reached: rows(reached),
        reached_at: reached.map(|one| one.at),
        stays: view.stays.iter().take(ROWS_MAX).cloned().collect(),
        said: last(&view.said, WORDS_MAX),
        log: log(state, events),
        stale: None,
    };
    Some((board, view))
}

/// Keeps the first of a list, and says how many more there were.
fn cut<T>(list: &mut Vec<T>, most: usize) -> usize {
    let more = list.len().saturating_sub(most);
    list.truncate(most);
    more
}

fn last(list: &[String], most: usize) -> Vec<String> {
    list.get(list.len().saturating_sub(most)..).unwrap_or_default().to_vec()
}

fn log(state: &RunState, events: &[Recorded]) -> Vec<String> {
    let Some(opened) = &state.opened else { return Vec::new() };
    let mut teller = Teller::default();
    let late = events.get(events.len().saturating_sub(LOG_EVENTS)..).unwrap_or_default();
    let lines: Vec<String> = late
        .iter()
        .filter_map(|one| teller.told(one, &opened.plan, opened.at, Style::PLAIN))
        .collect();
    last(&lines, LOG_MAX)
}
