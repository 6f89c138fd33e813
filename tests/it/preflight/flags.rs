//! What the flags of a peering let through, and that a network with a remote gateway makes none of its own.

use super::*;

fn flags(found: &Preflight, about: &str) -> Option<String> {
    let mut own = found.findings.iter().filter(|finding| finding.rule == "VP-FLAGS");
    own.find_map(|finding| match &finding.verdict {
        FindingVerdict::Failed(why) if finding.about == about => Some(why.clone()),
        _ => None,
    })
}

#[tokio::test]
async fn a_side_without_access_or_with_both_flags_of_the_gateway_is_told() {
    let mut case = Case::of(MAIN);
    let mut stored = serde_json::to_value(&case.step("spoke_to_hub.app1").action).unwrap();
    stored["with"]["allow_access"] = json!(false);
    case.instead("spoke_to_hub.app1", stored);
    let why = flags(&case.found().await, "vnet-app1-sea/app1-to-hub").unwrap();
    assert_eq!(why, "allow_access is false: its network and vnet-hub-sea are apart");
    let mut case = Case::of(MAIN);
    let mut stored = serde_json::to_value(&case.step("spoke_to_hub.app1").action).unwrap();
    stored["with"]["allow_gateway_transit"] = json!(true);
    case.instead("spoke_to_hub.app1", stored);
    let why = flags(&case.found().await, "vnet-app1-sea/app1-to-hub").unwrap();
    assert!(why.starts_with("it both lends and uses"), "{why}");
}

#[tokio::test]
async fn a_side_that_drops_what_an_appliance_forwards_is_told_where_one_forwards() {
    // The author says no, or says nothing and Azure's default is no.
    for said in [json!(false), Value::Null] {
        let mut case = Case::of(MAIN);
        let mut stored = serde_json::to_value(&case.step("spoke_to_hub.app1").action).unwrap();
        stored["with"]["allow_forwarded_traffic"] = said;
        case.instead("spoke_to_hub.app1", stored);
        let why = flags(&case.found().await, "vnet-app1-sea/app1-to-hub").unwrap();
        assert!(why.contains("appliance 10.10.10.10 of vnet-hub-sea forwards"), "{why}");
    }
    // The appliance is the hub's: what the hub's side does not take is nothing.
    let mut case = Case::of(MAIN);
    case.want("hub_to_spoke.app1", "/with/allow_forwarded_traffic", json!(false));
    assert_eq!(flags(&case.found().await, "vnet-hub-sea/hub-to-app1"), None);
    // Without a table that leads to it, none forwards to the spoke.
    let mut case = Case::of(MAIN);
    case.want("spoke_to_hub.app1", "/with/allow_forwarded_traffic", json!(false));
    for table in ["spoke_routes", "hub_routes"] {
        let Action::RouteTable(table) = &mut case.step(table).action else { panic!() };
        table.routes.iter_mut().for_each(|route| route.next_hop = NextHop::None);
    }
    assert_eq!(flags(&case.found().await, "vnet-app1-sea/app1-to-hub"), None);
}

fn uses(case: &mut Case) {
    let side = json!([{ "name": "to-core", "properties": {
        "remoteVirtualNetwork": { "id": format!("{EA}/virtualNetworks/vnet-hub-ea") },
        "useRemoteGateways": true, "peeringState": "Connected" } }]);
    case.set("vnet-hub-sea", "/properties/virtualNetworkPeerings", side);
}

#[tokio::test]
async fn a_network_that_uses_a_remote_gateway_makes_none_of_either_kind() {
    for runbook in [MAIN, VPN] {
        let mut case = Case::of(runbook);
        uses(&mut case);
        assert!(failed(&case.found().await).contains("VP-OWN-GW"), "{runbook}");
    }
    // A step that comes before takes the flag away.
    let mut case = Case::of(MAIN);
    uses(&mut case);
    let side = format!("{SEA}/virtualNetworks/vnet-hub-sea/virtualNetworkPeerings/to-core");
    let gone = json!({ "action": "remove", "with": { "kind": "peering", "id": side } });
    case.instead("gateway_subnet", gone);
    assert!(!failed(&case.found().await).contains("VP-OWN-GW"));
    // The same step, after the gateway.
    let mut case = Case::of(MAIN);
    uses(&mut case);
    let gone = json!({ "action": "remove", "with": { "kind": "peering", "id": side } });
    case.instead("bgp_up", gone);
    case.step("bgp_up").ensure.clear();
    let found = case.found().await;
    let told = found.findings.iter().find(|finding| finding.rule == "VP-OWN-GW").unwrap();
    let FindingVerdict::Failed(why) = &told.verdict else { panic!("{told:?}") };
    assert!(why.ends_with("step `bgp_up` takes that away, and does not come before this one"));
}

