//! Site Recovery does what it is documented and recorded to do: items and plans go there and back, what is not
//! allowed is refused, and every move is a job that can be followed.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

mod elsewhere;

use std::time::Duration;

use backroad::azure::wire::Headers;
use backroad::azure::{Method, WireRequest, WireResponse};
use backroad::model::{Region, Timestamp};
use backroad::sim::{Answers, Fault, FaultEffect, Scenario, World};
use serde_json::{Value, json};

use crate::specs::{Specs, UNKNOWN};
use crate::support::world_file;

const HOST: &str = "https://management.azure.com";
const V: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-recovery-sea/providers/Microsoft.RecoveryServices/vaults/vault-recovery-sea";
const PLAN: &str = "replicationRecoveryPlans/rp-apps";
const CHECKED: &str = "replicationRecoveryPlans/rp-apps-checked";
const EA: &str = "replicationFabrics/fabric-ea/replicationProtectionContainers/container-ea";
const SEA: &str = "replicationFabrics/fabric-sea/replicationProtectionContainers/container-sea";

/// Somebody at a world with a vault.
struct Client {
    world: World,
    now: Timestamp,
}

impl Client {
    fn new() -> Self {
        let scenario = world_file("worlds/two-circuits-site-recovery.yaml");
        Self { world: World::new(&scenario), now: scenario.now }
    }

    fn ask(&mut self, method: Method, url: &str, body: &Value) -> WireResponse {
        let body = if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() };
        let request =
            WireRequest { method, url: url.parse().unwrap(), headers: Headers::new(), body };
        self.world.answer(&request, self.now).0.unwrap()
    }

    fn call(&mut self, method: Method, path: &str, body: &Value) -> WireResponse {
        let slash = if path.is_empty() { "" } else { "/" };
        self.ask(method, &format!("{HOST}{V}{slash}{path}?api-version=2024-04-01"), body)
    }

    fn get(&mut self, path: &str) -> Value {
        let answer = self.call(Method::Get, path, &Value::Null);
        assert_eq!(answer.status, 200, "{path}: {}", text(&answer));
        serde_json::from_slice(&answer.body).unwrap()
    }

    fn later(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// Polls to the end; the last answer, and how long it took.
    fn follow(&mut self, accepted: &WireResponse) -> (Value, Duration) {
        assert_eq!(accepted.status, 202, "{}", text(accepted));
        assert!(accepted.body.is_empty(), "nothing is said when it is taken");
        let url = accepted.headers.get("azure-asyncoperation").unwrap().to_owned();
        let began = self.now;
        for _ in 0..20_000 {
            let answer = self.ask(Method::Get, &url, &Value::Null);
            assert_eq!(answer.status, 200, "{}", text(&answer));
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            if body["status"] != "InProgress" {
                return (body, self.now.since(began));
            }
            self.later(Duration::from_secs(1));
        }
        panic!("{url} does not end");
    }

    fn done(&mut self, path: &str, body: &Value) -> Duration {
        let accepted = self.call(Method::Post, path, body);
        let (end, took) = self.follow(&accepted);
        assert_eq!(end["status"], "Succeeded", "{path}: {end}");
        took
    }

    fn properties(&mut self, path: &str) -> Value {
        self.get(path)["properties"].clone()
    }

    fn allowed(&mut self, path: &str) -> Vec<String> {
        serde_json::from_value(self.properties(path)["allowedOperations"].clone()).unwrap()
    }

    fn down(&mut self, region: &str, down: bool) {
        self.world.set_region_down(Region::parse(region).unwrap(), down);
    }

    fn refused(&mut self, path: &str, body: &Value, code: &str) {
        let before = self.world.comparable();
        let answer = self.call(Method::Post, path, body);
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(answer.status >= 400, "{path} was taken");
        assert_eq!(said["error"]["code"], code, "{path}: {said}");
        let detail = &said["error"]["details"][0];
        for key in ["code", "message", "possibleCauses", "recommendedAction"] {
            assert!(detail[key].is_string(), "in Site Recovery's own shape: {said}");
        }
        assert_eq!(self.world.comparable(), before, "a refusal changes nothing");
    }
}

fn text(answer: &WireResponse) -> String {
    format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))
}

fn item(container: &str, name: &str) -> String {
    format!("{container}/replicationProtectedItems/{name}")
}

