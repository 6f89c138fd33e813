//! A server that gives back what it was sent, in every writing, is repeated nowhere.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::file;
use crate::support::process::{Served, binary, serve};

/// The key of the shipped world's circuit in Hong Kong, which the run sends.
const KEY: &str = "0f2b7c1e-0000-4000-8000-00000000000a";

fn simulator(folder: &Path, change: impl FnOnce(String) -> String) -> (Served, String) {
    let world = folder.join("world.yaml");
    let text = std::fs::read_to_string(file("runbooks/worlds/two-circuits.yaml")).unwrap();
    let text = text.replace("authorizationUseStatus: InUse", "authorizationUseStatus: Available");
    std::fs::write(&world, change(text.replace("seed: 1", "seed: 1\noverlap: accept"))).unwrap();
    let served = serve(&world, 600);
    let address = served.endpoint.trim_start_matches("http://").to_owned();
    (served, address)
}

/// A whole message: its head and its body.
fn message(stream: &mut impl Read) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut one = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut one).ok()? == 0 {
            return None;
        }
        bytes.push(one[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<u64>().unwrap())
    });
    let mut body = Vec::new();
    match length {
        Some(length) => stream.take(length).read_to_end(&mut body).unwrap(),
        None if head.starts_with("HTTP/") => stream.read_to_end(&mut body).unwrap(),
        None => 0,
    };
    Some((head, body))
}

/// Stands before the simulator; may answer in its place.
fn proxy<F>(simulator: String, answer: F) -> String
where
    F: Fn(&str, &[u8]) -> Option<String> + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let (answer, host) = (Arc::new(answer), own.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (answer, simulator, host) = (Arc::clone(&answer), simulator.clone(), host.clone());
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let Some((head, body)) = message(&mut stream) else { return };
                if let Some(text) = answer(&head, &body) {
                    drop(stream.write_all(text.as_bytes()));
                    return;
                }
                let mut beyond = TcpStream::connect(&simulator).unwrap();
                // The simulator's operation URLs lead to the host that was asked.
                let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
                beyond.write_all(head.as_bytes()).unwrap();
                beyond.write_all(&body).unwrap();
                let Some((head, body)) = message(&mut beyond) else { return };
                let head = head.replace(&simulator, &host).replacen(
                    "\r\n",
                    "\r\nConnection: close\r\n",
                    1,
                );
                drop(stream.write_all(head.as_bytes()));
                drop(stream.write_all(&body));
            });
        }
    });
    format!("http://{own}")
}

fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

fn throttled(body: &Value) -> String {
    http(
        "429 Too Many Requests",
        "Retry-After: 1\r\nContent-Type: application/json\r\n",
        &body.to_string(),
    )
}

fn run_at(state: &Path, words: &[&str]) -> Output {
    binary()
        .args(words)
        .arg("--state-dir")
        .arg(state)
        .env("RUST_LOG", "trace,hyper=trace,reqwest=trace,azure_core=trace")
        .env("DR_CIRCUIT_KEY", KEY)
        .output()
        .unwrap()
}

/// Everything that was said and kept, in lower case, with its place.
fn everything(state: &Path, outputs: &[Output]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for (place, output) in outputs.iter().enumerate() {
        all.push((format!("stdout of command {place}"), output.stdout.to_ascii_lowercase()));
        all.push((format!("stderr of command {place}"), output.stderr.to_ascii_lowercase()));
    }
    let mut folders = vec![state.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.push((
                    path.display().to_string(),
                    std::fs::read(&path).unwrap().to_ascii_lowercase(),
                ));
            }
        }
    }
    all
}

/// Every writing of a value that a reader could make it of, in lower case.
fn writings(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let percent: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let escaped: String = value.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    [
        ("plain", value.to_owned()),
        ("its first half", value[..17].to_owned()),
        ("without dashes", value.replace('-', "")),
        ("in base64", STANDARD.encode(value)[..40.min(value.len())].to_owned()),
        ("in base64 after a colon", STANDARD.encode(format!(":{value}"))[2..36].to_owned()),
        ("for a URL", percent),
        ("dashes for a URL", value.replace('-', "%2d")),
        ("escaped for JSON", escaped),
        ("dashes for JSON", value.replace('-', "\\u002d")),
    ]
    .into_iter()
    .map(|(name, text)| (name, text.to_ascii_lowercase().into_bytes()))
    .collect()
}

