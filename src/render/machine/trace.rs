//! What did a run do, as a trace? A span for the run, each step, attempt, call to Azure and operation of Azure's.
//!
//! Made from the events alone, in their own time: a drill's is virtual. Ids follow from the run and the place of the
//! event that opened the span, so that whoever makes the trace again makes the same one. An undo is linked to the step
//! that it takes back, a step to those it needs, an operation to the call that began it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields;
use super::span::{
    Attribute, Attributes, SpanEvent, SpanId, SpanKind, SpanStatus, TraceId, TraceSpan,
};
use crate::engine::{Event, Recorded, RunKind};
use crate::model::{RunOutcome, Seq, StepName, Timestamp};

/// Happenings of one span that are kept; more are counted.
const SPAN_EVENTS_MAX: usize = 128;

/// Makes spans of events, one after the other.
#[derive(Debug)]
pub struct Tracer {
    correlation: Option<String>,
    run: Option<TracedRun>,
}

#[derive(Debug)]
struct TracedRun {
    run: String,
    trace: TraceId,
    simulated: bool,
    /// Each step: what it is, what it needs, and its last span.
    steps: BTreeMap<StepName, TracedStep>,
    root: Option<TraceSpan>,
    /// The first root; a reopened run has another.
    first_root: SpanId,
    open: BTreeMap<StepName, OpenStep>,
}

#[derive(Debug)]
struct TracedStep {
    needs: Vec<StepName>,
    attributes: Attributes,
    last: Option<SpanId>,
}

/// What is open of a step.
#[derive(Debug, Default)]
struct OpenStep {
    step: Option<TraceSpan>,
    attempt: Option<TraceSpan>,
    call: Option<TraceSpan>,
    operation: Option<TraceSpan>,
}

impl Tracer {
    /// A tracer; `correlation` is the id that Azure was given with every call of the run.
    #[must_use]
    pub fn new(correlation: Option<String>) -> Self {
        Self { correlation, run: None }
    }

    /// Takes an event in, and gives the spans that end with it, the inner ones first.
    pub fn take(&mut self, recorded: &Recorded) -> Vec<TraceSpan> {
        if let Event::RunOpened { .. } = &recorded.event {
            self.run = TracedRun::opened(recorded, self.correlation.as_deref());
        }
        self.run.as_mut().map(|run| run.take(recorded)).unwrap_or_default()
    }
}

fn text(name: &str, value: impl Into<String>) -> (String, Attribute) {
    (name.to_owned(), Attribute::Text(value.into()))
}

fn hashed<const N: usize>(words: &str) -> [u8; N] {
    let mut id = [0; N];
    id.copy_from_slice(&blake3::hash(words.as_bytes()).as_bytes()[..N]);
    id
}

impl TracedRun {
    fn opened(recorded: &Recorded, correlation: Option<&str>) -> Option<Self> {
        let Event::RunOpened { run, plan, endpoint, bad_days, .. } = &recorded.event else {
            return None;
        };
        let streamed = super::stream::StreamedRun::opened(recorded)?;
        let kind = streamed.kind();
        let parts = plan.parts();
        let mut attributes = vec![
            text("backroad.run.id", run.as_str()),
            text("backroad.runbook.name", parts.runbook.to_string()),
            text("backroad.runbook.title", parts.title.clone()),
            text("backroad.run.mode", kind.as_str()),
            text("server.address", endpoint.clone()),
            ("backroad.steps".to_owned(), Attribute::Number(number(plan.steps().len()))),
        ];
        attributes
            .extend(parts.profile.as_ref().map(|name| text("backroad.profile", name.as_str())));
        attributes.extend(parts.objective.rto.map(|rto| {
            ("backroad.objective_seconds".to_owned(), Attribute::Real(rto.as_secs_f64()))
        }));
        attributes.extend(bad_days.first().map(|_| text("backroad.bad_days", bad_days.join(", "))));
        attributes.extend(correlation.map(|id| text("backroad.azure.correlation_id", id)));
        let facts = |step: &crate::model::Step| {
            let mut attributes = vec![
                text("backroad.step.name", step.name.as_str()),
                text("backroad.step.title", step.title.clone()),
                text("backroad.step.action", step.action.name()),
            ];
            attributes
                .extend(step.action.subject().map(|id| text("cloud.resource_id", id.as_str())));
            (step.name.clone(), TracedStep { needs: step.needs.clone(), attributes, last: None })
        };
        let mut traced = Self {
            run: run.to_string(),
            trace: hashed(&format!("backroad trace {run}")),
            simulated: kind != RunKind::Live,
            steps: plan.steps().iter().map(facts).collect(),
            root: None,
            first_root: [0; 8],
            open: BTreeMap::new(),
        };
        let root = traced.span("run", recorded, None, attributes);
        traced.first_root = root.id;
        traced.root = Some(TraceSpan { name: format!("run {}", parts.runbook), ..root });
        Some(traced)
    }

