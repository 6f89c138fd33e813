//! Why can an event not follow? One reason each: the journal is damaged, or the engine has a bug.

use crate::model::{Seq, StepName};

/// Why an event cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IllegalMove {
    /// Its number does not follow.
    #[error("the event before it is {last}")]
    NotNext {
        /// The number of the event before it.
        last: Seq,
    },
    /// A run is opened once.
    #[error("the run is open already")]
    OpenAlready,
    /// A run begins with its opening.
    #[error("the run is not open yet")]
    NotOpen,
    /// Little follows the end of a run.
    #[error("the run has ended")]
    RunEnded,
    /// It follows the end of a run only.
    #[error("the run has not ended")]
    RunNotEnded,
    /// The plan has no such step.
    #[error("`{0}` is not a step")]
    UnknownStep(StepName),
    /// Its kind is about a step, and it names none.
    #[error("it is about a step and names none")]
    NamesNoStep,
    /// Its kind is about the run.
    #[error("it is not about a step")]
    NotOfAStep,
    /// The step reached its goal, or was taken back.
    #[error("the step is done")]
    StepDone,
    /// The step is over.
    #[error("the step has ended")]
    StepEnded,
    /// There is nothing of the step to do again.
    #[error("the step has not begun")]
    NotBegun,
    /// The step has nothing to take back.
    #[error("there is nothing to undo")]
    NothingToUndo,
    /// No write of the step landed.
    #[error("the step has changed nothing")]
    ChangedNothing,
    /// The step is not on its way back.
    #[error("the step is not being undone")]
    NotUndone,
    /// Attempts are counted without holes.
    #[error("attempt {next} cannot follow attempt {last}")]
    Attempt {
        /// The attempt before it.
        last: u32,
        /// Its own.
        next: u32,
    },
    /// The step is at work in the other direction.
    #[error("the step is not where this way begins")]
    WrongWay,
    /// Nothing is being tried.
    #[error("no attempt is under way")]
    NoAttempt,
    /// A write follows a look.
    #[error("nothing was observed for it")]
    NotObserved,
    /// An answer follows an intent.
    #[error("no write was intended")]
    NothingIntended,
    /// A doubt follows a write.
    #[error("nothing was sent")]
    NothingSent,
    /// A doubt is settled where there is one.
    #[error("nothing is in doubt")]
    NothingInDoubt,
    /// A write that may have landed is looked after first.
    #[error("a write is under way")]
    WriteUnderWay,
    /// An operation ends that was begun.
    #[error("there is no operation")]
    NoOperation,
    /// Only who looks can wait.
    #[error("the step is not looking")]
    NotLooking,
    /// Only an open gate is answered.
    #[error("no gate is open")]
    NoGate,
}
