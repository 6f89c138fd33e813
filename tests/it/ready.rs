//! Could it be used tonight? Each row both ways, the exit status, the history, and who is told when it changes.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::PathBuf;

use serde_json::Value;

use crate::support::outside::program;
use crate::support::process::backroad;

const WORLD: &str = "runbooks/worlds/two-circuits.yaml";

struct Bench {
    folder: tempfile::TempDir,
    runbook: PathBuf,
}

impl Bench {
    /// The shipped runbook with this in front of its parameters.
    fn new(head: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runbook = folder.path().join("dr-circuit.yaml");
        let bench = Self { folder, runbook };
        bench.write(head);
        bench
    }

    fn write(&self, head: &str) {
        let text = include_str!("../../runbooks/dr-circuit.yaml");
        let text = text.replacen("\nparams:\n", &format!("\n{head}\nparams:\n"), 1);
        std::fs::write(&self.runbook, text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn ran(&self, words: &[&str]) -> (i32, String, String) {
        let state = self.folder.path().join("state");
        let output = backroad(&state, words).env("PATH", "/usr/bin:/bin").output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn ready(&self, more: &[&str]) -> (i32, Value) {
        let runbook = self.runbook.display().to_string();
        let words = ["ready", &runbook, "--world", WORLD, "--output", "json"];
        let (code, out, err) = self.ran(&[&words[..], more].concat());
        let value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{code} {out}{err}"));
        (code, value)
    }

    fn plan(&self) {
        let (runbook, plan) = (self.runbook.display().to_string(), self.path("plan.json"));
        let (code, out, err) = self.ran(&["plan", &runbook, "--world", WORLD, "--out", &plan]);
        assert_eq!(code, 0, "{out}{err}");
    }

    /// The newest run.
    fn run(&self) -> String {
        let (_, out, _) = self.ran(&["runs", "--output", "json"]);
        let runs: Value = serde_json::from_str(&out).unwrap();
        runs["runs"][0]["run"].as_str().unwrap().to_owned()
    }

    fn drill(&self, more: &[&str]) -> i32 {
        let runbook = self.runbook.display().to_string();
        self.ran(&[&["drill", &runbook, "--world", WORLD], more].concat()).0
    }
}

/// How a row of the only runbook stands.
fn row<'a>(verdict: &'a Value, name: &str) -> &'a Value {
    let rows = verdict["runbooks"][0]["rows"].as_array().unwrap();
    rows.iter().find(|row| row["row"] == name).unwrap_or_else(|| panic!("{name}: {verdict}"))
}

fn states(verdict: &Value) -> Vec<(String, String)> {
    let rows = verdict["runbooks"][0]["rows"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(&row["row"]), text(&row["state"]))).collect()
}

#[test]
fn a_runbook_is_ready_when_every_row_is_good_and_each_that_is_not_says_what_mends_it() {
    let bench = Bench::new("drill_every: 90d");
    let (code, before) = bench.ready(&[]);
    assert_eq!(code, 7, "{before}");
    assert_eq!(row(&before, "drift")["state"], "unknown", "what cannot be known is not ready");
    assert_eq!(row(&before, "drill")["state"], "bad");
    for one in before["runbooks"][0]["rows"].as_array().unwrap() {
        let good = one["state"] == "good";
        assert_eq!(one["mend"].is_null(), good, "{one}");
    }
    bench.plan();
    assert_eq!(bench.drill(&[]), 0);
    let (code, after) = bench.ready(&[]);
    let good = |name: &str| (name.to_owned(), "good".to_owned());
    let rows = ["preflight", "rights", "quota", "secrets", "drift", "drill"];
    assert_eq!(states(&after), rows.map(good), "{after}");
    assert_eq!((code, &after["ready"]), (0, &true.into()), "{after}");
    assert_eq!(after["runbooks"][0]["simulated"], true, "a world proves nothing of Azure");
    assert!(row(&after, "drill")["why"].as_str().unwrap().contains("The last drill, today"));
    // The runbook is changed: neither the drill nor the plan is of it any more.
    bench.write("drill_every: 90d\ndeadline: 3h");
    let (code, changed) = bench.ready(&[]);
    assert_eq!(code, 7, "{changed}");
    assert_eq!(row(&changed, "drill")["state"], "bad");
    assert!(row(&changed, "drift")["why"].as_str().unwrap().contains("differ"), "{changed}");
    // The history tells all three, and looks at nothing.
    let runbook = bench.runbook.display().to_string();
    let (code, text, err) = bench.ran(&["ready", &runbook, "--history"]);
    assert_eq!(code, 0, "{err}");
    assert!(text.contains("-+-  ready 1 times of 3"), "{text}");
}

