//! What does a refusal mean for what we do next? Answers and faults read as errors with a disposition.

use std::time::Duration;

use serde_json::Value;

use super::wire::{Method, WireFault, WireResponse};
use crate::model::{Disposition, StepError};

/// What a call was, since the same failure means different things for a read and a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// It cannot have changed anything.
    Read,
    /// It may have.
    Write,
}

impl Call {
    /// By method; a reading POST is a read.
    #[must_use]
    pub fn of(method: Method) -> Self {
        match method {
            Method::Get | Method::Head | Method::Post => Self::Read,
            Method::Put | Method::Patch | Method::Delete => Self::Write,
        }
    }
}

/// Codes that say "not now" whatever their status: seen retried and accepted later (docs/wire.md 3).
const TRANSIENT_CODES: [&str; 12] = [
    "AnotherOperationInProgress",
    "CanceledAndSupersededDueToAnotherOperation",
    "InvalidResourceReference",
    "OperationNotAllowedDueToAnotherOperation",
    "PreconditionFailed",
    "PreconditionFailedEtagMismatch",
    "ReferencedResourceNotProvisioned",
    "RetryableError",
    "RetryableErrorDueToAnotherOperation",
    "SubscriptionRequestsThrottled",
    "TooManyRequests",
    "UpdateAttemptedWithStaleTimeStamp",
];

/// Codes of operations that were accepted and failed, after which the same write has been seen to
/// work (docs/wire.md 3 and 4).
const RETRYABLE_FAILURES: [&str; 8] = [
    "Canceled",
    "Cancelled",
    "Conflict",
    "GwmOperationTimeOut",
    "InternalServerError",
    "OperationPreempted",
    "ServiceUnavailable",
    "VmssGatewayDeploymentFailed",
];

/// Reads an answer whose status is an error.
#[must_use]
pub fn refusal(response: &WireResponse, call: Call) -> StepError {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    let (code, message) = body
        .as_ref()
        .and_then(|body| code_and_message(body.get("error").unwrap_or(body)))
        .unwrap_or_else(|| {
            (format!("http_{}", response.status), "Azure gave no reason.".to_owned())
        });
    let after = response.headers.retry_after().or_else(|| seconds_in(&message));
    let disposition = match response.status {
        status if TRANSIENT_CODES.contains(&code.as_str()) || [401, 408, 429].contains(&status) => {
            // 401 comes here when a new token was refused too: somebody may log in again meanwhile.
            Disposition::Transient { after }
        }
        // The front end's words for "the provider did not answer": what it did is not known.
        500..=599 => match call {
            Call::Write => Disposition::Ambiguous,
            Call::Read => Disposition::Transient { after },
        },
        _ => Disposition::Rejected,
    };
    let mut error =
        StepError { code, message: scrubbed(&message), causes: Vec::new(), disposition };
    if let Some(hint) = hint(&error.code) {
        error = error.caused_by(hint);
    }
    error
}

/// Reads the error of an operation that was accepted and failed.
#[must_use]
pub fn failed_operation(error: Option<&Value>) -> StepError {
    let (code, message) = error
        .and_then(code_and_message)
        .unwrap_or_else(|| ("operation_failed".to_owned(), "Azure gave no reason.".to_owned()));
    let again = TRANSIENT_CODES.contains(&code.as_str())
        || RETRYABLE_FAILURES.contains(&code.as_str())
        || error
            .and_then(|error| error.get("code"))
            .and_then(Value::as_str)
            .is_some_and(|outer| RETRYABLE_FAILURES.contains(&outer));
    let disposition = if again {
        Disposition::Transient { after: seconds_in(&message) }
    } else {
        Disposition::Rejected
    };
    StepError { code, message: scrubbed(&message), causes: Vec::new(), disposition }
}

/// Reads a call that brought no answer.
#[must_use]
pub fn unanswered(fault: &WireFault, call: Call) -> StepError {
    match (fault, call) {
        (WireFault::NotSent(why), _) => StepError::transient("not_sent", scrubbed(why), None),
        (WireFault::Unanswered(why), Call::Read) => {
            StepError::transient("no_answer", scrubbed(why), None)
        }
        (WireFault::Unanswered(why), Call::Write) => {
            StepError::ambiguous("no_answer", scrubbed(why))
        }
    }
}

/// The inner code where there is one: the outer is often generic (azure-facts 3.5).
fn code_and_message(error: &Value) -> Option<(String, String)> {
    let outer = error.get("code").and_then(Value::as_str)?;
    let inner = error.pointer("/details/0");
    let code = inner
        .and_then(|inner| inner.get("code"))
        .and_then(Value::as_str)
        .filter(|code| !code.is_empty())
        .unwrap_or(outer);
    let message = inner
        .and_then(|inner| inner.get("message"))
        .and_then(Value::as_str)
        .filter(|message| !message.is_empty())
        .or_else(|| error.get("message").and_then(Value::as_str))
        .unwrap_or_default();
    Some((code.to_owned(), message.to_owned()))
}

