//! A name that leads nowhere is found before the run, whatever names it; and what was meant is said where something is near.

use super::*;

/// What the rules about names failed, each with why.
fn told(found: &Preflight) -> Vec<(&'static str, String)> {
    let own = found.findings.iter().filter(|own| own.rule.starts_with("REF-"));
    own.filter_map(|finding| match &finding.verdict {
        FindingVerdict::Failed(why) => Some((finding.rule, format!("{}: {why}", finding.about))),
        _ => None,
    })
    .collect()
}

async fn of(runbook: &str, spoil: impl FnOnce(&mut Case)) -> Vec<(&'static str, String)> {
    let mut case = Case::of(runbook);
    spoil(&mut case);
    told(&case.found().await)
}

const NONE: Vec<(&str, String)> = Vec::new();

#[tokio::test]
async fn what_a_verification_or_a_peering_names_is_there_or_made_before() {
    assert_eq!(of(MAIN, |_| {}).await, NONE);
    let said_of = of(MAIN, |c| {
        let id = format!("{SEA}/connections/con-hub-sea-singapor");
        c.want("connected", "/with/connection", json!(id));
    })
    .await;
    let why = "con-hub-sea-singapor: there is no such connection, and step `connected` names it; did you mean \
               con-hub-sea-singapore?";
    assert_eq!(said_of, [("REF-THERE", why.to_owned())]);
    let said_of = of(MAIN, |c| {
        let id = format!("{EA}/virtualNetworks/vnet-app1-sae");
        c.want("hub_to_spoke.app1", "/with/remote", json!(id));
    })
    .await;
    assert_eq!(said_of.len(), 1, "{said_of:?}");
    assert_eq!(said_of[0].0, "REF-THERE");
    assert!(
        said_of[0].1.starts_with("vnet-app1-sae: there is no such virtual network"),
        "{said_of:?}"
    );
}

#[tokio::test]
async fn other_rules_name_what_was_meant_as_well() {
    let mut case = Case::of(MAIN);
    let id = format!("{CIR}/expressRouteCircuits/er-singapur");
    case.want("connection", "/with/circuit", json!(id));
    case.unsaid("connection", "authorization");
    let found = case.found().await;
    let why = "there is no such circuit; did you mean er-singapore?";
    assert_eq!(said(&found, "CIR-EXISTS"), [("er-singapur".to_owned(), why.to_owned())]);
    assert_eq!(told(&found), NONE, "it is said once");
}

#[tokio::test]
async fn the_same_name_in_another_group_is_named_with_it() {
    let said_of = of(PREPARED, |c| {
        let id = format!("{EA}/virtualNetworkGateways/ergw-hub-sea");
        let step = c.plan.steps.iter_mut().find(|own| own.action.name() == "verify.bgp").unwrap();
        let mut stored = serde_json::to_value(&step.action).unwrap();
        stored["with"]["gateway"] = json!(id);
        step.action = serde_json::from_value(stored).unwrap();
    })
    .await;
    assert_eq!(said_of.len(), 1, "{said_of:?}");
    assert!(
        said_of[0].1.ends_with("did you mean ergw-hub-sea of resource group rg-network-sea?"),
        "{said_of:?}"
    );
}

#[tokio::test]
async fn what_may_never_be_needed_or_may_be_made_by_hand_is_warned_of() {
    let wrong = |c: &mut Case| {
        let id = format!("{SEA}/connections/con-nowhere");
        c.want("connected", "/with/connection", json!(id));
    };
    let said_of = of(MAIN, |c| {
        wrong(c);
        c.step("connected").on_failure = OnFailure::Continue;
    })
    .await;
    assert!(matches!(said_of.as_slice(), [("REF-DOUBT", _)]), "{said_of:?}");
    let said_of = of(MAIN, |c| {
        wrong(c);
        let policy = json!({ "question": "Is it done?" });
        c.instead("go_ahead", json!({ "action": "manual", "with": policy }));
    })
    .await;
    assert!(matches!(said_of.as_slice(), [("REF-DOUBT", _)]), "{said_of:?}");
}

/// What blocks for certain without a person before it cannot be known with one.
#[tokio::test]
async fn what_a_person_may_make_before_it_is_needed_blocks_nothing() {
    let verdict = |found: &Preflight| -> Vec<&'static str> {
        let own = found.findings.iter().filter(|own| own.rule == "CIR-EXISTS");
        own.filter(|own| own.about == "er-by-hand").map(|own| own.word()).collect()
    };
    let case = || {
        let mut case = Case::of(MAIN);
        let id = format!("{CIR}/expressRouteCircuits/er-by-hand");
        case.want("connection", "/with/circuit", json!(id));
        case.unsaid("connection", "authorization");
        case
    };
    assert_eq!(verdict(&case().found().await), ["failed"]);
    let mut by_hand = case();
    let policy = json!({ "question": "Is the circuit ordered?" });
    by_hand.instead("go_ahead", json!({ "action": "manual", "with": policy }));
    assert_eq!(verdict(&by_hand.found().await), ["unknown"]);
}

