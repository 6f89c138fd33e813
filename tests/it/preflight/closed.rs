//! What stands in the way of traffic that routes let through: security groups, peerings of single subnets, sides that
//! lend no more, interfaces that do not forward.

use super::*;

fn said(found: &Preflight, rule: &str) -> Vec<String> {
    let own = found.findings.iter().filter(|finding| finding.rule == rule);
    own.filter_map(|finding| match &finding.verdict {
        FindingVerdict::Failed(why) => Some(format!("{}: {why}", finding.about)),
        _ => None,
    })
    .collect()
}

/// A rule about all protocols and ports.
fn rule(access: &str, direction: &str, priority: u32, ends: [&str; 2]) -> Value {
    json!({ "name": format!("r{priority}"), "properties": {
        "access": access, "direction": direction, "priority": priority, "protocol": "*",
        "sourcePortRange": "*", "destinationPortRange": "*",
        "sourceAddressPrefix": ends[0], "destinationAddressPrefix": ends[1] } })
}

/// A rule that denies what comes from there.
pub(super) fn deny(priority: u32, from: &str) -> Value {
    rule("Deny", "Inbound", priority, [from, "*"])
}

fn with(mut rule: Value, key: &str, value: Value) -> Value {
    rule["properties"][key] = value;
    rule
}

/// The first subnet of the first spoke has a security group with these rules.
pub(super) fn guard(case: &mut Case, rules: &Value) {
    guard_at(case, "vnet-app1-sea", rules);
}

fn guard_at(case: &mut Case, vnet: &str, rules: &Value) {
    let id = format!("{SEA}/networkSecurityGroups/nsg-app");
    case.body(vnet)["properties"]["subnets"][0]["properties"]["networkSecurityGroup"] =
        json!({ "id": id });
    case.add(json!({ "id": id, "location": "southeastasia",
        "properties": { "securityRules": rules } }));
}

/// The pair of sides between the hub and the first spoke stands, with more that both say.
pub(super) fn peer(case: &mut Case, more: &Value) {
    for (near, far, name, lends) in [
        ("vnet-hub-sea", "vnet-app1-sea", "hub-to-app1", true),
        ("vnet-app1-sea", "vnet-hub-sea", "app1-to-hub", false),
    ] {
        let mut side = json!({
            "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/{far}") },
            "peeringState": "Connected", "allowVirtualNetworkAccess": true,
            "allowForwardedTraffic": true, "allowGatewayTransit": lends, "useRemoteGateways": !lends });
        for (key, value) in more.as_object().unwrap() {
            side[key] = value.clone();
        }
        let side = json!([{ "name": name, "properties": side }]);
        case.set(near, "/properties/virtualNetworkPeerings", side);
    }
}

/// An interface stands at the next hop of the spokes' table.
pub(super) fn appliance(case: &mut Case, forwards: bool) {
    let Action::RouteTable(table) = &case.step("spoke_routes").action else { panic!() };
    let NextHop::Appliance(hop) = table.routes[0].next_hop else { panic!() };
    let id = format!("{SEA}/networkInterfaces/nic-nva");
    let subnets = case.body("vnet-hub-sea")["properties"]["subnets"].as_array_mut().unwrap();
    let own = subnets.iter_mut().find(|own| own["name"] == json!("snet-nva")).unwrap();
    own["properties"]["ipConfigurations"] = json!([{ "id": format!("{id}/ipConfigurations/ip1") }]);
    case.add(json!({ "id": id, "location": "southeastasia", "properties": {
        "enableIPForwarding": forwards,
        "ipConfigurations": [{ "name": "ip1", "properties": { "privateIPAddress": hop } }] } }));
}

