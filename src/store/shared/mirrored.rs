//! Which journal does a run that this process drives have? Its own, or one in a shared store with a copy here.
//!
//! The shared one is written first: an event that only this host has would be lost with it. The copy follows
//! link for link, so that every view of this host reads what it always read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::super::schema::ChainLink;
use super::SharedJournal;
use super::aside::AsideFile;
use super::beside::{BesideFiles, PutHow};
use super::drivers::{self, DriverNote, HEARTBEAT_EVERY};
use super::inbox::Inbox;
use super::objects::SharedStore;
use crate::engine::{Aside, Clock, Event, Journal, JournalError, Lease, Recorded};
use crate::model::{Seq, Timestamp};
use crate::store::{SledJournal, StoreError};

/// The journal of a run that this process drives.
#[derive(Debug)]
pub enum RunJournal {
    /// In this host's state directory alone.
    Local(SledJournal),
    /// In a shared store, with a copy in the state directory.
    Shared(Box<MirroredJournal>),
}

/// A journal in a shared store, and its copy here.
#[derive(Debug)]
pub struct MirroredJournal {
    shared: SharedJournal,
    local: SledJournal,
    life: Life,
    aside: AsideFile,
    /// After how long without an answer of the store what is decided is kept aside.
    patience: Duration,
}

/// What says that this driver lives, until it lets the run go.
#[derive(Debug)]
pub struct Life {
    store: SharedStore,
    note: Arc<Mutex<DriverNote>>,
    head: Arc<AtomicU64>,
    clock: Arc<dyn Now>,
    files: Arc<tokio::sync::Mutex<BesideFiles>>,
    beating: JoinSet<()>,
}

/// The log is put beside the journal with every so many heartbeats.
const LOG_EVERY: u32 = 10;

/// The host's time, for notes that other hosts read.
pub(super) trait Now: Send + Sync + std::fmt::Debug {
    fn now(&self) -> Timestamp;
}

/// A clock as such a time.
pub(super) struct HostTime(pub(super) Arc<dyn Clock>);

impl std::fmt::Debug for HostTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HostTime")
    }
}

impl Now for HostTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Life {
    /// Writes the first note, and goes on writing.
    pub(super) async fn begin(
        store: SharedStore,
        note: DriverNote,
        files: BesideFiles,
        clock: Arc<dyn Now>,
    ) -> Result<Self, StoreError> {
        drivers::write(&store, &note).await?;
        let head = Arc::new(AtomicU64::new(note.head.0));
        let note = Arc::new(Mutex::new(note));
        let files = Arc::new(tokio::sync::Mutex::new(files));
        let mut beating = JoinSet::new();
        let (to, told, at, now) =
            (store.clone(), Arc::clone(&note), Arc::clone(&head), Arc::clone(&clock));
        let beside = Arc::clone(&files);
        beating.spawn(async move {
            for beat in 1_u32.. {
                #[expect(clippy::disallowed_methods, reason = "others count this host's silence by their time")]
                tokio::time::sleep(HEARTBEAT_EVERY).await;
                let how = if beat.is_multiple_of(LOG_EVERY) { PutHow::WithLog } else { PutHow::Small };
                let mut note = current(&told, &at, now.now());
                let mut said = tell(&to, &mut note, &beside).await;
                if said.is_ok() && put_beside(&to, &beside, how).await {
                    said = tell(&to, &mut note, &beside).await;
                }
                if let Err(error) = said {
                    tracing::warn!(%error, "the shared store did not take the word that this driver lives");
                }
            }
        });
        Ok(Self { store, note, head, clock, files, beating })
    }

    /// Says of a run that was there what its journal says.
    pub(super) async fn take_up(&mut self, recorded: &[Recorded]) -> Result<(), StoreError> {
        if recorded.is_empty() {
            return Ok(());
        }
        self.saw(recorded);
        let mut note = current(&self.note, &self.head, self.clock.now());
        tell(&self.store, &mut note, &self.files).await
    }

    fn inbox(&self) -> Inbox {
        let note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.inbox(&note.run)
    }

    /// Takes in what became durable: the next word says it.
    pub fn saw(&self, recorded: &[Recorded]) {
        let Some(last) = recorded.last() else { return };
        self.head.store(last.seq.0, Ordering::SeqCst);
        let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        note.take_in(recorded);
    }

    /// Says that the run was let go, and says no more.
    pub async fn end(mut self) {
        self.beating.abort_all();
        put_beside(&self.store, &self.files, PutHow::WithLog).await;
        let mut note = current(&self.note, &self.head, self.clock.now());
        note.drives = false;
        if let Err(error) = tell(&self.store, &mut note, &self.files).await {
            tracing::warn!(%error, "the shared store did not take the word that this driver let the run go");
        }
    }
}

/// Writes a note with what lies beside the journal and what was asked for so far.
async fn tell(
    store: &SharedStore,
    note: &mut DriverNote,
    files: &tokio::sync::Mutex<BesideFiles>,
) -> Result<(), StoreError> {
    note.beside = files.lock().await.digests();
    note.cost = store.cost();
    drivers::write(store, note).await
}

/// Puts files beside the journal, and says whether there were new ones. They are no part of the promise: a store that
/// does not take them is told of, and no more.
async fn put_beside(
    store: &SharedStore,
    files: &tokio::sync::Mutex<BesideFiles>,
    how: PutHow,
) -> bool {
    match files.lock().await.put(store, how).await {
        Ok(changed) => changed,
        Err(error) => {
            tracing::warn!(%error, "the shared store did not take the files beside the journal");
            false
        }
    }
}