fn assert_nowhere(all: &[(String, Vec<u8>)], value: &str) {
    for (place, bytes) in all {
        for (name, writing) in writings(value) {
            let at = bytes.windows(writing.len()).position(|window| window == writing);
            let around = at.map(|at| {
                String::from_utf8_lossy(&bytes[at.saturating_sub(80)..(at + 90).min(bytes.len())])
                    .into_owned()
            });
            assert_eq!(around, None, "{value} {name} is in {place}");
        }
    }
}

/// The answers to the write of the connection, one after the other, each with what was sent.
fn echo(number: usize, token: &str, sent: &str) -> Option<String> {
    let busy = |message: String| {
        throttled(
            &json!({ "error": { "code": "RetryableError", "message": message, "details": [] } }),
        )
    };
    let percent = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    Some(match number {
        0 => busy(format!("The key {KEY} is not valid, and {token} neither.")),
        1 => throttled(&json!({ "error": { "code": "A", "message": "a", "details": [
            { "code": "RetryableError", "message": format!("inner {KEY}, {token}") }] } })),
        2 => throttled(&json!({ "error": { "code": KEY, "message": token } })),
        3 => http(
            "429 Too Many Requests",
            "Content-Type: text/html\r\nRetry-After: 1\r\n",
            &format!("<html><body>{KEY} {token}</body></html>"),
        ),
        4 => busy(format!("{} {}", STANDARD.encode(KEY), URL_SAFE_NO_PAD.encode(token))),
        5 => busy(format!("{} {}", percent(KEY), percent(token))),
        6 => http(
            "429 Too Many Requests",
            "Retry-After: 1\r\n",
            &format!(
                "{{\"error\":{{\"code\":\"RetryableError\",\"message\":\"{} {}\"}}}}",
                KEY.replace('-', "\\u002d"),
                token.replace('-', "\\u002d")
            ),
        ),
        7 => busy(format!("{} {}", KEY.to_uppercase(), token.to_uppercase())),
        8 => throttled(
            &json!({ "error": { "code": &KEY[..18], "message": &KEY[18..], "details": [] } }),
        ),
        9 => busy(format!("what was sent is {sent}")),
        10 => http(
            "307 Temporary Redirect",
            &format!("Location: http://127.0.0.1:9/{KEY}?t={token}\r\nx-ms-request-id: {KEY}\r\n"),
            "",
        ),
        _ => return None,
    })
}

#[test]
fn a_server_that_echoes_key_and_token_is_repeated_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (_simulator, address) = simulator(folder.path(), |world| world);
    let (count, tokens) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(String::new())));
    let (counted, seen) = (Arc::clone(&count), Arc::clone(&tokens));
    let endpoint = proxy(address, move |head, body| {
        let line = head.lines().next().unwrap_or_default();
        let token = head.lines().find_map(|line| {
            line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        });
        let token = token.map_or("", |(_, value)| value.trim_start_matches("Bearer ")).to_owned();
        token.clone_into(&mut seen.lock().unwrap());
        if line.starts_with("PUT ") && line.contains("/connections/con-hub-sea") {
            let sent = String::from_utf8_lossy(body).into_owned();
            assert!(sent.contains(KEY), "the key was sent, or the test proves nothing: {sent}");
            return echo(counted.fetch_add(1, Ordering::SeqCst), &token, &sent);
        }
        None
    });
    let state = folder.path().join("state");
    let runbook = folder.path().join("runbook.yaml");
    let text = std::fs::read_to_string(file("tests/fixtures/key-from-env.yaml")).unwrap();
    let patient =
        "    retry: { attempts: 40, delay: 1s, delay_max: 2s }\n    action: connection.ensure";
    std::fs::write(&runbook, text.replace("    action: connection.ensure", patient)).unwrap();
    let waived = "ADDR-SAME-CIRCUIT=the source stays disconnected";
    let run = run_at(
        &state,
        &[
            "run",
            runbook.to_str().unwrap(),
            "--endpoint",
            &endpoint,
            "--clock-factor",
            "600",
            "--waive",
            waived,
        ],
    );
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(count.load(Ordering::SeqCst) >= 11, "{told}");
    assert!(told.contains("DEBUG"), "the logging was on, or the test proves nothing");
    let id = std::fs::read_dir(state.join("runs")).unwrap().next().unwrap().unwrap();
    let id = id.file_name().into_string().unwrap();
    let archive = folder.path().join("state/evidence.tar");
    let mut outputs = vec![run];
    for words in [
        vec!["journal", &id],
        vec!["journal", &id, "--output", "json"],
        vec!["status", &id],
        vec!["report", &id],
        vec!["report", &id, "--output", "json"],
        vec!["export", &id, "--out", archive.to_str().unwrap()],
    ] {
        outputs.push(run_at(&state, &words));
    }
    let token = tokens.lock().unwrap().clone();
    assert!(token.len() > 16, "{token}");
    let all = everything(&state, &outputs);
    assert_nowhere(&all, KEY);
    assert_nowhere(&all, &token);
    let journal = String::from_utf8_lossy(&outputs[1].stdout).into_owned();
    assert!(journal.contains("The key … is not valid"), "{journal}");
}

