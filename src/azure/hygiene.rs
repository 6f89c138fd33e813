//! What does an answer bring along that must go no further? Keys are learned from it, and known values
//! taken out, before anything of ours reads it.
//!
//! This is the one place: errors, states, operation URLs, request ids and bodies are all made of what
//! comes out here. Keys at their own places stay, since a connection is written with them; the rooms above
//! never see those (`service::body`).

use serde_json::Value;

use super::service::body::is_secret_key;
use super::wire::{Headers, WireFault, WireResponse};
use crate::outward;

/// The answer as the rest of us may see it.
pub(super) fn cleaned(response: WireResponse) -> WireResponse {
    let WireResponse { status, headers, body } = response;
    let mut parsed: Option<Option<Value>> = None;
    if names_a_key(&body) {
        let value = parsed.get_or_insert_with(|| serde_json::from_slice(&body).ok());
        if let Some(value) = value {
            learn(value);
        }
    }
    // A part of JSON that is cut off is looked through as it is.
    let body = if outward::holds_known(&body) {
        match parsed.unwrap_or_else(|| serde_json::from_slice(&body).ok()) {
            Some(mut value) if value.is_object() || value.is_array() => {
                match outward::redacted_json(&mut value, is_secret_key) {
                    true => value.to_string().into(),
                    false => body,
                }
            }
            _ => outward::redacted_bytes(&body).map_or(body, Into::into),
        }
    } else {
        body
    };
    let mut clean = Headers::new();
    for (name, value) in headers.iter() {
        clean.push(&outward::redacted(name), outward::redacted(value));
    }
    WireResponse { status, headers: clean, body }
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

/// Whether it is worth reading for keys: most answers have none.
fn names_a_key(body: &[u8]) -> bool {
    // Each of the names has one of these in it, in whatever case, and so have few others.
    let lower = body.to_ascii_lowercase();
    let has = |word: &[u8]| lower.windows(word.len()).any(|window| window == word);
    has(b"key\"") || has(b"secret\"")
}

fn learn(value: &Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if is_secret_key(name) => outward::learn(text),
                    other => learn(other),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(learn),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
