//! What did this host record that the shared store never got? A file beside the run: put into the store once it
//! can be, told where others went on without it, and never dropped.
//!
//! It holds what was decided after the last event that is durable: the events of the append that did not get
//! through, and the answers to writes that came meanwhile.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::super::files;
use super::super::schema::{self, ChainLink, FORMAT, Head, genesis};
use crate::engine::{Aside, Event};
use crate::model::{Epoch, RunId, Seq, Timestamp};
use crate::store::StoreError;

/// What this host recorded and nobody else has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unshared {
    format: u32,
    /// The run.
    pub run: RunId,
    /// The shared store that did not get it.
    pub place: String,
    /// The epoch of who recorded it.
    pub epoch: Epoch,
    /// The event of the journal after which it was decided.
    pub after: Seq,
    /// The hash of the chain there.
    hash: String,
    /// What was recorded, in its order.
    pub batches: Vec<AsideBatch>,
}

/// Events that were decided at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AsideBatch {
    /// When.
    pub at: Timestamp,
    /// What.
    pub events: Vec<Event>,
}

/// A file in which this host keeps what its shared store does not have.
#[derive(Debug, Clone, PartialEq)]
pub struct LyingAside {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub unshared: Unshared,
    /// Whether the journal is known to have gone on without it: it is kept for people, and nothing comes of it.
    pub passed: bool,
}

/// How what was kept aside stands to a journal.
#[derive(Debug, PartialEq)]
pub(super) enum AsideStanding {
    /// All of it is in the journal: only the answer of the store was lost.
    There,
    /// Nobody went on without it: this follows.
    Follows(Vec<AsideBatch>),
    /// The journal went on without it.
    Passed,
}

impl Unshared {
    /// How many events it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.batches.iter().map(|batch| batch.events.len()).sum()
    }

    /// What it says, for people: the events by their names, and the steps that they are about.
    #[must_use]
    pub fn told(&self) -> String {
        let all = self.batches.iter().flat_map(|batch| &batch.events);
        let one = |event: &Event| match event.step() {
            Some(step) => format!("{} {step}", event.kind()),
            None => event.kind(),
        };
        all.map(one).collect::<Vec<_>>().join(", ")
    }

    /// How it stands to the events that are durable.
    pub(super) fn against(&self, links: &[ChainLink]) -> AsideStanding {
        let base = usize::try_from(self.after.0).unwrap_or(usize::MAX);
        let at_base = match base.checked_sub(1) {
            None => Some(genesis(&self.run)),
            Some(last) => links.get(last).map(|link| link.head),
        };
        if at_base.is_none_or(|head| head.hash.hex() != self.hash) {
            return AsideStanding::Passed;
        }
        let mut there = links.get(base..).unwrap_or_default().iter();
        let mut left = self.batches.clone();
        for batch in &mut left {
            while let Some(event) = batch.events.first() {
                match there.next() {
                    Some(link) if is(link, batch.at, event) => drop(batch.events.remove(0)),
                    Some(_) => return AsideStanding::Passed,
                    None => break,
                }
            }
            if !batch.events.is_empty() {
                break;
            }
        }
        left.retain(|batch| !batch.events.is_empty());
        if left.is_empty() {
            return AsideStanding::There;
        }
        // What nobody began is not put there: an intent that was never durable was never sent.
        let mut about = Vec::new();
        for batch in left.iter_mut().rev() {
            let mut kept = Vec::new();
            for event in batch.events.drain(..).rev() {
                let bare = matches!(&event, Event::Intended { step, .. } if !about.contains(step));
                if !bare {
                    about.extend(event.step().cloned());
                    kept.push(event);
                }
            }
            kept.reverse();
            batch.events = kept;
        }
        left.retain(|batch| !batch.events.is_empty());
        AsideStanding::Follows(left)
    }

    fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(bytes) = files::read_if_there(path)? else { return Ok(None) };
        let damaged = |why: String| StoreError::Damaged { path: path.to_owned(), why };
        let read: Self = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
        if read.format > FORMAT {
            let (path, found) = (path.to_owned(), read.format);
            return Err(StoreError::Newer { path, found, known: FORMAT });
        }
        Ok(Some(read))
    }
}

fn is(link: &ChainLink, at: Timestamp, event: &Event) -> bool {
    let decoded = schema::decode(link.head.seq, &link.bytes);
    decoded.is_ok_and(|there| there.at == at && there.event == *event)
}

fn place(dir: &Path) -> PathBuf {
    dir.join("unshared.json")
}

