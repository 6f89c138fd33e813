//! How long does a drive last, and how does it end?

use super::ports::JournalError;
use super::state::IllegalTransition;
use crate::model::{RunOutcome, StepName};

/// How long a driver stays with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Until the run has ended, or only people can drive it on.
    UntilPeople,
    /// Until the run has ended: somebody is there to answer.
    UntilEnded,
}

/// How a drive ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The run ended.
    Ended(RunOutcome),
    /// Only people can drive it on: these steps wait for them.
    Waiting(Vec<StepName>),
    /// The process was asked to leave; what was in flight is recorded.
    Interrupted,
}

/// Why a drive could not go on. The run itself can be opened again.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Events did not become durable, or could not be read.
    #[error("the journal failed")]
    Journal(#[from] JournalError),
    /// The journal does not fold.
    #[error("the journal does not make sense")]
    Journey(#[from] IllegalTransition),
    /// The journal is empty and no new run was given.
    #[error("there is no such run")]
    NoRun,
    /// A drill went on for longer than one may: it goes in circles.
    #[error("the drill does not end: {turns} turns and {days} days of its time are over. {waits}")]
    Endless {
        /// Its turns in this drive.
        turns: u64,
        /// Days of its own time since it was opened.
        days: u64,
        /// What it waits for.
        waits: String,
    },
    /// A worker's task ended without an input.
    #[error("a worker stopped without an answer: {0}")]
    Worker(String),
}
