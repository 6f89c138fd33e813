//! What is an action by its nature? One row for each: what it does, who answers, what it makes, what it connects, what it
//! sends.
//!
//! Whoever groups actions asks here, and matches none of them: a new action has its row, or nothing compiles.

use super::action::{Action, General, HubAction, RemovalKind, SecurityGroupUse, Steering, Vpn};
use super::durations::Class;
use super::gate::Gate;
use super::resource::{Region, ResourceId};
use super::secret::SecretRef;
use super::tags::Tags;

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionClass {
    /// A resource is there afterwards that need not have been there.
    Make,
    /// Something of a resource that stands is otherwise afterwards.
    Change,
    /// What tied two resources is taken away; both stay.
    Release,
    /// A resource is gone afterwards.
    Remove,
    /// Something beside Azure is done.
    Call,
    /// Nothing is done: it looks.
    Look,
    /// A person answers.
    Ask,
    /// Time passes.
    Wait,
}

impl ActionClass {
    /// Whether it writes to Azure.
    #[must_use]
    pub fn writes(self) -> bool {
        match self {
            Self::Make | Self::Change | Self::Release | Self::Remove => true,
            Self::Call | Self::Look | Self::Ask | Self::Wait => false,
        }
    }

    /// Whether something that others may use is not there, or no longer tied, afterwards.
    #[must_use]
    pub fn takes_away(self) -> bool {
        matches!(self, Self::Release | Self::Remove)
    }
}

/// What a resource that stands alone has: children have neither, and go where their parents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracked<'a> {
    /// Where it is.
    pub location: &'a Region,
    /// Its tags.
    pub tags: &'a Tags,
}

/// A connection of a gateway with a circuit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CircuitConnection<'a> {
    /// Its id.
    pub id: &'a ResourceId,
    /// Its gateway, where that is not what it is part of.
    gateway: Option<&'a ResourceId>,
    /// Its circuit.
    pub circuit: &'a ResourceId,
    /// Its weight, where the author says it.
    pub weight: Option<u16>,
}

impl CircuitConnection<'_> {
    /// Its gateway.
    #[must_use]
    pub fn gateway(&self) -> ResourceId {
        let parent = || self.id.parent().unwrap_or_else(|| self.id.clone());
        self.gateway.cloned().unwrap_or_else(parent)
    }
}

/// What is true of an action whichever step asks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActionNature<'a> {
    /// What it does.
    pub class: ActionClass,
    /// The gate that it is.
    pub gate: Option<Gate<'a>>,
    /// Region and tags of what it makes.
    pub tracked: Option<Tracked<'a>>,
    /// The connection with a circuit that it makes.
    pub link: Option<CircuitConnection<'a>>,
    /// The secret that it sends to Azure, or that its undo would.
    pub secret: Option<&'a SecretRef>,
}

impl<'a> ActionNature<'a> {
    fn of(class: ActionClass) -> Self {
        Self { class, gate: None, tracked: None, link: None, secret: None }
    }

    fn asks(gate: Gate<'a>) -> Self {
        Self { gate: Some(gate), ..Self::of(ActionClass::Ask) }
    }

    fn makes(location: &'a Region, tags: &'a Tags) -> Self {
        Self { tracked: Some(Tracked { location, tags }), ..Self::of(ActionClass::Make) }
    }

    fn sends(self, secret: Option<&'a SecretRef>) -> Self {
        Self { secret, ..self }
    }
}

impl Action {
    /// What is true of it whichever step asks for it.
    #[must_use]
    #[inline]
    pub fn nature(&self) -> ActionNature<'_> {
        use ActionClass::{Call, Change, Look, Make, Release, Remove, Wait};
        match self {
            Self::PublicIp(own) => ActionNature::makes(&own.location, &own.tags),
            Self::Subnet(_)
            | Self::Authorization(_)
            | Self::Peering(_)
            | Self::Route(_)
            | Self::Steering(Steering::Record(_)) => ActionNature::of(Make),
            Self::Gateway(own) => ActionNature::makes(&own.location, &own.tags),
            Self::Connection(own) => ActionNature {
                link: Some(CircuitConnection {
                    id: &own.id,
                    gateway: Some(&own.gateway),
                    circuit: &own.circuit,
                    weight: own.routing_weight,
                }),
                ..ActionNature::makes(&own.location, &own.tags).sends(own.authorization.as_ref())
            },
            Self::RouteTable(own) => ActionNature::makes(&own.location, &own.tags),
            Self::Association(_)
            | Self::Bandwidth(_)
            | Self::Tier(_)
            | Self::Dns(_)
            | Self::RecoveryPlan(_)
            | Self::Steering(Steering::Endpoint(_))
            | Self::SecurityGroup(SecurityGroupUse { used: true, .. }) => ActionNature::of(Change),
            Self::Dissociation(_) | Self::SecurityGroup(_) => ActionNature::of(Release),
            Self::Remove(own) => ActionNature::of(Remove).sends(own.authorization.as_ref()),
            Self::Vpn(own) => of_vpn(own),
            Self::Hub(own) => of_hub(own),
            Self::Verify(_) => ActionNature::of(Look),
            Self::Outside(own) if own.only_reads() => ActionNature::of(Look),
            Self::Outside(_) => ActionNature::of(Call),
            Self::General(General::Approval(policy)) => ActionNature::asks(Gate::Approval(policy)),
            Self::General(General::Manual(policy)) => ActionNature::asks(Gate::Manual(policy)),
            Self::General(General::Decision(own)) => ActionNature::asks(Gate::Decision(own)),
            Self::General(General::Wait { .. }) => ActionNature::of(Wait),
        }
    }

    /// Among which recordings its durations stand: a VPN's types are those of ExpressRoute, and take another time.
    #[must_use]
    pub fn recorded_as(&self) -> Class {
        let of_vpn = [RemovalKind::VpnGateway, RemovalKind::VpnConnection];
        let is_removed = matches!(self, Self::Remove(own) if of_vpn.contains(&own.kind));
        if is_removed || matches!(self, Self::Vpn(_)) { Class::Vpn } else { Class::Usual }
    }

    /// The gate that it is, if people answer at it.
    #[must_use]
    pub fn gate(&self) -> Option<Gate<'_>> {
        self.nature().gate
    }

    /// The one resource it writes, if it writes.
    #[must_use]
    pub fn written(&self) -> Option<&ResourceId> {
        self.subject().filter(|_| self.nature().class.writes())
    }
}

fn of_vpn(own: &Vpn) -> ActionNature<'_> {
    let secret = match own {
        Vpn::Connection(own) => Some(&own.shared_key),
        Vpn::LocalGateway(_) | Vpn::Gateway(_) => None,
    };
    ActionNature::makes(own.location(), own.tags()).sends(secret)
}

fn of_hub(own: &HubAction) -> ActionNature<'_> {
    match own {
        HubAction::Hub(own) => ActionNature::makes(&own.location, &own.tags),
        HubAction::Gateway(own) => ActionNature::makes(&own.location, &own.tags),
        HubAction::Connection(own) => ActionNature {
            link: Some(CircuitConnection {
                id: &own.id,
                gateway: None,
                circuit: &own.circuit,
                weight: own.routing_weight,
            }),
            ..ActionNature::of(ActionClass::Make).sends(own.authorization.as_ref())
        },
        HubAction::Vnet(_) | HubAction::Routes(_) => ActionNature::of(ActionClass::Make),
    }
}
