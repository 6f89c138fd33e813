//! What is the same request on the wire and in the world? Translation between HTTP and our values.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};
use url::Url;

use crate::azure::wire::{Headers, Method, WireRequest, WireResponse};

/// Headers that hold an operation's URL.
const OPERATION_HEADERS: [&str; 2] = ["azure-asyncoperation", "location"];

/// Fields of bodies whose values never leave through the simulator's own pages.
const SECRET_FIELDS: [&str; 3] = ["authorizationKey", "sharedKey", "serviceKey"];

/// The origin that the client reached us by: the `Host` it named, if that is a host.
pub(super) fn origin(parts: &Parts, scheme: &str, fallback: &str) -> String {
    let host = parts.headers.get("host").and_then(|value| value.to_str().ok()).filter(|host| {
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
    });
    format!("{scheme}://{}", host.unwrap_or(fallback))
}

/// The request as a value.
///
/// # Errors
/// Its method is none that ARM knows, or its URL is none: the answer that says so.
pub(super) fn wire_request(
    parts: &Parts,
    origin: &str,
    body: Bytes,
) -> Result<WireRequest, Box<Response<Body>>> {
    let method = Method::parse(parts.method.as_str()).ok_or_else(|| {
        let message = "The HTTP method is not supported.";
        error(StatusCode::METHOD_NOT_ALLOWED, "HttpMethodNotSupported", message)
    })?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let url = Url::parse(&format!("{origin}{target}")).map_err(|_| {
        error(StatusCode::BAD_REQUEST, "InvalidRequestUri", "The URL cannot be read.")
    })?;
    let mut headers = Headers::new();
    for (name, value) in &parts.headers {
        // A header that is no text is nothing that ARM reads.
        if let Ok(value) = value.to_str() {
            headers.push(name.as_str().to_owned(), value);
        }
    }
    Ok(WireRequest { method, url, headers, body })
}

/// The answer on the wire, its operation URLs pointing at the host that the client used.
pub(super) fn http_response(answer: WireResponse, origin: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers.iter() {
        let moved = OPERATION_HEADERS
            .iter()
            .any(|header| name.eq_ignore_ascii_case(header))
            .then(|| at_origin(value, origin));
        let value = HeaderValue::from_str(moved.as_deref().unwrap_or(value));
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), value) else {
            continue;
        };
        // How the bytes are framed is the connection's business.
        if ![CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(&name) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// The same URL at another origin.
fn at_origin(url: &str, origin: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match rest.find('/') {
        Some(path) => format!("{origin}{}", &rest[path..]),
        None => origin.to_owned(),
    }
}

/// ARM's error body, as its front end writes it.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let mut response = json_response(status, &json!({"error": {"code": code, "message": message}}));
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-ms-failure-cause"), HeaderValue::from_static("gateway"));
    response
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

/// Whether the request carries a bearer token, whatever it says.
pub(super) fn has_token(headers: &Headers) -> bool {
    headers.get("authorization").is_some_and(|value| {
        value.split_once(' ').is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()
        })
    })
}

/// The same value with `…` where a key stood.
pub(super) fn redacted(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, field)| {
                    let secret =
                        SECRET_FIELDS.iter().any(|secret| name.eq_ignore_ascii_case(secret));
                    let field = match field {
                        Value::String(_) if secret => Value::from("…"),
                        other => redacted(other),
                    };
                    (name, field)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(redacted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_url_keeps_its_signature_when_it_moves() {
        let url = "https://management.azure.com/subscriptions/s/operations/o?api-version=1&t=6%2B&c=x&s=y&h=z";
        assert_eq!(
            at_origin(url, "http://localhost:8080"),
            "http://localhost:8080/subscriptions/s/operations/o?api-version=1&t=6%2B&c=x&s=y&h=z"
        );
        assert_eq!(at_origin("/a?b", "http://h"), "http://h/a?b");
    }

    #[test]
    fn keys_do_not_leave_through_the_simulators_own_pages() {
        let shown = redacted(
            json!({"a": [{"properties": {"authorizationKey": "k-1", "authorizationUseStatus": "Available"}}], "SharedKey": "k-2"}),
        );
        let text = shown.to_string();
        assert!(!text.contains("k-1") && !text.contains("k-2"), "{text}");
        assert!(text.contains("Available"));
    }

    #[test]
    fn a_token_must_be_there_and_may_say_anything() {
        let with = |value: &str| Headers::new().with("Authorization", value);
        assert!(has_token(&with("Bearer x")) && has_token(&with("bearer x")));
        for wrong in ["", "Bearer", "Bearer  ", "Basic eDp5"] {
            assert!(!has_token(&with(wrong)), "{wrong}");
        }
        assert!(!has_token(&Headers::new()));
    }
}
