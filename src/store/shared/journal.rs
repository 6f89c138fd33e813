//! How does an event become durable for all hosts? One batch, one object of the log, one answer.
//!
//! SlateDB writes each flush as a new object that must not exist yet. Whoever opens the database next writes
//! an object of its own at that place first: the elder's next flush finds it and is refused, however late it
//! comes. A failure whose outcome is unknown breaks the journal until the run is opened again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use object_store::ObjectStore;
use object_store::path::Path;
use slatedb::config::{DbReaderOptions, FlushOptions, FlushType, Settings};
use slatedb::{CloseReason, Db, DbReader, DbReaderMode, ErrorKind, WriteBatch};
use tokio::sync::Mutex;

use super::super::journal::REOPEN;
use super::super::schema::{self, ChainLink, FORMAT, Head, chain, genesis};
use super::objects::TOLD_AFTER;
use super::steady::SteadyClock;
use crate::engine::{Event, Journal, JournalError, Lease, Recorded};
use crate::model::limits::EVENTS_MAX;
use crate::model::{Epoch, RunId, Seq, Timestamp};

const KEY_FORMAT: &[u8] = b"format";
const KEY_RUN: &[u8] = b"run";
const EVENT: &[u8] = b"event/";

/// The manifest is only read to see the state of a database that one writer has: the fence does not depend
/// on it, and requests are paid for.
const MANIFEST_EVERY: Duration = Duration::from_secs(300);

/// A journal of a few hundred events: no compaction, no collection, no wait before a flush.
fn settings() -> Settings {
    Settings {
        flush_interval: None,
        manifest_poll_interval: MANIFEST_EVERY,
        compactor_options: None,
        garbage_collector_options: None,
        ..Settings::default()
    }
}

/// The journal of one run in a shared store, open for whoever drives it.
pub struct SharedJournal {
    run: RunId,
    db: Db,
    epoch: Epoch,
    end: Mutex<End>,
}

impl std::fmt::Debug for SharedJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedJournal")
            .field("run", &self.run)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

struct End {
    head: Head,
    broken: bool,
}

impl SharedJournal {
    /// Opens the journal of a run for driving it: whoever had it open is shut out from here on.
    ///
    /// # Errors
    /// The store does not answer, or what it holds is another run's or a later version's.
    pub async fn open(
        objects: Arc<dyn ObjectStore>,
        path: Path,
        run: &RunId,
    ) -> Result<Self, JournalError> {
        Self::open_by(objects, path, run, None).await
    }

    /// Opens it so, with what names are made of: two openings by the same would take the other's writes for
    /// their own.
    pub(super) async fn open_by(
        objects: Arc<dyn ObjectStore>,
        path: Path,
        run: &RunId,
        chance: Option<[u8; 16]>,
    ) -> Result<Self, JournalError> {
        is_whole(objects.as_ref(), &path).await?;
        let mut builder = Db::builder(path, objects)
            .with_settings(settings())
            .with_system_clock(Arc::new(SteadyClock))
            .with_db_cache_disabled();
        if let Some(chance) = chance {
            builder = builder.with_seed(seed(chance));
        }
        let opened = builder.build().await;
        let db = opened.map_err(|error| failed(&error, Epoch(0)))?;
        let epoch = Epoch(db.manifest().writer_epoch());
        let journal = Self {
            run: run.clone(),
            db,
            epoch,
            end: Mutex::new(End { head: genesis(run), broken: false }),
        };
        journal.name_itself().await?;
        let links = journal.links().await?;
        if let Some(last) = links.last() {
            journal.end.lock().await.head = last.head;
        }
        Ok(journal)
    }

    /// The right to append that came with the opening.
    #[must_use]
    pub fn lease(&self) -> Lease {
        Lease::acquired(self.run.clone(), self.epoch)
    }

    /// The end of what is durable, as far as this driver knows.
    pub(super) async fn head(&self) -> Head {
        self.end.lock().await.head
    }

    /// Says whose journal it is, or checks that it is this run's.
    async fn name_itself(&self) -> Result<(), JournalError> {
        let fail = |error: slatedb::Error| failed(&error, self.epoch);
        let (format, run) = (
            self.db.get(KEY_FORMAT).await.map_err(fail)?,
            self.db.get(KEY_RUN).await.map_err(fail)?,
        );
        let (Some(format), Some(run)) = (format, run) else {
            let mut batch = WriteBatch::new();
            batch.put(KEY_FORMAT, FORMAT.to_be_bytes());
            batch.put(KEY_RUN, self.run.as_str());
            return self.write(batch).await;
        };
        check(&format, &run, &self.run)
    }

