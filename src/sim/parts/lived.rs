//! Which bad days does the world live through, and did anything of them happen?

use serde::{Deserialize, Serialize};

use crate::sim::scenario::Outage;

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
    /// How regions that are down would behave without it, where it says how they do.
    #[serde(default)]
    pub(in crate::sim) instead_of: Option<Outage>,
    /// How many requests in regions that are down it let be answered otherwise.
    pub(in crate::sim) met_outage: u64,
}

impl Lived {
    pub(in crate::sim) fn is_blank(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::sim) fn begin(&mut self, name: &str, instead_of: Option<Outage>) {
        let name = name.to_owned();
        self.0.push(LivedDay { name, happened: 0, instead_of, met_outage: 0 });
    }

    /// Notes that an event of a day has changed something.
    pub(in crate::sim) fn happened(&mut self, day: &str) {
        self.0.iter_mut().filter(|own| own.name == day).for_each(|own| own.happened += 1);
    }

    /// Whether a day says how regions are out: only then it is worth knowing what is asked of them.
    pub(in crate::sim) fn has_outage(&self) -> bool {
        self.0.iter().any(|day| day.instead_of.is_some())
    }

    /// Notes that something was asked of a region that is down: it struck where the answer is another one for it.
    pub(in crate::sim) fn met_outage(&mut self, differs: impl Fn(&Outage) -> bool) {
        for day in &mut self.0 {
            day.met_outage += u64::from(day.instead_of.as_ref().is_some_and(&differs));
        }
    }

    pub(in crate::sim) fn days(&self) -> &[LivedDay] {
        &self.0
    }
}
