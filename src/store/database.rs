//! Where do a journal's bytes lie? The sled database of one run.
//!
//! An append is one value in the tree `appends`, under the place of its first event: one write that is there
//! whole or not at all, and one sync (decision 80). A large one is cut, and its pieces lie under that place and
//! their number. The tree `events` holds, event by event, what an earlier version wrote; `meta` says how
//! far that goes, the epoch in force, and the format.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sled::transaction::{ConflictableTransactionError, TransactionError};

use super::anchor::Mark;
use super::error::StoreError;
use super::schema::{ChainLink, Hash, Head, chain, genesis, pack, unpack};
use crate::engine::JournalError;
use crate::model::{Epoch, RunId, Seq};

/// The format of the database. Refuse larger ones; read smaller ones, and write on in this one.
pub(super) const FORMAT: u32 = 2;

const KEY_FORMAT: &[u8] = b"format";
const KEY_RUN: &[u8] = b"run";
const KEY_EPOCH: &[u8] = b"epoch";
/// Where the tree `events` ends: the first format's part of the journal.
const KEY_HEAD: &[u8] = b"head";

/// A store is a few megabytes; sled's default of 1 GB suits a server.
const CACHE_BYTES: u64 = 16 << 20;
/// What lies under one key at most. sled 0.34.7 puts a page of 128 KiB into a file of its own, which it never
/// syncs (`write_blob`): at 17 values it parts a page, so none comes near that.
const PIECE_BYTES: usize = 6 << 10;
/// sled lets its lock go a moment after the last handle; we hold our own lock while waiting.
const REOPEN_TRIES: u32 = 200;
const REOPEN_WAIT: Duration = Duration::from_millis(10);

