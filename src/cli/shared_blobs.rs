//! Who are we to the container of a shared store, and at which of its addresses?

use std::sync::Arc;

use object_store::ObjectStore;

use super::error::CliError;

/// What a shared store is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreUse {
    /// To be read only: its secondary is asked where the primary does not answer.
    Read,
    /// To be written to: the primary counts, and is waited for.
    Drive,
}

#[cfg(feature = "shared-store")]
pub(super) use spoken::{primary, secondary};

/// What this build lacks.
#[cfg(not(feature = "shared-store"))]
fn lacking() -> CliError {
    CliError::usage("This build of backroad cannot speak to a container.").hint(
        "Build it with `shared-store`, which is on unless `--no-default-features` turns it off.",
    )
}

/// The objects of a container.
///
/// # Errors
/// This build lacks what speaks to it.
#[cfg(not(feature = "shared-store"))]
pub(super) fn primary(_: &str, _: &str, _: StoreUse) -> Result<Arc<dyn ObjectStore>, CliError> {
    Err(lacking())
}

/// The objects of a container, at its secondary.
///
/// # Errors
/// This build lacks what speaks to it.
#[cfg(not(feature = "shared-store"))]
pub(super) fn secondary(_: &str, _: &str) -> Result<Arc<dyn ObjectStore>, CliError> {
    Err(lacking())
}

#[cfg(feature = "shared-store")]
#[path = "shared_blobs_spoken.rs"]
mod spoken;
