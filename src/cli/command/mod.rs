//! What does each verb do? One file per verb, or per family of verbs that differ in a word.

mod completions;
mod drive;
mod journal;
mod runs;
mod sim;
mod status;
mod verify;

use crate::engine::Command;
use crate::model::RunOutcome;

use super::args::{CommandLine, SimVerb, Verb};
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
        Verb::Sim {
            verb:
                SimVerb::Serve {
                    world,
                    listen,
                    seed,
                    speed,
                },
        } => {
            let wanted = sim::Served {
                world: &world,
                listen,
                seed,
                speed,
            };
            sim::serve(context, wanted).await
        }
        Verb::Resume(args) => drive::resume(context, &args).await,
        Verb::Retry(args) => {
            drive::say(context, &args, Command::Retry, RunOutcome::Succeeded).await
        }
        Verb::Skip(args) => drive::say(context, &args, Command::Skip, RunOutcome::Succeeded).await,
        Verb::Approve(args) => {
            drive::say(context, &args, Command::Approve, RunOutcome::Succeeded).await
        }
        Verb::Decline(args) => {
            drive::say(context, &args, Command::Decline, RunOutcome::Failed).await
        }
        Verb::Cancel(args) => drive::cancel(context, &args).await,
        Verb::Undo(args) => drive::undo(context, &args).await,
        Verb::Verify { what } => verify::verify(context, &what),
        Verb::Completions { shell } => Ok(completions::completions(context, shell)),
        Verb::Check { .. }
        | Verb::Plan { .. }
        | Verb::Run { .. }
        | Verb::Drill { .. }
        | Verb::Schema => Err(CliError::refused("This verb is not in this build yet.")),
    }
}
