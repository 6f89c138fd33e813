//! The document of a runbook that does not work says so on its first page, and one that is too large to be drilled
//! whole says what was not.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::file;
use crate::support::process::{render, text};

const NETWORK: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/\
                       Microsoft.Network/virtualNetworks/vnet-hub-sea";

/// A runbook with an address and a table, in a world that has something more; and what it has more itself.
fn written(folder: &Path, in_world: &str, in_runbook: &str) -> PathBuf {
    let world = std::fs::read_to_string(file("runbooks/worlds/two-circuits.yaml")).unwrap();
    std::fs::write(folder.join("world.yaml"), format!("{world}\n{in_world}")).unwrap();
    let path = folder.join("small.yaml");
    let runbook = format!(
        "runbook: small\ntitle: Small\nowner: {{ team: Ops }}\n{in_runbook}\nprofiles:\n  drill:\n    world: \
         world.yaml\nsteps:\n  address:\n    title: An address\n    action: public_ip.ensure\n    with: {{ name: \
         pip-x, vnet: {NETWORK}, location: southeastasia }}\n  table:\n    title: A table\n    needs: address\n    \
         action: route_table.ensure\n    with:\n      name: rt-x\n      vnet: {NETWORK}\n      location: \
         southeastasia\n      routes: [{{ name: r, prefix: 10.0.0.0/8, next_hop: 10.10.10.10 }}]\n"
    );
    std::fs::write(&path, runbook).unwrap();
    path
}

/// All forms of a document that does not work: what each has to say, and that none says how long it usually takes.
fn says_in_every_form(runbook: &Path, status: i32, said: &[&str]) -> Value {
    let view = render(runbook, &["--output", "json"]);
    assert_eq!(view.status.code(), Some(status), "{}", text(&view.stderr));
    let warned = text(&view.stderr);
    for words in said {
        assert!(warned.contains(words), "the command does not warn: {words}\n{warned}");
    }
    for format in ["html", "md", "sh"] {
        let done = render(runbook, &["--format", format]);
        assert_eq!(done.status.code(), Some(status), "{format}");
        let page = text(&done.stdout).replace('\\', "");
        for words in said {
            assert!(page.contains(words), "{format}: {words}");
        }
        assert!(page.to_lowercase().contains("do not go by this"), "{format}");
        assert!(!page.contains("without the time of people"), "{format}: a usual time is told");
        assert!(!page.contains("was not drilled"), "{format}: it was");
    }
    serde_json::from_str(&text(&view.stdout)).unwrap()
}

#[test]
fn a_drill_that_fails_is_on_the_cover_with_its_step_and_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let faults = "faults:\n  - { method: PUT, resource: \"*/routetables/rt-x\", times: 1000, effect: { refuse: { \
                  status: 400, code: TableRefused } } }\n";
    let runbook = written(folder.path(), faults, "");
    let said = ["The drill of small, in world.yaml", "FAILED at step 2, A table", "TableRefused"];
    let view = says_in_every_form(&runbook, 1, &said);
    let part = &view["parts"][0];
    assert_eq!(part["broken"][0]["anchor"], "a-step-table");
    // What goes wrong on a good day proves nothing of any fault.
    assert!(part["matrix"].is_null());
}

#[test]
fn what_preflight_refuses_is_on_the_cover_and_the_status_is_that_of_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let group = NETWORK.split("/providers").next().unwrap();
    let locks = format!("locks:\n  - {{ name: ro, scope: {group}, level: ReadOnly }}\n");
    let runbook = written(folder.path(), &locks, "");
    let said = ["Preflight REFUSES small, in world.yaml", "LOCK-READONLY", "FAILED at step 1"];
    let view = says_in_every_form(&runbook, 4, &said);
    assert_eq!(view["parts"][0]["broken"].as_array().unwrap().len(), 2);
}

#[test]
fn a_way_back_that_is_not_there_is_said_before_any_drill() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = written(folder.path(), "", "failback: nope.yaml");
    // A drill would say first that there is no world.
    std::fs::remove_file(folder.path().join("world.yaml")).unwrap();
    let refused = render(&runbook, &[]);
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(said.contains("nope.yaml") && said.contains("`failback: nope.yaml`"), "{said}");
    assert!(!said.contains("world.yaml"), "{said}");
    assert!(refused.stdout.is_empty());
    let mistaken = folder.path().join("nope.yaml");
    std::fs::write(&mistaken, "runbook: nope\nsteps: {}\n").unwrap();
    let refused = render(&runbook, &[]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
    assert!(!text(&refused.stderr).contains("world.yaml"));
}

/// As many turns of one `each` as would take more drills than a document may.
#[test]
fn turns_that_are_alike_share_the_drills_of_one_and_the_document_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = written(folder.path(), "", "");
    let keys: Vec<String> = (1..=60).map(|n| format!("a{n}")).collect();
    let each = format!(
        "  more:\n    title: \"Address ${{each.key}}\"\n    each: [{}]\n    needs: table\n    action: \
         public_ip.ensure\n    with: {{ name: \"pip-${{each.key}}\", vnet: {NETWORK}, location: southeastasia }}\n",
        keys.join(", ")
    );
    let mut all = std::fs::read_to_string(&runbook).unwrap();
    all.push_str(&each);
    std::fs::write(&runbook, all).unwrap();
    let done = render(&runbook, &["--output", "json"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let view: Value = serde_json::from_str(&text(&done.stdout)).unwrap();
    let matrix = &view["parts"][0]["matrix"];
    let rows = matrix["rows"].as_array().unwrap();
    let of: Vec<(&str, u64)> = rows
        .iter()
        .map(|row| (row["step"]["name"].as_str().unwrap(), row["alike"].as_u64().unwrap()))
        .collect();
    assert_eq!(of, [("address", 0), ("table", 0), ("more.a1", 59)]);
    let proof = matrix["proof"].as_str().unwrap();
    assert!(proof.contains("more.a1 for 59 others"), "{proof}");
    let said = text(&done.stderr);
    assert!(said.contains("59 steps that do what another one does"), "{said}");
}
