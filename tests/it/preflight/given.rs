//! What subnets are given, what stands where something is to be made, and what is brought together at once.

use super::*;

const OTHER: &str = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/rg-network-sea/providers/Microsoft.Network";

/// What a rule says of what fails it.
fn said(found: &Preflight, rule: &str) -> Vec<String> {
    let own = found.findings.iter().filter(|finding| finding.rule == rule);
    own.filter_map(|finding| match &finding.verdict {
        FindingVerdict::Failed(why) => Some(format!("{}: {why}", finding.about)),
        FindingVerdict::Passed | FindingVerdict::Unknown(_) => None,
    })
    .collect()
}

fn group(location: &str) -> Value {
    json!({ "id": format!("{SEA}/networkSecurityGroups/nsg"), "location": location,
        "properties": { "securityRules": [] } })
}

/// A step that lets the subnet of the first spoke use a security group.
fn guard(case: &mut Case, subnet: &str) {
    let with = json!({ "subnet": format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/{subnet}"),
        "security_group": format!("{SEA}/networkSecurityGroups/nsg"), "used": true });
    case.instead("spoke_association.app1", json!({ "action": "security_group", "with": with }));
}

#[tokio::test]
async fn a_subnet_is_given_what_is_in_its_networks_region() {
    let mut case = Case::of(MAIN);
    case.set("vnet-app1-sea", "/location", json!("japaneast"));
    let found = case.found().await;
    let why =
        "vnet-app1-sea/snet-app: rt-app-sea is in southeastasia, and vnet-app1-sea in japaneast";
    assert_eq!(said(&found, "SUB-PLACE"), [why]);
    for (region, fires) in [("eastasia", true), ("southeastasia", false)] {
        let mut case = Case::of(MAIN);
        case.add(group(region));
        guard(&mut case, "snet-app");
        assert_eq!(failed(&case.found().await).contains("SUB-PLACE"), fires, "{region}");
    }
}

#[tokio::test]
async fn a_subnet_is_given_what_is_of_its_networks_subscription() {
    let mut case = Case::of(MAIN);
    let vnet = format!("{OTHER}/virtualNetworks/vnet-app1-sea");
    let mut body = case.body("vnet-app1-sea").clone();
    body["id"] = json!(vnet);
    case.add(body);
    case.want("spoke_association.app1", "/with/subnet", json!(format!("{vnet}/subnets/snet-app")));
    let found = case.found().await;
    let all = said(&found, "SUB-PLACE");
    assert!(all.len() == 1 && all[0].contains("of subscription 11111111"), "{all:?}");
}

#[tokio::test]
async fn what_a_step_names_is_there_by_then() {
    // A subnet, or a group, that nobody makes.
    let mut case = Case::of(MAIN);
    let nope = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/snet-nope");
    case.want("spoke_association.app1", "/with/subnet", json!(nope));
    let why = "vnet-app1-sea/snet-nope: it is not there, and no step makes it";
    assert_eq!(said(&case.found().await, "SUB-THERE"), [why]);
    let mut case = Case::of(MAIN);
    guard(&mut case, "snet-app");
    let why = "nsg: it is not there, and no step makes it";
    assert_eq!(said(&case.found().await, "SUB-THERE"), [why]);
    // A table that a step makes, and nothing says that it comes first.
    let mut case = Case::of(MAIN);
    case.step("hub_association").needs.clear();
    let all = said(&case.found().await, "SUB-THERE");
    assert!(all.len() == 1 && all[0].contains("step `hub_routes` makes it"), "{all:?}");
    // The gateway's subnet is one as well.
    let mut case = Case::of(MAIN);
    case.step("gateway").needs.clear();
    let all = said(&case.found().await, "SUB-THERE");
    assert!(all.len() == 1 && all[0].contains("step `gateway_subnet` makes it"), "{all:?}");
}

#[tokio::test]
async fn the_subnets_of_bastion_and_route_server_are_given_nothing() {
    for (subnet, guarded, fires) in [
        ("AzureBastionSubnet", false, true),
        ("azurebastionsubnet", false, true),
        ("AzureBastionSubnet", true, false),
        ("RouteServerSubnet", false, true),
        ("RouteServerSubnet", true, true),
        ("snet-app", false, false),
    ] {
        let mut case = Case::of(MAIN);
        if guarded {
            guard(&mut case, subnet);
        } else {
            let id = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/{subnet}");
            case.want("spoke_association.app1", "/with/subnet", json!(id));
        }
        let found = failed(&case.found().await).contains("SUB-RESERVED");
        assert_eq!(found, fires, "{subnet} {guarded}");
    }
}

