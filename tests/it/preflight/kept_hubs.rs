//! Networks of hubs and what their tables drop, Route Servers beside gateways, hubs that stand otherwise than they are
//! wanted, and a tier that has no way back.

use super::*;

/// A network's first subnet has a table, which is not the runbook's.
fn given(case: &mut Case, vnet: &str, routes: &Value, off: bool) {
    case.add(table(routes, off));
    let id = json!({ "id": format!("{SEA}/routeTables/rt-bad") });
    case.body(vnet)["properties"]["subnets"][0]["properties"]["routeTable"] = id;
}

#[tokio::test]
async fn a_table_that_drops_what_a_hub_brings_is_told_of_its_networks() {
    let route = |kind: &str, prefix: &str| json!([{ "name": "r", "properties": { "addressPrefix": prefix, "nextHopType": kind } }]);
    for (routes, off, told) in [
        (json!([]), true, Some("table rt-bad keeps the gateway's routes away")),
        (route("None", "10.100.0.0/16"), false, Some("dropped by route r of table rt-bad")),
        (route("Internet", "10.100.0.0/16"), false, Some("sent to the Internet by route r")),
        // The longest prefix wins: a part of it is dropped, or all of it in parts.
        (
            route("None", "10.100.0.0/17"),
            false,
            Some("10.100.0.0/17, a part of 10.100.0.0/16, is dropped"),
        ),
        (
            json!([route("None", "10.100.0.0/17")[0], { "name": "s", "properties": {
                "addressPrefix": "10.100.128.0/17", "nextHopType": "Internet" } }]),
            false,
            Some("10.100.0.0/17, a part of 10.100.0.0/16, is dropped by route r"),
        ),
        (route("VnetLocal", "10.100.0.0/16"), false, Some("10.100.0.0/16 is kept in the network")),
        // What Azure has itself is no site's.
        (route("VnetLocal", "10.1.0.0/24"), false, None),
        // What the hub brings is longer.
        (route("None", "10.0.0.0/8"), false, None),
        (json!([]), false, None),
    ] {
        // One that the run connects, and one that stands connected.
        for vnet in ["vnet-app1-sea", "vnet-shared-sea"] {
            let mut case = Case::of(VWAN);
            given(&mut case, vnet, &routes, off);
            let said_of = said(&case.found().await, "UDR-DROP");
            let own = said_of.iter().find(|(about, _)| about == vnet);
            match (own, told) {
                (Some((_, why)), Some(told)) => assert!(why.contains(told), "{why}"),
                (own, told) => assert_eq!(own.is_some(), told.is_some(), "{said_of:?} {routes}"),
            }
        }
    }
}

/// A Route Server stands in a network: its resource is a hub without a WAN, and its configuration names the subnet.
pub(super) fn route_server(case: &mut Case, vnet: &str) {
    let subnet =
        json!({ "name": "RouteServerSubnet", "properties": { "addressPrefix": "10.201.0.0/26" } });
    let properties = &mut case.body(vnet)["properties"];
    properties["addressSpace"]["addressPrefixes"]
        .as_array_mut()
        .unwrap()
        .push(json!("10.201.0.0/24"));
    properties["subnets"].as_array_mut().unwrap().push(subnet);
    let server = format!("{SEA}/virtualHubs/rs");
    case.add(
        json!({ "id": server, "location": "southeastasia", "properties": { "sku": "Standard" } }),
    );
    let subnet = format!("{SEA}/virtualNetworks/{vnet}/subnets/RouteServerSubnet");
    case.add(json!({ "id": format!("{server}/ipConfigurations/ipconfig1"), "properties": {
        "subnet": { "id": subnet } } }));
}

#[tokio::test]
async fn a_network_with_a_route_server_is_no_hubs_and_uses_no_remote_gateway() {
    for (runbook, rule) in [(VWAN, "HUB-VNET-FREE"), (MAIN, "VP-ONE-REMOTE")] {
        let mut case = Case::of(runbook);
        route_server(&mut case, "vnet-app1-sea");
        let said_of = said(&case.found().await, rule);
        assert_eq!(said_of.len(), 1, "{said_of:?}");
        assert!(said_of[0].1.starts_with("the Route Server rs stands in it"), "{said_of:?}");
    }
}

