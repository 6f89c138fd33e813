//! What stands under a wanted name decides: a connection that leads elsewhere is not moved, a key that nobody tells
//! is not sent, a name that is another one's is not given twice.

use super::*;

fn said(found: &Preflight, rule: &str) -> Vec<String> {
    let own = found.findings.iter().filter(|finding| finding.rule == rule);
    own.filter_map(|finding| match &finding.verdict {
        FindingVerdict::Failed(why) => Some(why.clone()),
        _ => None,
    })
    .collect()
}

#[tokio::test]
async fn a_connection_of_the_wanted_name_that_leads_elsewhere_is_refused() {
    let mut case = Case::of(MAIN);
    case.add(link("con-hub-sea-singapore", ERGW, "er-hongkong", 100));
    let found = case.found().await;
    let why = "it stands with the circuit er-hongkong, and the runbook wants er-singapore";
    assert_eq!(said(&found, "LINK-ELSEWHERE"), [why]);
    assert!(found.blocking().any(|own| own.rule == "LINK-ELSEWHERE"));
    // Its own one is found, and so is none at all.
    let mut case = Case::of(MAIN);
    case.add(link("con-hub-sea-singapore", ERGW, "er-singapore", 100));
    assert_eq!(said(&case.found().await, "LINK-ELSEWHERE"), Vec::<String>::new());
    // Removed before, it is in nobody's way.
    let mut case = Case::of(MAIN);
    case.add(link("con-hub-sea-singapore", ERGW, "er-hongkong", 100));
    let id = format!("{SEA}/connections/con-hub-sea-singapore");
    case.instead(
        "gateway_subnet",
        json!({ "action": "remove", "with": { "kind": "connection", "id": id } }),
    );
    assert_eq!(said(&case.found().await, "LINK-ELSEWHERE"), Vec::<String>::new());
}

#[tokio::test]
async fn a_tunnel_and_a_hubs_connection_that_lead_elsewhere_are_refused_as_well() {
    let mut case = Case::of(VPN);
    let gateway = format!("{SEA}/virtualNetworkGateways/vgw-hub-sea");
    case.add(json!({ "id": format!("{SEA}/connections/con-vpn-sea"), "location": "southeastasia",
        "properties": { "connectionType": "IPsec", "virtualNetworkGateway1": { "id": gateway },
            "localNetworkGateway2": { "id": format!("{SEA}/localNetworkGateways/lng-other") } } }));
    let said_of = said(&case.found().await, "LINK-ELSEWHERE");
    assert_eq!(said_of.len(), 1, "{said_of:?}");
    assert!(said_of[0].contains("local network gateway lng-other"), "{said_of:?}");
    let mut case = Case::of(VWAN);
    let own = case.step("connection").action.subject().unwrap().clone();
    let peering = format!("{CIR}/expressRouteCircuits/er-hongkong/peerings/AzurePrivatePeering");
    case.add(
        json!({ "id": own.parent().unwrap().as_str(), "location": "southeastasia", "properties": {
        "virtualHub": { "id": format!("{SEA}/virtualHubs/hub-sea") },
        "expressRouteConnections": [{ "name": own.name(), "properties": {
            "expressRouteCircuitPeering": { "id": peering } } }] } }),
    );
    let said_of = said(&case.found().await, "LINK-ELSEWHERE");
    assert_eq!(said_of.len(), 1, "{said_of:?}");
    assert!(said_of[0].contains("circuit er-hongkong"), "{said_of:?}");
}

#[tokio::test]
async fn a_key_that_a_dead_region_does_not_tell_is_missed_before_and_not_after_the_gateway() {
    assert_eq!(said(&Case::of(VPN).found().await, "SECRET-READ"), Vec::<String>::new());
    let mut case = Case::of(VPN);
    case.world.outage = serde_json::from_value(json!({ "reads": "refuse" })).unwrap();
    let found = case.found().await;
    let said_of = said(&found, "SECRET-READ");
    assert_eq!(said_of.len(), 1, "{said_of:?}");
    assert!(said_of[0].starts_with("its key cannot be read: "), "{said_of:?}");
    assert!(found.blocking().any(|own| own.rule == "SECRET-READ"));
    // What is not there has no key either.
    let mut case = Case::of(VPN);
    case.remove("con-vpn-ea");
    assert_eq!(said(&case.found().await, "SECRET-READ"), ["there is no such connection"]);
}

