//! Values of parameters from outside: typed, from files, from the environment; each mistake at its place.
#![expect(clippy::unwrap_used, reason = "in a test, also in its helpers, a panic is the answer")]

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::support::process::backroad;

const RUNBOOK: &str = "runbook: small
title: Small
params:
  size: { type: int, default: 5, max: 20, description: How many. }
  spokes: { type: list, of: string, default: [] }
  site: { type: object, fields: { name: string, asn: int }, default: { name: a, asn: 1 } }
  region: { type: region }
  key: { type: secret, from: 'env:SOME_KEY' }
profiles:
  live: { params: { region: westeurope, size: 7 } }
steps:
  rest:
    action: wait
    with: { duration: '${params.size}m' }
";

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.write("small.yaml", RUNBOOK);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    fn run(&self, words: &[&str], variables: &[(&str, &str)]) -> Output {
        let state: &Path = &self.path("state");
        let mut command = backroad(state, words);
        command.current_dir(self.folder.path()).envs(variables.iter().copied());
        command.output().unwrap()
    }

    /// The parameters as `params` prints them, what it says, and how it ends.
    fn params(&self, more: &[&str], variables: &[(&str, &str)]) -> (Vec<Value>, String, i32) {
        let words = [&["--output", "json", "params", "small.yaml"], more].concat();
        let output = self.run(&words, variables);
        let said = String::from_utf8(output.stderr).unwrap();
        let view: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
        let all = view["params"].as_array().unwrap().clone();
        (all, said, output.status.code().unwrap())
    }

    fn param(&self, name: &str, more: &[&str], variables: &[(&str, &str)]) -> (Value, Value) {
        let (all, said, code) = self.params(more, variables);
        assert_eq!(code, 0, "{said}");
        let one = all.into_iter().find(|param| param["name"] == name).unwrap();
        (one["value"].clone(), one["from"].clone())
    }
}

#[test]
fn options_go_before_files_before_the_environment_before_the_profile_before_the_default() {
    let bench = Bench::new();
    let (first, second) = (bench.write("a.yaml", "size: 9\n"), bench.write("b.yaml", "size: 10\n"));
    let set: &[(&str, &str)] = &[("BACKROAD_PARAM_SIZE", "8"), ("BACKROAD_PARAM_OTHER", "1")];
    let size = |more: &[&str], variables| {
        let (value, from) = bench.param("size", more, variables);
        (value.as_u64().unwrap(), from["kind"].as_str().unwrap().to_owned())
    };
    let is = |value: u64, kind: &str| (value, kind.to_owned());
    let bare = ["--profile", "live", "--param", "region=ukwest"];
    assert_eq!(size(&bare, &[]), is(7, "profile"));
    assert_eq!(size(&bare, set), is(8, "environment"));
    assert_eq!(size(&["--params", &first], set), is(9, "file"));
    assert_eq!(size(&["--params", &first, "--params", &second], set), is(10, "file"));
    assert_eq!(size(&["--params", &first, "--param", "size=11"], set), is(11, "option"));
    bench.write("small.yaml", &RUNBOOK.replace("size: 7", ""));
    assert_eq!(size(&[], &[]), is(5, "default"));
}

#[test]
fn lists_and_objects_are_yaml_or_stand_in_a_file() {
    let bench = Bench::new();
    let value = |more: &[&str], name: &str| bench.param(name, more, &[]).0;
    assert_eq!(value(&["--param", "spokes=[a, 'b c']"], "spokes"), json!(["a", "b c"]));
    let object = json!({ "name": "x", "asn": 65001 });
    assert_eq!(value(&["--param", "site={ name: x, asn: 65001 }"], "site"), object);
    bench.write("spokes.yaml", "# those of the north\n- a\n- b\n");
    assert_eq!(value(&["--param", "spokes=@spokes.yaml"], "spokes"), json!(["a", "b"]));
    bench.write("all.yaml", "spokes: [c]\nsite:\n  name: y\n  asn: 7\n");
    assert_eq!(value(&["--params", "all.yaml"], "spokes"), json!(["c"]));
    assert_eq!(value(&["--params", "all.yaml"], "site"), json!({ "name": "y", "asn": 7 }));
    let set = [("BACKROAD_PARAM_SPOKES", "[d]")];
    assert_eq!(bench.param("spokes", &[], &set).0, json!(["d"]));
}

