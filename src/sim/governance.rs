//! Who may do what, where, and how much of it? Rights, management locks, registrations, usages and what is sold, around resources.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::azure_policy::Policy;
use super::fault::{Fault, FaultEffect};
use super::provider::{self, Provider};
use super::reply::{Refusal, guid, json_answer};
use super::world::World;
use crate::arm;
use crate::azure::wire::{Method, WireResponse};
use crate::model::ResourceId;

/// What a principal may do in a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// A subscription or a resource group.
    pub scope: String,
    /// Rights, with `*` for any text.
    pub actions: Vec<String>,
    /// What is taken out of them.
    #[serde(default)]
    pub not_actions: Vec<String>,
}

/// A management lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Its name.
    pub name: String,
    /// A subscription, a resource group or a resource.
    pub scope: String,
    /// What it forbids.
    pub level: LockLevel,
}

/// A deny assignment, for everybody but those that it leaves out; whoever asks here is none of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenyAssignment {
    /// Its name.
    pub name: String,
    /// A subscription, a resource group or a resource.
    pub scope: String,
    /// What is denied, with `*` for any text.
    pub actions: Vec<String>,
    /// What is taken out of that.
    #[serde(default)]
    pub not_actions: Vec<String>,
    /// The principals that it leaves out, by id.
    #[serde(default)]
    pub excluded: Vec<String>,
    /// Whether it holds at its scope alone, and not in it.
    #[serde(default)]
    pub here_only: bool,
}

/// What a lock forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockLevel {
    /// Removing.
    CanNotDelete,
    /// Removing, writing, and asking by POST.
    ReadOnly,
}

/// What providers offer, in Mbps; which of them offers what is not modelled.
const BANDWIDTHS: [u32; 8] = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/// What is counted: of which type, by Azure's name, and how many there may be where a world says nothing.
fn usages() -> impl Iterator<Item = (&'static dyn Provider, &'static str, u64)> {
    provider::all()
        .flat_map(|own| own.usages().iter().map(move |(name, usual)| (own, *name, *usual)))
}

/// The usages that are counted, by Azure's names.
pub fn counted_usages() -> impl Iterator<Item = &'static str> {
    usages().map(|(_, name, _)| name)
}

/// From so many times on a fault refuses for good.
const FOR_GOOD: u64 = 1_000;

/// The lock that a fault stands for which has refused as one does, and goes on for good; as it is seen at a scope.
fn stood_for(fault: &Fault, scope: &str) -> Option<Lock> {
    let locked = matches!(&fault.effect, FaultEffect::Refuse { status: 409, code }
        if code == "ScopeLocked");
    let struck = fault.tally.struck;
    if !locked || struck == 0 || fault.until.is_some() || u64::from(fault.times) + struck < FOR_GOOD
    {
        return None;
    }
    let deletes = fault.method.as_deref().is_some_and(|own| own.eq_ignore_ascii_case("DELETE"));
    let level = if deletes { LockLevel::CanNotDelete } else { LockLevel::ReadOnly };
    Some(Lock { name: "by-a-fault".to_owned(), scope: scope.to_owned(), level })
}

impl World {
    /// Refuses what the principal may not do; remembers which right was used.
    pub(super) fn check_right(&mut self, id: &ResourceId, verb: &str) -> Result<(), Refusal> {
        let right = format!("{}/{verb}", id.resource_type().as_str());
        if let Some(denial) = self.governance.denial_of(id, &right) {
            let message = format!(
                "The client has permission to perform action '{right}' on scope '{id}'; however, the access is denied \
                 because of the deny assignment with name '{}' at scope '{}'.",
                denial.name, denial.scope
            );
            return Err(
                Refusal::new(403, "DenyAssignmentAuthorizationFailed", message).by_gateway()
            );
        }
        if self.governance.use_right(id, &right) {
            return Ok(());
        }
        let message = format!(
            "The client does not have authorization to perform action '{right}' over scope '{id}' or \
             the scope is invalid."
        );
        Err(Refusal::new(403, "AuthorizationFailed", message).by_gateway())
    }

    /// The rights that were used so far, each with the resource group that it was used in.
    #[must_use]
    pub fn rights_used(&self) -> &BTreeSet<String> {
        self.governance.rights_used()
    }

