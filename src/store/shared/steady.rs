//! What time is it for the database below? Always the same, on every host.
//!
//! The database compares its clock with the one of whoever wrote before, and refuses to write where it is
//! behind: after a take-over by a host whose clock is minutes late nobody could record anything. Nothing of
//! ours lies by its time (no expiry, no collection by age), so that it is given none.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use slatedb_common::{SystemClock, SystemClockTicker};

/// 1 January 2200, in milliseconds: later than every clock of a host that wrote with a clock of its own.
const ALWAYS: i64 = 7_258_118_400_000;

/// A clock that stands, and still waits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SteadyClock;

impl SystemClock for SteadyClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(ALWAYS).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    fn sleep<'a>(&'a self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        #[expect(clippy::disallowed_methods, reason = "a store is waited for by the host's time")]
        Box::pin(tokio::time::sleep(duration))
    }

    fn ticker<'a>(&'a self, duration: Duration) -> SystemClockTicker<'a> {
        SystemClockTicker::new(self, duration)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::ObjectStore;
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use slatedb::Db;

    use super::*;
    use crate::engine::{Event, Journal as _};
    use crate::model::{RunId, Seq, Timestamp};
    use crate::store::shared::SharedJournal;

    /// A host's clock that stands at a moment of its own.
    #[derive(Debug)]
    struct OwnClock(i64);

    impl SystemClock for OwnClock {
        fn now(&self) -> DateTime<Utc> {
            DateTime::from_timestamp_millis(self.0).unwrap()
        }

        fn sleep<'a>(&'a self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
            SteadyClock.sleep(wait)
        }

        fn ticker<'a>(&'a self, duration: Duration) -> SystemClockTicker<'a> {
            SystemClockTicker::new(self, duration)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_whose_clock_is_late_writes_after_one_whose_clock_is_early() {
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let run = RunId::parse("01jd0000000000000000000001").unwrap();
        let path = Path::from("db");
        // Two centuries early, nearly: as a host of an earlier version may have written.
        let early = Db::builder(path.clone(), Arc::clone(&objects))
            .with_system_clock(Arc::new(OwnClock(ALWAYS - 1)));
        let early = early.build().await.unwrap();
        early.put(b"x", b"y").await.unwrap();
        early.close().await.unwrap();
        let journal = SharedJournal::open(objects, path, &run).await.unwrap();
        let at = Timestamp::from_millis(1_770_000_000_000);
        let (lease, events) = (journal.lease(), vec![Event::DeadlinePassed {}]);
        assert_eq!(journal.append(&lease, Seq(0), at, events).await.unwrap().len(), 1);
    }
}
