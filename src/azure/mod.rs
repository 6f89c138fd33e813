//! How do we say it to Azure? Requests built and answers read, pure; one door outward.
//!
//! Comes in: goals, writes and operation handles. Goes out: assessments and answers. Implements the
//! engine's `Observer` and `Actuator`.

pub mod wire;

pub use wire::{Method, Wire, WireFault, WireRequest, WireResponse};
