//! What does the network's truth read of the world? The bodies, with what no body shows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::network::onprem::Link;
use super::network::{Estate, OnPrem, Reach, reachability};
use super::parts::State;
use super::provider;
use super::resiliency::SiteTest;
use super::site_recovery::is_ours;
use super::world::World;
use crate::arm::{self, CircuitView};
use crate::model::{Region, ResourceId};

/// Bodies as the network's truth reads them.
pub(super) type ShownBodies<'a> = Vec<(&'a ResourceId, Cow<'a, Value>)>;

/// What the network's truth follows from: as long as it is the same, so is the truth. Of one world only.
#[derive(Debug, Clone, PartialEq)]
pub struct TruthMark {
    resources: u64,
    onprem: OnPrem,
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
            onprem: self.onprem_now().into_owned(),
            regions_down: self.regions.down().clone(),
            silent: self.network.silent().clone(),
            site_tests: self.network.all_tests().clone(),
        }
    }

    /// How each site sees each Azure network now.
    #[must_use]
    pub fn reachability(&self) -> Vec<Reach> {
        let shown = self.shown();
        reachability(&self.estate(&shown), &self.onprem_now())
    }

    /// On-premises as it is now: no session stands over a link of a port that is shut, nor one that brings more
    /// prefixes than the circuit's tier takes.
    pub(super) fn onprem_now(&self) -> Cow<'_, OnPrem> {
        let all = self.network.onprem();
        let is_shut = |link: &Link| {
            let port = self.body(&link.circuit).and_then(|body| CircuitView::of(body).port());
            let port = port.and_then(|port| self.body(&port));
            link.up && port.is_some_and(|port| arm::is_shut(port, link.path))
        };
        let is_out = |link: &Link| {
            is_shut(link) || (link.up && all.tells_too_many(link, self.body(&link.circuit)))
        };
        if !all.links.iter().any(is_out) {
            return Cow::Borrowed(all);
        }
        let mut now = all.clone();
        for link in &mut now.links {
            link.up = link.up && !is_out(link);
        }
        Cow::Owned(now)
    }

    /// Notes whether what is about to be written goes on carrying: it does, and the write changes nothing on its way.
    pub(super) fn carries_meanwhile(
        &mut self,
        id: &ResourceId,
        provider: &dyn provider::Provider,
        stored: &Value,
    ) {
        let soft = provider.changes_softly();
        let Some(before) = self.resources.get(id).filter(|_| !soft.is_empty()) else { return };
        let bare = |body: &Value| {
            let mut body = body.clone();
            for pointer in soft {
                let place = pointer.rsplit_once('/').unwrap_or_default();
                let holder = body.pointer_mut(place.0).and_then(Value::as_object_mut);
                holder.map(|holder| holder.remove(place.1));
            }
            body
        };
        let carried = match before.state {
            State::Succeeded => true,
            State::Updating => self.network.carries_meanwhile(id),
            State::Deleting | State::Failed => false,
        };
        let carries = carried && bare(&before.body) == bare(stored);
        self.network.carry_meanwhile(id, carries);
    }

    /// What the network is, as far as resources say; a connection that is not done carries nothing.
    pub(super) fn estate<'a>(&'a self, shown: &'a ShownBodies<'a>) -> Estate<'a> {
        let shown = shown.iter().map(|(id, body)| (*id, body.as_ref()));
        Estate::new(shown, self.regions.down(), self.network.silent())
            .with_tests(self.network.under_test())
            .with_stopped(self.network.stopped())
            .knowing(self.told.estate(self.shown_mark()))
    }

    /// Every body as the network's truth reads it: of gateways and connections it asks whether they are done.
    pub(super) fn shown(&self) -> ShownBodies<'_> {
        let with_state =
            |id: &ResourceId| provider::of(id).is_some_and(provider::Provider::carries);
        let ours = self.resources.iter().filter(|(id, _)| !is_ours(id));
        ours.map(|(id, resource)| {
            if !with_state(id) {
                return (id, Cow::Borrowed(&resource.body));
            }
            let goes_on = resource.state == State::Updating && self.network.carries_meanwhile(id);
            let state = if goes_on { State::Succeeded } else { resource.state };
            let mut body = resource.body.clone();
            body["properties"]["provisioningState"] = json!(state.as_str());
            (id, Cow::Owned(body))
        })
        .collect()
    }
}
