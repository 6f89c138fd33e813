//! What is each event called for other machines, and what does it carry? One table; the names are for ever.
//!
//! A name is the one in the journal, so that there is one vocabulary. An event that is added gets a line here; a
//! line is never changed but for its words. `docs/events.md` is this table.

use std::fmt::Write as _;

/// An event for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventName {
    /// Its name.
    pub name: &'static str,
    /// What is true from then on.
    pub means: &'static str,
    /// The fields that it has of its own, `step` first where it is about one. One with `?` may be absent.
    pub fields: &'static [&'static str],
}

const fn event(
    name: &'static str,
    means: &'static str,
    fields: &'static [&'static str],
) -> EventName {
    EventName { name, means, fields }
}

/// Fields of every event.
pub const COMMON: [(&str, &str); 7] = [
    ("schema", "`backroad.event/1`."),
    ("schema_version", "`1`. A new version is a new number; new events and new fields are not."),
    ("run", "The run's id."),
    (
        "seq",
        "The event's place in the run's journal, from 1, without gaps. `result` has that of the last event.",
    ),
    ("at", "When, in UTC (RFC 3339). In a drill this is the drill's virtual time."),
    (
        "simulated",
        "`true` for a drill and for a run against a simulator: nothing of Azure's was touched.",
    ),
    ("event", "The event's name."),
];

/// The events, in the order in which a run may meet them.
pub const EVENT_NAMES: [EventName; 39] = [
    event(
        "run_opened",
        "The run exists.",
        &[
            "runbook",
            "title",
            "mode",
            "endpoint",
            "steps",
            "objective_seconds?",
            "by?",
            "bad_days?",
        ],
    ),
    event(
        "waived",
        "A preflight rule that would have stopped the run was waived.",
        &["rule", "finding", "by", "reason"],
    ),
    event("run_claimed", "A process took the run up.", &["holder"]),
    event("terminal_lost", "The terminal went away; the run goes on.", &[]),
    event(
        "journal_away",
        "Nothing could be recorded for a while; that time does not count against the steps.",
        &["since"],
    ),
    event("step_started", "An attempt at a step began.", &["step", "action?", "attempt"]),
    event(
        "intended",
        "A write is about to be sent.",
        &["step", "method", "target", "verb?", "key"],
    ),
    event("accepted", "Azure accepted the write and works on it.", &["step", "request_id?"]),
    event("answered", "The write was done at once.", &["step", "request_id?"]),
    event("refused", "The write was refused before it was accepted.", &["step", "error"]),
    event("in_doubt", "Whether the write landed is not known.", &["step", "error"]),
    event("never_landed", "A look settled a doubt: the write never landed.", &["step"]),
    event("operation_ended", "Azure's operation ended, well or with `error`.", &["step", "error?"]),
    event("retry_scheduled", "Another attempt will be made.", &["step", "error", "not_before"]),
    event(
        "step_waiting",
        "A look did not show the goal yet, or Azure does not say how its operation stands.",
        &["step", "why"],
    ),
    event("step_succeeded", "The step's goal was seen to hold.", &["step", "outputs?"]),
    event("step_failed", "The step ended without its goal.", &["step", "error"]),
    event(
        "step_mending",
        "The step has failed, and writes what it left Failed again before it ends.",
        &["step", "error"],
    ),
    event("step_timed_out", "The step's time was up.", &["step"]),
    event("step_skipped", "The step is not done.", &["step", "why", "by"]),
    event(
        "skip_agreed",
        "A person would go on without a gate's answer; it takes more of them.",
        &["step", "by", "reason"],
    ),
    event("step_held", "Only a person can settle where the step stands.", &["step", "why"]),
    event("gate_opened", "A person is asked.", &["step", "question", "expires_at?", "error?"]),
    event("approved", "The answer was yes, or a choice.", &["step", "by", "choice?", "reason?"]),
    event("declined", "The answer was no.", &["step", "by", "reason?"]),
    event("gate_expired", "Nobody answered in time.", &["step"]),
    event("paused", "Nothing new starts.", &["by", "reason?"]),
    event("continued", "A paused run goes on.", &["by"]),
    event("source_down", "The source region counts as out of reach.", &["by", "why"]),
    event("settle_requested", "What an ended run owes is to be met.", &["by", "reason?"]),
    event("cancel_requested", "The run is to end; nothing new starts.", &["by", "reason?"]),
    event("undo_requested", "What was done is to be put back.", &["by", "reason?"]),
    event("undo_started", "An attempt at putting a step back began.", &["step", "attempt"]),
    event("step_undone", "What the step changed is as it was before.", &["step"]),
    event("step_undo_failed", "What the step changed could not be put back.", &["step", "error"]),
    event("step_reset", "A step that had ended is to be tried again.", &["step", "by", "reason?"]),
    event("deadline_passed", "The run's deadline passed: nothing new starts.", &[]),
    event("run_ended", "The run ended.", &["outcome"]),
    event("reopened", "A person reopened an ended run.", &["by", "why"]),
];

/// The table's line of an event.
#[must_use]
pub fn named(name: &str) -> Option<&'static EventName> {
    EVENT_NAMES.iter().find(|event| event.name == name)
}

/// The page that lists the events: `docs/events.md`.
#[must_use]
pub fn events_page() -> String {
    let mut page = String::from(
        "# Events for machines\n\n\
         <!-- Generated from src/render/machine/event_names.rs: cargo test --test it write_the_generated_documents -- --ignored -->\n\n\
         `backroad run|drill|resume|undo|… --output jsonl` and `backroad journal RUN --follow --output jsonl` print one JSON \
         object a line: each event of the run once it is durable, and `result` at the end. [machines.md](machines.md) says \
         how to read them. Names and fields only ever grow: a reader skips what it does not know.\n\n\
         ## Fields of every line\n\n| Field | What it is |\n|---|---|\n",
    );
    for (field, what) in COMMON {
        line(&mut page, &format!("| `{field}` | {what} |"));
    }
    page.push_str(
        "\nA field with `?` may be absent. `error` is an object: `code` (Azure's own, or one of ours in lower case), \
         `message`, `causes` (a list, absent when empty) and `disposition` (`transient`, `ambiguous` or `rejected`). \
         `by` is an object: `kind` (`engine`, `person` or `drill_person`) and, of a person, `name`.\n\n\
         ## Events\n\n| Event | What is true from then on | Its own fields |\n|---|---|---|\n",
    );
    for event in EVENT_NAMES {
        let fields: Vec<String> = event.fields.iter().map(|field| format!("`{field}`")).collect();
        line(&mut page, &format!("| `{}` | {} | {} |", event.name, event.means, fields.join(", ")));
    }
    page.push_str(
        "\n## `result`\n\nThe last line of a stream, whatever happened: also where the command was refused before there was a \
         run (`run`, `seq`, `at` and `simulated` are absent then).\n\n| Field | What it is |\n|---|---|\n",
    );
    for (field, what) in super::stream::RESULT_FIELDS {
        line(&mut page, &format!("| `{field}` | {what} |"));
    }
    page
}

fn line(page: &mut String, text: &str) {
    // A text takes whatever is written into it.
    let _never_fails = writeln!(page, "{text}");
}
