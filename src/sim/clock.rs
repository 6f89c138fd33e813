//! What time is it in a drill? A clock that moves only when everybody at work waits for it (D17).
//!
//! Whoever works holds a `Busy`. When all of them are parked in `sleep_until`, time jumps to the
//! earliest deadline and exactly one sleeper is woken, the one that came first among equals. So the
//! order of a drill is decided by its deadlines, whatever the threads of the host do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;

use crate::engine::{BootTime, Busy, Clock, Entropy};
use crate::model::Timestamp;

/// Virtual time. Clones share it.
#[derive(Clone)]
pub struct VirtualClock {
    shared: Arc<Mutex<Shared>>,
}

/// A sleeper: its deadline, and its place among those with the same one.
type SleeperPlace = (Timestamp, u64);

struct Shared {
    now: Timestamp,
    busy: usize,
    next: u64,
    /// Those that wait; one that has not been polled yet has nobody to wake.
    parked: BTreeMap<SleeperPlace, Option<Waker>>,
    woken: BTreeSet<SleeperPlace>,
}

impl VirtualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        let shared = Shared {
            now: start,
            busy: 0,
            next: 0,
            parked: BTreeMap::new(),
            woken: BTreeSet::new(),
        };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Nothing of ours panics while it is held.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Somebody stopped working. If nobody works any more, one sleeper is woken, and works.
    fn leave(&mut self) {
        self.busy = self.busy.saturating_sub(1);
        if self.busy > 0 {
            return;
        }
        if let Some((place, waker)) = self.parked.pop_first() {
            self.now = self.now.max(place.0);
            self.busy = 1;
            self.woken.insert(place);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// Counts as one at work while it lives.
struct AtWork(Arc<Mutex<Shared>>);

impl Drop for AtWork {
    fn drop(&mut self) {
        lock(&self.0).leave();
    }
}

/// The wait of one sleeper.
struct Sleep {
    shared: Arc<Mutex<Shared>>,
    at: Timestamp,
    place: Option<SleeperPlace>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.shared);
        let mut clock = lock(&shared);
        let place = match self.place {
            Some(place) => place,
            None => {
                let place = (self.at.max(clock.now), clock.next);
                clock.next += 1;
                self.place = Some(place);
                clock.parked.insert(place, None);
                clock.leave();
                place
            }
        };
        if clock.woken.remove(&place) {
            self.place = None;
            return Poll::Ready(());
        }
        clock.parked.insert(place, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let mut clock = lock(&self.shared);
        // Its holder is at work again, for as long as its `Busy` lives. A sleeper that was woken and
        // never ran is counted already.
        if clock.parked.remove(&place).is_some() {
            clock.busy += 1;
        }
        clock.woken.remove(&place);
    }
}

/// The wait of a worker that has not begun.
struct Queued {
    shared: Arc<Mutex<Shared>>,
    place: Option<SleeperPlace>,
}

impl Future for Queued {
    type Output = Busy;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Busy> {
        let shared = Arc::clone(&self.shared);
        let mut clock = lock(&shared);
        if let Some(place) = self.place {
            if !clock.woken.remove(&place) {
                clock.parked.insert(place, Some(context.waker().clone()));
                return Poll::Pending;
            }
            self.place = None;
        }
        // Whoever woke it has counted it as one at work.
        Poll::Ready(Busy::holding(Box::new(AtWork(Arc::clone(&shared)))))
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let mut clock = lock(&self.shared);
        clock.parked.remove(&place);
        if clock.woken.remove(&place) {
            clock.leave();
        }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        lock(&self.shared).now
    }

    fn boot(&self) -> BootTime {
        // One host for every process of a drill, started with the epoch.
        let nanos = self.now().since(Timestamp::from_millis(0)).as_nanos();
        BootTime { boot: "drill".to_owned(), nanos: u64::try_from(nanos).unwrap_or(u64::MAX) }
    }

    fn enter(&self) -> Busy {
        lock(&self.shared).busy += 1;
        Busy::holding(Box::new(AtWork(Arc::clone(&self.shared))))
    }

    fn queue(&self) -> Pin<Box<dyn Future<Output = Busy> + Send>> {
        let mut clock = lock(&self.shared);
        let place = (clock.now, clock.next);
        clock.next += 1;
        clock.parked.insert(place, None);
        if clock.busy == 0 {
            // Nobody is at work: the line moves at once.
            clock.leave();
        }
        drop(clock);
        Box::pin(Queued { shared: Arc::clone(&self.shared), place: Some(place) })
    }

    async fn sleep_until(&self, at: Timestamp) {
        let shared = Arc::clone(&self.shared);
        Sleep { shared, at, place: None }.await;
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VirtualClock").field(&self.now()).finish()
    }
}

/// Chance that a seed decides: the same seed, the same bytes.
#[derive(Debug, Clone, Copy)]
pub struct SeededEntropy(pub u64);

impl Entropy for SeededEntropy {
    fn bytes(&self) -> [u8; 16] {
        let hash = blake3::hash(format!("backroad drill {}", self.0).as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::task::JoinSet;

    fn start() -> Timestamp {
        Timestamp::from_millis(0)
    }

    /// Ten workers that sleep different times, each several times; tells who woke when.
    async fn story(clock: VirtualClock) -> Vec<(u64, u64, i64)> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut workers = JoinSet::new();
        let driver = clock.enter();
        for worker in 0..10u64 {
            let (clock, log) = (clock.clone(), Arc::clone(&log));
            let turn = clock.queue();
            workers.spawn(async move {
                let busy = turn.await;
                for turn in 0..5u64 {
                    let pause = Duration::from_millis((worker * 7 + turn * 3) % 11 + 1);
                    clock.sleep_until(clock.now() + pause).await;
                    log.lock().unwrap().push((worker, turn, clock.now().as_millis()));
                }
                drop(busy);
            });
        }
        drop(driver);
        while workers.join_next().await.is_some() {}
        let told = log.lock().unwrap();
        told.clone()
    }

    #[test]
    fn a_drill_is_the_same_on_one_thread_and_on_many() {
        let one = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let expected = one.block_on(story(VirtualClock::new(start())));
        let times: Vec<i64> = expected.iter().map(|(_, _, at)| *at).collect();
        assert!(times.is_sorted(), "time never goes back");
        for _ in 0..20 {
            let many =
                tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
            assert_eq!(many.block_on(story(VirtualClock::new(start()))), expected);
        }
    }

    #[tokio::test]
    async fn time_stands_while_anybody_works() {
        let clock = VirtualClock::new(start());
        let busy = clock.enter();
        let other = clock.clone();
        let mut sleeper = JoinSet::new();
        sleeper.spawn(async move {
            let busy = other.enter();
            other.sleep_until(other.now() + Duration::from_secs(60)).await;
            drop(busy);
        });
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!(clock.now(), start());
        drop(busy);
        sleeper.join_next().await.unwrap().unwrap();
        assert_eq!(clock.now(), start() + Duration::from_secs(60));
    }

    #[tokio::test]
    async fn a_sleeper_that_is_dropped_holds_nobody_up() {
        let clock = VirtualClock::new(start());
        let busy = clock.enter();
        let mut sleep = Box::pin(clock.sleep_until(start() + Duration::from_secs(5)));
        let mut second = JoinSet::new();
        let other = clock.clone();
        let other_busy = other.enter();
        second.spawn(async move {
            other.sleep_until(start() + Duration::from_secs(9)).await;
            drop(other_busy);
        });
        assert!(futures::poll!(&mut sleep).is_pending());
        drop(sleep);
        drop(busy);
        second.join_next().await.unwrap().unwrap();
        assert_eq!(clock.now(), start() + Duration::from_secs(9));
    }
}
