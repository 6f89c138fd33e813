//! What if it does not go as hoped? Retry, failure, undo and gates as the author decided them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::duration_text;

/// When and how often to make another attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; at least 1.
    pub attempts: u32,
    /// The wait before the second attempt, where the other side names none; doubles from there.
    #[serde(with = "duration_text")]
    pub delay: Duration,
    /// The longest wait of our own making.
    #[serde(with = "duration_text")]
    pub delay_max: Duration,
}

impl Default for RetryPolicy {
    /// Eight attempts over about ten minutes: a 409 has been seen to last 194 s (WIRE.md 3).
    fn default() -> Self {
        Self { attempts: 8, delay: Duration::from_secs(10), delay_max: Duration::from_secs(120) }
    }
}

/// What a step's failure means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing new starts; what runs is finished; the run ends `failed`.
    #[default]
    Stop,
    /// The steps that need this one go on as if it had succeeded.
    Continue,
    /// A person decides: retry, skip, undo or stop.
    Ask,
    /// Everything done so far is put back, in reverse order.
    Undo,
}

/// Whether a step can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SagaClass {
    /// Its inverse is known: what it made is removed, what it changed is restored.
    #[default]
    Undoable,
    /// The point of no return: past it nothing is undone without a person.
    Pivot,
    /// Left in place by an undo; only ever done again, forward.
    Retriable,
}

/// A point where a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatePolicy {
    /// The question, as a sentence.
    pub question: String,
    /// How long the gate stays open; no limit when absent.
    #[serde(with = "duration_text::option", default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<Duration>,
    /// What then.
    #[serde(default)]
    pub on_expiry: OnExpiry,
}

/// What an expired gate counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExpiry {
    /// As declined: the step fails.
    #[default]
    Decline,
    /// As approved.
    Approve,
}

/// The people of a drill, as data: what answers a gate when nobody is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// The delay after which each gate is answered, in virtual time.
    #[serde(with = "duration_text")]
    pub answer_after: Duration,
    /// What they answer.
    pub answer: Answer,
}

/// What the people of a drill do at a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// They approve.
    #[default]
    Approve,
    /// They decline.
    Decline,
    /// They do not come.
    Absent,
}
