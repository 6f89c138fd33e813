//! The promise: whatever becomes of the shared store, nothing is written to Azure without an intent that is durable in
//! it, what was recorded is never silently lost, and it ends as docs/operations.md says.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::num::NonZeroU32;
#[cfg(unix)]
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backroad::engine::{
    Clock, Ending, EngineError, Event, Journal, JournalError, Recorded, RunMode,
};
use backroad::model::limits::{CALL_TIMEOUT, INTENT_VALIDITY};
use backroad::model::{RunOutcome, Seq, Timestamp};
use backroad::sim::{ScaledClock, World};
use backroad::store::shared::{HeldRun, LeftAside, SharedRun, SharedStore};
use backroad::store::{RunStore, StateDir, StoreError};
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[cfg(unix)]
use crate::outlives::{failover, only_run, simulator};
use crate::support::bench::{Bench, Watched, run};
use crate::support::moody::{Line, Mood, Pulse, Sky, SkyClock, Weather, pause};
#[cfg(unix)]
use crate::support::process::backroad;
use crate::support::{Lab, shipped_plan, shipped_world, side_by_side};

/// A run of the shipped failover over a store, in the store's time.
struct Table {
    sky: Arc<Sky>,
    bench: Bench,
    clock: Arc<dyn Clock>,
    watched: Watched,
    line: Line,
}

fn store(line: &Line) -> SharedStore {
    SharedStore::new("moody", Arc::new(line.clone()), Path::from("team"))
}

impl Table {
    fn set() -> Self {
        let (sky, scenario) = (Sky::new(1, Weather::FAIR), shipped_world());
        let skew = scenario.now.as_millis() - sky.now();
        let clock: Arc<dyn Clock> = Arc::new(SkyClock { sky: Arc::clone(&sky), skew });
        let world = Arc::new(Mutex::new(World::new(&scenario)));
        let bench = Bench { plan: shipped_plan(), world, mode: RunMode::Drill };
        let line = Line::new(&sky, 1);
        let watched = Watched::new(Some(store(&Line::new(&sky, 9))));
        Self { sky, bench, clock, watched, line }
    }

    /// The same run from another host.
    fn elsewhere(&self) -> Self {
        let line = Line::new(&self.sky, 2);
        let watched = Watched::new(self.watched.readable.clone());
        let (sky, clock) = (Arc::clone(&self.sky), Arc::clone(&self.clock));
        Self { sky, bench: self.bench.clone(), clock, watched, line }
    }

    /// At the n-th send the store's mood changes; it is fair again after a while, if ever.
    fn turns_at(&mut self, send: u64, mood: Mood, lasts: Option<Duration>) {
        let (line, turning) = (self.line.clone(), Arc::new(Mutex::new(JoinSet::new())));
        self.watched.at_send = Arc::new(move |number| {
            if number == send {
                line.set(mood);
                if let Some(lasts) = lasts {
                    let line = line.clone();
                    turning.lock().unwrap().spawn(async move {
                        pause(lasts).await;
                        line.set(Mood::Fair);
                    });
                }
            }
            Box::pin(std::future::ready(()))
        });
    }

    async fn try_hold(&self) -> Result<HeldRun, StoreError> {
        store(&self.line).hold(&run(), "a host".to_owned(), Arc::clone(&self.clock)).await
    }

    async fn hold(&self) -> HeldRun {
        self.try_hold().await.unwrap()
    }

    async fn drive(&self) -> Result<Ending, EngineError> {
        let held = self.hold().await;
        let lease = held.journal.lease();
        self.bench.drive((Arc::new(held.journal), lease), &self.clock, &self.watched).await
    }

    async fn read(&self) -> Vec<Recorded> {
        store(&Line::new(&self.sky, 9)).read(&run()).await.unwrap()
    }

    /// It ended well, as if nothing had been.
    async fn ended_well(&self, ending: Result<Ending, EngineError>) {
        assert_eq!(ending.unwrap(), Ending::Ended(RunOutcome::Succeeded));
        assert_eq!(*self.watched.wrong.lock().unwrap(), Vec::<String>::new());
        self.bench.accepted().unwrap();
        let undisturbed = Lab::new(shipped_plan(), &shipped_world());
        assert_eq!(Lab::outcome_of(undisturbed.drive(None).await), RunOutcome::Succeeded);
        assert_eq!(self.bench.comparable(), undisturbed.comparable());
    }
}

