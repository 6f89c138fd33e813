//! What was done? The durable vocabulary: the only engine type that is stored.
//!
//! Events are versioned by their names and only ever grow; a reader that meets an unknown one
//! refuses to drive the run, though it may display it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::actor::Actor;
use super::skip::SkipReason;
use super::target::{RunMode, RunTarget};
use crate::model::{
    Epoch, OperationHandle, OperationKey, Outputs, Person, Plan, RegionDown, RunId, RunOutcome,
    Seen, Seq, StepError, StepName, Timestamp, Undo, Write,
};

/// An event with its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its place.
    pub seq: Seq,
    /// The wall clock when it was recorded; never trusted for order.
    pub at: Timestamp,
    /// The epoch it was recorded under.
    pub epoch: Epoch,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// A reading of the clock that does not go back: nanoseconds since the host started, and which start
/// it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTime {
    /// The id of the host's start.
    pub boot: String,
    /// Nanoseconds since then.
    pub nanos: u64,
}

/// A write that is about to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Our idempotency key for this change; the attempts at it share it.
    pub key: OperationKey,
    /// The write, whole, with placeholders for secrets.
    pub write: Write,
    /// The BLAKE3 digest of the write's canonical JSON.
    pub digest: String,
    /// How it is taken back, from what was observed before it.
    pub undo: Undo,
    /// What was observed before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// It must not be sent after this, by the wall clock…
    pub not_after: Timestamp,
    /// …nor after this, by the clock that does not go back.
    pub not_after_boot: BootTime,
}

impl Intent {
    /// Whether what it writes is not as it was seen before it.
    pub(super) fn has_changed(&self, after: &[Seen]) -> bool {
        let Some(resource) = self.write.resource.azure() else { return false };
        let of = |list: &[Seen]| list.iter().find(|seen| seen.resource == *resource).cloned();
        of(&self.seen) != of(after)
    }
}

