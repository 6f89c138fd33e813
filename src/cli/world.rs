//! Which world does a drill live in? Loaded from its file, kept beside the run, found again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use url::Url;

use super::azure::Secrets;
use super::context::Context;
use super::error::{CliError, Status};
use super::session::{Asked, Begin, Driving, Session};
use crate::azure::{
    Arm, ArmSettings, Method, Simulated, WireFault, WireRequest, WireResponse, WriteScope,
};
use crate::engine::{Clock, NewRun, RunMode};
use crate::model::{Plan, RunId, Timestamp};
use crate::sim::{Answers, InProcess, Scenario, VirtualClock, World};
use crate::store::RunStore;

/// Where a drill's Azure is: in this process, so that nothing listens there.
pub const ENDPOINT: &str = "http://127.0.0.1";

/// A drill's surroundings.
pub struct Drill {
    /// The adapter to the simulated Azure.
    pub arm: Arm,
    /// Virtual time.
    pub clock: Arc<dyn Clock>,
    world: Arc<Mutex<Kept>>,
    plan: Plan,
}

/// A world that is kept beside its run, after every change: a drill that is killed goes on in it.
struct Kept {
    world: World,
    path: Option<PathBuf>,
}

impl Kept {
    fn keep(&self) -> Result<(), CliError> {
        self.path.as_ref().map_or(Ok(()), |path| keep(path, &self.world))
    }
}

impl Answers for Kept {
    fn answer(
        &mut self,
        request: &WireRequest,
        now: Timestamp,
    ) -> (Result<WireResponse, WireFault>, Duration) {
        let answer = self.world.answer(request, now);
        let changes = matches!(request.method, Method::Put | Method::Patch | Method::Delete);
        if changes && let Err(error) = self.keep() {
            tracing::warn!(what = error.what, "the drill's world is not kept");
        }
        answer
    }

    fn snapshot(&self) -> serde_json::Value {
        self.world.snapshot()
    }

    fn add_fault(&mut self, fault: serde_json::Value, now: Timestamp) -> Result<(), String> {
        Answers::add_fault(&mut self.world, fault, now)
    }
}

/// A world from its file, and the time at which it begins.
///
/// # Errors
/// The file cannot be read, or is no world.
pub fn load(path: &Path, seed: Option<u64>) -> Result<(World, Timestamp), CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        CliError::usage(format!("The world {} cannot be read.", path.display())).because(&error)
    })?;
    let scenario = Scenario::parse(&path.display().to_string(), &text).map_err(|error| {
        CliError::new(Status::Runbook, format!("{} is no world.", path.display())).because(&error)
    })?;
    let mut world = World::new(&scenario);
    if let Some(seed) = seed {
        world.set_seed(seed);
    }
    Ok((world, scenario.now))
}

fn kept(context: &Context, run: &RunId) -> PathBuf {
    context.state.run_path(run).join("world.json")
}

impl Drill {
    /// In a world from its file, at that world's start.
    ///
    /// # Errors
    /// The file cannot be read, or is no world.
    pub fn start(path: &Path, seed: Option<u64>, plan: &Plan) -> Result<Self, CliError> {
        let (world, start) = load(path, seed)?;
        Self::within(world, start, plan)
    }

    /// What decides its chance.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.world.lock().unwrap_or_else(PoisonError::into_inner).world.seed()
    }

    fn within(world: World, now: Timestamp, plan: &Plan) -> Result<Self, CliError> {
        let world = Arc::new(Mutex::new(Kept { world, path: None }));
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(now));
        let wire = InProcess::new(Arc::clone(&world), Arc::clone(&clock));
        let endpoint = Url::parse(ENDPOINT).map_err(|error| {
            CliError::new(Status::Bug, "The drill's endpoint is none.").because(&error)
        })?;
        let arm = Arm::new(ArmSettings {
            endpoint,
            wire: Arc::new(wire),
            token: Arc::new(Simulated),
            clock: Arc::clone(&clock),
            secrets: Arc::new(Secrets::of(plan)),
        });
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
        begin: Begin,
    ) -> Result<Driving, CliError> {
        let path = kept(context, store.lease.run());
        let nobody = self.plan.parts().people.is_none();
        let session = Session {
            store,
            actuator: Arc::new(self.arm.actuator(WriteScope::of(&self.plan))),
            clock: self.clock,
            asked: if nobody && context.ui.somebody { Asked::Terminal } else { Asked::Elsewhere },
            mode: RunMode::Drill,
        };
        {
            let mut kept = self.world.lock().unwrap_or_else(PoisonError::into_inner);
            kept.path = Some(path);
            kept.keep()?;
        }
        let driven = session.drive(context, begin).await;
        // Once more at the end: what Azure finished in the meantime belongs to it as well.
        self.world.lock().unwrap_or_else(PoisonError::into_inner).keep()?;
        driven
    }
}

fn keep(path: &Path, world: &World) -> Result<(), CliError> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        CliError::new(Status::OutOfReach, "The drill's world cannot be kept.")
            .because(error)
            .hint("The run is recorded, but cannot be gone on with.")
    };
    let bytes = serde_json::to_vec(&world.sealed()).map_err(|error| failed(&error))?;
    let fresh = path.with_extension("json.new");
    std::fs::write(&fresh, bytes).map_err(|error| failed(&error))?;
    std::fs::rename(&fresh, path).map_err(|error| failed(&error))
}

/// Goes on with a drill in the world that was kept beside it.
///
/// # Errors
/// The world is gone with the process that died, or the journal fails.
pub async fn go_on(
    context: &Context,
    store: RunStore,
    run: &NewRun,
    last_at: Timestamp,
    begin: Begin,
) -> Result<Driving, CliError> {
    let path = kept(context, &run.run);
    let lost = |error: &(dyn std::error::Error + 'static)| {
        CliError::refused("The simulated world of this drill is gone with the process it lived in.")
            .because(error)
            .hint("Start another drill: it takes a second.")
    };
    let bytes = std::fs::read(&path).map_err(|error| lost(&error))?;
    let world: World = serde_json::from_slice(&bytes).map_err(|error| lost(&error))?;
    Drill::within(world, last_at, &run.plan)?.drive(context, store, begin).await
}
