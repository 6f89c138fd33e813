//! What do the bytes mean? The stored form of a journal, its hash chain, and the two sled trees.
//!
//! Events are bytes under a big-endian place, with the hash of those bytes and of the hash before
//! (D7) in front of them: a later version verifies what an earlier one wrote without reading it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sled::transaction::{ConflictableTransactionError, TransactionError, Transactional};

use super::anchor::Mark;
use super::error::StoreError;
use crate::engine::{Event, JournalError, Recorded};
use crate::model::{Epoch, RunId, Seq, Timestamp};

/// The format of everything below a run's directory. Refuse larger ones; read smaller ones.
pub(super) const FORMAT: u32 = 1;

const KEY_FORMAT: &[u8] = b"format";
const KEY_RUN: &[u8] = b"run";
const KEY_EPOCH: &[u8] = b"epoch";
const KEY_HEAD: &[u8] = b"head";

/// A store is a few megabytes; sled's default of 1 GB suits a server.
const CACHE_BYTES: u64 = 16 << 20;
/// sled lets its lock go a moment after the last handle; we hold our own lock while waiting.
const REOPEN_TRIES: u32 = 200;
const REOPEN_WAIT: Duration = Duration::from_millis(10);

/// A link of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash(pub(super) [u8; 32]);

impl Hash {
    pub(super) fn hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|h| Self(*h.as_bytes()))
    }
}

/// The end of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: Seq,
    pub(super) hash: Hash,
}

/// Where the chain of a run begins: no journal can be taken for another run's.
pub(super) fn genesis(run: &RunId) -> Head {
    let mut hasher = blake3::Hasher::new_derive_key("backroad journal genesis v1");
    hasher.update(run.as_str().as_bytes());
    Head { seq: Seq(0), hash: Hash(*hasher.finalize().as_bytes()) }
}

/// The head after one more event.
pub(super) fn chain(prev: Head, bytes: &[u8]) -> Head {
    let mut hasher = blake3::Hasher::new_derive_key("backroad journal event v1");
    hasher.update(&prev.hash.0);
    hasher.update(bytes);
    Head { seq: prev.seq.next(), hash: Hash(*hasher.finalize().as_bytes()) }
}

/// Gives events their places.
pub(super) fn record(head: Seq, epoch: Epoch, at: Timestamp, events: Vec<Event>) -> Vec<Recorded> {
    let mut seq = head;
    let place = |event| {
        seq = seq.next();
        Recorded { seq, at, epoch, event }
    };
    events.into_iter().map(place).collect()
}

/// The stored form. The event has a field of its own, so that none of its names can meet ours.
#[derive(Serialize)]
struct StoredOut<'a> {
    v: u32,
    seq: Seq,
    at: Timestamp,
    epoch: Epoch,
    event: &'a Event,
}

#[derive(Deserialize)]
struct StoredIn {
    v: u32,
    seq: Seq,
    at: Timestamp,
    epoch: Epoch,
    event: Event,
}

/// An event's stored bytes.
pub(super) fn encode(recorded: &Recorded) -> Result<Vec<u8>, JournalError> {
    let stored = StoredOut {
        v: FORMAT,
        seq: recorded.seq,
        at: recorded.at,
        epoch: recorded.epoch,
        event: &recorded.event,
    };
    serde_json::to_vec(&stored).map_err(|e| JournalError::Store(e.to_string()))
}

/// Events as bytes, each of which was read back: what the writer writes the reader reads. An event that
/// could not be read would leave a run that nobody can look at, drive on or take back.
pub(super) fn encode_all(recorded: &[Recorded]) -> Result<Vec<Vec<u8>>, JournalError> {
    let one = |event: &Recorded| {
        let bytes = encode(event)?;
        let read = decode(event.seq, &bytes)?;
        if std::mem::discriminant(&read.event) == std::mem::discriminant(&event.event) {
            return Ok(bytes);
        }
        let why = format!("{} is read back as {}", event.event.kind(), read.event.kind());
        Err(JournalError::Unreadable { seq: event.seq, why })
    };
    recorded.iter().map(one).collect()
}

/// An event from its stored bytes.
pub(super) fn decode(seq: Seq, bytes: &[u8]) -> Result<Recorded, JournalError> {
    let unreadable = |why: String| JournalError::Unreadable { seq, why };
    let stored: StoredIn = serde_json::from_slice(bytes).map_err(|e| unreadable(e.to_string()))?;
    if stored.v > FORMAT {
        return Err(unreadable(format!("it has format {}", stored.v)));
    }
    if stored.seq != seq {
        return Err(unreadable(format!("it says that it is event {}", stored.seq)));
    }
    Ok(Recorded { seq, at: stored.at, epoch: stored.epoch, event: stored.event })
}

