//! What decides the draws? The seed, and which write of which resource it is: never the next number of a stream,
//! so that an extra read changes nobody's luck.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::ResourceId;
use crate::sim::reply::guid;

/// The seed of a world, and what was counted so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::sim) struct Chance {
    seed: u64,
    /// Writes accepted per resource. Survives a delete.
    ordinals: BTreeMap<ResourceId, u64>,
    reads: u64,
}

impl Chance {
    pub(in crate::sim) fn new(seed: u64) -> Self {
        Self { seed, ordinals: BTreeMap::new(), reads: 0 }
    }

    pub(in crate::sim) fn seed(&self) -> u64 {
        self.seed
    }

    /// Decides every draw anew.
    pub(in crate::sim) fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// How many writes of a resource were accepted.
    pub(in crate::sim) fn ordinal(&self, id: &ResourceId) -> u64 {
        self.ordinals.get(id).copied().unwrap_or(0)
    }

    /// Counts a write; which one of its resource it is, from 1.
    pub(in crate::sim) fn count(&mut self, id: &ResourceId) -> u64 {
        let ordinal = self.ordinals.entry(id.clone()).or_insert(0);
        *ordinal += 1;
        *ordinal
    }

    /// Counts a request that is known by its number alone, as text.
    pub(in crate::sim) fn count_read(&mut self) -> String {
        self.reads += 1;
        self.reads.to_string()
    }

    /// A name that Azure makes up: always the same for the same words in the same world.
    pub(in crate::sim) fn name(&self, words: &[&str]) -> String {
        let seed = self.seed.to_string();
        let mut all = vec![seed.as_str()];
        all.extend(words);
        guid(&all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_depends_on_the_seed_and_its_words_and_a_count_on_its_resource() {
        let mut one = Chance::new(7);
        assert_eq!(one.name(&["a", "b"]), guid(&["7", "a", "b"]));
        assert_ne!(one.name(&["a"]), Chance::new(8).name(&["a"]));
        let id = |name: &str| {
            let head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables";
            ResourceId::parse(&format!("{head}/{name}")).unwrap()
        };
        assert_eq!([one.count(&id("a")), one.count(&id("a")), one.count(&id("b"))], [1, 2, 1]);
        assert_eq!((one.ordinal(&id("a")), one.ordinal(&id("c"))), (2, 0));
        assert_eq!([one.count_read(), one.count_read()], ["1", "2"]);
    }
}
