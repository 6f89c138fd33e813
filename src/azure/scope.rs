//! What may be written? Nothing, or exactly the resources that the plan declares.

use std::collections::BTreeSet;

use crate::model::{Plan, ResourceId};

/// The resources that a run may write: what its plan declares and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteScope(BTreeSet<ResourceId>);

impl WriteScope {
    /// The resources that any step of the plan writes.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self(plan.steps().iter().filter_map(|step| step.action.written()).cloned().collect())
    }

    /// One resource.
    #[must_use]
    pub fn only(resource: ResourceId) -> Self {
        Self(BTreeSet::from([resource]))
    }

    /// Whether the resource may be written.
    #[must_use]
    pub fn contains(&self, resource: &ResourceId) -> bool {
        self.0.contains(resource)
    }

    /// The resources, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ResourceId> {
        self.0.iter()
    }
}

/// What a client may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    /// Read.
    ReadOnly,
    /// Read, and write within the scope.
    Writing(WriteScope),
}
