//! What estates say beside the gateway: routes one by one, grown peerings, tags, several prefixes, options.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use backroad::azure::wire::{Headers, Method, WireRequest};
use backroad::engine::{Command, Ending, RunState, survey};
use backroad::model::{Assessed, Plan, ResourceId, RunOutcome};
use backroad::plan::preview::preview;
use backroad::preflight::{FindingVerdict, inquire, judge};
use backroad::sim::network::{Estate, configured_prefixes};
use backroad::sim::server::Answers;
use backroad::sim::{FaultEffect, World};
use serde_json::{Value, json};

use super::{SEA, plan, shown, world, written};
use crate::support::worlds::{differences, fault_of};
use crate::support::{Drove, Lab, compiled};

/// What a look says of a step, and what the plan would tell a person about it.
async fn looked(lab: &Lab, step: &str) -> (Assessed, Option<String>, Vec<String>) {
    let clock = lab.clock();
    let seen = survey(&lab.plan, &lab.arm(&clock).observer(), &clock).await;
    let told = preview(&lab.plan, &seen);
    let own = told.steps.into_iter().find(|own| own.name.as_str() == step).unwrap();
    let verdict = seen.into_iter().find(|(name, _)| name.as_str() == step).unwrap().1;
    let paths = own.changes.iter().map(|change| change.path.clone()).collect();
    (verdict.unwrap().verdict, own.why, paths)
}

/// Sends a request of somebody else's to the world.
pub(super) fn asked(
    world: &mut World,
    method: Method,
    path: &str,
    body: &Value,
    now: backroad::model::Timestamp,
) -> (u16, Value) {
    let separator = if path.contains('?') { '&' } else { '?' };
    let request = WireRequest {
        method,
        url: format!("http://127.0.0.1{path}{separator}api-version=2024-03-01").parse().unwrap(),
        headers: Headers::new(),
        body: if method == Method::Get { String::new() } else { body.to_string() }.into(),
    };
    let answer = world.answer(&request, now).0.unwrap();
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}

/// Runs a plan, runs it again without a write, and takes it back.
async fn there_again_and_back(plan: &Plan, name: &str) -> (Lab, Value) {
    let lab = Lab::new(plan.clone(), &world(name));
    let before = lab.comparable();
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    lab.check_ledger().unwrap();
    let again = Lab::in_world(plan.clone(), lab.world.clone(), lab.now(), "2");
    assert_eq!(Lab::outcome_of(again.drive(None).await), RunOutcome::Succeeded);
    assert_eq!(again.sends(), 0, "a second run finds nothing to write");
    (lab, before)
}

/// Whether a value has all that another one has; Azure completes what it is given.
fn holds_all(now: &Value, before: &Value) -> bool {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            before.iter().all(|(key, own)| now.get(key).is_some_and(|now| holds_all(now, own)))
        }
        (Value::Array(now), Value::Array(before)) => {
            now.len() == before.len() && now.iter().zip(before).all(|(a, b)| holds_all(a, b))
        }
        _ => now == before,
    }
}

/// The world is as it was, but for defaults that Azure has written in.
fn as_before(lab: &Lab, before: &Value) {
    for (id, (then, now)) in differences(before, &lab.comparable()) {
        assert!(!then.is_null() && holds_all(&now, &then), "{id}: {then:#} is {now:#}");
        let keys = |body: &Value, at: &str| {
            let object = body.pointer(at).and_then(Value::as_object).cloned().unwrap_or_default();
            object.len()
        };
        assert_eq!(keys(&then, "/tags"), keys(&now, "/tags"), "{id}");
        for ours in ["networkSecurityGroup", "routeTable", "addressPrefixes"] {
            let pointer = format!("/properties/{ours}");
            assert_eq!(then.pointer(&pointer), now.pointer(&pointer), "{id}");
        }
    }
}

