//! What goes on in vaults? Jobs, and items that are being copied; what is in a vault stands with all other resources.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::job::Job;
use crate::model::{ResourceId, Timestamp};

/// What goes on in vaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::sim) struct Vaults {
    jobs: BTreeMap<String, Job>,
    /// When the replication of an item comes to its next phase.
    replicating: BTreeMap<ResourceId, Timestamp>,
}

impl Vaults {
    /// The jobs there were, by id.
    pub(in crate::sim) fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    pub(super) fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.get(id)
    }

    /// The job whose end is asked for, unless it is forgotten.
    pub(super) fn polled(&self, id: &str) -> Option<&Job> {
        self.job(id).filter(|job| !job.forgotten)
    }

    /// Stores a job as it is now.
    pub(super) fn keep(&mut self, job: Job) {
        self.jobs.insert(job.id.clone(), job);
    }

    /// Changes a job that is not over.
    pub(super) fn edit_job(&mut self, id: &str, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.jobs.get_mut(id).filter(|job| !job.is_over()) {
            change(job);
        }
    }

    /// Forgets the jobs of a vault that is gone.
    pub(super) fn forget_vault(&mut self, vault: &ResourceId) {
        self.jobs.retain(|_, job| job.vault != *vault);
    }

    /// The items that are being copied, and until when.
    pub(super) fn replicating(&self) -> impl Iterator<Item = (&ResourceId, Timestamp)> {
        self.replicating.iter().map(|(id, at)| (id, *at))
    }

    /// Lets an item come to its next phase at a time.
    pub(super) fn replicate_until(&mut self, item: &ResourceId, at: Timestamp) {
        self.replicating.insert(item.clone(), at);
    }

    /// Lets an item be copied no more.
    pub(super) fn stop_replicating(&mut self, item: &ResourceId) {
        self.replicating.remove(item);
    }
}
