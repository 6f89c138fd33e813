//! What does a build without `shared-store` say where a run's journal would be opened? That it lacks the engine.

use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::ObjectStore;
use object_store::path::Path;

use super::super::schema::{ChainLink, Head};
use crate::engine::{Event, Journal, JournalError, Lease, Recorded};
use crate::model::{RunId, Seq, Timestamp};

/// The journal of a run in a shared store, which this build does not have.
#[derive(Debug)]
pub struct NoSharedJournal(Infallible);

fn missing() -> JournalError {
    JournalError::Store("this build of backroad lacks `shared-store`".to_owned())
}

impl NoSharedJournal {
    /// Opens none.
    ///
    /// # Errors
    /// Always.
    pub async fn open(_: Arc<dyn ObjectStore>, _: Path, _: &RunId) -> Result<Self, JournalError> {
        Err(missing())
    }

    pub(super) async fn open_by(
        _: Arc<dyn ObjectStore>,
        _: Path,
        _: &RunId,
        _: Option<[u8; 16]>,
    ) -> Result<Self, JournalError> {
        Err(missing())
    }

    /// There is none.
    #[must_use]
    pub fn lease(&self) -> Lease {
        match self.0 {}
    }

    pub(super) async fn head(&self) -> Head {
        match self.0 {}
    }

    pub(in crate::store) async fn links(&self) -> Result<Vec<ChainLink>, JournalError> {
        match self.0 {}
    }

    pub(in crate::store) async fn put_back(&self, _: &[ChainLink]) -> Result<(), JournalError> {
        match self.0 {}
    }

    pub(in crate::store) async fn append_linked(
        &self,
        _: &Lease,
        _: Seq,
        _: Timestamp,
        _: Vec<Event>,
    ) -> Result<(Vec<Recorded>, Vec<ChainLink>), JournalError> {
        match self.0 {}
    }

    pub(in crate::store) async fn is_still_ours(&self) -> Result<(), JournalError> {
        match self.0 {}
    }

    /// There is none.
    ///
    /// # Errors
    /// None.
    pub async fn close(&self) -> Result<(), JournalError> {
        match self.0 {}
    }
}

#[async_trait]
impl Journal for NoSharedJournal {
    async fn append(
        &self,
        _: &Lease,
        _: Seq,
        _: Timestamp,
        _: Vec<Event>,
    ) -> Result<Vec<Recorded>, JournalError> {
        match self.0 {}
    }

    async fn load(&self) -> Result<Vec<Recorded>, JournalError> {
        match self.0 {}
    }
}

/// Reads none.
pub(super) async fn read(
    _: Arc<dyn ObjectStore>,
    _: Path,
    _: &RunId,
    _: Option<[u8; 16]>,
) -> Result<Vec<ChainLink>, JournalError> {
    Err(missing())
}
