//! The promise: of two that move a run at once, or of one that moves it and one that drives it, one gets through; the run
//! has one home, and nothing that was acknowledged is lost. Over stores that take their time, by a seed.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::sync::Arc;
use std::time::Duration;

use backroad::engine::{Clock as _, Event, Journal as _};
use backroad::model::{RunId, Seq, Timestamp};
use backroad::store::StoreError;
use backroad::store::shared::{CopiedRun, CopyHome, SharedStore, StoreEnd, copy_run};
use object_store::path::Path;

use crate::support::moody::{Line, Sky, SkyClock, Weather, chance_of, pause};

const EVENTS: usize = 3;

fn run() -> RunId {
    RunId::parse("01jd0000000000000000000001").unwrap()
}

/// Three stores; the run is in the first.
struct Field {
    seed: u64,
    skies: [Arc<Sky>; 3],
}

const NAMES: [&str; 3] = ["one", "two", "three"];

impl Field {
    async fn set(seed: u64) -> Self {
        let field = Self { seed, skies: [0, 1, 2].map(|n| Sky::new(seed * 3 + n, Weather::FAIR)) };
        field.drive(9, EVENTS).await.unwrap();
        field
    }

    /// A store by somebody's way to it.
    fn store(&self, place: usize, who: u64) -> SharedStore {
        let line = Line::new(&self.skies[place], who);
        SharedStore::new(NAMES[place], Arc::new(line), Path::from("team"))
    }

    fn clock(&self) -> SkyClock {
        SkyClock { sky: Arc::clone(&self.skies[0]), skew: 0 }
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }

    async fn waits(&self, who: u64, longest: u64) {
        pause(chance_of(&[self.seed, who]).millis(0, longest)).await;
    }

    async fn moved(&self, to: usize, who: u64) -> Result<CopiedRun, StoreError> {
        let ends = [0, to].map(|place| StoreEnd::Shared(self.store(place, who)));
        copy_run((&ends[0], &ends[1]), &run(), CopyHome::Moves, self.now()).await
    }

    /// Drives the run in the first store; the events that were acknowledged.
    async fn drive(&self, who: u64, events: usize) -> Result<usize, StoreError> {
        self.drive_in(0, who, events).await
    }

    async fn drive_in(&self, place: usize, who: u64, events: usize) -> Result<usize, StoreError> {
        let store = self.store(place, who);
        let held = store.hold(&run(), format!("process {who}"), Arc::new(self.clock())).await?;
        let (lease, there) = (held.journal.lease(), held.journal.load().await.unwrap().len());
        let mut done = 0;
        for n in 0..events {
            let (head, event) = (Seq((there + n) as u64), vec![Event::DeadlinePassed {}]);
            if held.journal.append(&lease, head, self.now(), event).await.is_err() {
                return Ok(done);
            }
            done += 1;
        }
        held.life.end().await;
        drop(held.journal.close().await);
        Ok(done)
    }

    /// The places that the run is driven from, as their newest notes say.
    async fn homes(&self) -> Vec<usize> {
        let mut homes = Vec::new();
        for place in 0..NAMES.len() {
            let note = self.store(place, 8).driver(&run()).await.unwrap();
            if note.is_some_and(|note| note.kept_in.is_none()) {
                homes.push(place);
            }
        }
        homes
    }
}

const SEEDS: u64 = 300;

#[tokio::test(start_paused = true)]
async fn of_two_moves_of_one_run_one_gets_through() {
    let mut winners = [0; 3];
    for seed in 0..SEEDS {
        let field = Field::set(seed).await;
        let (one, two) = tokio::join!(
            async {
                field.waits(1, 2_500).await;
                field.moved(1, 1).await
            },
            async {
                field.waits(2, 2_500).await;
                field.moved(2, 2).await
            }
        );
        assert!(one.is_ok() != two.is_ok(), "seed {seed}: {one:?} {two:?}");
        let home = field.homes().await;
        assert_eq!(home, [if one.is_ok() { 1 } else { 2 }], "seed {seed}: {one:?} {two:?}");
        let events = field.store(home[0], 8).read(&run()).await.unwrap().len();
        assert_eq!(events, EVENTS, "seed {seed}");
        winners[home[0]] += 1;
        // Said again by whoever lost, it is refused with the place.
        let loser = 3 - home[0];
        let again = field.moved(loser, 5).await.unwrap_err();
        assert!(matches!(again, StoreError::KeptElsewhere { .. }), "seed {seed}: {again}");
        assert_eq!(field.homes().await, home);
    }
    assert!(winners[1] > 20 && winners[2] > 20, "both orders: {winners:?}");
}

#[tokio::test(start_paused = true)]
async fn of_a_move_and_a_driver_one_gets_through_or_one_after_the_other() {
    let (mut moves, mut drives, mut both) = (0, 0, 0);
    for seed in 0..SEEDS {
        let field = Field::set(seed).await;
        let (moved, drove) = match seed % 5 {
            // One after the other, whatever the stores' weather is; else as it comes.
            0 => (field.moved(1, 1).await, field.drive(2, 2).await),
            1 => {
                let drove = field.drive(2, 2).await;
                (field.moved(1, 1).await, drove)
            }
            _ => tokio::join!(
                async {
                    field.waits(1, 15_000).await;
                    field.moved(1, 1).await
                },
                async {
                    field.waits(2, 30_000).await;
                    field.drive(2, 2).await
                }
            ),
        };
        let done = *drove.as_ref().unwrap_or(&0);
        assert!(moved.is_ok() || done > 0, "seed {seed}: {moved:?} {drove:?}");
        match (moved.is_ok(), done > 0) {
            (true, true) => both += 1,
            (true, false) => moves += 1,
            (false, _) => drives += 1,
        }
        // A driver that was shut out before its word was taken back is silent after a while.
        pause(Duration::from_secs(200)).await;
        let home = field.homes().await;
        assert_eq!(home, [usize::from(moved.is_ok())], "seed {seed}: {moved:?} {drove:?}");
        let events = field.store(home[0], 8).read(&run()).await.unwrap().len();
        assert_eq!(events, EVENTS + done, "seed {seed}: {moved:?} {drove:?}");
        // Said again the move ends, whoever was first.
        let again = field.moved(1, 5).await.unwrap();
        assert_eq!(again.events, (EVENTS + done) as u64, "seed {seed}");
        assert_eq!(field.homes().await, [1], "seed {seed}");
        let refused = field.drive(6, 1).await.unwrap_err();
        assert!(matches!(refused, StoreError::KeptElsewhere { .. }), "seed {seed}: {refused}");
        assert_eq!(field.drive_in(1, 6, 1).await.unwrap(), 1, "seed {seed}: it goes on there");
    }
    assert!(moves > 20 && drives > 20 && both > 20, "{moves} {drives} {both}");
}