#[test]
fn what_azure_and_people_say_does_not_steer_a_terminal() {
    const HOSTILE: &str = "red\u{1b}[31m\u{1b}]0;title\u{7} turned\u{202e}around\u{9b}2J";
    let folder = tempfile::tempdir().unwrap();
    let (_simulator, address) = simulator(folder.path(), |world| world);
    let count = Arc::new(AtomicUsize::new(0));
    let endpoint = proxy(address, move |head, _| {
        let line = head.lines().next().unwrap_or_default();
        let first = line.starts_with("PUT ") && count.fetch_add(1, Ordering::SeqCst) < 2;
        first.then(|| {
            throttled(&json!({ "error": { "code": HOSTILE, "message": HOSTILE, "details": [] } }))
        })
    });
    let state = folder.path().join("state");
    let runbook = folder.path().join("runbook.yaml");
    let text = std::fs::read_to_string(file("tests/fixtures/key-from-env.yaml")).unwrap();
    let title = "title: \"A \\e[31mred\\e]0;x\\a title\\u202E turned\"";
    let text = text.replace("title: A connection whose key comes from the environment", title);
    let gate = "  word:\n    action: approval\n    with: { question: \"Go \\e[2J on\\u202E?\" }\n  address:";
    std::fs::write(&runbook, text.replace("  address:", gate)).unwrap();
    let runbook = runbook.to_str().unwrap();
    let target = ["--endpoint", &endpoint, "--clock-factor", "600"];
    let waived = ["--waive", "ADDR-SAME-CIRCUIT=because\u{1b}[1m of\u{202e} it"];
    let plan = run_at(&state, &[&["plan", runbook], &target[..]].concat());
    let run = run_at(&state, &[&["run", runbook], &target[..], &waived[..]].concat());
    let id = std::fs::read_dir(state.join("runs")).unwrap().next().unwrap().unwrap();
    let id = id.file_name().into_string().unwrap();
    let by = ["--by", "an\u{1b}[5mn", "--reason", "it\u{202e}is\u{7}well"];
    let approve = run_at(&state, &[&["approve", &id, "word"], &target[..], &by[..]].concat());
    let mut outputs = vec![plan, run, approve];
    for words in [
        vec!["journal", &id],
        vec!["journal", &id, "--output", "json"],
        vec!["status", &id],
        vec!["status", &id, "--output", "json"],
        vec!["report", &id],
        vec!["runs"],
        vec!["check", runbook],
        vec!["status", "\u{1b}[31mno\u{202e}run"],
        vec!["no\u{1b}[31m\u{202e}command"],
    ] {
        outputs.push(run_at(&state, &words));
    }
    let mut shown = 0;
    for (place, output) in outputs.iter().enumerate() {
        for stream in [&output.stdout, &output.stderr] {
            let text = String::from_utf8(stream.clone()).unwrap();
            let bad: Vec<&str> = text
                .lines()
                .filter(|line| {
                    line.contains(|c: char| (c.is_control() && c != '\t') || c == '\u{202e}')
                })
                .collect();
            assert!(bad.is_empty(), "command {place}: {bad:?}");
            shown += text.matches('␛').count();
        }
    }
    assert!(shown > 10, "what was hidden is shown, or it was never there: {shown}");
}
