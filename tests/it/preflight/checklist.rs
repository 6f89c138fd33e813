//! What fails is told with the command that mends it, where there is one: each once, whole, to be copied.

use std::process::Output;

use super::{Case, failed};
use crate::support::file;
use crate::support::process::backroad;

/// A preflight of the shipped runbook in its world with more said of it.
fn preflight(more: &str, words: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("world.yaml");
    let text = std::fs::read_to_string(file("runbooks/worlds/two-circuits.yaml")).unwrap();
    std::fs::write(&world, format!("{text}\n{more}")).unwrap();
    let runbook = file("runbooks/dr-circuit.yaml").display().to_string();
    let own = ["preflight", &runbook, "--world", world.to_str().unwrap()];
    backroad(folder.path(), &[&own[..], words].concat()).output().unwrap()
}

#[test]
fn what_fails_is_a_checklist_of_commands() {
    let sea = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea";
    let more = format!(
        "locks:\n  - {{ name: keep, scope: {sea}, level: ReadOnly }}\n\
         unregistered: [22222222-2222-2222-2222-222222222222]\n"
    );
    let output = preflight(&more, &[]);
    assert_eq!(output.status.code(), Some(4));
    let text = String::from_utf8(output.stdout).unwrap();
    let list: Vec<&str> = text.lines().filter(|line| line.starts_with("  [ ] ")).collect();
    let lock =
        format!("  [ ] az lock delete --ids {sea}/providers/Microsoft.Authorization/locks/keep");
    assert_eq!(list.iter().filter(|line| **line == lock).count(), 1, "{text}");
    let registered = "  [ ] az provider register --namespace Microsoft.Network --subscription \
                      22222222-2222-2222-2222-222222222222";
    assert!(list.contains(&registered), "{text}");
    let output = preflight(&more, &["--output", "json"]);
    let view: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = view["findings"].as_array().unwrap();
    let locked = all.iter().find(|one| one["rule"] == "LOCK-READONLY").unwrap();
    assert_eq!(locked["commands"][0], lock.trim_start_matches("  [ ] "));
    assert!(all.iter().all(|one| one["verdict"] != "passed" || one.get("commands").is_none()));
}

#[test]
fn what_has_no_command_stands_in_the_checklist_with_what_is_to_be_done() {
    let output = preflight("quotas: { RouteTables: 1 }\n", &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\n  [ ] QUOTA "), "{text}");
    assert!(text.contains(": Ask for a larger quota"), "{text}");
}

#[tokio::test]
async fn a_group_and_a_tier_are_made_by_the_commands_that_are_told() {
    let mut case = Case::of("dr-circuit.yaml");
    case.world.resource_groups.retain(|group| !group.id.ends_with("rg-network-sea"));
    case.set("er-singapore", "/sku/tier", "Standard".into());
    case.set(
        "er-singapore",
        "/properties/serviceProviderProperties/peeringLocation",
        "London".into(),
    );
    let found = case.found().await;
    assert!(failed(&found).contains("RG-THERE"), "{:?}", failed(&found));
    let told = |rule: &str| {
        let own = found.findings.iter().find(|own| own.rule == rule && !own.commands.is_empty());
        own.unwrap_or_else(|| panic!("{rule}: {:?}", failed(&found))).commands[0].clone()
    };
    assert_eq!(
        told("RG-THERE"),
        "az group create --subscription 11111111-1111-1111-1111-111111111111 --name rg-network-sea \
         --location southeastasia"
    );
    assert!(told("GEO-STANDARD").ends_with("/er-singapore --sku-tier Premium"));
}
