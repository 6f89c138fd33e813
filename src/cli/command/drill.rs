//! How is a runbook drilled? The real executor, the simulated Azure, virtual time.

use std::path::{Path, PathBuf};

use super::run::{hexadecimal, run_id, said_before};
use crate::cli::args::{Compile, PeopleArg, Start};
use crate::cli::clock::{HostEntropy, RealClock};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::session::DriveStart;
use crate::cli::{front, preflight, world};
use crate::engine::{Actor, Clock, Entropy, NewRun, RunMode};
use crate::model::{Plan, RunOutcome};
use crate::sim::bad_day::{library, named};
use crate::sim::{BadDay, SeededEntropy};

/// What was typed about a drill.
pub(super) struct Wanted<'a> {
    pub(super) runbook: &'a Path,
    pub(super) compile: &'a Compile,
    pub(super) world: Option<PathBuf>,
    pub(super) seed: Option<u64>,
    pub(super) bad_days: &'a [String],
    pub(super) people: PeopleArg,
    pub(super) start: &'a Start,
}

pub(super) async fn drill(context: &Context, wanted: Wanted<'_>) -> Result<Status, CliError> {
    let days = wanted.bad_days.iter().map(|name| bad_day(name)).collect::<Result<Vec<_>, _>>()?;
    let mut compiled = front::compile(context, wanted.runbook, wanted.compile, "drill")?;
    if wanted.people == PeopleArg::Ask {
        compiled.plan = without_people(&compiled.plan)?;
    }
    let world = wanted.world.as_deref();
    let drill = world::Drill::begin(context, &compiled, world, wanted.seed).await?;
    let plan = compiled.plan.clone();
    // Before the drill, in a copy of its world: looking costs no time and leaves no trace in it.
    let (arm, clock) = drill.copy()?;
    let found = preflight::look(&arm, &clock, &plan, &wanted.start.waive).await?;
    preflight::say(context, &found);
    preflight::refuse(&found)?;
    for day in days {
        context.ui.say(&format!("A bad day: {}. {}", day.title, day.what));
        drill.live_through(day);
    }
    let host = RealClock::new(std::num::NonZeroU32::MIN, None);
    let new = NewRun {
        run: run_id(host.now(), &HostEntropy)?,
        plan,
        mode: RunMode::Drill,
        endpoint: world::ENDPOINT.to_owned(),
        // The keys follow from the seed, so that the same seed gives the same journal.
        nonce: hexadecimal(SeededEntropy(drill.seed()).bytes()),
        // A drill is the same whoever starts it.
        by: None,
        waived: said_before(Actor::DrillPerson, wanted.start)
            .into_iter()
            .chain(preflight::waived(&found, &Actor::DrillPerson))
            .collect(),
    };
    let store = context.state.create_run(&new.run)?;
    compiled.keep_text(context, &new.run)?;
    let begin = DriveStart::New(Box::new(new));
    let driving = drill.drive(context, store, begin).await?;
    Ok(driving.show(context, RunOutcome::Succeeded))
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
    Plan::new(parts)
        .map_err(|error| CliError::new(Status::Bug, "The plan came apart.").because(&error))
}
