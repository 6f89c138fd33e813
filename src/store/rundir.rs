//! What lies in the directory of one run, and how is it looked at without changing it?
//!
//! `meta.json` (its format), `lock` (who drives it), `store/` (sled), `anchor` (how far it had come),
//! `clean` (the digest of the store at its last orderly close), `journal.jsonl` (the export) and
//! `copies/` (the store as it was found after an unclean stop).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::anchor::{self, Anchor, Mark};
use super::database::{Database, guard};
use super::error::StoreError;
use super::export;
use super::files;
use super::journal::SledJournal;
use super::lease::RunLock;
use super::runs::{RunProgress, RunStore, RunSummaryRaw};
use super::schema::ChainLink;
use super::shared::RunJournal;
use super::whole;
use crate::engine::{JournalError, Lease};
use crate::model::{Epoch, RunId, Seq};

/// Copies of a store that was not closed in order; older ones go.
const COPIES_MAX: usize = 3;

/// How the names of passing copies begin, and how many this process has made: looks may overlap.
const SCRATCH: &str = "scratch-";
static SCRATCHES: AtomicU64 = AtomicU64::new(0);

/// Where there may be room when a run's disk has none: in memory, else where passing files go.
const ELSEWHERE: [&str; 3] = ["/dev/shm", "/tmp", "/var/tmp"];

