//! How does an answer look? Bounded, free of known secrets, and with nothing in it that hides.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::{Value, json};

use super::source::WebProblem;
use crate::outward;
use crate::render::template::escape_html;

/// Letters of one text that are sent: an error of Azure's may be a page, and a few lines tell it.
const LETTERS_MAX: usize = 2_000;

/// Bytes of one answer of data.
pub(super) const DATA_BYTES_MAX: usize = 512 << 10;

/// Data, as they go to a browser.
///
/// # Errors
/// They are more than may be sent.
pub(super) fn text(value: &impl Serialize) -> Result<String, WebProblem> {
    let failed = |why: String| WebProblem::new(500, format!("The answer cannot be made: {why}."));
    let mut value = serde_json::to_value(value).map_err(|error| failed(error.to_string()))?;
    bound(&mut value);
    let text = value.to_string();
    if text.len() > DATA_BYTES_MAX {
        return Err(failed(format!("it has {} bytes", text.len())));
    }
    Ok(outward::redacted(&text).into_owned())
}

/// Cuts what is too long, and shows what would hide or turn the line around.
fn bound(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((at, _)) = text.char_indices().nth(LETTERS_MAX) {
                let more = text[at..].chars().count();
                text.truncate(at);
                text.push_str(&format!("… ({more} more letters)"));
            }
            let shown = outward::visible(text).into_owned();
            *text = shown;
        }
        Value::Array(list) => list.iter_mut().for_each(bound),
        Value::Object(map) => map.values_mut().for_each(bound),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Data as an answer.
pub(super) fn data(value: &impl Serialize) -> Response<Body> {
    match text(value) {
        Ok(text) => typed(StatusCode::OK, "application/json", text),
        Err(problem) => problem.into_response(),
    }
}

/// Bytes of a type; nothing of a page is kept by a browser, since it may show what is secret tomorrow.
pub(super) fn typed(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl WebProblem {
    /// The problem for somebody who opened a page.
    pub(super) fn page(&self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (what, hint) = (escape_html(&self.what), self.hint.as_deref().map(escape_html));
        let hint = hint.map(|hint| format!("<p>{hint}</p>")).unwrap_or_default();
        let text = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\"><title>backroad</title><link rel=\"stylesheet\" \
             href=\"/assets/page.css\"></head><body><main class=\"narrow\"><div class=\"card\"><h1>{what}</h1>{hint}\
             </div></main></body></html>\n"
        );
        typed(status, "text/html; charset=utf-8", outward::redacted(&text).into_owned())
    }
}

impl IntoResponse for WebProblem {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let value = json!({
            "schema": "backroad.web.problem/1",
            "problem": self.what,
            "hint": self.hint,
        });
        let text = text(&value).unwrap_or_default();
        typed(status, "application/json", text)
    }
}
