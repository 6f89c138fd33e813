//! What do editors need? The JSON Schemas of what people write.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::error::Status;
use crate::render::json;
use crate::runbook::schema as runbook_schema;
use crate::sim::written::{bad_days_schema, world_schema};

/// What `schema` takes.
#[derive(Debug, Clone, Copy, Args)]
pub struct SchemaArgs {
    /// Of worlds, instead of runbooks.
    #[arg(long)]
    pub world: bool,
    /// Of files of bad days, instead of runbooks.
    #[arg(long, conflicts_with = "world")]
    pub bad_days: bool,
}

pub(super) fn schema(context: &Context, args: SchemaArgs) -> Status {
    let schema = match args {
        SchemaArgs { world: true, .. } => world_schema(),
        SchemaArgs { bad_days: true, .. } => bad_days_schema(),
        SchemaArgs { .. } => runbook_schema(),
    };
    context.ui.data(&json::object(&schema));
    Status::Done
}