fn scratch_name() -> String {
    let number = SCRATCHES.fetch_add(1, Ordering::Relaxed);
    format!("{SCRATCH}{}-{number}", std::process::id())
}

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
        anchor.set(Mark { head: mark.head, epoch })?;
        let lease = Lease::acquired(self.run.clone(), epoch);
        let path = self.path.clone();
        let journal = SledJournal::start(self, lock, database, anchor)?;
        Ok(RunStore { journal: RunJournal::Local(journal), lease, dir: path })
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

    pub(super) fn checked(
        &self,
        database: &Database,
        mark: Mark,
    ) -> Result<Vec<ChainLink>, StoreError> {
        let head = database.mark()?.head.seq;
        let lost =
            |head| StoreError::LostHistory { dir: self.path.clone(), anchor: mark.head.seq, head };
        if head < mark.head.seq {
            return Err(lost(head));
        }
        let links =
            guard(&self.path, || database.links(&self.run))?.map_err(|e| self.damaged(&e))?;
        if !export::agrees(&self.run, &links, mark) {
            return Err(StoreError::Damaged {
                path: self.path.clone(),
                why: format!("event {} is not the one that the anchor knows", mark.head.seq),
            });
        }
        Ok(links)
    }

    /// Works on a copy of the store that goes away afterwards.
    pub(super) fn scratch<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.scratch_in(&self.path.join(scratch_name()), work)
    }

    /// Looks at a copy of the store: beside it, or in memory where its disk is full or may only be read.
    pub(super) fn look<T>(
        &self,
        work: impl Fn(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let here = match self.scratch(&work) {
            Err(error @ (StoreError::Io { .. } | StoreError::DiskFull { .. })) => error,
            done => return done,
        };
        for folder in ELSEWHERE {
            let folder = Path::new(folder).join(format!("backroad-{}", scratch_name()));
            // Others may write there too: only a folder that was not there is ours.
            if files::fresh_private_dir(&folder).is_err() {
                continue;
            }
            let done = self.scratch_in(&folder.join("store"), &work);
            drop(files::remove_tree(&folder));
            if !matches!(done, Err(StoreError::Io { .. } | StoreError::DiskFull { .. })) {
                return done;
            }
        }
        Err(here)
    }

    fn scratch_in<T>(
        &self,
        copy: &Path,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = files::copy_tree(&self.store(), copy).and_then(|()| {
            let database = Database::open(copy, &self.run)?;
            let done = guard(&self.path, || work(&database)).flatten();
            guard(&self.path, || drop(database))?;
            done
        });
        // The answer counts, not whether its scratch paper is gone; the next opening clears it.
        drop(files::remove_tree(copy));
        // What is damaged is the store, not the copy that nobody will find any more.
        done.map_err(|error| error.about(copy, &self.store()))
    }

    /// Removes what looks left behind when they were killed. We drive the run: nobody looks now.
    pub(super) fn clear_scratches(&self) -> Result<(), StoreError> {
        for entry in files::entries(&self.path)? {
            let name = entry.file_name().unwrap_or_default();
            let name = name.to_string_lossy();
            if name.starts_with(SCRATCH) {
                files::remove_tree(&entry)?;
            } else if whole::is_unfinished(&name) {
                files::remove_durably(&entry)?;
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
        kept.iter().take(surplus).try_for_each(|old| files::remove_tree(old))
    }

    pub(super) fn read(&self) -> Result<Vec<ChainLink>, StoreError> {
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
        self.look(|database| self.checked(database, mark))
    }

    /// What the export says, whoever holds the run: its whole lines, if they are of this history.
    pub(super) fn read_export(&self) -> Result<Vec<ChainLink>, StoreError> {
        let mark = anchor::look(&self.anchor(), &self.run)?;
        let bytes = files::read_if_there(&self.journal())?.unwrap_or_default();
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let links = export::parse(bytes.get(..whole).unwrap_or_default()).links;
        match links {
            // Its holder is a moment ahead of the anchor at most, and of its export.
            Ok(links) if export::agrees(&self.run, &links, mark) => Ok(links),
            _ => Err(StoreError::Damaged {
                path: self.journal(),
                why: "it does not hold what was acknowledged".to_owned(),
            }),
        }
    }

    pub(super) fn progress(&self) -> RunProgress {
        let held = RunLock::look(&self.lock(), &self.run);
        RunProgress {
            run: self.run.clone(),
            head: anchor::look(&self.anchor(), &self.run).ok().map(|mark| mark.head.seq),
            driven: matches!(held, Err(StoreError::Held { .. })),
        }
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
        let (head, epoch) =
            mark.as_ref().map_or((Seq(0), Epoch(0)), |mark| (mark.head.seq, mark.epoch));
        RunSummaryRaw {
            run: self.run.clone(),
            head,
            epoch,
            holder,
            exported: mark.as_ref().ok().and_then(|m| exported(*m)).unwrap_or(false),
            problem: match mark {
                Err(error) => Some(error.to_string()),
                Ok(_) => self.lost_meta().then(|| self.lost_meta_said()),
            },
        }
    }

    /// Writes the journal to a file that needs no database to be read.
    pub(super) fn export(&self, links: &[ChainLink]) -> Result<(), StoreError> {
        files::write_atomically(&self.journal(), &export::text(&self.run, links))
    }

    pub(super) fn damaged(&self, error: &JournalError) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), why: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Event, Journal};
    use crate::model::Timestamp;
    use crate::store::StateDir;

    /// A closed run of three events, each an append, edited with the database's own tools.
    async fn edited(folder: &std::path::Path, edit: impl FnOnce(&sled::Db)) -> (StateDir, RunId) {
        let state = StateDir::new(folder);
        let run = RunId::parse("01jd0000000000000000000001").unwrap();
        let store = state.create_run(&run).unwrap();
        let at = Timestamp::from_millis(0);
        for head in 0..3 {
            let events = vec![Event::DeadlinePassed {}];
            store.journal.append(&store.lease, Seq(head), at, events).await.unwrap();
        }
        store.close().await.unwrap();
        let db = sled::open(state.run_path(&run).join("store")).unwrap();
        edit(&db);
        db.flush().unwrap();
        drop(db);
        (state, run)
    }

    #[tokio::test]
    async fn an_event_that_was_edited_in_the_database_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (state, run) = edited(folder.path(), |db| {
            let tree = db.open_tree("appends").unwrap();
            let key = 2_u64.to_be_bytes();
            let mut value = tree.get(key).unwrap().unwrap().to_vec();
            let last = value.len() - 3;
            value[last] ^= 1;
            tree.insert(key, value).unwrap();
        })
        .await;
        let error = state.open(&run).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("event 2"), "{error}");
        let report = state.verify(&run).unwrap();
        assert_eq!((report.events, report.first_bad.unwrap().seq), (1, Seq(2)));
    }

    #[tokio::test]
    async fn an_event_that_was_removed_from_the_middle_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let (state, run) = edited(folder.path(), |db| {
            let tree = db.open_tree("appends").unwrap();
            tree.remove(2_u64.to_be_bytes()).unwrap();
        })
        .await;
        let report = state.verify(&run).unwrap();
        assert_eq!(report.first_bad.unwrap().seq, Seq(2));
        assert!(state.open(&run).is_err());
    }

    #[tokio::test]
    async fn a_history_that_was_rewritten_whole_does_not_agree_with_its_anchor() {
        let folder = tempfile::tempdir().unwrap();
        let (state, run) = edited(folder.path(), |db| {
            use super::super::schema;
            let run = RunId::parse("01jd0000000000000000000001").unwrap();
            let appends = db.open_tree("appends").unwrap();
            let mut head = schema::genesis(&run);
            for n in 1..=3_u64 {
                let bytes = format!("{{\"forged\":{n}}}");
                head = schema::chain(head, bytes.as_bytes());
                let link = ChainLink { head, bytes: bytes.into_bytes() };
                appends.insert(n.to_be_bytes(), schema::pack(&[link])).unwrap();
            }
        })
        .await;
        let error = state.open(&run).unwrap_err();
        assert!(error.to_string().contains("anchor"), "{error}");
    }

    #[tokio::test]
    async fn a_database_of_a_later_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (state, run) = edited(folder.path(), |db| {
            let meta = db.open_tree("meta").unwrap();
            meta.insert("format", &3_u32.to_be_bytes()).unwrap();
        })
        .await;
        let error = state.open(&run).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 3, .. }), "{error}");
    }
}
