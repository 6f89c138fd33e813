//! What is there, in the simulated Azure? All of it, as one value.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cloud::Deployments;
use super::fault::Fault;
use super::network::OnPrem;
use super::operation::{Operation, OperationWork};
use super::parts::{
    Chance, Faults, Governance, Groups, Lived, NetworkPart, Operations, Regions, Resource,
    Resources, State, WorldSchedule,
};
use super::provider;
use super::scenario::{Latency, Scenario};
use super::seal::seal;
use super::server::{Entry, Ledger};
use super::site_recovery::{Vaults, is_ours};
use super::throttle::Buckets;
use super::told::ToldBefore;
use super::world_file::without_marks;
use crate::arm;
use crate::model::{Region, ResourceId, Timestamp};

/// The simulated Azure: its parts, of which each has its own verbs. What needs two of them is said here and
/// in the files beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct World {
    #[serde(flatten)]
    pub(super) chance: Chance,
    pub(super) latency: Latency,
    #[serde(flatten)]
    pub(super) groups: Groups,
    pub(super) resources: Resources,
    pub(super) operations: Operations,
    #[serde(flatten)]
    pub(super) network: NetworkPart,
    #[serde(flatten)]
    pub(super) regions: Regions,
    #[serde(flatten)]
    pub(super) schedule: WorldSchedule,
    #[serde(flatten)]
    pub(super) governance: Governance,
    pub(super) faults: Faults,
    pub(super) buckets: Buckets,
    pub(super) ledger: Ledger,
    #[serde(rename = "site_recovery", default)]
    pub(super) vaults: Vaults,
    /// The bad days that it lives through.
    #[serde(default, skip_serializing_if = "Lived::is_blank")]
    pub(super) lived: Lived,
    /// The template deployments that clients made.
    #[serde(default, skip_serializing_if = "Deployments::is_empty")]
    pub(super) deployments: Deployments,
    /// What GETs were answered, while it holds.
    #[serde(skip)]
    pub(super) told: ToldBefore,
}

/// For how long a resource stands, at the least, with which a world begins.
const STOOD: Duration = Duration::from_secs(24 * 3_600);

/// The time so long before.
fn before(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.as_millis() - i64::try_from(STOOD.as_millis()).unwrap_or(0))
}

