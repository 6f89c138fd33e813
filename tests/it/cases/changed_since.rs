//! A failover stands for days, and people go on working: an undo takes back what its steps changed, and nothing that
//! others changed since.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::azure::WriteScope;
use backroad::azure::wire::Method;
use backroad::engine::{Actuator as _, CallContext, Command, Ending, Event, Observer as _};
use backroad::model::steering::Steering;
use backroad::model::{Action, Assessed, Disposition, Goal, OperationKey, RunOutcome};
use serde_json::{Value, json};

use super::estates::{asked, undone};
use super::{SEA, plan, shown, world};
use crate::support::{Drove, Lab, compiled, shipped_world, world_file};

/// What somebody else writes, and an hour in which nothing else happens.
fn changed(lab: &Lab, path: &str, change: impl FnOnce(&mut Value)) {
    changed_at(lab, &format!("{SEA}/{path}"), change);
}

fn changed_at(lab: &Lab, path: &str, change: impl FnOnce(&mut Value)) {
    let mut world = lab.world.lock().unwrap();
    let now = lab.now();
    let (_, mut body) = asked(&mut world, Method::Get, path, &Value::Null, now);
    change(&mut body);
    let (status, answer) = asked(&mut world, Method::Put, path, &body, now);
    assert!(status < 300, "{path}: {answer}");
    lab.wait(Duration::from_secs(3_600));
}

/// A resource as Azure shows it now, if it is there.
fn stands(lab: &Lab, path: &str) -> Option<Value> {
    let mut world = lab.world.lock().unwrap();
    let (status, body) =
        asked(&mut world, Method::Get, &format!("{SEA}/{path}"), &Value::Null, lab.now());
    (status == 200).then_some(body)
}

#[tokio::test]
async fn an_undo_leaves_what_others_have_changed_since() {
    let lab = Lab::new(plan("options.yaml"), &world("options-world.yaml"));
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let (network, subnet) =
        ("virtualNetworks/vnet-app1-sea", "virtualNetworks/vnet-app1-sea/subnets/snet-app");
    changed(&lab, network, |body| {
        body["tags"] = json!({ "late": "x" });
        let space = body["properties"]["addressSpace"]["addressPrefixes"].as_array_mut().unwrap();
        space.push(json!("10.1.8.0/24"));
        let subnets = body["properties"]["subnets"].as_array_mut().unwrap();
        subnets.push(json!({ "name": "late", "properties": { "addressPrefix": "10.1.8.0/25" } }));
    });
    changed(&lab, subnet, |body| {
        body["properties"]["serviceEndpoints"] = json!([{ "service": "Microsoft.Storage" }]);
    });

    assert_eq!(undone(&lab).await, Vec::<String>::new(), "nothing stays that a step made");
    let now = shown(&lab, &format!("{SEA}/{network}"));
    let subnets = now["properties"]["subnets"].as_array().unwrap();
    let named = |name: &str| subnets.iter().find(|own| own["name"] == name).unwrap();
    // Of the steps: taken back.
    assert_eq!(now["properties"]["dhcpOptions"]["dnsServers"], json!(["10.9.9.9"]));
    let app = &named("snet-app")["properties"];
    assert!(app.get("networkSecurityGroup").is_none(), "{app}");
    assert_eq!(app["addressPrefix"], "10.1.0.0/25");
    assert!(app.get("addressPrefixes").is_none(), "{app}");
    // Of others: left.
    assert_eq!(app["serviceEndpoints"][0]["service"], "Microsoft.Storage");
    assert_eq!(named("late")["properties"]["addressPrefix"], "10.1.8.0/25");
    assert_eq!(now["tags"]["late"], "x");
}

#[tokio::test]
async fn an_undo_says_what_others_changed_of_what_it_gives_back() {
    let network = "virtualNetworks/vnet-app1-sea";
    for others in [false, true] {
        let lab = Lab::new(plan("options.yaml"), &world("options-world.yaml"));
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
        if others {
            changed(&lab, network, |body| {
                body["properties"]["dhcpOptions"]["dnsServers"] = json!(["10.1.0.77"]);
            });
        }
        assert_eq!(undone(&lab).await, Vec::<String>::new());
        let said = format!("{:?}", crate::report::told_of(&lab.journal.events()));
        let what =
            "somebody has changed this since: properties.dhcpOptions.dnsServers of vnet-app1-sea";
        assert_eq!(said.contains(what), others, "{said}");
        assert_eq!(said.contains("somebody has changed"), others, "{said}");
    }
}

