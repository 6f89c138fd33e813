//! What does each verb do? One file per verb, or per family of verbs that differ in a word.

mod az_config;
mod capture;
mod check;
mod completions;
mod drill;
mod drive;
mod examples;
mod export;
mod going_on;
mod init;
mod journal;
mod man;
mod metrics;
mod notify;
mod page;
mod page_elsewhere;
mod params;
mod permissions;
mod plan;
mod preflight;
mod probe;
mod ready;
mod remake;
mod render;
mod report;
mod retrying;
mod run;
mod runs;
mod schema;
mod served_page;
mod sim;
mod sim_env;
mod status;
mod store;
mod undoing;
mod verify;
mod watch;
mod web;

use super::args::{CommandLine, Output, Verb};
use super::context::Context;
use super::detach;
use super::error::{CliError, Status};

pub use capture::CaptureArgs;
pub use check::CheckArgs;
pub use completions::CompletionsArgs;
pub use drill::{DrillArgs, PeopleArg};
pub use drive::{ApproveArgs, ResumeArgs, SettleArgs, SkipArgs, TakeOverArgs};
pub use examples::ExamplesArgs;
pub use export::ExportArgs;
pub use init::InitArgs;
pub use journal::JournalArgs;
pub use notify::NotifyArgs;
pub use params::ParamsArgs;
pub use permissions::PermissionsArgs;
pub use plan::PlanArgs;
pub use preflight::PreflightArgs;
pub use probe::ProbeArgs;
pub use ready::ReadyArgs;
pub use render::{Format, RenderArgs};
pub use report::{ReportArgs, ReportFormat};
pub use retrying::RetryArgs;
pub use run::RunArgs;
pub use runs::RunsArgs;
pub use schema::SchemaArgs;
pub use served_page::{PageBesideArgs, ServePageArgs};
pub use sim::{ServeArgs, SimVerb};
pub use status::StatusArgs;
pub use store::{StoreCheckArgs, StoreCopyArgs, StoreGcArgs, StoreVerb};
pub use undoing::UndoArgs;
pub use verify::VerifyArgs;
pub use watch::WatchArgs;
pub use web::{WebArgs, WebVerb};

/// Refuses a form that a verb does not have, rather than print something else in its place.
fn has_such_an_output(line: &CommandLine) -> Result<(), CliError> {
    let (verb, form) = match line.verb {
        Verb::Metrics => ("metrics", "what Prometheus reads"),
        Verb::Man => ("man", "a manual page"),
        Verb::Completions(_) => ("completions", "a shell's script"),
        _ => return Ok(()),
    };
    if line.output == Output::Text {
        return Ok(());
    }
    let what = format!("`{verb}` prints {form}, and has no other output.");
    Err(CliError::usage(what).hint("Leave `--output` out."))
}

/// Does what was asked.
///
/// # Errors
/// It could not be done; the error says why.
pub async fn perform(line: CommandLine, context: &Context) -> Result<Status, CliError> {
    if let Some((drive, named)) = line.verb.drives()
        && drive.detach.detach
    {
        let run = match named {
            Some(named) => context.find(named).await?,
            None => run::fresh_id()?,
        };
        return detach::start(context, &run).await;
    }
    has_such_an_output(&line)?;
    match line.verb {
        Verb::Check(args) => check::check(context, &args),
        Verb::Plan(args) => plan::plan(context, &args).await,
        Verb::Preflight(args) => preflight::preflight(context, &args).await,
        Verb::Ready(args) => ready::ready(context, &args).await,
        Verb::Probe(args) => probe::probe(context, &args).await,
        Verb::Capture(args) => capture::capture(context, &args).await,
        Verb::Init(args) => init::init(context, &args).await,
        Verb::Examples(args) => examples::examples(context, &args),
        Verb::Params(args) => params::params(context, &args),
        Verb::Permissions(args) => permissions::permissions(context, &args),
        Verb::Render(args) => render::render(context, &args).await,
        Verb::Run(args) => run::run(context, args).await,
        Verb::Drill(args) => drill::drill(context, &args).await,
        Verb::Runs(args) => runs::runs(context, &args).await,
        Verb::Status(args) => {
            let run = context.pick(args.run.as_deref()).await?;
            status::asked(context, &run, &args).await
        }
        Verb::Watch(args) => watch::watch(context, &args).await,
        Verb::Journal(args) => journal::journal(context, &args).await,
        Verb::Metrics => metrics::metrics(context).await,
        Verb::Web(args) => web::web(context, &args).await,
        Verb::Notify(args) => notify::notify(context, &args).await,
        Verb::Resume(args) => drive::resume(context, &args).await,
        Verb::TakeOver(args) => drive::take_over(context, &args).await,
        Verb::Retry(args) => retrying::retry(context, args).await,
        Verb::Skip(args) => drive::skip(context, &args).await,
        Verb::Pause(args) => drive::pause(context, &args).await,
        Verb::SourceDown(args) => drive::source_down(context, &args).await,
        Verb::Settle(args) => drive::settle(context, &args).await,
        Verb::Approve(args) => drive::approve(context, &args).await,
        Verb::Decline(args) => drive::decline(context, &args).await,
        Verb::Cancel(args) => drive::cancel(context, &args).await,
        Verb::Undo(args) => undoing::undo(context, &args).await,
        Verb::Report(args) => report::report(context, &args).await,
        Verb::Export(args) => export::export(context, &args).await,
        Verb::Verify(args) => verify::verify(context, &args).await,
        Verb::Store(verb) => store::store(context, &verb).await,
        Verb::Sim(SimVerb::Serve(args)) => sim::serve(context, &args).await,
        Verb::Sim(SimVerb::Env(args)) => sim_env::env(context, &args),
        Verb::Schema(args) => Ok(schema::schema(context, args)),
        Verb::Man => man::man(context),
        Verb::Completions(args) => Ok(completions::completions(context, args.shell)),
    }
}
