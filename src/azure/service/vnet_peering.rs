//! Virtual network peerings: one side with its four flags.

use serde_json::{Value, json};

use super::body::{assessment, blocked, ensure, text};
use crate::model::Assessment;
use crate::model::action::Peering;

/// Compares one side of a peering with the desired one.
pub(crate) fn assess(spec: &Peering, body: Option<&Value>) -> Assessment {
    let state = body.and_then(|body| text(body, "/properties/peeringState"));
    let dead = state.filter(|state| state.eq_ignore_ascii_case("disconnected")).map(|_| {
        blocked(
            "peering_disconnected",
            "The peering is Disconnected, since its other side was deleted. Azure does not connect it \
             again: delete this side too, then both are made anew."
                .to_owned(),
        )
    });
    let verdict = dead.unwrap_or_else(|| ensure(&spec.id, body, &wanted(spec)));
    let mut assessment = assessment(&spec.id, body, verdict);
    if !assessment.outputs.is_empty()
        && let Some(state) = state
    {
        assessment.outputs.insert("peering_state".to_owned(), Value::from(state));
    }
    assessment
}

/// The body that the action writes.
pub(crate) fn wanted(spec: &Peering) -> Value {
    json!({
        "properties": {
            "remoteVirtualNetwork": { "id": spec.remote.as_str() },
            "allowVirtualNetworkAccess": spec.allow_access,
            "allowForwardedTraffic": spec.allow_forwarded_traffic,
            "allowGatewayTransit": spec.allow_gateway_transit,
            "useRemoteGateways": spec.use_remote_gateways,
        },
    })
}
