//! How is a run driven on? Here when nobody holds it, else by a word to the process that does.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use url::Url;

use super::going_on::{
    lead_on, refuse_elsewhere, refuse_without_secrets, taken, under_way_already,
};
use super::served_page::{PageBesideArgs, RunningPage};
use super::status::status;
use crate::azure::WriteScope;
use crate::cli::args::{DriveArgs, Output, RunCommandArgs, StepCommandArgs, Target};
use crate::cli::clock::{self, RealClock};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::proof::Proof;
use crate::cli::session::{DriveStart, Driving, GateAnswers, Interrupts, Session, claimed};
use crate::cli::shared::{OpenedRun, Taking};
use crate::cli::typed::duration;
use crate::cli::{azure, left, messages, world};
use crate::engine::state::Opened;
use crate::engine::{Clock, Command, Ending, Journal, RunMode, RunState, StepCommand, people};
use crate::model::{Messages, Plan, RunId, RunOutcome, StepName};
use crate::outside::{RoutedActuator, RoutedObserver};
use crate::store::{RunStore, StoreError};

/// What `resume` takes.
#[derive(Debug, Clone, Args)]
pub struct ResumeArgs {
    /// The run's id, or its beginning.
    pub run: String,
    /// How the run is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
    /// The page beside it.
    #[command(flatten)]
    pub page: PageBesideArgs,
}

/// What `skip` takes.
#[derive(Debug, Clone, Args)]
pub struct SkipArgs {
    /// Only say what would go on without it.
    #[arg(long, conflicts_with = "detach")]
    pub dry_run: bool,
    /// The step.
    #[command(flatten)]
    pub step: StepCommandArgs,
}

/// What `settle` takes.
#[derive(Debug, Clone, Args)]
pub struct SettleArgs {
    /// Let this much time pass first; for drills, whose clock stands still otherwise.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub after: Option<Duration>,
    /// The run.
    #[command(flatten)]
    pub run: RunCommandArgs,
}

/// What `approve` takes.
#[derive(Debug, Clone, Args)]
pub struct ApproveArgs {
    /// What is chosen, at a decision.
    #[arg(long, value_name = "OPTION")]
    pub choice: Option<String>,
    /// The step.
    #[command(flatten)]
    pub step: StepCommandArgs,
}

/// What `take-over` takes.
#[derive(Debug, Clone, Args)]
pub struct TakeOverArgs {
    /// The run's id, or its beginning.
    pub run: String,
    /// How the run is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
}

/// Drives a run on from here, whoever drove it.
pub(super) async fn take_over(context: &Context, args: &TakeOverArgs) -> Result<Status, CliError> {
    if context.shared.is_none() {
        return Err(CliError::usage("There is no shared store to take a run over from.").hint(
            "Name it with `--store`; a run of this host alone is gone on with by `resume`.",
        ));
    }
    let first = First::Resume(Box::new(|_: &RunState| None));
    go_on(context, &args.run, &args.drive, first, (RunOutcome::Succeeded, Taking::Over)).await
}

pub(super) async fn resume(context: &Context, args: &ResumeArgs) -> Result<Status, CliError> {
    let by = context.user();
    let lift = |state: &RunState| state.paused.as_ref().map(|_| Command::Continue { by });
    let first = First::Resume(Box::new(lift));
    let page = RunningPage::beside(context, &args.page)?;
    let status =
        go_on(context, &args.run, &args.drive, first, (RunOutcome::Succeeded, Taking::IfFree))
            .await?;
    if let Some(page) = page {
        page.stay(context, status == Status::Interrupted, &mut Interrupts::listen()).await;
    }
    Ok(status)
}

/// What a run is told first.
enum First<'a> {
    /// This command.
    Command(Command),
    /// This one, after time has passed in a drill.
    After(Command, Duration),
    /// What a resume says depends on how the run stands.
    Resume(Depends<'a>),
}

impl First<'_> {
    /// The command as the run stands, and the time that passes before it.
    fn beginning(self, state: &RunState) -> (Option<Command>, Duration) {
        match self {
            Self::Command(command) => (Some(command), Duration::ZERO),
            Self::After(command, after) => (Some(command), after),
            Self::Resume(depends) => (depends(state), Duration::ZERO),
        }
    }
}

