//! Which journal does a run that this process drives have? Its own, or one in a shared store with a copy here.
//!
//! The shared one is written first: an event that only this host has would be lost with it. The copy follows
//! link for link, so that every view of this host reads what it always read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::drivers::{self, DriverNote, HEARTBEAT_EVERY};
use super::inbox::Inbox;
use super::journal::SharedJournal;
use super::objects::SharedStore;
use crate::engine::{Clock, Event, Journal, JournalError, Lease, Recorded};
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
}

/// What says that this driver lives, until it lets the run go.
#[derive(Debug)]
pub struct Life {
    store: SharedStore,
    note: Arc<Mutex<DriverNote>>,
    head: Arc<AtomicU64>,
    clock: Arc<dyn Now>,
    beating: JoinSet<()>,
}

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
        clock: Arc<dyn Now>,
    ) -> Result<Self, StoreError> {
        drivers::write(&store, &note).await?;
        let head = Arc::new(AtomicU64::new(note.head.0));
        let note = Arc::new(Mutex::new(note));
        let mut beating = JoinSet::new();
        let (to, told, at, now) =
            (store.clone(), Arc::clone(&note), Arc::clone(&head), Arc::clone(&clock));
        beating.spawn(async move {
            loop {
                #[expect(clippy::disallowed_methods, reason = "others count this host's silence by their time")]
                tokio::time::sleep(HEARTBEAT_EVERY).await;
                let note = current(&told, &at, now.now());
                if let Err(error) = drivers::write(&to, &note).await {
                    tracing::warn!(%error, "the shared store did not take the word that this driver lives");
                }
            }
        });
        Ok(Self { store, note, head, clock, beating })
    }

    /// Says of a run that was there what its journal says.
    pub(super) async fn take_up(&mut self, recorded: &[Recorded]) -> Result<(), StoreError> {
        if recorded.is_empty() {
            return Ok(());
        }
        self.saw(recorded);
        let note = current(&self.note, &self.head, self.clock.now());
        drivers::write(&self.store, &note).await
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
        for Recorded { event, .. } in recorded {
            match event {
                Event::RunOpened { plan, .. } => {
                    note.runbook = Some(plan.parts().runbook.to_string());
                }
                Event::RunEnded { outcome } => note.outcome = Some(outcome.to_string()),
                // Whatever else happens to an ended run, it goes on.
                _ => {}
            }
        }
    }

    /// Says that the run was let go, and says no more.
    pub async fn end(mut self) {
        self.beating.abort_all();
        let mut note = current(&self.note, &self.head, self.clock.now());
        note.drives = false;
        if let Err(error) = drivers::write(&self.store, &note).await {
            tracing::warn!(%error, "the shared store did not take the word that this driver let the run go");
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
    pub(super) fn new(shared: SharedJournal, local: SledJournal, life: Life) -> Self {
        Self { shared, local, life }
    }

    /// Lets both go, and says so to the other hosts.
    async fn close(self) -> Result<(), StoreError> {
        let Self { shared, local, life } = self;
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
        let (recorded, links) = self.shared.append_linked(lease, head, at, events).await?;
        self.local.copy(links).await?;
        self.life.saw(&recorded);
        Ok(recorded)
    }

    async fn load(&self) -> Result<Vec<Recorded>, JournalError> {
        self.shared.load().await
    }
}
