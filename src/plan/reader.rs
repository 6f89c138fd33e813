//! Is a value what the grammar says? Nodes of the tree to typed values, with every mistake named.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::scope::{Meaning, Problem, Scope};
use crate::model::id::is_plain_name;
use crate::model::time::parse_duration;
use crate::model::{Condition, Region, ResourceId, geography};
use crate::runbook::expr::{Expr, Part, Template, parse_expression, parse_template};
use crate::runbook::grammar::{Field, Kind};
use crate::runbook::{Code, Diagnostic, Diagnostics, Key, Node, NodeValue, Span, did_you_mean};

/// A value that was read: known, or a secret parameter's name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    Value(Value),
    Secret(String),
}

/// What stands under the keys of a mapping.
pub(super) type Fields<'a> = BTreeMap<&'static str, (&'a Key, &'a Node)>;

/// Reads nodes, and says what is wrong with them.
pub(super) struct Reader<'d> {
    pub(super) diagnostics: &'d mut Diagnostics,
    /// Whether doubts are said: a parameter's value is doubted where it stands, not where it is used.
    pub(super) doubts: bool,
    /// The runbooks that may be used as parts, by path as written.
    pub(super) parts: &'d BTreeMap<String, Node>,
    /// Why others cannot be.
    pub(super) unread: &'d BTreeMap<String, String>,
    /// The roles that gates may name.
    pub(super) roles: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn error(&mut self, code: Code, span: &Span, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(code, span.clone(), message));
    }

    pub(super) fn error_with(
        &mut self,
        code: Code,
        span: &Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.diagnostics.push(Diagnostic::error(code, span.clone(), message).with_help(help));
    }

    /// Says an expression's problem, unless it was said already.
    pub(super) fn problem(&mut self, span: &Span, problem: Problem) {
        if let Problem::Wrong(code, message, help) = problem {
            let mut diagnostic = Diagnostic::error(code, span.clone(), message);
            diagnostic.help = help;
            self.diagnostics.push(diagnostic);
        }
    }

    /// The keys of a mapping, by the grammar; unknown and missing ones are named.
    pub(super) fn fields<'a>(
        &mut self,
        node: &'a Node,
        fields: &'static [Field],
        what: &str,
    ) -> Option<Fields<'a>> {
        let Some(entries) = node.map() else {
            let message = format!("{what} must be a mapping, and this is {}.", node.kind());
            self.error(Code::WrongKind, &node.span, message);
            return None;
        };
        let mut found = Fields::new();
        // What was most likely meant by a misspelt key is not missing as well.
        let mut meant_keys: Vec<&str> = Vec::new();
        for (key, value) in entries {
            match fields.iter().find(|field| field.key == key.text) {
                Some(field) => {
                    found.insert(field.key, (key, value));
                }
                None => {
                    let shown: String = key.text.chars().take(60).collect();
                    let message = format!("{what} has no key `{shown}`.");
                    let names = fields.iter().map(|field| field.key);
                    let help = match did_you_mean(&key.text, names.clone()) {
                        Some(meant) => {
                            meant_keys.push(meant);
                            format!("Did you mean `{meant}`?")
                        }
                        None => format!("It has {}.", names.collect::<Vec<_>>().join(", ")),
                    };
                    self.error_with(Code::UnknownKey, &key.span, message, help);
                }
            }
        }
        for field in fields.iter().filter(|field| field.required) {
            if !found.contains_key(field.key) && !meant_keys.contains(&field.key) {
                let message = format!("{what} needs the key `{}`: {}", field.key, field.doc);
                let start = node.span.start;
                let end = entries.first().map_or(node.span.end, |(key, _)| key.span.end);
                self.error(Code::MissingKey, &(start..end), message);
            }
        }
        Some(found)
    }

    /// A plain name.
    pub(super) fn name(&mut self, key: &Key, what: &str) -> bool {
        let good = is_plain_name(&key.text);
        if !good {
            let shown: String = key.text.chars().take(60).collect();
            let message = format!("`{shown}` cannot be the name of {what}.");
            let suggestion = shown.to_ascii_lowercase().replace(['-', ' ', '.'], "_");
            let help = if is_plain_name(&suggestion) {
                format!("Write `{suggestion}`: a lower-case letter, then a-z, 0-9 and _.")
            } else {
                "A name begins with a lower-case letter and holds a-z, 0-9 and _.".to_owned()
            };
            self.error_with(Code::BadName, &key.span, message, help);
        }
        good
    }

    /// A text without expressions.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.value {
            NodeValue::Scalar { text, .. } if !node.is_null() => Some(text.clone()),
            _ => {
                let message = format!("{what} must be a text, and this is {}.", node.kind());
                self.error(Code::WrongKind, &node.span, message);
                None
            }
        }
    }

    pub(super) fn template(&mut self, text: &str, span: &Span) -> Option<Template> {
        match parse_template(text, span) {
            Ok(template) => Some(template),
            Err(diagnostic) => {
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    /// A value of a kind.
    pub(super) fn value(
        &mut self,
        node: &Node,
        kind: &Kind,
        scope: &Scope,
        what: &str,
    ) -> Option<Read> {
        match (&node.value, kind) {
            (NodeValue::Scalar { text, plain }, _) => {
                let template = self.template(text, &node.span)?;
                let value = if template.parts.len() == 1 && template.only_expression().is_none() {
                    Meaning::Value(scalar(text, *plain))
                } else {
                    match scope.template(&template) {
                        Ok(meaning) => meaning,
                        Err(problem) => {
                            self.problem(&node.span, problem);
                            return None;
                        }
                    }
                };
                match value {
                    Meaning::Secret(name) => self.secret(node, kind, name),
                    Meaning::Value(value) => {
                        self.doubts = template.parts.iter().all(|p| matches!(p, Part::Text(_)));
                        let checked = self.check(&value, kind, &node.span, what);
                        self.doubts = true;
                        checked.map(Read::Value)
                    }
                    Meaning::Open(_) | Meaning::Test(_) => {
                        let message =
                            format!("{what} must be known before the run, and this is not.");
                        self.error(Code::ExprType, &node.span, message);
                        None
                    }
                }
            }
            (NodeValue::List(items), Kind::List(inner) | Kind::OneOrMany(inner)) => {
                let mut list = Vec::new();
                let mut good = true;
                for (place, item) in items.iter().enumerate() {
                    match self.value(item, inner, scope, &format!("{what}[{place}]")) {
                        Some(Read::Value(value)) => list.push(value),
                        _ => good = false,
                    }
                }
                good.then(|| Read::Value(Value::from(list)))
            }
            (NodeValue::Map(_), Kind::Object(fields)) => {
                let found = self.fields(node, fields, what)?;
                let mut object = Map::new();
                let mut good = fields.iter().all(|f| !f.required || found.contains_key(f.key));
                for field in *fields {
                    let Some((_, node)) = found.get(field.key) else {
                        continue;
                    };
                    match self.value(node, &field.kind, scope, &format!("`{}`", field.key)) {
                        Some(Read::Value(value)) => {
                            object.insert(field.key.to_owned(), value);
                        }
                        _ => good = false,
                    }
                }
                good.then(|| Read::Value(Value::from(object)))
            }
            (_, Kind::Any) => self.any(node, scope, what).map(Read::Value),
            _ => {
                let message =
                    format!("{what} must be {}, and this is {}.", expected(kind), node.kind());
                self.error(Code::WrongKind, &node.span, message);
                None
            }
        }
    }

    /// A value whose kind its type decides later.
    fn any(&mut self, node: &Node, scope: &Scope, what: &str) -> Option<Value> {
        match &node.value {
            NodeValue::Scalar { .. } => match self.value(node, &Kind::Any, scope, what)? {
                Read::Value(value) => Some(value),
                Read::Secret(_) => None,
            },
            NodeValue::List(items) => items
                .iter()
                .map(|item| self.any(item, scope, what))
                .collect::<Option<Vec<_>>>()
                .map(Value::from),
            NodeValue::Map(entries) => {
                let mut object = Map::new();
                for (key, value) in entries {
                    object.insert(key.text.clone(), self.any(value, scope, what)?);
                }
                Some(Value::from(object))
            }
        }
    }

    fn secret(&mut self, node: &Node, kind: &Kind, name: String) -> Option<Read> {
        if matches!(kind, Kind::Secret) {
            return Some(Read::Secret(name));
        }
        let message =
            format!("The secret `{name}` cannot stand here: it would become part of the plan.");
        let help =
            "Secrets are taken only by keys that are made for them, such as `authorization_key`.";
        self.error_with(Code::Secret, &node.span, message, help);
        None
    }

    /// Whether a known value is of the kind; gives its canonical form.
    pub(super) fn check(
        &mut self,
        value: &Value,
        kind: &Kind,
        span: &Span,
        what: &str,
    ) -> Option<Value> {
        if let (Kind::List(inner) | Kind::OneOrMany(inner), Value::Array(items)) = (kind, value) {
            let checked: Option<Vec<Value>> =
                items.iter().map(|item| self.check(item, inner, span, what)).collect();
            return checked.map(Value::from);
        }
        if let Kind::OneOrMany(inner) = kind {
            return self.check(value, inner, span, what).map(|value| Value::from(vec![value]));
        }
        if let (Kind::Object(fields), Value::Object(object)) = (kind, value) {
            let missing = fields.iter().find(|f| f.required && !object.contains_key(f.key));
            if let Some(missing) = missing {
                let message = format!("{what} needs the key `{}`.", missing.key);
                self.error(Code::MissingKey, span, message);
                return None;
            }
            let mut checked = Map::new();
            for (key, value) in object {
                let Some(field) = fields.iter().find(|f| f.key == key) else {
                    self.error(Code::UnknownKey, span, format!("{what} has no key `{key}`."));
                    return None;
                };
                checked.insert(key.clone(), self.check(value, &field.kind, span, key)?);
            }
            return Some(Value::from(checked));
        }
        match check_scalar(value, kind) {
            Ok((value, warning)) => {
                if let (Some((code, message)), true) = (warning, self.doubts) {
                    self.diagnostics.push(Diagnostic::warning(code, span.clone(), message));
                }
                Some(value)
            }
            Err((code, message, help)) => {
                let mut diagnostic =
                    Diagnostic::error(code, span.clone(), format!("{what} {message}."));
                diagnostic.help = help;
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    /// A condition: `true`, `false`, an expression with or without `${}`.
    pub(super) fn condition(&mut self, node: &Node, scope: &Scope) -> Option<Condition> {
        let text = self.text(node, "A condition")?;
        let expr: Expr = match text.trim() {
            "true" => return Some(Condition::Known(true)),
            "false" => return Some(Condition::Known(false)),
            trimmed if trimmed.starts_with("${") && trimmed.ends_with('}') => {
                let template = self.template(trimmed, &node.span)?;
                template.only_expression()?.clone()
            }
            trimmed => match parse_expression(trimmed, &node.span) {
                Ok(expr) => expr,
                Err(diagnostic) => {
                    self.diagnostics.push(diagnostic);
                    return None;
                }
            },
        };
        match scope.condition(&expr) {
            Ok(condition) => Some(condition),
            Err(problem) => {
                self.problem(&node.span, problem);
                None
            }
        }
    }
}

/// The value of a scalar by YAML 1.2's core rules: quoted is text; `yes`, `0777` and `1e3` are text too,
/// since other readers disagree about them.
pub(super) fn scalar(text: &str, plain: bool) -> Value {
    if !plain {
        return Value::from(text);
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::from(true),
        "false" => Value::from(false),
        _ => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let whole = !digits.is_empty()
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && (digits == "0" || !digits.starts_with('0'));
            match text.parse::<i64>() {
                Ok(number) if whole => Value::from(number),
                _ => Value::from(text),
            }
        }
    }
}

fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Prose => "a text",
        Kind::Int(..) => "a whole number",
        Kind::Bool => "true or false",
        Kind::Duration => "a duration such as 90s or 45m",
        Kind::Cidr => "an address prefix such as 10.1.0.0/24",
        Kind::Ip => "an address such as 10.10.10.10",
        Kind::Region => "a region such as southeastasia",
        Kind::Id(_) => "a resource id",
        Kind::IdOrName(_) => "a name or a resource id",
        Kind::OneOf(_) => "one of its words",
        Kind::Secret => "a reference to a secret parameter",
        Kind::Condition => "a condition",
        Kind::List(_) => "a list",
        Kind::OneOrMany(_) => "a value or a list",
        Kind::Object(_) | Kind::Names(_) | Kind::Step => "a mapping",
        Kind::Any => "a value",
    }
}

type Wrong = (Code, String, Option<String>);

fn check_scalar(value: &Value, kind: &Kind) -> Result<(Value, Option<(Code, String)>), Wrong> {
    let kind_of = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        other => format!("`{}`", other.as_str().map_or_else(|| other.to_string(), str::to_owned)),
    };
    let not = || {
        let message = format!("must be {}, and this is {}", expected(kind), kind_of(value));
        (Code::WrongKind, message, None)
    };
    let good = |value: Value| Ok((value, None));
    let as_text = || match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match kind {
        Kind::Text | Kind::Prose => as_text().map(Value::from).map_or_else(|| Err(not()), good),
        Kind::IdOrName(of) => {
            let text = as_text().ok_or_else(not)?;
            if text.starts_with('/') {
                check_id(&text, of).and_then(good)
            } else {
                good(text.into())
            }
        }
        Kind::Int(min, max) => {
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok()).ok_or_else(not)?;
            if number < *min || number > *max {
                let message = format!("must be {min} to {max}, and this is {number}");
                return Err((Code::BadValue, message, None));
            }
            good(number.into())
        }
        Kind::Bool => match value {
            Value::Bool(_) => good(value.clone()),
            Value::String(text) if text == "true" || text == "false" => {
                good((text == "true").into())
            }
            Value::String(text) if ["yes", "no", "on", "off"].contains(&text.as_str()) => {
                let meant = ["yes", "on"].contains(&text.as_str());
                Err((Code::WrongKind, not().1, Some(format!("Write {meant}."))))
            }
            _ => Err(not()),
        },
        Kind::Duration => {
            let text = as_text().ok_or_else(not)?;
            parse_duration(&text).map_err(|_| {
                let help = value.is_number().then(|| format!("Did you mean {text}s or {text}m?"));
                (Code::BadValue, not().1, help)
            })?;
            good(text.into())
        }
        Kind::Cidr => check_cidr(&as_text().ok_or_else(not)?, &not).and_then(good),
        Kind::Ip => {
            let text = as_text().ok_or_else(not)?;
            let address: std::net::IpAddr = text.parse().map_err(|_| not())?;
            good(address.to_string().into())
        }
        Kind::Region => {
            let text = as_text().ok_or_else(not)?;
            let region = Region::parse(&text).map_err(|_| not())?;
            let known = geography::region(region.as_str()).is_some();
            let warning = (!known).then(|| {
                let meant =
                    did_you_mean(region.as_str(), geography::REGIONS.iter().map(|r| r.name));
                let hint =
                    meant.map(|meant| format!(" Did you mean `{meant}`?")).unwrap_or_default();
                (Code::Region, format!("Azure documents no region `{region}`.{hint}"))
            });
            Ok((region.as_str().into(), warning))
        }
        Kind::Id(of) => {
            let text = as_text().ok_or_else(not)?;
            check_id(&text, of).and_then(good)
        }
        Kind::OneOf(words) => {
            let text = as_text().ok_or_else(not)?;
            if words.contains(&text.as_str()) {
                return good(text.into());
            }
            let help = match did_you_mean(&text, words.iter().copied()) {
                Some(meant) => format!("Did you mean `{meant}`?"),
                None => format!("It may be {}.", words.join(", ")),
            };
            let code = if words.contains(&"ErGw1AZ") { Code::GatewaySku } else { Code::BadValue };
            Err((code, format!("may not be `{text}`"), Some(help)))
        }
        Kind::Secret => {
            let help = "Declare a parameter of type secret with `from: env:NAME`, and write ${params.NAME}.";
            let message =
                "must be a reference to a secret parameter, never the secret itself".to_owned();
            Err((Code::Secret, message, Some(help.to_owned())))
        }
        Kind::Any => good(value.clone()),
        Kind::List(_)
        | Kind::OneOrMany(_)
        | Kind::Object(_)
        | Kind::Names(_)
        | Kind::Condition
        | Kind::Step => Err(not()),
    }
}

fn check_cidr(text: &str, not: &dyn Fn() -> Wrong) -> Result<Value, Wrong> {
    let prefix: IpNet = text.parse().map_err(|_| not())?;
    if prefix.addr() != prefix.network() {
        let message = format!("has host bits set: {prefix}");
        return Err((Code::HostBits, message, Some(format!("Write {}.", prefix.trunc()))));
    }
    Ok(prefix.to_string().into())
}

fn check_id(text: &str, of: &str) -> Result<Value, Wrong> {
    let id = ResourceId::parse(text)
        .map_err(|error| (Code::BadValue, format!("is not a resource id: {error}"), None))?;
    let kind = id.resource_type();
    if !of.is_empty() && !kind.is(of) {
        let message = format!("must be of type {of}, and this is of type {kind}");
        return Err((Code::ResourceType, message, None));
    }
    Ok(id.as_str().into())
}
