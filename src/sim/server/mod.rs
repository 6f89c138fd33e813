//! How do SDKs reach the simulated Azure? The same world behind HTTP.
//!
//! Comes in: HTTP requests, whatever their path. Goes out: what the world answers, as late as it
//! says; a fault closes the connection without an answer. Beside Azure's paths, `/_sim/…` is the
//! simulator's own: `ready`, `ledger`, `world`, `faults` (POST). These ask for no token.

mod cut;
mod exchange;
mod ledger;
mod serve;

pub use ledger::Entry;
pub use serve::{Answers, LATENCY_HEADER, Pace, ServeError, serve};
