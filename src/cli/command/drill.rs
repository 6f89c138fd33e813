//! How is a runbook drilled? The real executor, the simulated Azure, virtual time.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::run::{hexadecimal, run_id, said_before};
use super::served_page::{PageBesideArgs, RunningPage};
use crate::cli::args::{Compile, Start};
use crate::cli::clock::{HostEntropy, RealClock};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::proof::Proof;
use crate::cli::region_down::RegionsDown;
use crate::cli::session::DriveStart;
use crate::cli::world::Outset;
use crate::cli::{ci, document, files, front, kept_estate, messages, preflight, world};
use crate::engine::{Actor, Clock, Ending, Entropy, NewRun, RunMode};
use crate::model::time::format_duration;
use crate::model::{Plan, RunOutcome, StepStatus};
use crate::preflight::Preflight;
use crate::render::machine::junit::{JUnitMaterial, junit, junit_of_nothing};
use crate::render::machine::summary;
use crate::render::{RunView, StepView};
use crate::sim::bad_day::{library, named};
use crate::sim::{BadDay, SeededEntropy, World};

/// What `drill` takes.
#[derive(Debug, Clone, Args)]
pub struct DrillArgs {
    /// The runbook.
    pub runbook: PathBuf,
    /// How it is compiled.
    #[command(flatten)]
    pub compile: Compile,
    /// The world to start from [default: the profile's].
    #[arg(long, value_name = "FILE")]
    pub world: Option<PathBuf>,
    /// The regions that go down.
    #[command(flatten)]
    pub down: RegionsDown,
    /// A bad day of the library to live through; `list` shows them. May be repeated.
    #[arg(long, value_name = "NAME")]
    pub bad_day: Vec<String>,
    /// What decides the simulator's chance [default: the world's]; the same seed gives the same
    /// drill.
    #[arg(long)]
    pub seed: Option<u64>,
    /// End with status 0 although a fault of the world, or a bad day, struck nothing.
    #[arg(long)]
    pub allow_no_strike: bool,
    /// Write what became of it as JUnit XML, a case for each step; also when it comes to nothing.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Who answers the gates.
    #[arg(long, value_enum, default_value_t = PeopleArg::Profile)]
    pub people: PeopleArg,
    /// What is said before it starts.
    #[command(flatten)]
    pub start: Start,
    /// The page beside it.
    #[command(flatten)]
    pub page: PageBesideArgs,
}

/// Who answers the gates of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PeopleArg {
    /// The profile's people, in virtual time.
    Profile,
    /// Whoever sits at the terminal.
    Ask,
}

pub(super) async fn drill(context: &Context, args: &DrillArgs) -> Result<Status, CliError> {
    let mut material = JUnitMaterial {
        file: args.runbook.display().to_string(),
        seed: args.seed,
        world: args.world.as_ref().map(|world| world.display().to_string()),
        failures: Vec::new(),
    };
    let done = drilled(context, args, &mut material).await;
    let text = match &done {
        Ok((_, Some(view))) => junit(view, &material),
        Ok((_, None)) => junit_of_nothing(&material, "The drill came to no run.", &[]),
        Err(error) => junit_of_nothing(&material, &error.what, &error.why),
    };
    if let Some(path) = &args.junit {
        files::write_over(path, text.as_bytes())?;
    }
    done.map(|(status, _)| status)
}

/// Drills, and gives the run that came of it.
async fn drilled(
    context: &Context,
    args: &DrillArgs,
    material: &mut JUnitMaterial,
) -> Result<(Status, Option<RunView>), CliError> {
    let days = args.bad_day.iter().map(|name| bad_day(name)).collect::<Result<Vec<_>, _>>()?;
    let mut compiled = front::compile(context, &args.runbook, &args.compile, "drill")?;
    if args.people == PeopleArg::Ask {
        compiled.plan = without_people(&compiled.plan)?;
    }
    let (world, down) = (args.world.as_deref(), args.down.regions.as_slice());
    let waive = Some(&args.start.waive);
    let outset = Outset { world, seed: args.seed, down, waive, ..Outset::default() };
    let drill = world::KeptDrill::begin(context, &compiled, outset).await?;
    material.seed = Some(drill.seed());
    let named = args.world.as_ref().or(compiled.world.as_ref());
    material.world = named.map(|world| world.display().to_string());
    let (begins_in, _) = drill.now();
    say_of_regions(context, &begins_in, &compiled.plan, args);
    let plan = compiled.plan.clone();
    let found = drill.preflight(&args.start.waive).await?;
    preflight::say(context, &found);
    preflight::refuse(&found)?;
    for day in &days {
        context.ui.say(&format!("A bad day: {}. {}", day.title, day.what));
        drill.live_through(day);
    }
    let new = new_run(args, plan, drill.seed(), &days, &found)?;
    let page = RunningPage::beside(context, &args.page)?;
    let store = context.create(&new.run).await?;
    compiled.keep_text(context, &new.run)?;
    let estate = document::known(&begins_in, "before its first step");
    kept_estate::keep(context, &new.run, &estate);
    let begin = DriveStart::New(Box::new(new));
    let told = args.start.notify.then(|| messages::of(context, &compiled.plan));
    let mut driving = drill.drive(context, store, (begin, told)).await?;
    let proof = Proof::of(&driving, RunOutcome::Succeeded);
    material.failures = proof.failures();
    let status = driving.show_as(context, RunOutcome::Succeeded, |status| proof.judged(status));
    if !args.start.notify {
        messages::say_would_tell(context, &compiled.plan, &driving.events);
    }
    proof.say(context);
    let view = driving.view();
    if let Some(view) = &view {
        mark(context, args, &compiled.text, view, material);
    }
    if let Some(page) = page {
        let interrupted = driving.ending == Ending::Interrupted;
        page.stay(context, interrupted, &mut driving.interrupts).await;
    }
    Ok((status, view))
}

