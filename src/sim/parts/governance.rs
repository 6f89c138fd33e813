//! What governs this world? Rights, management locks, tenants, policies, quotas and registrations, as they were set.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::azure::wire::Method;
use crate::model::{ResourceId, permission};
use crate::sim::azure_policy::Policy;
use crate::sim::governance::{DenyAssignment, Grant, Lock, LockLevel};
use crate::sim::scenario::Scenario;
use crate::sim::tenancy::Tenancy;

/// What governs a world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sim) struct Governance {
    rights: Option<Vec<Grant>>,
    /// `group|right`, as they were used.
    rights_used: BTreeSet<String>,
    locks: Vec<Lock>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deny_assignments: Vec<DenyAssignment>,
    #[serde(default)]
    tenancy: Tenancy,
    #[serde(default)]
    policies: Vec<Policy>,
    #[serde(default)]
    quotas: BTreeMap<String, u64>,
    /// Subscriptions in which Microsoft.Network is not registered.
    unregistered: BTreeSet<String>,
    /// Subscriptions that are disabled.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    disabled: BTreeSet<String>,
}

impl Governance {
    pub(in crate::sim) fn new(scenario: &Scenario) -> Self {
        Self {
            rights: scenario.rights.clone(),
            rights_used: BTreeSet::new(),
            locks: scenario.locks.clone(),
            deny_assignments: scenario.deny_assignments.clone(),
            tenancy: scenario.tenants.clone(),
            policies: scenario.policies.clone(),
            quotas: scenario.quotas.clone(),
            unregistered: scenario.unregistered.iter().cloned().collect(),
            disabled: scenario.disabled.iter().map(|own| own.to_ascii_lowercase()).collect(),
        }
    }

    /// Whether the principal has a right on a resource; remembers that it was used.
    pub(in crate::sim) fn use_right(&mut self, id: &ResourceId, right: &str) -> bool {
        if let Some(grants) = &self.rights {
            let granted = grants.iter().any(|grant| {
                let any = |list: &[String]| list.iter().any(|p| permission::matches(p, right));
                covers(&grant.scope, id) && any(&grant.actions) && !any(&grant.not_actions)
            });
            if !granted {
                return false;
            }
        }
        let group =
            format!("/subscriptions/{}/resourceGroups/{}", id.subscription(), id.resource_group());
        self.rights_used.insert(format!("{group}|{right}"));
        true
    }

    pub(in crate::sim) fn rights_used(&self) -> &BTreeSet<String> {
        &self.rights_used
    }

    /// What the principal may do; everything when nothing is said.
    pub(in crate::sim) fn rights(&self) -> Option<&[Grant]> {
        self.rights.as_deref()
    }

    pub(in crate::sim) fn set_rights(&mut self, rights: Vec<Grant>) {
        self.rights = Some(rights);
    }

    pub(in crate::sim) fn locks(&self) -> &[Lock] {
        &self.locks
    }

    pub(in crate::sim) fn policies(&self) -> &[Policy] {
        &self.policies
    }

    pub(in crate::sim) fn add_lock(&mut self, lock: Lock) {
        self.locks.push(lock);
    }

    /// The lock that forbids a method on a resource.
    pub(in crate::sim) fn lock_on(&self, method: Method, id: &ResourceId) -> Option<&Lock> {
        let forbids = |level: LockLevel| match level {
            LockLevel::CanNotDelete => method == Method::Delete,
            LockLevel::ReadOnly => method != Method::Get && method != Method::Head,
        };
        self.locks.iter().find(|lock| forbids(lock.level) && covers(&lock.scope, id))
    }

    /// The deny assignment that forbids this on a resource.
    pub(in crate::sim) fn denial_of(
        &self,
        id: &ResourceId,
        right: &str,
    ) -> Option<&DenyAssignment> {
        let any = |list: &[String]| list.iter().any(|own| permission::matches(own, right));
        self.deny_assignments.iter().find(|own| {
            let here = !own.here_only || own.scope.eq_ignore_ascii_case(id.as_str());
            here && covers(&own.scope, id) && any(&own.actions) && !any(&own.not_actions)
        })
    }

    /// The deny assignments of a scope, of what is in it, and of what is around it.
    pub(in crate::sim) fn denials_near(
        &self,
        scope: &str,
    ) -> impl Iterator<Item = &DenyAssignment> {
        self.deny_assignments.iter().filter(move |own| is_near(&own.scope, scope))
    }

    /// The locks of a scope, of what is in it, and of what is around it.
    pub(in crate::sim) fn locks_near(&self, scope: &str) -> impl Iterator<Item = &Lock> {
        self.locks.iter().filter(move |lock| is_near(&lock.scope, scope))
    }

    pub(in crate::sim) fn tenancy(&self) -> &Tenancy {
        &self.tenancy
    }

    /// The policies that deny a resource that is to be as this body says.
    pub(in crate::sim) fn denying(
        &self,
        id: &ResourceId,
        body: &Value,
    ) -> impl Iterator<Item = &Policy> {
        self.policies.iter().filter(move |policy| policy.denies(id, body))
    }

    /// How many of something there may be, if the world says so.
    pub(in crate::sim) fn quota(&self, name: &str) -> Option<u64> {
        self.quotas.get(name).copied()
    }

    /// Whether Microsoft.Network is registered in a subscription.
    pub(in crate::sim) fn is_registered(&self, subscription: &str) -> bool {
        !self.unregistered.contains(subscription)
    }

    /// Whether a subscription is disabled.
    pub(in crate::sim) fn is_disabled(&self, subscription: &str) -> bool {
        self.disabled.contains(&subscription.to_ascii_lowercase())
    }

    /// Adds to a world file what it says of it.
    pub(in crate::sim) fn write_into(&self, file: &mut Value) {
        file["rights"] = json!(self.rights);
        file["unregistered"] = json!(self.unregistered);
        file["locks"] = json!(self.locks);
        if !self.disabled.is_empty() {
            file["disabled"] = json!(self.disabled);
        }
        if !self.deny_assignments.is_empty() {
            file["deny_assignments"] = json!(self.deny_assignments);
        }
        if !self.tenancy.is_plain() {
            file["tenants"] = json!(self.tenancy);
        }
        if !self.policies.is_empty() {
            file["policies"] = json!(self.policies);
        }
        if !self.quotas.is_empty() {
            file["quotas"] = json!(self.quotas);
        }
    }
}

/// Whether one scope is in the other.
fn is_near(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
    one.starts_with(&other) || other.starts_with(&one)
}

/// Whether a scope covers a resource.
fn covers(scope: &str, id: &ResourceId) -> bool {
    let scope = scope.trim_end_matches('/').to_ascii_lowercase();
    id.key()
        .strip_prefix(scope.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
