//! Which runs are there, and how is one opened so that nothing can be lost by opening it?
//!
//! A run lives in `runs/<run id>/`: `meta.json` (format), `lock` (who drives it), `store/` (sled),
//! `anchor` (how far it had come), `clean` (digest of the store at its last orderly close),
//! `journal.jsonl` (the export) and `copies/` (the store as found after an unclean stop).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::anchor::{self, Anchor, Mark};
use super::claims::Claims;
use super::error::StoreError;
use super::export::{self, VerifyReport};
use super::files;
use super::fsync;
use super::journal::SledJournal;
use super::lease::RunLock;
use super::schema::{self, Database, FORMAT, Link, guard};
use crate::engine::{JournalError, Lease, Recorded};
use crate::model::{Epoch, RunId, Seq};

/// Copies of a store that was not closed in order; older ones go.
const COPIES_MAX: usize = 3;

/// How the names of passing copies begin, and how many this process has made: looks may overlap.
const SCRATCH: &str = "scratch-";
static SCRATCHES: AtomicU64 = AtomicU64::new(0);

/// Everything this program remembers on this host.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

/// A run that this process drives.
#[derive(Debug)]
pub struct RunStore {
    /// Its journal.
    pub journal: SledJournal,
    /// The right to append to it.
    pub lease: Lease,
    /// Its directory, for the files of other rooms (the token of a live run's door).
    pub dir: PathBuf,
}

/// What can be told of a run without opening its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummaryRaw {
    /// The run.
    pub run: RunId,
    /// Its last durable event.
    pub head: Seq,
    /// How often it was opened.
    pub epoch: Epoch,
    /// Who drives it now.
    pub holder: Option<String>,
    /// Whether its export holds all its events.
    pub exported: bool,
    /// What is wrong with it, if that shows from outside.
    pub problem: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    format: u32,
    run: RunId,
    created_by: String,
}

impl StateDir {
    /// A state directory; nothing is created before the first run.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The claims of its runs on resources.
    #[must_use]
    pub fn claims(&self) -> Claims {
        Claims::new(self.path.join("claims"))
    }

    /// The directory of a run, whether it exists or not.
    #[must_use]
    pub fn run_path(&self, run: &RunId) -> PathBuf {
        self.runs().join(run.as_str())
    }

    fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    fn dir(&self, run: &RunId) -> RunDir {
        RunDir {
            path: self.run_path(run),
            run: run.clone(),
        }
    }

    /// Creates a run's store and opens it, with epoch 1.
    ///
    /// # Errors
    /// The run exists, the disk refuses, or writes would not be durable.
    pub fn create_run(&self, run: &RunId) -> Result<RunStore, StoreError> {
        fsync::prove_active()?;
        let dir = self.dir(run);
        if dir.path.join("meta.json").exists() {
            return Err(StoreError::Exists(run.clone()));
        }
        files::private_dir(&dir.path)?;
        let lock = RunLock::drive(&dir.lock(), run)?;
        if dir.path.join("meta.json").exists() {
            return Err(StoreError::Exists(run.clone()));
        }
        // What an earlier creation left when it was cut: nothing was acknowledged in it.
        files::remove_tree(&dir.store())?;
        files::private_dir(&dir.store())?;
        let database = Database::create(&dir.store(), run)?;
        let mark = database.mark()?;
        let anchor = Anchor::create(&dir.anchor(), run, mark)?;
        files::restrict(&dir.store())?;
        files::sync_dir(&dir.store())?;
        files::sync_dir(&dir.path)?;
        let meta = Meta {
            format: FORMAT,
            run: run.clone(),
            created_by: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let text = serde_json::to_vec_pretty(&meta).map_err(|e| StoreError::Engine {
            path: dir.path.clone(),
            why: e.to_string(),
        })?;
        // From here on the run exists.
        files::write_atomically(&dir.path.join("meta.json"), &text)?;
        files::sync_dir(&self.runs())?;
        files::sync_dir(&self.path)?;
        dir.drive(lock, database, anchor)
    }

    /// Opens a run for driving it, under the next epoch.
    ///
    /// # Errors
    /// Somebody holds it, a later version wrote it, it is damaged or lost history, the disk refuses,
    /// or writes would not be durable. Its store is as it was in all these cases.
    pub fn open(&self, run: &RunId) -> Result<RunStore, StoreError> {
        fsync::prove_active()?;
        let dir = self.existing(run)?;
        let lock = RunLock::drive(&dir.lock(), run)?;
        let anchor = Anchor::open(&dir.anchor(), run)?;
        let clean = dir.is_clean()?;
        dir.clear_scratches()?;
        // sled trims what it does not understand, so it is let loose on a copy first.
        let mark = anchor.mark();
        dir.examine(mark)?;
        if !clean {
            dir.keep_copy()?;
        }
        files::remove_durably(&dir.clean())?;
        let database = Database::open(&dir.store(), run)?;
        dir.checked(&database, mark)?;
        files::restrict(&dir.store())?;
        dir.drive(lock, database, anchor)
    }

    /// Reads a run's events without opening its store: from the export when it is complete, else
    /// from a copy of the store.
    ///
    /// # Errors
    /// The run is held (ask its holder), a later version wrote it, or it is damaged.
    pub fn read(&self, run: &RunId) -> Result<Vec<Recorded>, StoreError> {
        let dir = self.existing(run)?;
        let links = dir.read()?;
        links
            .iter()
            .map(|link| schema::decode(link.head.seq, &link.bytes))
            .collect::<Result<_, _>>()
            .map_err(|e| dir.damaged(&e))
    }

    /// The one run whose id begins so.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn find(&self, prefix: &str) -> Result<RunId, StoreError> {
        let wanted = prefix.to_ascii_lowercase();
        let all = self.ids()?;
        let matches: Vec<RunId> = all
            .iter()
            .filter(|run| !wanted.is_empty() && run.as_str().starts_with(&wanted))
            .cloned()
            .collect();
        match matches.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(unknown(prefix, &all)),
            _ => Err(StoreError::Ambiguous {
                text: prefix.to_owned(),
                matches,
            }),
        }
    }

    /// All runs, the oldest first.
    ///
    /// # Errors
    /// The directory cannot be listed. What is wrong with one run is told in its summary.
    pub fn list(&self) -> Result<Vec<RunSummaryRaw>, StoreError> {
        Ok(self
            .ids()?
            .iter()
            .map(|run| self.dir(run).summary())
            .collect())
    }

    /// Checks that a run's history is whole.
    ///
    /// # Errors
    /// It cannot be read at all. That it is not whole is told in the report.
    pub fn verify(&self, run: &RunId) -> Result<VerifyReport, StoreError> {
        let dir = self.existing(run)?;
        let mark = anchor::look(&dir.anchor(), run)?;
        let _lock = RunLock::look(&dir.lock(), run)?;
        let links = dir.scratch(|database| match database.links(run) {
            Ok(links) => Ok(Ok(links)),
            Err(JournalError::Unreadable { seq, why }) => Ok(Err((seq, why))),
            Err(other) => Err(dir.damaged(&other)),
        })?;
        Ok(export::report(run, links, Some(mark)))
    }

    fn ids(&self) -> Result<Vec<RunId>, StoreError> {
        Ok(files::entries(&self.runs())?
            .iter()
            .filter(|path| path.join("meta.json").exists())
            .filter_map(|path| RunId::parse(path.file_name()?.to_str()?).ok())
            .collect())
    }

    fn existing(&self, run: &RunId) -> Result<RunDir, StoreError> {
        let dir = self.dir(run);
        let path = dir.path.join("meta.json");
        let Some(bytes) = files::read_if_there(&path)? else {
            return Err(unknown(run.as_str(), &self.ids()?));
        };
        let damaged = |why: String| StoreError::Damaged {
            path: path.clone(),
            why,
        };
        // The format is read on its own: a later version may have changed everything else.
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
        let found = value.get("format").and_then(serde_json::Value::as_u64);
        let found = found.ok_or_else(|| damaged("it does not say its format".to_owned()))?;
        if found > u64::from(FORMAT) {
            return Err(StoreError::Newer {
                path: dir.path,
                found: u32::try_from(found).unwrap_or(u32::MAX),
                known: FORMAT,
            });
        }
        let meta: Meta = serde_json::from_value(value).map_err(|e| damaged(e.to_string()))?;
        if meta.run != *run {
            return Err(damaged(format!("it is of run {}", meta.run)));
        }
        Ok(dir)
    }
}

