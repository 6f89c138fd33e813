//! An authorization takes the connection with it that was made with it, and preflight knows.

use super::*;

fn gone(kind: &str, id: &str) -> Value {
    json!({ "action": "remove", "with": { "kind": kind, "id": id } })
}

fn key() -> String {
    format!("{CIR}/expressRouteCircuits/er-singapore/authorizations/auth-hub-sea")
}

/// The gateway goes after its connection's authorization.
async fn told(spoil: impl FnOnce(&mut Case)) -> Vec<(String, String)> {
    let mut case = Case::of(PREPARED);
    case.only(&[("key", gone("authorization", &key())), ("gateway", gone("gateway", ERGW))]);
    spoil(&mut case);
    said(&case.found().await, "GW-DELETE")
}

#[tokio::test]
async fn a_gateway_may_go_after_the_authorization_of_its_connection() {
    assert_eq!(told(|_| {}).await, []);
    // One that is another connection's frees nothing.
    let why = "con-hub-sea-singapore is connected to it".to_owned();
    let left = [("ergw-hub-sea".to_owned(), why)];
    let other = format!("{EA}/connections/con-other");
    let spent = json!({ "authorizationUseStatus": "InUse", "connectionResourceUri": other });
    let theirs =
        |c: &mut Case| c.set("er-singapore", "/properties/authorizations/0/properties", spent);
    assert_eq!(told(theirs).await, left);
    // Nor does one that nobody uses.
    let free = json!({ "authorizationUseStatus": "Available" });
    let free =
        |c: &mut Case| c.set("er-singapore", "/properties/authorizations/0/properties", free);
    assert_eq!(told(free).await, left);
}

#[tokio::test]
async fn a_hubs_gateway_may_go_after_the_authorization_of_its_connection() {
    let key = format!("{CIR}/expressRouteCircuits/er-hongkong/authorizations/auth-hub-ea");
    let gateway = format!("{EA}/expressRouteGateways/ergw-hub-ea");
    let mut case = Case::of(VWAN);
    case.only(&[("key", gone("authorization", &key)), ("gateway", gone("hub_gateway", &gateway))]);
    assert_eq!(said(&case.found().await, "HUB-IN-USE"), []);
    let mut case = Case::of(VWAN);
    case.only(&[("gateway", gone("hub_gateway", &gateway))]);
    assert_eq!(said(&case.found().await, "HUB-IN-USE").len(), 1);
}

#[tokio::test]
async fn an_authorization_that_is_made_anew_may_go_before_its_connection_is_made() {
    let circuit = format!("{CIR}/expressRouteCircuits/er-singapore");
    let connection = json!({ "action": "connection.ensure", "with": {
        "id": format!("{SEA}/connections/con-new"), "location": "southeastasia", "gateway": ERGW,
        "circuit": circuit, "tags": {},
        "authorization": { "resource": { "id": key(), "pointer": "/properties/authorizationKey" } } } });
    let made = json!({ "action": "authorization.ensure", "with": { "id": key() } });
    let free = || {
        let mut case = Case::of(PREPARED);
        let free = json!({ "authorizationUseStatus": "Available" });
        case.set("er-singapore", "/properties/authorizations/0/properties", free);
        case
    };
    let mut case = free();
    let gone = gone("authorization", &key());
    case.only(&[("gone", gone.clone()), ("made", made), ("connected", connection.clone())]);
    assert_eq!(said(&case.found().await, "AUTH-REVOKE"), []);
    let mut case = free();
    case.only(&[("connected", connection), ("gone", gone)]);
    let told = said(&case.found().await, "AUTH-REVOKE");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.contains("the run itself makes con-new with it"), "{told:?}");
}
