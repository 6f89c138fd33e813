//! What do machines read? One object with a `schema`, or one line an event; the names are kept.

use serde::Serialize;

use crate::engine::Recorded;

/// The schema of a journal as it is kept.
pub const JOURNAL_SCHEMA: &str = "backroad.journal/1";

/// A view as one JSON object, indented, with a line's end.
#[must_use]
pub fn object(view: &impl Serialize) -> String {
    // A view holds texts, numbers and lists of them only, so that this cannot fail.
    let mut text = serde_json::to_string_pretty(view).unwrap_or_else(|_| "{}".to_owned());
    text.push('\n');
    text
}

/// A view as one line of JSON, with the line's end.
#[must_use]
pub fn line(view: &impl Serialize) -> String {
    let mut text = serde_json::to_string(view).unwrap_or_else(|_| "{}".to_owned());
    text.push('\n');
    text
}

/// A journal as one object, with an event a line.
#[must_use]
pub fn journal(events: &[Recorded]) -> String {
    let all: Vec<String> = events.iter().map(|one| line(one).trim_end().to_owned()).collect();
    format!("{{\"schema\":\"{JOURNAL_SCHEMA}\",\"events\":[\n{}\n]}}\n", all.join(",\n"))
}
