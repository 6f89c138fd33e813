//! Is a store whole, how does a run get into another one, and what may go?

use std::num::NonZeroU32;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::args::Output;
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::shared;
use crate::cli::shared_blobs::StoreUse;
use crate::cli::typed::duration;
use crate::engine::Clock as _;
use crate::model::{RunId, Timestamp};
use crate::render::json;
use crate::store::shared::{CopiedRun, CopyHome, StoreEnd, copy_run};
use crate::store::{CheckedRun, CheckedStore, Retention, RetiredRun, StateDir, StoreError};

/// The schemas of what is printed for machines.
const CHECK_SCHEMA: &str = "backroad.store_check/1";
const COPY_SCHEMA: &str = "backroad.store_copy/1";
const RETIRE_SCHEMA: &str = "backroad.store_gc/1";

/// A store as a whole.
#[derive(Debug, Subcommand)]
pub enum StoreVerb {
    /// Look at every run of a store: is its history whole, is what belongs to it there? Exit status 1 when not.
    Check(StoreCheckArgs),
    /// Copy runs that nobody drives from one store into another, and read them back.
    Copy(StoreCopyArgs),
    /// Remove old runs that have ended and owe nothing; says which, and removes them with `--remove`.
    Gc(StoreGcArgs),
}

/// What `store check` takes.
#[derive(Debug, Clone, Args)]
pub struct StoreCheckArgs {
    /// The store: `azblob://…`, `file:///…`, or a state directory [default: `--store`, else the state directory].
    #[arg(value_name = "PLACE")]
    pub place: Option<String>,
    /// Of one run only, by its id or its beginning.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
}

/// What `store copy` takes.
#[derive(Debug, Clone, Args)]
pub struct StoreCopyArgs {
    /// Where from: `azblob://…`, `file:///…`, or a state directory.
    pub from: String,
    /// Where to.
    pub to: String,
    /// One run only, by its id or its beginning.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Drive them from there from now on; what stays here is then the copy.
    #[arg(long = "move")]
    pub moves: bool,
}

/// What `store gc` takes.
#[derive(Debug, Clone, Args)]
pub struct StoreGcArgs {
    /// The store: `azblob://…`, `file:///…`, or a state directory [default: `--store`, else the state directory].
    #[arg(value_name = "PLACE")]
    pub place: Option<String>,
    /// Keep all that began within this time.
    #[arg(long, value_name = "DURATION", default_value = "90d", value_parser = duration)]
    pub older_than: Duration,
    /// Keep so many of the newest runs, however old they are.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub keep: usize,
    /// Remove them; else it is only said what would go.
    #[arg(long)]
    pub remove: bool,
}

pub(super) async fn store(context: &Context, verb: &StoreVerb) -> Result<Status, CliError> {
    match verb {
        StoreVerb::Check(args) => check(context, args).await,
        StoreVerb::Copy(args) => copy(context, args).await,
        StoreVerb::Gc(args) => retire(context, args).await,
    }
}

fn now() -> Timestamp {
    RealClock::new(NonZeroU32::MIN, None).now()
}

/// The store that is named, else the one that commands use.
fn end(context: &Context, place: Option<&str>, to: StoreUse) -> Result<StoreEnd, CliError> {
    match (place, &context.shared) {
        (None, Some(shared)) => Ok(StoreEnd::Shared(shared.clone())),
        (None, None) => Ok(StoreEnd::Local(context.state.clone())),
        (Some(place), _) if place.contains("://") => Ok(StoreEnd::Shared(shared::at(place, to)?)),
        (Some(place), _) => Ok(StoreEnd::Local(StateDir::new(place))),
    }
}

/// The run that is meant at one end; all where none is named.
async fn chosen(end: &StoreEnd, named: Option<&str>) -> Result<Vec<RunId>, CliError> {
    let runs = end.runs().await?;
    let Some(named) = named else { return Ok(runs) };
    let wanted = named.to_ascii_lowercase();
    let matches: Vec<RunId> = runs
        .into_iter()
        .filter(|run| !wanted.is_empty() && run.as_str().starts_with(&wanted))
        .collect();
    match matches.as_slice() {
        [_] => Ok(matches),
        [] => Err(StoreError::Unknown { text: named.to_owned(), near: Vec::new() }.into()),
        _ => Err(StoreError::Ambiguous { text: named.to_owned(), matches }.into()),
    }
}

async fn check(context: &Context, args: &StoreCheckArgs) -> Result<Status, CliError> {
    let end = end(context, args.place.as_deref(), StoreUse::Read)?;
    let only = match &args.run {
        Some(named) => chosen(&end, Some(named)).await?.pop(),
        None => None,
    };
    let (found, cost) = match &end {
        StoreEnd::Local(state) => (state.check(only.as_ref())?, None),
        StoreEnd::Shared(store) => {
            let found = store.check(only.as_ref()).await?;
            if store.is_behind() {
                context.ui.say(&shared::behind(store));
            }
            (found, Some(store.cost()))
        }
    };
    match context.ui.output {
        Output::Json | Output::Jsonl => context.ui.data(&json::object(&json!({
            "schema": CHECK_SCHEMA,
            "place": end.place(),
            "whole": found.is_whole(),
            "wrong": found.wrong,
            "runs": found.runs.iter().map(run_as_json).collect::<Vec<_>>(),
            "cost": cost,
        }))),
        Output::Text => {
            context.ui.data(&sentences(context, &end.place(), &found));
            if let Some(cost) = cost {
                context.ui.say(&format!("This look took {cost}."));
            }
        }
    }
    Ok(if found.is_whole() { Status::Done } else { Status::EndedOtherwise })
}

