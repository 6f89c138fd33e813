//! What is each step at, and when was it? Rows with bars over time; those that decide the end are marked.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::split::{Doing, after};
use super::super::timeline::seconds;
use super::super::view::{RunView, StepView};
use super::window;
use crate::engine::record::Direction;
use crate::engine::{Recorded, RunState, StepRecord};
use crate::model::{StepName, StepStatus, Timestamp};

/// Pieces of a step's bar that are sent.
const PIECES_MAX: usize = 40;

/// Needs of a step that are named.
const NEEDS_MAX: usize = 6;

/// Which steps are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepsShown {
    /// All of them.
    #[default]
    All,
    /// Those that are at work, wait for people, or went wrong.
    Open,
    /// Those that decided, or will decide, how long the run takes.
    Path,
    /// Those that are not done yet.
    Left,
}

/// Which part of which steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepsWanted {
    /// Which of them.
    pub show: StepsShown,
    /// How many to leave out before.
    pub from: usize,
    /// How many.
    pub count: usize,
}

/// Some of a run's steps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoardSteps {
    /// How many come before these.
    pub from: usize,
    /// How many there are of that kind.
    pub total: usize,
    /// How many the run has.
    pub of: usize,
    /// What the bars are drawn against, in seconds from the opening: until now, or the expected end.
    pub span_seconds: f64,
    /// The moment, in seconds from the opening.
    pub now_seconds: f64,
    /// The objective.
    pub objective_seconds: Option<f64>,
    /// The steps.
    pub rows: Vec<BoardStep>,
}

/// One step, flat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoardStep {
    /// Its number in the author's order.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// What it does.
    pub title: String,
    /// The action's name.
    pub action: String,
    /// Where it stands.
    pub status: StepStatus,
    /// Whether it is being taken back.
    pub undoing: bool,
    /// Whether it decided, or will decide, how long the run takes.
    pub critical: bool,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When it began, in seconds from the opening.
    pub start: Option<f64>,
    /// When it ended.
    pub end: Option<f64>,
    /// What became of its resource.
    pub change: Option<String>,
    /// Why it stands as it does.
    pub why: Option<String>,
    /// What it needs first; the last entry says how many more, where there are more.
    pub needs: Vec<String>,
    /// Whom to call, and how to do it by hand, for a step that did not do.
    pub call: Option<String>,
    /// As above.
    pub by_hand: Option<String>,
    /// What it was at, over time.
    pub bars: Vec<BoardBar>,
}

/// A time in which a step was at one thing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BoardBar {
    /// From when, in seconds from the opening.
    pub from: f64,
    /// Until when.
    pub to: f64,
    /// `azure`, `people` or `own`.
    pub at: &'static str,
}

/// The steps that are wanted, of the run whose view and events these are.
#[must_use]
pub fn steps(
    state: &RunState,
    events: &[Recorded],
    view: &RunView,
    wanted: StepsWanted,
) -> BoardSteps {
    let ahead = view.now.as_ref().and_then(|now| now.expected_end.as_ref());
    let path: BTreeSet<&str> = view
        .critical_path
        .iter()
        .chain(ahead.map(|end| &end.path).into_iter().flatten())
        .map(String::as_str)
        .collect();
    let shown: Vec<(usize, &StepView)> = view
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| is_shown(step, wanted.show, &path))
        .collect();
    let range = window(shown.len(), wanted.from, wanted.count);
    let now = view.now.as_ref().map_or(view.elapsed_seconds, |now| now.elapsed_seconds);
    let end = ahead.map_or(0.0, |end| now + end.likely_seconds);
    let rows = shown.get(range.clone()).unwrap_or_default();
    let ended_at = view.now.as_ref().map_or(view.started_at, |now| now.at);
    BoardSteps {
        from: range.start,
        total: shown.len(),
        of: view.steps.len(),
        span_seconds: view.elapsed_seconds.max(now).max(end).max(1.0),
        now_seconds: now,
        objective_seconds: view.objective_seconds,
        rows: rows
            .iter()
            .map(|(place, step)| row(*place, step, &path, state, (events, ended_at)))
            .collect(),
    }
}

fn is_shown(step: &StepView, show: StepsShown, path: &BTreeSet<&str>) -> bool {
    match show {
        StepsShown::All => true,
        StepsShown::Path => path.contains(step.name.as_str()),
        StepsShown::Open => match step.status {
            StepStatus::Running
            | StepStatus::Waiting
            | StepStatus::Failed
            | StepStatus::TimedOut
            | StepStatus::Held
            | StepStatus::UndoFailed => true,
            StepStatus::Pending
            | StepStatus::Succeeded
            | StepStatus::Skipped
            | StepStatus::Undone => false,
        },
        StepsShown::Left => {
            !matches!(step.status, StepStatus::Succeeded | StepStatus::Skipped | StepStatus::Undone)
        }
    }
}

fn row(
    place: usize,
    step: &StepView,
    path: &BTreeSet<&str>,
    state: &RunState,
    (events, now): (&[Recorded], Timestamp),
) -> BoardStep {
    let record = StepName::parse(&step.name).ok().and_then(|name| state.step(&name));
    let undoing =
        record.and_then(StepRecord::work).is_some_and(|work| work.direction == Direction::Backward);
    let mut needs: Vec<String> = step.needs.iter().take(NEEDS_MAX).cloned().collect();
    if let Some(more) = step.needs.len().checked_sub(NEEDS_MAX).filter(|more| *more > 0) {
        needs.push(format!("and {more} more"));
    }
    BoardStep {
        number: place + 1,
        name: step.name.clone(),
        title: step.title.clone(),
        action: step.action.clone(),
        status: step.status,
        undoing,
        critical: path.contains(step.name.as_str()),
        attempts: step.attempts,
        start: step.start_seconds,
        end: step.end_seconds,
        change: step.change.clone(),
        why: step.why.clone(),
        needs,
        call: step.call.clone(),
        by_hand: step.by_hand.clone(),
        bars: bars(state, events, &step.name, now),
    }
}

/// What a step was at, over time; one that is at work is until now.
fn bars(state: &RunState, events: &[Recorded], name: &str, now: Timestamp) -> Vec<BoardBar> {
    let Some(opened) = &state.opened else { return Vec::new() };
    let mut bars: Vec<BoardBar> = Vec::new();
    let mut add = |doing: Option<(Timestamp, Doing)>, to: Timestamp| {
        let Some((from, doing)) = doing else { return };
        let at = match doing {
            Doing::Azure => "azure",
            Doing::Task | Doing::Question => "people",
            Doing::Looking => "own",
        };
        let (from, to) = (seconds(from.since(opened.at)), seconds(to.since(opened.at)));
        let full = bars.len() >= PIECES_MAX;
        match bars.last_mut() {
            // What is beyond the bound is shown as one piece, so that the bar still ends where it did.
            Some(last) if full || (last.at == at && last.to >= from) => last.to = to,
            _ => bars.push(BoardBar { from, to, at }),
        }
    };
    let mut doing: Option<(Timestamp, Doing)> = None;
    let own = |one: &&Recorded| one.event.step().is_some_and(|step| step.as_str() == name);
    for Recorded { at, event, .. } in events.iter().filter(own) {
        add(doing, *at);
        doing = after(event, &opened.plan, doing.map(|(_, doing)| doing)).map(|now| (*at, now));
    }
    add(doing, now);
    bars
}
