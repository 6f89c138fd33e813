//! What do Azure's words mean? Kinds of resources, and typed views over bodies, said once.
//!
//! Comes in: a body as ARM's GET shows it. Goes out: what it says, by name. A view borrows the body and keeps
//! what it does not know; what a body does not say is absent and never an error. [`read`] is what views are
//! made of, for the words that one reader alone needs.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod circuit;
mod connection;
mod firewall;
mod gateway;
pub mod kind;
mod linked;
mod network;
mod path;
mod policy_field;
pub mod read;
mod routes;
mod security;
mod state;
pub mod version;

pub use crate::model::hub::PRIVATE_PEERING;
pub use circuit::{
    CircuitPeeringView, CircuitView, global_reach, is_metro, is_shut, is_spent, spending_connection,
};
pub use connection::ConnectionView;
pub use firewall::{PublicAddressView, firewall_address};
pub use gateway::GatewayView;
pub use linked::linked;
pub use network::{
    GATEWAY_SUBNET, PeeringEnd, PeeringView, SubnetView, VirtualNetworkView, hub_behind, is_spoke,
};
pub use path::CircuitPath;
pub use policy_field::PolicyField;
pub use routes::{RouteTableView, RouteView};
pub use security::{RuleEnd, SecurityRuleView, TrafficDirection, security_rules};
pub use state::{has_failed, is_done, provisioning_state};

/// What stands in a hub besides its own ExpressRoute gateway, as its body names it.
pub const HUB_HOLDS: [&str; 4] =
    ["vpnGateway", "p2SVpnGateway", "azureFirewall", "securityPartnerProvider"];