fn failover(direction: &str, source: &str) -> Value {
    json!({ "properties": { "failoverDirection": direction, "sourceSiteOperations": source,
        "providerSpecificDetails": [{ "instanceType": "A2A", "recoveryPointType": "LatestProcessed" }] } })
}

fn test_failover() -> Value {
    json!({ "properties": { "failoverDirection": "PrimaryToRecovery", "networkType": "NoNetworkAttachAsInput",
        "providerSpecificDetails": [{ "instanceType": "A2A", "recoveryPointType": "Latest" }] } })
}

#[test]
fn a_plan_is_tested_fails_over_and_comes_back() {
    let mut at = Client::new();
    assert_eq!(at.allowed(PLAN), ["UnplannedFailover", "TestFailover"]);
    at.done(&format!("{PLAN}/testFailover"), &test_failover());
    let tested = at.properties(PLAN);
    assert_eq!(tested["currentScenarioStatus"], "Suspended");
    assert_eq!(tested["currentScenarioStatusDescription"], "WaitingForStopTestFailover");
    assert_eq!(at.allowed(PLAN), ["TestFailoverCleanup"]);
    let one = at.properties(&item(EA, "vm-db"));
    assert_eq!(one["testFailoverState"], "WaitingForCompletion");
    assert_eq!(
        (&one["protectionState"], &one["activeLocation"]),
        (&json!("Protected"), &json!("Primary"))
    );
    at.done(
        &format!("{PLAN}/testFailoverCleanup"),
        &json!({ "properties": { "comments": "seen" } }),
    );
    assert_eq!(at.allowed(PLAN), ["UnplannedFailover", "TestFailover"]);

    for (direction, active) in [("PrimaryToRecovery", "Recovery"), ("RecoveryToPrimary", "Primary")]
    {
        at.done(&format!("{PLAN}/unplannedFailover"), &failover(direction, "NotRequired"));
        let over = at.properties(PLAN);
        assert_eq!(over["currentScenario"]["scenarioName"], "UnplannedFailover");
        assert_eq!(
            (&over["currentScenarioStatus"], &over["currentScenarioStatusDescription"]),
            (&json!("Succeeded"), &json!("Completed"))
        );
        assert!(over["lastUnplannedFailoverTime"].is_string());
        assert_eq!(at.allowed(PLAN), ["Commit", "CancelFailover"]);
        for name in ["vm-db", "vm-app1", "vm-app2"] {
            let one = at.properties(&item(EA, name));
            assert_eq!(one["activeLocation"], active, "{name}");
            assert_eq!(one["protectionState"], "UnplannedFailoverCommitPendingStatesBegin");
            assert!(one["failoverRecoveryPointId"].is_string());
        }
        let took = at.done(&format!("{PLAN}/failoverCommit"), &Value::Null);
        assert!(took < Duration::from_secs(30), "a commit takes seconds: {took:?}");
        assert_eq!(at.allowed(PLAN), ["ReverseReplicate"]);
        assert_eq!(at.get(&format!("{}/recoveryPoints", item(EA, "vm-db")))["value"], json!([]));
        at.done(&format!("{PLAN}/reProtect"), &Value::Null);
        let state = at.properties(&item(EA, "vm-db"))["protectionState"].clone();
        assert_eq!(state, "InitialReplicationInProgress", "copied in the other direction first");
        assert!(at.allowed(PLAN).is_empty());
        at.later(Duration::from_secs(20 * 3_600));
        assert_eq!(at.allowed(PLAN), ["UnplannedFailover", "TestFailover"]);
    }
}

#[test]
fn what_is_not_allowed_is_refused_and_changes_nothing() {
    let mut at = Client::new();
    let vm = item(EA, "vm-db");
    let not_allowed = "OperationNotAllowed";
    for verb in
        ["failoverCommit", "reProtect", "testFailoverCleanup", "failoverCancel", "plannedFailover"]
    {
        at.refused(&format!("{PLAN}/{verb}"), &json!({}), not_allowed);
        at.refused(&format!("{vm}/{verb}"), &json!({}), not_allowed);
    }
    at.refused(&format!("{vm}/applyRecoveryPoint"), &json!({}), not_allowed);
    let backwards = failover("RecoveryToPrimary", "NotRequired");
    at.refused(&format!("{PLAN}/unplannedFailover"), &backwards, "InvalidFailoverDirection");
    let switch = json!({ "properties": { "replicationProtectedItemName": "vm-db", "providerSpecificDetails": { "instanceType": "A2A" } } });
    at.refused(&format!("{EA}/switchprotection"), &switch, not_allowed);
}

