//! What goes on? Lines as events are recorded, and below them, on a terminal, where the run stands now.
//!
//! Nothing here draws: the lines go to a sink, and what stands below them is given as lines that are no wider
//! than the screen, so that whoever draws them knows how many rows they take.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::line::{JournalDetail, line};
use super::style::{Style, cut, fill};
use super::truth::{Mood, RunTruth};
use super::truth_text;
use crate::engine::{Event, Recorded, RunPhase, RunState, Watcher};
use crate::model::{Plan, StepName, Timestamp};

/// Where finished lines go; only the command line's user interface prints.
pub type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// Tells events as lines; remembers which steps are on their way back, of which an event alone says nothing.
#[derive(Debug, Default)]
pub struct Teller {
    undoing: BTreeSet<StepName>,
    /// What is said of a run that had ended, once something happens in it.
    opened_again: Option<String>,
}

impl Teller {
    /// The line of an event, if it matters.
    pub fn told(
        &mut self,
        recorded: &Recorded,
        plan: &Plan,
        opened_at: Timestamp,
        style: Style,
    ) -> Option<String> {
        match &recorded.event {
            Event::UndoStarted { step, .. } => {
                self.undoing.insert(step.clone());
            }
            Event::StepStarted { step, .. } => {
                self.undoing.remove(step);
            }
            Event::Accepted { step, .. } if self.undoing.contains(step) => {
                let since = super::style::clock(recorded.at.since(opened_at));
                let text = style.dim(&format!("  {step}  accepted; Azure takes it back"));
                return Some(format!("{} {text}", style.dim(&format!("[{since:>6}]"))));
            }
            _ => {}
        }
        line(recorded, plan, opened_at, JournalDetail::Progress, style)
    }

    /// The lines of events that were just recorded. A whole journal that is opened again is told as one.
    pub fn lines(&mut self, events: &[Recorded], state: &RunState, style: Style) -> Vec<String> {
        let Some(opened) = &state.opened else {
            return Vec::new();
        };
        let whole = events.first().is_some_and(|first| first.seq.0 == 1);
        // A new run's first events may be several: what was waived.
        let taken_up = whole && events.iter().any(|one| one.event.step().is_some());
        let told: Vec<String> = events
            .iter()
            .filter_map(|event| self.told(event, &opened.plan, opened.at, style))
            .collect();
        if taken_up {
            let ended = matches!(state.phase, RunPhase::Ended { .. });
            let verb = if ended { "is opened again" } else { "goes on" };
            let line = style.dim(&format!("run {} {verb} after event {}", opened.run, state.head));
            // Whether one that has ended goes on, the command decides that is still to come: it may be refused.
            if ended {
                self.opened_again = Some(line);
                return Vec::new();
            }
            return vec![line];
        }
        self.opened_again.take().into_iter().chain(told).collect()
    }
}

/// Writes one line an event that matters.
pub struct EventLines {
    sink: Sink,
    style: Style,
    teller: Mutex<Teller>,
}

impl std::fmt::Debug for EventLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLines").field("style", &self.style).finish_non_exhaustive()
    }
}

impl EventLines {
    /// Lines into a sink.
    #[must_use]
    pub fn new(sink: Sink, style: Style) -> Self {
        Self { sink, style, teller: Mutex::default() }
    }
}

impl Watcher for EventLines {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        let mut teller = self.teller.lock().unwrap_or_else(PoisonError::into_inner);
        for line in teller.lines(events, state, self.style) {
            (self.sink)(&line);
        }
    }
}

/// A line that stands below what is said, until the next one replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingLine {
    /// Columns that it takes.
    pub columns: usize,
    /// Its text, with our paint in it.
    pub text: String,
}

/// Steps at work that are shown below; of more only the count is.
const AT_WORK_MAX: usize = 6;
/// Questions that are shown below.
const ASKS_MAX: usize = 3;

/// Where a run stands now, in a few lines, none of which reaches the last column.
#[must_use]
pub fn standing_lines(run: &str, truth: &RunTruth, style: Style) -> Vec<StandingLine> {
    let room = style.width.saturating_sub(1);
    let mut lines: Vec<StandingLine> = Vec::new();
    let mut put = |text: &str, paint: &dyn Fn(&str) -> String| {
        lines.push(standing_line(text, room, paint));
    };
    put(&"─".repeat(room.min(60)), &|text| style.dim(text));
    let headline = format!("{}: {}", truth.standing.shown(), truth.headline);
    put(&headline, &|text| match truth.standing.mood() {
        Mood::GoesOn => style.bold(text),
        Mood::Good => style.good(text),
        Mood::WantsSomebody => style.warn(text),
        Mood::Bad => style.bad(text),
    });
    put(&truth_text::elapsed(truth), &str::to_owned);
    if let Some(no_path) = truth.no_path {
        put(&truth_text::without_a_path(no_path, truth.at, style), &|text| style.bad(text));
    }
    if let Some(end) = &truth.expected_end {
        put(&format!("ends {}", truth_text::ends(end, truth, style)), &str::to_owned);
    }
    let wide = truth.azure.iter().map(|work| work.step.chars().count()).max().unwrap_or(0).min(24);
    for work in truth.azure.iter().take(AT_WORK_MAX) {
        let mark = if work.undoing { "↶" } else { "▸" };
        let gone = super::style::clock(std::time::Duration::from_secs_f64(work.for_seconds));
        let usually = match (&work.usually, work.late) {
            (Some(usually), false) => format!(", {usually}"),
            (Some(usually), true) => format!(", {usually}: late"),
            (None, _) => String::new(),
        };
        let step = fill(&cut(&work.step, wide), wide).replace(' ', "\u{a0}");
        put(&format!("{mark} {step} {gone:>6} {}{usually}", work.doing), &str::to_owned);
    }
    if let Some(more) = truth.azure.len().checked_sub(AT_WORK_MAX).filter(|more| *more > 0) {
        put(&format!("  and {more} more at work"), &|text| style.dim(text));
    }
    for ask in truth.asks.iter().take(ASKS_MAX) {
        if let Some(way) = ask.ways.first() {
            let count = match ask.needed {
                1 => String::new(),
                needed => format!(" ({} of {needed})", ask.given),
            };
            let text = format!("? {}{count}: {}", ask.whom(), way.command);
            // A command is copied: it goes over several rows rather than being cut.
            lines.push(standing_line(&text, usize::MAX, &|text| style.warn(text)));
        }
    }
    let next = match truth.next.is_empty() {
        true => String::new(),
        false => format!("; next: {}", truth.next.join(", ")),
    };
    let (done, all) = truth.done;
    let last = format!("run {run}; {done} of {all} steps done{next}");
    lines.push(standing_line(&last, room, &|text| style.dim(text)));
    lines
}

/// One line is one line, whatever Azure or an author put into it.
fn standing_line(text: &str, room: usize, paint: &dyn Fn(&str) -> String) -> StandingLine {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let indent = text.len() - text.trim_start().len();
    let text = cut(&format!("{}{flat}", " ".repeat(indent)), room);
    StandingLine { columns: text.chars().count(), text: paint(&text) }
}
