//! When was which runbook ready? A short history for each, beside the runs.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::files;
use crate::model::{RunbookName, Timestamp};

/// How many looks are kept of one runbook: a year of one each day.
const KEPT_MAX: usize = 400;

/// The format of a history. Refuse larger ones.
const FORMAT: u32 = 1;

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyNote {
    /// When.
    pub at: Timestamp,
    /// Whether it was ready.
    pub ready: bool,
    /// Where was looked: an endpoint, or a world.
    pub looked_at: String,
    /// Whether that was a simulator.
    pub simulated: bool,
    /// What was not as it should be: the row, its state, and why.
    pub amiss: Vec<(String, String, String)>,
    /// Whom a change is still to be told to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to_tell: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ReadyHistory {
    format: u32,
    notes: Vec<ReadyNote>,
}

/// Where the plan of a runbook is that was kept last.
#[derive(Debug, Serialize, Deserialize)]
struct KeptPlan {
    file: PathBuf,
    at: Timestamp,
}

/// The histories of one state directory.
#[derive(Debug, Clone)]
pub struct Readiness {
    folder: PathBuf,
}

impl Readiness {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn file(&self, runbook: &RunbookName) -> PathBuf {
        self.folder.join(format!("{runbook}.json"))
    }

    /// What was found of a runbook, the oldest first.
    ///
    /// # Errors
    /// The history is damaged, a later version wrote it, or the disk refuses.
    pub fn of(&self, runbook: &RunbookName) -> Result<Vec<ReadyNote>, StoreError> {
        let path = self.file(runbook);
        let Some(bytes) = files::read_if_there(&path)? else { return Ok(Vec::new()) };
        let history: ReadyHistory = serde_json::from_slice(&bytes)
            .map_err(|e| StoreError::Damaged { path: path.clone(), why: e.to_string() })?;
        if history.format > FORMAT {
            return Err(StoreError::Newer { path, found: history.format, known: FORMAT });
        }
        Ok(history.notes)
    }

    /// The runbooks of which a history is kept, by name; no more than so many.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn runbooks(&self, most: usize) -> Result<Vec<RunbookName>, StoreError> {
        let io = |e| StoreError::io("list", &self.folder, e);
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            // Nothing was looked at yet.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(error)),
        };
        let mut found = std::collections::BTreeSet::new();
        for entry in entries {
            let name = entry.map_err(io)?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".json"));
            found.extend(name.and_then(|name| RunbookName::parse(name).ok()));
        }
        Ok(found.into_iter().take(most).collect())
    }

    /// The plan of a runbook that was kept last, for somebody to approve.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn kept_plan(&self, runbook: &RunbookName) -> Result<Option<PathBuf>, StoreError> {
        let path = self.plan_note(runbook);
        let Some(bytes) = files::read_if_there(&path)? else { return Ok(None) };
        let kept: KeptPlan = serde_json::from_slice(&bytes)
            .map_err(|e| StoreError::Damaged { path, why: e.to_string() })?;
        Ok(Some(kept.file))
    }

    /// Notes that a plan of a runbook was kept.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn keep_plan(
        &self,
        runbook: &RunbookName,
        file: &Path,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let path = self.plan_note(runbook);
        let whole = |e| StoreError::io("find", file, e);
        let file = std::path::absolute(file).map_err(whole)?;
        files::private_dir(&self.folder)?;
        let text = serde_json::to_vec_pretty(&KeptPlan { file, at })
            .map_err(|e| StoreError::Engine { path: path.clone(), why: e.to_string() })?;
        files::write_atomically(&path, &text)
    }

    fn plan_note(&self, runbook: &RunbookName) -> PathBuf {
        self.folder.join(format!("{runbook}.plan"))
    }

    /// Writes down what was found, in place of a look at the same moment.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn note(&self, runbook: &RunbookName, note: &ReadyNote) -> Result<(), StoreError> {
        files::private_dir(&self.folder)?;
        let lock_path = self.folder.join("lock");
        let lock = files::private_file(&lock_path)?;
        // Held for a few milliseconds by each, and taken back by the system when one dies.
        lock.lock().map_err(|e| StoreError::io("lock", &lock_path, e))?;
        let mut notes = self.of(runbook)?;
        notes.retain(|other| other.at != note.at);
        notes.push(note.clone());
        notes.drain(..notes.len().saturating_sub(KEPT_MAX));
        let path = self.file(runbook);
        let text = serde_json::to_vec_pretty(&ReadyHistory { format: FORMAT, notes })
            .map_err(|e| StoreError::Engine { path: path.clone(), why: e.to_string() })?;
        files::write_atomically(&path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_kept_in_order_and_the_oldest_looks_go() {
        let folder = tempfile::tempdir().unwrap();
        let readiness = Readiness::new(folder.path().join("ready"));
        let runbook = RunbookName::parse("swap").unwrap();
        let note = |at: i64, ready| ReadyNote {
            at: Timestamp::from_millis(at),
            ready,
            looked_at: "world".to_owned(),
            simulated: true,
            amiss: Vec::new(),
            to_tell: Vec::new(),
        };
        assert_eq!(readiness.of(&runbook).unwrap(), []);
        assert_eq!(readiness.runbooks(9).unwrap(), []);
        readiness.note(&runbook, &note(1, false)).unwrap();
        readiness.note(&runbook, &note(1, true)).unwrap();
        assert_eq!(readiness.of(&runbook).unwrap(), [note(1, true)]);
        for at in 2..450 {
            readiness.note(&runbook, &note(at, true)).unwrap();
        }
        let kept = readiness.of(&runbook).unwrap();
        assert_eq!((kept.len(), kept[0].at.as_millis()), (KEPT_MAX, 50));
        assert_eq!(readiness.runbooks(9).unwrap(), [runbook]);
    }
}
