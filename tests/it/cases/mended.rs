//! A raise that Azure takes and cannot carry out leaves the circuit Failed: the step writes it again as it stands.

use backroad::azure::wire::Method;
use backroad::engine::{RunState, StepState};
use backroad::model::StepName;
use backroad::sim::{Fault, FaultEffect};
use serde_json::Value;

use super::estates::asked;
use super::written;
use crate::support::{Lab, Stage};

const CIRCUIT: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-singapore";

async fn raised(failures: u32) -> (Lab, StepState, Value) {
    let stage = Stage::of("dr-circuit-prepared.yaml", "drill_more_bandwidth").await;
    let lab = stage.lab();
    let effect = FaultEffect::Fail { code: "InsufficientPortCapacity".to_owned() };
    let fault = Fault::new(Some("PUT"), "*/expressRouteCircuits/er-singapore", failures, effect);
    lab.world.lock().unwrap().add_fault(fault);
    drop(lab.drive(None).await);
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let step = state.steps[&StepName::parse("bandwidth").unwrap()].state.clone();
    let now = lab.now();
    let circuit = asked(&mut lab.world.lock().unwrap(), Method::Get, CIRCUIT, &Value::Null, now).1;
    (lab, step, circuit)
}

#[tokio::test]
async fn a_circuit_that_a_raise_left_failed_is_well_when_the_step_ends() {
    let (lab, step, circuit) = raised(1).await;
    assert_eq!(circuit["properties"]["provisioningState"], "Succeeded");
    assert_eq!(written(&lab, "/expressRouteCircuits/er-singapore"), 2, "once more, and no more");
    let StepState::Failed(error) = step else { panic!("{step:?}") };
    assert_eq!(error.code, "InsufficientPortCapacity");
    assert!(error.causes.iter().any(|why| why.contains("written it again")), "{error:?}");
    lab.check_ledger().unwrap();

    let (lab, step, circuit) = raised(2).await;
    assert_eq!(circuit["properties"]["provisioningState"], "Failed");
    assert_eq!(written(&lab, "/expressRouteCircuits/er-singapore"), 2);
    assert!(matches!(step, StepState::Failed(_)), "{step:?}");
}
