//! What if nothing had to survive? A journal in memory, for drills and tests, with the same rules.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::engine::{Event, Journal, JournalError, Lease, Recorded};
use crate::model::limits::EVENTS_MAX;
use crate::model::{Epoch, RunId, Seq, Timestamp};

/// Where in an append the test facility cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailAt {
    /// Nothing was written, and the caller gets an error.
    Before,
    /// Everything was written, and the caller gets an error all the same.
    After,
}

/// A journal in memory. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryJournal {
    shared: Arc<Mutex<MemoryStore>>,
}

#[derive(Debug)]
struct MemoryStore {
    run: RunId,
    epoch: Epoch,
    events: Vec<Recorded>,
    appends: u64,
    fail: Option<(u64, FailAt)>,
    broken: bool,
}

impl MemoryJournal {
    /// An empty journal of a run.
    #[must_use]
    pub fn new(run: RunId) -> Self {
        Self::holding(run, Vec::new())
    }

    /// A journal that holds these events already, as after a crash.
    #[must_use]
    pub fn holding(run: RunId, events: Vec<Recorded>) -> Self {
        let epoch = events.last().map_or(Epoch(0), |last| last.epoch);
        let shared = MemoryStore { run, epoch, events, appends: 0, fail: None, broken: false };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// Opens the journal: the leases before this one are stale from now on, and a journal that
    /// failed works again.
    #[must_use]
    pub fn acquire(&self) -> Lease {
        let mut shared = self.lock();
        shared.epoch = Epoch(shared.epoch.0 + 1);
        shared.broken = false;
        Lease::acquired(shared.run.clone(), shared.epoch)
    }

    /// For tests: lets the `n`th append from now (from 1) fail, before or after it took effect.
    /// As with a database, every later call fails until the journal is acquired again.
    pub fn fail_at(&self, n: u64, place: FailAt) {
        let mut shared = self.lock();
        shared.fail = Some((shared.appends + n, place));
    }

    /// What is in it.
    #[must_use]
    pub fn events(&self) -> Vec<Recorded> {
        self.lock().events.clone()
    }

    /// What is in it, when it is over: without a copy, where nobody else has it any more.
    #[must_use]
    pub fn into_events(self) -> Vec<Recorded> {
        match Arc::try_unwrap(self.shared) {
            Ok(shared) => shared.into_inner().unwrap_or_else(PoisonError::into_inner).events,
            Err(shared) => shared.lock().unwrap_or_else(PoisonError::into_inner).events.clone(),
        }
    }

    /// Looks at what is in it, without a copy.
    pub fn look<T>(&self, look: impl FnOnce(&[Recorded]) -> T) -> T {
        look(&self.lock().events)
    }

    fn lock(&self) -> MutexGuard<'_, MemoryStore> {
        // Nothing panics while it is held; and if it did, the events are still whole.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<Vec<Recorded>, JournalError> {
        let mut shared = self.lock();
        if shared.broken {
            return Err(JournalError::Store(super::journal::REOPEN.to_owned()));
        }
        shared.appends += 1;
        let fail = shared.fail.filter(|(n, _)| *n == shared.appends).map(|(_, place)| place);
        let failed = || JournalError::Store("the disk failed, as the test asked".to_owned());
        if fail == Some(FailAt::Before) {
            shared.broken = true;
            return Err(failed());
        }
        if *lease.run() != shared.run || lease.epoch() != shared.epoch {
            return Err(JournalError::Fenced { ours: lease.epoch(), current: shared.epoch });
        }
        let actual = shared.events.last().map_or(Seq(0), |last| last.seq);
        if actual != head {
            return Err(JournalError::Conflict { expected: head, actual });
        }
        if head.0 + events.len() as u64 > EVENTS_MAX {
            return Err(JournalError::Full(head.0 + events.len() as u64));
        }
        let recorded = super::schema::record(head, lease.epoch(), at, events);
        // Nothing here is ever read from bytes; tests see all the same that it could be.
        if cfg!(debug_assertions) {
            super::schema::encode_all(&recorded)?;
        }
        shared.events.extend(recorded.iter().cloned());
        if fail == Some(FailAt::After) {
            shared.broken = true;
            return Err(failed());
        }
        Ok(recorded)
    }

    async fn load(&self) -> Result<Vec<Recorded>, JournalError> {
        let shared = self.lock();
        if shared.broken {
            return Err(JournalError::Store(super::journal::REOPEN.to_owned()));
        }
        Ok(shared.events.clone())
    }
}
