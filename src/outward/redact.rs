//! Where are the known values kept, and how is a text freed of them? One registry for the process.
//!
//! It is one for all since texts leave from everywhere, a panic's hook included, and a value that one
//! part has read another must not print. It is in memory only, and does not print.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use serde_json::Value;

use super::known::{KnownSecrets, Origin};
use super::unfold::unfold;

/// What stands in a value's place.
pub const BLANK: &str = "…";

/// Longest key that is learned from an answer; theirs are some tens of bytes long.
const ANSWERED_BYTES_MAX: usize = 256;

/// Shortest key that is learned from an answer: what is shorter may be a word.
const ANSWERED_BYTES_MIN: usize = 8;

/// Different letters in a key from an answer: `00000000-0000-…` is none yet.
const ANSWERED_LETTERS: usize = 4;

static KNOWN: RwLock<Option<KnownSecrets>> = RwLock::new(None);

fn with<T>(look: impl FnOnce(&KnownSecrets) -> T) -> Option<T> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.as_ref().filter(|known| !known.is_empty()).map(look)
}

fn add(value: &str, origin: Origin) {
    if with(|known| known.has(value)) == Some(true) {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.get_or_insert_default().add(value, origin);
}

/// Makes a value of ours known: a token, a parameter, a client's secret.
pub fn know(value: &str) {
    add(value.trim(), Origin::Ours);
}

/// Makes a key known that stood in an answer.
pub fn learn(value: &str) {
    let letters = value.chars().collect::<std::collections::BTreeSet<_>>().len();
    let fits = (ANSWERED_BYTES_MIN..=ANSWERED_BYTES_MAX).contains(&value.len());
    // A drill's kept world holds seals in the place of keys, which are no secrets.
    if fits && letters >= ANSWERED_LETTERS && !value.starts_with("sealed-") {
        add(value, Origin::Answered);
    }
}

/// Where the bytes hold a known value, in any writing; in order, apart from each other.
fn found(known: &KnownSecrets, bytes: &[u8]) -> Vec<Range<usize>> {
    let mut all = known.found(bytes);
    let unfolded = unfold(bytes);
    for (number, layer) in unfolded.layers().enumerate() {
        all.extend(known.found(layer).iter().map(|hit| unfolded.place(number, hit)));
    }
    all.sort_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in all {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// Which values are known: as long as it is the same number, what held none holds none.
#[must_use]
pub fn known_revision() -> u64 {
    with(KnownSecrets::revision).unwrap_or(0)
}

/// Where the bytes hold a known value.
#[must_use]
pub fn places_of_known(bytes: &[u8]) -> Vec<Range<usize>> {
    with(|known| found(known, bytes)).unwrap_or_default()
}

/// Whether the bytes hold a known value.
#[must_use]
pub fn holds_known(bytes: &[u8]) -> bool {
    with(|known| !found(known, bytes).is_empty()).unwrap_or(false)
}

/// The bytes without the known values, if they hold any.
#[must_use]
pub fn redacted_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    let ranges = with(|known| found(known, bytes))?;
    if ranges.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for range in ranges {
        out.extend_from_slice(bytes.get(from..range.start).unwrap_or_default());
        out.extend_from_slice(BLANK.as_bytes());
        from = range.end;
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    Some(out)
}

/// The text without the known values.
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    match redacted_bytes(text.as_bytes()) {
        None => Cow::Borrowed(text),
        // A part may begin within a letter of several bytes.
        Some(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Frees every text of a JSON value, names included, but for the values of the names that `kept` says:
/// those are taken out elsewhere. Whether there was anything.
pub fn redacted_json(value: &mut Value, kept: fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => match redacted(text) {
            Cow::Borrowed(_) => false,
            Cow::Owned(free) => {
                *text = free;
                true
            }
        },
        Value::Array(items) => {
            let mut any = false;
            for item in items {
                any |= redacted_json(item, kept);
            }
            any
        }
        Value::Object(object) => {
            let mut any = false;
            for (name, value) in object.iter_mut() {
                if !(value.is_string() && kept(name)) {
                    any |= redacted_json(value, kept);
                }
            }
            if object.keys().any(|name| holds_known(name.as_bytes())) {
                any = true;
                let old = std::mem::take(object);
                object.extend(old.into_iter().map(|(k, v)| (redacted(&k).into_owned(), v)));
            }
            any
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::json;

    // Each test knows values of its own: the registry is one for the process.
    const KEY: &str = "c4e7a1b9-5d20-4f83-9a6c-0be4d1738f52";

    fn percent(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    #[test]
    fn a_known_value_is_blanked_in_every_writing() {
        know(KEY);
        let escaped: String = KEY.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        let entities: String = KEY.chars().map(|c| format!("&#{};", u32::from(c))).collect();
        let basic = STANDARD.encode(format!(":{KEY}"));
        let wrapped = STANDARD.encode(format!("{{\"key\":\"{KEY}\"}}"));
        let (first, second) = wrapped.split_at(40);
        for written in [
            KEY.to_owned(),
            KEY.to_uppercase(),
            KEY.replace('-', ""),
            percent(KEY),
            percent(&percent(KEY)),
            KEY.replace('-', "%2D"),
            KEY.replace('-', "\\u002d"),
            escaped.clone(),
            escaped.replace('\\', "\\\\"),
            entities,
            STANDARD.encode(KEY),
            URL_SAFE_NO_PAD.encode(KEY),
            basic,
            format!("{first}\r\n{second}"),
            KEY.bytes().map(|byte| format!("{byte:02x}")).collect(),
            KEY.chars().map(|c| format!("{c}\u{200b}")).collect(),
            KEY[..18].to_owned(),
            KEY[18..].to_owned(),
        ] {
            let text = format!("before {written} after");
            let free = redacted(&text);
            assert!(free.starts_with("before ") && free.ends_with(" after"), "{free}");
            let left = free.chars().count();
            assert!(left < 36, "{written}: {free}");
        }
        assert_eq!(redacted("nothing of the kind"), "nothing of the kind");
    }

    #[test]
    fn a_key_with_signs_is_found_escaped_for_a_url_and_for_json() {
        let key = "p\"a/s&s+w\\o<r>d 9+";
        know(key);
        for written in [
            serde_json::to_string(key).unwrap(),
            serde_json::to_string(&serde_json::to_string(key).unwrap()).unwrap(),
            percent(key),
            url::form_urlencoded::byte_serialize(key.as_bytes()).collect(),
            "p&quot;a/s&amp;s+w\\o&lt;r&gt;d 9+".to_owned(),
        ] {
            let free = redacted(&written).into_owned();
            assert!(free.contains(BLANK) && free.chars().count() < 8, "{written}: {free}");
        }
    }

    #[test]
    fn names_and_values_of_json_are_freed_and_keys_at_their_place_stay() {
        let key = "91d5c3f7-2a48-4be6-b07e-6c2f8d93a415";
        learn(key);
        let mut value =
            json!({ "authorizationKey": key, "a": [key], key: 1, "state": format!("x{key}") });
        assert!(redacted_json(&mut value, |name| name == "authorizationKey"));
        assert_eq!(value, json!({ "authorizationKey": key, "a": ["…"], "…": 1, "state": "x…" }));
    }

    #[test]
    fn words_and_empty_guids_are_no_keys() {
        for value in ["key", "sealed-0123456789abcdef", "00000000-0000-0000-0000-000000000000"] {
            learn(value);
            assert_eq!(redacted(value), value);
        }
    }
}
