//! What if the host that drives a run is lost with its region? A store that several hosts reach.
//!
//! One SlateDB database for each run, in an object store. Its writer's epoch is the fence: who opens a run
//! for driving it shuts out whoever drove it before, and an append of theirs is refused by the store itself.
//! Beside it the state directory keeps its own copy, written after it: what is durable for the run is what is
//! durable in the shared store.

pub(super) mod aside;
mod beside;
mod checked;
mod copied;
mod counted;
mod drivers;
mod inbox;
#[cfg(feature = "shared-store")]
mod journal;
#[cfg(not(feature = "shared-store"))]
#[path = "engineless.rs"]
mod journal;
mod ledger;
mod life;
mod mirrored;
mod objects;
mod place;
mod retired;
mod runs;
mod secondary;
#[cfg(feature = "shared-store")]
mod steady;

pub use aside::{AsideBatch, LyingAside, Unshared};
pub use copied::{CopiedRun, CopyHome, StoreEnd, copy_run};
pub use drivers::{DriverNote, HEARTBEAT_EVERY, ListedRuns, SILENT_AFTER};
pub use inbox::{Answered, Inbox, Letter};
#[cfg(not(feature = "shared-store"))]
pub use journal::NoSharedJournal as SharedJournal;
#[cfg(feature = "shared-store")]
pub use journal::SharedJournal;
pub use ledger::SharedClaims;
pub use life::{LastFiles, Life};
pub use mirrored::{MirroredJournal, RunJournal};
pub use objects::SharedStore;
pub use place::{BadPlace, StorePlace};
pub use runs::{HeldRun, LeftAside, SharedRun, place_of};
