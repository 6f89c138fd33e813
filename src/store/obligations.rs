//! What do runs still owe? A note beside the runs, so that no command can overlook it.
//!
//! The journal is the truth; a note is what every later command reads without opening a store. It says how
//! much of the journal it knows: one that is missing, damaged or behind is made again from the journal, and
//! where that cannot be read either, that is said.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::files;
use super::whole;
use crate::engine::{Recorded, RunMode, RunState};
use crate::model::{RunId, Seq};

/// What one run owes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// The run.
    pub run: RunId,
    /// What kind of run it was: what a drill owes, nobody has to meet.
    pub mode: RunMode,
    /// What it owes, as sentences.
    pub obligations: Vec<String>,
    /// The last event that it knows of; notes of earlier versions say none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Seq>,
}

/// What is owed, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owing {
    /// What each run owes that owes something.
    pub owed: Vec<Owed>,
    /// What is not known, and why; each without a full stop.
    pub unknown: Vec<String>,
}

/// The notes of one state directory.
#[derive(Debug, Clone)]
pub struct Obligations {
    folder: PathBuf,
}

impl Obligations {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn note(&self, run: &RunId) -> PathBuf {
        self.folder.join(format!("{run}.json"))
    }

    /// Notes what a run owes. That it owes nothing is noted too where it says how much it knows, so that
    /// nobody has to read the journal for it; else the note goes away.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn set(&self, owed: &Owed) -> Result<(), StoreError> {
        let path = self.note(&owed.run);
        if owed.obligations.is_empty() && owed.head.is_none() {
            return files::remove_durably(&path);
        }
        files::private_dir(&self.folder)?;
        let text = serde_json::to_vec_pretty(owed)
            .map_err(|e| StoreError::Engine { path: path.clone(), why: e.to_string() })?;
        files::write_atomically(&path, &text)
    }

    /// Removes the note of a run that is no more.
    pub(super) fn forget(&self, run: &RunId) -> Result<(), StoreError> {
        files::remove_durably(&self.note(run))
    }

    /// The note of a run, if there is one that can be read.
    pub(super) fn of(&self, run: &RunId) -> Option<Owed> {
        let bytes = files::read_if_there(&self.note(run)).ok()??;
        serde_json::from_slice::<Owed>(&bytes).ok().filter(|owed| owed.run == *run)
    }

    /// The files in its folder that are no note of these runs.
    fn others(&self, runs: &[RunId]) -> Result<Vec<PathBuf>, StoreError> {
        let own: BTreeSet<PathBuf> = runs.iter().map(|run| self.note(run)).collect();
        let unfinished = |path: &PathBuf| {
            path.file_name().is_some_and(|name| whole::is_unfinished(&name.to_string_lossy()))
        };
        let all = files::entries(&self.folder)?.into_iter();
        Ok(all.filter(|path| !own.contains(path) && !unfinished(path)).collect())
    }
}

/// What is known of a run without its note.
pub(super) enum KnownObligations {
    /// Its last acknowledged event.
    Head(Seq),
    /// Not even that, and why.
    No(StoreError),
}

/// What one run owes, or why nobody knows.
fn owed_by(
    notes: &Obligations,
    run: &RunId,
    head: KnownObligations,
    journal: &impl Fn(&RunId) -> Result<Vec<Recorded>, StoreError>,
) -> Result<Option<Owed>, String> {
    let note = notes.of(run);
    let unread = |error: StoreError| format!("run {run} cannot be read: {error}");
    let head = match head {
        KnownObligations::Head(head) => head,
        KnownObligations::No(error) => return note.map(Some).ok_or_else(|| unread(error)),
    };
    if note.as_ref().is_some_and(|note| note.head == Some(head)) {
        return Ok(note);
    }
    let events = match journal(run) {
        Ok(events) => events,
        // Who drives it notes what it owes, and says so itself.
        Err(StoreError::Held { .. }) => return Ok(note),
        Err(error) => return note.map(Some).ok_or_else(|| unread(error)),
    };
    match from_journal(run, &events) {
        Ok(owed) => {
            // Whether it can be noted is no matter: it is found again.
            drop(owed.as_ref().map(|owed| notes.set(&Owed { head: Some(head), ..owed.clone() })));
            Ok(owed)
        }
        Err(why) => {
            note.map(Some).ok_or_else(|| format!("the journal of run {run} makes no sense: {why}"))
        }
    }
}

