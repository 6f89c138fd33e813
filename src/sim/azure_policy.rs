//! What does a policy forbid? Deny effects on writes, and the question that tells of them beforehand.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::reply::{Refusal, json_answer};
use super::world::World;
use crate::azure::wire::WireResponse;
use crate::model::{Region, ResourceId};

/// Azure's word for a write that a policy forbids.
pub(super) const DISALLOWED: &str = "RequestDisallowedByPolicy";

/// A policy that is assigned and denies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The assignment's name.
    pub name: String,
    /// A subscription or a resource group; everything when absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The types that it is about; all when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Tags that a resource must have. Without these and without regions, everything is denied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require_tags: Vec<String>,
    /// The regions that are allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Region>,
}

impl Policy {
    /// Whether it denies a resource that is to be as this body says.
    pub(super) fn denies(&self, id: &ResourceId, body: &Value) -> bool {
        let scope = self.scope.trim_end_matches('/').to_ascii_lowercase();
        let within = id.key() == scope
            || id.key().strip_prefix(scope.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let kind = id.resource_type();
        let about = self.types.is_empty()
            || self.types.iter().any(|own| own.eq_ignore_ascii_case(kind.as_str()));
        if !within || !about {
            return false;
        }
        if self.require_tags.is_empty() && self.locations.is_empty() {
            return true;
        }
        let tags = body.get("tags").and_then(Value::as_object);
        let has = |tag: &String| {
            tags.is_some_and(|tags| tags.keys().any(|key| key.eq_ignore_ascii_case(tag)))
        };
        let location = body.get("location").and_then(Value::as_str);
        let region = location.and_then(|text| Region::parse(text).ok());
        let elsewhere = !self.locations.is_empty()
            && region.is_some_and(|region| !self.locations.contains(&region));
        // A child, such as a subnet, has no tags.
        let bears_tags = !self.is_indexed() || id.parent().is_none();
        elsewhere || (bears_tags && !self.require_tags.iter().all(has))
    }

    /// Whether it leaves those types alone that have no tags, as Microsoft's own policies about tags do
    /// (mode `Indexed`): one that names no types. One that names them means them.
    fn is_indexed(&self) -> bool {
        self.types.is_empty() && !self.require_tags.is_empty()
    }
}

/// Where a policy is assigned that holds in every subscription.
const ABOVE: &str = "/providers/Microsoft.Management/managementGroups/all";

impl Policy {
    /// As Azure writes what it says.
    fn definition(&self) -> Value {
        let mut breaches = Vec::new();
        if !self.locations.is_empty() {
            breaches.push(json!({ "field": "location", "notIn": self.locations }));
        }
        for tag in &self.require_tags {
            breaches.push(json!({ "field": format!("tags['{tag}']"), "exists": "false" }));
        }
        let about = match self.types.is_empty() {
            true => json!({ "field": "type", "like": "*" }),
            false => json!({ "field": "type", "in": self.types }),
        };
        let mut all = vec![about];
        if !breaches.is_empty() {
            all.push(json!({ "anyOf": breaches }));
        }
        json!({
            "name": self.name, "type": "Microsoft.Authorization/policyDefinitions",
            "properties": {
                "policyType": "Custom", "mode": if self.is_indexed() { "Indexed" } else { "All" },
                "policyRule": { "if": { "allOf": all }, "then": { "effect": "deny" } },
            },
        })
    }
}

impl World {
    /// The names of the policies that deny a resource. A fault that refuses writes with Azure's word for
    /// it is one as well.
    fn denying(&self, id: &ResourceId, body: &Value) -> Vec<String> {
        let own = self.governance.denying(id, body);
        let mut names: Vec<String> = own.map(|policy| policy.name.clone()).collect();
        if self.faults.will_refuse(id, DISALLOWED) {
            names.push("a-fault-of-this-world".to_owned());
        }
        names
    }

