//! What is to be known before somebody answers at a terminal? Of which run, the question, what each answer means, who
//! may give it, and what silence counts as.

use super::style::{Style, wrap};
use super::truth::{Ask, AskKind};
use super::truth_text::{what, who};
use crate::model::Timestamp;

/// Columns before each line.
const INDENT: usize = 4;

/// The lines above the prompt. `asked_now` is whether the question was just told, in the line of its event.
#[must_use]
pub fn lines(ask: &Ask, run: &str, now: Timestamp, asked_now: bool, style: Style) -> Vec<String> {
    let room = style.width.saturating_sub(INDENT).max(20);
    let mut lines = Vec::new();
    let mut put = |text: &str| {
        lines.extend(wrap(text, room).iter().map(|line| format!("{}{line}", " ".repeat(INDENT))));
    };
    if !asked_now {
        put(&ask.question);
    }
    put(&format!("For {}; {run}.", what(ask)));
    put(&format!("{}.", meanings(ask)));
    let who = who(ask, now, style);
    if !who.is_empty() {
        put(&format!("{who}. Others may answer it elsewhere."));
    }
    lines
}

/// What each answer does, in the words that are typed here.
fn meanings(ask: &Ask) -> String {
    let words: &[&str] = match ask.kind {
        AskKind::Failure => &["retry", "without", "stop"],
        AskKind::Decision => return choices(ask),
        AskKind::Approval
        | AskKind::Manual
        | AskKind::Held
        | AskKind::Paused
        | AskKind::Interrupted
        | AskKind::Stopped => &["yes", "no"],
    };
    let told = words.iter().zip(&ask.ways).map(|(word, way)| format!("{word}: {}", way.what));
    told.collect::<Vec<_>>().join("; ")
}

/// The ways of a decision are told with the question; what none of them does is not.
fn choices(ask: &Ask) -> String {
    let none = ask.ways.last().map(|way| way.what.as_str());
    format!("One of the ways by its name; none: {}", none.unwrap_or("choose none"))
}
