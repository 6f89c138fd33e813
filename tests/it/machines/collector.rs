//! A run's trace and measures at a collector: a real socket that decodes what comes.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{DRILL, lines, said};
use crate::support::process::backroad;

/// What came: path, head, body.
type Taken = Arc<Mutex<Vec<(String, String, Value)>>>;

/// A collector on loopback that answers so.
fn collector(status: &'static str, answer: &'static str) -> (String, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let taken = Taken::default();
    let takes = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let takes = Arc::clone(&takes);
            std::thread::spawn(move || one(stream.unwrap(), &takes, status, answer));
        }
    });
    (address, taken)
}

fn one(mut stream: TcpStream, takes: &Taken, status: &str, answer: &str) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap()];
    stream.read_exact(&mut body).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    takes.lock().unwrap().push((path, head, serde_json::from_slice(&body).unwrap()));
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
        answer.len()
    );
    drop(stream.write_all(text.as_bytes()));
}

/// An attribute's value, as text.
fn attribute(of: &Value, name: &str) -> Option<String> {
    let all = of["attributes"].as_array()?;
    let value = &all.iter().find(|one| one["key"] == name)?["value"];
    let found = ["stringValue", "intValue", "boolValue", "doubleValue"]
        .iter()
        .find_map(|k| value.get(k))?;
    Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned))
}

/// The spans of all requests, by their ids.
fn spans(taken: &Taken) -> BTreeMap<String, Value> {
    let taken = taken.lock().unwrap();
    let mut all = BTreeMap::new();
    for (_, _, body) in taken.iter().filter(|(path, _, _)| path == "/v1/traces") {
        for span in body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap() {
            let id = span["spanId"].as_str().unwrap().to_owned();
            assert!(all.insert(id, span.clone()).is_none(), "no span is sent twice");
        }
    }
    all
}

