//! What of a run is kept besides its journal, so that any host can report and prove it? Its files, and what it owes.
//!
//! Whoever drives the run puts them there while they change, and once more at the end; the driver's note says
//! which there are, by digest. Whoever looks fetches what differs. The journal is the truth: nothing here is
//! needed to drive a run on, and a driver does not wait for it.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};

use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use super::drivers::DriverNote;
use super::objects::SharedStore;
use crate::model::RunId;
use crate::store::obligations::Owed;
use crate::store::{StateDir, StoreError, files, regular};

/// Small files that are put there as they change.
const WHILE_DRIVEN: [&str; 5] =
    ["runbook.yaml", "estate.json", "reached.json", "strikes.json", "outbox.json"];

/// The log, which grows: put there now and then.
const LOG: &str = "run.log";

/// A drill's world: put there when its driver has let it go, since one that is older than the journal is none.
const WORLD: [&str; 2] = ["world.json", "world.log"];

/// Larger files stay where they are: a log ends before it is so large.
const FILE_BYTES_MAX: u64 = 33 << 20;

/// A log that is larger is put there at the end only.
const LOG_BYTES_WHILE_DRIVEN: u64 = 1 << 20;

/// What a driver has put beside its journal.
#[derive(Debug)]
pub(super) struct BesideFiles {
    /// None where nothing is written beside it on this host.
    state: Option<StateDir>,
    run: RunId,
    /// By name: how the file looked, without reading it, and its digest.
    put: BTreeMap<String, (Option<FileLook>, String)>,
    owed: Option<Vec<String>>,
}

/// Length and time of a file: one that has both as before is not read again.
type FileLook = (u64, std::time::SystemTime);

/// How much is put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PutHow {
    /// What is small.
    Small,
    /// The log as well.
    WithLog,
    /// All: the run has been let go.
    All,
}

fn name(store: &SharedStore, run: &RunId, name: &str) -> Path {
    store.prefix().clone().join("beside").join(run.as_str()).join(name)
}

fn owed_name(store: &SharedStore, run: &RunId) -> Path {
    store.prefix().clone().join("owed").join(format!("{run}.json"))
}

impl BesideFiles {
    /// Of a run that is driven here; what lies in the store already is known by the note of whoever drove it.
    pub(super) fn new(state: StateDir, run: &RunId, before: Option<&DriverNote>) -> Self {
        let known = before.map(|note| note.beside.clone()).unwrap_or_default();
        let put = known.into_iter().map(|(name, digest)| (name, (None, digest))).collect();
        Self { state: Some(state), put, ..Self::none(run) }
    }

    /// Of a run of which nothing is kept on this host.
    pub(super) fn none(run: &RunId) -> Self {
        Self { state: None, run: run.clone(), put: BTreeMap::new(), owed: None }
    }

    /// The digests of what lies in the store.
    pub(super) fn digests(&self) -> BTreeMap<String, String> {
        self.put.iter().map(|(name, (_, digest))| (name.clone(), digest.clone())).collect()
    }

    /// Puts there what has changed; says whether anything had.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) async fn put(
        &mut self,
        store: &SharedStore,
        how: PutHow,
    ) -> Result<bool, StoreError> {
        let Some(state) = self.state.clone() else { return Ok(false) };
        let log = (how != PutHow::Small).then_some(LOG);
        let world = if how == PutHow::All { &WORLD[..] } else { &[] };
        let mut changed = false;
        for wanted in WHILE_DRIVEN.iter().chain(world).copied().chain(log) {
            let path = state.run_path(&self.run).join(wanted);
            let most = match (wanted, how) {
                (LOG, PutHow::Small | PutHow::WithLog) => LOG_BYTES_WHILE_DRIVEN,
                _ => FILE_BYTES_MAX,
            };
            let Some(look) = look_at(&path).filter(|(length, _)| *length <= most) else { continue };
            let known = self.put.get(wanted);
            if known.is_some_and(|(last, _)| *last == Some(look)) {
                continue;
            }
            // A file that goes away meanwhile, or cannot be read, is none.
            let Some(bytes) = read_aside(path, most).await else { continue };
            let digest = blake3::hash(&bytes).to_hex().to_string();
            if known.is_none_or(|(_, last)| *last != digest) {
                let put = store.objects().put(&name(store, &self.run, wanted), bytes.into()).await;
                put.map_err(|error| store.failed(&error))?;
                changed = true;
            }
            self.put.insert(wanted.to_owned(), (Some(look), digest));
        }
        self.put_owed(store, &state).await?;
        Ok(changed)
    }

    /// Notes what the run owes; that it owes nothing is the absence of a note.
    async fn put_owed(&mut self, store: &SharedStore, state: &StateDir) -> Result<(), StoreError> {
        let note = state.obligations().of(&self.run);
        let now = note.as_ref().map(|owed| owed.obligations.clone()).unwrap_or_default();
        if self.owed.as_ref() == Some(&now) {
            return Ok(());
        }
        let path = owed_name(store, &self.run);
        let fail = |error: object_store::Error| store.failed(&error);
        match note.filter(|_| !now.is_empty()) {
            Some(owed) => note_owed(store, &owed).await?,
            None => match store.objects().delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(fail(error)),
            },
        }
        self.owed = Some(now);
        Ok(())
    }
}

