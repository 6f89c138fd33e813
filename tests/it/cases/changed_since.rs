//! A failover stands for days, and people go on working: an undo takes back what its steps changed, and nothing that
//! others changed since.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::azure::wire::Method;
use backroad::engine::{Command, Ending, Event};
use backroad::model::RunOutcome;
use serde_json::{Value, json};

use super::estates::{asked, undone};
use super::{SEA, plan, shown, world};
use crate::support::{Drove, Lab, compiled, shipped_world};

/// What somebody else writes, and an hour in which nothing else happens.
fn changed(lab: &Lab, path: &str, change: impl FnOnce(&mut Value)) {
    let mut world = lab.world.lock().unwrap();
    let (path, now) = (format!("{SEA}/{path}"), lab.now());
    let (_, mut body) = asked(&mut world, Method::Get, &path, &Value::Null, now);
    change(&mut body);
    let (status, answer) = asked(&mut world, Method::Put, &path, &body, now);
    assert!(status < 300, "{path}: {answer}");
    lab.wait(Duration::from_secs(3_600));
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
async fn an_undo_keeps_the_gateway_that_others_came_to_use() {
    let (_, compiled) = compiled("dr-circuit.yaml", "drill");
    let lab = Lab::new(compiled.plan.unwrap(), &shipped_world());
    lab.drive_through().await;
    let id = |name: &str| format!("{SEA}/virtualNetworks/{name}");
    let side = |remote: &str, lends: bool| {
        json!({ "properties": { "remoteVirtualNetwork": { "id": id(remote) },
            "allowVirtualNetworkAccess": true, "allowForwardedTraffic": true,
            "allowGatewayTransit": lends, "useRemoteGateways": !lends } })
    };
    {
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
    }
    lab.wait(Duration::from_secs(6 * 3_600));
    let undo = Command::Undo { by: "a person".into(), reason: None };
    let ended = lab.drive(Some(undo)).await;
    assert!(matches!(ended, Drove::Ended(Ending::Ended(RunOutcome::UndoIncomplete))), "{ended:?}");
    let gateway = format!("{SEA}/virtualNetworkGateways/ergw-hub-sea");
    assert_eq!(shown(&lab, &gateway)["location"], "southeastasia", "it stands");
    let told = lab.journal.events().iter().any(|event| match &event.event {
        Event::StepUndoFailed { error, .. } => {
            error.code == "gateway_in_use" && error.message.contains("vnet-third")
        }
        _ => false,
    });
    assert!(told);
}
