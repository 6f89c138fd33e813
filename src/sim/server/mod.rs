//! How do SDKs reach the simulated Azure? The same world behind HTTP.
//!
//! Comes in: HTTP requests, whatever their path. Goes out: what the world answers, as late as it
//! says; a fault closes the connection without an answer. Beside Azure's paths, `/_sim/…` is the
//! simulator's own (`admin`): they ask for no token. Nor do the endpoints through which tools log in (`login`).

mod admin;
mod bounded;
mod cut;
mod exchange;
mod ledger;
mod login;
mod serve;
mod tls;

pub use bounded::Bounds;
pub use ledger::Entry;
pub(in crate::sim) use ledger::Ledger;
pub(crate) use ledger::changes;
pub(in crate::sim) use login::tenant_of;
pub use serve::{Answers, LATENCY_HEADER, ServeError, ServePace, Service, serve};
pub use tls::{CertificateError, ServerIdentity};