#[test]
fn one_thing_at_a_time_is_done_to_a_plan_and_its_items() {
    let mut at = Client::new();
    let over = failover("PrimaryToRecovery", "NotRequired");
    let accepted = at.call(Method::Post, &format!("{PLAN}/unplannedFailover"), &over);
    assert!(at.allowed(PLAN).is_empty(), "nothing, while a job is at work");
    let shown = at.properties(&item(EA, "vm-app2"));
    assert_eq!(shown["currentScenario"]["scenarioName"], "UnplannedFailover");
    for path in [PLAN, CHECKED, &item(EA, "vm-app2")] {
        at.refused(&format!("{path}/unplannedFailover"), &over, "AnotherJobInProgress");
    }
    let put = at.call(Method::Put, PLAN, &json!({ "properties": { "groups": [] } }));
    assert_eq!(put.status, 409, "nor is the plan written meanwhile");
    at.follow(&accepted);
    at.done(&format!("{}/failoverCommit", item(EA, "vm-app2")), &Value::Null);
}

#[test]
fn a_dead_source_keeps_from_what_needs_it_and_from_nothing_else() {
    let mut at = Client::new();
    at.down("eastasia", true);
    let required = at.call(
        Method::Post,
        &format!("{PLAN}/unplannedFailover"),
        &failover("PrimaryToRecovery", "Required"),
    );
    let (end, _) = at.follow(&required);
    assert_eq!(end["status"], "Failed");
    assert_eq!(end["error"]["code"], "FabricNotReachable");
    assert_eq!(at.properties(PLAN)["currentScenarioStatus"], "Failed");
    assert_eq!(at.allowed(PLAN), ["UnplannedFailover", "TestFailover"], "and may be tried again");
    at.done(&format!("{PLAN}/unplannedFailover"), &failover("PrimaryToRecovery", "NotRequired"));
    at.refused(&format!("{PLAN}/failoverCancel"), &Value::Null, "FabricNotReachable");
    at.done(&format!("{PLAN}/failoverCommit"), &Value::Null);
    at.refused(&format!("{PLAN}/reProtect"), &Value::Null, "FabricNotReachable");
    at.down("eastasia", false);
    at.done(&format!("{PLAN}/reProtect"), &Value::Null);
    at.down("eastasia", true);
    at.later(Duration::from_secs(40 * 3_600));
    let state = at.properties(&item(EA, "vm-db"))["protectionState"].clone();
    assert_eq!(state, "InitialReplicationInProgress", "nothing is copied to a region that is down");
}

#[test]
fn a_vault_whose_region_is_down_takes_nothing() {
    let mut at = Client::new();
    at.down("southeastasia", true);
    for (method, path) in
        [(Method::Post, format!("{PLAN}/failoverCommit")), (Method::Delete, PLAN.to_owned())]
    {
        let answer = at.call(method, &path, &Value::Null);
        assert_eq!(answer.status, 503, "{path}: {}", text(&answer));
    }
    assert_eq!(at.call(Method::Get, PLAN, &Value::Null).status, 200, "reads are answered");
}

#[test]
fn a_manual_action_holds_a_plan_until_somebody_resumes_its_job() {
    let mut at = Client::new();
    let over = failover("PrimaryToRecovery", "NotRequired");
    let accepted = at.call(Method::Post, &format!("{CHECKED}/unplannedFailover"), &over);
    at.later(Duration::from_secs(6 * 3_600));
    let plan = at.properties(CHECKED);
    assert_eq!(plan["currentScenarioStatus"], "Suspended");
    assert_eq!(
        at.properties(&item(EA, "vm-db"))["activeLocation"],
        "Recovery",
        "the first group is over"
    );
    assert_eq!(
        at.properties(&item(EA, "vm-app1"))["activeLocation"],
        "Primary",
        "the second waits"
    );
    let job =
        plan["currentScenario"]["jobId"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let path = format!("replicationJobs/{job}");
    let shown = at.properties(&path);
    assert_eq!(shown["state"], "Suspended");
    let waits: Vec<&Value> = shown["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|task| task["state"] == "Suspended")
        .collect();
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0]["customDetails"]["instructions"], "Is the database consistent?");
    at.refused(&format!("{path}/restart"), &Value::Null, "JobActionNotAllowed");
    at.done(&format!("{path}/resume"), &json!({ "properties": { "comments": "It is." } }));
    let (end, _) = at.follow(&accepted);
    assert_eq!(end["status"], "Succeeded");
    assert_eq!(at.properties(&item(EA, "vm-app1"))["activeLocation"], "Recovery");
    at.refused(&format!("{path}/resume"), &Value::Null, "JobActionNotAllowed");
}

