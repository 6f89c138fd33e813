//! Removals: a resource of any of our types shall be gone.

use serde_json::Value;

use super::body::{assessment, at_work, writable};
use crate::model::action::{Removal, RemovalKind};
use crate::model::vpn::SHARED_KEY;
use crate::model::{
    Assessed, Assessment, Change, PlannedChange, SecretRef, Undo, Write, WriteMethod,
};

/// Compares a resource with its absence.
pub(crate) fn assess(spec: &Removal, body: Option<&Value>) -> Assessment {
    let verdict = match body {
        None => Assessed::Holds,
        Some(body) => at_work(&spec.id, body).unwrap_or_else(|| remove(spec, body)),
    };
    let mut assessment = assessment(&spec.id, body, verdict);
    assessment.outputs.clear();
    assessment
}

fn remove(spec: &Removal, body: &Value) -> Assessed {
    let before = writable(body);
    let mut restored = before.clone();
    if let (Some(key), Some(secret)) = (key_of(spec.kind), &spec.authorization) {
        with_key(&mut restored, key, secret);
    }
    Assessed::Change(Box::new(PlannedChange {
        changes: vec![Change {
            resource: spec.id.clone(),
            path: String::new(),
            before,
            after: Value::Null,
        }],
        write: Write::to(WriteMethod::Delete, &spec.id),
        undo: Undo::Restore { resource: spec.id.clone(), body: restored },
    }))
}

/// The property in which what is removed has a key that Azure does not tell.
const fn key_of(kind: RemovalKind) -> Option<&'static str> {
    match kind {
        RemovalKind::Connection | RemovalKind::HubConnection => Some("authorizationKey"),
        RemovalKind::VpnConnection => Some(SHARED_KEY),
        RemovalKind::Peering
        | RemovalKind::Gateway
        | RemovalKind::PublicIp
        | RemovalKind::Subnet
        | RemovalKind::Authorization
        | RemovalKind::RouteTable
        | RemovalKind::Route
        | RemovalKind::VpnGateway
        | RemovalKind::LocalGateway
        | RemovalKind::HubVnet
        | RemovalKind::HubRoutes
        | RemovalKind::HubGateway
        | RemovalKind::VirtualHub => None,
    }
}

/// Puts the placeholder of a key into a connection's body; its value is filled in when it is sent.
fn with_key(body: &mut Value, key: &str, secret: &SecretRef) {
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(key.to_owned(), secret.placeholder());
    }
}

/// Compares a resource that was removed with how it was before.
pub(crate) fn undo(spec: &Removal, undo: &Undo, body: Option<&Value>) -> Assessment {
    let mut verdict = super::body::undo(undo, body, &Value::Null);
    // What the comparison shows of a body has no keys, and what is written needs them.
    if let (Assessed::Change(change), Undo::Restore { body: restored, .. }) = (&mut verdict, undo)
        && change.write.body.is_some()
    {
        change.write.body = Some(restored.clone());
    }
    assessment(&spec.id, body, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;
    use serde_json::json;

    fn spec() -> Removal {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/connections/c";
        Removal {
            kind: RemovalKind::Connection,
            id: ResourceId::parse(id).unwrap(),
            authorization: Some(SecretRef::Param("key".to_owned())),
            gateway: None,
            remote: None,
        }
    }

    #[test]
    fn what_is_gone_is_done_and_what_is_going_is_waited_for() {
        assert_eq!(assess(&spec(), None).verdict, Assessed::Holds);
        let going = json!({ "properties": { "provisioningState": "Deleting" } });
        let verdict = assess(&spec(), Some(&going)).verdict;
        assert!(matches!(verdict, Assessed::InProgress { .. }), "{verdict:?}");
    }

    #[test]
    fn a_removed_connection_comes_back_with_its_weight_and_a_placeholder_for_its_key() {
        let there = json!({ "location": "eastasia", "properties": {
            "provisioningState": "Succeeded", "routingWeight": 10, "authorizationKey": "k" } });
        let Assessed::Change(change) = assess(&spec(), Some(&there)).verdict else { panic!() };
        assert_eq!(change.write.method, WriteMethod::Delete);
        let Assessed::Change(back) = undo(&spec(), &change.undo, None).verdict else { panic!() };
        let body = back.write.body.unwrap();
        assert_eq!(body["properties"]["routingWeight"], 10);
        let key = SecretRef::from_placeholder(&body["properties"]["authorizationKey"]);
        assert_eq!(key, Some(SecretRef::Param("key".to_owned())));
    }
}
