//! Is a step a gate, and which kind? The one place where actions are asked that.

use super::action::{Action, General};
use super::policy::{DecisionPolicy, GatePolicy};

/// A step at which people answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate<'a> {
    /// A person says whether the run goes on.
    Approval(&'a GatePolicy),
    /// A person does something by hand and says that it is done.
    Manual(&'a GatePolicy),
    /// A person chooses one of several ways.
    Decision(&'a DecisionPolicy),
}

impl<'a> Gate<'a> {
    /// Who is asked what, and for how long.
    #[must_use]
    pub fn policy(self) -> &'a GatePolicy {
        match self {
            Self::Approval(policy) | Self::Manual(policy) => policy,
            Self::Decision(decision) => &decision.gate,
        }
    }

    /// The decision, if it is one.
    #[must_use]
    pub fn decision(self) -> Option<&'a DecisionPolicy> {
        match self {
            Self::Decision(decision) => Some(decision),
            Self::Approval(_) | Self::Manual(_) => None,
        }
    }

    /// Its kind, as runbooks name it: `approval`, `manual` or `decision`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Approval(_) => "approval",
            Self::Manual(_) => "manual",
            Self::Decision(_) => "decision",
        }
    }
}

impl Action {
    /// The gate that the action is, if people answer at it.
    #[must_use]
    pub fn gate(&self) -> Option<Gate<'_>> {
        match self {
            Self::General(General::Approval(policy)) => Some(Gate::Approval(policy)),
            Self::General(General::Manual(policy)) => Some(Gate::Manual(policy)),
            Self::General(General::Decision(decision)) => Some(Gate::Decision(decision)),
            Self::General(General::Wait { .. })
            | Self::PublicIp(_)
            | Self::Subnet(_)
            | Self::Gateway(_)
            | Self::Authorization(_)
            | Self::Connection(_)
            | Self::Peering(_)
            | Self::RouteTable(_)
            | Self::Association(_)
            | Self::Bandwidth(_)
            | Self::Tier(_)
            | Self::Route(_)
            | Self::SecurityGroup(_)
            | Self::Dns(_)
            | Self::Dissociation(_)
            | Self::Remove(_)
            | Self::RecoveryPlan(_)
            | Self::Vpn(_)
            | Self::Steering(_)
            | Self::Hub(_)
            | Self::Verify(_)
            | Self::Outside(_) => None,
        }
    }
}
