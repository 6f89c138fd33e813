//! How is the truth about a run told? The head of every page, a line each: time, Azure, people, what is next.

use std::time::Duration;

use super::style::{Flow, Style, clock, fill, wrap};
use super::truth::{Ask, AzureWork, ExpectedEnd, Mood, NoPath, ObjectiveVerdict, RunTruth};
use crate::model::Timestamp;

/// Columns of the label before each line.
const LABEL: usize = 9;

/// The word of a standing in its colour.
#[must_use]
pub fn standing(truth: &RunTruth, style: Style) -> String {
    let word = truth.standing.shown();
    match truth.standing.mood() {
        Mood::GoesOn => style.bold(&word),
        Mood::Good => style.good(&word),
        Mood::WantsSomebody => style.warn(&word),
        Mood::Bad => style.bad(&word),
    }
}

/// The lines below a run's headline, none wider than the screen.
#[must_use]
pub fn block(truth: &RunTruth, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    put(&mut lines, "Elapsed", &elapsed(truth), style);
    if let Some(no_path) = truth.no_path {
        put(&mut lines, "No path", &style.bad(&without_a_path(no_path, truth.at, style)), style);
    }
    if let Some(end) = &truth.expected_end {
        put(&mut lines, "Ends", &ends(end, truth, style), style);
    }
    for (place, work) in truth.azure.iter().enumerate() {
        put(&mut lines, if place == 0 { "At work" } else { "" }, &at_work(work), style);
    }
    if !truth.next.is_empty() {
        put(&mut lines, "Next", &truth.next.join(", "), style);
    }
    for ask in &truth.asks {
        lines.extend(asked(ask, truth, style));
    }
    lines
}

fn put(lines: &mut Vec<String>, label: &str, text: &str, style: Style) {
    if style.flow == Flow::Sentences {
        let label = if label.is_empty() { String::new() } else { format!("{label}: ") };
        lines.push(format!("{label}{text}"));
        return;
    }
    for (place, text) in
        wrap(text, style.width.saturating_sub(LABEL + 1).max(20)).iter().enumerate()
    {
        let label = if place == 0 { label } else { "" };
        lines.push(format!("{} {text}", style.dim(&fill(label, LABEL))));
    }
}

/// The time that has gone by, against the objective.
#[must_use]
pub fn elapsed(truth: &RunTruth) -> String {
    let gone = span(truth.elapsed_seconds);
    match truth.objective_seconds {
        Some(allowed) if truth.objective != ObjectiveVerdict::None => {
            format!("{gone} of the {} allowed; {}", span(allowed), truth.objective.phrase())
        }
        _ => gone,
    }
}

/// That there is no path, and since when.
#[must_use]
pub fn without_a_path(no_path: NoPath, now: Timestamp, style: Style) -> String {
    let (since, for_so_long) = (style.time(no_path.since, now), clock(now.since(no_path.since)));
    match no_path.other_made {
        false => format!(
            "NOTHING IS REACHABLE since {since}, for {for_so_long}: one connection is removed, and the other is not \
             made"
        ),
        true => format!(
            "NOT PROVEN since {since}, for {for_so_long}: one connection is removed; the other is made, and what flows \
             over it is not proven"
        ),
    }
}

/// When the end is expected.
#[must_use]
pub fn ends(end: &ExpectedEnd, truth: &RunTruth, style: Style) -> String {
    let mut text = match (end.to, end.to_seconds) {
        (Some(to), Some(to_seconds)) if minute(end.from_seconds) != minute(to_seconds) => format!(
            "between {} and {}, in {} to {}",
            style.time(end.from, truth.at),
            style.time(to, truth.at),
            about(end.from_seconds),
            about(to_seconds)
        ),
        (Some(_), Some(to_seconds)) => {
            format!("about {}, in {}", style.time(end.likely, truth.at), about(to_seconds))
        }
        _ => format!(
            "not before {}; something has taken longer than what was recorded",
            style.time(end.from, truth.at)
        ),
    };
    if end.stands_still {
        text.push_str(", once it goes on");
    }
    match end.answers {
        0 => {}
        1 => text.push_str(", if the one answer of people ahead comes at once"),
        n => text.push_str(&format!(", if the {n} answers of people ahead come at once")),
    }
    text
}

fn minute(seconds: f64) -> u64 {
    Duration::from_secs_f64(seconds.max(0.0)).as_secs() / 60
}

