//! What is there, in the simulated Azure? All of it, as one value.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::azure_policy::Policy;
use super::fault::Fault;
use super::governance::{Grant, Lock};
use super::group::Deletion;
use super::happening::Happening;
use super::network::OnPrem;
use super::operation::{Operation, Work};
use super::operations::Operations;
use super::provider;
use super::reply::guid;
use super::resiliency::SiteTest;
use super::resources::Resources;
use super::scenario::{Appliance, Latency, Outage, Overlap, Scenario};
use super::seal::seal;
use super::server::Entry;
use super::site_recovery::{SiteRecovery, is_ours};
use super::tenancy::Tenancy;
use super::throttle::Buckets;
use super::world_file::without_marks;
use crate::model::{Region, ResourceId, Timestamp};

/// The simulated Azure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct World {
    pub(super) seed: u64,
    pub(super) latency: Latency,
    /// Home regions of resource groups, by folded id.
    pub(super) groups: BTreeMap<String, Region>,
    /// What groups were given, by folded id.
    #[serde(default)]
    pub(super) group_details: BTreeMap<String, Value>,
    /// Groups that are on their way out.
    #[serde(default)]
    pub(super) group_deletions: Vec<Deletion>,
    pub(super) resources: Resources,
    pub(super) operations: Operations,
    /// Writes accepted per resource: what every draw of chance depends on. Survives a delete.
    pub(super) ordinals: BTreeMap<ResourceId, u64>,
    pub(super) reads: u64,
    pub(super) onprem: OnPrem,
    /// When it began.
    pub(super) began: Timestamp,
    pub(super) regions_down: BTreeSet<Region>,
    pub(super) outage: Outage,
    pub(super) silent: BTreeSet<ResourceId>,
    /// Connections that never connect, by a fault.
    pub(super) unconnected: BTreeSet<ResourceId>,
    /// Connections whose authorization is gone while their region is down: they go when it is back.
    pub(super) revoked: BTreeSet<ResourceId>,
    /// What still happens by itself, the next first.
    pub(super) coming: Vec<(Timestamp, Happening)>,
    pub(super) overlap: Overlap,
    pub(super) rights: Option<Vec<Grant>>,
    /// `group|right`, as they were used.
    pub(super) rights_used: BTreeSet<String>,
    pub(super) locks: Vec<Lock>,
    #[serde(default)]
    pub(super) tenancy: Tenancy,
    #[serde(default)]
    pub(super) policies: Vec<Policy>,
    #[serde(default)]
    pub(super) quotas: BTreeMap<String, u64>,
    #[serde(default)]
    pub(super) stopped_appliances: Vec<Appliance>,
    /// Subscriptions in which Microsoft.Network is not registered.
    pub(super) unregistered: BTreeSet<String>,
    pub(super) faults: Vec<Fault>,
    /// The failover tests of gateways, in the order in which they began.
    #[serde(default)]
    pub(super) site_tests: BTreeMap<ResourceId, Vec<SiteTest>>,
    pub(super) buckets: Buckets,
    pub(super) ledger: Vec<Entry>,
    #[serde(default)]
    pub(super) site_recovery: SiteRecovery,
}

/// A resource as it is stored: without what a GET computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Resource {
    pub(super) body: Value,
    pub(super) state: State,
    /// Grows with every change; the etag is a hash of it.
    pub(super) version: u64,
    /// When its last operation ended.
    pub(super) settled_at: Timestamp,
}

/// A provisioning state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    Succeeded,
    Updating,
    Deleting,
    Failed,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Updating => "Updating",
            Self::Deleting => "Deleting",
            Self::Failed => "Failed",
        }
    }
}

