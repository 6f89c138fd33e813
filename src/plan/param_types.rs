//! Is a parameter's value of its type, and within its constraints? Checked to the element and the field.

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::reader::{Fields, Read, Reader};
use super::scope::Scope;
use crate::runbook::grammar::{Kind, PARAM_TYPES};
use crate::runbook::{Code, Node, NodeValue, Span, did_you_mean};

/// Where a value stands: its node when it is written in the runbook, so that what is wrong inside it is
/// shown where it is; else the place that gave it.
#[derive(Clone)]
pub(super) struct ValueAt<'a> {
    pub(super) span: Span,
    node: Option<&'a Node>,
}

impl<'a> ValueAt<'a> {
    pub(super) fn node(node: &'a Node) -> Self {
        Self { span: node.span.clone(), node: Some(node) }
    }

    pub(super) fn given(span: Span) -> Self {
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

/// What a parameter's value must be.
pub(super) struct ValueShape<'a> {
    pub(super) kind: &'a str,
    pub(super) of: Option<&'a str>,
    pub(super) fields: Option<&'a Node>,
}

pub(super) fn typed(
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
                && !id.is_a(wanted)
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
pub(super) fn constrained(
    reader: &mut Reader<'_>,
    value: &Value,
    fields: &Fields<'_>,
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
