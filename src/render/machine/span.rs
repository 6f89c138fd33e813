//! What is a span? Something that took time, what it is part of, what it follows from, and how it went.

use crate::model::Timestamp;

/// A trace's id.
pub type TraceId = [u8; 16];

/// A span's id.
pub type SpanId = [u8; 8];

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A number.
    Real(f64),
    /// Yes or no.
    Flag(bool),
}

/// Attributes in the order in which they were given.
pub type Attributes = Vec<(String, Attribute)>;

/// Whether a span is work of ours or a call of somebody else's service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Work of ours.
    Internal,
    /// A call.
    Client,
}

/// How what a span is about went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpanStatus {
    /// Nothing is claimed.
    Unset,
    /// Well.
    Ok,
    /// Badly, and why.
    Error(String),
}

/// Something that happened within a span.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanEvent {
    /// When.
    pub at: Timestamp,
    /// Its name: an event's.
    pub name: &'static str,
    /// What it carries.
    pub attributes: Attributes,
}

/// A span that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSpan {
    /// The run's trace.
    pub trace: TraceId,
    /// Its id.
    pub id: SpanId,
    /// The span it is part of; none for the run's.
    pub parent: Option<SpanId>,
    /// Spans of the same trace that it follows from, and how.
    pub links: Vec<(SpanId, &'static str)>,
    /// Its name: of few different values.
    pub name: String,
    /// What kind it is.
    pub kind: SpanKind,
    /// When it began.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
    /// What it is about.
    pub attributes: Attributes,
    /// What happened in it.
    pub events: Vec<SpanEvent>,
    /// What happened in it beyond what is kept.
    pub dropped: usize,
    /// How it went.
    pub status: SpanStatus,
}
