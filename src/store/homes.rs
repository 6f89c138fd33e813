//! Where is a run driven from, and what is added to its directory by whoever copies it?
//!
//! A run has one home. Every other place where its history lies says where that is, and does not drive it.

use super::StateDir;
use super::error::StoreError;
use super::files;
use super::lease::RunLock;
use super::runs::SHARED;
use super::schema::ChainLink;
use crate::model::RunId;

impl StateDir {
    /// A run's history as it lies here, checked; its driver's lock is asked first.
    pub(super) fn links(&self, run: &RunId) -> Result<Vec<ChainLink>, StoreError> {
        self.existing(run)?.read()
    }

    /// Writes a file beside a run's journal.
    pub(super) fn keep_beside(
        &self,
        run: &RunId,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        files::write_atomically(&self.existing(run)?.path.join(name), bytes)
    }

    /// Says where the run is driven from: from here, or from another place of which this is a copy.
    pub(super) fn set_home(&self, run: &RunId, place: Option<&str>) -> Result<(), StoreError> {
        let dir = self.existing(run)?;
        let _lock = RunLock::drive(&dir.lock(), run)?;
        let path = dir.path.join(SHARED);
        // Under the lock: of two that move it the second finds the first one's mark.
        if let (Some(place), Some(other)) = (place, self.kept_in(run)?)
            && other != place
        {
            return Err(StoreError::KeptElsewhere { run: run.clone(), place: other });
        }
        match place {
            Some(place) => files::write_atomically(&path, place.as_bytes()),
            None => files::remove_durably(&path),
        }
    }
}
