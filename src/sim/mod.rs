//! What would Azure say? The same wire, another world.
//!
//! Comes in: a world file and requests. Goes out: what Azure would answer, and when. [`World`] is all
//! of it as one value; [`InProcess`] and [`server`] reach it.

mod arm;
mod asked;
pub mod azure_policy;
pub mod bad_day;
mod body_rule;
pub mod clock;
mod cloud;
mod consequence;
mod duration;
mod envelope;
mod family;
pub mod fault;
mod fault_check;
pub mod governance;
mod group;
pub mod network;
mod operation;
mod parts;
mod patch;
mod post;
mod provider;
pub mod replay;
mod reply;
mod resiliency;
pub mod scaled_clock;
pub mod scenario;
mod scheduled_event;
mod seal;
pub mod server;
mod shape;
mod shared_key;
mod show;
mod site_recovery;
mod strikes;
mod tally;
pub mod tenancy;
mod throttle;
mod told;
pub mod transport;
mod truth;
mod unconfirmed;
mod under_way;
mod usage;
mod world;
mod world_file;
mod write;
pub mod written;

pub use asked::Asked;
pub use azure_policy::Policy;
pub use bad_day::BadDay;
pub use clock::{SeededEntropy, VirtualClock};
pub use fault::{Fault, FaultEffect};
pub use governance::{DenyAssignment, Grant, Lock, LockLevel, counted_usages};
#[cfg(test)]
pub(crate) use provider::types as simulated_types;
pub use scaled_clock::ScaledClock;
pub use scenario::{Scenario, ScenarioError};
pub use seal::SHARED as SHARED_KEY_SEAL;
pub use server::Answers;
pub use tally::Strikes;
pub use tenancy::Tenancy;
pub use transport::InProcess;
pub use truth::TruthMark;
pub use world::World;
