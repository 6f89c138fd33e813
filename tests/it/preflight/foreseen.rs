//! What an outside tester met in the middle of a failover, and a look beforehand could have told.

use super::*;

fn verdicts(found: &Preflight, rule: &str) -> Vec<FindingVerdict> {
    let own = found.findings.iter().filter(|finding| finding.rule == rule);
    own.map(|finding| finding.verdict.clone()).collect()
}

fn unknown(found: &Preflight, rule: &str) -> bool {
    verdicts(found, rule).iter().any(|own| matches!(own, FindingVerdict::Unknown(_)))
}

fn told(found: &Preflight, rule: &str) -> Vec<String> {
    let all = found.findings.iter().filter(|finding| finding.rule == rule);
    let failed = all.filter_map(|finding| match &finding.verdict {
        FindingVerdict::Failed(why) => Some(format!("{}: {why}", finding.about)),
        FindingVerdict::Passed | FindingVerdict::Unknown(_) => None,
    });
    failed.collect()
}

/// A circuit of ten connections, of which so many are used by subscriptions that are not listed.
fn spent(case: &mut Case, foreign: usize, more: &[String]) {
    case.set("er-singapore", "/sku/tier", json!("Standard"));
    let uri = |n| {
        format!(
            "/subscriptions/99999999-9999-9999-9999-99999999990{n}/resourceGroups/x/providers/\
             Microsoft.Network/connections/c"
        )
    };
    let all = (0..foreign).map(uri).chain(more.iter().cloned()).enumerate().map(|(n, uri)| {
        json!({ "name": format!("a{n}"), "properties": { "authorizationKey": format!("k{n}"),
            "authorizationUseStatus": "InUse", "connectionResourceUri": uri } })
    });
    let all: Vec<Value> = all.collect();
    case.body("er-singapore")["properties"]["authorizations"] = json!(all);
}

#[tokio::test]
async fn connections_of_subscriptions_that_are_not_listed_are_counted_by_their_authorizations() {
    // One stands in a listed subscription and is named by its authorization as well: it counts once.
    for (foreign, full) in [(8, false), (9, true)] {
        let mut case = Case::of(MAIN);
        let listed = format!("{SEA}/connections/con-listed");
        let gateway = format!("{SEA}/virtualNetworkGateways/gw");
        case.add(link("con-listed", &gateway, "er-singapore", 0));
        spent(
            &mut case,
            foreign,
            &[listed.to_ascii_uppercase().replace("SUBSCRIPTIONS", "subscriptions")],
        );
        let found = case.found().await;
        assert_eq!(
            failed(&found).contains("LINK-COUNT"),
            full,
            "{:?}",
            verdicts(&found, "LINK-COUNT")
        );
        // Nobody knows which addresses are there.
        assert!(
            unknown(&found, "ADDR-SAME-CIRCUIT"),
            "{:?}",
            verdicts(&found, "ADDR-SAME-CIRCUIT")
        );
    }
    let mut case = Case::of(MAIN);
    spent(&mut case, 0, &[]);
    let found = case.found().await;
    assert_eq!(verdicts(&found, "ADDR-SAME-CIRCUIT"), [FindingVerdict::Passed]);
}

#[tokio::test]
async fn authorizations_that_do_not_say_who_spent_them_are_counted_too() {
    // Each connection spends one at most: one that stands may be the one behind any of them.
    for (foreign, standing, full) in [(9, false, false), (10, false, true), (10, true, true)] {
        let mut case = Case::of(MAIN);
        if standing {
            let gateway = format!("{SEA}/virtualNetworkGateways/gw");
            case.add(link("con-listed", &gateway, "er-singapore", 0));
        }
        spent(&mut case, foreign, &[]);
        for own in case.body("er-singapore")["properties"]["authorizations"].as_array_mut().unwrap()
        {
            own["properties"].as_object_mut().unwrap().remove("connectionResourceUri");
        }
        let found = case.found().await;
        let said = verdicts(&found, "LINK-COUNT");
        assert_eq!(failed(&found).contains("LINK-COUNT"), full, "{foreign} {standing}: {said:?}");
        assert!(unknown(&found, "ADDR-SAME-CIRCUIT"), "{foreign} {standing}");
    }
    // One that stands spends one: nobody else is on the circuit for all that is known.
    let mut case = Case::of(MAIN);
    let gateway = format!("{SEA}/virtualNetworkGateways/gw");
    case.add(link("con-listed", &gateway, "er-singapore", 0));
    spent(&mut case, 1, &[]);
    case.body("er-singapore")["properties"]["authorizations"][0]["properties"]
        .as_object_mut()
        .unwrap()
        .remove("connectionResourceUri");
    let said = verdicts(&case.found().await, "ADDR-SAME-CIRCUIT");
    assert!(
        said.iter().all(
            |own| !matches!(own, FindingVerdict::Unknown(why) if why.contains("neither listed"))
        ),
        "{said:?}"
    );
}

