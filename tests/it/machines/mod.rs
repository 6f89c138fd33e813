//! The promise: whatever other machines read of a run is whole, keeps its names, holds no secret, and holds nothing up.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

mod ci;
mod collector;
mod junit;
mod logs;
mod names;
mod prometheus;
mod streams;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::process::backroad;

/// What a command says, and its exit status.
fn said(state: &Path, words: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = backroad(state, words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Lines of JSON.
fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

/// A short drill.
const DRILL: [&str; 2] = ["drill", "runbooks/dr-circuit.yaml"];
