//! What a run brought about may be another's by its end: it is looked at once more then, and whenever somebody asks;
//! and a step that is done can be done again.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use backroad::engine::{RunState, left_by, survey_of};
use backroad::outside::{BesideAzure, RoutedObserver};
use backroad::render::LeftView;
use serde_json::Value;

use crate::support::Stage;
use crate::support::each_shipped::each_shipped;
use crate::support::process::{backroad, serve};

/// Nothing that a shipped runbook leaves is held against it: neither what a later step makes otherwise, nor what it
/// removes.
async fn nothing_is_amiss(runbook: &str, profile: &str) -> String {
    let lab = Stage::of(runbook, profile).await.lab();
    lab.drive_through().await;
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let clock = lab.clock();
    let beside = BesideAzure::stand_in(Arc::clone(&clock)).observer();
    let observer = RoutedObserver::new(Arc::new(lab.arm(&clock).observer()), beside);
    let steps = left_by(&lab.plan, &state);
    let left = LeftView::of(&steps, &survey_of(&steps, &observer, &clock).await);
    assert!(!left.is_amiss(), "{left:#?}");
    let machines_alone = runbook == "site-recovery-test.yaml";
    assert_eq!(left.looked == 0, machines_alone, "there is something to look at");
    format!("{} steps looked at", left.looked)
}

each_shipped!(nothing_is_amiss);