    fn span(
        &self,
        name: &str,
        Recorded { seq, at, .. }: &Recorded,
        parent: Option<SpanId>,
        mut attributes: Attributes,
    ) -> TraceSpan {
        attributes.push(("backroad.simulated".to_owned(), Attribute::Flag(self.simulated)));
        TraceSpan {
            trace: self.trace,
            id: self.id(name, *seq),
            parent,
            links: Vec::new(),
            name: name.to_owned(),
            kind: SpanKind::Internal,
            from: *at,
            to: *at,
            attributes,
            events: Vec::new(),
            dropped: 0,
            status: SpanStatus::Unset,
        }
    }

    fn id(&self, name: &str, seq: Seq) -> SpanId {
        hashed(&format!("backroad span {} {name} {seq}", self.run))
    }

    fn root_id(&self) -> Option<SpanId> {
        self.root.as_ref().map(|root| root.id)
    }

    fn take(&mut self, recorded: &Recorded) -> Vec<TraceSpan> {
        match recorded.event.step().cloned() {
            Some(step) => self.of_step(&step, recorded),
            None => self.of_run(recorded),
        }
    }

    fn of_run(&mut self, recorded: &Recorded) -> Vec<TraceSpan> {
        let mut ended = Vec::new();
        if let Event::Reopened { .. } = &recorded.event {
            let attributes = vec![text("backroad.run.id", self.run.as_str())];
            let mut root = self.span("run reopened", recorded, None, attributes);
            root.links.push((self.first_root, "reopens"));
            ended.extend(self.root.replace(root));
        }
        if let Some(root) = &mut self.root
            && !matches!(recorded.event, Event::RunOpened { .. })
        {
            happened(root, recorded);
        }
        if let Event::RunEnded { outcome } = &recorded.event {
            for (_, open) in std::mem::take(&mut self.open) {
                ended.extend(open.closed(recorded.at, SpanStatus::Unset));
            }
            if let Some(mut root) = self.root.take() {
                root.attributes.push(text("backroad.run.outcome", outcome.as_str()));
                let status = match outcome {
                    RunOutcome::Succeeded | RunOutcome::Undone => SpanStatus::Ok,
                    RunOutcome::Failed | RunOutcome::UndoIncomplete | RunOutcome::Cancelled => {
                        SpanStatus::Error(format!("the run ended {outcome}"))
                    }
                };
                ended.push(closed(root, recorded.at, status));
            }
        }
        ended
    }

    /// The step's span, opened where there is none.
    fn begun(&mut self, name: &str, step: &StepName, recorded: &Recorded) {
        if self.open.get(step).is_some_and(|open| open.step.is_some()) {
            return;
        }
        let facts = self.steps.get(step);
        let attributes = facts.map(|facts| facts.attributes.clone()).unwrap_or_default();
        let mut span = self.span(name, recorded, self.root_id(), attributes);
        span.name = format!("{name} {step}");
        if name == UNDO {
            span.links.extend(facts.and_then(|facts| facts.last).map(|id| (id, "undoes")));
        } else {
            let needs = facts.map(|facts| facts.needs.as_slice()).unwrap_or_default();
            let last = |need: &StepName| self.steps.get(need).and_then(|facts| facts.last);
            span.links.extend(needs.iter().filter_map(last).map(|id| (id, "needs")));
        }
        if let Some(facts) = self.steps.get_mut(step) {
            facts.last = Some(span.id);
        }
        self.open.entry(step.clone()).or_default().step = Some(span);
    }