/// What the drill's run is opened with.
fn new_run(
    args: &DrillArgs,
    plan: Plan,
    seed: u64,
    days: &[&BadDay],
    found: &Preflight,
) -> Result<NewRun, CliError> {
    let host = RealClock::new(std::num::NonZeroU32::MIN, None);
    Ok(NewRun {
        run: run_id(host.now(), &HostEntropy)?,
        plan,
        mode: RunMode::Drill,
        endpoint: world::ENDPOINT.to_owned(),
        // The keys follow from the seed, so that the same seed gives the same journal.
        nonce: hexadecimal(SeededEntropy(seed).bytes()),
        // A drill is the same whoever starts it.
        by: None,
        waived: said_before(Actor::DrillPerson, &args.start)
            .into_iter()
            .chain(preflight::waived(found, &Actor::DrillPerson))
            .collect(),
        bad_days: days.iter().map(|day| day.name.clone()).collect(),
        regions_down: args.down.regions.clone(),
        allow_no_strike: args.allow_no_strike,
        clock_factor: None,
    })
}

/// Marks what went badly for a CI system, and gives it the drill as a page.
fn mark(context: &Context, args: &DrillArgs, text: &str, view: &RunView, material: &JUnitMaterial) {
    let bad = |step: &&StepView| {
        matches!(
            step.status,
            StepStatus::Failed | StepStatus::TimedOut | StepStatus::Held | StepStatus::UndoFailed
        )
    };
    let why = |step: &StepView| {
        let why = step.why.clone().unwrap_or_else(|| format!("It is {}.", step.status));
        (step.name.clone(), why)
    };
    let mut wrong: Vec<_> = view.steps.iter().filter(bad).map(why).collect();
    wrong.extend(material.failures.iter().map(|why| ("(the drill)".to_owned(), why.clone())));
    if !view.has_succeeded() {
        let how = format!("The drill ended {}.", view.outcome.as_str());
        wrong.push(("(the drill)".to_owned(), how));
    }
    ci::steps(context.ui, &args.runbook.display().to_string(), text, &wrong);
    ci::summarize(context, "drill", &summary::of_drill(view, material));
}

/// Says which regions go down, and what a declaration alone does not do.
fn say_of_regions(context: &Context, world: &World, plan: &Plan, args: &DrillArgs) {
    for one in &args.down.regions {
        let when = match one.after {
            Duration::ZERO => "as the drill begins".to_owned(),
            after => format!("{} after the beginning", format_duration(after)),
        };
        let name = one.region.as_str();
        context.ui.say(&format!("{name} goes down {when}."));
    }
    let Some(source) =
        plan.parts().source_region.as_ref().filter(|_| args.start.source_down.is_some())
    else {
        return;
    };
    let goes = args.down.regions.iter().any(|one| one.region == *source);
    if !goes && !world.regions_down().contains(source) {
        let (note, name) = (context.ui.err.warn("note:"), source.as_str());
        context.ui.say(&format!(
            "{note} `--source-down` only declares {name} out of reach, so that steps there are not tried; in the \
             simulated Azure {name} stays up. Take it down with `--region-down {name}`."
        ));
    }
}

fn bad_day(name: &str) -> Result<&'static BadDay, CliError> {
    named(name).ok_or_else(|| {
        let line = |day: &BadDay| format!("  {:<26}{}", day.name, day.title);
        let all: Vec<String> = library().iter().map(line).collect();
        let what = match name {
            "list" => "A bad day has to be chosen.".to_owned(),
            _ => format!("There is no bad day `{name}`."),
        };
        CliError::usage(what).hint(format!("There are:\n{}", all.join("\n")))
    })
}

fn without_people(plan: &Plan) -> Result<Plan, CliError> {
    let mut parts = plan.parts().clone();
    parts.people = None;
    Plan::new(parts).map_err(|error| {
        CliError::new(Status::Bug, "The plan cannot be changed for the drill.").because(&error)
    })
}
