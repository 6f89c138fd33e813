//! What happens next? The decisions, pure, and the one loop that carries them out.
//!
//! Comes in: a plan, a journal and what happens. Goes out: events to remember and effects to
//! perform. Speaks to the outside through [`ports`] alone.

pub mod event;
pub mod ports;

pub use event::{Actor, BootTime, Event, Intent, Recorded, RunMode};
pub use ports::{
    Actuator, Busy, CallContext, Clock, Entropy, Journal, JournalError, Lease, Observer,
    PollAnswer, SendAnswer,
};
