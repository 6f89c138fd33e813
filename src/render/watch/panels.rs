//! What stands in each part of the screen?

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color as Paint, Modifier, Style as Look};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::{Moment, WatchPage};
use crate::model::StepStatus;
use crate::outward;
use crate::render::style::{Color, Flow, Style, clock, cut, cut_within, fill, mark, wrap};
use crate::render::truth::{Mood, ObjectiveVerdict, RunTruth};
use crate::render::truth_text;
use crate::render::view::{RunView, StepView};

/// A text as the screen may have it: no secret, and nothing that steers.
fn clean(text: &str) -> String {
    outward::visible(&outward::redacted(text)).into_owned()
}

/// Without paint in it and as wide as a panel.
fn flat(style: Style, width: usize) -> Style {
    Style { color: Color::No, width, flow: Flow::Columns, ..style }
}

fn by_mood(page: &WatchPage<'_>, mood: Mood) -> Look {
    let look = Look::new().add_modifier(Modifier::BOLD);
    match (page.style.color, mood) {
        (Color::No, _) | (Color::Yes, Mood::GoesOn) => look,
        (Color::Yes, Mood::Good) => look.fg(Paint::Green),
        (Color::Yes, Mood::WantsSomebody) => look.fg(Paint::Yellow),
        (Color::Yes, Mood::Bad) => look.fg(Paint::Red),
    }
}

fn by_status(page: &WatchPage<'_>, status: StepStatus) -> Look {
    let look = Look::new();
    if page.style.color == Color::No {
        return look;
    }
    match status {
        StepStatus::Succeeded => look.fg(Paint::Green),
        StepStatus::Running => look.fg(Paint::Cyan),
        StepStatus::Waiting | StepStatus::Held => look.fg(Paint::Yellow),
        StepStatus::Failed | StepStatus::TimedOut | StepStatus::UndoFailed => look.fg(Paint::Red),
        StepStatus::Pending | StepStatus::Skipped | StepStatus::Undone => {
            look.add_modifier(Modifier::DIM)
        }
    }
}

