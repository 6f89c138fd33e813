//! How does a run go from a shared store? It is marked first, under an epoch of its own, so that nobody drives it on;
//! the mark goes last, so that a removal that was cut is finished by the next one.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectMeta;

use super::drivers;
use super::objects::SharedStore;
use crate::model::{RunId, Timestamp};
use crate::store::StoreError;
use crate::store::retention::{Retention, RetiredRun, why_it_stays};

/// What lies in the store for a run; who drove it last of all.
const FOLDERS: [&str; 5] = ["inbox", "answers", "beside", "runs", "drivers"];

impl SharedStore {
    /// Removes the runs of this store that need not be kept; removes nothing where `dry`.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn retire(
        &self,
        kept: &Retention,
        now: Timestamp,
        dry: bool,
    ) -> Result<Vec<RetiredRun>, StoreError> {
        let claiming = self.claims().runs().await?;
        let mut retired = Vec::new();
        for run in kept.beyond(&drivers::runs(self).await?, now) {
            let stays = self.why_it_stays(&run, &claiming).await?;
            if stays.is_none() && !dry {
                self.remove_run(&run, now).await?;
            }
            retired.push(RetiredRun { run, stays });
        }
        Ok(retired)
    }

    async fn why_it_stays(
        &self,
        run: &RunId,
        claiming: &BTreeSet<RunId>,
    ) -> Result<Option<String>, StoreError> {
        let Some(note) = self.driver(run).await? else {
            return Ok(Some("who drove it cannot be read".to_owned()));
        };
        if note.removed {
            return Ok(None);
        }
        if note.drives {
            return Ok(Some(format!("{} drives it, or was lost", note.holder)));
        }
        if note.outcome.is_none() {
            return Ok(Some("it has not ended".to_owned()));
        }
        Ok(match self.read(run).await {
            Ok(events) => why_it_stays(run, &events, claiming),
            Err(error) => Some(error.to_string()),
        })
    }

    async fn remove_run(&self, run: &RunId, now: Timestamp) -> Result<(), StoreError> {
        if !self.driver(run).await?.is_some_and(|note| note.removed) {
            let links = self.links(run).await?;
            self.mark(run, (links.len(), now), |note| {
                note.removed = true;
                Ok(())
            })
            .await?;
        }
        for folder in FOLDERS {
            let folder = self.prefix().clone().join(folder).join(run.as_str());
            let fail = |error: object_store::Error| self.failed(&error);
            let listing = self.objects().list(Some(&folder)).try_collect();
            let mut listed: Vec<ObjectMeta> = listing.await.map_err(fail)?;
            // The newest note has the mark: it is the last of all.
            listed.sort_by(|a, b| a.location.cmp(&b.location));
            let paths = listed.into_iter().map(|meta| Ok(meta.location));
            let mut removing = self
                .objects()
                .delete_stream(futures::stream::iter(paths.collect::<Vec<_>>()).boxed());
            while let Some(removed) = removing.next().await {
                match removed {
                    Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(fail(error)),
                }
            }
        }
        Ok(())
    }
}
