//! What would an undo take back, and who counts on it? It is told before anybody is asked why.

use std::collections::BTreeSet;

use clap::Args;

use super::drive::about_run;
use crate::cli::args::RunCommandArgs;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::engine::{Command, RunMode, RunState, StepRecord, people};
use crate::model::{ActionClass, ResourceId, RunId, RunOutcome, Step, StepName, StepStatus};

/// What `undo` takes.
#[derive(Debug, Clone, Args)]
pub struct UndoArgs {
    /// Only say what would be taken back.
    #[arg(long, conflicts_with = "detach")]
    pub dry_run: bool,
    /// Take it back although this later run counts on it: its id, as the refusal names it.
    #[arg(long, value_name = "RUN")]
    pub even_under: Option<String>,
    /// The run.
    #[command(flatten)]
    pub run: RunCommandArgs,
}

pub(super) async fn undo(context: &Context, args: &UndoArgs) -> Result<Status, CliError> {
    let UndoArgs { dry_run, even_under, run: args } = args;
    let run = context.find(&args.run).await?;
    let counting = show(context, &run).await?;
    if *dry_run {
        return Ok(Status::Done);
    }
    if let Some(CountedOn { later, .. }) = counting {
        let named = match even_under {
            Some(named) => Some(context.find(named).await?),
            None => None,
        };
        if named.as_ref() != Some(&later) {
            let error = CliError::refused(format!(
                "Run {later} counts on what an undo of run {run} would take away: nothing was taken back."
            ));
            return Err(error
                .hint(format!("Take the later one back first: `backroad undo {later} --reason WHY`."))
                .hint(format!(
                    "If that one is wanted no more, say so by its name: `backroad undo {run} --even-under {later} \
                     --reason WHY`."
                )));
        }
    }
    let given = context.reasoned(&args.given, "undo")?;
    let command = Command::Undo { by: context.by(&given)?, reason: given.reason };
    about_run(context, args, command, RunOutcome::Undone).await
}

/// Runs of a shared store that are looked through for one that counts on another.
const LATER_MAX: usize = 200;

/// A later run that counts on what an undo would take away.
struct CountedOn {
    later: RunId,
    /// By which of its steps that is known.
    steps: Vec<StepName>,
}

/// Says what would be taken back; gives the later run that counts on it.
async fn show(context: &Context, run: &RunId) -> Result<Option<CountedOn>, CliError> {
    let (events, _) = context.read(run).await?;
    let state = Context::fold(&events)?;
    let steps = match &state.opened {
        Some(opened) => people::taken_back(&opened.plan, &state),
        None => Vec::new(),
    };
    if steps.is_empty() {
        return Ok(None);
    }
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
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
    let counting = counts_on(context, run, &state, &steps).await;
    if let Some(CountedOn { later, steps }) = &counting {
        let names: Vec<&str> = steps.iter().map(StepName::as_str).collect();
        warn(&format!(
            "Run {later} came after it and counts on what this one made: what a later run found as it wanted it is \
             not its own, and would be taken from under its steps {}. See it with `backroad status {later}`.",
            names.join(", ")
        ));
    }
    Ok(counting)
}

/// The last run against the same Azure that came later and holds something of this one as it wants it.
async fn counts_on(
    context: &Context,
    run: &RunId,
    state: &RunState,
    steps: &[&Step],
) -> Option<CountedOn> {
    let own = state.opened.as_ref()?;
    if own.mode != RunMode::Live {
        return None;
    }
    let made: BTreeSet<&ResourceId> =
        steps.iter().filter_map(|step| step.action.written()).collect();
    let mut later: BTreeSet<RunId> =
        context.state.list().ok()?.into_iter().map(|one| one.run).collect();
    if let Some(shared) = &context.shared {
        // Those of other hosts as well, as far back as anybody looks.
        later.extend(shared.runs(LATER_MAX).await.ok()?.into_iter().map(|note| note.run));
    }
    for other in later.into_iter().rev().filter(|other| other.as_str() > run.as_str()) {
        let Ok((events, _)) = context.read(&other).await else { continue };
        let Ok(state) = Context::fold(&events) else { continue };
        let Some(opened) = &state.opened else { continue };
        if opened.mode != RunMode::Live || opened.endpoint != own.endpoint {
            continue;
        }
        let counting: Vec<StepName> = opened
            .plan
            .steps()
            .iter()
            .filter(|step| {
                state.step(&step.name).map(StepRecord::status) == Some(StepStatus::Succeeded)
            })
            .filter(|step| step.action.nature().class != ActionClass::Remove)
            .filter(|step| step.action.written().is_some_and(|id| made.contains(id)))
            .map(|step| step.name.clone())
            .collect();
        if !counting.is_empty() {
            return Some(CountedOn { later: other, steps: counting });
        }
    }
    None
}
