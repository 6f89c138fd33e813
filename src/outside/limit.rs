//! How long is waited for something of this host's? By its own time: a program does not run in virtual time.

use std::time::Duration;

/// What came in time.
#[expect(
    clippy::disallowed_methods,
    reason = "programs and networks go by the host's time; no drill comes here"
)]
pub(super) async fn within<T>(limit: Duration, what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, what).await.ok()
}
