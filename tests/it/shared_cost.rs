//! What does a shared store cost, in time and in requests? Printed for `scripts/measure`, which brings an emulator; over a
//! folder where there is none. Nothing is asserted about time.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot set up has nothing to say")]
#![expect(clippy::disallowed_methods, reason = "the host's time is what is measured")]

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode};

use backroad::engine::RunKind;
use backroad::engine::{Clock, Event, Journal as _};
use backroad::model::{Epoch, RunId, RunOutcome, Seq, StepName, Timestamp};
use backroad::sim::VirtualClock;
use backroad::store::shared::{DriverNote, SharedStore};
use backroad::store::{StateDir, StoreCost};

/// Runs of which there are notes only: they have ended long ago.
const RUNS: u64 = 10_000;

/// Of these so many are driven.
const DRIVEN: u64 = 200;

/// Appends that are measured, each beside a bare conditional put.
const APPENDS: u64 = 100;

#[expect(clippy::disallowed_methods, reason = "whoever measures says where")]
fn said(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A container of an emulator that was named, else a folder.
fn objects(folder: &std::path::Path) -> (&'static str, Arc<dyn ObjectStore>) {
    let Some(endpoint) = said("BACKROAD_STORE_ENDPOINT") else {
        return ("a folder", Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap()));
    };
    let place = said("BACKROAD_STORE").unwrap();
    let mut parts = place.strip_prefix("azblob://").unwrap().split('/');
    let (account, container) = (parts.next().unwrap(), parts.next().unwrap());
    let built = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(container)
        .with_access_key(said("AZURE_STORAGE_KEY").unwrap())
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .build();
    ("Azurite", Arc::new(built.unwrap()))
}

fn run(n: u64) -> RunId {
    let id = ulid::Ulid::from_parts(1_770_000_000_000 + n, u128::from(n));
    RunId::parse(&id.to_string().to_ascii_lowercase()).unwrap()
}

fn median(mut all: Vec<Duration>) -> f64 {
    all.sort_unstable();
    all[all.len() / 2].as_secs_f64() * 1_000.0
}

fn print(line: &str) {
    drop(std::io::stdout().write_all(format!("shared: {line}\n").as_bytes()));
}

/// A note as the driver of a run that ended long ago left it.
fn ended(n: u64) -> DriverNote {
    let at = Timestamp::from_millis(1_770_000_000_000);
    DriverNote {
        run: run(n),
        epoch: Epoch(1),
        holder: "host-one, backroad 0.1.0 (process 4711)".to_owned(),
        place: "host-one:/var/lib/backroad".to_owned(),
        since: at,
        at,
        head: Seq(93),
        drives: false,
        runbook: Some("dr-circuit".to_owned()),
        kind: Some(RunKind::Live),
        asks: Vec::new(),
        outcome: Some(RunOutcome::Succeeded),
        kept_in: None,
        removed: false,
        beside: std::collections::BTreeMap::new(),
        cost: StoreCost::default(),
        heard: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures; `scripts/measure` prints it"]
async fn what_a_shared_store_costs() {
    let folder = tempfile::tempdir().unwrap();
    let (shared, state) = (folder.path().join("shared"), folder.path().join("state"));
    std::fs::create_dir(&shared).unwrap();
    let (kind, objects) = objects(&shared);
    let team = Path::from("measured");
    let store = SharedStore::new("measured", Arc::clone(&objects), team.clone());
    appends(kind, &store, &objects, &StateDir::new(state)).await;
    let puts = (1..=RUNS).map(|n| {
        let name = format!("measured/drivers/{}/{:020}.json", run(n), 1);
        let bytes = serde_json::to_vec(&ended(n)).unwrap();
        let objects = Arc::clone(&objects);
        async move { objects.put(&Path::from(name), bytes.into()).await.unwrap() }
    });
    futures::stream::iter(puts).buffer_unordered(16).collect::<Vec<_>>().await;
    // The eldest of them are driven, on whichever hosts: they are shown above the page.
    for n in 1..=DRIVEN {
        let name = format!("measured/drivers/{}/{:020}.json", run(n), 1);
        let note = DriverNote { drives: true, outcome: None, ..ended(n) };
        let bytes = serde_json::to_vec(&note).unwrap();
        objects.put(&Path::from(name), bytes.into()).await.unwrap();
    }
    let (mut times, mut requests) = (Vec::new(), 0);
    for _ in 0..5 {
        let before = store.cost().requests();
        let began = Instant::now();
        let listed = store.runs(50).await.unwrap();
        times.push(began.elapsed());
        requests = store.cost().requests() - before;
        assert!(listed.len() >= 50, "{}", listed.len());
    }
    print(&format!(
        "`runs` over {RUNS} runs of which {DRIVEN} are driven, a page of 50, over {kind}|{:.2} s|2 s|{requests} requests",
        median(times) / 1_000.0,
    ));
}

/// Appends of one event, each beside a bare conditional put of as many bytes.
async fn appends(
    kind: &str,
    store: &SharedStore,
    objects: &Arc<dyn ObjectStore>,
    state: &StateDir,
) {
    let at = Timestamp::from_millis(1_770_000_000_000);
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(at));
    let opened = store.open(state, &run(RUNS + 1), clock).await.unwrap();
    let (journal, lease) = (opened.store.journal, opened.store.lease);
    let step = StepName::parse("gateway").unwrap();
    let before = store.cost();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for n in 0..APPENDS {
        let event = Event::StepStarted { step: step.clone(), attempt: 1 };
        let began = Instant::now();
        journal.append(&lease, Seq(n), at, vec![event]).await.unwrap();
        ours.push(began.elapsed());
        let name = Path::from(format!("measured/bare/{n:020}"));
        let began = Instant::now();
        objects.put_opts(&name, vec![7_u8; 400].into(), PutMode::Create.into()).await.unwrap();
        bare.push(began.elapsed());
    }
    let each = (store.cost().requests() - before.requests()) as f64 / APPENDS as f64;
    let (ours, bare) = (median(ours), median(bare));
    print(&format!(
        "durable checkpoint over {kind}|{ours:.2} ms||{:.1} x a bare conditional put ({bare:.2} ms); {each:.2} requests",
        ours / bare
    ));
    journal.close().await.unwrap();
}
