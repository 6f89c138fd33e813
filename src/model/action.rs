//! What may a step ask of the world? The closed set of actions, each a desired state.
//!
//! An action says what shall be, never how to get there: observing, previewing, repeating and
//! verifying all come from comparing it with what is. What it reads, writes and holds is known from
//! its type, so two steps never act on one resource at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::desired::{
    Association, Authorization, Autoscale, CircuitBandwidth, CircuitTier, Connection, Dissociation,
    DnsServers, Gateway, NextHop, Peering, PublicIp, Removal, RemovalKind, Route, RouteTable,
    SecurityGroupUse, Subnet, TableRoute, Tier,
};
pub use super::destination::Destination;
pub use super::hub::{
    HubAction, HubConnection, HubGateway, HubPreference, HubRoute, HubRoutes, HubVnet, Routing,
    VirtualHub,
};
pub use super::outside::Outside;
use super::policy::{DecisionPolicy, GatePolicy};
pub use super::recovery::{RecoveryMove, RecoveryPlan};
use super::resource::ResourceId;
use super::secret::SecretRef;
pub use super::steering::{DnsRecord, Steering, TrafficEndpoint};
pub use super::tags::Tags;
use super::time::duration_text;
pub use super::verification::{JudgedPaths, Verification};
pub use super::vpn::{BgpSpeaker, LocalGateway, Vpn, VpnConnection, VpnGateway};

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
    /// A circuit has at least some bandwidth.
    #[serde(rename = "circuit.bandwidth")]
    Bandwidth(CircuitBandwidth),
    /// A circuit is of a tier that reaches far enough.
    #[serde(rename = "circuit.tier")]
    Tier(CircuitTier),
    /// A subnet does not use a route table any more.
    #[serde(rename = "route_table.dissociate")]
    Dissociation(Dissociation),
    /// A table has one route; its others are left alone.
    #[serde(rename = "route.ensure")]
    Route(TableRoute),
    /// A subnet uses a network security group, or no longer: `security_group.associate` and its like.
    #[serde(rename = "security_group")]
    SecurityGroup(SecurityGroupUse),
    /// A virtual network has these DNS servers.
    #[serde(rename = "vnet.dns")]
    Dns(DnsServers),
    /// A resource is gone: `connection.remove` and its like.
    #[serde(rename = "remove")]
    Remove(Removal),
    /// The machines of a recovery plan are moved: `recovery_plan.failover` and its like.
    #[serde(rename = "recovery_plan")]
    RecoveryPlan(RecoveryPlan),
    /// A part of a site-to-site VPN exists: `vpn_gateway.ensure` and its like.
    #[serde(untagged)]
    Vpn(Vpn),
    /// Clients are told where to go: `private_dns.record` and its like.
    #[serde(untagged)]
    Steering(Steering),
    /// Something of a virtual WAN's shall be so: `virtual_hub.ensure` and its like.
    #[serde(untagged)]
    Hub(HubAction),
    /// Something is seen to be so; nothing is written.
    #[serde(untagged)]
    Verify(Verification),
    /// Something beside Azure: a probe, a program, a call to a service.
    #[serde(untagged)]
    Outside(Outside),
    /// Something that is not Azure's: a person or time.
    #[serde(untagged)]
    General(General),
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
    /// A person chooses one of several ways.
    #[serde(rename = "decision")]
    Decision(DecisionPolicy),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
            Self::Bandwidth(_) => "circuit.bandwidth",
            Self::Tier(_) => "circuit.tier",
            Self::Dissociation(_) => "route_table.dissociate",
            Self::Route(_) => "route.ensure",
            Self::SecurityGroup(SecurityGroupUse { used: true, .. }) => "security_group.associate",
            Self::SecurityGroup(_) => "security_group.dissociate",
            Self::Dns(_) => "vnet.dns",
            Self::Remove(spec) => spec.kind.action(),
            Self::RecoveryPlan(spec) => spec.to.action(),
            Self::Vpn(vpn) => vpn.action(),
            Self::Steering(steering) => steering.action(),
            Self::Hub(hub) => hub.name(),
            Self::Verify(verification) => verification.name(),
            Self::Outside(outside) => outside.action(),
            Self::General(General::Approval(_)) => "approval",
            Self::General(General::Decision(_)) => "decision",
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
            Self::Bandwidth(spec) => Some(&spec.id),
            Self::Tier(spec) => Some(&spec.id),
            Self::Dissociation(spec) => Some(&spec.subnet),
            Self::Route(spec) => Some(&spec.id),
            Self::SecurityGroup(spec) => Some(&spec.subnet),
            Self::Dns(spec) => Some(&spec.id),
            Self::Remove(spec) => Some(&spec.id),
            Self::RecoveryPlan(spec) => Some(&spec.id),
            Self::Vpn(vpn) => Some(vpn.id()),
            Self::Steering(steering) => Some(steering.id()),
            Self::Hub(hub) => Some(hub.subject()),
            Self::Verify(verification) => Some(verification.subject()),
            Self::Outside(_) | Self::General(_) => None,
        }
    }

    /// The resources the action reads besides the one it writes.
    #[must_use]
    pub fn reads(&self) -> Vec<&ResourceId> {
        match self {
            Self::PublicIp(_)
            | Self::Subnet(_)
            | Self::Bandwidth(_)
            | Self::Tier(_)
            | Self::Dns(_)
            | Self::Authorization(_)
            | Self::Steering(_)
            | Self::Outside(_)
            | Self::General(_) => Vec::new(),
            Self::Vpn(vpn) => vpn.reads(),
            Self::RouteTable(_) | Self::Route(_) => self.firewalls(),
            Self::SecurityGroup(spec) => vec![&spec.security_group],
            Self::Gateway(spec) => std::iter::once(&spec.subnet).chain(&spec.public_ip).collect(),
            Self::Connection(spec) => {
                let mut reads = vec![&spec.gateway, &spec.circuit];
                if let Some(SecretRef::Resource { id, .. }) = &spec.authorization {
                    reads.push(id);
                }
                reads
            }
            Self::Peering(spec) => vec![&spec.remote],
            Self::Association(spec) => vec![&spec.route_table],
            Self::Dissociation(spec) => vec![&spec.route_table],
            Self::Remove(spec) => {
                let mut reads: Vec<&ResourceId> = spec.gateway.iter().collect();
                if let Some(SecretRef::Resource { id, .. }) = &spec.authorization {
                    reads.push(id);
                }
                reads
            }
            Self::RecoveryPlan(spec) => match &spec.to {
                RecoveryMove::TestFailover { network, .. } => vec![network],
                RecoveryMove::Failover { .. }
                | RecoveryMove::Commit
                | RecoveryMove::Reprotect
                | RecoveryMove::TestCleanup => Vec::new(),
            },
            Self::Hub(hub) => hub.reads(),
            Self::Verify(verification) => vec![verification.subject()],
        }
    }

    /// The firewalls whose addresses the action's routes need.
    #[must_use]
    pub fn firewalls(&self) -> Vec<&ResourceId> {
        let hops: Vec<&NextHop> = if let Self::RouteTable(spec) = self {
            spec.routes.iter().map(|route| &route.next_hop).collect()
        } else if let Self::Route(spec) = self {
            vec![&spec.next_hop]
        } else {
            Vec::new()
        };
        hops.into_iter().filter_map(NextHop::firewall).collect()
    }

    /// What the step must have to itself while it acts, forward or backward.
    ///
    /// Azure locks the parent of a child that is written (docs/wire.md 3): the second of two writers gets
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
                [&spec.id, &spec.subnet].into_iter().chain(&spec.public_ip).map(ended).collect()
            }
            Self::Authorization(spec) => vec![ended(&spec.id), of_child(&spec.id)],
            Self::Connection(spec) => {
                vec![ended(&spec.id), ended(&spec.gateway), ended(&spec.circuit)]
            }
            Self::Peering(spec) => {
                vec![ended(&spec.id), of_child(&spec.id), ended(&spec.remote)]
            }
            Self::RouteTable(spec) => vec![ended(&spec.id)],
            Self::RecoveryPlan(spec) => vec![ended(&spec.id)],
            Self::Hub(hub) => {
                let mut holds = vec![ended(hub.subject())];
                holds.extend(hub.holds().iter().map(ended));
                if let HubAction::Gateway(spec) = hub {
                    holds.push(Hold { resource: spec.hub.clone(), until: Until::Accepted });
                }
                holds
            }
            Self::Bandwidth(spec) => vec![ended(&spec.id)],
            Self::Tier(spec) => vec![ended(&spec.id)],
            Self::Route(spec) => vec![ended(&spec.id), of_child(&spec.id)],
            Self::SecurityGroup(spec) => {
                vec![ended(&spec.subnet), of_child(&spec.subnet), ended(&spec.security_group)]
            }
            Self::Dns(spec) => vec![ended(&spec.id)],
            Self::Dissociation(spec) => {
                vec![ended(&spec.subnet), of_child(&spec.subnet), ended(&spec.route_table)]
            }
            Self::Remove(spec) => {
                let mut holds = vec![ended(&spec.id), of_child(&spec.id)];
                holds.extend(spec.gateway.iter().chain(&spec.remote).map(ended));
                holds
            }
            Self::Association(spec) => {
                vec![ended(&spec.subnet), of_child(&spec.subnet), ended(&spec.route_table)]
            }
            Self::Vpn(vpn) => vpn.holds(),
            Self::Steering(steering) => steering.holds(),
            Self::Verify(_) | Self::Outside(_) | Self::General(_) => Vec::new(),
        }
    }

    /// The tags that the action puts on what it makes; none where its resource has none, or is not made by it.
    pub fn tags_mut(&mut self) -> Option<&mut Tags> {
        match self {
            Self::PublicIp(spec) => Some(&mut spec.tags),
            Self::Gateway(spec) => Some(&mut spec.tags),
            Self::Connection(spec) => Some(&mut spec.tags),
            Self::RouteTable(spec) => Some(&mut spec.tags),
            Self::Vpn(vpn) => Some(vpn.tags_mut()),
            Self::Hub(hub) => hub.tags_mut(),
            Self::Subnet(_)
            | Self::Authorization(_)
            | Self::Peering(_)
            | Self::Association(_)
            | Self::Bandwidth(_)
            | Self::Tier(_)
            | Self::Dissociation(_)
            | Self::Route(_)
            | Self::SecurityGroup(_)
            | Self::Dns(_)
            | Self::Remove(_)
            | Self::RecoveryPlan(_)
            | Self::Steering(_)
            | Self::Verify(_)
            | Self::Outside(_)
            | Self::General(_) => None,
        }
    }

    /// What the action puts out: names and types, for conditions and their checks.
    #[must_use]
    pub fn outputs(&self) -> Vec<(&str, OutputType)> {
        use OutputType::{Number, Text};
        let fixed: &'static [(&'static str, OutputType)] = match self {
            Self::PublicIp(_) => &[("id", Text), ("ip_address", Text)],
            Self::Subnet(_)
            | Self::Gateway(_)
            | Self::Authorization(_)
            | Self::RouteTable(_)
            | Self::Association(_)
            | Self::Dissociation(_)
            | Self::Route(_)
            | Self::SecurityGroup(_)
            | Self::Dns(_)
            | Self::RecoveryPlan(_) => &[("id", Text)],
            Self::Connection(_) => &[("id", Text), ("connection_status", Text)],
            Self::Peering(_) => &[("id", Text), ("peering_state", Text)],
            Self::Bandwidth(_) => &[("id", Text), ("bandwidth_mbps", Number)],
            Self::Tier(_) => &[("id", Text), ("tier", Text)],
            Self::Vpn(vpn) => vpn.outputs(),
            Self::Steering(steering) => steering.outputs(),
            Self::Hub(hub) => hub.outputs(),
            Self::Verify(verification) => verification.outputs(),
            Self::General(General::Decision(_)) => &[("choice", Text)],
            Self::Outside(outside) => return outside.outputs(),
            Self::Remove(_) | Self::General(_) => &[],
        };
        fixed.to_vec()
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
    /// The resource was there before: what the step changed of it is written again as it was.
    Restore {
        /// The resource.
        resource: ResourceId,
        /// How it was: what was observed, without what only Azure writes and without secrets.
        body: Value,
    },
    /// Azure has a verb that takes it back, such as the cleanup of a test failover.
    Call {
        /// The resource.
        resource: ResourceId,
        /// The verb: the last part of the path.
        verb: String,
        /// What is sent along.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
    },
    /// The step itself names what takes it back: a program, or a call.
    ByStep,
}

impl Undo {
    /// How the resource was before, where it stood.
    #[must_use]
    pub fn before(&self) -> Option<&Value> {
        match self {
            Self::Restore { body, .. } => Some(body),
            Self::Nothing | Self::Delete { .. } | Self::Call { .. } | Self::ByStep => None,
        }
    }
}

/// What an attempt is after: a step's action, or its undo.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal<'a> {
    /// The action's desired state.
    Do(&'a Action),
    /// What the action left Failed, as it stands, and well.
    Mend(&'a Action),
    /// What was there before the action.
    Undo {
        /// The action that is taken back.
        action: &'a Action,
        /// How.
        undo: &'a Undo,
        /// What else the run has to take back.
        rest: &'a [Undo],
    },
}

#[cfg(test)]
mod tests;
