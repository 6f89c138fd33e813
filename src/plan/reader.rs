//! Is a value what the grammar says? Nodes of the tree to typed values, with every mistake named.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::scope::{Problem, Resolved, Scope};
use crate::model::id::is_plain_name;
use crate::model::later;
use crate::model::probe::Vantage;
use crate::model::tags;
use crate::model::{Condition, Operand, SecretRef};
use crate::runbook::expr::{Expr, Part, Template, parse_expression, parse_template};
use crate::runbook::fields;
pub(super) use crate::runbook::fields::Fields;
use crate::runbook::grammar::{Field, Kind};
use crate::runbook::scalar::{check_scalar, expected, scalar};
use crate::runbook::{Code, Diagnostic, Diagnostics, Key, Node, NodeValue, Span};

/// A value that was read: known, or a secret parameter's name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    Value(Value),
    Secret(String),
}

/// What a name would be by the rules of names, if that makes it one.
pub(super) fn made_plain(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', ' ', '.'], "_")
}

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
    /// The vantages that probes may name.
    pub(super) vantages: Vec<Vantage>,
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
        fields::fields(node, fields, what, self.diagnostics)
    }

    /// A plain name.
    pub(super) fn name(&mut self, key: &Key, what: &str) -> bool {
        let good = is_plain_name(&key.text);
        if !good {
            let shown: String = key.text.chars().take(60).collect();
            let message = format!("`{shown}` cannot be the name of {what}.");
            let suggestion = made_plain(&shown);
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
            NodeValue::Scalar { .. } | NodeValue::List(_) | NodeValue::Map(_) => {
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
                self.scalar_value(node, text, *plain, kind, scope, what)
            }
            (NodeValue::List(items), Kind::List(inner) | Kind::OneOrMany(inner)) => {
                self.list_value(items, inner, scope, what)
            }
            (NodeValue::Map(_), Kind::Object(fields)) => {
                self.object_value(node, fields, scope, what)
            }
            (NodeValue::Map(entries), Kind::Tags) => self.tags_value(entries, scope),
            (_, Kind::Any) => self.any(node, scope, what).map(Read::Value),
            _ => {
                let message =
                    format!("{what} must be {}, and this is {}.", expected(kind), node.kind());
                self.error(Code::WrongKind, &node.span, message);
                None
            }
        }
    }

    /// A value that is written as a text, with or without expressions in it.
    fn scalar_value(
        &mut self,
        node: &Node,
        text: &str,
        plain: bool,
        kind: &Kind,
        scope: &Scope,
        what: &str,
    ) -> Option<Read> {
        let template = self.template(text, &node.span)?;
        let is_plain = template.parts.len() == 1 && template.only_expression().is_none();
        if is_plain && scope.takes_in && later::has_place(text) {
            let message =
                "`${steps.` cannot stand as it is in what is given to a program or a service.";
            self.error(Code::ExprType, &node.span, message);
            return None;
        }
        let value = if is_plain {
            Resolved::Value(scalar(text, plain))
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
            Resolved::Secret(name) => self.secret(node, kind, name),
            Resolved::Value(value) => {
                self.doubts = template.parts.iter().all(|p| matches!(p, Part::Text(_)));
                let checked = self.check(&value, kind, &node.span, what);
                self.doubts = true;
                checked.map(Read::Value)
            }
            Resolved::Open(Operand::Output { step, field })
                if scope.takes_in && matches!(kind, Kind::Text) =>
            {
                Some(Read::Value(Value::from(later::place(&step, &field))))
            }
            Resolved::Open(_) | Resolved::Test(_) => {
                let message = format!("{what} must be known before the run, and this is not.");
                self.error(Code::ExprType, &node.span, message);
                None
            }
        }
    }

    fn list_value(
        &mut self,
        items: &[Node],
        inner: &Kind,
        scope: &Scope,
        what: &str,
    ) -> Option<Read> {
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

    fn object_value(
        &mut self,
        node: &Node,
        fields: &'static [Field],
        scope: &Scope,
        what: &str,
    ) -> Option<Read> {
        let found = self.fields(node, fields, what)?;
        let mut object = Map::new();
        let mut good = fields.iter().all(|f| !f.required || found.contains_key(f.key));
        for field in fields {
            let Some((_, node)) = found.get(field.key) else {
                continue;
            };
            match self.value(node, &field.kind, scope, &format!("`{}`", field.key)) {
                Some(Read::Value(value)) => {
                    object.insert(field.key.to_owned(), value);
                }
                // Only where a secret is asked for.
                Some(Read::Secret(name)) => {
                    let stands_for = SecretRef::Param(name).placeholder();
                    object.insert(field.key.to_owned(), stands_for);
                }
                None => good = false,
            }
        }
        good.then(|| Read::Value(Value::from(object)))
    }

    fn tags_value(&mut self, entries: &[(Key, Node)], scope: &Scope) -> Option<Read> {
        let mut object = Map::new();
        let mut good = true;
        for (key, node) in entries {
            let what = format!("The tag `{}`", key.text.escape_debug());
            match self.value(node, &Kind::Text, scope, &what) {
                Some(Read::Value(value)) => {
                    good &= self.tag(&object, &key.text, &value, &key.span);
                    object.insert(key.text.clone(), value);
                }
                _ => good = false,
            }
        }
        good.then(|| Read::Value(Value::from(object)))
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

    /// Whether Azure takes one more tag beside others.
    fn tag(&mut self, others: &Map<String, Value>, name: &str, value: &Value, at: &Span) -> bool {
        let twin = others.keys().find(|other| other.eq_ignore_ascii_case(name));
        let fault = match twin {
            Some(twin) => Some(format!(
                "The tags `{twin}` and `{}` differ in letter case alone, and are one to Azure.",
                name.escape_debug()
            )),
            None if others.len() >= tags::TAGS_MAX => {
                Some(format!("A resource has at most {} tags.", tags::TAGS_MAX))
            }
            None => tags::fault(name, value.as_str().unwrap_or_default()),
        };
        let good = fault.is_none();
        if let Some(fault) = fault {
            self.error(Code::ResourceTags, at, fault);
        }
        good
    }

    fn secret(&mut self, node: &Node, kind: &Kind, name: String) -> Option<Read> {
        if matches!(kind, Kind::Secret | Kind::SecretFrom) {
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
        if let (Kind::Tags, Value::Object(object)) = (kind, value) {
            let mut checked = Map::new();
            for (name, value) in object {
                let value = self.check(value, &Kind::Text, span, &format!("The tag `{name}`"))?;
                if !self.tag(&checked, name, &value, span) {
                    return None;
                }
                checked.insert(name.clone(), value);
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
