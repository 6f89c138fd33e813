//! How does a served simulator tell the time? A real clock that may run faster than the host's.
//!
//! `sim serve --speed 60` lets an hour of Azure's pass in a minute. The executor that talks to it
//! keeps step by the same factor.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::engine::{BootTime, Busy, Clock};
use crate::model::Timestamp;

/// A clock that starts at a given time and moves `speed` times as fast as the host's.
#[derive(Debug, Clone)]
pub struct ScaledClock {
    start: Timestamp,
    speed: NonZeroU32,
    begun: Instant,
    /// By how much it was put forward, in milliseconds. Shared by its clones.
    forward: Arc<AtomicU64>,
}

impl ScaledClock {
    /// A clock that shows `start` now and moves `speed` times as fast as the host's.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is a clock: it is what others ask instead")]
    pub fn new(start: Timestamp, speed: NonZeroU32) -> Self {
        Self { start, speed, begun: Instant::now(), forward: Arc::default() }
    }

    /// Puts the clock forward; whoever sleeps by it wakes when the host's time comes all the same.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.forward.fetch_add(millis, Ordering::AcqRel);
    }

    fn elapsed(&self) -> Duration {
        let forward = Duration::from_millis(self.forward.load(Ordering::Acquire));
        scaled(self.begun.elapsed(), self.speed) + forward
    }
}

/// How long something takes by the faster clock.
fn scaled(host: Duration, speed: NonZeroU32) -> Duration {
    host.saturating_mul(speed.get())
}

/// How long the host waits for that much of the faster clock's time; never too short.
fn unscaled(duration: Duration, speed: NonZeroU32) -> Duration {
    (duration / speed.get()).saturating_add(Duration::from_nanos(1))
}

#[async_trait]
impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        self.start + self.elapsed()
    }

    /// Nanoseconds since the clock was made: it is its own start of the host.
    fn boot(&self) -> BootTime {
        BootTime {
            boot: format!("scaled-{}", self.start.as_millis()),
            nanos: u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX),
        }
    }

    fn enter(&self) -> Busy {
        Busy::idle()
    }

    #[expect(clippy::disallowed_methods, reason = "this is a clock: it is what others ask instead")]
    async fn sleep_until(&self, at: Timestamp) {
        loop {
            // Against the whole elapsed time, since `now` is cut to milliseconds and would wait on.
            let left = at.since(self.start).saturating_sub(self.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(unscaled(left, self.speed)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_a_minute_at_sixty_times_the_speed() {
        let speed = NonZeroU32::new(60).unwrap();
        let hour = Duration::from_secs(3_600);
        assert_eq!(scaled(Duration::from_secs(60), speed), hour);
        let wait = unscaled(hour, speed);
        assert!(scaled(wait, speed) >= hour, "never woken too early");
        assert!(wait < Duration::from_secs(61));
    }

    #[tokio::test]
    async fn nobody_is_woken_before_the_time() {
        let start = Timestamp::parse("2026-01-31T03:00:00Z").unwrap();
        let clock = ScaledClock::new(start, NonZeroU32::new(1_000).unwrap());
        let at = start + Duration::from_secs(10);
        clock.sleep_until(at).await;
        assert!(clock.now() >= at, "woken at {}", clock.now());
        clock.sleep_until(start).await;
    }
}
