//! Does a template use only names that its view has? Read before it is filled, conditions included.
//!
//! The engine finds an unknown name only where it prints it; `{% if mispelled %}` is silently false.
//! This follows the tags of a template, its includes and what it extends, with the type of every name.

use std::collections::BTreeMap;

use super::TemplateError;
use super::shape::ViewKind;

/// Words of the template language that are not names.
const WORDS: &[&str] = &[
    "and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None",
];

/// What a name stands for: a known kind, or something made in the template.
type KnownName = Option<ViewKind>;

#[derive(Debug, Clone, PartialEq)]
enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
    Sign(char),
}

struct Tag<'a> {
    line: usize,
    /// `%` or `{`.
    kind: char,
    tokens: Vec<Token<'a>>,
}

/// A name in scope, and how many blocks were open when it came.
type ScopedName = Vec<(String, KnownName, usize)>;

struct Check<'t> {
    texts: &'t BTreeMap<String, String>,
    root: ViewKind,
    way: Vec<String>,
}

/// Checks a template and everything that it draws in against the kind of its view.
///
/// # Errors
/// The first name that nothing has, with the template's line.
pub(super) fn check(
    texts: &BTreeMap<String, String>,
    template: &str,
    root: ViewKind,
) -> Result<(), TemplateError> {
    let mut check = Check { texts, root, way: Vec::new() };
    check.template(template, &mut ScopedName::new())
}

