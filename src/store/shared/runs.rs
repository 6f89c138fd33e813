//! Which runs are in the shared store, and how is one opened, read or taken over?

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::ObjectMeta;
use object_store::path::Path;

use super::aside::{self, AsideBatch, AsideFile, AsideStanding};
use super::beside::{self, BesideFiles};
use super::drivers::{self, DriverNote, ListedRuns};
use super::inbox::Inbox;
use super::ledger::SharedClaims;
use super::life::{HostTime, Life};
use super::mirrored::{MirroredJournal, RunJournal};
use super::objects::SharedStore;
use super::{SharedJournal, journal};
use crate::engine::{Clock, Journal as _, Recorded};
use crate::model::RunId;
use crate::store::lease::host_name;
use crate::store::schema::{self, ChainLink};
use crate::store::{Owed, RunStore, SledJournal, StateDir, StoreError};

/// A run that was opened from a shared store.
#[derive(Debug)]
pub struct SharedRun {
    /// The run, with its copy in this host's state directory.
    pub store: RunStore,
    /// Who drove it before, if anybody did.
    pub before: Option<DriverNote>,
    /// How many events this host had and the shared store had lost: they are there again.
    pub put_back: usize,
    /// What an earlier driver of this host had left aside.
    pub left_aside: Option<LeftAside>,
}

/// What became of what an earlier driver of this host had recorded without the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftAside {
    /// So many events are in the journal now: nobody had gone on without them.
    Shared(usize),
    /// The journal went on without them.
    Passed {
        /// What they say.
        told: String,
        /// Where they lie.
        path: PathBuf,
    },
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
    let host = host_name();
    let path = std::fs::canonicalize(state.path()).unwrap_or_else(|_| state.path().to_owned());
    format!("{host}:{}", path.display())
}

impl SharedStore {
    pub(super) fn database(&self, run: &RunId) -> Path {
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

    /// The newest runs and who drives them: so many, and those that are driven now however old they are.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn runs(&self, page: usize) -> Result<Vec<DriverNote>, StoreError> {
        self.newest_of(&self.list_runs().await?, page).await
    }

