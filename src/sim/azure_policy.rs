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
        elsewhere || !self.require_tags.iter().all(has)
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
