//! How is a run driven on? Here when nobody holds it, else by a word to the process that does.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::status::status;
use crate::azure::WriteScope;
use crate::cli::args::{Drive, DriveSaid, DriveStep, Output, Target};
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::session::{Asked, Begin, Driving, Session, claimed};
use crate::cli::{azure, world};
use crate::engine::{Clock, Command, Ending, Journal, NewRun, RunMode, Said};
use crate::model::RunOutcome;
use crate::store::{RunStore, StoreError};

pub(super) async fn resume(context: &Context, drive: &Drive) -> Result<Status, CliError> {
    go_on(context, drive, None, RunOutcome::Succeeded).await
}

/// A word about a step, and what the run shall come to after it.
pub(super) async fn say(
    context: &Context,
    args: &DriveStep,
    word: fn(Said) -> Command,
    asked: RunOutcome,
) -> Result<Status, CliError> {
    let said = context.said(&args.step, &args.said)?;
    let drive = Drive { run: args.run.clone(), target: args.target.clone() };
    go_on(context, &drive, Some(word(said)), asked).await
}

pub(super) async fn cancel(context: &Context, args: &DriveSaid) -> Result<Status, CliError> {
    let command = Command::Cancel { by: context.by(&args.said), reason: args.said.reason.clone() };
    about(context, args, command, RunOutcome::Cancelled).await
}

pub(super) async fn undo(context: &Context, args: &DriveSaid) -> Result<Status, CliError> {
    let command = Command::Undo { by: context.by(&args.said), reason: args.said.reason.clone() };
    about(context, args, command, RunOutcome::Undone).await
}

async fn about(
    context: &Context,
    args: &DriveSaid,
    command: Command,
    asked: RunOutcome,
) -> Result<Status, CliError> {
    let drive = Drive { run: args.run.clone(), target: args.target.clone() };
    go_on(context, &drive, Some(command), asked).await
}

async fn go_on(
    context: &Context,
    drive: &Drive,
    command: Option<Command>,
    asked: RunOutcome,
) -> Result<Status, CliError> {
    let run = context.state.find(&drive.run)?;
    let store = match context.state.open(&run) {
        Ok(store) => store,
        Err(StoreError::Held { holder, .. }) => {
            let Some(command) = command else {
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
    let Some(opened) = state.opened else {
        return Err(CliError::refused("The run has no event yet."));
    };
    let target = Target { endpoint: Some(opened.endpoint.clone()), ..drive.target.clone() };
    if let Some(other) = &drive.target.endpoint
        && opened.mode == RunMode::Live
        && azure::endpoint(&drive.target)? != azure::endpoint(&target)?
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
    };
    let begin = Begin::Existing(command);
    let id = new.run.clone();
    let driven = match opened.mode {
        RunMode::Live => {
            let last = state.last_at;
            let factor = drive.target.clock_factor.unwrap_or(NonZeroU32::MIN);
            let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, last));
            live(context, store, &new, &target, clock, begin).await
        }
        RunMode::Drill => {
            let last = state.last_at.unwrap_or(opened.at);
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
    begin: Begin,
) -> Result<Driving, CliError> {
    let url = azure::endpoint(target)?;
    let arm = azure::arm(&run.plan, url, target, Arc::clone(&clock))?;
    let claims = context.state.claims();
    claims.claim(&run.run, &run.endpoint, &claimed(&run.plan))?;
    let session = Session {
        store,
        actuator: Arc::new(arm.actuator(WriteScope::of(&run.plan))),
        clock,
        asked: if context.ui.somebody { Asked::Terminal } else { Asked::Elsewhere },
        mode: RunMode::Live,
    };
    let driving = session.drive(context, begin).await?;
    if matches!(driving.ending, Ending::Ended(_)) {
        claims.release(&run.run)?;
    }
    Ok(driving)
}
