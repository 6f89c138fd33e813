//! On which way is a step done at all? Its condition in words that a person with a card in hand can follow.

use super::numbered::Numbered;
use crate::model::{Comparison, Condition, Operand, Step, StepName, StepStatus};

/// When a step is done at all, as the end of its line: `only if 8 says revoke`; nothing where it always is.
pub(super) fn only(step: &Step, numbered: &Numbered<'_>) -> Option<String> {
    match step.when.as_ref()? {
        Condition::Known(true) => None,
        Condition::Known(false) => Some("never, with these values".to_owned()),
        Condition::Not(inner) => Some(format!("unless {}", words(inner, numbered))),
        condition => Some(format!("only if {}", words(condition, numbered))),
    }
}

fn words(condition: &Condition, numbered: &Numbered<'_>) -> String {
    match condition {
        Condition::Known(value) => value.to_string(),
        Condition::Compare { left, by, right } => compared(left, *by, right, numbered),
        Condition::All(parts) => {
            // Whoever chose has answered: that the question was asked says nothing more.
            let chosen: Vec<&StepName> = parts.iter().filter_map(choice).collect();
            let says =
                |part: &&Condition| !succeeded(part).is_some_and(|step| chosen.contains(&step));
            let parts: Vec<&Condition> = parts.iter().filter(says).collect();
            joined(&parts, " and ", numbered)
        }
        Condition::Any(parts) => joined(&parts.iter().collect::<Vec<_>>(), " or ", numbered),
        Condition::Not(inner) => format!("not ({})", words(inner, numbered)),
    }
}

fn joined(parts: &[&Condition], word: &str, numbered: &Numbered<'_>) -> String {
    let one = |part: &&Condition| match part {
        Condition::All(_) | Condition::Any(_) if parts.len() > 1 => {
            format!("({})", words(part, numbered))
        }
        _ => words(part, numbered),
    };
    parts.iter().map(one).collect::<Vec<_>>().join(word)
}

/// The step whose choice a condition asks for.
fn choice(condition: &Condition) -> Option<&StepName> {
    match condition {
        Condition::Compare { left: Operand::Output { step, field }, .. } if field == "choice" => {
            Some(step)
        }
        _ => None,
    }
}

/// The step that a condition wants to have succeeded.
fn succeeded(condition: &Condition) -> Option<&StepName> {
    match condition {
        Condition::Compare {
            left: Operand::Status { step },
            by: Comparison::Equal,
            right: Operand::Literal(value),
        } if value == StepStatus::Succeeded.as_str() => Some(step),
        _ => None,
    }
}

fn compared(left: &Operand, by: Comparison, right: &Operand, numbered: &Numbered<'_>) -> String {
    let own = |name: &StepName| {
        let link = numbered.links.iter().find(|link| link.name == name.as_str());
        link.map_or_else(|| name.to_string(), |link| link.number.clone())
    };
    let literal = match right {
        Operand::Literal(serde_json::Value::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let done = literal == Some(StepStatus::Succeeded.as_str());
    match (left, by, literal) {
        (Operand::Output { step, field }, Comparison::Equal, Some(way)) if field == "choice" => {
            format!("{} says {way}", own(step))
        }
        (Operand::Output { step, field }, Comparison::NotEqual, Some(way)) if field == "choice" => {
            format!("{} does not say {way}", own(step))
        }
        (Operand::Status { step }, Comparison::Equal, Some(_)) if done => {
            format!("{} is done", own(step))
        }
        (Operand::Status { step }, Comparison::NotEqual, Some(_)) if done => {
            format!("{} could not be done", own(step))
        }
        (Operand::Status { step }, Comparison::Equal, Some(status)) => {
            format!("{} is {}", own(step), status.replace('_', " "))
        }
        (Operand::Status { step }, Comparison::NotEqual, Some(status)) => {
            format!("{} is not {}", own(step), status.replace('_', " "))
        }
        _ => format!("{} {by} {}", operand(left, &own), operand(right, &own)),
    }
}

fn operand(operand: &Operand, own: &dyn Fn(&StepName) -> String) -> String {
    match operand {
        Operand::Literal(value) => value.to_string(),
        Operand::Output { step, field } => format!("{field} of {}", own(step)),
        Operand::Status { step } => format!("the status of {}", own(step)),
    }
}