#[tokio::test]
async fn what_stands_in_another_region_or_of_another_type_is_told_as_the_plan_tells_it() {
    let mut case = Case::of(MAIN);
    let mut other = table(&json!([]), false);
    other["id"] = json!(format!("{SEA}/routeTables/rt-app-sea"));
    other["location"] = json!("eastasia");
    case.add(other);
    let why = "rt-app-sea: it stands in eastasia, and shall be in southeastasia";
    assert_eq!(said(&case.found().await, "RES-STANDS"), [why]);
    let mut case = Case::of(MAIN);
    with_subnet(&mut case, gateway_subnet("10.10.10.128/25"));
    case.add(vpn_gateway("ergw-hub-sea"));
    let why = "ergw-hub-sea: it stands with gatewayType Vpn, and shall be ExpressRoute";
    assert_eq!(said(&case.found().await, "RES-STANDS"), [why]);
    let mut case = Case::of(VPN);
    with_subnet(&mut case, gateway_subnet("10.10.10.128/26"));
    let mut gateway = standing_gateway("ErGw1AZ");
    gateway["id"] = json!(format!("{SEA}/virtualNetworkGateways/vgw-hub-sea"));
    case.add(gateway);
    let why = "vgw-hub-sea: it stands with gatewayType ExpressRoute, and shall be Vpn";
    assert_eq!(said(&case.found().await, "RES-STANDS"), [why]);
}

/// Neither of the two steps needs the other: whichever comes second is refused.
#[tokio::test]
async fn networks_that_the_run_brings_together_at_once_have_no_addresses_in_common() {
    let space = |of: &str| json!({ "addressPrefixes": [of] });
    let mut case = Case::of(MAIN);
    case.set("vnet-app2-sea", "/properties/addressSpace", space("10.1.0.128/25"));
    case.set("vnet-app2-sea", "/properties/subnets", json!([]));
    let all = said(&case.found().await, "ADDR-PEERING");
    let of = |side: &str| all.iter().any(|line| line.starts_with(side));
    assert!(of("vnet-hub-sea/hub-to-app1") && of("vnet-hub-sea/hub-to-app2"), "{all:?}");

    let mut case = Case::of(VWAN);
    case.set("vnet-app2-sea", "/properties/addressSpace", space("10.21.0.128/25"));
    case.set("vnet-app2-sea", "/properties/subnets", json!([]));
    let all = said(&case.found().await, "HUB-ADDR");
    assert!(all.len() == 2, "each of both says so: {all:?}");
}

/// A network of another WAN has the same addresses, and both WANs may.
#[tokio::test]
async fn the_networks_of_another_wan_do_not_count() {
    let mut case = Case::of(VWAN);
    let (wan, hub) = (format!("{SEA}/virtualWans/wan-b"), format!("{SEA}/virtualHubs/hub-b"));
    let standard = json!({ "type": "Standard" });
    case.add(json!({ "id": wan, "location": "southeastasia", "properties": standard }));
    case.add(json!({ "id": hub, "location": "southeastasia", "properties": {
        "virtualWan": { "id": wan }, "addressPrefix": "10.90.0.0/23", "sku": "Standard" } }));
    let mut body = case.body("vnet-app1-sea").clone();
    let twin = format!("{SEA}/virtualNetworks/vnet-twin");
    body["id"] = json!(twin);
    case.add(body);
    let mut step = case.step("network.app2").clone();
    let mut stored = serde_json::to_value(&step.action).unwrap();
    stored["with"]["id"] = json!(format!("{hub}/hubVirtualNetworkConnections/con-twin"));
    stored["with"]["vnet"] = json!(twin);
    step.name = StepName::parse("twin").unwrap();
    step.action = serde_json::from_value(stored).unwrap();
    case.plan.steps.push(step);
    assert_eq!(said(&case.found().await, "HUB-ADDR"), Vec::<String>::new());
}

