//! What may a step ask of the world? The closed set of actions, each a desired state.
//!
//! An action says what shall be, never how to get there: observing, previewing, repeating and
//! verifying all come from comparing it with what is. What it reads, writes and holds is known from
//! its type, so two steps never act on one resource at once.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::policy::GatePolicy;
use super::resource::{Region, ResourceId};
use super::secret::SecretRef;
use super::time::duration_text;

/// What a step asks of the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", content = "with")]
pub enum Action {
    /// A static public IP address exists.
    #[serde(rename = "public_ip.ensure")]
    PublicIp(PublicIp),
    /// A subnet exists in a virtual network, with its prefix.
    #[serde(rename = "subnet.ensure")]
    Subnet(Subnet),
    /// An ExpressRoute gateway exists in a virtual network.
    #[serde(rename = "gateway.ensure")]
    Gateway(Gateway),
    /// A circuit has an authorization that another subscription may redeem.
    #[serde(rename = "authorization.ensure")]
    Authorization(Authorization),
    /// A gateway is connected to a circuit.
    #[serde(rename = "connection.ensure")]
    Connection(Connection),
    /// One side of a peering between two virtual networks exists, with its four flags.
    #[serde(rename = "peering.ensure")]
    Peering(Peering),
    /// A route table exists with exactly these routes.
    #[serde(rename = "route_table.ensure")]
    RouteTable(RouteTable),
    /// A subnet uses a route table.
    #[serde(rename = "route_table.associate")]
    Association(Association),
    /// Something is seen to be so; nothing is written.
    #[serde(untagged)]
    Verify(Verification),
    /// Something that is not Azure's: a person or time.
    #[serde(untagged)]
    General(General),
}

/// The desired state of a public IP address: Standard SKU, static, as an ExpressRoute gateway needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicIp {
    /// The address's id.
    pub id: ResourceId,
    /// Where it is.
    pub location: Region,
    /// Availability zones, in the author's order; empty for none.
    pub zones: Vec<String>,
}

/// The desired state of a subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// The subnet's id.
    pub id: ResourceId,
    /// Its address prefix.
    pub prefix: IpNet,
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
    /// Its public IP address.
    pub public_ip: ResourceId,
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
    /// 0 to 32000; the larger wins among the gateway's connections.
    pub routing_weight: u16,
}

/// The desired state of one side of a virtual network peering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peering {
    /// The peering's id, under the virtual network it belongs to.
    pub id: ResourceId,
    /// The other virtual network.
    pub remote: ResourceId,
    /// `allowVirtualNetworkAccess`.
    pub allow_access: bool,
    /// `allowForwardedTraffic`.
    pub allow_forwarded_traffic: bool,
    /// `allowGatewayTransit`: the hub's side.
    pub allow_gateway_transit: bool,
    /// `useRemoteGateways`: the spoke's side.
    pub use_remote_gateways: bool,
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
    /// Whether the gateway's learned routes reach the subnets that use the table.
    pub propagate_gateway_routes: bool,
}

/// A user-defined route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its name in the table.
    pub name: String,
    /// The destination.
    pub prefix: IpNet,
    /// Where the traffic goes.
    pub next_hop: NextHop,
}

/// The next hop of a user-defined route. An ExpressRoute gateway cannot be one (azure-facts 1.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextHop {
    /// A network virtual appliance.
    Appliance(IpAddr),
    /// The virtual network itself.
    VnetLocal,
    /// The Internet.
    Internet,
    /// Nowhere: dropped.
    None,
}

/// A subnet shall use a route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    /// The subnet.
    pub subnet: ResourceId,
    /// The route table.
    pub route_table: ResourceId,
}

/// Something that shall be seen; a verification waits for it until the step's time is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", content = "with")]
pub enum Verification {
    /// A circuit is enabled, provisioned by its provider, and has an enabled private peering.
    #[serde(rename = "verify.circuit")]
    Circuit {
        /// The circuit.
        circuit: ResourceId,
    },
    /// A connection is `Succeeded` and its status is `Connected`.
    #[serde(rename = "verify.connection")]
    Connection {
        /// The connection.
        connection: ResourceId,
    },
    /// A gateway has learned prefixes over ExpressRoute.
    #[serde(rename = "verify.routes")]
    Routes {
        /// The gateway.
        gateway: ResourceId,
        /// Each must be covered by a learned route that came through Microsoft's edge (AS 12076).
        expect: Vec<IpNet>,
    },
    /// A gateway advertises prefixes to its ExpressRoute peers.
    #[serde(rename = "verify.advertised")]
    Advertised {
        /// The gateway.
        gateway: ResourceId,
        /// Each must be advertised to every connected peer.
        expect: Vec<IpNet>,
    },
    /// A gateway's BGP peers are connected.
    #[serde(rename = "verify.bgp")]
    Bgp {
        /// The gateway.
        gateway: ResourceId,
        /// How many connected peers there must be; an ExpressRoute connection brings two.
        peers_min: u32,
    },
    /// Both paths of a circuit's private peering see the customer's edge and Microsoft's in their
    /// ARP tables.
    #[serde(rename = "verify.arp")]
    Arp {
        /// The circuit.
        circuit: ResourceId,
    },
    /// Both paths of a circuit's private peering carry prefixes, or carry them no longer.
    #[serde(rename = "verify.circuit_routes")]
    CircuitRoutes {
        /// The circuit.
        circuit: ResourceId,
        /// Must be in the route table of both paths.
        expect: Vec<IpNet>,
        /// Must be in neither.
        absent: Vec<IpNet>,
    },
}

