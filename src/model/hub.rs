//! What shall be of a virtual WAN? Its hubs, their gateways, and who is connected to them.
//!
//! A hub is a router that Azure runs: nobody's subnets are in it. Networks and circuits are connected to
//! it, each connection follows one of the hub's route tables (association) and puts its own addresses into
//! some of them (propagation), by id or by label; a label reaches the tables of every hub of the WAN.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::action::OutputType;
use super::desired::Autoscale;
use super::resource::{Region, ResourceId};
use super::secret::SecretRef;
use super::tags::Tags;

/// The table of a hub that everything uses of which nobody says otherwise.
pub const DEFAULT_TABLE: &str = "defaultRouteTable";

/// The table of a hub whose routes nobody learns. Azure makes it with the hub.
pub const NO_TABLE: &str = "noneRouteTable";

/// The name and the type of a circuit's private peering.
pub const PRIVATE_PEERING: &str = "AzurePrivatePeering";

/// The type of a hub's route tables under it.
pub const HUB_TABLES: &str = "hubRouteTables";

/// Megabits per second of one scale unit of a hub's ExpressRoute gateway.
pub const UNIT_MBPS: u64 = 2_000;

/// Something of a virtual WAN's shall be so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", content = "with")]
pub enum HubAction {
    /// A hub of a virtual WAN exists, and routes.
    #[serde(rename = "virtual_hub.ensure")]
    Hub(VirtualHub),
    /// A hub has an ExpressRoute gateway.
    #[serde(rename = "hub_gateway.ensure")]
    Gateway(HubGateway),
    /// A hub's gateway is connected to a circuit.
    #[serde(rename = "hub_connection.ensure")]
    Connection(HubConnection),
    /// A virtual network is connected to a hub.
    #[serde(rename = "hub_vnet.ensure")]
    Vnet(HubVnet),
    /// A hub has a route table with exactly these routes.
    #[serde(rename = "hub_routes.ensure")]
    Routes(HubRoutes),
}

/// The desired state of a hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualHub {
    /// The hub's id.
    pub id: ResourceId,
    /// The virtual WAN that it belongs to.
    pub wan: ResourceId,
    /// Where it is.
    pub location: Region,
    /// Its own addresses, of which Azure makes routers and gateways.
    pub prefix: IpNet,
    /// What it prefers among equal prefixes; as it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<HubPreference>,
    /// At least so many units of routing; as it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_units_min: Option<u32>,
    /// Its tags; those that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// What a hub prefers among routes of one prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HubPreference {
    /// What its own ExpressRoute gateway has learned.
    Expressroute,
    /// What its VPN gateway has learned.
    Vpn,
    /// The shortest AS path, wherever it leads.
    AsPath,
}

impl HubPreference {
    /// All of them, as a runbook writes them.
    pub const WORDS: &[&str] = &["expressroute", "vpn", "as_path"];

    /// Reads a runbook's word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "expressroute" => Some(Self::Expressroute),
            "vpn" => Some(Self::Vpn),
            "as_path" => Some(Self::AsPath),
            _ => None,
        }
    }

    /// Azure's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expressroute => "ExpressRoute",
            Self::Vpn => "VpnGateway",
            Self::AsPath => "ASPath",
        }
    }
}

/// The desired state of a hub's ExpressRoute gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubGateway {
    /// The gateway's id.
    pub id: ResourceId,
    /// The hub that it stands in.
    pub hub: ResourceId,
    /// Where it is: the hub's region.
    pub location: Region,
    /// Between how many units of 2 Gbit/s it scales.
    pub units: Autoscale,
    /// Whether networks outside the WAN may be reached over it; as it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_non_wan_traffic: Option<bool>,
    /// Its tags; those that others put on it are left alone.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// Which tables of a hub a connection follows, and which learn its addresses. What the author does not say
/// is as it is, and the default table on a new connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// The table whose routes it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associated: Option<ResourceId>,
    /// The tables that learn its addresses, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propagated: Option<Vec<ResourceId>>,
    /// The labels of tables that learn its addresses, in every hub of the WAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
}

impl Routing {
    /// Whether the author says nothing of it.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// The desired state of a connection between a hub's gateway and a circuit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubConnection {
    /// The connection's id, under its gateway.
    pub id: ResourceId,
    /// The circuit, whose private peering is used.
    pub circuit: ResourceId,
    /// Where the authorization key comes from, when the circuit is in another subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<SecretRef>,
    /// 0 to 32000; the larger wins among the gateway's connections. As it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_weight: Option<u16>,
    /// Whether a default route of the hub's is told to the circuit. As it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internet_security: Option<bool>,
    /// FastPath: traffic goes past the gateway. As it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fast_path: Option<bool>,
    /// The tables that it follows and fills.
    #[serde(default, skip_serializing_if = "Routing::is_silent")]
    pub routing: Routing,
}