#[tokio::test]
async fn what_a_subnet_carries_must_be_ours_to_join_when_it_is_written() {
    let in_sec = |kind: &str, name: &str| {
        format!(
            "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-sec/providers/\
             Microsoft.Network/{kind}/{name}"
        )
    };
    let (group, way_out) = (in_sec("networkSecurityGroups", "nsg"), in_sec("natGateways", "nat"));
    let case = |more: Value| {
        let mut case = Case::of(MAIN);
        let one = "/subscriptions/11111111-1111-1111-1111-111111111111";
        let mut rights = vec![
            json!({ "scope": format!("{one}/resourceGroups/rg-network-sea"), "actions": ["*"] }),
            json!({ "scope": one, "actions": ["*/read"] }),
            json!({ "scope": "/subscriptions/22222222-2222-2222-2222-222222222222", "actions": ["*"] }),
        ];
        rights.extend(more.as_array().unwrap().iter().cloned());
        case.world.rights = Some(serde_json::from_value(json!(rights)).unwrap());
        case.add(json!({ "id": group, "location": "southeastasia", "properties": {} }));
        let subnets = case.body("vnet-app1-sea")["properties"]["subnets"].as_array_mut().unwrap();
        let own = subnets.iter_mut().find(|own| own["name"] == "snet-app").unwrap();
        own["properties"]["networkSecurityGroup"] = json!({ "id": group });
        own["properties"]["natGateway"] = json!({ "id": way_out });
        case
    };
    let found = case(json!([])).found().await;
    let said = told(&found, "RBAC").join("; ");
    assert!(
        said.contains(
            "networkSecurityGroups/join/action is missing (step `spoke_association.app1`)"
        ) && said.contains("natGateways/join/action"),
        "{said}"
    );
    // Where somebody has the right on the single resource, that is enough.
    let join = |id: &str| json!({ "scope": id, "actions": ["*/join/action"] });
    let found = case(json!([join(&group), join(&way_out)])).found().await;
    assert_eq!(told(&found, "RBAC"), Vec::<String>::new());
}

#[tokio::test]
async fn policies_are_asked_about_changes_of_subnets_and_about_authorizations() {
    for (kind, what) in [
        ("Microsoft.Network/virtualNetworks/subnets", "snet-app"),
        ("Microsoft.Network/expressRouteCircuits/authorizations", "auth-hub-sea"),
    ] {
        let mut case = Case::of(MAIN);
        let policy = json!([{ "name": "no-more", "types": [kind] }]);
        case.world.policies = serde_json::from_value(policy).unwrap();
        let found = case.found().await;
        let said = told(&found, "POLICY-DENY").join("; ");
        assert!(said.contains(what), "{said}");
    }
}

/// A subnet that is left without its table is what the landing zones' policies deny; names and circuits are written, too.
#[tokio::test]
async fn policies_are_asked_about_what_is_taken_off_and_about_names_and_circuits() {
    let subnet = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/snet-x");
    let table = format!("{SEA}/routeTables/rt-old");
    let subnets = "Microsoft.Network/virtualNetworks/subnets";
    for stands in [true, false] {
        let mut case = Case::of(MAIN);
        case.world.policies =
            serde_json::from_value(json!([{ "name": "no-more", "types": [subnets] }])).unwrap();
        let subnets = case.body("vnet-app1-sea")["properties"]["subnets"].as_array_mut().unwrap();
        let mut own =
            json!({ "name": "snet-x", "properties": { "addressPrefix": "10.1.0.128/26" } });
        if stands {
            own["properties"]["routeTable"] = json!({ "id": table });
        }
        subnets.push(own);
        let with = json!({ "subnet": subnet, "route_table": table });
        case.instead("circuit_layer2", json!({ "action": "route_table.dissociate", "with": with }));
        let said = told(&case.found().await, "POLICY-DENY").join("; ");
        assert_eq!(said.contains("snet-x"), stands, "{said}");
    }
    for (runbook, kind, action, what) in [
        (VPN, "Microsoft.Network/privateDnsZones/A", None, "portal"),
        (
            MAIN,
            "Microsoft.Network/expressRouteCircuits",
            Some(json!({ "action": "circuit.bandwidth", "with": {
                "id": format!("{CIR}/expressRouteCircuits/er-singapore"), "mbps_min": 10_000 } })),
            "er-singapore",
        ),
    ] {
        let mut case = Case::of(runbook);
        case.world.policies =
            serde_json::from_value(json!([{ "name": "no-more", "types": [kind] }])).unwrap();
        if let Some(action) = action {
            case.instead("circuit_layer2", action);
        }
        let said = told(&case.found().await, "POLICY-DENY").join("; ");
        assert!(said.contains(what), "{kind}: {said}");
    }
}

