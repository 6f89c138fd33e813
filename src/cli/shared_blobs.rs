//! What speaks to the container of a shared store, and what is it wanted for?

#[cfg(not(feature = "shared-store"))]
#[path = "shared_blobs_lacking.rs"]
mod spoken;
#[cfg(feature = "shared-store")]
#[path = "shared_blobs_spoken.rs"]
mod spoken;

pub(super) use spoken::{bucket, primary, secondary};

/// What a shared store is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreUse {
    /// To be read only: its secondary is asked where the primary does not answer.
    Read,
    /// To be written to: the primary counts, and is waited for.
    Drive,
}
