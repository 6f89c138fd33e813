//! Drills as JUnit XML.

use std::path::Path;
use std::process::Command;

use super::said;

/// An XML text as its reader has it: elements with their attributes. None where there is no Python.
fn read(path: &Path) -> Option<serde_json::Value> {
    let program = "import json,sys,xml.etree.ElementTree as t\n\
                   def of(e): return {'tag': e.tag, 'of': dict(e.attrib), 'text': e.text or '', 'in': [of(c) for c in e]}\n\
                   print(json.dumps(of(t.parse(sys.argv[1]).getroot())))";
    let output = Command::new("python3").args(["-c", program]).arg(path).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Counts agree with the cases, and each case has one end at most: what readers of JUnit rely on.
fn assert_sound(root: &serde_json::Value) -> &serde_json::Value {
    assert_eq!(root["tag"], "testsuites");
    let suite = &root["in"][0];
    assert_eq!(suite["tag"], "testsuite");
    let parts = suite["in"].as_array().unwrap();
    assert_eq!(parts[0]["tag"], "properties", "they stand first");
    let cases: Vec<_> = parts.iter().filter(|part| part["tag"] == "testcase").collect();
    let with =
        |tag: &str| cases.iter().filter(|case| case["in"][0]["tag"] == tag).count().to_string();
    for of in [&root["of"], &suite["of"]] {
        assert_eq!(of["tests"].as_str().unwrap(), cases.len().to_string());
        assert_eq!(of["failures"].as_str().unwrap(), with("failure"));
        assert_eq!(of["skipped"].as_str().unwrap(), with("skipped"));
    }
    for case in cases {
        assert!(case["of"]["name"].is_string() && case["of"]["classname"].is_string());
        assert!(case["of"]["time"].as_str().unwrap().parse::<f64>().unwrap() >= 0.0);
        assert!(case["in"].as_array().unwrap().len() <= 1);
    }
    suite
}

fn property<'a>(suite: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    let all = suite["in"][0]["in"].as_array().unwrap();
    all.iter().find(|one| one["of"]["name"] == name)?["of"]["value"].as_str()
}

#[test]
fn a_drill_is_a_suite_with_a_case_for_each_step_and_says_that_it_is_simulated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drill.xml");
    let words =
        ["drill", "runbooks/dr-circuit.yaml", "--seed", "7", "--junit", file.to_str().unwrap()];
    assert_eq!(said(folder.path(), &words).0, 0);
    let Some(root) = read(&file) else { return };
    let suite = assert_sound(&root);
    assert_eq!(suite["of"]["name"], "dr-circuit");
    assert_eq!((property(suite, "simulated"), property(suite, "seed")), (Some("true"), Some("7")));
    assert!(property(suite, "world").unwrap().ends_with("two-circuits.yaml"));
    assert_eq!(root["of"]["failures"], "0");
}

#[test]
fn a_drill_that_fails_or_comes_to_nothing_is_written_too_and_is_not_green() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drill.xml");
    let out = file.to_str().unwrap();
    let words =
        ["drill", "runbooks/dr-circuit.yaml", "--region-down", "southeastasia", "--junit", out];
    let (code, _, _) = said(folder.path(), &words);
    assert_ne!(code, 0);
    let Some(root) = read(&file) else { return };
    assert_sound(&root);
    assert_ne!(root["of"]["failures"], "0");
    // A runbook with errors, whose name is no XML.
    let wrong = folder.path().join("a<b>&\"\u{1b}.yaml");
    std::fs::write(&wrong, "runbook: x\n").unwrap();
    let (code, _, _) = said(folder.path(), &["drill", wrong.to_str().unwrap(), "--junit", out]);
    assert_eq!(code, 3);
    let root = read(&file).unwrap();
    let suite = assert_sound(&root);
    assert_eq!(root["of"]["failures"], "1");
    assert!(property(suite, "file").unwrap().contains("a<b>&\"\\u{1b}.yaml"));
}
