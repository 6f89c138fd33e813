//! Policies that deny are found before the run, by asking Azure what it would say.

use backroad::model::RunOutcome;
use backroad::preflight::{FindingVerdict, Preflight};
use serde_json::json;

use super::{drill, of, preflight, shipped, world, written_world};

/// The things that a policy denies, by preflight.
fn denied(found: &Preflight) -> Vec<&str> {
    let all = of(found, "POLICY-DENY").into_iter();
    all.filter(|f| matches!(f.verdict, FindingVerdict::Failed(_)))
        .map(|f| f.about.as_str())
        .collect()
}

fn failed<'f>(found: &'f Preflight, rule: &str) -> Vec<&'f FindingVerdict> {
    let all = of(found, rule).into_iter().map(|f| &f.verdict);
    all.filter(|verdict| matches!(verdict, FindingVerdict::Failed(_))).collect()
}

#[tokio::test]
async fn a_policy_that_will_refuse_is_found_by_preflight() {
    let (plan, scenario) = (shipped("dr-circuit.yaml"), world("policy-tags-world.yaml"));
    let found = preflight(&plan, &scenario).await;
    let hits = denied(&found);
    assert!(hits.contains(&"ergw-hub-sea"), "{hits:?}");
    assert!(!hits.iter().any(|about| about.contains("con-hub")), "{hits:?}");
    assert!(found.blocking().any(|f| f.rule == "POLICY-DENY"));
    assert_ne!(drill(&plan, &scenario).await.0, RunOutcome::Succeeded);
}

/// The simulator's half: it can hold such policies, and refuses by them with Azure's word.
#[tokio::test]
async fn the_simulator_holds_policies() {
    let base = "extends: two-circuits.yaml\nworld: x\npolicies:\n  - ";
    let plan = shipped("dr-circuit.yaml");
    let elsewhere = format!("{base}{{ name: regions, locations: [westeurope, eastasia] }}\n");
    let scenario = written_world("x", &elsewhere);
    let found = preflight(&plan, &scenario).await;
    assert!(denied(&found).contains(&"ergw-hub-sea"));
    let (outcome, lab) = drill(&plan, &scenario).await;
    assert_ne!(outcome, RunOutcome::Succeeded);
    let text = format!("{:?}", lab.journal.events());
    assert!(text.contains("RequestDisallowedByPolicy") && text.contains("regions"), "its word");
    // Another scope, other types, and the allowed region: nothing is denied.
    for fits in [
        "{ name: a, scope: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea }",
        "{ name: b, types: [Microsoft.Compute/virtualMachines] }",
        "{ name: c, locations: [southeastasia] }",
    ] {
        let scenario = written_world("x", &format!("{base}{fits}\n"));
        assert!(denied(&preflight(&plan, &scenario).await).is_empty(), "{fits}");
    }
}

/// A policy about tags that names no types is about what has tags.
#[tokio::test]
async fn a_policy_about_tags_leaves_subnets_and_peerings_alone() {
    let tags =
        "extends: two-circuits.yaml\nworld: x\npolicies:\n  - { name: tags, require_tags: [cc] }\n";
    let found = preflight(&shipped("dr-circuit.yaml"), &written_world("x", tags)).await;
    let hits = denied(&found);
    assert!(hits.contains(&"rt-hub-sea") && hits.contains(&"ergw-hub-sea"), "{hits:?}");
    assert!(
        !hits.iter().any(|about| about.contains("hub-to-") || about.contains("snet")),
        "{hits:?}"
    );
}

/// What stands since before the policy is refused as soon as it is written, and not before.
#[tokio::test]
async fn a_policy_that_denies_a_change_of_what_stands_is_found_and_one_of_what_stays_is_not() {
    let plan = shipped("dr-circuit-prepared.yaml");
    let base = "extends: two-circuits-prepared.yaml\nworld: x\npolicies:\n  - ";
    let of_type = |kind: &str| {
        let policy =
            format!("{{ name: tags, types: [Microsoft.Network/{kind}], require_tags: [cc] }}");
        written_world("x", &format!("{base}{policy}\n"))
    };
    let connections = of_type("connections");
    let found = preflight(&plan, &connections).await;
    assert_eq!(denied(&found), ["con-hub-sea-singapore"]);
    assert!(found.blocking().any(|f| f.rule == "POLICY-DENY"));
    let (outcome, lab) = drill(&plan, &connections).await;
    assert_ne!(outcome, RunOutcome::Succeeded);
    assert!(format!("{:?}", lab.journal.events()).contains("RequestDisallowedByPolicy"));
    // The address stands untagged as well, and nobody writes it.
    let addresses = of_type("publicIPAddresses");
    assert!(denied(&preflight(&plan, &addresses).await).is_empty());
    assert_eq!(drill(&plan, &addresses).await.0, RunOutcome::Succeeded);
}

