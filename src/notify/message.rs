//! What does a message say? What, where, how it stands, and the exact command to type.

use serde::{Deserialize, Serialize};

use crate::engine::RunKind;
use crate::model::{MessageId, MessageKind, Timestamp};
use crate::render::truth::{Ask, ObjectiveVerdict};

/// The schema of a message.
pub const MESSAGE_SCHEMA: &str = "backroad.message/1";

/// What is told of a run, as it stood when it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its place among those of its run.
    pub place: MessageId,
    /// What it is about.
    pub kind: MessageKind,
    /// The run; none where it is about a runbook.
    pub run: Option<String>,
    /// Its runbook.
    pub runbook: String,
    /// What the runbook does.
    pub title: String,
    /// `drill`, `simulated` or `live`; none where it is about no run.
    pub mode: Option<RunKind>,
    /// When it happened.
    pub at: Timestamp,
    /// The step that it is about.
    pub step: Option<String>,
    /// What happened, in a line.
    pub headline: String,
    /// What belongs to it, a line each.
    pub lines: Vec<String>,
    /// What a person has to do about it, with the commands.
    pub ask: Option<Ask>,
    /// Whether the objective still holds.
    pub objective: Option<ObjectiveVerdict>,
    /// The page to look at.
    pub page: Option<String>,
}

/// A message on its way to one receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// What is told.
    pub message: Message,
    /// Whether it may have arrived before.
    pub again: bool,
    /// What has become of what it asks for, where nobody is asked that any more.
    pub settled: Option<String>,
}

impl Delivery {
    /// By which a receiver knows a message that it has had already: the same for each attempt.
    #[must_use]
    pub fn id(&self) -> String {
        let about = self.message.run.as_deref().unwrap_or(&self.message.runbook);
        format!("{about}.{}", self.message.place)
    }

    /// What kind of run it is about, in front of everything: nobody shall take a drill for the real thing.
    fn mark(&self) -> &'static str {
        match self.message.mode {
            Some(RunKind::Drill) => "[DRILL] ",
            Some(RunKind::Simulated) => "[SIMULATED] ",
            Some(RunKind::Live) => "[LIVE] ",
            None => "",
        }
    }

    /// The first line: a mail's subject, a card's title.
    #[must_use]
    pub fn title(&self) -> String {
        let again = if self.again { " (possibly sent before)" } else { "" };
        format!("{}{}: {}{again}", self.mark(), self.message.runbook, self.message.headline)
    }

    /// What stands below it, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.settled.clone());
        lines.extend(self.message.lines.iter().cloned());
        if let Some(page) = &self.message.page {
            lines.push(format!("Page: {page}"));
        }
        lines
    }

    /// All of it, as text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n", self.title(), self.lines().join("\n"))
    }

    /// All of it, for machines.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let mut value = serde_json::json!({
            "schema": MESSAGE_SCHEMA,
            "id": self.id(),
            "again": self.again,
            "settled": self.settled.is_some(),
            "text": self.text(),
        });
        let own = serde_json::to_value(&self.message).unwrap_or_default();
        if let (Some(value), serde_json::Value::Object(own)) = (value.as_object_mut(), own) {
            value.extend(own);
        }
        value
    }
}
