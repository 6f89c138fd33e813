//! The bench: a drill in memory that can be crashed, and the worlds it leads to.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench that cannot set up fails its test"
)]

pub(crate) mod bench;
pub(crate) mod each_shipped;
pub(crate) mod kept;
pub(crate) mod moody;
pub(crate) mod outside;
pub(crate) mod page;
pub(crate) mod process;
pub(crate) mod sources;
pub(crate) mod told;
mod watchdog;
pub(crate) mod worlds;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use backroad::azure::{Arm, ArmSettings, NoSecrets, Secret, SecretReader, Simulated, WriteScope};
use backroad::engine::{
    Actuator, CallContext, Clock, Command, Driver, Ending, EngineError, Event, Journal,
    JournalError, Lease, NewRun, Observer, Patience, PollAnswer, Ports, Recorded, RunMode,
    SendAnswer, Unwatched, handle,
};
use backroad::model::{
    Assessment, Goal, OperationHandle, OperationKey, Plan, RunId, RunOutcome, Seq, StepError,
    Timestamp, Write,
};
use backroad::outside::{BesideAzure, Host, RoutedActuator};
use backroad::plan::{CompileOptions, Compiled, compile};
use backroad::runbook::SourceFile;
use backroad::sim::{InProcess, Scenario, VirtualClock, World};
use backroad::store::MemoryJournal;
use tokio::sync::Notify;

/// A file of the project.
pub(crate) fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// How much of Azure's recorded traffic is at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The data that are not part of the project.
    Whole,
    /// The few that are, written by hand: enough to see that a test works, too few to count.
    Sample,
}

/// A folder of recorded data: all of them where they are, else the project's own sample; says so on stderr.
pub(crate) fn arm_data(part: &str) -> Option<(PathBuf, Extent)> {
    #[expect(clippy::disallowed_methods, reason = "a test is told where its data are")]
    let named = std::env::var_os("BACKROAD_ARM_DATA").map(PathBuf::from);
    let found = named.unwrap_or_else(|| file("../shared/arm")).join(part);
    if found.is_dir() {
        return Some((found, Extent::Whole));
    }
    let sample = Some(arm_sample(part)).filter(|sample| sample.is_dir());
    let instead = if sample.is_some() { "ONLY THE SAMPLE" } else { "SKIPPED" };
    // Past the capture of the test harness: a skipped test is seen.
    let why = format!("{instead}: no {part} at {}; set BACKROAD_ARM_DATA.\n", found.display());
    drop(std::io::stderr().write_all(why.as_bytes()));
    sample.map(|sample| (sample, Extent::Sample))
}

/// The project's own sample of a kind of recorded data.
pub(crate) fn arm_sample(part: &str) -> PathBuf {
    file("tests/fixtures/arm").join(part)
}

/// Every file of such a folder, but for its index.
pub(crate) fn data_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            data_files(&path, found);
        } else if path.file_name().is_some_and(|name| name != "INDEX.json") {
            found.push(path);
        }
    }
}