/// What is not Azure's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", content = "with")]
pub enum General {
    /// A person says whether the run goes on.
    #[serde(rename = "approval")]
    Approval(GatePolicy),
    /// A person does something by hand and says that it is done.
    #[serde(rename = "manual")]
    Manual(GatePolicy),
    /// Time passes.
    #[serde(rename = "wait")]
    Wait {
        /// How much.
        #[serde(with = "duration_text")]
        duration: Duration,
    },
}

/// A resource that a step must have to itself, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The resource.
    pub resource: ResourceId,
    /// How long.
    pub until: Until,
}

/// How long a step holds a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until Azure has accepted the write.
    Accepted,
    /// Until the operation has ended.
    Ended,
}

/// The type of a value that an action puts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputType {
    /// A text.
    Text,
    /// A number.
    Number,
    /// A list of texts.
    List,
}

impl Action {
    /// The name in runbooks: `gateway.ensure`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::PublicIp(_) => "public_ip.ensure",
            Self::Subnet(_) => "subnet.ensure",
            Self::Gateway(_) => "gateway.ensure",
            Self::Authorization(_) => "authorization.ensure",
            Self::Connection(_) => "connection.ensure",
            Self::Peering(_) => "peering.ensure",
            Self::RouteTable(_) => "route_table.ensure",
            Self::Association(_) => "route_table.associate",
            Self::Verify(verification) => verification.name(),
            Self::General(General::Approval(_)) => "approval",
            Self::General(General::Manual(_)) => "manual",
            Self::General(General::Wait { .. }) => "wait",
        }
    }

    /// The resource the action is about, if it is about one: what it writes, or what it looks at.
    #[must_use]
    pub fn subject(&self) -> Option<&ResourceId> {
        match self {
            Self::PublicIp(spec) => Some(&spec.id),
            Self::Subnet(spec) => Some(&spec.id),
            Self::Gateway(spec) => Some(&spec.id),
            Self::Authorization(spec) => Some(&spec.id),
            Self::Connection(spec) => Some(&spec.id),
            Self::Peering(spec) => Some(&spec.id),
            Self::RouteTable(spec) => Some(&spec.id),
            Self::Association(spec) => Some(&spec.subnet),
            Self::Verify(verification) => Some(verification.subject()),
            Self::General(_) => None,
        }
    }

    /// The one resource the action writes, if it writes.
    #[must_use]
    pub fn written(&self) -> Option<&ResourceId> {
        match self {
            Self::Verify(_) | Self::General(_) => None,
            _ => self.subject(),
        }
    }

    /// The resources the action reads besides the one it writes.
    #[must_use]
    pub fn reads(&self) -> Vec<&ResourceId> {
        match self {
            Self::PublicIp(_) | Self::Subnet(_) | Self::RouteTable(_) | Self::General(_) => {
                Vec::new()
            }
            Self::Gateway(spec) => vec![&spec.subnet, &spec.public_ip],
            Self::Authorization(_) => Vec::new(),
            Self::Connection(spec) => {
                let mut reads = vec![&spec.gateway, &spec.circuit];
                if let Some(SecretRef::Resource { id, .. }) = &spec.authorization {
                    reads.push(id);
                }
                reads
            }
            Self::Peering(spec) => vec![&spec.remote],
            Self::Association(spec) => vec![&spec.route_table],
            Self::Verify(verification) => vec![verification.subject()],
        }
    }

    /// What the step must have to itself while it acts, forward or backward.
    ///
    /// Azure locks the parent of a child that is written (WIRE.md 3): the second of two writers gets
    /// a 429 or a 409. What is listed here is what those refusals name, so that we do not run into
    /// ourselves. A gateway takes 20 minutes and holds its subnet, not its whole network.
    #[must_use]
    pub fn holds(&self) -> Vec<Hold> {
        let ended =
            |resource: &ResourceId| Hold { resource: resource.clone(), until: Until::Ended };
        let of_child = |id: &ResourceId| ended(&id.parent().unwrap_or_else(|| id.clone()));
        match self {
            Self::PublicIp(spec) => vec![ended(&spec.id)],
            Self::Subnet(spec) => vec![ended(&spec.id), of_child(&spec.id)],
            Self::Gateway(spec) => {
                vec![ended(&spec.id), ended(&spec.subnet), ended(&spec.public_ip)]
            }
            Self::Authorization(spec) => vec![ended(&spec.id), of_child(&spec.id)],
            Self::Connection(spec) => {
                vec![ended(&spec.id), ended(&spec.gateway), ended(&spec.circuit)]
            }
            Self::Peering(spec) => {
                vec![ended(&spec.id), of_child(&spec.id), ended(&spec.remote)]
            }
            Self::RouteTable(spec) => vec![ended(&spec.id)],
            Self::Association(spec) => {
                vec![ended(&spec.subnet), of_child(&spec.subnet), ended(&spec.route_table)]
            }
            Self::Verify(_) | Self::General(_) => Vec::new(),
        }
    }

    /// What the action puts out: names and types, for conditions and their checks.
    #[must_use]
    pub fn outputs(&self) -> &'static [(&'static str, OutputType)] {
        use OutputType::{List, Number, Text};
        match self {
            Self::PublicIp(_) => &[("id", Text), ("ip_address", Text)],
            Self::Subnet(_)
            | Self::Gateway(_)
            | Self::Authorization(_)
            | Self::RouteTable(_)
            | Self::Association(_) => &[("id", Text)],
            Self::Connection(_) => &[("id", Text), ("connection_status", Text)],
            Self::Peering(_) => &[("id", Text), ("peering_state", Text)],
            Self::Verify(verification) => match verification {
                Verification::Circuit { .. } => &[("bandwidth_mbps", Number)],
                Verification::Connection { .. } => &[("connection_status", Text)],
                Verification::Routes { .. }
                | Verification::Advertised { .. }
                | Verification::CircuitRoutes { .. } => &[("prefixes", List)],
                Verification::Bgp { .. } => &[("peers_connected", Number)],
                Verification::Arp { .. } => &[("entries", Number)],
            },
            Self::General(_) => &[],
        }
    }
}