/// A command that depends on how the run stands.
type Depends<'a> = Box<dyn FnOnce(&RunState) -> Option<Command> + Send + 'a>;

/// Which steps a command is about to affect.
pub(super) type Affected = fn(&Plan, &RunState, &StepName) -> Vec<StepName>;

/// Says which steps a command about one of them affects, and how.
pub(super) async fn show_affected(
    context: &Context,
    args: &StepCommandArgs,
    ways: &[(&str, Affected)],
) -> Result<(), CliError> {
    let run = context.find(&args.run).await?;
    let (events, _) = context.read(&run).await?;
    let state = Context::fold(&events)?;
    let step = context.step_command(&args.step, &args.given)?.step;
    let Some(opened) = &state.opened else { return Ok(()) };
    for (what, affected) in ways {
        let names: Vec<String> =
            affected(&opened.plan, &state, &step).iter().map(ToString::to_string).collect();
        if !names.is_empty() {
            context.ui.say(&format!("{what}: {}.", names.join(", ")));
        }
    }
    Ok(())
}

/// Skips a step; shows first what goes on without it.
pub(super) async fn skip(context: &Context, args: &SkipArgs) -> Result<Status, CliError> {
    show_affected(context, &args.step, &[("To go on without it", people::waits_for)]).await?;
    if args.dry_run {
        return Ok(Status::Done);
    }
    let args = reasoned(context, &args.step, "skip").await?;
    about_step(context, &args, Command::Skip, RunOutcome::Succeeded).await
}

/// Says no at a gate.
pub(super) async fn decline(context: &Context, args: &StepCommandArgs) -> Result<Status, CliError> {
    let args = reasoned(context, args, "decline").await?;
    about_step(context, &args, Command::Decline, RunOutcome::Failed).await
}

/// A command about a step, with its reason.
async fn reasoned(
    context: &Context,
    args: &StepCommandArgs,
    verb: &str,
) -> Result<StepCommandArgs, CliError> {
    // Nobody is asked for a reason for what cannot be done.
    context.find(&args.run).await?;
    Ok(StepCommandArgs { given: context.reasoned(&args.given, verb)?, ..args.clone() })
}

/// Approves, or chooses.
pub(super) async fn approve(context: &Context, args: &ApproveArgs) -> Result<Status, CliError> {
    let ApproveArgs { choice, step: args } = args;
    let mut given = context.step_command(&args.step, &args.given)?;
    given.choice.clone_from(choice);
    let first = First::Command(Command::Approve(given));
    go_on(context, &args.run, &args.drive, first, (RunOutcome::Succeeded, Taking::IfFree)).await
}

pub(super) async fn pause(context: &Context, args: &RunCommandArgs) -> Result<Status, CliError> {
    let command =
        Command::Pause { by: context.by(&args.given)?, reason: args.given.reason.clone() };
    about_run(context, args, command, RunOutcome::Succeeded).await
}

/// Meets what an ended run owes; it ends as it had ended.
pub(super) async fn settle(context: &Context, args: &SettleArgs) -> Result<Status, CliError> {
    let SettleArgs { after, run: args } = args;
    let command =
        Command::Settle { by: context.by(&args.given)?, reason: args.given.reason.clone() };
    let run = context.find(&args.run).await?;
    let (events, _) = context.read(&run).await?;
    let before = Context::fold(&events)?.last_outcome.unwrap_or(RunOutcome::Succeeded);
    let first = match after {
        Some(after) => First::After(command, *after),
        None => First::Command(command),
    };
    let status = go_on(context, &args.run, &args.drive, first, (before, Taking::IfFree)).await?;
    let (events, _) = context.read(&run).await?;
    let state = Context::fold(&events)?;
    let left = state.owed();
    if left.is_empty() {
        context.ui.say("Settled: nothing is owed any more.");
        return Ok(status);
    }
    Err(CliError::new(Status::EndedOtherwise, "The run still owes something.")
        .reason(&left.join("; "))
        .hint(match state.outcome() {
            Some(_) => "Settle it again when the region answers.".to_owned(),
            None => format!("It is not over: `backroad resume {run}` goes on with it."),
        }))
}

