//! The promises of the README, each kept through the whole program in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use backroad::azure::{
    Arm, ArmSettings, HttpWire, Method, NoSecrets, Simulated, Wire, WireFault, WireRequest,
    WireResponse, WriteScope,
};
use backroad::engine::{
    Clock, Driver, Ending, Journal, NewRun, Patience, Ports, RunMode, RunState, Unwatched, handle,
    survey,
};
use backroad::model::{RunId, RunOutcome, StepStatus};
use backroad::plan::{PreviewVerdict, preview};
use backroad::sim::server::{LATENCY_HEADER, ServePace, Service, serve};
use backroad::sim::{Fault, FaultEffect, VirtualClock, World};
use backroad::store::MemoryJournal;

use crate::support::{Lab, shipped_plan, shipped_world};

/// The journal of a drill, as text.
fn drilled(runtime: &tokio::runtime::Runtime, seed: u64) -> String {
    let mut scenario = shipped_world();
    scenario.seed = seed;
    runtime.block_on(async {
        let lab = Lab::new(shipped_plan(), &scenario);
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
        serde_json::to_string(&lab.journal.events()).unwrap()
    })
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let one = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let many =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let first = drilled(&one, 1);
    assert_eq!(first, drilled(&one, 1));
    for _ in 0..5 {
        assert_eq!(first, drilled(&many, 1));
    }
    assert_ne!(first, drilled(&one, 2), "another seed is another drill");
}

/// A socket to the simulator, in the drill's own time: the caller lets the latency pass.
#[derive(Debug)]
struct OverHttp {
    inner: HttpWire,
    clock: VirtualClock,
}

#[async_trait]
impl Wire for OverHttp {
    async fn send(&self, request: WireRequest) -> Result<WireResponse, WireFault> {
        let mut answer = self.inner.send(request).await?;
        let latency =
            answer.headers.get(LATENCY_HEADER).and_then(|ms| ms.parse().ok()).unwrap_or(0);
        answer.headers.remove(LATENCY_HEADER);
        self.clock.sleep_until(self.clock.now() + Duration::from_millis(latency)).await;
        Ok(answer)
    }
}