/// What lies aside in a run's directory, of this and of earlier drivers, each with its file.
pub(in crate::store) fn all(dir: &Path) -> Result<Vec<LyingAside>, StoreError> {
    let ours = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name.starts_with("unshared") && name.ends_with(".json"))
    };
    let mut found = Vec::new();
    for path in files::entries(dir)?.into_iter().filter(ours) {
        if let Some(unshared) = Unshared::read(&path)? {
            let passed = path != place(dir);
            found.push(LyingAside { path, unshared, passed });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// What an earlier driver of this host left aside; none as nearly always. What cannot be read is moved out of
/// the way: it must not keep anybody from the run.
pub(super) fn left(dir: &Path) -> Result<Option<Unshared>, StoreError> {
    match Unshared::read(&place(dir)) {
        Err(error @ StoreError::Damaged { .. }) => {
            let kept = dir.join("unshared.damaged");
            let bytes = files::read_if_there(&place(dir))?.unwrap_or_default();
            files::write_atomically(&kept, &bytes)?;
            remove(dir)?;
            tracing::warn!(%error, kept = %kept.display(), "what this host recorded aside is set by");
            Ok(None)
        }
        read => read,
    }
}

/// It is in the journal.
pub(super) fn remove(dir: &Path) -> Result<(), StoreError> {
    files::remove_durably(&place(dir))
}

/// The journal went on without it: it stays, under a name of its own, for people.
pub(super) fn set_by(dir: &Path, unshared: &Unshared) -> Result<PathBuf, StoreError> {
    let path = dir.join(format!("unshared-{}.json", unshared.epoch));
    let text = text(unshared, &path)?;
    files::write_atomically(&path, &text)?;
    remove(dir)?;
    Ok(path)
}

fn text(unshared: &Unshared, path: &Path) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec_pretty(unshared)
        .map_err(|e| StoreError::Engine { path: path.to_owned(), why: e.to_string() })
}

/// What is kept aside while a run is driven; on the disk only when it takes long, and written by a thread of its own:
/// a disk that takes its time holds up nobody.
#[derive(Debug)]
pub(super) struct AsideFile {
    dir: PathBuf,
    run: RunId,
    place: String,
    kept: Mutex<AsideKept>,
}

#[derive(Debug, Default)]
struct AsideKept {
    unshared: Option<Unshared>,
    /// Who makes the file follow, since the first time that it was to.
    writer: Option<AsideWriter>,
    /// Whether the file is there, and is to follow.
    written: bool,
}

/// What the thread is told.
enum AsideJob {
    /// What the file shall say; none: it goes away.
    Follow(Option<Unshared>),
    /// Whoever waits is told when all before it is done.
    Tell(oneshot::Sender<()>),
}

/// The thread that writes.
#[derive(Debug)]
struct AsideWriter {
    jobs: Option<mpsc::Sender<AsideJob>>,
    thread: Option<JoinHandle<()>>,
}

impl AsideWriter {
    fn start(dir: &Path) -> std::io::Result<Self> {
        let ((jobs, taken), dir) = (mpsc::channel(), dir.to_owned());
        let thread = thread::Builder::new().name("aside".to_owned());
        let thread = thread.spawn(move || write_all(&taken, &dir))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    fn give(&self, job: AsideJob) {
        if let Some(jobs) = &self.jobs {
            drop(jobs.send(job));
        }
    }
}

impl Drop for AsideWriter {
    /// What was given is written before it goes.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Writes what the file shall say: the last of all that is there.
fn write_all(jobs: &mpsc::Receiver<AsideJob>, dir: &Path) {
    while let Ok(job) = jobs.recv() {
        let (mut last, mut waiting) = (None, Vec::new());
        for job in std::iter::once(job).chain(jobs.try_iter()) {
            match job {
                AsideJob::Follow(unshared) => last = Some(unshared),
                AsideJob::Tell(waits) => waiting.push(waits),
            }
        }
        if let Some(unshared) = last {
            put_file(dir, unshared.as_ref());
        }
        for waits in waiting {
            waits.send(()).ok();
        }
    }
}

fn put_file(dir: &Path, unshared: Option<&Unshared>) {
    let path = place(dir);
    let done = match unshared {
        Some(unshared) => text(unshared, &path).and_then(|t| files::write_atomically(&path, &t)),
        None => remove(dir),
    };
    if let Err(error) = done {
        // The answer is found again by looking; only the way there is longer.
        tracing::warn!(%error, "what the shared store does not take is not kept here either");
    }
}

impl AsideFile {
    pub(super) fn new(dir: PathBuf, run: RunId, place: String) -> Self {
        Self { dir, run, place, kept: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, AsideKept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An append begins. What was kept so far is in it.
    pub(super) fn begin(&self, epoch: Epoch, head: Head, at: Timestamp, events: &[Event]) {
        let mut kept = self.lock();
        kept.unshared = Some(Unshared {
            format: FORMAT,
            run: self.run.clone(),
            place: self.place.clone(),
            epoch,
            after: head.seq,
            hash: head.hash.hex(),
            batches: vec![AsideBatch { at, events: events.to_vec() }],
        });
        self.follow(&mut kept);
    }

    /// The append takes long, or failed: what is kept, and will be, lies on the disk.
    pub(super) fn write(&self) {
        let mut kept = self.lock();
        kept.written = true;
        self.follow(&mut kept);
    }

    /// Waits until the file says what it shall.
    pub(super) async fn settled(&self) {
        let (tells, told) = oneshot::channel();
        match &self.lock().writer {
            Some(writer) => writer.give(AsideJob::Tell(tells)),
            None => drop(tells),
        }
        drop(told.await);
    }

    /// The append is durable where every host finds it: `head` is its end.
    pub(super) fn done(&self, head: Head) {
        let mut kept = self.lock();
        let Some(unshared) = &mut kept.unshared else { return };
        unshared.batches.remove(0);
        (unshared.after, unshared.hash) = (head.seq, head.hash.hex());
        if unshared.batches.is_empty() {
            kept.unshared = None;
        }
        self.follow(&mut kept);
    }

    fn follow(&self, kept: &mut AsideKept) {
        if !kept.written {
            return;
        }
        kept.written = kept.unshared.is_some();
        if kept.writer.is_none() {
            kept.writer = AsideWriter::start(&self.dir).ok();
        }
        match &kept.writer {
            Some(writer) => writer.give(AsideJob::Follow(kept.unshared.clone())),
            // No thread is to be had: better late than not at all.
            None => put_file(&self.dir, kept.unshared.as_ref()),
        }
    }
}

impl Aside for AsideFile {
    fn keep(&self, at: Timestamp, events: &[Event]) {
        let mut kept = self.lock();
        let Some(unshared) = &mut kept.unshared else { return };
        unshared.batches.push(AsideBatch { at, events: events.to_vec() });
        self.follow(&mut kept);
    }
}
