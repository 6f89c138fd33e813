//! Which values do the parameters have? Defaults, then the profile's, then those from outside.

use std::collections::BTreeMap;

use serde_json::Value;

use super::given::{DeclaredParam, GivenBy, GivenForm, GivenValue, GivenValues, ParamOrigin};
use super::param_types::{ValueAt, ValueShape, constrained, typed};
use super::reader::{Read, Reader};
use super::scope::Scope;
use crate::model::SecretSource;
use crate::runbook::grammar::{Kind, PARAM, PARAM_TYPES};
use crate::runbook::scalar::scalar;
use crate::runbook::{Code, Node, NodeValue, Span, did_you_mean};

/// Parameters as they were declared.
#[derive(Debug, Default)]
pub(super) struct Params {
    pub(super) scope: Scope,
    pub(super) sources: BTreeMap<String, SecretSource>,
    /// Where each was declared.
    pub(super) places: BTreeMap<String, Span>,
    /// As a person sees them.
    pub(super) declared: Vec<DeclaredParam>,
}

/// Where values come from, the later the stronger.
pub(super) struct ParamSources<'a> {
    pub(super) profile: Option<&'a Node>,
    pub(super) given: &'a GivenValues,
    /// What a step that uses the runbook gives it, and where that stands.
    pub(super) bound: Option<&'a BTreeMap<String, (Read, Span)>>,
}

/// Reads the parameters and their values.
pub(super) fn read(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
    values: &ParamSources<'_>,
) -> Params {
    let mut params = Params::default();
    let entries = node.and_then(Node::map).unwrap_or_default();
    for (key, declaration) in entries {
        if !reader.name(key, "a parameter") {
            continue;
        }
        params.places.insert(key.text.clone(), key.span.clone());
        let value = read_one(reader, &key.text, declaration, values);
        params.declared.push(declared(&key.text, declaration, value.as_ref(), values));
        match value {
            Some(ParamValue::Value(value)) => {
                params.scope.params.insert(key.text.clone(), value);
            }
            Some(ParamValue::Alias(secret)) => {
                params.scope.secrets.insert(key.text.clone(), secret);
            }
            Some(ParamValue::Secret(source)) => {
                params.scope.secrets.insert(key.text.clone(), key.text.clone());
                params.sources.insert(key.text.clone(), source);
            }
            None => {
                params.scope.broken.insert(key.text.clone(), ());
            }
        }
    }
    check_names(reader, &params, values);
    params
}

/// Values for parameters that do not exist.
fn check_names(reader: &mut Reader<'_>, params: &Params, values: &ParamSources<'_>) {
    let known = || params.places.keys().map(String::as_str);
    let help = |name: &str| match did_you_mean(name, known()) {
        Some(meant) => format!("Did you mean `{meant}`?"),
        None => format!("It has {}.", known().collect::<Vec<_>>().join(", ")),
    };
    for (key, _) in values.profile.and_then(Node::map).unwrap_or_default() {
        if !params.places.contains_key(&key.text) {
            let message = format!("The runbook has no parameter `{}`.", key.text);
            reader.error_with(Code::UnknownParam, &key.span, message, help(&key.text));
        }
    }
    for (name, (_, span)) in values.bound.into_iter().flatten() {
        if !params.places.contains_key(name) {
            let message = format!("The used runbook has no parameter `{name}`.");
            reader.error_with(Code::UnknownParam, span, message, help(name));
        }
    }
    for (name, given) in values.given {
        // The environment may speak to several runbooks.
        let told = match &given.by {
            GivenBy::Environment { .. } => continue,
            GivenBy::File { .. } => "given in a file",
            GivenBy::Option { .. } | GivenBy::OptionFile { .. } => "given on the command line",
        };
        if !params.places.contains_key(name) {
            let message = format!("The runbook has no parameter `{name}`, {told}.");
            reader.error_with(Code::UnknownParam, &given.span, message, help(name));
        }
    }
}

