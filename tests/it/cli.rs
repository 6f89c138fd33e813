//! Does the command line keep its promises? The binary itself, with a cleared environment.

#![expect(clippy::unwrap_used, reason = "in a test, also in its helpers, a panic is the answer")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use backroad::engine::{Event, Journal, RunMode};
use backroad::model::action::General;
use backroad::model::{
    Action, Answer, GatePolicy, Objective, OnExpiry, OnFailure, People, Plan, PlanParts, Prose,
    RetryPolicy, RunId, RunbookName, SagaClass, Seq, Step, StepName, Timestamp,
};
use backroad::sim::{Scenario, World};
use backroad::store::StateDir;
use serde_json::Value;

use crate::support::process::{Process, backroad, serve};

const RUN: &str = "01jd0000000000000000000001";

fn ran(state: &Path, words: &[&str]) -> Output {
    backroad(state, words).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}\n{}", text(&output.stdout), text(&output.stderr))
    })
}

fn step(name: &str, needs: &[&str], action: General) -> Step {
    Step {
        name: StepName::parse(name).unwrap(),
        title: format!("The step {name}"),
        needs: needs.iter().map(|n| StepName::parse(n).unwrap()).collect(),
        action: Action::General(action),
        when: None,
        ensure: Vec::new(),
        timeout: Duration::from_secs(600),
        retry: RetryPolicy::default(),
        on_failure: OnFailure::Stop,
        saga: SagaClass::Undoable,
        side: None,
        owes: None,
        prose: Prose::default(),
    }
}

fn gate(name: &str, needs: &[&str]) -> Step {
    let policy = GatePolicy {
        question: "Shall it go on?".to_owned(),
        expires_after: None,
        on_expiry: OnExpiry::Decline,
        approvals: 1,
        role: None,
        not_by_starter: false,
    };
    step(name, needs, General::Approval(policy))
}

fn wait(name: &str, needs: &[&str], seconds: u64) -> Step {
    let duration = Duration::from_secs(seconds);
    step(name, needs, General::Wait { duration })
}

/// A live run that was opened and left, as by a process that was killed.
fn left_behind(state: &Path, steps: Vec<Step>) {
    opened(state, steps, RunMode::Live, "http://127.0.0.1:9");
}

fn opened(state: &Path, steps: Vec<Step>, mode: RunMode, endpoint: &str) {
    let people = People {
        answer_after: Duration::from_secs(240),
        answer: Answer::Approve,
        choices: BTreeMap::new(),
    };
    let plan = Plan::new(PlanParts {
        tenants: BTreeMap::new(),
        roles: BTreeMap::new(),
        trust_names: false,
        source_region: None,
        failback: None,
        runbook: RunbookName::parse("by-hand").unwrap(),
        title: "A run of the tests".to_owned(),
        owner: None,
        objective: Objective { rto: Some(Duration::from_secs(3_600)) },
        profile: None,
        params: BTreeMap::new(),
        secrets: BTreeMap::new(),
        people: (mode == RunMode::Drill).then_some(people),
        deadline: None,
        drill_every: None,
        messages: Default::default(),
        prose: Prose::default(),
        steps,
    })
    .unwrap();
    let run = RunId::parse(RUN).unwrap();
    let opened = Event::RunOpened {
        run: run.clone(),
        plan: Box::new(plan),
        against: None,
        bad_days: Vec::new(),
        regions_down: Vec::new(),
        allow_no_strike: false,
        clock_factor: None,
        place: None,
        mode,
        endpoint: endpoint.to_owned(),
        nonce: "n".to_owned(),
        by: None,
    };
    let at = Timestamp::parse("2026-03-14T03:00:00Z").unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = StateDir::new(state).create_run(&run).unwrap();
        store.journal.append(&store.lease, Seq(0), at, vec![opened]).await.unwrap();
        store.close().await.unwrap();
    });
}

