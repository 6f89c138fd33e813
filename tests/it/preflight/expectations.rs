//! What verifications wait for is judged path by path, for hubs as well, and by whether the circuit has IPv6.

use super::*;
use crate::support::Stage;

fn only_default(case: &mut Case, circuit: &str, paths: &[&str]) {
    for link in &mut case.world.onprem.links {
        if link.circuit.name() == circuit && paths.contains(&link.path.as_str()) {
            link.advertise = Some(vec!["0.0.0.0/0".parse().unwrap()]);
        }
    }
}

fn said(found: &Preflight, rule: &str) -> Vec<String> {
    let own = found.findings.iter().filter(|finding| finding.rule == rule);
    own.filter_map(|finding| match &finding.verdict {
        FindingVerdict::Failed(why) => Some(why.clone()),
        _ => None,
    })
    .collect()
}

#[tokio::test]
async fn each_path_of_a_circuit_has_to_bring_what_its_verification_expects() {
    let mut case = Case::of(MAIN);
    only_default(&mut case, "er-singapore", &["secondary"]);
    let found = case.found().await;
    let said = said(&found, "RT-EXPECTED");
    assert_eq!(said.len(), 1, "the gateway learns it from the other path: {said:?}");
    assert!(said[0].contains("10.100.0.0/16") && said[0].contains("secondary path"), "{said:?}");
}

#[tokio::test]
async fn a_hubs_table_has_to_get_what_its_verification_expects() {
    let well = Case::of(VWAN).found().await;
    assert_eq!(said(&well, "RT-EXPECTED"), Vec::<String>::new());
    let judged = well.findings.iter().filter(|finding| finding.rule == "RT-EXPECTED");
    assert!(judged.clone().all(|f| f.verdict == FindingVerdict::Passed), "what is judged passes");
    assert_eq!(judged.count(), 3, "two tables of the hub, and the circuit");
    let mut case = Case::of(VWAN);
    only_default(&mut case, "er-singapore", &["primary", "secondary"]);
    let found = case.found().await;
    let said = said(&found, "RT-EXPECTED");
    let of_hub = said.iter().filter(|why| why.contains("is not advertised by on-premises"));
    assert_eq!(of_hub.count(), 2, "both tables of the hub: {said:?}");
}

/// Gives the target's hub IPv6, and the circuit's private peering where it is told to.
fn dual_stack(case: &mut Case, peering: bool) {
    let space = &mut case.body("vnet-hub-sea")["properties"]["addressSpace"]["addressPrefixes"];
    space.as_array_mut().unwrap().push(json!("fd00:db8:1::/48"));
    if peering {
        let peerings = &mut case.body("er-singapore")["properties"]["peerings"];
        peerings[0]["properties"]["ipv6PeeringConfig"] = json!({
            "primaryPeerAddressPrefix": "fd00:aaaa::/126",
            "secondaryPeerAddressPrefix": "fd00:aaaa::4/126", "state": "Enabled" });
    }
}

#[tokio::test]
async fn ipv6_counts_only_over_a_private_peering_that_has_it() {
    for (peering, expect, warned, blocked) in
        [(false, false, 1, 0), (false, true, 1, 2), (true, true, 0, 0)]
    {
        let mut case = Case::of(MAIN);
        dual_stack(&mut case, peering);
        if expect {
            for step in ["routes_advertised", "circuit_routes"] {
                case.want(step, "/with/expect/0", json!("fd00:db8:1::/48"));
            }
        }
        let found = case.found().await;
        let counts = ["PEER-IPV6", "PEER-IPV6-EXPECTED"].map(|rule| said(&found, rule).len());
        assert_eq!(counts, [warned, blocked], "{peering} {expect}");
    }
}

#[tokio::test]
async fn a_hundred_prefixes_of_ipv6_are_all_that_a_circuit_takes() {
    for (count, fires) in [(100, false), (101, true)] {
        let mut case = Case::of(MAIN);
        dual_stack(&mut case, true);
        let nets: Vec<String> = (0..count).map(|n| format!("fd00:db8:{n:x}::/48")).collect();
        let all = [vec!["10.10.10.0/24".to_owned()], nets].concat();
        case.set("vnet-hub-sea", "/properties/addressSpace/addressPrefixes", json!(all));
        let found = case.found().await;
        assert_eq!(failed(&found).contains("RT-VNET"), fires, "{count}");
    }
}

/// A circuit on a port of the customer's own has no provider, and its bandwidth is its share of the port.
#[tokio::test]
async fn a_circuit_on_a_port_of_its_own_needs_no_provider() {
    for (state, fires) in [(None, false), (Some("NotProvisioned"), true)] {
        let mut case = Case::of(MAIN);
        let properties = case.body("er-singapore")["properties"].as_object_mut().unwrap();
        properties.remove("serviceProviderProvisioningState");
        properties.remove("serviceProviderProperties");
        properties.insert("bandwidthInGbps".to_owned(), json!(5));
        let port = format!("{CIR}/expressRoutePorts/port");
        properties.insert("expressRoutePort".to_owned(), json!({ "id": port }));
        if let Some(state) = state {
            properties.insert("serviceProviderProvisioningState".to_owned(), json!(state));
        }
        let found = case.found().await;
        assert_eq!(failed(&found).contains("CIR-PROVIDER"), fires, "{state:?}");
        // Sessions are looked for where they can be.
        assert_eq!(said(&found, "PEER-ONE-LEG"), Vec::<String>::new(), "{state:?}");
        let judged = found.findings.iter().any(|own| own.rule == "PEER-ONE-LEG");
        assert_ne!(judged, fires, "{state:?}");
    }
}

