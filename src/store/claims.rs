//! Which run may touch which resource? Claims across the runs of one state directory.
//!
//! A claim belongs to a run, not to a process, and to an endpoint, so that a drill never blocks a
//! failover. All claims are in one file, read and written under one lock (D9).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::files;
use super::schema::FORMAT;
use crate::model::{ResourceId, RunId};

/// Why resources cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another run works on one of them.
    #[error("{resource} is claimed by run {run}, which has not ended")]
    Taken {
        /// The resource that was asked for.
        resource: ResourceId,
        /// The run that has it, or something within or around it.
        run: RunId,
    },
    /// The claims cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The claims of one state directory.
#[derive(Debug, Clone)]
pub struct Claims {
    folder: PathBuf,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Ledger {
    format: u32,
    claims: Vec<Claim>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Claim {
    endpoint: String,
    resource: ResourceId,
    run: RunId,
}

impl Claims {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Claims all of the resources for a run, or none. What the run has already is kept.
    ///
    /// # Errors
    /// Another run has one of them at the same endpoint, or something within or around one.
    pub fn claim(
        &self,
        run: &RunId,
        endpoint: &str,
        resources: &[ResourceId],
    ) -> Result<(), ClaimError> {
        self.with(|ledger| {
            for wanted in resources {
                let other = ledger.claims.iter().find(|claim| {
                    claim.run != *run
                        && claim.endpoint == endpoint
                        && (claim.resource.is_within(wanted) || wanted.is_within(&claim.resource))
                });
                if let Some(other) = other {
                    return Err(ClaimError::Taken {
                        resource: wanted.clone(),
                        run: other.run.clone(),
                    });
                }
            }
            for wanted in resources {
                let claim = Claim {
                    endpoint: endpoint.to_owned(),
                    resource: wanted.clone(),
                    run: run.clone(),
                };
                if !ledger.claims.contains(&claim) {
                    ledger.claims.push(claim);
                }
            }
            Ok(())
        })
    }

    /// Gives back everything that a run has claimed.
    ///
    /// # Errors
    /// The claims cannot be read or written.
    pub fn release(&self, run: &RunId) -> Result<(), ClaimError> {
        self.with(|ledger| {
            ledger.claims.retain(|claim| claim.run != *run);
            Ok(())
        })
    }

    /// Does something with the ledger while nobody else does, and writes it if that succeeded.
    fn with(
        &self,
        work: impl FnOnce(&mut Ledger) -> Result<(), ClaimError>,
    ) -> Result<(), ClaimError> {
        files::private_dir(&self.folder)?;
        let lock_path = self.folder.join("lock");
        let lock = files::private_file(&lock_path)?;
        // Held for a few milliseconds by each, and taken back by the system when one dies.
        lock.lock().map_err(|e| StoreError::io("lock", &lock_path, e))?;
        let path = self.folder.join("claims.json");
        let damaged = |why: String| StoreError::Damaged { path: path.clone(), why };
        let mut ledger = match files::read_if_there(&path)? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?,
            None => Ledger { format: FORMAT, claims: Vec::new() },
        };
        if ledger.format > FORMAT {
            return Err(StoreError::Newer { path, found: ledger.format, known: FORMAT }.into());
        }
        work(&mut ledger)?;
        let text = serde_json::to_vec_pretty(&ledger).map_err(|e| damaged(e.to_string()))?;
        files::write_atomically(&path, &text)?;
        Ok(())
    }
}
