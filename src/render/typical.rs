//! How long does this usually take? What Azure needed for each kind of change where it was measured.

use std::time::Duration;

use crate::model::Action;
use crate::model::action::{General, HubAction, Outside, RecoveryMove, RemovalKind, Steering, Vpn};

/// How long something usually takes, and where the numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typical {
    /// Seldom less.
    pub from: Duration,
    /// Seldom more.
    pub to: Duration,
    /// Where that is from.
    pub source: &'static str,
}

const fn between(from: u64, to: u64, source: &'static str) -> Option<Typical> {
    Some(Typical { from: Duration::from_secs(from), to: Duration::from_secs(to), source })
}

/// How long an action usually takes; none where it depends on people or on us.
#[must_use]
pub fn typical(action: &Action) -> Option<Typical> {
    match action {
        // "publicIP PUT 201", "subnet PUT 201", "vnet.peering PUT 201", "routeTable PUT 201".
        Action::PublicIp(_)
        | Action::Subnet(_)
        | Action::Peering(_)
        | Action::RouteTable(_)
        | Action::Association(_)
        | Action::Dissociation(_)
        | Action::Route(_)
        | Action::SecurityGroup(_)
        | Action::Dns(_)
        // "er.auth PUT 201".
        | Action::Authorization(_) => between(1, 10, "wire.md 6"),
        // "vng PUT 201", the ExpressRoute ones: 682 s to 1,000 s; Microsoft says up to 45 minutes.
        Action::Gateway(_) => between(660, 2_700, "wire.md 6"),
        // "conn PUT 201 (ExpressRoute)": 151 to 181 s.
        Action::Connection(_) => between(120, 240, "wire.md 6"),
        Action::Vpn(vpn) => match vpn {
            Vpn::LocalGateway(_) => between(1, 15, "wire.md 6"),
            // "vng PUT 201 (Vpn ...)": 993 s to 2,816 s.
            Vpn::Gateway(_) => between(960, 2_820, "wire.md 6"),
            // "conn PUT (IPsec)": 12 to 33 s.
            Vpn::Connection(_) => between(10, 60, "wire.md 6"),
        },
        // Both are answered at once.
        Action::Steering(_) => between(1, 5, "wire.md 6"),
        // "er PUT 200": a circuit written again.
        Action::Bandwidth(_) | Action::Tier(_) => between(3, 12, "wire.md 6"),
        Action::Remove(spec) => match spec.kind {
            RemovalKind::Gateway | RemovalKind::VpnGateway => between(60, 1_080, "wire.md 6"),
            RemovalKind::Connection | RemovalKind::VpnConnection => between(40, 222, "wire.md 6"),
            RemovalKind::HubGateway | RemovalKind::VirtualHub => between(300, 1_200, "virtual WAN FAQ"),
            RemovalKind::HubConnection | RemovalKind::HubVnet => between(60, 300, "virtual WAN FAQ"),
            RemovalKind::PublicIp
            | RemovalKind::Subnet
            | RemovalKind::Authorization
            | RemovalKind::Peering
            | RemovalKind::RouteTable
            | RemovalKind::Route
            | RemovalKind::LocalGateway
            | RemovalKind::HubRoutes => between(1, 15, "wire.md 6"),
        },
        // azure-facts 4: machines mostly take minutes, a commit seconds, a new protection hours.
        Action::RecoveryPlan(spec) => match spec.to {
            RecoveryMove::Failover { .. } => between(180, 1_200, "azure-facts 4"),
            RecoveryMove::TestFailover { .. } => between(180, 600, "azure-facts 4"),
            RecoveryMove::Commit => between(1, 30, "wire.md 5"),
            RecoveryMove::TestCleanup => between(60, 240, "azure-facts 4"),
            RecoveryMove::Reprotect => between(480, 14_400, "azure-facts 4"),
        },
        // Microsoft's "about 30 minutes" for a hub's gateway; 23 were recorded, and 12 for a hub with its
        // routers after it.
        Action::Hub(hub) => match hub {
            HubAction::Hub(_) => between(600, 1_800, "virtual WAN FAQ"),
            HubAction::Gateway(_) => between(1_200, 2_400, "virtual WAN FAQ"),
            HubAction::Connection(_) => between(120, 600, "virtual WAN FAQ"),
            HubAction::Vnet(_) | HubAction::Routes(_) => between(30, 240, "virtual WAN FAQ"),
        },
        Action::General(General::Wait { duration }) => Some(Typical {
            from: *duration,
            to: *duration,
            source: "the runbook",
        }),
        Action::Verify(_)
        | Action::Outside(_)
        | Action::General(
            General::Approval(_) | General::Manual(_) | General::Decision(_),
        ) => None,
    }
}