/// Which run, where it stands, its time, and when it ends.
pub(super) fn head(page: &WatchPage<'_>, width: usize) -> Vec<Line<'static>> {
    let view = page.view;
    let mode = view.mode.as_str();
    let mut lines = Vec::new();
    let which = format!("{} · {mode} · run {}", view.runbook, view.run);
    for text in wrap(&clean(&which), width) {
        lines.push(Line::styled(text, Look::new().add_modifier(Modifier::BOLD)));
    }
    let Some(truth) = &view.now else { return lines };
    let told = format!("{} {}", truth.standing.shown(), truth.headline);
    let look = by_mood(page, truth.standing.mood());
    for text in wrap(&clean(&told), width).into_iter().take(3) {
        lines.push(Line::styled(text, look));
    }
    lines.extend(time(page, truth, width));
    let style = flat(page.style, width);
    if let Some(end) = &truth.expected_end {
        for text in wrap(&format!("Ends {}", truth_text::ends(end, truth, style)), width) {
            lines.push(Line::raw(clean(&text)));
        }
        let path = end.path.join(" → ");
        if !path.is_empty() {
            lines.push(Line::raw(clean(&cut(&format!("Decided by {path}"), width))));
        }
    } else if view.critical_path.len() > 1 {
        let path = format!("What took the time: {}", view.critical_path.join(" → "));
        lines.push(Line::raw(clean(&cut(&path, width))));
    }
    if let Some(stale) = page.stale {
        let look = by_mood(page, Mood::Bad);
        lines.extend(wrap(&clean(stale), width).into_iter().map(|text| Line::styled(text, look)));
    }
    lines
}

/// The time that has gone by, with a bar against the objective.
fn time(page: &WatchPage<'_>, truth: &RunTruth, width: usize) -> Vec<Line<'static>> {
    let at = flat(page.style, width).day_and_time(truth.at);
    let text = format!("{}; {at}", truth_text::elapsed(truth));
    let mut lines: Vec<Line<'static>> = wrap(&text, width).into_iter().map(Line::raw).collect();
    if let Some(no_path) = truth.no_path {
        let look = by_mood(page, Mood::Bad);
        let text = truth_text::without_a_path(no_path, truth.at, flat(page.style, width));
        lines.extend(wrap(&text, width).into_iter().map(|text| Line::styled(text, look)));
    }
    let Some(allowed) = truth.objective_seconds.filter(|allowed| *allowed > 0.0) else {
        return lines;
    };
    let wide = width.min(60);
    let columns = u32::try_from(wide).unwrap_or(u32::MAX);
    let share = (truth.elapsed_seconds / allowed).clamp(0.0, 1.0);
    let full = (0..wide).filter(|at| {
        u32::try_from(*at).is_ok_and(|at| (f64::from(at) + 0.5) / f64::from(columns) <= share)
    });
    let full = full.count();
    let mood = match truth.objective {
        ObjectiveVerdict::Met => Mood::Good,
        ObjectiveVerdict::Holds | ObjectiveVerdict::None | ObjectiveVerdict::Abandoned => {
            Mood::GoesOn
        }
        ObjectiveVerdict::AtRisk => Mood::WantsSomebody,
        ObjectiveVerdict::WillBeMissed | ObjectiveVerdict::Missed => Mood::Bad,
    };
    let bar = Span::styled("█".repeat(full), by_mood(page, mood));
    lines.push(Line::from(vec![bar, Span::raw("░".repeat(wide - full))]));
    lines
}

/// What people have to do, what is owed, and what is reached.
pub(super) fn people(page: &WatchPage<'_>, width: usize) -> Vec<Line<'static>> {
    let view = page.view;
    let style = flat(page.style, width);
    let Some(truth) = &view.now else { return Vec::new() };
    let mut lines: Vec<Line<'static>> = Vec::new();
    for ask in &truth.asks {
        let look = by_mood(page, Mood::WantsSomebody);
        // The label is the frame's title.
        let labelled = Style { width: width + 10, ..style };
        for (place, text) in truth_text::asked(ask, truth, labelled).iter().enumerate() {
            let text: String = text.chars().skip(10).collect();
            let look = if place == 0 { look } else { Look::new() };
            // A command that is too long is broken here: nobody copies it whole out of a frame.
            match text.chars().count() <= width {
                true => lines.push(Line::styled(clean(&text), look)),
                false => {
                    let parts = wrap(&clean(&text), width);
                    lines.extend(parts.into_iter().map(|text| Line::styled(text, look)));
                }
            }
        }
        lines.push(Line::raw(""));
    }
    let list = |lines: &mut Vec<Line<'static>>, title: &str, items: &[String]| {
        if items.is_empty() {
            return;
        }
        lines.push(Line::styled(title.to_owned(), by_mood(page, Mood::WantsSomebody)));
        for item in items {
            let texts = wrap(&clean(item), width.saturating_sub(2).max(10));
            for (place, text) in texts.into_iter().enumerate() {
                lines.push(Line::raw(format!("{} {text}", if place == 0 { "•" } else { " " })));
            }
        }
    };
    list(&mut lines, "Left for you to look after", &truth.owed);
    let reached: Vec<String> = view
        .reachability
        .iter()
        .map(|reach| {
            let over = match reach.circuits.is_empty() || !reach.works {
                true => String::new(),
                false => format!(" over {}", reach.circuits.join(", ")),
            };
            format!("{} → {}: {}{over}", reach.site, reach.network, reach.verdict)
        })
        .collect();
    list(&mut lines, "Reached", &reached);
    while lines.last().is_some_and(|line| line.width() == 0) {
        lines.pop();
    }
    lines
}

/// The same in so many rows: who has to do what, and the command, of each; then until when and whom to reach; and as much
/// of the questions as there is room for.
pub(super) fn people_shortly(
    page: &WatchPage<'_>,
    width: usize,
    rows: usize,
) -> Vec<Line<'static>> {
    let style = flat(page.style, width);
    let Some(truth) = &page.view.now else { return Vec::new() };
    let look = by_mood(page, Mood::WantsSomebody);
    let wrapped = |text: &str| wrap(&clean(text), width);
    let (mut first, mut then): (Vec<Line<'static>>, Vec<Line<'static>>) = Default::default();
    for ask in &truth.asks {
        first.extend(
            wrapped(&truth_text::what(ask)).into_iter().map(|text| Line::styled(text, look)),
        );
        let way = ask.ways.first().map(|way| way.command.as_str()).unwrap_or_default();
        first.extend(wrapped(way).into_iter().map(Line::raw));
        then.extend(wrapped(&truth_text::who(ask, truth.at, style)).into_iter().map(Line::raw));
    }
    for ask in &truth.asks {
        then.extend(wrapped(&ask.question).into_iter().map(Line::raw));
    }
    first.extend(then.into_iter().filter(|line| line.width() > 0));
    first.truncate(rows.max(1));
    first
}

/// What stands in their frame where nobody is asked and nothing is owed.
pub(super) fn nobody() -> Vec<Line<'static>> {
    vec![Line::styled("Nobody is asked for anything.", Look::new().add_modifier(Modifier::DIM))]
}

