//! What passes between us and Azure Resource Manager? Requests and answers as plain values.
//!
//! Everything that speaks HTTP to ARM, and the simulator that answers it, meets in [`Wire`]: the
//! same adapter drives a socket or a world in this process.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use url::{Position, Url};

use crate::model::limits;

/// An HTTP method that ARM is asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Read.
    Get,
    /// Read headers only.
    Head,
    /// Create or replace.
    Put,
    /// Change in part.
    Patch,
    /// An action, or a read that ARM models as one.
    Post,
    /// Remove.
    Delete,
}

impl Method {
    /// The method's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    /// The method of that name, in capitals.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "POST" => Self::Post,
            "DELETE" => Self::Delete,
            _ => return None,
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Header names and values. Names compare without case; a name may occur more than once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Cow<'static, str>, String)>);

/// Headers whose values never reach an output.
const SECRET_HEADERS: [&str; 2] = ["authorization", "x-ms-authorization-auxiliary"];

impl Headers {
    /// No headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header.
    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The same headers, names and values through `change`.
    pub(super) fn mapped(self, change: impl Fn(String) -> String) -> Self {
        let both = |(name, value): (Cow<'static, str>, String)| {
            (change(name.into_owned()).into(), change(value))
        };
        Self(self.0.into_iter().map(both).collect())
    }

    /// All names and values in one text, apart by blanks, which no escape may hold (`outward::unfold`).
    pub(super) fn joined(&self) -> String {
        let long: usize = self.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let mut joined = String::with_capacity(long);
        for (name, value) in self.iter() {
            joined.extend([name, " ", value, " "]);
        }
        joined
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.push(name, value);
        self
    }

    /// Adds those of others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The first value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Removes every header of that name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_ref(), v.as_str()))
    }

    /// `Retry-After` as whole seconds, the only form that ARM uses; never longer than we would wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.get("retry-after")?.trim();
        let many = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More seconds than a number holds are many.
        let seconds = text.parse().ok().or_else(|| many.then_some(u64::MAX))?;
        Some(Duration::from_secs(seconds).min(limits::ASKED_WAIT_MAX))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.iter() {
            let secret = SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret));
            map.entry(&name, &if secret { "…" } else { value });
        }
        map.finish()
    }
}

/// A request to ARM. Its `Debug` shows neither the body nor secret headers.
#[derive(Clone, PartialEq, Eq)]
pub struct WireRequest {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: Url,
    /// The headers.
    pub headers: Headers,
    /// The body; empty for none.
    pub body: Bytes,
}

/// An answer from ARM. Its `Debug` does not show the body, which may hold a key.
#[derive(Clone, PartialEq, Eq)]
pub struct WireResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

impl fmt::Debug for WireRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireRequest")
            .field("method", &self.method)
            .field("path", &&self.url[..Position::AfterPath])
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl fmt::Debug for WireResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireResponse")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// The request did not leave: it cannot have taken effect.
    #[error("the request was not sent: {0}")]
    NotSent(String),
    /// The request may have left and no whole answer came.
    #[error("no answer came: {0}")]
    Unanswered(String),
}

/// Carries one request and brings one answer. Does not retry.
#[async_trait]
pub trait Wire: Send + Sync + fmt::Debug {
    /// Sends the request.
    ///
    /// # Errors
    /// There was no answer; the fault says whether the request can have taken effect.
    async fn send(&self, request: WireRequest) -> Result<WireResponse, WireFault>;
}
