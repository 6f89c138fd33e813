//! A network that takes a call and brings nothing back: is it said soon, and what does status say? The binary itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::support::process::{Process, backroad};

/// Takes every connection, and never answers.
fn hangs() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut taken = Vec::new();
        for stream in listener.incoming() {
            taken.push(stream);
        }
    });
    at
}

#[test]
fn that_azure_does_not_answer_is_said_within_a_quarter_of_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = hangs();
    let words =
        ["preflight", "runbooks/dr-circuit.yaml", "--profile", "live", "--endpoint", &endpoint];
    let mut command = backroad(folder.path(), &words);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process::of(command);
    let said = BufReader::new(process.0.stderr.take().unwrap());
    let (tells, told) = channel();
    std::thread::spawn(move || {
        for line in said.lines() {
            if tells.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    let line = loop {
        // The host may be loaded; a call's own time-out is ninety seconds.
        let line = told.recv_timeout(Duration::from_secs(60)).unwrap();
        if line.contains("Azure has not answered") {
            break line;
        }
    };
    assert!(line.contains("for 00:1") && line.contains("tried again"), "{line}");
}