    /// All events with their places in the chain, checked from the first on.
    ///
    /// # Errors
    /// The store does not answer, or the chain is broken.
    pub(in crate::store) async fn links(&self) -> Result<Vec<ChainLink>, JournalError> {
        let fail = |error: slatedb::Error| failed(&error, self.epoch);
        let mut entries = self.db.scan_prefix(EVENT, ..).await.map_err(fail)?;
        let mut found = ReadChain::of(&self.run);
        while let Some(entry) = entries.next().await.map_err(fail)? {
            found.take(&entry.key, &entry.value)?;
        }
        Ok(found.links)
    }

    /// Writes links of this run's chain that the store has lost, after what it has.
    pub(in crate::store) async fn put_back(&self, links: &[ChainLink]) -> Result<(), JournalError> {
        if links.is_empty() {
            return Ok(());
        }
        let mut end = self.end.lock().await;
        let mut batch = WriteBatch::new();
        for link in links {
            let next = chain(end.head, &link.bytes);
            if next != link.head {
                let why = "it does not follow what the shared store has".to_owned();
                return Err(JournalError::Unreadable { seq: link.head.seq, why });
            }
            put(&mut batch, link);
            end.head = next;
        }
        let written = self.write(batch).await;
        end.broken |= written.is_err();
        written
    }

    /// An append that also gives the links that it made.
    pub(in crate::store) async fn append_linked(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<(Vec<Recorded>, Vec<ChainLink>), JournalError> {
        let mut end = self.end.lock().await;
        if end.broken {
            return Err(JournalError::Store(REOPEN.to_owned()));
        }
        if *lease.run() != self.run || lease.epoch() != self.epoch {
            return Err(JournalError::Fenced { ours: lease.epoch(), current: self.epoch });
        }
        if end.head.seq != head {
            return Err(JournalError::Conflict { expected: head, actual: end.head.seq });
        }
        let count = head.0.saturating_add(events.len() as u64);
        if count > EVENTS_MAX {
            return Err(JournalError::Full(count));
        }
        let recorded = schema::record(head, self.epoch, at, events);
        let mut batch = WriteBatch::new();
        let (mut next, mut links) = (end.head, Vec::new());
        for bytes in schema::encode_all(&recorded)? {
            next = chain(next, &bytes);
            let link = ChainLink { head: next, bytes };
            put(&mut batch, &link);
            links.push(link);
        }
        // Until it is known to be durable it may be there or not.
        end.broken = true;
        self.write(batch).await?;
        *end = End { head: next, broken: false };
        Ok((recorded, links))
    }

    /// Writes a batch and waits until it is durable; tells where that takes long.
    async fn write(&self, batch: WriteBatch) -> Result<(), JournalError> {
        let fail = |error: slatedb::Error| failed(&error, self.epoch);
        let writing = async {
            self.db.write(batch).await.map_err(fail)?;
            let options = FlushOptions { flush_type: FlushType::Wal };
            self.db.flush_with_options(options).await.map_err(fail)
        };
        tokio::pin!(writing);
        loop {
            #[expect(
                clippy::disallowed_methods,
                reason = "a store is waited for by the host's time"
            )]
            let waited = tokio::time::timeout(TOLD_AFTER, &mut writing).await;
            match waited {
                Ok(written) => return written,
                Err(_) => tracing::warn!(
                    run = %self.run,
                    "the shared store does not answer; nothing new is begun until it does, and what Azure \
                     answers meanwhile is kept on this host"
                ),
            }
        }
    }

    /// Whether nobody has opened the run since: a write that changes nothing is refused where somebody has.
    ///
    /// # Errors
    /// Somebody has, or the store does not answer.
    pub(in crate::store) async fn is_still_ours(&self) -> Result<(), JournalError> {
        let mut batch = WriteBatch::new();
        batch.put(KEY_RUN, self.run.as_str());
        self.write(batch).await
    }

    /// Lets the database go.
    ///
    /// # Errors
    /// It was shut out, or does not answer. What was acknowledged is durable all the same.
    pub async fn close(&self) -> Result<(), JournalError> {
        self.db.close().await.map_err(|error| failed(&error, self.epoch))
    }
}

