//! What does a refusal mean for what we do next? Answers and faults read as errors with a disposition.

use std::time::Duration;

use serde_json::Value;

use super::purpose::Purpose;
use super::wire::{WireFault, WireResponse};
use crate::model::{Disposition, StepError, limits};
use crate::outward::{self, BLANK};

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
const RETRYABLE_FAILURES: [&str; 9] = [
    "Canceled",
    "Cancelled",
    "Conflict",
    "GwmOperationTimeOut",
    "InternalServerError",
    "NetworkingInternalOperationError",
    "OperationPreempted",
    "ServiceUnavailable",
    "VmssGatewayDeploymentFailed",
];

/// Reads an answer whose status is an error.
#[must_use]
pub fn refusal(response: &WireResponse, purpose: &Purpose) -> StepError {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    let (code, message) = body
        .as_ref()
        .and_then(|body| code_and_message(body.get("error").unwrap_or(body)))
        .unwrap_or_else(|| {
            (format!("http_{}", response.status), "Azure gave no reason.".to_owned())
        });
    let after = response.headers.retry_after().or_else(|| seconds_in(&message));
    let disposition = match response.status {
        // No waiting makes a token of another tenant the right one.
        401 if code == super::tenancy::WRONG_TENANT => Disposition::Rejected,
        status if TRANSIENT_CODES.contains(&code.as_str()) || [401, 408, 429].contains(&status) => {
            // 401 comes here when a new token was refused too: somebody may log in again meanwhile.
            Disposition::Transient { after }
        }
        // It says no more than that somebody else is at work; a lasting conflict has a code of its own.
        409 if code == "Conflict" => Disposition::Transient { after },
        // The front end's words for "the provider did not answer": what it did is not known.
        500..=599 => match purpose {
            Purpose::Change(_) => Disposition::Ambiguous,
            Purpose::Read => Disposition::Transient { after },
        },
        // A read that Azure carries out as an operation, and that failed there: it is asked for again.
        400 if !purpose.may_change() && RETRYABLE_FAILURES.contains(&code.as_str()) => {
            Disposition::Transient { after }
        }
        // Neither a yes nor a no: what answers a change with a redirect may have made it (303).
        100..=399 if purpose.may_change() => Disposition::Ambiguous,
        _ => Disposition::Rejected,
    };
    let mut error = StepError::new(code, scrubbed(&message), disposition);
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
    StepError::new(code, scrubbed(&message), disposition)
}

/// Reads a call that brought no answer.
#[must_use]
pub fn unanswered(fault: &WireFault, purpose: &Purpose) -> StepError {
    match fault {
        WireFault::NotSent(why) => StepError::transient("not_sent", scrubbed(why), None),
        WireFault::Unanswered(why) => unread("no_answer", &scrubbed(why), purpose),
    }
}

/// An answer that is of no use, to a call that was carried out for all we know: a read is made again, and
/// a change is in doubt.
#[must_use]
pub fn unread(code: &str, why: &str, purpose: &Purpose) -> StepError {
    match purpose {
        Purpose::Read => StepError::transient(code, why, None),
        Purpose::Change(_) => StepError::ambiguous(code, why),
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
    Some((scrubbed(code).chars().take(CODE_MAX).collect(), message.to_owned()))
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
        // More seconds than a number holds are many; no wait is longer than we would wait.
        let many = !digits.is_empty();
        let seconds = digits.parse().ok().or_else(|| many.then_some(u64::MAX))?;
        Some(Duration::from_secs(seconds).min(limits::ASKED_WAIT_MAX))
    })
}

fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "ParentResourceIsInFailedState" => {
            "The parent was left Failed by an earlier operation: write the parent again first."
        }
        "AuthorizationFailed" | "LinkedAuthorizationFailed" => {
            "The credential lacks a right; the message names the action and the scope. Where the other \
             side is of another tenant, it must be known and allowed there as well."
        }
        "InvalidAuthenticationToken" | "ExpiredAuthenticationToken" => {
            "Azure refuses our token, and the next one too: log in again; the step is tried again."
        }
        super::tenancy::WRONG_TENANT => {
            "Our token is of another tenant than the subscription: log in there, or name it (`--tenant`)."
        }
        "ScopeLocked" => "A lock forbids the change; remove it for the time of the failover.",
        "ResourceGroupNotFound" => "The resource group must exist before the failover.",
        _ => return None,
    })
}