    /// Which runs there are: one listing, in which no note is read.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn list_runs(&self) -> Result<ListedRuns, StoreError> {
        drivers::listing(self).await
    }

    /// As [`Self::runs`], of those that were listed a moment ago.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn newest_of(
        &self,
        listed: &ListedRuns,
        page: usize,
    ) -> Result<Vec<DriverNote>, StoreError> {
        drivers::newest(self, listed, page).await
    }

    /// Who drives these runs, or drove them last: a request for each.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn drivers_of(
        &self,
        listed: &ListedRuns,
        runs: &[RunId],
    ) -> Result<Vec<DriverNote>, StoreError> {
        drivers::of_some(self, listed, runs).await
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
        let links = self.links(run).await?;
        let decoded = links.iter().map(|link| schema::decode(link.head.seq, &link.bytes));
        decoded.collect::<Result<_, _>>().map_err(|error| self.strange(&error.to_string()))
    }

    /// Fetches the files that another host left beside the journal; its own are the newest that a host has.
    async fn take_files(
        &self,
        state: &StateDir,
        before: Option<&DriverNote>,
        place: &str,
    ) -> Result<(), StoreError> {
        let Some(before) = before.filter(|note| note.place != place) else { return Ok(()) };
        if before.drives {
            beside::forget_world(state, &before.run)?;
        }
        beside::fetch(self, state, before).await.map(drop)
    }

    /// Brings this host's copy of a run that another host drives, or drove, up to what is in the store: its events
    /// and the files beside it, as far as they are not here yet. Shuts nobody out. None where there is no such run.
    ///
    /// # Errors
    /// A process of this host drives it, the two histories are different ones, the disk refuses, or the store does not
    /// answer.
    pub async fn fetch(
        &self,
        state: &StateDir,
        run: &RunId,
    ) -> Result<Option<DriverNote>, StoreError> {
        let Some(note) = self.driver(run).await? else { return Ok(None) };
        state.is_free(run)?;
        let links = self.links(run).await?;
        if !state.has(run) || state.links(run)?.len() < links.len() {
            let (copy, _, _) = state.mirror(run, &links, self.place())?;
            copy.close().await?;
        }
        if note.place != place_of(state) {
            beside::fetch(self, state, &note).await?;
        }
        Ok(Some(note))
    }

    /// Fetches only the files beside a run's journal.
    ///
    /// # Errors
    /// The store does not answer, or the disk refuses.
    pub async fn fetch_files(&self, state: &StateDir, run: &RunId) -> Result<(), StoreError> {
        let note = self.driver(run).await?.filter(|note| note.place != place_of(state));
        match note {
            Some(note) => beside::fetch(self, state, &note).await.map(drop),
            None => Ok(()),
        }
    }

    /// The name of the newest object of a run's log; none where there is none after the one that is known. One
    /// request: whoever follows a run asks this before it reads the run again.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn log_end(
        &self,
        run: &RunId,
        known: Option<&str>,
    ) -> Result<Option<String>, StoreError> {
        let folder = self.database(run).join("wal");
        let listing = match known {
            Some(known) => {
                let known = folder.clone().join(known);
                self.objects().list_with_offset(Some(&folder), &known)
            }
            None => self.objects().list(Some(&folder)),
        };
        let listed = listing.try_collect::<Vec<ObjectMeta>>().await;
        let listed = listed.map_err(|error| self.failed(&error))?;
        let names = listed.iter().filter_map(|meta| meta.location.filename());
        Ok(names.max().map(str::to_owned))
    }

    /// What runs of this store owe.
    ///
    /// # Errors
    /// The store does not answer, or what it says is not to be read.
    pub async fn owed(&self) -> Result<Vec<Owed>, StoreError> {
        beside::owed(self).await
    }

    /// A run's history as it lies in the store, its chain checked.
    pub(super) async fn links(&self, run: &RunId) -> Result<Vec<ChainLink>, StoreError> {
        let (objects, path) = (Arc::clone(self.objects()), self.database(run));
        let links = journal::read(objects, path, run, self.chance()).await;
        links.map_err(|error| self.strange(&error.to_string()))
    }

    /// Whether the run is driven from this store, as far as this note says.
    fn is_home(&self, run: &RunId, note: Option<&DriverNote>) -> Result<(), StoreError> {
        let Some(note) = note else { return Ok(()) };
        match note.kept_in.clone() {
            _ if note.removed => {
                Err(StoreError::Unknown { text: run.to_string(), near: Vec::new() })
            }
            Some(place) => Err(StoreError::KeptElsewhere { run: run.clone(), place }),
            None => Ok(()),
        }
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
        let life = self.begin(&journal, (place, BesideFiles::none(run)), clock, &recorded).await?;
        Ok(HeldRun { journal, before, life })
    }

    /// The journal of a run, taken from whoever had it, and their note.
    async fn taken(&self, run: &RunId) -> Result<(Option<DriverNote>, SharedJournal), StoreError> {
        let before = self.driver(run).await?;
        self.is_home(run, before.as_ref())?;
        let (objects, path) = (Arc::clone(self.objects()), self.database(run));
        let journal = SharedJournal::open_by(objects, path, run, self.chance()).await;
        let journal = journal.map_err(|error| self.strange(&error.to_string()))?;
        if before.as_ref().is_some_and(|note| note.epoch.0 + 1 != journal.lease().epoch().0) {
            // Somebody opened it in between: perhaps to move it away.
            let moved = self.driver(run).await?;
            if let Err(error) = self.is_home(run, moved.as_ref()) {
                drop(journal.close().await);
                return Err(error);
            }
        }
        Ok((before, journal))
    }

    async fn loaded(&self, journal: &SharedJournal) -> Result<Vec<Recorded>, StoreError> {
        journal.load().await.map_err(|error| self.strange(&error.to_string()))
    }

    /// Says from here on that whoever took a journal lives.
    async fn begin(
        &self,
        journal: &SharedJournal,
        (place, files): (String, BesideFiles),
        clock: Arc<dyn Clock>,
        recorded: &[Recorded],
    ) -> Result<Life, StoreError> {
        let (lease, now) = (journal.lease(), clock.now());
        let head = recorded.last().map(|last| last.seq).unwrap_or_default();
        let mut note = drivers::note((lease.run(), lease.epoch(), head), place, now);
        note.beside = files.digests();
        let mut life = Life::begin(self.clone(), note, files, Arc::new(HostTime(clock))).await?;
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
        let all = [links.as_slice(), &ahead].concat();
        let left_aside = self.take_in_aside(&shared, &local, &dir, &all).await?;
        let recorded = self.loaded(&shared).await?;
        let place = place_of(state);
        self.take_files(state, before.as_ref(), &place).await?;
        let files = BesideFiles::new(state.clone(), run, before.as_ref());
        let life = self.begin(&shared, (place, files), clock, &recorded).await?;
        let lease = shared.lease();
        let aside = AsideFile::new(dir.clone(), run.clone(), self.place().to_owned());
        let journal = MirroredJournal::new(shared, local, life, (aside, self.patience()));
        let store = RunStore { journal: RunJournal::Shared(Box::new(journal)), lease, dir };
        Ok(SharedRun { store, before, put_back: ahead.len(), left_aside })
    }

    /// Puts into the journal what an earlier driver of this host recorded without it, if nobody went on
    /// meanwhile; else sets it by for people.
    async fn take_in_aside(
        &self,
        shared: &SharedJournal,
        local: &SledJournal,
        dir: &FilePath,
        links: &[ChainLink],
    ) -> Result<Option<LeftAside>, StoreError> {
        let Some(left) = aside::left(dir)? else { return Ok(None) };
        match left.against(links) {
            AsideStanding::There => {
                aside::remove(dir)?;
                Ok(None)
            }
            AsideStanding::Follows(batches) => {
                let strange = |error: crate::engine::JournalError| self.strange(&error.to_string());
                let (lease, mut count) = (shared.lease(), 0);
                for AsideBatch { at, events } in batches {
                    let head = shared.head().await.seq;
                    let (recorded, links) =
                        shared.append_linked(&lease, head, at, events).await.map_err(strange)?;
                    local.copy(links).await.map_err(strange)?;
                    count += recorded.len();
                }
                aside::remove(dir)?;
                Ok(Some(LeftAside::Shared(count)))
            }
            AsideStanding::Passed => {
                let path = aside::set_by(dir, &left)?;
                Ok(Some(LeftAside::Passed { told: left.told(), path }))
            }
        }
    }
}
