//! What have the receivers of a run been told? A record beside its journal, moved on by one process at a time.
//!
//! The journal says what there is to tell; the record says how far each receiver is. It has a lock of its own:
//! messages of a run may be sent while nobody drives it.

use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::files;
use super::lease::RunLock;
use crate::model::outbox::OUTBOX_FORMAT;
use crate::model::{OutboxRecord, RunId};

/// The record of one run, held by this process.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    _lock: RunLock,
}

impl Outbox {
    /// Takes the record of the run in this directory.
    ///
    /// # Errors
    /// Another process sends the run's messages, or the disk refuses.
    pub fn open(dir: &Path, run: &RunId) -> Result<Self, StoreError> {
        let lock = RunLock::drive(&dir.join("outbox.lock"), run)?;
        Ok(Self { path: record(dir), _lock: lock })
    }

    /// The record; none where nobody was told anything yet.
    ///
    /// # Errors
    /// It is damaged, a later version wrote it, or the disk refuses.
    pub fn load(&self) -> Result<Option<OutboxRecord>, StoreError> {
        load(&self.path)
    }

    /// Makes a record durable, in place of the one before it.
    ///
    /// # Errors
    /// The disk refuses; the one before it is still there.
    pub fn save(&self, record: &OutboxRecord) -> Result<(), StoreError> {
        let text = serde_json::to_vec_pretty(record)
            .map_err(|e| StoreError::Engine { path: self.path.clone(), why: e.to_string() })?;
        files::write_atomically(&self.path, &text)
    }
}

/// What the record of the run in this directory says, whoever holds it.
///
/// # Errors
/// As [`Outbox::load`].
pub fn look(dir: &Path) -> Result<Option<OutboxRecord>, StoreError> {
    load(&record(dir))
}

fn record(dir: &Path) -> PathBuf {
    dir.join("outbox.json")
}

fn load(path: &Path) -> Result<Option<OutboxRecord>, StoreError> {
    let Some(bytes) = files::read_if_there(path)? else { return Ok(None) };
    let damaged =
        |e: serde_json::Error| StoreError::Damaged { path: path.to_owned(), why: e.to_string() };
    // The format is read on its own: a later version may have changed everything else.
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(damaged)?;
    let found = value.get("format").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if found > u64::from(OUTBOX_FORMAT) {
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        return Err(StoreError::Newer { path: path.to_owned(), found, known: OUTBOX_FORMAT });
    }
    serde_json::from_value(value).map(Some).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Seq;

    #[test]
    fn a_record_outlives_its_process_and_one_process_at_a_time_moves_it_on() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunId::parse("01h00000000000000000000001").unwrap();
        let outbox = Outbox::open(folder.path(), &run).unwrap();
        assert_eq!(outbox.load().unwrap(), None);
        let mut record = OutboxRecord::default();
        record.admit(["ops"].into_iter(), Seq(3));
        outbox.save(&record).unwrap();
        assert!(matches!(Outbox::open(folder.path(), &run), Err(StoreError::Held { .. })));
        assert_eq!(look(folder.path()).unwrap(), Some(record.clone()));
        drop(outbox);
        let outbox = Outbox::open(folder.path(), &run).unwrap();
        assert_eq!(outbox.load().unwrap(), Some(record));
        std::fs::write(super::record(folder.path()), b"{").unwrap();
        assert!(matches!(outbox.load(), Err(StoreError::Damaged { .. })));
        std::fs::write(super::record(folder.path()), br#"{"format":2}"#).unwrap();
        assert!(matches!(outbox.load(), Err(StoreError::Newer { .. })));
    }
}
