//! Gateways and peers beside those of the runbook: what stands is read before it is judged, and what an
//! earlier step changes counts.

use backroad::model::RunOutcome;
use backroad::preflight::FindingVerdict;
use backroad::sim::Scenario;
use serde_json::json;

use super::{
    case_plan, case_text, compile_text, drill, failed, of, preflight, set, shipped, world,
};

#[tokio::test]
async fn a_vpn_gateway_in_the_same_subnet_stops_nothing() {
    let (plan, scenario) = (shipped("dr-circuit.yaml"), world("vpn-beside-world.yaml"));
    let found = preflight(&plan, &scenario).await;
    let findings = of(&found, "GW-ONE");
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].verdict, FindingVerdict::Passed);
    assert_eq!(found.blocking().count(), 0, "{:?}", failed(&found));
    assert_eq!(drill(&plan, &scenario).await.0, RunOutcome::Succeeded);
}

#[tokio::test]
async fn a_gateway_that_cannot_be_read_is_neither_judged_nor_passed() {
    let mut scenario = world("vpn-beside-world.yaml");
    let refuse = json!({ "method": "GET", "resource": "*/virtualnetworkgateways/vpngw-hub-sea",
        "times": 99, "effect": { "refuse": { "status": 403, "code": "AuthorizationFailed" } } });
    scenario.faults.push(serde_json::from_value(refuse).unwrap());
    let found = preflight(&shipped("dr-circuit.yaml"), &scenario).await;
    let FindingVerdict::Unknown(why) = &of(&found, "GW-ONE")[0].verdict else { panic!() };
    assert!(why.contains("vpngw-hub-sea"), "{why}");
    assert_eq!(found.blocking().count(), 0);
}

#[tokio::test]
async fn another_expressroute_gateway_in_the_subnet_stops_the_run() {
    let mut scenario = world("vpn-beside-world.yaml");
    set(&mut scenario, "vpngw-hub-sea", "/properties/gatewayType", json!("ExpressRoute"));
    set(
        &mut scenario,
        "vpngw-hub-sea",
        "/properties/sku",
        json!({ "name": "ErGw1AZ", "tier": "ErGw1AZ" }),
    );
    let found = preflight(&shipped("dr-circuit.yaml"), &scenario).await;
    assert!(failed(&found).contains("GW-ONE"));
}

/// Connections that cannot be listed are no proof that there are none.
#[tokio::test]
async fn what_reads_connections_says_that_it_could_not() {
    let mut scenario = world("vpn-beside-world.yaml");
    let refuse = json!({ "method": "GET", "resource": "/subscriptions/*/resources", "times": 99,
        "effect": { "refuse": { "status": 403, "code": "AuthorizationFailed" } } });
    scenario.faults.push(serde_json::from_value(refuse).unwrap());
    let found = preflight(&shipped("dr-circuit.yaml"), &scenario).await;
    for rule in [
        "LINK-DUP",
        "LINK-ECMP",
        "LINK-WEIGHT-ORDER",
        "LINK-COUNT",
        "GW-SKU-CIRCUITS",
        "GW-SKU-LOC4",
        "ADDR-SAME-CIRCUIT",
    ] {
        let findings = of(&found, rule);
        let unknown = findings.iter().all(|f| matches!(f.verdict, FindingVerdict::Unknown(_)));
        assert!(unknown && !findings.is_empty(), "{rule}: {findings:?}");
    }
}

fn hubs() -> Scenario {
    world("spoke-changes-hub-world.yaml")
}

#[tokio::test]
async fn a_spoke_may_leave_one_hub_and_then_use_another() {
    let plan = case_plan(&case_text("spoke-changes-hub.yaml"));
    let found = preflight(&plan, &hubs()).await;
    assert_eq!(found.blocking().count(), 0, "{:?}", failed(&found));
    assert_eq!(drill(&plan, &hubs()).await.0, RunOutcome::Succeeded);
}

