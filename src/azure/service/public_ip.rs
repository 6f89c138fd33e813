//! Public IP addresses: Standard and static, as an ExpressRoute gateway needs them.

use serde_json::{Value, json};

use super::body::{assessment, ensure, with_tags};
use crate::arm;
use crate::model::Assessment;
use crate::model::action::PublicIp;

/// Compares an address with the desired one.
pub(crate) fn assess(spec: &PublicIp, body: Option<&Value>) -> Assessment {
    let verdict = ensure(&spec.id, body, &wanted(spec));
    let mut assessment = assessment(&spec.id, body, verdict);
    if !assessment.outputs.is_empty()
        && let Some(address) = body.and_then(|body| arm::PublicAddressView::of(body).address())
    {
        assessment.outputs.insert("ip_address".to_owned(), Value::from(address));
    }
    assessment
}

/// The body that the action writes.
pub(crate) fn wanted(spec: &PublicIp) -> Value {
    let mut wanted = json!({
        "location": spec.location.as_str(),
        "sku": { "name": "Standard" },
        "properties": {
            "publicIPAllocationMethod": "Static",
            "publicIPAddressVersion": "IPv4",
        },
    });
    if !spec.zones.is_empty() {
        wanted["zones"] = json!(spec.zones);
    }
    with_tags(wanted, &spec.tags)
}
