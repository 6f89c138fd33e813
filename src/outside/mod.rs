//! How is something asked or done that is not Azure's? Probes, programs and calls, behind the engine's ports.
//!
//! Comes in: goals and intended writes, as the engine has them for Azure. Goes out: what was seen, and what
//! was answered. Who is given an observer can only look: a write is sent by an actuator alone, as in
//! [`crate::azure`]. In a drill a stand-in answers instead, which opens no connection and runs no program.

pub mod errand;
mod facts;
mod goal;
mod limit;
mod probe;
mod program;
mod real;
mod route;
mod stand_in;
mod web;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use facts::WithHost;
pub use probe::answer_here;
pub use route::{RoutedActuator, RoutedObserver, RoutedPort};

use crate::engine::{Actuator, Clock, Observer};
use crate::outward::SecretReader;
use real::{Hands, RealActuator, RealObserver};
use stand_in::StandsIn;

/// What programs of this host are found by and given.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// What a program finds as `PATH`.
    pub path: String,
    /// The folders of that, in which a program is looked for that is named without its path.
    pub folders: Vec<PathBuf>,
    /// The variables that a step may pass on, by name.
    pub variables: BTreeMap<String, String>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables hold secrets.
        f.debug_struct("Host").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Host {
    /// The file of a program; none when it is not there, or cannot be run.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return Some(PathBuf::from(name)).filter(|path| can_be_run(path));
        }
        let folders = self.folders.iter().filter(|folder| folder.is_absolute());
        folders.map(|folder| folder.join(name)).find(|path| can_be_run(path))
    }
}

fn can_be_run(path: &Path) -> bool {
    let Ok(found) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    let runs = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let runs = true;
    found.is_file() && runs
}

/// What is beside Azure: this host and its network, or what stands in for them.
#[derive(Debug, Clone)]
pub struct BesideAzure(BesideKind);

#[derive(Debug, Clone)]
enum BesideKind {
    Real(Hands),
    StandIn(StandsIn),
}

impl BesideAzure {
    /// This host and its network.
    #[must_use]
    pub fn host(host: Host, secrets: Arc<dyn SecretReader>, clock: Arc<dyn Clock>) -> Self {
        Self(BesideKind::Real(Hands::new(host, secrets, clock)))
    }

    /// What stands in for them in a drill: nothing leaves this process.
    #[must_use]
    pub fn stand_in(clock: Arc<dyn Clock>) -> Self {
        Self(BesideKind::StandIn(StandsIn::new(clock)))
    }

    /// A reader: all that a dry run is given.
    #[must_use]
    pub fn observer(&self) -> Arc<dyn Observer> {
        match &self.0 {
            BesideKind::Real(hands) => Arc::new(RealObserver::new(hands.clone())),
            BesideKind::StandIn(own) => Arc::new(own.clone()),
        }
    }

    /// Who also has effects.
    #[must_use]
    pub fn actuator(&self) -> Arc<dyn Actuator> {
        match &self.0 {
            BesideKind::Real(hands) => Arc::new(RealActuator::new(hands.clone())),
            BesideKind::StandIn(own) => Arc::new(own.clone()),
        }
    }

    /// Where programs are; none where nothing is run.
    fn programs(&self) -> Option<&Host> {
        match &self.0 {
            BesideKind::Real(hands) => Some(hands.host()),
            BesideKind::StandIn(_) => None,
        }
    }
}
