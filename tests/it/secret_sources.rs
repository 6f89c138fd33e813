//! A secret that cannot be sent is found before anything is, and nothing waits for a pipe.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]
#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Output};

use crate::support::file;
use crate::support::process::binary;

const KEY: &str = "0f2b7c1e-0000-4000-8000-00000000000a";

fn told(state: &Path, words: &[&str], key: Option<&str>) -> Output {
    let mut command = binary();
    // Whoever waits for ever is found out by what ends it.
    command.args(words).arg("--state-dir").arg(state);
    if let Some(key) = key {
        command.env("DR_CIRCUIT_KEY", key);
    }
    command.output().unwrap()
}

fn runbook(folder: &Path, source: &str) -> String {
    let text = std::fs::read_to_string(file("tests/fixtures/key-from-env.yaml")).unwrap();
    let path = folder.join("runbook.yaml");
    std::fs::write(&path, text.replace("env:DR_CIRCUIT_KEY", source)).unwrap();
    path.display().to_string()
}

#[test]
fn a_secret_that_cannot_be_sent_stops_preflight_plan_and_drill() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let world = file("runbooks/worlds/two-circuits.yaml").display().to_string();
    let at = |name: &str| folder.path().join(name);
    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    std::fs::write(at("empty"), "\n").unwrap();
    std::fs::write(at("long"), "x".repeat(20_000)).unwrap();
    std::fs::write(at("lines"), format!("{KEY}\nand more\n")).unwrap();
    std::fs::write(at("good"), format!("{KEY}\r\n")).unwrap();
    let in_folder = |name: &str| format!("file:{}", at(name).display());
    let env = "env:DR_CIRCUIT_KEY".to_owned();
    for (source, key, why) in [
        (env.clone(), None, "is not set"),
        (env.clone(), Some(""), "is empty"),
        (env.clone(), Some("   "), "is empty"),
        (env.clone(), Some("con-hub-sea"), "stands in the runbook itself"),
        (env.clone(), Some("short"), "shorter than any key"),
        (in_folder("fifo"), None, "pipe"),
        (in_folder(""), None, "folder"),
        ("file:/dev/zero".to_owned(), None, "device"),
        (in_folder("nothing"), None, "No such file"),
        (in_folder("empty"), None, "is empty"),
        (in_folder("long"), None, "longer than"),
        (in_folder("lines"), None, "several lines"),
    ] {
        let runbook = runbook(folder.path(), &source);
        for (verb, status) in [("preflight", 4), ("plan", 4), ("drill", 4)] {
            let output = told(&state, &[verb, &runbook, "--world", &world], key);
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8(text).unwrap();
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(output.status.code(), Some(status), "{verb} {source}: {text}");
            assert!(
                words.contains("SECRET-READ") && words.contains(why),
                "{verb} {source}: {text}"
            );
        }
    }
    for (source, key) in [(env, Some(KEY)), (in_folder("good"), None)] {
        let runbook = runbook(folder.path(), &source);
        let output = told(&state, &["preflight", &runbook, "--world", &world], key);
        let text = String::from_utf8(output.stdout).unwrap();
        let rule = text.split("SECRET-READ").next().unwrap_or_default();
        assert!(!text.contains("cannot be read"), "{text}");
        assert!(!rule.is_empty() && !text.contains(KEY), "{text}");
    }
}

#[test]
fn whoever_approves_without_the_secret_at_hand_is_told_before_the_word_counts() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let path = runbook(folder.path(), "env:DR_CIRCUIT_KEY");
    let text = std::fs::read_to_string(&path).unwrap();
    let gate = "  word:\n    action: approval\n    with: { question: Go on? }\n  address:";
    let text = text
        .replace("  address:", gate)
        .replace("    action: public_ip.ensure", "    needs: word\n    action: public_ip.ensure");
    std::fs::write(&path, text).unwrap();
    let world = folder.path().join("world.yaml");
    let text = std::fs::read_to_string(file("runbooks/worlds/two-circuits.yaml")).unwrap();
    let text = text.replace("authorizationUseStatus: InUse", "authorizationUseStatus: Available");
    std::fs::write(&world, text.replace("seed: 1", "seed: 1\noverlap: accept")).unwrap();
    let waive = "ADDR-SAME-CIRCUIT=the source stays disconnected";
    let words = ["drill", &path, "--world", world.to_str().unwrap(), "--waive", waive];
    let drill = told(&state, &words, Some(KEY));
    assert_eq!(drill.status.code(), Some(10), "{}", String::from_utf8_lossy(&drill.stderr));
    let id = std::fs::read_dir(state.join("runs")).unwrap().next().unwrap().unwrap();
    let id = id.file_name().into_string().unwrap();
    let events = || told(&state, &["journal", &id], Some(KEY)).stdout;
    let before = events();
    let refused = told(&state, &["approve", &id, "word"], None);
    assert_eq!(refused.status.code(), Some(4));
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("DR_CIRCUIT_KEY: it is not set"), "{why}");
    assert_eq!(events(), before);
    let taken = told(&state, &["approve", &id, "word"], Some(KEY));
    assert_eq!(taken.status.code(), Some(0), "{}", String::from_utf8_lossy(&taken.stderr));
}
