//! What did each step try and write, and what was there before and after?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::view::{ReportField, ReportTry, ReportWrite};
use crate::engine::{Event, Recorded};
use crate::model::{Timestamp, WriteMethod};
use crate::render::line;
use crate::render::plan_text::value_text;
use crate::render::style::clock;
use crate::render::writes::{self, StepWrite, WriteFate};

/// Fields whose values are secrets: the journal holds placeholders for them already.
const SECRETS: [&str; 4] = ["authorizationKey", "sharedKey", "serviceKey", "radiusServerSecret"];

/// The attempts of each step.
pub(super) fn tries(events: &[Recorded], opened: Timestamp) -> BTreeMap<String, Vec<ReportTry>> {
    let mut found: BTreeMap<String, Vec<ReportTry>> = BTreeMap::new();
    let mut gone = BTreeMap::new();
    for Recorded { at, event, .. } in events {
        let Some(step) = event.step() else { continue };
        let at = clock(at.since(opened));
        let all = found.entry(step.to_string()).or_default();
        if let Event::StepStarted { attempt, .. } | Event::UndoStarted { attempt, .. } = event {
            all.push(ReportTry {
                number: *attempt,
                undo: matches!(event, Event::UndoStarted { .. }),
                at,
                end: None,
                came_to: "its end is not in the journal".to_owned(),
                tone: "doubt".to_owned(),
            });
            continue;
        }
        if let Event::Intended { intent, .. } = event
            && let Some(why) = line::found_since(intent)
        {
            gone.insert(step.clone(), why);
        }
        let (came_to, tone) = match event {
            Event::RetryScheduled { error, .. } => (error.to_string(), "doubt"),
            Event::StepSucceeded { .. } => ("succeeded".to_owned(), "good"),
            Event::StepUndone { .. } => {
                let gone = gone.remove(step).map_or_else(String::new, |why| format!("; {why}"));
                (format!("taken back{gone}"), "good")
            }
            Event::StepFailed { error, .. } | Event::StepUndoFailed { error, .. } => {
                (error.to_string(), "bad")
            }
            Event::StepTimedOut { .. } => ("its time was up".to_owned(), "bad"),
            Event::StepHeld { why, .. } => (why.clone(), "doubt"),
            Event::StepSkipped { why, .. } => (format!("left out: {why}"), "soft"),
            _ => continue,
        };
        if let Some(last) = all.last_mut()
            && last.end.is_none()
        {
            (last.end, last.came_to, last.tone) = (Some(at), came_to, tone.to_owned());
        }
    }
    found
}

/// What became of a write, in words.
fn answer(fate: &WriteFate) -> String {
    match fate {
        WriteFate::Sent | WriteFate::InDoubt => "not known".to_owned(),
        WriteFate::Landed(None) => "none; it landed".to_owned(),
        WriteFate::Landed(Some(code)) => format!("none; it landed, and failed: {code}"),
        WriteFate::NeverLanded => "none; it never landed".to_owned(),
        WriteFate::Accepted => "accepted".to_owned(),
        WriteFate::Done => "done".to_owned(),
        WriteFate::Ended(None) => "accepted, and done".to_owned(),
        WriteFate::Ended(Some(code)) => format!("accepted, and failed: {code}"),
        WriteFate::Refused(code) => format!("refused: {code}"),
    }
}

/// The writes of each step.
pub(super) fn writes(events: &[Recorded], opened: Timestamp) -> BTreeMap<String, Vec<ReportWrite>> {
    let told = |own: &StepWrite<'_>| write_of(own, clock(own.at.since(opened)));
    let all = writes::writes(events).into_iter();
    all.map(|(step, all)| (step.to_string(), all.iter().map(told).collect())).collect()
}

/// A write as it was intended, and what came of it.
fn write_of(own: &StepWrite<'_>, at: String) -> ReportWrite {
    let intent = own.intent;
    let before = intent.undo.before();
    let (fields, as_before) = fields(before, intent.write.body.as_ref());
    ReportWrite {
        at,
        method: intent.write.method.as_str().to_owned(),
        resource: match &intent.write.verb {
            Some(verb) => format!("{}/{verb}", intent.write.resource),
            None => intent.write.resource.to_string(),
        },
        key: intent.key.to_string(),
        request_id: own.request_id.map(str::to_owned),
        answer: answer(&own.fate),
        was_there: before.is_some() || intent.write.method != WriteMethod::Put,
        fields,
        as_before,
    }
}

/// What changes between two bodies, and how many fields stay.
fn fields(before: Option<&Value>, after: Option<&Value>) -> (Vec<ReportField>, usize) {
    let (before, after) =
        (before.map(leaves).unwrap_or_default(), after.map(leaves).unwrap_or_default());
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut same = 0;
    let mut found = Vec::new();
    for path in paths {
        let (old, new) = (before.get(path), after.get(path));
        if old == new {
            same += 1;
        } else {
            found.push(ReportField {
                path: path.clone(),
                before: old.cloned(),
                after: new.cloned(),
            });
        }
    }
    (found, same)
}

/// Every value of a body that holds no others, by its path; secrets are left out.
fn leaves(body: &Value) -> BTreeMap<String, String> {
    fn into(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
        let below = |name: &str| match path {
            "" => name.to_owned(),
            _ => format!("{path}.{name}"),
        };
        match value {
            Value::Object(object) if !object.is_empty() => {
                for (name, value) in object {
                    if SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(name)) {
                        found.insert(below(name), "…".to_owned());
                    } else {
                        into(&below(name), value, found);
                    }
                }
            }
            Value::Array(list) if list.iter().any(|one| one.is_object() || one.is_array()) => {
                for (place, value) in list.iter().enumerate() {
                    into(&format!("{path}[{place}]"), value, found);
                }
            }
            other => {
                found.insert(path.to_owned(), value_text(other));
            }
        }
    }
    let mut found = BTreeMap::new();
    into("", body, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_changes_is_told_by_field_and_keys_are_masked() {
        let before =
            json!({"location": "sea", "properties": {"routingWeight": 0, "sharedKey": "hush"}});
        let after = json!({"location": "sea", "properties": {"routingWeight": 100, "sharedKey": "other"},
            "tags": {}, "zones": ["1", "2"]});
        let (found, same) = fields(Some(&before), Some(&after));
        let told: Vec<_> = found
            .iter()
            .map(|field| (field.path.as_str(), field.before.as_deref(), field.after.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("properties.routingWeight", Some("0"), Some("100")),
                ("tags", None, Some("{}")),
                ("zones", None, Some(r#"["1","2"]"#)),
            ]
        );
        assert_eq!(same, 2);
        let (gone, _) = fields(Some(&before), None);
        assert!(gone.iter().all(|field| field.after.is_none()));
        assert!(!format!("{found:?}{gone:?}").contains("hush"));
    }
}
