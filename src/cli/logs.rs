//! Where do traces go? To stderr, as `RUST_LOG` asks, and never with a token or a body in them (D4).

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use super::voice;
use crate::azure::log_filter;
use crate::outward;

/// Standard error without known secrets and without what would steer a terminal. A line comes in one piece.
struct Clean;

impl std::io::Write for Clean {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        voice::say(outward::visible(&outward::redacted(&text)).into_owned().into_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts the traces; nothing without `RUST_LOG`.
pub(super) fn start(wanted: Option<&str>) {
    let Some(wanted) = wanted else { return };
    let layer =
        fmt::layer().with_writer(|| Clean).with_ansi(false).with_filter(log_filter(Some(wanted)));
    // A second start is a test's in the same process.
    drop(tracing_subscriber::registry().with(layer).try_init());
}
