//! A world that is captured is the world: what is read from a served one begins as the same one again.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;
use std::process::{Command, Stdio};

use backroad::sim::{Answers, Scenario, World};

use crate::support::process::{Served, binary, serve};
use crate::support::{file, world_file};

fn backroad(words: &[&str]) -> Command {
    let mut command = binary();
    command.args(words).stdin(Stdio::null());
    command
}

fn capture(served: &Served, out: &Path) -> std::process::Output {
    let words = [
        "capture",
        "--subscription",
        "11111111-1111-1111-1111-111111111111",
        "--subscription",
        "22222222-2222-2222-2222-222222222222",
        "--endpoint",
        &served.endpoint,
        "--clock-factor",
        "600",
        "-o",
        out.to_str().unwrap(),
    ];
    let state = out.with_extension("state");
    backroad(&words).arg("--state-dir").arg(state).output().unwrap()
}

#[test]
fn capturing_a_served_world_gives_that_world_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = file("runbooks/worlds/one-circuit-kept.yaml");
    let served = serve(&path, 600);
    let out = folder.path().join("captured.yaml");
    let said = capture(&served, &out);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let text = std::fs::read_to_string(&out).unwrap();
    let original = World::new(&world_file("worlds/one-circuit-kept.yaml"));
    let captured = World::new(&Scenario::parse("captured", &text).unwrap());
    assert_eq!(captured.comparable()["resources"], original.comparable()["resources"]);
    let reach = |world: &World| -> Vec<(String, bool)> {
        let all = world.reachability();
        all.iter().map(|r| (r.network.to_string(), r.verdict.works())).collect()
    };
    // What stands behind the circuits was read from their route tables: the same networks are reached.
    let (found, was) = (reach(&captured), reach(&original));
    assert!(found.len() >= 3, "{found:?}");
    for pair in found {
        assert!(was.contains(&pair), "{pair:?} of {was:?}");
    }
    for key in keys(&std::fs::read_to_string(&path).unwrap()) {
        assert!(!text.contains(&key), "a key is in the file");
    }
    // Never over another file.
    let again = capture(&served, &out);
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), text);
}

/// The authorization keys that a world file holds.
fn keys(text: &str) -> Vec<String> {
    let parts = text.split("authorizationKey: ").skip(1);
    parts.map(|rest| rest[..36].to_owned()).collect()
}

#[test]
fn a_world_that_is_written_down_begins_again_as_the_same() {
    for name in [
        "two-circuits",
        "one-circuit",
        "one-circuit-kept",
        "onprem-site",
        "two-circuits-site-recovery",
    ] {
        let scenario = world_file(&format!("worlds/{name}.yaml"));
        let mut world = World::new(&scenario);
        let written = world.world_file(scenario.now);
        let text = serde_yaml::to_string(&written).unwrap();
        let again = World::new(&Scenario::parse(name, &text).unwrap());
        assert_eq!(again.comparable(), world.comparable(), "{name}");
        let mut again = again;
        let twice = again.world_file(scenario.now);
        assert_eq!(twice, written, "{name}: written again it is the same");
    }
}
