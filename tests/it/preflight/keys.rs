//! A key that is given as a secret is held against the circuit's authorizations where those can be read, and a hub
//! with routing intent takes no tables of anybody's.

use super::*;

fn verdict(found: &Preflight, rule: &str) -> Option<FindingVerdict> {
    found.findings.iter().find(|own| own.rule == rule).map(|own| own.verdict.clone())
}

fn why(verdict: Option<FindingVerdict>) -> String {
    match verdict {
        Some(FindingVerdict::Failed(why) | FindingVerdict::Unknown(why)) => why,
        other => format!("{other:?}"),
    }
}

const AUTHORIZATION: &str = "/properties/authorizations/0/properties";

#[tokio::test]
async fn a_key_from_a_secret_is_free_spent_or_nobodys() {
    let with = |change: &dyn Fn(&mut Case)| {
        let mut case = Case::of("same-circuit.yaml");
        given_key(&mut case);
        change(&mut case);
        case.found()
    };
    let spent = with(&|_| {}).await;
    assert!(spent.blocking().any(|own| own.rule == "AUTH-KEY"));
    assert_eq!(why(verdict(&spent, "AUTH-KEY")), "its key is that of an authorization in use");
    let free = with(&|case| {
        case.set(
            "er-hongkong",
            &format!("{AUTHORIZATION}/authorizationUseStatus"),
            json!("Available"),
        );
    });
    assert_eq!(verdict(&free.await, "AUTH-KEY"), Some(FindingVerdict::Passed));
    let nobodys = with(&|case| {
        case.set("er-hongkong", &format!("{AUTHORIZATION}/authorizationKey"), json!("another-one"));
    });
    let said = why(verdict(&nobodys.await, "AUTH-KEY"));
    assert_eq!(said, "its key is that of no authorization of er-hongkong");
}

#[tokio::test]
async fn a_key_whose_authorizations_nobody_tells_cannot_be_known() {
    let mut case = Case::of("same-circuit.yaml");
    given_key(&mut case);
    case.world.faults.push(
        serde_json::from_value(json!({
            "method": "GET", "resource": "*/er-hongkong/authorizations", "times": 99,
            "effect": { "refuse": { "status": 403, "code": "AuthorizationFailed" } },
        }))
        .unwrap(),
    );
    let found = case.found().await;
    assert!(matches!(verdict(&found, "AUTH-KEY"), Some(FindingVerdict::Unknown(_))));
    assert!(!found.blocking().any(|own| own.rule == "AUTH-KEY"), "what is not known stops nothing");
}

#[tokio::test]
async fn routing_intent_leaves_the_default_table_to_everybody() {
    let mut case = Case::of(VWAN);
    case.add(routing_intent());
    let found = case.found().await;
    let hits: Vec<String> = found
        .findings
        .iter()
        .filter(|own| own.rule == "HUB-INTENT")
        .map(|own| why(Some(own.verdict.clone())))
        .collect();
    assert!(
        hits.iter().any(|why| why == "hub-sea has routing intent, and rt-apps is used"),
        "{hits:?}"
    );
    let without = Case::of(VWAN).found().await;
    assert_eq!(verdict(&without, "HUB-INTENT"), Some(FindingVerdict::Passed));
}
