//! What has an event to tell, before it is put in words?

use crate::model::{MessageKind, StepName};

/// What an event has to tell, before it is put in words.
pub(super) struct ToldOfEvent {
    pub(super) kind: MessageKind,
    /// None where the question says it.
    pub(super) headline: Option<String>,
    pub(super) step: Option<StepName>,
    pub(super) ask: bool,
    pub(super) lines: Vec<String>,
}

impl ToldOfEvent {
    pub(super) fn new(kind: MessageKind, headline: String) -> Self {
        Self { kind, headline: Some(headline), step: None, ask: false, lines: Vec::new() }
    }

    pub(super) fn ask(kind: MessageKind, step: &StepName) -> Self {
        Self { kind, headline: None, step: Some(step.clone()), ask: true, lines: Vec::new() }
    }

    pub(super) fn about(mut self, step: &StepName) -> Self {
        self.step = Some(step.clone());
        self
    }

    pub(super) fn line(mut self, line: String) -> Self {
        self.lines.push(line);
        self
    }

    pub(super) fn lines(mut self, lines: impl Iterator<Item = String>) -> Self {
        self.lines.extend(lines);
        self
    }
}

/// What is told of a gate that is answered.
pub(super) fn answered(step: &StepName, what: &str, reason: Option<&String>) -> ToldOfEvent {
    let why = reason.map(|why| format!(": {why}")).unwrap_or_default();
    ToldOfEvent::new(MessageKind::GateAnswered, format!("{step} is answered: {what}{why}"))
        .about(step)
        .line("Nobody else is needed for it.".to_owned())
}