    /// Lets the principal do this and nothing else.
    pub fn set_rights(&mut self, rights: Vec<Grant>) {
        self.governance.set_rights(rights);
    }

    /// Adds a management lock.
    pub fn add_lock(&mut self, lock: Lock) {
        self.governance.add_lock(lock);
    }

    /// Refuses what is written in a subscription that is disabled; no time makes that pass either.
    fn check_enabled(&self, method: Method, id: &ResourceId) -> Result<(), Refusal> {
        let reads = matches!(method, Method::Get | Method::Head | Method::Post);
        if reads || !self.governance.is_disabled(id.subscription()) {
            return Ok(());
        }
        let message = format!(
            "The subscription '{}' is disabled and therefore marked as read only. You cannot perform any write \
             actions on this subscription until it is re-enabled.",
            id.subscription()
        );
        Err(Refusal::new(409, "ReadOnlyDisabledSubscription", message).by_gateway())
    }

    /// Refuses what a management lock forbids, or a subscription that is disabled: no time makes that pass, so no
    /// `Retry-After`.
    pub(super) fn check_scope_locks(&self, method: Method, id: &ResourceId) -> Result<(), Refusal> {
        self.check_enabled(method, id)?;
        let Some(lock) = self.governance.lock_on(method, id) else { return Ok(()) };
        let verb = if method == Method::Delete { "delete" } else { "write" };
        let message = format!(
            "The scope '{id}' cannot perform {verb} operation because following scope(s) are locked: \
             '{}'. Please remove the lock and try again.",
            lock.scope
        );
        Err(Refusal::new(409, "ScopeLocked", message).by_gateway())
    }

