//! What does it cost? The figures of `scripts/measure`, each beside its baseline in the same run; JSON.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement that cannot set up has nothing to say, and its result is what it prints"
)]

use std::collections::BTreeMap;
use std::future::IntoFuture as _;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backroad::drill::Drill;
use backroad::engine::{Clock, Event, Journal, Recorded, RunState};
use backroad::model::{Plan, PlanParts, RunId, RunOutcome, Seq, StepName, Timestamp};
use backroad::plan::{CompileOptions, compile};
use backroad::render::document::{self, Material};
use backroad::render::report;
use backroad::render::template::Templates;
use backroad::render::view::Driven;
use backroad::runbook::SourceFile;
use backroad::sim::server::{ServePace, Service, serve};
use backroad::sim::{ScaledClock, Scenario, World};
use backroad::store::{RunStore, StateDir};

const AT_ONCE: usize = 64;

/// Clients that ask the served simulator at once, each over its own connection.
const CLIENTS: usize = 4;

/// A network of the shipped world.
const HUB: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/\
                   providers/Microsoft.Network/virtualNetworks/vnet-hub-sea";

fn run_id(n: usize) -> RunId {
    RunId::parse(&format!("01h{n:0>23}")).unwrap()
}

fn median(mut all: Vec<Duration>) -> f64 {
    all.sort_unstable();
    all[all.len() / 2].as_secs_f64() * 1_000.0
}

/// A bare 4 KiB write and fdatasync.
fn bare(file: &mut std::fs::File) -> Duration {
    let began = Instant::now();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(&[7; 4096]).unwrap();
    file.sync_data().unwrap();
    began.elapsed()
}

fn file(folder: &Path, n: usize) -> std::fs::File {
    let mut file = std::fs::File::create(folder.join(format!("bare{n}"))).unwrap();
    file.write_all(&[0; 4096]).unwrap();
    file.sync_all().unwrap();
    file
}

fn event() -> Event {
    Event::StepStarted { step: StepName::parse("gateway").unwrap(), attempt: 1 }
}

async fn checkpoint(store: &RunStore, head: &mut Seq) -> Duration {
    let now = Timestamp::from_millis(0);
    let began = Instant::now();
    store.journal.append(&store.lease, *head, now, vec![event()]).await.unwrap();
    *head = head.next();
    began.elapsed()
}

/// A durable checkpoint and the bare write, turn by turn on one disk.
async fn alone(folder: &Path) -> (f64, f64) {
    let state = StateDir::new(folder);
    let store = state.create_run(&run_id(1)).unwrap();
    let mut file = file(folder, 0);
    let (mut ours, mut bares, mut head) = (Vec::new(), Vec::new(), Seq::default());
    for _ in 0..200 {
        bares.push(bare(&mut file));
        ours.push(checkpoint(&store, &mut head).await);
    }
    (median(ours), median(bares))
}

/// Sixty-four runs that all checkpoint at once, and as many bare writes in as many threads.
async fn at_once(folder: &Path) -> (f64, f64) {
    let state = StateDir::new(folder);
    let stores: Vec<RunStore> =
        (0..AT_ONCE).map(|n| state.create_run(&run_id(100 + n)).unwrap()).collect();
    let mut files: Vec<std::fs::File> = (0..AT_ONCE).map(|n| file(folder, n)).collect();
    let mut heads = vec![Seq::default(); AT_ONCE];
    let (mut ours, mut bares) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let began = Instant::now();
        std::thread::scope(|scope| {
            for file in &mut files {
                scope.spawn(move || bare(file));
            }
        });
        bares.push(began.elapsed());
        let began = Instant::now();
        let appends = stores.iter().zip(&mut heads).map(|(store, head)| checkpoint(store, head));
        futures::future::join_all(appends).await;
        ours.push(began.elapsed());
    }
    (median(ours) / AT_ONCE as f64, median(bares) / AT_ONCE as f64)
}

