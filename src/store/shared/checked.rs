//! Is everything there that a shared store says it has? One listing of all objects, and each history once.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectMeta;
use object_store::path::Path;

use super::beside;
use super::drivers::{self, DriverNote};
use super::objects::SharedStore;
use crate::engine::Recorded;
use crate::model::{RunId, Seq};
use crate::store::StoreError;
use crate::store::checked::{CheckedRun, CheckedStore, claimed_by_none};
use crate::store::schema;

/// How many runs are looked at at once.
const AT_ONCE: usize = 8;

/// The objects of one run, as a listing tells them.
#[derive(Debug, Default)]
struct ListedRun {
    /// Objects of its journal's log, by number.
    log: BTreeSet<u64>,
    has_manifest: bool,
    has_note: bool,
    letters: usize,
}

impl ListedRun {
    /// Objects of the log that are missing between others.
    fn gaps(&self) -> Vec<u64> {
        let (Some(first), Some(last)) = (self.log.first(), self.log.last()) else {
            return Vec::new();
        };
        (*first..*last).filter(|number| !self.log.contains(number)).collect()
    }
}

fn number(name: &str) -> Option<u64> {
    name.split('.').next()?.parse().ok()
}

/// Sorts the objects of a store by their runs.
fn by_run(prefix: &Path, listed: &[ObjectMeta]) -> BTreeMap<RunId, ListedRun> {
    let mut runs: BTreeMap<RunId, ListedRun> = BTreeMap::new();
    for meta in listed {
        let Some(parts) = meta.location.prefix_match(prefix) else { continue };
        let parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (kind, run) = match parts.as_slice() {
            [kind, run, ..] => (*kind, RunId::parse(run.trim_end_matches(".json"))),
            _ => continue,
        };
        let Ok(run) = run else { continue };
        let of = runs.entry(run).or_default();
        match (kind, &parts[2..]) {
            ("drivers", [_]) => of.has_note = true,
            ("runs", ["db", "wal", name]) => of.log.extend(number(name)),
            ("runs", ["db", "manifest", _]) => of.has_manifest = true,
            ("inbox" | "answers" | "beside" | "owed", _) => of.letters += 1,
            _ => {}
        }
    }
    runs
}

impl SharedStore {
    /// Looks at every run of this store, or at one. Writes nothing.
    ///
    /// # Errors
    /// The objects cannot be listed. What is wrong with one run is told of it.
    pub async fn check(&self, only: Option<&RunId>) -> Result<CheckedStore, StoreError> {
        let whole = Some(self.prefix()).filter(|prefix| prefix.parts().next().is_some());
        let listing = self.objects().list(whole).try_collect();
        let listed: Vec<ObjectMeta> = listing.await.map_err(|error| self.failed(&error))?;
        let mut runs = by_run(self.prefix(), &listed);
        runs.retain(|run, _| only.is_none_or(|only| only == run));
        let looked = runs.iter().map(|(run, listed)| self.checked_run(run, listed));
        let runs = futures::stream::iter(looked).buffered(AT_ONCE).collect().await;
        let mut found = CheckedStore { runs, wrong: Vec::new() };
        if only.is_none() {
            match self.claims().runs().await {
                Ok(claiming) => found.wrong.extend(claimed_by_none(&claiming, &found.runs)),
                Err(error) => found.wrong.push(format!("the claims cannot be read: {error}")),
            }
            if let Err(error) = self.owed().await {
                found.wrong.push(format!("what runs owe cannot be read: {error}"));
            }
        }
        Ok(found)
    }

    async fn checked_run(&self, run: &RunId, listed: &ListedRun) -> CheckedRun {
        let mut found = CheckedRun::of(run);
        if !listed.has_manifest && !listed.has_note {
            found.wrong.push(format!(
                "it has neither a journal nor a driver, and {} objects beside them",
                listed.letters
            ));
            return found;
        }
        let mut notes = match drivers::all(self, run).await {
            Ok(notes) => notes,
            Err(error) => {
                found.wrong.push(error.to_string());
                Vec::new()
            }
        };
        found.cost = notes.iter().map(|note| note.cost).reduce(|one, other| one + other);
        let note = notes.pop();
        if note.as_ref().is_some_and(|note| note.removed) {
            found
                .wrong
                .push("its removal was cut: say `backroad store gc --remove` again".to_owned());
            return found;
        }
        if note.is_none() {
            found.wrong.push("who drove it is not there (drivers)".to_owned());
        }
        found.driven = note.as_ref().is_some_and(|note| note.drives);
        for gap in listed.gaps() {
            found.wrong.push(format!("object {gap:020} of its log is lost (runs/{run}/db/wal)"));
        }
        if !listed.has_manifest {
            found.wrong.push(format!("its journal is lost (runs/{run}/db)"));
            return found;
        }
        match self.history(run).await {
            Ok(events) => {
                drop(found.take_in(&events));
                let said = note.as_ref().map_or(Seq::default(), |note| note.head).0;
                if said > found.events {
                    found.wrong.push(format!(
                        "its driver had written event {said}, and it ends at event {}",
                        found.events
                    ));
                }
            }
            Err(error) => found.wrong.push(error.to_string()),
        }
        if let Some(note) = &note {
            self.check_files(note, &mut found).await;
        }
        found
    }

    /// Its events, decoded: a run without a note of its driver is read all the same.
    async fn history(&self, run: &RunId) -> Result<Vec<Recorded>, StoreError> {
        let links = self.links(run).await?;
        let decoded = links.iter().map(|link| schema::decode(link.head.seq, &link.bytes));
        decoded.collect::<Result<_, _>>().map_err(|error| self.strange(&error.to_string()))
    }

    /// Whether the files beside the journal are what the driver's note says. While somebody drives it, they change.
    async fn check_files(&self, note: &DriverNote, found: &mut CheckedRun) {
        for (name, digest) in &note.beside {
            match beside::read(self, (&note.run, name, digest)).await {
                Ok(Some(_)) => {}
                Ok(None) if note.drives => {}
                Ok(None) => found.wrong.push(format!("{name} is lost, or is another one (beside)")),
                Err(error) => found.wrong.push(error.to_string()),
            }
        }
        let needed = note.outcome.is_some() && !note.beside.contains_key("runbook.yaml");
        if needed && !note.drives {
            found.wrong.push("the text of its runbook is not there (beside)".to_owned());
        }
    }
}