#[test]
fn help_names_every_verb_and_every_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(folder.path(), &["--help"]);
    assert_eq!(code(&output), 0);
    insta::with_settings!({snapshot_path => "../snapshots"}, {
        insta::assert_snapshot!(text(&output.stdout));
    });
}

#[test]
fn what_makes_no_sense_is_usage() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        vec!["fly"],
        vec!["status"],
        vec!["status", "01zz"],
        vec!["approve", RUN, "Not A Step"],
        vec!["verify", "no/such/file"],
    ] {
        let output = ran(folder.path(), &words);
        assert_eq!(code(&output), 2, "{words:?}: {}", text(&output.stderr));
        assert!(!output.stderr.is_empty(), "{words:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "looking creates nothing");
}

#[test]
fn a_machine_is_told_of_errors_too() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(folder.path(), &["status", "01zz", "--output", "json"]);
    assert_eq!(json(&output)["status"], 2);
}

#[test]
fn an_empty_state_directory_has_no_runs() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(folder.path(), &["runs", "--output", "json"]);
    assert_eq!(code(&output), 0);
    assert_eq!(json(&output)["runs"], Value::Array(Vec::new()));
}

#[test]
fn completions_are_for_each_shell() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = ran(folder.path(), &["completions", shell]);
        assert_eq!(code(&output), 0);
        assert!(text(&output.stdout).contains("approve"), "{shell}");
    }
}

#[test]
fn the_manual_page_has_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    let output = ran(folder.path(), &["man"]);
    assert_eq!(code(&output), 0);
    let page = text(&output.stdout);
    assert!(page.contains(".TH backroad 1"), "{page}");
    for verb in ["CHECK", "DRILL", "APPROVE", "REPORT", "MAN"] {
        assert!(page.contains(&format!(".SH \"{verb}\"\n")), "{verb} is not in it");
    }
    assert!(page.contains("\\-\\-bad\\-day"), "what a verb takes is not in it");
}

#[test]
fn a_run_left_behind_waits_at_its_gate_and_is_approved_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    left_behind(state, vec![gate("go_ahead", &[]), wait("settle", &["go_ahead"], 0)]);

    let status = json(&ran(state, &["status", "01jd", "--output", "json"]));
    assert_eq!(status["outcome"], "interrupted");

    let output = ran(state, &["resume", RUN, "--output", "json"]);
    assert_eq!(code(&output), 10, "{}", text(&output.stderr));
    let view = json(&output);
    assert_eq!(view["outcome"], "waiting");
    assert_eq!(view["steps"][0]["status"], "waiting");

    let output = ran(
        state,
        &["approve", RUN, "go_ahead", "--by", "ada", "--reason", "seen it", "--output", "json"],
    );
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let view = json(&output);
    assert_eq!(view["outcome"], "succeeded");
    assert_eq!(view["obligations"], Value::Array(Vec::new()));

    let journal = text(&ran(state, &["journal", RUN]).stdout);
    // What is claimed, and what the system knows beside it.
    assert!(journal.contains("approved by ada (account "), "{journal}");
    assert!(journal.contains("): seen it"), "{journal}");
    let verified = ran(state, &["verify", RUN, "--output", "json"]);
    assert_eq!(code(&verified), 0, "{}", text(&verified.stderr));
    assert_eq!(json(&verified)["whole"], true);
    let again = ran(state, &["approve", RUN, "go_ahead"]);
    assert_eq!(code(&again), 4, "a gate that is passed is not approved twice");
}

#[test]
fn what_is_declined_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    left_behind(state, vec![gate("go_ahead", &[]), wait("settle", &["go_ahead"], 0)]);
    assert_eq!(code(&ran(state, &["resume", RUN])), 10);
    let no = ["decline", RUN, "go_ahead", "--reason", "not tonight", "--output", "json"];
    let output = ran(state, &no);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert_eq!(json(&output)["outcome"], "failed");
    let resumed = ran(state, &["resume", RUN]);
    assert_eq!(code(&resumed), 4, "an approval was declined");
}

