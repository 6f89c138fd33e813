//! Why is a command not followed? One reason each, in the words that the person reads.

use super::record::GivenAnswer;
use crate::model::{Person, RunOutcome, StepName, StepStatus, Timestamp};

/// Why a command was refused. A refused command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandRefusal {
    /// The plan has no such step.
    #[error("There is no step `{0}` in this run.")]
    UnknownStep(StepName),
    /// It is not paused, and was to go on.
    #[error("The run is not paused.")]
    NotPaused,
    /// It is paused, and was to be paused.
    #[error("The run is paused already.")]
    PausedAlready,
    /// It has ended, and with it what a command is about.
    #[error("The run has ended.")]
    RunEnded,
    /// It has ended and cannot be paused.
    #[error("The run has ended; there is nothing to pause.")]
    NothingToPause,
    /// It has ended and cannot be cancelled.
    #[error("The run has ended ({0}); there is nothing to cancel.")]
    NothingToCancel(RunOutcome),
    /// It is being cancelled.
    #[error("The run is being cancelled already.")]
    CancelledAlready,
    /// An undo goes to its end.
    #[error("The run is being undone; an undo is not cancelled.")]
    UndoIsNotCancelled,
    /// It is being undone.
    #[error("The run is being undone already.")]
    UndoneAlready,
    /// It is being cancelled or undone, and nothing goes forward meanwhile.
    #[error("The run is on its way out; wait until it has ended.")]
    OnItsWayOut,
    /// What it owes is settled after its end.
    #[error("The run has not ended; what it owes is settled when it has.")]
    OwesUntilEnded,
    /// There is nothing to settle.
    #[error("The run owes nothing.")]
    OwesNothing,
    /// There is nothing to take back; what stays, a sentence each.
    #[error("The run has changed nothing that could be undone.{}", sentences(.0))]
    NothingToUndo(Vec<String>),
    /// There is nothing to try again.
    #[error("No step of this run has failed.")]
    NothingFailed,
    /// There is nothing to try again from here on.
    #[error("Neither `{0}` nor a step after it ended badly.")]
    NothingFailedFrom(StepName),
    /// Azure has not ended what the step began.
    #[error("Azure is still at work for step `{0}`; retry it when that has ended.")]
    AzureAtWork(StepName),
    /// What could not be undone is tried again by an undo.
    #[error("Step `{0}` could not be undone; use undo to try that again.")]
    UndoFailed(StepName),
    /// The step has not ended, or is none that can be done again.
    #[error(
        "Step `{0}` is {1}; a step that ended badly can be retried, and one that is done where it is about something of Azure's."
    )]
    NotEndedBadly(StepName, StepStatus),
    /// The step cannot be left out as it stands.
    #[error("Step `{0}` is {1} and cannot be skipped now.")]
    NotToSkip(StepName, StepStatus),
    /// The step asks nobody; who answered it, where somebody has.
    #[error(
        "Step `{step}` is not asking for an approval{}.{}",
        already(.answered.as_ref()),
        if *.ended_badly { " It ended without a yes; a retry of it asks anew." } else { "" }
    )]
    NotAsking {
        /// The step.
        step: StepName,
        /// Whether it was said no to, or its time was over.
        ended_badly: bool,
        /// The last answer.
        answered: Option<GivenAnswer>,
    },
    /// The gate's time is over, and nobody was there to say so: how silence counts is the next driver's to note.
    #[error(
        "Step `{step}` takes no answer any more: its time was over at {at}, and nobody had answered. Resume the run: it \
         goes on as the runbook says for that."
    )]
    GateClosed {
        /// The step.
        step: StepName,
        /// When its time was over.
        at: Timestamp,
    },
    /// The gate wants somebody else than who started the run.
    #[error("Step `{step}` is not to be answered by {person}, who started the run.")]
    ByStarter {
        /// The gate.
        step: StepName,
        /// Who answered.
        person: Person,
    },
    /// The gate wants somebody else.
    #[error(
        "Step `{step}` is answered by {role} ({}), and {person} is none of them.{}",
        people.join(", "),
        if *claimed { " What is claimed with `--by` counts where the runbook trusts names." } else { "" }
    )]
    NotOfRole {
        /// The gate.
        step: StepName,
        /// Who may answer it.
        role: String,
        /// The names of those.
        people: Vec<String>,
        /// Who answered.
        person: Person,
        /// Whether the claimed name is one of theirs, and does not count here.
        claimed: bool,
    },
    /// Going on without an answer takes a reason.
    #[error("Step `{0}` is a gate: going on without its answer takes a reason.")]
    NoReason(StepName),
    /// A gate that comes before would be gone around.
    #[error(
        "Step `{step}` is kept by the gate `{gate}`, which is not passed yet: without it, what comes after would go on \
         without those whom the gate asks. Answer or skip `{gate}` first."
    )]
    KeptByGate {
        /// What was to be left out.
        step: StepName,
        /// What keeps it.
        gate: StepName,
    },
    /// This person's word is counted already.
    #[error("Step `{step}` takes {needed} different people, and has this person's word already.")]
    HasThisWord {
        /// The gate.
        step: StepName,
        /// How many it takes.
        needed: usize,
    },
    /// This person's yes is counted already.
    #[error("Step `{0}` has this person's yes already.")]
    HasThisYes(StepName),
    /// The step offers no choice.
    #[error("Step `{0}` leaves nothing to choose.")]
    NothingToChoose(StepName),
    /// The step wants one of these.
    #[error("Step `{step}` asks for a choice: one of {}.", options.join(", "))]
    NoSuchChoice {
        /// The decision.
        step: StepName,
        /// What it offers.
        options: Vec<String>,
    },
    /// The people before chose otherwise.
    #[error(
        "Step `{step}` takes several people who choose the same, and `{chosen}` was chosen before. Choose that, or \
         decline."
    )]
    ChosenOtherwise {
        /// The decision.
        step: StepName,
        /// What was chosen before.
        chosen: String,
    },
    /// The process that drove the run has left it.
    #[error("The run is not being driven any more.")]
    NotDriven,
}

/// What was said before, to whoever comes second.
fn already(answered: Option<&GivenAnswer>) -> String {
    let Some(GivenAnswer { by, yes, at }) = answered else { return String::new() };
    format!(" any more: {} {} it at {at}", by.name(), if *yes { "approved" } else { "declined" })
}

fn sentences(all: &[String]) -> String {
    all.iter().map(|sentence| format!(" {sentence}")).collect()
}