fn nanos(span: &Value, name: &str) -> u128 {
    span[name].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_drill_is_a_trace_of_its_steps_attempts_and_calls_in_the_drills_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let (address, taken) = collector("200 OK", "{}");
    let mut command = backroad(folder.path(), &[&DRILL[..], &["--output", "jsonl"]].concat());
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &address);
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a-key-of-the-collector");
    command.env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
    let output = command.output().unwrap();
    let told = lines(&String::from_utf8(output.stdout).unwrap());
    assert!(output.status.success());
    let spans = spans(&taken);
    let roots: Vec<&Value> =
        spans.values().filter(|span| span.get("parentSpanId").is_none()).collect();
    assert_eq!(roots.len(), 1);
    let root = roots[0];
    assert_eq!(root["name"], "run dr-circuit");
    let trace = root["traceId"].as_str().unwrap();
    assert_eq!((trace.len(), root["spanId"].as_str().unwrap().len()), (32, 16));
    let (mut steps, mut calls, mut operations) = (0, 0, 0);
    for span in spans.values() {
        assert_eq!(span["traceId"], trace);
        assert_eq!(attribute(span, "backroad.simulated").as_deref(), Some("true"));
        let (from, to) = (nanos(span, "startTimeUnixNano"), nanos(span, "endTimeUnixNano"));
        assert!(from <= to);
        if let Some(parent) = span["parentSpanId"].as_str() {
            let parent = &spans[parent];
            assert!(
                nanos(parent, "startTimeUnixNano") <= from
                    && to <= nanos(parent, "endTimeUnixNano")
            );
        }
        for link in span["links"].as_array().unwrap() {
            assert!(spans.contains_key(link["spanId"].as_str().unwrap()), "{link}");
        }
        let name = span["name"].as_str().unwrap();
        let parent = span["parentSpanId"].as_str().map(|id| spans[id]["name"].as_str().unwrap());
        match name {
            _ if name.starts_with("step ") => {
                assert_eq!(parent, Some("run dr-circuit"));
                assert!(attribute(span, "backroad.step.action").is_some());
                steps += 1;
            }
            "attempt" => assert!(parent.unwrap().starts_with("step ")),
            "operation" => {
                assert_eq!(parent, Some("attempt"));
                operations += 1;
            }
            _ if span["kind"] == 3 => {
                assert_eq!(parent, Some("attempt"));
                assert!(attribute(span, "azure.service.request.id").is_some(), "{span}");
                assert!(attribute(span, "cloud.resource_id").is_some());
                calls += 1;
            }
            _ => assert_eq!(name, "run dr-circuit"),
        }
    }
    let count = |event: &str| told.iter().filter(|line| line["event"] == event).count();
    assert_eq!((calls, operations), (count("intended"), count("accepted")));
    assert!(steps >= count("step_succeeded"), "{steps}");
    // The drill's own time: the run's, not the test's.
    let begun = nanos(root, "startTimeUnixNano") / 1_000_000;
    let opened: jiff::Timestamp = told[0]["at"].as_str().unwrap().parse().unwrap();
    assert_eq!(begun, u128::try_from(opened.as_millisecond()).unwrap());
    let taken = taken.lock().unwrap();
    assert!(taken.iter().all(|(_, head, _)| head.contains("x-key: a-key-of-the-collector")));
    let (_, _, measures) = taken.iter().find(|(path, _, _)| path == "/v1/metrics").unwrap();
    let resource = &measures["resourceMetrics"][0]["resource"];
    assert_eq!(attribute(resource, "service.name").as_deref(), Some("backroad"));
    assert_eq!(attribute(resource, "deployment.environment.name").as_deref(), Some("test"));
    let metrics = measures["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let names: Vec<&str> = metrics.iter().map(|metric| metric["name"].as_str().unwrap()).collect();
    for name in [
        "backroad.run.retries",
        "backroad.run.throttled",
        "backroad.run.objective",
        "backroad.step.lag",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
}

#[test]
fn an_undo_continues_the_trace_and_links_to_what_it_takes_back() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (address, taken) = collector("200 OK", "{}");
    let (_, out, _) =
        said(state, &[&DRILL[..], &["--otlp", &address, "--output", "jsonl"]].concat());
    let run = lines(&out)[0]["run"].as_str().unwrap().to_owned();
    let before = spans(&taken).len();
    let (code, _, _) = said(state, &["undo", &run, "--reason", "drill", "--otlp", &address]);
    assert_eq!(code, 0);
    let all = spans(&taken);
    assert!(all.len() > before);
    let undone: Vec<&Value> =
        all.values().filter(|span| span["name"].as_str().unwrap().starts_with("undo ")).collect();
    assert!(!undone.is_empty());
    for undo in undone {
        let links = undo["links"].as_array().unwrap();
        let linked = all[links[0]["spanId"].as_str().unwrap()]["name"].as_str().unwrap();
        assert_eq!(
            linked.strip_prefix("step "),
            undo["name"].as_str().unwrap().strip_prefix("undo ")
        );
    }
}

#[test]
fn a_collector_that_is_dead_slow_or_refuses_neither_holds_up_nor_fails_a_run() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there.
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    // It takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = format!("http://{}", silent.local_addr().unwrap());
    let (refuses, _) = collector("400 Bad Request", "{\"message\":\"no \\u001b[31msuch tenant\"}");
    let partial = r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"three are too old"}}"#;
    let (rejects, _) = collector("200 OK", partial);
    for (address, why) in [
        (dead, "The collector took 0 of"),
        (slow, "The collector took 0 of"),
        (refuses, "31msuch tenant"),
        (rejects, "three are too old"),
    ] {
        let (code, _, err) = said(folder.path(), &[&DRILL[..], &["--otlp", &address]].concat());
        assert_eq!(code, 0, "{err}");
        assert!(err.contains(why), "{err}");
    }
}

#[test]
fn a_wrong_address_is_an_error_where_it_is_typed_and_a_note_where_it_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = said(folder.path(), &[&DRILL[..], &["--otlp", "collector:4317"]].concat());
    assert_eq!(code, 2, "{err}");
    let mut command = backroad(folder.path(), &DRILL);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
    let output = command.output().unwrap();
    assert!(output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("OTEL_EXPORTER_OTLP_ENDPOINT is not followed")
    );
}
