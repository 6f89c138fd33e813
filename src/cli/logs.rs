//! Where do traces go? To stderr, as `RUST_LOG` asks, and never with a token or a body in them (D4).

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::azure::log_filter;

/// Starts the traces; nothing without `RUST_LOG`.
pub(super) fn start(wanted: Option<&str>) {
    let Some(wanted) = wanted else { return };
    let layer = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_filter(log_filter(Some(wanted)));
    // A second start is a test's in the same process.
    drop(tracing_subscriber::registry().with(layer).try_init());
}