impl Check<'_> {
    fn template(&mut self, name: &str, scope: &mut ScopedName) -> Result<(), TemplateError> {
        let Some(text) = self.texts.get(name) else {
            return Err(TemplateError::new(format!("There is no template `{name}`.")));
        };
        // The engine refuses a template that includes itself; here it must only end.
        if self.way.iter().any(|on_way| on_way == name) {
            return Ok(());
        }
        self.way.push(name.to_owned());
        let outer = scope.len();
        let mut depth = 0;
        let mut in_component = false;
        for tag in tags(text) {
            let word = match (tag.kind, tag.tokens.first()) {
                ('%', Some(Token::Name(word))) => *word,
                _ => "",
            };
            match word {
                "component" => in_component = true,
                "endcomponent" => in_component = false,
                _ if in_component => {}
                "include" | "extends" => {
                    if let Some(Token::Text(other)) = tag.tokens.get(1) {
                        self.template(other, scope)?;
                    }
                }
                "for" => {
                    depth += 1;
                    self.open_loop(name, &tag, scope, outer + depth)?;
                }
                "endfor" => {
                    depth = depth.saturating_sub(1);
                    scope.retain(|(_, _, at)| *at <= outer + depth);
                }
                "set" | "set_global" => {
                    if let Some(Token::Name(made)) = tag.tokens.get(1) {
                        let rest = tag.tokens.get(3..).unwrap_or_default();
                        self.expression(name, tag.line, rest, scope)?;
                        scope.push(((*made).to_owned(), None, 0));
                    }
                }
                "block" | "endblock" | "raw" | "endraw" | "endif" | "endfilter" | "endset"
                | "break" | "continue" | "filter" => {}
                "if" | "elif" => self.expression(name, tag.line, &tag.tokens[1..], scope)?,
                _ => self.expression(name, tag.line, &tag.tokens, scope)?,
            }
        }
        scope.retain(|(_, _, at)| *at <= outer);
        self.way.pop();
        Ok(())
    }

    /// `{% for item in list %}` or `{% for key, value in map %}`.
    fn open_loop(
        &self,
        template: &str,
        tag: &Tag<'_>,
        scope: &mut ScopedName,
        depth: usize,
    ) -> Result<(), TemplateError> {
        let at = tag.tokens.iter().position(|token| *token == Token::Name("in"));
        let at = at.unwrap_or(tag.tokens.len());
        let over = tag.tokens.get(at + 1..).unwrap_or_default();
        self.expression(template, tag.line, over, scope)?;
        let element = match self.path(over, scope) {
            Some(ViewKind::List(element)) => Some(element()),
            _ => None,
        };
        for token in &tag.tokens[1..at] {
            if let Token::Name(made) = token {
                scope.push(((*made).to_owned(), element, depth));
            }
        }
        Ok(())
    }

    /// The kind of an expression that is a path and nothing else.
    fn path(&self, tokens: &[Token<'_>], scope: &ScopedName) -> KnownName {
        let Some(Token::Name(first)) = tokens.first() else { return None };
        let mut kind = self.lookup(first, scope)??;
        for pair in tokens[1..].chunks(2) {
            let [Token::Sign('.'), Token::Name(field)] = pair else { return None };
            kind = field_of(kind, field)?;
        }
        Some(without_maybe(kind))
    }

    /// None: there is no such name. Some(None): there is, and its kind is not known.
    fn lookup(&self, name: &str, scope: &ScopedName) -> Option<KnownName> {
        if let Some((_, known, _)) = scope.iter().rev().find(|(made, _, _)| made == name) {
            return Some(*known);
        }
        if matches!(name, "loop" | "__tera_context") {
            return Some(None);
        }
        field_of(self.root, name).map(Some)
    }

    fn expression(
        &self,
        template: &str,
        line: usize,
        tokens: &[Token<'_>],
        scope: &ScopedName,
    ) -> Result<(), TemplateError> {
        let mut own = scope.clone();
        // The names of a comprehension: `[x for x in list]`.
        for (place, token) in tokens.iter().enumerate() {
            if *token == Token::Name("for") {
                for made in tokens[place + 1..].iter().take_while(|t| **t != Token::Name("in")) {
                    if let Token::Name(made) = made {
                        own.push(((*made).to_owned(), None, 0));
                    }
                }
            }
        }
        let mut place = 0;
        while place < tokens.len() {
            let Token::Name(name) = &tokens[place] else {
                place += 1;
                continue;
            };
            let is_other = is_other(tokens, place, name);
            if is_other {
                place += 1;
                continue;
            }
            let Some(mut known) = self.lookup(name, &own) else {
                return Err(unknown(template, line, name, "the view"));
            };
            place += 1;
            while let (Some(Token::Sign('.')), Some(Token::Name(field))) =
                (tokens.get(place), tokens.get(place + 1))
            {
                if let Some(kind) = known {
                    let Some(inner) = field_of(kind, field) else {
                        return Err(unknown(template, line, field, &kind.phrase()));
                    };
                    known = Some(inner);
                }
                place += 2;
            }
        }
        Ok(())
    }
}

/// Whether a name names no value: a word of the language, a function, a filter, a test, an argument or a field.
fn is_other(tokens: &[Token<'_>], place: usize, name: &str) -> bool {
    let before = place.checked_sub(1).map(|before| &tokens[before]);
    let after = tokens.get(place + 1);
    let is_argument = after == Some(&Token::Sign('='))
        && tokens.get(place + 2) != Some(&Token::Sign('='))
        && matches!(before, Some(Token::Sign('(' | ',')));
    WORDS.contains(&name)
        || name == "for"
        || matches!(before, Some(Token::Sign('|')))
        || matches!(before, Some(Token::Name("is")))
        || (matches!(before, Some(Token::Name("not")))
            && place >= 2
            && tokens[place - 2] == Token::Name("is"))
        || after == Some(&Token::Sign('('))
        || is_argument
        || matches!(before, Some(Token::Sign('.')))
}

fn unknown(template: &str, line: usize, name: &str, of: &str) -> TemplateError {
    TemplateError::new(format!(
        "{template}:{line}: there is no `{name}` in {of}; docs/templates.md lists the names."
    ))
}

fn without_maybe(kind: ViewKind) -> ViewKind {
    match kind {
        ViewKind::Maybe(inner) => without_maybe(inner()),
        other => other,
    }
}

fn field_of(kind: ViewKind, name: &str) -> Option<ViewKind> {
    match without_maybe(kind) {
        ViewKind::Object(shape) => {
            shape().fields.into_iter().find(|field| field.name == name).map(|field| field.kind)
        }
        _ => None,
    }
}

/// The tags of a template, without comments and raw text.
fn tags(text: &str) -> Vec<Tag<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut raw = false;
    while let Some(open) = text[at..].find('{').map(|open| at + open) {
        let kind = text[open + 1..].chars().next().unwrap_or(' ');
        let close = match kind {
            '%' => "%}",
            '{' => "}}",
            '#' => "#}",
            _ => {
                at = open + 1;
                continue;
            }
        };
        let begin = open + 2;
        let end = end_of(text, begin, close, kind == '#');
        if kind != '#' {
            let line = text[..open].matches('\n').count() + 1;
            let tokens = tokens(&text[begin..end]);
            let word = tokens.first().cloned();
            if kind == '%' && word == Some(Token::Name("endraw")) {
                raw = false;
            }
            if !raw {
                found.push(Tag { line, kind, tokens });
            }
            if kind == '%' && word == Some(Token::Name("raw")) {
                raw = true;
            }
        }
        at = (end + close.len()).min(text.len());
    }
    found
}

/// Where a tag ends; not inside a text in quotation marks.
fn end_of(text: &str, begin: usize, close: &str, comment: bool) -> usize {
    let mut quote = None;
    for (place, c) in text[begin..].char_indices() {
        match quote {
            None if text[begin + place..].starts_with(close) => return begin + place,
            None if !comment && matches!(c, '"' | '\'' | '`') => quote = Some(c),
            Some(mark) if mark == c => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if matches!(c, '"' | '\'' | '`') {
            let inner = &rest[1..];
            let end = inner.find(c).unwrap_or(inner.len());
            found.push(Token::Text(&inner[..end]));
            rest = inner.get(end + 1..).unwrap_or_default();
        } else if c.is_ascii_digit() {
            let end = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
            rest = &rest[end..];
        } else if word(c) {
            let end = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
            found.push(Token::Name(&rest[..end]));
            rest = &rest[end..];
        } else {
            // `-` beside a tag's ends trims space, and `?.` reads what may be missing: neither names.
            if !c.is_whitespace() && c != '-' && c != '?' {
                found.push(Token::Sign(c));
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    found
}
