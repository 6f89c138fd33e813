//! Which rights does a plan need? A custom role, as `az role definition create` takes it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{Plan, permission};

/// The custom role with exactly the rights of a plan.
#[must_use]
pub fn role(plan: &Plan) -> Value {
    let groups = permission::by_group(plan);
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