/// Puts a network of somebody else's, and lets it use the hub's gateway.
fn peered_by_somebody(lab: &Lab) {
    let id = |name: &str| format!("{SEA}/virtualNetworks/{name}");
    let side = |remote: &str, lends: bool| {
        json!({ "properties": { "remoteVirtualNetwork": { "id": id(remote) },
            "allowVirtualNetworkAccess": true, "allowForwardedTraffic": true,
            "allowGatewayTransit": lends, "useRemoteGateways": !lends } })
    };
    let mut world = lab.world.lock().unwrap();
    let third = json!({ "location": "southeastasia", "properties": {
        "addressSpace": { "addressPrefixes": ["10.77.0.0/24"] } } });
    let to_third = format!("{}/virtualNetworkPeerings/to-third", id("vnet-hub-sea"));
    let to_hub = format!("{}/virtualNetworkPeerings/to-hub", id("vnet-third"));
    for (minutes, path, body) in [
        (0, id("vnet-third"), third),
        (60, to_third, side("vnet-third", true)),
        (120, to_hub, side("vnet-hub-sea", false)),
    ] {
        let at = lab.now() + Duration::from_secs(minutes * 60);
        let (status, answer) = asked(&mut world, Method::Put, &path, &body, at);
        assert!(status < 300, "{path}: {answer}");
    }
    drop(world);
    lab.wait(Duration::from_secs(6 * 3_600));
}

/// Both are kept: without its connection a gateway leads nowhere.
#[tokio::test]
async fn an_undo_keeps_the_gateway_that_others_came_to_use_and_its_connection() {
    for (runbook, in_world, kept) in [
        (
            "dr-circuit.yaml",
            "worlds/two-circuits.yaml",
            ["virtualNetworkGateways/ergw-hub-sea", "connections/con-hub-sea-singapore"],
        ),
        (
            "vpn-last-path.yaml",
            "worlds/vpn-last-path.yaml",
            ["virtualNetworkGateways/vgw-hub-sea", "connections/con-vpn-sea"],
        ),
    ] {
        let (_, compiled) = compiled(runbook, "drill");
        let lab = Lab::new(compiled.plan.unwrap(), &world_file(in_world));
        lab.drive_through().await;
        peered_by_somebody(&lab);
        let undo = Command::Undo { by: "a person".into(), reason: None };
        let ended = lab.drive(Some(undo)).await;
        let incomplete = matches!(ended, Drove::Ended(Ending::Ended(RunOutcome::UndoIncomplete)));
        assert!(incomplete, "{runbook} {ended:?}");
        let [gateway, connection] = kept;
        assert!(stands(&lab, gateway).is_some() && stands(&lab, connection).is_some(), "{runbook}");
        assert!(is_said_to_be_used(&lab, connection), "{runbook}");
        assert!(stands(&lab, "routeTables/rt-app-sea").is_none(), "the rest is taken back");

        // Somebody removes the connection by hand.
        let path = format!("{SEA}/{connection}");
        let now = lab.now();
        assert!(
            asked(&mut lab.world.lock().unwrap(), Method::Delete, &path, &Value::Null, now).0 < 300
        );
        lab.wait(Duration::from_secs(3 * 3_600));
        drop(lab.drive(Some(Command::Undo { by: "a person".into(), reason: None })).await);
        assert!(stands(&lab, gateway).is_some() && is_said_to_be_used(&lab, gateway), "{runbook}");
    }
}

/// Whether an undo kept it, and said for whom.
fn is_said_to_be_used(lab: &Lab, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap();
    lab.journal.events().iter().any(|event| match &event.event {
        Event::StepUndoFailed { error, .. } => {
            error.code == "gateway_in_use"
                && error.message.contains("vnet-third came to use it")
                && error.message.contains(&format!("without {name} "))
        }
        _ => false,
    })
}

