//! Where do traces go? To stderr, as `RUST_LOG` asks, and never with a token or a body in them.

use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Targets that print headers or bodies at the finer levels (D4), and those below that print bytes.
const CAPPED: [&str; 10] = [
    "azure_core",
    "azure_identity",
    "azure_mgmt_network",
    "typespec",
    "reqwest",
    "hyper",
    "hyper_util",
    "h2",
    "rustls",
    "axum",
];

/// Starts the traces; nothing without `RUST_LOG`.
pub(super) fn start(wanted: Option<&str>) {
    let Some(wanted) = wanted else { return };
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .parse_lossy(wanted);
    let layer = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_filter(filter)
        .with_filter(capped());
    // A second start is a test's in the same process.
    drop(tracing_subscriber::registry().with(layer).try_init());
}

/// Whatever is asked for, these targets tell their warnings only.
fn capped() -> tracing_subscriber::filter::Targets {
    CAPPED.iter().fold(
        tracing_subscriber::filter::Targets::new().with_default(LevelFilter::TRACE),
        |targets, target| targets.with_target(*target, LevelFilter::WARN),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn what_prints_headers_is_capped_whatever_is_asked() {
        let targets = capped();
        assert!(!targets.would_enable("azure_core::policies::transport", &Level::DEBUG));
        assert!(!targets.would_enable("hyper::proto", &Level::TRACE));
        assert!(targets.would_enable("backroad::engine", &Level::TRACE));
    }
}