#[test]
fn groups_run_in_order_and_the_items_of_a_group_side_by_side() {
    let mut at = Client::new();
    let over = failover("PrimaryToRecovery", "NotRequired");
    at.call(Method::Post, &format!("{PLAN}/unplannedFailover"), &over);
    let mut moved = std::collections::BTreeMap::new();
    for second in 0..8_000_u32 {
        for name in ["vm-db", "vm-app1", "vm-app2"] {
            if at.properties(&item(EA, name))["activeLocation"] == "Recovery" {
                moved.entry(name).or_insert(second);
            }
        }
        if moved.len() == 3 {
            break;
        }
        at.later(Duration::from_secs(10));
    }
    let all = at.get("replicationJobs");
    let id = all["value"][0]["name"].as_str().unwrap().to_owned();
    let job = at.properties(&format!("replicationJobs/{id}"));
    let names: Vec<&str> =
        job["tasks"].as_array().unwrap().iter().filter_map(|task| task["name"].as_str()).collect();
    assert_eq!(names, ["PrerequisitesCheckTask", "Group1Task", "Group2Task"]);
    assert!(moved["vm-db"] < moved["vm-app1"].min(moved["vm-app2"]), "{moved:?}");
}

#[test]
fn a_job_can_be_cancelled_and_a_failed_one_restarted() {
    let mut at = Client::new();
    let over = failover("PrimaryToRecovery", "NotRequired");
    let accepted = at.call(Method::Post, &format!("{PLAN}/unplannedFailover"), &over);
    let job = at.get("replicationJobs")["value"][0]["name"].as_str().unwrap().to_owned();
    at.done(&format!("replicationJobs/{job}/cancel"), &Value::Null);
    let (end, _) = at.follow(&accepted);
    assert_eq!(end["status"], "Canceled");
    assert_eq!(at.properties(&format!("replicationJobs/{job}"))["state"], "Cancelled");
    assert_eq!(at.allowed(PLAN), ["UnplannedFailover", "TestFailover"], "nothing was moved");

    at.down("eastasia", true);
    let accepted = at.call(
        Method::Post,
        &format!("{PLAN}/unplannedFailover"),
        &failover("PrimaryToRecovery", "Required"),
    );
    let (end, _) = at.follow(&accepted);
    assert_eq!(end["status"], "Failed");
    at.down("eastasia", false);
    let job = end["name"].as_str().unwrap().to_owned();
    let errors = at.properties(&format!("replicationJobs/{job}"))["errors"].clone();
    assert_eq!(errors[0]["serviceErrorDetails"]["code"], "FabricNotReachable");
    at.done(&format!("replicationJobs/{job}/restart"), &Value::Null);
    let (end, _) = at.follow(&accepted);
    assert_eq!(end["status"], "Succeeded");
    assert_eq!(at.properties(&item(EA, "vm-db"))["activeLocation"], "Recovery");
}

#[test]
fn an_operation_is_found_by_both_of_its_urls() {
    let mut at = Client::new();
    let accepted = at.call(Method::Post, &format!("{PLAN}/testFailover"), &test_failover());
    let status = accepted.headers.get("azure-asyncoperation").unwrap().to_owned();
    let result = accepted.headers.get("location").unwrap().to_owned();
    assert!(
        status.starts_with(&format!(
            "{HOST}{}/replicationOperationStatus/",
            V.replacen("/s", "/S", 1)
        )),
        "{status}"
    );
    assert!(result.contains("/replicationRecoveryPlans/rp-apps/operationresults/"), "{result}");
    let going = at.ask(Method::Get, &result, &Value::Null);
    assert_eq!((going.status, going.headers.get("retry-after")), (202, Some("30")));
    let (end, _) = at.follow(&accepted);
    for key in ["error", "id", "properties", "percentComplete"] {
        assert!(end[key].is_null(), "{end}");
    }
    assert!(end["endTime"].as_str().unwrap().ends_with(".0000000Z"), "whole seconds: {end}");
    let plan = at.ask(Method::Get, &result, &Value::Null);
    let shown: Value = serde_json::from_slice(&plan.body).unwrap();
    assert_eq!((plan.status, &shown["name"]), (200, &json!("rp-apps")));
    let other = status.replace(
        "vault-recovery-sea/replicationOperationStatus/",
        "vault-recovery-sea/replicationOperationStatus/0",
    );
    assert_eq!(at.ask(Method::Get, &other, &Value::Null).status, 404);
}