    fn of_step(&mut self, step: &StepName, recorded: &Recorded) -> Vec<TraceSpan> {
        let at = recorded.at;
        let mut ended = Vec::new();
        if let Event::StepStarted { attempt, .. } | Event::UndoStarted { attempt, .. } =
            &recorded.event
        {
            let undoes = matches!(recorded.event, Event::UndoStarted { .. });
            ended.extend(self.next_attempt(step, undoes, *attempt, recorded));
            return ended;
        }
        self.begun(STEP, step, recorded);
        let parent = {
            let open = self.open.entry(step.clone()).or_default();
            // What happened belongs to the innermost that is open, calls excepted: those are told by their ends.
            if let Some(span) = open.attempt.as_mut().or(open.step.as_mut()) {
                happened(span, recorded);
            }
            open.attempt.as_ref().or(open.step.as_ref()).map(|span| span.id)
        };
        let made = self.call_or_operation(step, recorded, parent);
        let open = self.open.entry(step.clone()).or_default();
        match made {
            Some(Made::Call(span)) => open.call = Some(span),
            Some(Made::Operation(span)) => {
                ended.extend(open.call.take().map(|call| answered(call, recorded)));
                open.operation = Some(span);
            }
            None => {}
        }
        match &recorded.event {
            Event::Answered { .. } | Event::Refused { .. } | Event::InDoubt { .. } => {
                ended.extend(open.call.take().map(|call| answered(call, recorded)));
            }
            Event::OperationEnded { error, .. } => {
                let status =
                    error.as_ref().map_or(SpanStatus::Ok, |why| SpanStatus::Error(why.to_string()));
                ended.extend(open.operation.take().map(|span| closed(span, at, status)));
            }
            Event::RetryScheduled { error, .. } => {
                let status = SpanStatus::Error(error.to_string());
                ended.extend(open.attempt.take().map(|span| closed(span, at, status)));
            }
            event => {
                if let Some(status) = end_of_step(event) {
                    let open = self.open.remove(step).unwrap_or_default();
                    ended.extend(open.closed(at, status));
                }
            }
        }
        ended
    }

    /// Another attempt begins; what an earlier one left open ends.
    fn next_attempt(
        &mut self,
        step: &StepName,
        undoes: bool,
        attempt: u32,
        recorded: &Recorded,
    ) -> Vec<TraceSpan> {
        let mut ended = Vec::new();
        let of_other = self.open.get(step).and_then(|open| open.step.as_ref());
        if of_other.is_some_and(|span| span.name.starts_with(UNDO) != undoes) {
            let open = self.open.remove(step).unwrap_or_default();
            ended.extend(open.closed(recorded.at, SpanStatus::Unset));
        }
        self.begun(if undoes { UNDO } else { STEP }, step, recorded);
        let open = self.open.entry(step.clone()).or_default();
        ended.extend(open.attempt.take().map(|span| closed(span, recorded.at, SpanStatus::Unset)));
        let parent = open.step.as_ref().map(|span| span.id);
        let attributes = vec![
            text("backroad.step.name", step.as_str()),
            ("backroad.attempt".to_owned(), Attribute::Number(i64::from(attempt))),
        ];
        let span = self.span("attempt", recorded, parent, attributes);
        self.open.entry(step.clone()).or_default().attempt = Some(span);
        ended
    }

    fn call_or_operation(
        &self,
        step: &StepName,
        recorded: &Recorded,
        parent: Option<SpanId>,
    ) -> Option<Made> {
        match &recorded.event {
            Event::Intended { intent, .. } => {
                let write = &intent.write;
                let mut attributes = vec![
                    text("backroad.step.name", step.as_str()),
                    text("http.request.method", write.method.as_str()),
                    text("backroad.azure.client_request_id", intent.key.as_str()),
                ];
                let mut name = write.method.as_str().to_owned();
                match write.resource.azure() {
                    Some(id) => {
                        let kind = id.resource_type();
                        let provider =
                            kind.as_str().split('/').next().unwrap_or_default().to_owned();
                        attributes.push(text("cloud.resource_id", id.as_str()));
                        attributes.push(text("azure.resource_provider.namespace", provider));
                        name = format!("{name} {}", kind.as_str());
                    }
                    None => attributes.push(text("backroad.target", write.resource.to_string())),
                }
                attributes.extend(
                    write.verb.as_ref().map(|verb| text("backroad.azure.verb", verb.as_str())),
                );
                let mut span = self.span("call", recorded, parent, attributes);
                (span.name, span.kind) = (name, SpanKind::Client);
                Some(Made::Call(span))
            }
            Event::Accepted { request_id, .. } => {
                let call = self.open.get(step).and_then(|open| open.call.as_ref());
                let mut attributes = vec![text("backroad.step.name", step.as_str())];
                attributes.extend(request_id.as_ref().map(|id| text(REQUEST_ID, id.as_str())));
                let mut span = self.span("operation", recorded, parent, attributes);
                span.links.extend(call.map(|call| (call.id, "accepted")));
                Some(Made::Operation(span))
            }
            _ => None,
        }
    }
}

