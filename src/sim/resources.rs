//! Which resources are there? By id, and by type, since most questions are about one type.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::world::Resource;
use crate::model::{ResourceId, ResourceType};

/// The resources, in the order of their ids.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<ResourceId, Resource>", into = "BTreeMap<ResourceId, Resource>")]
pub(super) struct Resources {
    all: BTreeMap<ResourceId, Resource>,
    /// The same ids under their types: always complete, never stored.
    by_type: BTreeMap<ResourceType, BTreeSet<ResourceId>>,
    /// Grows whenever one of them may have changed: says nothing between two values, and is never stored.
    revision: u64,
}

impl PartialEq for Resources {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Resources {
    /// Equal, of one value at two times: nothing has changed in between.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn get(&self, id: &ResourceId) -> Option<&Resource> {
        self.all.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &ResourceId) -> Option<&mut Resource> {
        self.revision += 1;
        self.all.get_mut(id)
    }

    pub(super) fn contains_key(&self, id: &ResourceId) -> bool {
        self.all.contains_key(id)
    }

    pub(super) fn insert(&mut self, id: ResourceId, resource: Resource) -> Option<Resource> {
        self.revision += 1;
        self.by_type.entry(id.resource_type()).or_default().insert(id.clone());
        self.all.insert(id, resource)
    }

    pub(super) fn remove(&mut self, id: &ResourceId) -> Option<Resource> {
        self.revision += 1;
        if let Some(ids) = self.by_type.get_mut(&id.resource_type()) {
            ids.remove(id);
        }
        self.all.remove(id)
    }

    /// Removes those of which `goes` says so.
    pub(super) fn remove_if(&mut self, goes: impl Fn(&ResourceId) -> bool) {
        let gone: Vec<ResourceId> = self.all.keys().filter(|id| goes(id)).cloned().collect();
        for id in gone {
            self.remove(&id);
        }
    }

    pub(super) fn iter(&self) -> btree_map::Iter<'_, ResourceId, Resource> {
        self.all.iter()
    }

    pub(super) fn keys(&self) -> btree_map::Keys<'_, ResourceId, Resource> {
        self.all.keys()
    }

    pub(super) fn values_mut(&mut self) -> btree_map::ValuesMut<'_, ResourceId, Resource> {
        self.revision += 1;
        self.all.values_mut()
    }

    /// Those of a type, by id.
    pub(super) fn of_type(&self, kind: &str) -> impl Iterator<Item = (&ResourceId, &Resource)> {
        let ids = ResourceType::parse(kind).ok().and_then(|kind| self.by_type.get(&kind));
        ids.into_iter().flatten().filter_map(|id| self.all.get_key_value(id))
    }

    /// What is inside a resource, itself not among it, by id.
    pub(super) fn within(&self, id: &ResourceId) -> impl Iterator<Item = (&ResourceId, &Resource)> {
        let below = format!("{}/", id.key());
        let from = (Bound::Included(below.as_str()), Bound::Unbounded);
        // The keys that begin with a text stand side by side.
        let side_by_side = self.all.range::<str, _>(from);
        side_by_side.take_while(move |(other, _)| other.key().starts_with(&below))
    }

    /// The children of a resource, of every kind, by id.
    pub(super) fn children(
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
        Self { all, by_type, revision: 0 }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::sim::world::State;

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
