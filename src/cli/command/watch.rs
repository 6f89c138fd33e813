//! How is a run followed on the whole screen?

use clap::Args;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};

/// What `watch` takes.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// The run's id, or its beginning [default: the one that is driven now, else the newest].
    pub run: Option<String>,
}

pub(super) async fn watch(context: &Context, args: &WatchArgs) -> Result<Status, CliError> {
    let _run = context.pick(args.run.as_deref())?;
    Ok(Status::Done)
}
