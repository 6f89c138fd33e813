//! How is a moment told to people?

use crate::model::Timestamp;

/// A time for people, to the second: `2026-03-14 03:00:00`, in UTC.
pub(super) fn by_the_clock(at: Timestamp) -> String {
    let text = at.to_string();
    text.split('.').next().unwrap_or_default().trim_end_matches('Z').replace('T', " ")
}
