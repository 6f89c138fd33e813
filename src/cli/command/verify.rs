//! Is a history whole and unedited?

use std::path::{Path, PathBuf};

use clap::Args;

use serde_json::{Value, json};

use super::remake::{self, Reports};
use crate::cli::args::Output;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::files;
use crate::cli::typed::head;
use crate::model::limits::EVIDENCE_BYTES_MAX;
use crate::render::json;
use crate::render::style::Style;
use crate::render::view::VERIFY_SCHEMA;
use crate::store::evidence::{self, EvidenceReport, Expected, Signed};
use crate::store::signature::Trusted;
use crate::store::{VerifyReport, verify_file};

/// What `verify` takes.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The run's id or its beginning, its evidence, or an exported journal.
    #[arg(value_name = "RUN|FILE")]
    pub what: String,
    /// The hash of the last event, as it was told you.
    #[arg(long, value_name = "HASH", value_parser = head)]
    pub head: Option<String>,
    /// Refuse evidence that none of these SSH keys signed: a public key, or an allowed-signers file.
    #[arg(long, value_name = "KEYS")]
    pub trusted: Option<PathBuf>,
}

pub(super) async fn verify(
    context: &Context,
    VerifyArgs { what, head, trusted }: &VerifyArgs,
) -> Result<Status, CliError> {
    let head = head.as_deref();
    let path = Path::new(what);
    let trusted = trusted.as_deref().map(trusted_keys).transpose()?;
    let expected = Expected { head, trusted: trusted.as_ref() };
    if let Some(mut report) = evidence_at(path, &expected)? {
        let reports = report.is_whole().then(|| remake::reports(&report));
        if let Some(Reports::Forged(names)) = &reports {
            let names = names.join(", ");
            report.first_bad = Some(format!("{names}: not what the journal says"));
        }
        return Ok(say(context, what, (&report, reports.as_ref()), head));
    }
    if trusted.is_some() {
        let what = format!("`--trusted` judges the signature of evidence, and {what} is none.");
        return Err(CliError::refused(what)
            .hint("Write evidence with `backroad export RUN --sign KEY -o FILE`."));
    }
    // An id has no dot and no separator; what is there is meant as a file.
    let report = if path.exists() {
        verify_file(path)?
    } else if what.contains(['/', '\\', '.']) {
        return Err(CliError::usage(format!("There is no file `{what}`.")));
    } else {
        let run = context.find(what).await?;
        context.fetch(&run).await;
        context.state.verify(&run)?
    };
    let report = match head {
        Some(head) => report.against(head),
        None => report,
    };
    let whole = report.is_whole();
    match context.ui.output {
        Output::Json | Output::Jsonl => context.ui.data(&json::object(&json!({
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

fn trusted_keys(path: &Path) -> Result<Trusted, CliError> {
    let text = files::read_text("file of trusted keys", path)?;
    Trusted::parse(&text).map_err(|error| {
        let what = format!("The trusted keys in {} cannot be used.", path.display());
        CliError::usage(what).because(&error).hint(error.hint())
    })
}

/// The check of an evidence file; none when it is another file or none.
fn evidence_at(path: &Path, expected: &Expected<'_>) -> Result<Option<EvidenceReport>, CliError> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = files::read("file", path, EVIDENCE_BYTES_MAX)?;
    Ok(evidence::is_evidence(&bytes).then(|| evidence::check(&bytes, expected)))
}

fn say(
    context: &Context,
    what: &str,
    (report, reports): (&EvidenceReport, Option<&Reports>),
    told: Option<&str>,
) -> Status {
    let style = context.ui.out;
    match context.ui.output {
        Output::Json | Output::Jsonl => {
            context.ui.data(&json::object(&object(report, reports)));
        }
        Output::Text => {
            context.ui.data(&text(what, report, reports, told, style));
        }
    }
    match (report.is_whole(), &report.distrusted) {
        (false, _) => Status::EndedOtherwise,
        (true, Some(_)) => Status::Refused,
        (true, None) => Status::Done,
    }
}

/// The judgement for machines.
fn object(report: &EvidenceReport, reports: Option<&Reports>) -> Value {
    let (signed_by, trusted) = match &report.signed {
        Signed::No => (None, false),
        Signed::Unjudged(who) => (Some(who), false),
        Signed::Trusted(who) => (Some(who), true),
    };
    json!({
        "schema": VERIFY_SCHEMA,
        "run": report.run,
        "whole": report.is_whole(),
        "hash": report.head,
        "files": report.members.len(),
        "reports": reports.map(|reports| match reports {
            Reports::Same => "as_the_journal_says",
            Reports::OfAnotherVersion(_) => "of_another_version",
            Reports::Forged(_) => "forged",
        }),
        "signed_by": signed_by.map(|who| json!({ "key": who.key, "name": who.name })),
        "trusted": trusted,
        "distrusted": report.distrusted,
        "first_bad": report.first_bad,
    })
}

/// The judgement for people.
fn text(
    what: &str,
    report: &EvidenceReport,
    reports: Option<&Reports>,
    told: Option<&str>,
    style: Style,
) -> String {
    let mut lines = vec![match &report.first_bad {
        None => style.good(&format!(
            "The evidence in {what} is whole: {} files of run {}.",
            report.members.len(),
            report.run.as_deref().unwrap_or("unknown")
        )),
        Some(bad) => style.bad(&format!("The evidence in {what} is not whole: {bad}.")),
    }];
    if report.is_whole() {
        lines.push(match &report.signed {
            Signed::No => {
                "Nobody signed it: who could write the file could make it anew.".to_owned()
            }
            Signed::Unjudged(who) => {
                format!("It is signed with {who}. Whose that is, `--trusted KEYS` judges.")
            }
            Signed::Trusted(who) => style.good(&format!("It is signed with {who}.")),
        });
    }
    if let Some(Reports::OfAnotherVersion(names)) = reports {
        lines.push(style.warn(&format!(
            "Made by another version, and so not compared with the journal: {}. The journal \
                     is what counts.",
            names.join(", ")
        )));
    }
    lines
        .extend(report.distrusted.as_ref().map(|why| style.bad(&format!("It is refused: {why}."))));
    lines.extend(report.head.as_ref().map(|head| match told {
        Some(_) if report.is_whole() => {
            format!("Its last event's hash is {head}, as it was told.")
        }
        _ => format!(
            "Its last event's hash is {head}. Compare it with the one that was told you \
                     (`--head HASH`)."
        ),
    }));
    lines.join("\n") + "\n"
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
