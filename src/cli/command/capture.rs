//! What does the estate look like? Read with reads only, and written down as a world to drill on, or compared
//! with the world that was drilled.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use crate::azure::NoSecrets;
use crate::cli::args::{Output, Target};
use crate::cli::capture::{Captured, EstateReading, drift, text, world as captured_world};
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::{azure, files, world};
use crate::engine::Clock;
use crate::render::json as out;
use crate::sim::{Scenario, World};

/// What `capture` takes.
#[derive(Debug, Clone, Args)]
pub struct CaptureArgs {
    /// A subscription to read. May be repeated [with `--check`: those of the world].
    #[arg(long, value_name = "ID", required_unless_present = "check")]
    pub subscription: Vec<String>,
    /// Only these resource groups. May be repeated.
    #[arg(long, value_name = "NAME")]
    pub resource_group: Vec<String>,
    /// Where Azure is.
    #[command(flatten)]
    pub target: Target,
    /// The world file to write; it must not be there yet.
    #[arg(long, short = 'o', value_name = "FILE", required_unless_present = "check")]
    pub out: Option<PathBuf>,
    /// Write nothing, and say how the estate differs from this world; exit status 1 when it does.
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    pub check: Option<PathBuf>,
}

pub(super) async fn capture(context: &Context, args: &CaptureArgs) -> Result<Status, CliError> {
    if let Some(path) = args.out.as_ref().filter(|path| path.exists()) {
        let what = format!("{} is there already.", path.display());
        return Err(CliError::usage(what).hint("Name another file, or move that one away."));
    }
    let drilled = args.check.as_deref().map(|path| world::load(context, path, None)).transpose()?;
    let subscriptions = match &drilled {
        Some((drilled, _)) if args.subscription.is_empty() => subscriptions_of(drilled),
        _ => args.subscription.clone(),
    };
    let url = azure::endpoint(&args.target)?;
    let factor = args.target.clock_factor.unwrap_or(std::num::NonZeroU32::MIN);
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, None));
    let arm = azure::arm_with(Arc::new(NoSecrets), url, &args.target, Arc::clone(&clock))?;
    let observer = arm.observer();
    let groups = args.resource_group.as_slice();
    let reading = EstateReading { observer: &observer, clock: Arc::clone(&clock), groups };
    let captured = reading.read(&subscriptions).await;
    if captured.resources.is_empty() {
        return Err(nothing(captured));
    }
    let file = captured_world(&captured, clock.now());
    let text = text(&file, &captured).map_err(|error| {
        CliError::new(Status::Bug, "The world cannot be written as YAML.").because(&error)
    })?;
    match (&args.check, drilled, &args.out) {
        (Some(path), Some((drilled, _)), _) => {
            let scope = drift::ComparedScope {
                subscriptions: subscriptions.iter().map(|id| id.to_ascii_lowercase()).collect(),
                groups: groups.iter().map(|name| name.to_ascii_lowercase()).collect(),
                hidden: captured.hidden.clone(),
            };
            check(context, path, &drilled, (&text, &captured), &scope)
        }
        (_, _, Some(path)) => write(context, path, (&text, &captured)),
        (_, _, None) => Err(CliError::usage("`capture` writes a file: name it with `-o FILE`.")),
    }
}

fn nothing(captured: Captured) -> CliError {
    let what = "There is nothing to write down: no network was read.";
    let mut error = CliError::new(Status::OutOfReach, what);
    for why in captured.unread.into_iter().take(5) {
        error = error.hint(why);
    }
    error
}

/// The subscriptions in which a world has anything.
fn subscriptions_of(world: &World) -> Vec<String> {
    let all: BTreeSet<String> =
        world.ids().map(|id| id.subscription().to_ascii_lowercase()).collect();
    all.into_iter().collect()
}

fn write(
    context: &Context,
    path: &Path,
    (text, captured): (&str, &Captured),
) -> Result<Status, CliError> {
    files::write_new(path, text.as_bytes())?;
    let count = captured.resources.len();
    context.ui.say(&format!("{count} resources are in {}.", path.display()));
    for what in &captured.left_out {
        context.ui.say(&format!("{} {what}", context.ui.err.dim("left out:")));
    }
    unread(context, captured);
    // What Azure says may be more than a world can hold: better known now than in the night.
    if let Err(error) = Scenario::parse("captured", text) {
        let warning = context.ui.err.warn("warning:");
        context.ui.say(&format!("{warning} As it is it is no world: {}", error.why));
        return Ok(Status::EndedOtherwise);
    }
    context.ui.say(&format!(
        "  Drill on it: backroad drill RUNBOOK --world {} --region-down REGION",
        path.display()
    ));
    Ok(if captured.unread.is_empty() { Status::Done } else { Status::EndedOtherwise })
}

fn unread(context: &Context, captured: &Captured) {
    for why in &captured.unread {
        context.ui.say(&format!("{} {why}", context.ui.err.warn("not read:")));
    }
}

/// Says how the estate differs from a world.
fn check(
    context: &Context,
    path: &Path,
    drilled: &World,
    (text, captured): (&str, &Captured),
    scope: &drift::ComparedScope,
) -> Result<Status, CliError> {
    let estate = Scenario::parse("the estate", text).map_err(|error| {
        CliError::new(Status::OutOfReach, "What was read of the estate is no world.")
            .because(&error)
    })?;
    let found = drift::differences(drilled, &World::new(&estate), scope);
    unread(context, captured);
    match context.ui.output {
        Output::Json | Output::Jsonl => context.ui.data(&out::object(&json!({
            "schema": "backroad.drift/1",
            "world": path.display().to_string(),
            "differences": found,
            "not_read": captured.unread,
        }))),
        Output::Text if found.is_empty() => {
            let shown = path.display();
            let read = if captured.unread.is_empty() { "" } else { ", as far as it could be read" };
            context.ui.data(&format!("The estate is as {shown} has it{read}.\n"));
        }
        Output::Text => {
            let lines: Vec<String> = found.iter().map(|one| format!("{one}\n")).collect();
            context.ui.data(&lines.concat());
            context.ui.say(&format!(
                "{} differences from {}. Drill again on a new capture before you rely on it.",
                found.len(),
                path.display()
            ));
        }
    }
    let same = found.is_empty() && captured.unread.is_empty();
    Ok(if same { Status::Done } else { Status::EndedOtherwise })
}