#[tokio::test]
async fn a_connection_is_where_its_gateway_is_planned_or_stands() {
    let why = "it shall be in eastasia, and ergw-hub-sea is in southeastasia";
    let mut case = Case::of(MAIN);
    case.want("connection", "/with/location", json!("eastasia"));
    assert_eq!(said(&case.found().await, "LINK-LOCATION"), [why]);
    // One that stands counts, and no step makes it.
    let mut case = Case::of(PREPARED);
    case.set("ergw-hub-sea", "/location", json!("japaneast"));
    assert_eq!(said(&case.found().await, "LINK-LOCATION").len(), 1);
    // A tunnel is as much a connection.
    let mut case = Case::of(VPN);
    case.want("tunnel", "/with/location", json!("eastasia"));
    assert_eq!(said(&case.found().await, "LINK-LOCATION").len(), 1);
}

#[tokio::test]
async fn private_endpoints_go_past_the_gateway_where_all_else_does_and_on_a_port_of_ones_own() {
    for (fast, direct, told) in [(false, true, [1, 0]), (true, true, [0, 0]), (true, false, [0, 1])]
    {
        let mut case = Case::of(MAIN);
        case.also("connection", "private_link_fast_path", json!(true));
        case.also("connection", "fast_path", json!(fast));
        if direct {
            let port = json!({ "id": format!("{CIR}/expressRoutePorts/port") });
            case.body("er-singapore")["properties"]["expressRoutePort"] = port;
        }
        let found = case.found().await;
        let counts = ["LINK-FASTPATH-PRIVATE", "LINK-FASTPATH-DIRECT"];
        assert_eq!(counts.map(|rule| said(&found, rule).len()), told, "{fast} {direct}");
    }
    // Who says nothing of it is not told of it.
    let found = Case::of(MAIN).found().await;
    assert!(found.findings.iter().all(|own| !own.rule.starts_with("LINK-FASTPATH")));
}

#[tokio::test]
async fn bgp_over_a_tunnel_is_spoken_at_both_of_its_ends() {
    let speaker = json!({ "asn": 65_010, "address": "10.100.0.254" });
    for (asn, bgp, told) in [(false, false, 2), (true, false, 1), (false, true, 1), (true, true, 0)]
    {
        let mut case = Case::of(VPN);
        case.also("tunnel", "bgp", json!(true));
        if asn {
            case.also("gateway", "asn", json!(65_020));
        }
        if bgp {
            case.also("device", "bgp", speaker.clone());
        }
        let said_of = said(&case.found().await, "VPN-BGP");
        assert_eq!(said_of.len(), told, "{asn} {bgp}: {said_of:?}");
    }
}

#[tokio::test]
async fn a_name_that_stands_for_another_is_given_no_address() {
    let mut case = Case::of(VPN);
    alias(&mut case, "portal");
    let found = case.found().await;
    let why = "it is a CNAME, and stands for portal.contoso.example";
    assert_eq!(said(&found, "DNS-ALIAS"), [why]);
    // What to do is for a person: who removes it beforehand takes the name away from everybody.
    let own = found.blocking().find(|own| own.rule == "DNS-ALIAS").unwrap();
    assert!(own.commands.is_empty(), "{:?}", own.commands);
    // Another name of the zone is nobody's business.
    let mut case = Case::of(VPN);
    alias(&mut case, "other");
    assert_eq!(said(&case.found().await, "DNS-ALIAS"), Vec::<String>::new());
}

#[tokio::test]
async fn a_turn_that_another_endpoint_has_is_free_once_that_one_was_given_another() {
    let mut case = Case::of(VPN);
    case.also("portal_here", "priority", json!(1));
    assert_eq!(said(&case.found().await, "TM-PRIORITY"), ["eastasia has the priority 1"]);
    let mut case = Case::of(VPN);
    case.also("portal_here", "priority", json!(1));
    case.also("portal_not_there", "priority", json!(9));
    case.step("portal_not_there").needs = vec![StepName::parse("answers").unwrap()];
    let first = StepName::parse("portal_not_there").unwrap();
    case.step("portal_here").needs.push(first);
    assert_eq!(said(&case.found().await, "TM-PRIORITY"), Vec::<String>::new());
}

/// What mends it is another thing than an endpoint.
#[tokio::test]
async fn a_profile_that_is_off_is_switched_on_itself() {
    let mut case = Case::of(VPN);
    case.set("tm-portal", "/properties/profileStatus", json!("Disabled"));
    let found = case.found().await;
    assert_eq!(said(&found, "TM-NONE"), Vec::<String>::new());
    let own = found.findings.iter().find(|own| own.rule == "TM-PROFILE").unwrap();
    assert!(own.commands[0].ends_with("--status Enabled"), "{:?}", own.commands);
}

