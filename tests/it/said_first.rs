//! What is refused is refused before it takes time, and said once; what is left to people is told where they look.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::file;
use crate::support::process::{backroad, binary};

fn ran(state: &Path, words: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = backroad(state, words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn drilled(state: &Path) -> String {
    let (code, out, err) = ran(state, &["drill", "runbooks/dr-circuit.yaml", "--output", "json"]);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str::<Value>(&out).unwrap()["run"].as_str().unwrap().to_owned()
}

#[test]
fn a_document_that_cannot_be_written_is_refused_before_its_drills() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let at = |name: &str| state.join(name).to_str().unwrap().to_owned();
    let render = |out: &str| ran(state, &["render", "runbooks/dr-circuit.yaml", "-o", out]);
    let (code, _, err) = render(&at("x.pdf"));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains(".html, .md or .sh") && !err.contains("drills"), "{err}");
    for out in [at("none/x.html"), state.to_str().unwrap().to_owned() + "/"] {
        let (code, _, err) = render(&out);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("cannot be written") && !err.contains("drills"), "{err}");
        assert_eq!(err.matches("because:").count(), 1, "{err}");
    }
    assert!(std::fs::read_dir(state).unwrap().all(|one| one.unwrap().file_name() != "x.pdf"));
}

#[test]
fn evidence_that_cannot_be_written_is_refused_with_one_cause() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let out = state.join("none/e.zip");
    // Before the run is looked for.
    let (code, _, err) = ran(state, &["export", "01nosuchrun", "-o", out.to_str().unwrap()]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("cannot be written"), "{err}");
    assert_eq!(err.matches("because:").count(), 1, "{err}");
}

#[test]
fn what_init_left_to_people_is_a_warning_of_check() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let from = file("tests/fixtures/estates/same-addresses.yaml");
    std::fs::copy(from, here.join("estate.yaml")).unwrap();
    let run = |words: &[&str]| {
        let output = binary().args(words).current_dir(here).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), text, String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&["init", "estate.yaml", "--yes"]).0, 0);
    let (code, said, _) = run(&["check", "my-failover.yaml"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("BR0420") && said.contains("my-failover.yaml:"), "{said}");
    assert!(said.contains("`contact` is still to be filled in"), "{said}");
    assert_eq!(run(&["check", "my-failover.yaml", "--deny-warnings"]).0, 3);
    let path = here.join("my-failover.yaml");
    let text = std::fs::read_to_string(&path).unwrap().replace("to be filled in", "+31 20 555");
    std::fs::write(&path, text).unwrap();
    assert_eq!(run(&["check", "my-failover.yaml", "--deny-warnings"]).0, 0);
    let (code, _, said) = run(&["init", "my-failover.yaml"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("my-failover.yaml is a runbook, and `init` wants an estate"), "{said}");
}

#[test]
fn a_word_that_is_refused_opens_no_run_and_nobody_is_asked_for_reasons_in_vain() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let run = drilled(state);
    let (code, _, err) = ran(state, &["approve", &run, "nope"]);
    assert_eq!(code, 4, "{err}");
    assert!(!err.contains("opened again"), "{err}");
    for words in [
        &["undo", "nope"][..],
        &["cancel", "nope"],
        &["source-down", "nope"],
        &["decline", "nope", "go_ahead"],
    ] {
        let (code, _, err) = ran(state, words);
        assert_eq!(code, 2, "{err}");
        assert!(!err.contains("reason"), "{words:?}: {err}");
    }
    // One that is taken is told to have opened it.
    let (code, _, err) = ran(state, &["undo", &run, "--reason", "x"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("is opened again after event"), "{err}");
}

#[test]
fn each_output_is_what_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let run = drilled(state);
    let (code, out, _) = ran(state, &["journal", &run, "--output", "json"]);
    let all: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, all["schema"].as_str()), (0, Some("backroad.journal/1")));
    assert_eq!(all["events"][0]["seq"], 1);
    assert!(all["events"].as_array().unwrap().len() > 50);
    let (code, _, err) = ran(state, &["journal", &run, "--follow", "--output", "json"]);
    assert!(code == 2 && err.contains("`--output jsonl`"), "{err}");
    for words in [&["metrics"][..], &["man"], &["completions", "bash"]] {
        for form in ["json", "jsonl"] {
            let (code, out, err) = ran(state, &[words, &["--output", form]].concat());
            assert!(code == 2 && !out.contains("backroad_") && !out.contains(".TH"), "{err}");
            assert!(format!("{out}{err}").contains("has no other output"), "{out}{err}");
        }
    }
}

#[test]
fn usage_names_both_ways_to_run_and_a_file_that_is_not_there_was_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (code, _, err) = ran(state, &["run"]);
    assert_eq!(code, 2);
    assert!(err.contains("run [OPTIONS] <RUNBOOK>") && err.contains("--plan <FILE>"), "{err}");
    let (_, out, _) = ran(state, &["ready", "nothere.yaml"]);
    assert!(out.contains("nothing could be looked at, ") && !out.contains("looked at ,"), "{out}");
}

