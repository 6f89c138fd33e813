//! An undo removes nothing that the run made and others have come to use since: it says who, and goes on.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::azure::wire::Method;
use backroad::engine::{Command, Ending, Event};
use backroad::model::RunOutcome;
use serde_json::{Value, json};

use super::estates::asked;
use super::{SEA, shown};
use crate::support::{Drove, Lab, compiled, shipped_world};

const CIRCUIT: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-singapore";

/// A failover that ended before its connection: the authorization is made, and nobody of the run uses it.
async fn failed_before_the_connection() -> Lab {
    let (_, compiled) = compiled("dr-circuit.yaml", "drill");
    let mut world = shipped_world();
    let fault = json!({ "method": "PUT", "resource": "*/connections/*", "times": 20,
        "effect": { "refuse": { "status": 400, "code": "InvalidRequestFormat" } } });
    world.faults.push(serde_json::from_value(fault).unwrap());
    let lab = Lab::new(compiled.plan.unwrap(), &world);
    lab.drive_through().await;
    lab
}

/// Writes of somebody else.
fn written(lab: &Lab, path: &str, body: &Value) {
    let (mut world, now) = (lab.world.lock().unwrap(), lab.now());
    let (status, answer) = asked(&mut world, Method::Put, path, body, now);
    assert!(status < 300, "{path}: {answer}");
}

/// What an undo could not take back: the codes, with their words.
async fn kept(lab: &Lab) -> Vec<String> {
    lab.wait(Duration::from_secs(3_600));
    let undo = Command::Undo { by: "a person".into(), reason: None };
    let ended = lab.drive(Some(undo)).await;
    assert!(matches!(ended, Drove::Ended(Ending::Ended(RunOutcome::UndoIncomplete))), "{ended:?}");
    let all = lab.journal.events().into_iter().filter_map(|event| match event.event {
        Event::StepUndoFailed { error, .. } => Some(format!("{}: {}", error.code, error.message)),
        _ => None,
    });
    all.collect()
}

#[tokio::test]
async fn an_undo_keeps_the_authorization_that_somebody_else_has_redeemed() {
    let lab = failed_before_the_connection().await;
    let own = format!("{CIRCUIT}/authorizations/auth-hub-sea");
    let theirs = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/x/providers/Microsoft.Network/connections/theirs";
    {
        let (mut world, now) = (lab.world.lock().unwrap(), lab.now());
        let redeemed = json!({ "id": own, "name": "auth-hub-sea", "properties": {
            "authorizationKey": "k", "authorizationUseStatus": "InUse",
            "connectionResourceUri": theirs, "provisioningState": "Succeeded" } });
        world.put_resource(&redeemed, now);
    }
    let kept = kept(&lab).await;
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].starts_with("authorization_in_use") && kept[0].contains(theirs), "{kept:?}");
    let (mut world, now) = (lab.world.lock().unwrap(), lab.now());
    let (status, body) = asked(&mut world, Method::Get, &own, &Value::Null, now);
    assert_eq!(status, 200, "it stands: {body}");
}

#[tokio::test]
async fn an_undo_keeps_the_table_that_others_have_put_routes_into() {
    let lab = failed_before_the_connection().await;
    let table = format!("{SEA}/routeTables/rt-app-sea");
    let route = json!({ "properties": { "addressPrefix": "10.66.0.0/16", "nextHopType": "None" } });
    written(&lab, &format!("{table}/routes/theirs"), &route);
    let kept = kept(&lab).await;
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].starts_with("routes_of_others") && kept[0].contains("theirs"), "{kept:?}");
    assert!(shown(&lab, &table)["properties"].is_object(), "it stands");
}
