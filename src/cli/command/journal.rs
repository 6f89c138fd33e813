//! What happened, event by event?

use clap::Args;

use crate::cli::args::Output;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::render::json;
use crate::render::line::{JournalDetail, line};

/// What `journal` takes.
#[derive(Debug, Clone, Args)]
pub struct JournalArgs {
    /// The run's id, or its beginning.
    pub run: String,
}

pub(super) async fn journal(context: &Context, run: &str) -> Result<Status, CliError> {
    let run = context.find(run).await?;
    let (events, _) = context.read(&run).await?;
    let state = Context::fold(&events)?;
    match context.ui.output {
        Output::Json => context.ui.data(&json::journal(&events)),
        Output::Text => {
            if let Some(opened) = &state.opened {
                let style = context.ui.out;
                let text: String = events
                    .iter()
                    .filter_map(|e| line(e, &opened.plan, opened.at, JournalDetail::Journal, style))
                    .map(|line| line + "\n")
                    .collect();
                context.ui.data(&text);
            }
        }
    }
    Ok(Status::Done)
}