#[test]
fn whoever_assigns_the_role_is_told_what_preflight_wants_besides() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (_, role, err) = ran(state, &["permissions", "runbooks/dr-circuit.yaml"]);
    assert!(err.contains("assign Reader there as well, and on the circuits'"), "{err}");
    assert!(serde_json::from_str::<Value>(&role).is_ok(), "the role stands by itself");
    let json = ["permissions", "runbooks/dr-circuit.yaml", "--output", "json"];
    let (_, out, _) = ran(state, &json);
    assert!(out.contains("\"besides\": \"Preflight looks further"), "{out}");
    let page = std::fs::read_to_string(file("docs/preflight.md")).unwrap();
    let rule = page.split("### RBAC\n").nth(1).unwrap().split("###").next().unwrap();
    assert!(rule.contains("assign `Reader` there"), "{rule}");
}

/// A world in which a table that stands on the GatewaySubnet drops what goes to app1.
fn dropping(folder: &Path) -> String {
    let sea = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network";
    std::fs::copy(file("runbooks/worlds/two-circuits.yaml"), folder.join("two-circuits.yaml"))
        .unwrap();
    let text = format!(
        "extends: two-circuits.yaml
world: dropped
description: x
resources:
  - id: {sea}/routeTables/rt-gws
    location: southeastasia
    properties: {{ routes: [{{ name: app1, properties: {{ addressPrefix: 10.1.0.0/24, nextHopType: None }} }}] }}
  - id: {sea}/virtualNetworks/vnet-hub-sea
    location: southeastasia
    properties:
      addressSpace: {{ addressPrefixes: [10.10.10.0/24] }}
      subnets:
        - {{ name: snet-nva, properties: {{ addressPrefix: 10.10.10.0/26 }} }}
        - name: GatewaySubnet
          properties: {{ addressPrefix: 10.10.10.128/25, routeTable: {{ id: {sea}/routeTables/rt-gws }} }}
"
    );
    let path = folder.join("dropped.yaml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What is dropped is not recovered, whatever every step has proven.
#[test]
fn a_drill_whose_networks_do_not_answer_has_not_recovered_all() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let world = dropping(state);
    let junit = state.join("drill.xml");
    let junit = junit.to_str().unwrap();
    let drill = ["drill", "runbooks/dr-circuit.yaml", "--world", &world];
    let (code, out, err) = ran(state, &[&drill[..], &["--junit", junit]].concat());
    assert_eq!(code, 1, "it ended otherwise than asked: {out}{err}");
    assert!(out.contains("Not all is recovered: every step was done in"), "{out}{err}");
    assert!(out.contains("10.1.0.0/24 from hongkong-dc"), "{out}");
    assert!(!out.contains("Recovered in"), "{out}");
    let written = std::fs::read_to_string(junit).unwrap();
    assert!(written.contains("<failure") && written.contains("Not all is recovered"), "{written}");
    let (_, out, _) = ran(state, &[&drill[..], &["--output", "json"]].concat());
    let view: Value = serde_json::from_str(&out).unwrap();
    assert!(view["not_reached"][0].as_str().unwrap().contains("10.1.0.0/24"), "{view}");
    let run = view["run"].as_str().unwrap();
    let (_, report, _) = ran(state, &["report", run, "--format", "md"]);
    assert!(report.contains("Not all is recovered"), "{report}");
    let (_, runs, _) = ran(state, &["runs"]);
    assert!(runs.contains("Not all is recovered") && !runs.contains("recovered in"), "{runs}");
    let (_, out, _) = ran(state, &["runs", "--output", "json"]);
    let list: Value = serde_json::from_str(&out).unwrap();
    assert!(list["runs"][0]["recovery_seconds"].is_null(), "{list}");
    // As the shipped world has it.
    let (_, out, _) = ran(state, &["drill", "runbooks/dr-circuit.yaml"]);
    assert!(out.contains("Recovered in"), "{out}");
}

/// A way back is proven from where the failover leads; one that its own preflight stops leads nowhere.
#[test]
fn a_failback_is_not_drilled_after_a_failover_that_cannot_begin() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let copy = |from: &Path, to: &Path| {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
        }
    };
    for part in ["", "parts", "worlds"] {
        copy(&file("runbooks").join(part), &place.join(part));
    }
    // A default route on the GatewaySubnet: Azure makes no gateway there.
    dropping(&place.join("worlds"));
    let world = place.join("worlds/dropped.yaml");
    let text = std::fs::read_to_string(&world).unwrap();
    std::fs::write(&world, text.replace("addressPrefix: 10.1.0.0/24", "addressPrefix: 0.0.0.0/0"))
        .unwrap();
    let runbook = place.join("dr-circuit.yaml");
    let text = std::fs::read_to_string(&runbook).unwrap();
    assert!(text.contains("worlds/two-circuits.yaml"));
    std::fs::write(&runbook, text.replace("worlds/two-circuits.yaml", "worlds/dropped.yaml"))
        .unwrap();
    let home = place.join("dr-circuit-failback.yaml");
    let drill = ["drill", home.to_str().unwrap()];
    let (code, _, err) = ran(place, &drill);
    assert_eq!(code, 4, "{err}");
    assert!(
        err.contains("The drill of dr-circuit, after which this one begins, cannot begin."),
        "{err}"
    );
    assert!(err.contains("GWS-UDR0"), "{err}");
    let (_, out, err) =
        ran(place, &[&drill[..], &["--waive", "GWS-UDR0=the provider knows"]].concat());
    // Waived, it is drilled, and fails as it would: the simulated Azure makes no gateway there either.
    assert!(!err.contains("cannot begin") && out.is_empty(), "{err}");
    assert!(err.contains("The drill of dr-circuit before this one ended failed."), "{err}");
}
