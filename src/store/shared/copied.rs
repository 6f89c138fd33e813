//! How does a run get from one store into another, whole or not at all, and where is it driven from then on?
//!
//! A history is compared first: what is there already is left, what is missing is added, another one is refused.
//! Then it is read back and compared link by link. A copy that was cut goes on where it was.
//!
//! A run is driven from one place only, its home. A copy says where that is and is not driven; to move a run, the
//! copy is made, the old place is marked as a copy, and only then the mark of the new one goes.

use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::ObjectMeta;

use super::SharedJournal;
use super::beside;
use super::drivers::{self, DriverNote};
use super::objects::SharedStore;
use super::runs::place_of;
use crate::engine::{JournalError, Recorded};
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{Epoch, RunId, Seq, Timestamp};
use crate::store::obligations::from_journal;
use crate::store::schema::ChainLink;
use crate::store::{StateDir, StoreError, regular};

/// One end of a copy.
#[derive(Debug, Clone)]
pub enum StoreEnd {
    /// A state directory of this host.
    Local(StateDir),
    /// A store that several hosts reach.
    Shared(SharedStore),
}

/// Where a copied run is driven from afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyHome {
    /// From where it was: the copy is to be read.
    Stays,
    /// From where it is copied to: what it is copied from becomes the copy.
    Moves,
}

/// What became of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedRun {
    /// The run.
    pub run: RunId,
    /// The events that are there now.
    pub events: u64,
    /// How many of them were added.
    pub added: u64,
    /// The files that were put beside them.
    pub files: u64,
    /// Where it is driven from.
    pub home: String,
}

/// What is read at one end.
struct ReadRun {
    links: Vec<ChainLink>,
    events: Vec<Recorded>,
    files: Vec<(String, Vec<u8>)>,
    /// Where it is driven from, if not from there.
    kept_in: Option<String>,
}

impl StoreEnd {
    /// How people name it.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Local(state) => place_of(state),
            Self::Shared(store) => store.place().to_owned(),
        }
    }

    /// All its runs, the oldest first.
    ///
    /// # Errors
    /// They cannot be listed.
    pub async fn runs(&self) -> Result<Vec<RunId>, StoreError> {
        match self {
            Self::Local(state) => state.ids(),
            Self::Shared(store) => {
                let mut runs = drivers::runs(store).await?;
                runs.sort();
                Ok(runs)
            }
        }
    }

    /// Reads a run that nobody drives.
    async fn read(&self, run: &RunId, now: Timestamp) -> Result<ReadRun, StoreError> {
        match self {
            Self::Local(state) => {
                let links = state.links(run)?;
                let events = state.read(run)?;
                let folder = state.run_path(run);
                let file = |name: &str| {
                    let bytes = regular::read(&folder.join(name), FILE_BYTES_MAX).ok()?;
                    Some((name.to_owned(), bytes))
                };
                let files = beside::names().filter_map(file).collect();
                Ok(ReadRun { links, events, files, kept_in: state.kept_in(run)? })
            }
            Self::Shared(store) => {
                let Some(note) = store.driver(run).await? else {
                    return Err(StoreError::Unknown { text: run.to_string(), near: Vec::new() });
                };
                is_let_go(&note, now)?;
                let links = store.links(run).await?;
                let events = store.read(run).await?;
                let mut files = Vec::new();
                for (name, digest) in &note.beside {
                    let bytes = beside::read(store, (run, name, digest)).await?;
                    files.extend(bytes.map(|bytes| (name.clone(), bytes)));
                }
                Ok(ReadRun { links, events, files, kept_in: note.kept_in })
            }
        }
    }

    /// Says where the run is driven from, as far as this end is asked.
    async fn set_home(
        &self,
        run: &RunId,
        links: &[ChainLink],
        (home, now): (Option<&str>, Timestamp),
    ) -> Result<(), StoreError> {
        match self {
            Self::Local(state) => {
                let before = state.kept_in(run)?;
                state.set_home(run, home)?;
                // Marked first: nobody drives it from here any more, and whoever did meanwhile shows.
                if home.is_some() && state.links(run)?.len() != links.len() {
                    state.set_home(run, before.as_deref())?;
                    return Err(StoreError::WentOn(run.clone()));
                }
                Ok(())
            }
            Self::Shared(store) => {
                let kept_in = home.map(str::to_owned);
                let change = |note: &mut DriverNote| {
                    // It may have gone elsewhere since it was read; whoever has the mark opens its new home.
                    let other = note.kept_in.clone().filter(|_| kept_in.is_some());
                    if let Some(place) = other.filter(|place| Some(place) != kept_in.as_ref()) {
                        return Err(StoreError::KeptElsewhere { run: run.clone(), place });
                    }
                    note.kept_in.clone_from(&kept_in);
                    Ok(())
                };
                store.mark(run, (links.len(), now), change).await
            }
        }
    }
}

