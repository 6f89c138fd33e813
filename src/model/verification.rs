//! What shall be seen? Verifications: they look until it is so, and write nothing.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::action::OutputType;
use super::resource::ResourceId;

/// Something that shall be seen; a verification waits for it until the step's time is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", content = "with")]
pub enum Verification {
    /// A circuit is enabled, provisioned by its provider, and has an enabled private peering.
    #[serde(rename = "verify.circuit")]
    Circuit {
        /// The circuit.
        circuit: ResourceId,
    },
    /// A connection is `Succeeded` and its status is `Connected`.
    #[serde(rename = "verify.connection")]
    Connection {
        /// The connection.
        connection: ResourceId,
    },
    /// A tunnel is `Succeeded` and `Connected`, and bytes have come in through it.
    #[serde(rename = "verify.tunnel")]
    Tunnel {
        /// The VPN connection.
        connection: ResourceId,
    },
    /// A gateway has learned prefixes over ExpressRoute.
    #[serde(rename = "verify.routes")]
    Routes {
        /// The gateway.
        gateway: ResourceId,
        /// Each must be covered by a learned route that came through Microsoft's edge (AS 12076).
        expect: Vec<IpNet>,
    },
    /// A gateway advertises prefixes to its ExpressRoute peers.
    #[serde(rename = "verify.advertised")]
    Advertised {
        /// The gateway.
        gateway: ResourceId,
        /// Each must be advertised to every connected peer; where there are those of several circuits, to
        /// both of one.
        expect: Vec<IpNet>,
    },
    /// A gateway's BGP peers are connected.
    #[serde(rename = "verify.bgp")]
    Bgp {
        /// The gateway.
        gateway: ResourceId,
        /// How many connected peers there must be; an ExpressRoute connection brings two.
        peers_min: u32,
    },
    /// Both paths of a circuit's private peering see the customer's edge and Microsoft's in their
    /// ARP tables.
    #[serde(rename = "verify.arp")]
    Arp {
        /// The circuit.
        circuit: ResourceId,
    },
    /// The paths of a circuit's private peering carry prefixes, or carry them no longer.
    #[serde(rename = "verify.circuit_routes")]
    CircuitRoutes {
        /// The circuit.
        circuit: ResourceId,
        /// Must be in the route table of the paths that are judged.
        expect: Vec<IpNet>,
        /// Must be in neither.
        absent: Vec<IpNet>,
        /// Which paths are judged by what is expected.
        #[serde(default, skip_serializing_if = "JudgedPaths::is_both")]
        paths: JudgedPaths,
    },
    /// A circuit's Microsoft peering is enabled and its public prefixes are advertised: what
    /// replication from on-premises needs (azure-facts 1.7).
    #[serde(rename = "verify.microsoft_peering")]
    MicrosoftPeering {
        /// The circuit.
        circuit: ResourceId,
    },
    /// A table of a hub has prefixes that the hub's own ExpressRoute gateway has learned.
    #[serde(rename = "verify.hub_routes")]
    HubRoutes {
        /// The hub.
        hub: ResourceId,
        /// The table, by its name.
        table: String,
        /// Each must be covered by a route to an ExpressRoute gateway.
        expect: Vec<IpNet>,
    },
    /// A resource does not exist any more.
    #[serde(rename = "verify.absent")]
    Absent {
        /// The resource.
        resource: ResourceId,
    },
}

/// Which of a circuit's two paths must carry what is expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedPaths {
    /// Both.
    #[default]
    Both,
    /// Each on which on-premises has a session, one at least: a circuit with one leg carries, too.
    Any,
}

impl JudgedPaths {
    /// Whether it is what is meant when nothing is said.
    #[must_use]
    pub fn is_both(&self) -> bool {
        *self == Self::Both
    }
}

impl Verification {
    /// The name in runbooks.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Circuit { .. } => "verify.circuit",
            Self::Connection { .. } => "verify.connection",
            Self::Tunnel { .. } => "verify.tunnel",
            Self::Routes { .. } => "verify.routes",
            Self::Advertised { .. } => "verify.advertised",
            Self::Bgp { .. } => "verify.bgp",
            Self::Arp { .. } => "verify.arp",
            Self::CircuitRoutes { .. } => "verify.circuit_routes",
            Self::MicrosoftPeering { .. } => "verify.microsoft_peering",
            Self::HubRoutes { .. } => "verify.hub_routes",
            Self::Absent { .. } => "verify.absent",
        }
    }

    /// The resource that is looked at.
    #[must_use]
    pub fn subject(&self) -> &ResourceId {
        match self {
            Self::Circuit { circuit }
            | Self::Arp { circuit }
            | Self::MicrosoftPeering { circuit }
            | Self::CircuitRoutes { circuit, .. } => circuit,
            Self::Connection { connection } | Self::Tunnel { connection } => connection,
            Self::Absent { resource } => resource,
            Self::HubRoutes { hub, .. } => hub,
            Self::Routes { gateway, .. }
            | Self::Advertised { gateway, .. }
            | Self::Bgp { gateway, .. } => gateway,
        }
    }

    /// What the verification puts out: names and types.
    #[must_use]
    pub fn outputs(&self) -> &'static [(&'static str, OutputType)] {
        use OutputType::{List, Number, Text};
        match self {
            Self::Circuit { .. } => &[("bandwidth_mbps", Number)],
            Self::Connection { .. } => &[("connection_status", Text)],
            Self::Tunnel { .. } => &[("connection_status", Text), ("bytes_in", Number)],
            Self::Routes { .. }
            | Self::Advertised { .. }
            | Self::CircuitRoutes { .. }
            | Self::HubRoutes { .. }
            | Self::MicrosoftPeering { .. } => &[("prefixes", List)],
            Self::Bgp { .. } => &[("peers_connected", Number)],
            Self::Arp { .. } => &[("entries", Number)],
            Self::Absent { .. } => &[],
        }
    }
}
