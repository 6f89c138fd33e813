//! Can the history be read where its database cannot? The export grows with the journal.
//!
//! Each line is written once its event is durable in the database, and before anybody hears of it. It is
//! made durable itself when the run ends or is let go: after a power cut the database is what counts, and
//! the next who drives the run writes the export anew. After a kill it is complete, and is read without a
//! copy of the database, on a disk that is full or may only be read.

use std::fs::{File, OpenOptions};
use std::io::Write;

use super::export;
use super::files;
use super::rundir::RunDir;
use super::schema::{self, ChainLink, Head};

/// The export of a run that is driven.
#[derive(Debug)]
pub(super) struct Growing {
    dir: RunDir,
    /// None when it could not be written: it is then behind, and says nothing wrong.
    file: Option<File>,
    head: Head,
}

impl Growing {
    /// Goes on with the export that lies there when it holds this history, else writes it anew.
    pub(super) fn start(dir: RunDir, links: &[ChainLink]) -> Self {
        let head = links.last().map_or_else(|| schema::genesis(&dir.run), |link| link.head);
        let own = export::text(&dir.run, links);
        let there = files::read_if_there(&dir.journal()).ok().flatten();
        let written = there.as_deref() == Some(own.as_slice()) || {
            let written = files::write_atomically(&dir.journal(), &own);
            if let Err(error) = &written {
                tracing::warn!(run = %dir.run, %error, "the journal is not exported");
            }
            written.is_ok()
        };
        let open = || OpenOptions::new().append(true).open(dir.journal()).ok();
        let file = written.then(open).flatten();
        Self { dir, file, head }
    }

    /// Adds events that have become durable, as they lie in the database.
    pub(super) fn grow(&mut self, links: &[ChainLink]) {
        let Some(last) = links.last() else { return };
        let Some(file) = &mut self.file else { return };
        let lines = export::lines(self.head, links);
        let before = file.metadata().map(|found| found.len());
        if let Err(error) = file.write_all(&lines) {
            tracing::warn!(run = %self.dir.run, %error, "the export falls behind the journal");
            // Whole lines only: what is there is the beginning of the history.
            if let Ok(before) = before {
                drop(file.set_len(before));
            }
            self.file = None;
        }
        self.head = last.head;
    }

    /// Whether it holds the history up to here, durably.
    pub(super) fn holds(&self, head: Head) -> bool {
        self.head == head && self.file.as_ref().is_some_and(|file| file.sync_all().is_ok())
    }
}
