//! How do others speak to a live run? A bounded line of commands, and a watcher of what is recorded.

use tokio::sync::{mpsc, oneshot};

use super::event::Recorded;
use super::people::Command;
use super::refusal::CommandRefusal;
use super::state::RunState;
use crate::model::limits;

/// What others say to a driver.
#[derive(Debug)]
pub enum Request {
    /// A person's command; the answer is the reason when it was refused.
    Command(Command, oneshot::Sender<Result<(), CommandRefusal>>),
    /// The process wants to leave: record what is in flight, start nothing.
    Leave,
    /// The terminal of the process is gone. The run goes on.
    TerminalLost,
}

/// The way to speak to a driver.
#[derive(Debug, Clone)]
pub struct Handle(mpsc::Sender<Request>);

/// The driver's end.
#[derive(Debug)]
pub struct Requests(pub(super) mpsc::Receiver<Request>);

/// A pair of ends.
#[must_use]
pub fn channel() -> (Handle, Requests) {
    let (sender, receiver) = mpsc::channel(limits::COMMANDS_WAITING_MAX);
    (Handle(sender), Requests(receiver))
}

impl Handle {
    /// Says a command and waits for the answer.
    ///
    /// # Errors
    /// The reason why it was refused, or that nobody drives the run any more.
    pub async fn command(&self, command: Command) -> Result<(), CommandRefusal> {
        let (answer, answered) = oneshot::channel();
        self.0
            .send(Request::Command(command, answer))
            .await
            .map_err(|_| CommandRefusal::NotDriven)?;
        answered.await.map_err(|_| CommandRefusal::NotDriven)?
    }

    /// Says that the terminal is gone. Does not wait.
    pub fn terminal_lost(&self) {
        drop(self.0.try_send(Request::TerminalLost));
    }

    /// Asks the driver to leave. Does not wait.
    pub fn leave(&self) {
        // A full line means that the driver is about to read it; leaving is asked for again then.
        drop(self.0.try_send(Request::Leave));
    }
}

/// Sees what is recorded, as it becomes durable.
pub trait Watcher: Send + Sync {
    /// Events were recorded, and this is the state they led to.
    fn recorded(&self, events: &[Recorded], state: &RunState);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn recorded(&self, _: &[Recorded], _: &RunState) {}
}
