//! What stands at this place of a body? Azure's JSON: nothing is an error, only absent.

use ipnet::IpNet;
use serde_json::Value;

use crate::model::{Region, ResourceId};

/// A text in a body.
#[must_use]
pub fn text<'v>(body: &'v Value, pointer: &str) -> Option<&'v str> {
    body.pointer(pointer)?.as_str()
}

/// Whether a text in a body is this, whatever the case of its letters.
#[must_use]
pub fn is(body: &Value, pointer: &str, wanted: &str) -> bool {
    text(body, pointer).is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

/// Whether a flag in a body is on.
#[must_use]
pub fn flag(body: &Value, pointer: &str) -> bool {
    body.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// A number in a body.
#[must_use]
pub fn number(body: &Value, pointer: &str) -> Option<u64> {
    body.pointer(pointer)?.as_u64()
}

/// A resource id in a body.
#[must_use]
pub fn id_at(body: &Value, pointer: &str) -> Option<ResourceId> {
    ResourceId::parse(text(body, pointer)?).ok()
}

/// A list in a body.
#[must_use]
pub fn list<'v>(body: &'v Value, pointer: &str) -> &'v [Value] {
    body.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A prefix in a body, as it is written there.
#[must_use]
pub fn prefix(body: &Value, pointer: &str) -> Option<IpNet> {
    text(body, pointer)?.parse().ok()
}

/// The prefixes of a list in a body, as they are written there.
#[must_use]
pub fn prefixes(body: &Value, pointer: &str) -> Vec<IpNet> {
    list(body, pointer).iter().filter_map(|item| item.as_str()?.parse().ok()).collect()
}

/// The name in a body.
#[must_use]
pub fn name(body: &Value) -> Option<&str> {
    text(body, "/name")
}

/// The region in a body.
#[must_use]
pub fn region(body: &Value) -> Option<Region> {
    Region::parse(text(body, "/location")?).ok()
}
