//! Which run may touch which resource, across hosts? The claims of a shared store.
//!
//! Each change is a new object, one number higher, that must not exist yet: of two hosts that change the
//! claims at once one finds its number taken, reads again and decides again.

use std::collections::BTreeSet;

use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt as _, PutMode, PutOptions};

use super::objects::SharedStore;
use crate::model::{ResourceId, RunId};
use crate::store::StoreError;
use crate::store::claims::{ClaimError, ClaimLedger};

/// How often a change is decided anew because another host was quicker.
const TRIES_MAX: usize = 50;

/// Elder states that are kept, for people who ask how it came to this.
const KEPT: u64 = 20;

/// The claims of a shared store.
#[derive(Debug, Clone)]
pub struct SharedClaims {
    store: SharedStore,
}

impl SharedClaims {
    pub(super) fn new(store: SharedStore) -> Self {
        Self { store }
    }

    /// Claims all of the resources for a run, or none. What the run has already is kept.
    ///
    /// # Errors
    /// Another run has one of them at the same endpoint, on whichever host.
    pub async fn claim(
        &self,
        run: &RunId,
        endpoint: &str,
        resources: &[ResourceId],
    ) -> Result<(), ClaimError> {
        self.with(|ledger| ledger.claim(run, endpoint, resources)).await
    }

    /// Gives back everything that a run has claimed.
    ///
    /// # Errors
    /// The claims cannot be read or written.
    pub async fn release(&self, run: &RunId) -> Result<(), ClaimError> {
        self.with(|ledger| {
            ledger.release(run);
            Ok(())
        })
        .await
    }

    /// The runs that have claimed something.
    pub(super) async fn runs(&self) -> Result<BTreeSet<RunId>, StoreError> {
        for _ in 0..TRIES_MAX {
            let number = self.newest().await.map_err(|error| self.store.failed(&error))?;
            if number == 0 {
                break;
            }
            match self.store.objects().get(&self.name(number)).await {
                Ok(got) => {
                    let bytes = got.bytes().await.map_err(|error| self.store.failed(&error))?;
                    let ledger = ClaimLedger::read(&bytes);
                    return ledger
                        .map(|ledger| ledger.runs())
                        .map_err(|why| self.store.strange(&why));
                }
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(self.store.failed(&error)),
            }
        }
        Ok(BTreeSet::new())
    }

    fn folder(&self) -> Path {
        self.store.prefix().clone().join("claims")
    }

    fn name(&self, number: u64) -> Path {
        self.folder().join(format!("{number:020}.json"))
    }

    async fn with(
        &self,
        work: impl Fn(&mut ClaimLedger) -> Result<(), ClaimError>,
    ) -> Result<(), ClaimError> {
        let fail = |error: Error| ClaimError::Store(self.store.failed(&error));
        let damaged = |why: String| {
            ClaimError::Store(StoreError::Shared { place: self.store.place().to_owned(), why })
        };
        for _ in 0..TRIES_MAX {
            let number = self.newest().await.map_err(fail)?;
            let mut ledger = match number {
                0 => ClaimLedger::default(),
                number => match self.store.objects().get(&self.name(number)).await {
                    Ok(got) => {
                        let bytes = got.bytes().await.map_err(fail)?;
                        ClaimLedger::read(&bytes).map_err(damaged)?
                    }
                    // Others have gone on and cleared it away.
                    Err(Error::NotFound { .. }) => continue,
                    Err(error) => return Err(fail(error)),
                },
            };
            let before = ledger.clone();
            work(&mut ledger)?;
            if ledger == before {
                return Ok(());
            }
            let bytes = ledger.text().map_err(damaged)?;
            let options = PutOptions::from(PutMode::Create);
            match self.store.objects().put_opts(&self.name(number + 1), bytes.into(), options).await
            {
                Ok(_) => {
                    if let Some(old) = (number + 1).checked_sub(KEPT).filter(|old| *old > 0) {
                        // Clearing away is no part of the promise.
                        drop(self.store.objects().delete(&self.name(old)).await);
                    }
                    return Ok(());
                }
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {}
                Err(error) => return Err(fail(error)),
            }
        }
        Err(damaged("the claims change without end; try again in a moment".to_owned()))
    }

    async fn newest(&self) -> Result<u64, Error> {
        let folder = self.folder();
        let listed: Vec<object_store::ObjectMeta> =
            self.store.objects().list(Some(&folder)).try_collect().await?;
        let number = |meta: &object_store::ObjectMeta| {
            meta.location.filename()?.strip_suffix(".json")?.parse::<u64>().ok()
        };
        Ok(listed.iter().filter_map(number).max().unwrap_or(0))
    }
}
