//! How does a drill reach the simulated Azure? By a function call, in the same process.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::server::Answers;
use crate::azure::wire::{Wire, WireFault, WireRequest, WireResponse};
use crate::engine::Clock;

/// The wire of a drill: the world answers, and the answer takes its time on the drill's clock.
pub struct InProcess<W> {
    world: Arc<Mutex<W>>,
    clock: Arc<dyn Clock>,
}

impl<W: Answers> InProcess<W> {
    /// A wire to `world`, in the time of `clock`.
    #[must_use]
    pub fn new(world: Arc<Mutex<W>>, clock: Arc<dyn Clock>) -> Self {
        Self { world, clock }
    }
}

impl<W> fmt::Debug for InProcess<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

#[async_trait]
impl<W: Answers> Wire for InProcess<W> {
    async fn send(&self, request: WireRequest) -> Result<WireResponse, WireFault> {
        let now = self.clock.now();
        let (answer, latency) =
            self.world.lock().unwrap_or_else(PoisonError::into_inner).answer(&request, now);
        self.clock.sleep_until(now + latency).await;
        answer
    }
}
