//! What a subnet uses, a route table or a security group: it is written again as it is, with that in it.

use serde_json::{Value, json};

use super::body::{assessment, at_work, blocked, ensure, writable};
use crate::arm::has_failed;
use crate::arm::read::text;
use crate::model::action::{Association, Dissociation, SecurityGroupUse};
use crate::model::{
    Assessed, Assessment, Change, PlannedChange, ResourceId, Undo, Write, WriteMethod,
};

const TABLE: &str = "routeTable";
const SECURITY_GROUP: &str = "networkSecurityGroup";

/// Compares the subnet with one that uses the table.
pub(crate) fn assess(spec: &Association, body: Option<&Value>) -> Assessment {
    attached(&spec.subnet, body, &wanted(spec))
}

/// What the action adds to the subnet's body.
pub(crate) fn wanted(spec: &Association) -> Value {
    used(TABLE, &spec.route_table)
}

/// Compares the subnet with one that does not use the table. Another table of its own is left alone.
pub(crate) fn assess_dissociated(spec: &Dissociation, body: Option<&Value>) -> Assessment {
    detached(&spec.subnet, TABLE, &spec.route_table, body)
}

/// Compares the subnet with one that uses the security group, or does not.
pub(crate) fn assess_security(spec: &SecurityGroupUse, body: Option<&Value>) -> Assessment {
    if spec.used {
        attached(&spec.subnet, body, &wanted_security(spec))
    } else {
        detached(&spec.subnet, SECURITY_GROUP, &spec.security_group, body)
    }
}

/// What the action adds to the subnet's body.
pub(crate) fn wanted_security(spec: &SecurityGroupUse) -> Value {
    if spec.used { used(SECURITY_GROUP, &spec.security_group) } else { unused(SECURITY_GROUP) }
}

/// What taking the table off wants of the subnet's body.
pub(crate) fn unused_table() -> Value {
    unused(TABLE)
}

fn unused(key: &str) -> Value {
    json!({ "properties": { key: null } })
}

fn used(key: &str, target: &ResourceId) -> Value {
    json!({ "properties": { key: { "id": target.as_str() } } })
}

fn attached(subnet: &ResourceId, body: Option<&Value>, wanted: &Value) -> Assessment {
    let verdict = match body {
        Some(body) => ensure(subnet, Some(body), wanted),
        None => blocked(
            "subnet_absent",
            format!("The subnet {subnet} does not exist; create it before this step."),
        ),
    };
    assessment(subnet, body, verdict)
}

fn detached(
    subnet: &ResourceId,
    key: &str,
    target: &ResourceId,
    body: Option<&Value>,
) -> Assessment {
    // Being written, it may show its end before it has come to it.
    if let Some(verdict) = body.and_then(|body| at_work(subnet, body)) {
        return assessment(subnet, body, verdict);
    }
    let pointer = format!("/properties/{key}/id");
    // A write that failed may have landed half: it is written again.
    let used = body.filter(|body| {
        text(body, &pointer).is_some_and(|id| id.eq_ignore_ascii_case(target.as_str()))
            || (has_failed(body) && text(body, &pointer).is_none())
    });
    let verdict = match used {
        None => Assessed::Holds,
        Some(body) => detach(subnet, key, target, body),
    };
    assessment(subnet, body, verdict)
}

fn detach(subnet: &ResourceId, key: &str, target: &ResourceId, body: &Value) -> Assessed {
    let before = writable(body);
    let mut wanted = before.clone();
    if let Some(properties) = wanted.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove(key);
    }
    Assessed::Change(Box::new(PlannedChange {
        changes: vec![Change {
            resource: subnet.clone(),
            path: format!("properties.{key}"),
            before: json!({ "id": target.as_str() }),
            after: Value::Null,
        }],
        write: Write { body: Some(wanted), ..Write::to(WriteMethod::Put, subnet) },
        undo: Undo::Restore { resource: subnet.clone(), body: before },
    }))
}
