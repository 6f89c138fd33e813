//! Who has to hear of it? What a run's journal has to tell, and how it gets to people who do not sit at it.
//!
//! Comes in: the events of a run, its receivers, and the record of what each has been told. Goes out: messages, each
//! once, or once more and said so; and the record. Messages are made of the journal and of nothing else, so that a
//! process that dies forgets none. They are sent beside the run and never by it: nothing here is waited for, but for
//! a bounded time when the run is over. Uses `model`, `engine`, `outward`, `outside` and `render`.

mod card;
mod carrier;
mod closing;
mod mail;
mod maker;
mod message;
mod sign;
mod teller;
mod told;
mod wait;

pub use carrier::{HostCarrier, MessageCarrier, ReadSecret, SendEnd};
pub use maker::MessageMaker;
pub use message::{Delivery, MESSAGE_SCHEMA, Message};
pub use sign::signature;
pub use teller::{Bell, EventSource, LeftUnsent, MessageTeller, RetryPace, Shelf, TellerSettings};
