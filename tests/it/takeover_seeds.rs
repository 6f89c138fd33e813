//! The promise: whoever drives, from whichever host, killed, stopped, cut off and woken, over a store that delays,
//! reorders, refuses and loses: nothing is accepted twice, nothing that was acknowledged is lost, each epoch has
//! one driver, and all who read at the end read the same.
//!
//! Virtual time, by a seed. The drivers are a model that keeps the engine's rules (an intent first; what is in
//! doubt is waited out and looked at); the journal, its fence, the notes and the database are the real ones.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backroad::engine::{Clock as _, Event, Journal as _, JournalError, Recorded};
use backroad::model::limits::{CALL_TIMEOUT, INTENT_VALIDITY};
use backroad::model::{Epoch, RunId, RunOutcome, Seq, StepName};
use backroad::store::shared::{DriverNote, HeldRun, SharedStore};
use object_store::path::Path;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::moody::{
    Chance, Dice, Line, Mood, Pulse, Sky, SkyClock, Weather, chance_of, pause,
};

/// What the run does: so many writes, one after the other.
const WRITES: u32 = 5;

/// For how long things go wrong.
const BAD_TIME: Duration = Duration::from_secs(30 * 60);

/// Then it must come to its end within this.
const GOOD_TIME: Duration = Duration::from_secs(6 * 3_600);

const BAD_WEATHER: Weather =
    Weather { lost_requests: 4, lost_answers: 4, late: 3, slow: 3, ..Weather::FAIR };

/// A fault of the driver or of the store, to test the test with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sabotage {
    None,
    /// Of two that create the same object both are told that they did.
    SharedCreation,
    /// What is in doubt is looked at once, at once.
    NoWait,
}

fn run() -> RunId {
    RunId::parse("01jd0000000000000000000001").unwrap()
}

/// What happened in one seed, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    drivers: u32,
    kills: u32,
    stops: u32,
    cuts: u32,
    refusals: u32,
    over_the_living: u32,
    fenced: u32,
    doubts: u32,
    events: u32,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.drivers += other.drivers;
        self.kills += other.kills;
        self.stops += other.stops;
        self.cuts += other.cuts;
        self.refusals += other.refusals;
        self.over_the_living += other.over_the_living;
        self.fenced += other.fenced;
        self.doubts += other.doubts;
        self.events += other.events;
    }
}

/// One seed's world.
struct Story {
    sky: Arc<Sky>,
    seed: u64,
    sabotage: Sabotage,
    calm: AtomicBool,
    /// How often Azure accepted each write.
    accepted: Mutex<BTreeMap<u32, u32>>,
    /// What anybody was told is durable.
    seen: Mutex<BTreeMap<Seq, Recorded>>,
    /// Who appended under which epoch.
    writers: Mutex<BTreeMap<Epoch, u32>>,
    wrong: Mutex<Vec<String>>,
    counts: Mutex<Counts>,
    flights: Mutex<JoinSet<()>>,
}

impl Story {
    fn new(seed: u64, sabotage: Sabotage) -> Arc<Self> {
        let exclusive = sabotage != Sabotage::SharedCreation;
        let sky = Sky::new(seed, Weather { exclusive, ..BAD_WEATHER });
        Arc::new(Self {
            sky,
            seed,
            sabotage,
            calm: AtomicBool::new(false),
            accepted: Mutex::default(),
            seen: Mutex::default(),
            writers: Mutex::default(),
            wrong: Mutex::default(),
            counts: Mutex::default(),
            flights: Mutex::new(JoinSet::new()),
        })
    }

    fn store(&self, line: &Line, number: u64) -> SharedStore {
        let dice = Dice(Mutex::new(self.chance(&[2, number])));
        let store = SharedStore::new("moody", Arc::new(line.clone()), Path::from("team"));
        store.with_chance(Arc::new(dice))
    }

    fn chance(&self, parts: &[u64]) -> Chance {
        chance_of(&[&[self.seed], parts].concat())
    }

