//! What lies in the directory of one run, and how is it looked at without changing it?
//!
//! `meta.json` (its format), `lock` (who drives it), `store/` (sled), `anchor` (how far it had come),
//! `clean` (the digest of the store at its last orderly close), `journal.jsonl` (the export) and
//! `copies/` (the store as it was found after an unclean stop).

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::anchor::{self, Anchor, Mark};
use super::error::StoreError;
use super::export;
use super::files;
use super::journal::SledJournal;
use super::lease::RunLock;
use super::runs::{RunStore, RunSummaryRaw};
use super::schema::{Database, Link, guard};
use crate::engine::{JournalError, Lease};
use crate::model::{Epoch, RunId, Seq};

/// Copies of a store that was not closed in order; older ones go.
const COPIES_MAX: usize = 3;

/// How the names of passing copies begin, and how many this process has made: looks may overlap.
const SCRATCH: &str = "scratch-";
static SCRATCHES: AtomicU64 = AtomicU64::new(0);

/// The directory of one run.
#[derive(Debug, Clone)]
pub(super) struct RunDir {
    pub(super) path: PathBuf,
    pub(super) run: RunId,
}

impl RunDir {
    pub(super) fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    pub(super) fn anchor(&self) -> PathBuf {
        self.path.join("anchor")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    pub(super) fn clean(&self) -> PathBuf {
        self.path.join("clean")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Puts the next epoch in force and starts the writer.
    pub(super) fn drive(
        self,
        lock: RunLock,
        database: Database,
        mut anchor: Anchor,
    ) -> Result<RunStore, StoreError> {
        let mark = database.mark()?;
        // The anchor may know of an epoch that the store lost, and the other way round.
        let epoch = Epoch(mark.epoch.0.max(anchor.mark().epoch.0) + 1);
        guard(&self.path, || database.claim(epoch))??;
        // Events after the anchor were written but never acknowledged; they are part of it now.
        anchor.set(Mark {
            head: mark.head,
            epoch,
        })?;
        let lease = Lease::acquired(self.run.clone(), epoch);
        let path = self.path.clone();
        let journal = SledJournal::start(self, lock, database, anchor)?;
        Ok(RunStore {
            journal,
            lease,
            dir: path,
        })
    }

    /// Whether the store is as its last orderly close left it.
    pub(super) fn is_clean(&self) -> Result<bool, StoreError> {
        Ok(match files::read_if_there(&self.clean())? {
            Some(digest) => files::digest_tree(&self.store())?.as_bytes() == digest,
            None => false,
        })
    }

    /// Opens a copy and checks that it holds everything that was acknowledged.
    pub(super) fn examine(&self, mark: Mark) -> Result<(), StoreError> {
        self.scratch(|database| self.checked(database, mark).map(drop))
    }

    pub(super) fn checked(&self, database: &Database, mark: Mark) -> Result<Vec<Link>, StoreError> {
        let head = database.mark()?.head.seq;
        let lost = |head| StoreError::LostHistory {
            dir: self.path.clone(),
            anchor: mark.head.seq,
            head,
        };
        if head < mark.head.seq {
            return Err(lost(head));
        }
        let links =
            guard(&self.path, || database.links(&self.run))?.map_err(|e| self.damaged(&e))?;
        if !export::agrees(&self.run, &links, mark) {
            return Err(StoreError::Damaged {
                path: self.path.clone(),
                why: format!(
                    "event {} is not the one that the anchor knows",
                    mark.head.seq
                ),
            });
        }
        Ok(links)
    }

    /// Works on a copy of the store that goes away afterwards.
    pub(super) fn scratch<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let turn = SCRATCHES.fetch_add(1, Ordering::Relaxed);
        let name = format!("{SCRATCH}{}-{turn}", std::process::id());
        let copy = self.path.join(name);
        let done = files::copy_tree(&self.store(), &copy).and_then(|()| {
            let database = Database::open(&copy, &self.run)?;
            let done = guard(&self.path, || work(&database)).flatten();
            guard(&self.path, || drop(database))?;
            done
        });
        // The answer counts, not whether its scratch paper is gone; the next opening clears it.
        drop(files::remove_tree(&copy));
        done
    }

    /// Removes what looks left behind when they were killed. We drive the run: nobody looks now.
    pub(super) fn clear_scratches(&self) -> Result<(), StoreError> {
        for entry in files::entries(&self.path)? {
            let name = entry.file_name().unwrap_or_default();
            if name.to_string_lossy().starts_with(SCRATCH) {
                files::remove_tree(&entry)?;
            }
        }
        Ok(())
    }

    /// Keeps the store as it was found.
    pub(super) fn keep_copy(&self) -> Result<(), StoreError> {
        let folder = self.path.join("copies");
        files::private_dir(&folder)?;
        let kept = files::entries(&folder)?;
        let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u64>().ok();
        let next = kept.iter().filter_map(number).max().map_or(1, |n| n + 1);
        files::copy_tree(&self.store(), &folder.join(format!("{next:06}")))?;
        files::sync_dir(&folder)?;
        let surplus = (kept.len() + 1).saturating_sub(COPIES_MAX);
        kept.iter()
            .take(surplus)
            .try_for_each(|old| files::remove_tree(old))
    }

    pub(super) fn read(&self) -> Result<Vec<Link>, StoreError> {
        let _lock = RunLock::look(&self.lock(), &self.run)?;
        let mark = anchor::look(&self.anchor(), &self.run)?;
        if let Some(bytes) = files::read_if_there(&self.journal())? {
            let parsed = export::parse(&bytes);
            if let Ok(links) = parsed.links
                && export::agrees(&self.run, &links, mark)
                && links.len() as u64 == mark.head.seq.0
            {
                return Ok(links);
            }
        }
        self.scratch(|database| self.checked(database, mark))
    }

    pub(super) fn summary(&self) -> RunSummaryRaw {
        let holder = match RunLock::look(&self.lock(), &self.run) {
            Err(StoreError::Held { holder, .. }) => Some(holder),
            _ => None,
        };
        let exported = |mark: Mark| {
            let bytes = files::read_if_there(&self.journal()).ok()??;
            Some(export::last_seq(&bytes)? == mark.head.seq)
        };
        let mark = anchor::look(&self.anchor(), &self.run);
        let (head, epoch) = mark
            .as_ref()
            .map_or((Seq(0), Epoch(0)), |mark| (mark.head.seq, mark.epoch));
        RunSummaryRaw {
            run: self.run.clone(),
            head,
            epoch,
            holder,
            exported: mark
                .as_ref()
                .ok()
                .and_then(|m| exported(*m))
                .unwrap_or(false),
            problem: mark.err().map(|e| e.to_string()),
        }
    }

    /// Writes the journal to a file that needs no database to be read.
    pub(super) fn export(&self, links: &[Link]) -> Result<(), StoreError> {
        files::write_atomically(&self.journal(), &export::text(&self.run, links))
    }

    pub(super) fn damaged(&self, error: &JournalError) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            why: error.to_string(),
        }
    }
}
