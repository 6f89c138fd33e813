//! Crash points that are kept: one run is driven once, and what a crash would leave at each of its points
//! (journal, world, clock) is kept, so that the way on from there need not begin at the start. Points that
//! leave the same are one state, and lead on once.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up fails its test")]

use std::sync::{Arc, Mutex};

use backroad::engine::{Clock, Recorded};
use backroad::model::{RunOutcome, Timestamp};
use backroad::sim::World;
use backroad::store::MemoryJournal;
use serde_json::Value;

use super::{Lab, Place};

/// What a crash leaves, and at which points it leaves just that.
pub(crate) struct Kept {
    /// The points.
    pub(crate) places: Vec<Place>,
    /// How many events are in the journal.
    events: usize,
    world: World,
    now: Timestamp,
}

/// Keeps what a crash would leave at each point that a run passes.
pub(super) struct Keeper {
    world: Arc<Mutex<World>>,
    journal: MemoryJournal,
    kept: Vec<Kept>,
}

impl Keeper {
    pub(super) fn new(world: Arc<Mutex<World>>, journal: MemoryJournal) -> Self {
        Self { world, journal, kept: Vec::new() }
    }

    pub(super) fn kept(self) -> Vec<Kept> {
        self.kept
    }

    pub(super) fn pass(&mut self, place: Place, clock: &Arc<dyn Clock>) {
        let (events, now) = (self.journal.look(<[Recorded]>::len), clock.now());
        let world = self.world.lock().unwrap();
        match self.kept.last_mut() {
            Some(last) if last.events == events && last.now == now && last.world == *world => {
                last.places.push(place);
            }
            _ => self.kept.push(Kept { places: vec![place], events, world: world.clone(), now }),
        }
    }
}

/// A run that was driven to its end, and what a crash would have left on its way.
pub(crate) struct Way {
    pub(crate) outcome: RunOutcome,
    pub(crate) kept: Vec<Kept>,
    events: Vec<Recorded>,
}

impl Way {
    /// Drives a run to its end.
    pub(crate) async fn of(lab: &Lab) -> Self {
        lab.keep();
        let outcome = Lab::outcome_of(lab.drive(None).await);
        let kept = lab.take_kept();
        Self { outcome, kept, events: lab.journal.events() }
    }

    /// The points of the way.
    pub(crate) fn points(&self) -> u64 {
        self.kept.iter().map(|kept| kept.places.len() as u64).sum()
    }

    /// Goes on from what a crash left; the world must end as if nothing had happened.
    pub(crate) async fn go_on(
        &self,
        kept: &Kept,
        lab: &Lab,
        expected: &(RunOutcome, Value),
    ) -> Result<(), String> {
        let world = Arc::new(Mutex::new(kept.world.clone()));
        let mut again = Lab::in_world(lab.plan.clone(), world, kept.now, "1");
        again.take_up(lab, self.events[..kept.events].to_vec());
        let places = &kept.places;
        let outcome = again.drive_through().await;
        again.check_ledger().map_err(|why| format!("{places:?}: {why}"))?;
        if outcome != expected.0 {
            let bad: Vec<String> = again
                .journal
                .events()
                .iter()
                .filter(|r| {
                    let kind = r.event.kind();
                    matches!(kind.as_str(), "step_failed" | "step_timed_out" | "step_held")
                })
                .map(|r| format!("{:?}", r.event))
                .collect();
            return Err(format!("{places:?}: the run ended {outcome}: {}", bad.join("; ")));
        }
        if again.comparable() != expected.1 {
            return Err(format!("{places:?}: the world differs"));
        }
        Ok(())
    }
}