#[tokio::test]
async fn a_right_that_only_an_undo_needs_stops_no_failover() {
    let mut case = Case::of(MAIN);
    without(&mut case, "*/authorizations/delete");
    let found = case.found().await;
    assert_eq!(told(&found, "RBAC"), Vec::<String>::new());
    assert!(found.blocking().all(|own| own.rule != "RBAC-UNDO"));
    let said = told(&found, "RBAC-UNDO").join("; ");
    assert!(
        said.contains("authorizations/delete") && said.contains("could not be taken back"),
        "{said}"
    );
    // What a step itself removes, it must be allowed to.
    let mut case = Case::of("same-circuit-swap.yaml");
    without(&mut case, "*/connections/delete");
    let found = case.found().await;
    assert!(found.blocking().any(|own| own.rule == "RBAC"), "{:?}", verdicts(&found, "RBAC"));
}

/// A circuit on a port of ExpressRoute Direct.
fn on_port(case: &mut Case, tier: &str, place: Option<&str>) {
    let port = format!("{CIR}/expressRoutePorts/port");
    let properties = case.body("er-singapore")["properties"].as_object_mut().unwrap();
    properties.remove("serviceProviderProvisioningState");
    properties.remove("serviceProviderProperties");
    properties.insert("bandwidthInGbps".to_owned(), json!(1));
    properties.insert("expressRoutePort".to_owned(), json!({ "id": port }));
    case.set("er-singapore", "/sku/tier", json!(tier));
    if let Some(place) = place {
        case.add(json!({ "id": port, "location": "southeastasia", "properties": {
            "peeringLocation": place, "bandwidthInGbps": 10 } }));
    }
}

#[tokio::test]
async fn a_circuit_of_expressroute_direct_is_where_its_port_is() {
    let geo = ["GEO-LOCAL", "GEO-STANDARD", "GEO-CLOUD", "GEO-DIRECT"];
    for (tier, place, fires) in [
        ("Local", "Equinix-London-LD5", Some("GEO-LOCAL")),
        ("Standard", "Equinix-London-LD5", Some("GEO-STANDARD")),
        ("Premium", "Equinix-London-LD5", None),
        ("Premium", "Beijing", Some("GEO-CLOUD")),
        ("Local", "Equinix-Singapore-SG1", None),
        ("Standard", "Singapore2", None),
    ] {
        let mut case = Case::of(MAIN);
        on_port(&mut case, tier, Some(place));
        let found = case.found().await;
        let fired: Vec<_> = geo.into_iter().filter(|rule| failed(&found).contains(rule)).collect();
        assert_eq!(fired, fires.into_iter().collect::<Vec<_>>(), "{tier} {place}");
        let doubts: Vec<_> = geo.into_iter().filter(|rule| unknown(&found, rule)).collect();
        assert_eq!(doubts, Vec::<&str>::new(), "{tier} {place}");
    }
}

#[tokio::test]
async fn where_a_local_circuit_belongs_does_not_matter_to_the_regions_that_it_names() {
    for (tier, place, inferred) in [
        ("Local", "Madrid Metro", false),
        ("Local", "Madrid", false),
        ("Standard", "Madrid Metro", true),
    ] {
        let mut case = Case::of(MAIN);
        for step in ["gateway", "connection"] {
            case.want(step, "/with/location", json!("spaincentral"));
        }
        case.set("er-singapore", "/sku/tier", json!(tier));
        let at = "/properties/serviceProviderProperties/peeringLocation";
        case.set("er-singapore", at, json!(place));
        let found = case.found().await;
        assert_eq!(failed(&found).contains("GEO-INFERRED"), inferred, "{tier} {place}");
        assert!(!unknown(&found, "GEO-LOCAL") && !unknown(&found, "GEO-STANDARD"));
        assert!(!failed(&found).contains("GEO-LOCAL"), "{tier} {place}");
    }
}

