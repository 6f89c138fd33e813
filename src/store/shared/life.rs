//! How do other hosts learn that a driver lives, how far it came, and what lies beside its journal? By its note, which is
//! written again and again until it lets the run go.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use super::beside::{BesideFiles, PutHow};
use super::drivers::{self, DriverNote, HEARTBEAT_EVERY};
use super::inbox::Inbox;
use super::objects::SharedStore;
use crate::engine::{Clock, Recorded};
use crate::model::{Seq, Timestamp};
use crate::store::StoreError;

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

/// A driver's note, the files beside its journal, and the store that both are written to.
#[derive(Debug, Clone)]
struct Words {
    store: SharedStore,
    note: Arc<Mutex<DriverNote>>,
    head: Arc<AtomicU64>,
    clock: Arc<dyn Now>,
    files: Arc<tokio::sync::Mutex<BesideFiles>>,
}

impl Words {
    /// The note as of now.
    fn current(&self) -> DriverNote {
        let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        note.at = self.clock.now();
        note.head = Seq(self.head.load(Ordering::SeqCst));
        note.clone()
    }

    /// Writes a note with what lies beside the journal and what was asked for so far.
    async fn tell(&self, note: &mut DriverNote) -> Result<(), StoreError> {
        note.beside = self.files.lock().await.digests();
        note.cost = self.store.cost();
        drivers::write(&self.store, note).await
    }

    /// Puts files beside the journal, and says whether there were new ones. They are no part of the promise: a store
    /// that does not take them is told of, and no more.
    async fn put_beside(&self, how: PutHow) -> bool {
        match self.files.lock().await.put(&self.store, how).await {
            Ok(changed) => changed,
            Err(error) => {
                tracing::warn!(%error, "the shared store did not take the files beside the journal");
                false
            }
        }
    }

    /// Says that this driver lives, and puts beside the journal what changed.
    async fn beat(&self, how: PutHow) -> Result<(), StoreError> {
        let mut note = self.current();
        self.tell(&mut note).await?;
        if self.put_beside(how).await { self.tell(&mut note).await } else { Ok(()) }
    }
}

/// What says that this driver lives, until it lets the run go.
#[derive(Debug)]
pub struct Life {
    words: Words,
    beating: JoinSet<()>,
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
        let words = Words {
            store,
            head: Arc::new(AtomicU64::new(note.head.0)),
            note: Arc::new(Mutex::new(note)),
            clock,
            files: Arc::new(tokio::sync::Mutex::new(files)),
        };
        let (mut beating, told) = (JoinSet::new(), words.clone());
        beating.spawn(async move {
            for beat in 1_u32.. {
                #[expect(clippy::disallowed_methods, reason = "others count this host's silence by their time")]
                tokio::time::sleep(HEARTBEAT_EVERY).await;
                let how = if beat.is_multiple_of(LOG_EVERY) { PutHow::WithLog } else { PutHow::Small };
                if let Err(error) = told.beat(how).await {
                    tracing::warn!(%error, "the shared store did not take the word that this driver lives");
                }
            }
        });
        Ok(Self { words, beating })
    }

    /// Says of a run that was there what its journal says.
    pub(super) async fn take_up(&mut self, recorded: &[Recorded]) -> Result<(), StoreError> {
        if recorded.is_empty() {
            return Ok(());
        }
        self.saw(recorded);
        let mut note = self.words.current();
        self.words.tell(&mut note).await
    }

    pub(super) fn inbox(&self) -> Inbox {
        let note = self.words.note.lock().unwrap_or_else(PoisonError::into_inner);
        self.words.store.inbox(&note.run)
    }

    pub(super) fn last_files(&self) -> LastFiles {
        LastFiles(self.words.clone())
    }

    /// Takes in what became durable: the next word says it.
    pub fn saw(&self, recorded: &[Recorded]) {
        let Some(last) = recorded.last() else { return };
        self.words.head.store(last.seq.0, Ordering::SeqCst);
        let mut note = self.words.note.lock().unwrap_or_else(PoisonError::into_inner);
        note.take_in(recorded);
    }

    /// Says that the run was let go, and says no more.
    pub async fn end(mut self) {
        self.beating.abort_all();
        self.words.put_beside(PutHow::WithLog).await;
        let mut note = self.words.current();
        note.drives = false;
        if let Err(error) = self.words.tell(&mut note).await {
            tracing::warn!(%error, "the shared store did not take the word that this driver let the run go");
        }
    }
}

/// What a process still writes beside a run after it has let it go: how a drill's world ended, whom messages
/// reached, the end of the log.
#[derive(Debug)]
pub struct LastFiles(Words);

impl LastFiles {
    /// Puts them beside the journal, once nothing more is written.
    pub async fn put(self) {
        let Self(words) = self;
        let mut note = words.current();
        // Who drives it by now has files of its own.
        let newest = words.store.driver(&note.run).await.ok().flatten();
        if newest.is_none_or(|newest| newest.epoch != note.epoch || newest.kept_in.is_some()) {
            return;
        }
        words.put_beside(PutHow::All).await;
        note.drives = false;
        if let Err(error) = words.tell(&mut note).await {
            tracing::warn!(%error, "the shared store did not take the last files of the run");
        }
    }
}
