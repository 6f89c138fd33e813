//! What of a body is compared, written back and never shown?

use super::*;
use serde_json::json;

fn table() -> ResourceId {
    ResourceId::parse(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/rt",
    )
    .unwrap()
}

fn change(verdict: Assessed) -> PlannedChange {
    match verdict {
        Assessed::Change(change) => *change,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_we_do_not_know_survives_a_write() {
    let body = json!({
        "id": "x", "name": "rt", "type": "t", "etag": "W/1", "location": "southeastasia",
        "tags": { "owner": "noc" },
        "properties": {
            "provisioningState": "Succeeded", "resourceGuid": "1", "newThing": { "a": 1 },
            "routes": [{ "name": "a", "etag": "W/2", "properties": { "hint": 7, "nextHopType": "None" } }],
            "subnets": [{ "id": "y" }]
        }
    });
    let wanted = json!({ "properties": { "routes": [
        { "name": "a", "properties": { "nextHopType": "Internet" } } ] } });
    let change = change(ensure(&table(), Some(&body), &wanted));
    assert_eq!(
        change.write.body.unwrap(),
        json!({
            "location": "southeastasia", "tags": { "owner": "noc" },
            "properties": {
                "newThing": { "a": 1 },
                "routes": [{ "name": "a", "properties": { "hint": 7, "nextHopType": "Internet" } }]
            }
        })
    );
    assert_eq!(change.changes[0].path, "properties.routes[a].properties.nextHopType");
}

#[test]
fn what_only_azure_writes_is_left_out_and_what_people_chose_is_kept() {
    let tags = json!({ "etag": "a person's own" });
    let body = json!({
        "tags": tags,
        "properties": {
            "peerCompleteVnets": false,
            "routes": [
                { "name": "a", "properties": { "hasBgpOverride": false, "nextHopType": "None" } },
                { "name": "b" }
            ],
            "sku": { "name": "ErGw1AZ", "capacity": 2 }
        }
    });
    let kept = json!({
        "tags": tags,
        "properties": {
            "peerCompleteVnets": false,
            "routes": [{ "name": "a", "properties": { "nextHopType": "None" } }, { "name": "b" }],
            "sku": { "name": "ErGw1AZ" }
        }
    });
    assert_eq!(writable(&body), kept);
}

#[test]
fn letters_and_spaces_are_no_difference_and_order_of_names_is_none() {
    let body = json!({ "location": "southeastasia", "properties": { "l": [{ "name": "b" }, { "name": "a" }] } });
    let wanted = json!({ "location": "Southeast Asia", "properties": { "l": [{ "name": "a" }, { "name": "b" }] } });
    assert_eq!(ensure(&table(), Some(&body), &wanted), Assessed::Holds);
}

#[test]
fn an_undo_to_what_was_there_notices_what_was_added() {
    let before = json!({ "properties": { "addressPrefix": "10.0.0.0/24" } });
    let now = json!({ "etag": "W/3", "properties": {
        "addressPrefix": "10.0.0.0/24", "routeTable": { "id": "rt" }, "provisioningState": "Succeeded" } });
    let back = Undo::Restore { resource: table(), body: before.clone() };
    let written = json!({ "properties": { "routeTable": { "id": "rt" } } });
    let change = change(undo(&back, Some(&now), &written));
    assert_eq!(change.write.body, Some(before.clone()));
    assert_eq!(undo(&back, Some(&before), &written), Assessed::Holds);
    // What Azure adds on its own is not taken for a change of ours.
    let richer = json!({ "properties": { "addressPrefix": "10.0.0.0/24", "delegations": [] } });
    assert_eq!(undo(&back, Some(&richer), &written), Assessed::Holds);
}

#[test]
fn an_undo_is_over_when_what_was_not_shown_is_shown_as_nothing() {
    let before = json!({ "properties": { "addressSpace": {} } });
    let now = json!({ "properties": { "addressSpace": {}, "dhcpOptions": { "dnsServers": [] },
        "allowRemoteVnetTraffic": false, "routingWeight": 0 }, "tags": {} });
    let back = Undo::Restore { resource: table(), body: before };
    let written = json!({ "tags": { "a": "b" }, "properties": { "routingWeight": 7,
        "dhcpOptions": { "dnsServers": ["10.0.0.4"] }, "allowRemoteVnetTraffic": true } });
    assert_eq!(undo(&back, Some(&now), &written), Assessed::Holds);
}

#[test]
fn a_failed_resource_is_written_again_and_one_at_work_is_left_alone() {
    let failed = json!({ "properties": { "provisioningState": "Failed" } });
    assert!(matches!(ensure(&table(), Some(&failed), &json!({})), Assessed::Change(_)));
    let busy = json!({ "properties": { "provisioningState": "Updating" } });
    assert!(matches!(ensure(&table(), Some(&busy), &json!({})), Assessed::InProgress { .. }));
}

#[test]
fn no_key_leaves_in_a_change_an_undo_or_a_write_back() {
    let body = json!({ "properties": { "authorizationKey": "k-e-y", "sharedKey": "k-e-y", "routingWeight": 0 } });
    let wanted = json!({ "properties": { "routingWeight": 10 } });
    let change = change(ensure(&table(), Some(&body), &wanted));
    assert!(!format!("{change:?}").contains("k-e-y"));
    let gone = Undo::Delete { resource: table() };
    assert!(!format!("{:?}", undo(&gone, Some(&body), &wanted)).contains("k-e-y"));
}
