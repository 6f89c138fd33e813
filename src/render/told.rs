//! Who was told of a run, and who was not? Each receiver's record, for people.

use serde::{Deserialize, Serialize};

use super::Style;
use crate::model::{Messages, OutboxRecord, ReceiverRecord, Timestamp};

/// What one receiver has been told of a run, flat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldView {
    /// The receiver.
    pub receiver: String,
    /// By which way: `webhook` and the like; none where the runbook does not name it.
    pub way: Option<String>,
    /// How many messages it took.
    pub sent: u64,
    /// When it took the last one.
    pub last_sent_at: Option<Timestamp>,
    /// Whether one is under way, or was when its process ended.
    pub in_doubt: bool,
    /// How many were given up.
    pub unsent: usize,
    /// Why, the last time.
    pub why: Option<String>,
}

impl ToldView {
    /// Of everybody who is told of a run, by its record; the way is what the plan says.
    #[must_use]
    pub fn of(messages: &Messages, record: &OutboxRecord) -> Vec<Self> {
        let way = |name: &str| {
            let known = messages.receivers.iter().find(|receiver| receiver.name == name);
            known.map(|receiver| receiver.way.as_str().to_owned())
        };
        let one = |(name, own): (&String, &ReceiverRecord)| Self {
            receiver: name.clone(),
            way: way(name),
            sent: own.sent,
            last_sent_at: own.last_sent,
            in_doubt: own.trying.is_some(),
            unsent: own.unsent.len(),
            why: own.unsent.last().map(|unsent| unsent.why.clone()),
        };
        record.receivers.iter().map(one).collect()
    }

    /// Whether something is left to be sent.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.unsent > 0 || self.in_doubt
    }

    /// What it was told, as the end of a sentence.
    #[must_use]
    pub fn said(&self) -> String {
        let count = |n: u64| if n == 1 { "1 message".to_owned() } else { format!("{n} messages") };
        let way = self.way.as_ref().map(|way| format!(" ({way})")).unwrap_or_default();
        let sent = match self.sent {
            0 => "nothing yet".to_owned(),
            n => count(n),
        };
        let mut text = format!("{sent}{way}");
        if self.unsent > 0 {
            let unsent = u64::try_from(self.unsent).unwrap_or(u64::MAX);
            let why = self.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            text.push_str(&format!(", and {} could not be sent{why}", count(unsent)));
        } else if self.in_doubt {
            text.push_str(", and one that is under way, or may have arrived");
        }
        text
    }
}

/// A line for each of them, and the command that sends what is left; who missed something stands out.
pub(super) fn lines(all: &[ToldView], run: &str, style: Style) -> Vec<String> {
    let line = |(place, told): (usize, &ToldView)| {
        let lead = if place == 0 { "Told        " } else { "            " };
        let row = format!("{lead}{}: {}", told.receiver, told.said());
        if told.is_behind() { style.warn(&row) } else { row }
    };
    let mut lines: Vec<String> = all.iter().enumerate().map(line).collect();
    if all.iter().any(|told| told.unsent > 0) {
        lines.push(format!("            Send what is left with `backroad notify {run}`."));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_sent_is_said_with_its_reason() {
        let told = ToldView {
            receiver: "ops".to_owned(),
            way: Some("webhook".to_owned()),
            sent: 1,
            last_sent_at: None,
            in_doubt: false,
            unsent: 2,
            why: Some("it answers 500".to_owned()),
        };
        let said = told.said();
        assert_eq!(said, "1 message (webhook), and 2 messages could not be sent: it answers 500");
        assert_eq!(lines(&[told], "01h", Style::PLAIN).len(), 2);
    }
}