/// What sixty-four steps of one run bring at once, in the one append that they share; and the bare write.
async fn steps_at_once(folder: &Path) -> (f64, f64) {
    let state = StateDir::new(folder);
    let store = state.create_run(&run_id(2)).unwrap();
    let mut file = file(folder, AT_ONCE);
    let (mut ours, mut bares, mut head) = (Vec::new(), Vec::new(), 0);
    for _ in 0..50 {
        bares.push(bare(&mut file));
        let events = (0..AT_ONCE).map(|_| event()).collect();
        let began = Instant::now();
        let at = Timestamp::from_millis(0);
        store.journal.append(&store.lease, Seq(head), at, events).await.unwrap();
        ours.push(began.elapsed());
        head += AT_ONCE as u64;
    }
    (median(ours) / AT_ONCE as f64, median(bares))
}

fn thousand_steps() -> SourceFile {
    many_steps(
        1_000,
        "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub",
    )
}

/// A runbook of so many addresses, one after the other, beside a network.
fn many_steps(count: usize, hub: &str) -> SourceFile {
    let mut text = format!(
        "runbook: many\ntitle: Many\nparams:\n  hub:\n    type: resource_id\n    default: {hub}\nsteps:\n"
    );
    for n in 0..count {
        text.push_str(&format!("  s{n}:\n"));
        if n > 0 {
            text.push_str(&format!("    needs: s{}\n", n - 1));
        }
        text.push_str("    action: public_ip.ensure\n    with:\n");
        text.push_str(&format!("      name: pip{n}\n      vnet: \"${{params.hub}}\"\n"));
        text.push_str("      location: southeastasia\n");
    }
    SourceFile::new("many.yaml", text)
}

/// A document of two hundred steps: the time of the view and the page, the time of writing the same
/// bytes, and how many there are.
fn document(folder: &Path) -> [f64; 3] {
    let mut parts: PlanParts = compiled(&thousand_steps(), None).into();
    parts.steps.truncate(200);
    let material = Material {
        plan: Plan::new(parts).unwrap(),
        source_digest: String::new(),
        parameters: Vec::new(),
        profiles: Vec::new(),
        known: None,
        drill: None,
        matrix: None,
        refused: Vec::new(),
        undrilled: None,
    };
    let templates = Templates::new(&BTreeMap::new()).unwrap();
    let mut page = String::new();
    let times = (0..7).map(|_| {
        let began = Instant::now();
        let view = document::document(&material, None, &templates, None);
        page = document::html(&view, &templates).unwrap().text;
        began.elapsed()
    });
    let rendering = median(times.collect());
    let times = (0..7).map(|n| {
        let began = Instant::now();
        std::fs::write(folder.join(format!("page{n}.html")), &page).unwrap();
        began.elapsed()
    });
    [rendering, median(times.collect()), page.len() as f64]
}

