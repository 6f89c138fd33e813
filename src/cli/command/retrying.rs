//! What is tried again, and by which word? It is told before it is done.

use clap::Args;

use super::drive::{Affected, about_run, about_step, show_affected};
use crate::cli::args::{DriveArgs, GivenArgs, RunCommandArgs, StepCommandArgs};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::engine::{Command, people};
use crate::model::RunOutcome;

/// What `retry` takes.
#[derive(Debug, Clone, Args)]
pub struct RetryArgs {
    /// Also every step after it that did not succeed.
    #[arg(long, requires = "step")]
    pub from: bool,
    /// Also every step that is done: each looks first, and writes only what is not so any more.
    #[arg(long, conflicts_with_all = ["step", "from"])]
    pub done: bool,
    /// Only say what would be tried again.
    #[arg(long, conflicts_with = "detach")]
    pub dry_run: bool,
    /// The run's id, or its beginning.
    pub run: String,
    /// The step; every step that failed when absent.
    pub step: Option<String>,
    /// Who gives it, and why.
    #[command(flatten)]
    pub given: GivenArgs,
    /// How the run is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
}

/// Retries a step, or it and what comes after it, or all that failed; shows first what is tried again.
pub(super) async fn retry(context: &Context, args: RetryArgs) -> Result<Status, CliError> {
    let RetryArgs { from, done, dry_run, run, step, given, drive } = args;
    let Some(step) = step else {
        return retry_all(context, &RunCommandArgs { run, given, drive }, (done, dry_run)).await;
    };
    let mut args = StepCommandArgs { run, step, given, drive };
    let only: Affected = |_, _, step| vec![step.clone()];
    let affected = if from { people::tried_again } else { only };
    let waiting: Affected = people::waits_for;
    let ways =
        [("To be tried again", affected), ("Once that is done goes on what waits for it", waiting)];
    show_affected(context, &args, &ways).await?;
    if dry_run {
        return Ok(Status::Done);
    }
    if from {
        args.given = context.reasoned(&args.given, "retry --from")?;
        return about_step(context, &args, Command::RetryFrom, RunOutcome::Succeeded).await;
    }
    about_step(context, &args, Command::Retry, RunOutcome::Succeeded).await
}

/// Retries every step that failed, or also what is done; shows first which those are.
async fn retry_all(
    context: &Context,
    args: &RunCommandArgs,
    (done, dry_run): (bool, bool),
) -> Result<Status, CliError> {
    let run = context.find(&args.run).await?;
    let (events, _) = context.read(&run).await?;
    let state = Context::fold(&events)?;
    let again = match &state.opened {
        Some(opened) => people::all_tried_again(&opened.plan, &state, done),
        None => Vec::new(),
    };
    if again.is_empty() {
        return Err(CliError::refused(format!("No step of run {run} has failed."))
            .hint(format!("See it with `backroad status {run}`."))
            .hint(format!(
                "What is done is looked at once more with `backroad retry {run} --done`."
            )));
    }
    let names: Vec<String> = again.iter().map(ToString::to_string).collect();
    context.ui.say(&format!("To be tried again: {}.", names.join(", ")));
    if dry_run {
        return Ok(Status::Done);
    }
    let command =
        Command::RetryAll { by: context.by(&args.given)?, reason: args.given.reason.clone(), done };
    about_run(context, args, command, RunOutcome::Succeeded).await
}