/// Lines in a frame with a title.
pub(super) fn framed(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'_>>) {
    let block = Block::bordered().title(format!(" {title} "));
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// The steps, those that decide the end marked.
pub(super) fn steps(frame: &mut Frame<'_>, area: Rect, page: &WatchPage<'_>) {
    let view = page.view;
    let inside = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(2));
    let from = first_shown(view, page.scroll, inside);
    let decides = |step: &StepView| {
        let truth = view.now.as_ref().and_then(|truth| truth.expected_end.as_ref());
        view.critical_path.contains(&step.name)
            || truth.is_some_and(|end| end.path.contains(&step.name))
    };
    let longest = view.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
    let name = longest.clamp(4, width.saturating_sub(14).clamp(8, 34));
    let lines: Vec<Line<'_>> = view
        .steps
        .iter()
        .skip(from)
        .take(inside)
        .map(|step| {
            let look = by_status(page, step.status);
            let way = if decides(step) { "◆" } else { " " };
            let note = clean(&note(step, view));
            let room = width.saturating_sub(name + 5);
            Line::from(vec![
                Span::styled(format!("{} {way} ", mark(step.status)), look),
                Span::raw(format!("{} ", fill(&cut_within(&step.name, name), name))),
                Span::styled(cut(&note, room), look),
            ])
        })
        .collect();
    let done = view.now.as_ref().map_or((0, view.steps.len()), |truth| truth.done);
    let ended = view.now.as_ref().is_some_and(|truth| truth.standing.is_end());
    let means = if ended { "took the time" } else { "decides the end" };
    let title = format!("Steps {}/{} · ◆ {means}", done.0, done.1);
    framed(frame, area, &cut(&title, width.saturating_sub(2)), lines);
}

/// The first step that is shown: where somebody scrolled to, else so that what is at work is in sight.
fn first_shown(view: &RunView, scroll: Option<usize>, inside: usize) -> usize {
    let most = view.steps.len().saturating_sub(inside);
    let at_work = view.steps.iter().position(|step| {
        matches!(step.status, StepStatus::Running | StepStatus::Waiting | StepStatus::Held)
    });
    let own = at_work.map_or(0, |at| at.saturating_sub(inside / 3));
    scroll.unwrap_or(own).min(most)
}

/// What is said of a step beside its name: what it is at, or when it was.
fn note(step: &StepView, view: &RunView) -> String {
    let span = |seconds: f64| clock(Duration::from_secs_f64(seconds.max(0.0)));
    let truth = view.now.as_ref();
    let work = truth.and_then(|truth| truth.azure.iter().find(|work| work.step == step.name));
    if let Some(work) = work {
        let usually = work.usually.as_ref().map_or_else(String::new, |usual| format!(", {usual}"));
        return format!("{} {}{usually}", span(work.for_seconds), work.doing);
    }
    let why = step.why.as_deref().unwrap_or_default();
    match (step.status, step.start_seconds, step.end_seconds) {
        (StepStatus::Pending, ..) => String::new(),
        (StepStatus::Waiting, ..) => "a person is asked".to_owned(),
        (StepStatus::Skipped, ..) if step.not_called_for => "not called for".to_owned(),
        (StepStatus::Succeeded, Some(from), Some(to)) => {
            format!("{} in {}", span(to), span(to - from))
        }
        (StepStatus::Succeeded, _, Some(to)) => span(to),
        (status, ..) => format!("{} {why}", status.to_string().replace('_', " ")),
    }
}

/// What happened, the newest at the bottom.
pub(super) fn log(frame: &mut Frame<'_>, area: Rect, page: &WatchPage<'_>) {
    let inside = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(2)).max(1);
    // The newest whole lines that there is room for, each broken where it is too long.
    let mut shown: Vec<String> = Vec::new();
    for line in page.log.iter().rev() {
        let mut parts: Vec<String> = Vec::new();
        for (place, text) in wrap(&clean(line), width.saturating_sub(2).max(10)).iter().enumerate()
        {
            parts.push(if place == 0 { text.clone() } else { format!("  {text}") });
        }
        if shown.len() + parts.len() > inside {
            break;
        }
        shown.splice(0..0, parts);
    }
    framed(frame, area, "What happened", shown.into_iter().map(Line::raw).collect());
}

/// Which keys do what, and which moment is shown.
pub(super) fn keys(page: &WatchPage<'_>, width: usize) -> Line<'static> {
    let moment = match page.moment {
        Moment::Now => "now".to_owned(),
        Moment::After { event, of } => format!("event {event} of {of}"),
    };
    let text = format!("{moment} · q quit · ←→ step · Home End · ↑↓ scroll");
    Line::styled(cut(&text, width), Look::new().add_modifier(Modifier::REVERSED))
}
