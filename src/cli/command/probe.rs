//! What does the network answer from here? One question on stdin, one answer on stdout: a vantage of runbooks.

use std::io::Read as _;
use std::time::Duration;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::typed::duration;
use crate::model::probe::ProbeAsk;
use crate::outside::answer_here;
use crate::render::json;

/// Bytes of a question.
const QUESTION_BYTES_MAX: u64 = 64 << 10;

/// Answers the question of a probe.
#[derive(Debug, Clone, Args)]
pub struct ProbeArgs {
    /// How long the answer may take.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    pub time_limit: Duration,
}

pub(super) async fn probe(context: &Context, args: &ProbeArgs) -> Result<Status, CliError> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(QUESTION_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| CliError::usage("The question cannot be read.").because(&error))?;
    let ask: ProbeAsk = serde_json::from_str(&text).map_err(|error| {
        CliError::usage("What stands on stdin is no question of a probe.").because(&error).hint(
            "A runbook's vantage asks it. By hand: \
             `echo '{\"probe\":\"tcp\",\"host\":\"app.example\",\"port\":443,\"open\":true}' | backroad probe`.",
        )
    })?;
    match answer_here(&ask, args.time_limit).await {
        Ok(answer) => {
            context.ui.data(&json::object(&answer));
            Ok(Status::Done)
        }
        Err(why) => Err(CliError::new(
            Status::OutOfReach,
            format!("There is no answer from {}.", ask.subject()),
        )
        .reason(&why)),
    }
}
