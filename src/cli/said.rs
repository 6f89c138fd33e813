//! How is a run that exists spoken to? The grammar of the verbs that drive one on.

use clap::Args;

use super::args::{Target, Verb};
use super::detach::Detach;

/// Driving a run on.
#[derive(Debug, Clone, Args)]
pub struct Drive {
    /// The run's id, or its beginning.
    pub run: String,
    /// Where Azure is.
    #[command(flatten)]
    pub target: Target,
    /// Whether it goes on by itself.
    #[command(flatten)]
    pub detach: Detach,
}

/// Driving a run on with a word about a step.
#[derive(Debug, Clone, Args)]
pub struct DriveStep {
    /// The run's id, or its beginning.
    pub run: String,
    /// The step.
    pub step: String,
    /// The word.
    #[command(flatten)]
    pub said: SaidArgs,
    /// Where Azure is.
    #[command(flatten)]
    pub target: Target,
    /// Whether it goes on by itself.
    #[command(flatten)]
    pub detach: Detach,
}

/// Driving a run on with a word about it.
#[derive(Debug, Clone, Args)]
pub struct DriveSaid {
    /// The run's id, or its beginning.
    pub run: String,
    /// The word.
    #[command(flatten)]
    pub said: SaidArgs,
    /// Where Azure is.
    #[command(flatten)]
    pub target: Target,
    /// Whether it goes on by itself.
    #[command(flatten)]
    pub detach: Detach,
}

/// Who says it, and why; both go into the journal.
#[derive(Debug, Clone, Default, Args)]
pub struct SaidArgs {
    /// Why. `skip`, `retry --from`, `decline`, `cancel` and `undo` ask for it, and need it off a terminal.
    #[arg(long)]
    pub reason: Option<String>,
    /// By whom; the account of this session is recorded beside it [default: that account].
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

impl From<&DriveStep> for Drive {
    fn from(step: &DriveStep) -> Self {
        let (run, target) = (step.run.clone(), step.target.clone());
        Self { run, target, detach: step.detach.clone() }
    }
}

impl From<&DriveSaid> for Drive {
    fn from(said: &DriveSaid) -> Self {
        let (run, target) = (said.run.clone(), said.target.clone());
        Self { run, target, detach: said.detach.clone() }
    }
}

impl Verb {
    /// Whether the run goes on by itself, and which: a new one where none is named. None for verbs that
    /// drive no run.
    #[must_use]
    pub fn detach(&self) -> Option<(&Detach, Option<&str>)> {
        match self {
            Self::Run { detach, .. } => Some((detach, None)),
            Self::Resume(drive) => Some((&drive.detach, Some(&drive.run))),
            Self::Retry { run, detach, .. } => Some((detach, Some(run))),
            Self::Skip { step, .. } | Self::Approve { step, .. } | Self::Decline(step) => {
                Some((&step.detach, Some(&step.run)))
            }
            Self::Pause(said)
            | Self::Settle { run: said, .. }
            | Self::Cancel(said)
            | Self::Undo(said) => Some((&said.detach, Some(&said.run))),
            Self::Check { .. }
            | Self::Plan { .. }
            | Self::Preflight { .. }
            | Self::Capture { .. }
            | Self::Permissions { .. }
            | Self::Render { .. }
            | Self::Drill { .. }
            | Self::Runs
            | Self::Status { .. }
            | Self::Journal { .. }
            | Self::Report { .. }
            | Self::Export { .. }
            | Self::Verify { .. }
            | Self::Sim { .. }
            | Self::Schema
            | Self::Man
            | Self::Completions { .. } => None,
        }
    }
}
