//! What is to be known before somebody answers at a terminal? Of which run, the question, what each answer means, who
//! may give it, and what silence counts as.

use super::style::{Style, wrap};
use super::truth::Ask;
use super::truth_text::{what, who};
use crate::model::Timestamp;

/// Columns before each line.
const INDENT: usize = 4;

/// A question that somebody is about to answer.
#[derive(Debug, Clone, Copy)]
pub struct QuestionAsked<'a> {
    /// What is asked of whom.
    pub ask: &'a Ask,
    /// The run, in words.
    pub run: &'a str,
    /// Whether the question was told just now, in the line of its event.
    pub told: bool,
    /// The time in the run.
    pub now: Timestamp,
}

/// The lines above the prompt. The words are what may be typed, in the order of the ways that they stand for.
#[must_use]
pub fn lines(about: &QuestionAsked<'_>, words: &[&str], style: Style) -> Vec<String> {
    let QuestionAsked { ask, run, told, now } = *about;
    let room = style.width.saturating_sub(INDENT).max(20);
    let mut lines = Vec::new();
    let mut put = |text: &str| {
        lines.extend(wrap(text, room).iter().map(|line| format!("{}{line}", " ".repeat(INDENT))));
    };
    if !told {
        put(&ask.question);
    }
    put(&format!("For {}; {run}.", what(ask)));
    put(&format!("{}.", meanings(ask, words)));
    let who = who(ask, now, style);
    if !who.is_empty() {
        put(&format!("{who}. Others may answer it elsewhere."));
    }
    lines
}

/// What each answer does, in the words that are typed here.
fn meanings(ask: &Ask, words: &[&str]) -> String {
    let told = words.iter().zip(&ask.ways).map(|(word, way)| format!("{word}: {}", way.what));
    told.collect::<Vec<_>>().join("; ")
}
