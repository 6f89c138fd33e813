//! How long? Durations under a key, and limits, which are more than nothing.

use std::time::Duration;

use serde_json::Value;

use super::reader::{Read, Reader};
use super::scope::Scope;
use crate::model::time::parse_duration;
use crate::runbook::Code;
use crate::runbook::fields::Fields;
use crate::runbook::grammar::Kind;

/// A duration under a key.
pub(super) fn duration(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    key: &'static str,
    scope: &Scope,
) -> Option<Duration> {
    let (_, node) = fields.get(key)?;
    match reader.value(node, &Kind::Duration, scope, &format!("`{key}`"))? {
        Read::Value(Value::String(text)) => parse_duration(&text).ok(),
        Read::Value(_) | Read::Secret(_) => None,
    }
}

/// A limit of time under a key: one of nothing would be up before anything is done.
pub(super) fn limit(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    key: &'static str,
    scope: &Scope,
) -> Option<Duration> {
    let found = duration(reader, fields, key, scope)?;
    if let Some((_, node)) = fields.get(key).filter(|_| found.is_zero()) {
        reader.error(Code::BadValue, &node.span, format!("`{key}` is more than nothing."));
        return None;
    }
    Some(found)
}