/// The same steps the other way round, or beside one another.
#[tokio::test]
async fn the_other_order_is_an_error_of_the_runbook() {
    let text = case_text("spoke-changes-hub.yaml");
    let other = text
        .replace("    needs: off_a\n", "")
        .replace("    title: Spoke no longer", "    needs: on_b\n    title: Spoke no longer")
        .replace("    needs: on_b\n    action: verify", "    needs: off_a\n    action: verify");
    let beside = text
        .replace("    needs: off_a\n", "")
        .replace("    needs: on_b\n", "    needs: [off_a, on_b]\n");
    for text in [other, beside] {
        let compiled = compile_text(&text);
        let plan = compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
        let found = preflight(&plan, &hubs()).await;
        let FindingVerdict::Failed(why) = &of(&found, "VP-ONE-REMOTE")[0].verdict else {
            panic!("{:?}", of(&found, "VP-ONE-REMOTE"))
        };
        assert!(why.contains("spoke-to-hub-a") && why.contains("`off_a`"), "{why}");
        assert!(found.blocking().count() > 0);
    }
}

/// A side that is removed first is not there when the other one is to use a gateway.
#[tokio::test]
async fn a_peering_that_is_removed_first_counts_for_nothing() {
    let text = case_text("spoke-changes-hub.yaml");
    let (before, after) = text.split_once("    action: peering.ensure\n").unwrap();
    let (_, after) = after.split_once("  on_b:").unwrap();
    let spoke = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network/virtualNetworks/vnet-spoke";
    let removed = format!(
        "{before}    action: peering.remove\n    with: {{ id: {spoke}/virtualNetworkPeerings/spoke-to-hub-a }}\n  on_b:{after}"
    );
    let plan = case_plan(&removed);
    let found = preflight(&plan, &hubs()).await;
    assert_eq!(found.blocking().count(), 0, "{:?}", failed(&found));
    assert_eq!(drill(&plan, &hubs()).await.0, RunOutcome::Succeeded);
}

#[tokio::test]
async fn a_gateway_that_the_hub_does_not_lend_is_not_used() {
    let mut scenario = hubs();
    let pointer = "/properties/virtualNetworkPeerings/0/properties/allowGatewayTransit";
    set(&mut scenario, "vnet-hub-b", pointer, json!(false));
    let found = preflight(&case_plan(&case_text("spoke-changes-hub.yaml")), &scenario).await;
    let FindingVerdict::Failed(why) = &of(&found, "VP-LENDS")[0].verdict else { panic!() };
    assert!(why.contains("hub-b-to-spoke"), "{why}");
}

/// Azure takes one peering to a network: one that an earlier step removes is none, one that is removed at the same
/// time may be there still.
#[tokio::test]
async fn another_peering_to_the_same_network_stops_the_run_unless_it_is_removed_first() {
    let text = case_text("spoke-changes-hub.yaml");
    let renamed = text.replace("name: spoke-to-hub-b", "name: spoke-to-b");
    let found = preflight(&case_plan(&renamed), &hubs()).await;
    let all = of(&found, "VP-TWICE");
    let FindingVerdict::Failed(why) = &all[0].verdict else { panic!("{all:?}") };
    assert_eq!(why, "spoke-to-hub-b of vnet-spoke leads to vnet-hub-b by then");
    assert_eq!((all[0].word(), all[0].about.as_str()), ("failed", "vnet-spoke/spoke-to-b"));
    let spoke = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network/virtualNetworks/vnet-spoke";
    let gone = format!(
        "  gone:\n    title: The other one is gone\n    action: peering.remove\n    with: {{ id: {spoke}/virtualNetworkPeerings/spoke-to-hub-b }}\n  heard:"
    );
    let beside = renamed.replace("  heard:", &gone);
    let first = beside.replace("    needs: off_a\n", "    needs: [off_a, gone]\n");
    for (text, stops) in [(beside, true), (first, false)] {
        let found = preflight(&case_plan(&text), &hubs()).await;
        assert_eq!(failed(&found).contains("VP-TWICE"), stops, "{text}");
    }
}

