//! Which bad days does the world live through, and did anything of them happen?

use serde::{Deserialize, Serialize};

/// The bad days that were laid over a world, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::sim) struct Lived(Vec<LivedDay>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sim) struct LivedDay {
    pub(in crate::sim) name: String,
    /// How many of its events have happened.
    pub(in crate::sim) happened: u64,
    /// Whether it says how regions that are down behave.
    pub(in crate::sim) has_outage: bool,
    /// How many requests it met in regions that are down.
    pub(in crate::sim) met_outage: u64,
}

impl Lived {
    pub(in crate::sim) fn is_blank(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::sim) fn begin(&mut self, name: &str, has_outage: bool) {
        let name = name.to_owned();
        self.0.push(LivedDay { name, happened: 0, has_outage, met_outage: 0 });
    }

    /// Notes that an event of a day has happened.
    pub(in crate::sim) fn happened(&mut self, day: &str) {
        self.0.iter_mut().filter(|own| own.name == day).for_each(|own| own.happened += 1);
    }

    /// Whether a day says how regions are out: only then it is worth knowing what is asked of them.
    pub(in crate::sim) fn has_outage(&self) -> bool {
        self.0.iter().any(|day| day.has_outage)
    }

    /// Notes that something was asked of a region that is down.
    pub(in crate::sim) fn met_outage(&mut self) {
        self.0.iter_mut().filter(|day| day.has_outage).for_each(|day| day.met_outage += 1);
    }

    pub(in crate::sim) fn days(&self) -> &[LivedDay] {
        &self.0
    }
}
