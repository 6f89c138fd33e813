//! How does a command end? One status each, and an error that says what, why and what to do.

use crate::engine::{EngineError, JournalError};
use crate::model::RunOutcome;
use crate::store::{ClaimError, StoreError};

/// How a command ended; its exit status is README.md's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done,
    /// The run ended otherwise than asked.
    EndedOtherwise,
    /// What was typed makes no sense.
    Usage,
    /// The runbook has errors.
    Runbook,
    /// Refused: a precondition, drift, a lease that is held, an approval that was declined.
    Refused,
    /// Azure or the store is out of reach.
    OutOfReach,
    /// The undo is incomplete; the residue is listed.
    UndoIncomplete,
    /// A runbook is not ready, or that could not be known.
    NotReady,
    /// Waiting for a person.
    Waiting,
    /// A bug of ours.
    Bug,
    /// Interrupted; resumable.
    Interrupted,
}

impl Status {
    /// The exit status (README.md, "Use it").
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::EndedOtherwise => 1,
            Self::Usage => 2,
            Self::Runbook => 3,
            Self::Refused => 4,
            Self::OutOfReach => 5,
            Self::UndoIncomplete => 6,
            Self::NotReady => 7,
            Self::Waiting => 10,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }

    /// The status of an exit status.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        const ALL: [Status; 11] = [
            Status::Done,
            Status::EndedOtherwise,
            Status::Usage,
            Status::Runbook,
            Status::Refused,
            Status::OutOfReach,
            Status::UndoIncomplete,
            Status::NotReady,
            Status::Waiting,
            Status::Bug,
            Status::Interrupted,
        ];
        ALL.into_iter().find(|status| status.code() == code)
    }

    /// How a run's end compares with what was asked.
    #[must_use]
    pub fn of(outcome: RunOutcome, asked: RunOutcome) -> Self {
        match outcome {
            _ if outcome == asked => Self::Done,
            RunOutcome::UndoIncomplete => Self::UndoIncomplete,
            RunOutcome::Succeeded
            | RunOutcome::Failed
            | RunOutcome::Undone
            | RunOutcome::Cancelled => Self::EndedOtherwise,
        }
    }
}

/// Why a command could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// How the command ends.
    pub status: Status,
    /// What happened, as a sentence.
    pub what: String,
    /// The causes, outermost first.
    pub why: Vec<String>,
    /// What can be done about it.
    pub hints: Vec<String>,
}

impl CliError {
    /// An error without causes.
    #[must_use]
    pub fn new(status: Status, what: impl Into<String>) -> Self {
        Self { status, what: what.into(), why: Vec::new(), hints: Vec::new() }
    }

    /// Something that was typed makes no sense.
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Status::Usage, what)
    }

    /// Something was refused.
    #[must_use]
    pub fn refused(what: impl Into<String>) -> Self {
        Self::new(Status::Refused, what)
    }

    /// Adds hints.
    #[must_use]
    pub fn hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.hints.extend(hints);
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a cause that is only a text, line by line.
    #[must_use]
    pub fn reason(mut self, why: &str) -> Self {
        self.why.extend(why.lines().map(str::to_owned));
        self
    }

    /// Adds a cause and its causes.
    #[must_use]
    pub fn because(mut self, cause: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            let text = error.to_string();
            // A transparent error says the same as its source, and others end in what their source says.
            if !self.why.last().is_some_and(|last| last.ends_with(&text)) {
                self.why.push(text);
            }
            next = error.source();
        }
        self
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let status = match &error {
            StoreError::Held { .. }
            | StoreError::Exists(_)
            | StoreError::WentOn(_)
            | StoreError::KeptElsewhere { .. }
            | StoreError::Diverged { .. } => Status::Refused,
            StoreError::Unknown { .. } | StoreError::Ambiguous { .. } => Status::Usage,
            StoreError::Io { .. }
            | StoreError::DiskFull { .. }
            | StoreError::Newer { .. }
            | StoreError::LostHistory { .. }
            | StoreError::Damaged { .. }
            | StoreError::Engine { .. }
            | StoreError::Shared { .. }
            | StoreError::NotReadBack { .. }
            | StoreError::NotDurable { .. } => Status::OutOfReach,
        };
        let hint = error.hint();
        Self::new(status, "The run's state cannot be used.").because(&error).hint(hint)
    }
}

impl From<ClaimError> for CliError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Store(error) => error.into(),
            ClaimError::Lost { path, why } => StoreError::Damaged { path, why }.into(),
            ClaimError::Taken { run, resource } => Self::refused(format!(
                "Run {run} works on {} and has not ended.",
                resource.as_str()
            ))
            .hint(format!("See it with `backroad status {run}`; resume, cancel or undo it first.")),
        }
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        let (status, hint) = match &error {
            EngineError::Journal(JournalError::Fenced { .. }) => (
                Status::OutOfReach,
                "Another host drives it now: `backroad runs` says which. What this host recorded last and \
                 could not share is told by `backroad status RUN`.",
            ),
            EngineError::Journal(_) => (
                Status::OutOfReach,
                "What was acknowledged is durable; resume the run once the cause is gone.",
            ),
            EngineError::Journey(_) => (
                Status::OutOfReach,
                "Check the history with `backroad verify RUN`; nothing was changed.",
            ),
            EngineError::NoRun => (Status::Usage, "List the runs with `backroad runs`."),
            EngineError::Endless { .. } => (
                Status::EndedOtherwise,
                "Give what it waits for an end in its world or its runbook; `backroad journal RUN` \
                 has what happened.",
            ),
            EngineError::Worker(_) => {
                (Status::Bug, "This is a bug of backroad's. The run can be resumed.")
            }
        };
        Self::new(status, "The run cannot be driven on.").because(&error).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunId;

    #[test]
    fn an_error_tells_its_causes_once_each() {
        let run = RunId::parse("01h00000000000000000000000").unwrap();
        let error = CliError::from(ClaimError::Store(StoreError::Exists(run)));
        assert_eq!(error.status, Status::Refused);
        assert_eq!(error.why.len(), 1, "{:?}", error.why);
        let gone = crate::store::whole::write(
            std::path::Path::new("/no/such/folder/x"),
            b"",
            crate::store::whole::Existing::Keep,
            crate::store::whole::Readers::Session,
        );
        let error = CliError::usage("No.").because(&gone.unwrap_err());
        assert_eq!(error.why.len(), 1, "{:?}", error.why);
    }

    #[test]
    fn an_outcome_that_was_asked_for_is_success() {
        assert_eq!(Status::of(RunOutcome::Cancelled, RunOutcome::Cancelled), Status::Done);
        assert_eq!(Status::of(RunOutcome::UndoIncomplete, RunOutcome::Undone).code(), 6);
        assert_eq!(Status::of(RunOutcome::Failed, RunOutcome::Succeeded).code(), 1);
    }
}