/// The shipped runbook, as a drill compiles it.
pub(crate) fn shipped_plan() -> Plan {
    let path = file("runbooks/dr-circuit.yaml");
    let source = SourceFile::new("dr-circuit.yaml", std::fs::read_to_string(path).unwrap());
    let options = CompileOptions { profile: Some("drill".to_owned()), ..CompileOptions::default() };
    let compiled = compile(&source, &options);
    compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// The shipped world.
pub(crate) fn shipped_world() -> Scenario {
    world_file("worlds/two-circuits.yaml")
}

/// A shipped world, by its path below the runbooks.
pub(crate) fn world_file(path: &str) -> Scenario {
    let read = |path: &str| {
        let name = std::path::Path::new(path).file_name().unwrap();
        std::fs::read_to_string(file("runbooks/worlds").join(name)).map_err(|e| e.to_string())
    };
    Scenario::parse_over(path, &read(path).unwrap(), &read).unwrap()
}

/// A shipped runbook with its parts, compiled under a profile.
pub(crate) fn compiled(runbook: &str, profile: &str) -> (SourceFile, Compiled) {
    let read = |path: &str| {
        std::fs::read_to_string(file("runbooks").join(path))
            .map(|text| SourceFile::new(path, text))
            .map_err(|error| error.to_string())
    };
    let mut source = read(runbook).unwrap();
    source.take_in_parts(read);
    let profile = Some(profile.to_owned());
    let compiled = compile(&source, &CompileOptions { profile, ..CompileOptions::default() });
    (source, compiled)
}

/// Every shipped runbook under each of its drill profiles.
pub(crate) fn all_shipped() -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut names: Vec<String> = std::fs::read_dir(file("runbooks"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort();
    for name in names {
        for profile in compiled(&name, "drill").1.profiles {
            if profile.starts_with("drill") {
                all.push((name.clone(), profile));
            }
        }
    }
    all
}

/// A drill that can be begun again and again where it begins: a plan, a world and a time.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) plan: Plan,
    pub(crate) world: World,
    pub(crate) now: Timestamp,
}

impl Stage {
    /// Of a shipped runbook under a profile; for a failback, where the failover's drill ends.
    pub(crate) async fn of(runbook: &str, profile: &str) -> Self {
        let (_, compiled) = compiled(runbook, profile);
        let plan = compiled.plan.unwrap_or_else(|| panic!("{runbook}: {:?}", compiled.diagnostics));
        if let Some(path) = compiled.world {
            let scenario = world_file(&path);
            return Self { plan, world: World::new(&scenario), now: scenario.now };
        }
        let before = Box::pin(Self::of(&compiled.after.unwrap(), "drill")).await;
        let lab = before.lab();
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
        let mut world = lab.world.lock().unwrap().clone();
        for region in compiled.returns {
            world.set_region_down(region, false);
        }
        Self { plan, world, now: lab.now() }
    }

    /// A drill that has not begun.
    pub(crate) fn lab(&self) -> Lab {
        let world = Arc::new(Mutex::new(self.world.clone()));
        Lab::in_world(self.plan.clone(), world, self.now, "1")
    }
}

/// Where a crash strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    BeforeAppend(u64),
    AfterAppend(u64),
    BeforeSend(u64),
    AfterSend(u64),
}

/// A fault in the engine itself, to test the tests with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    None,
    /// Every write is sent twice.
    DoubleWrite,
    /// An append is acknowledged before it is durable: the intent is written late.
    LateIntent,
}

/// Counts, and stops the world at one place.
#[derive(Default)]
struct Strike {
    appends: AtomicU64,
    sends: AtomicU64,
    place: Mutex<Option<Place>>,
    struck: Notify,
    clock: Mutex<Option<Arc<dyn Clock>>>,
    at: Mutex<Option<Timestamp>>,
    keeper: Mutex<Option<kept::Keeper>>,
}

