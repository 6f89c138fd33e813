//! Which runs are there, and how is one opened so that nothing can be lost by opening it?
//!
//! `rundir.rs` says what lies in the directory of one.

use std::path::{Path, PathBuf};

use super::anchor::{self, Anchor, Mark};
use super::claims::Claims;
use super::database::{Database, guard};
use super::error::StoreError;
use super::export::{self, VerifyReport};
use super::files;
use super::fsync;
use super::invitations::Invitations;
use super::journal::SledJournal;
use super::lease::RunLock;
use super::obligations::{self, KnownObligations, Obligations, Owing};
use super::readiness::Readiness;
use super::rundir::RunDir;
use super::schema::{self, ChainLink};
use super::shared::{LyingAside, RunJournal, aside};
use crate::engine::{JournalError, Lease, Recorded};
use crate::model::{Epoch, RunId, Seq};

/// Everything this program remembers on this host.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

/// A run that this process drives.
#[derive(Debug)]
pub struct RunStore {
    /// Its journal.
    pub journal: RunJournal,
    /// The right to append to it.
    pub lease: Lease,
    /// Its directory, for the files of other rooms (the token of a live run's control socket).
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

/// The file that says in which shared store a run is kept.
pub(super) const SHARED: &str = "shared";

/// A run's directory, locked, with its database and its anchor.
type OpenDir = (RunDir, RunLock, Database, Anchor);
/// How far a run has come and who drives it: what is cheap to ask again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunProgress {
    /// The run.
    pub run: RunId,
    /// Its last durable event; none when that cannot be read.
    pub head: Option<Seq>,
    /// Whether a process drives it.
    pub driven: bool,
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

