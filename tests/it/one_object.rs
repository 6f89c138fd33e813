//! What machines read on standard output is one JSON object, also where nothing was done. The binary itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use serde_json::Value;

use crate::support::process::backroad;

fn told(words: &[&str]) -> (i32, Value) {
    let folder = tempfile::tempdir().unwrap();
    let output = backroad(folder.path(), words).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let one = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (output.status.code().unwrap(), one)
}

#[test]
fn a_check_of_what_cannot_be_read_is_one_object() {
    let words = ["check", "runbooks/dr-circuit.yaml", "no/such/file.yaml", "--output", "json"];
    let (code, one) = told(&words);
    assert_eq!((code, one["schema"].as_str()), (2, Some("backroad.check/1")));
    assert_eq!(one["unread"][0]["file"], "no/such/file.yaml");
    assert!(!one["unread"][0]["why"].as_str().unwrap().is_empty(), "{one}");
}

#[test]
fn words_that_make_no_sense_are_an_object_and_a_result() {
    let (code, one) = told(&["fly", "--output", "json"]);
    assert_eq!((code, one["schema"].as_str()), (2, Some("backroad.error/1")));
    assert!(one["error"].as_str().unwrap().contains("fly"), "{one}");
    let (code, one) = told(&["run", "--output", "jsonl"]);
    assert_eq!((code, one["event"].as_str()), (2, Some("result")), "{one}");
}