enum ParamValue {
    Value(Value),
    Secret(SecretSource),
    /// Another runbook's secret.
    Alias(String),
}

fn read_one(
    reader: &mut Reader<'_>,
    name: &str,
    node: &Node,
    values: &ParamSources<'_>,
) -> Option<ParamValue> {
    let fields = reader.fields(node, PARAM, &format!("The parameter `{name}`"))?;
    let empty = Scope::default();
    let (_, kind_node) = fields.get("type")?;
    let Read::Value(Value::String(kind)) =
        reader.value(kind_node, &Kind::OneOf(PARAM_TYPES), &empty, "`type`")?
    else {
        return None;
    };
    if kind == "secret" {
        return read_secret(reader, name, &fields, values, node);
    }
    if let Some((key, _)) = fields.get("from") {
        let message = "`from` is for parameters of type secret.";
        reader.error(Code::UnknownKey, &key.span, message);
    }
    let bound = values.bound.and_then(|bound| bound.get(name));
    if let Some((Read::Secret(secret), span)) = bound {
        let message = format!("The secret `{secret}` cannot be the value of `{name}`.");
        reader.error(Code::Secret, span, message);
        return None;
    }
    let given = match bound {
        Some((Read::Value(value), span)) => Some((value.clone(), ValueAt::given(span.clone()))),
        _ => match values.given.get(name) {
            Some(given) => Some(outside(reader, name, &kind, given)?),
            None => None,
        },
    };
    let profiled = values.profile.and_then(|profile| profile.get(name));
    let (value, at) = match (given, profiled, fields.get("default")) {
        (Some(given), ..) => given,
        (None, Some(node), _) => written(reader, name, node)?,
        (None, None, Some((_, node))) => written(reader, name, node)?,
        (None, None, None) => {
            let message = format!("The parameter `{name}` has no value.");
            let help =
                format!("Give it a default, a value in the profile, or --param {name}=VALUE.");
            reader.error_with(Code::ParamMissing, &node.span, message, help);
            return None;
        }
    };
    let of = fields.get("of").and_then(|(_, node)| reader.text(node, "`of`"));
    let shape =
        ValueShape { kind: &kind, of: of.as_deref(), fields: fields.get("fields").map(|f| f.1) };
    let what = format!("The parameter `{name}`");
    let value = typed(reader, &value, &shape, &at, &what)?;
    constrained(reader, &value, &fields, &at.span, &what).then_some(ParamValue::Value(value))
}

/// A parameter as a person sees it.
fn declared(
    name: &str,
    node: &Node,
    value: Option<&ParamValue>,
    values: &ParamSources<'_>,
) -> DeclaredParam {
    let text = |key: &str| match &node.get(key)?.value {
        NodeValue::Scalar { text, .. } => Some(text.clone()),
        NodeValue::List(_) | NodeValue::Map(_) => None,
    };
    let written = |node: Option<&Node>| node.map(|node| node.span.clone());
    let origin = match value {
        Some(ParamValue::Secret(source)) => Some(ParamOrigin::Secret(source.clone())),
        _ => values
            .given
            .get(name)
            .map(|given| ParamOrigin::Given(given.by.clone(), given.span.clone()))
            .or_else(|| written(values.profile.and_then(|p| p.get(name))).map(ParamOrigin::Profile))
            .or_else(|| written(node.get("default")).map(ParamOrigin::Default)),
    };
    DeclaredParam {
        name: name.to_owned(),
        kind: text("type").unwrap_or_default(),
        of: text("of"),
        description: text("description"),
        value: match value {
            Some(ParamValue::Value(value)) => Some(value.clone()),
            Some(ParamValue::Secret(_) | ParamValue::Alias(_)) | None => None,
        },
        origin,
    }
}

/// In what a value stands that is given from outside.
fn given_in(given: Option<&GivenValue>) -> &'static str {
    match given.map(|given| &given.by) {
        Some(GivenBy::Environment { .. }) => "environment",
        Some(GivenBy::File { .. } | GivenBy::OptionFile { .. }) => "file",
        Some(GivenBy::Option { .. }) | None => "command line",
    }
}

