//! What time is it really? The host's clocks, and chance from the host.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use super::ui::Ui;
use crate::engine::{BootTime, Busy, Clock, Entropy, Event, Recorded, RunMode};
use crate::model::time::format_duration;
use crate::model::{RunId, Timestamp};

/// The longest sleep before the time is looked at again: the host may have been asleep.
const NAP_MAX: Duration = Duration::from_secs(30);

/// The host's clock; for a simulator that is served faster, as much faster.
///
/// The wall clock is read once. From then on time goes by as the host's clock that cannot be set says, so
/// that no wait is longer, and no timeout shorter, because somebody set the wall clock.
#[derive(Debug, Clone)]
pub struct RealClock {
    factor: NonZeroU32,
    start: Timestamp,
    begun: Instant,
    /// Since the host's start, the hours counted in which it slept; where the host tells.
    begun_up: Option<Duration>,
}

impl RealClock {
    /// The host's clock, `factor` times as fast. It does not begin before `not_before`, the last event of a
    /// run that is taken up: the wall clock may have been set back since, and a run's earlier hours may have
    /// gone by faster than the host's.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock: it is what others ask instead"
    )]
    pub fn new(factor: NonZeroU32, not_before: Option<Timestamp>) -> Self {
        let now = wall();
        let start = not_before.map_or(now, |at| at.max(now));
        Self { factor, start, begun: Instant::now(), begun_up: uptime() }
    }

    /// The clock of a run that was begun with this factor: it has gone on since, whether a process drove the run or
    /// not, as that of the simulator has. The run's id says when it began.
    #[must_use]
    pub fn of_run(run: &RunId, factor: NonZeroU32, last: Option<Timestamp>) -> Self {
        let begun = ulid::Ulid::from_string(run.as_str()).map_or(0, |id| id.timestamp_ms());
        let begun = Timestamp::from_millis(i64::try_from(begun).unwrap_or_default());
        let gone_by = wall().since(begun).saturating_mul(factor.get());
        let reached = begun + gone_by;
        Self::new(factor, Some(last.map_or(reached, |last| last.max(reached))))
    }

    /// How long this clock has been going, on the host's side.
    fn elapsed(&self) -> Duration {
        let up = self.begun_up.zip(uptime()).map(|(begun, now)| now.saturating_sub(begun));
        // The one is finer, the other counts while the host sleeps, in hundredths of a second.
        let coarse = up.unwrap_or_default().saturating_sub(Duration::from_millis(10));
        self.begun.elapsed().max(coarse)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock: it is what others ask instead")]
fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// `/proc/uptime` counts while the host sleeps, in hundredths of a second.
fn uptime() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn boot_id() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

#[async_trait]
impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        self.start + self.elapsed().saturating_mul(self.factor.get())
    }

    /// Where the host does not tell its start, this process is its own, and no later one trusts it.
    fn boot(&self) -> BootTime {
        let (boot, since) = match (boot_id(), uptime()) {
            (Some(boot), Some(uptime)) => (boot, uptime),
            _ => (
                format!("process-{}-{}", std::process::id(), self.start.as_millis()),
                self.begun.elapsed(),
            ),
        };
        let since = since.saturating_mul(self.factor.get());
        BootTime { boot, nanos: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX) }
    }

    fn enter(&self) -> Busy {
        Busy::idle()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock: it is what others ask instead"
    )]
    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.since(self.now());
            if left.is_zero() {
                return;
            }
            let nap = (left / self.factor.get()).saturating_add(Duration::from_micros(200));
            tokio::time::sleep(nap.min(NAP_MAX)).await;
        }
    }
}

/// Clocks of hosts differ by less than this.
const BEHIND_MIN: Duration = Duration::from_secs(60);

/// That this host's clock is behind what a run's journal says has happened, where it is: a live run's times stand
/// still until it has caught up, and nothing of it expires.
pub(super) fn behind(events: &[Recorded]) -> Option<String> {
    let Some(Event::RunOpened { mode: RunMode::Live, clock_factor: None, .. }) =
        events.first().map(|first| &first.event)
    else {
        return None;
    };
    behind_since(events.last()?.at, RealClock::new(NonZeroU32::MIN, None).now())
}

fn behind_since(last: Timestamp, now: Timestamp) -> Option<String> {
    let behind = last.since(now);
    (behind >= BEHIND_MIN).then(|| {
        format!(
            "This host's clock is {} behind the last event of the run: one of two clocks is wrong. Until it has \
             caught up, times stand still and no question expires.",
            format_duration(Duration::from_secs(behind.as_secs()))
        )
    })
}

/// Says so before a run is driven on.
pub(super) fn warn_behind(ui: Ui, events: &[Recorded]) {
    if let Some(behind) = behind(events) {
        ui.say(&format!("{} {behind}", ui.err.warn("warning:")));
    }
}

/// Chance from the host: what keeps its hash tables from being guessed.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostEntropy;

impl Entropy for HostEntropy {
    fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let boot = uptime().unwrap_or_default().as_nanos();
        for (place, half) in bytes.chunks_mut(8).enumerate() {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u32(std::process::id());
            hasher.write_u128(boot);
            hasher.write_usize(place);
            half.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        bytes
    }
}

/// This host's time, as other hosts are told it.
pub(super) fn host_clock() -> Arc<dyn Clock> {
    Arc::new(RealClock::new(NonZeroU32::MIN, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faster_clock_does_not_go_back_before_what_was_recorded() {
        let later = wall() + Duration::from_secs(3_600);
        let clock = RealClock::new(NonZeroU32::new(60).unwrap(), Some(later));
        assert!(clock.now() >= later);
    }

    #[test]
    fn a_wall_clock_that_was_set_back_between_two_processes_makes_no_wait_longer() {
        // The last event of the run says an hour later than the wall clock does now.
        let last = wall() + Duration::from_secs(3_600);
        let clock = RealClock::new(NonZeroU32::MIN, Some(last));
        let due = last + Duration::from_millis(50);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let begun = uptime().unwrap_or_default();
        runtime.block_on(clock.sleep_until(due));
        let took = uptime().unwrap_or_default().saturating_sub(begun);
        assert!(took < Duration::from_secs(30), "{took:?}");
        assert!(clock.now() >= due);
    }

    #[test]
    fn time_goes_by_as_the_clock_that_cannot_be_set_says() {
        let mut clock = RealClock::new(NonZeroU32::MIN, None);
        // As if the process had begun when the wall clock stood an hour ahead of what it says now.
        clock.start = clock.start + Duration::from_secs(3_600);
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second && first >= clock.start, "{first} {second}");
        assert!(second.since(clock.start) < Duration::from_secs(60));
    }

    #[test]
    fn the_boot_clock_does_not_go_back() {
        let clock = RealClock::new(NonZeroU32::MIN, None);
        let (first, second) = (clock.boot(), clock.boot());
        assert_eq!(first.boot, second.boot);
        assert!(first.nanos <= second.nanos);
    }

    #[test]
    fn chance_differs_each_time() {
        assert_ne!(HostEntropy.bytes(), HostEntropy.bytes());
    }

    #[test]
    fn a_clock_behind_the_last_event_is_told_and_one_that_differs_as_clocks_do_is_not() {
        let last = Timestamp::from_millis(10_000_000);
        let told = behind_since(last, Timestamp::from_millis(10_000_000 - 7_200_000));
        assert!(told.unwrap().contains("clock is 2h behind"));
        assert_eq!(behind_since(last, Timestamp::from_millis(10_000_000 - 59_000)), None);
        assert_eq!(behind_since(last, last + Duration::from_secs(7_200)), None);
    }
}
