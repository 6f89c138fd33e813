//! What can go wrong with the state directory, and what is to be done about it?

use std::io;
use std::path::{Path, PathBuf};

use crate::engine::JournalError;
use crate::model::{RunId, Seq};

/// Why a run's state cannot be opened, read or written. None of these has changed what was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `create`.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no room for another byte.
    #[error("the disk that holds {} is full", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// Another process drives the run.
    #[error("run {run} is held by {holder}")]
    Held {
        /// The run.
        run: RunId,
        /// Its host and process.
        holder: String,
    },
    /// The run was written by a later version of this program.
    #[error(
        "{} has format {found}; this program knows format {known} and older ones", path.display()
    )]
    Newer {
        /// The run's directory, or its export.
        path: PathBuf,
        /// The format found.
        found: u32,
        /// The newest one that we know.
        known: u32,
    },
    /// The store lost events that were durable: a disk that lies, an old backup, an edit.
    #[error(
        "the store in {} ends at event {head}, but event {anchor} was durable in it: \
         history is missing", dir.display()
    )]
    LostHistory {
        /// The run's directory.
        dir: PathBuf,
        /// The last event that was acknowledged.
        anchor: Seq,
        /// The last event that is there.
        head: Seq,
    },
    /// What is stored is not what was written.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The run's directory or file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// The database failed in another way.
    #[error("the database in {} failed: {why}", path.display())]
    Engine {
        /// The run's directory.
        path: PathBuf,
        /// What it said.
        why: String,
    },
    /// No run has an id that begins so.
    #[error("no run here has an id that begins with `{text}`{}", near_text(.near))]
    Unknown {
        /// What was asked for.
        text: String,
        /// Runs with similar ids, at most three.
        near: Vec<RunId>,
    },
    /// More than one run has an id that begins so.
    #[error("`{text}` could be any of {}", join(.matches))]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// The runs it could be.
        matches: Vec<RunId>,
    },
    /// The run exists.
    #[error("run {0} exists already")]
    Exists(RunId),
    /// The run went on while it was copied.
    #[error("run {0} went on while it was copied; nothing was moved")]
    WentOn(RunId),
    /// A copy of a run is not what was written.
    #[error("run {run} was not read back from {place} as it was written")]
    NotReadBack {
        /// The run.
        run: RunId,
        /// Where the copy is.
        place: String,
    },
    /// A shared store does not do what is asked of it.
    #[error("the shared store {place} does not answer as it should: {why}")]
    Shared {
        /// How people name it.
        place: String,
        /// What it said.
        why: String,
    },
    /// The run is kept in a shared store, and this process does not look there.
    #[error("run {run} is kept in {place}")]
    KeptElsewhere {
        /// The run.
        run: RunId,
        /// The shared store.
        place: String,
    },
    /// What this host has of a run, and what the shared store has, are different histories.
    #[error("event {seq} of run {run} is not the same here and in {place}")]
    Diverged {
        /// The run.
        run: RunId,
        /// The first event that differs.
        seq: Seq,
        /// The shared store.
        place: String,
    },
    /// Writes would not be durable in this build.
    #[error("writes would not survive a power cut: {why}")]
    NotDurable {
        /// How that showed.
        why: String,
    },
}

impl StoreError {
    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::StorageFull {
            return Self::DiskFull { path: path.to_owned() };
        }
        Self::Io { what, path: path.to_owned(), source }
    }

    /// The same of the folder that was copied, where it is about what is in a passing copy.
    pub(super) fn about(self, copy: &Path, original: &Path) -> Self {
        let moved = |path: PathBuf| match path.strip_prefix(copy) {
            Ok(rest) if rest.as_os_str().is_empty() => original.to_owned(),
            Ok(rest) => original.join(rest),
            Err(_) => path,
        };
        match self {
            Self::Damaged { path, why } => Self::Damaged { path: moved(path), why },
            Self::Engine { path, why } => Self::Engine { path: moved(path), why },
            Self::Newer { path, found, known } => Self::Newer { path: moved(path), found, known },
            other => other,
        }
    }

    /// What a person can do about it, as a sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => {
                FILE_LIMIT.to_owned()
            }
            Self::Io { .. } => IO.to_owned(),
            Self::DiskFull { .. } => DISK_FULL.to_owned(),
            Self::Held { .. } => {
                "Ask the process that holds it (`backroad status`), or wait until it ends."
                    .to_owned()
            }
            Self::Newer { .. } => {
                "Use the version of backroad that wrote it, or a later one.".to_owned()
            }
            Self::LostHistory { dir, .. } | Self::Damaged { path: dir, .. } => of_damage(dir),
            Self::Engine { path, .. } => format!(
                "Keep a copy of {} before trying again; the export `journal.jsonl` and the \
                 folder `copies` in it may hold the history.",
                path.display()
            ),
            Self::Unknown { .. } => "List the runs with `backroad runs`.".to_owned(),
            Self::Ambiguous { .. } => "Type more of the id.".to_owned(),
            Self::Exists(_) => "Resume it, or start another one.".to_owned(),
            Self::WentOn(_) => "Copy it again once nobody drives it.".to_owned(),
            Self::NotReadBack { place, .. } => format!(
                "What was copied from is as it was. See what is wrong with `backroad store check {place}`, and copy \
                 it again."
            ),
            Self::Shared { .. } => {
                "Nothing was written to Azure for it. Check that the account, the \
                 container and your role on it are right and that it can be reached from here, and \
                 try again."
                    .to_owned()
            }
            // A state directory of a host: `HOST:/DIR`.
            Self::KeptElsewhere { run, place }
                if place.contains(":/") && !place.contains("://") =>
            {
                format!(
                    "What is here is a copy. Drive it there, or bring it with `backroad store copy FROM TO \
                     --run {run} --move`."
                )
            }
            Self::KeptElsewhere { place, .. } => format!("Say `--store {place}` as well."),
            Self::Diverged { run, .. } => format!(
                "Nothing was changed. One of the two was written without the other: compare \
                 `backroad journal {run}` on both hosts, move this host's copy of the run away, and \
                 take it over again."
            ),
            Self::NotDurable { .. } => "Use an unmodified build of backroad, started without a \
                 preloaded library."
                .to_owned(),
        }
    }
}

/// What can be done about a file or a directory that is damaged.
fn of_damage(path: &Path) -> String {
    if path.ends_with("claims/claims.json") {
        return "What is claimed follows from the runs that have not ended: the next `run` or `resume` works it out \
                anew, and keeps what is there beside it."
            .to_owned();
    }
    let shown = path.display();
    if path.ends_with("meta.json") {
        return format!(
            "It says only the run's id and its format. Move it away, and `backroad resume RUN` writes {shown} anew."
        );
    }
    format!(
        "Nothing in {shown} was changed. Keep a copy of it, put back the directory from a backup if there is one, and \
         otherwise start a new run: its steps observe what is already in place."
    )
}

/// What can be done where the disk refuses.
const IO: &str =
    "Check that the state directory exists on a local disk and that you may read and write it.";

/// What can be done about a full disk.
const DISK_FULL: &str =
    "Free some space on that disk and try again; nothing that was recorded is lost.";

/// What can be done about a file that the system did not let grow.
const FILE_LIMIT: &str = "This session may not let a file grow so far: raise the limit (`ulimit -f`), and try again; \
    nothing that was recorded is lost.";

impl From<StoreError> for JournalError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

fn near_text(near: &[RunId]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", join(near)) }
}

fn join(runs: &[RunId]) -> String {
    let names: Vec<&str> = runs.iter().map(RunId::as_str).collect();
    names.join(", ")
}