#[tokio::test]
async fn a_table_has_no_more_routes_than_the_subscription_may_have_in_one() {
    let routes = |count: u32| -> Value {
        let one = |n: u32| {
            json!({ "name": format!("r{n}"), "prefix": format!("10.{}.{}.0/24", n / 256, n % 256),
            "next_hop": "none" })
        };
        (0..count).map(one).collect()
    };
    for (count, limit, fires) in
        [(401, None, false), (1_001, None, true), (401, Some(400), true), (400, Some(400), false)]
    {
        let mut case = Case::of(MAIN);
        case.want("spoke_routes", "/with/routes", routes(count));
        case.world.quotas.extend(limit.map(|limit| ("RoutesPerRouteTable".to_owned(), limit)));
        let found = failed(&case.found().await).contains("UDR-MANY");
        assert_eq!(found, fires, "{count} of {limit:?}");
    }
    // One by one counts as well: the table that stands is full.
    let mut case = Case::of(MAIN);
    let full: Vec<Value> = (0..1_000)
        .map(|n| {
            json!({ "name": format!("r{n}"), "properties": { "nextHopType": "None",
            "addressPrefix": format!("10.{}.{}.0/24", n / 256, n % 256) } })
        })
        .collect();
    case.set("rt-app-ea", "/properties/routes", json!(full));
    let id = format!("{EA}/routeTables/rt-app-ea/routes/one-more");
    let with = json!({ "id": id, "prefix": "172.16.0.0/12", "next_hop": "internet" });
    case.instead("circuit_layer2", json!({ "action": "route.ensure", "with": with }));
    let all = said(&case.found().await, "UDR-MANY");
    assert_eq!(all, ["rt-app-ea: it would have 1001 routes of 1000"]);
}

#[tokio::test]
async fn a_route_to_a_firewall_that_is_not_there_is_named() {
    let mut case = Case::of(MAIN);
    let firewall: ResourceId = format!("{SEA}/azureFirewalls/afw").parse().unwrap();
    let Action::RouteTable(table) = &mut case.step("hub_routes").action else { panic!() };
    for route in &mut table.routes {
        route.next_hop = NextHop::Firewall(firewall.clone());
    }
    let all = said(&case.found().await, "UDR-FIREWALL");
    let route = |name: &str| format!("rt-hub-sea/{name}: the firewall afw is not there");
    assert_eq!(all, [route("app1"), route("app2")]);
}

#[tokio::test]
async fn a_firewall_that_is_lost_or_has_failed_takes_nothing() {
    let of = async |region: &str, state: &str| {
        let mut case = Case::of(MAIN);
        let id = format!("{SEA}/azureFirewalls/afw");
        case.add(json!({ "id": id, "location": region, "properties": {
            "provisioningState": state, "ipConfigurations": [{ "name": "a", "properties": {
                "privateIPAddress": "10.10.10.68",
                "subnet": { "id": format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/snet-nva") } } }] } }));
        let Action::RouteTable(table) = &mut case.step("hub_routes").action else { panic!() };
        table.routes.truncate(1);
        table.routes[0].next_hop = NextHop::Firewall(id.parse().unwrap());
        said(&case.found().await, "UDR-FIREWALL").pop().unwrap_or_default()
    };
    assert_eq!(of("southeastasia", "Succeeded").await, "");
    assert!(of("southeastasia", "Failed").await.ends_with("the firewall afw is in state Failed"));
    let lost = of("eastasia", "Succeeded").await;
    assert!(lost.ends_with("the firewall afw stands in eastasia, the source region"), "{lost}");
}

#[tokio::test]
async fn an_aggregate_of_on_premises_collides_with_nothing() {
    let with = |runbook: &str, prefix: &str| {
        let mut case = Case::of(runbook);
        case.world.onprem.sites[1].prefixes.push(prefix.parse().unwrap());
        case
    };
    for (runbook, prefix, fires) in [
        (MAIN, "10.0.0.0/8", false),
        (MAIN, "10.1.0.0/24", true),
        (MAIN, "10.1.0.0/25", true),
        (VWAN, "10.0.0.0/8", false),
        (VWAN, "10.21.0.0/25", true),
        (VWAN, "10.40.0.0/23", true),
        (VWAN, "10.40.0.0/16", false),
    ] {
        let found = failed(&with(runbook, prefix).found().await).contains("RT-COLLIDE");
        assert_eq!(found, fires, "{runbook} {prefix}");
    }
}

#[tokio::test]
async fn a_next_hop_within_a_gateway_subnet_is_no_appliance() {
    let mut case = Case::of(MAIN);
    let Action::RouteTable(table) = &mut case.step("hub_routes").action else { panic!() };
    table.routes[0].next_hop = NextHop::Appliance("10.10.10.200".parse().unwrap());
    assert!(failed(&case.found().await).contains("UDR-NVA-IP"));
}