impl World {
    /// The world of a scenario, at its beginning.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let mut world = Self {
            chance: Chance::new(scenario.seed),
            latency: scenario.latency,
            groups: Groups::default(),
            resources: Resources::default(),
            operations: Operations::default(),
            network: NetworkPart::new(scenario),
            regions: Regions::new(scenario.regions_down.clone(), scenario.outage),
            schedule: WorldSchedule::new(scenario.now),
            governance: Governance::new(scenario),
            faults: Faults::new(scenario.faults.clone()),
            buckets: Buckets::default(),
            ledger: Ledger::default(),
            vaults: Vaults::default(),
            lived: Lived::default(),
            deployments: Deployments::default(),
            told: ToldBefore::default(),
        };
        world.schedule.add(&scenario.events, scenario.now);
        for group in &scenario.resource_groups {
            world.groups.put(&group.id, group.location.clone(), None);
        }
        for body in &scenario.resources {
            let id = body.get("id").and_then(Value::as_str).map(ResourceId::parse);
            if let Some(Ok(id)) = id {
                world.place(&id, body.clone(), scenario.now);
            }
        }
        world.tell_users_once();
        world.go_on_with(scenario);
        world
    }

    /// Puts a resource of a world file where it belongs, its children beside it.
    pub(super) fn place(&mut self, id: &ResourceId, mut body: Value, now: Timestamp) {
        if self.shows_hub_already(id, &body) {
            return;
        }
        let shown = Self::shown_children(id, &body);
        for (child, body) in self.take_children(id, &mut body).into_iter().chain(shown) {
            self.place(&child, body, now);
        }
        let state = if arm::has_failed(&body) { State::Failed } else { State::Succeeded };
        without_marks(&mut body);
        let computed = provider::of(id).map(provider::Provider::computed).unwrap_or_default();
        if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
            properties.retain(|key, _| !computed.contains(&key.as_str()));
        }
        if let Some(object) = body.as_object_mut() {
            if !is_ours(id) {
                object.insert("id".to_owned(), id.as_str().into());
            }
            object.insert("name".to_owned(), id.name().into());
            object.insert("type".to_owned(), id.resource_type().as_str().into());
        }
        if let Some(provider) = provider::of(id) {
            provider.complete(&mut body);
            self.give_guid(id, provider, &mut body);
            provider.hide(&mut body, now);
        }
        // What a world begins with stands for long: what Azure tells only of what is new, it does not tell of it.
        let is_first = now == self.schedule.began() && !is_ours(id);
        let settled_at = if is_first { before(now) } else { now };
        let resource = Resource { body, state, version: 0, settled_at };
        self.resources.insert(id.clone(), resource);
        let along = provider::of(id).map(|provider| provider.comes_with(self, id));
        for (id, body) in along.into_iter().flatten() {
            let resource = Resource { body, state: State::Succeeded, version: 1, settled_at: now };
            self.resources.insert(id, resource);
        }
        self.begin_in_vault(id, now);
    }

    /// What decides every draw.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.chance.seed()
    }

    /// Decides every draw anew; for a world that nothing was asked of yet.
    pub fn set_seed(&mut self, seed: u64) {
        self.chance.set_seed(seed);
    }

    /// Every request so far.
    #[must_use]
    pub fn ledger(&self) -> &[Entry] {
        self.ledger.entries()
    }

    /// Adds a fault.
    pub fn add_fault(&mut self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Takes every fault away.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Brings a region back, or takes it down.
    pub fn set_region_down(&mut self, region: Region, down: bool) {
        if down {
            self.regions.go_down(region);
            return;
        }
        self.regions.come_back(&region);
        let is_back = |id: &ResourceId| self.location(id).as_ref() == Some(&region);
        let back: BTreeSet<ResourceId> =
            self.network.revoked().filter(|id| is_back(id)).cloned().collect();
        for id in back {
            self.network.let_go(&id);
            self.resources.remove(&id);
        }
    }

    /// Takes away the connections that were made with a key: what an authorization's end means.
    pub(super) fn revoke(&mut self, circuit: &ResourceId, key: &str) {
        let made_with = |id: &ResourceId, resource: &Resource| {
            let redeemed = provider::of(id).and_then(|own| own.redeemed(&resource.body));
            redeemed.is_some_and(|(leads_to, own)| leads_to == *circuit && seal(own) == seal(key))
        };
        let made: Vec<ResourceId> = self
            .resources
            .iter()
            .filter(|(id, resource)| made_with(id, resource))
            .map(|(id, _)| id.clone())
            .collect();
        for id in made {
            if self.is_out(&id) {
                self.network.revoke(&id);
            } else {
                self.resources.remove(&id);
            }
        }
    }

    /// The links of the on-premises side, to cut and mend.
    pub fn onprem_mut(&mut self) -> &mut OnPrem {
        self.network.onprem_mut()
    }

    /// The resources there are.
    pub fn ids(&self) -> impl Iterator<Item = &ResourceId> {
        self.resources.keys()
    }

    /// A resource's stored body.
    #[must_use]
    pub fn body(&self, id: &ResourceId) -> Option<&Value> {
        self.resources.body(id)
    }

    /// The gateway of a virtual network, when it is done.
    pub(super) fn gateway_of(&self, vnet: &ResourceId) -> Option<ResourceId> {
        let subnet = vnet.child("subnets", "GatewaySubnet").ok()?;
        let gateway = self.user_of(&subnet)?;
        let done = self.resources.get(&gateway).is_some_and(|r| r.state == State::Succeeded);
        done.then_some(gateway)
    }

    /// The authorization of a circuit that has this key.
    pub(super) fn authorization(&self, circuit: &ResourceId, key: &str) -> Option<ResourceId> {
        self.resources
            .children(circuit)
            .find(|(_, resource)| {
                let own = resource.body.pointer("/properties/authorizationKey");
                own.and_then(Value::as_str).is_some_and(|own| seal(own) == seal(key))
            })
            .map(|(id, _)| id.clone())
    }

    /// Where a resource is: its own location, its root's, or its group's home.
    pub(super) fn location(&self, id: &ResourceId) -> Option<Region> {
        let root = id.root();
        let own = self
            .body(&root)
            .and_then(|body| body.get("location"))
            .and_then(Value::as_str)
            .and_then(|text| Region::parse(text).ok());
        own.or_else(|| self.group_home(id))
    }

    /// The home region of a resource's group.
    pub(super) fn group_home(&self, id: &ResourceId) -> Option<Region> {
        let group =
            format!("/subscriptions/{}/resourceGroups/{}", id.subscription(), id.resource_group());
        self.groups.home(&group).cloned()
    }

    /// An etag: parent and children share one (docs/wire.md 1).
    pub(super) fn etag(&self, id: &ResourceId) -> String {
        let root = id.root();
        let version = self.resources.version(&root);
        let hash = self.chance.name(&[root.key(), &version.to_string(), "etag"]);
        format!("W/\"{hash}\"")
    }

    /// Lets what has ended take effect, in the order in which it ended.
    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some(at) = self.schedule.due(now) {
            self.settle_operations(at);
            if let Some(event) = self.schedule.take_next() {
                self.happen(event, at);
            }
        }
        self.settle_operations(now);
        self.settle_deployments(now);
        self.settle_groups(now);
    }

    fn settle_operations(&mut self, now: Timestamp) {
        let mut due: Vec<(Timestamp, String)> = self
            .operations
            .open()
            .filter(|operation| !operation.settled && operation.ends <= now)
            .filter(|operation| !self.is_stuck(operation))
            .map(|operation| (operation.ends, operation.id.clone()))
            .collect();
        due.sort();
        for (_, id) in due {
            self.end(&id);
        }
        self.operations.let_go(now);
        self.settle_site_recovery(now);
    }

    /// An operation in a region that is down does not come to its end.
    fn is_stuck(&self, operation: &Operation) -> bool {
        !matches!(operation.work, OperationWork::Read { .. })
            && operation.failure.is_none()
            && self.is_out(&operation.resource)
    }

    /// Whether the region in which a resource is has gone down.
    pub(super) fn is_out(&self, id: &ResourceId) -> bool {
        self.location(id).is_some_and(|region| self.regions.is_down(&region))
    }

    fn end(&mut self, id: &str) {
        let Some(operation) = self.operations.settle(id) else {
            return;
        };
        let (work, failed) = (operation.work.clone(), operation.failure.is_some());
        let (resource_id, ends) = (operation.resource.clone(), operation.ends);
        let provider = provider::of(&resource_id);
        match work {
            OperationWork::Read { .. } => {}
            OperationWork::Act { act } => self.acted(&resource_id, &act, failed, ends),
            OperationWork::Create | OperationWork::Update => {
                if !failed && let Some(provider) = provider {
                    self.apply(provider.finished(self, &resource_id), ends);
                }
                if failed && let Some(provider) = provider {
                    self.apply(provider.failed(self, &resource_id), ends);
                }
                let state = if failed { State::Failed } else { State::Succeeded };
                self.resources.set_state(&resource_id, state, ends);
                self.end_children(&resource_id, state, ends);
            }
            OperationWork::Delete if failed => {
                self.resources.set_state(&resource_id, State::Failed, ends)
            }
            OperationWork::Delete => {
                if let Some(gone) = self.resources.remove(&resource_id)
                    && let Some(provider) = provider
                {
                    self.apply(provider.deleted(self, &resource_id, &gone.body), ends);
                }
                self.resources.remove_within(&resource_id);
                self.resources.touch(&resource_id);
                self.network.forget(&resource_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../runbooks/worlds/two-circuits.yaml");

    /// What a kept world says; parts have come since, and their fields still stand side by side.
    const KEPT: [&str; 28] = [
        "began",
        "buckets",
        "coming",
        "faults",
        "group_deletions",
        "group_details",
        "groups",
        "latency",
        "ledger",
        "locks",
        "onprem",
        "operations",
        "ordinals",
        "outage",
        "overlap",
        "policies",
        "quotas",
        "reads",
        "regions_down",
        "resources",
        "revoked",
        "rights",
        "rights_used",
        "seed",
        "silent",
        "site_recovery",
        "site_tests",
        "stopped_appliances",
    ];

    #[test]
    fn a_world_is_written_down_as_before_it_had_parts_and_opens_again() {
        let scenario: Scenario = serde_yaml::from_str(EXAMPLE).unwrap();
        let world = World::new(&scenario);
        let written = serde_json::to_value(&world).unwrap();
        let mut keys: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let mut kept = [KEPT.as_slice(), &["tenancy", "unconnected", "unregistered"]].concat();
        kept.sort_unstable();
        assert_eq!(keys, kept);
        assert_eq!(serde_json::from_value::<World>(written).unwrap(), world);
        // As text, too: there the numbers of keys and times are read otherwise.
        let text = serde_json::to_string(&world).unwrap();
        assert_eq!(serde_json::from_str::<World>(&text).unwrap(), world);
    }
}