#[tokio::test]
async fn what_comes_too_late_or_goes_too_early_is_told() {
    let said_of = of(MAIN, |c| {
        c.step("hub_to_spoke.app1").needs.clear();
        let id = format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet");
        let with = json!({ "kind": "subnet", "id": id });
        c.instead("gateway_subnet", json!({ "action": "remove", "with": with }));
    })
    .await;
    assert_eq!(said_of, NONE, "the subnet of a gateway is another rule's");
    let said_of = of(PREPARED, |c| {
        let id = format!("{SEA}/virtualNetworkGateways/ergw-hub-sea");
        let first = c.plan.steps[0].name.as_str().to_owned();
        c.plan.steps[0].needs.clear();
        c.instead(&first, json!({ "action": "remove", "with": { "kind": "gateway", "id": id } }));
        for step in &mut c.plan.steps[1..] {
            step.needs.push(StepName::parse(&first).unwrap());
        }
    })
    .await;
    assert!(
        said_of
            .iter()
            .any(|(rule, why)| { *rule == "REF-DOUBT" && why.contains("removes it before") }),
        "{said_of:?}"
    );
}

#[tokio::test]
async fn a_slip_in_what_is_to_be_taken_away_is_told_and_a_thing_that_is_gone_is_not() {
    let removing = |name: &str| {
        let id = format!("{EA}/connections/{name}");
        json!({ "action": "remove", "with": { "kind": "connection", "id": id } })
    };
    let said_of = of(MAIN, |c| {
        c.add(link("con-somebodys", ERGW, "er-hongkong", 0));
        let id = format!("{SEA}/connections/con-somebodies");
        c.instead(
            "bgp_up",
            json!({ "action": "remove", "with": { "kind": "connection", "id": id } }),
        );
        c.step("bgp_up").ensure.clear();
    })
    .await;
    assert_eq!(said_of.len(), 1, "{said_of:?}");
    assert_eq!(said_of[0].0, "REF-DOUBT");
    assert!(said_of[0].1.ends_with("takes it away; con-somebodys is there"), "{said_of:?}");
    let said_of = of(MAIN, |c| {
        c.instead("bgp_up", removing("con-gone-long-ago"));
        c.step("bgp_up").ensure.clear();
    })
    .await;
    assert_eq!(said_of, NONE);
}

/// A network that is gone has no peering any more: the removal finds it already so.
#[tokio::test]
async fn what_is_only_cleared_need_not_be_there() {
    let mut case = Case::of(MAIN);
    let id = format!("{EA}/virtualNetworks/vnet-long-gone/virtualNetworkPeerings/to-hub");
    let removal = json!({ "action": "remove", "with": { "kind": "peering", "id": id } });
    case.instead("bgp_up", removal);
    case.step("bgp_up").ensure.clear();
    let found = case.found().await;
    let of_network = |own: &&backroad::preflight::Finding| {
        own.rule == "NET-THERE" && own.about == "vnet-long-gone"
    };
    let words: Vec<&str> = found.findings.iter().filter(of_network).map(|own| own.word()).collect();
    assert_eq!(words, ["passed"]);
}

/// Warned of: what has failed, or is at work, of what a step only names.
fn states(found: &Preflight, rule: &str) -> Vec<(String, String)> {
    super::said(found, rule)
}

#[tokio::test]
async fn what_has_failed_and_is_only_named_is_warned_of_unless_a_step_writes_it_before() {
    let mut case = Case::of(VPN);
    let device = format!("{SEA}/localNetworkGateways/lng-onprem");
    case.add(json!({ "id": device, "location": "southeastasia", "properties": {
        "provisioningState": "Failed", "gatewayIpAddress": "203.0.113.10" } }));
    case.want("tunnel", "/with/local_gateway", json!(device));
    let found = case.found().await;
    let why = "its provisioningState is Failed";
    assert_eq!(states(&found, "REF-STATE"), [("lng-onprem".to_owned(), why.to_owned())]);
    assert!(found.blocking().all(|own| own.rule != "REF-STATE"));
    // The device's own step writes it before the tunnel is made.
    let mut case = Case::of(VPN);
    let own = case.step("device").action.subject().unwrap().to_string();
    let mut stands = json!({ "id": own, "location": "southeastasia", "properties": {
        "provisioningState": "Failed", "gatewayIpAddress": "203.0.113.10" } });
    stands["name"] = json!("device");
    case.add(stands);
    assert_eq!(states(&case.found().await, "REF-STATE"), []);
}

