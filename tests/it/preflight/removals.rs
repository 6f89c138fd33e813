//! What is removed is free by then, or the run is not begun: what uses it is named.

use super::*;

/// A run whose last step but some removes this.
fn removing(runbook: &str, step: &str, kind: &str, id: &str) -> Case {
    let mut case = Case::of(runbook);
    case.instead(step, json!({ "action": "remove", "with": { "kind": kind, "id": id } }));
    case.step(step).ensure.clear();
    case
}

async fn told(case: Case) -> Vec<(String, String)> {
    said(&case.found().await, "RES-IN-USE")
}

/// A public address of the target that this has, if anything.
fn address_of(case: &mut Case, user: Option<&str>) -> String {
    let id = format!("{SEA}/publicIPAddresses/pip-old");
    let mut properties = json!({ "publicIPAllocationMethod": "Static" });
    if let Some(user) = user {
        properties["ipConfiguration"] = json!({ "id": user });
    }
    case.add(json!({ "id": id, "location": "southeastasia", "sku": { "name": "Standard" },
        "zones": ["1", "2", "3"], "properties": properties }));
    id
}

#[tokio::test]
async fn an_address_that_something_has_is_not_removed() {
    let id = format!("{SEA}/publicIPAddresses/pip-old");
    let user = format!("{SEA}/loadBalancers/lb/frontendIPConfigurations/front");
    let mut case = removing(MAIN, "bgp_up", "public_ip", &id);
    address_of(&mut case, Some(&user));
    assert_eq!(told(case).await, [("pip-old".to_owned(), "lb uses it by then".to_owned())]);
    let mut case = removing(MAIN, "bgp_up", "public_ip", &id);
    address_of(&mut case, None);
    assert_eq!(told(case).await, []);
    // The gateway that the run makes with it has it by then.
    let mut case = removing(MAIN, "bgp_up", "public_ip", &id);
    address_of(&mut case, None);
    case.also("gateway", "public_ip", json!(id));
    let why = "ergw-hub-sea uses it by then".to_owned();
    assert_eq!(told(case).await, [("pip-old".to_owned(), why)]);
}

#[tokio::test]
async fn a_subnet_that_something_stands_in_is_not_removed_unless_it_may_be_gone_by_then() {
    let id = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/snet-app");
    let with = |case: &mut Case| {
        let nic = format!("{SEA}/networkInterfaces/nic/ipConfigurations/c");
        let subnet = json!([{ "name": "snet-app", "properties": { "addressPrefix": "10.1.0.0/25",
            "ipConfigurations": [{ "id": nic }] } }]);
        case.set("vnet-app1-sea", "/properties/subnets", subnet);
    };
    let mut case = removing(MAIN, "circuit_routes", "subnet", &id);
    with(&mut case);
    let why = "nic uses it by then".to_owned();
    assert_eq!(told(case).await, [("vnet-app1-sea/snet-app".to_owned(), why)]);
    assert_eq!(told(removing(MAIN, "circuit_routes", "subnet", &id)).await, []);
    // Somebody may have taken it away by hand.
    let mut case = removing(MAIN, "circuit_routes", "subnet", &id);
    with(&mut case);
    let policy = json!({ "question": "Are the machines gone?" });
    case.instead("go_ahead", json!({ "action": "manual", "with": policy }));
    assert_eq!(told(case).await, []);
}

#[tokio::test]
async fn a_local_network_gateway_with_a_tunnel_and_a_hub_connection_with_a_route_stay() {
    let device = format!("{SEA}/localNetworkGateways/lng-old");
    let mut case = removing(VPN, "portal_here", "local_gateway", &device);
    case.add(json!({ "id": device, "location": "southeastasia", "properties": {
        "gatewayIpAddress": "203.0.113.10" } }));
    let gateway = format!("{SEA}/virtualNetworkGateways/vgw-old");
    case.add(json!({ "id": format!("{SEA}/connections/con-old"), "location": "southeastasia",
        "properties": { "connectionType": "IPsec", "virtualNetworkGateway1": { "id": gateway },
            "localNetworkGateway2": { "id": device } } }));
    let why = "con-old uses it by then".to_owned();
    assert_eq!(told(case).await, [("lng-old".to_owned(), why)]);
    let hub = format!("{SEA}/virtualHubs/hub-sea");
    let table = format!("{hub}/hubRouteTables/defaultRouteTable");
    let case = removing(VWAN, "app_table", "hub_routes", &table);
    let found = told(case).await;
    let why = "it is Azure's own, and stays".to_owned();
    assert_eq!(found, [("hub-sea/defaultRouteTable".to_owned(), why)]);
}

