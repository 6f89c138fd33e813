//! What does Prometheus read of the runs here?

use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::measured::measured;
use crate::render::machine::prometheus;

pub(super) async fn metrics(context: &Context) -> Result<Status, CliError> {
    context.ui.data(&prometheus::metrics(&measured(context).await?));
    Ok(Status::Done)
}
