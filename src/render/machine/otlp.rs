//! How do spans and measures go to a collector? As OTLP's JSON form, over HTTP.
//!
//! Decision 72 says why not by the SDK. Every text passes the search for known secrets here, at the last place before
//! it leaves.

use std::time::Duration;

use serde_json::{Value, json};

use super::measures::RunMeasures;
use super::span::{Attribute, Attributes, SpanEvent, SpanId, SpanKind, SpanStatus, TraceSpan};
use crate::engine::RunKind;
use crate::model::Timestamp;
use crate::outward;
use crate::render::truth::ObjectiveVerdict;

/// The instrumentation's name.
const SCOPE: &str = "backroad";

/// Bounds of the durations that are counted, in seconds: from a call to the making of a gateway.
const BOUNDS: [f64; 10] = [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 2_700.0, 3_600.0, 7_200.0];

/// The longest text of an attribute; a runbook's prose is longer than a collector wants.
const TEXT_MAX: usize = 4_096;

/// Spans as the body of `POST /v1/traces`. `resource` says who sends.
#[must_use]
pub fn traces(resource: &Attributes, spans: &[TraceSpan]) -> Value {
    json!({ "resourceSpans": [{
        "resource": { "attributes": attributes(resource) },
        "scopeSpans": [{
            "scope": scope(),
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }] })
}

/// Measures as the body of `POST /v1/metrics`. `now` is the time in the run.
#[must_use]
pub fn metrics(resource: &Attributes, run: &RunMeasures, now: Timestamp) -> Value {
    let labels = attributes(&vec![
        ("backroad.run.id".to_owned(), Attribute::Text(run.run.clone())),
        ("backroad.runbook.name".to_owned(), Attribute::Text(run.runbook.clone())),
        ("backroad.run.mode".to_owned(), Attribute::Text(run.kind.as_str().to_owned())),
        ("backroad.simulated".to_owned(), Attribute::Flag(run.kind != RunKind::Live)),
    ]);
    let point = Point { labels, from: run.started, at: now };
    let mut metrics = counted(&point, run);
    if let Some(objective) = run.objective {
        let what = "What the recovery is measured against.";
        metrics.push(point.gauge("backroad.run.objective", "s", what, objective));
    }
    let holds = match run.verdict {
        ObjectiveVerdict::Holds | ObjectiveVerdict::AtRisk | ObjectiveVerdict::Met => Some(1.0),
        ObjectiveVerdict::WillBeMissed | ObjectiveVerdict::Missed => Some(0.0),
        ObjectiveVerdict::None | ObjectiveVerdict::Abandoned => None,
    };
    if let Some(holds) = holds {
        let what = "1 while the objective holds or was met, 0 once it is, or will be, missed.";
        metrics.push(point.gauge("backroad.run.objective.holds", "1", what, holds));
    }
    json!({ "resourceMetrics": [{
        "resource": { "attributes": attributes(resource) },
        "scopeMetrics": [{ "scope": scope(), "metrics": metrics }],
    }] })
}

/// What every run has.
fn counted(point: &Point, run: &RunMeasures) -> Vec<Value> {
    let told = &run.told;
    vec![
        point.gauge(
            "backroad.run.elapsed",
            "s",
            "From the run's opening to its end, or to now.",
            run.elapsed,
        ),
        point.sum("backroad.run.attempts", "{attempt}", "Attempts at steps.", told.attempts),
        point.sum(
            "backroad.run.retries",
            "{attempt}",
            "Attempts that were made again without a person's word.",
            told.retries,
        ),
        point.sum(
            "backroad.run.throttled",
            "{refusal}",
            "Refusals by which too much was asked.",
            told.throttled,
        ),
        point.sum("backroad.run.writes", "{write}", "Writes that were intended.", told.writes),
        point.sum(
            "backroad.run.writes.refused",
            "{write}",
            "Writes that were refused.",
            told.refused,
        ),
        point.sum(
            "backroad.run.writes.in_doubt",
            "{write}",
            "Times that nobody knew whether a write landed.",
            told.in_doubt,
        ),
        point.histogram(
            "backroad.azure.operation.duration",
            "How long Azure's operations took.",
            &told.operations,
        ),
        point.histogram(
            "backroad.step.lag",
            "How long a step that could begin had not begun.",
            &told.lags,
        ),
    ]
}

fn scope() -> Value {
    json!({ "name": SCOPE, "version": env!("CARGO_PKG_VERSION") })
}

/// What the points of a run have in common.
struct Point {
    labels: Value,
    from: Timestamp,
    at: Timestamp,
}

impl Point {
    fn gauge(&self, name: &str, unit: &str, what: &str, value: f64) -> Value {
        let point =
            json!({ "attributes": self.labels, "timeUnixNano": nanos(self.at), "asDouble": value });
        json!({ "name": name, "unit": unit, "description": what, "gauge": { "dataPoints": [point] } })
    }

    fn sum(&self, name: &str, unit: &str, what: &str, value: u32) -> Value {
        let point = json!({
            "attributes": self.labels,
            "startTimeUnixNano": nanos(self.from),
            "timeUnixNano": nanos(self.at),
            "asInt": value.to_string(),
        });
        // Cumulative.
        let sum =
            json!({ "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [point] });
        json!({ "name": name, "unit": unit, "description": what, "sum": sum })
    }

    fn histogram(&self, name: &str, what: &str, all: &[Duration]) -> Value {
        let mut counts = [0_u64; BOUNDS.len() + 1];
        for one in all {
            let place = BOUNDS.iter().position(|bound| one.as_secs_f64() <= *bound);
            counts[place.unwrap_or(BOUNDS.len())] += 1;
        }
        let point = json!({
            "attributes": self.labels,
            "startTimeUnixNano": nanos(self.from),
            "timeUnixNano": nanos(self.at),
            "count": all.len().to_string(),
            "sum": all.iter().map(Duration::as_secs_f64).sum::<f64>(),
            "bucketCounts": counts.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "explicitBounds": BOUNDS,
        });
        let histogram = json!({ "aggregationTemporality": 2, "dataPoints": [point] });
        json!({ "name": name, "unit": "s", "description": what, "histogram": histogram })
    }
}

fn span(span: &TraceSpan) -> Value {
    let link = |(id, how): &(SpanId, &'static str)| {
        let how = Attribute::Text((*how).to_owned());
        json!({
            "traceId": hex(&span.trace),
            "spanId": hex(id),
            "attributes": attributes(&vec![("backroad.link".to_owned(), how)]),
        })
    };
    let mut object = json!({
        "traceId": hex(&span.trace),
        "spanId": hex(&span.id),
        "name": clean(&span.name),
        "kind": match span.kind { SpanKind::Internal => 1, SpanKind::Client => 3 },
        "startTimeUnixNano": nanos(span.from),
        "endTimeUnixNano": nanos(span.to),
        "attributes": attributes(&span.attributes),
        "events": span.events.iter().map(span_event).collect::<Vec<_>>(),
        "droppedEventsCount": span.dropped,
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "status": match &span.status {
            SpanStatus::Unset => json!({}),
            SpanStatus::Ok => json!({ "code": 1 }),
            SpanStatus::Error(why) => json!({ "code": 2, "message": clean(why) }),
        },
    });
    if let Some(parent) = &span.parent {
        object["parentSpanId"] = json!(hex(parent));
    }
    object
}

fn span_event(event: &SpanEvent) -> Value {
    json!({
        "timeUnixNano": nanos(event.at),
        "name": event.name,
        "attributes": attributes(&event.attributes),
    })
}

fn attributes(all: &Attributes) -> Value {
    let one = |(name, value): &(String, Attribute)| {
        let value = match value {
            Attribute::Text(text) => json!({ "stringValue": clean(text) }),
            Attribute::Number(number) => json!({ "intValue": number.to_string() }),
            Attribute::Real(number) => json!({ "doubleValue": number }),
            Attribute::Flag(flag) => json!({ "boolValue": flag }),
        };
        json!({ "key": clean(name), "value": value })
    };
    all.iter().map(one).collect()
}

/// A text without known secrets, and no longer than a collector wants.
fn clean(text: &str) -> String {
    let free = outward::redacted(text);
    outward::visible(&free).chars().take(TEXT_MAX).collect()
}

/// Nanoseconds since 1970, as JSON has numbers of 64 bits.
fn nanos(at: Timestamp) -> String {
    (i128::from(at.as_millis().max(0)) * 1_000_000).to_string()
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