pub(super) async fn undone(lab: &Lab) -> Vec<String> {
    let undo = Command::Undo { by: "a person".into(), reason: None };
    match lab.drive(Some(undo)).await {
        Drove::Ended(Ending::Ended(RunOutcome::Undone)) => {}
        other => {
            let told = RunState::fold(&lab.journal.events()).unwrap();
            panic!("{other:?}: {:?}", told.owed())
        }
    }
    RunState::fold(&lab.journal.events()).unwrap().stays().to_vec()
}

#[tokio::test]
async fn the_plan_names_each_foreign_route_that_would_go_and_warns_of_it() {
    let (_, compiled) = compiled("dr-circuit.yaml", "drill");
    let lab = Lab::new(compiled.plan.unwrap(), &world("foreign-routes-world.yaml"));
    let (verdict, why, paths) = looked(&lab, "spoke_routes").await;
    assert_eq!(
        paths,
        ["properties.routes[aks-nodepool1-000000____1024400024]", "properties.routes[monitor]"],
        "what stands as it should is not named"
    );
    let why = why.unwrap();
    assert!(why.starts_with("Warning") && why.contains("monitor"), "{why}");
    let Assessed::Change(change) = verdict else { panic!("{verdict:?}") };
    let body = change.write.body.unwrap();
    assert_eq!(body["properties"]["disableBgpRoutePropagation"], true, "the author says nothing");
    assert_eq!(body["tags"]["k8s"], "kubenet");
}

#[tokio::test]
async fn single_routes_are_ensured_beside_those_of_others_and_taken_back() {
    let plan = plan("single-routes.yaml");
    let (lab, before) = there_again_and_back(&plan, "single-routes-world.yaml").await;
    let table = shown(&lab, &format!("{SEA}/routeTables/rt-app-sea"));
    let routes = table["properties"]["routes"].as_array().unwrap();
    let named = |name: &str| routes.iter().find(|route| route["name"] == name);
    assert_eq!(named("onprem").unwrap()["properties"]["nextHopIpAddress"], "10.10.10.4");
    assert_eq!(named("backup").unwrap()["properties"]["addressPrefix"], "AzureBackup");
    assert!(named("monitor").is_none());
    assert!(named("aks-nodepool1-000000____1024400024").is_some() && named("via-nva").is_some());
    assert_eq!(table["properties"]["disableBgpRoutePropagation"], true);
    undone(&lab).await;
    as_before(&lab, &before);
}

#[tokio::test]
async fn a_firewall_that_is_not_there_blocks_in_the_plan() {
    let lab = Lab::new(plan("single-routes.yaml"), &world("foreign-routes-world.yaml"));
    let (verdict, why, _) = looked(&lab, "via_firewall").await;
    assert!(matches!(verdict, Assessed::Blocked { .. }), "{verdict:?}");
    assert!(why.unwrap().contains("afw-sea"));
}

const HUB: &str = "virtualNetworks/vnet-hub-a/virtualNetworkPeerings/hub-a-to-spoke";
const SPOKE: &str = "virtualNetworks/vnet-spoke/virtualNetworkPeerings/spoke-to-hub-a";

/// The spoke gets another prefix while it is peered, as a person would give it one.
async fn grown(lab: &Lab) {
    grow(lab);
    // Until Azure is done with it.
    let clock = lab.clock();
    clock.sleep_until(lab.now() + std::time::Duration::from_secs(120)).await;
}

fn grow(lab: &Lab) {
    let mut world = lab.world.lock().unwrap();
    let id = format!("{SEA}/virtualNetworks/vnet-spoke");
    let (_, mut body) = asked(&mut world, Method::Get, &id, &Value::Null, lab.now());
    let space = json!(["10.30.0.0/24", "10.31.0.0/24"]);
    body["properties"]["addressSpace"]["addressPrefixes"] = space;
    let (status, answer) = asked(&mut world, Method::Put, &id, &body, lab.now());
    assert!(status < 300, "its own answer is taken back: {answer}");
}