/// One event as it lies in the store: the head it makes, and its bytes.
#[derive(Debug, Clone)]
pub(super) struct ChainLink {
    pub(super) head: Head,
    pub(super) bytes: Vec<u8>,
}

/// The open database of one run.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    db: sled::Db,
    events: sled::Tree,
    meta: sled::Tree,
}

impl Database {
    /// Makes the database of a new run.
    pub(super) fn create(path: &Path, run: &RunId) -> Result<Self, StoreError> {
        let database = Self::open_any(path)?;
        let engine = |e: sled::Error| failed(path, e);
        database.meta.insert(KEY_FORMAT, &FORMAT.to_be_bytes()).map_err(engine)?;
        database.meta.insert(KEY_RUN, run.as_str()).map_err(engine)?;
        database.meta.insert(KEY_EPOCH, &0_u64.to_be_bytes()).map_err(engine)?;
        database.meta.insert(KEY_HEAD, head_bytes(genesis(run))).map_err(engine)?;
        database.flush()?;
        Ok(database)
    }

    /// Opens the database of a run, and refuses another run's and a newer one.
    pub(super) fn open(path: &Path, run: &RunId) -> Result<Self, StoreError> {
        let database = Self::open_any(path)?;
        let damaged =
            |why: &str| StoreError::Damaged { path: path.to_owned(), why: why.to_owned() };
        let get = |key: &[u8]| database.meta.get(key).map_err(|e| failed(path, e));
        let format = get(KEY_FORMAT)?
            .and_then(|v| Some(u32::from_be_bytes(v.as_ref().try_into().ok()?)))
            .ok_or_else(|| damaged("the store does not say what format it has"))?;
        if format > FORMAT {
            return Err(StoreError::Newer { path: path.to_owned(), found: format, known: FORMAT });
        }
        if get(KEY_RUN)?.as_deref() != Some(run.as_str().as_bytes()) {
            return Err(damaged("the store belongs to another run"));
        }
        Ok(database)
    }

    fn open_any(path: &Path) -> Result<Self, StoreError> {
        let mut tries = 0;
        let db = loop {
            // No thread of sled's own that flushes: every flush is ours, and acknowledged.
            let config =
                sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(None);
            // sled 0.34 panics on some damaged files instead of answering with an error.
            let opened = guard(path, || config.open().map_err(|e| (locked(&e), failed(path, e))));
            match opened {
                Ok(Ok(db)) => break db,
                Ok(Err((true, _))) if tries < REOPEN_TRIES => {
                    tries += 1;
                    std::thread::sleep(REOPEN_WAIT);
                }
                Ok(Err((_, error))) | Err(error) => return Err(error),
            }
        };
        let tree = |name: &str| guard(path, || db.open_tree(name).map_err(|e| failed(path, e)))?;
        let (events, meta) = (tree("events")?, tree("meta")?);
        Ok(Self { path: path.to_owned(), db, events, meta })
    }

    /// Where the journal ends, and the epoch in force.
    pub(super) fn mark(&self) -> Result<Mark, StoreError> {
        let get = |key: &[u8]| self.meta.get(key).map_err(|e| failed(&self.path, e));
        let head = get(KEY_HEAD)?.and_then(|v| head_from(&v));
        let epoch = get(KEY_EPOCH)?.and_then(|v| epoch_from(&v));
        let (Some(head), Some(epoch)) = (head, epoch) else {
            return Err(StoreError::Damaged {
                path: self.path.clone(),
                why: "the store does not say where its journal ends".to_owned(),
            });
        };
        Ok(Mark { head, epoch })
    }

    /// Puts a new epoch in force, durably.
    pub(super) fn claim(&self, epoch: Epoch) -> Result<(), StoreError> {
        self.meta.insert(KEY_EPOCH, &epoch.0.to_be_bytes()).map_err(|e| failed(&self.path, e))?;
        self.flush()
    }

    /// Writes events after `head` under `epoch` in one transaction, and says what the head is then, with
    /// the events as they lie there. Not durable before [`Database::flush`].
    pub(super) fn append(
        &self,
        epoch: Epoch,
        head: Seq,
        events: Vec<Vec<u8>>,
    ) -> Result<(Head, Vec<ChainLink>), JournalError> {
        let abort = ConflictableTransactionError::Abort;
        let missing = || JournalError::Store("the store has lost its head".to_owned());
        let written = (&self.events, &self.meta).transaction(|(tree, meta)| {
            let current = meta.get(KEY_EPOCH)?.and_then(|v| epoch_from(&v));
            let current = current.ok_or_else(|| abort(missing()))?;
            if current != epoch {
                return Err(abort(JournalError::Fenced { ours: epoch, current }));
            }
            let end = meta.get(KEY_HEAD)?.and_then(|v| head_from(&v));
            let mut end = end.ok_or_else(|| abort(missing()))?;
            if end.seq != head {
                return Err(abort(JournalError::Conflict { expected: head, actual: end.seq }));
            }
            let mut heads = Vec::with_capacity(events.len());
            for bytes in &events {
                end = chain(end, bytes);
                let mut value = Vec::with_capacity(end.hash.0.len() + bytes.len());
                value.extend_from_slice(&end.hash.0);
                value.extend_from_slice(bytes);
                tree.insert(&end.seq.0.to_be_bytes(), value)?;
                heads.push(end);
            }
            meta.insert(KEY_HEAD, head_bytes(end))?;
            Ok((end, heads))
        });
        let (end, heads) = written.map_err(|error| match error {
            TransactionError::Abort(refused) => refused,
            TransactionError::Storage(e) => failed(&self.path, e).into(),
        })?;
        let links = heads.into_iter().zip(events);
        Ok((end, links.map(|(head, bytes)| ChainLink { head, bytes }).collect()))
    }

