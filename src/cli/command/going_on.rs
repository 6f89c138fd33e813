//! May a run go on from this process? What is refused before anything is recorded.

use std::time::Duration;

use crate::cli::args::{DriveArgs, Target};
use crate::cli::azure;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::engine::state::Opened;
use crate::engine::{Command, RunMode, RunPhase, RunState};
use crate::model::{Plan, RunId, RunOutcome, StepStatus};
use crate::store::claims::same_endpoint;

/// A run that goes on sends secrets: this process must be able to read them.
pub(super) fn refuse_without_secrets(
    command: Option<&Command>,
    state: &RunState,
    plan: &Plan,
) -> Result<(), CliError> {
    let going_on = matches!(
        command,
        None | Some(
            Command::Approve(_)
                | Command::Continue { .. }
                | Command::Retry(_)
                | Command::RetryFrom(_)
                | Command::RetryAll { .. }
                | Command::Skip(_)
                | Command::SourceDown { .. }
        )
    );
    if going_on {
        let left = plan.steps().iter().filter(|step| {
            state.steps.get(&step.name).is_none_or(|record| {
                !matches!(record.status(), StepStatus::Succeeded | StepStatus::Skipped)
            })
        });
        // Not after the gate, and not when the gateway stands: now, with nothing said yet.
        if let Some(why) = azure::SecretSettings::of(plan).missing(left) {
            return Err(CliError::refused(
                "The run would send a secret that this process cannot read.",
            )
            .reason(&why)
            .hint("Say it again where the secret is; nothing was recorded."));
        }
    }
    Ok(())
}

/// A run stays where it is about, and only a drill's time can be made to pass.
pub(super) fn refuse_elsewhere(
    drive: &DriveArgs,
    target: &Target,
    opened: &Opened,
    later: Duration,
) -> Result<(), CliError> {
    if let Some(other) = &drive.target.endpoint
        && opened.mode == RunMode::Live
        && !same_endpoint(
            azure::endpoint(&drive.target)?.as_str(),
            azure::endpoint(target)?.as_str(),
        )
    {
        return Err(CliError::usage(format!(
            "The run is about {}, not about {other}.",
            opened.endpoint
        ))
        .hint("Leave `--endpoint` out: a run keeps the endpoint with which it began."));
    }
    if later > Duration::ZERO && opened.mode == RunMode::Live {
        return Err(CliError::usage(
            "`--after` is for drills: a live run's time passes by itself.",
        ));
    }
    Ok(())
}

/// An undo, or a settling, that nobody drives is gone on with by whoever asks for it once more; and a resume of an undo
/// that takes everything back has done what it was asked for.
pub(super) fn under_way_already(
    context: &Context,
    state: &RunState,
    command: Option<Command>,
    asked: RunOutcome,
) -> (Option<Command>, RunOutcome) {
    let asked = match (&state.phase, &command) {
        (RunPhase::Undoing { .. }, None) => RunOutcome::Undone,
        (RunPhase::Cancelling, None) => RunOutcome::Cancelled,
        (RunPhase::Settling { before }, None) => *before,
        _ => asked,
    };
    let what = match (&state.phase, &command) {
        (RunPhase::Undoing { .. }, Some(Command::Undo { .. })) => "being undone",
        (RunPhase::Settling { .. }, Some(Command::Settle { .. })) => "being settled",
        (RunPhase::Cancelling, Some(Command::Cancel { .. })) => "being cancelled",
        _ => return (command, asked),
    };
    context.ui.say(&format!("It is {what} already; this goes on with it."));
    (None, asked)
}

/// A command that was refused leaves a run that nobody drives as it was: said with what takes it up.
pub(super) fn lead_on(error: CliError, run: &RunId, ended: bool) -> CliError {
    match error.status {
        Status::Refused if !ended => error.hint(format!(
            "Nobody drives the run; `backroad resume {run}` takes it up as it stands."
        )),
        _ => error,
    }
}

/// What becomes of a command that the process which drives the run has taken.
pub(super) fn taken(command: &Command) -> &'static str {
    match command {
        Command::Pause { .. } => "Done. The process that drives the run starts nothing new.",
        Command::Cancel { .. } => "Done. The process that drives the run ends it.",
        Command::Decline(_) => "Done. The process that drives the run has the no.",
        Command::Undo { .. } => "Done. The process that drives the run takes it back.",
        Command::Approve(_)
        | Command::Retry(_)
        | Command::RetryFrom(_)
        | Command::RetryAll { .. }
        | Command::Skip(_)
        | Command::Continue { .. }
        | Command::SourceDown { .. }
        | Command::Settle { .. } => "Done. The process that drives the run goes on with it.",
    }
}
