//! What do Azure's words mean? Kinds of resources, and typed views over bodies, said once.
//!
//! Comes in: a body as ARM's GET shows it. Goes out: what it says, by name. A view borrows the body and keeps
//! what it does not know; what a body does not say is absent and never an error. [`read`] is what views are
//! made of, for the words that one reader alone needs.

mod circuit;
mod connection;
mod firewall;
mod gateway;
pub mod kind;
mod network;
mod path;
pub mod read;
mod routes;
mod state;

pub use circuit::{Circuit, CircuitPeering, PRIVATE_PEERING};
pub use connection::Connection;
pub use firewall::{PublicAddress, firewall_address};
pub use gateway::Gateway;
pub use network::{Peering, Subnet, VirtualNetwork, is_spoke};
pub use path::CircuitPath;
pub use routes::{Route, RouteTable};
pub use state::{has_failed, is_done, provisioning_state};
