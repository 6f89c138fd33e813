//! Which resource types does the generated client call for us?

use crate::arm::kind;
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
    LocalGateway,
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
        (kind::CIRCUITS, CalledKind::Circuit),
        (kind::AUTHORIZATIONS, CalledKind::Authorization),
        (kind::PUBLIC_ADDRESSES, CalledKind::PublicIp),
        (kind::ROUTE_TABLES, CalledKind::RouteTable),
        (kind::SUBNETS, CalledKind::Subnet),
        (kind::GATEWAYS, CalledKind::Gateway),
        (kind::CONNECTIONS, CalledKind::Connection),
        (kind::PEERINGS, CalledKind::Peering),
        (kind::SECURITY_GROUPS, CalledKind::SecurityGroup),
        (kind::NETWORKS, CalledKind::Network),
        (kind::FIREWALLS, CalledKind::Firewall),
        (kind::LOCAL_GATEWAYS, CalledKind::LocalGateway),
        (kind::ROUTES, CalledKind::Route),
        (kind::CIRCUIT_PEERINGS, CalledKind::CircuitPeering),
        (kind::VIRTUAL_WANS, CalledKind::Wan),
        (kind::VIRTUAL_HUBS, CalledKind::Hub),
        (kind::HUB_GATEWAYS, CalledKind::HubGateway),
        (kind::HUB_CONNECTIONS, CalledKind::HubConnection),
        (kind::HUB_VNETS, CalledKind::HubVnet),
        (kind::HUB_ROUTE_TABLES, CalledKind::HubTable),
    ]
    .into_iter()
    .find(|(name, _)| is.is(name))
    .map(|(_, kind)| kind)
    .ok_or_else(|| {
        let why = format!("No action of ours is about a resource of type {is}.");
        StepError::rejected("unknown_type", why)
    })
}
