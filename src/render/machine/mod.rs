//! What do other machines read of a run? Event lines, test results, annotations, traces and measures.
//!
//! Comes in: events, the state they fold into, and views. Goes out: texts in formats that other programs define
//! (JSON lines, JUnit XML, workflow commands, OTLP, Prometheus), pure functions of what comes in: nothing here reads
//! a clock or sends. Every name that leaves here is kept: docs/events.md and docs/machines.md list them.

pub mod ci;
pub mod event_names;
pub mod fields;
pub mod junit;
pub mod measures;
pub mod otlp;
pub mod prometheus;
pub mod span;
pub mod stream;
pub mod summary;
pub mod trace;
mod xml;

pub use event_names::{EVENT_NAMES, EventName, events_page};
pub use measures::RunMeasures;

pub use stream::{StreamedRun, event_line, result_line};
