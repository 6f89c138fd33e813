//! What does a template's function give? Those that need nothing but their arguments.

use serde_json::{Map, Value, json};

use crate::sim::reply::{guid, letters};

/// A function's value; nothing where it is not one of these.
pub(super) fn plain(name: &str, given: &[Value]) -> Option<Result<Value, String>> {
    let first = given.first();
    let text = |place: usize| given.get(place).map(shown).unwrap_or_default();
    let number = |place: usize| given.get(place).and_then(Value::as_i64).unwrap_or_default();
    let truth = |value: &Value| value.as_bool().unwrap_or_default();
    Some(Ok(match name {
        "concat" if first.is_some_and(Value::is_array) => {
            given.iter().filter_map(Value::as_array).flatten().cloned().collect()
        }
        "concat" => given.iter().map(shown).collect::<String>().into(),
        "format" => return Some(format(given)),
        "tolower" => text(0).to_lowercase().into(),
        "toupper" => text(0).to_uppercase().into(),
        "trim" => text(0).trim().into(),
        "replace" => text(0).replace(&text(1), &text(2)).into(),
        "split" => text(0).split(&text(1)).map(Value::from).collect(),
        "join" => {
            let all = first.and_then(Value::as_array).cloned().unwrap_or_default();
            all.iter().map(shown).collect::<Vec<_>>().join(&text(1)).into()
        }
        "uniquestring" => {
            let parts: Vec<String> = given.iter().map(shown).collect();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            letters(&parts, 13).to_lowercase().replace(['-', '_'], "a").into()
        }
        "guid" => {
            let parts: Vec<String> = given.iter().map(shown).collect();
            guid(&parts.iter().map(String::as_str).collect::<Vec<_>>()).into()
        }
        "string" => text(0).into(),
        "int" => match text(0).parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => return Some(Err(format!("'{}' is no whole number", text(0)))),
        },
        "bool" => text(0).eq_ignore_ascii_case("true").into(),
        "json" => match serde_json::from_str(&text(0)) {
            Ok(value) => value,
            Err(_) => return Some(Err("the text is no JSON".to_owned())),
        },
        "null" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        "add" => number(0).saturating_add(number(1)).into(),
        "sub" => number(0).saturating_sub(number(1)).into(),
        "mul" => number(0).saturating_mul(number(1)).into(),
        "createarray" | "array" => match (name, first) {
            ("array", Some(Value::Array(all))) => all.clone().into(),
            _ => given.to_vec().into(),
        },
        "createobject" => {
            let pairs = given.chunks(2).filter(|pair| pair.len() == 2);
            Value::Object(pairs.map(|pair| (shown(&pair[0]), pair[1].clone())).collect())
        }
        "union" => return Some(Ok(union(given))),
        "length" => match first {
            Some(Value::Array(all)) => all.len().into(),
            Some(Value::Object(all)) => all.len().into(),
            _ => text(0).chars().count().into(),
        },
        "empty" => match first {
            Some(Value::Array(all)) => all.is_empty().into(),
            Some(Value::Object(all)) => all.is_empty().into(),
            Some(Value::String(text)) => text.is_empty().into(),
            _ => first.is_none_or(Value::is_null).into(),
        },
        "contains" => match first {
            Some(Value::Array(all)) => all.iter().any(|one| Some(one) == given.get(1)).into(),
            Some(Value::Object(all)) => all.contains_key(&text(1)).into(),
            _ => text(0).contains(&text(1)).into(),
        },
        "startswith" => text(0).to_lowercase().starts_with(&text(1).to_lowercase()).into(),
        "endswith" => text(0).to_lowercase().ends_with(&text(1).to_lowercase()).into(),
        "first" => end_of(first, true),
        "last" => end_of(first, false),
        "coalesce" => given.iter().find(|one| !one.is_null()).cloned().unwrap_or_default(),
        "equals" => (first == given.get(1)).into(),
        "not" => (!first.is_some_and(truth)).into(),
        "and" => given.iter().all(truth).into(),
        "or" => given.iter().any(truth).into(),
        _ => return None,
    }))
}

/// A value as a text that is put together shows it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn format(given: &[Value]) -> Result<Value, String> {
    let mut text = given.first().map(shown).unwrap_or_default();
    for (place, value) in given.iter().skip(1).enumerate() {
        text = text.replace(&format!("{{{place}}}"), &shown(value));
    }
    Ok(text.into())
}

fn union(given: &[Value]) -> Value {
    if given.iter().all(Value::is_array) {
        let mut all: Vec<Value> = Vec::new();
        for one in given.iter().filter_map(Value::as_array).flatten() {
            if !all.contains(one) {
                all.push(one.clone());
            }
        }
        return all.into();
    }
    let objects = given.iter().filter_map(Value::as_object);
    let mut all = Map::new();
    objects.for_each(|object| all.extend(object.clone()));
    Value::Object(all)
}

fn end_of(value: Option<&Value>, first: bool) -> Value {
    match value {
        Some(Value::Array(all)) if first => all.first().cloned().unwrap_or_default(),
        Some(Value::Array(all)) => all.last().cloned().unwrap_or_default(),
        Some(Value::String(text)) => {
            let end = if first { text.chars().next() } else { text.chars().last() };
            end.map(String::from).unwrap_or_default().into()
        }
        _ => json!(null),
    }
}
