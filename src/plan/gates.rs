//! Who is asked what, and what may they answer? Gates and decisions of a runbook.

use serde_json::Value;

use super::actions::{ActionValues, Built};
use super::reader::Reader;
use crate::model::{DecisionPolicy, GatePolicy, OnExpiry};
use crate::runbook::{Code, Diagnostic, did_you_mean};

/// An approval, or a manual task.
pub(super) fn gate(reader: &Reader<'_>, values: &ActionValues<'_>) -> Built<GatePolicy> {
    let on_expiry = match values.get("on_expiry").and_then(Value::as_str) {
        Some("approve") => OnExpiry::Approve,
        _ => OnExpiry::Decline,
    };
    let approvals = values.get("approvals").and_then(Value::as_u64).unwrap_or(1);
    let expires_after = values.duration("expires_after")?;
    if expires_after.is_some_and(|limit| limit.is_zero()) {
        let message = "`expires_after` is more than nothing.";
        return Err(values.wrong("expires_after", Code::BadValue, message));
    }
    Ok(GatePolicy {
        question: values.text("question")?.trim().to_owned(),
        expires_after,
        on_expiry,
        approvals: u32::try_from(approvals).map_err(|_| None)?,
        role: role(reader, values)?,
        not_by_starter: values.flag("not_by_starter", false),
    })
}

/// A choice between several ways.
pub(super) fn decision(reader: &Reader<'_>, values: &ActionValues<'_>) -> Built<DecisionPolicy> {
    let gate = gate(reader, values)?;
    let mut options: Vec<(String, String)> = Vec::new();
    for option in values.get("options").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| option.get(key).and_then(Value::as_str).unwrap_or_default();
        let (name, means) = (text("name").to_owned(), text("text").trim().to_owned());
        if options.iter().any(|(other, _)| *other == name) {
            let message = format!("There are two options named `{name}`.");
            return Err(values.wrong("options", Code::BadName, message));
        }
        options.push((name, means));
    }
    if options.len() < 2 {
        let message = "A decision needs at least two options.";
        return Err(values.wrong("options", Code::MissingKey, message));
    }
    let otherwise = values.get("otherwise").and_then(Value::as_str).map(str::to_owned);
    if let Some(name) = &otherwise
        && !options.iter().any(|(option, _)| option == name)
    {
        let message = format!("There is no option `{name}`.");
        return Err(values.wrong("otherwise", Code::BadName, message));
    }
    Ok(DecisionPolicy { gate, options, otherwise })
}

fn role(reader: &Reader<'_>, values: &ActionValues<'_>) -> Built<Option<String>> {
    let Some(role) = values.get("role").and_then(Value::as_str) else {
        return Ok(None);
    };
    if reader.roles.iter().any(|known| known == role) {
        return Ok(Some(role.to_owned()));
    }
    let known = reader.roles.iter().map(String::as_str);
    let help = match did_you_mean(role, known.clone()) {
        Some(meant) => format!("Did you mean `{meant}`?"),
        None if reader.roles.is_empty() => "Add it under `roles`.".to_owned(),
        None => format!("There are {}.", known.collect::<Vec<_>>().join(", ")),
    };
    let message = format!("There is no role `{role}`.");
    Err(Some(Diagnostic::error(Code::UnknownRole, values.span("role"), message).with_help(help)))
}