    fn count(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut self.counts.lock().unwrap());
    }

    fn calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    fn accuse(&self, why: String) {
        self.wrong.lock().unwrap().push(why);
    }

    /// Takes in what somebody was told is durable.
    fn saw(&self, events: &[Recorded]) {
        let mut seen = self.seen.lock().unwrap();
        for event in events {
            if seen.entry(event.seq).or_insert_with(|| event.clone()) != event {
                self.accuse(format!("event {} was read as two different ones", event.seq));
            }
        }
    }

    /// Sends a write to Azure: it arrives within the time that a call may take, or never.
    async fn send(self: &Arc<Self>, write: u32, chance: &mut Chance) -> bool {
        let (answer, answered) = oneshot::channel();
        let limit = u64::try_from(CALL_TIMEOUT.as_millis()).unwrap() - 1;
        let slow = chance.percent(15);
        let there = chance.millis(5, if slow { limit } else { 3_000 });
        let (lost, back, mute) = (chance.percent(8), chance.millis(5, 2_000), chance.percent(12));
        let story = Arc::clone(self);
        self.flights.lock().unwrap().spawn(async move {
            pause(there).await;
            if lost {
                return;
            }
            *story.accepted.lock().unwrap().entry(write).or_default() += 1;
            pause(back).await;
            if !mute {
                // Whoever waits for it may have been killed.
                answer.send(()).ok();
            }
        });
        let sent = Instant::now();
        let came = answered.await.is_ok();
        if !came {
            pause(CALL_TIMEOUT.saturating_sub(sent.elapsed())).await;
        }
        came
    }

    async fn look(&self, write: u32, chance: &mut Chance) -> bool {
        let (there, back) = (chance.millis(5, 400), chance.millis(5, 400));
        pause(there).await;
        let landed = self.accepted.lock().unwrap().contains_key(&write);
        pause(back).await;
        landed
    }
}

/// Where a write stands, by the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Intended,
    Done,
}

fn name(write: u32) -> StepName {
    StepName::parse(&format!("write_{write}")).unwrap()
}

fn stage(events: &[Recorded], write: u32) -> Stage {
    let name = name(write);
    let mut stage = Stage::Open;
    for Recorded { event, .. } in events {
        match event {
            Event::StepStarted { step, .. } if *step == name => stage = Stage::Intended,
            Event::NeverLanded { step } if *step == name => stage = Stage::Open,
            Event::Answered { step, .. } if *step == name => stage = Stage::Done,
            _ => {}
        }
    }
    stage
}

fn is_over(events: &[Recorded]) -> bool {
    events.iter().any(|one| matches!(one.event, Event::RunEnded { .. }))
}

/// A process that drives the run.
struct Driving {
    story: Arc<Story>,
    number: u32,
    chance: Chance,
    line: Line,
    clock: SkyClock,
    events: Vec<Recorded>,
}

impl Driving {
    async fn append(&mut self, held: &HeldRun, event: Event) -> Result<(), JournalError> {
        self.line.running().await;
        let head = self.events.last().map(|last| last.seq).unwrap_or_default();
        let lease = held.journal.lease();
        let appended = held.journal.append(&lease, head, self.clock.now(), vec![event]).await;
        self.line.running().await;
        let recorded = appended?;
        let epoch = lease.epoch();
        let before = *self.story.writers.lock().unwrap().entry(epoch).or_insert(self.number);
        if before != self.number {
            self.story.accuse(format!("{before} and {} appended under {epoch}", self.number));
        }
        self.story.saw(&recorded);
        held.life.saw(&recorded);
        self.events.extend(recorded);
        Ok(())
    }

    /// Drives the run to its end, or until the journal says no.
    async fn drive(&mut self) -> Result<(), String> {
        let store = self.story.store(&self.line, self.number.into());
        let place = format!("process {}", self.number);
        let held = store.hold(&run(), place, Arc::new(self.clock.clone())).await;
        let held = held.map_err(|error| error.to_string())?;
        if held.before.as_ref().is_some_and(|note| note.drives) {
            self.story.count(|counts| counts.over_the_living += 1);
        }
        let taken = Instant::now();
        self.events = held.journal.load().await.map_err(|error| error.to_string())?;
        self.story.saw(&self.events);
        let driven = self.writes(&held, taken).await;
        if let Err(error) = driven {
            if matches!(error, JournalError::Fenced { .. }) {
                self.story.count(|counts| counts.fenced += 1);
            }
            return Err(error.to_string());
        }
        held.life.end().await;
        drop(held.journal.close().await);
        Ok(())
    }

