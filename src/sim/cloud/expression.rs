//! What does a template's `[expression]` say? From text to calls, literals and what is taken out of them.

use serde_json::{Number, Value};

/// An expression of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Literal(Value),
    Call(String, Vec<Self>),
    /// `.name`, or `['name']`, or `[0]`.
    Member(Box<Self>, Box<Self>),
}

/// Parentheses and members one within another, at most.
const DEPTH_MAX: usize = 64;

/// The expression of a text, if it is one: `[…]`, and not `[[…`.
pub(super) fn expression(text: &str) -> Option<Result<Expression, String>> {
    if text.starts_with("[[") || !text.starts_with('[') || !text.ends_with(']') {
        return None;
    }
    let inner = &text[1..text.len() - 1];
    let mut reader = ExpressionReader { rest: inner, depth: 0 };
    let read = reader.whole();
    Some(read.map_err(|why| format!("The expression '{text}' cannot be read: {why}.")))
}

struct ExpressionReader<'a> {
    rest: &'a str,
    depth: usize,
}

impl ExpressionReader<'_> {
    fn whole(&mut self) -> Result<Expression, String> {
        let expression = self.one()?;
        self.space();
        match self.rest {
            "" => Ok(expression),
            rest => Err(format!("'{rest}' is left over")),
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, c: char) -> bool {
        self.space();
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn name(&mut self) -> String {
        self.space();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name.to_owned()
    }

    fn one(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("it is too deep".to_owned());
        }
        let mut found = self.plain()?;
        loop {
            if self.eat('.') {
                let name = Expression::Literal(self.name().into());
                found = Expression::Member(Box::new(found), Box::new(name));
            } else if self.eat('[') {
                let place = self.one()?;
                if !self.eat(']') {
                    return Err("a ']' is missing".to_owned());
                }
                found = Expression::Member(Box::new(found), Box::new(place));
            } else {
                self.depth -= 1;
                return Ok(found);
            }
        }
    }

    fn plain(&mut self) -> Result<Expression, String> {
        self.space();
        if self.rest.starts_with('\'') {
            return self.text().map(|text| Expression::Literal(text.into()));
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '-');
            let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
            let number: i64 = digits.parse().map_err(|_| format!("'{digits}' is no number"))?;
            self.rest = rest;
            return Ok(Expression::Literal(Value::Number(Number::from(number))));
        }
        let name = self.name();
        if name.is_empty() {
            return Err(format!("a function is expected at '{}'", self.rest));
        }
        if !self.eat('(') {
            return Err(format!("'{name}' is not called"));
        }
        let mut given = Vec::new();
        while !self.eat(')') {
            if !given.is_empty() && !self.eat(',') {
                return Err("a ',' or ')' is missing".to_owned());
            }
            given.push(self.one()?);
        }
        Ok(Expression::Call(name.to_ascii_lowercase(), given))
    }

    /// A text in single quotes; two of them stand for one.
    fn text(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut from = 1;
        while let Some(end) = self.rest[from..].find('\'') {
            text.push_str(&self.rest[from..from + end]);
            from += end + 1;
            if !self.rest[from..].starts_with('\'') {
                self.rest = &self.rest[from..];
                return Ok(text);
            }
            text.push('\'');
            from += 1;
        }
        Err("a text does not end".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_read_whole_or_refused() {
        let read = |text: &str| expression(text).unwrap();
        assert_eq!(expression("plain"), None);
        assert_eq!(expression("[[not one]"), None);
        let found = read("[concat('it''s ', parameters('a')[0].b)]").unwrap();
        let Expression::Call(name, given) = found else { panic!("a call") };
        assert_eq!((name.as_str(), given.len()), ("concat", 2));
        assert_eq!(given[0], Expression::Literal("it's ".into()));
        for wrong in ["[]", "[concat(]", "[concat('a]", "[a]", "[a() b]", "[a('x' 'y')]", "[-]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let deep = format!("[{}1{}]", "a(".repeat(1_000), ")".repeat(1_000));
        assert!(read(&deep).is_err());
    }
}
