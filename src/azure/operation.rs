//! How does a long-running operation stand? The protocol of azure-facts 3.2 and docs/wire.md 1, pure.

use serde_json::Value;

use super::error::{failed_operation, refusal};
use super::purpose::Purpose;
use super::wire::WireResponse;
use crate::engine::{PollAnswer, SendAnswer};
use crate::model::{HandleKind, OperationHandle, Outputs, StepError};

/// Longest request id that is kept; Azure's are GUIDs.
const REQUEST_ID_MAX: usize = 128;

/// Reads the answer to a change, made for this purpose.
///
/// # Errors
/// It was refused, or it is not known what became of it.
pub fn read_sent(response: &WireResponse, purpose: &Purpose) -> Result<SendAnswer, StepError> {
    if !(200..300).contains(&response.status) {
        return Err(refusal(response, purpose));
    }
    let request_id = response.headers.get("x-ms-request-id");
    let request_id = request_id.map(|id| id.chars().take(REQUEST_ID_MAX).collect());
    match handle(response) {
        // A 204 has nothing to wait for, whatever headers it repeats (docs/wire.md 1).
        Some(handle) if response.status != 204 => {
            Ok(SendAnswer::Accepted { handle, after: response.headers.retry_after(), request_id })
        }
        _ => Ok(SendAnswer::Done { request_id, outputs: Outputs::new() }),
    }
}

/// The operation that an answer names, with its URL as received.
#[must_use]
pub fn handle(response: &WireResponse) -> Option<OperationHandle> {
    let of = |name: &str, kind| {
        response.headers.get(name).map(|url| OperationHandle { url: url.to_owned(), kind })
    };
    of("azure-asyncoperation", HandleKind::AsyncOperation)
        .or_else(|| of("location", HandleKind::Location))
}

/// Reads the answer to a poll.
///
/// # Errors
/// The question failed, which says nothing about the operation. `Rejected` when the handle is of no
/// use any more.
pub fn read_polled(kind: HandleKind, response: &WireResponse) -> Result<PollAnswer, StepError> {
    let after = response.headers.retry_after();
    match response.status {
        404 | 410 => Err(StepError::rejected(
            "operation_gone",
            "Azure does not know the operation any more; only the resource can tell.",
        )),
        202 => Ok(PollAnswer::Running { after }),
        204 => Ok(PollAnswer::Succeeded),
        200 | 201 => match kind {
            HandleKind::Location => Ok(PollAnswer::Succeeded),
            HandleKind::AsyncOperation => Ok(read_status(response)),
        },
        _ => Err(refusal(response, &Purpose::Read)),
    }
}

/// The state in a body: any other word than an end means that it goes on (azure-facts 3.2).
fn read_status(response: &WireResponse) -> PollAnswer {
    if response.body.iter().all(u8::is_ascii_whitespace) {
        return PollAnswer::Succeeded;
    }
    let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    let status = body
        .get("status")
        .or_else(|| body.pointer("/properties/provisioningState"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    match status.as_str() {
        "succeeded" => PollAnswer::Succeeded,
        "failed" | "canceled" | "cancelled" => {
            PollAnswer::Failed(failed_operation(body.get("error")))
        }
        _ => PollAnswer::Running { after: response.headers.retry_after() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::wire::Headers;
    use crate::model::{Disposition, OperationKey};
    use std::time::Duration;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> WireResponse {
        let mut all = Headers::new();
        for (name, value) in headers {
            all.push(*name, *value);
        }
        WireResponse { status, headers: all, body: body.to_owned().into() }
    }

    fn sent(response: &WireResponse) -> Result<SendAnswer, StepError> {
        let key = OperationKey::parse("00000000-0000-0000-0000-000000000000").unwrap();
        read_sent(response, &Purpose::Change(key))
    }

    #[test]
    fn a_long_signed_url_comes_back_whole() {
        let url = format!("https://management.azure.com/x?t=1&c={}&s=a%2Bb&h=c", "M".repeat(3_000));
        let answered =
            sent(&answer(201, &[("Azure-AsyncOperation", &url), ("Retry-After", "10")], "{}"));
        let Ok(SendAnswer::Accepted { handle, after, .. }) = answered else {
            panic!("{answered:?}")
        };
        assert_eq!((handle.url, after), (url, Some(Duration::from_secs(10))));
    }

    #[test]
    fn a_deletion_of_what_is_not_there_is_done() {
        let location = [("Location", "https://x/operationResults/1")];
        assert!(matches!(sent(&answer(204, &[], "")), Ok(SendAnswer::Done { .. })));
        assert!(matches!(sent(&answer(204, &location, "")), Ok(SendAnswer::Done { .. })));
    }

    #[test]
    fn a_failure_inside_a_200_is_a_failure() {
        let body = r#"{"status":"Failed","error":{"code":"VmssGatewayDeploymentFailed","message":"Please try again.","details":[]}}"#;
        let polled = read_polled(HandleKind::AsyncOperation, &answer(200, &[], body));
        let Ok(PollAnswer::Failed(error)) = polled else { panic!("{polled:?}") };
        assert_eq!(error.code, "VmssGatewayDeploymentFailed");
        assert!(matches!(error.disposition, Disposition::Transient { .. }));
        let refused = r#"{"status":"Failed","error":{"code":"ServiceProviderNotProvisioned","message":"No."}}"#;
        let polled = read_polled(HandleKind::AsyncOperation, &answer(200, &[], refused));
        let Ok(PollAnswer::Failed(error)) = polled else { panic!("{polled:?}") };
        assert_eq!(error.disposition, Disposition::Rejected);
    }

    #[test]
    fn any_word_but_an_end_means_that_it_goes_on() {
        for word in ["InProgress", "Accepted", "Running", "NotStarted", "Whatever"] {
            let body = format!(r#"{{"status":"{word}"}}"#);
            let polled = read_polled(
                HandleKind::AsyncOperation,
                &answer(200, &[("retry-after", "20")], &body),
            );
            let after = Some(Duration::from_secs(20));
            assert_eq!(polled, Ok(PollAnswer::Running { after }));
        }
        let done =
            read_polled(HandleKind::AsyncOperation, &answer(200, &[], r#"{"status":"SUCCEEDED"}"#));
        assert_eq!(done, Ok(PollAnswer::Succeeded));
    }

    #[test]
    fn a_poll_without_a_body_goes_by_its_status() {
        for kind in [HandleKind::AsyncOperation, HandleKind::Location] {
            let after = Some(Duration::from_secs(15));
            let goes_on = read_polled(kind, &answer(202, &[("retry-after", "15")], ""));
            assert_eq!(goes_on, Ok(PollAnswer::Running { after }));
            assert_eq!(read_polled(kind, &answer(204, &[], "")), Ok(PollAnswer::Succeeded));
        }
    }

    #[test]
    fn a_poll_that_fails_says_nothing_about_the_operation() {
        let html = answer(503, &[], "<html>busy</html>");
        let error = read_polled(HandleKind::AsyncOperation, &html).unwrap_err();
        assert!(matches!(error.disposition, Disposition::Transient { .. }));
        let gone = read_polled(HandleKind::AsyncOperation, &answer(404, &[], "{}")).unwrap_err();
        assert_eq!(
            (gone.code.as_str(), gone.disposition),
            ("operation_gone", Disposition::Rejected)
        );
    }
}