impl RunStore {
    /// Lets the run go in order. Dropping it does the same, without telling what failed.
    ///
    /// # Errors
    /// As [`SledJournal::close`].
    pub async fn close(self) -> Result<(), StoreError> {
        self.journal.close().await
    }
}

/// The directory of one run.
#[derive(Debug, Clone)]
pub(super) struct RunDir {
    pub(super) path: PathBuf,
    pub(super) run: RunId,
}

impl RunDir {
    fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    fn anchor(&self) -> PathBuf {
        self.path.join("anchor")
    }

    fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    fn clean(&self) -> PathBuf {
        self.path.join("clean")
    }

    fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Puts the next epoch in force and starts the writer.
    fn drive(
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
    fn is_clean(&self) -> Result<bool, StoreError> {
        Ok(match files::read_if_there(&self.clean())? {
            Some(digest) => files::digest_tree(&self.store())?.as_bytes() == digest,
            None => false,
        })
    }

    /// Opens a copy and checks that it holds everything that was acknowledged.
    fn examine(&self, mark: Mark) -> Result<(), StoreError> {
        self.scratch(|database| self.checked(database, mark).map(drop))
    }

    fn checked(&self, database: &Database, mark: Mark) -> Result<Vec<Link>, StoreError> {
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
    fn scratch<T>(
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
    fn clear_scratches(&self) -> Result<(), StoreError> {
        for entry in files::entries(&self.path)? {
            let name = entry.file_name().unwrap_or_default();
            if name.to_string_lossy().starts_with(SCRATCH) {
                files::remove_tree(&entry)?;
            }
        }
        Ok(())
    }

    /// Keeps the store as it was found.
    fn keep_copy(&self) -> Result<(), StoreError> {
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

    fn read(&self) -> Result<Vec<Link>, StoreError> {
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

    fn summary(&self) -> RunSummaryRaw {
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

    fn damaged(&self, error: &JournalError) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            why: error.to_string(),
        }
    }
}

fn unknown(text: &str, all: &[RunId]) -> StoreError {
    let mut near: Vec<(usize, &RunId)> = all
        .iter()
        .map(|run| {
            let shown = run.as_str().get(..text.len().min(26)).unwrap_or_default();
            (strsim::damerau_levenshtein(text, shown), run)
        })
        .filter(|(distance, _)| *distance <= 2 && text.len() > 2)
        .collect();
    near.sort();
    StoreError::Unknown {
        text: text.chars().take(60).collect(),
        near: near
            .into_iter()
            .take(3)
            .map(|(_, run)| run.clone())
            .collect(),
    }
}