/// A report of a drill of two hundred steps, in the same three figures as a document, and how many events
/// it tells.
fn report(folder: &Path, scenario: &Scenario) -> [f64; 4] {
    let plan = compiled(&many_steps(200, HUB), None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let events = runtime.block_on(drill(&plan, scenario));
    let state = RunState::fold(&events).unwrap();
    let templates = Templates::new(&BTreeMap::new()).unwrap();
    let mut page = String::new();
    let times = (0..7).map(|_| {
        let began = Instant::now();
        let told = report::report(report::ReportMaterial {
            state: &state,
            events: &events,
            driven: Driven::ByNobody,
            reached: &[],
            strikes: &[],
            told: &[],
            head: None,
            correlation: None,
            runbook: None,
            templates: None,
        });
        page = report::html(&told.unwrap(), &templates).unwrap();
        began.elapsed()
    });
    let rendering = median(times.collect());
    let times = (0..7).map(|n| {
        let began = Instant::now();
        std::fs::write(folder.join(format!("report{n}.html")), &page).unwrap();
        began.elapsed()
    });
    [rendering, median(times.collect()), page.len() as f64, events.len() as f64]
}

fn compiled(source: &SourceFile, profile: Option<&str>) -> Plan {
    let options =
        CompileOptions { profile: profile.map(str::to_owned), ..CompileOptions::default() };
    compile(source, &options).plan.unwrap()
}

/// One whole drill in memory: its journal.
async fn drill(plan: &Plan, scenario: &Scenario) -> Vec<Recorded> {
    Drill::new(plan, scenario).run().await.unwrap().events
}

/// One after the other on one thread: what one core does.
fn drills_per_second(plan: &Plan, scenario: &Scenario) -> f64 {
    let alone = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (began, mut drills) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_secs(3) {
        drop(alone.block_on(drill(plan, scenario)));
        drills += 1;
    }
    f64::from(drills) / began.elapsed().as_secs_f64()
}

/// So many drills and nothing else.
fn so_many_drills(plan: &Plan, scenario: &Scenario, count: usize) {
    let alone = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    (0..count).for_each(|_| drop(alone.block_on(drill(plan, scenario))));
}

/// GETs a second over loopback, keep-alive, from a few clients at once; and the bytes of one answer.
async fn requests_per_second(url: &str) -> (f64, bytes::Bytes) {
    let client = reqwest::Client::new();
    let ask = || client.get(url).bearer_auth("anything").send();
    let body = ask().await.unwrap().error_for_status().unwrap().bytes().await.unwrap();
    let began = Instant::now();
    let each = (0..CLIENTS).map(|_| async {
        let mut answered = 0_u32;
        while began.elapsed() < Duration::from_secs(2) {
            let answer = ask().await.unwrap();
            assert_eq!(answer.status(), 200);
            drop(answer.bytes().await.unwrap());
            answered += 1;
        }
        answered
    });
    let answered: u32 = futures::future::join_all(each).await.into_iter().sum();
    (f64::from(answered) / began.elapsed().as_secs_f64(), body)
}

/// The served simulator beside a bare server that answers the same bytes.
async fn served(scenario: &Scenario) -> (f64, f64) {
    // Its time runs so fast that Azure's limits on reads are never met.
    let speed = std::num::NonZeroU32::new(1_000_000).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(scenario.now, speed));
    let world = Arc::new(Mutex::new(World::new(scenario)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let id = scenario.resources[0]["id"].as_str().unwrap();
    let url = format!("http://{}{id}?api-version=2024-03-01", listener.local_addr().unwrap());
    let how = (ServePace::Caller, Service::default());
    let simulator = tokio::spawn(serve(listener, world, clock, how, std::future::pending()));
    let (ours, body) = requests_per_second(&url).await;
    simulator.abort();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(move || std::future::ready(body.clone()));
    let bare = tokio::spawn(axum::serve(listener, router).into_future());
    let (bares, _) = requests_per_second(&url).await;
    bare.abort();
    (ours, bares)
}

fn main() {
    // `cargo test --benches` asks benches whether they run at all.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let source = SourceFile::new("dr-circuit.yaml", read("runbooks/dr-circuit.yaml"));
    let plan = compiled(&source, Some("drill"));
    let scenario = Scenario::parse("world", &read("runbooks/worlds/two-circuits.yaml")).unwrap();
    // For a look at the store alone.
    if std::env::args().any(|argument| argument == "store") {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let (ours, bare) = runtime.block_on(alone(folder.path()));
        println!("a checkpoint {ours:.3} ms, a bare one {bare:.3} ms: {:.2} x", ours / bare);
        let (ours, bare) = runtime.block_on(at_once(folder.path()));
        println!(
            "64 runs at once, each {ours:.3} ms, bare {bare:.3} ms: {:.0} a second",
            1_000.0 / ours
        );
        let (ours, _) = runtime.block_on(steps_at_once(folder.path()));
        println!("64 steps at once, each {ours:.4} ms: {:.0} a second", 1_000.0 / ours);
        return;
    }
    // For a profiler: nothing but drills; so many of them, where their number follows, for one that counts.
    if let Some(mut rest) =
        std::env::args().position(|word| word == "drills").map(|at| std::env::args().skip(at + 1))
    {
        let count = rest.next().and_then(|count| count.parse().ok());
        match count {
            Some(count) => so_many_drills(&plan, &scenario, count),
            None => println!("{:.0} drills per second", drills_per_second(&plan, &scenario)),
        }
        return;
    }
    // What a step costs in a drill of so many, in milliseconds.
    if let Some(count) = std::env::args().skip_while(|word| word != "steps").nth(1) {
        let count: usize = count.parse().unwrap();
        let plan = compiled(&many_steps(count, HUB), None);
        let alone = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (began, mut drilled) = (Instant::now(), 0);
        while drilled == 0 || began.elapsed() < Duration::from_secs(1) {
            let ended = alone.block_on(drill(&plan, &scenario));
            let outcome = RunState::fold(&ended).unwrap().outcome();
            assert_eq!(outcome, Some(RunOutcome::Succeeded));
            drilled += count;
        }
        println!("{}", began.elapsed().as_secs_f64() * 1_000.0 / drilled as f64);
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let mut figures: BTreeMap<&str, f64> = BTreeMap::new();

    let (ours, bare) = runtime.block_on(alone(folder.path()));
    figures.insert("checkpoint_ms", ours);
    figures.insert("bare_ms", bare);
    let (ours, bare) = runtime.block_on(at_once(folder.path()));
    figures.insert("checkpoint_64_ms", ours);
    figures.insert("bare_64_ms", bare);

    let (ours, bare) = runtime.block_on(steps_at_once(folder.path()));
    figures.insert("events_64_steps_ms", ours);
    figures.insert("bare_beside_64_steps_ms", bare);

    let [rendering, writing, bytes] = document(folder.path());
    figures.insert("document_200_ms", rendering);
    figures.insert("document_200_write_ms", writing);
    figures.insert("document_200_bytes", bytes);
    let [rendering, writing, bytes, told] = report(folder.path(), &scenario);
    figures.insert("report_200_ms", rendering);
    figures.insert("report_200_write_ms", writing);
    figures.insert("report_200_bytes", bytes);
    figures.insert("report_200_events", told);

    let many = thousand_steps();
    let times = (0..7).map(|_| {
        let began = Instant::now();
        drop(compiled(&many, None));
        began.elapsed()
    });
    figures.insert("compile_1000_ms", median(times.collect()));
    // The baseline of compiling: only reading the same text as YAML.
    let times = (0..7).map(|_| {
        let began = Instant::now();
        drop(serde_yaml::from_str::<serde_yaml::Value>(many.text()).unwrap());
        began.elapsed()
    });
    figures.insert("yaml_1000_ms", median(times.collect()));

    let (ours, bare) = runtime.block_on(served(&scenario));
    figures.insert("requests_per_second", ours);
    figures.insert("bare_requests_per_second", bare);

    let mut journal = Vec::new();
    let times = (0..9).map(|_| {
        let began = Instant::now();
        journal = runtime.block_on(drill(&plan, &scenario));
        began.elapsed()
    });
    figures.insert("drill_ms", median(times.collect()));

    let drills = drills_per_second(&plan, &scenario);
    figures.insert("drills_per_second", drills);
    figures.insert("drill_steps", plan.steps().len() as f64);
    let minutes = journal.last().unwrap().at.since(journal[0].at).as_secs_f64() / 60.0;
    figures.insert("drill_minutes", minutes);

    let began = Instant::now();
    let mut folded = 0_usize;
    while began.elapsed() < Duration::from_secs(1) {
        drop(RunState::fold(&journal).unwrap());
        folded += journal.len();
    }
    figures.insert("events_per_second", folded as f64 / began.elapsed().as_secs_f64());
    println!("{}", serde_json::to_string_pretty(&figures).unwrap());
}
