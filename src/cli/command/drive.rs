//! How is a run driven on? Here when nobody holds it, else by a word to the process that does.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::status::status;
use crate::azure::WriteScope;
use crate::cli::args::{Drive, DriveSaid, DriveStep, Output, Target};
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::session::{Asked, DriveStart, Driving, Session, claimed};
use crate::cli::{azure, world};
use crate::engine::{Clock, Command, Ending, Journal, NewRun, RunMode, RunState, Said, people};
use crate::model::{Plan, RunOutcome, StepName, StepStatus};
use crate::store::claims::same_endpoint;
use crate::store::{RunStore, StoreError};

pub(super) async fn resume(context: &Context, drive: &Drive) -> Result<Status, CliError> {
    let by = context.user();
    let lift = |state: &RunState| state.paused.as_ref().map(|_| Command::Continue { by });
    go_on(context, drive, Word::Resume(Box::new(lift)), RunOutcome::Succeeded).await
}

/// What is said to a run.
enum Word<'a> {
    /// This.
    Say(Command),
    /// This, after time has passed in a drill.
    SayAfter(Command, Duration),
    /// What a resume says depends on how the run stands.
    Resume(Depends<'a>),
}

/// A command that depends on how the run stands.
type Depends<'a> = Box<dyn FnOnce(&RunState) -> Option<Command> + Send + 'a>;

/// Which steps a command is about to affect.
type Affected = fn(&Plan, &RunState, &StepName) -> Vec<StepName>;

/// Says what a word about a step affects; whether it shall also be said.
async fn shown(
    context: &Context,
    args: &DriveStep,
    what: &str,
    affected: Affected,
) -> Result<(), CliError> {
    let run = context.state.find(&args.run)?;
    let (events, _) = context.read(&run).await?;
    let state = Context::fold(&events)?;
    let step = context.said(&args.step, &args.said)?.step;
    let Some(opened) = &state.opened else { return Ok(()) };
    let names: Vec<String> =
        affected(&opened.plan, &state, &step).iter().map(ToString::to_string).collect();
    if !names.is_empty() {
        context.ui.say(&format!("{what}: {}.", names.join(", ")));
    }
    Ok(())
}

/// Retries a step, or it and what comes after it; shows first what is tried again.
pub(super) async fn retry(
    context: &Context,
    args: &DriveStep,
    from: bool,
    dry_run: bool,
) -> Result<Status, CliError> {
    let only: Affected = |_, _, step| vec![step.clone()];
    let affected = if from { people::tried_again } else { only };
    shown(context, args, "Tried again", affected).await?;
    if dry_run {
        return Ok(Status::Done);
    }
    if from {
        let args = reasoned(context, args, "retry --from")?;
        return say(context, &args, Command::RetryFrom, RunOutcome::Succeeded).await;
    }
    say(context, args, Command::Retry, RunOutcome::Succeeded).await
}

/// Retries every step that failed; shows first which those are.
pub(super) async fn retry_all(
    context: &Context,
    args: &DriveSaid,
    dry_run: bool,
) -> Result<Status, CliError> {
    let run = context.state.find(&args.run)?;
    let (events, _) = context.read(&run).await?;
    let state = Context::fold(&events)?;
    let failed =
        state.opened.as_ref().map_or_else(Vec::new, |opened| people::failed(&opened.plan, &state));
    if failed.is_empty() {
        return Err(CliError::refused(format!("No step of run {run} has failed."))
            .hint(format!("See it with `backroad status {run}`.")));
    }
    let names: Vec<String> = failed.iter().map(ToString::to_string).collect();
    context.ui.say(&format!("Tried again: {}.", names.join(", ")));
    if dry_run {
        return Ok(Status::Done);
    }
    let command =
        Command::RetryAll { by: context.by(&args.said)?, reason: args.said.reason.clone() };
    about(context, args, command, RunOutcome::Succeeded).await
}

/// Skips a step; shows first what goes on without it.
pub(super) async fn skip(
    context: &Context,
    args: &DriveStep,
    dry_run: bool,
) -> Result<Status, CliError> {
    shown(context, args, "Goes on without it", people::waits_for).await?;
    if dry_run {
        return Ok(Status::Done);
    }
    let args = reasoned(context, args, "skip")?;
    say(context, &args, Command::Skip, RunOutcome::Succeeded).await
}