#[tokio::test]
async fn a_group_that_shuts_on_premises_out_is_told() {
    let out = |priority, to| rule("Deny", "Outbound", priority, ["*", to]);
    for (rules, told) in [
        (json!([deny(100, "10.0.0.0/8")]), "what comes from 10.100.0.0/16 is denied by rule r100"),
        (json!([deny(4096, "*")]), "denied by rule r4096 of group nsg-app"),
        (json!([deny(200, "VirtualNetwork")]), "denied by rule r200"),
        (
            json!([with(
                deny(100, ""),
                "sourceAddressPrefixes",
                json!(["172.16.0.0/12", "10.100.0.0/16"])
            )]),
            "10.100.0.0/16",
        ),
        (json!([out(100, "10.0.0.0/8")]), "what goes to 10.100.0.0/16 is denied by rule r100"),
        // Probes of a load balancer are nobody's traffic, and a later rule is not asked.
        (
            json!([rule("Allow", "Inbound", 100, ["AzureLoadBalancer", "*"]), deny(200, "*")]),
            "r200",
        ),
        (
            json!([deny(100, "10.0.0.0/8"), rule("Allow", "Inbound", 200, ["10.100.0.0/16", "*"])]),
            "r100",
        ),
        // Together they deny a site.
        (json!([deny(100, "10.100.0.0/17"), deny(110, "10.100.128.0/17")]), "rules r100, r110"),
        // What is let in elsewhere is not let in here.
        (json!([rule("Allow", "Inbound", 100, ["*", "10.77.0.0/16"]), deny(200, "*")]), "r200"),
    ] {
        let mut case = Case::of(MAIN);
        guard(&mut case, &rules);
        let found = case.found().await;
        let said = said(&found, "NSG-DROP");
        assert!(said.len() == 1 && said[0].contains(told), "{said:?} {rules}");
        assert!(said[0].starts_with("vnet-app1-sea: snet-app: "), "{said:?}");
        assert_eq!(found.blocking().count(), 0, "it only warns");
    }
}

#[tokio::test]
async fn a_group_that_lets_some_in_or_shuts_others_out_is_nobodys_trouble() {
    let allow = |priority, from| rule("Allow", "Inbound", priority, [from, "*"]);
    for rules in [
        json!([]),
        json!([with(deny(100, "*"), "destinationPortRange", json!("3389"))]),
        json!([with(deny(100, "*"), "protocol", json!("Udp"))]),
        json!([deny(100, "Internet")]),
        json!([deny(100, "10.100.1.0/24")]),
        json!([deny(100, "10.100.0.0/17"), deny(110, "10.100.128.0/18")]),
        json!([deny(100, "192.168.0.0/16")]),
        json!([with(deny(100, "*"), "destinationAddressPrefix", json!("10.1.0.4"))]),
        json!([
            with(allow(100, "10.100.0.0/16"), "destinationPortRange", json!("443")),
            deny(4096, "*")
        ]),
        json!([allow(100, "VirtualNetwork"), deny(4096, "*")]),
        json!([rule("Deny", "Outbound", 100, ["*", "Internet"])]),
    ] {
        let mut case = Case::of(MAIN);
        guard(&mut case, &rules);
        let said = said(&case.found().await, "NSG-DROP");
        assert!(said.is_empty(), "{said:?} {rules}");
    }
}

/// A subnet that only its own network reaches is meant so; a network of such subnets alone is connected for nobody.
#[tokio::test]
async fn a_network_of_which_no_subnet_lets_on_premises_in_is_told() {
    for own in ["10.1.0.0/24", "192.168.0.0/16", "Internet"] {
        let rules = json!([rule("Allow", "Inbound", 100, [own, "*"]), deny(4096, "*")]);
        let shut = || {
            let mut case = Case::of(MAIN);
            guard(&mut case, &rules);
            case
        };
        let found = said(&shut().found().await, "NSG-DROP");
        assert!(found.len() == 1 && found[0].contains("r4096"), "{own} {found:?}");
        let mut case = shut();
        let subnets = case.body("vnet-app1-sea")["properties"]["subnets"].as_array_mut().unwrap();
        subnets.push(
            json!({ "name": "snet-open", "properties": { "addressPrefix": "10.1.0.128/26" } }),
        );
        assert!(said(&case.found().await, "NSG-DROP").is_empty(), "{own}");
    }
}

#[tokio::test]
async fn groups_behind_hubs_and_those_that_steps_give_count_and_those_of_services_do_not() {
    for vnet in ["vnet-app1-sea", "vnet-shared-sea"] {
        let mut case = Case::of(VWAN);
        guard_at(&mut case, vnet, &json!([deny(100, "*")]));
        assert_eq!(said(&case.found().await, "NSG-DROP").len(), 1, "{vnet}");
    }
    // A step takes it off.
    let mut case = Case::of(MAIN);
    guard(&mut case, &json!([deny(100, "*")]));
    let group = format!("{SEA}/networkSecurityGroups/nsg-app");
    let subnet = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/snet-app");
    let with = json!({ "subnet": subnet, "security_group": group, "used": false });
    case.instead("circuit_layer2", json!({ "action": "security_group", "with": with }));
    assert!(said(&case.found().await, "NSG-DROP").is_empty());
    let mut case = Case::of(MAIN);
    guard(&mut case, &json!([deny(100, "*")]));
    case.body("vnet-app1-sea")["properties"]["subnets"][0]["name"] = json!("AzureBastionSubnet");
    assert!(said(&case.found().await, "NSG-DROP").is_empty());
}

