//! When is a recovery plan moved, and when is it left alone?

use super::*;

const VAULT: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v";
const CONTAINER: &str = "replicationFabrics/f/replicationProtectionContainers/c";

fn spec(to: RecoveryMove) -> RecoveryPlan {
    let id = ResourceId::parse(&format!("{VAULT}/replicationRecoveryPlans/p")).unwrap();
    RecoveryPlan { id, to }
}

fn failover() -> RecoveryMove {
    RecoveryMove::Failover {
        kind: FailoverKind::Unplanned,
        direction: FailoverDirection::PrimaryToRecovery,
        recovery_point: RecoveryPoint::LatestProcessed,
    }
}

/// A plan of two machines, as the published examples show one.
fn plan(scenario: &str, status: &str, description: &str, allowed: &[&str]) -> Value {
    // Azure spells ids inside Site Recovery with a capital S.
    let member = |name: &str| json!({ "id": format!("/S{}/{CONTAINER}/replicationProtectedItems/{name}", &VAULT[2..]) });
    json!({ "properties": {
        "replicationProviders": ["A2A"],
        "allowedOperations": allowed,
        "currentScenario": { "scenarioName": scenario, "jobId": format!("{VAULT}/replicationJobs/j1") },
        "currentScenarioStatus": status,
        "currentScenarioStatusDescription": description,
        "groups": [
            { "groupType": "Shutdown", "replicationProtectedItems": [] },
            { "groupType": "Boot", "replicationProtectedItems": [member("app1"), member("app2")] },
        ],
    } })
}

fn items(active: &str, protection: &str, allowed: &[&str]) -> Vec<Value> {
    let item = |name: &str| {
        json!({
            "id": format!("{VAULT}/{CONTAINER}/replicationProtectedItems/{name}"),
            "name": name,
            "properties": {
                "activeLocation": active, "protectionState": protection,
                "allowedOperations": allowed,
            },
        })
    };
    vec![item("app1"), item("app2"), item("of-another-plan")]
}

fn ready() -> (Value, Vec<Value>) {
    let allowed = ["UnplannedFailover", "TestFailover"];
    (plan("None", "", "", &allowed), items("Primary", "Protected", &allowed))
}

fn over() -> (Value, Vec<Value>) {
    let plan =
        plan("UnplannedFailover", "Succeeded", "Completed", &["UnplannedFailover", "Commit"]);
    (plan, items("Recovery", "UnplannedFailoverCommitPendingStatesBegin", &["Commit"]))
}

fn verdict(to: RecoveryMove, (plan, items): &(Value, Vec<Value>)) -> Assessed {
    assess(&spec(to), Some(plan), items).verdict
}

fn asked(verdict: &Assessed) -> (&str, Option<&Value>, &Undo) {
    let Assessed::Change(change) = verdict else { panic!("{verdict:?}") };
    let verb = change.write.verb.as_deref().unwrap();
    assert_eq!(change.write.method, WriteMethod::Post);
    (verb, change.write.body.as_ref(), &change.undo)
}

#[test]
fn machines_that_are_ready_are_failed_over_and_nothing_is_asked_of_the_source() {
    let verdict = verdict(failover(), &ready());
    let (verb, body, undo) = asked(&verdict);
    assert_eq!(verb, "unplannedFailover");
    let properties = &body.unwrap()["properties"];
    assert_eq!(properties["sourceSiteOperations"], "NotRequired");
    assert_eq!(properties["providerSpecificDetails"][0]["recoveryPointType"], "LatestProcessed");
    assert!(matches!(undo, Undo::Call { verb, .. } if verb == "failoverCancel"));
}

#[test]
fn machines_that_are_over_are_not_failed_over_again_although_azure_would_take_it() {
    assert_eq!(verdict(failover(), &over()), Assessed::Holds);
}

#[test]
fn one_machine_that_stayed_behind_is_seen() {
    let (plan, mut items) = over();
    items[1]["properties"]["activeLocation"] = "Primary".into();
    assert!(matches!(verdict(failover(), &(plan, items)), Assessed::Change(_)));
}

#[test]
fn a_plan_at_work_is_waited_for_and_a_manual_action_is_named() {
    let at_work = (plan("UnplannedFailover", "InProgress", "", &[]), ready().1);
    assert!(matches!(verdict(failover(), &at_work), Assessed::InProgress { .. }));
    let manual = (plan("UnplannedFailover", "Suspended", "WaitingForManualAction", &[]), ready().1);
    let Assessed::InProgress { why, .. } = verdict(failover(), &manual) else { panic!() };
    assert!(why.contains("waits for a person"), "{why}");
}

