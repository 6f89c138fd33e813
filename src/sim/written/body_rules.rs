//! What must hold of a body besides its shape? Prefixes, addresses, bounds, and what it cannot be without.

use super::shape::TypeShape;

/// Properties whose texts are address prefixes, by type and path.
pub(super) const PREFIXES: &[(&str, &str)] = &[
    ("virtualNetworks", "/properties/addressSpace/addressPrefixes/*"),
    ("virtualNetworks/subnets", "/properties/addressPrefix"),
    ("virtualNetworks/subnets", "/properties/addressPrefixes/*"),
    ("localNetworkGateways", "/properties/localNetworkAddressSpace/addressPrefixes/*"),
    ("virtualHubs", "/properties/addressPrefix"),
    ("expressRouteCircuits/peerings", "/properties/primaryPeerAddressPrefix"),
    ("expressRouteCircuits/peerings", "/properties/secondaryPeerAddressPrefix"),
    ("expressRouteCircuits/peerings/connections", "/properties/addressPrefix"),
];

/// Properties whose texts are addresses.
pub(super) const ADDRESSES: &[(&str, &str)] = &[
    ("publicIPAddresses", "/properties/ipAddress"),
    ("localNetworkGateways", "/properties/gatewayIpAddress"),
    ("routeTables/routes", "/properties/nextHopIpAddress"),
];

/// Numbers that Azure has bounds for.
pub(super) const RANGES: &[(&str, &str, u64, u64)] = &[
    ("expressRouteCircuits/peerings", "/properties/vlanId", 0, 4_094),
    ("expressRouteCircuits/peerings", "/properties/peerASN", 1, u32::MAX as u64),
    ("expressRouteCircuits/peerings", "/properties/azureASN", 1, u32::MAX as u64),
    ("connections", "/properties/routingWeight", 0, 32_000),
];

/// What a resource cannot be without: one of these paths.
pub(super) const NEEDED: &[(&str, &[&str])] = &[
    ("virtualNetworks", &["/properties/addressSpace/addressPrefixes"]),
    ("virtualNetworks/subnets", &["/properties/addressPrefix", "/properties/addressPrefixes"]),
    ("virtualNetworks/virtualNetworkPeerings", &["/properties/remoteVirtualNetwork"]),
    ("virtualNetworkGateways", &["/properties/gatewayType"]),
    ("connections", &["/properties/connectionType"]),
    ("connections", &["/properties/virtualNetworkGateway1"]),
    ("routeTables/routes", &["/properties/addressPrefix"]),
    ("routeTables/routes", &["/properties/nextHopType"]),
];

/// The namespace of the types in these tables.
pub(super) const NETWORK: &str = "Microsoft.Network/";

/// Whether a type is the one of that short name.
pub(super) fn is_of(kind: &TypeShape, short: &str) -> bool {
    kind.name.strip_prefix(NETWORK) == Some(short)
}

/// What any resource may say, whatever its type.
pub(super) fn is_everywhere(path: &str) -> bool {
    let all = [
        "/id",
        "/name",
        "/type",
        "/etag",
        "/location",
        "/tags",
        "/kind",
        "/zones",
        "/identity",
        "/plan",
        "/sku",
        "/managedBy",
        "/systemData",
        "/extendedLocation",
        "/apiVersion",
        "/scale",
        "/properties/provisioningState",
        "/properties/resourceGuid",
    ];
    all.contains(&path)
}
