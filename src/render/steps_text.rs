//! When did each step begin and end, and what did it wait for? A table with bars, or sentences.

use super::style::{Style, cut_within, fill, mark, span, wrap};
use super::text::line;
use super::timeline::Waited;
use super::view::{RunView, StepView};
use crate::model::StepStatus;

/// Columns of the bar, at least and at most.
const BAR: (usize, usize) = (12, 48);

/// Which columns there is room for; the bar goes first where there is little, then the clock.
struct Widths {
    name: usize,
    /// Of a time since the run began.
    time: usize,
    /// Whether the wall clock has a column.
    wall: bool,
    bar: usize,
    note: usize,
}

impl Widths {
    /// Columns before the notes.
    fn lead(&self) -> usize {
        self.name
            + marks(self.time)
            + if self.wall { 10 } else { 0 }
            + if self.bar > 0 { self.bar + 2 } else { 0 }
    }
}

/// Columns of a mark, two times and their gaps.
const fn marks(time: usize) -> usize {
    8 + 2 * time
}

/// Columns that notes have at least, beside the rest.
const NOTE_MIN: usize = 16;

fn widths(view: &RunView, style: Style) -> Widths {
    let longest = view.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
    let ends = view.steps.iter().filter_map(|step| step.end_seconds.or(step.start_seconds));
    let time = ends.map(|at| span(at).chars().count()).fold(7, usize::max);
    let most = style.width.saturating_sub(marks(time) + NOTE_MIN).clamp(8, 30);
    let name = longest.clamp(4, most);
    let mut widths = Widths { name, time, wall: false, bar: 0, note: 0 };
    widths.wall = style.width >= widths.lead() + 10 + NOTE_MIN;
    let left = style.width.saturating_sub(widths.lead());
    if left >= BAR.0 + 2 + NOTE_MIN {
        // Half of the rest is the bar.
        widths.bar = (left / 2).clamp(BAR.0, BAR.1);
    }
    widths.note = style.width.saturating_sub(widths.lead()).max(8);
    widths
}

/// The steps in the order in which they began; those that did not begin stay last, in theirs.
fn in_order(view: &RunView) -> Vec<&StepView> {
    let mut steps: Vec<&StepView> = view.steps.iter().collect();
    steps.sort_by_key(|step| (step.started_at.is_none(), step.started_at));
    steps
}

pub(super) fn table(out: &mut String, view: &RunView, style: Style) {
    let widths = widths(view, style);
    let zone = style.zone_name(view.started_at);
    let wall = if widths.wall { format!("{zone:>8}  ") } else { String::new() };
    let bar = if widths.bar > 0 { fill("", widths.bar + 2) } else { String::new() };
    let head = format!(
        "  {}  {:>time$}  {:>time$}  {wall}{bar}WAITED FOR",
        fill("STEP", widths.name),
        "START",
        "END",
        time = widths.time,
    );
    line(out, &style.dim(&head));
    for step in in_order(view) {
        row(out, step, view, &widths, style);
    }
}

/// The steps as sentences, one a line.
pub(super) fn sentences(out: &mut String, view: &RunView, style: Style) {
    for step in in_order(view) {
        let status = step.status.to_string().replace('_', " ");
        let mut text = format!("Step {}: {status}", step.name);
        if let (Some(from), Some(at)) = (step.start_seconds, step.started_at) {
            let at = style.time(at, view.started_at);
            text.push_str(&format!(", began after {} at {at}", span(from)));
        }
        if let (Some(to), Some(at)) = (step.end_seconds, step.ended_at) {
            let at = style.time(at, view.started_at);
            text.push_str(&format!(", ended after {} at {at}", span(to)));
        }
        if let Some(waited) = waited(step) {
            text.push_str(&format!("; waited for {waited}"));
        }
        for tried in tries(step) {
            text.push_str(&format!("; {tried}"));
        }
        text.push('.');
        line(out, &text);
    }
}

fn row(out: &mut String, step: &StepView, view: &RunView, widths: &Widths, style: Style) {
    let at = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), span);
    let wall = step.ended_at.map_or_else(String::new, |at| style.second(at));
    let wall = if widths.wall { format!("{wall:>8}  ") } else { String::new() };
    let notes = notes(step);
    let mut lines = wrap(&notes, widths.note).into_iter();
    let bar = match widths.bar {
        0 => String::new(),
        wide => {
            let bar = bar(step, view.elapsed_seconds, wide);
            format!("{}  ", paint_bar(&bar, step, view, style))
        }
    };
    line(
        out,
        &format!(
            "{} {}  {:>time$}  {:>time$}  {wall}{bar}{}",
            style.by_status(step.status, mark(step.status)),
            fill(&cut_within(&step.name, widths.name), widths.name),
            at(step.start_seconds),
            at(step.end_seconds),
            style.dim(&lines.next().unwrap_or_default()),
            time = widths.time,
        ),
    );
    let indent = " ".repeat(widths.lead());
    for rest in lines {
        line(out, &format!("{indent}{}", style.dim(&rest)));
    }
}

fn paint_bar(bar: &str, step: &StepView, view: &RunView, style: Style) -> String {
    if view.critical_path.contains(&step.name) {
        style.by_status(step.status, bar)
    } else {
        style.dim(bar)
    }
}

/// From start to end on the run's clock, each column a share of the whole.
fn bar(step: &StepView, whole: f64, width: usize) -> String {
    let Some(from) = step.start_seconds else {
        return " ".repeat(width);
    };
    let to = step.end_seconds.unwrap_or(whole);
    let whole = whole.max(1.0);
    let scale = u32::try_from(width).unwrap_or(u32::MAX);
    let column = |seconds: f64| {
        let place = (seconds / whole * f64::from(scale)).floor();
        (0..width)
            .rev()
            .find(|c| u32::try_from(*c).is_ok_and(|c| f64::from(c) <= place))
            .unwrap_or(0)
    };
    let (first, last) = (column(from), column(to));
    let filled = match step.status {
        StepStatus::Skipped => '·',
        StepStatus::Waiting => '?',
        _ if matches!(step.waited_for, Some(Waited::Person { .. })) => '▒',
        _ => '█',
    };
    (0..width).map(|place| if (first..=last).contains(&place) { filled } else { ' ' }).collect()
}

/// What a step waited for before it began.
fn waited(step: &StepView) -> Option<String> {
    Some(match step.waited_for.as_ref()? {
        Waited::Step { step } => step.to_string(),
        Waited::Resource { resource, step } => format!("{resource}, which {step} had"),
        Waited::Person { seconds } => format!("a person, {}", span(*seconds)),
    })
}

/// How often it was tried, where that was more than once.
fn tries(step: &StepView) -> Vec<String> {
    let attempts = (step.attempts > 1).then(|| format!("{} attempts", step.attempts));
    let refusals = match step.refusals {
        0 => None,
        1 => Some("1 refusal".to_owned()),
        n => Some(format!("{n} refusals")),
    };
    attempts.into_iter().chain(refusals).collect()
}

/// What the table's last column says of a step.
fn notes(step: &StepView) -> String {
    waited(step).into_iter().chain(tries(step)).collect::<Vec<_>>().join("; ")
}
