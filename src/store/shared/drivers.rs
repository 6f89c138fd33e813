//! Who drives which run, from which host, and were they heard of lately? One note for each opening.
//!
//! A note is named by the run and the writer's epoch, so that no driver ever writes another's. The store
//! says when it was written last; a driver writes its own again and again while it lives.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::objects::SharedStore;
use crate::engine::{Event, Recorded, RunKind, RunTarget};
use crate::model::{Epoch, RunId, RunOutcome, Seq, StepName, Timestamp};
use crate::store::{StoreCost, StoreError, holder_name};

/// How often a driver says that it lives.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(30);

/// After how long without a word a driver counts as silent: three heartbeats that did not arrive, and half
/// of one for the clocks.
pub const SILENT_AFTER: Duration = Duration::from_secs(105);

/// A driver that wrote within this time of the last one of all may be driving; so many are looked at.
const LATELY_SECONDS: i64 = 300;
const LATELY_MAX: usize = 200;

/// How many notes are asked for at once.
const AT_ONCE: usize = 32;

/// A note is a few hundred bytes.
const NOTE_BYTES_MAX: u64 = 64 << 10;

/// What a driver says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverNote {
    /// The run.
    pub run: RunId,
    /// Its writer's epoch.
    pub epoch: Epoch,
    /// Its host and process, for people.
    pub holder: String,
    /// The host and its state directory: whoever shares them can tell by a lock whether it lives.
    pub place: String,
    /// When it opened the run, by its host's clock.
    pub since: Timestamp,
    /// When it wrote this, by its host's clock.
    pub at: Timestamp,
    /// How far the journal had come.
    pub head: Seq,
    /// Whether it still drives the run: not once it has let it go in order.
    pub drives: bool,
    /// The runbook's name, as soon as the journal says it.
    pub runbook: Option<String>,
    /// What kind of run it is, as soon as the journal says it; notes of before this was written have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<RunKind>,
    /// The steps at which people are asked something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<StepName>,
    /// How the run ended, if it did.
    pub outcome: Option<RunOutcome>,
    /// Where the run is driven from, if not from this store: what lies here is a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<String>,
    /// Whether the run is being removed: what is left of it is no run any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// The files beside the journal, by name: their digests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub beside: BTreeMap<String, String>,
    /// What the store was asked for by this driver, until it wrote this.
    #[serde(default)]
    pub cost: StoreCost,
    /// When the store itself says that this was written; not part of the note.
    #[serde(skip)]
    pub heard: Option<Timestamp>,
}

impl DriverNote {
    /// Whether nothing was heard of a driver for so long that its host may be lost.
    #[must_use]
    pub fn is_silent(&self, now: Timestamp) -> bool {
        self.drives && self.heard.is_none_or(|heard| now.since(heard) > SILENT_AFTER)
    }

    /// Takes in what events say of the run.
    pub(super) fn take_in(&mut self, recorded: &[Recorded]) {
        for Recorded { event, .. } in recorded {
            match event {
                Event::RunOpened { plan, mode, endpoint, against, .. } => {
                    self.runbook = Some(plan.parts().runbook.to_string());
                    let target = against.unwrap_or_else(|| RunTarget::of(*mode, endpoint));
                    self.kind = Some(RunKind::of(*mode, target));
                }
                Event::GateOpened { step, .. } => self.asks.push(step.clone()),
                // Of several people one has answered.
                Event::Approved { .. } => {}
                Event::RunEnded { outcome } => {
                    self.outcome = Some(*outcome);
                    self.asks.clear();
                }
                // It goes on.
                Event::Reopened { .. }
                | Event::UndoRequested { .. }
                | Event::SettleRequested { .. } => self.outcome = None,
                other => self.asks.retain(|step| other.step() != Some(step)),
            }
        }
    }

    /// How far its host's clock is before the store's (after it: negative), in milliseconds, as of its last word.
    #[must_use]
    pub fn skew_ms(&self) -> Option<i64> {
        self.heard.map(|heard| self.at.as_millis() - heard.as_millis())
    }
}

/// Who a note is written by, on this host.
pub(super) fn note(
    (run, epoch, head): (&RunId, Epoch, Seq),
    place: String,
    now: Timestamp,
) -> DriverNote {
    DriverNote {
        run: run.clone(),
        epoch,
        holder: holder_name(),
        place,
        since: now,
        at: now,
        head,
        drives: true,
        runbook: None,
        kind: None,
        asks: Vec::new(),
        outcome: None,
        kept_in: None,
        removed: false,
        beside: BTreeMap::new(),
        cost: StoreCost::default(),
        heard: None,
    }
}

fn folder(prefix: &Path) -> Path {
    prefix.clone().join("drivers")
}

fn name(prefix: &Path, run: &RunId, epoch: Epoch) -> Path {
    folder(prefix).join(run.as_str()).join(format!("{:020}.json", epoch.0))
}

/// Writes a driver's note over its own earlier one.
pub(super) async fn write(store: &SharedStore, note: &DriverNote) -> Result<(), StoreError> {
    let bytes =
        serde_json::to_vec_pretty(note).map_err(|error| store.strange(&error.to_string()))?;
    let put = store.objects().put(&name(store.prefix(), &note.run, note.epoch), bytes.into()).await;
    put.map(drop).map_err(|error| store.failed(&error))
}

