//! What is a run before it has an event? What its first events are made of.

use super::event::Event;
use super::target::RunMode;
use crate::model::{Plan, RunId};

/// A run that does not exist yet.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its id.
    pub run: RunId,
    /// The plan it executes.
    pub plan: Plan,
    /// What kind of run it is.
    pub mode: RunMode,
    /// Where Azure is.
    pub endpoint: String,
    /// What operation keys are derived from.
    pub nonce: String,
    /// Who starts it.
    pub by: Option<crate::model::Person>,
    /// What was said before it: rules that were waived, a source that is down.
    pub waived: Vec<Event>,
    /// The bad days that a drill lives through, by name.
    pub bad_days: Vec<String>,
    /// The regions that whoever begins a drill takes down in it.
    pub regions_down: Vec<crate::model::RegionDown>,
    /// Whether a drill may go well although something that was to go wrong struck nothing.
    pub allow_no_strike: bool,
    /// How much faster than the host's its clock goes, where a simulator is served faster.
    pub clock_factor: Option<std::num::NonZeroU32>,
}

/// Who drives a run, as the journal names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverName {
    /// The host and the process, for people.
    pub name: String,
    /// The host and its state directory, where several may drive the run: it tells one from another.
    pub place: Option<String>,
}

impl From<String> for DriverName {
    fn from(name: String) -> Self {
        Self { name, place: None }
    }
}

impl From<&str> for DriverName {
    fn from(name: &str) -> Self {
        name.to_owned().into()
    }
}