    async fn writes(&mut self, held: &HeldRun, taken: Instant) -> Result<(), JournalError> {
        for write in 0..WRITES {
            pause(self.chance.millis(100, 20_000)).await;
            loop {
                self.line.running().await;
                match stage(&self.events, write) {
                    Stage::Done => break,
                    Stage::Open => self.write(held, write).await?,
                    Stage::Intended => self.resolve(held, write, taken).await?,
                }
            }
        }
        if !is_over(&self.events) {
            let ended = Event::RunEnded { outcome: RunOutcome::Succeeded };
            self.append(held, ended).await?;
        }
        Ok(())
    }

    /// An intent, made durable first; then the write, if it is not too late for it.
    async fn write(&mut self, held: &HeldRun, write: u32) -> Result<(), JournalError> {
        let not_after = self.clock.now() + INTENT_VALIDITY;
        self.append(held, Event::StepStarted { step: name(write), attempt: self.number }).await?;
        if self.clock.now() > not_after {
            return self.append(held, Event::NeverLanded { step: name(write) }).await;
        }
        if self.story.send(write, &mut self.chance).await {
            self.line.running().await;
            let by = Some(self.number.to_string());
            self.append(held, Event::Answered { step: name(write), request_id: by }).await?;
        }
        Ok(())
    }

    /// What was intended and not answered: once nothing of it can be under way, it is looked at.
    async fn resolve(
        &mut self,
        held: &HeldRun,
        write: u32,
        taken: Instant,
    ) -> Result<(), JournalError> {
        self.story.count(|counts| counts.doubts += 1);
        if self.story.sabotage != Sabotage::NoWait {
            pause((INTENT_VALIDITY + CALL_TIMEOUT).saturating_sub(taken.elapsed())).await;
        }
        self.line.running().await;
        let landed = self.story.look(write, &mut self.chance).await;
        let by = Some(self.number.to_string());
        let event = if landed {
            Event::Answered { step: name(write), request_id: by }
        } else {
            Event::NeverLanded { step: name(write) }
        };
        self.append(held, event).await
    }
}

/// What befalls a process.
async fn befall(story: Arc<Story>, line: Line, mut chance: Chance, killed: Arc<Notify>) {
    loop {
        pause(chance.millis(500, 45_000)).await;
        if story.calm() {
            line.set(Mood::Fair);
            line.pulse(Pulse::Runs);
            return;
        }
        match chance.below(100) {
            0..15 => {
                story.count(|counts| counts.kills += 1);
                line.pulse(Pulse::Dead);
                killed.notify_one();
                return;
            }
            15..40 => {
                story.count(|counts| counts.stops += 1);
                line.pulse(Pulse::Stopped);
                pause(chance.millis(500, 300_000)).await;
                line.pulse(Pulse::Runs);
            }
            40..65 => {
                story.count(|counts| counts.cuts += 1);
                line.set(Mood::Unreachable);
                pause(chance.millis(500, 240_000)).await;
                line.set(Mood::Fair);
            }
            _ => {}
        }
    }
}