#[tokio::test]
async fn a_hub_with_a_firewall_is_in_use() {
    let id = format!("{SEA}/virtualHubs/hub-sea");
    let mut case = removing(VWAN, "hub", "virtual_hub", &id);
    let firewall = json!({ "id": format!("{SEA}/azureFirewalls/fw-hub") });
    case.set("hub-sea", "/properties/azureFirewall", firewall);
    let found = said(&case.found().await, "HUB-IN-USE");
    assert!(found.iter().any(|(_, why)| why.contains("fw-hub is there by then")), "{found:?}");
}

/// Azure does not show the address of a gateway at the gateway any more.
#[tokio::test]
async fn the_address_of_a_gateway_that_stands_is_not_removed_before_the_gateway() {
    let id = format!("{SEA}/publicIPAddresses/pip-old");
    let user = format!("{ERGW}/ipConfigurations/default");
    let gone =
        |kind: &str, id: &str| json!({ "action": "remove", "with": { "kind": kind, "id": id } });
    let mut case = Case::of(PREPARED);
    case.only(&[("address", gone("public_ip", &id))]);
    address_of(&mut case, Some(&user));
    let why = "ergw-hub-sea uses it by then".to_owned();
    assert_eq!(told(case).await, [("pip-old".to_owned(), why)]);
    let mut case = Case::of(PREPARED);
    case.only(&[("gateway", gone("gateway", ERGW)), ("address", gone("public_ip", &id))]);
    address_of(&mut case, Some(&user));
    assert_eq!(told(case).await, []);
}

#[tokio::test]
async fn a_hubs_connection_that_a_step_before_leads_a_route_to_is_not_removed() {
    let hub = format!("{EA}/virtualHubs/hub-ea");
    let connection = format!("{hub}/hubVirtualNetworkConnections/con-app1-ea");
    let table = |routes: Value| {
        json!({ "action": "hub_routes.ensure", "with": {
            "id": format!("{hub}/hubRouteTables/rt-z"), "routes": routes } })
    };
    let route = json!([{ "name": "r", "prefixes": ["10.99.0.0/16"], "next_hop": connection }]);
    let gone = json!({ "action": "remove", "with": { "kind": "hub_vnet", "id": connection } });
    let mut case = Case::of(VWAN);
    case.only(&[("z", table(route.clone())), ("r", gone.clone())]);
    let why = "hub-ea/con-app1-ea".to_owned();
    assert_eq!(told(case).await.into_iter().map(|(about, _)| about).collect::<Vec<_>>(), [why]);
    let mut case = Case::of(VWAN);
    case.only(&[("z", table(route)), ("again", table(json!([]))), ("r", gone)]);
    assert_eq!(told(case).await, []);
}

#[tokio::test]
async fn one_side_of_a_peering_that_is_removed_leaves_the_other_disconnected() {
    let mut case = Case::of(MAIN);
    half_removed(&mut case);
    let told = crate::preflight::said(&case.found().await, "VP-HALF");
    let why = "step `bgp_up` removes it, and vnet-beside-to-vnet-hub-sea of vnet-beside stays, Disconnected, and an \
               undo of the step is refused";
    assert_eq!(told, [("vnet-hub-sea/vnet-hub-sea-to-vnet-beside".to_owned(), why.to_owned())]);
    // What nobody takes back has no undo.
    let mut case = Case::of(MAIN);
    half_removed(&mut case);
    case.step("bgp_up").saga = backroad::model::SagaClass::Retriable;
    let told = crate::preflight::said(&case.found().await, "VP-HALF");
    assert!(told[0].1.ends_with("stays, Disconnected"), "{told:?}");
    // Both are removed.
    let mut case = Case::of(MAIN);
    half_removed(&mut case);
    let other = format!(
        "{SEA}/virtualNetworks/vnet-beside/virtualNetworkPeerings/vnet-beside-to-vnet-hub-sea"
    );
    case.instead(
        "routes_learned",
        json!({ "action": "remove", "with": { "kind": "peering", "id": other } }),
    );
    case.step("routes_learned").ensure.clear();
    assert_eq!(crate::preflight::said(&case.found().await, "VP-HALF"), []);
    // The other one is gone, or lost its other side before.
    for state in [None, Some("Disconnected")] {
        let mut case = Case::of(MAIN);
        half_removed(&mut case);
        let sides = &mut case.body("vnet-beside")["properties"]["virtualNetworkPeerings"];
        match state {
            None => *sides = json!([]),
            Some(state) => sides[0]["properties"]["peeringState"] = json!(state),
        }
        assert_eq!(crate::preflight::said(&case.found().await, "VP-HALF"), [], "{state:?}");
    }
}
