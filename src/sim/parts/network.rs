//! What is true of the network that no body shows? The on-premises side, connections that only look well, tests of
//! sites.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::revision::Revision;
use crate::model::{ResourceId, Timestamp};
use crate::sim::network::OnPrem;
use crate::sim::resiliency::{SiteTest, is_on};
use crate::sim::scenario::{Appliance, Overlap, Scenario};

/// What no body shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sim) struct NetworkPart {
    onprem: OnPrem,
    /// Connections that look well and carry nothing.
    silent: BTreeSet<ResourceId>,
    /// Connections that never connect, by a fault.
    unconnected: BTreeSet<ResourceId>,
    /// Connections whose status stays Unknown, by a fault.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    untold: BTreeSet<ResourceId>,
    /// Connections that are being written and carry all the while.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    reweighted: BTreeSet<ResourceId>,
    /// Connections whose authorization is gone while their region is down: they go when it is back.
    revoked: BTreeSet<ResourceId>,
    overlap: Overlap,
    #[serde(default)]
    stopped_appliances: Vec<Appliance>,
    /// The failover tests of gateways, in the order in which they began.
    #[serde(default)]
    site_tests: BTreeMap<ResourceId, Vec<SiteTest>>,
    #[serde(skip)]
    revision: Revision,
}

impl NetworkPart {
    pub(in crate::sim) fn new(scenario: &Scenario) -> Self {
        Self {
            onprem: scenario.onprem.clone(),
            silent: BTreeSet::new(),
            unconnected: BTreeSet::new(),
            untold: BTreeSet::new(),
            reweighted: BTreeSet::new(),
            revoked: BTreeSet::new(),
            overlap: scenario.overlap,
            stopped_appliances: scenario.stopped_appliances.clone(),
            site_tests: scenario.site_tests.clone(),
            revision: Revision::default(),
        }
    }

    /// Equal, of one value at two times: nothing has changed in between.
    pub(in crate::sim) fn revision(&self) -> u64 {
        self.revision.number()
    }

    pub(in crate::sim) fn onprem(&self) -> &OnPrem {
        &self.onprem
    }

    pub(in crate::sim) fn onprem_mut(&mut self) -> &mut OnPrem {
        self.revision.raise();
        &mut self.onprem
    }

    /// Lets on-premises advertise these prefixes no more.
    pub(in crate::sim) fn withdraw(&mut self, prefixes: &[IpNet]) {
        self.revision.raise();
        for site in &mut self.onprem.sites {
            site.prefixes.retain(|prefix| !prefixes.contains(prefix));
        }
    }

    /// Cuts or mends the lines of the circuits of which `of` says so.
    pub(in crate::sim) fn set_lines(
        &mut self,
        up: bool,
        of: impl Fn(&ResourceId) -> bool,
        now: Timestamp,
    ) {
        self.revision.raise();
        for link in self.onprem.links.iter_mut().filter(|link| of(&link.circuit)) {
            (link.up, link.since) = (up, Some(now));
        }
    }

    /// Stops or starts the VPN devices of on-premises with these addresses.
    pub(in crate::sim) fn set_devices(&mut self, up: bool, addresses: &[IpAddr]) {
        self.revision.raise();
        for device in &mut self.onprem.devices {
            if addresses.contains(&device.address) {
                device.up = up;
            }
        }
    }

    /// Whether Azure refuses a connection whose networks overlap others on the circuit.
    pub(in crate::sim) fn refuses_overlap(&self) -> bool {
        self.overlap == Overlap::Refuse
    }

    /// The connections that look well and carry nothing.
    pub(in crate::sim) fn silent(&self) -> &BTreeSet<ResourceId> {
        &self.silent
    }

    /// Lets a connection look well and carry nothing.
    pub(in crate::sim) fn silence(&mut self, id: &ResourceId) {
        self.revision.raise();
        self.silent.insert(id.clone());
    }

    /// Lets a connection never connect.
    pub(in crate::sim) fn disconnect(&mut self, id: &ResourceId) {
        self.revision.raise();
        self.silence(id);
        self.unconnected.insert(id.clone());
    }

    /// Lets a connection never tell whether it is connected.
    pub(in crate::sim) fn never_tell(&mut self, id: &ResourceId) {
        self.revision.raise();
        self.untold.insert(id.clone());
    }