/// A host: looks at who drives, and drives where nobody does; sometimes where somebody does.
async fn host(story: Arc<Story>, own: u64) {
    let mut chance = story.chance(&[3, own]);
    let skew = i64::try_from(chance.below(600_000)).unwrap() - 300_000;
    let clock = SkyClock { sky: Arc::clone(&story.sky), skew };
    let looks = Line::new(&story.sky, own);
    let store = story.store(&looks, own);
    let mut number = u32::try_from(own).unwrap() * 1_000;
    loop {
        pause(chance.millis(500, 60_000)).await;
        let Ok(note) = store.driver(&run()).await else { continue };
        if note.as_ref().is_some_and(|note| note.outcome.is_some()) {
            return;
        }
        let free = note
            .as_ref()
            .is_none_or(|note: &DriverNote| !note.drives || note.is_silent(clock.now()));
        if note.is_some()
            && chance.percent(25)
            && let Ok(events) = store.read(&run()).await
        {
            story.saw(&events);
        }
        if !free && !chance.percent(12) {
            continue;
        }
        number += 1;
        let line = Line::new(&story.sky, number.into());
        story.count(|counts| counts.drivers += 1);
        let killed = Arc::new(Notify::new());
        let mut chaos = JoinSet::new();
        let fate = story.chance(&[4, number.into()]);
        chaos.spawn(befall(Arc::clone(&story), line.clone(), fate, Arc::clone(&killed)));
        let (story, clock) = (Arc::clone(&story), clock.clone());
        let chance = story.chance(&[5, number.into()]);
        let mut driving = Driving { story, number, chance, line, clock, events: Vec::new() };
        tokio::select! {
            biased;
            () = killed.notified() => {}
            _ = driving.drive() => {}
        }
    }
}

/// What nobody chose: the store refuses everybody for a while, again and again.
async fn refusals(story: Arc<Story>) {
    let mut chance = story.chance(&[6]);
    loop {
        pause(chance.millis(20_000, 300_000)).await;
        if story.calm() {
            return;
        }
        story.count(|counts| counts.refusals += 1);
        let lasts = chance.millis(1_000, 120_000);
        story.sky.refuse_for(lasts);
    }
}

/// What must hold at the end.
async fn judge(story: &Arc<Story>) {
    let (one, two) = (Line::new(&story.sky, 8), Line::new(&story.sky, 9));
    let one = story.store(&one, 8).read(&run()).await;
    let two = story.store(&two, 9).read(&run()).await;
    let (Ok(one), Ok(two)) = (&one, &two) else {
        return story.accuse(format!("it cannot be read at the end: {one:?} {two:?}"));
    };
    if one != two {
        story.accuse("two readers read different histories".to_owned());
    }
    story.count(|counts| counts.events = u32::try_from(one.len()).unwrap());
    for (seq, event) in story.seen.lock().unwrap().iter() {
        let there = usize::try_from(seq.0 - 1).ok().and_then(|at| one.get(at));
        if there != Some(event) {
            story.accuse(format!("event {seq} was acknowledged, and is {there:?}"));
        }
    }
    let writers = story.writers.lock().unwrap().clone();
    for Recorded { event, epoch, seq, .. } in one {
        let by = match event {
            Event::StepStarted { attempt, .. } => Some(*attempt),
            Event::Answered { request_id: Some(by), .. } => by.parse().ok(),
            _ => None,
        };
        let known = writers.get(epoch).copied();
        if by.is_some() && known.is_some() && by != known {
            story.accuse(format!("event {seq} of {epoch} is by {by:?}, others by {known:?}"));
        }
    }
    let mut last = Epoch(0);
    for Recorded { epoch, seq, .. } in one {
        if *epoch < last {
            story.accuse(format!("event {seq} of {epoch} comes after one of {last}"));
        }
        last = *epoch;
    }
    for write in 0..WRITES {
        let accepted = story.accepted.lock().unwrap().get(&write).copied().unwrap_or_default();
        if accepted != 1 || stage(one, write) != Stage::Done {
            story.accuse(format!("write {write} was accepted {accepted} times"));
        }
    }
    if !is_over(one) {
        story.accuse("the run did not end".to_owned());
    }
}