fn look_at(path: &FilePath) -> Option<FileLook> {
    let found = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some((found.len(), found.modified().ok()?))
}

async fn read_aside(path: PathBuf, most: u64) -> Option<Vec<u8>> {
    // A disk that hangs must not hold up what else this process does.
    tokio::task::spawn_blocking(move || regular::read(&path, most).ok()).await.ok()?
}

/// Whether a file may be taken from there: a world that its driver did not let go may be older than the journal.
fn may_be_taken(note: &DriverNote, wanted: &str) -> bool {
    !WORLD.contains(&wanted) || (!note.drives && note.outcome.is_some())
}

/// One file as it lies in the store; none where it is not what the note says.
pub(super) async fn read(
    store: &SharedStore,
    (run, wanted, digest): (&RunId, &str, &str),
) -> Result<Option<Vec<u8>>, StoreError> {
    let got = match store.objects().get(&name(store, run, wanted)).await {
        Ok(got) => got.bytes().await.map_err(|error| store.failed(&error))?,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(store.failed(&error)),
    };
    Ok((blake3::hash(&got).to_hex().as_str() == digest).then(|| got.to_vec()))
}

/// Puts files of another store beside a run, and gives their digests.
pub(super) async fn put_all(
    store: &SharedStore,
    run: &RunId,
    found: &[(String, Vec<u8>)],
) -> Result<BTreeMap<String, String>, StoreError> {
    let mut digests = BTreeMap::new();
    for (wanted, bytes) in found {
        let put = store.objects().put(&name(store, run, wanted), bytes.clone().into()).await;
        put.map_err(|error| store.failed(&error))?;
        digests.insert(wanted.clone(), blake3::hash(bytes).to_hex().to_string());
    }
    Ok(digests)
}

/// The names of all files that may lie beside a journal.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WHILE_DRIVEN.into_iter().chain(WORLD).chain([LOG])
}

/// Fetches into the state directory what the note says and what is not there as it says; how many files.
///
/// # Errors
/// The store does not answer, or the disk refuses.
pub(super) async fn fetch(
    store: &SharedStore,
    state: &StateDir,
    note: &DriverNote,
) -> Result<usize, StoreError> {
    let folder = state.run_path(&note.run);
    let mut fetched = 0;
    for (wanted, digest) in &note.beside {
        if !names().any(|name| name == wanted) || !may_be_taken(note, wanted) {
            continue;
        }
        let path = folder.join(wanted);
        let here = read_aside(path.clone(), FILE_BYTES_MAX).await;
        if here.is_some_and(|here| blake3::hash(&here).to_hex().as_str() == digest) {
            continue;
        }
        // Whoever drives it may be putting the next one there: this one is as good as it comes.
        let Some(bytes) = read(store, (&note.run, wanted, digest)).await? else { continue };
        files::private_dir(&folder)?;
        files::write_atomically(&path, &bytes)?;
        fetched += 1;
    }
    Ok(fetched)
}

/// Removes a drill's world that this host has from before another drove the run: it is no world of this journal.
pub(super) fn forget_world(state: &StateDir, run: &RunId) -> Result<(), StoreError> {
    let folder = state.run_path(run);
    WORLD.iter().try_for_each(|name| files::remove_durably(&folder.join(name)))
}

/// What runs of this store owe, as whoever drove them noted it. One listing, and a request for each that owes.
///
/// # Errors
/// The store does not answer, or a note cannot be read.
pub(super) async fn owed(store: &SharedStore) -> Result<Vec<Owed>, StoreError> {
    let folder = store.prefix().clone().join("owed");
    let fail = |error: object_store::Error| store.failed(&error);
    let listed: Vec<object_store::ObjectMeta> =
        store.objects().list(Some(&folder)).try_collect().await.map_err(fail)?;
    let mut owed = Vec::new();
    for meta in listed {
        let got = match store.objects().get(&meta.location).await {
            Ok(got) => got.bytes().await.map_err(fail)?,
            Err(object_store::Error::NotFound { .. }) => continue,
            Err(error) => return Err(fail(error)),
        };
        let note = serde_json::from_slice::<Owed>(&got);
        owed.push(note.map_err(|error| store.strange(&format!("{}: {error}", meta.location)))?);
    }
    owed.sort_by(|one, other| one.run.cmp(&other.run));
    Ok(owed)
}

/// Notes of a copied run what it owes.
pub(super) async fn note_owed(store: &SharedStore, owed: &Owed) -> Result<(), StoreError> {
    if owed.obligations.is_empty() {
        return Ok(());
    }
    let bytes = serde_json::to_vec_pretty(owed);
    let bytes = bytes.map_err(|error| store.strange(&error.to_string()))?;
    let put = store.objects().put(&owed_name(store, &owed.run), bytes.into()).await;
    put.map(drop).map_err(|error| store.failed(&error))
}