#[tokio::test]
async fn a_subnet_for_a_route_server_with_nothing_in_it_is_no_route_server() {
    for (runbook, rule) in [(VWAN, "HUB-VNET-FREE"), (MAIN, "VP-ONE-REMOTE")] {
        let mut case = Case::of(runbook);
        route_server(&mut case, "vnet-app1-sea");
        case.remove("ipconfig1");
        assert!(!failed(&case.found().await).contains(rule), "{rule}");
    }
}

#[tokio::test]
async fn a_hub_that_has_a_route_server_only_lends_that() {
    let without_gateway = || {
        let mut case = Case::of(MAIN);
        case.step("spoke_to_hub.app1").needs.retain(|need| need.as_str() != "gateway");
        case
    };
    assert!(failed(&without_gateway().found().await).contains("VP-REMOTE-GW"));
    let mut case = without_gateway();
    route_server(&mut case, "vnet-hub-sea");
    assert!(!failed(&case.found().await).contains("VP-REMOTE-GW"));
}

#[tokio::test]
async fn a_hub_that_stands_otherwise_than_it_is_wanted_stops_the_run() {
    for (pointer, value, told) in [
        ("/properties/sku", json!("Basic"), "of the SKU Basic"),
        ("/properties/addressPrefix", json!("10.44.0.0/23"), "it has 10.44.0.0/23"),
        (
            "/properties/virtualWan",
            json!({ "id": format!("{SEA}/virtualWans/other") }),
            "it is of other",
        ),
    ] {
        let mut case = Case::of(VWAN);
        case.set("hub-sea", pointer, value);
        let found = case.found().await;
        let said_of = said(&found, "HUB-THERE");
        assert!(said_of.iter().any(|(_, why)| why.contains(told)), "{pointer}: {said_of:?}");
        assert!(found.blocking().count() > 0);
    }
}

#[tokio::test]
async fn only_a_raise_from_local_has_no_way_back() {
    for (has, least, fires) in [
        ("Local", "premium", true),
        ("Local", "standard", true),
        ("Standard", "premium", false),
        ("Premium", "standard", false),
    ] {
        let mut case = Case::of(PREPARED);
        case.step("bandwidth").when = None;
        let circuit = format!("{CIR}/expressRouteCircuits/er-singapore");
        let with = json!({ "id": circuit, "at_least": least });
        case.instead("bandwidth", json!({ "action": "circuit.tier", "with": with }));
        case.set("er-singapore", "/sku/tier", json!(has));
        let said_of = said(&case.found().await, "TIER-RAISE");
        assert_eq!(!said_of.is_empty(), fires, "{has} {least}: {said_of:?}");
    }
}

/// The peering that Azure shows in a network which a hub has.
pub(super) fn of_hub(hub: &str) -> Value {
    let guid = "a76c722f-6cc3-4220-aeaa-ed3824da42ff";
    json!({ "name": format!("RemoteVnetToHubPeering_{guid}"), "properties": {
        "peeringState": "Connected", "useRemoteGateways": true, "remoteVirtualNetwork": {
            "id": format!("/subscriptions/{guid}/resourceGroups/RG_{hub}_{guid}/providers\
                           /Microsoft.Network/virtualNetworks/HV_{hub}_{guid}") } } })
}

