//! Where do clients go once the network has moved? Names and traffic managers, told to point elsewhere.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::action::{Hold, OutputType, Until};
use super::resource::ResourceId;

/// Seconds for which a name is remembered where its author says nothing.
pub const TTL: u32 = 300;

/// What tells clients where to go, as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", content = "with")]
pub enum Steering {
    /// A name of a private DNS zone stands for exactly these addresses.
    #[serde(rename = "private_dns.record")]
    Record(DnsRecord),
    /// An endpoint of a Traffic Manager profile is on or off, and has its turn.
    #[serde(rename = "traffic_manager.endpoint")]
    Endpoint(TrafficEndpoint),
}

/// The desired state of a record set of a private DNS zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsRecord {
    /// Its id: under the zone, `A` or `AAAA`, and the name.
    pub id: ResourceId,
    /// Exactly these addresses, all of one family.
    pub addresses: Vec<IpAddr>,
    /// For how many seconds it may be remembered; as it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

/// The desired state of an endpoint of a Traffic Manager profile. It is there: whoever made it knows
/// where it leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficEndpoint {
    /// Its id: under the profile, `azureEndpoints`, `externalEndpoints` or `nestedEndpoints`, and the name.
    pub id: ResourceId,
    /// Whether clients are sent there; as it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Its turn: the lowest that answers is taken. As it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// Its share. As it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
}

impl DnsRecord {
    /// Whether its addresses are of IPv6: then its type is `AAAA`.
    #[must_use]
    pub fn is_v6(&self) -> bool {
        self.id.is_a("Microsoft.Network/privateDnsZones/AAAA")
    }
}

impl Steering {
    /// The action's name.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Record(_) => "private_dns.record",
            Self::Endpoint(_) => "traffic_manager.endpoint",
        }
    }

    /// The resource that it writes.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        match self {
            Self::Record(spec) => &spec.id,
            Self::Endpoint(spec) => &spec.id,
        }
    }

    /// What the step must have to itself. Azure writes these at once and locks nothing: it is for us.
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        vec![Hold { resource: self.id().clone(), until: Until::Ended }]
    }

    /// What it puts out.
    #[must_use]
    pub fn outputs(&self) -> &'static [(&'static str, OutputType)] {
        &[("id", OutputType::Text)]
    }
}