    /// When which runbook was ready.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        Readiness::new(self.path.join("ready"))
    }

    /// What its ended runs still owe.
    #[must_use]
    pub fn obligations(&self) -> Obligations {
        Obligations::new(self.path.join("obligations"))
    }

    /// Who may speak on its page.
    #[must_use]
    pub fn invitations(&self) -> Invitations {
        Invitations::new(self.path.join("invitations"))
    }

    /// The directory of a run, whether it exists or not.
    #[must_use]
    pub fn run_path(&self, run: &RunId) -> PathBuf {
        self.runs().join(run.as_str())
    }

    /// The log into which a process without a terminal says what it does; what earlier ones said stands
    /// before it. Not in the run's directory: a run that is refused leaves none.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn open_log(&self, run: &RunId) -> Result<(PathBuf, std::fs::File), StoreError> {
        let dir = self.path.join("logs");
        files::private_dir(&dir)?;
        let path = dir.join(format!("{run}.log"));
        let file = files::private_log(&path)?;
        Ok((path, file))
    }

    /// Where the log of a run is, whether it exists or not.
    #[must_use]
    pub fn run_log(&self, run: &RunId) -> PathBuf {
        self.run_path(run).join("run.log")
    }

    /// The log of a run that exists, to add to.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn open_run_log(&self, run: &RunId) -> Result<std::fs::File, StoreError> {
        files::private_log(&self.run_log(run))
    }

    pub(super) fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    pub(super) fn dir(&self, run: &RunId) -> RunDir {
        RunDir { path: self.run_path(run), run: run.clone() }
    }

    /// Creates a run's store and opens it, with epoch 1.
    ///
    /// # Errors
    /// The run exists, the disk refuses, or writes would not be durable.
    pub fn create_run(&self, run: &RunId) -> Result<RunStore, StoreError> {
        let (dir, lock, database, anchor) = self.made(run)?;
        dir.drive(lock, database, anchor)
    }

    /// Makes a run's store.
    fn made(&self, run: &RunId) -> Result<OpenDir, StoreError> {
        fsync::prove_active()?;
        let dir = self.dir(run);
        if dir.is_run() {
            return Err(StoreError::Exists(run.clone()));
        }
        files::private_dir(&dir.path)?;
        let lock = RunLock::drive(&dir.lock(), run)?;
        if dir.is_run() {
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
        // From here on the run exists.
        dir.write_meta()?;
        files::sync_dir(&self.runs())?;
        files::sync_dir(&self.path)?;
        Ok((dir, lock, database, anchor))
    }

    /// Opens a run for driving it, under the next epoch.
    ///
    /// # Errors
    /// Somebody holds it, a later version wrote it, it is damaged or lost history, the disk refuses,
    /// or writes would not be durable. Its store is as it was in all these cases.
    pub fn open(&self, run: &RunId) -> Result<RunStore, StoreError> {
        if let Some(place) = self.kept_in(run)? {
            return Err(StoreError::KeptElsewhere { run: run.clone(), place });
        }
        let (dir, lock, database, anchor) = self.taken(run)?;
        // Under the lock: it may have been moved while this came here.
        if let Some(place) = self.kept_in(run)? {
            return Err(StoreError::KeptElsewhere { run: run.clone(), place });
        }
        dir.drive(lock, database, anchor)
    }

    /// The shared store that a run is kept in, of which there is only a copy here.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn kept_in(&self, run: &RunId) -> Result<Option<String>, StoreError> {
        let bytes = files::read_if_there(&self.run_path(run).join(SHARED))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    /// What this host recorded of a run and its shared store does not have, each with its file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn unshared(&self, run: &RunId) -> Result<Vec<LyingAside>, StoreError> {
        if self.has(run) { aside::all(&self.run_path(run)) } else { Ok(Vec::new()) }
    }

    /// Whether a process of this host drives the run.
    #[must_use]
    pub fn is_held(&self, run: &RunId) -> bool {
        matches!(self.is_free(run), Err(StoreError::Held { .. }))
    }

    /// Whether no process of this host drives the run; there need not be one.
    pub(super) fn is_free(&self, run: &RunId) -> Result<(), StoreError> {
        if self.has(run) { RunLock::look(&self.dir(run).lock(), run).map(drop) } else { Ok(()) }
    }

    /// Opens this host's copy of a run of a shared store, made where there is none, and brings it up to the
    /// links that are there. Also gives what only the copy has.
    pub(super) fn mirror(
        &self,
        run: &RunId,
        links: &[ChainLink],
        place: &str,
    ) -> Result<(SledJournal, PathBuf, Vec<ChainLink>), StoreError> {
        let opened = if self.has(run) { self.taken(run)? } else { self.made(run)? };
        let (dir, lock, database, mut anchor) = opened;
        let own = guard(&dir.path, || database.links(run))?.map_err(|e| dir.damaged(&e))?;
        let common = own.len().min(links.len());
        let differs = own.iter().zip(links).find(|(own, other)| own.head != other.head);
        if let Some((first, _)) = differs {
            let (run, seq) = (run.clone(), first.head.seq);
            return Err(StoreError::Diverged { run, seq, place: place.to_owned() });
        }
        files::write_atomically(&dir.path.join(SHARED), place.as_bytes())?;
        let missing: Vec<Vec<u8>> =
            links.iter().skip(common).map(|link| link.bytes.clone()).collect();
        if !missing.is_empty() {
            let mark = database.mark()?;
            let written = guard(&dir.path, || database.append(mark.epoch, mark.head.seq, missing));
            let (head, _) = written?.map_err(|e| dir.damaged(&e))?;
            guard(&dir.path, || database.flush())??;
            anchor.set(Mark { head, epoch: anchor.mark().epoch })?;
        }
        let ahead = own.into_iter().skip(common).collect();
        let RunStore { journal, dir, .. } = dir.drive(lock, database, anchor)?;
        match journal {
            RunJournal::Local(journal) => Ok((journal, dir, ahead)),
            RunJournal::Shared(_) => Err(StoreError::Exists(run.clone())),
        }
    }

    fn taken(&self, run: &RunId) -> Result<OpenDir, StoreError> {
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
        if dir.lost_meta() {
            dir.write_meta()?;
        }
        Ok((dir, lock, database, anchor))
    }

    /// Reads a run's events without opening its store: from the export when it is complete, else
    /// from a copy of the store.
    ///
    /// # Errors
    /// The run is held (ask its holder), a later version wrote it, or it is damaged.
    pub fn read(&self, run: &RunId) -> Result<Vec<Recorded>, StoreError> {
        let dir = self.existing(run)?;
        let links = dir.read()?;
        decoded(&dir, &links)
    }

    /// What the runs here owe: from their notes, and from their journals where a note is missing, damaged
    /// or behind. What cannot be known is told in it.
    #[must_use]
    pub fn owed(&self) -> Owing {
        let runs = match self.ids() {
            Ok(runs) => runs,
            Err(error) => {
                let unknown = vec![format!("the runs cannot be listed: {error}")];
                return Owing { owed: Vec::new(), unknown };
            }
        };
        let head = |run: &RunId| match anchor::look(&self.dir(run).anchor(), run) {
            Ok(mark) => KnownObligations::Head(mark.head.seq),
            Err(error) => KnownObligations::No(error),
        };
        obligations::owing(&self.obligations(), &runs, head, |run| self.read(run))
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
            _ => Err(StoreError::Ambiguous { text: prefix.to_owned(), matches }),
        }
    }

    /// All runs, the oldest first.
    ///
    /// # Errors
    /// The directory cannot be listed. What is wrong with one run is told in its summary.
    pub fn list(&self) -> Result<Vec<RunSummaryRaw>, StoreError> {
        Ok(self.ids()?.iter().map(|run| self.dir(run).summary()).collect())
    }

    /// All runs, the oldest first, without a look into any journal.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn all_progress(&self) -> Result<Vec<RunProgress>, StoreError> {
        Ok(self.ids()?.iter().map(|run| self.dir(run).progress()).collect())
    }

    /// How far a run has come; none when there is no such run.
    #[must_use]
    pub fn progress(&self, run: &RunId) -> Option<RunProgress> {
        self.has(run).then(|| self.dir(run).progress())
    }

    /// Checks that a run's history is whole.
    ///
    /// # Errors
    /// It cannot be read at all. That it is not whole is told in the report.
    pub fn verify(&self, run: &RunId) -> Result<VerifyReport, StoreError> {
        let dir = self.existing(run)?;
        let mark = anchor::look(&dir.anchor(), run)?;
        let _lock = RunLock::look(&dir.lock(), run)?;
        let links = dir.look(|database| match database.links(run) {
            Ok(links) => Ok(Ok(links)),
            Err(JournalError::Unreadable { seq, why }) => Ok(Err((seq, why))),
            Err(other) => Err(dir.damaged(&other)),
        })?;
        Ok(export::report(run, links, Some(mark)))
    }

    /// A run's history as text: one line per event, each chained to the one before it.
    ///
    /// # Errors
    /// It cannot be read, or is not whole.
    pub fn journal_text(&self, run: &RunId) -> Result<Vec<u8>, StoreError> {
        let dir = self.existing(run)?;
        Ok(export::text(run, &dir.read()?))
    }

    /// The hash of a run's last event, in hexadecimal; none before the first.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn head(&self, run: &RunId) -> Result<Option<String>, StoreError> {
        let links = self.existing(run)?.read()?;
        Ok(links.last().map(|link| link.head.hash.hex()))
    }

    /// A run's events as its export has them, for where its holder does not answer.
    ///
    /// # Errors
    /// The export cannot be read, or lacks what was acknowledged.
    pub fn read_export(&self, run: &RunId) -> Result<Vec<Recorded>, StoreError> {
        let dir = self.existing(run)?;
        let links = dir.read_export()?;
        decoded(&dir, &links)
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

fn decoded(dir: &RunDir, links: &[ChainLink]) -> Result<Vec<Recorded>, StoreError> {
    links
        .iter()
        .map(|link| schema::decode(link.head.seq, &link.bytes))
        .collect::<Result<_, _>>()
        .map_err(|e| dir.damaged(&e))
}

pub(super) fn unknown(text: &str, all: &[RunId]) -> StoreError {
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
        near: near.into_iter().take(3).map(|(_, run)| run.clone()).collect(),
    }
}
