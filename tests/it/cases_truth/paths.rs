//! A circuit with one leg carries, and another circuit on the gateway is nobody's business: neither fails a run in
//! which everything is reached.

use backroad::engine::RunState;
use backroad::model::{OnFailure, PlanParts, RunOutcome, StepStatus};
use backroad::sim::Scenario;
use serde_json::json;

use super::{Lab, Plan, drill, failed, preflight, shipped, written_world};

const SEA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network";

fn two_circuits() -> Scenario {
    written_world("case", "world: case\nextends: two-circuits.yaml\n")
}

/// The plan, in which a person goes on where the circuit has one leg.
fn going_on() -> Plan {
    let mut parts: PlanParts = shipped("dr-circuit.yaml").into();
    let asked = parts.steps.iter_mut().find(|step| step.name.as_str() == "circuit_layer2").unwrap();
    assert_eq!(asked.on_failure, OnFailure::Ask);
    asked.on_failure = OnFailure::Continue;
    Plan::new(parts).unwrap()
}

fn cut(scenario: &mut Scenario, paths: &[&str]) {
    scenario.onprem.links.retain(|link| {
        link.circuit.name() != "er-singapore" || !paths.contains(&link.path.as_str())
    });
}

fn status(lab: &Lab, name: &str) -> StepStatus {
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let (_, record) = state.steps.iter().find(|(step, _)| step.as_str() == name).unwrap();
    record.status()
}

#[tokio::test]
async fn who_goes_on_over_one_leg_is_not_told_at_the_end_that_it_failed() {
    let plan = going_on();
    for path in ["primary", "secondary"] {
        let mut one_leg = two_circuits();
        cut(&mut one_leg, &[path]);
        let found = preflight(&plan, &one_leg).await;
        assert!(!failed(&found).contains("RT-EXPECTED"), "{path}: nothing is waited for in vain");
        assert!(failed(&found).contains("PEER-ONE-LEG"), "{path}: it is said that one leg is down");
        let (outcome, lab) = drill(&plan, &one_leg).await;
        assert_eq!(outcome, RunOutcome::Succeeded, "{path}");
        assert_eq!(status(&lab, "circuit_routes"), StepStatus::Succeeded, "{path}");
        assert_ne!(status(&lab, "circuit_layer2"), StepStatus::Succeeded, "{path}");
    }
    let mut none = two_circuits();
    cut(&mut none, &["primary", "secondary"]);
    assert_ne!(drill(&plan, &none).await.0, RunOutcome::Succeeded, "nothing is carried");
}

#[tokio::test]
async fn the_peers_of_another_circuit_on_the_gateway_need_not_hear_anything() {
    let plan = shipped("dr-circuit.yaml");
    let mut scenario = two_circuits();
    let gateway = format!("{SEA}/virtualNetworkGateways/ergw-hub-sea");
    let subnet = format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet");
    let body = |end: &str| {
        let mut all = scenario.resources.iter();
        all.find(|body| body["id"].as_str().unwrap().ends_with(end)).unwrap().clone()
    };
    let mut dead = body("/er-singapore");
    let id = dead["id"].as_str().unwrap().replace("er-singapore", "er-other");
    dead["id"] = json!(id);
    dead["properties"]["authorizations"] = json!([]);
    for (key, prefix) in [("primary", "172.16.9.0/30"), ("secondary", "172.16.9.4/30")] {
        dead["properties"]["peerings"][0]["properties"][format!("{key}PeerAddressPrefix")] =
            json!(prefix);
    }
    let hub = scenario.resources.iter_mut();
    let mut hub = hub.filter(|body| body["id"].as_str().unwrap().ends_with("/vnet-hub-sea"));
    hub.next().unwrap()["properties"]["subnets"].as_array_mut().unwrap().push(
        json!({ "name": "GatewaySubnet", "properties": { "addressPrefix": "10.10.10.128/25" } }),
    );
    scenario.resources.extend([
        dead,
        json!({ "id": gateway, "location": "southeastasia", "properties": {
            "gatewayType": "ExpressRoute", "vpnType": "RouteBased",
            "sku": { "name": "ErGw1AZ", "tier": "ErGw1AZ" },
            "ipConfigurations": [{ "name": "d", "properties": {
                "privateIPAllocationMethod": "Dynamic", "subnet": { "id": subnet } } }] } }),
        json!({ "id": format!("{SEA}/connections/con-other"), "location": "southeastasia",
            "properties": { "connectionType": "ExpressRoute",
                "virtualNetworkGateway1": { "id": gateway }, "peer": { "id": id },
                "routingWeight": 0, "authorizationKey": "k" } }),
    ]);
    let (outcome, lab) = drill(&plan, &scenario).await;
    assert_eq!(outcome, RunOutcome::Succeeded);
    assert_eq!(status(&lab, "routes_advertised"), StepStatus::Succeeded);
}