/// Something that is true from now on and worth remembering.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The run exists; always the first event.
    RunOpened {
        /// The run's id.
        run: RunId,
        /// The compiled plan, whole: resuming never reads the runbook again.
        plan: Box<Plan>,
        /// What kind of run it is.
        mode: RunMode,
        /// Where Azure is, for a live run: part of the claim on its resources.
        endpoint: String,
        /// What the operation keys are derived from: chance in a live run, the seed in a drill.
        nonce: String,
        /// Who started it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
        /// What it is made against; by the endpoint where nothing is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        against: Option<RunTarget>,
        /// The bad days that a drill lives through, by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bad_days: Vec<String>,
        /// The regions that whoever began a drill takes down in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        regions_down: Vec<RegionDown>,
        /// Whether a drill may go well although something that was to go wrong struck nothing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        allow_no_strike: bool,
        /// How much faster than the host's its clock goes, where a simulator is served faster.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clock_factor: Option<std::num::NonZeroU32>,
        /// Where whoever began it drives from: the host and its state directory. Only of runs that several hosts may
        /// drive; none of drills, which are the same wherever they go.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
    },
    /// A preflight rule that would have stopped the run was waived.
    Waived {
        /// The rule's id.
        rule: String,
        /// What it found.
        finding: String,
        /// By whom.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A process took the run over.
    RunClaimed {
        /// Its host and process, for people.
        holder: String,
        /// Where it drives from, as [`Event::RunOpened`] has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<String>,
    },
    /// The terminal of the process that drives the run went away; the process drives on.
    TerminalLost {},
    /// Nothing could be recorded for a while: the journal did not take what was decided. What its steps were given is
    /// longer by that time, and no step's time is up before it was looked at once.
    JournalAway {
        /// Since when.
        since: Timestamp,
    },
    /// An attempt began. Nothing is written by it yet.
    StepStarted {
        /// The step.
        step: StepName,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// A write is about to be sent.
    Intended {
        /// The step.
        step: StepName,
        /// The write and what surrounds it.
        intent: Box<Intent>,
    },
    /// Azure accepted the write and works on it.
    Accepted {
        /// The step.
        step: StepName,
        /// The operation, as received.
        handle: OperationHandle,
        /// Azure's id of the request, for its support.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
    },
    /// Azure did the write at once.
    Answered {
        /// The step.
        step: StepName,
        /// Azure's id of the request, for its support.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
    },
    /// Azure refused the write before accepting it.
    Refused {
        /// The step.
        step: StepName,
        /// Why.
        error: StepError,
    },
    /// Whether the write landed is not known.
    InDoubt {
        /// The step.
        step: StepName,
        /// Why.
        error: StepError,
    },
    /// What was in doubt was looked at once nothing of it could be under way any more, and is as it was
    /// before: the write never landed.
    NeverLanded {
        /// The step.
        step: StepName,
    },
    /// Azure's operation ended, well or not.
    OperationEnded {
        /// The step.
        step: StepName,
        /// Why it failed, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
    },
    /// Another attempt will be made.
    RetryScheduled {
        /// The step.
        step: StepName,
        /// Why the last one did not do.
        error: StepError,
        /// When.
        not_before: Timestamp,
    },
    /// A look did not show it yet, or Azure does not say how its operation stands. Once for each reason.
    StepWaiting {
        /// The step.
        step: StepName,
        /// What is missing.
        why: String,
    },
    /// The step's goal was observed to hold.
    StepSucceeded {
        /// The step.
        step: StepName,
        /// What it puts out.
        #[serde(default, skip_serializing_if = "Outputs::is_empty")]
        outputs: Outputs,
        /// What was observed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        seen: Vec<Seen>,
    },
    /// The step ended without its goal.
    StepFailed {
        /// The step.
        step: StepName,
        /// Why.
        error: StepError,
    },
    /// The step has failed, and looks after what it left before it ends.
    StepMending {
        /// The step.
        step: StepName,
        /// How it failed.
        error: StepError,
    },
    /// The step's time was up; an operation of Azure's may go on.
    StepTimedOut {
        /// The step.
        step: StepName,
    },
    /// The step is not done.
    StepSkipped {
        /// The step.
        step: StepName,
        /// Why.
        why: SkipReason,
        /// By whom.
        by: Actor,
    },
    /// A person would go on without the answer of a gate; it takes more of them.
    SkipAgreed {
        /// The step.
        step: StepName,
        /// By whom.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// The step is in doubt in a way that only a person can settle.
    StepHeld {
        /// The step.
        step: StepName,
        /// Why.
        why: String,
    },
    /// A person is asked.
    GateOpened {
        /// The step.
        step: StepName,
        /// The question.
        question: String,
        /// When the gate closes by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// The failure that led to the question, when the step is not a gate itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<StepError>,
    },
    /// The answer was yes.
    Approved {
        /// The step.
        step: StepName,
        /// By whom.
        by: Actor,
        /// What was chosen, at a decision.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        choice: Option<String>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The answer was no.
    Declined {
        /// The step.
        step: StepName,
        /// By whom.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Nobody answered in time.
    GateExpired {
        /// The step.
        step: StepName,
    },
    /// Nothing new is started until somebody lets the run go on.
    Paused {
        /// By whom.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A paused run goes on.
    Continued {
        /// By whom.
        by: Actor,
    },
    /// The source region is out of reach: steps that act on it are not tried any more.
    SourceDown {
        /// Who says so: the engine, when a step found it out.
        by: Actor,
        /// Why.
        why: String,
    },
    /// What an ended run still owes is to be met.
    SettleRequested {
        /// By whom.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Nothing new is to be started.
    CancelRequested {
        /// By whom.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// What was done is to be put back.
    UndoRequested {
        /// By whom: the engine for `on_failure: undo`.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An attempt at putting a step back began.
    UndoStarted {
        /// The step.
        step: StepName,
        /// The attempt's number, from 1.
        attempt: u32,
    },
    /// What the step changed is as it was before.
    StepUndone {
        /// The step.
        step: StepName,
    },
    /// What the step changed could not be put back; what is left where.
    StepUndoFailed {
        /// The step.
        step: StepName,
        /// Why, and what is left.
        error: StepError,
    },
    /// A step that had ended is to be tried again.
    StepReset {
        /// The step.
        step: StepName,
        /// By whom.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The run's deadline passed.
    DeadlinePassed {},
    /// The run ended. Only a person reopens it.
    RunEnded {
        /// How.
        outcome: RunOutcome,
    },
    /// A person reopened an ended run.
    Reopened {
        /// By whom.
        by: Actor,
        /// What for.
        why: String,
    },
}

impl Event {
    /// The step the event is about, if it is about one.
    #[must_use]
    pub fn step(&self) -> Option<&StepName> {
        match self {
            Self::StepStarted { step, .. }
            | Self::Intended { step, .. }
            | Self::Accepted { step, .. }
            | Self::Answered { step, .. }
            | Self::Refused { step, .. }
            | Self::InDoubt { step, .. }
            | Self::NeverLanded { step }
            | Self::OperationEnded { step, .. }
            | Self::RetryScheduled { step, .. }
            | Self::StepWaiting { step, .. }
            | Self::StepSucceeded { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepMending { step, .. }
            | Self::StepTimedOut { step }
            | Self::StepSkipped { step, .. }
            | Self::SkipAgreed { step, .. }
            | Self::StepHeld { step, .. }
            | Self::GateOpened { step, .. }
            | Self::Approved { step, .. }
            | Self::Declined { step, .. }
            | Self::GateExpired { step }
            | Self::UndoStarted { step, .. }
            | Self::StepUndone { step }
            | Self::StepUndoFailed { step, .. }
            | Self::StepReset { step, .. } => Some(step),
            Self::RunOpened { .. }
            | Self::RunClaimed { .. }
            | Self::TerminalLost {}
            | Self::JournalAway { .. }
            | Self::Waived { .. }
            | Self::Paused { .. }
            | Self::Continued { .. }
            | Self::SourceDown { .. }
            | Self::SettleRequested { .. }
            | Self::CancelRequested { .. }
            | Self::UndoRequested { .. }
            | Self::DeadlinePassed {}
            | Self::RunEnded { .. }
            | Self::Reopened { .. } => None,
        }
    }

    /// Who did it, where that is said.
    #[must_use]
    pub fn by(&self) -> Option<&Actor> {
        match self {
            Self::Waived { by, .. }
            | Self::StepSkipped { by, .. }
            | Self::SkipAgreed { by, .. }
            | Self::Approved { by, .. }
            | Self::Declined { by, .. }
            | Self::Paused { by, .. }
            | Self::Continued { by }
            | Self::SourceDown { by, .. }
            | Self::SettleRequested { by, .. }
            | Self::CancelRequested { by, .. }
            | Self::UndoRequested { by, .. }
            | Self::StepReset { by, .. }
            | Self::Reopened { by, .. } => Some(by),
            Self::RunOpened { .. }
            | Self::RunClaimed { .. }
            | Self::TerminalLost {}
            | Self::JournalAway { .. }
            | Self::StepStarted { .. }
            | Self::Intended { .. }
            | Self::Accepted { .. }
            | Self::Answered { .. }
            | Self::Refused { .. }
            | Self::InDoubt { .. }
            | Self::NeverLanded { .. }
            | Self::OperationEnded { .. }
            | Self::RetryScheduled { .. }
            | Self::StepWaiting { .. }
            | Self::StepSucceeded { .. }
            | Self::StepFailed { .. }
            | Self::StepMending { .. }
            | Self::StepTimedOut { .. }
            | Self::StepHeld { .. }
            | Self::GateOpened { .. }
            | Self::GateExpired { .. }
            | Self::UndoStarted { .. }
            | Self::StepUndone { .. }
            | Self::StepUndoFailed { .. }
            | Self::DeadlinePassed {}
            | Self::RunEnded { .. } => None,
        }
    }

    /// The event's name in the journal.
    #[must_use]
    pub fn kind(&self) -> String {
        // The name is the serde tag, so that it is written down once.
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.get("kind").and_then(Value::as_str).map(str::to_owned))
            .unwrap_or_default()
    }
}
