//! What is known of one step? Where it stands, what it is at, and what its journal left to remember.

use std::sync::Arc;

use super::actor::Actor;
use super::event::Intent;
use super::skip::SkipReason;
use crate::model::{
    OnFailure, OperationHandle, Outputs, SagaClass, Step, StepError, StepStatus, Timestamp, Undo,
};

/// The code of a write that is done, as Azure says, and that its resource does not show.
pub(super) const GOAL_NOT_SEEN: &str = "goal_not_seen";

/// What is told of a step's operation when Azure answers again how it stands.
pub(super) const ASKED_AGAIN: &str = "Azure answers again, and is at work on it";

/// One step as the journal tells it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepRecord {
    /// Where it stands.
    pub state: StepState,
    /// The last attempt's number, forward and backward together; only grows.
    pub attempt: u32,
    /// The attempt number before the first one that counts against the policy.
    pub budget_from: u32,
    /// How many of its writes were done, as Azure said, and then not shown, among the attempts that count.
    pub unkept: u32,
    /// Which of its changes the next intent is: grows when a write is known to have landed.
    pub generation: u32,
    /// How its change is taken back, from before its first write.
    pub undo: Option<Undo>,
    /// Whether a write of it may have landed.
    pub touched: bool,
    /// Whether one may have landed before the write that it intended last.
    pub touched_before: bool,
    /// What it put out.
    pub outputs: Outputs,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended, the last time it did.
    pub ended_at: Option<Timestamp>,
    /// How many of its writes were refused before they were accepted.
    pub refusals: u32,
    /// What it waits for, as the journal was told last in this attempt.
    pub told: Option<String>,
    /// That it has failed and looks after what it left, while it does.
    pub mending: Option<MendedCircuit>,
    /// Why nobody can say how its operation stands, while that is so.
    pub unasked: Option<String>,
    /// What people said of it last, where it asked them.
    pub answered: Option<GivenAnswer>,
    /// Who would go on without its answer, of a gate that has none.
    pub skip_agreed: Vec<Actor>,
}

/// A step that has failed, and writes what it left Failed again.
#[derive(Debug, Clone, PartialEq)]
pub struct MendedCircuit {
    /// How it failed, and will end.
    pub failed: StepError,
    /// Whether Azure took that write.
    pub written: bool,
}

/// What a person said of a step that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenAnswer {
    /// Who.
    pub by: Actor,
    /// Whether it was a yes.
    pub yes: bool,
    /// When.
    pub at: Timestamp,
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum StepState {
    /// Not begun.
    #[default]
    Pending,
    /// An attempt is under way or scheduled.
    Working(AttemptWork),
    /// Its goal was observed.
    Succeeded,
    /// It ended without its goal.
    Failed(StepError),
    /// Its time was up.
    TimedOut {
        /// Azure's operation that may go on; the resource stays held until it ends.
        operation: Option<OperationHandle>,
        /// What was missing, the last time that anybody looked.
        missing: Option<String>,
    },
    /// Not done.
    Skipped {
        /// Why.
        why: SkipReason,
        /// By whom.
        by: Actor,
    },
    /// In doubt in a way that only a person can settle.
    Held {
        /// Why.
        why: String,
    },
    /// Put back.
    Undone,
    /// Could not be put back.
    UndoFailed(StepError),
}

/// An attempt under way.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptWork {
    /// Towards the goal, or back.
    pub direction: Direction,
    /// The attempt's number.
    pub attempt: u32,
    /// When the first attempt of this direction began: what the timeout counts from.
    pub since: Timestamp,
    /// What is going on.
    pub phase: Phase,
}

/// Which way a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Towards the step's goal.
    Forward,
    /// Back to what was before.
    Backward,
}

/// What an attempt is at.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Looking, before anything is written.
    Observing,
    /// A write is about to be sent, or was: unknown after a crash.
    Intended(Arc<Intent>),
    /// Whether the write landed is not known; looking.
    InDoubt(Arc<Intent>),
    /// Azure works on it.
    Operating {
        /// What was asked.
        intent: Arc<Intent>,
        /// What to poll.
        handle: OperationHandle,
        /// Since when.
        since: Timestamp,
    },
    /// Azure is done; looking whether the goal holds.
    Confirming(Arc<Intent>),
    /// Looked, and the goal neither holds nor can be written: looking again.
    Waiting {
        /// What is missing.
        why: String,
    },
    /// The next attempt is scheduled.
    Retrying {
        /// When.
        at: Timestamp,
        /// Why the last one did not do.
        error: StepError,
    },
    /// A person is asked.
    Asking {
        /// The question.
        question: String,
        /// Since when.
        since: Timestamp,
        /// When the gate closes by itself.
        expires_at: Option<Timestamp>,
        /// The failure that led to the question, when the step is not a gate itself.
        failure: Option<StepError>,
        /// Who said yes so far.
        approved_by: Vec<Actor>,
        /// What they chose, at a decision.
        choice: Option<String>,
    },
}

impl StepRecord {
    /// The name of where it stands, for people and machines.
    #[must_use]
    pub fn status(&self) -> StepStatus {
        match &self.state {
            StepState::Pending => StepStatus::Pending,
            StepState::Working(work) if matches!(work.phase, Phase::Asking { .. }) => {
                StepStatus::Waiting
            }
            StepState::Working(_) => StepStatus::Running,
            StepState::Succeeded => StepStatus::Succeeded,
            StepState::Failed(_) => StepStatus::Failed,
            StepState::TimedOut { .. } => StepStatus::TimedOut,
            StepState::Skipped { .. } => StepStatus::Skipped,
            StepState::Held { .. } => StepStatus::Held,
            StepState::Undone => StepStatus::Undone,
            StepState::UndoFailed(_) => StepStatus::UndoFailed,
        }
    }

    /// The work under way, if there is some.
    #[must_use]
    pub fn work(&self) -> Option<&AttemptWork> {
        if let StepState::Working(work) = &self.state { Some(work) } else { None }
    }

    /// Whether the step made a change that an undo by `by` would put back.
    #[must_use]
    pub fn to_undo(&self, saga: SagaClass, by: &Actor) -> bool {
        let reachable = match saga {
            SagaClass::Undoable => true,
            SagaClass::Pivot => matches!(by, Actor::Person(_)),
            SagaClass::Retriable => false,
        };
        let open = !matches!(self.state, StepState::Undone | StepState::UndoFailed(_));
        let change = self.undo.as_ref().is_some_and(|undo| *undo != Undo::Nothing);
        reachable && open && self.touched && change
    }
}

/// Whether a step that needs this one may go on.
pub(super) fn releases_next(step: &Step, record: &StepRecord) -> bool {
    match &record.state {
        StepState::Succeeded | StepState::Skipped { .. } => true,
        StepState::Failed(_) | StepState::TimedOut { .. } => step.on_failure == OnFailure::Continue,
        StepState::Pending
        | StepState::Working(_)
        | StepState::Held { .. }
        | StepState::Undone
        | StepState::UndoFailed(_) => false,
    }
}
