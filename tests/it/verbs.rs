//! What the verbs of a failover promise: what is refused before it starts, what is owed after it ended,
//! and what people say in between. The binary itself, against drills and a served simulator.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::process::{backroad, serve};

fn ran(state: &Path, words: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = backroad(state, words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn json(state: &Path, words: &[&str]) -> (i32, Value, String) {
    let (code, out, err) = ran(state, &[words, &["--output", "json"]].concat());
    let value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}\n{err}"));
    (code, value, err)
}

/// A world file of the tests: another world with something changed in it.
fn changed(folder: &Path, change: &str) -> String {
    let worlds = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/worlds");
    for file in ["two-circuits.yaml", "one-circuit-kept.yaml", "one-circuit-kept-source-dead.yaml"]
    {
        std::fs::copy(worlds.join(file), folder.join(file)).unwrap();
    }
    let path = folder.join("changed.yaml");
    std::fs::write(&path, change).unwrap();
    path.to_str().unwrap().to_owned()
}

const NO_PEERING: &str = "extends: two-circuits.yaml\nworld: changed\ndescription: x\nresources:\n  - id: /subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-singapore\n    location: southeastasia\n    sku: { name: Premium_MeteredData, tier: Premium, family: MeteredData }\n    properties:\n      circuitProvisioningState: Enabled\n      serviceProviderProvisioningState: NotProvisioned\n      serviceProviderProperties: { serviceProviderName: E, peeringLocation: Singapore, bandwidthInMbps: 500 }\n      peerings: []\n";

#[test]
fn what_cannot_work_is_refused_with_its_rule_its_reason_and_its_fix() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let world = changed(state, NO_PEERING);
    let words = ["drill", "runbooks/dr-circuit.yaml", "--world", &world];
    let (code, _, err) = ran(state, &words);
    assert_eq!(code, 4, "{err}");
    for part in
        ["CIR-PROVIDER er-singapore", "it is NotProvisioned", "fix: Give the provider", "--waive"]
    {
        assert!(err.contains(part), "{part}: {err}");
    }
    assert!(!state.join("runs").exists(), "there is no run");
    let (code, found, _) =
        json(state, &["preflight", "runbooks/dr-circuit.yaml", "--world", &world]);
    assert_eq!((code, found["findings"][0]["severity"].as_str()), (4, Some("block")));
    let waived = ["--waive", "CIR-PROVIDER=ordered", "--waive", "PEER-PRIVATE=ordered"];
    let (code, _, err) = ran(state, &[&words[..], &waived].concat());
    assert_ne!(code, 4, "it starts: {err}");
    let (_, runs, _) = json(state, &["runs"]);
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    let (_, journal, _) = ran(state, &["journal", &run]);
    assert!(journal.contains("waived") && journal.contains("ordered"), "{journal}");
    let (code, _, err) = ran(state, &[&words[..], &["--waive", "CIR-PROVIDR=x"]].concat());
    assert_eq!(code, 2);
    assert!(err.contains("Did you mean `CIR-PROVIDER`?"), "{err}");
}

#[test]
fn a_kept_plan_is_run_as_it_was_approved_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let simulator = serve("runbooks/worlds/two-circuits.yaml", 400);
    let target = ["--endpoint", simulator.endpoint.as_str(), "--clock-factor", "400"];
    let runbook = state.join("runbook.yaml");
    let text = std::fs::read_to_string("runbooks/dr-circuit.yaml").unwrap_or_else(|_| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(root.join("runbooks/dr-circuit.yaml")).unwrap()
    });
    std::fs::write(&runbook, &text).unwrap();
    let (runbook, kept) = (runbook.to_str().unwrap(), state.join("plan.json"));
    let kept = kept.to_str().unwrap();
    let plan = [&["plan", runbook, "--profile", "live", "--out", kept], &target[..]].concat();
    let (code, _, err) = ran(state, &plan);
    assert_eq!(code, 0, "{err}");
    let run = [&["run", "--plan", kept], &target[..]].concat();

    std::fs::write(runbook, text.replace("routing_weight: 100", "routing_weight: 7")).unwrap();
    let (code, _, err) = ran(state, &run);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("step `connection` asks for something else"), "{err}");
    std::fs::write(runbook, &text).unwrap();

    let edited = std::fs::read_to_string(kept).unwrap().replace("ErGw1AZ", "ErGw3AZ");
    let forged = state.join("forged.json");
    std::fs::write(&forged, edited).unwrap();
    let forged = [&["run", "--plan", forged.to_str().unwrap()], &target[..]].concat();
    assert_eq!(ran(state, &forged).0, 4, "its digest does not fit");

    let (code, view, err) = json(state, &run);
    assert_eq!((code, view["outcome"].as_str()), (10, Some("waiting")), "{err}");
    let (code, _, err) = ran(state, &run);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("is not so any more"), "the world has changed since: {err}");
}