#[test]
fn nothing_is_coloured_off_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    left_behind(state, vec![wait("settle", &[], 0)]);
    let output = ran(state, &["resume", RUN]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    for bytes in [&output.stdout, &output.stderr] {
        assert!(!text(bytes).contains('\u{1b}'), "{}", text(bytes));
    }
}

/// A run that another process drives; it is ended with its holder.
struct Driven(Process);

impl Driven {
    /// Resumes the run in a process of its own, and returns when its socket is open.
    fn new(state: &Path) -> Self {
        let mut command = backroad(state, &["resume", RUN, "--output", "json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driven = Self(Process::of(command));
        let socket = state.join("runs").join(RUN).join("socket.json");
        while !socket.exists() {
            assert!(driven.0.0.try_wait().unwrap().is_none(), "it ended early");
            std::thread::yield_now();
        }
        driven
    }

    fn ended(mut self) -> i32 {
        self.0.0.wait().unwrap().code().unwrap()
    }
}

#[test]
fn another_process_asks_and_commands_a_live_run_at_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    // Longer than any test: it ends because it is told to.
    left_behind(state, vec![wait("long", &[], 500), gate("go_ahead", &[])]);
    let driven = Driven::new(state);

    let status = json(&ran(state, &["status", RUN, "--output", "json"]));
    assert_eq!(status["outcome"], "running");
    let journal = ran(state, &["journal", RUN, "--output", "json"]);
    assert_eq!(code(&journal), 0, "{}", text(&journal.stderr));
    assert_eq!(code(&ran(state, &["resume", RUN])), 4, "it is held");
    let wrong = ran(state, &["approve", RUN, "no_such_step"]);
    assert_eq!(code(&wrong), 4, "{}", text(&wrong.stderr));

    let cancelled = ran(state, &["cancel", RUN, "--by", "ada", "--reason", "by mistake"]);
    assert_eq!(code(&cancelled), 0, "{}", text(&cancelled.stderr));
    assert_eq!(driven.ended(), 1, "it ended otherwise than asked");
    let journal = text(&ran(state, &["journal", RUN]).stdout);
    assert!(journal.contains("cancelled by ada (account "), "{journal}");
    assert!(journal.contains(": by mistake"), "{journal}");
    let vouched = !journal.contains("by its own word");
    assert!(vouched || !cfg!(target_os = "linux"), "the kernel knows who knocked: {journal}");
    let status = json(&ran(state, &["status", RUN, "--output", "json"]));
    assert_eq!(status["outcome"], "cancelled");
}

#[cfg(unix)]
#[test]
fn the_first_interrupt_leaves_a_run_that_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    left_behind(state, vec![wait("long", &[], 500)]);
    let driven = Driven::new(state);
    driven.0.signal("-INT");
    assert_eq!(driven.ended(), 130);
    let status = json(&ran(state, &["status", RUN, "--output", "json"]));
    assert_eq!(status["outcome"], "interrupted");
    assert!(
        !state.join("runs").join(RUN).join("socket.json").exists(),
        "the socket is closed behind"
    );
}

const NETWORK: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network";
const CIRCUIT: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-singapore";

fn doing(name: &str, needs: &[&str], action: Value) -> Step {
    let mut step = gate(name, needs);
    step.action = serde_json::from_value(action).unwrap();
    step.timeout = Duration::from_secs(5_400);
    step
}

