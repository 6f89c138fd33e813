//! One meaning of "covered": what proves that a prefix is carried, and what does not.

use backroad::model::{RunOutcome, StepName};
use backroad::preflight::FindingVerdict;

use super::{drill, failed, of, preflight, shipped, world};
use crate::support::Lab;

/// Why the step `routes_learned` failed, from the run's journal.
fn why_not_learned(lab: &Lab) -> String {
    let state = backroad::engine::RunState::fold(&lab.journal.events()).unwrap();
    let step = StepName::parse("routes_learned").unwrap();
    format!("{:?}", state.steps[&step].state)
}

#[tokio::test]
async fn a_default_route_proves_no_prefix_that_is_expected() {
    let (plan, scenario) = (shipped("dr-circuit.yaml"), world("default-route-world.yaml"));
    let found = preflight(&plan, &scenario).await;
    let findings = of(&found, "RT-EXPECTED");
    let FindingVerdict::Failed(why) = &findings[0].verdict else { panic!("{findings:?}") };
    assert!(why.contains("10.100.0.0/16") && why.contains("default route"), "{why}");
    assert_eq!(findings[0].word(), "warned", "a warning is not called a failure");
    let (outcome, lab) = drill(&plan, &scenario).await;
    assert_ne!(outcome, RunOutcome::Succeeded);
    let why = why_not_learned(&lab);
    assert!(
        why.contains("10.100.0.0/16 is not learned over ExpressRoute (a default route"),
        "{why}"
    );
    assert!(!why.contains("10.101.0.0/16"), "what is learned is not missed: {why}");
}

#[tokio::test]
async fn an_aggregate_that_contains_the_prefixes_proves_them() {
    let mut scenario = world("default-route-world.yaml");
    for heard in [
        &["10.0.0.0/8"][..],
        &["10.100.0.0/15"],
        &["10.100.0.0/17", "10.100.128.0/17", "10.101.0.0/16"],
    ] {
        for link in &mut scenario.onprem.links {
            link.sites = Vec::new();
            link.advertise = Some(heard.iter().map(|net| net.parse().unwrap()).collect());
        }
        let plan = shipped("dr-circuit.yaml");
        let found = preflight(&plan, &scenario).await;
        assert!(!failed(&found).contains("RT-EXPECTED"), "{heard:?}");
        assert_eq!(drill(&plan, &scenario).await.0, RunOutcome::Succeeded, "{heard:?}");
    }
}
