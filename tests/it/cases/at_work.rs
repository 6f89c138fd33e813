//! Somebody else has begun something before the run: it is waited for, and what it leaves is looked at.

use backroad::sim::Scenario;
use serde_json::json;

use super::{shown, world, written};
use crate::support::{Lab, compiled};

const ERGW: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network/virtualNetworkGateways/ergw-hub-sea";

/// The world of a standing gateway, which is in this state.
fn with_gateway_in(state: &str) -> Scenario {
    let mut world = world("standing-gateway-world.yaml");
    let own = |body: &&mut serde_json::Value| body["id"].as_str() == Some(ERGW);
    let gateway = world.resources.iter_mut().find(own).expect("the gateway");
    gateway["properties"]["provisioningState"] = json!(state);
    world
}

async fn failed_over(state: &str) -> Lab {
    let (_, compiled) = compiled("dr-circuit.yaml", "drill");
    let lab = Lab::new(compiled.plan.expect("a plan"), &with_gateway_in(state));
    lab.drive_through().await;
    lab
}

#[tokio::test]
async fn a_gateway_that_is_being_removed_is_waited_for_and_made_again() {
    let stood = failed_over("Succeeded").await;
    assert_eq!(written(&stood, "/ergw-hub-sea"), 0);
    let lab = failed_over("Deleting").await;
    assert_eq!(written(&lab, "/ergw-hub-sea"), 1, "made after it was gone, and once");
    assert_eq!(shown(&lab, ERGW)["location"], "southeastasia");
    let minutes = |lab: &Lab| lab.now().as_millis() / 60_000;
    let longer = minutes(&lab) - minutes(&stood);
    assert!(longer >= 10, "a removal and another gateway: {longer} minutes longer");
}

#[tokio::test]
async fn a_gateway_that_is_being_changed_is_waited_for_and_not_written() {
    for state in ["Updating", "updating"] {
        let lab = failed_over(state).await;
        assert_eq!(written(&lab, "/ergw-hub-sea"), 0, "{state}");
        lab.check_ledger().expect("a whole ledger");
    }
}