impl Typical {
    /// As a person says it: `usually 2–4 min`.
    #[must_use]
    pub fn phrase(&self) -> String {
        let (from, to) = (self.from.as_secs(), self.to.as_secs());
        if from == to {
            return format!("takes {}", crate::model::time::format_duration(self.to));
        }
        if to < 60 {
            return format!("usually under {to} s");
        }
        format!("usually {}–{} min", from.div_ceil(60), to.div_ceil(60))
    }
}

/// What Azure is doing, for the line of a step at work.
#[must_use]
pub fn doing(action: &Action) -> &'static str {
    match action {
        Action::PublicIp(_) => "Azure allocates the address",
        Action::Subnet(_) => "Azure writes the subnet",
        Action::Gateway(_) | Action::Vpn(Vpn::Gateway(_)) => "Azure builds the gateway",
        Action::Authorization(_) => "Azure issues the authorization",
        Action::Connection(_) => "Azure connects gateway and circuit",
        Action::Peering(_) => "Azure peers the networks",
        Action::RouteTable(_) => "Azure writes the route table",
        Action::Association(_) => "Azure attaches the route table",
        Action::Bandwidth(_) => "Azure raises the bandwidth",
        Action::Tier(_) => "Azure changes the tier",
        Action::Vpn(Vpn::LocalGateway(_)) => "Azure writes the local network gateway",
        Action::Vpn(Vpn::Connection(_)) => "Azure makes the tunnel",
        Action::Steering(Steering::Record(_)) => "Azure writes the name",
        Action::Steering(Steering::Endpoint(_)) => "Azure writes the endpoint",
        Action::Route(_) => "Azure writes the route",
        Action::SecurityGroup(spec) if spec.used => "Azure attaches the security group",
        Action::SecurityGroup(_) => "Azure detaches the security group",
        Action::Dns(_) => "Azure writes the network",
        Action::Dissociation(_) => "Azure detaches the route table",
        Action::Remove(spec) => removing(spec.kind),
        Action::RecoveryPlan(spec) => match spec.to {
            RecoveryMove::Failover { .. } => "Site Recovery brings the machines up",
            RecoveryMove::TestFailover { .. } => "Site Recovery brings copies of the machines up",
            RecoveryMove::Commit => "Site Recovery makes the failover final",
            RecoveryMove::Reprotect => "Site Recovery protects the machines anew",
            RecoveryMove::TestCleanup => "Site Recovery deletes the copies",
        },
        Action::Hub(hub) => match hub {
            HubAction::Hub(_) => "Azure builds the hub and its routers",
            HubAction::Gateway(_) => "Azure builds the hub's gateway",
            HubAction::Connection(_) => "Azure connects the hub's gateway and the circuit",
            HubAction::Vnet(_) => "Azure connects the network to the hub",
            HubAction::Routes(_) => "Azure writes the hub's route table",
        },
        Action::Outside(Outside::Command(spec)) if !spec.reads => "a program runs",
        Action::Outside(Outside::Http(spec)) if !spec.request.method.only_reads() => {
            "a service is called"
        }
        Action::Verify(_) | Action::Outside(_) => "looking",
        Action::General(General::Wait { .. }) => "time passes",
        Action::General(General::Approval(_) | General::Manual(_) | General::Decision(_)) => {
            "a person is asked"
        }
    }
}

/// The same, of a removal.
fn removing(kind: RemovalKind) -> &'static str {
    match kind {
        RemovalKind::Connection | RemovalKind::HubConnection => {
            "Azure disconnects gateway and circuit"
        }
        RemovalKind::HubVnet => "Azure disconnects hub and network",
        RemovalKind::VpnConnection => "Azure takes the tunnel down",
        RemovalKind::Gateway
        | RemovalKind::VpnGateway
        | RemovalKind::PublicIp
        | RemovalKind::Subnet
        | RemovalKind::Authorization
        | RemovalKind::Peering
        | RemovalKind::RouteTable
        | RemovalKind::Route
        | RemovalKind::LocalGateway
        | RemovalKind::HubRoutes
        | RemovalKind::HubGateway
        | RemovalKind::VirtualHub => "Azure removes the resource",
    }
}
