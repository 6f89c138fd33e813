//! Is a history whole and unedited?

use std::path::Path;

use serde_json::json;

use crate::cli::args::Output;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::render::json;
use crate::render::view::VERIFY_SCHEMA;
use crate::store::{VerifyReport, verify_file};

pub(super) fn verify(context: &Context, what: &str) -> Result<Status, CliError> {
    let path = Path::new(what);
    // An id has no dot and no separator; what is there as a file is meant as one.
    let report = if path.is_file() {
        verify_file(path)?
    } else if what.contains(['/', '\\', '.']) {
        return Err(CliError::usage(format!("There is no file `{what}`.")));
    } else {
        context.state.verify(&context.state.find(what)?)?
    };
    let whole = report.is_whole();
    match context.ui.output {
        Output::Json => context.ui.data(&json::object(&json!({
            "schema": VERIFY_SCHEMA,
            "run": report.run.as_ref().map(ToString::to_string),
            "whole": whole,
            "events": report.events,
            "hash": report.hash,
            "anchored": report.anchored,
            "ended": report.ended,
            "first_bad": report.first_bad.as_ref().map(|bad| json!({"seq": bad.seq, "why": bad.why})),
        }))),
        Output::Text => context.ui.data(&sentences(context, &report)),
    }
    Ok(if whole { Status::Done } else { Status::EndedOtherwise })
}

fn sentences(context: &Context, report: &VerifyReport) -> String {
    let style = context.ui.out;
    let run =
        report.run.as_ref().map_or_else(|| "an unknown run".to_owned(), |run| format!("run {run}"));
    let mut lines = vec![match &report.first_bad {
        None => style.good(&format!(
            "The history of {run} is whole: {} events, each chained to the one before it.",
            report.events
        )),
        Some(bad) => style
            .bad(&format!("The history of {run} is not whole: event {}: {}.", bad.seq, bad.why)),
    }];
    if let Some(hash) = &report.hash {
        lines.push(format!("The last whole event's hash is {hash}."));
    }
    match (report.anchored, report.ended) {
        (Some(seq), _) => lines.push(format!("Event {seq} was the last one acknowledged.")),
        (None, true) => lines.push("It ends with the run's end.".to_owned()),
        (None, false) => lines.push(
            "It does not end with the run's end, and no anchor is at hand: a tail may be missing."
                .to_owned(),
        ),
    }
    lines.join("\n") + "\n"
}