/// A value from outside: YAML where it stands in a file, or is to be a list or a mapping; else its text.
fn outside<'a>(
    reader: &mut Reader<'_>,
    name: &str,
    kind: &str,
    given: &'a GivenValue,
) -> Option<(Value, ValueAt<'a>)> {
    match &given.form {
        GivenForm::Broken => None,
        GivenForm::Node(node) => written(reader, name, node),
        GivenForm::Text { text, yaml } => {
            let fits = |node: &Node| match &node.value {
                NodeValue::List(_) => kind == "list",
                NodeValue::Map(_) => kind == "object",
                NodeValue::Scalar { .. } => false,
            };
            match (kind, yaml) {
                ("list" | "object", Ok(node)) if fits(node) => written(reader, name, node),
                ("list" | "object", yaml) => {
                    let (wanted, example) = match kind {
                        "list" => ("a list", "[one, two]"),
                        _ => ("a mapping", "{key: value}"),
                    };
                    let is = match yaml {
                        Ok(node) => format!("this is {}", node.kind()),
                        Err(_) => "this is not YAML".to_owned(),
                    };
                    let message = format!("The parameter `{name}` must be {wanted}, and {is}.");
                    let help = format!(
                        "Write it as YAML, --param {name}='{example}', or name a file that holds it: \
                         --param {name}=@FILE."
                    );
                    reader.error_with(Code::WrongKind, &given.span, message, help);
                    None
                }
                _ => Some((scalar(text, true), ValueAt::given(given.span.clone()))),
            }
        }
    }
}

/// A value as it is written, and where.
fn written<'a>(
    reader: &mut Reader<'_>,
    name: &str,
    node: &'a Node,
) -> Option<(Value, ValueAt<'a>)> {
    let what = format!("The parameter `{name}`");
    match reader.value(node, &Kind::Any, &Scope::default(), &what)? {
        Read::Value(value) => Some((value, ValueAt::node(node))),
        Read::Secret(_) => None,
    }
}

fn read_secret(
    reader: &mut Reader<'_>,
    name: &str,
    fields: &super::reader::Fields<'_>,
    values: &ParamSources<'_>,
    node: &Node,
) -> Option<ParamValue> {
    if let Some(bound) = values.bound {
        return match bound.get(name) {
            Some((Read::Secret(secret), _)) => Some(ParamValue::Alias(secret.clone())),
            Some((Read::Value(_), span)) => {
                let message = format!("`{name}` is a secret: give it a secret of this runbook.");
                reader.error(Code::Secret, span, message);
                None
            }
            None => {
                let message = format!("The secret `{name}` of the used runbook is not given.");
                reader.error(Code::ParamMissing, &node.span, message);
                None
            }
        };
    }
    for (key, at) in [
        ("default", fields.get("default").map(|(_, n)| n.span.clone())),
        ("profile", values.profile.and_then(|p| p.get(name)).map(|n| n.span.clone())),
        (given_in(values.given.get(name)), values.given.get(name).map(GivenValue::place)),
    ] {
        if let Some(span) = at {
            let message = format!(
                "The secret `{name}` has a value in its {key}; a secret is never written down."
            );
            let help = "Name its source instead: `from: env:NAME` or `from: file:PATH`.";
            reader.error_with(Code::Secret, &span, message, help);
            return None;
        }
    }
    let Some((_, from)) = fields.get("from") else {
        let message = format!("The secret `{name}` needs `from`: env:NAME or file:PATH.");
        reader.error(Code::MissingKey, &node.span, message);
        return None;
    };
    let text = reader.text(from, "`from`")?;
    match SecretSource::parse(&text) {
        Ok(source) => Some(ParamValue::Secret(source)),
        Err(error) => {
            reader.error(Code::Secret, &from.span, format!("{error}."));
            None
        }
    }
}
