//! What happened in a run? As a page, as Markdown, or as JSON.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::render::{refused, templates};
use crate::azure::correlation_id;
use crate::cli::context::{Context, RunLook};
use crate::cli::error::{CliError, Status};
use crate::cli::files;
use crate::cli::world;
use crate::engine::{Recorded, RunState};
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{OutboxRecord, RunId};
use crate::render::json;
use crate::render::report::{self, Report, ReportMaterial};
use crate::render::template::Templates;
use crate::render::view::{Driven, ReachedView, StrikesView, ToldView};
use crate::store::{outbox, regular};

/// What `report` takes.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// The run's id, or its beginning.
    pub run: String,
    /// The form.
    #[arg(long, value_enum, default_value_t = ReportFormat::Md)]
    pub format: ReportFormat,
    /// Another run, to stand beside it.
    #[arg(long, value_name = "RUN")]
    pub compare: Option<String>,
    /// A folder whose templates replace the shipped ones, one file at a time.
    #[arg(long, value_name = "DIR")]
    pub templates: Option<PathBuf>,
    /// Where to write it [default: standard output].
    #[arg(long, short = 'o', value_name = "PATH")]
    pub out: Option<PathBuf>,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One HTML page.
    Html,
    /// Markdown.
    Md,
    /// The same view, for machines.
    Json,
}

pub(super) async fn report(context: &Context, args: &ReportArgs) -> Result<Status, CliError> {
    let templates = templates(args.templates.as_deref())?;
    let mut made = of(context, &args.run, &templates).await?;
    if let Some(other) = &args.compare {
        let other = of(context, other, &templates).await?;
        made.compared = Some(report::compare(&made, &other));
    }
    let text = match args.format {
        ReportFormat::Html => report::html(&made, &templates).map_err(|error| refused(&error))?,
        ReportFormat::Md => report::markdown(&made, &templates).map_err(|error| refused(&error))?,
        ReportFormat::Json => json::object(&made),
    };
    match &args.out {
        None => context.ui.data(&text),
        Some(path) => {
            files::write_over(path, crate::outward::redacted(&text).as_bytes())?;
            context.ui.say(&format!("Written to {}.", path.display()));
        }
    }
    Ok(Status::Done)
}

/// The report of a run, from its store or from the process that holds it.
pub(super) async fn of(
    context: &Context,
    run: &str,
    templates: &Templates,
) -> Result<Report, CliError> {
    let run = context.find(run).await?;
    context.fetch(&run).await;
    let look = context.look(&run).await?;
    look.warn(context.ui);
    of_look(context, &run, &look, templates)
}

/// The report of a run that was looked at.
pub(super) fn of_look(
    context: &Context,
    run: &RunId,
    look: &RunLook,
    templates: &Templates,
) -> Result<Report, CliError> {
    let state = Context::fold(&look.events)?;
    let reached = world::reached(context, run);
    // A process that holds the run holds its history too: there the hash is not at hand.
    let head = context.state.head(run).ok().flatten();
    let text =
        regular::read(&context.state.run_path(run).join("runbook.yaml"), FILE_BYTES_MAX).ok();
    let strikes = world::strikes(context, run);
    let outbox = outbox::look(&context.state.run_path(run)).ok().flatten();
    let beside = Beside {
        reached: &reached,
        strikes: &strikes,
        outbox: outbox.as_ref(),
        head: head.as_deref(),
        runbook: text.as_deref(),
    };
    told(&state, &look.events, look.driven, &beside, templates)
        .ok_or_else(|| CliError::refused("The run has no event yet: there is nothing to tell."))
}

/// What lies beside a run's journal.
pub(super) struct Beside<'a> {
    pub(super) reached: &'a [ReachedView],
    pub(super) strikes: &'a [StrikesView],
    pub(super) outbox: Option<&'a OutboxRecord>,
    pub(super) head: Option<&'a str>,
    pub(super) runbook: Option<&'a [u8]>,
}

/// The report of a history; none before its run was opened.
pub(super) fn told(
    state: &RunState,
    events: &[Recorded],
    driven: Driven,
    beside: &Beside<'_>,
    templates: &Templates,
) -> Option<Report> {
    let runbook = beside.runbook.map(|text| blake3::hash(text).to_hex().to_string());
    let opened = state.opened.as_ref()?;
    let run = opened.run.clone();
    let messages = &opened.plan.parts().messages;
    let receivers = beside.outbox.map(|record| ToldView::of(messages, record)).unwrap_or_default();
    report::report(ReportMaterial {
        state,
        events,
        driven,
        reached: beside.reached,
        strikes: beside.strikes,
        told: &receivers,
        head: beside.head,
        correlation: Some(&correlation_id(run.as_str())),
        runbook: runbook.as_deref(),
        templates: Some(&templates.digest()),
    })
}
