//! What would a run change? Looked at with a client that has no way to write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::ready::note_plan;
use crate::azure::Arm;
use crate::cli::args::{Compile, Output, Target, Waive};
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::front::CompiledRunbook;
use crate::cli::region_down::RegionsDown;
use crate::cli::saved::SavedPlan;
use crate::cli::world::Outset;
use crate::cli::{azure, ci, front, messages, preflight, world};
use crate::engine::{Clock, survey};
use crate::model::{Action, Assessment, Plan, StepError};
use crate::outside::{BesideAzure, RoutedObserver};
use crate::plan::{self, PreviewVerdict};
use crate::preflight::Preflight;
use crate::render::machine::summary;
use crate::render::preflight_text::{self, Detail};
use crate::render::{PreviewStepView, PreviewView, json, plan_text};

/// What `plan` takes.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// The runbook.
    pub runbook: PathBuf,
    /// How it is compiled.
    #[command(flatten)]
    pub compile: Compile,
    /// Where Azure is.
    #[command(flatten)]
    pub target: Target,
    /// Look at this world instead of Azure.
    #[arg(long, value_name = "FILE")]
    pub world: Option<PathBuf>,
    /// The regions of that world that are down.
    #[command(flatten)]
    pub down: RegionsDown,
    /// What the run would be started in spite of.
    #[command(flatten)]
    pub waive: Waive,
    /// Keep the plan and what was seen, for `run --plan`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

pub(super) async fn plan(
    context: &Context,
    PlanArgs { runbook, compile, target, world, down, waive, out }: &PlanArgs,
) -> Result<Status, CliError> {
    let world = world.as_deref();
    let wanted = profile_wanted(world, target, down)?;
    let compiled = front::compile(context, runbook, compile, wanted)?;
    let plan = &compiled.plan;
    // A drill's profile without an endpoint looks at the drill's own world.
    let own = compiled.world.as_ref().or(compiled.after.as_ref());
    let drilled = own.is_some() && target.endpoint.is_none();
    let looked = world.or(own.map(PathBuf::as_path).filter(|_| drilled));
    let LookedAt { arm, clock, beside, place } = match looked {
        Some(path) => in_world(context, &compiled, world, down, path, waive).await?,
        None => in_azure(plan, target, down)?,
    };
    // The observer is all that the survey is given: there is nothing it could do wrong.
    let observer = RoutedObserver::new(Arc::new(arm.observer()), beside.observer());
    let seen = survey(plan, &observer, &clock).await;
    let of_azure = seen.iter().filter(|(name, _)| {
        let step = plan.step(name);
        step.is_some_and(|step| !matches!(step.action, Action::Outside(_)))
    });
    let of_azure: Vec<_> = of_azure.map(|(_, look)| look).collect();
    let out_of_reach = !of_azure.is_empty() && of_azure.iter().all(|look| look.is_err());
    if let (true, Output::Text) = (out_of_reach, context.ui.output)
        && let Some(refusal) = same_refusal(&of_azure)
    {
        return Err(refusal);
    }
    // A dry run shows what it can, also where nobody answers.
    let found = if out_of_reach {
        Preflight::default()
    } else {
        preflight::look(&arm, &beside, &clock, plan, waive).await?
    };
    if let Some(path) = out {
        SavedPlan::new(runbook, &compiled.given, plan, &seen, &place)?.write(path)?;
        let at = RealClock::new(std::num::NonZeroU32::MIN, None).now();
        note_plan(context, &plan.parts().runbook, path, at);
        context.ui.say(&kept(path, looked, target));
    }
    let mut view = PreviewView::of(plan, plan::preview(plan, &seen), place);
    view.preflight.clone_from(&found.findings);
    view.set_tells(&messages::of(context, plan));
    show(context, &view, &found);
    // A run would come to the blocked step and stop there, or would not be started: whoever asks by exit status is told.
    let blocked = view.is_blocked() || found.blocking().next().is_some();
    mark(context, runbook, &compiled.text, &view);
    Ok(match (out_of_reach, blocked) {
        (true, _) => Status::OutOfReach,
        (false, true) => Status::Refused,
        (false, false) => Status::Done,
    })
}