#[tokio::test]
async fn a_circuit_without_any_session_carries_nothing_and_is_refused() {
    for (down, one, none) in [(&[][..], 0, 0), (&[2], 1, 0), (&[2, 3], 0, 1)] {
        let mut case = Case::of(MAIN);
        for place in down {
            case.world.onprem.links[*place].up = false;
        }
        let found = case.found().await;
        let counts = ["PEER-ONE-LEG", "PEER-NO-LEG"].map(|rule| said(&found, rule).len());
        assert_eq!(counts, [one, none], "{down:?}");
        assert_eq!(found.blocking().count(), none, "{down:?}");
    }
}

/// There is one reason then, and it is told by the rule that it is of.
#[tokio::test]
async fn sessions_of_what_is_switched_off_are_not_looked_for() {
    for (pointer, value, rule) in [
        ("/properties/peerings/0/properties/state", "Disabled", "PEER-PRIVATE"),
        ("/properties/circuitProvisioningState", "Disabled", "CIR-ENABLED"),
        ("/properties/serviceProviderProvisioningState", "Deprovisioned", "CIR-PROVIDER"),
    ] {
        let mut case = Case::of(MAIN);
        case.set("er-singapore", pointer, json!(value));
        let found = case.found().await;
        assert!(failed(&found).contains(rule), "{rule}");
        let legs = found.findings.iter().filter(|own| own.rule.ends_with("-LEG"));
        assert_eq!(legs.count(), 0, "{rule}");
    }
}

/// The way home begins where the drill of the failover ended; what its verifications wait for is there already.
#[tokio::test]
async fn no_shipped_way_home_is_warned_of_what_its_own_drill_passes() {
    for failback in ["dr-circuit-failback.yaml", "same-circuit-failback.yaml"] {
        let lab = Stage::of(failback, "drill").await.lab();
        let clock = lab.clock();
        let azure = lab.arm(&clock).observer();
        let beside = BesideAzure::stand_in(Arc::clone(&clock));
        let facts = inquire(&lab.plan, &WithHost::new(&azure, &beside), &clock).await;
        let found = judge(&lab.plan, &facts);
        let mut own = found.findings.iter().filter(|finding| finding.rule == "RT-EXPECTED");
        assert!(
            own.all(|f| f.verdict == FindingVerdict::Passed),
            "{failback}: {:?}",
            found.findings
        );
    }
}

#[tokio::test]
async fn a_gateway_advertises_the_networks_that_it_speaks_for_and_no_more() {
    let why = "is in no network that the gateway speaks for by then";
    // A prefix of nobody, a part of one that a network has, and all that networks have.
    for (prefix, told) in [("10.77.0.0/16", true), ("10.1.0.0/16", true), ("10.1.0.128/25", false)]
    {
        let mut case = Case::of(MAIN);
        case.want("routes_advertised", "/with/expect/0", json!(prefix));
        let said = said(&case.found().await, "RT-EXPECTED");
        assert_eq!(said.iter().any(|own| own.contains(why)), told, "{prefix}: {said:?}");
    }
    // Where no step puts the spokes behind the gateway, it speaks for its own network alone.
    let case = ways::alone(&["proof.routes_advertised"]);
    assert_eq!(said(&case.found().await, "RT-EXPECTED"), [format!("10.1.0.0/24 {why}")]);
    // What a Route Server passes on is not seen before.
    let mut case = Case::of(MAIN);
    kept_hubs::route_server(&mut case, "vnet-hub-sea");
    case.want("routes_advertised", "/with/expect/0", json!("10.77.0.0/16"));
    let said = said(&case.found().await, "RT-EXPECTED");
    assert!(!said.iter().any(|own| own.contains(why)), "{said:?}");
}

/// A runbook that only looks waits in vain as well.
#[tokio::test]
async fn what_is_only_looked_at_has_to_come_too() {
    let of = async |steps: &[(&str, Value)], spoil: &dyn Fn(&mut Case)| {
        let mut case = Case::of(MAIN);
        case.world.regions_down.clear();
        case.only(steps);
        spoil(&mut case);
        said(&case.found().await, "RT-EXPECTED")
    };
    let gateway = |expect: &str| {
        json!({ "action": "verify.routes", "with": {
            "gateway": format!("{EA}/virtualNetworkGateways/ergw-hub-ea"), "expect": [expect] } })
    };
    let none: [String; 0] = [];
    assert_eq!(of(&[("a", gateway("10.100.0.0/16"))], &|_| {}).await, none);
    let future = of(&[("a", gateway("10.102.0.0/16"))], &|_| {}).await;
    assert_eq!(future, ["10.102.0.0/16 is not advertised by on-premises"]);
    let circuit = json!({ "action": "verify.circuit_routes", "with": {
        "circuit": format!("{CIR}/expressRouteCircuits/er-hongkong"),
        "expect": ["10.100.0.0/16", "10.1.0.0/24"], "absent": [] } });
    assert_eq!(of(&[("a", circuit.clone())], &|_| {}).await, none);
    let one_leg = |c: &mut Case| {
        for link in &mut c.world.onprem.links {
            link.up &= link.circuit.name() != "er-hongkong" || link.path.as_str() == "primary";
        }
    };
    let told = of(&[("a", circuit)], &one_leg).await;
    assert_eq!(told, ["10.100.0.0/16 is told by nobody on its secondary path"]);
}
