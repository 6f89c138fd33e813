//! A run of the engine in a simulated Azure, with whichever journal and clock; and what its sends are watched for.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up fails its test")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use backroad::azure::{Arm, ArmSettings, NoSecrets, Simulated, WriteScope};
use backroad::engine::{
    Actuator, CallContext, Clock, Driver, Ending, EngineError, Event, Journal, Lease, NewRun,
    Observer, Patience, PollAnswer, Ports, RunMode, SendAnswer, Unwatched, handle,
};
use backroad::model::{
    Assessment, Goal, OperationHandle, OperationKey, Plan, RunId, StepError, Timestamp, Write,
};
use backroad::outside::{BesideAzure, RoutedActuator};
use backroad::sim::{InProcess, World};
use backroad::store::shared::SharedStore;
use futures::future::BoxFuture;

/// The run of a bench.
pub(crate) fn run() -> RunId {
    RunId::parse("01jd0000000000000000000001").unwrap()
}

/// What happens at a send, by its number from one on, before it leaves.
pub(crate) type AtSend = Arc<dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync>;

/// What the sends of a run are watched for.
#[derive(Clone)]
pub(crate) struct Watched {
    /// Where every host reads: an intent is durable there before its write leaves.
    pub(crate) readable: Option<SharedStore>,
    pub(crate) at_send: AtSend,
    pub(crate) sends: Arc<AtomicU64>,
    /// When each left, and what was wrong with it.
    pub(crate) left: Arc<Mutex<Vec<Timestamp>>>,
    pub(crate) wrong: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    pub(crate) fn new(readable: Option<SharedStore>) -> Self {
        Self {
            readable,
            at_send: Arc::new(|_| Box::pin(std::future::ready(()))),
            sends: Arc::default(),
            left: Arc::default(),
            wrong: Arc::default(),
        }
    }

    pub(crate) fn sends(&self) -> u64 {
        self.sends.load(Ordering::SeqCst)
    }
}

struct WatchedActuator {
    inner: Arc<dyn Actuator>,
    clock: Arc<dyn Clock>,
    watched: Watched,
}

#[async_trait]
impl Observer for WatchedActuator {
    async fn observe(
        &self,
        goal: &Goal<'_>,
        context: &CallContext,
    ) -> Result<Assessment, StepError> {
        self.inner.observe(goal, context).await
    }
}

#[async_trait]
impl Actuator for WatchedActuator {
    async fn send(
        &self,
        write: &Write,
        key: &OperationKey,
        context: &CallContext,
    ) -> Result<SendAnswer, StepError> {
        let number = self.watched.sends.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(store) = &self.watched.readable {
            let intended = |event: &Event| matches!(event, Event::Intended { intent, .. } if intent.key == *key);
            let events = store.read(&run()).await.unwrap();
            if !events.iter().any(|one| intended(&one.event)) {
                let why = format!("{key} was sent before its intent was durable");
                self.watched.wrong.lock().unwrap().push(why);
            }
        }
        (self.watched.at_send)(number).await;
        self.watched.left.lock().unwrap().push(self.clock.now());
        self.inner.send(write, key, context).await
    }

    async fn poll(
        &self,
        handle: &OperationHandle,
        context: &CallContext,
    ) -> Result<PollAnswer, StepError> {
        self.inner.poll(handle, context).await
    }
}

/// A plan in a world.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) plan: Plan,
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) mode: RunMode,
}

impl Bench {
    /// Drives the run as far as it goes.
    pub(crate) async fn drive(
        &self,
        (journal, lease): (Arc<dyn Journal>, Lease),
        clock: &Arc<dyn Clock>,
        watched: &Watched,
    ) -> Result<Ending, EngineError> {
        let arm = Arm::new(ArmSettings {
            endpoint: url::Url::parse("http://127.0.0.1").unwrap(),
            wire: Arc::new(InProcess::new(Arc::clone(&self.world), Arc::clone(clock))),
            token: Arc::new(Simulated),
            clock: Arc::clone(clock),
            secrets: Arc::new(NoSecrets),
        });
        let azure = Arc::new(arm.actuator(WriteScope::of(&self.plan)));
        let beside = BesideAzure::stand_in(Arc::clone(clock));
        let inner: Arc<dyn Actuator> = Arc::new(RoutedActuator::new(azure, beside.actuator()));
        let actuator =
            WatchedActuator { inner, clock: Arc::clone(clock), watched: watched.clone() };
        let ports = Ports {
            journal,
            actuator: Arc::new(actuator),
            clock: Arc::clone(clock),
            watcher: Arc::new(Unwatched),
        };
        let new = NewRun {
            run: run(),
            plan: self.plan.clone(),
            mode: self.mode,
            endpoint: "sim".to_owned(),
            nonce: "bench".to_owned(),
            by: None,
            bad_days: Vec::new(),
            regions_down: Vec::new(),
            allow_no_strike: false,
            clock_factor: None,
            waived: Vec::new(),
        };
        let (_handle, requests) = handle::channel();
        let mut driver =
            Driver::open(ports, lease, requests, Some(new), "a bench".to_owned()).await?;
        driver.drive(Patience::UntilPeople).await
    }

    pub(crate) fn comparable(&self) -> serde_json::Value {
        self.world.lock().unwrap().comparable()
    }

    /// Nothing was accepted twice; how many writes were accepted.
    pub(crate) fn accepted(&self) -> Result<usize, String> {
        let mut accepted: BTreeMap<String, u32> = BTreeMap::new();
        for entry in self.world.lock().unwrap().ledger() {
            if entry.accepted == Some(true) {
                let key = entry.client_request_id.clone().unwrap_or_default();
                *accepted.entry(key).or_default() += 1;
            }
        }
        match accepted.iter().find(|(_, count)| **count > 1) {
            Some((key, count)) => Err(format!("{key} was accepted {count} times")),
            None => Ok(accepted.len()),
        }
    }
}
