//! What blocks is certain: neither what may be left out nor what a person or a program may mend before stops a run.

use backroad::model::{Comparison, Condition, Operand};

use super::*;

/// How a rule judged one thing.
fn words(found: &Preflight, rule: &str, about: &str) -> Vec<&'static str> {
    let own = found.findings.iter().filter(|own| own.rule == rule && own.about == about);
    own.map(|own| own.word()).collect()
}

/// Something that a person does before all else.
fn by_hand(case: &mut Case) {
    let policy = json!({ "question": "Is it mended?" });
    case.instead("go_ahead", json!({ "action": "manual", "with": policy }));
    for later in ["hub_to_spoke.app1", "gateway"] {
        case.step(later).needs.push(StepName::parse("go_ahead").unwrap());
    }
}

/// The step is done if a circuit has this much bandwidth, or if it has another one.
fn if_bandwidth(case: &mut Case, step: &str, by: Comparison) {
    let seen = StepName::parse("circuit_ready").unwrap();
    let left = Operand::Output { step: seen.clone(), field: "bandwidth_mbps".to_owned() };
    let own = case.step(step);
    own.needs.push(seen);
    own.when = Some(Condition::Compare { left, by, right: Operand::Literal(json!(500)) });
}

/// A peering to the network that the run wants to peer with, under another name.
fn peered_twice(case: &mut Case) {
    let other = json!({ "name": "by-hand", "properties": { "peeringState": "Connected",
        "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/vnet-app1-sea") } } });
    let body = case.body("vnet-hub-sea");
    body["properties"]["virtualNetworkPeerings"] = json!([other]);
}

#[tokio::test]
async fn what_a_person_may_mend_before_blocks_nothing() {
    // A rule, what it is about, and what is wrong with that.
    let cases: [Spoilt; 3] = [
        ("VP-TWICE", "vnet-hub-sea/hub-to-app1", peered_twice),
        ("CIR-PROVIDER", "er-singapore", |c| {
            let state = json!("NotProvisioned");
            c.set("er-singapore", "/properties/serviceProviderProvisioningState", state);
        }),
        ("GWS-NSG", "vnet-hub-sea/GatewaySubnet", |c| {
            let mut subnet = gateway_subnet("10.10.10.128/25");
            subnet["properties"]["networkSecurityGroup"] =
                json!({ "id": format!("{SEA}/networkSecurityGroups/nsg") });
            with_subnet(c, subnet);
        }),
    ];
    for (rule, about, spoil) in cases {
        let mut case = Case::of(MAIN);
        spoil(&mut case);
        assert_eq!(words(&case.found().await, rule, about), ["failed"], "{rule}");
        let mut case = Case::of(MAIN);
        spoil(&mut case);
        by_hand(&mut case);
        let found = case.found().await;
        let all: BTreeSet<&str> = words(&found, rule, about).into_iter().collect();
        // A circuit that is looked at before the person comes is judged as it is then.
        assert!(!all.contains("failed") && all.contains("unknown"), "{rule}: {all:?}");
        assert!(found.blocking().all(|own| own.rule != rule), "{rule}");
    }
}

#[tokio::test]
async fn what_no_hand_changes_blocks_after_a_person_too() {
    let mut case = Case::of(MAIN);
    by_hand(&mut case);
    case.want("connection", "/with/location", json!("japaneast"));
    let found = case.found().await;
    assert_eq!(words(&found, "LINK-LOCATION", "con-hub-sea-singapore"), ["failed"]);
}

/// A question that the run goes on without is not there to mend anything.
#[tokio::test]
async fn a_question_that_changes_nothing_mends_nothing() {
    let mut case = Case::of(MAIN);
    peered_twice(&mut case);
    by_hand(&mut case);
    case.step("go_ahead").on_failure = OnFailure::Continue;
    let found = case.found().await;
    assert_eq!(words(&found, "VP-TWICE", "vnet-hub-sea/hub-to-app1"), ["failed"]);
}

/// Two gateways of one network and one address, of which one is made, whatever the circuit says.
fn alternatives(case: &mut Case) {
    let address = format!("{SEA}/publicIPAddresses/pip-ergw-hub-sea");
    case.also("gateway", "public_ip", json!(address));
    let mut other = case.step("gateway").clone();
    other.name = StepName::parse("other_gateway").unwrap();
    other.needs.push(StepName::parse("gateway").unwrap());
    case.plan.steps.push(other);
    case.want("other_gateway", "/with/id", json!(format!("{SEA}/virtualNetworkGateways/larger")));
}

#[tokio::test]
async fn of_two_steps_of_which_one_is_done_neither_is_in_the_others_way() {
    let network = "vnet-hub-sea";
    let mut case = Case::of(MAIN);
    alternatives(&mut case);
    let found = case.found().await;
    assert_eq!(words(&found, "PIP-TAKEN", "pip-ergw-hub-sea").last(), Some(&"failed"));
    assert!(words(&found, "GW-ONE", network).contains(&"failed"));
    let mut case = Case::of(MAIN);
    alternatives(&mut case);
    if_bandwidth(&mut case, "gateway", Comparison::Less);
    if_bandwidth(&mut case, "other_gateway", Comparison::GreaterOrEqual);
    let found = case.found().await;
    assert!(!words(&found, "PIP-TAKEN", "pip-ergw-hub-sea").contains(&"failed"));
    assert!(!words(&found, "GW-ONE", network).contains(&"failed"));
}

#[tokio::test]
async fn what_a_step_that_may_be_left_out_does_wrong_by_itself_blocks() {
    let mut case = Case::of(MAIN);
    if_bandwidth(&mut case, "connection", Comparison::Less);
    case.want("connection", "/with/location", json!("japaneast"));
    let found = case.found().await;
    assert_eq!(words(&found, "LINK-LOCATION", "con-hub-sea-singapore"), ["failed"]);
}
