//! Which resources are there? By id, and by type, since most questions are about one type.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ops::Bound;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::revision::Revision;
use crate::model::{ResourceId, ResourceType, Timestamp};

/// A resource as it is stored: without what a GET computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sim) struct Resource {
    pub(in crate::sim) body: Value,
    pub(in crate::sim) state: State,
    /// Grows with every change; the etag is a hash of it.
    pub(in crate::sim) version: u64,
    /// When its last operation ended.
    pub(in crate::sim) settled_at: Timestamp,
}

impl Resource {
    /// Whether its body names a resource, anywhere.
    pub(in crate::sim) fn names(&self, id: &ResourceId) -> bool {
        names(&self.body, id)
    }
}

/// A provisioning state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sim) enum State {
    Succeeded,
    Updating,
    Deleting,
    Failed,
}

impl State {
    pub(in crate::sim) fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Updating => "Updating",
            Self::Deleting => "Deleting",
            Self::Failed => "Failed",
        }
    }
}

/// The resources, in the order of their ids.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<ResourceId, Resource>", into = "BTreeMap<ResourceId, Resource>")]
pub(in crate::sim) struct Resources {
    all: BTreeMap<ResourceId, Resource>,
    /// The same ids under their types: always complete, never stored.
    by_type: BTreeMap<ResourceType, BTreeSet<ResourceId>>,
    revision: Revision,
}

impl PartialEq for Resources {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Resources {
    /// Equal, of one value at two times: nothing has changed in between.
    pub(in crate::sim) fn revision(&self) -> u64 {
        self.revision.number()
    }

    pub(in crate::sim) fn get(&self, id: &ResourceId) -> Option<&Resource> {
        self.all.get(id)
    }

    /// A resource's stored body.
    pub(in crate::sim) fn body(&self, id: &ResourceId) -> Option<&Value> {
        self.get(id).map(|resource| &resource.body)
    }

    /// How often a resource has changed; nothing of one that is not there.
    pub(in crate::sim) fn version(&self, id: &ResourceId) -> u64 {
        self.get(id).map_or(0, |resource| resource.version)
    }

    fn get_mut(&mut self, id: &ResourceId) -> Option<&mut Resource> {
        self.revision.raise();
        self.all.get_mut(id)
    }

    /// Changes a stored body, as Azure does on its own.
    pub(in crate::sim) fn edit(&mut self, id: &ResourceId, change: impl FnOnce(&mut Value)) {
        if let Some(resource) = self.get_mut(id) {
            change(&mut resource.body);
            self.touch(id);
        }
    }

    /// Changes every body, and says nothing of it: what is told is the same.
    pub(in crate::sim) fn rewrite(&mut self, change: impl Fn(&mut Value)) {
        self.revision.raise();
        self.all.values_mut().for_each(|resource| change(&mut resource.body));
    }

    pub(in crate::sim) fn set_state(&mut self, id: &ResourceId, state: State, at: Timestamp) {
        if let Some(resource) = self.get_mut(id) {
            resource.state = state;
            resource.settled_at = at;
            self.touch(id);
        }
    }

    /// Says that a resource is not what it was; its family is not either.
    pub(in crate::sim) fn touch(&mut self, id: &ResourceId) {
        let root = id.root();
        for id in [id, &root].into_iter().take(1 + usize::from(root != *id)) {
            if let Some(resource) = self.get_mut(id) {
                resource.version += 1;
            }
        }
    }

    pub(in crate::sim) fn contains_key(&self, id: &ResourceId) -> bool {
        self.all.contains_key(id)
    }

    pub(in crate::sim) fn insert(
        &mut self,
        id: ResourceId,
        resource: Resource,
    ) -> Option<Resource> {
        self.revision.raise();
        self.by_type.entry(id.resource_type()).or_default().insert(id.clone());
        self.all.insert(id, resource)
    }

    pub(in crate::sim) fn remove(&mut self, id: &ResourceId) -> Option<Resource> {
        self.revision.raise();
        if let Some(ids) = self.by_type.get_mut(&id.resource_type()) {
            ids.remove(id);
        }
        self.all.remove(id)
    }

    /// Removes those of which `goes` says so.
    pub(in crate::sim) fn remove_if(&mut self, goes: impl Fn(&ResourceId) -> bool) {
        let gone: Vec<ResourceId> = self.all.keys().filter(|id| goes(id)).cloned().collect();
        for id in gone {
            self.remove(&id);
        }
    }