#[tokio::test]
async fn an_address_that_something_outside_of_the_world_has_is_in_use() {
    let balancer = format!("{SEA}/loadBalancers/lb/frontendIPConfigurations/front");
    let mut case = Case::of(VPN);
    vpn_address(&mut case, "Standard", &json!(["1", "2", "3"]));
    let free = case.found().await;
    assert_eq!(said(&free, "VPN-ADDRESS"), Vec::<String>::new());
    let mut case = Case::of(VPN);
    vpn_address(&mut case, "Standard", &json!(["1", "2", "3"]));
    case.set("pip-vgw-hub-sea-1", "/properties/ipConfiguration", json!({ "id": balancer }));
    let said_of = said(&case.found().await, "VPN-ADDRESS");
    assert_eq!(said_of, [format!("{balancer} has it")]);
}

#[tokio::test]
async fn what_is_between_two_bandwidths_is_told_as_the_next_that_is_sold() {
    for (wanted, told) in
        [(750, "to 1000 Mbps"), (2_000, "to 2000 Mbps"), (20_000, "no provider sells")]
    {
        let mut case = Case::of(PREPARED);
        case.step("bandwidth").when = None;
        case.want("bandwidth", "/with/mbps_min", json!(wanted));
        let said_of = said(&case.found().await, "BW-RAISE");
        assert_eq!(said_of.len(), 1, "{wanted}: {said_of:?}");
        assert!(said_of[0].contains(told), "{wanted}: {said_of:?}");
    }
}

#[tokio::test]
async fn a_scaling_gateway_says_with_how_many_units_it_has_no_fastpath() {
    let mut case = Case::of(MAIN);
    case.want("gateway", "/with/sku", json!("ErGwScale"));
    case.also("gateway", "autoscale", json!({ "min": 2, "max": 4 }));
    case.also("connection", "fast_path", json!(true));
    let said_of = said(&case.found().await, "GW-SKU-FASTPATH");
    assert_eq!(said_of, ["ErGwScale with 2 units has no FastPath: it begins at ten"]);
}

#[tokio::test]
async fn a_gateway_is_judged_by_the_size_that_will_stand() {
    let mut case = Case::of(MAIN);
    with_subnet(&mut case, gateway_subnet("10.10.10.128/25"));
    case.add(standing_gateway("ErGw1AZ"));
    case.want("gateway", "/with/sku", json!("Standard"));
    assert_eq!(said(&case.found().await, "GW-ZONE"), Vec::<String>::new());
    // One that is not zone-redundant, and does more than is asked: its own name is said.
    let mut case = Case::of(MAIN);
    with_subnet(&mut case, gateway_subnet("10.10.10.128/25"));
    case.add(standing_gateway("UltraPerformance"));
    case.want("gateway", "/with/sku", json!("Standard"));
    let why = "UltraPerformance is not zone-redundant, and southeastasia has zones";
    assert_eq!(said(&case.found().await, "GW-ZONE"), [why]);
}

#[tokio::test]
async fn a_gateway_that_stands_and_is_to_be_connected_is_warned_of_as_one_that_is_made() {
    let found = Case::of(PREPARED).found().await;
    for rule in ["GW-ZONE", "GWS-SIZE-OLD"] {
        assert!(found.findings.iter().any(|own| own.rule == rule), "{rule} is judged");
        assert_eq!(said(&found, rule), Vec::<String>::new());
    }
    let mut case = Case::of(PREPARED);
    case.set(
        "ergw-hub-sea",
        "/properties/sku",
        json!({ "name": "HighPerformance", "tier": "HighPerformance" }),
    );
    let subnets = case.body("vnet-hub-sea")["properties"]["subnets"].as_array_mut().unwrap();
    let own = subnets.iter_mut().find(|own| own["name"] == "GatewaySubnet").unwrap();
    own["properties"]["addressPrefix"] = json!("10.10.10.128/29");
    let found = case.found().await;
    let why = "HighPerformance is not zone-redundant, and southeastasia has zones";
    assert_eq!(said(&found, "GW-ZONE"), [why]);
    assert_eq!(said(&found, "GWS-SIZE-OLD"), ["it is 10.10.10.128/29"]);
    assert!(found.blocking().all(|own| !["GW-ZONE", "GWS-SIZE-OLD"].contains(&own.rule)));
}

#[tokio::test]
async fn a_failed_connection_that_is_written_again_is_told_by_one_rule() {
    let mut case = Case::of(PREPARED);
    case.set("con-hub-sea-singapore", "/properties/provisioningState", json!("Failed"));
    let found = case.found().await;
    assert_eq!(said(&found, "LINK-STATE").len(), 1);
    assert_eq!(said(&found, "REF-STATE"), Vec::<String>::new());
}
