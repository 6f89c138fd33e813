//! Virtual network peerings: one side with its four flags, in step with the other network's addresses.

use serde_json::{Value, json};

use super::body::{assessment, blocked, ensure, set, writable};
use crate::arm;
use crate::arm::read::text;
use crate::model::action::Peering;
use crate::model::{Assessed, Assessment, Change, PlannedChange, Undo, Write, WriteMethod};

/// Compares one side of a peering with the desired one, and with the addresses that the other network has.
pub(crate) fn assess(spec: &Peering, body: Option<&Value>) -> Assessment {
    let state = body.and_then(|body| arm::PeeringView::of(body).state());
    let dead = state.filter(|state| state.eq_ignore_ascii_case("disconnected")).map(|_| {
        blocked(
            "peering_disconnected",
            "The peering is Disconnected, since its other side was deleted. Azure does not connect it \
             again: delete this side too, then both are made anew."
                .to_owned(),
        )
    });
    let mut verdict = dead.unwrap_or_else(|| ensure(&spec.id, body, &wanted(spec, body)));
    if let Some((level, body)) = body.and_then(|body| Some((behind(body)?, body))) {
        verdict = synced(spec, body, level, verdict);
    }
    let mut assessment = assessment(&spec.id, body, verdict);
    if !assessment.outputs.is_empty()
        && let Some(state) = state
    {
        assessment.outputs.insert("peering_state".to_owned(), Value::from(state));
    }
    assessment
}

/// The word for a side that knows of other addresses than the other network has: that network has grown
/// since. Its own side reads RemoteNotInSync then, and nothing of it is ours to write.
fn behind(body: &Value) -> Option<&str> {
    let level = text(body, "/properties/peeringSyncLevel")?;
    let behind = ["LocalNotInSync", "LocalAndRemoteNotInSync"];
    behind.iter().any(|word| level.eq_ignore_ascii_case(word)).then_some(level)
}

/// The verdict for a side that is behind: it is written, and takes the addresses as they are now.
fn synced(spec: &Peering, body: &Value, level: &str, verdict: Assessed) -> Assessed {
    let change = Change {
        resource: spec.id.clone(),
        path: "properties.peeringSyncLevel".to_owned(),
        before: Value::from(level),
        after: Value::from("FullyInSync"),
    };
    match verdict {
        Assessed::Holds => Assessed::Change(Box::new(PlannedChange {
            changes: vec![change],
            write: Write {
                body: Some(writable(body)),
                sync: true,
                ..Write::to(WriteMethod::Put, &spec.id)
            },
            // What a network knows of another is not unlearned.
            undo: Undo::Nothing,
        })),
        Assessed::Change(mut planned) => {
            planned.changes.push(change);
            planned.write.sync = true;
            Assessed::Change(planned)
        }
        other => other,
    }
}

/// The body that the action writes. Where the side is made, what the author did not say is Azure's default.
pub(crate) fn wanted(spec: &Peering, body: Option<&Value>) -> Value {
    let mut wanted = json!({
        "properties": { "remoteVirtualNetwork": { "id": spec.remote.as_str() } },
    });
    for (key, said, default) in [
        ("allowVirtualNetworkAccess", spec.allow_access, true),
        ("allowForwardedTraffic", spec.allow_forwarded_traffic, false),
        ("allowGatewayTransit", spec.allow_gateway_transit, false),
        ("useRemoteGateways", spec.use_remote_gateways, false),
    ] {
        set(&mut wanted, key, said.or(body.is_none().then_some(default)));
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;

    fn spec() -> Peering {
        let id = |rest: &str| {
            let head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
            ResourceId::parse(&format!("{head}/virtualNetworks/{rest}")).unwrap()
        };
        Peering {
            id: id("hub/virtualNetworkPeerings/to-spoke"),
            remote: id("spoke"),
            allow_access: None,
            allow_forwarded_traffic: Some(true),
            allow_gateway_transit: None,
            use_remote_gateways: None,
        }
    }

    fn shown(level: &str, forwarded: bool) -> Value {
        json!({ "properties": {
            "provisioningState": "Succeeded", "peeringState": "Connected", "peeringSyncLevel": level,
            "remoteVirtualNetwork": { "id": spec().remote.as_str() },
            "allowVirtualNetworkAccess": false, "allowForwardedTraffic": forwarded,
            "allowGatewayTransit": true, "useRemoteGateways": false } })
    }

    #[test]
    fn flags_that_the_author_does_not_say_are_left_as_they_are() {
        assert_eq!(assess(&spec(), Some(&shown("FullyInSync", true))).verdict, Assessed::Holds);
        let verdict = assess(&spec(), Some(&shown("FullyInSync", false))).verdict;
        let Assessed::Change(change) = verdict else { panic!("{verdict:?}") };
        assert_eq!(change.changes.len(), 1);
        let body = change.write.body.unwrap();
        assert_eq!(body["properties"]["allowVirtualNetworkAccess"], false);
        assert_eq!(body["properties"]["allowGatewayTransit"], true);
        assert!(!change.write.sync, "nothing to sync");
    }

    #[test]
    fn its_state_is_given_on_in_the_documented_case() {
        for sent in ["connected", "CONNECTED", "Connected"] {
            let mut body = shown("FullyInSync", true);
            body["properties"]["peeringState"] = sent.into();
            assert_eq!(assess(&spec(), Some(&body)).outputs["peering_state"], "Connected");
        }
    }

    #[test]
    fn only_the_side_that_is_behind_is_synced() {
        for level in ["LocalNotInSync", "localNotInSync", "LocalAndRemoteNotInSync"] {
            let verdict = assess(&spec(), Some(&shown(level, true))).verdict;
            let Assessed::Change(change) = verdict else { panic!("{level}: {verdict:?}") };
            assert!(change.write.sync, "{level}");
            assert_eq!(change.undo, Undo::Nothing);
        }
        let other = assess(&spec(), Some(&shown("RemoteNotInSync", true))).verdict;
        assert_eq!(other, Assessed::Holds, "the other side's to sync");
        let both = assess(&spec(), Some(&shown("LocalNotInSync", false))).verdict;
        let Assessed::Change(change) = both else { panic!("{both:?}") };
        assert!(change.write.sync && change.changes.len() == 2, "one write for both");
    }
}
