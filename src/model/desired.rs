//! What shall be? The desired state of each kind of resource that a step may write.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::resource::{Region, ResourceId};
use super::secret::SecretRef;

/// The desired state of a public IP address: Standard SKU, static, as an ExpressRoute gateway needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicIp {
    /// The address's id.
    pub id: ResourceId,
    /// Where it is.
    pub location: Region,
    /// Availability zones, in the author's order; empty for none.
    pub zones: Vec<String>,
}

/// The desired state of a subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// The subnet's id.
    pub id: ResourceId,
    /// Its address prefix.
    pub prefix: IpNet,
}

/// The desired state of an ExpressRoute gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    /// The gateway's id.
    pub id: ResourceId,
    /// Where it is.
    pub location: Region,
    /// Its SKU, such as `ErGw1AZ`.
    pub sku: String,
    /// The `GatewaySubnet` it stands in.
    pub subnet: ResourceId,
    /// Its public IP address, where the author brings one. Since August 2025 the platform gives a gateway
    /// an address of its own and shows none (azurerm PR 31084).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<ResourceId>,
}

/// The desired state of a circuit authorization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The authorization's id.
    pub id: ResourceId,
}

/// The desired state of a connection between a gateway and a circuit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The connection's id.
    pub id: ResourceId,
    /// Where it is: the gateway's region.
    pub location: Region,
    /// The gateway.
    pub gateway: ResourceId,
    /// The circuit.
    pub circuit: ResourceId,
    /// Where the authorization key comes from, when the circuit is in another subscription.
    pub authorization: Option<SecretRef>,
    /// 0 to 32000; the larger wins among the gateway's connections.
    pub routing_weight: u16,
}

/// The desired state of one side of a virtual network peering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peering {
    /// The peering's id, under the virtual network it belongs to.
    pub id: ResourceId,
    /// The other virtual network.
    pub remote: ResourceId,
    /// `allowVirtualNetworkAccess`.
    pub allow_access: bool,
    /// `allowForwardedTraffic`.
    pub allow_forwarded_traffic: bool,
    /// `allowGatewayTransit`: the hub's side.
    pub allow_gateway_transit: bool,
    /// `useRemoteGateways`: the spoke's side.
    pub use_remote_gateways: bool,
}

/// The desired state of a route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// The table's id.
    pub id: ResourceId,
    /// Where it is.
    pub location: Region,
    /// Its routes, in the author's order.
    pub routes: Vec<Route>,
    /// Whether the gateway's learned routes reach the subnets that use the table.
    pub propagate_gateway_routes: bool,
}

/// A user-defined route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its name in the table.
    pub name: String,
    /// The destination.
    pub prefix: IpNet,
    /// Where the traffic goes.
    pub next_hop: NextHop,
}

/// The next hop of a user-defined route. An ExpressRoute gateway cannot be one (azure-facts 1.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextHop {
    /// A network virtual appliance.
    Appliance(IpAddr),
    /// The virtual network itself.
    VnetLocal,
    /// The Internet.
    Internet,
    /// Nowhere: dropped.
    None,
}

/// A subnet shall use a route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    /// The subnet.
    pub subnet: ResourceId,
    /// The route table.
    pub route_table: ResourceId,
}

/// The least bandwidth of a circuit. Azure raises it in place and never lowers it (azure-facts 2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitBandwidth {
    /// The circuit.
    pub id: ResourceId,
    /// At least this many megabits per second.
    pub mbps_min: u32,
}

/// A subnet shall not use a route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dissociation {
    /// The subnet.
    pub subnet: ResourceId,
    /// The route table that it shall not use.
    pub route_table: ResourceId,
}

/// A resource shall be gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// What kind of resource it is: part of the action's name.
    pub kind: RemovalKind,
    /// Its id.
    pub id: ResourceId,
    /// Where the authorization key comes from, should a connection have to be made again by an undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<SecretRef>,
    /// The gateway of a connection that is removed: nobody else may write it meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<ResourceId>,
}

/// The kinds of resources that a step may remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalKind {
    /// A connection between a gateway and a circuit.
    Connection,
    /// One side of a virtual network peering.
    Peering,
    /// A gateway.
    Gateway,
    /// A public IP address.
    PublicIp,
    /// A subnet.
    Subnet,
    /// A circuit authorization.
    Authorization,
    /// A route table.
    RouteTable,
}

impl RemovalKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Connection,
        Self::Peering,
        Self::Gateway,
        Self::PublicIp,
        Self::Subnet,
        Self::Authorization,
        Self::RouteTable,
    ];

    /// The action's name.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::Connection => "connection.remove",
            Self::Peering => "peering.remove",
            Self::Gateway => "gateway.remove",
            Self::PublicIp => "public_ip.remove",
            Self::Subnet => "subnet.remove",
            Self::Authorization => "authorization.remove",
            Self::RouteTable => "route_table.remove",
        }
    }

    /// The resource type that it removes.
    #[must_use]
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Connection => "Microsoft.Network/connections",
            Self::Peering => "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
            Self::Gateway => "Microsoft.Network/virtualNetworkGateways",
            Self::PublicIp => "Microsoft.Network/publicIPAddresses",
            Self::Subnet => "Microsoft.Network/virtualNetworks/subnets",
            Self::Authorization => "Microsoft.Network/expressRouteCircuits/authorizations",
            Self::RouteTable => "Microsoft.Network/routeTables",
        }
    }
}
