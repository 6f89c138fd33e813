//! What do we remember? Journals that survive; the only room that knows the database.
//!
//! Comes in: events, through the engine's `Journal` port, and runs by their ids. Goes out: the same
//! events after any crash, or a clear error that loses nothing. Uses `model` and `engine` (its ports
//! and events). A state directory holds `runs/<run id>/` (one sled store each, an anchor and an
//! export beside it), `claims/`, `obligations/`, `invitations/` and `ready/`.

pub mod added;
mod anchor;
mod checked;
pub mod claims;
mod cost;
mod database;
mod error;
pub mod evidence;
mod evidence_check;
pub mod export;
mod files;
pub mod fsync;
mod growing;
mod homes;
pub mod invitations;
pub mod journal;
pub mod lease;
pub mod lines;
pub mod memory;
pub mod obligations;
pub mod outbox;
pub mod readiness;
pub mod regular;
pub mod retention;
mod rundir;
pub mod runs;
mod schema;
pub mod shared;
pub mod signature;
#[cfg(test)]
mod tests;
mod there;
pub mod whole;

pub use checked::{CheckedRun, CheckedStore};
pub use claims::{ClaimError, Claims, RunClaims};
pub use cost::StoreCost;
pub use error::StoreError;
pub use export::{BadEvent, VerifyReport, verify_file};
pub use invitations::{InvitationError, Invitations, Invited};
pub use journal::SledJournal;
pub use lease::{holder_name, name_this_host};
pub use memory::{FailAt, MemoryJournal};
pub use obligations::{Obligations, Owed, Owing};
pub use outbox::Outbox;
pub use readiness::{Readiness, ReadyNote};
pub use retention::{Retention, RetiredRun};
pub use runs::{RunProgress, RunStore, RunSummaryRaw, StateDir};
