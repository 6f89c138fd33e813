//! A subnet's route table: the subnet is written again as it is, with the table in it.

use serde_json::{Value, json};

use super::body::{assessment, blocked, ensure};
use crate::model::Assessment;
use crate::model::action::Association;

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
