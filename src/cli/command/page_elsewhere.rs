//! Which runs does a shared store have, for the page, and what is asked of it for that? One listing now and then, the
//! notes of the page of the list that somebody looks at, and nothing for a while after it did not answer.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cli::clock::RealClock;
use crate::engine::Clock as _;
use crate::model::{RunId, Timestamp};
use crate::store::shared::{DriverNote, ListedRuns, SharedStore};
use crate::store::{RunProgress, StoreError};

/// How often a shared store is asked which runs there are.
pub(super) const LIST_EVERY: Duration = Duration::from_secs(20);

/// How long a shared store may take for an answer; after one that took longer it is not asked as long again.
const STORE_WITHIN: Duration = Duration::from_secs(10);

/// The newest runs whose notes are read with each listing: a page of them.
const NOTED_MAX: usize = 25;

/// Notes of older runs that are kept until the next listing.
const OLDER_MAX: usize = 500;

/// The shared store does not answer, so that what another host does is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SharedStoreSilent;

/// What is known of the runs of a shared store.
#[derive(Debug)]
pub(super) struct RunsElsewhere {
    known: Mutex<KnownElsewhere>,
    /// How long the store may take.
    within: Duration,
}

impl Default for RunsElsewhere {
    fn default() -> Self {
        Self { known: Mutex::default(), within: STORE_WITHIN }
    }
}

#[derive(Debug, Default)]
struct KnownElsewhere {
    listed: ListedRuns,
    notes: BTreeMap<RunId, DriverNote>,
    /// Until when it is not asked, since it did not answer.
    silent_until: Option<Timestamp>,
}

fn now() -> Timestamp {
    RealClock::new(NonZeroU32::MIN, None).now()
}

pub(super) async fn pause(time: Duration) {
    let clock = RealClock::new(NonZeroU32::MIN, None);
    clock.sleep_until(clock.now() + time).await;
}

impl RunsElsewhere {
    /// One that waits no longer than this.
    #[cfg(test)]
    pub(super) fn patient_for(within: Duration) -> Self {
        Self { known: Mutex::default(), within }
    }

    fn known(&self) -> MutexGuard<'_, KnownElsewhere> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it did not answer a moment ago.
    pub(super) fn is_silent(&self) -> bool {
        self.known().silent_until.is_some_and(|until| now() < until)
    }

    /// Asks a shared store something, within its time; not at all where it was silent a moment ago.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) async fn asked<T>(
        &self,
        question: impl Future<Output = T>,
    ) -> Result<T, SharedStoreSilent> {
        if self.is_silent() {
            return Err(SharedStoreSilent);
        }
        let answer = tokio::select! {
            answer = question => Ok(answer),
            () = pause(self.within) => Err(SharedStoreSilent),
        };
        self.known().silent_until = answer.is_err().then(|| now() + STORE_WITHIN);
        answer
    }

    /// Lists the runs again and again.
    pub(super) async fn list(&self, shared: &SharedStore) {
        loop {
            self.list_once(shared).await;
            pause(LIST_EVERY).await;
        }
    }

    /// Lists the runs, and reads the notes of the newest.
    pub(super) async fn list_once(&self, shared: &SharedStore) {
        let listed = async {
            let listed = shared.list_runs().await?;
            let notes = shared.newest_of(&listed, NOTED_MAX).await?;
            Ok::<_, StoreError>((listed, notes))
        };
        match self.asked(listed).await {
            Ok(Ok((listed, notes))) => {
                let notes = notes.into_iter().map(|note| (note.run.clone(), note)).collect();
                let mut known = self.known();
                (known.listed, known.notes) = (listed, notes);
            }
            Ok(Err(error)) => tracing::warn!(%error, "the runs of the shared store are not listed"),
            Err(SharedStoreSilent) => {
                tracing::warn!("the shared store does not answer; its runs are not listed");
            }
        }
    }

    /// The runs that were listed.
    pub(super) fn runs(&self) -> Vec<RunId> {
        self.known().listed.runs().cloned().collect()
    }

    /// Those whose driver was heard of.
    pub(super) fn driven(&self) -> Vec<RunId> {
        let now = now();
        let known = self.known();
        let driven = known.notes.values().filter(|note| drives(note, now));
        driven.map(|note| note.run.clone()).collect()
    }

    /// What its driver says of a run, as far as that was read.
    pub(super) fn note(&self, run: &RunId) -> Option<DriverNote> {
        self.known().notes.get(run).cloned()
    }

    /// How far a run has come, as its driver says; one that was listed and whose note was not read is there all the same.
    pub(super) fn progress(&self, run: &RunId) -> Option<RunProgress> {
        let now = now();
        let known = self.known();
        let listed = known.listed.has(run);
        match known.notes.get(run) {
            Some(note) => Some(progress(note, now)),
            None => listed.then(|| RunProgress { run: run.clone(), head: None, driven: false }),
        }
    }

    /// Reads the notes of these runs, of those that are not known.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) async fn read_notes(
        &self,
        shared: &SharedStore,
        runs: &[RunId],
    ) -> Result<(), SharedStoreSilent> {
        let (listed, unknown) = {
            let known = self.known();
            let unknown = |run: &&RunId| known.listed.has(run) && !known.notes.contains_key(*run);
            let unknown: Vec<RunId> = runs.iter().filter(unknown).cloned().collect();
            if unknown.is_empty() {
                return Ok(());
            }
            (known.listed.clone(), unknown)
        };
        let read = self.asked(shared.drivers_of(&listed, &unknown)).await?;
        let notes = read.map_err(|error| {
            tracing::warn!(%error, "what drivers say of older runs is not read");
            SharedStoreSilent
        })?;
        let mut known = self.known();
        while known.notes.len() + notes.len() > OLDER_MAX && known.notes.pop_first().is_some() {}
        known.notes.extend(notes.into_iter().map(|note| (note.run.clone(), note)));
        Ok(())
    }
}

fn drives(note: &DriverNote, now: Timestamp) -> bool {
    note.drives && !note.is_silent(now)
}

fn progress(note: &DriverNote, now: Timestamp) -> RunProgress {
    RunProgress { run: note.run.clone(), head: Some(note.head), driven: drives(note, now) }
}
