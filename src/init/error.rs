//! Why can no runbook be written? What is wrong, and what there is.

/// Why no runbook can be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct InitError {
    /// What is wrong, as a sentence.
    pub what: String,
    /// What can be done, and what there is.
    pub hints: Vec<String>,
}

impl InitError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hints: Vec::new() }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
