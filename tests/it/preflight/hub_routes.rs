//! A static route of a hub leads to a connection of its own hub, and takes nobody's addresses elsewhere.

use super::*;

#[tokio::test]
async fn a_route_leads_to_a_connection_of_its_own_hub() {
    let well = Case::of(VWAN).found().await;
    assert_eq!(said(&well, "HUB-ROUTE-HOP"), []);
    assert_eq!(said(&well, "HUB-ROUTE-OVER"), []);
    let mut case = Case::of(VWAN);
    let other = format!("{EA}/virtualHubs/hub-ea/hubVirtualNetworkConnections/con-app1-ea");
    case.want("app_table", "/with/routes/0/next_hop", json!(other));
    let found = case.found().await;
    let why = "its next hop con-app1-ea is a connection of hub-ea".to_owned();
    assert_eq!(said(&found, "HUB-ROUTE-HOP"), [("rt-apps/partners".to_owned(), why)]);
}

#[tokio::test]
async fn a_route_to_addresses_of_a_connected_network_is_warned_of_unless_it_leads_there() {
    let mut case = Case::of(VWAN);
    let body = json!({
        "id": format!("{SEA}/virtualHubs/hub-sea/hubVirtualNetworkConnections/con-more"),
        "properties": { "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/vnet-more") } } });
    case.add(
        json!({ "id": format!("{SEA}/virtualNetworks/vnet-more"), "location": "southeastasia",
        "properties": { "addressSpace": { "addressPrefixes": ["10.77.0.0/16"] } } }),
    );
    case.add(body);
    case.want("app_table", "/with/routes/0/prefixes", json!(["10.77.1.0/24"]));
    let found = case.found().await;
    let why = "10.77.1.0/24 is of vnet-more".to_owned();
    assert_eq!(said(&found, "HUB-ROUTE-OVER"), [("rt-apps/partners".to_owned(), why)]);
    // Its own network's addresses go there anyway.
    let mut case = Case::of(VWAN);
    case.want("app_table", "/with/routes/0/prefixes", json!(["10.41.0.0/24"]));
    assert_eq!(said(&case.found().await, "HUB-ROUTE-OVER"), []);
    // A shorter one takes only what nobody has.
    let mut case = Case::of(VWAN);
    case.want("app_table", "/with/routes/0/prefixes", json!(["10.0.0.0/8"]));
    assert_eq!(said(&case.found().await, "HUB-ROUTE-OVER"), []);
}

#[tokio::test]
async fn a_route_of_a_table_that_nobody_follows_takes_nobody_elsewhere() {
    let spoil = |case: &mut Case| {
        let prefix = case.body("hub-sea")["properties"]["addressPrefix"].clone();
        case.want("app_table", "/with/routes/0/prefixes", json!([prefix]));
    };
    let mut case = Case::of(VWAN);
    spoil(&mut case);
    assert_eq!(said(&case.found().await, "HUB-ROUTE-OVER").len(), 1);
    let mut case = Case::of(VWAN);
    spoil(&mut case);
    let default = format!("{SEA}/virtualHubs/hub-sea/hubRouteTables/defaultRouteTable");
    for step in &mut case.plan.steps {
        let mut stored = serde_json::to_value(&step.action).unwrap();
        if let Some(own) =
            stored.pointer_mut("/with/routing/associated").filter(|own| own.is_string())
        {
            *own = json!(default);
            step.action = serde_json::from_value(stored).unwrap();
        }
    }
    assert_eq!(said(&case.found().await, "HUB-ROUTE-OVER"), []);
}
