//! What may be logged? The cap that no setting lifts (D4).

use tracing_subscriber::EnvFilter;

/// Targets that print whole requests, tokens and keys included, below this level.
const CAPPED: [&str; 12] = [
    "azure_core",
    "azure_core_021",
    "azure_identity",
    "azure_mgmt_network",
    "h2",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "sled",
    "tower",
    "typespec_client_core",
];

/// The filter for our subscriber: what the user asked for, with the capped targets at `warn` whatever
/// that was. Directives that name a capped target are dropped, since a longer name would win.
#[must_use]
pub fn log_filter(user: Option<&str>) -> EnvFilter {
    let wanted = user.unwrap_or("warn");
    let kept = wanted.split(',').map(str::trim).filter(|directive| {
        let target = directive.split(['=', '[']).next().unwrap_or_default();
        !CAPPED.iter().any(|capped| target == *capped || target.starts_with(&format!("{capped}::")))
    });
    let capped = CAPPED.iter().map(|target| format!("{target}=warn"));
    let directives: Vec<String> =
        kept.filter(|d| !d.is_empty()).map(str::to_owned).chain(capped).collect();
    EnvFilter::try_new(directives.join(",")).unwrap_or_else(|_| EnvFilter::new("warn"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::MakeWriter;

    #[derive(Clone, Default)]
    struct LogSink(Arc<Mutex<Vec<u8>>>);

    impl Write for LogSink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for LogSink {
        type Writer = Self;
        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn no_setting_opens_the_logs_that_print_tokens() {
        for setting in [
            "trace",
            "azure_core=trace",
            "azure_core::policies=trace,debug",
            "azure_core[span]=trace",
        ] {
            let sink = LogSink::default();
            let subscriber = tracing_subscriber::fmt()
                .with_env_filter(log_filter(Some(setting)))
                .with_writer(sink.clone())
                .finish();
            tracing::subscriber::with_default(subscriber, || {
                tracing::debug!(target: "azure_core::policies::transport", "Bearer k-e-y");
                tracing::trace!(target: "azure_core", "Bearer k-e-y");
                tracing::info!(target: "reqwest::connect", "Bearer k-e-y");
                tracing::error!(target: "backroad", "seen");
            });
            let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
            assert!(!text.contains("k-e-y"), "{setting}: {text}");
        }
    }
}
