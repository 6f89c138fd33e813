//! What do editors need? The JSON Schema of runbooks.

use crate::cli::context::Context;
use crate::cli::error::Status;
use crate::render::json;

pub(super) fn schema(context: &Context) -> Status {
    context.ui.data(&json::object(&crate::runbook::schema()));
    Status::Done
}
