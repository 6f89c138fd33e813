//! How does a plan go in a simulated Azure? The real executor, virtual time, and nothing kept.
//!
//! Comes in: a plan, a world and the time in it. Goes out: the journal, the world as it is then, and how it
//! ended. The command line, the documents, the tests and the benches drill through this one way.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

use std::sync::{Arc, Mutex, PoisonError};

use url::Url;

use crate::azure::{Arm, ArmSettings, NoSecrets, SecretReader, Simulated, WriteScope};
use crate::engine::{
    Clock, Driver, Ending, EngineError, NewRun, Patience, Ports, Recorded, RunMode, RunState,
    Unwatched,
};
use crate::model::{Plan, RunId, RunOutcome, Timestamp};
use crate::outside::{BesideAzure, RoutedActuator};
use crate::sim::{Answers, InProcess, Scenario, VirtualClock, World};
use crate::store::MemoryJournal;

/// Where a drill's Azure is: in this process, so that nothing listens there.
pub const ENDPOINT: &str = "http://127.0.0.1";

/// A drill that has not begun.
#[derive(Debug)]
pub struct Drill {
    plan: Plan,
    world: World,
    now: Timestamp,
    secrets: Arc<dyn SecretReader>,
}

/// A drill that is over, or waits for people who do not come.
#[derive(Debug)]
pub struct Drilled {
    /// How it ended.
    pub ending: Ending,
    /// What happened, event by event.
    pub events: Vec<Recorded>,
    /// The simulated Azure as it is now.
    pub world: World,
    /// When the last event was recorded.
    pub now: Timestamp,
}

/// Why a drill broke; how a run ends is no such reason.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The executor broke.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A constant of ours is wrong: a bug.
    #[error("the drill's own {what} is none: {why}")]
    Constant {
        /// What it was to be.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl Drill {
    /// Of this plan, at the beginning of a world file.
    #[must_use]
    pub fn new(plan: &Plan, scenario: &Scenario) -> Self {
        Self::within(plan, World::new(scenario), scenario.now)
    }

    /// Of this plan, in a world at some moment.
    #[must_use]
    pub fn within(plan: &Plan, world: World, now: Timestamp) -> Self {
        Self { plan: plan.clone(), world, now, secrets: Arc::new(NoSecrets) }
    }

    /// With secrets that are read when they are sent.
    #[must_use]
    pub fn secrets(self, secrets: Arc<dyn SecretReader>) -> Self {
        Self { secrets, ..self }
    }

    /// Drives the run until it has ended, or only people can go on.
    ///
    /// # Errors
    /// The executor broke.
    pub async fn run(self) -> Result<Drilled, DrillError> {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(self.now));
        let world = Arc::new(Mutex::new(self.world));
        let arm = adapter(Arc::clone(&world), Arc::clone(&clock), self.secrets)?;
        let run =
            RunId::parse("00000000000000000000000000").map_err(|error| constant("run", &error))?;
        let journal = MemoryJournal::new(run.clone());
        let lease = journal.acquire();
        let ports = Ports {
            journal: Arc::new(journal.clone()),
            actuator: Arc::new(RoutedActuator::new(
                Arc::new(arm.actuator(WriteScope::of(&self.plan))),
                BesideAzure::stand_in(Arc::clone(&clock)).actuator(),
            )),
            clock: Arc::clone(&clock),
            watcher: Arc::new(Unwatched),
        };
        let new = NewRun {
            run,
            plan: self.plan,
            mode: RunMode::Drill,
            endpoint: ENDPOINT.to_owned(),
            nonce: "before".to_owned(),
            by: None,
            bad_days: Vec::new(),
            regions_down: Vec::new(),
            allow_no_strike: false,
            clock_factor: None,
            waived: Vec::new(),
        };
        drop(arm);
        let (_handle, requests) = crate::engine::handle::channel();
        let mut driver = Driver::open(ports, lease, requests, Some(new), String::new()).await?;
        let ending = driver.drive(Patience::UntilPeople).await?;
        // When the run is over its timers are torn down, and the clock may have gone on to one of them.
        let now = journal.look(|events| events.last().map_or_else(|| clock.now(), |last| last.at));
        // The workers end with the driver, where they are let; a copy does where one still has the world.
        drop(driver);
        tokio::task::yield_now().await;
        let world = match Arc::try_unwrap(world) {
            Ok(world) => world.into_inner().unwrap_or_else(PoisonError::into_inner),
            Err(shared) => shared.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        Ok(Drilled { ending, events: journal.into_events(), world, now })
    }
}

impl Drilled {
    /// How the run ended; none while it waits for people.
    #[must_use]
    pub fn outcome(&self) -> Option<RunOutcome> {
        match self.ending {
            Ending::Ended(outcome) => Some(outcome),
            Ending::Waiting(_) | Ending::Interrupted => None,
        }
    }

    /// The run as its journal tells it.
    ///
    /// # Errors
    /// An event cannot follow the ones before it: a bug.
    pub fn state(&self) -> Result<RunState, crate::engine::state::IllegalTransition> {
        RunState::fold(&self.events)
    }
}

/// The adapter to a simulated Azure in this process.
///
/// # Errors
/// Never in practice: the endpoint is a constant.
pub fn adapter<A: Answers + Send + 'static>(
    world: Arc<Mutex<A>>,
    clock: Arc<dyn Clock>,
    secrets: Arc<dyn SecretReader>,
) -> Result<Arm, DrillError> {
    Ok(Arm::new(ArmSettings {
        endpoint: Url::parse(ENDPOINT).map_err(|error| constant("endpoint", &error))?,
        wire: Arc::new(InProcess::new(world, Arc::clone(&clock))),
        token: Arc::new(Simulated),
        clock,
        secrets,
    }))
}

fn constant(what: &'static str, error: &dyn std::error::Error) -> DrillError {
    DrillError::Constant { what, why: error.to_string() }
}
