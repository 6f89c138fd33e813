//! Connections: a gateway to a circuit, with a weight, and a key when the circuit is a stranger's.

use serde_json::{Value, json};

use super::body::{assessment, ensure, set, with_tags};
use crate::arm;
use crate::model::action::Connection;
use crate::model::{Assessed, Assessment, ResourceId, Undo};

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
pub(crate) fn assess_connected(resource: &ResourceId, body: Option<&Value>) -> Assessment {
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
        // It stands, and may be connected for all that is told: nothing stands in its way.
        (Some("Succeeded"), None | Some(UNTOLD)) => Assessed::InProgress {
            why: format!(
                "the connection is Succeeded, and whether it is connected cannot be known: its status is {}",
                status.unwrap_or("not reported")
            ),
            after,
        },
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

/// `connectionStatus` where Azure does not know.
const UNTOLD: &str = "Unknown";

/// How many sessions a connection brings: Microsoft's edge on each of the circuit's two paths.
const SESSIONS: usize = 2;

/// The gateway whose sessions say what the status of a connection does not.
pub(crate) fn untold(body: &Value) -> Option<ResourceId> {
    let own = arm::ConnectionView::of(body);
    let untold = own.status().is_none_or(|status| status == UNTOLD);
    let stands = arm::provisioning_state(body) == "Succeeded" && own.is_express_route();
    own.gateway().filter(|_| untold && stands)
}

/// Judges a connection that does not tell whether it is connected by its gateway's sessions with Microsoft's edge.
///
/// Azure does not say whose a session is (azure-facts 5.4): what the gateway has more than its `other` connections
/// could bring is this one's.
pub(crate) fn by_sessions(
    assessment: &mut Assessment,
    (gateway, body): (&ResourceId, &Value),
    sessions: Result<(usize, usize), String>,
) {
    let Assessed::InProgress { why, .. } = &mut assessment.verdict else { return };
    let name = gateway.name();
    match sessions {
        Ok((sessions, others)) if sessions > SESSIONS * others => {
            let status = arm::ConnectionView::of(body).status().unwrap_or(UNTOLD);
            assessment.outputs.insert("connection_status".to_owned(), Value::from(status));
            assessment.verdict = Assessed::Holds;
        }
        Ok((sessions, 0)) => {
            why.push_str(&format!(
                ", and {name} has {sessions} BGP sessions with Microsoft's edge"
            ));
        }
        Ok((sessions, others)) => why.push_str(&format!(
            ", and the {sessions} BGP sessions of {name} may be those of {others} more connections"
        )),
        Err(unread) => {
            why.push_str(&format!(", and the BGP sessions of {name} cannot be read: {unread}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Region, SecretRef};

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
        assert!(matches!(verdict, Assessed::InProgress { .. }), "{verdict:?}");
        for (status, kind) in [("Connecting", "it is on its way"), ("NotConnected", "it is told")] {
            let body = json!({ "properties": { "provisioningState": "Succeeded", "connectionStatus": status } });
            let verdict = assess_connected(&spec.id, Some(&body)).verdict;
            assert!(matches!(verdict, Assessed::NotYet { .. }), "{kind}: {verdict:?}");
            assert_eq!(untold(&body), None, "{kind}");
        }
    }

    #[test]
    fn what_the_status_does_not_tell_the_sessions_do_where_they_can_only_be_its_own() {
        let spec = spec();
        let told = |status: Value, sessions: Result<(usize, usize), String>| {
            let body = json!({ "properties": { "provisioningState": "Succeeded", "connectionStatus": status,
                "virtualNetworkGateway1": { "id": spec.gateway.as_str() } } });
            let mut assessment = assess_connected(&spec.id, Some(&body));
            let gateway = untold(&body).unwrap();
            by_sessions(&mut assessment, (&gateway, &body), sessions);
            assessment
        };
        for status in [Value::Null, json!("Unknown"), json!("unknown")] {
            for (sessions, others, holds) in
                [(0, 0, false), (1, 0, true), (2, 0, true), (2, 1, false), (3, 1, true)]
            {
                let told = told(status.clone(), Ok((sessions, others)));
                assert_eq!(told.verdict == Assessed::Holds, holds, "{sessions} {others} {told:?}");
                let output = told.outputs.get("connection_status").and_then(Value::as_str);
                assert_eq!(output, holds.then_some("Unknown"));
            }
        }
        let unread = told(Value::Null, Err("no right".to_owned())).verdict;
        let Assessed::InProgress { why, .. } = unread else { panic!("{unread:?}") };
        assert!(why.contains("cannot be read: no right"), "{why}");
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