/// Refuses a run that somebody drives. One whose driver is silent may be copied; it can be copied again.
fn is_let_go(note: &DriverNote, now: Timestamp) -> Result<(), StoreError> {
    if note.drives && !note.is_silent(now) {
        let (run, holder) = (note.run.clone(), note.holder.clone());
        return Err(StoreError::Held { run, holder });
    }
    Ok(())
}

/// The first event that differs between two histories, of which one may be longer.
fn differs(one: &[ChainLink], other: &[ChainLink]) -> Option<Seq> {
    let differs = one.iter().zip(other).find(|(one, other)| one.head != other.head);
    differs.map(|(one, _)| one.head.seq)
}

/// Copies a run that nobody drives, and says what became of it.
///
/// # Errors
/// It is driven; another history of it is there already; it is a copy that cannot be moved; or one end does not
/// answer. What was there is as it was, or has more of the same history.
pub async fn copy_run(
    (from, to): (&StoreEnd, &StoreEnd),
    run: &RunId,
    home: CopyHome,
    now: Timestamp,
) -> Result<CopiedRun, StoreError> {
    let found = from.read(run, now).await?;
    let (source, target) = (from.place(), to.place());
    let elsewhere = found.kept_in.clone().filter(|place| *place != target);
    if let (CopyHome::Moves, Some(place)) = (home, elsewhere) {
        return Err(StoreError::KeptElsewhere { run: run.clone(), place });
    }
    let kept_in = found.kept_in.clone().unwrap_or_else(|| source.clone());
    // What is home already stays it.
    let mark = Some(kept_in.as_str()).filter(|place| *place != target);
    let (before, files) = match to {
        StoreEnd::Local(state) => write_local(state, run, &found, mark).await?,
        StoreEnd::Shared(store) => store.take_in((run, now), &found, mark).await?,
    };
    let there = match to {
        StoreEnd::Local(state) => state.links(run)?,
        StoreEnd::Shared(store) => store.links(run).await?,
    };
    // Read back: this is what `verified` means.
    if there.len() < found.links.len() || differs(&found.links, &there).is_some() {
        return Err(StoreError::NotReadBack { run: run.clone(), place: target });
    }
    let home = match home {
        CopyHome::Moves => {
            // Also where it was cut after the first of the two marks: whether that one held nobody knows.
            from.set_home(run, &found.links, (Some(&target), now)).await?;
            to.set_home(run, &there, (None, now)).await?;
            target
        }
        CopyHome::Stays => kept_in,
    };
    let events = there.len() as u64;
    Ok(CopiedRun { run: run.clone(), events, added: events - before, files, home })
}

/// Writes into a state directory; how many events were there, and how many files were written.
async fn write_local(
    state: &StateDir,
    run: &RunId,
    found: &ReadRun,
    mark: Option<&str>,
) -> Result<(u64, u64), StoreError> {
    let own = if state.has(run) { state.links(run)? } else { Vec::new() };
    if let Some(seq) = differs(&found.links, &own) {
        let place = place_of(state);
        return Err(StoreError::Diverged { run: run.clone(), seq, place });
    }
    let was_home = !own.is_empty() && state.kept_in(run)?.is_none();
    if own.len() < found.links.len() {
        let (copy, _, _) = state.mirror(run, &found.links, mark.unwrap_or_default())?;
        copy.close().await?;
    }
    if mark.is_none() || was_home {
        state.set_home(run, None)?;
    }
    let mut files = 0;
    // A home's own files are the newer ones.
    for (name, bytes) in found.files.iter().filter(|_| !was_home) {
        state.keep_beside(run, name, bytes)?;
        files += 1;
    }
    Ok((own.len() as u64, files))
}

impl SharedStore {
    /// Whether a journal of the run was begun here.
    async fn has_journal(&self, run: &RunId) -> Result<bool, StoreError> {
        let folder = self.database(run).join("manifest");
        let listing = self.objects().list(Some(&folder)).try_collect::<Vec<ObjectMeta>>().await;
        Ok(!listing.map_err(|error| self.failed(&error))?.is_empty())
    }

