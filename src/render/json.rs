//! What do machines read? One object with a `schema`, or one line an event; the names are kept.

use serde::Serialize;

use crate::engine::Recorded;

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

/// A journal as JSON lines.
#[must_use]
pub fn journal(events: &[Recorded]) -> String {
    events.iter().map(line).collect()
}
