//! What happens by itself? Regions that go and come back, lines that are cut, people elsewhere.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::network::OnPrem;
use super::world::World;
use crate::model::time::duration_text;
use crate::model::{Region, ResourceId, Timestamp};

/// Something that happens by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happening {
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
    pub change: Vec<Change>,
    /// Resources that somebody elsewhere removes, with what is in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

/// A change by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The resource; `*` stands for any text.
    pub resource: String,
    /// What is merged into its body (RFC 7396): null removes.
    pub set: Value,
}

impl World {
    /// The on-premises side.
    #[must_use]
    pub fn onprem(&self) -> &OnPrem {
        &self.onprem
    }

    /// The regions that are down.
    #[must_use]
    pub fn regions_down(&self) -> &BTreeSet<Region> {
        &self.regions_down
    }

    /// Lets a happening happen.
    pub(super) fn happen(&mut self, event: Happening, now: Timestamp) {
        for region in event.up {
            self.set_region_down(region, false);
        }
        for region in event.down {
            self.set_region_down(region, true);
        }
        for site in &mut self.onprem.sites {
            site.prefixes.retain(|prefix| !event.withdraw.contains(prefix));
        }
        for link in &mut self.onprem.links {
            if event.cut.iter().any(|pattern| matches(pattern, &link.circuit)) {
                (link.up, link.since) = (false, Some(now));
            }
            if event.mend.iter().any(|pattern| matches(pattern, &link.circuit)) {
                (link.up, link.since) = (true, Some(now));
            }
        }
        for device in &mut self.onprem.devices {
            if event.devices_down.contains(&device.address) {
                device.up = false;
            }
            if event.devices_up.contains(&device.address) {
                device.up = true;
            }
        }
        for change in event.change {
            for id in self.met_by(&change.resource) {
                self.edit(&id, |body| merge(body, &change.set));
            }
        }
        for pattern in event.remove {
            for id in self.met_by(&pattern) {
                self.resources.remove(&id);
                self.remove_within(&id);
            }
        }
    }

    fn met_by(&self, pattern: &str) -> Vec<ResourceId> {
        self.resources.keys().filter(|id| matches(pattern, id)).cloned().collect()
    }
}

fn matches(pattern: &str, id: &ResourceId) -> bool {
    super::fault::glob(&pattern.to_ascii_lowercase(), id.key())
}

/// A merge patch, as RFC 7396 describes it.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_sets_what_it_names_and_leaves_the_rest() {
        let mut body = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut body, &json!({"a": {"b": null, "e": {"f": 3}}, "d": [2, 3]}));
        assert_eq!(body, json!({"a": {"c": 2, "e": {"f": 3}}, "d": [2, 3]}));
    }
}