fn is_fenced(ending: &Result<Ending, EngineError>) -> bool {
    matches!(ending, Err(EngineError::Journal(JournalError::Fenced { .. })))
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_out_of_reach_throttles_or_refuses_our_credential_is_waited_for() {
    for mood in [Mood::Unreachable, Mood::Throttled, Mood::Expired] {
        let mut table = Table::set();
        let lasts = Duration::from_secs(4 * 60);
        table.turns_at(3, mood, Some(lasts));
        let ending = table.drive().await;
        let left = table.watched.left.lock().unwrap().clone();
        // Those that were intended together leave together; no other before the store is back.
        let cut = left[2];
        let meanwhile = left.iter().filter(|at| **at > cut + Duration::from_secs(5));
        let soonest = meanwhile.min().copied();
        let soonest =
            soonest.unwrap_or_else(|| panic!("{mood:?}: {ending:?}, {} sends", left.len()));
        assert!(soonest >= cut + lasts, "{mood:?}: {soonest:?} is within 4 minutes of {cut:?}");
        table.ended_well(ending).await;
    }
}

/// The longest step of the failover has fifteen minutes.
#[tokio::test(start_paused = true)]
async fn an_outage_that_is_longer_than_any_steps_time_costs_its_length_and_fails_no_step() {
    for send in [1, 3, 5, 7] {
        let mut table = Table::set();
        table.turns_at(send, Mood::Unreachable, Some(Duration::from_secs(2 * 3_600)));
        let ending = table.drive().await;
        let events = table.read().await;
        assert!(count(&events, "journal_away") > 0, "send {send}: the journal says it");
        assert_eq!(count(&events, "step_timed_out"), 0, "send {send}");
        table.ended_well(ending).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_ten_seconds_for_each_answer_is_slow_and_nothing_else() {
    let mut table = Table::set();
    table.line.set(Mood::Slow(Duration::from_secs(10)));
    table.turns_at(1, Mood::Slow(Duration::from_secs(10)), None);
    let ending = table.drive().await;
    table.ended_well(ending).await;
}

#[tokio::test(start_paused = true)]
async fn of_two_drivers_the_one_that_is_cut_off_sends_nothing_more_and_the_other_ends_the_run() {
    for send in [1, 4, 7] {
        let mut elder = Table::set();
        elder.turns_at(send, Mood::Unreachable, None);
        let younger = elder.elsewhere();
        let (elder_line, heals) = (elder.line.clone(), Duration::from_secs(20));
        let taking = async {
            while elder.watched.sends() < send {
                pause(Duration::from_secs(1)).await;
            }
            pause(Duration::from_secs(30)).await;
            let held = younger.hold().await;
            assert!(held.before.is_some_and(|note| note.drives), "a living driver is taken over");
            // As whoever takes over does: what may be under way is waited out.
            pause(INTENT_VALIDITY + CALL_TIMEOUT).await;
            let sent_by_elder = elder.watched.sends();
            let lease = held.journal.lease();
            let journal = Arc::new(held.journal);
            let driving = younger.bench.drive((journal, lease), &younger.clock, &younger.watched);
            let healing = async {
                pause(heals).await;
                elder_line.set(Mood::Fair);
            };
            let (ending, ()) = tokio::join!(driving, healing);
            (ending, sent_by_elder)
        };
        let (elders, (ending, sent_by_elder)) = tokio::join!(elder.drive(), taking);
        assert!(is_fenced(&elders), "{elders:?}");
        assert_eq!(elder.watched.sends(), sent_by_elder, "nothing more was sent");
        assert_eq!(*elder.watched.wrong.lock().unwrap(), Vec::<String>::new());
        younger.ended_well(ending).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_was_deleted_ends_the_drive_and_nothing_is_sent_without_it() {
    let mut table = Table::set();
    table.turns_at(4, Mood::Gone, None);
    let ending = table.drive().await;
    let Err(EngineError::Journal(JournalError::Store(why))) = &ending else {
        panic!("{ending:?}");
    };
    assert!(why.contains("ContainerNotFound"), "it is named: {why}");
    let sent = table.watched.sends();
    pause(Duration::from_secs(3_600)).await;
    assert_eq!(table.watched.sends(), sent);
    assert_eq!(*table.watched.wrong.lock().unwrap(), Vec::<String>::new());
    // Nor can it be opened: no new history begins beside the one that is lost.
    let refused = table.try_hold().await.unwrap_err().to_string();
    assert!(refused.contains("ContainerNotFound"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_a_secondary_does_not_know_is_found_by_looking() {
    for send in [2, 5, 8] {
        let mut table = Table::set();
        // The primary is lost after this send; the secondary had not got its last objects.
        let states: Arc<Mutex<Vec<Arc<Sky>>>> = Arc::default();
        let (sky, keeps) = (Arc::downgrade(&table.sky), Arc::clone(&states));
        *table.sky.on_put.lock().unwrap() = Some(Box::new(move || {
            keeps.lock().unwrap().extend(sky.upgrade().map(|sky| sky.fork(Weather::FAIR)));
        }));
        table.turns_at(send, Mood::Unreachable, None);
        tokio::select! {
            ending = table.drive() => panic!("{ending:?}"),
            () = async {
                while table.watched.sends() < send {
                    pause(Duration::from_secs(1)).await;
                }
                pause(Duration::from_secs(120)).await;
            } => table.line.pulse(Pulse::Dead),
        }
        let known = table.read().await.len();
        *table.sky.on_put.lock().unwrap() = None;
        let states = std::mem::take(&mut *states.lock().unwrap());
        // Two tells for each object, and three objects less.
        let sky = Arc::clone(&states[states.len() - 7]);
        // The same moment, as all clocks have it.
        let skew = table.clock.now().as_millis() - sky.now();
        let clock: Arc<dyn Clock> = Arc::new(SkyClock { sky: Arc::clone(&sky), skew });
        let line = Line::new(&sky, 2);
        let watched = Watched::new(Some(store(&Line::new(&sky, 9))));
        let other = Table { sky, bench: table.bench.clone(), clock, watched, line };
        assert!(other.read().await.len() < known, "the last writes are missing");
        pause(INTENT_VALIDITY + CALL_TIMEOUT).await;
        let ending = other.drive().await;
        other.ended_well(ending).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_in_what_a_secondary_has_is_refused_and_named() {
    let table = Table::set();
    let ending = table.drive().await;
    table.ended_well(ending).await;
    let objects = table.sky.objects();
    let listed: Vec<_> = objects.list(None).try_collect().await.unwrap();
    let mut log: Vec<Path> = listed.into_iter().map(|meta| meta.location).collect();
    log.retain(|path| path.as_ref().contains("/wal/"));
    log.sort();
    assert!(log.len() > 20, "{log:?}");
    // Objects are copied to the other region in no promised order.
    let gap = &log[log.len() / 2];
    objects.delete(gap).await.unwrap();
    let read = store(&Line::new(&table.sky, 9)).read(&run()).await;
    let read = read.map(|events| events.len()).unwrap_err().to_string();
    let opened = table.try_hold().await.unwrap_err().to_string();
    for said in [read, opened] {
        assert!(said.contains("is missing"), "{said}");
    }
}

/// Four writes at once, from a host with a state directory; in the host's time, since its disk takes some.
struct Desk {
    folder: tempfile::TempDir,
    sky: Arc<Sky>,
    line: Line,
    bench: Bench,
    clock: Arc<dyn Clock>,
    watched: Watched,
}

const WRITES: usize = 4;

impl Desk {
    fn set() -> Self {
        let (sky, scenario) = (Sky::new(1, Weather::AT_ONCE), shipped_world());
        let speed = NonZeroU32::new(10).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(scenario.now, speed));
        let world = Arc::new(Mutex::new(World::new(&scenario)));
        let bench = Bench { plan: side_by_side(WRITES), world, mode: RunMode::Live };
        let line = Line::new(&sky, 1);
        let mut watched = Watched::new(None);
        let (cuts, cut) = (line.clone(), Arc::new(watch::Sender::new(false)));
        watched.at_send = Arc::new(move |number| {
            let (cuts, cut) = (cuts.clone(), Arc::clone(&cut));
            Box::pin(async move {
                // All are under way when the store goes away, and their answers come one after the other.
                if number == WRITES as u64 {
                    cuts.set(Mood::Unreachable);
                    cut.send_replace(true);
                } else if number < WRITES as u64 {
                    drop(cut.subscribe().wait_for(|cut| *cut).await);
                    pause(Duration::from_millis(200 * number)).await;
                }
            })
        });
        Self { folder: tempfile::tempdir().unwrap(), sky, line, bench, clock, watched }
    }

    fn state(&self) -> StateDir {
        StateDir::new(self.folder.path())
    }

    fn store(&self) -> SharedStore {
        store(&self.line).with_patience(Duration::from_millis(100))
    }

    async fn open(&self) -> SharedRun {
        self.store().open(&self.state(), &run(), Arc::clone(&self.clock)).await.unwrap()
    }

    async fn drive(&self, opened: SharedRun) -> Result<Ending, EngineError> {
        let RunStore { journal, lease, .. } = opened.store;
        let journal: Arc<dyn Journal> = Arc::new(journal);
        self.bench.drive((journal, lease), &self.clock, &self.watched).await
    }

    /// Waits until the answers to all writes lie aside.
    async fn all_aside(&self) {
        for _ in 0..600 {
            let found = self.state().unshared(&run()).unwrap_or_default();
            let told: String = found.iter().map(|kept| kept.unshared.told()).collect();
            if told.matches("accepted").count() == WRITES {
                return;
            }
            pause(Duration::from_millis(50)).await;
        }
        let found = self.state().unshared(&run()).unwrap();
        panic!("{:?}", found.iter().map(|kept| kept.unshared.told()).collect::<Vec<_>>());
    }

    async fn events(&self) -> Vec<Recorded> {
        store(&Line::new(&self.sky, 9)).read(&run()).await.unwrap()
    }
}

fn count(events: &[Recorded], kind: &str) -> usize {
    events.iter().filter(|one| one.event.kind() == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_azure_answers_while_the_store_is_away_lies_aside_and_is_shared_when_it_is_back() {
    let desk = Desk::set();
    let opened = desk.open().await;
    let watching = async {
        desk.all_aside().await;
        assert_eq!(count(&desk.events().await, "accepted"), 0, "nothing of it is in the store");
        desk.line.set(Mood::Fair);
    };
    let (ending, ()) = tokio::join!(desk.drive(opened), watching);
    assert_eq!(ending.unwrap(), Ending::Ended(RunOutcome::Succeeded));
    let events = desk.events().await;
    assert_eq!((count(&events, "accepted"), count(&events, "in_doubt")), (WRITES, 0));
    assert_eq!(desk.state().unshared(&run()).unwrap(), Vec::new(), "nothing lies aside any more");
    assert_eq!(desk.bench.accepted(), Ok(WRITES));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_driver_that_died_had_left_aside_is_shared_by_the_next_of_its_host() {
    let desk = Desk::set();
    let opened = desk.open().await;
    tokio::select! {
        ending = desk.drive(opened) => panic!("{ending:?}"),
        () = desk.all_aside() => desk.line.pulse(Pulse::Dead),
    }
    let desk = Desk { line: Line::new(&desk.sky, 3), ..desk };
    let opened = until_free(&desk).await;
    let Some(LeftAside::Shared(shared)) = opened.left_aside else {
        panic!("{:?}", opened.left_aside)
    };
    assert!(shared >= WRITES, "{shared}");
    assert_eq!(count(&desk.events().await, "accepted"), WRITES);
    let ending = desk.drive(opened).await;
    assert_eq!(ending.unwrap(), Ending::Ended(RunOutcome::Succeeded));
    let events = desk.events().await;
    assert_eq!(count(&events, "in_doubt"), 0, "each operation was asked by its answer");
    assert_eq!(desk.state().read(&run()).unwrap(), events, "the copy is the same");
    assert_eq!(desk.state().unshared(&run()).unwrap(), Vec::new());
    assert_eq!(desk.bench.accepted(), Ok(WRITES));
}

/// The lock of a driver that was dropped goes with its thread, a moment later.
async fn until_free(desk: &Desk) -> SharedRun {
    for _ in 0..200 {
        if !desk.state().is_held(&run()) {
            break;
        }
        pause(Duration::from_millis(50)).await;
    }
    desk.open().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_aside_when_others_went_on_without_it_is_told_and_kept() {
    let desk = Desk::set();
    let opened = desk.open().await;
    let other = tempfile::tempdir().unwrap();
    let taking = async {
        desk.all_aside().await;
        let line = Line::new(&desk.sky, 4);
        let state = StateDir::new(other.path());
        let opened = store(&line).open(&state, &run(), Arc::clone(&desk.clock)).await.unwrap();
        let (lease, head) = (opened.store.lease, opened.store.journal.load().await.unwrap().len());
        let claimed = vec![Event::RunClaimed { holder: "another host".to_owned(), place: None }];
        let at: Timestamp = desk.clock.now();
        let journal = opened.store.journal;
        journal.append(&lease, Seq(head as u64), at, claimed).await.unwrap();
        desk.line.set(Mood::Fair);
        journal
    };
    let (ending, journal) = tokio::join!(desk.drive(opened), taking);
    assert!(is_fenced(&ending), "{ending:?}");
    journal.close().await.unwrap();
    // Before anybody opens it, whoever looks is told.
    let told = desk.state().unshared(&run()).unwrap();
    assert_eq!(told.len(), 1);
    let before_opened = told[0].passed;
    assert_eq!(told[0].unshared.told().matches("accepted").count(), WRITES);
    let before = desk.events().await;
    let opened = until_free(&desk).await;
    let Some(LeftAside::Passed { told, path }) = &opened.left_aside else {
        panic!("{:?}", opened.left_aside)
    };
    assert!(told.contains("accepted s0"), "{told}");
    assert!(path.exists());
    assert_eq!(desk.events().await, before, "the journal is as it was");
    drop(opened);
    let still = desk.state().unshared(&run()).unwrap();
    assert_eq!(still.len(), 1, "it stays");
    assert!(!before_opened && still[0].passed, "what is over asks nothing of anybody: {still:?}");
}

/// The binary itself: a run that waits at a gate, and what a driver that could not reach the store left beside it.
#[cfg(unix)]
#[test]
fn status_names_what_lies_aside_and_resume_puts_it_into_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (state, shared) = (folder.path().join("state"), folder.path().join("shared"));
    std::fs::create_dir(&shared).unwrap();
    let place = format!("file://{}", shared.display());
    let served = simulator();
    let said = |words: &[&str]| {
        let words = [words, &["--store", &place]].concat();
        let Output { stdout, stderr, .. } = backroad(&state, &words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(stdout), text(stderr))
    };
    said(&failover(&served));
    let run = only_run(&state).unwrap();
    let dir = state.join("runs").join(&run);
    let journal = std::fs::read_to_string(dir.join("journal.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(journal.lines().last().unwrap()).unwrap();
    let unshared = serde_json::json!({
        "format": 1, "run": run, "place": place, "epoch": 1, "after": last["seq"], "hash": last["hash"],
        "batches": [{ "at": "2026-01-01T00:00:00.000Z", "events": [{ "kind": "terminal_lost" }] }],
    });
    std::fs::write(dir.join("unshared.json"), unshared.to_string()).unwrap();
    let (_, told) = said(&["status", &run]);
    assert!(told.contains("This host recorded 1 event after event"), "{told}");
    assert!(told.contains("terminal_lost") && told.contains("unshared.json"), "{told}");
    let target = ["--endpoint", &served.endpoint, "--clock-factor", "400"];
    let (_, told) = said(&[&["resume", &run], &target[..]].concat());
    assert!(told.contains("is in the journal now: 1 event."), "{told}");
    assert!(!dir.join("unshared.json").exists());
    let (journal, told) = said(&["journal", &run]);
    assert!(journal.contains("terminal_lost"), "{journal}");
    assert!(!told.contains("This host recorded"), "{told}");
}