/// The profile that is meant where none is named: a drill's or a live one. Of two places to look at one must be
/// left out.
fn profile_wanted(
    world: Option<&Path>,
    target: &Target,
    down: &RegionsDown,
) -> Result<&'static str, CliError> {
    let two = |other: &str| {
        CliError::usage(format!("`--world` and `{other}` are two places to look at; name one."))
    };
    match (world, &target.endpoint) {
        (Some(_), Some(_)) => Err(two("--endpoint")),
        (Some(_), None) if target.cloud.is_some() => Err(two("--cloud")),
        (Some(_), None) => Ok("drill"),
        // A region goes down in a drill's world only.
        (None, None) if !down.regions.is_empty() && target.cloud.is_none() => Ok("drill"),
        (None, _) => Ok("live"),
    }
}

fn show(context: &Context, view: &PreviewView, found: &Preflight) {
    match context.ui.output {
        Output::Json | Output::Jsonl => context.ui.data(&json::object(view)),
        Output::Text => {
            context.ui.data(&plan_text::preview(view, context.ui.out));
            let text = preflight_text::preflight(found, Detail::Trouble, context.ui.out);
            context.ui.data(&format!("\n{text}"));
        }
    }
}

/// What a preview looks at.
struct LookedAt {
    arm: Arm,
    clock: Arc<dyn Clock>,
    beside: BesideAzure,
    /// As it is told.
    place: String,
}

async fn in_world(
    context: &Context,
    compiled: &CompiledRunbook,
    world: Option<&Path>,
    down: &RegionsDown,
    path: &Path,
    waive: &Waive,
) -> Result<LookedAt, CliError> {
    let waive = Some(waive);
    let outset = Outset { world, down: &down.regions, waive, ..Outset::default() };
    let drill = world::KeptDrill::begin(context, compiled, outset).await?;
    down.say_later(context, "plan");
    let beside = BesideAzure::stand_in(Arc::clone(&drill.clock));
    Ok(LookedAt { arm: drill.arm, clock: drill.clock, beside, place: path.display().to_string() })
}

fn in_azure(plan: &Plan, target: &Target, down: &RegionsDown) -> Result<LookedAt, CliError> {
    down.refuse_live()?;
    let url = azure::endpoint(target)?;
    let factor = target.clock_factor.unwrap_or(std::num::NonZeroU32::MIN);
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, None));
    let place = url.to_string();
    let arm = azure::arm(plan, url, target, Arc::clone(&clock))?;
    let beside = azure::beside(plan, Arc::clone(&clock));
    Ok(LookedAt { arm, clock, beside, place })
}

/// What is said of a plan that was kept, and what a run makes of it.
fn kept(plan: &Path, world: Option<&Path>, target: &Target) -> String {
    // A plan says what is run, and not where.
    let endpoint = target.endpoint.iter().map(|url| format!(" --endpoint {url}"));
    let factor = target.clock_factor.iter().map(|factor| format!(" --clock-factor {factor}"));
    let target: String = endpoint.chain(factor).collect();
    let run = format!("`backroad run --plan {}{target}`", plan.display());
    match world {
        None => format!("Kept. Run exactly this with {run}."),
        Some(world) => format!(
            "Kept as it stands in the world {}: {run} takes it only where Azure stands like that.",
            world.display()
        ),
    }
}

/// The same answer to every question is said once.
fn same_refusal(looks: &[&Result<Assessment, StepError>]) -> Option<CliError> {
    let mut whys = looks.iter().filter_map(|look| look.as_ref().err());
    let first = whys.next().filter(|first| whys.all(|why| why.message == first.message))?;
    let error = CliError::new(Status::OutOfReach, "Azure cannot be asked anything.");
    Some(
        error
            .reason(&first.message)
            .hint("Nothing was looked at. See `--credential`, `--cloud` and `--endpoint`."),
    )
}

/// Marks blocked steps and failed rules for a CI system, and gives it the plan as a page.
fn mark(context: &Context, runbook: &Path, text: &str, view: &PreviewView) {
    let blocked = view.steps.iter().filter(|step| step.verdict == PreviewVerdict::Blocked);
    let why =
        |step: &PreviewStepView| step.why.clone().unwrap_or_else(|| "It is blocked.".to_owned());
    let wrong: Vec<_> = blocked.map(|step| (step.name.clone(), why(step))).collect();
    ci::steps(context.ui, &runbook.display().to_string(), text, &wrong);
    ci::summarize(context, "plan", &summary::of_plan(view));
}
