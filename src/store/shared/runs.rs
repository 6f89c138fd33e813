//! Which runs are in the shared store, and how is one opened, read or taken over?

use std::sync::Arc;

use object_store::path::Path;

use super::drivers::{self, DriverNote};
use super::inbox::Inbox;
use super::journal::{self, SharedJournal};
use super::ledger::SharedClaims;
use super::mirrored::{HostTime, Life, MirroredJournal, RunJournal};
use super::objects::SharedStore;
use crate::engine::{Clock, Journal as _, Recorded};
use crate::model::RunId;
use crate::store::schema::{self, ChainLink};
use crate::store::{RunStore, StateDir, StoreError, holder_name};

/// A run that was opened from a shared store.
#[derive(Debug)]
pub struct SharedRun {
    /// The run, with its copy in this host's state directory.
    pub store: RunStore,
    /// Who drove it before, if anybody did.
    pub before: Option<DriverNote>,
    /// How many events this host had and the shared store had lost: they are there again.
    pub put_back: usize,
}

/// A run that is held in a shared store, with nothing of it on this host.
#[derive(Debug)]
pub struct HeldRun {
    /// Its journal.
    pub journal: SharedJournal,
    /// Who drove it before, if anybody did.
    pub before: Option<DriverNote>,
    /// What tells other hosts that it is driven.
    pub life: Life,
}

/// This host and a state directory on it, for the notes of drivers.
#[must_use]
pub fn place_of(state: &StateDir) -> String {
    let holder = holder_name();
    let host = holder.split(',').next().unwrap_or_default();
    let path = std::fs::canonicalize(state.path()).unwrap_or_else(|_| state.path().to_owned());
    format!("{host}:{}", path.display())
}

impl SharedStore {
    fn database(&self, run: &RunId) -> Path {
        self.prefix().clone().join("runs").join(run.as_str()).join("db")
    }

    /// The claims of all hosts.
    #[must_use]
    pub fn claims(&self) -> SharedClaims {
        SharedClaims::new(self.clone())
    }

    /// The letters to a run.
    #[must_use]
    pub fn inbox(&self, run: &RunId) -> Inbox {
        Inbox::new(self.clone(), run.clone())
    }

    /// The newest runs and who drives them; at most so many.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn runs(&self, page: usize) -> Result<Vec<DriverNote>, StoreError> {
        drivers::newest(self, page).await
    }

    /// Who drives a run, or drove it last; none where there is no such run.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn driver(&self, run: &RunId) -> Result<Option<DriverNote>, StoreError> {
        drivers::of(self, run).await
    }

    /// A run's events, whoever drives it. Writes nothing and shuts nobody out.
    ///
    /// # Errors
    /// There is no such run, the store does not answer, or the chain is broken.
    pub async fn read(&self, run: &RunId) -> Result<Vec<Recorded>, StoreError> {
        if self.driver(run).await?.is_none() {
            return Err(StoreError::Unknown { text: run.to_string(), near: Vec::new() });
        }
        let links = journal::read(Arc::clone(self.objects()), self.database(run), run).await;
        let links = links.map_err(|error| self.strange(&error.to_string()))?;
        let decoded = links.iter().map(|link| schema::decode(link.head.seq, &link.bytes));
        decoded.collect::<Result<_, _>>().map_err(|error| self.strange(&error.to_string()))
    }

    /// Holds a run, a new one or one that is there, and shuts out whoever drove it; nothing of it is kept on
    /// this host.
    ///
    /// # Errors
    /// The store does not answer, or what it holds is not this run's.
    pub async fn hold(
        &self,
        run: &RunId,
        place: String,
        clock: Arc<dyn Clock>,
    ) -> Result<HeldRun, StoreError> {
        let (before, journal) = self.taken(run).await?;
        let recorded = self.loaded(&journal).await?;
        let life = self.begin(&journal, place, clock, &recorded).await?;
        Ok(HeldRun { journal, before, life })
    }

    /// The journal of a run, taken from whoever had it, and their note.
    async fn taken(&self, run: &RunId) -> Result<(Option<DriverNote>, SharedJournal), StoreError> {
        let before = self.driver(run).await?;
        let (objects, path) = (Arc::clone(self.objects()), self.database(run));
        let journal = SharedJournal::open_by(objects, path, run, self.chance()).await;
        Ok((before, journal.map_err(|error| self.strange(&error.to_string()))?))
    }

    async fn loaded(&self, journal: &SharedJournal) -> Result<Vec<Recorded>, StoreError> {
        journal.load().await.map_err(|error| self.strange(&error.to_string()))
    }

    /// Says from here on that whoever took a journal lives.
    async fn begin(
        &self,
        journal: &SharedJournal,
        place: String,
        clock: Arc<dyn Clock>,
        recorded: &[Recorded],
    ) -> Result<Life, StoreError> {
        let (lease, now) = (journal.lease(), clock.now());
        let note = DriverNote {
            run: lease.run().clone(),
            epoch: lease.epoch(),
            holder: holder_name(),
            place,
            since: now,
            at: now,
            head: recorded.last().map(|last| last.seq).unwrap_or_default(),
            drives: true,
            runbook: None,
            outcome: None,
            heard: None,
        };
        let mut life = Life::begin(self.clone(), note, Arc::new(HostTime(clock))).await?;
        life.take_up(recorded).await?;
        Ok(life)
    }

    /// Opens a run for driving it, a new one or one that is there, and shuts out whoever drove it. The copy in
    /// the state directory is brought up to it; events that only the copy has are put back.
    ///
    /// # Errors
    /// A process of this host holds the run, the two histories are different ones, or the store does not answer.
    pub async fn open(
        &self,
        state: &StateDir,
        run: &RunId,
        clock: Arc<dyn Clock>,
    ) -> Result<SharedRun, StoreError> {
        // Before anybody is shut out: another process here is not one to take a run from like this.
        state.is_free(run)?;
        let strange = |error: crate::engine::JournalError| self.strange(&error.to_string());
        let (before, shared) = self.taken(run).await?;
        let links: Vec<ChainLink> = shared.links().await.map_err(strange)?;
        let (local, dir, ahead) = state.mirror(run, &links, self.place())?;
        shared.put_back(&ahead).await.map_err(strange)?;
        let recorded = self.loaded(&shared).await?;
        let life = self.begin(&shared, place_of(state), clock, &recorded).await?;
        let lease = shared.lease();
        let journal = MirroredJournal::new(shared, local, life);
        let store = RunStore { journal: RunJournal::Shared(Box::new(journal)), lease, dir };
        Ok(SharedRun { store, before, put_back: ahead.len() })
    }
}