/// Whoever asks for an approval by the exit status of a plan is not told that it is good where no run of it starts.
#[test]
fn a_plan_that_would_not_be_started_is_refused_unless_the_rule_is_waived() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/worlds/two-circuits.yaml");
    let network = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea\
                   /providers/Microsoft.Network/virtualNetworks/vnet-app1-sea";
    std::fs::copy(shipped, state.join("two-circuits.yaml")).unwrap();
    let locked = state.join("locked.yaml");
    let lock = format!("locks:\n  - {{ scope: {network}, level: ReadOnly, name: ro }}\n");
    std::fs::write(&locked, format!("extends: two-circuits.yaml\nworld: locked\n{lock}")).unwrap();
    let plan = ["plan", "runbooks/dr-circuit.yaml", "--world", locked.to_str().unwrap()];
    let (code, out, err) = ran(state, &plan);
    assert_eq!(code, 4, "{out}{err}");
    assert!(out.contains("LOCK-READONLY"), "{out}");
    let waived = [&plan[..], &["--waive", "LOCK-READONLY=it is taken off that night"]].concat();
    let (code, out, err) = ran(state, &waived);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn the_rights_come_as_a_role_that_az_takes() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = ran(folder.path(), &["permissions", "runbooks/same-circuit-swap.yaml"]);
    assert_eq!(code, 0);
    let role: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(role["IsCustom"], true);
    let actions: Vec<&str> =
        role["Actions"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
    assert!(actions.contains(&"Microsoft.Network/connections/delete"), "{actions:?}");
    assert!(actions.iter().all(|action| !action.contains('*')), "exactly, without a star");
}

#[test]
fn a_live_run_that_owes_says_so_at_every_command_until_it_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let world = changed(
        state,
        "extends: one-circuit-kept-source-dead.yaml\nworld: changed\ndescription: x\nevents:\n  - { after: 2h, up: [eastasia] }\n",
    );
    let simulator = serve(&world, 400);
    let target = ["--endpoint", simulator.endpoint.as_str(), "--clock-factor", "400"];
    let start = [
        "run",
        "runbooks/same-circuit-swap.yaml",
        "--profile",
        "drill_source_dead",
        "--source-down",
        "the status page says so",
    ];
    let (code, view, err) = json(state, &[&start[..], &target].concat());
    assert_eq!(code, 10, "{err}");
    let run = view["run"].as_str().unwrap().to_owned();
    let say = |words: &[&str]| {
        let mut all = vec![words[0], run.as_str()];
        all.extend(&words[1..]);
        json(state, &[&all[..], &target].concat())
    };
    assert_eq!(say(&["approve", "machines", "--by", "ann"]).0, 10);
    assert_eq!(say(&["approve", "go_ahead", "--by", "ann"]).0, 10);
    let (code, _, err) = ran(state, &["approve", &run, "source_dead", "--by", "ann"]);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("connect_anyway, revoke, other_circuit"), "{err}");
    let chosen = ["approve", "source_dead", "--by", "ann", "--choice", "connect_anyway"];
    let (code, view, err) = say(&chosen);
    assert_eq!((code, view["outcome"].as_str()), (0, Some("succeeded")), "{err}");
    assert_eq!(view["obligations"].as_array().unwrap().len(), 1, "{view}");
    let disconnect =
        view["steps"].as_array().unwrap().iter().find(|s| s["name"] == "disconnect").unwrap();
    assert_eq!(disconnect["status"], "failed", "it was not tried: the source was declared down");

    let (_, _, err) = ran(state, &["runs"]);
    assert!(err.contains("Remove the connection") && err.contains("backroad settle"), "{err}");
    // At four hundred times the host's speed the region is back within a quarter of a minute; each try takes one.
    let settle = [&["settle", run.as_str()], &target[..]].concat();
    let mut tries = (0..120).map(|_| ran(state, &settle));
    let settled = tries.find(|(code, _, err)| {
        assert!([0, 1].contains(code), "{err}");
        *code == 0
    });
    assert!(settled.is_some(), "the region came back, and still it is owed");
    let (_, _, err) = ran(state, &["runs"]);
    assert!(!err.contains("Remove the connection"), "{err}");
    assert_eq!(ran(state, &["settle", &run]).0, 4, "it owes nothing any more");
}

#[test]
fn a_paused_run_waits_for_its_resume_and_a_step_is_tried_again_with_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let simulator = serve("runbooks/worlds/two-circuits.yaml", 400);
    let target = ["--endpoint", simulator.endpoint.as_str(), "--clock-factor", "400"];
    let start = ["run", "runbooks/dr-circuit.yaml", "--profile", "live"];
    let (code, view, err) = json(state, &[&start[..], &target].concat());
    assert_eq!(code, 10, "{err}");
    let run = view["run"].as_str().unwrap().to_owned();
    let (code, _, err) = ran(state, &[&start[..], &target].concat());
    assert_eq!(code, 4, "it works on the same resources: {err}");
    assert_eq!(json(state, &["status"]).1["run"], run.as_str(), "what did not begin is not there");
    let (code, view, _) =
        json(state, &[&["pause", run.as_str(), "--by", "ann"], &target[..]].concat());
    assert_eq!((code, view["outcome"].as_str()), (10, Some("waiting")));
    let approve = ["approve", run.as_str(), "go_ahead", "--by", "ann"];
    let (code, view, _) = json(state, &[&approve[..], &target].concat());
    assert_eq!((code, view["outcome"].as_str()), (10, Some("waiting")), "it is paused");
    let (code, _, err) = ran(state, &["skip", &run, "connection", "--dry-run"]);
    assert_eq!(code, 0);
    assert!(err.contains("To go on without it: connected, bgp_up"), "{err}");
    let (code, view, err) = json(state, &[&["resume", run.as_str()], &target[..]].concat());
    assert_eq!((code, view["outcome"].as_str()), (0, Some("succeeded")), "{err}");
    let (code, _, err) =
        ran(state, &["retry", &run, "connection", "--from", "--reason", "once more"]);
    assert_eq!(code, 4, "nothing after it ended badly: {err}");
}