#[tokio::test]
async fn a_network_that_the_hub_has_already_is_no_other_hubs() {
    // What a run that stopped half way leaves, and what stands in an estate whose networks hang on the hub.
    let mut case = Case::of(VWAN);
    let mut connected = case.body("con-shared-sea").clone();
    connected["id"] =
        json!(format!("{SEA}/virtualHubs/hub-sea/hubVirtualNetworkConnections/con-app1-sea"));
    connected["properties"]["remoteVirtualNetwork"] =
        json!({ "id": format!("{SEA}/virtualNetworks/vnet-app1-sea") });
    case.add(connected);
    case.body("vnet-app1-sea")["properties"]["virtualNetworkPeerings"] = json!([of_hub("hub-sea")]);
    let found = case.found().await;
    assert_eq!(said(&found, "HUB-VNET-FREE"), []);
    let unknown = |finding: &&backroad::preflight::Finding| {
        matches!(finding.verdict, FindingVerdict::Unknown(_))
    };
    let unknown: Vec<_> = found.findings.iter().filter(unknown).collect();
    assert!(unknown.is_empty(), "Microsoft's own network is not asked for: {unknown:?}");
    // Of a hub that is not of this virtual WAN nothing else can be seen.
    let mut case = Case::of(VWAN);
    case.body("vnet-app1-sea")["properties"]["virtualNetworkPeerings"] = json!([of_hub("hub-x")]);
    let [(about, why)] = said(&case.found().await, "HUB-VNET-FREE").try_into().unwrap();
    assert_eq!(
        (about.as_str(), why.as_str()),
        ("vnet-app1-sea", "it is connected to the hub hub-x of another virtual WAN")
    );
}

#[tokio::test]
async fn a_hubs_gateway_has_room_for_so_many_circuits_and_for_fewer_of_one_place() {
    let of = async |count: u32, place: fn(u32) -> String| {
        let mut case = Case::of(VWAN);
        hub_links(&mut case, count, place);
        let all = failed(&case.found().await);
        (all.contains("HUB-CIRCUITS"), all.contains("GW-SKU-LOC4"))
    };
    let each = |n: u32| format!("place {n}");
    assert_eq!(of(7, each).await, (false, false));
    assert_eq!(of(8, each).await, (true, false));
    assert_eq!(of(3, |_| "Singapore".to_owned()).await, (false, false));
    assert_eq!(of(4, |_| "Singapore".to_owned()).await, (false, true));
}

#[tokio::test]
async fn a_hub_that_is_done_and_has_no_routers_is_not_waited_for() {
    let of = async |state: &str, routing: &str| {
        let mut case = Case::of(VWAN);
        case.set("hub-sea", "/properties/provisioningState", json!(state));
        case.set("hub-sea", "/properties/routingState", json!(routing));
        let found = case.found().await;
        let why = |rule: &str| said(&found, rule).into_iter().map(|(_, why)| why).next();
        (why("HUB-THERE"), why("AT-WORK"))
    };
    let (block, _) = of("Succeeded", "None").await;
    assert_eq!(block.as_deref(), Some("hub-sea has no routers"));
    let (block, warning) = of("Succeeded", "Provisioning").await;
    assert_eq!((block, warning.as_deref()), (None, Some("its routers come up")));
    assert_eq!(of("Succeeded", "Provisioned").await, (None, None));
}

#[tokio::test]
async fn a_network_that_leaves_its_hub_first_may_have_a_gateway_of_its_own() {
    let of = async |leaves: bool| {
        let mut case = Case::of(VWAN);
        let id = |id: String| ResourceId::parse(&id).unwrap();
        let connection =
            id(format!("{SEA}/virtualHubs/hub-sea/hubVirtualNetworkConnections/con-shared-sea"));
        case.body("vnet-shared-sea")["properties"]["virtualNetworkPeerings"] =
            json!([of_hub("hub-sea")]);
        let mut gateway = case.step("circuit_ready").clone();
        let mut gone = gateway.clone();
        gone.name = StepName::parse("gone").unwrap();
        gone.action = Action::Remove(Removal {
            kind: RemovalKind::HubVnet,
            id: connection,
            authorization: None,
            gateway: None,
            remote: None,
        });
        gateway.name = StepName::parse("own_gateway").unwrap();
        let subnet = format!("{SEA}/virtualNetworks/vnet-shared-sea/subnets/GatewaySubnet");
        gateway.action = Action::Gateway(backroad::model::action::Gateway {
            id: id(format!("{SEA}/virtualNetworkGateways/ergw-own")),
            location: backroad::model::Region::parse("southeastasia").unwrap(),
            sku: "ErGw1AZ".into(),
            subnet: id(subnet),
            public_ip: None,
            autoscale: None,
            allow_remote_vnet_traffic: None,
            allow_virtual_wan_traffic: None,
            tags: std::collections::BTreeMap::new(),
        });
        if leaves {
            gateway.needs.push(gone.name.clone());
            case.plan.steps.push(gone);
        }
        case.plan.steps.push(gateway);
        failed(&case.found().await).contains("VP-OWN-GW")
    };
    assert!(of(false).await, "it uses the hub's gateways");
    assert!(!of(true).await);
}

