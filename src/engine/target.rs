//! What was a run made against, and what does it prove? A run against a simulator is never one against Azure.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::net::is_loopback;

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    /// Against the built-in simulator, in virtual time.
    Drill,
    /// Against an endpoint.
    Live,
}

/// What a run is made against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunTarget {
    /// Azure.
    Azure,
    /// A simulated Azure.
    Simulator,
}

impl RunTarget {
    /// By where Azure is said to be: nothing but a simulator is on this machine itself.
    #[must_use]
    pub fn of(mode: RunMode, endpoint: &str) -> Self {
        let is_here = || Url::parse(endpoint).is_ok_and(|url| is_loopback(&url));
        match mode {
            RunMode::Drill => Self::Simulator,
            RunMode::Live if is_here() => Self::Simulator,
            RunMode::Live => Self::Azure,
        }
    }
}

/// What kind of run it was, for people: what it proves depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// In the built-in simulator, in virtual time.
    Drill,
    /// As a run for real is made, against a simulator that is served.
    Simulated,
    /// Against Azure.
    Live,
}

impl RunKind {
    /// The kind of a run in this mode, made against this.
    #[must_use]
    pub fn of(mode: RunMode, against: RunTarget) -> Self {
        match (mode, against) {
            (RunMode::Drill, _) => Self::Drill,
            (RunMode::Live, RunTarget::Simulator) => Self::Simulated,
            (RunMode::Live, RunTarget::Azure) => Self::Live,
        }
    }

    /// In a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drill => "drill",
            Self::Simulated => "simulated",
            Self::Live => "live",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_this_machine_is_a_simulator_and_never_azure() {
        let of = |endpoint| RunTarget::of(RunMode::Live, endpoint);
        for here in [
            "http://127.0.0.1:4100",
            "https://127.8.0.1:4100/",
            "http://localhost:1",
            "http://LOCALHOST.:1/",
            "http://[::1]:4100",
            "http://[::ffff:127.0.0.1]:4100",
        ] {
            assert_eq!(of(here), RunTarget::Simulator, "{here}");
        }
        for azure in [
            "https://management.azure.com",
            "https://management.chinacloudapi.cn/",
            "https://localhost.example.org",
            "https://10.0.0.1",
            // It is given a token of Azure's, so that it counts as Azure.
            "https://sim.localhost",
        ] {
            assert_eq!(of(azure), RunTarget::Azure, "{azure}");
        }
        assert_eq!(RunTarget::of(RunMode::Drill, "simulator"), RunTarget::Simulator);
    }
}