/// Nothing says which of both comes first.
#[tokio::test]
async fn a_peering_that_is_made_beside_the_gateway_counts() {
    let mut case = Case::of(MAIN);
    let mut step = case.step("hub_to_spoke.app1").clone();
    step.name = StepName::parse("to_core").unwrap();
    step.action = serde_json::from_value(json!({ "action": "peering.ensure", "with": {
        "id": format!("{SEA}/virtualNetworks/vnet-hub-sea/virtualNetworkPeerings/to-core"),
        "remote": format!("{EA}/virtualNetworks/vnet-hub-ea"), "use_remote_gateways": true } }))
    .unwrap();
    case.plan.steps.push(step);
    assert!(failed(&case.found().await).contains("VP-OWN-GW"));
}

/// What that costs the network, other rules say.
#[tokio::test]
async fn a_side_that_is_taken_off_a_gateway_on_purpose_is_no_mistake() {
    let id = format!("{EA}/virtualNetworks/vnet-app1-ea/virtualNetworkPeerings/app1-to-hub");
    let remote = format!("{EA}/virtualNetworks/vnet-hub-ea");
    let off = json!({ "action": "peering.ensure", "with": { "id": id, "remote": remote,
        "allow_forwarded_traffic": true, "use_remote_gateways": false } });
    let mut case = Case::of(MAIN);
    case.only(&[("off", off.clone())]);
    assert_eq!(flags(&case.found().await, "vnet-app1-ea/app1-to-hub"), None);
    // One that used none before is a mistake.
    let mut case = Case::of(MAIN);
    case.only(&[("off", off)]);
    case.set(
        "vnet-app1-ea",
        "/properties/virtualNetworkPeerings/0/properties/useRemoteGateways",
        json!(false),
    );
    let why = "it neither lends nor uses a gateway".to_owned();
    assert_eq!(flags(&case.found().await, "vnet-app1-ea/app1-to-hub"), Some(why));
}

/// A spoke that stands behind another hub's gateway, and leaves it for ours: as `taken` says.
fn leaves(taken: &Value, then: bool) -> Case {
    let mut case = Case::of(MAIN);
    let (core, app) = (
        format!("{EA}/virtualNetworks/vnet-hub-ea"),
        format!("{SEA}/virtualNetworks/vnet-app1-sea"),
    );
    let side = |remote: &str, lends: bool| {
        json!({ "remoteVirtualNetwork": { "id": remote },
        "allowGatewayTransit": lends, "useRemoteGateways": !lends, "allowForwardedTraffic": true,
        "allowVirtualNetworkAccess": true, "peeringState": "Connected", "peeringSyncLevel": "FullyInSync" })
    };
    case.body("vnet-app1-sea")["properties"]["virtualNetworkPeerings"] =
        json!([{ "name": "to-core", "properties": side(&core, false) }]);
    let sides = &mut case.body("vnet-hub-ea")["properties"]["virtualNetworkPeerings"];
    if !sides.is_array() {
        *sides = json!([]);
    }
    sides.as_array_mut().unwrap().push(json!({ "name": "to-app", "properties": side(&app, true) }));
    let mut off = case.step("hub_to_spoke.app1").clone();
    off.name = StepName::parse("off").unwrap();
    off.action =
        serde_json::from_value(json!({ "action": "peering.ensure", "with": taken })).unwrap();
    case.plan.steps.push(off);
    case.step("spoke_to_hub.app1").needs.push(StepName::parse("off").unwrap());
    if !then {
        case.want("spoke_to_hub.app1", "/with/use_remote_gateways", json!(false));
    }
    case
}

#[tokio::test]
async fn a_spoke_that_goes_from_one_hub_to_another_is_told_nothing() {
    let core = format!("{EA}/virtualNetworks/vnet-hub-ea");
    let side = json!({ "id": format!("{SEA}/virtualNetworks/vnet-app1-sea/virtualNetworkPeerings/to-core"),
        "remote": core, "allow_forwarded_traffic": true, "use_remote_gateways": false });
    assert_eq!(flags(&leaves(&side, true).found().await, "vnet-app1-sea/to-core"), None);
    // That one which gets no other gateway loses its way is another rule's to say.
    let found = leaves(&side, false).found().await;
    assert_eq!(flags(&found, "vnet-app1-sea/to-core"), None);
    let lost = crate::preflight::said(&found, "WAY-LOST");
    assert!(lost.iter().any(|(about, _)| about.contains("vnet-app1-sea")), "{lost:?}");
    // The hub's side that lends no more, once the spoke has another.
    let mut case = leaves(&side, true);
    let mut lent = case.step("off").clone();
    lent.name = StepName::parse("lent").unwrap();
    lent.needs = vec![StepName::parse("off").unwrap()];
    lent.action = serde_json::from_value(json!({ "action": "peering.ensure", "with": {
        "id": format!("{core}/virtualNetworkPeerings/to-app"), "allow_gateway_transit": false,
        "remote": format!("{SEA}/virtualNetworks/vnet-app1-sea") } }))
    .unwrap();
    case.plan.steps.push(lent);
    assert_eq!(flags(&case.found().await, "vnet-hub-ea/to-app"), None);
}
