//! What does each verb do? One file per verb, or per family of verbs that differ in a word.

mod completions;
mod journal;
mod runs;
mod status;
mod verify;

use super::args::{CommandLine, Verb};
use super::context::Context;
use super::error::{CliError, Status};

/// Does what was asked.
///
/// # Errors
/// It could not be done; the error says why.
pub async fn perform(line: CommandLine, context: &Context) -> Result<Status, CliError> {
    match line.verb {
        Verb::Runs => runs::runs(context),
        Verb::Status { run } => status::status(context, &run).await,
        Verb::Journal { run } => journal::journal(context, &run).await,
        Verb::Verify { what } => verify::verify(context, &what),
        Verb::Completions { shell } => Ok(completions::completions(context, shell)),
        other => Err(CliError::new(Status::Bug, format!("{other:?}"))),
    }
}