fn run_as_json(run: &CheckedRun) -> serde_json::Value {
    json!({
        "run": run.run.as_str(),
        "events": run.events,
        "outcome": run.outcome,
        "driven": run.driven,
        "wrong": run.wrong,
        "cost": run.cost,
    })
}

fn sentences(context: &Context, place: &str, found: &CheckedStore) -> String {
    let style = context.ui.out;
    let mut lines = Vec::new();
    for run in found.runs.iter().filter(|run| !run.wrong.is_empty()) {
        for wrong in &run.wrong {
            lines.push(style.bad(&format!("Run {}: {wrong}.", run.run)));
        }
    }
    lines.extend(found.wrong.iter().map(|wrong| style.bad(&format!("Beside the runs: {wrong}."))));
    let events: u64 = found.runs.iter().map(|run| run.events).sum();
    let count = found.runs.len();
    let driven = found.runs.iter().filter(|run| run.driven).count();
    let bad = found.runs.iter().filter(|run| !run.wrong.is_empty()).count();
    let whole = format!("{count} runs with {events} events are in {place}; {driven} are driven.");
    lines.push(whole);
    lines.push(match (bad, found.is_whole()) {
        (_, true) => style.good("All are whole, and what belongs to them is there."),
        (0, false) => style.bad("The runs are whole, and something beside them is not."),
        (bad, false) => style.bad(&format!("{bad} are not whole.")),
    });
    if let [run] = found.runs.as_slice()
        && let Some(cost) = &run.cost
    {
        lines.push(format!("Its drivers asked the store for {cost}."));
    }
    lines.join("\n") + "\n"
}

async fn copy(context: &Context, args: &StoreCopyArgs) -> Result<Status, CliError> {
    let (from, to) = (
        end(context, Some(&args.from), StoreUse::Drive)?,
        end(context, Some(&args.to), StoreUse::Drive)?,
    );
    if matches!((&from, &to), (StoreEnd::Local(_), StoreEnd::Local(_)))
        || from.place() == to.place()
    {
        return Err(CliError::usage("One of the two must be a shared store, and not the same.")
            .hint("A state directory is copied as a folder, while no run of it is driven."));
    }
    let home = if args.moves { CopyHome::Moves } else { CopyHome::Stays };
    let (mut copied, mut refused): (Vec<CopiedRun>, Vec<(RunId, StoreError)>) = Default::default();
    for run in chosen(&from, args.run.as_deref()).await? {
        match copy_run((&from, &to), &run, home, now()).await {
            Ok(done) => {
                context.ui.say(&format!(
                    "Run {run}: {} events, {} of them new; {} files. It is driven from {}.",
                    done.events, done.added, done.files, done.home
                ));
                copied.push(done);
            }
            Err(error) => {
                let mark = context.ui.err.bad("refused:");
                context.ui.say(&format!("{mark} run {run}: {error}. {}", error.hint()));
                refused.push((run, error));
            }
        }
    }
    match context.ui.output {
        Output::Json | Output::Jsonl => context.ui.data(&json::object(&json!({
            "schema": COPY_SCHEMA,
            "from": from.place(),
            "to": to.place(),
            "copied": copied.iter().map(|done| json!({
                "run": done.run.as_str(),
                "events": done.events,
                "added": done.added,
                "files": done.files,
                "home": done.home,
            })).collect::<Vec<_>>(),
            "refused": refused.iter().map(|(run, error)| json!({
                "run": run.as_str(),
                "why": error.to_string(),
            })).collect::<Vec<_>>(),
        }))),
        Output::Text => context.ui.data(&format!(
            "{} runs are in {}, read back and the same; {} were refused.\n",
            copied.len(),
            to.place(),
            refused.len()
        )),
    }
    Ok(if refused.is_empty() { Status::Done } else { Status::Refused })
}

async fn retire(context: &Context, args: &StoreGcArgs) -> Result<Status, CliError> {
    let end = end(context, args.place.as_deref(), StoreUse::Drive)?;
    let kept = Retention { newest: args.keep, younger_than: args.older_than };
    let dry = !args.remove;
    let retired: Vec<RetiredRun> = match &end {
        StoreEnd::Local(state) => state.retire(&kept, now(), dry)?,
        StoreEnd::Shared(store) => store.retire(&kept, now(), dry).await?,
    };
    match context.ui.output {
        Output::Json | Output::Jsonl => context.ui.data(&json::object(&json!({
            "schema": RETIRE_SCHEMA,
            "place": end.place(),
            "removed": args.remove,
            "runs": retired.iter().map(|one| json!({
                "run": one.run.as_str(),
                "stays": one.stays,
            })).collect::<Vec<_>>(),
        }))),
        Output::Text => {
            let verb = if dry { "would go" } else { "is gone" };
            let line = |one: &RetiredRun| match &one.stays {
                None => format!("Run {} {verb}.\n", one.run),
                Some(why) => format!("Run {} stays: {why}.\n", one.run),
            };
            context.ui.data(&retired.iter().map(line).collect::<String>());
            let going = retired.iter().filter(|one| one.stays.is_none()).count();
            context.ui.data(&match dry {
                true => format!("{going} runs would go from {}.\n", end.place()),
                false => format!("{going} runs are gone from {}.\n", end.place()),
            });
            if dry && going > 0 {
                context.ui.say("Nothing was removed: say `--remove` as well.");
            }
        }
    }
    Ok(Status::Done)
}
