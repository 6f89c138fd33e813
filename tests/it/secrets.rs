//! Secrets stay out: of stdout, stderr, the state directory, at any level of logging.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;
use std::process::Output;

use backroad::azure::wire::Headers;
use backroad::azure::{HttpWire, Method, Wire, WireRequest};
use serde_json::Value;

use crate::support::file;
use crate::support::process::{binary, serve};

/// The key of the shipped world's authorization in Hong Kong.
const KNOWN_KEY: &str = "0f2b7c1e-0000-4000-8000-00000000000a";

fn at_trace(state: &Path, words: &[&str]) -> Output {
    binary()
        .args(words)
        .arg("--state-dir")
        .arg(state)
        // The log of the run as well, which lies in the state directory.
        .args(["--log-level", "trace"])
        .env(
            "RUST_LOG",
            "trace,azure_core=trace,azure_core::policies=trace,reqwest=trace,hyper=trace",
        )
        .env("DR_CIRCUIT_KEY", KNOWN_KEY)
        .output()
        .unwrap()
}

/// Every byte that a run leaves behind, with where it was found.
fn everything(state: &Path, outputs: &[&Output]) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    for (place, output) in outputs.iter().enumerate() {
        all.push((format!("stdout of command {place}"), output.stdout.clone()));
        all.push((format!("stderr of command {place}"), output.stderr.clone()));
    }
    let mut folders = vec![state.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    all
}

fn assert_absent(all: &[(String, Vec<u8>)], secret: &str) {
    for (place, bytes) in all {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "a secret is in {place}");
    }
}

fn wait_is_over(output: &Output) {
    let code = output.status.code();
    let text = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = text.lines().rev().take(12).collect();
    assert!(matches!(code, Some(0 | 10)), "{code:?}: {tail:#?}");
}

/// The key of the authorization that the run made, asked of Azure itself.
fn made_key(endpoint: &str) -> String {
    let id = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/\
              Microsoft.Network/expressRouteCircuits/er-singapore/authorizations/auth-hub-sea";
    let request = WireRequest {
        method: Method::Get,
        url: format!("{endpoint}{id}?api-version=2024-03-01").parse().unwrap(),
        headers: Headers::new().with("Authorization", "Bearer test"),
        body: bytes::Bytes::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(HttpWire::loopback().unwrap().send(request)).unwrap();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    body["properties"]["authorizationKey"].as_str().unwrap().to_owned()
}

#[test]
fn no_token_and_no_key_is_left_behind_at_trace() {
    let simulator = serve(file("runbooks/worlds/two-circuits.yaml"), 300);
    let state = tempfile::tempdir().unwrap();
    let runbook = file("runbooks/dr-circuit.yaml");
    let target = ["--endpoint", &simulator.endpoint, "--clock-factor", "300"];
    let run = [&["run", runbook.to_str().unwrap(), "--profile", "drill"], &target[..]].concat();
    let first = at_trace(state.path(), &run);
    wait_is_over(&first);
    let id = std::fs::read_dir(state.path().join("runs")).unwrap().next().unwrap().unwrap();
    let id = id.file_name().into_string().unwrap();
    let approve = [&["approve", &id, "go_ahead", "--by", "ann"], &target[..]].concat();
    let second = at_trace(state.path(), &approve);
    assert_eq!(second.status.code(), Some(0), "{}", String::from_utf8_lossy(&second.stdout));
    let journal = at_trace(state.path(), &["journal", &id, "--output", "json"]);
    let status = at_trace(state.path(), &["status", &id, "--output", "json"]);
    let all = everything(state.path(), &[&first, &second, &journal, &status]);
    let logged = String::from_utf8_lossy(&first.stderr).contains("DEBUG");
    assert!(logged, "the logging was on, or the test proves nothing");
    assert_absent(&all, &made_key(&simulator.endpoint));
    assert_absent(&all, "Bearer ");
    assert_absent(&all, "put-in-at-the-door");
}

#[test]
fn a_key_from_the_environment_is_sent_and_written_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("world.yaml");
    let text = std::fs::read_to_string(file("runbooks/worlds/two-circuits.yaml")).unwrap();
    std::fs::write(
        &world,
        text.replace("authorizationUseStatus: InUse", "authorizationUseStatus: Available")
            .replace("seed: 1", "seed: 1\noverlap: accept"),
    )
    .unwrap();
    let simulator = serve(&world, 300);
    let state = tempfile::tempdir().unwrap();
    let runbook = file("tests/fixtures/key-from-env.yaml");
    let run = at_trace(
        state.path(),
        &[
            "run",
            runbook.to_str().unwrap(),
            "--endpoint",
            &simulator.endpoint,
            "--clock-factor",
            "300",
            "--waive",
            "ADDR-SAME-CIRCUIT=the source stays disconnected",
        ],
    );
    wait_is_over(&run);
    assert_eq!(run.status.code(), Some(0));
    assert_absent(&everything(state.path(), &[&run]), KNOWN_KEY);
}

#[test]
fn a_drill_keeps_its_world_without_the_keys_in_it() {
    let state = tempfile::tempdir().unwrap();
    let runbook = file("runbooks/dr-circuit.yaml");
    let drill = at_trace(state.path(), &["drill", runbook.to_str().unwrap()]);
    assert_eq!(drill.status.code(), Some(0));
    let all = everything(state.path(), &[&drill]);
    assert!(all.iter().any(|(place, _)| place.ends_with("world.json")));
    assert_absent(&all, KNOWN_KEY);
}
