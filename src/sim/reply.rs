//! How does ARM put an answer? Statuses, headers and error envelopes, as recorded (docs/wire.md 1 and 3).

use serde_json::{Value, json};

use super::unconfirmed::Unconfirmed;
use crate::azure::wire::{Headers, WireResponse};
use crate::model::ResourceId;

/// A refusal: status, code and message, and who speaks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    /// A code of the network provider that is wrapped in another: (code, message).
    pub(super) detail: Option<Box<(String, String)>>,
    /// What may be the cause and what to do, as Site Recovery says beside the detail.
    pub(super) advice: Option<Box<(String, String)>>,
    pub(super) retry_after: Option<u64>,
    /// Whether ARM's front end speaks rather than the provider.
    pub(super) from_gateway: bool,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            detail: None,
            advice: None,
            retry_after: None,
            from_gateway: false,
        }
    }

    /// A refusal in whose place nobody has recorded the real one.
    pub(super) fn unconfirmed(belief: &Unconfirmed, message: impl Into<String>) -> Self {
        Self::new(belief.status, belief.code, message)
    }

    pub(super) fn by_gateway(mut self) -> Self {
        self.from_gateway = true;
        self
    }

    pub(super) fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// `RetryableError` around a code of the provider.
    pub(super) fn retryable(code: &str, message: impl Into<String>) -> Self {
        let mut refusal = Self::new(429, "RetryableError", "A retryable error occurred.");
        refusal.detail = Some(Box::new((code.to_owned(), message.into())));
        refusal
    }

    pub(super) fn not_found(resource: &ResourceId) -> Self {
        if resource.parent().is_some() {
            let message = format!("Resource {resource} not found.");
            return Self::new(404, "NotFound", message);
        }
        let kind = resource.resource_type();
        let message = format!(
            "The Resource '{kind}/{}' under resource group '{}' was not found. For more details \
             please go to https://aka.ms/ARMResourceNotFoundFix",
            resource.name(),
            resource.resource_group()
        );
        Self::new(404, "ResourceNotFound", message).by_gateway()
    }

    pub(super) fn response(&self) -> WireResponse {
        let mut error = json!({ "code": self.code, "message": self.message });
        if !self.from_gateway {
            let details: Vec<Value> = self
                .detail
                .iter()
                .map(|detail| match &self.advice {
                    None => json!({ "code": detail.0, "message": detail.1 }),
                    Some(advice) => json!({
                        "code": detail.0, "message": detail.1, "possibleCauses": advice.0,
                        "recommendedAction": advice.1, "clientRequestId": null, "activityId": null,
                        "target": null,
                    }),
                })
                .collect();
            error["details"] = Value::from(details);
        }
        let cause = if self.from_gateway { "gateway" } else { "service" };
        let mut headers = common().with("x-ms-failure-cause", cause);
        if let Some(seconds) = self.retry_after {
            headers.push("Retry-After", seconds.to_string());
        }
        let body = json!({ "error": error }).to_string().into();
        WireResponse { status: self.status, headers, body }
    }
}

/// Headers of every answer with a body.
pub(super) fn common() -> Headers {
    Headers::new()
        .with("Cache-Control", "no-cache")
        .with("Pragma", "no-cache")
        .with("Content-Type", "application/json; charset=utf-8")
        .with("Expires", "-1")
        .with("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        .with("X-Content-Type-Options", "nosniff")
}

/// An answer with a JSON body.
pub(super) fn json_answer(status: u16, body: &Value) -> WireResponse {
    let body = serde_json::to_vec(body).unwrap_or_default();
    WireResponse { status, headers: common(), body: body.into() }
}

/// An answer without a body.
pub(super) fn empty_answer(status: u16) -> WireResponse {
    WireResponse { status, headers: common(), body: bytes::Bytes::new() }
}

/// A page instead of an answer, as front ends give (docs/wire.md 3).
pub(super) fn html_answer() -> WireResponse {
    let body = "<html><head><title>Service Unavailable</title></head><body>The service is unavailable.</body></html>";
    let headers = Headers::new().with("Content-Type", "text/html");
    WireResponse { status: 503, headers, body: body.into() }
}

/// So many letters of a URL that depend on nothing but the other arguments.
pub(super) fn letters(parts: &[&str], count: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = vec![0; count];
    blake3::Hasher::new().update(parts.join("\u{1f}").as_bytes()).finalize_xof().fill(&mut bytes);
    bytes.iter_mut().for_each(|byte| *byte = ALPHABET[usize::from(*byte % 64)]);
    String::from_utf8(bytes).unwrap_or_default()
}

/// A GUID that depends on nothing but its arguments.
pub(super) fn guid(parts: &[&str]) -> String {
    guid_of(parts).hyphenated().to_string()
}

/// The same GUID in capitals and without dashes.
pub(super) fn bare_guid(parts: &[&str]) -> String {
    let mut letters = [0; uuid::fmt::Simple::LENGTH];
    guid_of(parts).simple().encode_upper(&mut letters).to_owned()
}

fn guid_of(parts: &[&str]) -> uuid::Uuid {
    let hash = blake3::hash(parts.join("\u{1f}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