/// Longest code that is kept; the longest that is known has some sixty letters.
const CODE_MAX: usize = 128;

/// Longest message that is kept.
const MESSAGE_MAX: usize = 2_000;

/// Names after which a secret stands, in lower case.
const SECRET_NAMES: [&str; 12] = [
    "bearer",
    "basic",
    "authorizationkey",
    "authorization_key",
    "sharedkey",
    "shared_key",
    "servicekey",
    "client_secret",
    "client_assertion",
    "access_token",
    "refresh_token",
    "sig",
];

/// A message for people: without the values that this process knows, and without what looks like a token
/// or a key besides. Nothing of the kind belongs in one; if it is there all the same, nothing of the kind
/// reaches the journal.
#[must_use]
pub fn scrubbed(message: &str) -> String {
    let known = outward::redacted(message);
    let mut out = String::new();
    let mut named = Named::No;
    let mut rest = known.as_ref();
    while !rest.is_empty() {
        let is_word =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '+' | '/');
        let end = |of: &dyn Fn(char) -> bool| rest.find(|c| !of(c)).unwrap_or(rest.len());
        let word = &rest[..end(&is_word)];
        if word.is_empty() {
            let gap = &rest[..end(&|c| !is_word(c))];
            if named != Named::No {
                let apart = gap.chars().count() > 6 || gap.contains(['(', ')', '!', '?', ';']);
                named = match gap.contains([':', '=']) {
                    _ if apart => Named::No,
                    true => Named::Assigned,
                    false => named,
                };
            }
            out.push_str(gap);
            rest = &rest[gap.len()..];
            continue;
        }
        let lower = word.to_ascii_lowercase();
        let is_name = SECRET_NAMES.contains(&lower.as_str());
        let looks_secret = word.len() > 20 && word.starts_with("eyJ");
        let is_value = match named {
            Named::No => false,
            // "a Basic SKU", "the sharedKey cannot be set": words, not values.
            Named::Before => {
                word.len() > 20 || (word.len() > 7 && lower != word) || has_digits(word)
            }
            Named::Assigned => true,
        };
        out.push_str(if looks_secret || (is_value && !is_name) { BLANK } else { word });
        named = if is_name { Named::Before } else { Named::No };
        rest = &rest[word.len()..];
    }
    without_long_queries(&out).chars().take(MESSAGE_MAX).collect()
}

/// The longest URL in a message that a person reads whole.
const URL_MAX: usize = 200;

/// The URL of an operation has a query of up to two thousand signs (docs/wire.md 2), which says nothing to people.
fn without_long_queries(message: &str) -> String {
    let cut = |word: &str| match word.split_once('?') {
        Some((place, _)) if word.len() > URL_MAX && place.contains("://") => format!("{place}?…"),
        _ => word.to_owned(),
    };
    message.split(' ').map(cut).collect::<Vec<_>>().join(" ")
}

/// Whether the name of a secret stands before a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    No,
    /// With nothing but blanks and quotes between.
    Before,
    /// With a colon or an equals sign between.
    Assigned,
}

