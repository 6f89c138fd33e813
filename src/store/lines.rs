//! What grows a line at a time beside a run? A file of whole lines, begun anew in one piece.
//!
//! Lines survive the end of the process, not a power cut: what must survive that is in the journal.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::whole::{self, Existing, Readers, WriteError};

/// A file that lines are added to.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    file: File,
}

impl Lines {
    /// Begins the file with a first line; what was there is gone.
    ///
    /// # Errors
    /// The place is taken by what is no file, or the file system refuses.
    pub fn begin(path: &Path, first: &str) -> Result<Self, WriteError> {
        let line = format!("{first}\n");
        whole::write(path, line.as_bytes(), Existing::Replace, Readers::Owner)?;
        let open = OpenOptions::new().append(true).open(path);
        let file = open.map_err(|source| WriteError::Io { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Adds whole lines; where that fails there are as many as before.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn add(&mut self, lines: &[u8]) -> Result<(), WriteError> {
        let before = self.file.metadata().map(|found| found.len());
        self.file.write_all(lines).map_err(|source| {
            if let Ok(before) = before {
                drop(self.file.set_len(before));
            }
            WriteError::Io { path: self.path.clone(), source }
        })
    }

    /// Removes the file: what it said is said elsewhere.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}