/// What a process still writes beside a run after it has let it go: how a drill's world ended, whom messages
/// reached, the end of the log.
#[derive(Debug)]
pub struct LastFiles {
    store: SharedStore,
    note: Arc<Mutex<DriverNote>>,
    head: Arc<AtomicU64>,
    clock: Arc<dyn Now>,
    files: Arc<tokio::sync::Mutex<BesideFiles>>,
}

impl LastFiles {
    /// Puts them beside the journal, once nothing more is written.
    pub async fn put(self) {
        let mut note = current(&self.note, &self.head, self.clock.now());
        // Who drives it by now has files of its own.
        let newest = self.store.driver(&note.run).await.ok().flatten();
        if newest.is_none_or(|newest| newest.epoch != note.epoch || newest.kept_in.is_some()) {
            return;
        }
        put_beside(&self.store, &self.files, PutHow::All).await;
        note.drives = false;
        if let Err(error) = tell(&self.store, &mut note, &self.files).await {
            tracing::warn!(%error, "the shared store did not take the last files of the run");
        }
    }
}

fn current(note: &Mutex<DriverNote>, head: &AtomicU64, now: Timestamp) -> DriverNote {
    let mut note = note.lock().unwrap_or_else(PoisonError::into_inner);
    note.at = now;
    note.head = Seq(head.load(Ordering::SeqCst));
    note.clone()
}

impl MirroredJournal {
    pub(super) fn new(
        shared: SharedJournal,
        local: SledJournal,
        life: Life,
        (aside, patience): (AsideFile, Duration),
    ) -> Self {
        Self { shared, local, life, aside, patience }
    }

    /// Appends where all hosts find it; where that takes long or fails, what is decided lies aside until it
    /// does not.
    async fn append_there(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<(Vec<Recorded>, Vec<ChainLink>), JournalError> {
        self.aside.begin(lease.epoch(), self.shared.head().await, at, &events);
        let appending = self.shared.append_linked(lease, head, at, events);
        tokio::pin!(appending);
        #[expect(clippy::disallowed_methods, reason = "a store is waited for by the host's time")]
        let quick = tokio::time::timeout(self.patience, &mut appending).await;
        let appended = match quick {
            Ok(appended) => appended,
            Err(_) => {
                self.aside.write();
                appending.await
            }
        };
        match &appended {
            Ok((_, links)) => {
                if let Some(last) = links.last() {
                    self.aside.done(last.head);
                }
            }
            Err(JournalError::Fenced { .. } | JournalError::Store(_)) => self.aside.write(),
            // Refused as it is: there is nothing to be put there later.
            Err(_) => {}
        }
        appended
    }

    /// Lets both go, and says so to the other hosts.
    async fn close(self) -> Result<(), StoreError> {
        let Self { shared, local, life, .. } = self;
        let copied = local.close().await;
        let closed = shared.close().await;
        match closed {
            // Shut out: there is nothing to let go.
            Err(JournalError::Fenced { .. }) => return copied,
            Err(error) => {
                tracing::warn!(%error, "the shared store was not let go in order; nothing is lost")
            }
            Ok(()) => {}
        }
        life.end().await;
        copied
    }
}

impl RunJournal {
    /// The letters of other hosts to this run, where they reach it.
    #[must_use]
    pub fn inbox(&self) -> Option<Inbox> {
        match self {
            Self::Local(_) => None,
            Self::Shared(journal) => Some(journal.life.inbox()),
        }
    }

    /// What is to be put beside the journal when this process has written everything; none where other hosts do
    /// not look.
    #[must_use]
    pub fn last_files(&self) -> Option<LastFiles> {
        let Self::Shared(journal) = self else { return None };
        let life = &journal.life;
        Some(LastFiles {
            store: life.store.clone(),
            note: Arc::clone(&life.note),
            head: Arc::clone(&life.head),
            clock: Arc::clone(&life.clock),
            files: Arc::clone(&life.files),
        })
    }

    /// Lets the run go in order.
    ///
    /// # Errors
    /// The export or the mark of a clean end could not be written. What was acknowledged is durable.
    pub async fn close(self) -> Result<(), StoreError> {
        match self {
            Self::Local(journal) => journal.close().await,
            Self::Shared(journal) => journal.close().await,
        }
    }
}

#[async_trait]
impl Journal for RunJournal {
    async fn append(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<Vec<Recorded>, JournalError> {
        match self {
            Self::Local(journal) => journal.append(lease, head, at, events).await,
            Self::Shared(journal) => journal.append(lease, head, at, events).await,
        }
    }

    async fn load(&self) -> Result<Vec<Recorded>, JournalError> {
        match self {
            Self::Local(journal) => journal.load().await,
            Self::Shared(journal) => journal.load().await,
        }
    }

    fn aside(&self) -> Option<&dyn Aside> {
        match self {
            Self::Local(_) => None,
            Self::Shared(journal) => journal.aside(),
        }
    }
}

#[async_trait]
impl Journal for MirroredJournal {
    async fn append(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<Vec<Recorded>, JournalError> {
        let (recorded, links) = self.append_there(lease, head, at, events).await?;
        self.local.copy(links).await?;
        self.life.saw(&recorded);
        Ok(recorded)
    }

    async fn load(&self) -> Result<Vec<Recorded>, JournalError> {
        self.shared.load().await
    }

    fn aside(&self) -> Option<&dyn Aside> {
        Some(&self.aside)
    }
}
