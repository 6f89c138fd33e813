//! How did it end? Errors, outcomes and statuses as plain data, fit for a journal.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::resource::ResourceId;
use super::time::duration_text;

/// What an error means for what we do next. The engine looks at nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Refused before it was accepted; asking again is safe, not before `after` when it is given.
    Transient {
        /// The wait that the other side asked for.
        #[serde(with = "duration_text::option", default, skip_serializing_if = "Option::is_none")]
        after: Option<Duration>,
    },
    /// Whether it took effect is not known: observe before anything else.
    Ambiguous,
    /// Refused, and asking again would be refused again.
    Rejected,
}

/// Why an attempt did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} [{code}]")]
pub struct StepError {
    /// A stable code: Azure's own, or one of ours in lower case with underscores.
    pub code: String,
    /// What happened, as a sentence for a person. Never holds a secret.
    pub message: String,
    /// The causes, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What somebody looked for because of it and did not find.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<ResourceId>,
    /// What it means for what we do next.
    pub disposition: Disposition,
}

impl StepError {
    /// An error that asking again will not cure.
    #[must_use]
    pub fn rejected(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, message, Disposition::Rejected)
    }

    /// An error that may pass.
    #[must_use]
    pub fn transient(code: &str, message: impl Into<String>, after: Option<Duration>) -> Self {
        Self::new(code, message, Disposition::Transient { after })
    }

    /// An answer that was lost.
    #[must_use]
    pub fn ambiguous(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, message, Disposition::Ambiguous)
    }

    /// An error without a cause yet.
    #[must_use]
    pub fn new(
        code: impl Into<String>,
        message: impl Into<String>,
        disposition: Disposition,
    ) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { code, message, causes: Vec::new(), missing: None, disposition }
    }

    /// Adds a cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds as a cause that something was looked for and is not there.
    #[must_use]
    pub fn caused_by_missing(mut self, missing: ResourceId) -> Self {
        self.causes.push(format!("{missing} is not there."));
        self.missing = Some(missing);
        self
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Every step succeeded or was skipped by its own condition.
    Succeeded,
    /// A step failed, and what it changed was left in place.
    Failed,
    /// Everything that was changed was put back.
    Undone,
    /// Undo was asked for, and something could not be put back.
    UndoIncomplete,
    /// A person stopped it.
    Cancelled,
}

impl RunOutcome {
    /// The name in machine output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Undone => "undone",
            Self::UndoIncomplete => "undo_incomplete",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a step is doing now, or how it ended; the names of machine output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// An attempt is under way, or the next one is scheduled.
    Running,
    /// Waiting for a person.
    Waiting,
    /// Its goal was observed to hold.
    Succeeded,
    /// It ended without its goal.
    Failed,
    /// Its time was up.
    TimedOut,
    /// Not done, by its condition or by a person.
    Skipped,
    /// In doubt in a way that only a person can settle.
    Held,
    /// Done, and put back since.
    Undone,
    /// Done, and could not be put back.
    UndoFailed,
}

impl StepStatus {
    /// The name in machine output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Skipped => "skipped",
            Self::Held => "held",
            Self::Undone => "undone",
            Self::UndoFailed => "undo_failed",
        }
    }
}

impl fmt::Display for StepStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