#[test]
fn a_wrong_value_is_shown_where_it_stands() {
    let bench = Bench::new();
    bench.write("all.yaml", "size: 3\nsite:\n  name: y\n  asm: 7\n");
    bench.write("bad.yaml", "size: [3\n");
    bench.write("list.yaml", "- 3\n");
    for (more, set, place, words) in [
        (vec!["--param", "size=many"], None, "--param size:1:1", "whole number"),
        (vec!["--param", "spokes=a,b"], None, "--param spokes:1:1", "--param spokes='[one, two]'"),
        (
            vec!["--param", "site=[a]"],
            None,
            "--param site:1:1",
            "must be a mapping, and this is a list",
        ),
        (vec!["--param", "spokes=[a"], None, "--param spokes:1:1", "this is not YAML"),
        (vec!["--param", "sizes=3"], None, "--param sizes:1:1", "Did you mean `size`?"),
        (vec!["--params", "all.yaml"], None, "all.yaml:4:3", "Did you mean `asn`?"),
        (vec!["--params", "bad.yaml"], None, "bad.yaml:", "not YAML"),
        (vec!["--params", "list.yaml"], None, "list.yaml:1:1", "must be a mapping"),
        (vec![], Some(("BACKROAD_PARAM_SIZE", "21")), "BACKROAD_PARAM_SIZE:1:1", "max of 20"),
        (vec!["--param", "key=abc"], None, "--param key:1:1", "never written down"),
    ] {
        let (_, said, code) = bench.params(&more, set.as_slice());
        assert_eq!(code, 3, "{more:?}: {said}");
        assert!(said.contains(place) && said.contains(words), "{more:?}: {said}");
        assert!(!said.contains("abc"), "{said}");
    }
    let missing = bench.run(&["params", "small.yaml", "--params", "none.yaml"], &[]);
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn the_environment_is_never_followed_unseen() {
    let bench = Bench::new();
    let (_, said, _) = bench.params(&[], &[("BACKROAD_PARAM_SIZE", "8")]);
    assert!(said.contains("`size` has its value from BACKROAD_PARAM_SIZE"), "{said}");
    let (_, said, _) = bench.params(&[], &[("BACKROAD_PARAM_SIZES", "8")]);
    assert!(said.contains("Did you mean BACKROAD_PARAM_SIZE?"), "{said}");
    let (_, said, _) = bench.params(&["--param", "size=9"], &[("BACKROAD_PARAM_SIZE", "8")]);
    assert!(!said.contains("BACKROAD_PARAM_SIZE"), "{said}");
}

#[test]
fn params_prints_each_with_its_type_its_value_and_where_it_comes_from() {
    let bench = Bench::new();
    let text = bench.run(&["params", "small.yaml", "--param", "spokes=[a]"], &[]);
    insta::with_settings!({snapshot_path => "../snapshots"}, {
        insta::assert_snapshot!(String::from_utf8(text.stdout).unwrap());
    });
    bench.write("small.yaml", &RUNBOOK.replace("region: westeurope, ", ""));
    let text = bench.run(&["params", "small.yaml"], &[]);
    assert_eq!(text.status.code(), Some(3));
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("none: give it a default"), "{text}");
}

#[test]
fn a_kept_plan_keeps_the_values_and_not_where_they_came_from() {
    let bench = Bench::new();
    bench.write("spokes.yaml", "[a, b]");
    let words = ["plan", "small.yaml", "--param", "spokes=@spokes.yaml", "--out", "kept.json"];
    bench.run(&words, &[("BACKROAD_PARAM_SIZE", "8")]);
    let kept: Value =
        serde_json::from_slice(&std::fs::read(bench.path("kept.json")).unwrap()).unwrap();
    assert_eq!(kept["params"], json!({ "size": "8", "spokes": "[\"a\",\"b\"]" }));
    // The file and the environment may be gone when it is run.
    std::fs::remove_file(bench.path("spokes.yaml")).unwrap();
    let words = ["run", "--plan", "kept.json", "--endpoint", "http://127.0.0.1:9"];
    let output = bench.run(&words, &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("means something else"), "{said}");
    let output = bench.run(&words, &[("BACKROAD_PARAM_SITE", "{ name: z, asn: 2 }")]);
    assert_eq!(output.status.code(), Some(4), "another value is another plan");
}

#[test]
fn check_judges_a_file_of_values_as_its_runbook_declares_them() {
    let bench = Bench::new();
    let wrong = "# Of the south.\n# runbook: small.yaml\nsize: 21\nsite: { name: y, asm: 7 }\nsiz: 1\n\
                 region: westeurop\nkey: abc\n";
    bench.write("south.yaml", wrong);
    bench.write("bare.yaml", &wrong.replace("# runbook: small.yaml", "#"));
    let good = "# runbook: small.yaml\nsize: 20\nregion: westeurope\n";
    bench.write("good.yaml", good);
    let check = |words: &[&str]| {
        let output = bench.run(&[&["check"], words].concat(), &[]);
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    for words in [
        &["south.yaml"][..],
        &["small.yaml", "south.yaml"],
        &["small.yaml", "bare.yaml"],
        &["small.yaml", "--params", "south.yaml"],
    ] {
        let (code, said) = check(words);
        assert_eq!(code, 3, "{words:?}: {said}");
        for (place, told) in [
            (":3:7", "max of 20"),
            (":4:18", "Did you mean `asn`?"),
            (":5:1", "Did you mean `size`?"),
            (":6:9", "Did you mean `westeurope`?"),
            (":7:", "never written down"),
        ] {
            let place = format!("{}{place}", words.last().unwrap());
            assert!(said.contains(&place) && said.contains(told), "{words:?} {place}: {said}");
        }
        assert!(!said.contains("abc"), "{said}");
    }
    let (code, said) = check(&["good.yaml"]);
    assert_eq!((code, said.as_str()), (0, GOOD), "{said}");
    // Each of several runbooks has its say, and a name is right that one of them has.
    bench.write("other.yaml", &RUNBOOK.replace("max: 20", "max: 10").replace("region:", "place:"));
    let (code, said) = check(&["small.yaml", "other.yaml", "good.yaml"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("max of 10") && !said.contains("None of the runbooks"), "{said}");
    // A runbook that is not there is told where it is named.
    bench.write("lost.yaml", "# runbook: ../small.yaml\nsize: 3\n");
    let (code, said) = check(&["lost.yaml"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("lost.yaml:1:12") && said.contains("below the folder"), "{said}");
}

const GOOD: &str = "good.yaml: no mistakes; values of 2 parameters, as small.yaml declares them.\n";
