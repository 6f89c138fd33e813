//! How do we show it? Views in, bytes out.
//!
//! Comes in: a plan, a run's state, its events, a preview. Goes out: the same as flat views, and
//! those as text for people, lines as they happen, and JSON for machines. Nothing here prints, and
//! nothing here reads a clock. Uses `model`, `runbook`, `plan`,
//! `preflight` and `engine`.

pub mod board;
pub mod by_hand;
mod carried;
pub mod diagnostic;
pub mod document;
pub mod json;
mod left;
pub mod line;
pub mod machine;
mod ourselves;
mod outage;
pub mod params_text;
pub mod plan_text;
pub mod preflight_text;
mod preview_view;
pub mod progress;
pub mod question;
pub mod ready;
mod recovered;
pub mod report;
pub mod role;
pub mod runs_text;
pub mod split;
mod spoken;
mod step_words;
mod steps_text;
mod strikes;
pub mod style;
pub mod svg;
pub mod template;
pub mod text;
mod timeline;
pub mod told;
pub mod truth;
pub mod truth_text;
pub mod typical;
mod unreached;
pub mod view;
pub mod watch;
mod writes;

#[cfg(test)]
mod tests;

pub use left::{LeftStep, LeftView};
pub use ourselves::Ourselves;
pub use preview_view::{PreviewStepView, PreviewTells, PreviewView};
pub use recovered::recovered_at;
pub use style::Style;
pub use view::{Driven, RunLine, RunView, StepView, run_view, run_view_at};
