//! At which kinds of gates do people answer? An action's nature says which one it is.

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