#[tokio::test]
async fn a_policy_based_or_basic_vpn_gateway_in_the_subnet_stops_the_run() {
    for (pointer, value, why) in [
        ("/properties/vpnType", json!("PolicyBased"), "vpngw-hub-sea is policy-based"),
        (
            "/properties/sku",
            json!({ "name": "Basic", "tier": "Basic" }),
            "vpngw-hub-sea is of the SKU Basic",
        ),
    ] {
        let (plan, mut scenario) = (shipped("dr-circuit.yaml"), world("vpn-beside-world.yaml"));
        set(&mut scenario, "vpngw-hub-sea", pointer, value);
        let found = preflight(&plan, &scenario).await;
        let all = of(&found, "VPN-BESIDE");
        assert_eq!(all[0].verdict, FindingVerdict::Failed(why.to_owned()));
        assert!(all[0].blocks());
        assert_ne!(drill(&plan, &scenario).await.0, RunOutcome::Succeeded);
    }
}

/// A failback does not tell anybody to cut another's VPN so that a subnet can go.
#[tokio::test]
async fn a_subnet_with_somebody_elses_gateway_is_to_be_left_where_it_is() {
    let gateway = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network/virtualNetworkGateways/vpngw-hub-sea";
    let subnet = gateway.replace(
        "virtualNetworkGateways/vpngw-hub-sea",
        "virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet",
    );
    let text = |needs: &str, more: &str| {
        format!(
            "runbook: r\ntitle: R\nprofiles:\n  drill: {{ world: world.yaml }}\nsteps:\n  subnet_gone:\n{needs}    \
             title: S\n    action: subnet.remove\n    with: {{ id: {subnet} }}\n{more}"
        )
    };
    let mine = format!(
        "  mine:\n    title: G\n    action: vpn_gateway.remove\n    with: {{ id: {gateway} }}\n"
    );
    for (text, why) in [
        (text("", ""), Some("vpngw-hub-sea stands in it, and no step removes that")),
        (
            text("", &mine),
            Some(
                "vpngw-hub-sea stands in it; step `mine` removes that, and does not come before this one",
            ),
        ),
        (text("    needs: mine\n", &mine), None),
    ] {
        let found = preflight(&case_plan(&text), &world("vpn-beside-world.yaml")).await;
        let all = of(&found, "GWS-DELETE");
        let own = all.first().map(|own| own.verdict.clone());
        assert_eq!(own, why.map(|why| FindingVerdict::Failed(why.to_owned())));
        assert!(
            all.iter()
                .all(|own| own.blocks() && own.fix.contains("leave the subnet's removal out"))
        );
        assert!(!failed(&found).contains("GW-DELETE"));
    }
}

/// Azure compares with everybody that both networks are peered with (`VnetAddressSpaceOverlapsWithAlreadyPeeredVnet`).
#[tokio::test]
async fn addresses_of_all_peers_of_both_networks_are_compared() {
    let mut scenario = hubs();
    let plan = shipped("dr-circuit.yaml");
    // A spoke elsewhere with the addresses of app1, peered with the hub of the target.
    let stranger = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network/virtualNetworks/vnet-stranger";
    let hub = stranger.replace("vnet-stranger", "vnet-hub-sea");
    let side = |name: &str, remote: &str| {
        json!([{ "name": name, "properties": { "remoteVirtualNetwork": { "id": remote },
            "peeringState": "Connected", "peeringSyncLevel": "FullyInSync" } }])
    };
    scenario.resources.push(json!({ "id": stranger, "location": "southeastasia", "properties": {
        "addressSpace": { "addressPrefixes": ["10.1.0.0/25"] }, "subnets": [],
        "virtualNetworkPeerings": side("to-hub", &hub) } }));
    set(
        &mut scenario,
        "vnet-hub-sea",
        "/properties/virtualNetworkPeerings",
        side("to-stranger", stranger),
    );
    let found = preflight(&plan, &scenario).await;
    let hits: Vec<&String> = of(&found, "ADDR-PEERING")
        .into_iter()
        .filter_map(|f| match &f.verdict {
            FindingVerdict::Failed(why) => Some(why),
            _ => None,
        })
        .collect();
    assert!(hits.iter().all(|why| why.contains("vnet-stranger")) && !hits.is_empty(), "{hits:?}");
}
