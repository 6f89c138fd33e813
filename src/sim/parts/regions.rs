//! Which regions are down, and how are they out?

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::revision::Revision;
use crate::model::Region;
use crate::sim::scenario::{Outage, OutageReads, OutageWrites};

/// The regions that are down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sim) struct Regions {
    #[serde(rename = "regions_down")]
    down: BTreeSet<Region>,
    outage: Outage,
    #[serde(skip)]
    revision: Revision,
}

impl Regions {
    pub(in crate::sim) fn new(down: BTreeSet<Region>, outage: Outage) -> Self {
        Self { down, outage, revision: Revision::default() }
    }

    /// Equal, of one value at two times: nothing has changed in between.
    pub(in crate::sim) fn revision(&self) -> u64 {
        self.revision.number()
    }

    pub(in crate::sim) fn is_down(&self, region: &Region) -> bool {
        self.down.contains(region)
    }

    /// Those that are down.
    pub(in crate::sim) fn down(&self) -> &BTreeSet<Region> {
        &self.down
    }

    pub(in crate::sim) fn go_down(&mut self, region: Region) {
        self.revision.raise();
        self.down.insert(region);
    }

    pub(in crate::sim) fn come_back(&mut self, region: &Region) {
        self.revision.raise();
        self.down.remove(region);
    }

    /// What becomes of writes in a region that is down.
    pub(in crate::sim) fn writes(&self) -> OutageWrites {
        self.outage.writes
    }

    /// Whether a region that is down answers no reads.
    pub(in crate::sim) fn refuse_reads(&self) -> bool {
        self.outage.reads == OutageReads::Refuse
    }

    /// How they are out.
    pub(in crate::sim) fn outage(&self) -> Outage {
        self.outage
    }

    /// Lets regions be out in another way.
    pub(in crate::sim) fn set_outage(&mut self, outage: Outage) {
        self.revision.raise();
        self.outage = outage;
    }

    /// Adds to a world file what it says of them.
    pub(in crate::sim) fn write_into(&self, file: &mut Value) {
        file["regions_down"] = json!(self.down);
        file["outage"] = json!(self.outage);
    }
}