/// The runs of a store as one listing has them, and where the newest note of each lies; no note is read for it.
#[derive(Debug, Clone, Default)]
pub struct ListedRuns(BTreeMap<RunId, object_store::ObjectMeta>);

impl ListedRuns {
    /// The runs, the oldest first.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = &RunId> {
        self.0.keys()
    }

    /// Whether a run is among them.
    #[must_use]
    pub fn has(&self, run: &RunId) -> bool {
        self.0.contains_key(run)
    }
}

/// The newest note of each run, the newest runs first; so many, and those that are driven, however old they are. A
/// request for each that is shown.
///
/// # Errors
/// The store does not answer. A note that cannot be read is left out.
pub(super) async fn newest(
    store: &SharedStore,
    listed: &ListedRuns,
    page: usize,
) -> Result<Vec<DriverNote>, StoreError> {
    // By the store's own times: whoever drives a run writes every half a minute.
    let last = listed.0.values().map(|meta| meta.last_modified).max();
    let is_lately = |meta: &object_store::ObjectMeta| {
        last.is_some_and(|last| (last - meta.last_modified).num_seconds() < LATELY_SECONDS)
    };
    let (mut shown, mut lately) = (0, 0);
    let chosen = listed.0.values().rev().filter(|meta| {
        shown += 1;
        let beyond = shown > page && is_lately(meta) && lately < LATELY_MAX;
        lately += usize::from(beyond);
        shown <= page || beyond
    });
    let notes = noted(store, chosen.cloned().collect()).await?;
    let shown = notes.into_iter().enumerate();
    let shown = shown.filter_map(|(place, note)| note.filter(|note| place < page || note.drives));
    Ok(shown.collect())
}

/// The newest notes of some of the runs that were listed: a request for each.
///
/// # Errors
/// As [`newest`].
pub(super) async fn of_some(
    store: &SharedStore,
    listed: &ListedRuns,
    runs: &[RunId],
) -> Result<Vec<DriverNote>, StoreError> {
    let chosen = runs.iter().filter_map(|run| listed.0.get(run)).cloned().collect();
    Ok(noted(store, chosen).await?.into_iter().flatten().collect())
}

async fn noted(
    store: &SharedStore,
    chosen: Vec<object_store::ObjectMeta>,
) -> Result<Vec<Option<DriverNote>>, StoreError> {
    let asked = chosen.into_iter().map(|meta| one(store, meta));
    futures::stream::iter(asked).buffered(AT_ONCE).try_collect().await
}

/// The runs of which there is a note.
pub(super) async fn runs(store: &SharedStore) -> Result<Vec<RunId>, StoreError> {
    Ok(listing(store).await?.0.into_keys().collect())
}

/// Where the newest note of each run lies.
///
/// # Errors
/// The store does not answer.
pub(super) async fn listing(store: &SharedStore) -> Result<ListedRuns, StoreError> {
    let folder = folder(store.prefix());
    let fail = |error: object_store::Error| store.failed(&error);
    let mut newest: BTreeMap<RunId, object_store::ObjectMeta> = BTreeMap::new();
    let mut listing = store.objects().list(Some(&folder));
    while let Some(meta) = listing.try_next().await.map_err(fail)? {
        let mut parts = meta.location.parts().rev();
        let (Some(_), Some(run)) = (parts.next(), parts.next()) else { continue };
        let Ok(run) = RunId::parse(run.as_ref()) else { continue };
        if newest.get(&run).is_none_or(|other| other.location < meta.location) {
            newest.insert(run, meta);
        }
    }
    Ok(ListedRuns(newest))
}

async fn one(
    store: &SharedStore,
    meta: object_store::ObjectMeta,
) -> Result<Option<DriverNote>, StoreError> {
    if meta.size > NOTE_BYTES_MAX {
        return Ok(None);
    }
    let got = match store.objects().get(&meta.location).await {
        Ok(got) => got.bytes().await,
        Err(error) => Err(error),
    };
    let bytes = match got {
        Ok(bytes) => bytes,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(store.failed(&error)),
    };
    let heard = Timestamp::from_millis(meta.last_modified.timestamp_millis());
    let note = serde_json::from_slice::<DriverNote>(&bytes).ok();
    Ok(note.map(|note| DriverNote { heard: Some(heard), ..note }))
}

/// The newest note of one run.
pub(super) async fn of(store: &SharedStore, run: &RunId) -> Result<Option<DriverNote>, StoreError> {
    match listed(store, run).await?.pop() {
        Some(meta) => one(store, meta).await,
        None => Ok(None),
    }
}

/// All notes of one run, the eldest first.
pub(super) async fn all(store: &SharedStore, run: &RunId) -> Result<Vec<DriverNote>, StoreError> {
    let mut notes = Vec::new();
    for meta in listed(store, run).await? {
        notes.extend(one(store, meta).await?);
    }
    Ok(notes)
}

async fn listed(
    store: &SharedStore,
    run: &RunId,
) -> Result<Vec<object_store::ObjectMeta>, StoreError> {
    let folder = folder(store.prefix()).join(run.as_str());
    let listing = store.objects().list(Some(&folder)).try_collect();
    let mut listed: Vec<object_store::ObjectMeta> =
        listing.await.map_err(|error| store.failed(&error))?;
    listed.sort_by(|a, b| a.location.cmp(&b.location));
    Ok(listed)
}