#[test]
fn a_test_that_was_not_cleaned_up_blocks_a_failover_and_is_undone_by_its_cleanup() {
    let tested = (
        plan("TestFailover", "Suspended", WAITS_FOR_CLEANUP, &["TestFailoverCleanup"]),
        items("Primary", "Protected", &["TestFailoverCleanup"]),
    );
    let Assessed::Blocked { code, .. } = verdict(failover(), &tested) else { panic!() };
    assert_eq!(code, "test_failover_pending");
    let network = ResourceId::parse(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/test",
    );
    let test = RecoveryMove::TestFailover {
        network: network.unwrap(),
        direction: FailoverDirection::PrimaryToRecovery,
        recovery_point: RecoveryPoint::Latest,
    };
    assert_eq!(verdict(test.clone(), &tested), Assessed::Holds);
    let begun = verdict(test.clone(), &ready());
    let back = asked(&begun).2.clone();
    let undone = undo(&spec(test.clone()), &back, Some(&tested.0), &tested.1).verdict;
    assert_eq!(asked(&undone).0, "testFailoverCleanup");
    let (plan, items) = ready();
    assert_eq!(undo(&spec(test), &back, Some(&plan), &items).verdict, Assessed::Holds);
    assert_eq!(asked(&verdict(RecoveryMove::TestCleanup, &tested)).0, "testFailoverCleanup");
    assert_eq!(verdict(RecoveryMove::TestCleanup, &ready()), Assessed::Holds);
}

#[test]
fn a_commit_needs_a_failover_and_is_made_once() {
    let Assessed::Blocked { code, .. } = verdict(RecoveryMove::Commit, &ready()) else { panic!() };
    assert_eq!(code, "not_failed_over");
    assert_eq!(asked(&verdict(RecoveryMove::Commit, &over())).0, "failoverCommit");
    let committed = (
        plan("CommitFailover", "Succeeded", "Completed", &["UnplannedFailover"]),
        items("Recovery", "UnplannedFailoverStatesBegin", &["ReverseReplicate"]),
    );
    assert_eq!(verdict(RecoveryMove::Commit, &committed), Assessed::Holds);
    let back = Undo::Call { resource: spec(failover()).id, verb: CANCEL.to_owned(), body: None };
    let undone = undo(&spec(failover()), &back, Some(&committed.0), &committed.1).verdict;
    let Assessed::Blocked { code, .. } = undone else { panic!("{undone:?}") };
    assert_eq!(code, "failover_committed");
    assert_eq!(asked(&verdict(RecoveryMove::Reprotect, &committed)).0, "reProtect");
}

#[test]
fn a_failover_that_is_not_committed_can_be_taken_back() {
    let back = Undo::Call { resource: spec(failover()).id, verb: CANCEL.to_owned(), body: None };
    let (plan, items) = over();
    let undone = undo(&spec(failover()), &back, Some(&plan), &items).verdict;
    assert_eq!(asked(&undone).0, "failoverCancel");
    let (plan, items) = ready();
    let undone = undo(&spec(failover()), &back, Some(&plan), &items).verdict;
    assert_eq!(undone, Assessed::Holds);
}

#[test]
fn a_new_protection_is_waited_for() {
    let (plan, _) = ready();
    let late = (plan, items("Primary", "InitialReplicationInProgress", &["DisableProtection"]));
    assert!(matches!(verdict(RecoveryMove::Reprotect, &late), Assessed::NotYet { .. }));
    assert_eq!(verdict(RecoveryMove::Reprotect, &ready()), Assessed::Holds);
}

#[test]
fn two_states_of_a_plan_are_told_apart_by_the_job_of_its_scenario() {
    let (before, items) = ready();
    let mut after = before.clone();
    after["properties"]["currentScenario"]["jobId"] = format!("{VAULT}/replicationJobs/j2").into();
    let seen = |plan: &Value| assess(&spec(failover()), Some(plan), &items).seen;
    assert_ne!(seen(&before), seen(&after));
}

#[test]
fn what_is_not_there_is_said() {
    let (plan, _) = ready();
    let blocked = |verdict| match verdict {
        Assessed::Blocked { code, .. } => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(blocked(assess(&spec(failover()), None, &[]).verdict), "recovery_plan_absent");
    let lost = assess(&spec(failover()), Some(&plan), &[]).verdict;
    assert_eq!(blocked(lost), "protected_item_absent");
    let empty = assess(&spec(failover()), Some(&json!({ "properties": {} })), &[]).verdict;
    assert_eq!(blocked(empty), "recovery_plan_empty");
}
