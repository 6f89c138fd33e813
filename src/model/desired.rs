//! What shall be? The desired state of each kind of resource that a step may write.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::azure_limits::bandwidth_sold;
use super::destination::Destination;
use super::resource::{Region, ResourceId};
use super::secret::SecretRef;
use super::tags::Tags;

/// The desired state of a public IP address: Standard SKU, static, as an ExpressRoute gateway needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicIp {
    /// The address's id.
    pub id: ResourceId,
    /// Where it is.
    pub location: Region,
    /// Availability zones, in the author's order; empty for none.
    pub zones: Vec<String>,
    /// Its tags; those that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// The desired state of a subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// The subnet's id.
    pub id: ResourceId,
    /// Its address prefixes, in the author's order: one, or several of either family.
    #[serde(rename = "prefix", with = "one_or_many")]
    pub prefixes: Vec<IpNet>,
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
    /// Between how many units an `ErGwScale` gateway scales.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
    /// `allowRemoteVnetTraffic`; as it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_remote_vnet_traffic: Option<bool>,
    /// `allowVirtualWanTraffic`; as it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_virtual_wan_traffic: Option<bool>,
    /// Its tags; those that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// Between how many units a gateway scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autoscale {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
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
    /// 0 to 32000; the larger wins among the gateway's connections. As it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_weight: Option<u16>,
    /// FastPath: traffic goes past the gateway. As it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fast_path: Option<bool>,
    /// FastPath to private endpoints as well. As it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_link_fast_path: Option<bool>,
    /// Its tags; those that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// The desired state of one side of a virtual network peering. A flag of which the author says nothing is as
/// it is, and has Azure's default where the side is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peering {
    /// The peering's id, under the virtual network it belongs to.
    pub id: ResourceId,
    /// The other virtual network.
    pub remote: ResourceId,
    /// `allowVirtualNetworkAccess`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_access: Option<bool>,
    /// `allowForwardedTraffic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_forwarded_traffic: Option<bool>,
    /// `allowGatewayTransit`: the hub's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_gateway_transit: Option<bool>,
    /// `useRemoteGateways`: the spoke's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_remote_gateways: Option<bool>,
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
    /// Whether the gateway's learned routes reach the subnets that use the table; as it is when the author
    /// says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propagate_gateway_routes: Option<bool>,
    /// Its tags; those that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// A user-defined route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its name in the table.
    pub name: String,
    /// The destination.
    pub prefix: Destination,
    /// Where the traffic goes.
    pub next_hop: NextHop,
}

/// The desired state of one route of a table that others write as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRoute {
    /// The route's id, under its table.
    pub id: ResourceId,
    /// The destination.
    pub prefix: Destination,
    /// Where the traffic goes.
    pub next_hop: NextHop,
}

/// The next hop of a user-defined route. An ExpressRoute gateway cannot be one (azure-facts 1.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextHop {
    /// A network virtual appliance.
    Appliance(IpAddr),
    /// An Azure Firewall, whose private address is read when the route is compared.
    Firewall(ResourceId),
    /// The virtual network itself.
    VnetLocal,
    /// The Internet.
    Internet,
    /// Nowhere: dropped.
    None,
}

impl NextHop {
    /// The firewall whose address it is, if it is one's.
    #[must_use]
    pub fn firewall(&self) -> Option<&ResourceId> {
        match self {
            Self::Firewall(id) => Some(id),
            Self::Appliance(_) | Self::VnetLocal | Self::Internet | Self::None => None,
        }
    }
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

impl CircuitBandwidth {
    /// What is bought where the circuit has less: the next bandwidth that is sold. None where no provider sells
    /// that much.
    #[must_use]
    pub fn bought(&self) -> Option<u32> {
        bandwidth_sold(self.mbps_min)
    }
}

/// The least tier of a circuit: what it reaches (azure-facts 2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitTier {
    /// The circuit.
    pub id: ResourceId,
    /// At least this tier.
    pub at_least: Tier,
}

/// The tiers of circuits, the one that reaches least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The regions next to its location.
    Local,
    /// The regions of its location's geography.
    Standard,
    /// All regions of its cloud.
    Premium,
}

