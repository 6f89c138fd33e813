//! Which values do the parameters have? Defaults, then the profile's, then those of the command line.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde_json::{Map, Value};

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
}

/// Where values come from, the later the stronger.
pub(super) struct ParamSources<'a> {
    pub(super) profile: Option<&'a Node>,
    pub(super) given: &'a BTreeMap<String, String>,
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
    for name in values.given.keys() {
        if !params.places.contains_key(name) {
            let message =
                format!("The runbook has no parameter `{name}`, given on the command line.");
            reader.error_with(Code::UnknownParam, &(0..0), message, help(name));
        }
    }
}

/// Where a value stands: its node when it is written in the runbook, so that what is wrong inside it is
/// shown where it is; else the place that gave it.
#[derive(Clone)]
struct ValueAt<'a> {
    span: Span,
    node: Option<&'a Node>,
}

impl<'a> ValueAt<'a> {
    fn node(node: &'a Node) -> Self {
        Self { span: node.span.clone(), node: Some(node) }
    }

    fn given(span: Span) -> Self {
        Self { span, node: None }
    }

    /// Where an item of the list stands.
    fn item(&self, place: usize) -> Self {
        let item = self.node.and_then(|node| match &node.value {
            NodeValue::List(items) => items.get(place),
            NodeValue::Scalar { .. } | NodeValue::Map(_) => None,
        });
        item.map_or_else(|| self.clone(), ValueAt::node)
    }

    /// Where the value of a key stands.
    fn field(&self, key: &str) -> Self {
        self.node.and_then(|node| node.get(key)).map_or_else(|| self.clone(), ValueAt::node)
    }

