//! What is a shared store made of? Its objects, what their names begin with, and how people name it.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;

use crate::engine::Entropy;
use crate::store::StoreError;

/// A store that several hosts reach.
#[derive(Clone)]
pub struct SharedStore {
    place: String,
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    chance: Option<Arc<dyn Entropy>>,
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
        Self { place: place.into(), objects, prefix, chance: None }
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
