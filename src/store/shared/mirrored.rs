//! Which journal does a run that this process drives have? Its own, or one in a shared store with a copy here.
//!
//! The shared one is written first: an event that only this host has would be lost with it. The copy follows
//! link for link, so that every view of this host reads what it always read.

use std::time::Duration;

use async_trait::async_trait;

use super::super::schema::ChainLink;
use super::SharedJournal;
use super::aside::AsideFile;
use super::inbox::Inbox;
use super::life::{LastFiles, Life};
use crate::engine::{Aside, Event, Journal, JournalError, Lease, Recorded};
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
            Err(JournalError::Fenced { .. } | JournalError::Store(_)) => {
                self.aside.write();
                self.aside.settled().await;
            }
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
        Some(journal.life.last_files())
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
