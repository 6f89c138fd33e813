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
