//! Whether gateways let networks talk to each other over a circuit.

use super::*;

/// A network of the other region stands on the circuit too, and its prefix is waited for; the gateway takes traffic of
/// remote networks, or not.
pub(super) fn remote(case: &mut Case, takes: Option<bool>) {
    let network = format!("{SEA}/virtualNetworks/vnet-far");
    let gateway = format!("{SEA}/virtualNetworkGateways/ergw-far");
    let subnet = format!("{network}/subnets/GatewaySubnet");
    let configuration = json!({ "id": format!("{gateway}/ipConfigurations/c") });
    case.add(json!({ "id": network, "location": "southeastasia", "properties": {
        "addressSpace": { "addressPrefixes": ["10.66.0.0/24"] },
        "subnets": [{ "name": "GatewaySubnet", "properties": {
            "addressPrefix": "10.66.0.0/27", "ipConfigurations": [configuration] } }] } }));
    let mut far = standing_gateway("ErGw1AZ");
    far["id"] = json!(gateway);
    far["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"] = json!(subnet);
    far["properties"]["allowRemoteVnetTraffic"] = json!(true);
    case.add(far);
    case.add(link("con-far", &gateway, "er-singapore", 0));
    if let Some(takes) = takes {
        case.also("gateway", "allow_remote_vnet_traffic", json!(takes));
    }
    case.want("routes_learned", "/with/expect/0", json!("10.66.0.0/24"));
}

#[tokio::test]
async fn what_is_behind_another_gateway_on_the_circuit_is_let_through_by_both() {
    let of = async |change: &dyn Fn(&mut Case)| {
        let mut case = Case::of(MAIN);
        remote(&mut case, Some(true));
        change(&mut case);
        said(&case.found().await, "GW-VNET2VNET").into_iter().map(|(_, why)| why).next()
    };
    assert_eq!(of(&|_| {}).await, None);
    let why = of(&|c| c.set("ergw-far", "/properties/allowRemoteVnetTraffic", json!(false))).await;
    let told = "step `routes_learned` waits for 10.66.0.0/24, which is behind ergw-far: ergw-far has \
                allowRemoteVnetTraffic false";
    assert_eq!(why.as_deref(), Some(told));
    let ours = |c: &mut Case| c.also("gateway", "allow_remote_vnet_traffic", json!(false));
    assert!(of(&ours).await.is_some_and(|why| why.contains("ergw-hub-sea has")));
    // What on-premises has is waited for, and the network beside is nobody's business.
    let theirs = |c: &mut Case| {
        ours(c);
        c.want("routes_learned", "/with/expect/0", json!("10.100.0.0/16"));
    };
    assert_eq!(of(&theirs).await, None);
}
