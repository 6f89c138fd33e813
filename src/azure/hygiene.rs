//! What does an answer bring along that must go no further? Keys are learned from it, and known values
//! taken out, before anything of ours reads it.
//!
//! This is the one place: errors, states, operation URLs, request ids and bodies are all made of what
//! comes out here. Keys at their own places stay, since a connection is written with them; the rooms above
//! never see those (`service::body`).

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use bytes::Bytes;
use serde_json::Value;

use super::service::body::{SECRET_KEYS, is_secret_key};
use super::wire::{Headers, WireFault};
use crate::outward;

/// How far before a key its name is looked for: name, quotes, a colon and some blanks.
const NAME_BEFORE: usize = 48;

/// The body as the rest of us may see it, and which values were known then (`outward::known_revision`): its own
/// keys, too.
pub(super) fn clean_body(body: Bytes) -> (Bytes, u64) {
    learn(&body);
    let known = outward::known_revision();
    let places = outward::places_of_known(&body);
    // Most answers hold none, or keys where they belong: those need no reading.
    if places.iter().all(|place| is_at_home(&body, place)) {
        return (body, known);
    }
    let clean = match serde_json::from_slice::<Value>(&body) {
        Ok(mut value) if value.is_object() || value.is_array() => {
            match outward::redacted_json(&mut value, is_secret_key) {
                true => value.to_string().into(),
                false => body,
            }
        }
        // A part of JSON that is cut off is gone through as it is.
        _ => outward::redacted_bytes(&body).map_or(body, Into::into),
    };
    (clean, known)
}

/// The headers as the rest of us may see them.
pub(super) fn clean_headers(headers: Headers) -> Headers {
    // One look at all of them; hardly any answer has one that must be freed.
    if outward::holds_known(headers.joined().as_bytes()) { headers.mapped(freed) } else { headers }
}

/// A text without known values: itself, where it holds none.
fn freed(text: String) -> String {
    match outward::redacted(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(free) => free,
    }
}

/// A call without an answer, in words that may be told.
pub(super) fn cleaned_fault(fault: WireFault) -> WireFault {
    match fault {
        WireFault::NotSent(why) => WireFault::NotSent(outward::redacted(&why).into_owned()),
        WireFault::Unanswered(why) => WireFault::Unanswered(outward::redacted(&why).into_owned()),
    }
}

/// Fields of a credential's requests and answers that are secrets.
const CREDENTIAL_FIELDS: [&str; 8] = [
    "access_token",
    "accessToken",
    "assertion",
    "client_assertion",
    "client_secret",
    "id_token",
    "password",
    "refresh_token",
];

/// Headers of a credential's requests that are secrets.
const CREDENTIAL_HEADERS: [&str; 3] = ["authorization", "secret", "x-identity-header"];

/// Makes known what a credential sends: a form, and the headers of a metadata service.
pub(super) fn know_sent<'a>(form: &[u8], headers: impl Iterator<Item = (&'a str, &'a str)>) {
    for (name, value) in url::form_urlencoded::parse(form) {
        if CREDENTIAL_FIELDS.contains(&name.as_ref()) {
            outward::know(&value);
        }
    }
    for (name, value) in headers {
        if CREDENTIAL_HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            outward::know(value);
        }
    }
}

/// Makes known what a credential is given.
pub(super) fn know_given(body: &[u8]) {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else { return };
    for (name, value) in &object {
        if let Value::String(text) = value
            && CREDENTIAL_FIELDS.contains(&name.as_str())
        {
            outward::know(text);
        }
    }
}

/// The names of keys, quoted as JSON quotes them.
fn names() -> Option<&'static AhoCorasick> {
    static NAMES: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let made = || {
        let quoted = SECRET_KEYS.map(|name| format!("\"{name}\""));
        AhoCorasick::builder().ascii_case_insensitive(true).build(quoted).ok()
    };
    NAMES.get_or_init(made).as_ref()
}

/// The text that stands, in JSON, behind a name that ends here.
fn value_behind(body: &[u8], name_ends: usize) -> Option<Range<usize>> {
    let blanks = |from: usize| {
        let rest = body.get(from..)?;
        Some(from + rest.iter().position(|byte| !byte.is_ascii_whitespace())?)
    };
    let colon = blanks(name_ends)?;
    let quote = blanks(colon + 1).filter(|_| body.get(colon) == Some(&b':'))?;
    let rest = body.get(quote + 1..).filter(|_| body.get(quote) == Some(&b'"'))?;
    let mut escaped = false;
    let length = rest.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    Some(quote + 1..quote + 1 + length)
}

/// Makes the keys of an answer known.
fn learn(body: &[u8]) {
    let Some(names) = names() else { return };
    for name in names.find_iter(body) {
        let Some(text) = value_behind(body, name.end()).and_then(|place| body.get(place)) else {
            continue;
        };
        let quoted = [b"\"", text, b"\""].concat();
        if let Ok(key) = serde_json::from_slice::<String>(&quoted) {
            outward::learn(&key);
        }
    }
}

/// Whether a known value stands where keys do, as the whole value of such a name.
fn is_at_home(body: &[u8], place: &Range<usize>) -> bool {
    let from = place.start.saturating_sub(NAME_BEFORE);
    let before = body.get(from..place.start).unwrap_or_default();
    let Some(name) = names().and_then(|names| names.find_iter(before).last()) else { return false };
    value_behind(body, from + name.end()).as_ref() == Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::wire::WireResponse;
    use serde_json::json;

    fn cleaned(answer: WireResponse) -> WireResponse {
        let WireResponse { status, headers, body } = answer;
        let body = clean_body(body).0;
        WireResponse { status, headers: clean_headers(headers), body }
    }

    #[test]
    fn a_key_of_an_answer_is_known_from_then_on_and_goes_no_further() {
        const KEY: &str = "e85b02d4-71c9-4f3a-a6d0-95c3b7e1284f";
        let answer = |status, headers: Headers, body: String| {
            cleaned(WireResponse { status, headers, body: body.into() })
        };
        let body = json!({ "properties": { "authorizationKey": KEY, "provisioningState": KEY } });
        let read = answer(200, Headers::new(), body.to_string());
        let read: Value = serde_json::from_slice(&read.body).unwrap();
        assert_eq!(read["properties"]["authorizationKey"], KEY);
        assert_eq!(read["properties"]["provisioningState"], "…");
        let headers = Headers::new()
            .with("x-ms-request-id", KEY)
            .with("Location", format!("https://h/x?k={}", KEY.to_uppercase()));
        let cut = format!("{{\"error\":{{\"message\":\"key {KEY}");
        let read = answer(500, headers, cut);
        assert_eq!(read.body, "{\"error\":{\"message\":\"key …".as_bytes());
        assert_eq!(read.headers.get("x-ms-request-id"), Some("…"));
        assert_eq!(read.headers.get("location"), Some("https://h/x?k=…"));
    }
}