/// What a run takes away and policies deny as it stands cannot be put back: said before it is taken away.
#[tokio::test]
async fn what_an_undo_could_not_put_back_is_said_before_the_run() {
    let plan = shipped("same-circuit-swap.yaml");
    let base = "extends: one-circuit-kept.yaml\nworld: x\npolicies:\n  - ";
    let policy = "{ name: tags, types: [Microsoft.Network/connections], require_tags: [costCenter], \
                  scope: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea }";
    let scenario = written_world("x", &format!("{base}{policy}\n"));
    let found = preflight(&plan, &scenario).await;
    let told: Vec<&str> = of(&found, "POLICY-UNDO").iter().map(|f| f.about.as_str()).collect();
    assert!(told.iter().any(|about| about.starts_with("con-hub-ea")), "{told:?}");
    assert_eq!(found.blocking().count(), 0, "the failover itself is not denied");
}

#[tokio::test]
async fn policies_that_cannot_be_asked_are_not_known() {
    let mut scenario = world("policy-tags-world.yaml");
    let refuse = json!({ "method": "POST", "resource": "*/checkpolicyrestrictions", "times": 999,
        "effect": { "refuse": { "status": 403, "code": "AuthorizationFailed" } } });
    scenario.faults = vec![serde_json::from_value(refuse).unwrap()];
    let found = preflight(&shipped("dr-circuit.yaml"), &scenario).await;
    let all = of(&found, "POLICY-DENY");
    assert!(!all.is_empty());
    assert!(all.iter().all(|f| matches!(f.verdict, FindingVerdict::Unknown(_))), "{all:?}");
    assert_eq!(found.blocking().count(), 0);
}

/// A policy that changes what is written: a contradiction stops before the run, and is what a drill fails by.
#[tokio::test]
async fn a_policy_that_writes_another_value_than_the_runbook_is_found_and_fails_a_drill() {
    let plan = shipped("dr-circuit.yaml");
    let peering = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";
    let base = "extends: two-circuits.yaml\nworld: x\npolicies:\n  - ";
    let policy = format!(
        "{{ name: plain, types: [{peering}], modify: [{{ operation: addOrReplace, \
         field: {peering}/allowForwardedTraffic, value: false }}] }}\n"
    );
    let scenario = written_world("x", &format!("{base}{policy}"));
    let found = preflight(&plan, &scenario).await;
    let told: Vec<&FindingVerdict> = failed(&found, "POLICY-CONTRADICTS");
    let FindingVerdict::Failed(why) = told[0] else { panic!("{told:?}") };
    assert!(
        why.contains("allowForwardedTraffic to be true, and policy plain makes it false"),
        "{why}"
    );
    assert!(found.blocking().any(|f| f.rule == "POLICY-CONTRADICTS"));
    assert!(failed(&found, "POLICY-MODIFY").is_empty(), "one word of it");
    assert!(denied(&found).is_empty(), "nothing is denied");
    let (outcome, lab) = drill(&plan, &scenario).await;
    assert_ne!(outcome, RunOutcome::Succeeded);
    assert!(
        format!("{:?}", lab.journal.events()).contains("allowForwardedTraffic"),
        "with its field"
    );
}

#[tokio::test]
async fn a_policy_that_adds_what_the_runbook_leaves_open_is_a_warning_and_the_failover_bears_it() {
    let plan = shipped("dr-circuit.yaml");
    let base = "extends: two-circuits.yaml\nworld: x\npolicies:\n  - ";
    for (policy, about) in [
        (
            "{ name: tags, modify: [{ operation: add, field: tags.costCenter, value: '4711' }] }",
            "ergw-hub-sea",
        ),
        ("{ name: tags, append: [{ field: tags.costCenter, value: '4711' }] }", "ergw-hub-sea"),
        (
            "{ name: quiet, types: [Microsoft.Network/routeTables], modify: [{ operation: addOrReplace, \
             field: Microsoft.Network/routeTables/somethingElse, value: true }] }",
            "rt-hub-sea",
        ),
    ] {
        let scenario = written_world("x", &format!("{base}{policy}\n"));
        let found = preflight(&plan, &scenario).await;
        let hits = of(&found, "POLICY-MODIFY").into_iter();
        let hits: Vec<&str> = hits
            .filter(|f| matches!(f.verdict, FindingVerdict::Failed(_)))
            .map(|f| f.about.as_str())
            .collect();
        assert!(hits.contains(&about), "{policy}: {hits:?}");
        assert!(!hits.iter().any(|own| own.contains("snet")), "what has no tags: {hits:?}");
        assert_eq!(found.blocking().count(), 0, "{policy}");
        assert_eq!(drill(&plan, &scenario).await.0, RunOutcome::Succeeded, "{policy}");
    }
}

/// An append that would write over a value denies.
#[tokio::test]
async fn an_append_of_another_value_denies() {
    let plan = shipped("dr-circuit.yaml");
    let text = "extends: two-circuits.yaml\nworld: x\npolicies:\n  - { name: a, \
                types: [Microsoft.Network/connections], append: [{ \
                field: Microsoft.Network/connections/connectionType, value: IPsec }] }\n";
    let found = preflight(&plan, &written_world("x", text)).await;
    assert_eq!(denied(&found).len(), 1, "{:?}", denied(&found));
}
