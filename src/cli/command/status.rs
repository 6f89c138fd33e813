//! Where does a run stand?

use clap::Args;

use crate::cli::args::Output;
use crate::cli::context::{Context, RunLook};
use crate::cli::error::{CliError, Status};
use crate::cli::{messages, world};
use crate::model::RunId;
use crate::render::{json, run_view_at, text};

/// What `status` takes.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// The run's id, or its beginning [default: the one that is driven now, else the newest].
    pub run: Option<String>,
}

pub(super) async fn status(context: &Context, run: &RunId) -> Result<Status, CliError> {
    context.fetch_files(run).await;
    let look = context.look(run).await?;
    look.warn(context.ui);
    let RunLook { events, driven, now, .. } = look;
    let state = Context::fold(&events)?;
    if let Some(view) = run_view_at(&state, &events, driven, now) {
        let mut view = view.told_by(context.ui.ours);
        view.set_reached(&world::reached(context, run));
        view.strikes = world::strikes(context, run);
        let log = context.state.run_log(run);
        view.log = log.is_file().then(|| log.display().to_string());
        view.told = messages::told(context, run, &state);
        match context.ui.output {
            Output::Json | Output::Jsonl => context.ui.data(&json::object(&view)),
            Output::Text => context.ui.data(&text::summary(&view, context.ui.out)),
        }
    }
    Ok(Status::Done)
}
