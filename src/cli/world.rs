//! Which world does a drill live in? Loaded from its file, kept beside the run, found again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::args::{Compile, Waive};
use super::azure::SecretSettings;
use super::context::Context;
use super::error::{CliError, Status};
use super::files;
use super::front;
use super::kept_world::{self, KeptWorld};
use super::left;
use super::preflight;
use super::region_down;
use super::session::{DriveStart, Driving, GateAnswers, Session};
use super::written;
use crate::azure::{Arm, WireFault, WireRequest, WireResponse, WriteScope};
pub use crate::drill::ENDPOINT;
use crate::drill::{self, Drill, Drilled};
use crate::engine::{Clock, Ending, RunMode};
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{Messages, Plan, RegionDown, RunId, RunOutcome, Timestamp};
use crate::outside::{BesideAzure, RoutedActuator, RoutedObserver};
use crate::preflight::Preflight;
use crate::render::view::{ReachView, ReachedView, StrikesView};
use crate::sim;
use crate::sim::network::Reach;
use crate::sim::{Answers, BadDay, Strikes, TruthMark, VirtualClock, World};
use crate::store::{RunStore, regular};

/// Where a drill begins, as far as a person says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outset<'a> {
    /// The world's file [else: the profile's].
    pub world: Option<&'a Path>,
    /// What decides its chance [else: the world's].
    pub seed: Option<u64>,
    /// The regions that go down.
    pub down: &'a [RegionDown],
    /// What was said of a runbook's drill that may have to come before this one.
    pub before: Option<Before<'a>>,
    /// The rules that a person takes upon themselves, also in the drill that comes before.
    pub waive: Option<&'a Waive>,
}

/// What a person says of the drill of a runbook after which another one begins.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// The runbook.
    pub runbook: &'a Path,
    /// As [`Outset::world`].
    pub world: Option<&'a Path>,
    /// As [`Outset::down`].
    pub down: &'a [RegionDown],
}

impl<'a> Outset<'a> {
    /// Where the drill of a runbook begins that comes before this one.
    fn of_before(&self, runbook: &Path) -> Self {
        let same =
            |before: &Before<'_>| match (before.runbook.canonicalize(), runbook.canonicalize()) {
                (Ok(one), Ok(other)) => one == other,
                _ => before.runbook == runbook,
            };
        let Some(Before { world, down, .. }) = self.before.filter(same) else {
            return Self::default();
        };
        Outset { world, down, ..Self::default() }
    }
}

/// A drill's surroundings.
pub struct KeptDrill {
    /// The adapter to the simulated Azure.
    pub arm: Arm,
    /// Virtual time.
    pub clock: Arc<dyn Clock>,
    world: Arc<Mutex<WorldKeeper>>,
    plan: Plan,
}

/// A world that is kept beside its run, after every change: a drill that is killed goes on in it.
struct WorldKeeper {
    world: World,
    keeper: Option<KeptWorld>,
    /// Where what is reached is kept.
    path: Option<PathBuf>,
    /// What the network followed from when that was last looked at.
    mark: Option<TruthMark>,
    /// What each site reached from when on.
    reached: Vec<ReachedView>,
}

impl WorldKeeper {
    /// Notes what each site reaches, where that is not as it was.
    fn note_reached(&mut self, at: Timestamp) {
        let Some(path) = &self.path else { return };
        let mark = self.world.truth_mark();
        if self.mark.as_ref() == Some(&mark) {
            return;
        }
        self.mark = Some(mark);
        let reach: Vec<ReachView> = self.world.reachability().into_iter().map(reach_view).collect();
        if self.reached.last().is_some_and(|last| last.reach == reach) {
            return;
        }
        self.reached.push(ReachedView { at, reach });
        let bytes = serde_json::to_vec(&self.reached).unwrap_or_default();
        // A report says less without it, and nothing else needs it.
        if let Err(error) = files::write_private(&path.with_file_name(REACHED), &bytes) {
            tracing::warn!(%error, "what was reached is not kept");
        }
    }
}

impl WorldKeeper {
    /// Notes what went wrong, where anything was to.
    fn note_strikes(&self, strikes: &[StrikesView]) {
        let Some(path) = self.path.as_ref().filter(|_| !strikes.is_empty()) else { return };
        let bytes = serde_json::to_vec(strikes).unwrap_or_default();
        // A report says less without it, and nothing else needs it.
        if let Err(error) = files::write_private(&path.with_file_name(STRIKES), &bytes) {
            tracing::warn!(%error, "what was struck is not kept");
        }
    }
}