impl Verification {
    fn name(&self) -> &'static str {
        match self {
            Self::Circuit { .. } => "verify.circuit",
            Self::Connection { .. } => "verify.connection",
            Self::Routes { .. } => "verify.routes",
            Self::Advertised { .. } => "verify.advertised",
            Self::Bgp { .. } => "verify.bgp",
            Self::Arp { .. } => "verify.arp",
            Self::CircuitRoutes { .. } => "verify.circuit_routes",
        }
    }

    /// The resource that is looked at.
    #[must_use]
    pub fn subject(&self) -> &ResourceId {
        match self {
            Self::Circuit { circuit }
            | Self::Arp { circuit }
            | Self::CircuitRoutes { circuit, .. } => circuit,
            Self::Connection { connection } => connection,
            Self::Routes { gateway, .. }
            | Self::Advertised { gateway, .. }
            | Self::Bgp { gateway, .. } => gateway,
        }
    }
}

/// How a change is taken back, decided from what was observed before it, and journalled with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// There is nothing to take back.
    Nothing,
    /// The resource was not there before: it is removed.
    Delete {
        /// The resource.
        resource: ResourceId,
    },
    /// The resource was there before and is written again as it was.
    Restore {
        /// The resource.
        resource: ResourceId,
        /// The body to write: what was observed, without what only Azure writes and without secrets.
        body: Value,
    },
}

/// What an attempt is after: a step's action, or its undo.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal<'a> {
    /// The action's desired state.
    Do(&'a Action),
    /// What was there before the action.
    Undo {
        /// The action that is taken back.
        action: &'a Action,
        /// How.
        undo: &'a Undo,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_read_back_from_their_stored_form() {
        let gateway = ResourceId::parse(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworkGateways/gw",
        )
        .unwrap();
        let actions = [
            Action::Verify(Verification::Bgp { gateway: gateway.clone(), peers_min: 2 }),
            Action::General(General::Wait { duration: Duration::from_secs(60) }),
            Action::PublicIp(PublicIp {
                id: gateway.sibling("Microsoft.Network/publicIPAddresses", "pip").unwrap(),
                location: Region::parse("southeastasia").unwrap(),
                zones: vec!["1".to_owned()],
            }),
        ];
        for action in actions {
            let text = serde_json::to_string(&action).unwrap();
            assert!(text.contains(action.name()), "{text}");
            assert_eq!(serde_json::from_str::<Action>(&text).unwrap(), action);
        }
    }
}
