//! What does each verb do? One file per verb, or per family of verbs that differ in a word.

mod capture;
mod check;
mod completions;
mod drill;
mod drive;
mod export;
mod journal;
mod man;
mod permissions;
mod plan;
mod preflight;
mod remake;
mod render;
mod report;
mod run;
mod runs;
mod schema;
mod sim;
mod status;
mod verify;

use super::args::{CommandLine, DriveSaid, DriveStep, SimVerb, Verb};
use super::context::Context;
use super::detach;
use super::error::{CliError, Status};
use super::saved::SavedPlan;

/// Does what was asked.
///
/// # Errors
/// It could not be done; the error says why.
pub async fn perform(line: CommandLine, context: &Context) -> Result<Status, CliError> {
    if let Some((detach, named)) = line.verb.detach()
        && detach.detach
    {
        let run = match named {
            Some(named) => context.state.find(named)?,
            None => run::fresh_id()?,
        };
        return detach::start(context, &run).await;
    }
    match line.verb {
        Verb::Runs => runs::runs(context),
        Verb::Status { run } => status::status(context, &run).await,
        Verb::Journal { run } => journal::journal(context, &run).await,
        Verb::Plan { runbook, compile, target, world, out } => {
            let places = (world.as_deref(), out.as_deref());
            plan::plan(context, &runbook, &compile, &target, places).await
        }
        Verb::Preflight { runbook, compile, target, world, waive } => {
            let (runbook, world) = (runbook.as_path(), world.as_ref());
            let wanted = preflight::Wanted {
                runbook,
                compile: &compile,
                target: &target,
                world,
                waive: &waive,
            };
            preflight::preflight(context, wanted).await
        }
        Verb::Capture { subscription, resource_group, target, out } => {
            let wanted = capture::Wanted {
                subscriptions: &subscription,
                groups: &resource_group,
                target: &target,
                out: &out,
            };
            capture::capture(context, wanted).await
        }
        Verb::Permissions { runbook, compile } => {
            permissions::permissions(context, &runbook, &compile)
        }
        Verb::Render { runbook, compile, world, format, templates, out, without_drills } => {
            let asked = render::Asked {
                runbook: &runbook,
                compile: &compile,
                world: world.as_deref(),
                format,
                templates: templates.as_deref(),
                out: out.as_deref(),
                drills: !without_drills,
            };
            render::render(context, asked).await
        }
        Verb::Run { runbook: Some(runbook), dry_run: true, compile, target, .. } => {
            plan::plan(context, &runbook, &compile, &target, (None, None)).await
        }
        Verb::Run { runbook, plan, compile, target, start, interactive, .. } => {
            if interactive && !context.ui.somebody {
                let what = "`--interactive` asks at the terminal, and there is none.";
                return Err(CliError::usage(what)
                    .hint("Leave it out, and answer with `backroad approve` from elsewhere."));
            }
            let saved = plan.as_deref().map(SavedPlan::read).transpose()?;
            let (runbook, compile) = match (&saved, runbook) {
                (Some(saved), _) => (saved.runbook().to_owned(), saved.compile()),
                (None, Some(runbook)) => (runbook, compile),
                (None, None) => return Err(CliError::usage("There is no runbook to run.")),
            };
            run::run(context, &runbook, &compile, &target, (&start, saved.as_ref())).await
        }
        Verb::Drill { runbook, compile, world, seed, bad_day, people, start } => {
            let wanted = drill::Wanted {
                runbook: &runbook,
                compile: &compile,
                world,
                seed,
                bad_days: &bad_day,
                people,
                start: &start,
            };
            drill::drill(context, wanted).await
        }
        Verb::Sim { verb: SimVerb::Serve { world, listen, seed, speed, tls, tls_certificate } } => {
            let certificate = tls_certificate.as_deref();
            let wanted = sim::Served { world: &world, listen, seed, speed, tls, certificate };
            sim::serve(context, wanted).await
        }
        Verb::Resume(args) => drive::resume(context, &args).await,
        Verb::Retry { from, dry_run, run, step: Some(step), said, target, detach } => {
            let step = DriveStep { run, step, said, target, detach };
            drive::retry(context, &step, from, dry_run).await
        }
        Verb::Retry { dry_run, run, step: None, said, target, detach, .. } => {
            let said = DriveSaid { run, said, target, detach };
            drive::retry_all(context, &said, dry_run).await
        }
        Verb::Skip { dry_run, step } => drive::skip(context, &step, dry_run).await,
        Verb::Approve { choice, step } => drive::approve(context, &step, choice.as_ref()).await,
        Verb::Pause(args) => drive::pause(context, &args).await,
        Verb::Settle { after, run } => drive::settle(context, &run, after).await,
        Verb::Decline(args) => drive::decline(context, &args).await,
        Verb::Cancel(args) => drive::cancel(context, &args).await,
        Verb::Undo(args) => drive::undo(context, &args).await,
        Verb::Report { run, format, compare, templates, out } => {
            let asked = report::Asked {
                run: &run,
                format,
                compare: compare.as_deref(),
                templates: templates.as_deref(),
                out: out.as_deref(),
            };
            report::report(context, asked).await
        }
        Verb::Export { run, out, sign } => {
            export::export(context, &run, &out, sign.as_deref()).await
        }
        Verb::Verify { what, head, trusted } => {
            verify::verify(context, &what, head.as_deref(), trusted.as_deref())
        }
        Verb::Man => man::man(context),
        Verb::Completions { shell } => Ok(completions::completions(context, shell)),
        Verb::Check { runbooks, compile } => check::check(context, &runbooks, &compile),
        Verb::Schema => Ok(schema::schema(context)),
    }
}
