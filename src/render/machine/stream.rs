//! How is a run told line by line? One JSON object an event, and `result` at the end.

use serde_json::{Map, Value, json};

use super::fields;
use crate::engine::{Event, Recorded, RunKind, RunTarget};
use crate::model::RunId;
use crate::outward;
use crate::render::RunView;

/// The version of the lines. New events and new fields do not change it.
pub const SCHEMA_VERSION: u32 = 1;

/// The schema of a line.
pub const EVENT_SCHEMA: &str = "backroad.event/1";

/// What `result` has of its own.
pub const RESULT_FIELDS: [(&str, &str); 9] = [
    (
        "outcome",
        "How the run ended (`succeeded`, `failed`, `undone`, `undo_incomplete`, `cancelled`), or where the stream left it (`waiting`, `interrupted`, `running`, and `refused` where there is no run).",
    ),
    ("exit_status", "The status with which the command ends."),
    ("elapsed_seconds?", "From the run's opening to its last event, or to now."),
    (
        "recovery_seconds?",
        "From the run's opening to its success; absent where sites saw that not all is recovered.",
    ),
    ("objective_seconds?", "What that is measured against."),
    ("steps?", "How many steps have which status: an object by status."),
    (
        "asks?",
        "What people have to do: objects with `step`, `question`, `role`, `contact`, `expires_at` and `command`.",
    ),
    ("owed?", "What is left for people to look after."),
    ("error?", "Why the command went no further: `message`, `causes`, `hints`."),
];

/// What every line of a run's stream repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamedRun {
    run: RunId,
    kind: RunKind,
    /// The action of each step, by its name.
    actions: std::collections::BTreeMap<String, &'static str>,
}

impl StreamedRun {
    /// The run whose first event this is; none for any other event.
    #[must_use]
    pub fn opened(first: &Recorded) -> Option<Self> {
        let Event::RunOpened { run, plan, mode, endpoint, against, .. } = &first.event else {
            return None;
        };
        let kind = match (mode, against.unwrap_or_else(|| RunTarget::of(*mode, endpoint))) {
            (crate::engine::RunMode::Drill, _) => RunKind::Drill,
            (crate::engine::RunMode::Live, RunTarget::Simulator) => RunKind::Simulated,
            (crate::engine::RunMode::Live, RunTarget::Azure) => RunKind::Live,
        };
        let action = |step: &crate::model::Step| (step.name.to_string(), step.action.name());
        Some(Self { run: run.clone(), kind, actions: plan.steps().iter().map(action).collect() })
    }

    /// What kind of run it is.
    #[must_use]
    pub fn kind(&self) -> RunKind {
        self.kind
    }

    /// Whether nothing of Azure's is touched.
    #[must_use]
    pub fn simulated(&self) -> bool {
        self.kind != RunKind::Live
    }
}

/// An event as a line, with its end.
#[must_use]
pub fn event_line(run: &StreamedRun, recorded: &Recorded) -> String {
    let (name, mut own) = fields::told(&recorded.event);
    match &recorded.event {
        Event::RunOpened { .. } => {
            own.insert("mode".to_owned(), json!(run.kind.as_str()));
        }
        Event::StepStarted { step, .. } => {
            if let Some(action) = run.actions.get(step.as_str()) {
                own.insert("action".to_owned(), json!(action));
            }
        }
        _ => {}
    }
    let common = json!({
        "schema": EVENT_SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "run": run.run.as_str(),
        "seq": recorded.seq.0,
        "at": recorded.at.to_string(),
        "simulated": run.simulated(),
        "event": name,
    });
    line(common, own)
}

/// How a command ended that had a run.
#[must_use]
pub fn result_line(view: &RunView, exit_status: u8) -> String {
    let at = view.now.as_ref().map_or(view.ended_at.unwrap_or(view.started_at), |now| now.at);
    let common = json!({
        "schema": EVENT_SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "run": view.run,
        "seq": view.events,
        "at": at.to_string(),
        "simulated": view.mode != RunKind::Live,
        "event": "result",
    });
    let mut own = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            own.insert(name.to_owned(), value);
        }
    };
    put("outcome", json!(view.outcome));
    put("exit_status", json!(exit_status));
    put("elapsed_seconds", json!(view.elapsed_seconds));
    put("recovery_seconds", json!(view.recovery()));
    put("objective_seconds", json!(view.objective_seconds));
    let mut steps: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
    for step in &view.steps {
        *steps.entry(step.status.as_str()).or_default() += 1;
    }
    put("steps", json!(steps));
    if let Some(now) = &view.now
        && !now.asks.is_empty()
    {
        let asked = |ask: &crate::render::truth::Ask| {
            json!({
                "step": ask.step,
                "question": ask.question,
                "role": ask.role,
                "contact": ask.contact,
                "expires_at": ask.expires_at.map(|at| at.to_string()),
                "command": ask.ways.first().map(|way| way.command.clone()),
            })
        };
        put("asks", now.asks.iter().map(asked).collect());
    }
    if !view.obligations.is_empty() {
        put("owed", json!(view.obligations));
    }
    line(common, own)
}

/// How a command ended that came to no run, or broke.
#[must_use]
pub fn refused_line(message: &str, causes: &[String], hints: &[String], exit_status: u8) -> String {
    let common = json!({
        "schema": EVENT_SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "event": "result",
        "outcome": "refused",
        "exit_status": exit_status,
        "error": { "message": message, "causes": causes, "hints": hints },
    });
    line(common, Map::new())
}

/// A line without known secrets and without letters that would steer whoever prints it.
fn line(mut common: Value, own: Map<String, Value>) -> String {
    if let Value::Object(object) = &mut common {
        object.extend(own);
    }
    let text = format!("{common}\n");
    let free = outward::redacted(&text);
    // A CI system's agent reads along.
    super::ci::defused_json(&outward::visible_in_json(&free)).into_owned()
}
