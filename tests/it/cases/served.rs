//! The same cases over a wire: the program itself, and a simulator that is another process.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::SEA;
use crate::support::file;
use crate::support::process::{Served, backroad, serve};

/// A step's three minutes are two seconds of the host's: what it takes on a machine that others load as well.
const SPEED: u32 = 100;

/// The worlds of the cases beside the shipped ones, which they extend.
fn worlds(folder: &Path) {
    for from in ["runbooks/worlds", "tests/fixtures/cases"] {
        for entry in std::fs::read_dir(file(from)).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// What the program says: code, its JSON, and what it told people.
fn said(state: &Path, words: &[&str], served: &Served) -> (i32, Value, String) {
    let factor = SPEED.to_string();
    let target = ["--endpoint", served.endpoint.as_str(), "--clock-factor", &factor];
    let all = [words, &target, &["--output", "json"]].concat();
    let done = backroad(state, &all).output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    let value = serde_json::from_slice(&done.stdout).unwrap_or_default();
    (done.status.code().unwrap(), value, told)
}

/// A request of somebody else's: the status, and the body.
fn asked(served: &Served, method: &str, path: &str, body: &str) -> (u16, Value) {
    let address = served.endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer simulated\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// A case: its runbook, its world, and how it is to end.
struct Case {
    runbook: &'static str,
    world: &'static str,
    ends: Ends,
}

enum Ends {
    /// It succeeds, and the plan of a second run has nothing to write.
    Well,
    /// It asks for the go-ahead, and succeeds once that is given.
    AfterGoAhead,
    /// Nothing is begun; these words are told.
    Stopped(&'static [&'static str]),
}

const fn recovered(world: &'static str) -> Case {
    Case { runbook: "dr-circuit.yaml", world, ends: Ends::AfterGoAhead }
}

const CASES: &[Case] = &[
    recovered("standing-gateway-world.yaml"),
    recovered("dual-stack-world.yaml"),
    recovered("fresh-rights-world.yaml"),
    Case { runbook: "gateway-with-address.yaml", world: "two-circuits.yaml", ends: Ends::Well },
    Case { runbook: "zones.yaml", world: "zones-order-world.yaml", ends: Ends::Well },
    Case { runbook: "zones.yaml", world: "zones-more-world.yaml", ends: Ends::Well },
    Case { runbook: "zones.yaml", world: "zones-none-world.yaml", ends: Ends::Stopped(&["zones"]) },
    Case {
        runbook: "spoke-changes-hub.yaml",
        world: "spoke-changes-hub-world.yaml",
        ends: Ends::Well,
    },
    Case { runbook: "single-routes.yaml", world: "single-routes-world.yaml", ends: Ends::Well },
    Case { runbook: "tagged.yaml", world: "tagged-world.yaml", ends: Ends::Well },
    Case { runbook: "options.yaml", world: "options-world.yaml", ends: Ends::Well },
    Case {
        runbook: "dr-circuit.yaml",
        world: "other-tenant-world.yaml",
        ends: Ends::Stopped(&["TENANT-TOKEN", "az login --tenant", "22222222"]),
    },
    Case {
        runbook: "dr-circuit.yaml",
        world: "policy-tags-world.yaml",
        ends: Ends::Stopped(&["POLICY-DENY"]),
    },
];

/// Where a runbook of the cases, or a shipped one, is.
fn runbook(folder: &Path, name: &str) -> PathBuf {
    let own = folder.join(name);
    if own.exists() { own } else { file("runbooks").join(name) }
}

fn lived(case: &Case) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let (state, name) = (folder.path(), format!("{} in {}", case.runbook, case.world));
    worlds(state);
    let served = serve(state.join(case.world), SPEED);
    let runbook = runbook(state, case.runbook);
    let runbook = runbook.to_str().unwrap();
    let live = case.runbook == "dr-circuit.yaml";
    let start: &[&str] =
        if live { &["run", runbook, "--profile", "live"] } else { &["run", runbook] };
    let (code, view, told) = said(state, start, &served);
    match case.ends {
        Ends::AfterGoAhead => {
            let run = view["run"].as_str().unwrap_or_default();
            let approve = ["approve", run, "go_ahead", "--by", "ann"];
            let (ended, after, why) = said(state, &approve, &served);
            if (code, ended) != (10, 0) || after["outcome"] != "succeeded" {
                return Err(format!("{name}: {code} {told}\n{ended} {after}\n{why}"));
            }
        }
        Ends::Stopped(words) => {
            let text = format!("{view}{told}");
            let missing: Vec<_> = words.iter().filter(|word| !text.contains(**word)).collect();
            let ran = view["outcome"].as_str() == Some("succeeded");
            if code == 0 || ran || !missing.is_empty() {
                return Err(format!("{name}: {code}, lacks {missing:?}\n{view}\n{told}"));
            }
        }
        Ends::Well => {
            if code != 0 || view["outcome"] != "succeeded" {
                return Err(format!("{name}: {code}\n{view}\n{told}"));
            }
            let (code, plan, told) = said(state, &["plan", runbook], &served);
            let steps = plan["steps"].as_array().cloned().unwrap_or_default();
            let again: Vec<_> = steps
                .iter()
                .filter(|step| step["changes"].as_array().is_some_and(|all| !all.is_empty()))
                .map(|step| step["name"].clone())
                .collect();
            if code != 0 || !again.is_empty() {
                return Err(format!("{name}: a second run would write {again:?}: {code} {told}"));
            }
        }
    }
    Ok(())
}

#[test]
fn each_case_is_run_over_the_wire_as_it_is_in_one_process() {
    // A few at once: each is two processes that are at work.
    let next = AtomicUsize::new(0);
    let work = || {
        let each = std::iter::from_fn(|| CASES.get(next.fetch_add(1, Ordering::Relaxed)));
        each.filter_map(|case| lived(case).err()).collect::<Vec<String>>()
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
        all.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_spoke_that_grew_over_the_wire_is_synced_over_the_wire() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    worlds(state);
    let served = serve(state.join("peering-grown-world.yaml"), SPEED);
    let version = "api-version=2024-03-01";
    let spoke = format!("{SEA}/virtualNetworks/vnet-spoke?{version}");
    let side =
        format!("{SEA}/virtualNetworks/vnet-hub-a/virtualNetworkPeerings/hub-a-to-spoke?{version}");
    let (_, mut body) = asked(&served, "GET", &spoke, "");
    body["properties"]["addressSpace"]["addressPrefixes"] = json!(["10.30.0.0/24", "10.31.0.0/24"]);
    let (status, answer) = asked(&served, "PUT", &spoke, &body.to_string());
    assert!(status < 300, "its own answer is taken back: {answer}");
    let level = || asked(&served, "GET", &side, "").1["properties"]["peeringSyncLevel"].clone();
    assert_eq!(level(), "LocalNotInSync");
    let runbook = state.join("peering-grown.yaml");
    let (code, view, told) = said(state, &["run", runbook.to_str().unwrap()], &served);
    assert_eq!((code, view["outcome"].as_str()), (0, Some("succeeded")), "{view}\n{told}");
    assert_eq!(level(), "FullyInSync");
}

#[test]
fn a_run_over_the_wire_takes_the_tenants_of_its_profile_and_names_what_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    worlds(state);
    let (home, carrier) = ("home.example", "carrier.example");
    let theirs = "22222222-2222-2222-2222-222222222222";
    let world = format!(
        "extends: two-circuits.yaml\nworld: two-tenants\ntenants:\n  home: {home}\n  subscriptions:\n    {theirs}: {carrier}\n"
    );
    std::fs::write(state.join("two-tenants.yaml"), world).unwrap();
    let served = serve(state.join("two-tenants.yaml"), SPEED);
    // One look at the circuit of the other tenant, and nothing else.
    let look = |tenants: &str| {
        let text = format!(
            "runbook: look\ntitle: A look\nprofiles: {{ live: {{ {tenants} }} }}\nsteps:\n  look:\n    title: The circuit\n    \
             action: verify.circuit\n    with: {{ circuit: /subscriptions/{theirs}/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-singapore }}\n"
        );
        let path = state.join("look.yaml");
        std::fs::write(&path, text).unwrap();
        let (code, view, told) = said(state, &["run", path.to_str().unwrap()], &served);
        (code, format!("{view}{told}"))
    };
    assert_eq!(look("").0, 0, "the refusal names the tenant, and its token is taken");
    assert_eq!(look(&format!("tenants: {{ {theirs}: {carrier} }}")).0, 0);
    // What can be no subscription is named before anything is asked.
    let (code, told) = look("tenants: { not-a-subscription/: x }");
    assert_ne!(code, 0);
    assert!(told.contains("names no subscription and its tenant"), "{told}");
}