    /// Writes what was read elsewhere; how many events were there, and how many files were put beside them.
    async fn take_in(
        &self,
        (run, now): (&RunId, Timestamp),
        found: &ReadRun,
        mark: Option<&str>,
    ) -> Result<(u64, u64), StoreError> {
        let before = self.driver(run).await?;
        if let Some(note) = &before {
            is_let_go(note, now)?;
        }
        let own = if self.has_journal(run).await? { self.links(run).await? } else { Vec::new() };
        if let Some(seq) = differs(&found.links, &own) {
            let place = self.place().to_owned();
            return Err(StoreError::Diverged { run: run.clone(), seq, place });
        }
        let was_home = before.as_ref().is_some_and(|note| note.kept_in.is_none());
        if own.len() >= found.links.len() && before.is_some() {
            return Ok((own.len() as u64, 0));
        }
        let strange = |error: JournalError| self.strange(&error.to_string());
        let journal = SharedJournal::open(Arc::clone(self.objects()), self.database(run), run);
        let journal = journal.await.map_err(strange)?;
        let epoch = journal.lease().epoch();
        let written = async {
            let there = journal.links().await.map_err(strange)?;
            if let Some(seq) = differs(&found.links, &there) {
                let place = self.place().to_owned();
                return Err(StoreError::Diverged { run: run.clone(), seq, place });
            }
            let missing = found.links.get(there.len()..).unwrap_or_default();
            journal.put_back(missing).await.map_err(strange)
        };
        let written = written.await;
        let closed = journal.close().await;
        written?;
        closed.map_err(strange)?;
        let digests = beside::put_all(self, run, &found.files).await?;
        let files = digests.len() as u64;
        if let Ok(Some(owed)) = from_journal(run, &found.events) {
            beside::note_owed(self, &owed).await?;
        }
        let mut note = let_go_note((run, epoch), found, now);
        note.beside = digests;
        note.kept_in = mark.filter(|_| !was_home).map(str::to_owned);
        drivers::write(self, &note).await?;
        Ok((own.len() as u64, files))
    }

    /// Marks the run, which has so many events, under an epoch of its own: whoever opens it later sees the mark, and
    /// whoever opened it meanwhile is not marked away. Of two that mark, or of one and a driver, one gets through.
    pub(super) async fn mark(
        &self,
        run: &RunId,
        (events, now): (usize, Timestamp),
        change: impl Fn(&mut DriverNote) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut tries = 1;
        loop {
            let marked = self.try_to_mark(run, (events, now), &change).await;
            match marked? {
                Marked::Holds => return Ok(()),
                // Somebody opened it before the mark was confirmed; what they are about is seen now.
                Marked::Overtaken if tries < MARK_TRIES => tries += 1,
                Marked::Overtaken => return Err(StoreError::WentOn(run.clone())),
            }
        }
    }

    async fn try_to_mark(
        &self,
        run: &RunId,
        (events, now): (usize, Timestamp),
        change: &impl Fn(&mut DriverNote) -> Result<(), StoreError>,
    ) -> Result<Marked, StoreError> {
        let strange = |error: JournalError| self.strange(&error.to_string());
        let unknown = || StoreError::Unknown { text: run.to_string(), near: Vec::new() };
        let before = self.driver(run).await?.ok_or_else(unknown)?;
        is_let_go(&before, now)?;
        let journal = SharedJournal::open(Arc::clone(self.objects()), self.database(run), run);
        let journal = match journal.await {
            Ok(journal) => journal,
            Err(JournalError::Fenced { .. }) => return Ok(Marked::Overtaken),
            Err(error) => return Err(strange(error)),
        };
        let marked = async {
            // Whoever wrote it has lost the run by now. That they had only begun is no matter: they are told.
            let mut note = self.driver(run).await?.ok_or_else(unknown)?;
            if note.removed && !before.removed {
                return Err(unknown());
            }
            if journal.links().await.map_err(strange)?.len() != events {
                return Err(StoreError::WentOn(run.clone()));
            }
            change(&mut note)?;
            note.epoch = journal.lease().epoch();
            (note.at, note.drives) = (now, false);
            drivers::write(self, &note).await?;
            match journal.is_still_ours().await {
                Ok(()) => Ok(Marked::Holds),
                Err(JournalError::Fenced { .. }) => Ok(Marked::Overtaken),
                Err(error) => Err(strange(error)),
            }
        };
        let marked = marked.await;
        drop(journal.close().await);
        marked
    }
}

/// How often a mark is tried where others open the run as well.
const MARK_TRIES: u32 = 5;

/// What became of a mark.
enum Marked {
    /// Nobody opened the run before it was there: it holds for all.
    Holds,
    /// Somebody did, and may not have seen it.
    Overtaken,
}

/// The note of a run that nobody drives here.
fn let_go_note((run, epoch): (&RunId, Epoch), found: &ReadRun, now: Timestamp) -> DriverNote {
    let head = found.links.last().map_or(Seq::default(), |link| link.head.seq);
    let mut note = drivers::note((run, epoch, head), "copied".to_owned(), now);
    note.drives = false;
    note.take_in(&found.events);
    note
}
