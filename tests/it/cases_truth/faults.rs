//! Faults strike, or the world is refused with the reason.

use backroad::sim::{FaultEffect, Scenario};

use super::{case_text, drill, shipped, world};

fn parsed(fault: &str) -> Result<Scenario, String> {
    let text = format!("extends: two-circuits.yaml\nworld: x\nfaults:\n  - {fault}\n");
    let read = |path: &str| {
        let name = std::path::Path::new(path).file_name().unwrap();
        std::fs::read_to_string(crate::support::file("runbooks/worlds").join(name))
            .map_err(|error| error.to_string())
    };
    Scenario::parse_over("x", &text, &read).map_err(|error| error.to_string())
}

#[tokio::test]
async fn faults_on_reading_posts_strike() {
    let (plan, slow) = (shipped("dr-circuit.yaml"), world("post-stuck-world.yaml"));
    assert!(
        matches!(slow.faults[0].effect, FaultEffect::Slow { factor: 40 }),
        "{}",
        case_text("post-stuck-world.yaml")
    );
    let (_, with) = drill(&plan, &slow).await;
    let left = with.world.lock().unwrap().to_file(with.now());
    let times = left["faults"][0]["times"].as_u64().unwrap_or(0);
    assert!(times < 50, "it struck");
}

/// A read that fails once on Azure's side is no proof that nothing flows.
#[tokio::test]
async fn a_read_that_fails_as_an_operation_is_asked_for_again() {
    let plan = shipped("dr-circuit.yaml");
    for read in ["*/getlearnedroutes", "*/routetables/*", "*/getbgppeerstatus"] {
        let fault = format!(
            "{{ method: POST, resource: '{read}', times: 1, effect: {{ fail: {{ code: InternalServerError }} }} }}"
        );
        let scenario = parsed(&fault).unwrap();
        let (outcome, with) = drill(&plan, &scenario).await;
        assert_eq!(outcome, backroad::model::RunOutcome::Succeeded, "{read}");
        let left = with.world.lock().unwrap().to_file(with.now());
        assert_eq!(left["faults"][0]["times"].as_u64().unwrap_or(0), 0, "{read}: it struck");
    }
}

#[test]
fn a_fault_that_can_never_strike_is_never_taken_in_silence() {
    for (fault, word) in [
        ("{ method: PSOT, resource: '*', effect: stuck }", "PSOT"),
        ("{ method: GET, resource: '*', effect: stuck }", "GET"),
        ("{ resource: '*/virtualnetworkgateway/*', effect: stuck }", "virtualnetworkgateways"),
        ("{ resource: virtualnetworkgateways/ergw, effect: html }", "/subscriptions/"),
        ("{ resource: '/subscriptions/99999999*', effect: html }", "no subscription"),
        ("{ method: PUT, resource: '*/publicipaddresses/*', effect: silent }", "connections"),
        ("{ resource: '*', times: 0, effect: html }", "0 times"),
        ("{ resource: '*', from: 2h, until: 1h, effect: html }", "until"),
    ] {
        let why = parsed(fault).unwrap_err();
        assert!(why.contains(word) && why.contains("x:4:"), "{fault}: {why}");
    }
    parsed("{ method: POST, resource: '*/getlearnedroutes', effect: stuck }").unwrap();
}
