//! How far had the journal come when we last said so? A witness outside the database.
//!
//! No database notices that its disk lost the end of its log (docs/storage.md 2.2). After each flush
//! and before each acknowledgement the head is written here; a store that ends earlier lost history.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::files;
use super::schema::{Hash, Head};
use crate::model::{Epoch, RunId, Seq};

/// Two slots, a page apart, so that a torn write spoils one of them at most.
const SLOT_DISTANCE: usize = 4096;
/// Magic, counter, seq, epoch, hash, checksum.
const SLOT_BYTES: usize = 8 + 8 + 8 + 8 + 32 + 32;
const MAGIC: &[u8; 8] = b"bkrdanc1";

/// What the anchor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) head: Head,
    pub(super) epoch: Epoch,
}

/// The open anchor file of one run.
#[derive(Debug)]
pub(super) struct Anchor {
    file: File,
    path: PathBuf,
    run: RunId,
    counter: u64,
    mark: Mark,
}

impl Anchor {
    /// Makes the anchor of a new run.
    pub(super) fn create(path: &Path, run: &RunId, mark: Mark) -> Result<Self, StoreError> {
        let file = files::private_file(path)?;
        file.set_len(0).map_err(|e| StoreError::io("create", path, e))?;
        let mut anchor = Self { file, path: path.to_owned(), run: run.clone(), counter: 0, mark };
        // Both slots, so that a damaged one is told from one that was never written.
        anchor.set(mark)?;
        anchor.set(mark)?;
        Ok(anchor)
    }

    /// Opens the anchor and believes its newer whole slot.
    pub(super) fn open(path: &Path, run: &RunId) -> Result<Self, StoreError> {
        let (counter, mark) = read(path, run)?;
        Ok(Self {
            file: files::private_file(path)?,
            path: path.to_owned(),
            run: run.clone(),
            counter,
            mark,
        })
    }

    /// What it says.
    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// Writes the older slot, durably.
    pub(super) fn set(&mut self, mark: Mark) -> Result<(), StoreError> {
        let counter = self.counter + 1;
        let slot = encode(&self.run, counter, mark);
        let place = if counter.is_multiple_of(2) { 0 } else { SLOT_DISTANCE as u64 };
        self.file
            .seek(SeekFrom::Start(place))
            .and_then(|_| self.file.write_all(&slot))
            .and_then(|()| self.file.sync_data())
            .map_err(|e| StoreError::io("write", &self.path, e))?;
        self.counter = counter;
        self.mark = mark;
        Ok(())
    }
}

/// Reads what the anchor file says, without opening it for writing.
pub(super) fn look(path: &Path, run: &RunId) -> Result<Mark, StoreError> {
    read(path, run).map(|(_, mark)| mark)
}

fn read(path: &Path, run: &RunId) -> Result<(u64, Mark), StoreError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take((SLOT_DISTANCE + SLOT_BYTES) as u64).read_to_end(&mut bytes))
        .map_err(|e| StoreError::io("read", path, e))?;
    [0, SLOT_DISTANCE]
        .into_iter()
        .filter_map(|place| decode(run, bytes.get(place..place + SLOT_BYTES)?))
        .max_by_key(|(counter, _)| *counter)
        .ok_or_else(|| StoreError::Damaged {
            path: path.to_owned(),
            why: "neither slot of the anchor is whole".to_owned(),
        })
}

fn encode(run: &RunId, counter: u64, mark: Mark) -> Vec<u8> {
    let mut slot = Vec::with_capacity(SLOT_BYTES);
    slot.extend_from_slice(MAGIC);
    slot.extend_from_slice(&counter.to_be_bytes());
    slot.extend_from_slice(&mark.head.seq.0.to_be_bytes());
    slot.extend_from_slice(&mark.epoch.0.to_be_bytes());
    slot.extend_from_slice(&mark.head.hash.0);
    let sum = checksum(run, &slot);
    slot.extend_from_slice(&sum);
    slot
}

fn decode(run: &RunId, slot: &[u8]) -> Option<(u64, Mark)> {
    let (body, sum) = slot.split_at_checked(SLOT_BYTES - 32)?;
    if body.get(..8)? != MAGIC || checksum(run, body) != *sum {
        return None;
    }
    let number = |at: usize| Some(u64::from_be_bytes(body.get(at..at + 8)?.try_into().ok()?));
    let head = Head { seq: Seq(number(16)?), hash: Hash(body.get(32..64)?.try_into().ok()?) };
    let mark = Mark { head, epoch: Epoch(number(24)?) };
    Some((number(8)?, mark))
}

fn checksum(run: &RunId, body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("backroad anchor v1");
    hasher.update(run.as_str().as_bytes());
    hasher.update(body);
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_slot_leaves_the_one_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchor");
        let run = RunId::parse("01jd0000000000000000000001").unwrap();
        let mark = |seq| Mark {
            head: Head { seq: Seq(seq), hash: Hash([u8::try_from(seq).unwrap(); 32]) },
            epoch: Epoch(3),
        };
        let mut anchor = Anchor::create(&path, &run, mark(0)).unwrap();
        anchor.set(mark(1)).unwrap();
        anchor.set(mark(2)).unwrap();
        assert_eq!(look(&path, &run).unwrap(), mark(2));
        let newer = usize::try_from(anchor.counter % 2).unwrap() * SLOT_DISTANCE;
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[newer + 20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(look(&path, &run).unwrap(), mark(1));
        bytes[SLOT_DISTANCE - newer + 20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(look(&path, &run), Err(StoreError::Damaged { .. })));
    }

    #[test]
    fn the_anchor_of_another_run_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchor");
        let run = RunId::parse("01jd0000000000000000000001").unwrap();
        let other = RunId::parse("01jd0000000000000000000002").unwrap();
        let head = Head { seq: Seq(0), hash: Hash([0; 32]) };
        let mark = Mark { head, epoch: Epoch(0) };
        drop(Anchor::create(&path, &run, mark).unwrap());
        assert!(look(&path, &other).is_err());
    }
}
