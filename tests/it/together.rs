//! The promise: what many steps bring at once shares an append, and so a flush; and nothing of it is done
//! before all of it is durable.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use backroad::azure::{Arm, ArmSettings, NoSecrets, Simulated, WriteScope};
use backroad::engine::{
    Clock, Driver, Ending, Event, Journal, JournalError, Lease, NewRun, Patience, Ports, Recorded,
    RunMode, Unwatched, handle,
};
use backroad::model::{RunId, RunOutcome, Seq, Timestamp};
use backroad::sim::{InProcess, ScaledClock, World};
use backroad::store::{MemoryJournal, RunStore, StateDir};

use crate::support::{shipped_world, side_by_side};

const STEPS: usize = 64;

fn run() -> RunId {
    RunId::parse(&format!("01h{:0>23}", "7")).unwrap()
}

/// A journal on a disk that takes its time, and counts.
struct Slow {
    inner: Arc<dyn Journal>,
    appends: Arc<AtomicU64>,
}

#[async_trait]
impl Journal for Slow {
    async fn append(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<Vec<Recorded>, JournalError> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        #[expect(clippy::disallowed_methods, reason = "a disk takes the host's time")]
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.inner.append(lease, head, at, events).await
    }

    async fn load(&self) -> Result<Vec<Recorded>, JournalError> {
        self.inner.load().await
    }
}

/// Drives the steps in a time that passes by itself, as a live run's does; how many appends there were.
async fn drive(journal: Arc<dyn Journal>, lease: Lease) -> u64 {
    let (plan, scenario) = (side_by_side(STEPS), shipped_world());
    let speed = NonZeroU32::new(60).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(scenario.now, speed));
    let world = Arc::new(Mutex::new(World::new(&scenario)));
    let arm = Arm::new(ArmSettings {
        endpoint: url::Url::parse("http://127.0.0.1").unwrap(),
        wire: Arc::new(InProcess::new(Arc::clone(&world), Arc::clone(&clock))),
        token: Arc::new(Simulated),
        clock: Arc::clone(&clock),
        secrets: Arc::new(NoSecrets),
    });
    let appends = Arc::new(AtomicU64::new(0));
    let ports = Ports {
        journal: Arc::new(Slow { inner: journal, appends: Arc::clone(&appends) }),
        actuator: Arc::new(arm.actuator(WriteScope::of(&plan))),
        clock,
        watcher: Arc::new(Unwatched),
    };
    let new = NewRun {
        run: run(),
        plan,
        mode: RunMode::Live,
        endpoint: "sim".to_owned(),
        nonce: "together".to_owned(),
        by: None,
        bad_days: Vec::new(),
        regions_down: Vec::new(),
        allow_no_strike: false,
        clock_factor: None,
        waived: Vec::new(),
    };
    let (_handle, requests) = handle::channel();
    let mut driver = Driver::open(ports, lease, requests, Some(new), "a test").await.unwrap();
    let ending = driver.drive(Patience::UntilPeople).await.unwrap();
    let why: Vec<_> = driver.state().steps.values().map(|step| &step.state).collect();
    assert_eq!(ending, Ending::Ended(RunOutcome::Succeeded), "{why:?}");
    appends.load(Ordering::SeqCst)
}

/// Each write was accepted once, and its intent stands before its answer.
fn check(events: &[Recorded]) {
    let at = |kind: &str, step: &str| {
        let said = |r: &&Recorded| {
            let event = serde_json::to_value(&r.event).unwrap();
            event["kind"] == kind && event["step"] == step
        };
        events.iter().filter(said).map(|r| r.seq).collect::<Vec<_>>()
    };
    for n in 0..STEPS {
        let step = format!("s{n}");
        let (intended, accepted) = (at("intended", &step), at("accepted", &step));
        assert_eq!((intended.len(), accepted.len()), (1, 1), "{step}");
        assert!(intended < accepted, "{step}");
    }
}

#[tokio::test]
async fn sixty_four_steps_at_once_share_appends_and_each_intent_is_durable_before_its_answer() {
    let journal = MemoryJournal::new(run());
    let lease = journal.acquire();
    let appends = drive(Arc::new(journal.clone()), lease).await;
    let events = journal.events();
    check(&events);
    println!("together: {} events in {appends} appends", events.len());
    assert!(appends * 4 < events.len() as u64, "{appends} appends for {} events", events.len());
}

#[tokio::test]
async fn a_shared_append_is_durable_in_the_store_and_reads_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::new(folder.path());
    let store = state.create_run(&run()).unwrap();
    let RunStore { journal, lease, .. } = store;
    let journal: Arc<dyn Journal> = Arc::new(journal);
    drive(Arc::clone(&journal), lease).await;
    let before = journal.load().await.unwrap();
    check(&before);
    drop(journal);
    let again = state.open(&run()).unwrap();
    assert_eq!(again.journal.load().await.unwrap(), before);
    again.close().await.unwrap();
}