/// Says no at a gate.
pub(super) async fn decline(context: &Context, args: &DriveStep) -> Result<Status, CliError> {
    let args = reasoned(context, args, "decline")?;
    say(context, &args, Command::Decline, RunOutcome::Failed).await
}

/// A word about a step, with its reason.
fn reasoned(context: &Context, args: &DriveStep, verb: &str) -> Result<DriveStep, CliError> {
    Ok(DriveStep { said: context.reasoned(&args.said, verb)?, ..args.clone() })
}

/// Approves, or chooses.
pub(super) async fn approve(
    context: &Context,
    args: &DriveStep,
    choice: Option<&String>,
) -> Result<Status, CliError> {
    let mut said = context.said(&args.step, &args.said)?;
    said.choice = choice.cloned();
    let drive = Drive::from(args);
    go_on(context, &drive, Word::Say(Command::Approve(said)), RunOutcome::Succeeded).await
}

pub(super) async fn pause(context: &Context, args: &DriveSaid) -> Result<Status, CliError> {
    let command = Command::Pause { by: context.by(&args.said)?, reason: args.said.reason.clone() };
    about(context, args, command, RunOutcome::Succeeded).await
}

/// Meets what an ended run owes; it ends as it had ended.
pub(super) async fn settle(
    context: &Context,
    args: &DriveSaid,
    after: Option<Duration>,
) -> Result<Status, CliError> {
    let command = Command::Settle { by: context.by(&args.said)?, reason: args.said.reason.clone() };
    let drive = Drive::from(args);
    let run = context.state.find(&args.run)?;
    let (events, _) = context.read(&run).await?;
    let before = Context::fold(&events)?.last_outcome.unwrap_or(RunOutcome::Succeeded);
    let word = match after {
        Some(after) => Word::SayAfter(command, after),
        None => Word::Say(command),
    };
    let status = go_on(context, &drive, word, before).await?;
    let (events, _) = context.read(&run).await?;
    let left = Context::fold(&events)?.owed();
    if left.is_empty() {
        return Ok(status);
    }
    Err(CliError::new(Status::EndedOtherwise, "The run still owes something.")
        .hint("Settle it again when the region answers."))
}

/// A word about a step, and what the run shall come to after it.
async fn say(
    context: &Context,
    args: &DriveStep,
    word: fn(Said) -> Command,
    asked: RunOutcome,
) -> Result<Status, CliError> {
    let said = context.said(&args.step, &args.said)?;
    let drive = Drive::from(args);
    go_on(context, &drive, Word::Say(word(said)), asked).await
}

pub(super) async fn cancel(context: &Context, args: &DriveSaid) -> Result<Status, CliError> {
    let said = context.reasoned(&args.said, "cancel")?;
    let command = Command::Cancel { by: context.by(&said)?, reason: said.reason };
    about(context, args, command, RunOutcome::Cancelled).await
}

pub(super) async fn undo(context: &Context, args: &DriveSaid) -> Result<Status, CliError> {
    let said = context.reasoned(&args.said, "undo")?;
    let command = Command::Undo { by: context.by(&said)?, reason: said.reason };
    about(context, args, command, RunOutcome::Undone).await
}

async fn about(
    context: &Context,
    args: &DriveSaid,
    command: Command,
    asked: RunOutcome,
) -> Result<Status, CliError> {
    let drive = Drive::from(args);
    go_on(context, &drive, Word::Say(command), asked).await
}