impl Answers for WorldKeeper {
    fn answer(
        &mut self,
        request: &WireRequest,
        now: Timestamp,
    ) -> (Result<WireResponse, WireFault>, Duration) {
        let answer = self.world.answer(request, now);
        let changes = sim::server::changes(request.method, request.url.path());
        let Self { keeper, world, .. } = self;
        let kept = keeper.as_mut().map(|keeper| keeper.note(request, now, changes, world));
        if let Some(Err(error)) = kept {
            tracing::warn!(what = error.what, "the drill's world is not kept");
        }
        self.note_reached(now);
        answer
    }

    fn snapshot(&mut self, now: Timestamp) -> serde_json::Value {
        self.world.snapshot(now)
    }

    fn add_fault(&mut self, fault: serde_json::Value, now: Timestamp) -> Result<(), String> {
        Answers::add_fault(&mut self.world, fault, now)
    }
}

/// A world from its file, and the time at which it begins.
///
/// # Errors
/// The file cannot be read (usage), or has errors (status 3).
pub fn load(
    context: &Context,
    path: &Path,
    seed: Option<u64>,
) -> Result<(World, Timestamp), CliError> {
    let scenario = written::usable_world(context, path)?;
    let mut world = World::new(&scenario);
    if let Some(seed) = seed {
        world.set_seed(seed);
    }
    Ok((world, scenario.now))
}

/// What each site reached, from the beginning of a drill on: a file beside its world.
const REACHED: &str = "reached.json";

/// What its bad days and faults have met and struck: beside it, too.
const STRIKES: &str = "strikes.json";

fn kept(context: &Context, run: &RunId) -> PathBuf {
    context.state.run_path(run).join("world.json")
}

impl KeptDrill {
    /// Where a runbook's drill begins: in a world file, or where the drill of another runbook ends.
    ///
    /// # Errors
    /// There is no world, it is none, the other runbook's drill does not succeed, or a region that is to go
    /// down is none of the world's.
    pub async fn begin(
        context: &Context,
        compiled: &front::CompiledRunbook,
        outset: Outset<'_>,
    ) -> Result<Self, CliError> {
        let (mut world, now) = Self::origin(context, compiled, outset).await?;
        region_down::lay_over(&mut world, outset.down, now)?;
        Self::within(world, now, &compiled.plan)
    }

    /// The world in which a runbook's drill begins, before anybody lays anything over it.
    async fn origin(
        context: &Context,
        compiled: &front::CompiledRunbook,
        outset: Outset<'_>,
    ) -> Result<(World, Timestamp), CliError> {
        if let Some(path) = outset.world.or(compiled.world.as_deref()) {
            return load(context, path, outset.seed);
        }
        let Some(after) = &compiled.after else {
            return Err(CliError::usage("The drill has no world to start from.").hint(
                "Name one in the profile (`world: worlds/NAME.yaml`) or with `--world FILE`.",
            ));
        };
        let before = front::compile(context, after, &Compile::default(), "drill")?;
        let earlier = Outset { seed: outset.seed, waive: outset.waive, ..outset.of_before(after) };
        let before_drill = Box::pin(Self::begin(context, &before, earlier)).await?;
        before_drill.may_begin(outset.waive).await?;
        let (mut world, now) = before_drill.played(&before).await?;
        for region in &compiled.returns {
            world.set_region_down(region.clone(), false);
        }
        Ok((world, now))
    }

    /// Refuses a drill that its own preflight stops: what comes after it would prove a way back from where nobody gets.
    async fn may_begin(&self, waive: Option<&Waive>) -> Result<(), CliError> {
        let none = Waive::default();
        let found = self.preflight(waive.unwrap_or(&none)).await?;
        let mut blocking = found.blocking().peekable();
        if blocking.peek().is_none() {
            return Ok(());
        }
        let runbook = &self.plan.parts().runbook;
        let what = format!("The drill of {runbook}, after which this one begins, cannot begin.");
        let refused = blocking.fold(CliError::refused(what), |refused, finding| {
            let why = finding.verdict.why().unwrap_or_default();
            refused.reason(&format!("{} {}: {why}", finding.rule, finding.about))
        });
        Err(refused.hint(format!(
            "See it whole with `backroad preflight` of {runbook}, and mend it there."
        )))
    }

