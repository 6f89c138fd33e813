//! An appliance that is in no network beside a subnet gets nothing of it, and one whose own table sends everything back to it
//! gets it for ever.

use super::*;

/// The source's region, which is up, with what steps do there.
async fn dropped(steps: &[(&str, Value)], spoil: impl FnOnce(&mut Case)) -> Vec<(String, String)> {
    let mut case = Case::of(MAIN);
    case.world.regions_down.clear();
    case.plan.source_region = None;
    case.only(steps);
    spoil(&mut case);
    said(&case.found().await, "UDR-DROP")
}

fn route(table: &str, hop: &str) -> Value {
    json!({ "action": "route.ensure", "with": { "id": format!("{EA}/routeTables/{table}/routes/q"),
        "prefix": "10.100.0.0/16", "next_hop": { "appliance": hop } } })
}

/// A network with an appliance, beside the first spoke alone.
fn appliance_beside(case: &mut Case) {
    let side = |to: &str| {
        json!({ "name": format!("to-{to}"), "properties": { "peeringState": "Connected",
            "allowVirtualNetworkAccess": true, "allowForwardedTraffic": true,
            "remoteVirtualNetwork": { "id": format!("{EA}/virtualNetworks/{to}") } } })
    };
    case.add(json!({ "id": format!("{EA}/virtualNetworks/vnet-nva"), "location": "eastasia",
        "properties": { "addressSpace": { "addressPrefixes": ["10.66.0.0/24"] },
            "subnets": [{ "name": "n", "properties": { "addressPrefix": "10.66.0.0/25" } }],
            "virtualNetworkPeerings": [side("vnet-app1-ea")] } }));
    let spoke = case.body("vnet-app1-ea");
    spoke["properties"]["virtualNetworkPeerings"].as_array_mut().unwrap().push(side("vnet-nva"));
}

#[tokio::test]
async fn a_shared_table_sends_nothing_to_an_appliance_that_is_beside_another_network_alone() {
    let told = dropped(&[("t", route("rt-app-ea", "10.66.0.4"))], appliance_beside).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "vnet-app2-ea");
    let why = "its next hop 10.66.0.4 is in no subnet of vnet-app2-ea or beside it";
    assert!(told[0].1.contains(why), "{told:?}");
    // The hub's own appliance is beside both.
    assert_eq!(dropped(&[("t", route("rt-app-ea", "10.10.10.10"))], appliance_beside).await, []);
}

#[tokio::test]
async fn what_an_appliances_own_table_sends_back_to_it_is_told() {
    let told = dropped(&[("t", route("rt-hub-ea", "10.10.10.10"))], |_| {}).await;
    let why = "sent back to the appliance 10.10.10.10 by table rt-hub-ea";
    assert!(
        told.iter().any(|(about, own)| about == "vnet-hub-ea" && own.contains(why)),
        "{told:?}"
    );
    // What comes in by the table of the gateway's subnet meets the appliance's own table as well.
    let own = |name: &str, prefix: &str| json!({ "name": name, "prefix": prefix, "next_hop": { "appliance": "10.10.10.10" } });
    let routes = [own("a", "10.1.0.0/24"), own("b", "10.2.0.0/24")];
    let table = json!({ "action": "route_table.ensure", "with": {
        "id": format!("{EA}/routeTables/rt-gw"), "location": "eastasia", "routes": routes, "tags": {} } });
    let given = json!({ "action": "route_table.associate", "with": {
        "subnet": format!("{EA}/virtualNetworks/vnet-hub-ea/subnets/GatewaySubnet"),
        "route_table": format!("{EA}/routeTables/rt-gw") } });
    let steps = [("t", table), ("a", given)];
    let told = dropped(&steps, |_| {}).await;
    let spokes: Vec<&str> = told.iter().map(|(about, _)| about.as_str()).collect();
    assert_eq!(spokes, ["vnet-app1-ea", "vnet-app2-ea"], "{told:?}");
    // An appliance whose table does not send it back may pass it on.
    let told = dropped(&steps, |c| c.set("rt-hub-ea", "/properties/routes", json!([]))).await;
    assert_eq!(told, []);
}
