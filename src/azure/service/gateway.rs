//! ExpressRoute gateways: the step that takes twenty minutes.

use serde_json::{Value, json};

use super::body::{assessment, ensure, fixed, text};
use crate::model::action::Gateway;
use crate::model::{Assessed, Assessment};

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
            let address = format!("{configuration}/publicIPAddress/id");
            fixed(body, &address, spec.public_ip.as_str(), "public IP address")
        })
}

/// The body that the action writes.
pub(crate) fn wanted(spec: &Gateway, body: Option<&Value>) -> Value {
    // An existing gateway keeps the name of its IP configuration.
    let name = body
        .and_then(|body| text(body, "/properties/ipConfigurations/0/name"))
        .unwrap_or("gwipconfig");
    json!({
        "location": spec.location.as_str(),
        "properties": {
            "gatewayType": "ExpressRoute",
            "sku": { "name": spec.sku, "tier": spec.sku },
            "ipConfigurations": [{
                "name": name,
                "properties": {
                    "privateIPAllocationMethod": "Dynamic",
                    "subnet": { "id": spec.subnet.as_str() },
                    "publicIPAddress": { "id": spec.public_ip.as_str() },
                },
            }],
        },
    })
}
