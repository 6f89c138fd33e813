//! Connections: a gateway to a circuit, with a weight, and a key when the circuit is a stranger's.

use serde_json::{Value, json};

use super::body::{assessment, ensure, set, with_tags};
use crate::arm;
use crate::model::action::Connection;
use crate::model::{Assessed, Assessment, Undo};

/// Compares a connection with the desired one. An existing one is never moved to another circuit.
pub(crate) fn assess(spec: &Connection, body: Option<&Value>) -> Assessment {
    let mut verdict = ensure(&spec.id, body, &wanted(spec));
    with_key(spec, &mut verdict);
    let mut assessment = assessment(&spec.id, body, verdict);
    if !assessment.outputs.is_empty()
        && let Some(status) = body.and_then(|body| arm::ConnectionView::of(body).status())
    {
        assessment.outputs.insert("connection_status".to_owned(), Value::from(status));
    }
    assessment
}

/// The body of a write that takes the connection back, with the key it needs.
pub(crate) fn undo(spec: &Connection, undo: &Undo, body: Option<&Value>) -> Assessment {
    let mut verdict = super::body::undo(undo, body, &wanted(spec));
    with_key(spec, &mut verdict);
    assessment(&spec.id, body, verdict)
}

/// Puts the placeholder of the key into a write; its value is filled in when it is sent.
fn with_key(spec: &Connection, verdict: &mut Assessed) {
    if let (Assessed::Change(change), Some(secret)) = (verdict, &spec.authorization)
        && let Some(body) = &mut change.write.body
    {
        body["properties"]["authorizationKey"] = secret.placeholder();
    }
}

fn wanted(spec: &Connection) -> Value {
    let mut wanted = json!({
        "location": spec.location.as_str(),
        "properties": {
            "connectionType": "ExpressRoute",
            "virtualNetworkGateway1": { "id": spec.gateway.as_str() },
            "peer": { "id": spec.circuit.as_str() },
        },
    });
    set(&mut wanted, "routingWeight", spec.routing_weight);
    set(&mut wanted, "expressRouteGatewayBypass", spec.fast_path);
    set(&mut wanted, "enablePrivateLinkFastPath", spec.private_link_fast_path);
    with_tags(wanted, &spec.tags)
}

/// Compares a connection's state with one that stands: `Succeeded` alone is not believed.
pub(crate) fn assess_connected(
    resource: &crate::model::ResourceId,
    body: Option<&Value>,
) -> Assessment {
    let after = std::time::Duration::from_secs(15);
    let status = body.and_then(|body| arm::ConnectionView::of(body).status());
    let state = body.map(crate::arm::provisioning_state);
    let verdict = match (state, status) {
        (Some("Succeeded"), Some("Connected")) => Assessed::Holds,
        (None, _) => Assessed::NotYet { why: "the connection does not exist".to_owned(), after },
        (Some("Failed"), _) => super::body::blocked(
            "connection_failed",
            "The connection's provisioning failed; see its step, or Azure's activity log."
                .to_owned(),
        ),
        (Some(state), status) => Assessed::NotYet {
            why: format!(
                "the connection is {state} and its status is {}",
                status.unwrap_or("not reported")
            ),
            after,
        },
    };
    let mut assessment = assessment(resource, body, verdict);
    assessment.outputs.clear();
    if let (Assessed::Holds, Some(status)) = (&assessment.verdict, status) {
        assessment.outputs.insert("connection_status".to_owned(), Value::from(status));
    }
    assessment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Region, ResourceId, SecretRef};

    fn spec() -> Connection {
        let id = |kind: &str, name: &str| {
            ResourceId::parse(&format!(
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/{kind}/{name}"
            ))
            .unwrap()
        };
        Connection {
            id: id("connections", "c"),
            location: Region::parse("southeastasia").unwrap(),
            gateway: id("virtualNetworkGateways", "gw"),
            circuit: id("expressRouteCircuits", "er"),
            authorization: Some(SecretRef::Param("dr_key".to_owned())),
            routing_weight: Some(100),
            fast_path: None,
            private_link_fast_path: None,
            tags: crate::model::tags::Tags::new(),
        }
    }

    #[test]
    fn the_key_is_in_the_write_only_as_a_placeholder() {
        let spec = spec();
        let Assessed::Change(change) = assess(&spec, None).verdict else { panic!() };
        let body = change.write.body.unwrap();
        let placeholder = &body["properties"]["authorizationKey"];
        assert_eq!(SecretRef::from_placeholder(placeholder), spec.authorization);
        assert!(!format!("{:?}", change.changes).contains("authorizationKey"));
    }

    #[test]
    fn succeeded_is_not_connected() {
        let spec = spec();
        let body = json!({ "properties": { "provisioningState": "Succeeded", "connectionStatus": "Unknown" } });
        let verdict = assess_connected(&spec.id, Some(&body)).verdict;
        assert!(matches!(verdict, Assessed::NotYet { .. }), "{verdict:?}");
    }

    #[test]
    fn words_of_azure_are_the_documented_ones_in_whatever_case_they_come() {
        for (state, status) in [("succeeded", "connected"), ("SUCCEEDED", "CONNECTED")] {
            let body = json!({ "properties": {
                "provisioningState": state, "connectionStatus": status } });
            let assessment = assess_connected(&spec().id, Some(&body));
            assert_eq!(assessment.verdict, Assessed::Holds, "{state} {status}");
            assert_eq!(assessment.outputs["connection_status"], "Connected");
        }
        // What Azure may say tomorrow is shown as it is.
        let body = json!({ "properties": { "connectionStatus": "hovering" } });
        let Assessed::NotYet { why, .. } = assess_connected(&spec().id, Some(&body)).verdict else {
            panic!("it holds");
        };
        assert!(why.ends_with("its status is hovering"), "{why}");
    }

    #[test]
    fn a_connection_is_never_moved_to_another_circuit() {
        let spec = spec();
        let other = json!({ "properties": { "provisioningState": "Succeeded", "peer": { "id": "/other" } } });
        assert!(matches!(assess(&spec, Some(&other)).verdict, Assessed::Blocked { .. }));
    }
}