    /// Where a key stands.
    fn key(&self, key: &str) -> Span {
        let entries = self.node.and_then(Node::map).unwrap_or_default();
        let found = entries.iter().find(|(known, _)| known.text == key);
        found.map_or_else(|| self.span.clone(), |(known, _)| known.span.clone())
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
        _ => values.given.get(name).map(|text| (scalar(text, true), ValueAt::given(0..0))),
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
        ("command line", values.given.get(name).map(|_| node.span.clone())),
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

/// What a parameter's value must be.
struct ValueShape<'a> {
    kind: &'a str,
    of: Option<&'a str>,
    fields: Option<&'a Node>,
}

fn typed(
    reader: &mut Reader<'_>,
    value: &Value,
    shape: &ValueShape<'_>,
    at: &ValueAt<'_>,
    what: &str,
) -> Option<Value> {
    let span = &at.span;
    let simple = |reader: &mut Reader<'_>, kind: &Kind| reader.check(value, kind, span, what);
    match shape.kind {
        "int" => simple(reader, &Kind::Int(0, u64::MAX)),
        "bool" => simple(reader, &Kind::Bool),
        "region" => simple(reader, &Kind::Region),
        "cidr" => simple(reader, &Kind::Cidr),
        "ip" => simple(reader, &Kind::Ip),
        "duration" => simple(reader, &Kind::Duration),
        "resource_id" => {
            let checked = simple(reader, &Kind::Id(""))?;
            let wanted = shape.of.filter(|of| of.contains('/'));
            let id = crate::model::ResourceId::parse(checked.as_str()?).ok()?;
            if let Some(wanted) = wanted
                && !id.resource_type().is(wanted)
            {
                let found = id.resource_type();
                let message =
                    format!("{what} must be of type {wanted}, and this is of type {found}.");
                reader.error(Code::ResourceType, span, message);
                return None;
            }
            Some(checked)
        }
        "list" => {
            let Value::Array(items) = value else {
                reader.error(Code::WrongKind, span, format!("{what} must be a list."));
                return None;
            };
            let element =
                ValueShape { kind: shape.of.unwrap_or("string"), of: None, fields: shape.fields };
            if !PARAM_TYPES.contains(&element.kind) {
                let message = format!("{what} cannot be a list of `{}`.", element.kind);
                let help = format!("Its `of` may be {}.", PARAM_TYPES.join(", "));
                reader.error_with(Code::BadValue, span, message, help);
                return None;
            }
            let checked: Vec<Option<Value>> = items
                .iter()
                .enumerate()
                .map(|(place, item)| {
                    let what = format!("{what}[{place}]");
                    typed(reader, item, &element, &at.item(place), &what)
                })
                .collect();
            checked.into_iter().collect::<Option<Vec<_>>>().map(Value::from)
        }
        "object" => typed_object(reader, value, shape, at, what),
        _ => simple(reader, &Kind::Text),
    }
}

fn typed_object(
    reader: &mut Reader<'_>,
    value: &Value,
    shape: &ValueShape<'_>,
    at: &ValueAt<'_>,
    what: &str,
) -> Option<Value> {
    let span = &at.span;
    let Value::Object(object) = value else {
        reader.error(Code::WrongKind, span, format!("{what} must be a mapping."));
        return None;
    };
    let Some(fields) = shape.fields.and_then(Node::map) else {
        return Some(value.clone());
    };
    let mut checked = Map::new();
    let mut good = true;
    for (key, kind) in fields {
        let NodeValue::Scalar { text: kind, .. } = &kind.value else {
            continue;
        };
        let Some(value) = object.get(&key.text) else {
            reader.error(Code::MissingKey, span, format!("{what} needs the field `{}`.", key.text));
            good = false;
            continue;
        };
        let shape = ValueShape { kind, of: None, fields: None };
        match typed(reader, value, &shape, &at.field(&key.text), &format!("{what}.{}", key.text)) {
            Some(value) => {
                checked.insert(key.text.clone(), value);
            }
            None => good = false,
        }
    }
    for key in object.keys() {
        if !fields.iter().any(|(known, _)| known.text == *key) {
            let known = || fields.iter().map(|(known, _)| known.text.as_str());
            let help = match did_you_mean(key, known()) {
                Some(meant) => format!("Did you mean `{meant}`?"),
                None => format!("It has {}.", known().collect::<Vec<_>>().join(", ")),
            };
            reader.error_with(
                Code::UnknownKey,
                &at.key(key),
                format!("{what} has no field `{key}`."),
                help,
            );
            good = false;
        }
    }
    good.then(|| Value::from(checked))
}

/// Whether the value keeps to the declared constraints.
fn constrained(
    reader: &mut Reader<'_>,
    value: &Value,
    fields: &super::reader::Fields<'_>,
    span: &Span,
    what: &str,
) -> bool {
    let empty = Scope::default();
    let mut good = true;
    let size = value.as_u64().or_else(|| value.as_array().map(|list| list.len() as u64));
    for (key, holds) in [("min", u64::ge as fn(&u64, &u64) -> bool), ("max", u64::le)] {
        let Some((_, node)) = fields.get(key) else {
            continue;
        };
        let bound = reader.value(node, &Kind::Int(0, u64::MAX), &empty, "a bound");
        let Some(Read::Value(bound)) = bound else {
            continue;
        };
        if let (Some(size), Some(bound)) = (size, bound.as_u64())
            && !holds(&size, &bound)
        {
            let message = format!("{what} breaks its {key} of {bound}: {size}.");
            reader.error(Code::ParamConstraint, span, message);
            good = false;
        }
    }
    if let Some((_, node)) = fields.get("one_of")
        && let Some(Read::Value(Value::Array(allowed))) =
            reader.value(node, &Kind::List(&Kind::Any), &empty, "`one_of`")
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let message = format!("{what} may be {}, and this is {value}.", allowed.join(", "));
        reader.error(Code::ParamConstraint, span, message);
        good = false;
    }
    if let Some((_, node)) = fields.get("within")
        && let Some(Read::Value(within)) = reader.value(node, &Kind::Cidr, &empty, "`within`")
        && let (Some(within), Some(inner)) = (prefix(&within), prefix(value))
        && !within.contains(&inner)
    {
        let message = format!("{what} must lie in {within}, and {inner} does not.");
        reader.error(Code::ParamConstraint, span, message);
        good = false;
    }
    good
}

fn prefix(value: &Value) -> Option<IpNet> {
    let text = value.as_str()?;
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}