/// One seed; what happened, or what must not.
fn tell(seed: u64, sabotage: Sabotage) -> Result<(Counts, Vec<Recorded>), Vec<String>> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let story = Story::new(seed, sabotage);
        let mut hosts = JoinSet::new();
        for own in 1..=2 {
            hosts.spawn(host(Arc::clone(&story), own));
        }
        let mut nature = JoinSet::new();
        nature.spawn(refusals(Arc::clone(&story)));
        let calming = Arc::clone(&story);
        nature.spawn(async move {
            pause(BAD_TIME).await;
            calming.calm.store(true, Ordering::SeqCst);
            let exclusive = calming.sabotage != Sabotage::SharedCreation;
            *calming.sky.weather.lock().unwrap() = Weather { exclusive, ..Weather::FAIR };
        });
        let ending = async {
            while let Some(ended) = hosts.join_next().await {
                if let Err(error) = ended {
                    story.accuse(error.to_string());
                }
            }
        };
        tokio::select! {
            biased;
            () = ending => {}
            () = pause(BAD_TIME + GOOD_TIME) => story.accuse("it did not end in time".to_owned()),
        }
        nature.shutdown().await;
        *story.sky.weather.lock().unwrap() = Weather::FAIR;
        story.sky.refuse_for(Duration::ZERO);
        // What is still on its way arrives.
        pause(CALL_TIMEOUT + CALL_TIMEOUT).await;
        judge(&story).await;
        let wrong = std::mem::take(&mut *story.wrong.lock().unwrap());
        let told = story.seen.lock().unwrap().values().cloned().collect();
        let counts = *story.counts.lock().unwrap();
        if wrong.is_empty() { Ok((counts, told)) } else { Err(wrong) }
    })
}

/// Many seeds, on the cores that there are; what happened in all.
fn tell_all(seeds: std::ops::Range<u64>) -> Counts {
    let next = std::sync::atomic::AtomicU64::new(seeds.start);
    let (total, wrong) = (Mutex::new(Counts::default()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= seeds.end || !wrong.lock().unwrap().is_empty() {
                return;
            }
            match tell(seed, Sabotage::None) {
                Ok((counts, _)) => total.lock().unwrap().add(&counts),
                Err(why) => wrong.lock().unwrap().push((seed, why)),
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{}",
        wrong
            .iter()
            .map(|(seed, why)| format!(
                "seed {seed}: {}\n  once more: BACKROAD_TAKEOVER_SEED={seed}",
                why.join("; ")
            ))
            .collect::<Vec<_>>()
            .join("\n")
    );
    total.into_inner().unwrap()
}

#[test]
fn two_hundred_stories_end_well() {
    #[expect(clippy::disallowed_methods, reason = "a test is told which seed to look at")]
    let named = std::env::var("BACKROAD_TAKEOVER_SEED").ok();
    if let Some(seed) = named {
        let seed = seed.parse().unwrap();
        println!("seed {seed}: {:?}", tell_all(seed..seed + 1));
        return;
    }
    let total = tell_all(0..200);
    println!("200 seeds: {total:?}");
    // They are bad enough to mean something.
    assert!(total.drivers > 600 && total.over_the_living > 100, "{total:?}");
    assert!(total.kills > 50 && total.stops > 100 && total.cuts > 100, "{total:?}");
    assert!(total.fenced > 20 && total.doubts > 100, "{total:?}");
}

#[test]
#[ignore = "ten minutes of two cores: by its name, after a change of the journal"]
fn ten_thousand_stories_end_well() {
    println!("10,000 seeds: {:?}", tell_all(0..10_000));
}

#[test]
fn a_seed_tells_the_same_story_again() {
    let told = |seed| {
        let (counts, events) = tell(seed, Sabotage::None).unwrap();
        let events: Vec<_> =
            events.into_iter().map(|one| (one.seq, one.epoch, one.event)).collect();
        (counts, events)
    };
    let others: Vec<u64> = (0..40).filter(|seed| told(*seed) != told(*seed)).collect();
    assert_eq!(others, Vec::<u64>::new(), "these took another way when they were told again");
}

/// The test of the test: a store that does not fence, or a driver that does not wait, is found out.
#[test]
fn a_store_without_a_fence_and_a_driver_without_patience_are_found_out() {
    for sabotage in [Sabotage::SharedCreation, Sabotage::NoWait] {
        let found = (0..60).any(|seed| tell(seed, sabotage).is_err());
        assert!(found, "{sabotage:?} was not noticed");
    }
}
