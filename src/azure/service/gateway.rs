//! ExpressRoute gateways: the step that takes twenty minutes.

use serde_json::{Value, json};

use super::body::{assessment, ensure, fixed, text};
use crate::model::action::Gateway;
use crate::model::{Assessed, Assessment};

/// Where a gateway shows its address.
const ADDRESS: &str = "/properties/ipConfigurations/0/properties/publicIPAddress";

/// Compares a gateway with the desired one.
pub(crate) fn assess(spec: &Gateway, body: Option<&Value>) -> Assessment {
    let verdict = body
        .and_then(|body| immovable(spec, body))
        .unwrap_or_else(|| ensure(&spec.id, body, &wanted(spec, body)));
    assessment(&spec.id, body, verdict)
}

fn immovable(spec: &Gateway, body: &Value) -> Option<Assessed> {
    let configuration = "/properties/ipConfigurations/0/properties";
    fixed(body, "/location", spec.location.as_str(), "location")
        .or_else(|| fixed(body, "/properties/gatewayType", "ExpressRoute", "gateway type"))
        .or_else(|| {
            fixed(body, &format!("{configuration}/subnet/id"), spec.subnet.as_str(), "subnet")
        })
        .or_else(|| {
            let address = format!("{ADDRESS}/id");
            fixed(body, &address, spec.public_ip.as_ref()?.as_str(), "public IP address")
        })
}

/// The body that the action writes.
pub(crate) fn wanted(spec: &Gateway, body: Option<&Value>) -> Value {
    // An existing gateway keeps the name of its IP configuration.
    let name = body
        .and_then(|body| text(body, "/properties/ipConfigurations/0/name"))
        .unwrap_or("gwipconfig");
    let mut properties = json!({
        "privateIPAllocationMethod": "Dynamic",
        "subnet": { "id": spec.subnet.as_str() },
    });
    // A gateway that stands and shows no address has one that the platform keeps: since August 2025 that is
    // no difference, and none is written onto it (azurerm PR 31084, issues 30414 and 31730).
    let hidden = body.is_some_and(|body| body.pointer(ADDRESS).is_none());
    if let Some(address) = spec.public_ip.as_ref().filter(|_| !hidden) {
        properties["publicIPAddress"] = json!({ "id": address.as_str() });
    }
    json!({
        "location": spec.location.as_str(),
        "properties": {
            "gatewayType": "ExpressRoute",
            "sku": { "name": spec.sku, "tier": spec.sku },
            "ipConfigurations": [{ "name": name, "properties": properties }],
        },
    })
}
