//! What is a shared store made of? Its objects, what their names begin with, and how people name it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;

use super::counted::{CountedObjects, StoreCounter};
use super::secondary::SecondaryReads;
use crate::engine::Entropy;
use crate::store::{StoreCost, StoreError};

/// After how long without an answer of the store it is told that nothing new is begun.
pub(super) const TOLD_AFTER: Duration = Duration::from_secs(10);

/// A store that several hosts reach.
#[derive(Clone)]
pub struct SharedStore {
    place: String,
    objects: Arc<dyn ObjectStore>,
    counter: Arc<StoreCounter>,
    primary_lost: Arc<AtomicBool>,
    prefix: Path,
    chance: Option<Arc<dyn Entropy>>,
    patience: Duration,
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
        Self {
            place: place.into(),
            objects: Arc::new(objects),
            counter,
            primary_lost: Arc::default(),
            prefix,
            chance: None,
            patience: TOLD_AFTER,
        }
    }

    /// A store that is only read, at its secondary where the primary does not answer.
    #[must_use]
    pub fn to_read(
        place: impl Into<String>,
        (primary, secondary): (Arc<dyn ObjectStore>, Arc<dyn ObjectStore>),
        prefix: Path,
    ) -> Self {
        let lost = Arc::new(AtomicBool::new(false));
        let reads = SecondaryReads { primary, secondary, lost: Arc::clone(&lost) };
        Self { primary_lost: lost, ..Self::new(place, Arc::new(reads), prefix) }
    }

    /// Whether the primary has not answered, so that the last writes may be missing in what was read.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.primary_lost.load(Ordering::SeqCst)
    }

    /// What it was asked for by this process so far.
    #[must_use]
    pub fn cost(&self) -> StoreCost {
        self.counter.cost()
    }

    /// The same store, where what is named by chance is named by this one: asked once for each opening.
    #[must_use]
    pub fn with_chance(self, chance: Arc<dyn Entropy>) -> Self {
        Self { chance: Some(chance), ..self }
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

    /// The same store, whose answers are waited for so long before what is decided is kept aside.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) fn chance(&self) -> Option<[u8; 16]> {
        self.chance.as_ref().map(|chance| chance.bytes())
    }

    pub(super) fn failed(&self, error: &object_store::Error) -> StoreError {
        self.strange(&error.to_string())
    }

    pub(super) fn strange(&self, why: &str) -> StoreError {
        StoreError::Shared { place: self.place.clone(), why: why.to_owned() }
    }
}
