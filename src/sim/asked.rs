//! What was asked of a world, and when? A line for each request, from which the same world comes again.
//!
//! A world's answers follow from what it is, what it is asked and the time: a world that is asked the same
//! at the same times is the same. So a drill need not write its whole world down after every change.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::seal::seal_keys;
use super::server::Answers as _;
use super::world::World;
use crate::azure::wire::{Headers, Method, WireRequest};
use crate::model::Timestamp;

/// A request as it may be written down: with seals for keys, and without the token. A seal serves as the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    at: Timestamp,
    method: String,
    url: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

/// Headers that no file may hold.
const LEFT_OUT: [&str; 2] = ["authorization", "x-ms-authorization-auxiliary"];

impl Asked {
    /// A request at its time.
    #[must_use]
    pub fn new(request: &WireRequest, at: Timestamp) -> Self {
        let headers = request.headers.iter();
        let headers = headers
            .filter(|(name, _)| !LEFT_OUT.iter().any(|left| left.eq_ignore_ascii_case(name)))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        // A body that is no JSON is refused whatever it says, and is kept as a text.
        let body = (!request.body.is_empty()).then(|| {
            serde_json::from_slice(&request.body)
                .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&request.body)))
        });
        let body = body.map(|mut body| {
            seal_keys(&mut body);
            body
        });
        let method = request.method.as_str().to_owned();
        Self { at, method, url: request.url.to_string(), headers, body }
    }

    /// Asks a world the same again; nothing where the line is none of ours.
    pub fn ask(self, world: &mut World) {
        let (method, url) = (Method::parse(&self.method), Url::parse(&self.url));
        let (Some(method), Ok(url)) = (method, url) else { return };
        let mut headers = Headers::new();
        // A world asks that there is a token, and never for which.
        headers.push("Authorization", "Bearer simulated");
        for (name, value) in self.headers {
            headers.push(name, value);
        }
        let body = self.body.map(|body| body.to_string()).unwrap_or_default();
        let request = WireRequest { method, url, headers, body: body.into() };
        drop(world.answer(&request, self.at));
    }
}