    /// The world after a drill of this plan that nobody keeps, and when it ended.
    async fn played(
        self,
        compiled: &front::CompiledRunbook,
    ) -> Result<(World, Timestamp), CliError> {
        let what = format!("The drill of {} before this one", compiled.plan.parts().runbook);
        let played = self.play().await?;
        if played.ending != Ending::Ended(RunOutcome::Succeeded) {
            let how = match played.ending {
                Ending::Ended(outcome) => format!("ended {outcome}"),
                Ending::Waiting(_) => "waits for people".to_owned(),
                Ending::Interrupted => "was interrupted".to_owned(),
            };
            return Err(CliError::new(Status::EndedOtherwise, format!("{what} {how}."))
                .hint("Drill that runbook by itself and see why."));
        }
        Ok((played.world, played.now))
    }

    /// A drill of this plan that nobody keeps, from where this one stands.
    ///
    /// # Errors
    /// It broke.
    pub(super) async fn play(self) -> Result<Drilled, CliError> {
        let (world, now) = self.now();
        let secrets = Arc::new(SecretSettings::of(&self.plan));
        let drill = Drill::within(&self.plan, world, now).secrets(secrets);
        drill.run().await.map_err(|error| {
            let what = format!("The drill of {} in memory broke.", self.plan.parts().runbook);
            CliError::new(Status::EndedOtherwise, what).because(&error)
        })
    }

    /// The world as it is, and the time in it.
    #[must_use]
    pub(super) fn now(&self) -> (World, Timestamp) {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner).world.clone();
        (world, self.clock.now())
    }

    /// What decides its chance.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.world.lock().unwrap_or_else(PoisonError::into_inner).world.seed()
    }

    /// Lays a bad day over what is to come.
    pub fn live_through(&self, day: &BadDay) {
        let mut kept = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        kept.world.live_through(day, &self.plan, self.clock.now());
    }

    /// The same surroundings over a copy of the world, for a look that shall leave no trace.
    ///
    /// # Errors
    /// Never in practice.
    pub fn copy(&self) -> Result<(Arm, Arc<dyn Clock>), CliError> {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner).world.clone();
        let copy = Self::within(world, self.clock.now(), &self.plan)?;
        Ok((copy.arm, copy.clock))
    }

    /// What preflight finds where the drill stands, in a copy of its world: looking costs no time, and leaves no trace in it but
    /// which faults struck.
    ///
    /// # Errors
    /// A waiver names no rule.
    pub async fn preflight(&self, waive: &Waive) -> Result<Preflight, CliError> {
        let (world, now) = self.now();
        let copy = Self::within(world, now, &self.plan)?;
        let beside = BesideAzure::stand_in(Arc::clone(&copy.clock));
        let found = preflight::look(&copy.arm, &beside, &copy.clock, &self.plan, waive).await;
        // Faults that strike the look have struck, though of the look itself nothing is left.
        let (looked, _) = copy.now();
        let mut kept = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        kept.world.note_struck_in(&looked);
        found
    }

    pub(super) fn within(world: World, now: Timestamp, plan: &Plan) -> Result<Self, CliError> {
        let kept = WorldKeeper { world, keeper: None, path: None, mark: None, reached: Vec::new() };
        let world = Arc::new(Mutex::new(kept));
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(now));
        let secrets = Arc::new(SecretSettings::of(plan));
        let arm =
            drill::adapter(Arc::clone(&world), Arc::clone(&clock), secrets).map_err(|error| {
                CliError::new(Status::Bug, "The drill has no way to its world.").because(&error)
            })?;
        Ok(Self { arm, clock, world, plan: plan.clone() })
    }

    /// Drives a run in this world, and keeps the world beside it.
    ///
    /// # Errors
    /// The journal failed, or the world cannot be kept.
    pub async fn drive(
        self,
        context: &Context,
        store: RunStore,
        (begin, messages): (DriveStart, Option<Messages>),
    ) -> Result<Driving, CliError> {
        let run = store.lease.run().clone();
        let path = kept(context, &run);
        let nobody = self.plan.parts().people.is_none();
        let session = Session {
            store,
            actuator: Arc::new(RoutedActuator::new(
                Arc::new(self.arm.actuator(WriteScope::of(&self.plan))),
                BesideAzure::stand_in(Arc::clone(&self.clock)).actuator(),
            )),
            clock: self.clock,
            answers: if nobody && context.ui.somebody {
                GateAnswers::Terminal
            } else {
                GateAnswers::Elsewhere
            },
            mode: RunMode::Drill,
            messages,
        };
        {
            let mut kept = self.world.lock().unwrap_or_else(PoisonError::into_inner);
            kept.keeper = Some(KeptWorld::begin(&path, &kept.world)?);
            kept.path = Some(path);
            // Who goes on with a drill finds what its first process kept.
            kept.reached = reached(context, &run);
            kept.note_reached(session.clock.now());
        }
        let mut driven = session.drive(context, begin).await;
        // Once more at the end: what Azure finished in the meantime belongs to it as well.
        {
            let mut kept = self.world.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(keeper) = kept.keeper.take() {
                keeper.end(&kept.world)?;
            }
            if let Ok(driving) = &mut driven {
                let end = driving.events.last().map(|last| last.at);
                end.into_iter().for_each(|end| kept.note_reached(end));
                driving.reached.clone_from(&kept.reached);
                driving.strikes = kept.world.strikes().into_iter().map(strikes_view).collect();
                kept.note_strikes(&driving.strikes);
            }
        }
        if let Ok(driving) = &mut driven {
            // In a copy of its world: looking leaves no trace in it.
            let world = self.world.lock().unwrap_or_else(PoisonError::into_inner).world.clone();
            let copy = Self::within(world, driving.now, &self.plan)?;
            let beside = BesideAzure::stand_in(Arc::clone(&copy.clock));
            let observer = RoutedObserver::new(Arc::new(copy.arm.observer()), beside.observer());
            driving.left = left::look_at_end(driving, &observer, &copy.clock).await;
            driving.finish_messages().await;
        }
        driven
    }
}

