//! What does each resource type take? Desired state to request, answer to assessment; no I/O.
//!
//! One file per type, named like its provider in the simulator.

pub(crate) mod association;
pub(crate) mod authorization;
pub(crate) mod bandwidth;
pub(crate) mod body;
pub(crate) mod circuit;
pub(crate) mod circuit_tier;
mod compare;
pub(crate) mod connection;
pub(crate) mod gateway;
pub(crate) mod gateway_routes;
pub(crate) mod hub;
pub(crate) mod public_ip;
pub(crate) mod recovery_plan;
pub(crate) mod removal;
pub(crate) mod route_table;
pub(crate) mod steering;
pub(crate) mod subnet;
mod taken_back;
pub(crate) mod virtual_network;
pub(crate) mod vnet_peering;
pub(crate) mod vpn;
