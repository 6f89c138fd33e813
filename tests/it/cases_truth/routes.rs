//! One meaning of "covered": what proves that a prefix is carried, and what does not.

use backroad::model::{RunOutcome, StepName};
use backroad::preflight::FindingVerdict;

use super::{case_plan, drill, failed, of, preflight, shipped, world};
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

/// Azure takes one route to a prefix in a table: of those that stand, and of those that steps write.
#[tokio::test]
async fn another_route_to_the_same_prefix_stops_the_run_unless_it_is_removed_first() {
    let table = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network/routeTables/rt-app-ea";
    let ensure = |step: &str, name: &str, prefix: &str, needs: &str| {
        format!(
            "  {step}:\n    title: A\n{needs}    action: route.ensure\n    with: {{ route_table: {table}, name: \
             {name}, prefix: {prefix}, next_hop: 10.10.10.10 }}\n"
        )
    };
    let gone = format!(
        "  gone:\n    title: B\n    action: route.absent\n    with: {{ route_table: {table}, name: via-nva }}\n"
    );
    let one = ensure("one", "another", "10.0.0.0/8", "");
    let after = ensure("one", "another", "10.0.0.0/8", "    needs: gone\n");
    let same = ensure("one", "via-nva", "10.0.0.0/8", "");
    let pair = ensure("one", "a", "10.9.0.0/16", "")
        + &ensure("two", "b", "10.9.0.0/16", "    needs: one\n");
    for (steps, why) in [
        (one.clone(), Some("via-nva of rt-app-ea leads to 10.0.0.0/8 by then")),
        (one + &gone, Some("via-nva of rt-app-ea leads to 10.0.0.0/8 by then")),
        (after + &gone, None),
        (same, None),
        (pair, Some("a of rt-app-ea leads to 10.9.0.0/16 by then")),
    ] {
        let text = format!(
            "runbook: r\ntitle: R\nprofiles:\n  drill: {{ world: world.yaml }}\nsteps:\n{steps}"
        );
        let found = preflight(&case_plan(&text), &world("vpn-beside-world.yaml")).await;
        let hit = of(&found, "UDR-TWICE").into_iter().find(|own| own.word() == "failed");
        let own = hit.map(|own| own.verdict.clone());
        assert_eq!(own, why.map(|why| FindingVerdict::Failed(why.to_owned())), "{steps}");
    }
}
