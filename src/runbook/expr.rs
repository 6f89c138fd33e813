//! What does `${…}` say? Text with CEL expressions in it, parsed and not evaluated.

use cel::Program;
use cel::common::ast::{Expr as Cel, LiteralValue, operators};
use serde_json::Value;

use super::diagnostic::{Code, Diagnostic};
use super::source::Span;
use super::syntax::expression_slip;
use crate::model::limits::EXPRESSION_BYTES_MAX;

/// A text with expressions in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// To be evaluated.
    Expr(Expr),
}

/// An expression: the part of CEL that the language has.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A value.
    Literal(Value),
    /// A path such as `params.spokes` or `steps.gateway.id`.
    Path(Vec<String>),
    /// An element of something, by index or key.
    Index(Box<Self>, Box<Self>),
    /// A list.
    List(Vec<Self>),
    /// An operator and its two sides.
    Binary(Operator, Box<Self>, Box<Self>),
    /// `!`.
    Not(Box<Self>),
}

/// A binary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `&&`
    And,
    /// `||`
    Or,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `in`
    In,
    /// `+`
    Add,
}

impl Template {
    /// The expression, if the text is one and nothing else.
    #[must_use]
    pub fn only_expression(&self) -> Option<&Expr> {
        match self.parts.as_slice() {
            [Part::Expr(expr)] => Some(expr),
            _ => None,
        }
    }

    /// The names of the steps that it refers to.
    #[must_use]
    pub fn steps(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for part in &self.parts {
            if let Part::Expr(expr) = part {
                expr.collect_steps(&mut found);
            }
        }
        found
    }
}

impl Expr {
    fn collect_steps<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Path(path) if path.first().is_some_and(|root| root == "steps") => {
                found.extend(path.get(1).map(String::as_str));
            }
            Self::Path(_) | Self::Literal(_) => {}
            Self::Index(of, by) => {
                // `steps["loop.round"]`
                if let (Self::Path(path), Self::Literal(Value::String(name))) =
                    (of.as_ref(), by.as_ref())
                    && path.as_slice() == ["steps"]
                {
                    found.push(name);
                }
                of.collect_steps(found);
                by.collect_steps(found);
            }
            Self::List(items) => items.iter().for_each(|item| item.collect_steps(found)),
            Self::Binary(_, left, right) => {
                left.collect_steps(found);
                right.collect_steps(found);
            }
            Self::Not(inner) => inner.collect_steps(found),
        }
    }
}

/// Parses a text. `$${` stands for `${` itself.
///
/// # Errors
/// An expression is not closed, too long, not CEL, or uses what the language does not have.
pub fn parse_template(text: &str, span: &Span) -> Result<Template, Diagnostic> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            literal.push_str(&rest[..at - 1]);
            literal.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        literal.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let Some(end) = closing(inside) else {
            let message = "An expression begins here with `${` and is not closed with `}`.";
            return Err(Diagnostic::error(Code::ExprSyntax, span.clone(), message)
                .with_help("Close it, or write `$${` for the characters themselves."));
        };
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(Part::Expr(parse_expression(&inside[..end], span)?));
        rest = &inside[end + 1..];
    }
    literal.push_str(rest);
    if !literal.is_empty() || parts.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(Template { parts })
}

/// The brace that closes an expression; braces in its strings do not count.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '}') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

/// Parses one expression, without its `${` and `}`.
///
/// # Errors
/// As [`parse_template`].
pub fn parse_expression(text: &str, span: &Span) -> Result<Expr, Diagnostic> {
    if text.len() > EXPRESSION_BYTES_MAX {
        let message =
            format!("The expression has {} bytes; it may have {EXPRESSION_BYTES_MAX}.", text.len());
        return Err(Diagnostic::error(Code::ExprTooLong, span.clone(), message));
    }
    let syntax = |message: String| Diagnostic::error(Code::ExprSyntax, span.clone(), message);
    // Nested parentheses recurse in the parser; no real expression comes near this.
    if text.chars().filter(|c| "([{!-".contains(*c)).count() > 64 {
        return Err(syntax("The expression is nested too deep.".to_owned()));
    }
    if text.trim().is_empty() {
        return Err(syntax("The expression is empty.".to_owned()));
    }
    let program = Program::compile(text).map_err(|errors| {
        let first = errors.errors.first().map_or("", |e| e.msg.lines().next().unwrap_or_default());
        let (what, help) = expression_slip(text, first);
        let mut diagnostic = syntax(format!("`{}` is not an expression: {what}.", text.trim()));
        diagnostic.help = help;
        diagnostic
    })?;
    read(&program.expression().expr).map_err(|what| {
        let message = format!("`{}` uses {what}, which the language does not have.", text.trim());
        Diagnostic::error(Code::ExprUnsupported, span.clone(), message).with_help(
            "It has params, steps, each and self, ==, !=, <, <=, >, >=, in, +, &&, || and !.",
        )
    })
}

