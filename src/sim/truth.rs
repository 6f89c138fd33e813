//! What does the network's truth read of the world? The bodies, with what no body shows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::network::{Estate, Reach, reachability};
use super::resiliency::SiteTest;
use super::site_recovery::is_ours;
use super::world::World;
use crate::model::{Region, ResourceId};

/// Types that carry nothing before they are done.
const STATEFUL: [&str; 6] = [
    "Microsoft.Network/virtualNetworkGateways",
    "Microsoft.Network/connections",
    "Microsoft.Network/virtualHubs",
    "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections",
    "Microsoft.Network/expressRouteGateways",
    "Microsoft.Network/expressRouteGateways/expressRouteConnections",
];

/// Bodies as the network's truth reads them.
pub(super) type Shown<'a> = Vec<(&'a ResourceId, Cow<'a, Value>)>;

/// What the network's truth follows from: as long as it is the same, so is the truth. Of one world only.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthMark {
    resources: u64,
    regions_down: BTreeSet<Region>,
    silent: BTreeSet<ResourceId>,
    site_tests: BTreeMap<ResourceId, Vec<SiteTest>>,
}

impl World {
    /// What the truth follows from now.
    #[must_use]
    pub fn truth_mark(&self) -> TruthMark {
        TruthMark {
            resources: self.resources.revision(),
            regions_down: self.regions_down.clone(),
            silent: self.silent.clone(),
            site_tests: self.site_tests.clone(),
        }
    }

    /// How each site sees each Azure network now.
    #[must_use]
    pub fn reachability(&self) -> Vec<Reach> {
        let shown = self.shown();
        reachability(&self.estate(&shown), &self.onprem)
    }

    /// What the network is, as far as resources say; a connection that is not done carries nothing.
    pub(super) fn estate<'a>(&'a self, shown: &'a Shown<'a>) -> Estate<'a> {
        let under_test = self.site_tests.iter().filter_map(|(gateway, tests)| {
            let on = tests.iter().find(|test| test.status.is_on())?;
            Some((gateway.clone(), on.location.clone()))
        });
        let shown = shown.iter().map(|(id, body)| (*id, body.as_ref()));
        let stopped = self.stopped_appliances.iter();
        Estate::new(shown, &self.regions_down, &self.silent)
            .with_tests(under_test.collect())
            .with_stopped(stopped.map(|own| (own.vnet.clone(), own.address)).collect())
    }

    /// Every body as the network's truth reads it: of gateways and connections it asks whether they are done.
    pub(super) fn shown(&self) -> Shown<'_> {
        let with_state = |id: &ResourceId| {
            let kind = id.resource_type();
            STATEFUL.iter().any(|of| kind.is(of))
        };
        let ours = self.resources.iter().filter(|(id, _)| !is_ours(id));
        ours.map(|(id, resource)| {
            if !with_state(id) {
                return (id, Cow::Borrowed(&resource.body));
            }
            let mut body = resource.body.clone();
            body["properties"]["provisioningState"] = json!(resource.state.as_str());
            (id, Cow::Owned(body))
        })
        .collect()
    }
}