    /// Makes everything written so far durable.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.db.flush().map(drop).map_err(|e| failed(&self.path, e))
    }

    /// All events, with the chain checked from the first to the head.
    pub(super) fn links(&self, run: &RunId) -> Result<Vec<ChainLink>, JournalError> {
        let mut at = genesis(run);
        let mut links = Vec::new();
        for entry in &self.events {
            let (key, value) = entry.map_err(|e| failed(&self.path, e))?;
            let seq = at.seq.next();
            let broken = |why: &str| JournalError::Unreadable { seq, why: why.to_owned() };
            if key.as_ref() != seq.0.to_be_bytes() {
                return Err(broken("it is missing"));
            }
            let (hash, bytes) =
                value.split_at_checked(32).ok_or_else(|| broken("it is too short"))?;
            at = chain(at, bytes);
            if at.hash.0 != *hash {
                return Err(broken("its hash does not fit the chain"));
            }
            links.push(ChainLink { head: at, bytes: bytes.to_vec() });
        }
        let head = self.mark()?.head;
        if head != at {
            return Err(JournalError::Unreadable {
                seq: at.seq.next(),
                why: format!("the store says that it ends at event {}", head.seq),
            });
        }
        Ok(links)
    }
}

/// Runs something of sled's; a panic becomes an error.
pub(super) fn guard<T>(path: &Path, work: impl FnOnce() -> T) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| StoreError::Engine {
        path: path.to_owned(),
        why: panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_else(|| "it panicked".to_owned()),
    })
}

fn locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(e) if e.kind() == std::io::ErrorKind::WouldBlock
        || e.to_string().contains("could not acquire lock"))
}

fn failed(path: &Path, error: sled::Error) -> StoreError {
    let why = error.to_string();
    match error {
        sled::Error::Io(e) => StoreError::io("use the store", path, e),
        sled::Error::Corruption { .. } => StoreError::Damaged {
            path: path.to_owned(),
            why: "the database finds its own file damaged".to_owned(),
        },
        sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_) => StoreError::Engine { path: path.to_owned(), why },
    }
}

fn head_bytes(head: Head) -> Vec<u8> {
    let mut bytes = head.seq.0.to_be_bytes().to_vec();
    bytes.extend_from_slice(&head.hash.0);
    bytes
}

fn head_from(bytes: &[u8]) -> Option<Head> {
    let (seq, hash) = bytes.split_at_checked(8)?;
    Some(Head {
        seq: Seq(u64::from_be_bytes(seq.try_into().ok()?)),
        hash: Hash(hash.try_into().ok()?),
    })
}

fn epoch_from(bytes: &[u8]) -> Option<Epoch> {
    Some(Epoch(u64::from_be_bytes(bytes.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_database_becomes_an_error_that_names_the_run() {
        let path = Path::new("runs/x");
        let error = guard::<()>(path, || panic!("page {} is gone", 7)).unwrap_err();
        assert_eq!(error.to_string(), "the database in runs/x failed: page 7 is gone");
    }

    #[test]
    fn the_chain_depends_on_the_run_the_order_and_every_byte() {
        let run = |n: u32| RunId::parse(&format!("01jd{n:022}")).unwrap();
        let two = |run: &RunId, a: &[u8], b: &[u8]| chain(chain(genesis(run), a), b).hash;
        let base = two(&run(1), b"a", b"b");
        assert_ne!(base, two(&run(2), b"a", b"b"));
        assert_ne!(base, two(&run(1), b"b", b"a"));
        assert_ne!(base, two(&run(1), b"a", b"c"));
        assert_eq!(base, two(&run(1), b"a", b"b"));
    }

    #[test]
    fn an_event_of_a_later_version_is_not_guessed_at() {
        let bytes = br#"{"v":1,"seq":1,"at":"2026-01-01T00:00:00Z","epoch":1,"event":{"kind":"quantum_leap"}}"#;
        assert!(matches!(decode(Seq(1), bytes), Err(JournalError::Unreadable { seq: Seq(1), .. })));
    }
}
