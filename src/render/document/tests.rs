//! What the pictures and the schedule of a document say, on plans small enough to see by eye.

use std::collections::BTreeSet;
use std::time::Duration;

use super::estate::{ChangeMark, NetworkPicture, turning};
use super::schedule::schedule;
use super::words;
use crate::model::{Plan, PlanParts};
use crate::render::outage::window;

const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";

fn plan(steps: &serde_json::Value) -> Plan {
    let parts: PlanParts = serde_json::from_value(serde_json::json!({
        "runbook": "test", "title": "Test", "steps": steps,
    }))
    .unwrap();
    Plan::new(parts).unwrap()
}

fn step(name: &str, needs: &[&str], action: &str, with: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({
        "name": name, "title": name, "needs": needs, "action": action, "with": with,
        "timeout": "15m", "retry": { "attempts": 3, "delay": "10s", "delay_max": "1m" },
        "on_failure": "stop", "saga": "undoable",
    })
}

pub(in crate::render) fn swap() -> Plan {
    let id = |text: &str| format!("{NETWORK}/{text}");
    let connection = |name: &str, gateway: &str| {
        serde_json::json!({
            "id": id(&format!("connections/{name}")), "location": "eastasia",
            "gateway": id(&format!("virtualNetworkGateways/{gateway}")),
            "circuit": id("expressRouteCircuits/er"), "authorization": null, "routing_weight": 0,
        })
    };
    let gateway = serde_json::json!({
        "id": id("virtualNetworkGateways/new"), "location": "eastasia", "sku": "ErGw1AZ",
        "subnet": id("virtualNetworks/hub/subnets/GatewaySubnet"),
        "public_ip": id("publicIPAddresses/pip"),
    });
    let old = serde_json::json!({ "kind": "connection", "id": id("connections/old") });
    let routes = serde_json::json!({ "gateway": id("virtualNetworkGateways/new"), "expect": ["10.0.0.0/8"] });
    plan(&serde_json::json!([
        step("gateway", &[], "gateway.ensure", &gateway),
        step("ask", &["gateway"], "approval", &serde_json::json!({ "question": "Go?" })),
        step("old_gone", &["ask"], "remove", &old),
        step("connection", &["old_gone"], "connection.ensure", &connection("con", "new")),
        step("routes", &["connection"], "verify.routes", &routes),
    ]))
}

#[test]
fn the_time_without_a_path_goes_from_the_removal_to_the_first_proof() {
    let plan = swap();
    let window = window(&plan).unwrap();
    assert_eq!((window.opens, window.closes), (2, 4));
    assert_eq!(window.inside, BTreeSet::from([3]));
    let without = Plan::new(PlanParts {
        steps: plan.steps().iter().take(3).cloned().collect(),
        ..plan.parts().clone()
    });
    assert!(crate::render::outage::window(&without.unwrap()).is_none());
}

#[test]
fn the_moment_before_the_traffic_turns_has_the_gateway_and_neither_connection() {
    let plan = swap();
    let (done, turn) = turning(&plan).unwrap();
    assert_eq!(plan.steps()[turn].name.as_str(), "connection");
    let mut estate = NetworkPicture::of_plan(&plan);
    estate.apply(&plan.steps()[3].action);
    assert_eq!(estate.links.len(), 1);
    let mut during = NetworkPicture::of_plan(&plan);
    done.iter().for_each(|place| during.apply(&plan.steps()[*place].action));
    assert_eq!((during.gateways.len(), during.links.len()), (1, 0));
    assert!(during.gateways.values().all(|gateway| gateway.mark == ChangeMark::New));
}

#[test]
fn people_take_no_time_in_the_schedule_and_the_longest_chain_decides() {
    let plan = swap();
    let schedule = schedule(&plan, &BTreeSet::new());
    assert_eq!(schedule.path, [0, 1, 2, 3, 4]);
    assert!(schedule.slots[1].people && schedule.slots[1].end == schedule.slots[1].start);
    assert!(schedule.usual > Duration::from_secs(600) && schedule.slow > schedule.usual);
    let skipped = super::schedule::schedule(&plan, &BTreeSet::from([0]));
    assert!(skipped.usual < Duration::from_secs(600), "{:?}", skipped.usual);
}

#[test]
fn durations_are_written_as_people_write_them() {
    for (seconds, text) in [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (64, "1 min 04 s"),
        (1_170, "20 min"),
        (3_600, "1 h"),
        (3_900, "1 h 05 min"),
    ] {
        assert_eq!(words::time(Duration::from_secs(seconds)), text);
    }
}

#[test]
fn what_an_action_writes_is_called_by_words_and_not_by_its_type() {
    for row in crate::model::compared::FIELDS {
        let id = format!("/subscriptions/s/resourceGroups/g/providers/{}", named_by_type(row.of));
        let of = crate::model::ResourceId::parse(&id).unwrap().resource_type();
        assert_ne!(words::type_words(&of), of.as_str(), "{}", row.action);
    }
}

/// A path of a type, each of its parts with a name.
fn named_by_type(of: &str) -> String {
    let (provider, types) = of.split_once('/').unwrap();
    types.split('/').fold(provider.to_owned(), |path, own| format!("{path}/{own}/n"))
}
