//! Which keys does a mapping have? By a table: unknown and missing ones are named.

use std::collections::BTreeMap;

use super::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean};
use super::grammar::Field;
use super::tree::{Key, Node};

/// What stands under the keys of a mapping.
pub type Fields<'a> = BTreeMap<&'static str, (&'a Key, &'a Node)>;

/// Longest part of an unknown key that a message repeats.
const SHOWN_MAX: usize = 60;

/// The keys of a mapping, by the grammar; unknown and missing ones are named.
pub fn fields<'a>(
    node: &'a Node,
    fields: &'static [Field],
    what: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Fields<'a>> {
    let Some(entries) = node.map() else {
        let message = format!("{what} must be a mapping, and this is {}.", node.kind());
        diagnostics.push(Diagnostic::error(Code::WrongKind, node.span.clone(), message));
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
                let shown: String = key.text.chars().take(SHOWN_MAX).collect();
                let message = format!("{what} has no key `{shown}`.");
                let names = fields.iter().map(|field| field.key);
                let help = match did_you_mean(&key.text, names.clone()) {
                    Some(meant) => {
                        meant_keys.push(meant);
                        format!("Did you mean `{meant}`?")
                    }
                    None => format!("It has {}.", names.collect::<Vec<_>>().join(", ")),
                };
                diagnostics.push(
                    Diagnostic::error(Code::UnknownKey, key.span.clone(), message).with_help(help),
                );
            }
        }
    }
    for field in fields.iter().filter(|field| field.required) {
        if !found.contains_key(field.key) && !meant_keys.contains(&field.key) {
            let message = format!("{what} needs the key `{}`: {}", field.key, field.doc);
            let start = node.span.start;
            let end = entries.first().map_or(node.span.end, |(key, _)| key.span.end);
            diagnostics.push(Diagnostic::error(Code::MissingKey, start..end, message));
        }
    }
    Some(found)
}
