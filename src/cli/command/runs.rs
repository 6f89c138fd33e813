//! What ran here?

use serde_json::json;

use crate::cli::args::Output;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::engine::RunState;
use crate::render::view::{Driven, RUNS_SCHEMA};
use crate::render::{RunLine, json, run_view, text};
use crate::store::RunSummaryRaw;

pub(super) fn runs(context: &Context) -> Result<Status, CliError> {
    let lines: Vec<RunLine> =
        context.state.list()?.into_iter().map(|raw| line(context, raw)).collect();
    match context.ui.output {
        Output::Text => context.ui.data(&text::runs(&lines, context.ui.out)),
        Output::Json => {
            context.ui.data(&json::object(&json!({"schema": RUNS_SCHEMA, "runs": lines})))
        }
    }
    Ok(Status::Done)
}

/// One run that cannot be read is told in its line, and hides none of the others.
fn line(context: &Context, raw: RunSummaryRaw) -> RunLine {
    let mut line = RunLine {
        run: raw.run.to_string(),
        runbook: None,
        mode: None,
        outcome: raw.holder.as_ref().map(|_| "running".to_owned()),
        started_at: None,
        recovery_seconds: None,
        holder: raw.holder,
        problem: raw.problem,
    };
    if line.holder.is_some() {
        return line;
    }
    let events = match context.state.read(&raw.run) {
        Ok(events) => events,
        Err(error) => {
            line.problem.get_or_insert(error.to_string());
            return line;
        }
    };
    match RunState::fold(&events) {
        Ok(state) => match run_view(&state, &events, Driven::ByNobody) {
            Some(view) => RunLine {
                runbook: Some(view.runbook),
                mode: Some(view.mode),
                outcome: Some(view.outcome),
                started_at: Some(view.started_at),
                recovery_seconds: view.recovery_seconds,
                ..line
            },
            None => line,
        },
        Err(error) => {
            line.problem.get_or_insert(error.to_string());
            line
        }
    }
}
