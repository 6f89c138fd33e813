//! What ran here, and what runs?

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use clap::Args;
use serde_json::json;

use crate::cli::args::Output;
use crate::cli::clock::RealClock;
use crate::cli::context::{Context, RunLook};
use crate::cli::error::{CliError, Status};
use crate::cli::shared;
use crate::cli::world;
use crate::engine::{Clock as _, RunKind, RunState};
use crate::render::truth::RunStanding;
use crate::render::view::{Driven, RUNS_SCHEMA};
use crate::render::{RunLine, RunView, json, run_view_at, runs_text};
use crate::store::RunSummaryRaw;
use crate::store::shared::DriverNote;

/// What `runs` takes.
#[derive(Debug, Clone, Args)]
pub struct RunsArgs {
    /// Only those that have not ended.
    #[arg(long)]
    pub running: bool,
    /// Of a shared store, so many of the newest; those that are driven come on top.
    #[arg(long, alias = "page", value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

pub(super) async fn runs(context: &Context, args: &RunsArgs) -> Result<Status, CliError> {
    let notes = match &context.shared {
        Some(shared) => shared.runs(args.limit).await?,
        None => Vec::new(),
    };
    let behind = context.shared.as_ref().filter(|shared| shared.is_behind());
    if let Some(shared) = behind {
        context.ui.say(&format!("{} {}", context.ui.err.warn("warning:"), shared::behind(shared)));
    }
    let behind = behind.is_some();
    let elsewhere = |note: &DriverNote| elsewhere(note, behind);
    let notes: BTreeMap<&str, &DriverNote> =
        notes.iter().map(|note| (note.run.as_str(), note)).collect();
    let mut here = context.state.list()?;
    here.reverse();
    if context.shared.is_some() && !args.running {
        // One that goes on is never hidden by newer ones where it is asked what goes on.
        here.truncate(args.limit);
    }
    let known: BTreeSet<String> = here.iter().map(|raw| raw.run.to_string()).collect();
    let others = notes.values().filter(|note| !known.contains(note.run.as_str()));
    let mut lines: Vec<RunLine> = others.map(|note| elsewhere(note)).collect();
    for raw in here {
        let note = notes.get(raw.run.as_str()).filter(|_| raw.holder.is_none());
        lines.push(match note {
            // The copy here is behind: what its driver says is newer.
            Some(note) if note.head != raw.head => elsewhere(note),
            note => line(context, raw, note.map(|note| elsewhere(note))).await,
        });
    }
    let ended = |line: &RunLine| match line.standing {
        Some(standing) => standing.is_end(),
        // One that cannot be read may be running for all that is known.
        None => line.outcome.is_some() && line.holder.is_none(),
    };
    lines.retain(|line| !(args.running && ended(line)));
    lines.sort_by(|a, b| b.run.cmp(&a.run));
    if context.shared.is_some() && !args.running {
        // Nor here: those that are driven come on top of the page.
        let mut place = 0;
        lines.retain(|line| {
            place += 1;
            place <= args.limit || line.holder.is_some()
        });
    }
    match context.ui.output {
        Output::Text if lines.is_empty() && args.running => {
            context.ui.data("No run goes on here.\n");
        }
        Output::Text => context.ui.data(&runs_text::runs(&lines, context.ui.out)),
        Output::Json | Output::Jsonl => {
            context.ui.data(&json::object(&json!({"schema": RUNS_SCHEMA, "runs": lines})))
        }
    }
    Ok(Status::Done)
}

/// A run that another host drives or drove: what its driver says of itself. Its journal is not read for it.
pub(super) fn elsewhere(note: &DriverNote, behind: bool) -> RunLine {
    let now = RealClock::new(NonZeroU32::MIN, None).now();
    // Who is silent is not to be told from what is behind.
    let silent = !behind && note.is_silent(now);
    let heard = shared::ago(note.heard);
    let standing = match note.outcome {
        Some(outcome) => Some(RunStanding::of_outcome(outcome)),
        // A driver leaves a run that waits for people alone; that is no interruption.
        None if !note.asks.is_empty() => Some(RunStanding::Waiting),
        None if !note.drives || silent => Some(RunStanding::Interrupted),
        // One that is just opened has not said what it is.
        None => note.kind.map(|_| RunStanding::Running),
    };
    RunLine {
        run: note.run.to_string(),
        runbook: note.runbook.clone(),
        mode: note.kind,
        outcome: note.outcome.map(|outcome| outcome.to_string()),
        standing,
        headline: None,
        by: None,
        open_gates: note.asks.iter().map(ToString::to_string).collect(),
        started_at: None,
        age_seconds: Some(Context::age(&note.run)),
        recovery_seconds: None,
        short: None,
        holder: note.drives.then(|| format!("{}, {heard}", note.holder)),
        problem: silent.then(|| {
            format!(
                "Its driver is silent: {heard}. Drive it from here with `backroad take-over {}`.",
                note.run
            )
        }),
    }
}

/// One run that cannot be read is told in its line, and hides none of the others.
async fn line(context: &Context, raw: RunSummaryRaw, told: Option<RunLine>) -> RunLine {
    let run = raw.run.clone();
    let mut line = unread(raw);
    // What lies here is read here, whoever drives it: a request for each event would be paid for.
    let look = match line.holder {
        Some(_) => context.look(&run).await,
        None => match context.look_at_copy(&run) {
            Ok(look) => Ok(look),
            // Somebody has just taken it up.
            Err(_) => context.look(&run).await,
        },
    };
    let mut driven_elsewhere = false;
    if let Some(told) = told {
        driven_elsewhere = told.holder.is_some() && told.problem.is_none();
        (line.holder, line.problem) = (told.holder, line.problem.or(told.problem));
    }
    let RunLook { events, mut driven, now, .. } = match look {
        Ok(look) => {
            line.problem = line.problem.or_else(|| look.warning.clone());
            look
        }
        Err(error) => {
            let why = error.why.first().unwrap_or(&error.what).clone();
            line.problem.get_or_insert(why);
            return line;
        }
    };
    let state = match RunState::fold(&events) {
        Ok(state) => state,
        Err(error) => {
            line.problem.get_or_insert(error.to_string());
            return line;
        }
    };
    if driven_elsewhere {
        driven = Driven::ByAProcess;
    }
    let Some(mut view) = run_view_at(&state, &events, driven, now) else { return line };
    if view.mode == RunKind::Drill && view.recovery_seconds.is_some() {
        view.set_reached(&world::reached(context, &run));
    }
    line.age_seconds = Some(Context::age(&run));
    read(line, &state, view)
}

/// What the list says of a run whose events were read.
fn read(line: RunLine, state: &RunState, view: RunView) -> RunLine {
    let by = state.opened.as_ref().and_then(|opened| opened.by.as_ref());
    let truth = view.now.as_ref();
    let asks = truth.map_or(&[][..], |truth| &truth.asks);
    let (short, recovery_seconds) = (view.short(), view.recovery());
    RunLine {
        runbook: Some(view.runbook),
        mode: Some(view.mode),
        outcome: Some(view.outcome.as_str().to_owned()),
        standing: truth.map(|truth| truth.standing),
        headline: truth.map(|truth| truth.headline.clone()),
        by: by.map(|by| by.name.clone()),
        open_gates: asks.iter().filter_map(|ask| ask.step.clone()).collect(),
        started_at: Some(view.started_at),
        recovery_seconds,
        short,
        ..line
    }
}

/// What the list of the store says of a run.
fn unread(raw: RunSummaryRaw) -> RunLine {
    RunLine {
        outcome: raw.holder.as_ref().map(|_| "running".to_owned()),
        ..RunLine::unread(&raw.run, raw.holder, raw.problem)
    }
}
