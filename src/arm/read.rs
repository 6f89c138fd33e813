//! What stands at this place of a body? Azure's JSON: nothing is an error, only absent.

use ipnet::IpNet;
use serde_json::Value;

use crate::model::{Region, ResourceId};

/// What stands at a place of a body: names, and numbers of things in lists, each behind a slash. No name of
/// Azure's holds one, so nothing is escaped, as a JSON pointer would have it, and nothing copied to look.
#[must_use]
pub fn at<'v>(body: &'v Value, pointer: &str) -> Option<&'v Value> {
    words(pointer).try_fold(body, |value, word| match value {
        Value::Object(object) => object.get(word),
        Value::Array(items) => items.get(word.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// The same, to change it.
#[must_use]
pub fn at_mut<'v>(body: &'v mut Value, pointer: &str) -> Option<&'v mut Value> {
    words(pointer).try_fold(body, |value, word| match value {
        Value::Object(object) => object.get_mut(word),
        Value::Array(items) => items.get_mut(word.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// What stands behind each slash.
fn words(pointer: &str) -> impl Iterator<Item = &str> {
    pointer.split('/').skip(1)
}

/// A text in a body.
#[must_use]
pub fn text<'v>(body: &'v Value, pointer: &str) -> Option<&'v str> {
    at(body, pointer)?.as_str()
}

/// A word of one of Azure's enumerations as Azure documents it, whatever the case of the letters in which it was
/// sent (azure-facts 3.2, 3.8): what is compared and shown has one writing. A word that is not known stays as it came.
#[must_use]
pub fn word<'v>(body: &'v Value, pointer: &str, documented: &[&'static str]) -> Option<&'v str> {
    let sent = text(body, pointer)?;
    Some(documented.iter().find(|own| own.eq_ignore_ascii_case(sent)).copied().unwrap_or(sent))
}

/// Whether a text in a body is this, whatever the case of its letters.
#[must_use]
pub fn is(body: &Value, pointer: &str, wanted: &str) -> bool {
    text(body, pointer).is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

/// Whether a flag in a body is on.
#[must_use]
pub fn flag(body: &Value, pointer: &str) -> bool {
    at(body, pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// A number in a body.
#[must_use]
pub fn number(body: &Value, pointer: &str) -> Option<u64> {
    at(body, pointer)?.as_u64()
}

/// A resource id in a body.
#[must_use]
pub fn id_at(body: &Value, pointer: &str) -> Option<ResourceId> {
    ResourceId::parse(text(body, pointer)?).ok()
}

/// A list in a body.
#[must_use]
pub fn list<'v>(body: &'v Value, pointer: &str) -> &'v [Value] {
    at(body, pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_place_is_found_through_names_and_numbers_as_a_json_pointer_finds_it() {
        let mut body = json!({ "a": { "b": [1, { "c": "x" }] }, "d": null, "": 2 });
        for pointer in
            ["", "/", "/a", "/a/b/0", "/a/b/1/c", "/a/b/2", "/a/b/x", "/d/e", "/a/b/1/c/d"]
        {
            assert_eq!(at(&body, pointer), body.pointer(pointer), "{pointer}");
            let known = at(&body, pointer).cloned();
            assert_eq!(at_mut(&mut body, pointer).cloned(), known, "{pointer}");
        }
        if let Some(place) = at_mut(&mut body, "/a/b/1/c") {
            *place = json!("y");
        }
        assert_eq!(text(&body, "/a/b/1/c"), Some("y"));
    }
}
