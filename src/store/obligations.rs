//! What do ended runs still owe? A note beside the runs, so that no command can overlook it.
//!
//! The journal is the truth; a note is what every later command reads without opening a store. It is
//! written as soon as something is owed and goes away when nothing is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::files;
use crate::engine::RunMode;
use crate::model::RunId;

/// What one run owes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// The run.
    pub run: RunId,
    /// What kind of run it was: what a drill owes, nobody has to meet.
    pub mode: RunMode,
    /// What it owes, as sentences.
    pub obligations: Vec<String>,
}

/// The notes of one state directory.
#[derive(Debug, Clone)]
pub struct Obligations {
    folder: PathBuf,
}

impl Obligations {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn note(&self, run: &RunId) -> PathBuf {
        self.folder.join(format!("{run}.json"))
    }

    /// Notes what a run owes; nothing takes its note away.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn set(&self, owed: &Owed) -> Result<(), StoreError> {
        let path = self.note(&owed.run);
        if owed.obligations.is_empty() {
            return files::remove_durably(&path);
        }
        files::private_dir(&self.folder)?;
        let text = serde_json::to_vec_pretty(owed)
            .map_err(|e| StoreError::Engine { path: path.clone(), why: e.to_string() })?;
        files::write_atomically(&path, &text)
    }

    /// All notes, by run. One that cannot be read is no reason to overlook the others.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn all(&self) -> Result<Vec<Owed>, StoreError> {
        let mut all = Vec::new();
        for path in files::entries(&self.folder)? {
            if let Some(bytes) = files::read_if_there(&path)?
                && let Ok(owed) = serde_json::from_slice(&bytes)
            {
                all.push(owed);
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_stays_until_nothing_is_owed() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Obligations::new(folder.path().join("obligations"));
        let run = RunId::parse("01h00000000000000000000001").unwrap();
        let owed = Owed { run, mode: RunMode::Live, obligations: vec!["Remove it.".to_owned()] };
        assert!(notes.all().unwrap().is_empty());
        notes.set(&owed).unwrap();
        assert_eq!(notes.all().unwrap(), std::slice::from_ref(&owed));
        notes.set(&Owed { obligations: Vec::new(), ..owed }).unwrap();
        assert!(notes.all().unwrap().is_empty());
    }
}