/// Whose way back was drilled as well has shown more than a drill must.
#[test]
fn a_drill_that_was_taken_back_counts() {
    let bench = Bench::new("");
    assert_eq!(bench.drill(&[]), 0);
    let (code, _, err) = bench.ran(&["undo", &bench.run(), "--reason", "practice"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(row(&bench.ready(&[]).1, "drill")["state"], "good");
}

#[test]
fn a_drill_that_failed_or_is_too_old_is_not_good_enough() {
    let bench = Bench::new("drill_every: 1ms");
    bench.plan();
    assert_eq!(bench.drill(&[]), 0);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let (code, old) = bench.ready(&[]);
    assert_eq!((code, &row(&old, "drill")["state"]), (7, &"bad".into()), "{old}");
    assert!(row(&old, "drill")["why"].as_str().unwrap().contains("one every 1ms"), "{old}");
    bench.write("");
    assert_ne!(bench.drill(&["--region-down", "southeastasia"]), 0);
    let (code, failed) = bench.ready(&[]);
    assert_eq!(code, 7, "{failed}");
    assert_ne!(row(&failed, "drill")["state"], "good", "{failed}");
}

#[test]
fn what_is_amiss_in_the_world_is_its_row_and_what_cannot_be_asked_is_unknown() {
    let bench = Bench::new("");
    let text = include_str!("../../runbooks/worlds/two-circuits.yaml");
    let broken = bench.path("broken.yaml");
    let text = text.replace(
        "serviceProviderProvisioningState: Provisioned",
        "serviceProviderProvisioningState: NotProvisioned",
    );
    std::fs::write(&broken, text).unwrap();
    let runbook = bench.runbook.display().to_string();
    let (code, out, err) = bench.ran(&["ready", &runbook, "--world", &broken, "--output", "json"]);
    let verdict: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert_eq!((code, &row(&verdict, "preflight")["state"]), (7, &"bad".into()), "{verdict}");
    assert!(
        row(&verdict, "preflight")["why"].as_str().unwrap().contains("CIR-PROVIDER"),
        "{verdict}"
    );
    // Nobody answers there.
    let nobody = ["ready", &runbook, "--endpoint", "http://127.0.0.1:9", "--output", "json"];
    let (code, out, err) = bench.ran(&nobody);
    let verdict: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert_eq!(code, 7, "{verdict}");
    for name in ["preflight", "rights", "quota"] {
        assert_eq!(row(&verdict, name)["state"], "unknown", "{verdict}");
    }
}

#[test]
fn a_mistake_in_one_runbook_hides_no_verdict_on_another_and_a_secret_that_is_missing_is_named() {
    let bench = Bench::new("notify: { room: { slack: { url: \"env:ROOM_URL\" } } }");
    let wrong = bench.path("wrong.yaml");
    std::fs::write(&wrong, "runbook: wrong\ntitle: Wrong\n").unwrap();
    let (code, verdict) = bench.ready(&[&wrong]);
    assert_eq!(code, 7);
    assert_eq!(verdict["runbooks"][1]["rows"][0]["row"], "runbook");
    let receivers = row(&verdict, "receivers");
    assert_eq!(receivers["state"], "bad", "{verdict}");
    assert!(receivers["why"].as_str().unwrap().contains("ROOM_URL"), "{verdict}");
}

#[test]
fn receivers_are_told_when_the_verdict_changes_and_not_each_time() {
    let bench = Bench::new("");
    let heard = bench.path("heard");
    let tool = program(bench.folder.path(), "hook", &format!("cat >> {heard}"));
    bench.write(&format!(
        "notify: {{ pager: {{ exec: {{ argv: [\"{}\"] }}, on: readiness }} }}",
        tool.display()
    ));
    let told = || {
        let text = std::fs::read_to_string(&heard).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|one| one["headline"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(bench.ready(&[]).0, 7);
    assert_eq!(told().len(), 0, "whoever only looks tells nobody");
    bench.plan();
    assert_eq!(bench.drill(&[]), 0);
    for _ in 0..2 {
        assert_eq!(bench.ready(&["--notify"]).0, 0);
    }
    assert_eq!(told(), ["it is ready"]);
    std::fs::remove_file(bench.path("plan.json")).unwrap();
    for _ in 0..2 {
        assert_eq!(bench.ready(&["--notify"]).0, 7);
    }
    assert_eq!(told()[1..], ["it is not ready: drift"]);
}

#[test]
fn the_examples_for_schedules_are_whole_and_call_what_there_is() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/ci");
    let help = String::from_utf8(
        crate::support::process::binary().arg("ready").arg("--help").output().unwrap().stdout,
    )
    .unwrap();
    assert!(help.contains("--notify"), "{help}");
    for name in ["ready.github.yml", "ready.azure-pipelines.yml"] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        let read: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        assert!(read.is_mapping(), "{name}");
        assert!(text.contains("backroad ready --notify runbooks/*.yaml"), "{name}");
    }
    let unit = std::fs::read_to_string(root.join("systemd/backroad-ready.service")).unwrap();
    assert!(
        unit.contains("SuccessExitStatus=7") && unit.contains("backroad ready --notify"),
        "{unit}"
    );
}
