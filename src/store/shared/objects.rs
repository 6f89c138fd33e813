//! What is a shared store made of? Its objects, what their names begin with, and how people name it.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;

use super::counted::{CountedObjects, StoreCounter};
use crate::store::{StoreCost, StoreError};

/// A store that several hosts reach.
#[derive(Clone)]
pub struct SharedStore {
    place: String,
    objects: Arc<dyn ObjectStore>,
    counter: Arc<StoreCounter>,
    prefix: Path,
}

impl std::fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The objects' own form may print how they sign.
        f.debug_struct("SharedStore").field("place", &self.place).finish_non_exhaustive()
    }
}

impl SharedStore {
    /// A store: how people name it, its objects, and what their names begin with.
    #[must_use]
    pub fn new(place: impl Into<String>, objects: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        let counter = Arc::new(StoreCounter::default());
        let objects = CountedObjects { inner: objects, counter: Arc::clone(&counter) };
        Self { place: place.into(), objects: Arc::new(objects), counter, prefix }
    }

    /// What it was asked for by this process so far.
    #[must_use]
    pub fn cost(&self) -> StoreCost {
        self.counter.cost()
    }

    /// How people name it.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }

    pub(super) fn failed(&self, error: &object_store::Error) -> StoreError {
        self.strange(&error.to_string())
    }

    pub(super) fn strange(&self, why: &str) -> StoreError {
        StoreError::Shared { place: self.place.clone(), why: why.to_owned() }
    }
}
