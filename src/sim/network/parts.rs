//! What is a network, a gateway, a circuit, as far as packets care? The typed parts of an estate.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::Value;

use crate::arm::{self, kind, read};
use crate::model::{Region, ResourceId};

/// A virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vnet {
    /// Its id.
    pub id: ResourceId,
    /// Its address space.
    pub prefixes: BTreeSet<IpNet>,
}

/// One side of a peering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VnetPeering {
    /// Its id.
    pub id: ResourceId,
    /// The network it belongs to.
    pub vnet: ResourceId,
    /// The other network.
    pub remote: ResourceId,
    /// `peeringState` is `Connected`.
    pub connected: bool,
    /// `allowGatewayTransit`.
    pub allow_gateway_transit: bool,
    /// `useRemoteGateways`.
    pub use_remote_gateways: bool,
    /// The addresses of the other network that this side knows of; none where it does not say.
    pub known: Option<BTreeSet<IpNet>>,
}

/// An ExpressRoute gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressRouteGateway {
    /// Its id.
    pub id: ResourceId,
    /// Its region.
    pub region: Option<Region>,
    /// The subnet it stands in.
    pub subnet: Option<ResourceId>,
    /// The network of that subnet.
    pub vnet: Option<ResourceId>,
    /// The hub of a virtual WAN that it stands in, instead of a network.
    pub hub: Option<ResourceId>,
    /// `provisioningState` is `Succeeded`.
    pub succeeded: bool,
    /// Its subnet's route table switches gateway routes off.
    pub cut_off: bool,
}

/// A connection between a gateway and a circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstateConnection {
    /// Its id.
    pub id: ResourceId,
    /// The gateway.
    pub gateway: ResourceId,
    /// The circuit.
    pub circuit: ResourceId,
    /// `routingWeight`: the larger wins.
    pub weight: u32,
    /// `provisioningState` is `Succeeded`.
    pub succeeded: bool,
}

/// A connection of a VPN gateway to what stands for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tunnel {
    /// Its id.
    pub id: ResourceId,
    /// The VPN gateway.
    pub gateway: ResourceId,
    /// What stands for the device.
    pub local_gateway: ResourceId,
    /// Whether prefixes are told by BGP.
    pub bgp: bool,
    /// `provisioningState` is `Succeeded`.
    pub succeeded: bool,
}

/// A circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstateCircuit {
    /// Its id.
    pub id: ResourceId,
    /// `circuitProvisioningState` is `Enabled`.
    pub enabled: bool,
    /// `serviceProviderProvisioningState` is `Provisioned`, or it has no provider.
    pub provisioned: bool,
    /// Where its provider meets Microsoft.
    pub location: Option<String>,
    /// Its private peering, if it has one.
    pub private: Option<PrivatePeering>,
}

/// The private peering of a circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivatePeering {
    /// `state` is `Enabled`.
    pub enabled: bool,
    /// `peerASN`.
    pub peer_asn: Option<u32>,
    /// `primaryPeerAddressPrefix`: a /30.
    pub primary: Option<IpNet>,
    /// `secondaryPeerAddressPrefix`: a /30.
    pub secondary: Option<IpNet>,
    /// It has an `ipv6PeeringConfig`.
    pub v6: bool,
}

/// Why a connection carries nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Dead {
    /// It is not `Succeeded`.
    #[error("the connection is not provisioned")]
    EstateConnection,
    /// The gateway is not there or not `Succeeded`.
    #[error("the gateway is not provisioned")]
    Gateway,
    /// The gateway's region is down.
    #[error("region {} is down", .0.as_str())]
    Region(Region),
    /// The route table of the gateway's subnet switches gateway routes off (azure-facts 2.4).
    #[error("the route table of the gateway's subnet has disableBgpRoutePropagation")]
    CutOff,
    /// The gateway tells more prefixes than a connection takes (azure-facts 2.2).
    #[error("the gateway tells {0} prefixes, more than a connection takes")]
    Prefixes(usize),
    /// The circuit is not there, not enabled, or its provider has not provisioned it.
    #[error("the circuit is not provisioned")]
    EstateCircuit,
    /// The circuit has no enabled private peering.
    #[error("the circuit has no enabled private peering")]
    Peering,
    /// No link between on-premises and the circuit stands.
    #[error("no link between on-premises and the circuit is up")]
    Links,
    /// A site failover test has cut the gateway off from the circuit's peering location.
    #[error("a site failover test has dropped the links to {0}")]
    Tested(String),
    /// A fault: everything looks well and nothing gets through.
    #[error("the connection carries nothing, by a fault")]
    Silent,
}

/// An ExpressRoute gateway of a network or of a hub; none where the body is of anything else.
pub(super) fn read_gateway(id: &ResourceId, body: &Value) -> Option<ExpressRouteGateway> {
    if id.is_a(kind::HUB_GATEWAYS) {
        return Some(ExpressRouteGateway {
            id: id.clone(),
            region: read::region(body),
            subnet: None,
            vnet: None,
            hub: read::id_at(body, "/properties/virtualHub/id"),
            succeeded: arm::is_done(body),
            cut_off: false,
        });
    }
    let gateway = arm::GatewayView::of(body);
    if !id.is_a(kind::GATEWAYS) || !gateway.is_express_route() {
        return None;
    }
    Some(ExpressRouteGateway {
        id: id.clone(),
        region: read::region(body),
        subnet: gateway.subnet(),
        vnet: gateway.network(),
        hub: None,
        succeeded: arm::is_done(body),
        cut_off: false,
    })
}

/// Prefixes as routes have them.
pub(super) fn truncated(prefixes: Vec<IpNet>) -> BTreeSet<IpNet> {
    prefixes.into_iter().map(|prefix| prefix.trunc()).collect()
}