/// The open database of one run.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    db: sled::Db,
    events: sled::Tree,
    appends: sled::Tree,
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
        let format = database.format()?;
        if format > FORMAT {
            return Err(StoreError::Newer { path: path.to_owned(), found: format, known: FORMAT });
        }
        if database.meta(KEY_RUN)?.as_deref() != Some(run.as_str().as_bytes()) {
            return Err(database.damaged("the store belongs to another run"));
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
        let (events, appends, meta) = (tree("events")?, tree("appends")?, tree("meta")?);
        Ok(Self { path: path.to_owned(), db, events, appends, meta })
    }

    fn meta(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        self.meta.get(key).map_err(|e| failed(&self.path, e))
    }

    fn format(&self) -> Result<u32, StoreError> {
        let kept = self.meta(KEY_FORMAT)?;
        kept.and_then(|v| Some(u32::from_be_bytes(v.as_ref().try_into().ok()?)))
            .ok_or_else(|| self.damaged("the store does not say what format it has"))
    }

    fn damaged(&self, why: &str) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), why: why.to_owned() }
    }

    /// Where the journal ends, and the epoch in force.
    pub(super) fn mark(&self) -> Result<Mark, StoreError> {
        let epoch = self.meta(KEY_EPOCH)?.and_then(|v| epoch_from(&v));
        let last = self.appends.last().map_err(|e| failed(&self.path, e))?;
        let head = match last.as_ref().map(|(key, _)| key.split_first_chunk()) {
            Some(place) => match place {
                Some((first, _)) => self.last_link(*first)?.map(|link| link.head),
                None => None,
            },
            None => self.meta(KEY_HEAD)?.and_then(|v| head_from(&v)),
        };
        let (Some(head), Some(epoch)) = (head, epoch) else {
            return Err(self.damaged("the store does not say where its journal ends"));
        };
        Ok(Mark { head, epoch })
    }

    /// The last event of the append that begins at this place.
    fn last_link(&self, first: [u8; 8]) -> Result<Option<ChainLink>, StoreError> {
        let mut packed = Vec::new();
        for piece in self.appends.scan_prefix(first) {
            packed.extend_from_slice(&piece.map_err(|e| failed(&self.path, e))?.1);
        }
        Ok(unpack(seq_from_array(first), &packed).and_then(|mut links| links.pop()))
    }

    /// Puts a new epoch in force, durably.
    pub(super) fn claim(&self, epoch: Epoch) -> Result<(), StoreError> {
        self.meta.insert(KEY_EPOCH, &epoch.0.to_be_bytes()).map_err(|e| failed(&self.path, e))?;
        self.flush()
    }

    /// Writes events after `head` under `epoch`, all of them or none, and says what the head is then, with
    /// the events as they lie there. Not durable before [`Database::flush`].
    ///
    /// Nobody else writes meanwhile: the run's lock is ours, and the database belongs to one thread.
    pub(super) fn append(
        &self,
        epoch: Epoch,
        head: Seq,
        events: Vec<Vec<u8>>,
    ) -> Result<(Head, Vec<ChainLink>), JournalError> {
        let mark = self.mark()?;
        if mark.epoch != epoch {
            return Err(JournalError::Fenced { ours: epoch, current: mark.epoch });
        }
        let mut end = mark.head;
        if end.seq != head {
            return Err(JournalError::Conflict { expected: head, actual: end.seq });
        }
        if events.is_empty() {
            // A value of no event would say nowhere that the journal ends.
            return Ok((end, Vec::new()));
        }
        if self.format()? != FORMAT {
            // Before the first value of this format, and in the log before it.
            self.meta
                .insert(KEY_FORMAT, &FORMAT.to_be_bytes())
                .map_err(|e| failed(&self.path, e))?;
        }
        let link = |bytes: Vec<u8>| {
            end = chain(end, &bytes);
            ChainLink { head: end, bytes }
        };
        let links: Vec<ChainLink> = events.into_iter().map(link).collect();
        self.insert(head.next(), &pack(&links))?;
        Ok((end, links))
    }

    /// One value where that is not too large: sled writes and syncs a manifest before a transaction, and none
    /// before a single value.
    fn insert(&self, first: Seq, packed: &[u8]) -> Result<(), StoreError> {
        let place = first.0.to_be_bytes();
        if packed.len() <= PIECE_BYTES {
            let free = self
                .appends
                .compare_and_swap(place, None::<&[u8]>, Some(packed))
                .map_err(|e| failed(&self.path, e))?;
            return free.map_err(|_| self.damaged("events lie after the end of its journal"));
        }
        let written = self.appends.transaction(|tree| {
            for (number, piece) in (0_u32..).zip(packed.chunks(PIECE_BYTES)) {
                tree.insert(piece_key(place, number), piece)?;
            }
            Ok::<(), ConflictableTransactionError<Infallible>>(())
        });
        written.map_err(|error| match error {
            TransactionError::Abort(never) => match never {},
            TransactionError::Storage(e) => failed(&self.path, e),
        })
    }

    /// Makes everything written so far durable.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.db.flush().map(drop).map_err(|e| failed(&self.path, e))
    }

    /// All events, with the chain checked from the first to the head.
    pub(super) fn links(&self, run: &RunId) -> Result<Vec<ChainLink>, JournalError> {
        let mut links = ChainReader::from(genesis(run));
        for entry in &self.events {
            let (key, value) = entry.map_err(|e| failed(&self.path, e))?;
            links.at(seq_from(&key))?;
            let (hash, bytes) =
                value.split_first_chunk().ok_or_else(|| links.broken("it is too short"))?;
            links.follow(Hash(*hash), bytes.to_vec())?;
        }
        let end = self.meta(KEY_HEAD)?.and_then(|v| head_from(&v));
        links.end_at(end)?;
        for append in self.packed() {
            let (first, packed) = append?;
            links.at(first)?;
            let first = links.end.seq.next();
            let together =
                unpack(first, &packed).ok_or_else(|| links.broken("what it lies in is cut"))?;
            for link in together {
                links.follow(link.head.hash, link.bytes)?;
            }
        }
        Ok(links.links)
    }

    /// The appends with the places of their first events, pieces put together; none for the place of what has none.
    fn packed(&self) -> impl Iterator<Item = Result<(Option<Seq>, Vec<u8>), StoreError>> {
        let mut entries = self.appends.iter().peekable();
        std::iter::from_fn(move || {
            let (key, value) = match entries.next()? {
                Ok(entry) => entry,
                Err(error) => return Some(Err(failed(&self.path, error))),
            };
            let mut packed = value.to_vec();
            let more = |next: &sled::Result<(sled::IVec, sled::IVec)>| {
                next.as_ref()
                    .is_ok_and(|(next, _)| next.len() > key.len() && next.starts_with(&key))
            };
            while let Some(Ok((_, piece))) = entries.next_if(more) {
                packed.extend_from_slice(&piece);
            }
            Some(Ok((seq_from(&key), packed)))
        })
    }
}

/// The first piece lies under the place alone, as what is in one piece does.
fn piece_key(place: [u8; 8], number: u32) -> Vec<u8> {
    match number {
        0 => place.to_vec(),
        number => [&place[..], &number.to_be_bytes()].concat(),
    }
}

/// A chain as it is followed, link by link.
struct ChainReader {
    end: Head,
    links: Vec<ChainLink>,
}

