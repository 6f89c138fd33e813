//! What is Azure at work on? Every operation by its id, and which of them are not over.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;
use crate::sim::operation::Operation;

/// The operations there were. Those that are over stay, to be polled; those that are not are few.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Operation>", into = "BTreeMap<String, Operation>")]
pub(in crate::sim) struct Operations {
    all: BTreeMap<String, Operation>,
    /// Those that are not settled or still keep others from writing: always complete, never stored.
    open: BTreeSet<String>,
}

impl Operations {
    pub(in crate::sim) fn get(&self, id: &str) -> Option<&Operation> {
        self.all.get(id)
    }

    /// To count a poll, or to decide its end: what has settled is said by [`Self::settle`].
    pub(in crate::sim) fn get_mut(&mut self, id: &str) -> Option<&mut Operation> {
        self.all.get_mut(id)
    }

    pub(in crate::sim) fn insert(&mut self, operation: Operation) {
        self.open.insert(operation.id.clone());
        self.all.insert(operation.id.clone(), operation);
    }

    /// Its end has taken effect.
    pub(in crate::sim) fn settle(&mut self, id: &str) -> Option<&Operation> {
        let operation = self.all.get_mut(id)?;
        operation.settled = true;
        if operation.lingers.is_zero() {
            self.open.remove(id);
        }
        Some(operation)
    }

    /// Forgets the locks that nobody keeps any more.
    pub(in crate::sim) fn let_go(&mut self, now: Timestamp) {
        let Self { all, open } = self;
        open.retain(|id| all.get(id).is_some_and(|operation| operation.is_at_work(now)));
    }

    /// Those that are not settled or still keep others from writing, by id.
    pub(in crate::sim) fn open(&self) -> impl Iterator<Item = &Operation> {
        self.open.iter().filter_map(|id| self.all.get(id))
    }

    pub(in crate::sim) fn remove_if(&mut self, goes: impl Fn(&Operation) -> bool) {
        self.all.retain(|_, operation| !goes(operation));
        self.open.retain(|id| self.all.contains_key(id));
    }
}

impl From<BTreeMap<String, Operation>> for Operations {
    fn from(all: BTreeMap<String, Operation>) -> Self {
        let open =
            all.values().filter(|operation| !operation.settled || !operation.lingers.is_zero());
        Self { open: open.map(|operation| operation.id.clone()).collect(), all }
    }
}

impl From<Operations> for BTreeMap<String, Operation> {
    fn from(operations: Operations) -> Self {
        operations.all
    }
}