fn has_digits(word: &str) -> bool {
    word.len() > 7 && word.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    mod edges;

    use super::*;
    use crate::azure::wire::Headers;
    use crate::model::OperationKey;
    use serde_json::json;

    fn change() -> Purpose {
        Purpose::Change(OperationKey::parse("00000000-0000-0000-0000-000000000000").unwrap())
    }

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
        let read = refusal(&response(429, &body), &change());
        assert_eq!(read.code, "RetryableErrorDueToAnotherOperation");
        let after = Some(Duration::from_secs(11));
        assert_eq!(read.disposition, Disposition::Transient { after });
        let throttled =
            error(429, "SubscriptionRequestsThrottled", "Please try again after '6' seconds.");
        let after = Some(Duration::from_secs(6));
        assert_eq!(
            refusal(&throttled, &Purpose::Read).disposition,
            Disposition::Transient { after }
        );
    }

    #[test]
    fn no_wait_that_azure_asks_for_is_longer_than_we_would_wait() {
        for asked in ["1790000000", "40000000", "18446744073709551615", "99999999999999999999999"] {
            let mut throttled = error(429, "TooManyRequests", "Later.");
            throttled.headers.push("Retry-After", asked);
            let told =
                error(429, "TooManyRequests", &format!("Please retry after {asked} seconds."));
            for answer in [throttled, told] {
                let after = Some(limits::ASKED_WAIT_MAX);
                let read = refusal(&answer, &Purpose::Read);
                assert_eq!(read.disposition, Disposition::Transient { after }, "{asked}");
            }
        }
        for nonsense in ["-5", "soon", "", "Fri, 31 Dec 9999 23:59:59 GMT", "1e9"] {
            let mut throttled = error(429, "TooManyRequests", "Later.");
            throttled.headers.push("Retry-After", nonsense);
            let read = refusal(&throttled, &Purpose::Read);
            assert_eq!(read.disposition, Disposition::Transient { after: None }, "{nonsense}");
        }
    }

    #[test]
    fn the_same_condition_is_transient_as_400_409_and_429() {
        for status in [400, 409, 429] {
            for code in ["ReferencedResourceNotProvisioned", "AnotherOperationInProgress"] {
                let read = refusal(&error(status, code, "Busy."), &change());
                assert_eq!(read.disposition, Disposition::Transient { after: None });
            }
        }
        let plain = refusal(&error(409, "Conflict", "Busy."), &change());
        assert_eq!(plain.disposition, Disposition::Transient { after: None });
        for (status, code) in [(400, "Conflict"), (404, "NotFound")] {
            let no = refusal(&error(status, code, "No."), &change());
            assert_eq!(no.disposition, Disposition::Rejected, "by itself: {status} {code}");
        }
        let refused = refusal(&error(409, "ScopeLocked", "Locked."), &change());
        assert_eq!(refused.disposition, Disposition::Rejected);
    }

    #[test]
    fn a_server_error_leaves_a_write_in_doubt_and_a_read_to_be_repeated() {
        let html = WireResponse { status: 503, headers: Headers::new(), body: "<html>".into() };
        assert_eq!(refusal(&html, &change()).disposition, Disposition::Ambiguous);
        assert_eq!(
            refusal(&html, &Purpose::Read).disposition,
            Disposition::Transient { after: None }
        );
    }

    #[test]
    fn a_request_that_never_left_is_not_in_doubt() {
        let fault = WireFault::NotSent("connection refused".to_owned());
        let read = unanswered(&fault, &change());
        assert_eq!(read.disposition, Disposition::Transient { after: None });
        let lost = WireFault::Unanswered("reset".to_owned());
        assert_eq!(unanswered(&lost, &change()).disposition, Disposition::Ambiguous);
    }

    #[test]
    fn a_code_without_an_end_is_kept_in_part() {
        let read =
            refusal(&error(429, &"C".repeat(1_000_000), &"m".repeat(1_000_000)), &Purpose::Read);
        assert_eq!((read.code.len(), read.message.len()), (CODE_MAX, MESSAGE_MAX));
    }

    #[test]
    fn a_token_in_a_message_does_not_get_through() {
        let text = scrubbed("Refused: Bearer eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.x.y for you");
        assert!(!text.contains("eyJ"), "{text}");
        assert!(text.ends_with("for you"));
        for (message, left) in [
            ("authorizationKey: abc, then", "authorizationKey: …, then"),
            ("{\"sharedKey\":\"abc\"}", "{\"sharedKey\":\"…\"}"),
            ("see https://h/x?sig=abc%3D&t=1", "see https://h/x?sig=…%3D&t=1"),
            ("a Basic SKU is no bearer (of news)", "a Basic SKU is no bearer (of news)"),
            ("SharedKey can not be set; basic dXNlcjpwYXNz", "SharedKey can not be set; basic …"),
            ("AuthorizationKeyInvalid: it is wrong", "AuthorizationKeyInvalid: it is wrong"),
        ] {
            assert_eq!(scrubbed(message), left);
        }
        let long = format!("Ask https://h/op?t=1&c={} later", "x".repeat(1_800));
        assert_eq!(scrubbed(&long), "Ask https://h/op?… later");
    }
}
