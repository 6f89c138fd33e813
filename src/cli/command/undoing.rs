//! What would an undo take back, and who counts on it? It is told before anybody is asked why.

use clap::Args;

use super::drive::about_run;
use crate::cli::args::RunCommandArgs;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::engine::{Actor, Command, RunMode, RunState};
use crate::model::{RunId, RunOutcome};

/// What `undo` takes.
#[derive(Debug, Clone, Args)]
pub struct UndoArgs {
    /// Only say what would be taken back.
    #[arg(long, conflicts_with = "detach")]
    pub dry_run: bool,
    /// The run.
    #[command(flatten)]
    pub run: RunCommandArgs,
}

pub(super) async fn undo(context: &Context, args: &UndoArgs) -> Result<Status, CliError> {
    let UndoArgs { dry_run, run: args } = args;
    let run = context.find(&args.run).await?;
    show(context, &run).await?;
    if *dry_run {
        return Ok(Status::Done);
    }
    let given = context.reasoned(&args.given, "undo")?;
    let command = Command::Undo { by: context.by(&given)?, reason: given.reason };
    about_run(context, args, command, RunOutcome::Undone).await
}

/// Says what would be taken back, and of whom it is known that they count on it.
async fn show(context: &Context, run: &RunId) -> Result<(), CliError> {
    let (events, _) = context.read(run).await?;
    let state = Context::fold(&events)?;
    let names = taken_back(&state);
    if names.is_empty() {
        return Ok(());
    }
    context.ui.say(&format!("To be taken back, what these steps did: {}.", names.join(", ")));
    let warn = |what: &str| {
        context.ui.say(&format!("{} {what}", context.ui.err.warn("warning:")));
    };
    let live = state.opened.as_ref().is_some_and(|opened| opened.mode == RunMode::Live);
    if live && state.outcome() == Some(RunOutcome::Succeeded) {
        warn(
            "The run reached its goal: what it brought about may carry production now, and is cut off by this.",
        );
    }
    if let Some(later) = counts_on(context, run, &state).await {
        warn(&format!(
            "Run {later} came after it, has reached its goal and may count on what this one made: what a later run \
             found as it wanted it is not its own, and is taken from under it. See it with `backroad status {later}`."
        ));
    }
    Ok(())
}

/// The steps that a person's undo takes back, the last first.
fn taken_back(state: &RunState) -> Vec<String> {
    let by = Actor::Person("somebody".into());
    let Some(opened) = &state.opened else { return Vec::new() };
    let steps = opened.plan.steps().iter().rev();
    let back = steps
        .filter(|step| state.step(&step.name).is_some_and(|record| record.to_undo(step.saga, &by)));
    back.map(|step| step.name.to_string()).collect()
}

/// A later run of the same runbook against the same Azure that has reached its goal.
async fn counts_on(context: &Context, run: &RunId, state: &RunState) -> Option<RunId> {
    let own = state.opened.as_ref()?;
    let later = context.state.list().ok()?.into_iter().rev().map(|one| one.run);
    for other in later.filter(|other| other.as_str() > run.as_str()) {
        let Ok((events, _)) = context.read(&other).await else { continue };
        let Ok(state) = Context::fold(&events) else { continue };
        let same = state.opened.as_ref().is_some_and(|opened| {
            opened.mode == RunMode::Live
                && opened.endpoint == own.endpoint
                && opened.plan.parts().runbook == own.plan.parts().runbook
        });
        if same && state.outcome() == Some(RunOutcome::Succeeded) {
            return Some(other);
        }
    }
    None
}