/// What runs owe: from their notes, and from their journals where a note does not do.
pub(super) fn owing(
    notes: &Obligations,
    runs: &[RunId],
    head: impl Fn(&RunId) -> KnownObligations,
    journal: impl Fn(&RunId) -> Result<Vec<Recorded>, StoreError>,
) -> Owing {
    let mut found = Owing::default();
    let mut add = |owed: Owed| {
        if !owed.obligations.is_empty() {
            found.owed.push(owed);
        }
    };
    let mut unknown = Vec::new();
    for run in runs {
        match owed_by(notes, run, head(run), &journal) {
            Ok(owed) => owed.into_iter().for_each(&mut add),
            Err(why) => unknown.push(why),
        }
    }
    // A note outlives its run's directory: what it says may still stand in Azure.
    match notes.others(runs) {
        Ok(others) => {
            for path in others {
                let bytes = files::read_if_there(&path).ok().flatten().unwrap_or_default();
                match serde_json::from_slice::<Owed>(&bytes) {
                    Ok(owed) => add(owed),
                    Err(_) => unknown.push(format!(
                        "the note {} is damaged, and its run is not here",
                        path.display()
                    )),
                }
            }
        }
        // Every run that is here was asked for itself.
        Err(error) => tracing::debug!(%error, "the folder of notes cannot be listed"),
    }
    found.owed.sort_by(|one, other| one.run.cmp(&other.run));
    found.unknown = unknown;
    found
}

/// What a history owes; none before its run was opened.
pub(super) fn from_journal(run: &RunId, events: &[Recorded]) -> Result<Option<Owed>, String> {
    let state = RunState::fold(events).map_err(|error| error.to_string())?;
    let obligations = state.owed();
    Ok(state.opened.map(|opened| Owed {
        run: run.clone(),
        mode: opened.mode,
        obligations,
        head: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owed(obligations: &[&str], head: Option<u64>) -> Owed {
        let run = RunId::parse("01h00000000000000000000001").unwrap();
        let obligations = obligations.iter().map(|text| (*text).to_owned()).collect();
        Owed { run, mode: RunMode::Live, obligations, head: head.map(Seq) }
    }

    fn found(notes: &Obligations, runs: &[RunId], head: u64) -> Owing {
        let unread = |run: &RunId| Err(StoreError::Exists(run.clone()));
        owing(notes, runs, |_| KnownObligations::Head(Seq(head)), unread)
    }

    #[test]
    fn a_note_stays_until_nothing_is_owed() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Obligations::new(folder.path().join("obligations"));
        let note = owed(&["Remove it."], Some(4));
        let runs = [note.run.clone()];
        notes.set(&note).unwrap();
        assert_eq!(found(&notes, &runs, 4).owed, std::slice::from_ref(&note));
        assert_eq!(found(&notes, &[], 4).owed, std::slice::from_ref(&note), "outlives its run");
        notes.set(&owed(&[], Some(5))).unwrap();
        assert_eq!(found(&notes, &runs, 5), Owing::default());
        notes.set(&owed(&[], None)).unwrap();
        assert!(!notes.note(&note.run).exists());
    }

    #[test]
    fn a_note_that_is_damaged_missing_or_behind_is_not_believed_and_its_run_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let notes = Obligations::new(folder.path().join("obligations"));
        let note = owed(&["Remove it."], Some(4));
        let runs = [note.run.clone()];
        let unknown = |text: &str| {
            let found = found(&notes, &runs, 5);
            assert_eq!(found.owed, []);
            assert!(found.unknown[0].contains(text), "{:?}", found.unknown);
        };
        unknown("cannot be read");
        notes.set(&note).unwrap();
        // Behind, and the journal cannot be read: better the old word than none.
        assert_eq!(found(&notes, &runs, 5).owed, std::slice::from_ref(&note));
        let path = notes.note(&note.run);
        for bytes in [&b"{"[..], b"", b"\xff", br#"{"run":"x"}"#] {
            std::fs::write(&path, bytes).unwrap();
            unknown("cannot be read");
        }
        let lost = found(&notes, &[], 5).unknown;
        assert!(lost[0].contains("is damaged, and its run is not here"), "{lost:?}");
        std::fs::remove_dir_all(&notes.folder).unwrap();
        std::fs::write(&notes.folder, "a file in its place").unwrap();
        unknown("cannot be read");
    }

    #[test]
    fn a_note_that_is_behind_gives_way_to_the_journal_and_one_that_is_not_spares_reading_it() {
        const KEPT: &[u8] = include_bytes!("../../tests/fixtures/journals/v1/evidence.tar");
        let events = crate::store::evidence::verify(KEPT).events;
        let folder = tempfile::tempdir().unwrap();
        let notes = Obligations::new(folder.path().join("obligations"));
        let note = owed(&["Was met since."], Some(4));
        let runs = [note.run.clone()];
        let reads = std::cell::Cell::new(0);
        let asked = |head: u64| {
            let journal = |_: &RunId| {
                reads.set(reads.get() + 1);
                Ok(events.clone())
            };
            owing(&notes, &runs, |_| KnownObligations::Head(Seq(head)), journal)
        };
        notes.set(&note).unwrap();
        assert_eq!((asked(4).owed, reads.get()), (vec![note], 0));
        // That run was undone, and owes nothing.
        assert_eq!((asked(5), reads.get()), (Owing::default(), 1));
        assert_eq!((asked(5), reads.get()), (Owing::default(), 1), "it is noted again");
    }
}
