//! What is happening? Lines as events are recorded, or a line a step that is at work on a terminal.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::line::{JournalDetail, line};
use super::style::{Style, fill, for_screen};
use super::typical::{doing, typical};
use crate::engine::{Phase, Recorded, RunState, StepState, Watcher};
use crate::model::{Plan, Step, StepName, StepStatus};

/// How often a line's clock moves.
const TICK: Duration = Duration::from_millis(500);

/// Where finished lines go; only the command line's user interface prints.
pub type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// Writes one line an event that matters.
pub struct EventLines {
    sink: Sink,
    style: Style,
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
        Self { sink, style }
    }
}

/// The lines of events that were just recorded. A whole journal that is opened again is told as one.
fn lines(events: &[Recorded], state: &RunState, style: Style) -> Vec<String> {
    let Some(opened) = &state.opened else {
        return Vec::new();
    };
    let taken_up = events.len() > 1 && events.first().is_some_and(|first| first.seq.0 == 1);
    if taken_up {
        return vec![style.dim(&format!("run {} goes on after event {}", opened.run, state.head))];
    }
    events
        .iter()
        .filter_map(|event| line(event, &opened.plan, opened.at, JournalDetail::Progress, style))
        .collect()
}

impl Watcher for EventLines {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        for line in lines(events, state, self.style) {
            (self.sink)(&line);
        }
    }
}

/// A line a step that is at work, on a terminal: what Azure is doing, how long that usually takes, how
/// long it has been; below them what is next.
#[derive(Debug)]
pub struct Live {
    screen: MultiProgress,
    style: Style,
    bars: Mutex<Bars>,
}

#[derive(Debug, Default)]
struct Bars {
    steps: BTreeMap<StepName, ProgressBar>,
    next: Option<ProgressBar>,
}

impl Live {
    /// Lines on the terminal's error stream.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Self { screen: MultiProgress::new(), style, bars: Mutex::default() }
    }

    /// Takes the lines off the screen.
    pub fn clear(&self) {
        drop(self.screen.clear());
    }

    fn bar(&self, plan: &Plan, name: &StepName) -> ProgressBar {
        let width =
            plan.steps().iter().map(|step| step.name.as_str().len()).max().unwrap_or(0).min(30);
        let bar = self.screen.insert_from_back(1, ProgressBar::new_spinner());
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {prefix} {elapsed:>5}  {wide_msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(fill(name.as_str(), width));
        bar.enable_steady_tick(TICK);
        bar
    }
}

impl Watcher for Live {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        for line in lines(events, state, self.style) {
            for line in line.lines() {
                drop(self.screen.println(on_screen(line)));
            }
        }
        let Some(opened) = &state.opened else { return };
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        if bars.next.is_none() {
            let next = self.screen.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {wide_msg}") {
                next.set_style(style);
            }
            bars.next = Some(next);
        }
        for step in opened.plan.steps() {
            match at_work(step, state) {
                Some(text) => {
                    let bar = bars
                        .steps
                        .entry(step.name.clone())
                        .or_insert_with(|| self.bar(&opened.plan, &step.name));
                    bar.set_message(on_screen(&text));
                }
                None => {
                    if let Some(bar) = bars.steps.remove(&step.name) {
                        bar.finish_and_clear();
                        self.screen.remove(&bar);
                    }
                }
            }
        }
        if let Some(next) = &bars.next {
            match state.outcome() {
                Some(_) => next.finish_and_clear(),
                None => {
                    let text = self.style.dim(&upcoming(&opened.plan, state));
                    next.set_message(on_screen(&text));
                }
            }
        }
    }
}

/// A line as the terminal may have it.
fn on_screen(line: &str) -> String {
    for_screen(&crate::outward::redacted(line))
}

/// What a step at work is doing; none for one that is not.
fn at_work(step: &Step, state: &RunState) -> Option<String> {
    let work = state.step(&step.name)?.work()?;
    let doing = doing(&step.action);
    Some(match &work.phase {
        Phase::Observing => "looking before anything is written".to_owned(),
        Phase::Intended(_) => "asking Azure".to_owned(),
        Phase::InDoubt(_) => "looking whether the write landed".to_owned(),
        Phase::Operating { .. } => match typical(&step.action) {
            Some(typical) => format!("{doing}; {}", typical.phrase()),
            None => doing.to_owned(),
        },
        Phase::Confirming(_) => "Azure is done; looking whether it is so".to_owned(),
        Phase::Waiting { why } => why.clone(),
        Phase::Retrying { at, error } => format!("again at {at}: {}", error.message),
        Phase::Asking { .. } => "waiting for a person".to_owned(),
    })
}

/// What is left, and what comes first of it.
fn upcoming(plan: &Plan, state: &RunState) -> String {
    let left: Vec<&Step> = plan
        .steps()
        .iter()
        .filter(|step| {
            state.step(&step.name).is_some_and(|record| record.state == StepState::Pending)
        })
        .collect();
    let done = state
        .steps
        .values()
        .filter(|record| matches!(record.status(), StepStatus::Succeeded | StepStatus::Skipped))
        .count();
    let soon: Vec<&str> = left.iter().take(3).map(|step| step.name.as_str()).collect();
    if soon.is_empty() {
        return format!("{done} of {} steps done", plan.steps().len());
    }
    format!("{done} of {} steps done; next: {}", plan.steps().len(), soon.join(", "))
}