/// What each site reached in a drill, from when on; nothing for other runs.
#[must_use]
pub fn reached(context: &Context, run: &RunId) -> Vec<ReachedView> {
    let kept = regular::read(&context.state.run_path(run).join(REACHED), FILE_BYTES_MAX).ok();
    kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// What the bad days and faults of a drill have met and struck; nothing for other runs.
#[must_use]
pub fn strikes(context: &Context, run: &RunId) -> Vec<StrikesView> {
    let kept = regular::read(&context.state.run_path(run).join(STRIKES), FILE_BYTES_MAX).ok();
    kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn strikes_view(strikes: Strikes) -> StrikesView {
    let Strikes { what, is_day, struck, met, asked, before } = strikes;
    StrikesView { what, is_day, struck, met, asked, before }
}

pub(super) fn reach_view(reach: Reach) -> ReachView {
    ReachView {
        site: reach.site,
        network: reach.network.to_string(),
        vnets: reach.vnets.iter().map(ToString::to_string).collect(),
        verdict: reach.verdict.as_str().to_owned(),
        works: reach.verdict.works(),
        circuits: reach.circuits.iter().map(|id| id.name().to_owned()).collect(),
    }
}

/// Goes on with a drill in the world that was kept beside it.
///
/// # Errors
/// The world is gone with the process that died, or the journal fails.
pub async fn go_on(
    context: &Context,
    store: RunStore,
    plan: &Plan,
    last_at: Timestamp,
    begin: (DriveStart, Option<Messages>),
) -> Result<Driving, CliError> {
    let drill = at_rest(context, store.lease.run(), plan, last_at)?;
    drill.drive(context, store, begin).await
}

/// The surroundings of a drill that exists, as it left them.
///
/// # Errors
/// The world is gone with the process that died.
pub(super) fn at_rest(
    context: &Context,
    run: &RunId,
    plan: &Plan,
    last_at: Timestamp,
) -> Result<KeptDrill, CliError> {
    let lost = |error: &(dyn std::error::Error + 'static)| {
        CliError::refused("The simulated world of this drill is gone with the process it lived in.")
            .because(error)
            .hint("Start another drill: it takes a second.")
    };
    let world = kept_world::load(&kept(context, run)).map_err(|error| lost(error.as_ref()))?;
    KeptDrill::within(world, last_at, plan)
}
