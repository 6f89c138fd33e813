//! What the writer writes the reader reads: every event, with any value in any of its fields, is read back
//! from the store as it was appended, or is refused before it is there.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::engine::{Event, Journal, JournalError};
use backroad::model::{RunId, Seq, StepError, StepName, Timestamp};
use backroad::store::{MemoryJournal, StateDir};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::file;

fn at() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000)
}

/// An event of every kind there is, as the kept journal has them.
fn kinds() -> Vec<Value> {
    let text = std::fs::read_to_string(file("tests/fixtures/journals/v1/events.jsonl")).unwrap();
    text.lines()
        .map(|line| {
            let stored: Value = serde_json::from_str(line).unwrap();
            if stored["event"].is_object() { stored["event"].clone() } else { stored }
        })
        .collect()
}

/// A value that somebody far away might make up.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(|n| json!(n)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_filter("JSON has none", |n| n.is_finite()).prop_map(|n| json!(n)),
        ".{0,40}".prop_map(|text| json!(text)),
        Just(json!("\u{0}\u{1b}[2J\u{202e}\u{feff}\u{ffff}")),
        Just(json!("x".repeat(300_000))),
        Just(json!("9999-12-31T23:59:59.999Z")),
        Just(json!("-009999-01-02T00:00:00Z")),
        Just(json!("366d")),
        Just(Value::Null),
        (1_usize..60).prop_map(|depth| (0..depth).fold(json!(1), |inner, _| json!([inner]))),
        (1_usize..60).prop_map(|depth| (0..depth).fold(json!(1), |inner, _| json!({ "k": inner }))),
    ]
}

/// The places of all values in an event, the event itself and its kind left out.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(place, value)| (place.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (key, value) in below {
        let place = format!("{here}/{key}");
        if place != "/kind" {
            found.push(place.clone());
            places(value, &place, found);
        }
    }
}

async fn read_back(events: Vec<Event>) -> Result<Vec<Event>, JournalError> {
    let journal = MemoryJournal::new(RunId::parse("01h00000000000000000000001").unwrap());
    let lease = journal.acquire();
    let recorded = journal.append(&lease, Seq::default(), at(), events).await?;
    Ok(recorded.into_iter().map(|recorded| recorded.event).collect())
}

#[test]
fn any_event_with_any_value_that_it_can_hold_is_read_back_as_it_was() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tried = std::cell::Cell::new(0_u32);
    for kind in kinds() {
        let mut all = Vec::new();
        places(&kind, "", &mut all);
        if all.is_empty() {
            continue;
        }
        let mut runner = TestRunner::new_with_rng(
            Config { cases: 40, failure_persistence: None, ..Config::default() },
            proptest::test_runner::TestRng::deterministic_rng(
                proptest::test_runner::RngAlgorithm::ChaCha,
            ),
        );
        let place = proptest::sample::select(all);
        let ran = runner.run(&(place, odd()), |(place, odd)| {
            let mut changed = kind.clone();
            *changed.pointer_mut(&place).unwrap() = odd;
            // What no event can hold, none is made of.
            let Ok(event) = serde_json::from_value::<Event>(changed) else { return Ok(()) };
            tried.set(tried.get() + 1);
            let read = runtime.block_on(read_back(vec![event.clone()]));
            prop_assert_eq!(read, Ok(vec![event]), "{}", place);
            Ok(())
        });
        ran.unwrap();
    }
    assert!(tried.get() > 200, "{} events are too few", tried.get());
}

/// A wait that Azure asks for and that no text of a duration holds.
fn far(after: Duration) -> Event {
    let step = StepName::parse("gateway").unwrap();
    Event::RetryScheduled {
        step,
        error: StepError::transient("TooManyRequests", "Later.", Some(after)),
        not_before: at() + after,
    }
}

#[tokio::test]
async fn a_wait_beyond_what_can_be_said_leaves_a_journal_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::new(folder.path());
    let run = RunId::parse("01h00000000000000000000001").unwrap();
    let store = state.create_run(&run).unwrap();
    let mut head = Seq::default();
    for after in [1_790_000_000, 40_000_000, u64::MAX] {
        let events = vec![far(Duration::from_secs(after))];
        store.journal.append(&store.lease, head, at(), events).await.unwrap();
        head = head.next();
    }
    assert_eq!(store.journal.load().await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_event_that_could_not_be_read_is_refused_before_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::new(folder.path());
    let run = RunId::parse("01h00000000000000000000001").unwrap();
    let store = state.create_run(&run).unwrap();
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let step = StepName::parse("gateway").unwrap();
    let outputs = [("id".to_owned(), deep)].into_iter().collect();
    let event = Event::StepSucceeded { step: step.clone(), outputs, seen: Vec::new() };
    let refused = store.journal.append(&store.lease, Seq::default(), at(), vec![event]).await;
    assert!(matches!(refused, Err(JournalError::Unreadable { .. })), "{refused:?}");
    // Nothing of it is there, and the journal goes on.
    let next = Event::StepStarted { step, attempt: 1 };
    store.journal.append(&store.lease, Seq::default(), at(), vec![next]).await.unwrap();
    assert_eq!(store.journal.load().await.unwrap().len(), 1);
}
