//! What does it mean? From text to plan, and reading a plan against the world.
//!
//! Comes in: a source file, or a plan and what was seen. Goes out: a [`Plan`](crate::model::Plan) or
//! every problem found, and a [`Preview`].

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod actions;
pub mod compare;
pub mod compile;
mod durations;
mod ends;
mod gates;
mod given;
mod hubs;
mod loops;
pub mod messages;
mod network;
mod outside;
mod param_types;
mod params;
mod parts;
pub mod preview;
mod reader;
mod rules;
mod scope;
mod steering;
mod steps;
mod vpn;

pub use compare::{PlanDifference, compare};
pub use compile::{CompileOptions, Compiled, NamedFile, compile};
pub use given::{DeclaredParam, Given, GivenBy, ParamOrigin};
pub use preview::{Preview, PreviewVerdict, StepPreview, preview};