#[test]
fn an_item_is_protected_again_as_one_of_the_other_container() {
    let mut at = Client::new();
    let vm = item(EA, "vm-app2");
    at.done(&format!("{vm}/unplannedFailover"), &failover("PrimaryToRecovery", "NotRequired"));
    at.done(&format!("{vm}/applyRecoveryPoint"), &json!({ "properties": {} }));
    at.done(&format!("{vm}/failoverCommit"), &Value::Null);
    let switch = json!({ "properties": { "replicationProtectedItemName": "vm-app2", "providerSpecificDetails": { "instanceType": "A2A" } } });
    at.done(&format!("{EA}/switchprotection"), &switch);
    assert_eq!(at.call(Method::Get, &vm, &Value::Null).status, 404, "it is not there any more");
    let there = item(SEA, "vm-app2");
    let shown = at.properties(&there);
    assert_eq!(
        (&shown["activeLocation"], &shown["protectionState"]),
        (&json!("Primary"), &json!("InitialReplicationInProgress"))
    );
    assert_eq!(shown["primaryFabricFriendlyName"], "Southeast Asia");
    assert_eq!(shown["providerSpecificDetails"]["recoveryFabricLocation"], "eastasia");
    let group = at.properties(PLAN)["groups"][3]["replicationProtectedItems"].to_string();
    assert!(
        group.contains("container-sea/replicationProtectedItems/vm-app2"),
        "plans follow: {group}"
    );
    at.later(Duration::from_secs(20 * 3_600));
    at.done(&format!("{there}/unplannedFailover"), &failover("PrimaryToRecovery", "NotRequired"));
    assert_eq!(
        at.call(Method::Delete, &there, &Value::Null).status,
        202,
        "and may be disabled before its commit"
    );
}

#[test]
fn lists_go_across_the_vault() {
    let mut at = Client::new();
    for (word, count) in [
        ("replicationFabrics", 2),
        ("replicationProtectionContainers", 2),
        ("replicationProtectionContainerMappings", 2),
        ("replicationNetworkMappings", 4),
        ("replicationNetworks", 0),
        ("replicationPolicies", 1),
        ("replicationProtectedItems", 3),
        ("replicationRecoveryPlans", 2),
        ("replicationJobs", 0),
    ] {
        let list = at.get(word);
        assert_eq!(list["value"].as_array().unwrap().len(), count, "{word}");
        assert!(list["nextLink"].is_null() && list.get("nextLink").is_some());
    }
    assert_eq!(at.get(&format!("{SEA}/replicationProtectedItems"))["value"], json!([]));
    assert_eq!(at.get("replicationRecoveryPlans")["value"][0]["properties"]["groups"], json!([]));
    let points = at.get(&format!("{}/recoveryPoints", item(EA, "vm-db")));
    assert_eq!(points["value"].as_array().unwrap().len(), 3);
}

#[test]
fn faults_strike_jobs_as_they_strike_operations() {
    let over = failover("PrimaryToRecovery", "NotRequired");
    let failover = format!("{PLAN}/unplannedFailover");
    let with = |effect: FaultEffect| {
        let mut at = Client::new();
        at.world.add_fault(Fault::new(Some("POST"), "*/replicationRecoveryPlans/*", 1, effect));
        at
    };
    let mut at = with(FaultEffect::Fail { code: "Unlucky".to_owned() });
    let accepted = at.call(Method::Post, &failover, &over);
    assert_eq!(at.follow(&accepted).0["error"]["code"], "Unlucky");
    at.done(&failover, &over);
    let mut at = with(FaultEffect::Throttle { after: Some(Duration::from_secs(7)) });
    assert_eq!(at.call(Method::Post, &failover, &over).status, 429);
    let mut at = with(FaultEffect::Forget);
    let accepted = at.call(Method::Post, &failover, &over);
    let url = accepted.headers.get("azure-asyncoperation").unwrap().to_owned();
    assert_eq!(at.ask(Method::Get, &url, &Value::Null).status, 404);
    at.later(Duration::from_secs(12 * 3_600));
    assert_eq!(at.allowed(PLAN), ["Commit", "CancelFailover"], "the work itself goes on");
    let mut at = with(FaultEffect::Stuck);
    at.call(Method::Post, &failover, &over);
    at.later(Duration::from_secs(90 * 86_400));
    assert!(at.allowed(PLAN).is_empty(), "it never ends");
    let mut at = Client::new();
    at.world.add_fault(Fault::new(
        Some("POLL"),
        "*/replicationRecoveryPlans/*",
        1,
        FaultEffect::Html,
    ));
    let accepted = at.call(Method::Post, &failover, &over);
    let url = accepted.headers.get("azure-asyncoperation").unwrap().to_owned();
    assert_eq!(at.ask(Method::Get, &url, &Value::Null).status, 503);
    assert_eq!(at.ask(Method::Get, &url, &Value::Null).status, 200);
}

