//! What did people tell the run, and who were they? A line each, for whoever asks where it stands.

use super::line::progress;
use super::style::{Style, clock, wrap};
use crate::engine::{Actor, Event, Recorded};
use crate::model::{Plan, Timestamp};

/// What people told the run, in order; the people of a drill are not among them.
pub(super) fn lines(events: &[Recorded], plan: &Plan, opened: Timestamp) -> Vec<String> {
    let by_people = |event: &Event| matches!(event.by(), Some(Actor::Person(_)));
    let told = |recorded: &Recorded| {
        let text = progress(&recorded.event, plan, Style::PLAIN)?;
        let text = text.trim_start_matches([' ', '!', '–']).replace("  ", " ");
        Some(format!("{} {text}", clock(recorded.at.since(opened))))
    };
    events.iter().filter(|recorded| by_people(&recorded.event)).filter_map(told).collect()
}

/// The same under a heading; nothing when nobody said anything.
pub(super) fn block(out: &mut String, said: &[String], style: Style) {
    if said.is_empty() {
        return;
    }
    out.push_str("\nSaid:\n");
    for said in said {
        for (place, text) in wrap(said, style.width.saturating_sub(6).max(40)).iter().enumerate() {
            out.push_str(if place == 0 { "  " } else { "    " });
            out.push_str(text);
            out.push('\n');
        }
    }
}