#[tokio::test]
async fn the_reach_of_a_port_that_cannot_be_read_is_not_known() {
    let mut case = Case::of(MAIN);
    on_port(&mut case, "Standard", Some("Singapore"));
    let refused = json!({ "method": "GET", "resource": "*/expressRoutePorts/*", "times": 99,
        "effect": { "refuse": { "status": 403, "code": "AuthorizationFailed" } } });
    case.world.faults.push(serde_json::from_value(refused).unwrap());
    let found = case.found().await;
    for rule in ["GEO-STANDARD", "GEO-DIRECT"] {
        assert!(unknown(&found, rule), "{rule}: {:?}", verdicts(&found, rule));
    }
    let mut case = Case::of(MAIN);
    on_port(&mut case, "Local", None);
    let found = case.found().await;
    assert!(unknown(&found, "GEO-LOCAL") && failed(&found).contains("GEO-DIRECT"));
}

#[tokio::test]
async fn a_size_that_azure_would_not_take_back_is_told_before_the_run() {
    for (has, wanted, stays) in
        [("ErGw1AZ", "ErGw3AZ", true), ("ErGw1AZ", "ErGw2AZ", false), ("ErGw2AZ", "ErGw1AZ", false)]
    {
        let mut case = Case::of(MAIN);
        with_subnet(&mut case, gateway_subnet("10.10.10.128/25"));
        case.add(standing_gateway(has));
        case.want("gateway", "/with/sku", json!(wanted));
        let found = case.found().await;
        assert_eq!(!told(&found, "GW-RESIZE-UNDO").is_empty(), stays, "{has} {wanted}");
        assert!(found.blocking().all(|own| own.rule != "GW-RESIZE-UNDO"));
    }
}

#[tokio::test]
async fn a_gateway_that_azure_does_not_let_go_is_told_before_the_run() {
    let swap = |model: &str| {
        let mut case = Case::of("same-circuit-swap.yaml");
        case.set("ergw-hub-ea", "/properties/resiliencyModel", json!(model));
        case
    };
    let found = swap("MultiHomed").found().await;
    let stops: Vec<_> = found.blocking().filter(|own| own.rule == "GW-MULTIHOMED").collect();
    assert_eq!(stops.len(), 1, "{:?}", verdicts(&found, "GW-MULTIHOMED"));
    assert_eq!(stops[0].about, "con-hub-ea-hongkong");
    assert!(told(&swap("SingleHomed").found().await, "GW-MULTIHOMED").is_empty());
    // The gateway itself.
    let mut case = swap("MultiHomed");
    let gateway = format!("{EA}/virtualNetworkGateways/ergw-hub-ea");
    let removal = json!({ "action": "remove", "with": { "kind": "gateway", "id": gateway } });
    case.instead("disconnect", removal);
    assert!(failed(&case.found().await).contains("GW-MULTIHOMED"));
    // One that only gains a connection: the run goes on, and its undo would not.
    let mut case = Case::of(MAIN);
    with_subnet(&mut case, gateway_subnet("10.10.10.128/25"));
    case.add(standing_gateway("ErGw1AZ"));
    case.set("ergw-hub-sea", "/properties/resiliencyModel", json!("MultiHomed"));
    let found = case.found().await;
    assert_eq!(told(&found, "GW-MULTIHOMED-UNDO").len(), 1);
    assert!(found.blocking().all(|own| !own.rule.starts_with("GW-MULTIHOMED")));
}

#[tokio::test]
async fn the_machine_that_waits_for_the_cleanup_of_its_test_failover_is_named() {
    let mut case = Case::of(PREPARED);
    case.set("vm-db", "/properties/testFailoverState", json!("WaitingForCompletion"));
    let found = case.found().await;
    let said = told(&found, "ASR-OPS").join("; ");
    assert!(said.contains("vm-db waits for the cleanup of its test failover"), "{said}");
    let pending = told(&found, "ASR-TFO-PENDING");
    assert!(pending.len() == 1 && pending[0].contains("vm-db"), "{pending:?}");
}

#[tokio::test]
async fn a_subscription_that_takes_no_writes_is_found_and_takes_none() {
    let mut case = Case::of(MAIN);
    case.world.disabled.push("22222222-2222-2222-2222-222222222222".to_owned());
    let found = case.found().await;
    let stops: Vec<_> = found.blocking().filter(|own| own.rule == "SUB-STATE").collect();
    assert_eq!(stops.len(), 1, "{:?}", verdicts(&found, "SUB-STATE"));
    assert!(stops[0].about.contains("22222222"), "{}", stops[0].about);
}