/// Azure lets a table go that nobody uses: what was there before the run may be gone when it is taken back.
#[tokio::test]
async fn a_table_that_is_gone_since_is_not_given_back_and_holds_nothing_up() {
    let (_, compiled) = compiled("dr-circuit.yaml", "drill");
    let lab = Lab::new(compiled.plan.unwrap(), &shipped_world());
    let (old, subnet) =
        (format!("{SEA}/routeTables/rt-old"), "virtualNetworks/vnet-app1-sea/subnets/snet-app");
    let table = json!({ "location": "southeastasia", "properties": { "routes": [] } });
    let now = lab.now();
    assert!(asked(&mut lab.world.lock().unwrap(), Method::Put, &old, &table, now).0 < 300);
    lab.wait(Duration::from_secs(3_600));
    changed(&lab, subnet, |body| body["properties"]["routeTable"] = json!({ "id": old }));
    lab.drive_through().await;
    let now = lab.now();
    assert!(asked(&mut lab.world.lock().unwrap(), Method::Delete, &old, &Value::Null, now).0 < 300);
    lab.wait(Duration::from_secs(3_600));

    assert_eq!(undone(&lab).await, Vec::<String>::new());
    let left = stands(&lab, subnet).unwrap();
    assert!(left["properties"].get("routeTable").is_none(), "{left}");
    assert!(stands(&lab, "routeTables/rt-app-sea").is_none(), "the run's own goes");
    let events = lab.journal.events();
    let tried_again = events.iter().any(|own| {
        matches!(&own.event, Event::RetryScheduled { error, .. }
        if error.message.contains("rt-old"))
    });
    assert!(!tried_again, "a reference to nothing is not tried");
    let said = format!("{:?}", crate::report::told_of(&events));
    assert!(said.contains("rt-old, which was there before the run, is gone since"), "{said}");
}

/// What somebody changes between the look and the write is not written over: it is looked at again.
#[tokio::test]
async fn a_change_between_the_look_and_the_write_stays() {
    let lab = Lab::new(plan("options.yaml"), &world("options-world.yaml"));
    let is_own = |action: &Action| matches!(action, Action::SecurityGroup(_));
    let theirs = |body: &mut Value| {
        body["properties"]["serviceEndpoints"] = json!([{ "service": "Microsoft.Storage" }]);
    };
    let now = written_after_others(&lab, is_own, theirs).await;
    assert_eq!(now["properties"]["serviceEndpoints"][0]["service"], "Microsoft.Storage", "{now}");
    assert!(now["properties"]["networkSecurityGroup"]["id"].is_string(), "{now}");

    let (_, compiled) = compiled("vpn-last-path.yaml", "drill");
    let lab = Lab::new(compiled.plan.unwrap(), &world_file("worlds/vpn-last-path.yaml"));
    let is_own = |action: &Action| matches!(action, Action::Steering(Steering::Record(_)));
    let theirs = |body: &mut Value| body["properties"]["metadata"] = json!({ "owner": "theirs" });
    let now = written_after_others(&lab, is_own, theirs).await;
    assert_eq!(now["properties"]["metadata"]["owner"], "theirs", "{now}");
}

/// What a step's resource is in the end, where others changed it between the look and the write: that is refused,
/// and made again after another look.
async fn written_after_others(
    lab: &Lab,
    is_own: impl Fn(&Action) -> bool,
    theirs: impl FnOnce(&mut Value),
) -> Value {
    let step = lab.plan.steps().iter().find(|step| is_own(&step.action));
    let action = &step.unwrap().action;
    let clock = lab.clock();
    let actuator = lab.arm(&clock).actuator(WriteScope::of(&lab.plan));
    let context = CallContext { run: None, not_after: None, waited: None };
    let look = async || {
        let seen = actuator.observe(&Goal::Do(action), &context).await.unwrap();
        let Assessed::Change(change) = seen.verdict else { panic!("{seen:?}") };
        change.write
    };
    let early = look().await;
    let resource = early.resource.to_string();
    changed_at(lab, &resource, theirs);
    let key = OperationKey::parse("00000000-0000-0000-0000-000000000001").unwrap();
    clock.sleep_until(lab.now()).await;
    let refused = actuator.send(&early, &key, &context).await.unwrap_err();
    assert!(refused.code.starts_with("PreconditionFailed"), "{refused:?}");
    assert!(matches!(refused.disposition, Disposition::Transient { .. }), "{refused:?}");
    actuator.send(&look().await, &key, &context).await.unwrap();
    lab.wait(Duration::from_secs(3_600));
    let mut world = lab.world.lock().unwrap();
    asked(&mut world, Method::Get, &resource, &Value::Null, lab.now()).1
}
