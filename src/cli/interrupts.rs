//! When shall this process leave? The signals by which a person or the system asks for it.

use std::num::NonZeroU32;
use std::time::Duration;

use super::clock::RealClock;
use super::ui::Ui;
use crate::engine::Clock as _;
use crate::engine::handle::Handle;

/// How long the first interrupt waits for the driver: longer than Azure takes for nearly all its answers.
/// With the close of the store it is less than service managers give (90 s), for a disk that hangs.
const LEAVE_WITHIN: Duration = Duration::from_secs(45);

/// The first interrupt asks the driver to leave; ends with the second, or when the driver does not leave.
pub(super) async fn interrupted_twice(ui: Ui, handle: &Handle, interrupts: &mut Interrupts) {
    interrupts.next().await;
    ui.say(
        "Leaving: nothing new starts, and what is in flight is being recorded. Interrupt again to \
         leave at once, which is safe.",
    );
    handle.leave();
    let clock = RealClock::new(NonZeroU32::MIN, None);
    tokio::select! {
        () = interrupts.next() => {}
        () = clock.sleep_until(clock.now() + LEAVE_WITHIN) => {
            ui.say("Leaving at once: something hangs, the disk or an answer of Azure's.");
        }
    }
}

/// The interrupts of this process, none lost from the moment they are listened for.
#[derive(Debug)]
pub struct Interrupts {
    #[cfg(unix)]
    signals: Option<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)>,
}

impl Interrupts {
    /// Listens from now on. Where the system refuses, an interrupt ends the process at once.
    #[cfg(unix)]
    pub fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let int = signal(SignalKind::interrupt());
        let term = signal(SignalKind::terminate());
        Self { signals: int.ok().zip(term.ok()) }
    }

    /// Listens from the first question on.
    #[cfg(not(unix))]
    pub fn listen() -> Self {
        Self {}
    }

    /// Ends with the next interrupt.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if let Some((int, term)) = &mut self.signals {
            tokio::select! { _ = int.recv() => {}, _ = term.recv() => {} }
            return;
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_ok() {
            return;
        }
        std::future::pending::<()>().await;
    }
}