    /// The answers around resources: registrations, service providers, usages, policies.
    pub(super) fn govern(&self, path: &str) -> Option<Result<WireResponse, Refusal>> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let lower: Vec<String> = parts.iter().map(|part| part.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        match lower.as_slice() {
            ["subscriptions", s, "providers", provider] if *provider == "microsoft.network" => {
                let id = format!("/subscriptions/{s}/providers/Microsoft.Network");
                let known = self.governance.is_registered(s);
                let state = if known { "Registered" } else { "NotRegistered" };
                let body = json!({
                    "id": id, "namespace": "Microsoft.Network", "registrationState": state,
                });
                Some(Ok(json_answer(200, &body)))
            }
            [
                "subscriptions",
                s,
                "providers",
                "microsoft.network",
                "expressrouteserviceproviders",
            ] => Some(Ok(self.service_providers(s))),
            [
                "subscriptions",
                _,
                "providers",
                "microsoft.network",
                "locations",
                region,
                "usages",
            ] => Some(Ok(self.usages(parts[1], region))),
            ["subscriptions", s, "providers", "microsoft.authorization", what, rest @ ..] => {
                let scope = format!("/subscriptions/{s}");
                match (*what, rest) {
                    ("policyassignments", []) => Some(Ok(self.policy_assignments(&scope))),
                    ("policydefinitions", [_]) => Some(self.policy_definition(parts[5])),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The management locks of this world.
    #[must_use]
    pub fn locks(&self) -> &[Lock] {
        self.governance.locks()
    }

    /// The policies of this world.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        self.governance.policies()
    }

    /// What a subscription has in a region, and may have.
    fn usages(&self, subscription: &str, region: &str) -> WireResponse {
        let count = |kind: &str| {
            self.ids()
                .filter(|id| id.subscription().eq_ignore_ascii_case(subscription))
                .filter(|id| id.is_a(kind))
                .filter(|id| self.location(id).is_some_and(|own| own.as_str() == region))
                .count()
        };
        let value: Vec<Value> = usages()
            .map(|(own, name, usual)| {
                let limit = self.governance.quota(name).unwrap_or(usual);
                // Of what is counted within another, the limit of each is told and none is counted
                // (`RoutesPerRouteTable` in the example of the published interface).
                let child = own.kind().matches('/').count() > 1;
                let current = if child { 0 } else { count(own.kind()) };
                json!({
                    "currentValue": current, "limit": limit, "unit": "Count",
                    "id": format!("/subscriptions/{subscription}/providers/Microsoft.Network/locations/\
                                   {region}/usages/{name}"),
                    "name": { "value": name, "localizedValue": name },
                })
            })
            .collect();
        json_answer(200, &json!({ "value": value }))
    }

    /// The providers of the circuits that there are, where those meet Microsoft.
    fn service_providers(&self, subscription: &str) -> WireResponse {
        let mut providers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for body in self.ids().filter_map(|id| self.body(id)) {
            let circuit = arm::CircuitView::of(body);
            if let Some((name, place)) = circuit.provider().zip(circuit.location()) {
                providers.entry(name).or_default().insert(place);
            }
        }
        let bandwidths: Vec<Value> = BANDWIDTHS
            .iter()
            .map(|mbps| {
                let name = if *mbps < 1_000 {
                    format!("{mbps}Mbps")
                } else {
                    format!("{}Gbps", mbps / 1_000)
                };
                json!({ "offerName": name, "valueInMbps": mbps })
            })
            .collect();
        let value: Vec<Value> = providers
            .into_iter()
            .map(|(name, places)| {
                json!({
                    "name": name,
                    "id": format!("/subscriptions/{subscription}/providers/Microsoft.Network/\
                                   expressRouteServiceProviders/{name}"),
                    "type": "Microsoft.Network/expressRouteServiceProviders",
                    "properties": { "peeringLocations": places, "bandwidthsOffered": bandwidths,
                                    "provisioningState": "Succeeded" },
                })
            })
            .collect();
        json_answer(200, &json!({ "value": value }))
    }

    pub(super) fn lock_list(&self, scope: &str) -> WireResponse {
        // What a fault refuses for good as a lock would is seen to be one, once it has.
        let by_faults = self.faults.each().iter().filter_map(|fault| stood_for(fault, scope));
        let by_faults: Vec<Lock> = by_faults.collect();
        let value: Vec<Value> = self
            .governance
            .locks_near(scope)
            .chain(&by_faults)
            .map(|lock| {
                let level = serde_json::to_value(lock.level).unwrap_or_default();
                json!({
                    "id": format!("{}/providers/Microsoft.Authorization/locks/{}", lock.scope, lock.name),
                    "name": lock.name, "type": "Microsoft.Authorization/locks",
                    "properties": { "level": level },
                })
            })
            .collect();
        json_answer(200, &json!({ "value": value }))
    }

    pub(super) fn denial_list(&self, scope: &str) -> WireResponse {
        let kinds = |ids: &[String]| -> Vec<Value> {
            ids.iter().map(|id| json!({ "id": id, "type": "ServicePrincipal" })).collect()
        };
        let told = |own: &DenyAssignment| {
            let id = guid(&["denial", &own.scope, &own.name]);
            json!({
                "id": format!("{}/providers/Microsoft.Authorization/denyAssignments/{id}", own.scope),
                "name": id, "type": "Microsoft.Authorization/denyAssignments",
                "properties": {
                    "denyAssignmentName": own.name, "scope": own.scope,
                    "doNotApplyToChildScopes": own.here_only, "isSystemProtected": true,
                    "permissions": [{ "actions": own.actions, "notActions": own.not_actions,
                                      "dataActions": [], "notDataActions": [] }],
                    "principals": [{ "id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined" }],
                    "excludePrincipals": kinds(&own.excluded),
                },
            })
        };
        let value: Vec<Value> = self.governance.denials_near(scope).map(told).collect();
        json_answer(200, &json!({ "value": value }))
    }

    pub(super) fn permission_list(&self, scope: &str) -> WireResponse {
        let all = vec![Grant {
            scope: String::new(),
            actions: vec!["*".to_owned()],
            not_actions: Vec::new(),
        }];
        let lower = scope.to_ascii_lowercase();
        let taken: Vec<String> = self.faults.taken_rights();
        let value: Vec<Value> = self
            .governance
            .rights()
            .unwrap_or(&all)
            .iter()
            .filter(|grant| lower.starts_with(&grant.scope.to_ascii_lowercase()))
            .map(|grant| {
                let without: Vec<&String> = grant.not_actions.iter().chain(&taken).collect();
                json!({ "actions": grant.actions, "notActions": without,
                        "dataActions": [], "notDataActions": [] })
            })
            .collect();
        json_answer(200, &json!({ "value": value }))
    }
}