/// What the spans of steps, and of their undoing, are called before the step's name.
const STEP: &str = "step";
const UNDO: &str = "undo";

enum Made {
    Call(TraceSpan),
    Operation(TraceSpan),
}

/// Azure's id of a request (`x-ms-request-id`), by its name in the conventions.
const REQUEST_ID: &str = "azure.service.request.id";

impl OpenStep {
    /// All that is open ends, the inner first.
    fn closed(self, at: Timestamp, status: SpanStatus) -> Vec<TraceSpan> {
        let inner = [self.call, self.operation].into_iter().flatten();
        let mut ended: Vec<TraceSpan> =
            inner.map(|span| closed(span, at, SpanStatus::Unset)).collect();
        ended.extend(self.attempt.map(|span| closed(span, at, status.clone())));
        ended.extend(self.step.map(|span| closed(span, at, status)));
        ended
    }
}

fn closed(mut span: TraceSpan, at: Timestamp, status: SpanStatus) -> TraceSpan {
    // A clock that was set back makes nothing end before it began.
    span.to = at.max(span.from);
    span.status = status;
    span
}

/// A call ends with its answer, or without one.
fn answered(mut call: TraceSpan, recorded: &Recorded) -> TraceSpan {
    let status = match &recorded.event {
        Event::Accepted { request_id, .. } | Event::Answered { request_id, .. } => {
            call.attributes.extend(request_id.as_ref().map(|id| text(REQUEST_ID, id.as_str())));
            SpanStatus::Ok
        }
        Event::Refused { error, .. } | Event::InDoubt { error, .. } => {
            call.attributes.push(text("error.type", error.code.as_str()));
            SpanStatus::Error(error.to_string())
        }
        _ => SpanStatus::Unset,
    };
    closed(call, recorded.at, status)
}

/// How a step ends with this event; none where it goes on.
fn end_of_step(event: &Event) -> Option<SpanStatus> {
    match event {
        Event::StepSucceeded { .. } | Event::StepUndone { .. } => Some(SpanStatus::Ok),
        Event::StepSkipped { .. } => Some(SpanStatus::Unset),
        Event::StepFailed { error, .. } | Event::StepUndoFailed { error, .. } => {
            Some(SpanStatus::Error(error.to_string()))
        }
        Event::StepTimedOut { .. } => Some(SpanStatus::Error("its time was up".to_owned())),
        Event::StepHeld { why, .. } => Some(SpanStatus::Error(why.clone())),
        _ => None,
    }
}

/// Notes an event in a span.
fn happened(span: &mut TraceSpan, recorded: &Recorded) {
    if span.events.len() >= SPAN_EVENTS_MAX {
        span.dropped += 1;
        return;
    }
    let (name, fields) = fields::told(&recorded.event);
    let attributes = fields.iter().flat_map(|(name, value)| flat(name, value)).collect();
    span.events.push(SpanEvent { at: recorded.at, name, attributes });
}

/// A field as attributes: objects by their parts.
fn flat(name: &str, value: &Value) -> Attributes {
    let name = format!("backroad.{name}");
    match value {
        Value::String(text) => vec![(name, Attribute::Text(text.clone()))],
        Value::Bool(flag) => vec![(name, Attribute::Flag(*flag))],
        Value::Number(number) => match number.as_i64() {
            Some(number) => vec![(name, Attribute::Number(number))],
            None => vec![(name, Attribute::Real(number.as_f64().unwrap_or_default()))],
        },
        Value::Object(object) => {
            let part = |(part, value): (&String, &Value)| match value {
                Value::String(text) => (format!("{name}.{part}"), Attribute::Text(text.clone())),
                other => (format!("{name}.{part}"), Attribute::Text(other.to_string())),
            };
            object.iter().map(part).collect()
        }
        Value::Null => Vec::new(),
        Value::Array(_) => vec![(name, Attribute::Text(value.to_string()))],
    }
}

fn number(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}
