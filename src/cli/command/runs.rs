//! What ran here, and what runs?

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use clap::Args;
use serde_json::json;

use crate::cli::args::Output;
use crate::cli::clock::RealClock;
use crate::cli::context::{Context, RunLook};
use crate::cli::error::{CliError, Status};
use crate::cli::shared;
use crate::engine::{Clock as _, RunState};
use crate::render::view::RUNS_SCHEMA;
use crate::render::{RunLine, json, run_view_at, runs_text};
use crate::store::RunSummaryRaw;
use crate::store::shared::DriverNote;

/// What `runs` takes.
#[derive(Debug, Clone, Args)]
pub struct RunsArgs {
    /// Only those that have not ended.
    #[arg(long)]
    pub running: bool,
    /// Of a shared store, so many of the newest.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub page: usize,
}

pub(super) async fn runs(context: &Context, args: &RunsArgs) -> Result<Status, CliError> {
    let mut lines: Vec<RunLine> = Vec::new();
    for raw in context.state.list()?.into_iter().rev() {
        let line = line(context, raw).await;
        // One that cannot be read may be running for all that is known.
        let ended = line.standing.is_some_and(|standing| standing.is_end());
        if !(args.running && ended) {
            lines.push(line);
        }
    }
    if let Some(shared) = &context.shared {
        let known: BTreeSet<String> = lines.iter().map(|line| line.run.clone()).collect();
        let notes = shared.runs(args.page).await?;
        let others = notes.iter().filter(|note| !known.contains(note.run.as_str()));
        lines
            .extend(others.map(elsewhere).filter(|line| !(args.running && line.outcome.is_some())));
        lines.sort_by(|a, b| b.run.cmp(&a.run));
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
fn elsewhere(note: &DriverNote) -> RunLine {
    let now = RealClock::new(NonZeroU32::MIN, None).now();
    let silent = note.is_silent(now);
    let heard = shared::ago(note.heard);
    RunLine {
        run: note.run.to_string(),
        runbook: note.runbook.clone(),
        mode: None,
        outcome: note.outcome.clone(),
        standing: None,
        headline: None,
        by: None,
        open_gates: Vec::new(),
        started_at: None,
        age_seconds: Some(Context::age(&note.run)),
        recovery_seconds: None,
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
async fn line(context: &Context, raw: RunSummaryRaw) -> RunLine {
    let mut line = RunLine {
        run: raw.run.to_string(),
        runbook: None,
        mode: None,
        outcome: raw.holder.as_ref().map(|_| "running".to_owned()),
        standing: None,
        headline: None,
        by: None,
        open_gates: Vec::new(),
        started_at: None,
        age_seconds: None,
        recovery_seconds: None,
        holder: raw.holder,
        problem: raw.problem,
    };
    let RunLook { events, driven, now, .. } = match context.look(&raw.run).await {
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
    let Some(view) = run_view_at(&state, &events, driven, now) else { return line };
    let by = state.opened.as_ref().and_then(|opened| opened.by.as_ref());
    let truth = view.now.as_ref();
    let asks = truth.map_or(&[][..], |truth| &truth.asks);
    RunLine {
        runbook: Some(view.runbook),
        mode: Some(view.mode),
        outcome: Some(view.outcome),
        standing: truth.map(|truth| truth.standing),
        headline: truth.map(|truth| truth.headline.clone()),
        by: by.map(|by| by.name.clone()),
        open_gates: asks.iter().filter_map(|ask| ask.step.clone()).collect(),
        started_at: Some(view.started_at),
        age_seconds: Some(Context::age(&raw.run)),
        recovery_seconds: view.recovery_seconds,
        ..line
    }
}
