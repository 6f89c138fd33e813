//! What is a world made of? Parts, each with its own verbs and fields that nobody else sees.
//!
//! A part knows nothing of the others. What needs two of them is said by [`World`](super::World), which asks
//! the one and tells the other. How a world is written down is older than its parts: their fields stand side
//! by side in it, and a world that was kept before can be opened.

mod chance;
mod faults;
mod governance;
mod groups;
mod lived;
mod network;
mod operations;
mod regions;
mod resources;
mod revision;
mod schedule;

pub(super) use chance::Chance;
pub(super) use faults::Faults;
pub(super) use governance::Governance;
pub(super) use groups::{Deletion, Groups};
pub(super) use lived::Lived;
pub(super) use network::NetworkPart;
pub(super) use operations::Operations;
pub(super) use regions::Regions;
pub(super) use resources::{Resource, Resources, State};
pub(super) use schedule::WorldSchedule;