impl World {
    /// The world of a scenario, at its beginning.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let mut world = Self {
            seed: scenario.seed,
            latency: scenario.latency,
            groups: BTreeMap::new(),
            group_details: BTreeMap::new(),
            group_deletions: Vec::new(),
            resources: Resources::default(),
            operations: Operations::default(),
            ordinals: BTreeMap::new(),
            reads: 0,
            onprem: scenario.onprem.clone(),
            began: scenario.now,
            regions_down: scenario.regions_down.clone(),
            outage: scenario.outage,
            silent: BTreeSet::new(),
            unconnected: BTreeSet::new(),
            revoked: BTreeSet::new(),
            coming: scenario
                .events
                .iter()
                .map(|event| (scenario.now + event.after, event.clone()))
                .collect(),
            overlap: scenario.overlap,
            rights: scenario.rights.clone(),
            rights_used: BTreeSet::new(),
            locks: scenario.locks.clone(),
            tenancy: scenario.tenants.clone(),
            policies: scenario.policies.clone(),
            quotas: scenario.quotas.clone(),
            stopped_appliances: scenario.stopped_appliances.clone(),
            unregistered: scenario.unregistered.iter().cloned().collect(),
            faults: scenario.faults.clone(),
            site_tests: scenario.site_tests.clone(),
            buckets: Buckets::default(),
            ledger: Vec::new(),
            site_recovery: SiteRecovery::default(),
        };
        world.coming.sort_by_key(|(at, _)| *at);
        for group in &scenario.resource_groups {
            let key = group.id.to_ascii_lowercase();
            let name = group.id.rsplit('/').next().unwrap_or_default();
            world.group_details.insert(key.clone(), json!({ "name": name }));
            world.groups.insert(key, group.location.clone());
        }
        for body in &scenario.resources {
            let id = body.get("id").and_then(Value::as_str).map(ResourceId::parse);
            if let Some(Ok(id)) = id {
                world.place(&id, body.clone(), scenario.now);
            }
        }
        world
    }

    /// Puts a resource of a world file where it belongs, its children beside it.
    pub(super) fn place(&mut self, id: &ResourceId, mut body: Value, now: Timestamp) {
        for (child, body) in self.take_children(id, &mut body) {
            self.place(&child, body, now);
        }
        let state = match body.pointer("/properties/provisioningState").and_then(Value::as_str) {
            Some("Failed") => State::Failed,
            _ => State::Succeeded,
        };
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
        }
        if id.resource_type().is("Microsoft.Network/virtualNetworkGateways") {
            provider::gateway::hide_address(&mut body, now);
        }
        let resource = Resource { body, state, version: 0, settled_at: now };
        self.resources.insert(id.clone(), resource);
        if id.resource_type().is("Microsoft.Network/virtualHubs") {
            provider::hub::give_tables(self, id, State::Succeeded, now);
        }
        self.begin_in_vault(id, now);
    }

    /// What decides every draw.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Decides every draw anew; for a world that nothing was asked of yet.
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// Every request so far.
    #[must_use]
    pub fn ledger(&self) -> &[Entry] {
        &self.ledger
    }

    /// Adds a misfortune.
    pub fn add_fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Takes every misfortune away.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Brings a region back, or takes it down.
    pub fn set_region_down(&mut self, region: Region, down: bool) {
        if down {
            self.regions_down.insert(region);
            return;
        }
        self.regions_down.remove(&region);
        let gone: Vec<ResourceId> = self
            .revoked
            .iter()
            .filter(|id| self.location(id).as_ref() == Some(&region))
            .cloned()
            .collect();
        for id in gone {
            self.revoked.remove(&id);
            self.silent.remove(&id);
            self.resources.remove(&id);
        }
    }

    /// Takes away the connections that were made with a key: what an authorization's end means.
    pub(super) fn revoke(&mut self, circuit: &ResourceId, key: &str) {
        let made_with = |resource: &Resource| {
            let text = |pointer: &str| resource.body.pointer(pointer).and_then(Value::as_str);
            text("/properties/peer/id").is_some_and(|id| id.eq_ignore_ascii_case(circuit.as_str()))
                && text("/properties/authorizationKey").is_some_and(|own| seal(own) == seal(key))
        };
        let of_hub = |resource: &Resource| {
            provider::hub_gateway::circuit_of(&resource.body).as_ref() == Some(circuit)
                && resource
                    .body
                    .pointer("/properties/authorizationKey")
                    .and_then(Value::as_str)
                    .is_some_and(|own| seal(own) == seal(key))
        };
        let made: Vec<ResourceId> = self
            .resources
            .iter()
            .filter(|(id, _)| !is_ours(id))
            .filter(|(_, resource)| made_with(resource) || of_hub(resource))
            .map(|(id, _)| id.clone())
            .collect();
        for id in made {
            if self.is_out(&id) {
                self.silent.insert(id.clone());
                self.revoked.insert(id);
            } else {
                self.resources.remove(&id);
            }
        }
    }

    /// The links of the on-premises side, to cut and mend.
    pub fn onprem_mut(&mut self) -> &mut OnPrem {
        &mut self.onprem
    }

    /// The resources there are.
    pub fn ids(&self) -> impl Iterator<Item = &ResourceId> {
        self.resources.keys()
    }

    /// A resource's stored body.
    #[must_use]
    pub fn body(&self, id: &ResourceId) -> Option<&Value> {
        self.resources.get(id).map(|resource| &resource.body)
    }

    /// Changes a stored body, as Azure does on its own.
    pub(super) fn edit(&mut self, id: &ResourceId, change: impl FnOnce(&mut Value)) {
        if let Some(resource) = self.resources.get_mut(id) {
            change(&mut resource.body);
            self.touch(id);
        }
    }

    /// Removes what is inside a resource that is gone.
    pub(super) fn remove_within(&mut self, id: &ResourceId) {
        self.resources.remove_if(|other| other.is_within(id));
    }

    /// A resource of a type whose body names `id`.
    pub(super) fn user_of(&self, id: &ResourceId, kind: &str) -> Option<ResourceId> {
        self.resources
            .of_type(kind)
            .find(|(_, resource)| names(&resource.body, id))
            .map(|(user, _)| user.clone())
    }

    /// The gateway that stands in a subnet.
    pub(super) fn subnet_user(&self, subnet: &ResourceId) -> Option<ResourceId> {
        self.user_of(subnet, "Microsoft.Network/virtualNetworkGateways")
    }

    /// The gateways that stand in a subnet.
    pub(super) fn subnet_users(&self, subnet: &ResourceId) -> Vec<ResourceId> {
        let kind = "Microsoft.Network/virtualNetworkGateways";
        let users =
            self.resources.of_type(kind).filter(|(_, resource)| names(&resource.body, subnet));
        users.map(|(user, _)| user.clone()).collect()
    }

    /// The gateway of a virtual network, when it is done.
    pub(super) fn gateway_of(&self, vnet: &ResourceId) -> Option<ResourceId> {
        let subnet = vnet.child("subnets", "GatewaySubnet").ok()?;
        let gateway = self.subnet_user(&subnet)?;
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
        let root = root(id);
        let own = self
            .body(&root)
            .and_then(|body| body.get("location"))
            .and_then(Value::as_str)
            .and_then(|text| Region::parse(text).ok());
        own.or_else(|| self.group_home(id))
    }

    /// The home region of a resource's group.
    pub(super) fn group_home(&self, id: &ResourceId) -> Option<Region> {
        let key =
            format!("/subscriptions/{}/resourcegroups/{}", id.subscription(), id.resource_group());
        self.groups.get(&key.to_ascii_lowercase()).cloned()
    }

    /// An etag: parent and children share one (docs/wire.md 1).
    pub(super) fn etag(&self, id: &ResourceId) -> String {
        let root = root(id);
        let version = self.resources.get(&root).map_or(0, |resource| resource.version);
        let hash = guid(&[&self.seed.to_string(), root.key(), &version.to_string(), "etag"]);
        format!("W/\"{hash}\"")
    }

    /// Says that a resource is not what it was; its family is not either.
    pub(super) fn touch(&mut self, id: &ResourceId) {
        let root = root(id);
        for id in [id, &root].into_iter().take(1 + usize::from(root != *id)) {
            if let Some(resource) = self.resources.get_mut(id) {
                resource.version += 1;
            }
        }
    }

    /// Lets what has ended take effect, in the order in which it ended.
    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some(at) = self.coming.first().map(|(at, _)| *at).filter(|at| *at <= now) {
            self.settle_operations(at);
            let (_, event) = self.coming.remove(0);
            self.happen(event, at);
        }
        self.settle_operations(now);
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
        !matches!(operation.work, Work::Read { .. })
            && operation.failure.is_none()
            && self.is_out(&operation.resource)
    }

    /// Whether the region in which a resource is has gone down.
    pub(super) fn is_out(&self, id: &ResourceId) -> bool {
        self.location(id).is_some_and(|region| self.regions_down.contains(&region))
    }

    fn end(&mut self, id: &str) {
        let Some(operation) = self.operations.settle(id) else {
            return;
        };
        let (work, failed) = (operation.work.clone(), operation.failure.is_some());
        let (resource_id, ends) = (operation.resource.clone(), operation.ends);
        let provider = provider::of(&resource_id);
        match work {
            Work::Read { .. } => {}
            Work::Act { act } => self.acted(&resource_id, &act, failed, ends),
            Work::Create | Work::Update => {
                if !failed && let Some(provider) = provider {
                    provider.finished(self, &resource_id);
                }
                if failed && let Some(provider) = provider {
                    for spoiled in provider.spoils(&resource_id) {
                        self.set_state(&spoiled, State::Failed, ends);
                    }
                }
                let state = if failed { State::Failed } else { State::Succeeded };
                self.set_state(&resource_id, state, ends);
                self.end_children(&resource_id, state, ends);
            }
            Work::Delete if failed => self.set_state(&resource_id, State::Failed, ends),
            Work::Delete => {
                if let Some(gone) = self.resources.remove(&resource_id)
                    && let Some(provider) = provider
                {
                    provider.deleted(self, &resource_id, &gone.body);
                }
                self.remove_within(&resource_id);
                self.touch(&resource_id);
                self.silent.remove(&resource_id);
                self.unconnected.remove(&resource_id);
                self.site_tests.remove(&resource_id);
            }
        }
    }

    pub(super) fn set_state(&mut self, id: &ResourceId, state: State, at: Timestamp) {
        if let Some(resource) = self.resources.get_mut(id) {
            resource.state = state;
            resource.settled_at = at;
            self.touch(id);
        }
    }
}

/// The top-level resource that a resource is part of.
pub(super) fn root(id: &ResourceId) -> ResourceId {
    let mut root = id.clone();
    while let Some(parent) = root.parent() {
        root = parent;
    }
    root
}

fn names(body: &Value, id: &ResourceId) -> bool {
    match body {
        Value::String(text) => text.eq_ignore_ascii_case(id.as_str()),
        Value::Object(object) => object.values().any(|value| names(value, id)),
        Value::Array(list) => list.iter().any(|value| names(value, id)),
        _ => false,
    }
}