impl HubConnection {
    /// The id of the circuit's private peering.
    #[must_use]
    pub fn peering(&self) -> String {
        format!("{}/peerings/{PRIVATE_PEERING}", self.circuit)
    }

    /// The gateway.
    #[must_use]
    pub fn gateway(&self) -> ResourceId {
        self.id.parent().unwrap_or_else(|| self.id.clone())
    }
}

/// The desired state of a connection between a hub and a virtual network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubVnet {
    /// The connection's id, under its hub.
    pub id: ResourceId,
    /// The virtual network.
    pub vnet: ResourceId,
    /// Whether it follows a default route of the hub's. As it is when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internet_security: Option<bool>,
    /// The tables that it follows and fills.
    #[serde(default, skip_serializing_if = "Routing::is_silent")]
    pub routing: Routing,
}

/// The desired state of a hub's route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubRoutes {
    /// The table's id, under its hub.
    pub id: ResourceId,
    /// Its labels; as they are when the author says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Its routes, in the author's order.
    pub routes: Vec<HubRoute>,
}

/// A static route of a hub's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubRoute {
    /// Its name in the table.
    pub name: String,
    /// The destinations.
    pub prefixes: Vec<IpNet>,
    /// Where the traffic goes: a connection of the hub's to a virtual network, or a firewall in the hub.
    pub next_hop: ResourceId,
}

impl HubAction {
    /// The name in runbooks: `hub_gateway.ensure`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hub(_) => "virtual_hub.ensure",
            Self::Gateway(_) => "hub_gateway.ensure",
            Self::Connection(_) => "hub_connection.ensure",
            Self::Vnet(_) => "hub_vnet.ensure",
            Self::Routes(_) => "hub_routes.ensure",
        }
    }

    /// The resource that is written.
    #[must_use]
    pub fn subject(&self) -> &ResourceId {
        match self {
            Self::Hub(spec) => &spec.id,
            Self::Gateway(spec) => &spec.id,
            Self::Connection(spec) => &spec.id,
            Self::Vnet(spec) => &spec.id,
            Self::Routes(spec) => &spec.id,
        }
    }

    /// The resources that are read besides the one that is written.
    #[must_use]
    pub fn reads(&self) -> Vec<&ResourceId> {
        match self {
            Self::Hub(spec) => vec![&spec.wan],
            Self::Gateway(spec) => vec![&spec.hub],
            Self::Connection(spec) => match &spec.authorization {
                Some(SecretRef::Resource { id, .. }) => vec![&spec.circuit, id],
                Some(SecretRef::Param(_)) | None => vec![&spec.circuit],
            },
            Self::Vnet(spec) => vec![&spec.vnet],
            Self::Routes(spec) => spec.routes.iter().map(|route| &route.next_hop).collect(),
        }
    }

    /// What is written along until the operation has ended, besides the resource itself. A hub's gateway
    /// takes half an hour and does not keep its hub from networks meanwhile.
    #[must_use]
    pub fn holds(&self) -> Vec<ResourceId> {
        let parent = |id: &ResourceId| id.parent().unwrap_or_else(|| id.clone());
        match self {
            Self::Hub(_) | Self::Gateway(_) => Vec::new(),
            Self::Connection(spec) => vec![parent(&spec.id), spec.circuit.clone()],
            Self::Vnet(spec) => vec![parent(&spec.id), spec.vnet.clone()],
            Self::Routes(spec) => vec![parent(&spec.id)],
        }
    }

    /// The tags that the action puts on what it makes; none where its resource has none.
    pub fn tags_mut(&mut self) -> Option<&mut Tags> {
        match self {
            Self::Hub(spec) => Some(&mut spec.tags),
            Self::Gateway(spec) => Some(&mut spec.tags),
            Self::Connection(_) | Self::Vnet(_) | Self::Routes(_) => None,
        }
    }

    /// Where the key of a circuit comes from, if one is sent.
    #[must_use]
    pub fn authorization(&self) -> Option<&SecretRef> {
        match self {
            Self::Connection(spec) => spec.authorization.as_ref(),
            Self::Hub(_) | Self::Gateway(_) | Self::Vnet(_) | Self::Routes(_) => None,
        }
    }

    /// What the action puts out: names and types.
    #[must_use]
    pub fn outputs(&self) -> &'static [(&'static str, OutputType)] {
        match self {
            Self::Hub(_) => &[("id", OutputType::Text), ("routing_state", OutputType::Text)],
            Self::Gateway(_) | Self::Connection(_) | Self::Vnet(_) | Self::Routes(_) => {
                &[("id", OutputType::Text)]
            }
        }
    }
}