    /// Refuses a write that a policy denies.
    pub(super) fn check_policies(&self, id: &ResourceId, body: &Value) -> Result<(), Refusal> {
        let Some(policy) = self.governance.denying(id, body).next() else { return Ok(()) };
        let message = format!(
            "Resource '{}' was disallowed by policy. Policy identifiers: \
             '[{{\"policyAssignment\":{{\"name\":\"{}\"}}}}]'.",
            id.name(),
            policy.name
        );
        Err(Refusal::new(403, DISALLOWED, message).by_gateway())
    }

    /// The policies that are assigned to a subscription, in it, and above it.
    pub(super) fn policy_assignments(&self, scope: &str) -> WireResponse {
        let near = |policy: &&Policy| {
            let own = policy.scope.to_ascii_lowercase();
            own.is_empty() || own.starts_with(&scope.to_ascii_lowercase())
        };
        let one = |policy: &Policy| {
            let name = &policy.name;
            let at = if policy.scope.is_empty() { ABOVE } else { policy.scope.as_str() };
            json!({
                "id": format!("{at}/providers/Microsoft.Authorization/policyAssignments/{name}"),
                "name": name, "type": "Microsoft.Authorization/policyAssignments",
                "properties": {
                    "scope": at, "enforcementMode": "Default", "parameters": {},
                    "policyDefinitionId":
                        format!("{scope}/providers/Microsoft.Authorization/policyDefinitions/{name}"),
                },
            })
        };
        let value: Vec<Value> = self.governance.policies().iter().filter(near).map(one).collect();
        json_answer(200, &json!({ "value": value }))
    }

    /// What a policy says, in Azure's words.
    pub(super) fn policy_definition(&self, name: &str) -> Result<WireResponse, Refusal> {
        let mut all = self.governance.policies().iter();
        let Some(policy) = all.find(|policy| policy.name.eq_ignore_ascii_case(name)) else {
            let message = format!("The policy definition '{name}' could not be found.");
            return Err(Refusal::new(404, "PolicyDefinitionNotFound", message).by_gateway());
        };
        Ok(json_answer(200, &policy.definition()))
    }

    /// `POST …/Microsoft.PolicyInsights/checkPolicyRestrictions`: what policies would say of a resource.
    pub(super) fn restrictions(&self, path: &str, body: &[u8]) -> Result<WireResponse, Refusal> {
        let bad =
            |why: &str| Refusal::new(400, "InvalidCheckRestrictionsRequest", why).by_gateway();
        let asked: Value = serde_json::from_slice(body)
            .map_err(|_| bad("The request content was invalid JSON."))?;
        let content = asked.pointer("/resourceDetails/resourceContent");
        let content = content.ok_or_else(|| bad("The resource details are missing."))?;
        let text = |key: &str| content.get(key).and_then(Value::as_str).unwrap_or_default();
        let at = path.to_ascii_lowercase().find("/providers/microsoft.policyinsights");
        let scope = &path[..at.unwrap_or(path.len())];
        let (kind, name) = (text("type"), text("name"));
        let mut id = format!("{scope}/providers");
        let mut types = kind.split('/');
        id.push_str(&format!("/{}", types.next().unwrap_or_default()));
        for (part, name) in types.zip(name.split('/')) {
            id.push_str(&format!("/{part}/{name}"));
        }
        let id = ResourceId::parse(&id)
            .map_err(|_| bad("The resource content names no type and name."))?;
        let evaluations: Vec<Value> = self
            .denying(&id, content)
            .into_iter()
            .map(|name| {
                json!({
                    "policyInfo": {
                        "policyAssignmentId":
                            format!("{scope}/providers/Microsoft.Authorization/policyAssignments/{name}"),
                    },
                    "evaluationResult": "NonCompliant",
                    "effectDetails": { "policyEffect": "Deny" },
                })
            })
            .collect();
        let result = json!({
            "fieldRestrictions": [],
            "contentEvaluationResult": { "policyEvaluations": evaluations },
        });
        Ok(json_answer(200, &result))
    }
}