#[test]
fn a_look_changes_nobodys_luck_and_the_world_is_one_value() {
    let over = failover("PrimaryToRecovery", "NotRequired");
    let failover = format!("{PLAN}/unplannedFailover");
    let (mut quiet, mut curious) = (Client::new(), Client::new());
    for _ in 0..25 {
        curious.get("replicationProtectedItems");
        curious.get(PLAN);
    }
    let first = quiet.call(Method::Post, &failover, &over);
    let second = curious.call(Method::Post, &failover, &over);
    quiet.later(Duration::from_secs(60));
    let kept = serde_json::to_string(&quiet.world).unwrap();
    quiet.world = serde_json::from_str::<World>(&kept).unwrap();
    curious.later(Duration::from_secs(60));
    assert_eq!(quiet.follow(&first), curious.follow(&second));
}

#[test]
fn a_world_written_in_the_middle_of_a_failover_begins_with_idle_items() {
    let mut at = Client::new();
    at.call(
        Method::Post,
        &format!("{CHECKED}/unplannedFailover"),
        &failover("PrimaryToRecovery", "NotRequired"),
    );
    at.later(Duration::from_secs(6 * 3_600));
    let written = serde_yaml::to_string(&at.world.world_file(at.now)).unwrap();
    at.world = World::new(&Scenario::parse("again", &written).unwrap());
    let plan = at.properties(CHECKED);
    assert!(plan["currentScenarioStatus"].is_null(), "nobody works on it: {plan}");
    assert_eq!(
        at.allowed(&item(EA, "vm-app1")),
        ["UnplannedFailover", "DisableProtection", "TestFailover"]
    );
    assert!(at.allowed(&item(EA, "vm-db")).contains(&"Commit".to_owned()), "as far as it came");
}

/// What a world's file says in words that nobody here knows is no better for it, and what it allows is allowed.
#[test]
fn an_item_in_words_that_nobody_knows_is_shown_as_it_is_and_allows_what_it_says() {
    let with = |states: &[(&str, Value)]| {
        let mut scenario = world_file("worlds/two-circuits-site-recovery.yaml");
        let is_db = |own: &&mut Value| own["id"].as_str().unwrap().ends_with("/vm-db");
        let db = scenario.resources.iter_mut().find(is_db).unwrap();
        for (key, value) in states {
            db["properties"][*key] = value.clone();
        }
        Client { world: World::new(&scenario), now: scenario.now }
    };
    let vm = item(EA, "vm-db");
    let cleanup = json!(["TestFailoverCleanup"]);
    for word in ["WaitingForStopTestFailover", "None"] {
        let mut at =
            with(&[("testFailoverState", json!(word)), ("allowedOperations", cleanup.clone())]);
        at.later(Duration::from_secs(24 * 3_600));
        assert_eq!(at.properties(&vm)["testFailoverState"], word);
        assert_eq!(at.allowed(&vm), ["TestFailoverCleanup"]);
        assert!(!at.allowed(PLAN).contains(&"UnplannedFailover".to_owned()));
        // Cleaned up, it is as any other.
        let body = json!({ "properties": { "comments": "" } });
        let accepted = at.call(Method::Post, &format!("{vm}/testFailoverCleanup"), &body);
        assert_eq!(accepted.status, 202, "{}", text(&accepted));
        at.follow(&accepted);
        assert_eq!(at.properties(&vm)["testFailoverState"], "None");
        assert!(at.allowed(&vm).contains(&"TestFailover".to_owned()));
    }
    // Not protected, and nothing makes it so.
    let mut at = with(&[("protectionState", json!("UnprotectedStatesBegin"))]);
    at.later(Duration::from_secs(24 * 3_600));
    assert_eq!(at.properties(&vm)["protectionState"], "UnprotectedStatesBegin");
    // One that is well and may do less than it could.
    let mut at = with(&[("allowedOperations", json!(["DisableProtection", "NewThing"]))]);
    assert_eq!(at.allowed(&vm), ["DisableProtection", "NewThing"]);
    let refused = at.call(Method::Post, &format!("{vm}/testFailover"), &test_failover());
    assert_eq!(refused.status, 400, "{}", text(&refused));
}

