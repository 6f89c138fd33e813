//! Each event has a name and fields that a table lists, and no name ever changes.

use std::collections::BTreeSet;

use backroad::engine::{Event, Recorded};
use backroad::render::machine::fields::told;
use backroad::render::machine::{EVENT_NAMES, StreamedRun, event_line};
use serde_json::{Value, json};

/// The kinds of events that the journal knows, as its reader says them.
fn kinds() -> BTreeSet<String> {
    let error = serde_json::from_value::<Event>(json!({ "kind": "no such event" })).unwrap_err();
    let text = error.to_string();
    let (_, listed) = text.split_once("expected one of ").unwrap();
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// One of each, with every field.
fn samples() -> Vec<Event> {
    let error = json!({ "code": "Conflict", "message": "Busy.", "causes": ["x"], "disposition": { "transient": {} } });
    let person = json!({ "person": "ann" });
    let at = "2026-01-02T03:04:05.000Z";
    let mut all = Vec::new();
    let mut put = |kind: &str, mut fields: Value| {
        fields["kind"] = json!(kind);
        let read = serde_json::from_value(fields.clone());
        all.push(read.unwrap_or_else(|error| panic!("{kind}: {error}: {fields}")));
    };
    put("waived", json!({ "rule": "R", "finding": "f", "by": person, "reason": "r" }));
    put("run_claimed", json!({ "holder": "h" }));
    put("terminal_lost", json!({}));
    put("journal_away", json!({ "since": at }));
    put("step_started", json!({ "step": "s", "attempt": 1 }));
    put("refused", json!({ "step": "s", "error": error }));
    put("answered", json!({ "step": "s", "request_id": "q" }));
    put(
        "accepted",
        json!({ "step": "s", "request_id": "q", "handle": { "url": "https://x/", "kind": "location" } }),
    );
    put("in_doubt", json!({ "step": "s", "error": error }));
    put("never_landed", json!({ "step": "s" }));
    put("operation_ended", json!({ "step": "s", "error": error }));
    put("retry_scheduled", json!({ "step": "s", "error": error, "not_before": at }));
    put("step_waiting", json!({ "step": "s", "why": "w" }));
    put("step_succeeded", json!({ "step": "s", "outputs": { "a": 1 } }));
    put("step_failed", json!({ "step": "s", "error": error }));
    put("step_mending", json!({ "step": "s", "error": error }));
    put("step_timed_out", json!({ "step": "s" }));
    put("step_skipped", json!({ "step": "s", "why": "w", "by": "engine" }));
    put("skip_agreed", json!({ "step": "s", "by": person, "reason": "r" }));
    put("step_held", json!({ "step": "s", "why": "w" }));
    put(
        "gate_opened",
        json!({ "step": "s", "question": "q?", "expires_at": at, "failure": error }),
    );
    put("approved", json!({ "step": "s", "by": person, "choice": "c", "reason": "r" }));
    put("declined", json!({ "step": "s", "by": person, "reason": "r" }));
    put("gate_expired", json!({ "step": "s" }));
    for kind in ["paused", "settle_requested", "cancel_requested", "undo_requested"] {
        put(kind, json!({ "by": "drill_person", "reason": "r" }));
    }
    put("continued", json!({ "by": person }));
    put("source_down", json!({ "by": "engine", "why": "w" }));
    put("undo_started", json!({ "step": "s", "attempt": 1 }));
    put("step_undone", json!({ "step": "s" }));
    put("step_undo_failed", json!({ "step": "s", "error": error }));
    put("step_reset", json!({ "step": "s", "by": person, "reason": "r" }));
    put("deadline_passed", json!({}));
    put("run_ended", json!({ "outcome": "succeeded" }));
    put("reopened", json!({ "by": person, "why": "w" }));
    all
}

/// Fields of the table, without the mark of those that may be absent.
fn listed(name: &str) -> BTreeSet<&'static str> {
    let event = EVENT_NAMES.iter().find(|event| event.name == name);
    let event = event.unwrap_or_else(|| panic!("{name} is not in the table"));
    event.fields.iter().map(|field| field.trim_end_matches('?')).collect()
}

#[test]
fn every_event_of_the_journal_has_a_name_in_the_table() {
    let names: BTreeSet<String> = EVENT_NAMES.iter().map(|event| event.name.to_owned()).collect();
    assert_eq!(names, kinds());
}

#[test]
fn an_event_is_told_by_its_own_name_and_with_the_fields_of_the_table() {
    let mut seen: BTreeSet<String> = ["run_opened", "intended"].map(str::to_owned).into();
    for event in samples() {
        let (name, fields) = told(&event);
        assert_eq!(name, event.kind());
        let found: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
        let mut listed = listed(name);
        // Which a line adds, since it is the plan's to say.
        if name == "step_started" {
            listed.remove("action");
        }
        assert_eq!(found, listed, "{name}");
        seen.insert(name.to_owned());
    }
    assert_eq!(seen, kinds(), "one of each");
}

#[tokio::test]
async fn a_drills_lines_have_only_what_the_table_lists() {
    let plan = crate::support::shipped_plan();
    let drilled = backroad::drill::Drill::new(&plan, &crate::support::shipped_world()).run().await;
    let events: Vec<Recorded> = drilled.unwrap().events;
    let run = StreamedRun::opened(&events[0]).unwrap();
    let common = ["schema", "schema_version", "run", "seq", "at", "simulated", "event"];
    for recorded in &events {
        let line = event_line(&run, recorded);
        let line: Value = serde_json::from_str(&line).unwrap();
        let name = line["event"].as_str().unwrap();
        let listed = listed(name);
        for field in line.as_object().unwrap().keys() {
            assert!(
                common.contains(&field.as_str()) || listed.contains(field.as_str()),
                "{name}: {field}"
            );
        }
        assert_eq!(line["simulated"], true);
    }
}

/// A name that has been published stays: other machines wait for it.
#[test]
fn the_names_and_fields_of_events_never_change() {
    let lines: Vec<String> = EVENT_NAMES
        .iter()
        .map(|event| format!("{}: {}", event.name, event.fields.join(" ")))
        .collect();
    insta::assert_snapshot!("event-names", lines.join("\n"));
}
