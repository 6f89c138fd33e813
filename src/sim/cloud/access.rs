//! Who may do what, as clients read it? Permissions of a scope, the role that they come from, and who has it.

use serde_json::{Value, json};

use super::Asking;
use crate::azure::wire::{Method, WireResponse};
use crate::sim::governance::Grant;
use crate::sim::reply::{Refusal, guid, json_answer};
use crate::sim::world::World;

/// The part of a path that is ARM's own provider of rights.
const OWN: &str = "/providers/microsoft.authorization/";

impl World {
    pub(super) fn access(&mut self, asking: &Asking<'_>) -> Option<Result<WireResponse, Refusal>> {
        if asking.request.method != Method::Get {
            return None;
        }
        let lower = asking.path.to_ascii_lowercase();
        let at = lower.rfind(OWN)?;
        let (scope, rest) = (&asking.path[..at], &lower[at + OWN.len()..]);
        let parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
        match parts.as_slice() {
            ["permissions"] => Some(Ok(self.permission_list(scope))),
            ["locks"] => Some(Ok(self.lock_list(scope))),
            ["denyassignments"] => Some(Ok(self.denial_list(scope))),
            ["roledefinitions"] => {
                let wanted = asking.query("$filter").unwrap_or_default().to_ascii_lowercase();
                let roles = self.roles(scope);
                let named = roles.into_iter().filter(|role| {
                    let name = role["properties"]["roleName"].as_str().unwrap_or_default();
                    !wanted.contains("rolename eq") || wanted.contains(&name.to_ascii_lowercase())
                });
                Some(Ok(json_answer(200, &json!({ "value": named.collect::<Vec<_>>() }))))
            }
            ["roledefinitions", id] => {
                let found = self.roles(scope).into_iter().find(|role| role["name"] == *id);
                Some(found.map(|role| json_answer(200, &role)).ok_or_else(|| {
                    let message =
                        format!("The specified role definition with ID '{id}' does not exist.");
                    Refusal::new(404, "RoleDefinitionDoesNotExist", message).by_gateway()
                }))
            }
            ["roleassignments"] => {
                Some(Ok(json_answer(200, &json!({ "value": self.assignments(scope) }))))
            }
            _ => None,
        }
    }

    /// A role for each grant that covers a scope; Owner where the world says nothing.
    fn roles(&self, scope: &str) -> Vec<Value> {
        self.grants_at(scope).iter().map(|(name, grant)| role(scope, name, grant)).collect()
    }

    fn assignments(&self, scope: &str) -> Vec<Value> {
        let tenants = self.governance.tenancy().tenants();
        let principal = guid(&["object", tenants.first().map_or("", String::as_str)]);
        self.grants_at(scope)
            .iter()
            .map(|(name, grant)| {
                let own = if grant.scope.is_empty() { scope } else { grant.scope.as_str() };
                let id = guid(&["assignment", name, own]);
                json!({
                    "id": format!("{own}/providers/Microsoft.Authorization/roleAssignments/{id}"),
                    "name": id, "type": "Microsoft.Authorization/roleAssignments",
                    "properties": {
                        "roleDefinitionId": role_id(scope, name), "principalId": principal,
                        "principalType": "ServicePrincipal", "scope": own,
                    },
                })
            })
            .collect()
    }

    fn grants_at(&self, scope: &str) -> Vec<(String, Grant)> {
        let lower = scope.to_ascii_lowercase();
        let Some(grants) = self.governance.rights() else {
            let actions = vec!["*".to_owned()];
            let all = Grant { scope: String::new(), actions, not_actions: Vec::new() };
            return vec![("Owner".to_owned(), all)];
        };
        let own = grants.iter().enumerate();
        own.filter(|(_, grant)| lower.starts_with(&grant.scope.to_ascii_lowercase()))
            .map(|(place, grant)| (format!("Simulated {}", place + 1), grant.clone()))
            .collect()
    }
}

fn role_id(scope: &str, name: &str) -> String {
    let subscription: Vec<&str> = scope.split('/').take(3).collect();
    let id = guid(&["role", name]);
    format!("{}/providers/Microsoft.Authorization/roleDefinitions/{id}", subscription.join("/"))
}

fn role(scope: &str, name: &str, grant: &Grant) -> Value {
    let own = if grant.scope.is_empty() { "/" } else { grant.scope.as_str() };
    let kind = if name == "Owner" { "BuiltInRole" } else { "CustomRole" };
    json!({
        "id": role_id(scope, name), "name": guid(&["role", name]),
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": name, "type": kind, "description": "What the world's principal may do.",
            "assignableScopes": [own],
            "permissions": [{
                "actions": grant.actions, "notActions": grant.not_actions,
                "dataActions": [], "notDataActions": [],
            }],
        },
    })
}