#[test]
fn a_vault_is_made_filled_and_taken_away() {
    let mut at = Client::new();
    let vault = V.replace("vault-recovery-sea", "other");
    let url = |path: &str| format!("{HOST}{vault}{path}?api-version=2024-04-01");
    let body =
        json!({ "location": "southeastasia", "sku": { "name": "Standard" }, "properties": {} });
    let made = at.ask(Method::Put, &url(""), &body);
    let shown: Value = serde_json::from_slice(&made.body).unwrap();
    assert_eq!(
        (made.status, &shown["properties"]["provisioningState"]),
        (201, &json!("Provisioning"))
    );
    assert!(shown["etag"].as_str().unwrap().starts_with("W/\"datetime'"));
    let poll = made.headers.get("azure-asyncoperation").unwrap().to_owned();
    at.later(Duration::from_secs(120));
    let end = at.ask(Method::Get, &poll, &Value::Null);
    assert_eq!(serde_json::from_slice::<Value>(&end.body).unwrap()["status"], "Succeeded");
    let fabric = json!({ "properties": { "customDetails": { "instanceType": "Azure", "location": "eastasia" } } });
    let accepted = at.ask(Method::Put, &url("/replicationFabrics/f"), &fabric);
    let (_, took) = at.follow(&accepted);
    assert!(took > Duration::from_secs(60), "as recorded: {took:?}");
    assert_eq!(
        at.ask(Method::Delete, &url(""), &Value::Null).status,
        400,
        "a vault that holds something stays"
    );
    let accepted = at.ask(Method::Delete, &url("/replicationFabrics/f"), &Value::Null);
    at.follow(&accepted);
    assert_eq!(at.ask(Method::Delete, &url(""), &Value::Null).status, 202);
    at.later(Duration::from_secs(120));
    assert_eq!(at.ask(Method::Get, &url(""), &Value::Null).status, 404);
}

#[test]
fn what_is_used_cannot_be_deleted_and_what_is_not_there_is_not_found() {
    let mut at = Client::new();
    for path in ["replicationPolicies/policy-24h", EA, "replicationFabrics/fabric-ea"] {
        let answer = at.call(Method::Delete, path, &Value::Null);
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (answer.status, &said["error"]["code"]),
            (400, &json!("ResourceInUse")),
            "{path}"
        );
    }
    assert_eq!(at.call(Method::Delete, "replicationPolicies/none", &Value::Null).status, 204);
    assert_eq!(at.call(Method::Get, "replicationPolicies/none", &Value::Null).status, 404);
    let other = format!(
        "{HOST}{}/replicationJobs?api-version=2024-04-01",
        V.replace("vault-recovery-sea", "none")
    );
    let answer = at.ask(Method::Get, &other, &Value::Null);
    let said: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &said["error"]["code"]), (404, &json!("ResourceNotFound")));
}

/// Keys that recorded answers have and the published document does not.
const SAID_AND_NOT_PUBLISHED: [&str; 0] = [];

/// Takes out what is null: the published document knows no nulls, and recorded answers are full of them.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

