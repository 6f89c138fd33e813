//! A subnet's route table: the subnet is written again as it is, with the table in it.

use serde_json::{Value, json};

use super::body::{assessment, at_work, blocked, ensure, provisioning_state, text, writable};
use crate::model::action::{Association, Dissociation};
use crate::model::{Assessed, Assessment, Change, PlannedChange, Undo, Write, WriteMethod};

/// Compares the subnet with one that uses the table.
pub(crate) fn assess(spec: &Association, body: Option<&Value>) -> Assessment {
    let wanted = wanted(spec);
    let verdict = match body {
        Some(body) => ensure(&spec.subnet, Some(body), &wanted),
        None => blocked(
            "subnet_absent",
            format!("The subnet {} does not exist; create it before this step.", spec.subnet),
        ),
    };
    assessment(&spec.subnet, body, verdict)
}

/// What the action adds to the subnet's body.
pub(crate) fn wanted(spec: &Association) -> Value {
    json!({ "properties": { "routeTable": { "id": spec.route_table.as_str() } } })
}

/// Compares the subnet with one that does not use the table. Another table of its own is left alone.
pub(crate) fn assess_dissociated(spec: &Dissociation, body: Option<&Value>) -> Assessment {
    // Being written, it may show its end before it has come to it.
    if let Some(verdict) = body.and_then(|body| at_work(&spec.subnet, body)) {
        return assessment(&spec.subnet, body, verdict);
    }
    // A write that failed may have landed half: it is written again.
    let used = body.filter(|body| {
        text(body, "/properties/routeTable/id")
            .is_some_and(|id| id.eq_ignore_ascii_case(spec.route_table.as_str()))
            || (provisioning_state(body).eq_ignore_ascii_case("failed")
                && text(body, "/properties/routeTable/id").is_none())
    });
    let verdict = match used {
        None => Assessed::Holds,
        Some(body) => detach(spec, body),
    };
    assessment(&spec.subnet, body, verdict)
}

fn detach(spec: &Dissociation, body: &Value) -> Assessed {
    let before = writable(body);
    let mut wanted = before.clone();
    if let Some(properties) = wanted.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove("routeTable");
    }
    Assessed::Change(Box::new(PlannedChange {
        changes: vec![Change {
            resource: spec.subnet.clone(),
            path: "properties.routeTable".to_owned(),
            before: json!({ "id": spec.route_table.as_str() }),
            after: Value::Null,
        }],
        write: Write {
            method: WriteMethod::Put,
            resource: spec.subnet.clone(),
            body: Some(wanted),
            verb: None,
            if_match: None,
        },
        undo: Undo::Restore { resource: spec.subnet.clone(), body: before },
    }))
}