#[async_trait]
impl Journal for SharedJournal {
    async fn append(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<Vec<Recorded>, JournalError> {
        Ok(self.append_linked(lease, head, at, events).await?.0)
    }

    async fn load(&self) -> Result<Vec<Recorded>, JournalError> {
        if self.end.lock().await.broken {
            return Err(JournalError::Store(REOPEN.to_owned()));
        }
        self.links().await?.iter().map(|link| schema::decode(link.head.seq, &link.bytes)).collect()
    }
}

/// Reads the journal of a run that somebody else may drive: writes nothing, shuts nobody out.
pub(super) async fn read(
    objects: Arc<dyn ObjectStore>,
    path: Path,
    run: &RunId,
    chance: Option<[u8; 16]>,
) -> Result<Vec<ChainLink>, JournalError> {
    let fail = |error: slatedb::Error| failed(&error, Epoch(0));
    // It is let go at once; until then it need not look again.
    let options =
        DbReaderOptions { manifest_poll_interval: MANIFEST_EVERY, ..DbReaderOptions::default() };
    is_whole(objects.as_ref(), &path).await?;
    let mut reader = DbReader::builder(path, objects)
        .with_reader_mode(DbReaderMode::FollowLatest)
        .with_options(options)
        .with_db_cache_disabled()
        .with_system_clock(Arc::new(SteadyClock));
    if let Some(chance) = chance {
        reader = reader.with_seed(seed(chance));
    }
    let reader = reader.build().await.map_err(fail)?;
    let (format, name) =
        (reader.get(KEY_FORMAT).await.map_err(fail)?, reader.get(KEY_RUN).await.map_err(fail)?);
    let mut found = ReadChain::of(run);
    if let (Some(format), Some(name)) = (format, name) {
        check(&format, &name, run)?;
        let mut entries = reader.scan_prefix(EVENT, ..).await.map_err(fail)?;
        while let Some(entry) = entries.next().await.map_err(fail)? {
            found.take(&entry.key, &entry.value)?;
        }
    }
    reader.close().await.map_err(fail)?;
    Ok(found.links)
}

fn seed([a, b, c, d, e, f, g, h, ..]: [u8; 16]) -> u64 {
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

fn check(format: &[u8], name: &[u8], run: &RunId) -> Result<(), JournalError> {
    let format = format.try_into().map(u32::from_be_bytes);
    match format {
        Ok(format) if format <= FORMAT && name == run.as_str().as_bytes() => Ok(()),
        Ok(format) if format > FORMAT => Err(JournalError::Store(format!(
            "the shared store has format {format}; this program knows format {FORMAT}"
        ))),
        _ => {
            Err(JournalError::Store("the shared store holds another run at this place".to_owned()))
        }
    }
}

fn put(batch: &mut WriteBatch, link: &ChainLink) {
    let key = [EVENT, &link.head.seq.0.to_be_bytes()[..]].concat();
    let value = [&link.head.hash.0[..], &link.bytes].concat();
    batch.put(key, value);
}

/// Events as they are read, each checked against the chain so far.
struct ReadChain {
    at: Head,
    links: Vec<ChainLink>,
}

impl ReadChain {
    fn of(run: &RunId) -> Self {
        Self { at: genesis(run), links: Vec::new() }
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
        let seq = self.at.seq.next();
        let broken = |why: &str| JournalError::Unreadable { seq, why: why.to_owned() };
        if key.strip_prefix(EVENT) != Some(&seq.0.to_be_bytes()[..]) {
            return Err(broken("it is missing"));
        }
        let (hash, bytes) = value.split_at_checked(32).ok_or_else(|| broken("it is too short"))?;
        self.at = chain(self.at, bytes);
        if self.at.hash.0 != *hash {
            return Err(broken("its hash does not fit the chain"));
        }
        self.links.push(ChainLink { head: self.at, bytes: bytes.to_vec() });
        Ok(())
    }
}

/// What the engine is told: shut out is one thing, everything else leaves it unknown what is durable.
fn failed(error: &slatedb::Error, ours: Epoch) -> JournalError {
    if error.kind() == ErrorKind::Closed(CloseReason::Fenced) {
        // Whoever came after has the next epoch at least.
        return JournalError::Fenced { ours, current: Epoch(ours.0 + 1) };
    }
    let mut why = format!("the shared store: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let told = inner.to_string();
        if !why.contains(&told) {
            why.push_str(&format!(": {told}"));
        }
        cause = inner.source();
    }
    JournalError::Store(why)
}

/// Whether the database's log is whole: its objects have numbers, and collection cuts only from the start. One
/// that is missing in between (a secondary that got a later one first) would end the history there, and nobody
/// would know.
async fn is_whole(objects: &dyn ObjectStore, path: &Path) -> Result<(), JournalError> {
    let folder = path.clone().join("wal");
    let listed: Vec<object_store::ObjectMeta> = objects
        .list(Some(&folder))
        .try_collect()
        .await
        .map_err(|error| JournalError::Store(format!("the shared store: {error}")))?;
    let number = |meta: &object_store::ObjectMeta| {
        meta.location.filename()?.strip_suffix(".sst")?.parse::<u64>().ok()
    };
    let mut numbers: Vec<u64> = listed.iter().filter_map(number).collect();
    numbers.sort_unstable();
    for (one, next) in numbers.iter().zip(numbers.iter().skip(1)) {
        if one + 1 != *next {
            return Err(JournalError::Store(format!(
                "object {} of the log in {folder} is missing, and there are later ones up to {}: what the store \
                 has is not one history",
                one + 1,
                numbers.last().unwrap_or(next)
            )));
        }
    }
    Ok(())
}
