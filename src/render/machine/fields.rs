//! What does an event carry for machines? Its own fields, flat: no bodies, no plans, nothing that is a secret.
//!
//! A write's body and a plan stay in the journal; who wants them reads `backroad journal --output json`.

use serde_json::{Map, Value, json};

use crate::engine::{Actor, Event};
use crate::model::{Disposition, Plan, StepError};
use crate::render::timeline::seconds;

/// An event's name, and its own fields in the table's order.
#[must_use]
pub fn told(event: &Event) -> (&'static str, Map<String, Value>) {
    let mut fields = OwnFields::default();
    if let Some(step) = event.step() {
        fields.put("step", step.as_str());
    }
    let name = of_run(event, &mut fields).or_else(|| of_step(event, &mut fields));
    (name.unwrap_or("unknown"), fields.0)
}

#[derive(Default)]
struct OwnFields(Map<String, Value>);

impl OwnFields {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn maybe(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn error(&mut self, error: &StepError) {
        self.put("error", error_object(error));
    }

    fn plan(&mut self, plan: &Plan, endpoint: &str) {
        let parts = plan.parts();
        self.put("runbook", parts.runbook.to_string());
        self.put("title", parts.title.clone());
        self.put("endpoint", endpoint);
        self.put("steps", plan.steps().len());
        self.maybe("objective_seconds", parts.objective.rto.map(seconds));
    }

    fn said(&mut self, by: &Actor, reason: Option<&String>) {
        self.put("by", by_object(by));
        self.maybe("reason", reason.cloned());
    }
}

/// Who did it.
#[must_use]
pub fn by_object(by: &Actor) -> Value {
    match by {
        Actor::Engine => json!({"kind": "engine"}),
        Actor::DrillPerson => json!({"kind": "drill_person"}),
        Actor::Person(person) => json!({"kind": "person", "name": person.name}),
    }
}

/// Why something did not do.
#[must_use]
pub fn error_object(error: &StepError) -> Value {
    let mut object = json!({"code": error.code, "message": error.message});
    if !error.causes.is_empty() {
        object["causes"] = json!(error.causes);
    }
    object["disposition"] = match error.disposition {
        Disposition::Transient { .. } => json!("transient"),
        Disposition::Ambiguous => json!("ambiguous"),
        Disposition::Rejected => json!("rejected"),
    };
    object
}

/// The name and fields of an event that is about the whole run.
fn of_run(event: &Event, fields: &mut OwnFields) -> Option<&'static str> {
    Some(match event {
        Event::RunOpened { plan, mode: _, endpoint, by, bad_days, .. } => {
            fields.plan(plan, endpoint);
            fields.maybe("by", by.clone().map(|person| by_object(&Actor::Person(person))));
            fields.maybe("bad_days", Some(bad_days.clone()).filter(|days| !days.is_empty()));
            "run_opened"
        }
        Event::Waived { rule, finding, by, reason } => {
            fields.put("rule", rule.clone());
            fields.put("finding", finding.clone());
            fields.said(by, Some(reason));
            "waived"
        }
        Event::RunClaimed { holder, .. } => {
            fields.put("holder", holder.clone());
            "run_claimed"
        }
        Event::TerminalLost {} => "terminal_lost",
        Event::JournalAway { since } => {
            fields.put("since", since.to_string());
            "journal_away"
        }
        Event::Paused { by, reason } => {
            fields.said(by, reason.as_ref());
            "paused"
        }
        Event::Continued { by } => {
            fields.said(by, None);
            "continued"
        }
        Event::SourceDown { by, why } => {
            fields.said(by, None);
            fields.put("why", why.clone());
            "source_down"
        }
        Event::SettleRequested { by, reason } => {
            fields.said(by, reason.as_ref());
            "settle_requested"
        }
        Event::CancelRequested { by, reason } => {
            fields.said(by, reason.as_ref());
            "cancel_requested"
        }
        Event::UndoRequested { by, reason } => {
            fields.said(by, reason.as_ref());
            "undo_requested"
        }
        Event::DeadlinePassed {} => "deadline_passed",
        Event::RunEnded { outcome } => {
            fields.put("outcome", outcome.as_str());
            "run_ended"
        }
        Event::Reopened { by, why } => {
            fields.said(by, None);
            fields.put("why", why.clone());
            "reopened"
        }
        _ => return None,
    })
}

