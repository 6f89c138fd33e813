//! What Azure refuses of the address of a gateway is found before the gateway is begun; a gateway that stands keeps what it has.

use super::*;

/// The gateway's address, as it stands, but for this.
fn changed(pointer: &str, value: Value) -> Case {
    let mut case = Case::of(MAIN);
    address(&mut case, "Standard", &json!(["1", "2", "3"]));
    case.set("pip-ergw-hub-sea", pointer, value);
    case
}

async fn why(case: Case, rule: &str) -> Vec<String> {
    said(&case.found().await, rule).into_iter().map(|(_, why)| why).collect()
}

const NONE: Vec<String> = Vec::new();

#[tokio::test]
async fn an_address_is_in_the_region_of_its_gateway_and_of_a_kind_that_gateways_take() {
    let rules = ["PIP-REGION", "PIP-KIND", "PIP-TAKEN"];
    for rule in rules {
        let well = changed("/location", json!("southeastasia"));
        assert_eq!(why(well, rule).await, NONE, "{rule}");
    }
    let other = why(changed("/location", json!("eastasia")), "PIP-REGION").await;
    assert_eq!(other, ["it is in eastasia, and ergw-hub-sea is to be in southeastasia"]);
    let v6 = changed("/properties/publicIPAddressVersion", json!("IPv6"));
    assert_eq!(why(v6, "PIP-KIND").await, ["it is an address of IPv6"]);
    let global = changed("/sku", json!({ "name": "Standard", "tier": "Global" }));
    assert_eq!(why(global, "PIP-KIND").await, ["it is of the tier Global"]);
    let v2 = changed("/sku/name", json!("StandardV2"));
    assert_eq!(why(v2, "PIP-KIND").await, ["it is of the SKU StandardV2"]);
}

#[tokio::test]
async fn an_address_is_one_resources() {
    let user = format!("{SEA}/loadBalancers/lb/frontendIPConfigurations/front");
    let taken = changed("/properties/ipConfiguration", json!({ "id": user }));
    assert_eq!(why(taken, "PIP-TAKEN").await, [format!("{user} has it")]);
    // The gateway itself has it already.
    let own = json!({ "id": format!("{ERGW}/ipConfigurations/c") });
    let mut case = changed("/properties/ipConfiguration", own);
    with_subnet(&mut case, gateway_subnet("10.10.10.128/25"));
    case.add(standing_gateway("ErGw1AZ"));
    assert_eq!(why(case, "PIP-TAKEN").await, NONE);
}

#[tokio::test]
async fn a_vpn_gateway_that_stands_keeps_an_address_without_zones() {
    let mut case = Case::of(VPN);
    vpn_address(&mut case, "Standard", &json!([]));
    let found = case.found().await;
    assert_eq!(said(&found, "VPN-ADDRESS-ZONES").len(), 1);
    assert!(found.blocking().any(|own| own.rule == "VPN-ADDRESS-ZONES"));
    let mut case = Case::of(VPN);
    vpn_address(&mut case, "Standard", &json!([]));
    with_subnet(&mut case, gateway_subnet("10.10.10.128/26"));
    case.add(vpn_gateway("vgw-hub-sea"));
    assert_eq!(said(&case.found().await, "VPN-ADDRESS-ZONES"), []);
}

#[tokio::test]
async fn zones_are_asked_for_where_a_region_has_some() {
    let mut case = Case::of(VPN);
    let with = json!({ "id": format!("{SEA}/publicIPAddresses/pip-new"), "location": "westus",
        "zones": ["1", "2", "3"] });
    case.instead("address.1", json!({ "action": "public_ip.ensure", "with": with }));
    let found = case.found().await;
    let told = "westus is listed without availability zones".to_owned();
    assert_eq!(said(&found, "PIP-ZONES"), [("pip-new".to_owned(), told)]);
    assert_eq!(said(&Case::of(VPN).found().await, "PIP-ZONES"), []);
}

/// What a gateway had that a step before removes is free.
#[tokio::test]
async fn the_address_of_a_gateway_that_goes_first_is_taken_over() {
    let address = format!("{SEA}/publicIPAddresses/pip-ergw-hub-sea");
    let gone = json!({ "action": "remove", "with": { "kind": "gateway", "id": ERGW } });
    let made = json!({ "action": "gateway.ensure", "with": {
        "id": format!("{SEA}/virtualNetworkGateways/larger"), "location": "southeastasia",
        "sku": "ErGw2AZ", "subnet": format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet"),
        "public_ip": address, "tags": {} } });
    for (steps, taken) in
        [(vec![("made", made.clone())], 1), (vec![("gone", gone), ("made", made)], 0)]
    {
        let mut case = Case::of(PREPARED);
        case.only(&steps);
        case.add(
            json!({ "id": address, "location": "southeastasia", "sku": { "name": "Standard" },
            "zones": ["1", "2", "3"], "properties": { "publicIPAllocationMethod": "Static",
                "ipConfiguration": { "id": format!("{ERGW}/ipConfigurations/default") } } }),
        );
        assert_eq!(why(case, "PIP-TAKEN").await.len(), taken);
    }
}