pub(super) async fn cancel(context: &Context, args: &RunCommandArgs) -> Result<Status, CliError> {
    context.find(&args.run).await?;
    let given = context.reasoned(&args.given, "cancel")?;
    let command = Command::Cancel { by: context.by(&given)?, reason: given.reason };
    about_run(context, args, command, RunOutcome::Cancelled).await
}

/// Declares in the middle of a run that the source region is out of reach.
pub(super) async fn source_down(c: &Context, args: &RunCommandArgs) -> Result<Status, CliError> {
    c.find(&args.run).await?;
    let given = c.reasoned(&args.given, "source-down")?;
    let command = Command::SourceDown { by: c.by(&given)?, reason: given.reason };
    about_run(c, args, command, RunOutcome::Succeeded).await
}

/// Gives a command about a step; and what the run shall come to after it.
pub(super) async fn about_step(
    context: &Context,
    args: &StepCommandArgs,
    command: fn(StepCommand) -> Command,
    asked: RunOutcome,
) -> Result<Status, CliError> {
    let given = context.step_command(&args.step, &args.given)?;
    let first = First::Command(command(given));
    go_on(context, &args.run, &args.drive, first, (asked, Taking::IfFree)).await
}

/// Gives a command about a run; and what it shall come to after it.
pub(super) async fn about_run(
    context: &Context,
    args: &RunCommandArgs,
    command: Command,
    asked: RunOutcome,
) -> Result<Status, CliError> {
    go_on(context, &args.run, &args.drive, First::Command(command), (asked, Taking::IfFree)).await
}

async fn go_on(
    context: &Context,
    named: &str,
    drive: &DriveArgs,
    first: First<'_>,
    (asked, taking): (RunOutcome, Taking),
) -> Result<Status, CliError> {
    let run = context.find(named).await?;
    let OpenedRun { store, over } = match context.open(&run, taking).await {
        Ok(opened) => opened,
        Err(StoreError::Held { holder, .. }) => {
            return tell_driver(context, &run, first, &holder).await;
        }
        Err(error) => return Err(error.into()),
    };
    let events = store.journal.load().await.map_err(|error| {
        CliError::new(Status::OutOfReach, "The run's journal cannot be read.").because(&error)
    })?;
    if events.is_empty() {
        // Nobody can begin it any more, and nothing is sent without an event: its claims held for nothing.
        context.give_back(&run).await?;
    }
    clock::warn_behind(context.ui, &events);
    let state = Context::fold(&events)?;
    let ended = state.outcome().is_some();
    let under_way = state.calls_under_way().max();
    let (command, later) = first.beginning(&state);
    let (command, asked) = under_way_already(context, &state, command, asked);
    let opened = Context::opened(&state)?;
    refuse_without_secrets(command.as_ref(), &state, &opened.plan)?;
    let target = Target { endpoint: Some(opened.endpoint.clone()), ..drive.target.clone() };
    refuse_elsewhere(drive, &target, opened, later)?;
    let begin = DriveStart::Existing(command);
    let sent = messages::were_sent(context, &run);
    let sent = messages::are_sent(opened.mode, &opened.endpoint, sent);
    let messages = sent.then(|| messages::of(context, &opened.plan));
    let driven = match opened.mode {
        RunMode::Live => {
            let clock: Arc<dyn Clock> = Arc::new(clock_of(opened, &state, &drive.target));
            let azure = Azure { url: azure::endpoint(&target)?, target: &target, clock };
            context.outwait(over.as_ref(), under_way, &azure.clock).await;
            live(context, store, &opened.plan, azure, (begin, messages)).await
        }
        RunMode::Drill => {
            let last = state.last_at.unwrap_or(opened.at) + later;
            world::go_on(context, store, &opened.plan, last, (begin, messages)).await
        }
    };
    if driven.is_err() && ended {
        // A word to an ended run that was refused leaves it ended, and without claims.
        context.give_back(&run).await?;
    }
    let mut driving = driven.map_err(|error| lead_on(error, &run, ended))?;
    let proof = Proof::of(&driving, asked);
    let status = driving.show_as(context, asked, |status| proof.judged(status));
    proof.say(context);
    Ok(status)
}

