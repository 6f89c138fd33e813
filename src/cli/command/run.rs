//! How is a runbook executed against Azure?

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use url::Url;

use super::drive::{Azure, live, shown};
use super::plan::{PlanArgs, plan};
use super::served_page::{PageBesideArgs, RunningPage};
use crate::cli::args::{Compile, DriveArgs, Start};
use crate::cli::clock::{HostEntropy, RealClock};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::region_down::RegionsDown;
use crate::cli::saved::SavedPlan;
use crate::cli::session::DriveStart;
use crate::cli::{azure, front, kept_estate, messages, preflight};
use crate::engine::{Actor, Clock, Ending, Entropy, Event, NewRun, RunMode, survey};
use crate::model::{Plan, RunId, RunOutcome, Timestamp};
use crate::outside::RoutedObserver;

/// What `run` takes.
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "backroad run [OPTIONS] <RUNBOOK>\n       backroad run [OPTIONS] --plan <FILE>"
)]
pub struct RunArgs {
    /// The runbook [with `--plan`: the one it was made from].
    #[arg(required_unless_present = "plan")]
    pub runbook: Option<PathBuf>,
    /// A plan that was kept by `plan --out`: refused when runbook, parameters or what was seen
    /// have changed since.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runbook", "profile", "params", "params_files", "dry_run"])]
    pub plan: Option<PathBuf>,
    /// Only show what would change, as `plan` does.
    #[arg(long, conflicts_with = "detach")]
    pub dry_run: bool,
    /// How it is compiled.
    #[command(flatten)]
    pub compile: Compile,
    /// What is said before it starts.
    #[command(flatten)]
    pub start: Start,
    /// Ask at this terminal; refuse to start where there is none.
    #[arg(long, conflicts_with = "detach")]
    pub interactive: bool,
    /// How the run is driven.
    #[command(flatten)]
    pub drive: DriveArgs,
    /// The page beside it.
    #[command(flatten)]
    pub page: PageBesideArgs,
}

pub(super) async fn run(context: &Context, args: RunArgs) -> Result<Status, CliError> {
    if args.interactive && !context.ui.somebody {
        let what = "`--interactive` asks at the terminal, and there is none.";
        return Err(CliError::usage(what)
            .hint("Leave it out, and answer with `backroad approve` from elsewhere."));
    }
    let RunArgs { runbook, compile, start, drive: DriveArgs { target, .. }, page, .. } = args;
    if let (true, Some(runbook)) = (args.dry_run, &runbook) {
        let (runbook, world, out) = (runbook.clone(), None, None);
        let (down, waive) = (RegionsDown::default(), start.waive);
        return plan(context, &PlanArgs { runbook, compile, target, world, down, waive, out })
            .await;
    }
    let saved = args.plan.as_deref().map(SavedPlan::read).transpose()?;
    let (runbook, compile) = match (&saved, runbook) {
        (Some(saved), _) => (saved.runbook().to_owned(), saved.compile()),
        (None, Some(runbook)) => (runbook, compile),
        (None, None) => return Err(CliError::usage("There is no runbook to run.")),
    };
    let compiled = front::compile(context, &runbook, &compile, "live")?;
    let plan = compiled.plan.clone();
    let url = azure::endpoint(&target)?;
    let factor = target.clock_factor.unwrap_or(NonZeroU32::MIN);
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, None));
    let mut new = new_run(context, plan, &url, (&clock, target.clock_factor), &start)?;
    // Whatever can be refused is refused before there is a run.
    let arm = azure::arm(&new.plan, url.clone(), &target, Arc::clone(&clock))?;
    let beside = azure::beside(&new.plan, Arc::clone(&clock));
    if let Some(saved) = &saved {
        saved.same_plan(&new.plan)?;
    }
    // First of all whether Azure answers us: what it does not tell has not changed.
    let (found, facts) = preflight::look_at(&arm, &beside, &clock, &new.plan, &start.waive).await?;
    if let Some(saved) = &saved {
        let observer = RoutedObserver::new(Arc::new(arm.observer()), beside.observer());
        saved.same_world(&survey(&new.plan, &observer, &clock).await)?;
    }
    preflight::say(context, &found);
    preflight::refuse(&found)?;
    new.waived.extend(preflight::waived(&found, &Actor::Person(context.user())));
    let page = RunningPage::beside(context, &page)?;
    let store = context.create(&new.run).await?;
    compiled.keep_text(context, &new.run)?;
    kept_estate::keep(context, &new.run, &kept_estate::of_facts(&facts));
    let about = Azure { url, target: &target, clock };
    let plan = new.plan.clone();
    let sent = messages::are_sent(new.mode, &new.endpoint, start.notify);
    let told = sent.then(|| messages::of(context, &plan));
    let begin = DriveStart::New(Box::new(new));
    let mut driving = live(context, store, &plan, about, (begin, told)).await?;
    let status = driving.show(context, RunOutcome::Succeeded);
    if let Some(page) = page {
        let interrupted = driving.ending == Ending::Interrupted;
        page.stay(context, interrupted, &mut driving.interrupts).await;
    }
    Ok(status)
}

/// What a live run is opened with.
fn new_run(
    context: &Context,
    plan: Plan,
    url: &Url,
    (clock, clock_factor): (&Arc<dyn Clock>, Option<NonZeroU32>),
    start: &Start,
) -> Result<NewRun, CliError> {
    Ok(NewRun {
        run: match &context.background {
            Some(run) => run.clone(),
            None => run_id(clock.now(), &HostEntropy)?,
        },
        plan,
        mode: RunMode::Live,
        endpoint: shown(url),
        nonce: hexadecimal(HostEntropy.bytes()),
        by: Some(context.user()),
        bad_days: Vec::new(),
        regions_down: Vec::new(),
        allow_no_strike: false,
        clock_factor,
        waived: said_before(Actor::Person(context.user()), start),
    })
}

/// What was said on the command line, for the journal's beginning.
pub(super) fn said_before(by: Actor, start: &Start) -> Vec<Event> {
    let down = start.source_down.clone().map(|why| Event::SourceDown { by, why });
    down.into_iter().collect()
}

/// The id of a run that begins now.
///
/// # Errors
/// As [`run_id`].
pub(super) fn fresh_id() -> Result<RunId, CliError> {
    run_id(RealClock::new(NonZeroU32::MIN, None).now(), &HostEntropy)
}

/// A new run's id: runs sort by their start.
///
/// # Errors
/// Never in practice: a ULID is an id.
pub(super) fn run_id(now: Timestamp, entropy: &dyn Entropy) -> Result<RunId, CliError> {
    let millis = u64::try_from(now.as_millis()).unwrap_or_default();
    let chance = u128::from_be_bytes(entropy.bytes());
    let text = ulid::Ulid::from_parts(millis, chance).to_string();
    RunId::parse(&text.to_ascii_lowercase()).map_err(|error| {
        CliError::new(Status::Bug, "The id that was made for the run is not one.").because(&error)
    })
}

/// Bytes as text.
#[must_use]
pub(super) fn hexadecimal(bytes: [u8; 16]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
