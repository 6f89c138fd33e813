//! Which packet would arrive where? The truth of the network, computed from what there is.
//!
//! Comes in: resource bodies, the on-premises side, the regions that are down and the connections
//! that carry nothing. Goes out: the rows that Azure's diagnostic actions show (azure-facts 5), and
//! the path each side would choose. Pure: nothing is kept, nothing is asked for.

pub mod choice;
pub mod edge;
pub mod estate;
mod hubs;
mod impossible;
mod inside;
pub mod locations;
pub mod onprem;
pub mod parts;
mod pieces;
pub mod reach;
pub mod routes;
pub mod traffic;
pub mod vpn;

#[cfg(test)]
mod testing;

pub use choice::{AzurePath, OnPremisesPath, azure_choice, on_premises_choice};
pub use edge::{
    ArpRow, CircuitRoute, CircuitRouteSummary, arp_table, circuit_routes, circuit_routes_summary,
};
pub use estate::{Estate, EstateParts};
pub use hubs::{EffectiveRow, Routed, effective_routes, labels_of};
pub use impossible::{Doubt, doubts};
pub use locations::{Heard, heard_by_network};
pub use onprem::{Link, OnPrem, OnPremError, Site};
pub use parts::{
    Dead, EstateCircuit, EstateConnection, ExpressRouteGateway, PrivatePeering, Tunnel, Vnet,
    VnetPeering,
};
pub use reach::{Reach, ReachVerdict, reachability};
pub use routes::{
    BgpPeerRow, RouteRow, advertised_prefixes, advertised_routes, bgp_peers, configured_prefixes,
    connection_status, learned_routes, local_address,
};
pub use traffic::{Rates, Stats, traffic};
pub use vpn::{VpnDevice, tunnel_status};
