//! What does the engine need from outside? Its ports, as trait objects.
//!
//! Dry-run is a type, not a flag: an [`Observer`] can only read, an [`Actuator`] can also change.
//! What is given the first cannot do what needs the second.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;

use super::event::{BootTime, Event, Recorded};
use crate::model::{
    Assessment, Epoch, Goal, OperationHandle, OperationKey, Outputs, RunId, Seq, StepError,
    Timestamp, Write,
};

/// Reads the world and compares it with a goal. Cannot write.
#[async_trait]
pub trait Observer: Send + Sync {
    /// Reads what the goal needs and compares.
    ///
    /// # Errors
    /// The world could not be read; the disposition says whether asking again may help.
    async fn observe(
        &self,
        goal: &Goal<'_>,
        context: &CallContext,
    ) -> Result<Assessment, StepError>;
}

/// An observer that can also change the world. Every call it makes was intended in the journal first.
#[async_trait]
pub trait Actuator: Observer {
    /// Sends a write, once. Does not retry.
    ///
    /// # Errors
    /// Refused (`Transient` or `Rejected`): it did not take effect. `Ambiguous`: nobody knows.
    async fn send(
        &self,
        write: &Write,
        key: &OperationKey,
        context: &CallContext,
    ) -> Result<SendAnswer, StepError>;

    /// Asks once how an operation stands.
    ///
    /// # Errors
    /// The question failed, which says nothing about the operation (azure-facts 3.2). `Rejected`
    /// means that the handle is of no use any more.
    async fn poll(
        &self,
        handle: &OperationHandle,
        context: &CallContext,
    ) -> Result<PollAnswer, StepError>;
}

/// What accompanies a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    /// The run: `x-ms-correlation-request-id` is derived from it.
    pub run: Option<RunId>,
    /// The latest moment at which a write may leave; a call that is later is not made.
    pub not_after: Option<(Timestamp, BootTime)>,
    /// For how long the step has been at it; none where nobody waits: a look before a run.
    pub waited: Option<Duration>,
}

/// What was answered to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendAnswer {
    /// It is at work.
    Accepted {
        /// What to poll, as received.
        handle: OperationHandle,
        /// When to poll first, if it says.
        after: Option<Duration>,
        /// Its id of the request.
        request_id: Option<String>,
    },
    /// It is done.
    Done {
        /// Its id of the request.
        request_id: Option<String>,
        /// What it put out, where no look tells; empty otherwise.
        outputs: Outputs,
    },
    /// It was taken, and went badly; what it did of it is done.
    Failed(StepError),
}

/// Azure's answer to a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollAnswer {
    /// It is at work.
    Running {
        /// When to ask again, if it says.
        after: Option<Duration>,
    },
    /// It ended well.
    Succeeded,
    /// It ended badly; the disposition says whether another attempt may help.
    Failed(StepError),
}

/// Where events become durable. Knows one run.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends events after `head`, all or none, and returns when they are durable.
    ///
    /// # Errors
    /// `Fenced` when the lease is stale, `Conflict` when `head` is not the journal's last place. Any
    /// other error leaves it unknown whether the events are durable: the run must be opened again.
    async fn append(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<Vec<Recorded>, JournalError>;

    /// All events, in order.
    ///
    /// # Errors
    /// The journal cannot be read, or its chain is broken.
    async fn load(&self) -> Result<Vec<Recorded>, JournalError>;

    /// Where answers are kept that come while an append is under way; none where an append never takes long.
    fn aside(&self) -> Option<&dyn Aside> {
        None
    }
}

/// Keeps what is decided while it cannot be made durable where every host finds it.
pub trait Aside: Send + Sync {
    /// Keeps events that follow those of the append that is under way, or of the one that failed. The next
    /// append has them again; where there is none, whoever opens the run from this host finds them.
    fn keep(&self, at: Timestamp, events: &[Event]);
}

/// The right to drive a run. Only a store makes one, with a larger epoch each time.
#[derive(Debug, PartialEq, Eq)]
pub struct Lease {
    run: RunId,
    epoch: Epoch,
}

impl Lease {
    /// For stores: the right that was just acquired.
    #[must_use]
    pub(crate) fn acquired(run: RunId, epoch: Epoch) -> Self {
        Self { run, epoch }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The fencing token.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }
}

/// Why events did not become durable, or could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Somebody else drives the run now.
    #[error("the run is driven under epoch {current}; ours is {ours}")]
    Fenced {
        /// Our epoch.
        ours: Epoch,
        /// The one in force.
        current: Epoch,
    },
    /// The journal does not end where we believed.
    #[error("the journal ends at event {actual}, not at {expected}")]
    Conflict {
        /// Where we believed it to end.
        expected: Seq,
        /// Where it ends.
        actual: Seq,
    },
    /// An event cannot be read: damaged, or written by a newer version.
    #[error("event {seq} cannot be read: {why}")]
    Unreadable {
        /// Which.
        seq: Seq,
        /// Why.
        why: String,
    },
    /// The journal has as many events as a run may have.
    #[error("the journal has {0} events, which is more than a run may have")]
    Full(u64),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(String),
}

/// The time, and waiting for it. Drills have a virtual one.
///
/// Whoever works holds a [`Busy`]; virtual time moves only when every holder is waiting in
/// [`Clock::sleep_until`], and then wakes exactly one, so that a drill's order is decided by its
/// deadlines and never by the threads of the host (D17). A caller of `sleep_until` must hold a `Busy`.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// The clock that does not go back, and counts while the host sleeps.
    fn boot(&self) -> BootTime;

    /// Says that somebody works, until the guard is dropped.
    fn enter(&self) -> Busy;

    /// Takes a place in the line of those who will work, now; the future gives the guard when the turn
    /// has come. Workers queue where they are made, so that the order in which they begin does not
    /// depend on when a thread gets to them.
    fn queue(&self) -> Pin<Box<dyn Future<Output = Busy> + Send>> {
        Box::pin(std::future::ready(self.enter()))
    }

    /// Waits. Returns at once when the time has passed (in a drill, after everybody else's turn).
    async fn sleep_until(&self, at: Timestamp);
}

/// Somebody is at work: time does not move by itself while this lives.
pub struct Busy(#[expect(dead_code, reason = "held for its drop")] Option<Box<dyn Send + Sync>>);

impl Busy {
    /// A guard that does nothing, for clocks that move by themselves.
    #[must_use]
    pub fn idle() -> Self {
        Self(None)
    }

    /// A guard that drops `inner` when it is dropped.
    #[must_use]
    pub fn holding(inner: Box<dyn Send + Sync>) -> Self {
        Self(Some(inner))
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Busy")
    }
}

/// Chance, asked for once per run.
pub trait Entropy: Send + Sync {
    /// Sixteen bytes that nobody can guess, or that a seed decides.
    fn bytes(&self) -> [u8; 16];
}