/// The seconds that a message names: "can be retried in 11 seconds", "try again after '6' seconds".
fn seconds_in(message: &str) -> Option<Duration> {
    let lower = message.to_ascii_lowercase();
    ["retried in ", "again after ", "retry after "].iter().find_map(|phrase| {
        let rest = &lower[lower.find(phrase)? + phrase.len()..];
        let digits: String = rest
            .trim_start_matches(['\'', '"', ' '])
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().ok().map(Duration::from_secs)
    })
}

fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "ParentResourceIsInFailedState" => {
            "The parent was left Failed by an earlier operation: write the parent again first."
        }
        "AuthorizationFailed" | "LinkedAuthorizationFailed" => {
            "The credential lacks a right; the message names the action and the scope."
        }
        "InvalidAuthenticationToken" | "ExpiredAuthenticationToken" => {
            "Azure refuses our token, and the next one too: log in again; the step is tried again."
        }
        "ScopeLocked" => "A lock forbids the change; remove it for the time of the failover.",
        "ResourceGroupNotFound" => "The resource group must exist before the failover.",
        _ => return None,
    })
}

/// A message without what looks like a bearer token or a key: nothing of the kind belongs in one, and
/// nothing of the kind reaches the journal if it is there all the same.
#[must_use]
pub fn scrubbed(message: &str) -> String {
    const LENGTH_MAX: usize = 2_000;
    let mut words = Vec::new();
    let mut secret_next = false;
    for word in message.split(' ') {
        let lower = word.to_ascii_lowercase();
        let looks_secret = word.len() > 20 && (word.starts_with("eyJ") || lower.contains("sig="));
        words.push(if secret_next || looks_secret { "…" } else { word });
        let named = ["bearer", "authorizationkey", "sharedkey", "authorizationkey:", "sharedkey:"];
        secret_next = named.contains(&lower.trim_matches(['"', '\'', '=', ',']));
    }
    words.join(" ").chars().take(LENGTH_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::wire::Headers;
    use serde_json::json;

    fn response(status: u16, body: &Value) -> WireResponse {
        WireResponse { status, headers: Headers::new(), body: body.to_string().into() }
    }

    fn error(status: u16, code: &str, message: &str) -> WireResponse {
        response(status, &json!({ "error": { "code": code, "message": message, "details": [] } }))
    }

    #[test]
    fn a_429_names_its_seconds_in_the_text_when_no_header_does() {
        let body = json!({ "error": { "code": "RetryableError", "message": "A retryable error.", "details": [{
            "code": "RetryableErrorDueToAnotherOperation",
            "message": "Operation PutVnet (g) is updating resource r. The call can be retried in 11 seconds." }] } });
        let read = refusal(&response(429, &body), Call::Write);
        assert_eq!(read.code, "RetryableErrorDueToAnotherOperation");
        let after = Some(Duration::from_secs(11));
        assert_eq!(read.disposition, Disposition::Transient { after });
        let throttled =
            error(429, "SubscriptionRequestsThrottled", "Please try again after '6' seconds.");
        let after = Some(Duration::from_secs(6));
        assert_eq!(refusal(&throttled, Call::Read).disposition, Disposition::Transient { after });
    }

    #[test]
    fn the_same_condition_is_transient_as_400_409_and_429() {
        for status in [400, 409, 429] {
            for code in ["ReferencedResourceNotProvisioned", "AnotherOperationInProgress"] {
                let read = refusal(&error(status, code, "Busy."), Call::Write);
                assert_eq!(read.disposition, Disposition::Transient { after: None });
            }
        }
        let refused = refusal(&error(409, "ScopeLocked", "Locked."), Call::Write);
        assert_eq!(refused.disposition, Disposition::Rejected);
    }

    #[test]
    fn a_server_error_leaves_a_write_in_doubt_and_a_read_to_be_repeated() {
        let html = WireResponse { status: 503, headers: Headers::new(), body: "<html>".into() };
        assert_eq!(refusal(&html, Call::Write).disposition, Disposition::Ambiguous);
        assert_eq!(refusal(&html, Call::Read).disposition, Disposition::Transient { after: None });
    }

    #[test]
    fn a_request_that_never_left_is_not_in_doubt() {
        let fault = WireFault::NotSent("connection refused".to_owned());
        let read = unanswered(&fault, Call::Write);
        assert_eq!(read.disposition, Disposition::Transient { after: None });
        let lost = WireFault::Unanswered("reset".to_owned());
        assert_eq!(unanswered(&lost, Call::Write).disposition, Disposition::Ambiguous);
    }

    #[test]
    fn a_token_in_a_message_does_not_get_through() {
        let text = scrubbed("Refused: Bearer eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.x.y for you");
        assert!(!text.contains("eyJ"), "{text}");
        assert!(text.ends_with("for you"));
    }
}
