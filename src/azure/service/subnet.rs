//! Subnets, the gateway's own among them.

use serde_json::{Value, json};

use super::body::{assessment, blocked, ensure, text};
use crate::model::Assessment;
use crate::model::action::Subnet;

/// Compares a subnet with the desired one. An existing subnet with another prefix is not renumbered.
pub(crate) fn assess(spec: &Subnet, body: Option<&Value>) -> Assessment {
    let wanted = spec.prefix.to_string();
    let verdict = match body.map(prefixes) {
        Some(found) if found.is_empty() || found.iter().any(|prefix| **prefix == wanted) => {
            ensure(&spec.id, body, &json!({}))
        }
        Some(found) => blocked(
            "cannot_change",
            format!(
                "The subnet exists with {}, and the runbook wants {wanted}; a subnet in use cannot be \
                 renumbered.",
                found.join(", ")
            ),
        ),
        None => ensure(&spec.id, None, &json!({ "properties": { "addressPrefix": wanted } })),
    };
    assessment(&spec.id, body, verdict)
}

fn prefixes(body: &Value) -> Vec<&str> {
    let several = body.pointer("/properties/addressPrefixes").and_then(Value::as_array);
    text(body, "/properties/addressPrefix")
        .into_iter()
        .chain(several.into_iter().flatten().filter_map(Value::as_str))
        .collect()
}
