//! Is a history whole and unedited?

use std::path::Path;

use serde_json::json;

use crate::cli::args::Output;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::render::json;
use crate::render::view::VERIFY_SCHEMA;
use crate::store::evidence::{self, EvidenceReport};
use crate::store::{VerifyReport, verify_file};

pub(super) fn verify(context: &Context, what: &str) -> Result<Status, CliError> {
    let path = Path::new(what);
    if let Some(report) = evidence_at(path)? {
        return Ok(say(context, what, &report));
    }
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

/// The check of an evidence file; none when it is another file or none.
fn evidence_at(path: &Path) -> Result<Option<EvidenceReport>, CliError> {
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = std::fs::read(path).map_err(|error| {
        CliError::usage(format!("{} cannot be read.", path.display())).because(&error)
    })?;
    Ok(evidence::is_evidence(&bytes).then(|| evidence::verify(&bytes)))
}

fn say(context: &Context, what: &str, report: &EvidenceReport) -> Status {
    let style = context.ui.out;
    match context.ui.output {
        Output::Json => context.ui.data(&json::object(&json!({
            "schema": VERIFY_SCHEMA,
            "run": report.run,
            "whole": report.is_whole(),
            "hash": report.head,
            "files": report.members,
            "first_bad": report.first_bad,
        }))),
        Output::Text => {
            let line = match &report.first_bad {
                None => style.good(&format!(
                    "The evidence in {what} is whole: {} files of run {}.",
                    report.members,
                    report.run.as_deref().unwrap_or("unknown")
                )),
                Some(bad) => style.bad(&format!("The evidence in {what} is not whole: {bad}.")),
            };
            let head = report.head.as_ref().map_or_else(String::new, |head| {
                format!(
                    "\nIts last event's hash is {head}. Compare it with the one that was told you."
                )
            });
            context.ui.data(&format!("{line}{head}\n"));
        }
    }
    if report.is_whole() { Status::Done } else { Status::EndedOtherwise }
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
