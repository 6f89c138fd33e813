//! Which rights does a plan need? A custom role, as `az role definition create` takes it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::model::{Plan, permission};

/// The custom role with exactly the rights of a plan.
#[must_use]
pub fn role(plan: &Plan) -> Value {
    of(plan, &permission::by_group(plan))
}

/// The same, for a person who types the commands of the document.
#[must_use]
pub fn role_by_hand(plan: &Plan) -> Value {
    let mut groups = permission::by_group(plan);
    for (scope, rights) in permission::by_hand(plan) {
        groups.entry(scope).or_default().extend(rights);
    }
    of(plan, &groups)
}

fn of(plan: &Plan, groups: &BTreeMap<String, BTreeSet<String>>) -> Value {
    let actions: BTreeSet<&String> = groups.values().flatten().collect();
    let name = plan.parts().runbook.as_str();
    json!({
        "Name": format!("backroad {name}"),
        "IsCustom": true,
        "Description": format!("What the runbook {name} does, forward and back, and nothing else."),
        "Actions": actions,
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": groups.keys().collect::<Vec<_>>(),
    })
}