    /// Lets a connection carry while it is being written, or not.
    pub(in crate::sim) fn carry_meanwhile(&mut self, id: &ResourceId, carries: bool) {
        self.revision.raise();
        self.reweighted.remove(id);
        if carries {
            self.reweighted.insert(id.clone());
        }
    }

    /// Whether a connection carries while it is being written.
    pub(in crate::sim) fn carries_meanwhile(&self, id: &ResourceId) -> bool {
        self.reweighted.contains(id)
    }

    pub(in crate::sim) fn is_untold(&self, id: &ResourceId) -> bool {
        self.untold.contains(id)
    }

    pub(in crate::sim) fn is_disconnected(&self, id: &ResourceId) -> bool {
        self.unconnected.contains(id)
    }

    /// Lets a connection carry nothing until its region is back, and be gone then.
    pub(in crate::sim) fn revoke(&mut self, id: &ResourceId) {
        self.revision.raise();
        self.silence(id);
        self.revoked.insert(id.clone());
    }

    /// The connections that are to go when their region is back.
    pub(in crate::sim) fn revoked(&self) -> impl Iterator<Item = &ResourceId> {
        self.revoked.iter()
    }

    /// Whether a connection's authorization is gone, and it goes when its region is back.
    pub(in crate::sim) fn is_revoked(&self, id: &ResourceId) -> bool {
        self.revoked.contains(id)
    }

    /// Nothing is to come of a revoked connection any more: it goes now.
    pub(in crate::sim) fn let_go(&mut self, id: &ResourceId) {
        self.revision.raise();
        self.revoked.remove(id);
        self.silent.remove(id);
    }

    /// Forgets what was true of a resource that is gone.
    pub(in crate::sim) fn forget(&mut self, id: &ResourceId) {
        self.revision.raise();
        self.silent.remove(id);
        self.unconnected.remove(id);
        self.untold.remove(id);
        self.reweighted.remove(id);
        self.site_tests.remove(id);
    }

    /// The appliances that do not run, each with the network it stands in.
    pub(in crate::sim) fn stopped(&self) -> BTreeSet<(ResourceId, IpAddr)> {
        self.stopped_appliances.iter().map(|own| (own.vnet.clone(), own.address)).collect()
    }

    /// The tests of a gateway, in their order.
    pub(in crate::sim) fn tests(&self, gateway: &ResourceId) -> &[SiteTest] {
        self.site_tests.get(gateway).map_or(&[][..], Vec::as_slice)
    }

    /// All tests, by gateway.
    pub(in crate::sim) fn all_tests(&self) -> &BTreeMap<ResourceId, Vec<SiteTest>> {
        &self.site_tests
    }

    pub(in crate::sim) fn add_test(&mut self, gateway: &ResourceId, test: SiteTest) {
        self.revision.raise();
        self.site_tests.entry(gateway.clone()).or_default().push(test);
    }

    /// Changes a test.
    pub(in crate::sim) fn edit_test(
        &mut self,
        gateway: &ResourceId,
        test: &str,
        change: impl FnOnce(&mut SiteTest),
    ) {
        self.revision.raise();
        let tests = self.site_tests.get_mut(gateway).into_iter().flatten();
        if let Some(test) = tests.into_iter().find(|own| own.id == test) {
            change(test);
        }
    }

    /// The gateways whose links a test has dropped, each with the location.
    pub(in crate::sim) fn under_test(&self) -> BTreeMap<ResourceId, String> {
        let dropped = self.site_tests.iter().filter_map(|(gateway, tests)| {
            let on = tests.iter().find(|test| test.status.is_on())?;
            Some((gateway.clone(), on.location.clone()))
        });
        dropped.collect()
    }

    /// What two equal worlds have in common.
    pub(in crate::sim) fn compare_into(&self, world: &mut Value) {
        world["silent"] = json!(self.silent);
        let tests = self.site_tests.iter().filter(|(_, tests)| is_on(tests));
        let tested: Vec<&ResourceId> = tests.map(|(id, _)| id).collect();
        if !tested.is_empty() {
            world["under_test"] = json!(tested);
        }
    }

    /// Adds to a world file what it says of it.
    pub(in crate::sim) fn write_into(&self, file: &mut Value) {
        file["onprem"] = json!(self.onprem);
        file["overlap"] = json!(self.overlap);
        file["site_tests"] = json!(crate::sim::resiliency::written_tests(&self.site_tests));
        if !self.stopped_appliances.is_empty() {
            file["stopped_appliances"] = json!(self.stopped_appliances);
        }
    }
}
