//! What do we remember? Journals that survive; the only room that knows the database.
//!
//! Comes in: events, through the engine's `Journal` port, and runs by their ids. Goes out: the same
//! events after any crash, or a clear error that loses nothing. Uses `model` and `engine` (its ports
//! and events). A state directory holds `runs/<run id>/` (one sled store each, an anchor and an
//! export beside it), `claims/`, `obligations/`, `invitations/` and `ready/`.

pub mod added;
mod anchor;
pub mod claims;
mod error;
pub mod evidence;
mod evidence_check;
pub mod export;
mod files;
pub mod fsync;
mod growing;
pub mod invitations;
pub mod journal;
pub mod lease;
pub mod lines;
pub mod memory;
pub mod obligations;
pub mod outbox;
pub mod readiness;
pub mod regular;
mod rundir;
pub mod runs;
mod schema;
pub mod shared;
pub mod signature;
#[cfg(test)]
mod tests;
pub mod whole;

pub use claims::{ClaimError, Claims};
pub use error::StoreError;
pub use export::{BadEvent, VerifyReport, verify_file};
pub use invitations::{InvitationError, Invitations, Invited};
pub use journal::SledJournal;
pub use lease::holder_name;
pub use memory::{FailAt, MemoryJournal};
pub use obligations::{Obligations, Owed, Owing};
pub use outbox::Outbox;
pub use readiness::{Readiness, ReadyNote};
pub use runs::{RunGlance, RunStore, RunSummaryRaw, StateDir};