/// The circuit has Global Reach connections, made from one side or the other.
pub(super) fn reaching(case: &mut Case, key: &str, count: usize, prefix: &str) {
    let own = |n: usize| {
        json!({ "name": format!("gr{n}"), "properties": { "addressPrefix": prefix,
            "circuitConnectionStatus": "Connected" } })
    };
    let all: Vec<Value> = (0..count).map(own).collect();
    case.body("er-singapore")["properties"]["peerings"][0]["properties"][key] = json!(all);
}

#[tokio::test]
async fn global_reach_counts_from_both_sides_and_its_addresses_are_no_networks() {
    for key in ["connections", "peeredConnections"] {
        let told = async |count, prefix| {
            let mut case = Case::of(MAIN);
            reaching(&mut case, key, count, prefix);
            let found = case.found().await;
            ["LINK-COUNT", "ADDR-GLOBAL-REACH"].map(|rule| failed(&found).contains(rule))
        };
        assert_eq!(told(100, "192.168.8.0/29").await, [true, false], "{key}");
        assert_eq!(told(1, "192.168.8.0/29").await, [false, false], "{key}");
        // In the hub, and in a spoke of it.
        for prefix in ["10.10.10.72/29", "10.1.0.8/29"] {
            assert_eq!(told(1, prefix).await, [false, true], "{key} {prefix}");
        }
    }
}

#[tokio::test]
async fn a_vpn_gateway_beside_a_route_server_is_as_azure_wants_it() {
    for (asn, addresses, branches, told) in [
        (None, 2, true, None),
        (Some(65_515), 2, true, None),
        (Some(65_010), 2, true, Some("its AS number is 65010, beside the Route Server rs")),
        (None, 1, true, Some("it has one address, beside the Route Server rs")),
        (Some(65_010), 1, false, None),
    ] {
        let mut case = Case::of(VPN);
        route_server(&mut case, "vnet-hub-sea");
        case.set("rs", "/properties/allowBranchToBranchTraffic", json!(branches));
        match asn {
            Some(asn) => case.also("gateway", "asn", json!(asn)),
            None => case.unsaid("gateway", "asn"),
        }
        let Action::Vpn(backroad::model::action::Vpn::Gateway(spec)) =
            &mut case.step("gateway").action
        else {
            panic!("no VPN gateway")
        };
        spec.public_ips.truncate(addresses);
        let said_of = said(&case.found().await, "VPN-ROUTE-SERVER");
        let why = said_of.first().map(|(_, why)| why.as_str());
        assert_eq!(why, told, "{asn:?} {addresses} {branches}");
    }
}

#[tokio::test]
async fn ipv6_behind_a_hub_is_told_whatever_the_circuit_speaks() {
    for vnet in ["vnet-app1-sea", "vnet-shared-sea"] {
        let mut case = Case::of(VWAN);
        let space = "/properties/addressSpace/addressPrefixes";
        case.body(vnet)
            .pointer_mut(space)
            .unwrap()
            .as_array_mut()
            .unwrap()
            .push(json!("fd00:1::/48"));
        let found = case.found().await;
        let why = "it has fd00:1::/48".to_owned();
        assert_eq!(said(&found, "HUB-IPV6"), [(vnet.to_owned(), why)]);
        assert!(found.blocking().all(|own| own.rule != "HUB-IPV6"));
    }
    assert!(said(&Case::of(VWAN).found().await, "HUB-IPV6").is_empty());
}