/// A duration as a person says it: `under a minute`, `18 min`, `2 h 05 min`.
#[must_use]
pub fn about(seconds: f64) -> String {
    let minutes = Duration::from_secs_f64(seconds.max(0.0)).as_secs().div_ceil(60);
    match minutes {
        0 => "no time".to_owned(),
        1..60 => format!("{minutes} min"),
        60..2_880 => format!("{} h {:02} min", minutes / 60, minutes % 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

/// What a step at work is doing.
#[must_use]
pub fn at_work(work: &AzureWork) -> String {
    let usually = match (&work.usually, work.late) {
        (Some(usually), true) => format!(", {usually}: longer than nearly all"),
        (Some(usually), false) => format!(", {usually}"),
        (None, _) => String::new(),
    };
    format!("{}: {}, {} so far{usually}", work.step, work.doing, span(work.for_seconds))
}

/// What people have to do, over several lines: who and what, the question, the commands, and then whom to
/// reach and until when. What is needed first stands first, for a screen on which there is room for little.
#[must_use]
pub fn asked(ask: &Ask, truth: &RunTruth, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    put(&mut lines, "People", &what(ask), style);
    put(&mut lines, "", &ask.question, style);
    let indent = match style.flow {
        Flow::Columns => " ".repeat(LABEL + 1),
        Flow::Sentences => String::new(),
    };
    let wide = ask.ways.iter().map(|way| way.command.chars().count()).max().unwrap_or(0);
    for way in &ask.ways {
        let what = style.dim(&way.what);
        let together = indent.len() + wide + 2 + way.what.chars().count();
        match style.flow {
            Flow::Sentences => lines.push(format!("To {}: {}", way.what, way.command)),
            // A command is never broken: it is copied whole.
            Flow::Columns if together <= style.width => {
                lines.push(format!(
                    "{indent}{}  {what}",
                    fill(
                        &style.bold(&way.command),
                        wide + hidden(&style.bold(&way.command), &way.command)
                    )
                ));
            }
            Flow::Columns => {
                lines.push(format!("{indent}{}", style.bold(&way.command)));
                let room = style.width.saturating_sub(indent.len() + 2).max(20);
                lines.extend(
                    wrap(&way.what, room)
                        .iter()
                        .map(|text| format!("{indent}  {}", style.dim(text))),
                );
            }
        }
    }
    match who(ask, truth.at, style) {
        who if who.is_empty() => {}
        who => put(&mut lines, "", &who, style),
    }
    lines
}

/// Letters of a painted text that take no column.
fn hidden(painted: &str, text: &str) -> usize {
    painted.chars().count() - text.chars().count()
}

/// Who is asked, for what, and how many of them have answered.
pub(super) fn what(ask: &Ask) -> String {
    let asked = match &ask.step {
        Some(step) => format!("{} to {} {step}", ask.whom(), ask.kind.verb()),
        None => format!("anybody to {}", ask.kind.verb()),
    };
    if ask.needed < 2 {
        return asked;
    }
    let by = match ask.by.is_empty() {
        true => String::new(),
        false => format!(" ({})", ask.by.join(", ")),
    };
    format!("{asked}; {} of {} have said yes{by}", ask.given, ask.needed)
}

/// Whom that is, how to reach them, and until when.
pub(super) fn who(ask: &Ask, now: Timestamp, style: Style) -> String {
    let mut parts = Vec::new();
    if !ask.people.is_empty() {
        parts.push(format!("{} is {}", ask.whom(), ask.people.join(", ")));
    }
    if let Some(contact) = &ask.contact {
        // An author may have ended it as a sentence; what follows is more of ours.
        parts.push(format!("reach {}", contact.trim_end_matches('.')));
    }
    if ask.not_by_starter {
        parts.push("not the one who started the run".to_owned());
    }
    if let Some(since) = ask.since {
        parts.push(format!("asked {} ago", clock(now.since(since))));
    }
    if let Some(at) = ask.expires_at {
        let then = ask.then.as_deref().unwrap_or("it closes");
        let left = clock(at.since(now));
        let time = style.time(at, now);
        parts.push(match at <= now {
            true => {
                format!("its time was over at {time}: it {}, once the run is resumed", it(then))
            }
            false => format!("until {time} (in {left}), then it {}", it(then)),
        });
    }
    parts.join("; ")
}

/// "the step fails" after "then it": told as "fails".
fn it(then: &str) -> &str {
    then.strip_prefix("the step ").or_else(|| then.strip_prefix("it ")).unwrap_or(then)
}

fn span(seconds: f64) -> String {
    clock(Duration::from_secs_f64(seconds.max(0.0)))
}
