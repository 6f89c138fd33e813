//! Cases from the field that are about the truth of what is seen: routes, peers, tenants, rights, policies
//! and faults. `tests/fixtures/cases` holds their worlds.
//!
//! The simulator's half (Azure's answers as they are) and the executor's half (what is made of them) are
//! looked at apart, so that the two cannot be wrong together.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

mod faults;
mod paths;
mod peers;
mod policy;
mod reach;
mod rights;
mod routes;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use backroad::model::{Plan, RunOutcome};
use backroad::plan::{CompileOptions, Compiled, compile};
use backroad::preflight::{Finding, FindingVerdict, Preflight, inquire, judge};
use backroad::runbook::SourceFile;
use backroad::sim::{Scenario, World};
use serde_json::Value;

use crate::support::{Lab, compiled, file};

/// A world of the cases over a shipped one.
fn world(name: &str) -> Scenario {
    written_world(name, &std::fs::read_to_string(file("tests/fixtures/cases").join(name)).unwrap())
}

/// A world that is written here, over one of the cases or a shipped one.
fn written_world(name: &str, text: &str) -> Scenario {
    let read = |path: &str| {
        let name = std::path::Path::new(path).file_name().unwrap();
        let own = file("tests/fixtures/cases").join(name);
        let path = if own.exists() { own } else { file("runbooks/worlds").join(name) };
        std::fs::read_to_string(path).map_err(|error| error.to_string())
    };
    Scenario::parse_over(name, text, &read).unwrap()
}

/// A shipped runbook, as a drill compiles it.
fn shipped(name: &str) -> Plan {
    compiled(name, "drill").1.plan.unwrap()
}

/// A runbook of the cases, or one that is written here.
fn compile_text(text: &str) -> Compiled {
    let options = CompileOptions { profile: Some("drill".to_owned()), ..CompileOptions::default() };
    compile(&SourceFile::new("case.yaml", text.to_owned()), &options)
}

fn case_text(name: &str) -> String {
    std::fs::read_to_string(file("tests/fixtures/cases").join(name)).unwrap()
}

fn case_plan(text: &str) -> Plan {
    let compiled = compile_text(text);
    compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// What preflight says of a plan in a world.
async fn preflight(plan: &Plan, scenario: &Scenario) -> Preflight {
    let world = Arc::new(Mutex::new(World::new(scenario)));
    let lab = Lab::in_world(plan.clone(), world, scenario.now, "1");
    let clock = lab.clock();
    let facts = inquire(&lab.plan, &lab.arm(&clock).observer(), &clock).await;
    assert_eq!(lab.check_ledger(), Ok(0), "a look writes nothing");
    judge(&lab.plan, &facts)
}

/// What a rule says of each thing that it is about.
fn of<'f>(found: &'f Preflight, rule: &str) -> Vec<&'f Finding> {
    found.findings.iter().filter(|finding| finding.rule == rule).collect()
}

/// The rules that fail.
fn failed(found: &Preflight) -> BTreeSet<&'static str> {
    let all = found.findings.iter();
    all.filter(|f| matches!(f.verdict, FindingVerdict::Failed(_))).map(|f| f.rule).collect()
}

/// How a drill of a plan in a world ends, without a preflight before it.
async fn drill(plan: &Plan, scenario: &Scenario) -> (RunOutcome, Lab) {
    let lab = Lab::new(plan.clone(), scenario);
    let outcome = Lab::outcome_of(lab.drive(None).await);
    (outcome, lab)
}

/// Sets a value in a resource's body of a world.
fn set(world: &mut Scenario, end: &str, pointer: &str, value: Value) {
    let ends = |body: &&mut Value| body["id"].as_str().unwrap().ends_with(end);
    let body = world.resources.iter_mut().find(ends).unwrap_or_else(|| panic!("{end}"));
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap_or_else(|| panic!("{end}: {pointer}"))[key] = value;
}
