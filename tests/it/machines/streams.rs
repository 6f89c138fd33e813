//! A run's events as lines, while it goes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::Value;

use super::{DRILL, lines, said};
use crate::support::process::{Process, backroad};

#[test]
fn a_drill_streams_each_event_once_in_order_and_ends_with_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (code, out, _) = said(state, &[&DRILL[..], &["--output", "jsonl"]].concat());
    assert_eq!(code, 0);
    let all = lines(&out);
    let (result, events) = all.split_last().unwrap();
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["seq"].as_u64(), Some(place as u64 + 1));
        assert_eq!((&event["schema_version"], &event["run"]), (&Value::from(1), &result["run"]));
    }
    assert_eq!(events[0]["event"], "run_opened");
    assert_eq!(events.last().unwrap()["event"], "run_ended");
    assert_eq!(result["event"], "result");
    assert_eq!((&result["outcome"], &result["exit_status"]), (&"succeeded".into(), &0.into()));
    assert!(result["steps"]["succeeded"].as_u64().unwrap() > 5, "{result}");
    // What was told is what is kept.
    let run = result["run"].as_str().unwrap();
    let (_, again, _) = said(state, &["journal", run, "--output", "jsonl"]);
    assert_eq!(lines(&again)[..events.len()], *events);
    let (code, followed, _) = said(state, &["journal", run, "--follow", "--output", "jsonl"]);
    assert_eq!((code, followed), (0, again));
}

#[test]
fn an_undo_tells_only_what_it_does_itself() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (_, out, _) = said(state, &[&DRILL[..], &["--output", "jsonl"]].concat());
    let first = lines(&out);
    let run = first[0]["run"].as_str().unwrap();
    let words = ["undo", run, "--reason", "drill", "--output", "jsonl"];
    let (code, out, _) = said(state, &words);
    let all = lines(&out);
    assert_eq!(code, 0, "{out}");
    assert_eq!(all[0]["seq"].as_u64().unwrap(), first.len() as u64, "the next after the last");
    let last = all.last().unwrap();
    assert_eq!((&last["event"], &last["outcome"]), (&"result".into(), &"undone".into()));
}

#[test]
fn what_is_refused_ends_with_a_result_too() {
    let folder = tempfile::tempdir().unwrap();
    let words =
        ["drill", "runbooks/dr-circuit.yaml", "--world", "no-such-world.yaml", "--output", "jsonl"];
    let (code, out, _) = said(folder.path(), &words);
    let all = lines(&out);
    assert_eq!(all.len(), 1, "{out}");
    assert_eq!((&all[0]["event"], &all[0]["outcome"]), (&"result".into(), &"refused".into()));
    assert_eq!(all[0]["exit_status"], code);
    assert!(all[0]["error"]["message"].is_string());
}

#[test]
fn a_reader_that_goes_away_or_hangs_neither_holds_up_nor_fails_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let words = [&DRILL[..], &["--output", "jsonl"]].concat();
    // It goes away after the first line.
    let state = folder.path().join("gone");
    let mut command = backroad(&state, &words);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Process::of(command);
    let mut reader = BufReader::new(process.0.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    assert_eq!(process.ended(crate::outlives::SOON).code(), Some(0));
    // It hangs from the start.
    let state = folder.path().join("hangs");
    let (_unread, mut full) = std::io::pipe().unwrap();
    full.write_all(&vec![b'x'; 64 << 10]).unwrap();
    let mut command = backroad(&state, &words);
    command.stdout(full).stderr(Stdio::null());
    let mut process = Process::of(command);
    assert_eq!(process.ended(crate::outlives::SOON).code(), Some(0));
    for state in ["gone", "hangs"] {
        let (_, out, _) = said(&folder.path().join(state), &["runs", "--output", "jsonl"]);
        assert_eq!(lines(&out)[0]["runs"][0]["outcome"], "succeeded");
    }
}

#[test]
fn a_run_in_the_background_is_followed_line_by_line_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = crate::outlives::simulator();
    let words =
        [&crate::outlives::failover(&served)[..], &["--detach", "--output", "jsonl"]].concat();
    let (_, out, _) = said(state, &words);
    let detached = &lines(&out)[0];
    let run = detached["run"].as_str().unwrap();
    let process = u32::try_from(detached["process"].as_u64().unwrap()).unwrap();
    let _ends = crate::outlives::Background(process);
    let mut command = backroad(state, &["journal", run, "--follow", "--output", "jsonl"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut follower = Process::of(command);
    let mut reader = BufReader::new(follower.0.stdout.take().unwrap());
    let mut told = Vec::new();
    let mut next = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).unwrap()
    };
    loop {
        let line = next();
        let asks = line["event"] == "gate_opened";
        let step = line["step"].as_str().unwrap_or_default().to_owned();
        let ends = line["event"] == "result";
        told.push(line);
        if asks {
            // The event was told while the run waits.
            let words = ["decline", run, &step, "--by", "ann", "--reason", "drill"];
            let (code, _, err) = said(state, &words);
            assert_eq!(code, 0, "{err}");
        }
        if ends {
            break;
        }
    }
    assert!(told.iter().any(|line| line["event"] == "declined"));
    let last = told.last().unwrap();
    assert_eq!((&last["outcome"], &last["simulated"]), (&"failed".into(), &true.into()));
    assert_eq!(follower.ended(crate::outlives::SOON).code(), Some(1));
}
