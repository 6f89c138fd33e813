//! How does a network reach on-premises where no circuit does? The parts of a site-to-site VPN.
//!
//! Three resources, three actions: what stands for the customer's device, the gateway, and the tunnel
//! between them. The key that both ends share is a reference, as every secret is.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::action::{Hold, OutputType, Until};
use super::resource::{Region, ResourceId};
use super::secret::SecretRef;
use super::tags::Tags;

/// Where a shared key stands in the body of a connection.
pub const SHARED_KEY: &str = "sharedKey";

/// The same, as a pointer. A GET of the connection hides it: it has a path of its own.
pub const SHARED_KEY_AT: &str = "/properties/sharedKey";

/// A part of a site-to-site VPN that shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", content = "with")]
pub enum Vpn {
    /// A local network gateway stands for the customer's device and what is behind it.
    #[serde(rename = "local_network_gateway.ensure")]
    LocalGateway(LocalGateway),
    /// A VPN gateway exists in a virtual network.
    #[serde(rename = "vpn_gateway.ensure")]
    Gateway(VpnGateway),
    /// A VPN gateway has a tunnel to the customer's device.
    #[serde(rename = "vpn_connection.ensure")]
    Connection(VpnConnection),
}

/// The desired state of a local network gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalGateway {
    /// Its id.
    pub id: ResourceId,
    /// Where it is: the VPN gateway's region.
    pub location: Region,
    /// The public address of the customer's device.
    pub address: IpAddr,
    /// The prefixes behind the device: exactly these. None where BGP tells them.
    pub prefixes: Vec<IpNet>,
    /// How the device speaks BGP, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bgp: Option<BgpSpeaker>,
    /// Its tags; those that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// The BGP speaker of the customer's device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BgpSpeaker {
    /// Its autonomous system number.
    pub asn: u32,
    /// The address inside the tunnel that it speaks from.
    pub address: IpAddr,
}

/// The desired state of a VPN gateway: route-based, as one that stands beside an ExpressRoute gateway must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnGateway {
    /// Its id.
    pub id: ResourceId,
    /// Where it is.
    pub location: Region,
    /// Its SKU, such as `VpnGw1AZ`.
    pub sku: String,
    /// The `GatewaySubnet` it stands in.
    pub subnet: ResourceId,
    /// Its public addresses: one, or two for an active-active gateway.
    pub public_ips: Vec<ResourceId>,
    /// Its autonomous system number, where it speaks BGP over the tunnels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Its tags; those that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// The desired state of a connection between a VPN gateway and a local network gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VpnConnection {
    /// Its id.
    pub id: ResourceId,
    /// Where it is: the gateway's region.
    pub location: Region,
    /// The VPN gateway.
    pub gateway: ResourceId,
    /// What stands for the customer's device.
    pub local_gateway: ResourceId,
    /// Where the key that both ends share comes from. It is set when the connection is made.
    pub shared_key: SecretRef,
    /// Whether routes are told by BGP; as it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bgp: Option<bool>,
    /// 0 to 32000; as it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_weight: Option<u16>,
    /// Its tags; those that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

impl Vpn {
    /// The action's name.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::LocalGateway(_) => "local_network_gateway.ensure",
            Self::Gateway(_) => "vpn_gateway.ensure",
            Self::Connection(_) => "vpn_connection.ensure",
        }
    }

    /// The resource that it writes.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        match self {
            Self::LocalGateway(spec) => &spec.id,
            Self::Gateway(spec) => &spec.id,
            Self::Connection(spec) => &spec.id,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Region {
        match self {
            Self::LocalGateway(spec) => &spec.location,
            Self::Gateway(spec) => &spec.location,
            Self::Connection(spec) => &spec.location,
        }
    }

    /// The resources that it reads besides.
    #[must_use]
    pub fn reads(&self) -> Vec<&ResourceId> {
        match self {
            Self::LocalGateway(_) => Vec::new(),
            Self::Gateway(spec) => std::iter::once(&spec.subnet).chain(&spec.public_ips).collect(),
            Self::Connection(spec) => {
                let mut reads = vec![&spec.gateway, &spec.local_gateway];
                if let SecretRef::Resource { id, .. } = &spec.shared_key {
                    reads.push(id);
                }
                reads
            }
        }
    }

    /// What the step must have to itself: Azure writes these along.
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        let held: Vec<&ResourceId> = match self {
            Self::LocalGateway(spec) => vec![&spec.id],
            Self::Gateway(spec) => {
                [&spec.id, &spec.subnet].into_iter().chain(&spec.public_ips).collect()
            }
            Self::Connection(spec) => vec![&spec.id, &spec.gateway, &spec.local_gateway],
        };
        held.into_iter().map(|id| Hold { resource: id.clone(), until: Until::Ended }).collect()
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        match self {
            Self::LocalGateway(spec) => &spec.tags,
            Self::Gateway(spec) => &spec.tags,
            Self::Connection(spec) => &spec.tags,
        }
    }

    /// Its tags, to be completed.
    pub fn tags_mut(&mut self) -> &mut Tags {
        match self {
            Self::LocalGateway(spec) => &mut spec.tags,
            Self::Gateway(spec) => &mut spec.tags,
            Self::Connection(spec) => &mut spec.tags,
        }
    }

    /// What it puts out.
    #[must_use]
    pub fn outputs(&self) -> &'static [(&'static str, OutputType)] {
        match self {
            Self::LocalGateway(_) | Self::Gateway(_) => &[("id", OutputType::Text)],
            Self::Connection(_) => {
                &[("id", OutputType::Text), ("connection_status", OutputType::Text)]
            }
        }
    }
}
