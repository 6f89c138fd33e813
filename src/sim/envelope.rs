//! What stands around an answer? Headers and spelling, as Azure had them at the time (docs/wire.md 1, azure-facts 3.6).

use serde_json::Value;

use super::reply::{bare_guid, guid};
use crate::azure::wire::{Headers, WireResponse};
use crate::model::Timestamp;

/// From then on the network provider's bodies are compact; before they were spread over lines.
const COMPACT_SINCE: Month = (2023, 7);

/// From then on front ends of the edge name themselves, in place of the `Server` of each hop.
const EDGE_SINCE: Month = (2024, 1);

/// From then on answers with an operation say that somebody may be told of its end.
const NOTIFIED_SINCE: Month = (2020, 7);

/// From then on the URLs of operations are signed.
pub(super) const SIGNED_SINCE: Month = (2023, 7);

/// A year and a month, in UTC.
pub(super) type Month = (i16, i8);

/// Whether a day is in that month or later.
pub(super) fn is_since(now: Timestamp, month: Month) -> bool {
    now.month() >= month
}

/// Finishes an answer: the ids under which it can be traced, and how its body is spelt.
pub(super) fn finish(
    answer: &mut WireResponse,
    asked: &Headers,
    from_provider: bool,
    now: Timestamp,
) {
    let request_id = answer.headers.get("x-ms-request-id").unwrap_or_default().to_owned();
    if let Some(value) = asked.get("x-ms-client-request-id") {
        answer.headers.push("x-ms-client-request-id", value);
    }
    let correlation = asked
        .get("x-ms-correlation-request-id")
        .map_or_else(|| guid(&[&request_id, "correlation"]), str::to_owned);
    answer.headers.push("x-ms-correlation-request-id", correlation);
    let at = now.to_string();
    let stamp: String = at.chars().filter(|c| !['-', ':'].contains(c)).take(15).collect();
    let routing = guid(&[&request_id, "routing"]);
    answer.headers.push("x-ms-routing-request-id", format!("WESTEUROPE:{stamp}Z:{routing}"));
    let refused = answer.headers.get("x-ms-failure-cause").is_some();
    if from_provider && !refused {
        let service = guid(&[&request_id, "service"]);
        answer.headers.push("x-ms-arm-service-request-id", service);
    }
    if is_since(now, EDGE_SINCE) {
        let hop = |name: &str| bare_guid(&[&request_id, name]);
        let second: String = at.chars().take(19).collect();
        let reference =
            format!("Ref A: {} Ref B: {} Ref C: {second}Z", hop("edge a"), hop("edge b"));
        answer.headers.push("X-Cache", "CONFIG_NOCACHE");
        answer.headers.push("X-MSEdge-Ref", reference);
    } else if from_provider {
        answer.headers.push("Server", "Microsoft-HTTPAPI/2.0");
    }
    if !is_since(now, NOTIFIED_SINCE) {
        answer.headers.remove("Azure-AsyncNotification");
    }
    if from_provider && !refused && !is_since(now, COMPACT_SINCE) {
        spread(answer);
    }
}

/// Spreads an object over lines that end as Windows ends them.
fn spread(answer: &mut WireResponse) {
    let Ok(body @ Value::Object(_)) = serde_json::from_slice::<Value>(&answer.body) else { return };
    if let Ok(text) = serde_json::to_string_pretty(&body) {
        answer.body = text.replace('\n', "\r\n").into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::reply::json_answer;
    use serde_json::json;

    fn answered(at: &str) -> WireResponse {
        let mut answer = json_answer(200, &json!({ "status": "InProgress" }));
        answer.headers.push("x-ms-request-id", "r-1");
        finish(&mut answer, &Headers::new(), true, at.parse().unwrap());
        answer
    }

    #[test]
    fn an_answer_is_spelt_as_it_was_at_the_time() {
        let old = answered("2019-12-01T00:00:00Z");
        assert_eq!(old.body.len(), 30, "spread over lines (docs/wire.md 1)");
        assert_eq!(old.headers.get("server"), Some("Microsoft-HTTPAPI/2.0"));
        let new = answered("2024-11-08T01:14:05Z");
        assert_eq!(new.body.len(), 23);
        assert_eq!(new.headers.get("x-cache"), Some("CONFIG_NOCACHE"));
        assert!(new.headers.get("x-msedge-ref").unwrap().ends_with("Ref C: 2024-11-08T01:14:05Z"));
        let routing = new.headers.get("x-ms-routing-request-id").unwrap();
        assert!(routing.starts_with("WESTEUROPE:20241108T011405Z:"), "{routing}");
    }
}
