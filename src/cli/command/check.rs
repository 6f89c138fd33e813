//! Is the runbook right? Every mistake at once; nothing is touched.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::args::{Compile, Output};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::front;
use crate::render::{diagnostic, json as out};

/// What `check` takes.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// The runbooks.
    #[arg(required = true, value_name = "RUNBOOK")]
    pub runbooks: Vec<PathBuf>,
    /// How they are compiled.
    #[command(flatten)]
    pub compile: Compile,
}

/// Checks runbooks; each under every profile that it has, so that no profile is wrong unnoticed.
///
/// # Errors
/// A file cannot be read.
pub(super) fn check(
    context: &Context,
    CheckArgs { runbooks, compile }: &CheckArgs,
) -> Result<Status, CliError> {
    let mut views = Vec::new();
    let mut wrong = false;
    for runbook in runbooks {
        let (source, first) = front::read(&context.environment, runbook, compile, None)?;
        let mut all = vec![first];
        if compile.profile.is_none() && all[0].plan.is_some() {
            for profile in all[0].profiles.clone() {
                let compile = Compile { profile: Some(profile), ..compile.clone() };
                all.push(front::read(&context.environment, runbook, &compile, None)?.1);
            }
        }
        // What every profile has in common is said once.
        let mut diagnostics = crate::runbook::Diagnostics::default();
        for compiled in &all {
            for one in compiled.diagnostics.sorted() {
                diagnostics.push(one.clone());
            }
        }
        // Without a profile a parameter may have no value, as long as each profile gives it one.
        let usable = all.iter().any(|compiled| compiled.plan.is_some());
        wrong |= diagnostics.has_errors() || !usable;
        match context.ui.output {
            Output::Json => views.extend(diagnostics.views(&source)),
            Output::Text if diagnostics.is_empty() => {
                let steps =
                    all.iter().filter_map(|c| c.plan.as_ref()).map(|plan| plan.steps().len()).max();
                let text = format!(
                    "{}: no mistakes; {} steps under {}.\n",
                    source.name(),
                    steps.unwrap_or(0),
                    match all[0].profiles.as_slice() {
                        [] => "no profile".to_owned(),
                        profiles => format!("the profiles {}", profiles.join(", ")),
                    }
                );
                context.ui.data(&text);
            }
            Output::Text => {
                context.ui.data(&diagnostic::diagnostics(&source, &diagnostics, context.ui.out));
            }
        }
    }
    if context.ui.output == Output::Json {
        let view = json!({ "schema": "backroad.check/1", "diagnostics": views });
        context.ui.data(&out::object(&view));
    }
    Ok(if wrong { Status::Runbook } else { Status::Done })
}
