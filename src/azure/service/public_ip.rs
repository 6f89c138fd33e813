//! Public IP addresses: Standard and static, as an ExpressRoute gateway needs them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::body::{assessment, blocked, ensure, fixed, text};
use crate::model::action::PublicIp;
use crate::model::{Assessed, Assessment};

/// Compares an address with the desired one.
pub(crate) fn assess(spec: &PublicIp, body: Option<&Value>) -> Assessment {
    let fixed = body.and_then(|body| {
        fixed(body, "/location", spec.location.as_str(), "location")
            .or_else(|| fixed(body, "/sku/name", "Standard", "SKU"))
            .or_else(|| zones_missing(spec, body))
    });
    let verdict = fixed.unwrap_or_else(|| ensure(&spec.id, body, &wanted(spec, body)));
    let mut assessment = assessment(&spec.id, body, verdict);
    if !assessment.outputs.is_empty()
        && let Some(address) = body.and_then(|body| text(body, "/properties/ipAddress"))
    {
        assessment.outputs.insert("ip_address".to_owned(), Value::from(address));
    }
    assessment
}

/// Blocks when an address that stands lacks a zone. Zones are a set, an address in more of them holds, and
/// Azure never changes them (`ResourceAvailabilityZonesCannotBeModified`, azurerm 16470).
fn zones_missing(spec: &PublicIp, body: &Value) -> Option<Assessed> {
    let has: BTreeSet<&str> = body
        .get("zones")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let missing: BTreeSet<&str> =
        spec.zones.iter().map(String::as_str).filter(|zone| !has.contains(zone)).collect();
    if missing.is_empty() {
        return None;
    }
    let words = |zones: BTreeSet<&str>| match zones.len() {
        0 => "no zone".to_owned(),
        1 => format!("zone {}", zones.into_iter().collect::<String>()),
        _ => format!("zones {}", zones.into_iter().collect::<Vec<_>>().join(", ")),
    };
    let why = format!(
        "It exists in {}, the runbook wants {}, and Azure cannot change the zones of an address \
         (ResourceAvailabilityZonesCannotBeModified). Choose another name, or remove it first, or take \
         the zones out of the runbook.",
        words(has),
        words(spec.zones.iter().map(String::as_str).collect()),
    );
    Some(blocked("zones_cannot_change", why))
}

/// The body that the action writes. An address that stands keeps its zones.
pub(crate) fn wanted(spec: &PublicIp, body: Option<&Value>) -> Value {
    let mut wanted = json!({
        "location": spec.location.as_str(),
        "sku": { "name": "Standard" },
        "properties": {
            "publicIPAllocationMethod": "Static",
            "publicIPAddressVersion": "IPv4",
        },
    });
    if !spec.zones.is_empty() && body.is_none() {
        wanted["zones"] = json!(spec.zones);
    }
    wanted
}