#[tokio::test]
async fn a_drill_over_http_gives_the_journal_of_the_one_in_process() {
    let here = Lab::new(shipped_plan(), &shipped_world());
    assert_eq!(Lab::outcome_of(here.drive(None).await), RunOutcome::Succeeded);
    let expected = serde_json::to_string(&here.journal.events()).unwrap();

    let scenario = shipped_world();
    let clock = VirtualClock::new(scenario.now);
    let world = Arc::new(Mutex::new(World::new(&scenario)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut server = tokio::task::JoinSet::new();
    let served: Arc<dyn Clock> = Arc::new(clock.clone());
    server.spawn(serve(
        listener,
        Arc::clone(&world),
        served,
        (ServePace::Caller, Service::default()),
        std::future::pending(),
    ));

    let plan = shipped_plan();
    let arm = Arm::new(ArmSettings {
        endpoint: url::Url::parse(&endpoint).unwrap(),
        wire: Arc::new(OverHttp { inner: HttpWire::loopback().unwrap(), clock: clock.clone() }),
        token: Arc::new(Simulated),
        clock: Arc::new(clock.clone()),
        secrets: Arc::new(NoSecrets),
    });
    let run = RunId::parse(&format!("01h{:0>23}", "1")).unwrap();
    let journal = MemoryJournal::new(run.clone());
    let ports = Ports {
        journal: Arc::new(journal.clone()),
        actuator: Arc::new(arm.actuator(WriteScope::of(&plan))),
        clock: Arc::new(clock),
        watcher: Arc::new(Unwatched),
    };
    let new = NewRun {
        run,
        plan,
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
    let lease = journal.acquire();
    let mut driver =
        Driver::open(ports, lease, requests, Some(new), "the lab".to_owned()).await.unwrap();
    let ending = driver.drive(Patience::UntilPeople).await.unwrap();
    assert_eq!(ending, Ending::Ended(RunOutcome::Succeeded));
    let events = journal.load().await.unwrap();
    let there = serde_json::to_string(&events).unwrap().replace(&endpoint, "http://127.0.0.1");
    assert_eq!(there, expected);
    assert_eq!(world.lock().unwrap().comparable(), here.comparable());
}

#[tokio::test]
async fn a_connection_that_succeeded_and_carries_nothing_is_not_believed() {
    let lab = Lab::new(shipped_plan(), &shipped_world());
    lab.world.lock().unwrap().add_fault(Fault::new(
        Some("PUT"),
        "*/connections/*",
        1,
        FaultEffect::Silent,
    ));
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Failed);
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let status =
        |name: &str| state.steps.iter().find(|(step, _)| step.as_str() == name).unwrap().1.status();
    assert_eq!(status("connection"), StepStatus::Succeeded, "Azure says that all is well");
    assert_eq!(status("routes_learned"), StepStatus::TimedOut, "and no route is there");
}

/// Looks at the world as a dry run does; gives the verdicts and what the ledger saw.
async fn dry_run(lab: &Lab) -> (Vec<(String, PreviewVerdict)>, Vec<String>) {
    let clock = lab.clock();
    let before = lab.world.lock().unwrap().ledger().len();
    let seen = survey(&lab.plan, &lab.arm(&clock).observer(), &clock).await;
    let verdicts = preview(&lab.plan, &seen)
        .steps
        .into_iter()
        .map(|step| (step.name.to_string(), step.verdict))
        .collect();
    let ledger = lab.world.lock().unwrap().ledger()[before..]
        .iter()
        .map(|entry| format!("{} {}", entry.method, entry.path))
        .collect();
    (verdicts, ledger)
}

fn is_read(call: &str) -> bool {
    call.starts_with("GET ")
        || [
            "getLearnedRoutes",
            "getBgpPeerStatus",
            "getAdvertisedRoutes",
            "arpTables",
            "routeTables",
        ]
        .iter()
        .any(|reading| call.starts_with("POST ") && call.contains(reading))
}

#[tokio::test]
async fn a_dry_run_never_writes_whatever_goes_wrong() {
    let effects = [
        FaultEffect::LoseRequest,
        FaultEffect::LoseAnswer,
        FaultEffect::Unreachable,
        FaultEffect::Conflict,
        FaultEffect::Throttle { after: Some(Duration::from_secs(5)) },
        FaultEffect::Html,
        FaultEffect::Refuse { status: 403, code: "AuthorizationFailed".to_owned() },
    ];
    for effect in effects {
        let lab = Lab::new(shipped_plan(), &shipped_world());
        let before = lab.comparable();
        for skip in 0..3 {
            let mut fault = Fault::new(None, "*", 3, effect.clone());
            fault.skip = skip * 5;
            lab.world.lock().unwrap().add_fault(fault);
        }
        let (verdicts, ledger) = dry_run(&lab).await;
        assert_eq!(verdicts.len(), lab.plan.steps().len());
        assert!(!ledger.is_empty());
        let writes: Vec<&String> = ledger.iter().filter(|call| !is_read(call)).collect();
        assert!(writes.is_empty(), "{effect:?}: {writes:?}");
        assert_eq!(lab.comparable(), before, "{effect:?}");
    }
}

#[tokio::test]
async fn a_preview_before_and_after_tells_what_is_to_do_and_what_is_done() {
    let lab = Lab::new(shipped_plan(), &shipped_world());
    let verdict_of = |verdicts: &[(String, PreviewVerdict)], name: &str| {
        verdicts.iter().find(|(step, _)| step == name).unwrap().1
    };
    let (before, _) = dry_run(&lab).await;
    assert_eq!(verdict_of(&before, "gateway"), PreviewVerdict::WouldChange);
    assert_eq!(verdict_of(&before, "circuit_ready"), PreviewVerdict::AlreadySo);
    assert_eq!(verdict_of(&before, "go_ahead"), PreviewVerdict::NeedsPerson);
    assert_eq!(verdict_of(&before, "routes_learned"), PreviewVerdict::Unknown);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let (after, _) = dry_run(&lab).await;
    for (name, verdict) in after {
        let expected = match name.as_str() {
            "go_ahead" => PreviewVerdict::NeedsPerson,
            _ => PreviewVerdict::AlreadySo,
        };
        assert_eq!(verdict, expected, "{name}");
    }
}

#[tokio::test]
async fn every_request_of_a_run_is_a_read_or_a_declared_write_under_its_key() {
    let lab = Lab::new(shipped_plan(), &shipped_world());
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let scope = WriteScope::of(&lab.plan);
    for entry in lab.world.lock().unwrap().ledger() {
        let call = format!("{} {}", entry.method, entry.path);
        if is_read(&call) {
            continue;
        }
        assert!(Method::parse(&entry.method).is_some());
        let resource = backroad::model::ResourceId::parse(&entry.path).unwrap();
        assert!(scope.contains(&resource), "{call}");
        assert!(entry.client_request_id.is_some(), "{call}");
    }
}

#[tokio::test]
async fn no_key_reaches_the_journal() {
    let lab = Lab::new(shipped_plan(), &shipped_world());
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let journal = serde_json::to_string(&lab.journal.events()).unwrap();
    let world = lab.world.lock().unwrap();
    let mut keys = 0;
    for id in world.ids() {
        let key = world.body(id).and_then(|body| body.pointer("/properties/authorizationKey"));
        if let Some(key) = key.and_then(serde_json::Value::as_str) {
            keys += 1;
            assert!(!journal.contains(key), "the key of {id} is in the journal");
        }
    }
    assert!(keys >= 2, "there were keys in play");
}
