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
    /// Eight attempts over about ten minutes: a 409 has been seen to last 194 s (docs/wire.md 3).
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
    /// How many different people must say yes; 1 when the runbook says nothing.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub approvals: u32,
    /// The role that may answer, as the runbook names it; anybody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether the person who started the run may not answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_by_starter: bool,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
fn is_one(count: &u32) -> bool {
    *count == 1
}

/// A point where a person chooses one of several ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionPolicy {
    /// Question, expiry and who may answer.
    #[serde(flatten)]
    pub gate: GatePolicy,
    /// The ways, by name, in the author's order; a name and what it means.
    pub options: Vec<(String, String)>,
    /// The way that counts as chosen when nobody answers in time; none: the step fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<String>,
}

/// Which side of a failover a step acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The region that is left: it may be out of reach exactly when the step is needed.
    Source,
    /// The region that takes over.
    Target,
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
    /// What they choose at a decision, by its step; its first option where nothing is said.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub choices: std::collections::BTreeMap<String, String>,
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
