//! Steps that are not Azure's on the command line: a drill calls nobody, a plan only reads, a run does it.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::support::outside::{Web, program};
use crate::support::process::{backroad, serve};

const RUNBOOK: &str = "tests/fixtures/outside.yaml";
const TOKEN: &str = "9f2c71d0-token-of-the-service-55aa";

fn ran(state: &Path, words: &[&str]) -> (i32, String, String) {
    let output = backroad(state, words)
        .env("OUTSIDE_TOKEN", TOKEN)
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The tools of the runbook: each leaves a line when it is run.
fn tools(folder: &Path) -> String {
    let ran = folder.join("ran").display().to_string();
    let state = folder.join("state").display().to_string();
    let tell = |name: &str| format!("echo {name} >> {ran}; ");
    program(
        folder,
        "vantage",
        &format!("{}cat >> {ran}; echo '{{\"open\": true}}'", tell("vantage")),
    );
    let announce = format!("{}cat > {state}; test -n \"$TOKEN\"", tell("announce"));
    program(folder, "announce", &announce);
    let check = format!("{}test -f {state} && echo '{{\"routers\": [\"r1\"]}}'", tell("announced"));
    program(folder, "announced", &check);
    program(folder, "withdraw", &format!("{}rm {state}", tell("withdraw")));
    format!("tools={}", folder.display())
}

fn calls(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("ran")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Every byte that a state directory holds.
fn bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => all.extend(bytes(&path)),
            false => all.extend(std::fs::read(path).unwrap_or_default()),
        }
    }
    all
}

#[test]
fn a_drill_opens_no_connection_and_runs_no_program() {
    let folder = tempfile::tempdir().unwrap();
    let (state, tools) = (folder.path().join("s"), tools(folder.path()));
    let web = Web::new(vec![(0, "200 ok")]);
    let service = format!("service={}", web.url);
    let words = ["drill", RUNBOOK, "--param", &tools, "--param", &service];
    let (code, out, err) = ran(&state, &words);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!((web.count(), calls(folder.path())), (0, Vec::new()));
    // Where nothing is there that could be called, it goes as well.
    let (code, out, err) = ran(&folder.path().join("t"), &["drill", RUNBOOK]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn a_plan_runs_what_only_reads_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (state, tools) = (folder.path().join("s"), tools(folder.path()));
    let azure = serve("runbooks/worlds/two-circuits.yaml", 60);
    let web = Web::new(vec![(0, "200 ok")]);
    let service = format!("service={}", web.url);
    let words = [
        "plan",
        RUNBOOK,
        "--profile",
        "live",
        "--endpoint",
        &azure.endpoint,
        "--param",
        &tools,
        "--param",
        &service,
    ];
    let (_, out, err) = ran(&state, &words);
    let mut called = calls(folder.path());
    called.retain(|line| !line.starts_with('{'));
    called.sort();
    assert_eq!(called, ["announced", "vantage"], "{out}{err}");
    let asked = web.asked.lock().unwrap();
    assert!(asked.iter().all(|request| request.starts_with("GET /health")), "{asked:?}");
}

#[test]
fn a_run_does_it_and_undoes_it_and_keeps_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (state, tools) = (folder.path().join("s"), tools(folder.path()));
    let azure = serve("runbooks/worlds/two-circuits.yaml", 60);
    let web = Web::new(vec![(0, "201 {\"ticket\": {\"number\": 4}}"), (0, "200 ok")]);
    let text = std::fs::read_to_string(RUNBOOK).unwrap();
    let server = crate::support::outside::names();
    let text = text
        .replace(
            "127.0.0.1:9\", expect: [10.40.0.4]",
            &format!("{server}\", expect: [10.40.0.4, 10.40.0.5]"),
        )
        .replace("../../runbooks", &format!("{}/runbooks", env!("CARGO_MANIFEST_DIR")));
    let runbook = folder.path().join("outside.yaml").display().to_string();
    std::fs::write(&runbook, text).unwrap();
    let service = format!("service={}", web.url);
    let words =
        ["run", &runbook, "--endpoint", &azure.endpoint, "--param", &tools, "--param", &service];
    let (code, out, err) = ran(&state, &words);
    assert_eq!(code, 0, "{out}{err}");
    assert!(folder.path().join("state").exists());
    let (_, runs, _) = ran(&state, &["runs", "--output", "json"]);
    let runs: serde_json::Value = serde_json::from_str(&runs).unwrap();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    let (_, journal, _) = ran(&state, &["journal", &run]);
    assert!(journal.contains("the program") && journal.contains("RUN"), "{journal}");
    let (_, report, _) = ran(&state, &["report", &run]);
    let (code, undone, err) =
        ran(&state, &["undo", &run, "--by", "somebody", "--reason", "a test"]);
    assert_eq!(code, 0, "{undone}{err}");
    assert!(!folder.path().join("state").exists(), "the router's announcement is taken back");
    let withdrawn =
        web.asked.lock().unwrap().iter().any(|r| r.starts_with("DELETE /tickets/failover"));
    assert!(withdrawn, "the ticket is taken back");
    for text in [out, err, journal, report, undone] {
        assert!(!text.contains(TOKEN), "{text}");
    }
    let kept = bytes(&state);
    let found = kept.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes());
    assert!(!found, "a secret is in the state directory");
}

#[test]
fn a_program_that_is_not_there_stops_the_run_before_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("s");
    let azure = serve("runbooks/worlds/two-circuits.yaml", 60);
    let (code, out, err) = ran(&state, &["run", RUNBOOK, "--endpoint", &azure.endpoint]);
    assert_eq!(code, 4, "{out}{err}");
    assert!(err.contains("PROGRAM-THERE") && err.contains("/opt/failover/announce"), "{err}");
    assert!(!state.join("runs").exists(), "there is no run");
}

#[test]
fn the_probe_verb_answers_a_vantage_s_question() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let asked = |question: &str| {
        let mut command = backroad(folder.path(), &["probe", "--time-limit", "2s"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(question.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let question =
        format!("{{\"probe\":\"tcp\",\"host\":\"127.0.0.1\",\"port\":{port},\"open\":true}}\n");
    let (code, out) = asked(&question);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, answer), (0, serde_json::json!({ "open": true })));
    assert_eq!(asked("{}").0, 2);
}
