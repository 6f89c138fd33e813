//! How long is waited for a receiver? By the host's time: nobody reads in virtual time.

use std::time::Duration;

/// What came in time.
#[expect(
    clippy::disallowed_methods,
    reason = "receivers go by the host's time, in drills as well: a drill's clock is not held up by them"
)]
pub(super) async fn within<T>(limit: Duration, what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, what).await.ok()
}

/// Lets time pass.
pub(super) async fn pause(time: Duration) {
    within(time, std::future::pending::<()>()).await;
}
