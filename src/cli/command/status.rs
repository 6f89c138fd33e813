//! Where does a run stand?

use clap::Args;

use crate::cli::args::Output;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::world;
use crate::render::{json, run_view, text};

/// What `status` takes.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// The run's id, or its beginning.
    pub run: String,
}

pub(super) async fn status(context: &Context, run: &str) -> Result<Status, CliError> {
    let run = context.state.find(run)?;
    let (events, driven) = context.read(&run).await?;
    let state = Context::fold(&events)?;
    if let Some(mut view) = run_view(&state, &events, driven) {
        view.set_reached(&world::reached(context, &run));
        view.strikes = world::strikes(context, &run);
        match context.ui.output {
            Output::Json => context.ui.data(&json::object(&view)),
            Output::Text => context.ui.data(&text::summary(&view, context.ui.out)),
        }
    }
    Ok(Status::Done)
}