    pub(in crate::sim) fn iter(&self) -> btree_map::Iter<'_, ResourceId, Resource> {
        self.all.iter()
    }

    pub(in crate::sim) fn keys(&self) -> btree_map::Keys<'_, ResourceId, Resource> {
        self.all.keys()
    }

    /// Removes what is inside a resource that is gone.
    pub(in crate::sim) fn remove_within(&mut self, id: &ResourceId) {
        self.remove_if(|other| other.is_within(id));
    }

    /// A resource of a type whose body names `id`.
    pub(in crate::sim) fn user_of(&self, id: &ResourceId, kind: &str) -> Option<ResourceId> {
        let mut of_type = self.of_type(kind);
        of_type.find(|(_, resource)| resource.names(id)).map(|(user, _)| user.clone())
    }

    /// Those of a type, by id.
    pub(in crate::sim) fn of_type(
        &self,
        kind: &str,
    ) -> impl Iterator<Item = (&ResourceId, &Resource)> {
        let ids = self.by_type.iter().filter(|(own, _)| own.is(kind)).flat_map(|(_, ids)| ids);
        ids.filter_map(|id| self.all.get_key_value(id))
    }

    /// What is inside a resource, itself not among it, by id.
    pub(in crate::sim) fn within(
        &self,
        id: &ResourceId,
    ) -> impl Iterator<Item = (&ResourceId, &Resource)> {
        let below = format!("{}/", id.key());
        let from = (Bound::Included(below.as_str()), Bound::Unbounded);
        // The keys that begin with a text stand side by side.
        let side_by_side = self.all.range::<str, _>(from);
        side_by_side.take_while(move |(other, _)| other.key().starts_with(&below))
    }

    /// The children of a resource, of every kind, by id.
    pub(in crate::sim) fn children(
        &self,
        id: &ResourceId,
    ) -> impl Iterator<Item = (&ResourceId, &Resource)> {
        self.within(id).filter(|(other, _)| other.is_child_of(id))
    }
}

impl From<BTreeMap<ResourceId, Resource>> for Resources {
    fn from(all: BTreeMap<ResourceId, Resource>) -> Self {
        let mut by_type: BTreeMap<ResourceType, BTreeSet<ResourceId>> = BTreeMap::new();
        for id in all.keys() {
            by_type.entry(id.resource_type()).or_default().insert(id.clone());
        }
        Self { all, by_type, revision: Revision::default() }
    }
}

impl From<Resources> for BTreeMap<ResourceId, Resource> {
    fn from(resources: Resources) -> Self {
        resources.all
    }
}

impl<'a> IntoIterator for &'a Resources {
    type Item = (&'a ResourceId, &'a Resource);
    type IntoIter = btree_map::Iter<'a, ResourceId, Resource>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}

fn names(body: &Value, id: &ResourceId) -> bool {
    match body {
        Value::String(text) => text.eq_ignore_ascii_case(id.as_str()),
        Value::Object(object) => object.values().any(|value| names(value, id)),
        Value::Array(list) => list.iter().any(|value| names(value, id)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(rest: &str) -> ResourceId {
        let head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        ResourceId::parse(&format!("{head}/{rest}")).unwrap()
    }

    fn resources(ids: &[&str]) -> Resources {
        let mut resources = Resources::default();
        for rest in ids {
            let body = serde_json::Value::Null;
            let settled_at = Timestamp::from_millis(0);
            let resource = Resource { body, state: State::Succeeded, version: 0, settled_at };
            resources.insert(id(rest), resource);
        }
        resources
    }

    #[test]
    fn a_type_and_a_family_are_found_whatever_stands_between_and_after_a_removal() {
        let mut all = resources(&[
            "virtualNetworks/a",
            "virtualNetworks/a-b",
            "virtualNetworks/A/subnets/x",
            "virtualNetworks/a/subnets/y",
            "virtualNetworks/a-b/subnets/z",
        ]);
        let names = |found: Vec<(&ResourceId, &Resource)>| {
            found.iter().map(|(id, _)| id.name().to_owned()).collect::<Vec<_>>()
        };
        let network = id("virtualNetworks/a");
        assert_eq!(names(all.children(&network).collect()), ["x", "y"]);
        assert_eq!(names(all.of_type("microsoft.network/VirtualNetworks").collect()), ["a", "a-b"]);
        all.remove_if(|id| id.name() == "x");
        assert_eq!(names(all.within(&network).collect()), ["y"]);
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Resources>(&text).unwrap(), all);
    }
}