#[tokio::test]
async fn what_has_failed_and_is_only_verified_is_warned_of_as_well() {
    let mut case = Case::of(PREPARED);
    let old = link("con-old", ERGW, "er-hongkong", 0);
    let id = old["id"].clone();
    case.add(old);
    case.set("con-old", "/properties/provisioningState", json!("Failed"));
    let step = case.plan.steps.iter().find(|own| own.action.name() == "verify.bgp").unwrap();
    let name = step.name.to_string();
    case.instead(&name, json!({ "action": "verify.connection", "with": { "connection": id } }));
    case.step(&name).ensure.clear();
    let found = states(&case.found().await, "REF-STATE");
    assert!(found.iter().any(|(about, _)| about == "con-old"), "{found:?}");
}

#[tokio::test]
async fn what_is_being_deleted_and_nobody_makes_again_is_told_so() {
    let mut case = Case::of(MAIN);
    case.set("vnet-app1-sea", "/properties/provisioningState", json!("Deleting"));
    let found = case.found().await;
    let why = "its provisioningState is Deleting, and no step makes it again";
    let expected = [("vnet-app1-sea".to_owned(), why.to_owned())];
    assert_eq!(states(&found, "AT-WORK"), expected);
}

/// Azure refuses a side of a peering whose other side remembers one that is gone.
#[tokio::test]
async fn the_other_side_of_a_peering_that_is_gone_is_told() {
    let side = |state: &str| {
        let remote = format!("{SEA}/virtualNetworks/vnet-hub-sea");
        json!([{ "name": "app1-to-hub", "properties": {
            "remoteVirtualNetwork": { "id": remote }, "peeringState": state } }])
    };
    for (state, failed) in [("Disconnected", 1), ("Initiated", 0)] {
        let mut case = Case::of(MAIN);
        case.set("vnet-app1-sea", "/properties/virtualNetworkPeerings", side(state));
        let found = case.found().await;
        let told = said(&found, "VP-STATE").into_iter().filter(|(_, why)| {
            why == "it is not there, and app1-to-hub of vnet-app1-sea is Disconnected"
        });
        assert_eq!(told.count(), failed, "{state}: {:?}", said(&found, "VP-STATE"));
    }
}

#[tokio::test]
async fn what_a_step_makes_that_may_be_left_out_is_perhaps_not_there() {
    let subnet = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/snet-new");
    let seen = json!({ "action": "verify.circuit", "with": {
        "circuit": format!("{CIR}/expressRouteCircuits/er-singapore") } });
    let made =
        json!({ "action": "subnet.ensure", "with": { "id": subnet, "prefix": "10.1.0.128/26" } });
    let dns = json!({ "action": "security_group", "with": { "subnet": subnet, "used": true,
        "security_group": format!("{SEA}/networkSecurityGroups/nsg") } });
    let when: backroad::model::Condition = serde_json::from_value(json!({ "compare": {
        "left": { "output": { "step": "seen", "field": "bandwidth_mbps" } }, "by": "less",
        "right": { "literal": 100 } } }))
    .unwrap();
    for (maker, user, told_of) in [(false, false, false), (true, false, true), (true, true, false)]
    {
        let said_of = of(MAIN, |c| {
            c.add(json!({ "id": format!("{SEA}/networkSecurityGroups/nsg"), "location": "southeastasia",
                "properties": { "securityRules": [] } }));
            c.only(&[("seen", seen.clone()), ("made", made.clone()), ("guarded", dns.clone())]);
            c.step("made").when = maker.then(|| when.clone());
            c.step("guarded").when = user.then(|| when.clone());
        })
        .await;
        let perhaps = said_of
            .iter()
            .any(|(rule, why)| *rule == "REF-DOUBT" && why.contains("may be left out"));
        assert_eq!(perhaps, told_of, "{said_of:?}");
    }
}

/// Two regions whose short names differ in a letter are two regions.
#[tokio::test]
async fn what_is_gone_is_no_slip_for_the_other_regions() {
    let gone = |name: &str| {
        let id = format!("{CIR}/expressRouteCircuits/er-hongkong/authorizations/{name}");
        json!({ "action": "remove", "with": { "kind": "authorization", "id": id } })
    };
    let looks = json!({ "action": "verify.absent", "with": {
        "resource": format!("{SEA}/virtualNetworkGateways/other-sea") } });
    let home = json!({ "action": "verify.absent", "with": {
        "resource": format!("{EA}/virtualNetworkGateways/other-ea") } });
    for (names, slips) in [(&["auth-hub-sea"][..], 0), (&["auth-hub-eq"][..], 1)] {
        let said_of = of(MAIN, |c| {
            c.only(&[("looks", looks.clone()), ("home", home.clone()), ("gone", gone(names[0]))]);
        })
        .await;
        let doubts = said_of.iter().filter(|(_, why)| why.contains("takes it away"));
        assert_eq!(doubts.count(), slips, "{said_of:?}");
    }
}
