//! How is a service called? One request, no redirections, no second try, an answer within bounds.

use std::time::Duration;

use crate::model::net::is_loopback;
use crate::model::outside::{HttpMethod, HttpRequest};

/// Bytes of an answer that are read: what is taken of it is a few values.
const BODY_BYTES_MAX: usize = 256 << 10;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WebAnswer {
    pub(super) status: u16,
    /// Its beginning, up to a bound.
    pub(super) body: Vec<u8>,
    /// Whether that is all of it.
    pub(super) whole: bool,
    /// The wait that it asks for.
    pub(super) after: Option<Duration>,
}

/// Why nothing was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WebFault {
    /// Nothing left.
    NotSent(String),
    /// It may have arrived.
    Unanswered(String),
}

impl WebFault {
    /// In words.
    pub(super) fn told(self) -> String {
        match self {
            Self::NotSent(why) | Self::Unanswered(why) => why,
        }
    }
}

/// An error in words that are the same for the same trouble, without its URL.
fn plain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    if text.is_empty() { "the connection failed".to_owned() } else { text }
}

fn on_this_host(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| is_loopback(&url))
}

/// Sends a request, with headers whose secrets are filled in.
///
/// # Errors
/// Nothing was answered.
pub(super) async fn send(
    request: &HttpRequest,
    headers: Vec<(String, String)>,
    limit: Duration,
) -> Result<WebAnswer, WebFault> {
    let mut builder = reqwest::Client::builder()
        .timeout(limit)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0);
    if on_this_host(&request.url) {
        // Which no proxy can reach.
        builder = builder.no_proxy();
    }
    let client = builder.build().map_err(|error| WebFault::NotSent(plain(&error)))?;
    let method = match request.method {
        HttpMethod::Get => reqwest::Method::GET,
        HttpMethod::Head => reqwest::Method::HEAD,
        HttpMethod::Post => reqwest::Method::POST,
        HttpMethod::Put => reqwest::Method::PUT,
        HttpMethod::Patch => reqwest::Method::PATCH,
        HttpMethod::Delete => reqwest::Method::DELETE,
    };
    let mut builder = client.request(method, &request.url);
    for (name, value) in headers {
        let mut value = reqwest::header::HeaderValue::from_str(&value)
            .map_err(|_| WebFault::NotSent(format!("the value of the header {name} is none")))?;
        value.set_sensitive(true);
        builder = builder.header(name, value);
    }
    if let Some(body) = &request.body {
        builder = builder.body(body.clone());
    }
    let mut answer = builder.send().await.map_err(|error| {
        // Only a connection that was never made proves that nothing left.
        if error.is_connect() || error.is_builder() {
            WebFault::NotSent(plain(&error))
        } else {
            WebFault::Unanswered(plain(&error))
        }
    })?;
    let status = answer.status().as_u16();
    let after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let after = after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    let (mut body, mut whole) = (Vec::new(), true);
    loop {
        match answer.chunk().await {
            Ok(None) => break,
            Ok(Some(chunk)) if body.len() + chunk.len() <= BODY_BYTES_MAX => {
                body.extend_from_slice(&chunk);
            }
            // The status is what was answered; of a body that does not end, what came is kept.
            Ok(Some(_)) | Err(_) => {
                whole = false;
                break;
            }
        }
    }
    Ok(WebAnswer { status, body, whole, after })
}
