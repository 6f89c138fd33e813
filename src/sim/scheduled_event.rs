//! What happens by itself? Regions that go and come back, lines that are cut, people elsewhere.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::network::OnPrem;
use super::patch::merge;
use super::provider;
use super::world::World;
use crate::model::pattern::fits;
use crate::model::time::duration_text;
use crate::model::{Region, ResourceId, Timestamp};

/// Something that happens by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduledEvent {
    /// When, from the world's beginning.
    #[serde(with = "duration_text")]
    pub after: Duration,
    /// Regions that come back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub up: BTreeSet<Region>,
    /// Regions that go down.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub down: BTreeSet<Region>,
    /// Prefixes that on-premises does not advertise any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdraw: Vec<IpNet>,
    /// Circuits whose sessions with on-premises are cut, both of them; `*` stands for any text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
    /// Circuits whose sessions are mended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mend: Vec<String>,
    /// VPN devices that stop answering, by their addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices_down: Vec<IpAddr>,
    /// VPN devices that answer again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices_up: Vec<IpAddr>,
    /// Resources that somebody elsewhere changes, or a provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub change: Vec<ScheduledChange>,
    /// Resources that somebody elsewhere removes, with what is in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// The bad day that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) day: Option<String>,
}

/// A change by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduledChange {
    /// The resource; `*` stands for any text.
    pub resource: String,
    /// What is merged into its body (RFC 7396): null removes.
    pub set: Value,
}

impl World {
    /// The on-premises side.
    #[must_use]
    pub fn onprem(&self) -> &OnPrem {
        self.network.onprem()
    }

    /// The regions that are down.
    #[must_use]
    pub fn regions_down(&self) -> &BTreeSet<Region> {
        self.regions.down()
    }

    /// The regions in which there is anything: a resource, or a group's home.
    #[must_use]
    pub fn regions(&self) -> BTreeSet<Region> {
        self.resources
            .keys()
            .filter_map(|id| self.location(id))
            .chain(self.groups.homes())
            .collect()
    }

    /// Lets a region go down: now, or when some time has gone by.
    pub fn take_down(&mut self, region: Region, after: Duration, now: Timestamp) {
        if after.is_zero() {
            return self.set_region_down(region, true);
        }
        let event = ScheduledEvent { after, down: [region].into(), ..ScheduledEvent::default() };
        self.schedule.add(&[event], now);
    }

    /// Lets a scheduled event happen.
    pub(super) fn happen(&mut self, event: ScheduledEvent, now: Timestamp) {
        let day = event.day.clone();
        let (there, onprem) = (self.regions(), self.network.onprem().clone());
        let mut struck = false;
        for region in event.up {
            struck |= self.regions.is_down(&region) && there.contains(&region);
            self.set_region_down(region, false);
        }
        for region in event.down {
            struck |= !self.regions.is_down(&region) && there.contains(&region);
            self.set_region_down(region, true);
        }
        self.network.withdraw(&event.withdraw);
        let (cut, mend) = (event.cut, event.mend);
        self.network.set_lines(false, |id| cut.iter().any(|pattern| matches(pattern, id)), now);
        self.network.set_lines(true, |id| mend.iter().any(|pattern| matches(pattern, id)), now);
        self.network.set_devices(false, &event.devices_down);
        self.network.set_devices(true, &event.devices_up);
        for change in event.change {
            for id in self.met_by(&change.resource) {
                struck = true;
                self.change_elsewhere(&id, &change.set, now);
            }
        }
        for pattern in event.remove {
            for id in self.met_by(&pattern) {
                struck = true;
                self.resources.remove(&id);
                self.resources.remove_within(&id);
            }
        }
        struck |= *self.network.onprem() != onprem;
        if let Some(day) = day.filter(|_| struck) {
            self.lived.happened(&day);
        }
    }

    /// What somebody else writes means the same for others as a write of ours: the peers of a network that has
    /// grown are behind until they are synced (azure-facts 9).
    fn change_elsewhere(&mut self, id: &ResourceId, set: &Value, now: Timestamp) {
        let Some(before) = self.body(id).cloned() else { return };
        self.resources.edit(id, |body| merge(body, set));
        if let Some(provider) = provider::of(id) {
            self.apply(provider.replaced(self, id, &before), now);
        }
    }

    fn met_by(&self, pattern: &str) -> Vec<ResourceId> {
        self.resources.keys().filter(|id| matches(pattern, id)).cloned().collect()
    }
}

fn matches(pattern: &str, id: &ResourceId) -> bool {
    fits(&pattern.to_ascii_lowercase(), id.key())
}
