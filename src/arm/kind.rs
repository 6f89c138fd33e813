//! What kinds of resources are there? Azure's names for those that are spoken of here.

/// Circuits.
pub const CIRCUITS: &str = "Microsoft.Network/expressRouteCircuits";
/// The peerings of a circuit.
pub const CIRCUIT_PEERINGS: &str = "Microsoft.Network/expressRouteCircuits/peerings";
/// The authorizations of a circuit.
pub const AUTHORIZATIONS: &str = "Microsoft.Network/expressRouteCircuits/authorizations";
/// The Global Reach connections of a circuit's peering.
pub const GLOBAL_REACH: &str = "Microsoft.Network/expressRouteCircuits/peerings/connections";
/// The ports of ExpressRoute Direct, which circuits may stand on.
pub const PORTS: &str = "Microsoft.Network/expressRoutePorts";
/// Connections of gateways, with circuits and with each other.
pub const CONNECTIONS: &str = "Microsoft.Network/connections";
/// Gateways of virtual networks, of both kinds.
pub const GATEWAYS: &str = "Microsoft.Network/virtualNetworkGateways";
/// Virtual networks.
pub const NETWORKS: &str = "Microsoft.Network/virtualNetworks";
/// The subnets of a virtual network.
pub const SUBNETS: &str = "Microsoft.Network/virtualNetworks/subnets";
/// The peerings of a virtual network: its own sides.
pub const PEERINGS: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";
/// Route tables.
pub const ROUTE_TABLES: &str = "Microsoft.Network/routeTables";
/// The routes of a table.
pub const ROUTES: &str = "Microsoft.Network/routeTables/routes";
/// Network security groups.
pub const SECURITY_GROUPS: &str = "Microsoft.Network/networkSecurityGroups";
/// Network interfaces.
pub const INTERFACES: &str = "Microsoft.Network/networkInterfaces";
/// Load balancers.
pub const LOAD_BALANCERS: &str = "Microsoft.Network/loadBalancers";
/// Public addresses.
pub const PUBLIC_ADDRESSES: &str = "Microsoft.Network/publicIPAddresses";
/// Azure firewalls.
pub const FIREWALLS: &str = "Microsoft.Network/azureFirewalls";
/// What Azure knows of a VPN device that stands elsewhere.
pub const LOCAL_GATEWAYS: &str = "Microsoft.Network/localNetworkGateways";
/// Virtual WANs.
pub const VIRTUAL_WANS: &str = "Microsoft.Network/virtualWans";
/// Hubs of a virtual WAN.
pub const VIRTUAL_HUBS: &str = "Microsoft.Network/virtualHubs";
/// The connections of a hub with virtual networks.
pub const HUB_VNETS: &str = "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections";
/// The route tables of a hub.
pub const HUB_ROUTE_TABLES: &str = "Microsoft.Network/virtualHubs/hubRouteTables";
/// ExpressRoute gateways of hubs.
pub const HUB_GATEWAYS: &str = "Microsoft.Network/expressRouteGateways";
/// The connections of a hub's gateway with circuits.
pub const HUB_CONNECTIONS: &str = "Microsoft.Network/expressRouteGateways/expressRouteConnections";
/// A name of a private DNS zone, and its addresses of IPv4.
pub const NAMES: &str = "Microsoft.Network/privateDnsZones/A";
/// The same with addresses of IPv6.
pub const NAMES_V6: &str = "Microsoft.Network/privateDnsZones/AAAA";
