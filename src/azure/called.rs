//! Which resource types does the generated client call for us?

use crate::model::{ResourceId, StepError};

/// The resource types that we call.
#[derive(Debug, Clone, Copy)]
pub(super) enum CalledKind {
    Circuit,
    Authorization,
    PublicIp,
    RouteTable,
    Subnet,
    Gateway,
    Connection,
    Peering,
    SecurityGroup,
    Network,
    Firewall,
    Route,
    CircuitPeering,
    Wan,
    Hub,
    HubGateway,
    HubConnection,
    HubVnet,
    HubTable,
}

/// The kind of a resource.
///
/// # Errors
/// The generated client does not know its type, or no action of ours is about it.
pub(super) fn kind(resource: &ResourceId) -> Result<CalledKind, StepError> {
    let is = resource.resource_type();
    [
        ("Microsoft.Network/expressRouteCircuits", CalledKind::Circuit),
        ("Microsoft.Network/expressRouteCircuits/authorizations", CalledKind::Authorization),
        ("Microsoft.Network/publicIPAddresses", CalledKind::PublicIp),
        ("Microsoft.Network/routeTables", CalledKind::RouteTable),
        ("Microsoft.Network/virtualNetworks/subnets", CalledKind::Subnet),
        ("Microsoft.Network/virtualNetworkGateways", CalledKind::Gateway),
        ("Microsoft.Network/connections", CalledKind::Connection),
        ("Microsoft.Network/virtualNetworks/virtualNetworkPeerings", CalledKind::Peering),
        ("Microsoft.Network/networkSecurityGroups", CalledKind::SecurityGroup),
        ("Microsoft.Network/virtualNetworks", CalledKind::Network),
        ("Microsoft.Network/azureFirewalls", CalledKind::Firewall),
        ("Microsoft.Network/routeTables/routes", CalledKind::Route),
        ("Microsoft.Network/expressRouteCircuits/peerings", CalledKind::CircuitPeering),
        ("Microsoft.Network/virtualWans", CalledKind::Wan),
        ("Microsoft.Network/virtualHubs", CalledKind::Hub),
        ("Microsoft.Network/expressRouteGateways", CalledKind::HubGateway),
        (
            "Microsoft.Network/expressRouteGateways/expressRouteConnections",
            CalledKind::HubConnection,
        ),
        ("Microsoft.Network/virtualHubs/hubVirtualNetworkConnections", CalledKind::HubVnet),
        ("Microsoft.Network/virtualHubs/hubRouteTables", CalledKind::HubTable),
    ]
    .into_iter()
    .find(|(name, _)| is.is(name))
    .map(|(_, kind)| kind)
    .ok_or_else(|| {
        let why = format!("No action of ours is about a resource of type {is}.");
        StepError::rejected("unknown_type", why)
    })
}