#[test]
fn every_answer_is_one_that_azure_publishes() {
    let Some(specs) = Specs::of_answers() else { return };
    let mut at = Client::new();
    let (mut wrong, mut seen) = (std::collections::BTreeSet::new(), 0);
    let mut hold = |method: &str, path: &str, body: &Value| {
        let mut body = body.clone();
        without_nulls(&mut body);
        let found = specs.answered(method, &format!("{V}/{path}"), 200, &body);
        let found = found.unwrap_or_else(|| panic!("nobody publishes {method} {path}"));
        seen += 1;
        for one in found.wrong {
            let (key, why) = one.split_once(": ").unwrap();
            let said = SAID_AND_NOT_PUBLISHED.iter().any(|own| key.ends_with(own));
            if !(said && why == UNKNOWN) {
                wrong.insert(format!("{method} {path}: {one}"));
            }
        }
    };
    let policy = json!({ "properties": { "providerSpecificInput": { "instanceType": "A2A", "multiVmSyncStatus": "Enable" } } });
    let fabric = json!({ "properties": { "customDetails": { "instanceType": "Azure", "location": "eastasia" } } });
    let container =
        json!({ "properties": { "providerSpecificInput": [{ "instanceType": "A2A" }] } });
    let mapping = json!({ "properties": { "policyId": format!("{V}/replicationPolicies/p"),
        "targetProtectionContainerId": format!("{V}/{SEA}"),
        "providerSpecificInput": { "instanceType": "A2A", "agentAutoUpdateStatus": "Disabled" } } });
    let item_body = json!({ "properties": { "policyId": format!("{V}/replicationPolicies/p"), "providerSpecificDetails": {
        "instanceType": "A2A", "fabricObjectId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm",
        "recoveryContainerId": format!("{V}/{SEA}"), "recoveryResourceGroupId": "/subscriptions/s/resourceGroups/r",
        "recoveryAzureNetworkId": "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/n",
        "vmManagedDisks": [{ "diskId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d",
            "primaryStagingAzureStorageAccountId": "/x", "recoveryResourceGroupId": "/subscriptions/s/resourceGroups/r" }] } } });
    let c = "replicationFabrics/f/replicationProtectionContainers/c";
    let vm = item(c, "vm");
    let network =
        "replicationFabrics/f/replicationNetworks/azureNetwork/replicationNetworkMappings/n";
    let networks = json!({ "properties": { "recoveryFabricName": "fabric-sea", "recoveryNetworkId": "/a/b", "fabricSpecificDetails": {
        "instanceType": "AzureToAzure", "primaryNetworkId": "/c/d" } } });
    let plan = json!({ "properties": { "primaryFabricId": format!("{V}/replicationFabrics/f"), "recoveryFabricId": format!("{V}/replicationFabrics/fabric-sea"),
        "groups": [{ "groupType": "Boot", "replicationProtectedItems": [{ "id": format!("{V}/{vm}") }] }] } });
    for (path, body) in [
        ("replicationPolicies/p", &policy),
        ("replicationFabrics/f", &fabric),
        (c, &container),
        (&format!("{c}/replicationProtectionContainerMappings/m"), &mapping),
        (network, &networks),
        (&vm, &item_body),
        ("replicationRecoveryPlans/r", &plan),
    ] {
        let accepted = at.call(Method::Put, path, body);
        at.follow(&accepted);
        let shown = at.get(path);
        hold("get", path, &shown);
        hold("put", path, &shown);
        let list = path.rsplit_once('/').unwrap().0;
        if list
            != "replicationFabrics/f/replicationNetworks/azureNetwork/replicationNetworkMappings"
        {
            hold("get", list, &at.get(list));
        }
    }
    at.later(Duration::from_secs(12 * 3_600));
    hold("get", &vm, &at.get(&vm));
    let over = failover("PrimaryToRecovery", "NotRequired");
    for (path, verb, body) in [
        ("replicationRecoveryPlans/r", "testFailover", test_failover()),
        ("replicationRecoveryPlans/r", "testFailoverCleanup", Value::Null),
        ("replicationRecoveryPlans/r", "unplannedFailover", over),
        (&vm, "applyRecoveryPoint", json!({ "properties": {} })),
        (&vm, "failoverCommit", Value::Null),
        (&vm, "reProtect", Value::Null),
    ] {
        at.done(&format!("{path}/{verb}"), &body);
        hold("post", &format!("{path}/{verb}"), &at.get(path));
        hold("get", &vm, &at.get(&vm));
    }
    for path in [
        "replicationJobs",
        "replicationRecoveryPlans",
        "replicationProtectedItems",
        "replicationNetworkMappings",
        "replicationVaultHealth",
    ] {
        hold("get", path, &at.get(path));
    }
    let jobs = at.get("replicationJobs")["value"].clone();
    for job in jobs.as_array().unwrap() {
        let path = format!("replicationJobs/{}", job["name"].as_str().unwrap());
        hold("get", &path, &at.get(&path));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 50, "too few: {seen}");
}
