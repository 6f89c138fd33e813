//! What kinds of resources are there? Azure's names for those that are spoken of here, and ours.

use crate::model::ResourceType;

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
/// Private DNS zones.
pub const DNS_ZONES: &str = "Microsoft.Network/privateDnsZones";
/// Profiles of Traffic Manager.
pub const TRAFFIC_PROFILES: &str = "Microsoft.Network/trafficManagerProfiles";
/// Vaults of Site Recovery.
pub const VAULTS: &str = "Microsoft.RecoveryServices/vaults";

/// Recovery plans of Site Recovery.
pub const RECOVERY_PLANS: &str = "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans";

/// What stands alone and steps refer to.
pub const ALONE: &[&str] = &[
    CIRCUITS,
    CONNECTIONS,
    GATEWAYS,
    NETWORKS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    PUBLIC_ADDRESSES,
    FIREWALLS,
    LOCAL_GATEWAYS,
    VIRTUAL_WANS,
    VIRTUAL_HUBS,
    HUB_GATEWAYS,
    DNS_ZONES,
    TRAFFIC_PROFILES,
    VAULTS,
];

/// The word for a thing of each kind that is spoken of.
const WORDS: &[(&str, &str)] = &[
    (CIRCUITS, "circuit"),
    (CIRCUIT_PEERINGS, "circuit peering"),
    (AUTHORIZATIONS, "authorization"),
    (CONNECTIONS, "connection"),
    (GATEWAYS, "gateway"),
    (NETWORKS, "virtual network"),
    (SUBNETS, "subnet"),
    (PEERINGS, "peering"),
    (ROUTE_TABLES, "route table"),
    (ROUTES, "route"),
    (SECURITY_GROUPS, "network security group"),
    (PUBLIC_ADDRESSES, "public IP address"),
    (FIREWALLS, "firewall"),
    (LOCAL_GATEWAYS, "local network gateway"),
    (VIRTUAL_WANS, "virtual WAN"),
    (VIRTUAL_HUBS, "virtual hub"),
    (HUB_VNETS, "network connection"),
    (HUB_ROUTE_TABLES, "route table"),
    (HUB_GATEWAYS, "hub gateway"),
    (HUB_CONNECTIONS, "circuit connection"),
    (DNS_ZONES, "private DNS zone"),
    (NAMES, "name"),
    (NAMES_V6, "name"),
    ("Microsoft.Network/privateDnsZones/CNAME", "alias"),
    (TRAFFIC_PROFILES, "Traffic Manager profile"),
    ("Microsoft.Network/trafficManagerProfiles/azureEndpoints", "endpoint"),
    ("Microsoft.Network/trafficManagerProfiles/externalEndpoints", "endpoint"),
    ("Microsoft.Network/trafficManagerProfiles/nestedEndpoints", "endpoint"),
    (VAULTS, "vault"),
    (RECOVERY_PLANS, "recovery plan"),
];

/// The word for a thing of such a kind, where there is one.
#[must_use]
pub fn word(of: &ResourceType) -> Option<&'static str> {
    WORDS.iter().find(|(kind, _)| of.is(kind)).map(|(_, word)| *word)
}

/// What is part of something whose body does not show it.
pub const LISTED_APART: &[&str] = &[HUB_VNETS, HUB_ROUTE_TABLES, RECOVERY_PLANS];