impl Tier {
    /// Azure's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "Local",
            Self::Standard => "Standard",
            Self::Premium => "Premium",
        }
    }

    /// Reads Azure's word, in whatever letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Local, Self::Standard, Self::Premium]
            .into_iter()
            .find(|tier| tier.as_str().eq_ignore_ascii_case(text))
    }
}

/// A subnet shall use a network security group, or shall not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupUse {
    /// The subnet.
    pub subnet: ResourceId,
    /// The network security group.
    pub security_group: ResourceId,
    /// Whether it shall use it.
    pub used: bool,
}

/// The DNS servers of a virtual network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsServers {
    /// The virtual network.
    pub id: ResourceId,
    /// In the order in which machines ask them; none for Azure's own.
    pub servers: Vec<IpAddr>,
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
    /// Where the key comes from, should a connection have to be made again by an undo: the authorization's, or
    /// the one that both ends of a VPN connection share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<SecretRef>,
    /// The gateway of a connection that is removed: nobody else may write it meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<ResourceId>,
    /// The network at the other end of a peering that is removed: Azure writes that as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<ResourceId>,
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
    /// One route of a table.
    Route,
    /// A VPN gateway.
    VpnGateway,
    /// A connection between a VPN gateway and a local network gateway.
    VpnConnection,
    /// A local network gateway.
    LocalGateway,
    /// A connection between a hub's gateway and a circuit.
    HubConnection,
    /// A connection between a hub and a virtual network.
    HubVnet,
    /// A route table of a hub.
    HubRoutes,
    /// The ExpressRoute gateway of a hub.
    HubGateway,
    /// A hub of a virtual WAN.
    VirtualHub,
}

impl RemovalKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Connection,
        Self::Peering,
        Self::Gateway,
        Self::PublicIp,
        Self::Subnet,
        Self::Authorization,
        Self::RouteTable,
        Self::Route,
        Self::VpnGateway,
        Self::VpnConnection,
        Self::LocalGateway,
        Self::HubConnection,
        Self::HubVnet,
        Self::HubRoutes,
        Self::HubGateway,
        Self::VirtualHub,
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
            Self::Route => "route.absent",
            Self::VpnGateway => "vpn_gateway.remove",
            Self::VpnConnection => "vpn_connection.remove",
            Self::LocalGateway => "local_network_gateway.remove",
            Self::HubConnection => "hub_connection.remove",
            Self::HubVnet => "hub_vnet.remove",
            Self::HubRoutes => "hub_routes.remove",
            Self::HubGateway => "hub_gateway.remove",
            Self::VirtualHub => "virtual_hub.remove",
        }
    }

    /// The resource type that it removes.
    #[must_use]
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Connection | Self::VpnConnection => "Microsoft.Network/connections",
            Self::Peering => "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
            Self::Gateway | Self::VpnGateway => "Microsoft.Network/virtualNetworkGateways",
            Self::PublicIp => "Microsoft.Network/publicIPAddresses",
            Self::Subnet => "Microsoft.Network/virtualNetworks/subnets",
            Self::Authorization => "Microsoft.Network/expressRouteCircuits/authorizations",
            Self::RouteTable => "Microsoft.Network/routeTables",
            Self::Route => "Microsoft.Network/routeTables/routes",
            Self::LocalGateway => "Microsoft.Network/localNetworkGateways",
            Self::HubConnection => "Microsoft.Network/expressRouteGateways/expressRouteConnections",
            Self::HubVnet => "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections",
            Self::HubRoutes => "Microsoft.Network/virtualHubs/hubRouteTables",
            Self::HubGateway => "Microsoft.Network/expressRouteGateways",
            Self::VirtualHub => "Microsoft.Network/virtualHubs",
        }
    }
}

/// One value as itself, several as a list: plans of before have one.
mod one_or_many {
    use ipnet::IpNet;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum StoredPrefixes {
        One(IpNet),
        Many(Vec<IpNet>),
    }

    pub(super) fn serialize<S: Serializer>(all: &[IpNet], to: S) -> Result<S::Ok, S::Error> {
        match all {
            [one] => one.serialize(to),
            many => many.serialize(to),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
        Ok(match StoredPrefixes::deserialize(from)? {
            StoredPrefixes::One(one) => vec![one],
            StoredPrefixes::Many(many) => many,
        })
    }
}
