//! What does a value say that stands as it is? Nodes to JSON by a table, without expressions; every mistake named.
//!
//! This is how files are read that are no runbooks: worlds, bad days. An optional key without a value is as
//! good as none.

use serde_json::{Map, Number, Value};

use super::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean};
use super::fields::fields;
use super::grammar::{Choice, Field, Kind};
use super::scalar::{check_scalar, expected, scalar};
use super::tree::{Node, NodeValue};
use crate::model::ResourceId;

/// A node as JSON would have it, whatever it is: numbers are numbers, and what was quoted is text.
#[must_use]
pub fn json(node: &Node) -> Value {
    match &node.value {
        NodeValue::Scalar { text, plain } => json_scalar(text, *plain),
        NodeValue::List(items) => items.iter().map(json).collect(),
        NodeValue::Map(entries) => {
            let pairs = entries.iter().map(|(key, node)| (key.text.clone(), json(node)));
            Value::Object(pairs.collect())
        }
    }
}

fn json_scalar(text: &str, plain: bool) -> Value {
    if !plain {
        return Value::from(text);
    }
    match text {
        "Null" | "NULL" => Value::Null,
        "True" | "TRUE" => Value::from(true),
        "False" | "FALSE" => Value::from(false),
        // What is a number in JSON is one here: bodies are Azure's, and are written down as JSON.
        _ if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
            serde_json::from_str::<Number>(text).map_or_else(|_| Value::from(text), Value::Number)
        }
        _ => scalar(text, true),
    }
}

/// A value of a kind, or nothing where it is none; the diagnostics say why.
pub fn value(node: &Node, kind: &Kind, what: &str, diagnostics: &mut Diagnostics) -> Option<Value> {
    match (&node.value, kind) {
        (_, Kind::Json | Kind::Any) | (NodeValue::Map(_), Kind::Resource) => Some(json(node)),
        (NodeValue::List(items), Kind::List(inner) | Kind::OneOrMany(inner)) => {
            let read = items
                .iter()
                .enumerate()
                .map(|(place, item)| value(item, inner, &format!("{what}[{place}]"), diagnostics));
            // Each of them is looked at, whatever the others are.
            let read: Vec<Option<Value>> = read.collect();
            read.into_iter().collect::<Option<Vec<Value>>>().map(Value::from)
        }
        (_, Kind::OneOrMany(inner)) => {
            value(node, inner, what, diagnostics).map(|one| Value::from(vec![one]))
        }
        (NodeValue::Map(_), Kind::Object(keys)) => object(node, keys, what, diagnostics),
        (NodeValue::Map(entries), Kind::ByText(inner) | Kind::ById(inner) | Kind::Names(inner)) => {
            let mut object = Map::new();
            let mut good = true;
            for (key, node) in entries {
                if let (Kind::ById(_), Err(error)) = (kind, ResourceId::parse(&key.text)) {
                    let message = format!("A key of {what} is no resource id: {error}.");
                    diagnostics.push(Diagnostic::error(Code::BadValue, key.span.clone(), message));
                    good = false;
                }
                let what = format!("`{}`", short(&key.text));
                match value(node, inner, &what, diagnostics) {
                    Some(read) => drop(object.insert(key.text.clone(), read)),
                    None => good = false,
                }
            }
            good.then_some(Value::Object(object))
        }
        (NodeValue::Map(_), Kind::Choice(choices)) => choice(node, choices, what, diagnostics),
        (NodeValue::Scalar { text, plain }, _) => match check_scalar(&scalar(text, *plain), kind) {
            Ok((read, doubt)) => {
                if let Some((code, message)) = doubt {
                    diagnostics.push(Diagnostic::warning(code, node.span.clone(), message));
                }
                Some(read)
            }
            Err((code, message, help)) => {
                let mut diagnostic =
                    Diagnostic::error(code, node.span.clone(), format!("{what} {message}."));
                diagnostic.help = help;
                diagnostics.push(diagnostic);
                None
            }
        },
        _ => {
            let message =
                format!("{what} must be {}, and this is {}.", expected(kind), node.kind());
            diagnostics.push(Diagnostic::error(Code::WrongKind, node.span.clone(), message));
            None
        }
    }
}

/// A mapping with these keys.
pub fn object(
    node: &Node,
    keys: &'static [Field],
    what: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let before = diagnostics.errors();
    let found = fields(node, keys, what, diagnostics)?;
    let mut object = Map::new();
    for field in keys {
        let Some((_, node)) = found.get(field.key) else { continue };
        if node.is_null() && !field.required {
            continue;
        }
        if let Some(read) = value(node, &field.kind, &format!("`{}`", field.key), diagnostics) {
            object.insert(field.key.to_owned(), read);
        }
    }
    (diagnostics.errors() == before).then_some(Value::Object(object))
}

/// A mapping from one word to what it takes.
fn choice(
    node: &Node,
    choices: &'static [Choice],
    what: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Value> {
    let [(key, taken)] = node.map()? else {
        let message = format!("{what} must have one word, and what it takes.");
        diagnostics.push(Diagnostic::error(Code::WrongKind, node.span.clone(), message));
        return None;
    };
    let Some(choice) = choices.iter().find(|choice| choice.word == key.text) else {
        let words = choices.iter().map(|choice| choice.word);
        let help = match did_you_mean(&key.text, words.clone()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("It may be {}.", words.collect::<Vec<_>>().join(", ")),
        };
        let message = format!("{what} may not be `{}`.", short(&key.text));
        diagnostics
            .push(Diagnostic::error(Code::BadValue, key.span.clone(), message).with_help(help));
        return None;
    };
    if choice.alone {
        let message = format!("`{}` takes nothing.", choice.word);
        let help = format!("Write it alone: {}.", choice.word);
        diagnostics
            .push(Diagnostic::error(Code::WrongKind, node.span.clone(), message).with_help(help));
        return None;
    }
    let read = object(taken, choice.fields, &format!("`{}`", choice.word), diagnostics)?;
    Some(Value::Object(Map::from_iter([(choice.word.to_owned(), read)])))
}

/// As much of a text as a message repeats.
fn short(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::{DocumentKind, SourceFile, tree};

    #[test]
    fn a_node_says_what_json_would() {
        let text = "[1, -0.5, 1e3, 0777, 18446744073709551615, yes, true, ~, '1', 2026-01-01]";
        let source = SourceFile::of(DocumentKind::World, "t", text);
        let node = tree::read(&source, &mut Diagnostics::default()).unwrap();
        let expected = serde_json::json!([
            1,
            -0.5,
            1e3,
            "0777",
            18_446_744_073_709_551_615_u64,
            "yes",
            true,
            null,
            "1",
            "2026-01-01"
        ]);
        assert_eq!(json(&node), expected);
    }
}
