//! What does a policy forbid, or change? The effects deny, modify and append on writes, and the question that tells
//! of them beforehand.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::reply::{Refusal, json_answer};
use super::world::World;
use crate::arm::PolicyField;
use crate::azure::wire::WireResponse;
use crate::model::{Region, ResourceId};

/// Azure's word for a write that a policy forbids.
pub(super) const DISALLOWED: &str = "RequestDisallowedByPolicy";

/// A policy that is assigned: it denies, or changes what is written where it has `modify` or `append`.
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
    /// What is changed in a body that is written (effect modify).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modify: Vec<PolicyOperation>,
    /// What is added to it (effect append); where it says another value, the write is denied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub append: Vec<PolicyAddition>,
}

/// What a policy with the effect modify does to a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyOperation {
    /// How.
    pub operation: PolicyVerb,
    /// The field: a tag, or an alias.
    pub field: String,
    /// Its value; none where it is removed.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

/// How a field is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyVerb {
    /// Whatever was sent.
    AddOrReplace,
    /// Where none was sent.
    Add,
    /// Taken out.
    Remove,
}

/// What a policy with the effect append adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyAddition {
    /// The field: a tag, or an alias; with `[*]` an item of a list.
    pub field: String,
    /// Its value.
    pub value: Value,
}

impl Policy {
    /// Whether it is about a resource.
    fn is_about(&self, id: &ResourceId) -> bool {
        let scope = self.scope.trim_end_matches('/').to_ascii_lowercase();
        let within = id.key() == scope
            || id.key().strip_prefix(scope.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let kind = id.resource_type();
        let about = self.types.is_empty()
            || self.types.iter().any(|own| own.eq_ignore_ascii_case(kind.as_str()));
        // Of tags, what has none is left alone (mode `Indexed`).
        let of_tags = |field: &str| field.starts_with("tags");
        let only_tags = self.modify.iter().map(|own| &own.field).all(|field| of_tags(field))
            && self.append.iter().all(|own| of_tags(&own.field));
        within && about && !(self.changes() && only_tags && id.parent().is_some())
    }

    /// Whether it changes what is written, and denies nothing.
    fn changes(&self) -> bool {
        !self.modify.is_empty() || !self.append.is_empty()
    }

    /// Whether it denies a resource that is to be as this body says.
    pub(super) fn denies(&self, id: &ResourceId, body: &Value) -> bool {
        if !self.is_about(id) {
            return false;
        }
        if self.changes() {
            return self.additions(id).any(|(place, own)| {
                place.in_body(body).is_some_and(|there| !there.is_array())
                    && !place.has(body, &own.value)
            });
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

    fn additions(&self, id: &ResourceId) -> impl Iterator<Item = (PolicyField, &PolicyAddition)> {
        let kind = id.resource_type();
        let place = move |field: &str| PolicyField::of(kind.as_str(), field);
        self.append.iter().filter_map(move |own| Some((place(&own.field)?, own)))
    }

    /// What it would change in a body, as a preview tells it: the field, and a restriction of Azure's.
    fn restrictions(&self, id: &ResourceId, body: &Value) -> Vec<(String, Value)> {
        let kind = id.resource_type();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut all = Vec::new();
        for own in &self.modify {
            let Some(place) = PolicyField::of(kind.as_str(), &own.field) else { continue };
            let there = place.in_body(body).is_some();
            let said = match own.operation {
                PolicyVerb::AddOrReplace if !place.has(body, &own.value) => {
                    json!({ "result": "Required", "values": [text(&own.value)] })
                }
                PolicyVerb::Add if !there => {
                    json!({ "result": "Required", "defaultValue": text(&own.value) })
                }
                PolicyVerb::Remove if there => json!({ "result": "Removed" }),
                PolicyVerb::AddOrReplace | PolicyVerb::Add | PolicyVerb::Remove => continue,
            };
            all.push((own.field.clone(), "Modify", said));
        }
        for (place, own) in self.additions(id).filter(|(place, own)| !place.has(body, &own.value)) {
            let key = if place.in_body(body).is_some() { "values" } else { "defaultValue" };
            let value = text(&own.value);
            let value = if key == "values" { json!([value]) } else { json!(value) };
            all.push((own.field.clone(), "Append", json!({ "result": "Required", key: value })));
        }
        let told = |(field, effect, mut said): (String, &str, Value)| {
            said["policyEffect"] = json!(effect);
            (field, said)
        };
        all.into_iter().map(told).collect()
    }

    /// Changes a body that is written.
    fn change(&self, id: &ResourceId, body: &mut Value) {
        let kind = id.resource_type();
        for own in &self.modify {
            let Some(place) = PolicyField::of(kind.as_str(), &own.field) else { continue };
            match own.operation {
                PolicyVerb::Remove => place.remove(body),
                PolicyVerb::Add if place.in_body(body).is_some() => {}
                PolicyVerb::Add | PolicyVerb::AddOrReplace => place.write(body, &own.value),
            }
        }
        for (place, own) in self.additions(id) {
            if !place.has(body, &own.value) {
                place.write(body, &own.value);
            }
        }
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
        let then = if !self.append.is_empty() {
            json!({ "effect": "append", "details": self.append })
        } else if !self.modify.is_empty() {
            json!({ "effect": "modify", "details": { "operations": self.modify } })
        } else {
            json!({ "effect": "deny" })
        };
        let mut all = vec![about];
        if !breaches.is_empty() {
            all.push(json!({ "anyOf": breaches }));
        }
        json!({
            "name": self.name, "type": "Microsoft.Authorization/policyDefinitions",
            "properties": {
                "policyType": "Custom", "mode": if self.is_indexed() { "Indexed" } else { "All" },
                "policyRule": { "if": { "allOf": all }, "then": then },
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

    /// A body as policies make it before Azure carries the write out; a refusal where one denies it.
    pub(super) fn through_policies(
        &self,
        id: &ResourceId,
        mut body: Value,
    ) -> Result<Value, Refusal> {
        self.check_policies(id, &body)?;
        for policy in self.governance.policies().iter().filter(|policy| policy.is_about(id)) {
            policy.change(id, &mut body);
        }
        Ok(body)
    }

    /// Refuses a write that a policy denies.
    fn check_policies(&self, id: &ResourceId, body: &Value) -> Result<(), Refusal> {
        let Some(policy) = self.governance.denying(id, body).next() else { return Ok(()) };
        let message = format!(
            "Resource '{}' was disallowed by policy. Policy identifiers: \
             '[{{\"policyAssignment\":{{\"name\":\"{}\"}}}}]'.",
            id.name(),
            policy.name
        );
        Err(Refusal::new(403, DISALLOWED, message).by_gateway())
    }

    /// What policies would change of a resource, in Azure's words.
    fn restricted(&self, id: &ResourceId, content: &Value, scope: &str) -> Vec<Value> {
        let about = self.governance.policies().iter().filter(|policy| policy.is_about(id));
        let said = about.flat_map(|policy| {
            policy.restrictions(id, content).into_iter().map(|(field, mut said)| {
                let name = &policy.name;
                said["policy"] = json!({ "policyAssignmentId":
                    format!("{scope}/providers/Microsoft.Authorization/policyAssignments/{name}") });
                json!({ "field": field, "restrictions": [said] })
            })
        });
        said.collect()
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
            "fieldRestrictions": self.restricted(&id, content, scope),
            "contentEvaluationResult": { "policyEvaluations": evaluations },
        });
        Ok(json_answer(200, &result))
    }
}
