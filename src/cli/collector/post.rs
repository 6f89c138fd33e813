//! How is a collector called? One request, no redirections, and an answer within bounds.

use std::error::Error as _;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use super::settings::CollectorSettings;
use crate::model::net::is_loopback;
use crate::outward;

/// Bytes of an answer that are read: a count and a sentence.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PostEnd {
    /// It was taken, but for so many.
    Taken { rejected: usize, why: Option<String> },
    /// It never will be.
    Refused(String),
    /// It may be, later.
    Later(String),
}

/// A client with a runtime of its own: the run's has other things to do.
pub(super) struct Post {
    runtime: tokio::runtime::Runtime,
    direct: reqwest::Client,
    by_proxy: reqwest::Client,
}

impl Post {
    /// A client with these headers and this bound on each request.
    pub(super) fn new(settings: &CollectorSettings) -> std::io::Result<Self> {
        let headers: HeaderMap = settings.headers.iter().filter_map(header).collect();
        let build = |builder: reqwest::ClientBuilder| {
            builder
                .default_headers(headers.clone())
                .timeout(settings.timeout)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .build()
                .map_err(std::io::Error::other)
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (direct, by_proxy) =
            (reqwest::Client::builder().no_proxy(), reqwest::Client::builder());
        Ok(Self { runtime, direct: build(direct)?, by_proxy: build(by_proxy)? })
    }

    /// Posts a body; `rejected` is the field in which an answer counts what was not taken of it.
    pub(super) fn send(&self, url: &Url, body: &Value, rejected: &str) -> PostEnd {
        // Which no proxy can reach.
        let client = if is_loopback(url) { &self.direct } else { &self.by_proxy };
        let request = client.post(url.clone()).header("content-type", "application/json");
        self.runtime.block_on(async {
            match request.body(body.to_string()).send().await {
                Ok(answer) => answered(answer, rejected).await,
                Err(error) => PostEnd::Later(plain(&error)),
            }
        })
    }
}

fn header((name, value): &(String, String)) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}

async fn answered(mut answer: reqwest::Response, rejected: &str) -> PostEnd {
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    match status {
        200..=299 => {
            let partial = &body["partialSuccess"];
            let count = &partial[rejected];
            // A number of 64 bits is a text in OTLP's JSON.
            let count = count.as_u64().or_else(|| count.as_str()?.parse().ok()).unwrap_or(0);
            let said = partial["errorMessage"].as_str().filter(|text| !text.is_empty());
            PostEnd::Taken {
                rejected: usize::try_from(count).unwrap_or(usize::MAX),
                why: said.map(clean),
            }
        }
        429 | 502..=504 => PostEnd::Later(format!("it answered {status}")),
        _ => {
            let said = body["message"].as_str().map(clean);
            PostEnd::Refused(
                format!("it answered {status} {}", said.unwrap_or_default()).trim_end().to_owned(),
            )
        }
    }
}

fn clean(text: &str) -> String {
    outward::visible(&outward::redacted(text)).chars().take(300).collect()
}

/// An error without its URL, which may hold a key.
fn plain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut text = "the connection failed".to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    clean(&text)
}