/// The clock that a live run goes on by: the one that it was begun with, unless another is asked for.
fn clock_of(opened: &Opened, state: &RunState, target: &Target) -> RealClock {
    match (target.clock_factor, opened.clock_factor) {
        (asked, Some(begun)) if asked.is_none_or(|asked| asked == begun) => {
            RealClock::of_run(&opened.run, begun, state.last_at)
        }
        (asked, _) => RealClock::new(asked.unwrap_or(NonZeroU32::MIN), state.last_at),
    }
}

/// Who drives the run is told the command, and goes on with it.
async fn tell_driver(
    context: &Context,
    run: &RunId,
    first: First<'_>,
    holder: &str,
) -> Result<Status, CliError> {
    let command = match first {
        First::Command(command) | First::After(command, _) => Some(command),
        // A pause is lifted from anywhere; there is nothing else to resume while it is driven.
        First::Resume(depends) => {
            let (events, _) = context.read(run).await?;
            depends(&Context::fold(&events)?)
        }
    };
    let Some(command) = command else {
        return Err(CliError::refused(format!("Run {run} is driven by {holder} already."))
            .reason("It is not paused, so that there is nothing to resume.")
            .hint(format!("See it with `backroad status {run}`."))
            .hints(context.if_it_is_lost(run).await));
    };
    if context.drives_here(run) {
        context.tell(run, &command).await?;
    } else {
        context.tell_elsewhere(run, &command).await?;
    }
    context.ui.say(taken(&command));
    match context.ui.output {
        Output::Text => Ok(Status::Done),
        Output::Json | Output::Jsonl => status(context, run).await,
    }
}

/// Where a live run's Azure is, who we are to it, and by which clock.
pub(super) struct Azure<'a> {
    pub(super) url: Url,
    pub(super) target: &'a Target,
    pub(super) clock: Arc<dyn Clock>,
}

/// An endpoint, as the journal and the claims name it.
pub(super) fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Drives a run against an endpoint, with its resources claimed until it has ended.
pub(super) async fn live(
    context: &Context,
    store: RunStore,
    plan: &Plan,
    Azure { url, target, clock }: Azure<'_>,
    (begin, messages): (DriveStart, Option<Messages>),
) -> Result<Driving, CliError> {
    let run = store.lease.run().clone();
    let endpoint = shown(&url);
    let arm = azure::arm(plan, url, target, Arc::clone(&clock))?;
    let begins = matches!(begin, DriveStart::New(_));
    if let Err(refused) = context.claim(&run, (&endpoint, &claimed(plan)), begins).await {
        if begins {
            context.discard_unbegun(store).await;
        }
        return Err(refused);
    }
    let beside = azure::beside(plan, Arc::clone(&clock));
    let observer = RoutedObserver::new(Arc::new(arm.observer()), beside.observer());
    let now = Arc::clone(&clock);
    let session = Session {
        store,
        actuator: Arc::new(RoutedActuator::new(
            Arc::new(arm.actuator(WriteScope::of(plan))),
            beside.actuator(),
        )),
        clock,
        answers: match &context.background {
            Some(_) => GateAnswers::ControlSocket,
            None if context.ui.somebody => GateAnswers::Terminal,
            // Somebody may answer on the page, for as long as it takes.
            None if context.page => GateAnswers::ControlSocket,
            None => GateAnswers::Elsewhere,
        },
        mode: RunMode::Live,
        messages,
    };
    let mut driving = session.drive(context, begin).await?;
    if matches!(driving.ending, Ending::Ended(_))
        && let Err(error) = context.give_back(&run).await
    {
        // The run has ended well or badly, and that is recorded: its end is shown all the same.
        let why = error.why.first().unwrap_or(&error.what);
        context.ui.say(&format!(
            "{} What the run has claimed is not given back: {why}. Once that is mended, `backroad resume {run}` does so.",
            context.ui.err.warn("warning:")
        ));
    }
    driving.left = left::look_at_end(&driving, &observer, &now).await;
    driving.finish_messages().await;
    Ok(driving)
}