async fn go_on(
    context: &Context,
    drive: &Drive,
    word: Word<'_>,
    asked: RunOutcome,
) -> Result<Status, CliError> {
    let run = context.state.find(&drive.run)?;
    let store = match context.state.open(&run) {
        Ok(store) => store,
        Err(StoreError::Held { holder, .. }) => {
            let (Word::Say(command) | Word::SayAfter(command, _)) = word else {
                return Err(CliError::refused(format!("Run {run} is driven by {holder} already."))
                    .hint(format!("See it with `backroad status {run}`.")));
            };
            context.tell(&run, &command).await?;
            context.ui.say("Done. The process that drives the run goes on with it.");
            return match context.ui.output {
                Output::Text => Ok(Status::Done),
                Output::Json => status(context, run.as_str()).await,
            };
        }
        Err(error) => return Err(error.into()),
    };
    let events = store.journal.load().await.map_err(|error| {
        CliError::new(Status::OutOfReach, "The run's journal cannot be read.").because(&error)
    })?;
    let state = Context::fold(&events)?;
    let ended = state.outcome().is_some();
    let mut later = Duration::ZERO;
    let command = match word {
        Word::Say(command) => Some(command),
        Word::SayAfter(command, after) => {
            later = after;
            Some(command)
        }
        Word::Resume(word) => word(&state),
    };
    let Some(opened) = state.opened else {
        return Err(CliError::refused("The run has no event yet."));
    };
    let going_on = matches!(
        command,
        None | Some(
            Command::Approve(_)
                | Command::Continue { .. }
                | Command::Retry(_)
                | Command::RetryFrom(_)
                | Command::RetryAll { .. }
                | Command::Skip(_)
        )
    );
    if going_on {
        let left = opened.plan.steps().iter().filter(|step| {
            state.steps.get(&step.name).is_none_or(|record| {
                !matches!(record.status(), StepStatus::Succeeded | StepStatus::Skipped)
            })
        });
        // Not after the gate, and not when the gateway stands: now, with nothing said yet.
        if let Some(why) = azure::SecretSettings::of(&opened.plan).missing(left) {
            return Err(CliError::refused(
                "The run would send a secret that this process cannot read.",
            )
            .reason(&why)
            .hint("Say it again where the secret is; nothing was recorded."));
        }
    }
    let target = Target { endpoint: Some(opened.endpoint.clone()), ..drive.target.clone() };
    if let Some(other) = &drive.target.endpoint
        && opened.mode == RunMode::Live
        && !same_endpoint(
            azure::endpoint(&drive.target)?.as_str(),
            azure::endpoint(&target)?.as_str(),
        )
    {
        return Err(CliError::usage(format!(
            "The run is about {}, not about {other}.",
            opened.endpoint
        )));
    }
    let new = NewRun {
        run,
        plan: (*opened.plan).clone(),
        mode: opened.mode,
        endpoint: opened.endpoint.clone(),
        nonce: opened.nonce.clone(),
        by: opened.by.clone(),
        waived: Vec::new(),
    };
    if later > Duration::ZERO && opened.mode == RunMode::Live {
        return Err(CliError::usage(
            "`--after` is for drills: a live run's time passes by itself.",
        ));
    }
    let begin = DriveStart::Existing(command);
    let id = new.run.clone();
    let driven = match opened.mode {
        RunMode::Live => {
            let last = state.last_at;
            let factor = drive.target.clock_factor.unwrap_or(NonZeroU32::MIN);
            let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, last));
            live(context, store, &new, &target, clock, begin).await
        }
        RunMode::Drill => {
            let last = state.last_at.unwrap_or(opened.at) + later;
            world::go_on(context, store, &new, last, begin).await
        }
    };
    if driven.is_err() && ended {
        // A word to an ended run that was refused leaves it ended, and without claims.
        context.state.claims().release(&id)?;
    }
    Ok(driven?.show(context, asked))
}

/// Drives a run against an endpoint, with its resources claimed until it has ended.
pub(super) async fn live(
    context: &Context,
    store: RunStore,
    run: &NewRun,
    target: &Target,
    clock: Arc<dyn Clock>,
    begin: DriveStart,
) -> Result<Driving, CliError> {
    let url = azure::endpoint(target)?;
    let arm = azure::arm(&run.plan, url, target, Arc::clone(&clock))?;
    let claims = context.state.claims();
    claims.claim(&run.run, &run.endpoint, &claimed(&run.plan))?;
    let session = Session {
        store,
        actuator: Arc::new(arm.actuator(WriteScope::of(&run.plan))),
        clock,
        asked: match &context.background {
            Some(_) => Asked::ControlSocket,
            None if context.ui.somebody => Asked::Terminal,
            None => Asked::Elsewhere,
        },
        mode: RunMode::Live,
    };
    let driving = session.drive(context, begin).await?;
    if matches!(driving.ending, Ending::Ended(_)) {
        claims.release(&run.run)?;
    }
    Ok(driving)
}