fn level(lab: &Lab, side: &str) -> String {
    let (vnet, name) = side.split_once("/virtualNetworkPeerings/").unwrap();
    let vnet = shown(lab, &format!("{SEA}/{vnet}"));
    let sides = vnet["properties"]["virtualNetworkPeerings"].as_array().unwrap();
    let own = sides.iter().find(|own| own["name"] == name).unwrap();
    own["properties"]["peeringSyncLevel"].as_str().unwrap().to_owned()
}

fn advertised(lab: &Lab, gateway: &str) -> Vec<String> {
    let file = lab.world.lock().unwrap().to_file(lab.now());
    let bodies: Vec<(ResourceId, Value)> = file["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|body| (ResourceId::parse(body["id"].as_str().unwrap()).unwrap(), body.clone()))
        .collect();
    let (down, silent) = Default::default();
    let estate = Estate::new(bodies.iter().map(|(id, body)| (id, body)), &down, &silent);
    let gateway = ResourceId::parse(&format!("{SEA}/virtualNetworkGateways/{gateway}")).unwrap();
    configured_prefixes(&estate, &gateway).iter().map(ToString::to_string).collect()
}

/// The simulator's half: who is behind reads LocalNotInSync, and what is not known is not advertised.
#[tokio::test]
async fn the_side_that_does_not_know_reads_local_not_in_sync() {
    let lab = Lab::new(plan("peering-grown.yaml"), &world("peering-grown-world.yaml"));
    assert_eq!(advertised(&lab, "ergw-a"), ["10.20.1.0/24", "10.30.0.0/24"]);
    grown(&lab).await;
    assert_eq!(
        (level(&lab, HUB), level(&lab, SPOKE)),
        ("LocalNotInSync".into(), "RemoteNotInSync".into())
    );
    assert_eq!(advertised(&lab, "ergw-a"), ["10.20.1.0/24", "10.30.0.0/24"], "not before the sync");
}

/// Somebody elsewhere lets it grow during the run: the step that comes after that syncs what is behind.
#[tokio::test]
async fn a_peering_that_grows_by_itself_is_synced_as_well() {
    let mut scenario = world("peering-grown-world.yaml");
    let space = json!({ "addressPrefixes": ["10.30.0.0/24", "10.31.0.0/24"] });
    let event = json!({ "after": "0s", "change": [{ "resource": "*/virtualnetworks/vnet-spoke",
        "set": { "properties": { "addressSpace": space } } }] });
    scenario.events.push(serde_json::from_value(event).unwrap());
    let lab = Lab::new(plan("peering-grown.yaml"), &scenario);
    // What happens by itself has happened when the world is asked next.
    drop(asked(&mut lab.world.lock().unwrap(), Method::Get, SEA, &Value::Null, lab.now()));
    assert_eq!(
        (level(&lab, HUB), level(&lab, SPOKE)),
        ("LocalNotInSync".into(), "RemoteNotInSync".into())
    );
    assert_eq!(advertised(&lab, "ergw-a"), ["10.20.1.0/24", "10.30.0.0/24"], "not before the sync");
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    assert_eq!((written(&lab, HUB), written(&lab, SPOKE)), (1, 0));
    assert_eq!(advertised(&lab, "ergw-a"), ["10.20.1.0/24", "10.30.0.0/24", "10.31.0.0/24"]);
}

/// The executor's half: one side is synced, with one write, and then both know.
#[tokio::test]
async fn a_peering_that_has_grown_is_synced_where_it_is_behind() {
    let lab = Lab::new(plan("peering-grown.yaml"), &world("peering-grown-world.yaml"));
    grown(&lab).await;
    let (verdict, _, paths) = looked(&lab, "hub").await;
    let Assessed::Change(change) = verdict else { panic!("{verdict:?}") };
    assert!(change.write.sync);
    assert_eq!(paths, ["properties.peeringSyncLevel"]);
    assert_eq!(looked(&lab, "spoke").await.0, Assessed::Holds, "its other side is to be synced");
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    assert_eq!((written(&lab, HUB), written(&lab, SPOKE)), (1, 0));
    assert_eq!(
        (level(&lab, HUB), level(&lab, SPOKE)),
        ("FullyInSync".into(), "FullyInSync".into())
    );
    assert_eq!(advertised(&lab, "ergw-a"), ["10.20.1.0/24", "10.30.0.0/24", "10.31.0.0/24"]);
}

#[tokio::test]
async fn what_is_made_has_the_tags_of_runbook_and_step_and_keeps_those_of_others() {
    let (lab, before) = there_again_and_back(&plan("tagged.yaml"), "tagged-world.yaml").await;
    let tags = |id: &str| shown(&lab, &format!("{SEA}/{id}"))["tags"].clone();
    assert_eq!(
        tags("publicIPAddresses/pip-x"),
        json!({ "COSTCENTER": "4711", "team": "billing", "owner": "noc" })
    );
    assert_eq!(tags("routeTables/rt-x"), json!({ "OWNER": "platform", "costCenter": "4711" }));
    let own = json!({ "costCenter": "4711", "owner": "noc" });
    assert_eq!(tags("virtualNetworkGateways/ergw-x"), own);
    undone(&lab).await;
    as_before(&lab, &before);
}

#[tokio::test]
async fn dual_stack_subnets_are_drilled_and_their_own_body_is_taken_back() {
    let (_, compiled) = compiled("dr-circuit.yaml", "drill");
    let lab = Lab::new(compiled.plan.unwrap(), &world("dual-stack-world.yaml"));
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let mut world = lab.world.lock().unwrap();
    let id = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/snet-app");
    let (_, body) = asked(&mut world, Method::Get, &id, &Value::Null, lab.now());
    assert_eq!(body["properties"]["addressPrefixes"], json!(["10.1.0.0/25", "fd00:db8:1::/64"]));
    let (status, answer) = asked(&mut world, Method::Put, &id, &body, lab.now());
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn gateway_connection_circuit_subnet_and_dns_options_are_made_once_and_taken_back() {
    let (lab, before) = there_again_and_back(&plan("options.yaml"), "options-world.yaml").await;
    let gateway =
        shown(&lab, &format!("{SEA}/virtualNetworkGateways/ergw-x"))["properties"].clone();
    assert_eq!(gateway["autoScaleConfiguration"]["bounds"], json!({ "min": 10, "max": 20 }));
    assert_eq!(
        (&gateway["allowRemoteVnetTraffic"], &gateway["allowVirtualWanTraffic"]),
        (&json!(true), &json!(true))
    );
    let first = shown(&lab, &format!("{SEA}/connections/con-x"))["properties"].clone();
    assert_eq!(
        (&first["expressRouteGatewayBypass"], &first["enablePrivateLinkFastPath"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(shown(&lab, &format!("{SEA}/connections/con-y"))["properties"]["routingWeight"], 10);
    let network =
        shown(&lab, &format!("{SEA}/virtualNetworks/vnet-app1-sea"))["properties"].clone();
    assert_eq!(network["dhcpOptions"]["dnsServers"], json!(["10.10.10.20", "10.10.10.21"]));
    assert_eq!(network["subnets"].as_array().unwrap().len(), 2, "its subnets stay");
    let subnet = &network["subnets"][0]["properties"];
    assert_eq!(subnet["addressPrefixes"], json!(["10.1.0.0/25", "fd00:db8:1::/64"]));
    assert!(subnet["networkSecurityGroup"]["id"].is_string(), "{subnet}");
    undone(&lab).await;
    as_before(&lab, &before);
}

#[tokio::test]
async fn a_larger_standby_holds_whatever_smaller_one_is_asked_for() {
    let (_, compiled) = compiled("dr-circuit-prepared.yaml", "drill");
    let lab = Lab::new(compiled.plan.unwrap(), &world("larger-standby-world.yaml"));
    lab.drive_through().await;
    assert_eq!(written(&lab, "/ergw-hub-sea"), 0, "a failover makes none smaller");
}

/// Whatever one write of the new actions meets, the run comes to the same end, and can be taken back.
#[tokio::test]
async fn a_lost_request_or_answer_at_any_write_of_the_options_changes_nothing() {
    for (runbook, scenario) in [
        ("options.yaml", "options-world.yaml"),
        ("single-routes.yaml", "single-routes-world.yaml"),
        ("tagged.yaml", "tagged-world.yaml"),
        ("peering-grown.yaml", "peering-grown-world.yaml"),
    ] {
        let plan = plan(runbook);
        let whole = Lab::new(plan.clone(), &world(scenario));
        if runbook.starts_with("peering") {
            grown(&whole).await;
        }
        drop(whole.drive(None).await);
        let end = whole.comparable();
        for step in plan.steps().iter().filter(|step| step.action.written().is_some()) {
            for effect in [FaultEffect::LoseRequest, FaultEffect::LoseAnswer, FaultEffect::Conflict]
            {
                let lab = Lab::new(plan.clone(), &world(scenario));
                if runbook.starts_with("peering") {
                    grown(&lab).await;
                }
                let before = lab.comparable();
                let fault = fault_of(step, effect.clone(), 1);
                lab.world.lock().unwrap().add_fault(fault);
                let outcome = Lab::outcome_of(lab.drive(None).await);
                let about = format!("{runbook} {} {effect:?}", step.name);
                assert_eq!(outcome, RunOutcome::Succeeded, "{about}");
                lab.check_ledger().unwrap();
                assert_eq!(differences(&end, &lab.comparable()), Default::default(), "{about}");
                // What a side has learned is not unlearned: there is nothing to take back of that.
                if !runbook.starts_with("peering") {
                    undone(&lab).await;
                    as_before(&lab, &before);
                }
            }
        }
    }
}

/// What preflight says of the estates: warned of where something goes, and blocked nowhere.
#[tokio::test]
async fn preflight_knows_what_estates_say() {
    for (runbook, scenario, warns) in [
        ("options.yaml", "options-world.yaml", None),
        ("single-routes.yaml", "single-routes-world.yaml", None),
        ("single-routes.yaml", "foreign-routes-world.yaml", Some("UDR-FIREWALL")),
        ("tagged.yaml", "tagged-world.yaml", None),
        ("dr-circuit.yaml", "dual-stack-world.yaml", None),
        ("dr-circuit.yaml", "foreign-routes-world.yaml", Some("UDR-FOREIGN")),
        ("dr-circuit-prepared.yaml", "larger-standby-world.yaml", None),
    ] {
        let plan = if runbook.starts_with("dr-") {
            compiled(runbook, "drill").1.plan.unwrap()
        } else {
            plan(runbook)
        };
        let lab = Lab::new(plan, &world(scenario));
        let clock = lab.clock();
        let facts = inquire(&lab.plan, &lab.arm(&clock).observer(), &clock).await;
        let found = judge(&lab.plan, &facts);
        let failed: Vec<(&str, String)> = found
            .findings
            .iter()
            .filter_map(|finding| match &finding.verdict {
                FindingVerdict::Failed(why) => Some((finding.rule, why.clone())),
                _ => None,
            })
            .collect();
        let hit = |rule: &str| failed.iter().any(|(own, _)| *own == rule);
        assert!(warns.is_none_or(hit), "{runbook} {scenario}: {failed:?}");
        let blocks: Vec<_> = found.blocking().map(|finding| finding.rule).collect();
        let allowed = warns.filter(|rule| *rule == "UDR-FIREWALL");
        assert!(
            blocks.iter().all(|rule| Some(*rule) == allowed),
            "{runbook} {scenario}: {failed:?}"
        );
        for rule in ["UDR-FOREIGN", "UDR-FIREWALL", "CIR-GEO-STD", "ADDR-SUBNET"] {
            assert!(warns == Some(rule) || !hit(rule), "{runbook} {scenario}: {failed:?}");
        }
    }
}
