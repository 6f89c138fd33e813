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
use crate::model::{RunId, Seq};
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
        let before = self.driver(run).await?;
        let shared = SharedJournal::open(Arc::clone(self.objects()), self.database(run), run).await;
        let shared = shared.map_err(strange)?;
        let links: Vec<ChainLink> = shared.links().await.map_err(strange)?;
        let (local, dir, ahead) = state.mirror(run, &links, self.place())?;
        shared.put_back(&ahead).await.map_err(strange)?;
        let lease = shared.lease();
        let now = clock.now();
        let recorded = shared.load().await.map_err(strange)?;
        let note = DriverNote {
            run: run.clone(),
            epoch: lease.epoch(),
            holder: holder_name(),
            place: place_of(state),
            since: now,
            at: now,
            head: Seq((links.len() + ahead.len()) as u64),
            drives: true,
            runbook: None,
            outcome: None,
            heard: None,
        };
        let mut life = Life::begin(self.clone(), note, Arc::new(HostTime(clock))).await?;
        life.take_up(&recorded).await?;
        let journal = MirroredJournal::new(shared, local, life);
        let store = RunStore { journal: RunJournal::Shared(Box::new(journal)), lease, dir };
        Ok(SharedRun { store, before, put_back: ahead.len() })
    }
}
