//! What can go wrong in a failover? A library of bad days, to be laid over any world.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::scenario::Outage;
use super::scheduled_event::ScheduledEvent;
use super::world::World;
use crate::model::Timestamp;

/// A bad day: faults that have one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BadDay {
    /// Its name.
    pub name: String,
    /// What it is, in a line.
    pub title: String,
    /// What it means for who meets it.
    pub what: String,
    /// Faults of requests and operations.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What happens by itself.
    #[serde(default)]
    pub events: Vec<ScheduledEvent>,
    /// How regions that are down behave, if otherwise than the world says.
    #[serde(default)]
    pub outage: Option<Outage>,
}

/// The days that ship with the program, as their file has them.
const SHIPPED: &str = include_str!("../../runbooks/worlds/bad-days.yaml");

static LIBRARY: LazyLock<Vec<BadDay>> =
    // A test holds that it can be read.
    LazyLock::new(|| serde_yaml::from_str(SHIPPED).unwrap_or_default());

/// Every day of the library.
#[must_use]
pub fn library() -> &'static [BadDay] {
    &LIBRARY
}

/// The day of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static BadDay> {
    library().iter().find(|day| day.name == name)
}

impl World {
    /// From when the times of faults count.
    pub fn begin_at(&mut self, now: Timestamp) {
        self.schedule.begin_at(now);
    }

    /// Lays a bad day over what is to come; its times count from `now`.
    pub fn live_through(&mut self, day: &BadDay, now: Timestamp) {
        self.schedule.begin_at(now);
        self.lived.begin(&day.name, day.outage.is_some());
        let name = Some(day.name.clone());
        for mut fault in day.faults.iter().cloned() {
            fault.tally.day.clone_from(&name);
            self.faults.add(fault);
        }
        let own = day.events.iter().cloned();
        let events: Vec<ScheduledEvent> =
            own.map(|event| ScheduledEvent { day: name.clone(), ..event }).collect();
        self.schedule.add(&events, now);
        if let Some(outage) = day.outage {
            self.regions.set_outage(outage);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_can_be_read_and_has_a_name_of_its_own() {
        let read: Vec<BadDay> = serde_yaml::from_str(SHIPPED).unwrap();
        assert!(read.len() >= 20, "{}", read.len());
        for day in &read {
            assert_eq!(named(&day.name), Some(day), "{}", day.name);
            assert!(day.title.len() < 80 && day.what.ends_with('.'), "{}", day.name);
            let does = !day.faults.is_empty() || !day.events.is_empty() || day.outage.is_some();
            assert!(does, "{} is a good day", day.name);
        }
    }
}