fn ran(state: &Path, words: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = backroad(state, words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn json(state: &Path, words: &[&str]) -> (i32, Value) {
    let (code, out, err) = ran(state, &[words, &["--output", "json"]].concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}\n{err}")))
}

/// The shipped world in which somebody takes the route table off a subnet, ten minutes in, or the peering away.
fn world(folder: &Path, event: &str) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/worlds/two-circuits.yaml");
    std::fs::copy(shipped, folder.join("two-circuits.yaml")).unwrap();
    let text = format!(
        "extends: two-circuits.yaml\nworld: others\ndescription: Others go on working.\nevents:\n  - {event}\n"
    );
    let path = folder.join("others.yaml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

const TABLE_OFF: &str = "{ after: 10m, change: [{ resource: '*/virtualnetworks/vnet-app1-sea/subnets/snet-app', \
                         set: { properties: { routeTable: null } } }] }";

#[test]
fn what_others_undo_while_a_drill_runs_is_told_at_its_end_and_done_again_by_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let world = world(state, TABLE_OFF);
    let (code, out, err) = ran(state, &["drill", "runbooks/dr-circuit.yaml", "--world", &world]);
    assert_eq!(code, 0, "{err}");
    let step = "spoke_association.app1";
    for part in [
        format!("! {step}: vnet-app1-sea/snet-app is not as it was left"),
        "properties.routeTable".to_owned(),
        "backroad retry ".to_owned(),
        ", and since then 1 of the ".to_owned(),
    ] {
        assert!(out.contains(&part), "{part}: {out}");
    }
    let (_, runs) = json(state, &["runs"]);
    let run = runs["runs"][0]["run"].as_str().unwrap();
    assert_eq!(ran(state, &["status", run]).0, 0, "not asked for, and not looked at");
    let (code, view) = json(state, &["status", run, "--look"]);
    assert_eq!((code, view["left"]["changed"][0]["step"].as_str()), (4, Some(step)));
    let writes = view["writes"].as_u64().unwrap();

    let (code, view) = json(state, &["retry", run, step, "--reason", "put right"]);
    assert_eq!((code, view["outcome"].as_str()), (0, Some("succeeded")));
    assert_eq!(view["writes"].as_u64(), Some(writes + 1), "only what was not so");
    assert!(view.get("left").is_none(), "{view}");
    let (code, out, _) = ran(state, &["status", run, "--look"]);
    assert_eq!(code, 0, "{out}");
    let looked = out.lines().find(|line| line.starts_with("As its steps left it: ")).unwrap();
    let (stands, of) = looked.trim_end_matches('.').rsplit_once(" of ").unwrap();
    assert!(stands.ends_with(&format!(" {of}")), "{looked}");
    let (code, _, err) = ran(state, &["retry", run, "go_ahead", "--reason", "once more"]);
    assert_eq!(code, 4, "a person's answer is not asked for again");
    assert!(err.contains("about something of Azure's"), "{err}");
}

#[test]
fn all_that_is_done_is_looked_at_once_more_by_one_word() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let world = world(state, TABLE_OFF);
    let (code, _, err) = ran(state, &["drill", "runbooks/dr-circuit.yaml", "--world", &world]);
    assert_eq!(code, 0, "{err}");
    let (_, runs) = json(state, &["runs"]);
    let run = runs["runs"][0]["run"].as_str().unwrap();
    let (code, _, err) = ran(state, &["retry", run, "--dry-run"]);
    assert_eq!(code, 4, "nothing failed: {err}");
    assert!(err.contains(&format!("backroad retry {run} --done")), "{err}");
    let (code, out, err) = ran(state, &["retry", run, "--done"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains("To be tried again: circuit_ready, "), "proofs as well: {err}");
    assert!(!err.contains("go_ahead,"), "nobody is asked again: {err}");
    assert!(!out.contains("is not as it was left"), "{out}");
}

#[test]
fn a_verification_that_waits_in_vain_ends_with_what_somebody_took_away() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let event = "{ after: 10m, remove: ['*/virtualnetworks/vnet-hub-sea/virtualnetworkpeerings/hub-to-app1'] }";
    let world = world(state, event);
    let (code, out, _) = ran(state, &["drill", "runbooks/dr-circuit.yaml", "--world", &world]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("vnet-hub-sea/hub-to-app1 is not as it was left"), "{out}");
}

#[test]
fn a_run_is_looked_at_again_in_azure() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let simulator = serve("runbooks/worlds/two-circuits.yaml", 600);
    let target = ["--endpoint", simulator.endpoint.as_str(), "--clock-factor", "600"];
    let start = ["run", "runbooks/dr-circuit.yaml", "--profile", "live"];
    let (_, view) = json(state, &[&start[..], &target].concat());
    let run = view["run"].as_str().unwrap().to_owned();
    let approve = ["approve", run.as_str(), "go_ahead", "--by", "ann"];
    let (code, view) = json(state, &[&approve[..], &target].concat());
    assert_eq!((code, view["outcome"].as_str()), (0, Some("succeeded")), "{view}");
    assert!(view.get("left").is_none(), "it stands, and nobody asked: {view}");
    let look = || json(state, &["status", run.as_str(), "--look"]);
    let (code, view) = look();
    assert_eq!((code, view["left"]["looked"].as_u64()), (0, Some(13)), "{view}");

    // A second run finds all of it as it wants it, and counts on it from then on.
    let words = |run: &str| ran(state, &["undo", run, "--dry-run"]);
    let (code, _, err) = words(&run);
    assert_eq!(code, 0, "{err}");
    for part in
        ["To be taken back, what these steps did: ", "connection", "may carry production now"]
    {
        assert!(err.contains(part), "{part}: {err}");
    }
    assert!(!err.contains("came after it"), "{err}");
    let (_, second) = json(state, &[&start[..], &target].concat());
    let second = second["run"].as_str().unwrap().to_owned();
    let approve = ["approve", second.as_str(), "go_ahead", "--by", "ann"];
    assert_eq!(json(state, &[&approve[..], &target].concat()).0, 0);
    let (_, _, err) = words(&run);
    assert!(err.contains(&format!("Run {second} came after it")), "{err}");
    assert!(err.contains("from under its steps gateway_subnet, gateway, "), "which of it: {err}");
    assert_eq!(look().0, 0, "a dry run takes nothing back");
    let (code, _, err) = ran(state, &["undo", run.as_str(), "--reason", "home again"]);
    assert_eq!(code, 4, "it is not taken from under the second: {err}");
    assert!(err.contains(&format!("undo {run} --even-under {second} ")), "{err}");
    let (code, _, err) =
        ran(state, &["undo", run.as_str(), "--even-under", run.as_str(), "--reason", "home again"]);
    assert_eq!(code, 4, "it is that one that is named, or none: {err}");
    assert_eq!(look().0, 0, "a refused undo takes nothing back");

    let step = "connection";
    let steps = view["steps"].as_array().unwrap();
    let connection = steps.iter().find(|own| own["name"] == step).unwrap();
    removed(&simulator.endpoint, connection["resource"].as_str().unwrap());
    let (code, view) = look();
    assert_eq!((code, view["left"]["changed"][0]["step"].as_str()), (4, Some(step)), "{view}");
    drop(simulator);
    let (code, view) = look();
    assert_eq!((code, view["left"]["unread"].as_array().map(Vec::len)), (5, Some(13)), "{view}");
}

/// Somebody else removes a resource.
fn removed(endpoint: &str, id: &str) {
    let host = endpoint.strip_prefix("http://").unwrap().trim_end_matches('/');
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(
        stream,
        "DELETE {id}?api-version=2024-03-01 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer x\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}