#[tokio::test]
async fn a_side_lends_until_the_other_side_is_done_with_it() {
    let mut case = Case::of(MAIN);
    peer(&mut case, &json!({}));
    case.want("hub_to_spoke.app1", "/with/allow_gateway_transit", json!(false));
    let found = case.found().await;
    let late = "vnet-hub-sea/hub-to-app1: app1-to-hub of vnet-app1-sea uses the gateway by then";
    assert_eq!(said(&found, "VP-LENT"), [late]);
    // The spoke's side is taken back by a step that comes later.
    let mut case = Case::of(MAIN);
    peer(&mut case, &json!({}));
    case.want("hub_to_spoke.app1", "/with/allow_gateway_transit", json!(false));
    case.want("spoke_to_hub.app1", "/with/use_remote_gateways", json!(false));
    let told = said(&case.found().await, "VP-LENT");
    assert!(told[0].contains("step `spoke_to_hub.app1` takes that away"), "{told:?}");
    // And by one that comes before.
    let mut case = Case::of(MAIN);
    peer(&mut case, &json!({}));
    case.want("hub_to_spoke.app1", "/with/allow_gateway_transit", json!(false));
    let first = case.step("spoke_to_hub.app1").action.clone();
    case.step("circuit_layer2").action = first;
    case.want("circuit_layer2", "/with/use_remote_gateways", json!(false));
    case.step("hub_to_spoke.app1").needs.push(StepName::parse("circuit_layer2").unwrap());
    assert!(said(&case.found().await, "VP-LENT").is_empty());
}

#[tokio::test]
async fn a_peering_of_single_subnets_is_told_where_it_leaves_out_what_is_expected() {
    for (local, remote, told) in [
        ("snet-app", "snet-app", 0),
        ("SNET-APP", "snet-x", 1),
        ("snet-x", "snet-app", 1),
        ("snet-x", "snet-x", 2),
    ] {
        let mut case = Case::of(MAIN);
        peer(
            &mut case,
            &json!({ "peerCompleteVnets": false, "localSubnetNames": [local],
            "remoteSubnetNames": [remote] }),
        );
        let said = said(&case.found().await, "VP-SUBNETS");
        assert_eq!(said.len(), told, "{local} {remote}: {said:?}");
        let words =
            "10.1.0.0/24 is expected, and snet-app of vnet-app1-sea is not among its subnets";
        assert!(said.iter().all(|own| own.contains(words)), "{said:?}");
    }
}

#[tokio::test]
async fn an_appliance_that_forwards_and_one_that_is_elsewhere_are_nobodys_trouble() {
    let mut case = Case::of(MAIN);
    appliance(&mut case, true);
    assert!(said(&case.found().await, "UDR-NVA-FORWARD").is_empty());
    let mut case = Case::of(MAIN);
    appliance(&mut case, false);
    let other = "/properties/ipConfigurations/0/properties/privateIPAddress";
    case.set("nic-nva", other, json!("10.10.10.11"));
    assert!(said(&case.found().await, "UDR-NVA-FORWARD").is_empty());
    let mut case = Case::of(MAIN);
    appliance(&mut case, false);
    let said = said(&case.found().await, "UDR-NVA-FORWARD");
    assert!(said.len() == 1 && said[0].contains("enableIPForwarding is false"), "{said:?}");
}

/// A gateway that stands in such a subnet stands there already.
#[tokio::test]
async fn a_subnet_that_is_delegated_or_has_a_nat_gateway_blocks_a_gateway_that_is_to_be() {
    for (rule, key, value) in [
        (
            "GWS-DELEGATED",
            "delegations",
            json!([{ "name": "d", "properties": { "serviceName": "Microsoft.Web/serverFarms" } }]),
        ),
        ("GWS-NAT", "natGateway", json!({ "id": format!("{SEA}/natGateways/nat") })),
    ] {
        for stands in [false, true] {
            let mut case = Case::of(MAIN);
            let mut subnet = gateway_subnet("10.10.10.128/25");
            subnet["properties"][key] = value.clone();
            with_subnet(&mut case, subnet);
            if stands {
                case.add(standing_gateway("ErGw1AZ"));
            }
            let found = case.found().await;
            let blocks = found.blocking().any(|own| own.rule == rule);
            assert_eq!(blocks, !stands, "{rule}");
        }
    }
}

#[tokio::test]
async fn a_table_that_is_removed_while_a_subnet_uses_it_blocks() {
    let (_, runbook, spoil) = CASES.iter().find(|(rule, ..)| *rule == "UDR-IN-USE").unwrap();
    let mut case = Case::of(runbook);
    spoil(&mut case);
    assert!(case.found().await.blocking().any(|own| own.rule == "UDR-IN-USE"));
}
