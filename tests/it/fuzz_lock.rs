//! The targets of `fuzz/` are built with what the program is built with: their lock is the program's, and the fuzzer.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeSet;

use crate::support::file;

/// Names and versions in a lock file.
fn packages(path: &str) -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(file(path)).unwrap();
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key));
        line.map(|line| line.trim_matches('"').to_owned())
    };
    text.split("[[package]]\n")
        .filter_map(|block| Some((value(block, "name = ")?, value(block, "version = ")?)))
        .collect()
}

#[test]
fn the_fuzz_targets_lock_is_the_programs() {
    let (own, fuzz) = (packages("Cargo.lock"), packages("fuzz/Cargo.lock"));
    let more: Vec<&str> = fuzz.difference(&own).map(|(name, _)| name.as_str()).collect();
    let fuzzer = ["arbitrary", "backroad-fuzz", "libfuzzer-sys"];
    assert!(
        more.iter().all(|name| fuzzer.contains(name)),
        "copy Cargo.lock to fuzz/ and run `cargo metadata` there: {more:?}"
    );
}