impl ChainReader {
    fn from(genesis: Head) -> Self {
        Self { end: genesis, links: Vec::new() }
    }

    /// The next event is refused.
    fn broken(&self, why: &str) -> JournalError {
        JournalError::Unreadable { seq: self.end.seq.next(), why: why.to_owned() }
    }

    fn at(&self, found: Option<Seq>) -> Result<(), JournalError> {
        if found == Some(self.end.seq.next()) { Ok(()) } else { Err(self.broken("it is missing")) }
    }

    fn follow(&mut self, hash: Hash, bytes: Vec<u8>) -> Result<(), JournalError> {
        let head = chain(self.end, &bytes);
        if head.hash != hash {
            return Err(self.broken("its hash does not fit the chain"));
        }
        self.end = head;
        self.links.push(ChainLink { head, bytes });
        Ok(())
    }

    fn end_at(&self, said: Option<Head>) -> Result<(), JournalError> {
        match said {
            Some(head) if head == self.end => Ok(()),
            Some(head) => {
                Err(self.broken(&format!("the store says that it ends at event {}", head.seq)))
            }
            None => Err(self.broken("the store does not say where its journal ends")),
        }
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

fn seq_from(bytes: &[u8]) -> Option<Seq> {
    bytes.try_into().ok().map(seq_from_array)
}

fn seq_from_array(bytes: [u8; 8]) -> Seq {
    Seq(u64::from_be_bytes(bytes))
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

    fn run() -> RunId {
        RunId::parse("01jd0000000000000000000001").unwrap()
    }

    /// Appends of so many events of so many bytes each, read again after the store was opened anew; how many
    /// values they are.
    fn kept(appends: &[(usize, usize)]) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let database = Database::create(&path, &run()).unwrap();
        let mut written = Vec::new();
        for (count, length) in appends {
            let events = (0..*count).map(|n| vec![b'a' + n as u8 % 26; *length]).collect();
            let head = Seq(written.len() as u64);
            let (end, links) = database.append(Epoch(0), head, events).unwrap();
            written.extend(links);
            assert_eq!(database.mark().unwrap().head, end);
        }
        database.flush().unwrap();
        drop(database);
        let database = Database::open(&path, &run()).unwrap();
        let read = database.links(&run()).unwrap();
        let same = |(a, b): (&ChainLink, &ChainLink)| a.head == b.head && a.bytes == b.bytes;
        assert!(read.len() == written.len() && read.iter().zip(&written).all(same));
        assert_eq!(database.mark().unwrap().head, read.last().unwrap().head);
        // What sled keeps in a file of its own is durable when the system likes.
        assert_eq!(std::fs::read_dir(path.join("blobs")).unwrap().count(), 0);
        database.appends.len()
    }

    #[test]
    fn an_append_is_one_value_until_it_is_large_and_never_a_file_that_nobody_syncs() {
        assert_eq!(kept(&[(1, 1_000), (3, 1_000), (1, 10)]), 3);
        assert_eq!(kept(&[(64, 1_000), (1, 10)]), 12);
        assert_eq!(kept(&[(1, 2_000_000), (1, 10), (1, 2_000_000)]), 653);
        assert_eq!(kept(&[(1, 6_000); 40]), 40);
    }

    #[test]
    fn an_append_of_nothing_leaves_the_journal_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(folder.path(), &run()).unwrap();
        for (head, events) in [(0, Vec::new()), (0, vec![b"x".to_vec()]), (1, Vec::new())] {
            database.append(Epoch(0), Seq(head), events).unwrap();
        }
        assert_eq!(database.mark().unwrap().head.seq, Seq(1));
        assert_eq!(database.links(&run()).unwrap().len(), 1);
    }

    #[test]
    fn a_large_append_is_there_whole_or_told_as_cut() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(folder.path(), &run()).unwrap();
        database.append(Epoch(0), Seq(0), vec![vec![b'x'; 10]]).unwrap();
        database.append(Epoch(0), Seq(1), vec![vec![b'y'; 40_000], vec![b'z'; 10]]).unwrap();
        let piece = piece_key(2_u64.to_be_bytes(), 1);
        database.appends.remove(piece).unwrap().unwrap();
        let error = database.links(&run()).unwrap_err();
        assert!(error.to_string().contains("event 2"), "{error}");
        assert!(database.mark().is_err());
    }

    #[test]
    fn what_lies_after_the_end_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(folder.path(), &run()).unwrap();
        database.insert(Seq(1), b"x").unwrap();
        let error = database.insert(Seq(1), b"y").unwrap_err();
        assert!(error.to_string().contains("after the end"), "{error}");
    }
}
