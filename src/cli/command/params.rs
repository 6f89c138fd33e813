//! Which parameters does a runbook have, and what are they now? Printed; nothing is started.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::args::{Compile, Output};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::{front, params as outside};
use crate::render::{diagnostic, json as out, params_text};

/// What `params` takes.
#[derive(Debug, Clone, Args)]
pub struct ParamsArgs {
    /// The runbook.
    pub runbook: PathBuf,
    /// How it is compiled.
    #[command(flatten)]
    pub compile: Compile,
}

/// Prints the parameters of a runbook under a profile, `live` when none is named; those without a value too.
///
/// # Errors
/// A file cannot be read.
pub(super) fn params(
    context: &Context,
    ParamsArgs { runbook, compile }: &ParamsArgs,
) -> Result<Status, CliError> {
    let (source, compiled) = front::read(&context.environment, runbook, compile, Some("live"))?;
    if !compiled.diagnostics.is_empty() {
        let text = diagnostic::diagnostics(&source, &compiled.diagnostics, context.ui.err);
        context.ui.say(text.trim_end());
    }
    for note in outside::notes(&compiled.params, &context.environment) {
        context.ui.say(&format!("{} {note}", context.ui.err.warn("note:")));
    }
    let profile = compiled.profile.as_deref();
    let views = params_text::views(&source, profile, &compiled.params);
    match context.ui.output {
        Output::Text => context.ui.data(&params_text::params(&views, context.ui.out)),
        Output::Json | Output::Jsonl => context.ui.data(&out::object(&json!({
            "schema": "backroad.params/1",
            "runbook": source.name(),
            "profile": profile,
            "params": views,
        }))),
    }
    Ok(if compiled.diagnostics.has_errors() { Status::Runbook } else { Status::Done })
}
