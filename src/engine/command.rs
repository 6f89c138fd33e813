//! What may a person tell a run? The commands, as they travel to the process that drives it.

use serde::{Deserialize, Serialize};

use crate::model::{Person, StepName};

/// What a person says to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Yes, at a gate.
    Approve(StepCommand),
    /// No, at a gate.
    Decline(StepCommand),
    /// Try a step again that ended badly or is held.
    Retry(StepCommand),
    /// Try a step again, and every step after it that did not succeed.
    RetryFrom(StepCommand),
    /// Go on without a step.
    Skip(StepCommand),
    /// Try every step again that failed.
    RetryAll {
        /// By whom.
        by: Person,
        /// Why.
        reason: Option<String>,
        /// Also every step that is done and can be looked at: what it left may be another's by now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        done: bool,
    },
    /// Start nothing new until somebody lets the run go on.
    Pause {
        /// By whom.
        by: Person,
        /// Why.
        reason: Option<String>,
    },
    /// Let a paused run go on.
    Continue {
        /// By whom.
        by: Person,
    },
    /// The source region is out of reach.
    SourceDown {
        /// By whom.
        by: Person,
        /// Why.
        reason: Option<String>,
    },
    /// Meet what an ended run still owes.
    Settle {
        /// By whom.
        by: Person,
        /// Why.
        reason: Option<String>,
    },
    /// Start nothing more, and end.
    Cancel {
        /// By whom.
        by: Person,
        /// Why.
        reason: Option<String>,
    },
    /// Put back what was done.
    Undo {
        /// By whom.
        by: Person,
        /// Why.
        reason: Option<String>,
    },
}

/// What a person says about a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCommand {
    /// The step.
    pub step: StepName,
    /// By whom.
    pub by: Person,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// What is chosen, at a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<String>,
}

impl Command {
    /// Who says it.
    #[must_use]
    pub fn by(&mut self) -> &mut Person {
        match self {
            Self::Approve(said)
            | Self::Decline(said)
            | Self::Retry(said)
            | Self::RetryFrom(said)
            | Self::Skip(said) => &mut said.by,
            Self::RetryAll { by, .. }
            | Self::Pause { by, .. }
            | Self::Continue { by }
            | Self::SourceDown { by, .. }
            | Self::Settle { by, .. }
            | Self::Cancel { by, .. }
            | Self::Undo { by, .. } => by,
        }
    }
}
