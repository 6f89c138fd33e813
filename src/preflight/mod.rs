//! Can it work? The rules of ExpressRoute, judged against what is there before anything is touched.
//!
//! Comes in: a plan, and the facts that it calls for. Goes out: a finding for every rule that is about
//! it. What is asked depends on what is planned; what is judged is pure. Uses `model`, and the engine's
//! clock and errors to ask.

mod around_ways;
mod bodies;
pub mod carried;
mod certain;
mod circuit_side;
pub mod facts;
pub mod hub_side;
pub mod inquiry;
mod last_path;
mod mend;
mod network_side;
pub mod projection;
pub mod questions;
mod revoked;
pub mod rule;
pub mod rules;
mod ways;
mod written;

pub use facts::{Fact, FactReader, Facts, KeyStanding, Question, inquire};
pub use rule::{Finding, FindingSeverity, FindingVerdict, Judged, Preflight, Rule, judge};
pub use rules::FAMILIES;