/// The name and fields of an event that is about a step.
fn of_step(event: &Event, fields: &mut OwnFields) -> Option<&'static str> {
    Some(match event {
        Event::StepStarted { attempt, .. } => {
            fields.put("attempt", *attempt);
            "step_started"
        }
        Event::Intended { intent, .. } => {
            fields.put("method", intent.write.method.as_str());
            fields.put("target", intent.write.resource.to_string());
            fields.maybe("verb", intent.write.verb.clone());
            fields.put("key", intent.key.as_str());
            "intended"
        }
        Event::Accepted { request_id, .. } => {
            fields.maybe("request_id", request_id.clone());
            "accepted"
        }
        Event::Answered { request_id, .. } => {
            fields.maybe("request_id", request_id.clone());
            "answered"
        }
        Event::Refused { error, .. } => {
            fields.error(error);
            "refused"
        }
        Event::InDoubt { error, .. } => {
            fields.error(error);
            "in_doubt"
        }
        Event::NeverLanded { .. } => "never_landed",
        Event::OperationEnded { error, .. } => {
            fields.maybe("error", error.as_ref().map(error_object));
            "operation_ended"
        }
        Event::RetryScheduled { error, not_before, .. } => {
            fields.error(error);
            fields.put("not_before", not_before.to_string());
            "retry_scheduled"
        }
        Event::StepWaiting { why, .. } => {
            fields.put("why", why.clone());
            "step_waiting"
        }
        Event::StepHeld { why, .. } => {
            fields.put("why", why.clone());
            "step_held"
        }
        Event::UndoStarted { attempt, .. } => {
            fields.put("attempt", *attempt);
            "undo_started"
        }
        Event::StepUndone { .. } => "step_undone",
        Event::StepUndoFailed { error, .. } => {
            fields.error(error);
            "step_undo_failed"
        }
        other => return of_end_or_answer(other, fields),
    })
}

/// The name and fields of a step's end, or of what a person said of it.
fn of_end_or_answer(event: &Event, fields: &mut OwnFields) -> Option<&'static str> {
    Some(match event {
        Event::StepSucceeded { outputs, .. } => {
            if !outputs.is_empty() {
                fields.put("outputs", json!(outputs));
            }
            "step_succeeded"
        }
        Event::StepFailed { error, .. } => {
            fields.error(error);
            "step_failed"
        }
        Event::StepMending { error, .. } => {
            fields.error(error);
            "step_mending"
        }
        Event::StepTimedOut { .. } => "step_timed_out",
        Event::StepSkipped { why, by, .. } => {
            fields.put("why", why.to_string());
            fields.said(by, None);
            "step_skipped"
        }
        Event::SkipAgreed { by, reason, .. } => {
            fields.said(by, Some(reason));
            "skip_agreed"
        }
        Event::GateOpened { question, expires_at, failure, .. } => {
            fields.put("question", question.clone());
            fields.maybe("expires_at", expires_at.map(|at| at.to_string()));
            fields.maybe("error", failure.as_ref().map(error_object));
            "gate_opened"
        }
        Event::Approved { by, choice, reason, .. } => {
            fields.maybe("choice", choice.clone());
            fields.said(by, reason.as_ref());
            "approved"
        }
        Event::Declined { by, reason, .. } => {
            fields.said(by, reason.as_ref());
            "declined"
        }
        Event::GateExpired { .. } => "gate_expired",
        Event::StepReset { by, reason, .. } => {
            fields.said(by, reason.as_ref());
            "step_reset"
        }
        _ => return None,
    })
}