fn read(cel: &Cel) -> Result<Expr, String> {
    match cel {
        Cel::Ident(name) => Ok(Expr::Path(vec![name.clone()])),
        Cel::Select(select) if select.test => Err("has()".to_owned()),
        Cel::Select(select) => match read(&select.operand.expr)? {
            Expr::Path(mut path) => {
                path.push(select.field.clone());
                Ok(Expr::Path(path))
            }
            other @ (Expr::Literal(_)
            | Expr::Index(..)
            | Expr::List(_)
            | Expr::Binary(..)
            | Expr::Not(_)) => {
                let key = Expr::Literal(Value::from(select.field.clone()));
                Ok(Expr::Index(Box::new(other), Box::new(key)))
            }
        },
        Cel::Literal(literal) => read_literal(literal),
        Cel::List(list) => {
            list.elements.iter().map(|e| read(&e.expr)).collect::<Result<_, _>>().map(Expr::List)
        }
        Cel::Call(call) => {
            let arguments: Vec<&Cel> = call
                .target
                .iter()
                .map(|t| &t.expr)
                .chain(call.args.iter().map(|a| &a.expr))
                .collect();
            read_call(&call.func_name, &arguments)
        }
        Cel::Comprehension(_) => Err("a comprehension".to_owned()),
        Cel::Map(_) | Cel::Struct(_) => Err("a map".to_owned()),
        Cel::Unspecified => Err("nothing".to_owned()),
    }
}

fn read_call(name: &str, arguments: &[&Cel]) -> Result<Expr, String> {
    let operator = match name {
        operators::LOGICAL_AND => Operator::And,
        operators::LOGICAL_OR => Operator::Or,
        operators::EQUALS => Operator::Equal,
        operators::NOT_EQUALS => Operator::NotEqual,
        operators::LESS => Operator::Less,
        operators::LESS_EQUALS => Operator::LessOrEqual,
        operators::GREATER => Operator::Greater,
        operators::GREATER_EQUALS => Operator::GreaterOrEqual,
        operators::IN => Operator::In,
        operators::ADD => Operator::Add,
        operators::LOGICAL_NOT => {
            let [inner] = arguments else {
                return Err("`!`".to_owned());
            };
            return Ok(Expr::Not(Box::new(read(inner)?)));
        }
        operators::INDEX => {
            let [of, by] = arguments else {
                return Err("an index".to_owned());
            };
            return Ok(Expr::Index(Box::new(read(of)?), Box::new(read(by)?)));
        }
        operators::SUBSTRACT => {
            return Err("a subtraction (a name has no hyphen, but an underscore)".to_owned());
        }
        other => return Err(format!("`{}`", other.trim_matches('_'))),
    };
    let [left, right] = arguments else {
        return Err(format!("`{name}`"));
    };
    Ok(Expr::Binary(operator, Box::new(read(left)?), Box::new(read(right)?)))
}

fn read_literal(literal: &LiteralValue) -> Result<Expr, String> {
    Ok(Expr::Literal(match literal {
        LiteralValue::Boolean(value) => Value::from(*value.inner()),
        LiteralValue::Int(value) => Value::from(*value.inner()),
        LiteralValue::UInt(value) => Value::from(*value.inner()),
        LiteralValue::Double(value) => Value::from(*value.inner()),
        LiteralValue::String(value) => Value::from(value.inner().to_string()),
        LiteralValue::Null => Value::Null,
        LiteralValue::Bytes(_) => return Err("bytes".to_owned()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Template, String> {
        parse_template(text, &(0..0)).map_err(|d| format!("{} {}", d.code.as_str(), d.message))
    }

    #[test]
    fn text_and_expressions_come_apart() {
        let template = parse("a-${params.x}-b").unwrap();
        assert_eq!(template.parts.len(), 3);
        assert_eq!(parse("$${x}").unwrap().parts, [Part::Text("${x}".to_owned())]);
        let index = parse("${steps.gateway.id}").unwrap();
        assert_eq!(index.steps(), ["gateway"]);
        assert!(parse("${'}' + params.x}").is_ok(), "a brace in a string does not close");
    }

    #[test]
    fn what_the_language_does_not_have_is_named() {
        assert!(parse("${steps.routes-learned.id}").unwrap_err().contains("hyphen"));
        assert!(parse("${size(params.x) > 1}").unwrap_err().contains("BR0303"));
        assert!(parse("${params.x").unwrap_err().contains("BR0301"));
        assert!(parse("${1 +}").unwrap_err().contains("BR0301"));
        assert!(parse(&format!("${{{}}}", "a+".repeat(2_000))).unwrap_err().contains("BR0305"));
        assert!(parse(&format!("${{{}1}}", "(".repeat(500))).unwrap_err().contains("BR0301"));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,120}") {
            drop(parse(&text));
            drop(parse(&format!("${{{text}}}")));
        }
    }
}
