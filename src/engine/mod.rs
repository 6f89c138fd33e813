//! What happens next? The decisions, pure, and the one loop that carries them out.
//!
//! Comes in: a plan, a journal and what happens. Goes out: events to remember and effects to
//! perform. Speaks to the outside through [`ports`] alone.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod actor;
mod aside;
mod attempt;
pub mod command;
pub mod decision;
pub mod driver;
mod ending;
pub mod event;
mod failure;
mod front;
mod gates;
pub mod glance;
pub mod handle;
pub mod illegal;
mod left;
mod mending;
mod new_run;
mod obligations;
mod outage;
pub mod people;
pub mod ports;
mod questions;
pub mod record;
pub mod refusal;
mod reserve;
pub mod retry;
mod schedule;
mod skip;
pub mod state;
pub mod survey;
mod target;
#[cfg(test)]
mod tests;
mod timeout;
mod transition;
pub mod turn;
mod unasked;
mod waits;
mod worker;

pub use actor::Actor;
pub use command::{Command, StepCommand};
pub use driver::{Driver, Ports};
pub use ending::{Ending, EngineError, Patience};
pub use event::{BootTime, Event, Intent, Recorded};
pub use handle::{Handle, Request, Requests, Unwatched, Watcher};
pub use illegal::IllegalMove;
pub use left::left_by;
pub use new_run::{DriverName, NewRun};
pub use ports::{
    Actuator, Aside, Busy, CallContext, Clock, Entropy, Journal, JournalError, Lease, Observer,
    PollAnswer, SendAnswer,
};
pub use record::{Phase, StepRecord, StepState};
pub use refusal::CommandRefusal;
pub use skip::SkipReason;
pub use state::{RunPhase, RunState};
pub use survey::{Survey, is_looked_at, survey, survey_of};
pub use target::{RunKind, RunMode, RunTarget};