/// The heart of a failover over the second circuit, put together by hand.
fn failover() -> Vec<Step> {
    let location = "southeastasia";
    let pip = format!("{NETWORK}/publicIPAddresses/pip-ergw-hub-sea");
    let subnet = format!("{NETWORK}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet");
    let gateway = format!("{NETWORK}/virtualNetworkGateways/ergw-hub-sea");
    let authorization = format!("{CIRCUIT}/authorizations/dr");
    vec![
        doing(
            "circuit_ready",
            &[],
            serde_json::json!({
            "action": "verify.circuit", "with": {"circuit": CIRCUIT}}),
        ),
        doing(
            "public_ip",
            &[],
            serde_json::json!({
            "action": "public_ip.ensure", "with": {"id": pip, "location": location, "zones": []}}),
        ),
        doing(
            "gateway_subnet",
            &[],
            serde_json::json!({
            "action": "subnet.ensure", "with": {"id": subnet, "prefix": "10.10.10.128/25"}}),
        ),
        doing(
            "gateway",
            &["public_ip", "gateway_subnet"],
            serde_json::json!({
            "action": "gateway.ensure", "with": {"id": gateway, "location": location,
            "sku": "ErGw1AZ", "subnet": subnet, "public_ip": pip}}),
        ),
        doing(
            "authorization",
            &["circuit_ready"],
            serde_json::json!({
            "action": "authorization.ensure", "with": {"id": authorization}}),
        ),
        gate("go_ahead", &["gateway"]),
        doing(
            "connection",
            &["go_ahead", "authorization"],
            serde_json::json!({
            "action": "connection.ensure", "with": {
                "id": format!("{NETWORK}/connections/con-sea"), "location": location,
                "gateway": gateway, "circuit": CIRCUIT, "routing_weight": 0,
                "authorization": {"resource": {"id": authorization,
                    "pointer": "/properties/authorizationKey"}}}}),
        ),
        doing(
            "connected",
            &["connection"],
            serde_json::json!({
            "action": "verify.connection",
            "with": {"connection": format!("{NETWORK}/connections/con-sea")}}),
        ),
        doing(
            "routes",
            &["connected"],
            serde_json::json!({
            "action": "verify.routes", "with": {"gateway": gateway, "expect": ["10.100.0.0/16"]}}),
        ),
    ]
}

fn drill_left_behind(state: &Path, steps: Vec<Step>) {
    opened(state, steps, RunMode::Drill, "http://127.0.0.1");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/worlds/two-circuits.yaml");
    let scenario = Scenario::parse("world", &std::fs::read_to_string(file).unwrap()).unwrap();
    let bytes = serde_json::to_vec(&World::new(&scenario)).unwrap();
    std::fs::write(state.join("runs").join(RUN).join("world.json"), bytes).unwrap();
}

#[test]
fn a_drill_goes_on_in_its_own_world_and_the_way_back_is_rehearsed_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    drill_left_behind(state, failover());
    let output = ran(state, &["resume", RUN]);
    let told = format!("{}\n{}", text(&output.stderr), text(&output.stdout));
    assert_eq!(code(&output), 0, "{told}");
    assert!(told.contains("Recovered in"), "{told}");

    let status = json(&ran(state, &["status", RUN, "--output", "json"]));
    assert_eq!(status["outcome"], "succeeded");
    assert!(status["recovery_seconds"].as_f64().unwrap() > 600.0, "a gateway takes its time");

    let undone = ran(state, &["undo", RUN, "--reason", "rehearsed", "--output", "json"]);
    assert_eq!(code(&undone), 0, "{}\n{}", text(&undone.stderr), text(&undone.stdout));
    assert_eq!(json(&undone)["outcome"], "undone");
}

#[test]
fn the_served_simulator_says_where_it_is_and_a_run_recovers_against_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let world = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks/worlds/two-circuits.yaml");
    let simulator = serve(world, 300);
    let steps: Vec<Step> = failover()
        .into_iter()
        .filter(|step| step.name.as_str() == "circuit_ready" || step.name.as_str() == "public_ip")
        .collect();
    opened(state, steps, RunMode::Live, &simulator.endpoint);
    let output = ran(state, &["resume", RUN, "--clock-factor", "300"]);
    assert_eq!(code(&output), 0, "{}\n{}", text(&output.stderr), text(&output.stdout));
}