impl Strike {
    /// Never returns at the place of the crash: the process is gone.
    async fn pass(&self, place: Place) {
        if let Some(keeper) = self.keeper.lock().unwrap().as_mut() {
            let clock = self.clock.lock().unwrap();
            keeper.pass(place, clock.as_ref().expect("somebody drives"));
        }
        if *self.place.lock().unwrap() == Some(place) {
            let now = self.clock.lock().unwrap().as_ref().map(|clock| clock.now());
            *self.at.lock().unwrap() = now;
            self.struck.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

struct CrashJournal {
    inner: MemoryJournal,
    strike: Arc<Strike>,
    sabotage: Sabotage,
    late: Mutex<Option<(Seq, Timestamp, Vec<Event>)>>,
}

impl CrashJournal {
    /// What a late append does: it answers at once, and writes with the next.
    async fn append_late(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<Vec<Recorded>, JournalError> {
        let earlier = self.late.lock().unwrap().take();
        if let Some((head, at, events)) = earlier {
            self.inner.append(lease, head, at, events).await?;
        }
        let mut seq = head;
        let mut recorded = Vec::new();
        for event in &events {
            seq = seq.next();
            recorded.push(Recorded { seq, at, epoch: lease.epoch(), event: event.clone() });
        }
        *self.late.lock().unwrap() = Some((head, at, events));
        Ok(recorded)
    }
}

#[async_trait]
impl Journal for CrashJournal {
    async fn append(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<Vec<Recorded>, JournalError> {
        let n = self.strike.appends.fetch_add(1, Ordering::SeqCst) + 1;
        self.strike.pass(Place::BeforeAppend(n)).await;
        let recorded = if self.sabotage == Sabotage::LateIntent {
            self.append_late(lease, head, at, events).await
        } else {
            self.inner.append(lease, head, at, events).await
        };
        self.strike.pass(Place::AfterAppend(n)).await;
        recorded
    }

    async fn load(&self) -> Result<Vec<Recorded>, JournalError> {
        self.inner.load().await
    }
}

struct CrashActuator {
    inner: Arc<dyn Actuator>,
    journal: MemoryJournal,
    strike: Arc<Strike>,
    sabotage: Sabotage,
    unintended: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Observer for CrashActuator {
    async fn observe(
        &self,
        goal: &Goal<'_>,
        context: &CallContext,
    ) -> Result<Assessment, StepError> {
        self.inner.observe(goal, context).await
    }
}

#[async_trait]
impl Actuator for CrashActuator {
    async fn send(
        &self,
        write: &Write,
        key: &OperationKey,
        context: &CallContext,
    ) -> Result<SendAnswer, StepError> {
        // The promise itself: what is sent is durable already.
        let intended = |recorded: &Recorded| matches!(&recorded.event, Event::Intended { intent, .. } if intent.key == *key);
        let durable = self.journal.look(|events| events.iter().rev().any(intended));
        if !durable {
            self.unintended.lock().unwrap().push(key.to_string());
        }
        let n = self.strike.sends.fetch_add(1, Ordering::SeqCst) + 1;
        self.strike.pass(Place::BeforeSend(n)).await;
        let answer = self.inner.send(write, key, context).await;
        if self.sabotage == Sabotage::DoubleWrite {
            for _ in 0..40 {
                // Until the lock of the first one is gone, so that the second is accepted as well.
                if self.inner.send(write, key, context).await.is_ok() {
                    break;
                }
            }
        }
        self.strike.pass(Place::AfterSend(n)).await;
        answer
    }

    async fn poll(
        &self,
        handle: &OperationHandle,
        context: &CallContext,
    ) -> Result<PollAnswer, StepError> {
        self.inner.poll(handle, context).await
    }
}

/// A drill in memory.
pub(crate) struct Lab {
    pub(crate) plan: Plan,
    pub(crate) world: Arc<Mutex<World>>,
    /// Where the drill's clock stands between drives; each process has a clock of its own.
    now: Mutex<Timestamp>,
    pub(crate) journal: MemoryJournal,
    strike: Arc<Strike>,
    pub(crate) sabotage: Sabotage,
    unintended: Arc<Mutex<Vec<String>>>,
    /// The host whose programs are run, where that is not left to stand-ins.
    pub(crate) host: Option<Host>,
    run: RunId,
    /// Where this run's requests begin in the world's ledger.
    ledger_from: usize,
    began: Timestamp,
}

/// How a drive of the lab ended.
#[derive(Debug)]
pub(crate) enum Drove {
    Ended(Ending),
    Crashed,
    Broke(EngineError),
}

/// The name of the secret parameter whose value is told to a lab's adapter, and its value.
pub(crate) const KNOWN_KEY: (&str, &str) = ("known_key", "0f2b7c1e-0000-4000-8000-00000000000a");

/// Tells that one secret, and no other.
#[derive(Debug)]
struct KnownKey;

impl SecretReader for KnownKey {
    fn read(&self, param: &str) -> Result<Secret, String> {
        if param == KNOWN_KEY.0 { Ok(Secret::new(KNOWN_KEY.1)) } else { NoSecrets.read(param) }
    }
}

impl Lab {
    pub(crate) fn new(plan: Plan, scenario: &Scenario) -> Self {
        let world = Arc::new(Mutex::new(World::new(scenario)));
        Self::in_world(plan, world, scenario.now, "1")
    }

    /// Another run in a world that there is already.
    pub(crate) fn in_world(
        plan: Plan,
        world: Arc<Mutex<World>>,
        now: Timestamp,
        suffix: &str,
    ) -> Self {
        let run = RunId::parse(&format!("01h{suffix:0>23}")).unwrap();
        let ledger_from = world.lock().unwrap().ledger().len();
        Self {
            ledger_from,
            began: now,
            plan,
            world,
            now: Mutex::new(now),
            journal: MemoryJournal::new(run.clone()),
            strike: Arc::default(),
            sabotage: Sabotage::None,
            unintended: Arc::default(),
            host: None,
            run,
        }
    }

    /// Keeps what a crash would leave at each point from now on.
    fn keep(&self) {
        let keeper = kept::Keeper::new(Arc::clone(&self.world), self.journal.clone());
        *self.strike.keeper.lock().unwrap() = Some(keeper);
    }

    fn take_kept(&self) -> Vec<kept::Kept> {
        self.strike.keeper.lock().unwrap().take().map(kept::Keeper::kept).unwrap_or_default()
    }

    /// Takes another lab's run up where its journal ended.
    fn take_up(&mut self, other: &Self, events: Vec<Recorded>) {
        self.run = other.run.clone();
        self.ledger_from = other.ledger_from;
        self.journal = MemoryJournal::holding(self.run.clone(), events);
    }

    pub(crate) fn crash_at(&self, place: Option<Place>) {
        *self.strike.place.lock().unwrap() = place;
    }

    pub(crate) fn appends(&self) -> u64 {
        self.strike.appends.load(Ordering::SeqCst)
    }

    pub(crate) fn sends(&self) -> u64 {
        self.strike.sends.load(Ordering::SeqCst)
    }

    /// Where the drill's clock stands.
    pub(crate) fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    /// Lets time pass in which nobody of this run does anything.
    pub(crate) fn wait(&self, lasts: std::time::Duration) {
        let mut now = self.now.lock().unwrap();
        *now = *now + lasts;
    }

    /// A clock that stands where the last one stopped.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(VirtualClock::new(self.now()))
    }

    pub(crate) fn arm(&self, clock: &Arc<dyn Clock>) -> Arm {
        Arm::new(ArmSettings {
            endpoint: url::Url::parse("http://127.0.0.1").unwrap(),
            wire: Arc::new(InProcess::new(Arc::clone(&self.world), Arc::clone(clock))),
            token: Arc::new(Simulated),
            clock: Arc::clone(clock),
            secrets: Arc::new(KnownKey),
        })
    }

    /// Drives until the run ends, crashes, or waits for people; says a command first.
    pub(crate) async fn drive(&self, command: Option<Command>) -> Drove {
        self.try_drive(command).await.expect("the command is accepted")
    }

    /// Says a command, and drives on if it is accepted; else the reason why not.
    pub(crate) async fn drive_if_accepted(&self, command: Command) -> Result<Drove, String> {
        self.try_drive(Some(command)).await
    }

    async fn try_drive(&self, command: Option<Command>) -> Result<Drove, String> {
        let lease = self.journal.acquire();
        let clock = self.clock();
        *self.strike.clock.lock().unwrap() = Some(Arc::clone(&clock));
        let beside = match &self.host {
            Some(host) => BesideAzure::host(host.clone(), Arc::new(NoSecrets), Arc::clone(&clock)),
            None => BesideAzure::stand_in(Arc::clone(&clock)),
        };
        let azure = Arc::new(self.arm(&clock).actuator(WriteScope::of(&self.plan)));
        let inner: Arc<dyn Actuator> = Arc::new(RoutedActuator::new(azure, beside.actuator()));
        let ports = Ports {
            journal: Arc::new(CrashJournal {
                inner: self.journal.clone(),
                strike: Arc::clone(&self.strike),
                sabotage: self.sabotage,
                late: Mutex::new(None),
            }),
            actuator: Arc::new(CrashActuator {
                inner,
                journal: self.journal.clone(),
                strike: Arc::clone(&self.strike),
                sabotage: self.sabotage,
                unintended: Arc::clone(&self.unintended),
            }),
            clock: Arc::clone(&clock),
            watcher: Arc::new(Unwatched),
        };
        let new = NewRun {
            run: self.run.clone(),
            plan: self.plan.clone(),
            mode: RunMode::Drill,
            endpoint: "sim".to_owned(),
            nonce: "lab".to_owned(),
            by: None,
            bad_days: Vec::new(),
            regions_down: Vec::new(),
            allow_no_strike: false,
            clock_factor: None,
            waived: Vec::new(),
        };
        let (_handle, requests) = handle::channel();
        let drive = async {
            let mut driver =
                Driver::open(ports, lease, requests, Some(new), "the lab".to_owned()).await?;
            if let Some(command) = command
                && let Err(why) = driver.say(command).await?
            {
                return Ok(Err(why));
            }
            driver.drive(Patience::UntilPeople).await.map(Ok)
        };
        let drove = tokio::select! {
            ended = drive => match ended {
                Ok(Ok(ending)) => Drove::Ended(ending),
                Ok(Err(why)) => return Err(why.to_string()),
                Err(error) => Drove::Broke(error),
            },
            () = self.strike.struck.notified() => Drove::Crashed,
        };
        // The dying workers of a process let its clock run out; the next one starts at the last moment
        // that anybody saw.
        let (last, count) =
            self.journal.look(|events| (events.last().map(|recorded| recorded.at), events.len()));
        let struck = self.strike.at.lock().unwrap().take();
        let mut now = self.now.lock().unwrap();
        *now = (*now).max(last.unwrap_or(*now)).max(struck.unwrap_or(*now));
        watchdog::check(now.since(self.began), count);
        drop(now);
        Ok(drove)
    }

    /// Drives through a crash to the end.
    pub(crate) async fn drive_through(&self) -> RunOutcome {
        for _ in 0..4 {
            match self.drive(None).await {
                Drove::Ended(Ending::Ended(outcome)) => return outcome,
                Drove::Crashed => self.crash_at(None),
                other => panic!("{other:?}"),
            }
        }
        panic!("the run does not end");
    }

    pub(crate) fn outcome_of(drove: Drove) -> RunOutcome {
        match drove {
            Drove::Ended(Ending::Ended(outcome)) => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn comparable(&self) -> serde_json::Value {
        self.world.lock().unwrap().comparable()
    }

    /// What must hold after anything: each accepted write was intended, and none twice.
    pub(crate) fn check_ledger(&self) -> Result<usize, String> {
        let mut accepted: BTreeMap<String, u32> = BTreeMap::new();
        for entry in &self.world.lock().unwrap().ledger()[self.ledger_from..] {
            if entry.accepted == Some(true) {
                let key = entry.client_request_id.clone().unwrap_or_default();
                *accepted.entry(key).or_default() += 1;
            }
        }
        if let Some((key, count)) = accepted.iter().find(|(_, count)| **count > 1) {
            return Err(format!("{key} was accepted {count} times"));
        }
        let unintended = self.unintended.lock().unwrap();
        if let Some(key) = unintended.first() {
            return Err(format!("{key} was sent before its intent was durable"));
        }
        Ok(accepted.len())
    }
}

/// A world after the run that was never disturbed.
pub(crate) async fn undisturbed() -> (Lab, serde_json::Value) {
    let lab = Lab::new(shipped_plan(), &shipped_world());
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let world = lab.comparable();
    (lab, world)
}

/// A runbook of so many addresses that need nothing of each other: their writes are under way at once.
pub(crate) fn side_by_side(steps: usize) -> Plan {
    let hub = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/\
               Microsoft.Network/virtualNetworks/vnet-hub-sea";
    let mut text = format!(
        "runbook: many\ntitle: Many\nparams:\n  hub: {{ type: resource_id, default: {hub} }}\nsteps:\n"
    );
    for n in 0..steps {
        text.push_str(&format!(
            "  s{n}:\n    action: public_ip.ensure\n    with: {{ name: pip{n}, vnet: \"${{params.hub}}\", \
             location: southeastasia }}\n"
        ));
    }
    let compiled = compile(&SourceFile::new("many.yaml", text), &CompileOptions::default());
    compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}
