//! What can go wrong in a failover? A library of bad days, to be laid over any world.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::scenario::Outage;
use super::scheduled_event::ScheduledEvent;
use super::world::World;
use crate::model::time::duration_text;
use crate::model::{Action, Plan, Region, Timestamp};

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
    /// When the target is out: every region in which the runbook makes something, but the one that it leaves.
    #[serde(default)]
    pub target_out: Option<TargetOut>,
}

/// When the region that a runbook leads to is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetOut {
    /// From when, from the day's beginning.
    #[serde(with = "duration_text")]
    pub from: Duration,
    /// Until when.
    #[serde(with = "duration_text")]
    pub until: Duration,
}

impl TargetOut {
    /// What happens to these regions.
    fn events(&self, regions: &BTreeSet<Region>) -> Vec<ScheduledEvent> {
        if regions.is_empty() {
            return Vec::new();
        }
        let (down, up) = (regions.clone(), regions.clone());
        vec![
            ScheduledEvent { after: self.from, down, ..ScheduledEvent::default() },
            ScheduledEvent { after: self.until, up, ..ScheduledEvent::default() },
        ]
    }
}

impl BadDay {
    /// Whether anything happens on it that is not an answer to a request.
    #[must_use]
    pub fn is_lived_by_others(&self) -> bool {
        !self.events.is_empty() || self.target_out.is_some()
    }
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

    /// The regions that a plan leads to: in which it makes something, or changes what stands there, but for the one
    /// that it leaves.
    #[must_use]
    pub fn targets_of(&self, plan: &Plan) -> BTreeSet<Region> {
        let left = plan.parts().source_region.as_ref();
        let mut made = plan.regions_made();
        made.retain(|region| Some(*region) != left);
        if !made.is_empty() {
            return made.into_iter().cloned().collect();
        }
        let steps = plan.steps_to_run().map(|step| &step.action);
        let changed = steps.filter(|action| !matches!(action, Action::Remove(_)));
        let changed = changed.filter_map(|action| self.location(action.written()?));
        changed.filter(|region| Some(region) != left).collect()
    }

    /// Lays a bad day over what is to come; its times count from `now`, and its target is where the plan leads.
    pub fn live_through(&mut self, day: &BadDay, plan: &Plan, now: Timestamp) {
        self.schedule.begin_at(now);
        let instead_of = day.outage.map(|_| self.regions.outage());
        self.lived.begin(&day.name, instead_of);
        let name = Some(day.name.clone());
        for mut fault in day.faults.iter().cloned() {
            fault.tally.day.clone_from(&name);
            self.faults.add(fault);
        }
        let target_out = day.target_out.as_ref().map(|out| out.events(&self.targets_of(plan)));
        let own = day.events.iter().cloned().chain(target_out.into_iter().flatten());
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
            let does = !day.faults.is_empty() || day.is_lived_by_others() || day.outage.is_some();
            assert!(does, "{} is a good day", day.name);
        }
    }
}
