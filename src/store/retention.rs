//! Which runs may go, and how does one go so that a cut leaves no half of it?
//!
//! Only what has ended, owes nothing, claims nothing and is driven by nobody; never the newest ones that are to be
//! kept. Whoever decides reads the history itself: a note may be behind.

use std::collections::BTreeSet;
use std::time::Duration;

use super::StateDir;
use super::error::StoreError;
use super::files;
use super::lease::RunLock;
use crate::engine::{Recorded, RunState};
use crate::model::{RunId, Timestamp};

/// What is kept in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// So many of the newest runs, whatever became of them.
    pub newest: usize,
    /// All that began within this time.
    pub younger_than: Duration,
}

/// What becomes of a run that is older than what is kept in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiredRun {
    /// The run.
    pub run: RunId,
    /// Why it stays, as words after its name; none where it goes.
    pub stays: Option<String>,
}

impl Retention {
    /// The runs that are older than what is kept in any case, the oldest first.
    #[must_use]
    pub fn beyond(&self, runs: &[RunId], now: Timestamp) -> Vec<RunId> {
        let mut runs = runs.to_vec();
        runs.sort();
        runs.truncate(runs.len().saturating_sub(self.newest));
        runs.retain(|run| now.since(begun(run)) >= self.younger_than);
        runs
    }
}

/// When a run began, by its id.
fn begun(run: &RunId) -> Timestamp {
    let millis = ulid::Ulid::from_string(run.as_str()).map_or(0, |id| id.timestamp_ms());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or_default())
}

/// Why a run with this history stays; none where it may go.
pub(super) fn why_it_stays(
    run: &RunId,
    events: &[Recorded],
    claiming: &BTreeSet<RunId>,
) -> Option<String> {
    let state = match RunState::fold(events) {
        Ok(state) => state,
        Err(error) => return Some(format!("its history makes no sense: {error}")),
    };
    if state.outcome().is_none() {
        return Some("it has not ended".to_owned());
    }
    if !state.owed().is_empty() {
        return Some("it owes something: `backroad settle` meets it".to_owned());
    }
    claiming.contains(run).then(|| "it has claims".to_owned())
}

impl StateDir {
    /// Removes the runs of this state directory that need not be kept; removes nothing where `dry`.
    ///
    /// # Errors
    /// The runs or the claims cannot be read, or the disk refuses.
    pub fn retire(
        &self,
        kept: &Retention,
        now: Timestamp,
        dry: bool,
    ) -> Result<Vec<RetiredRun>, StoreError> {
        let claiming = self.claims().runs()?;
        let mut retired = Vec::new();
        for run in kept.beyond(&self.ids()?, now) {
            let stays = match self.read(&run) {
                Ok(events) => why_it_stays(&run, &events, &claiming),
                Err(error) => Some(error.to_string()),
            };
            if stays.is_none() && !dry {
                self.remove_run(&run)?;
            }
            retired.push(RetiredRun { run, stays });
        }
        Ok(retired)
    }

    /// Removes a run that nobody drives and that has no event.
    ///
    /// # Errors
    /// It cannot be read, somebody drives it, or the disk refuses.
    pub fn discard_unbegun(&self, run: &RunId) -> Result<(), StoreError> {
        match self.read(run)?.is_empty() {
            true => self.remove_run(run),
            false => Ok(()),
        }
    }

    /// Removes a run that nobody drives: first what says that it exists, then all of it.
    fn remove_run(&self, run: &RunId) -> Result<(), StoreError> {
        let dir = self.existing(run)?;
        let _lock = RunLock::drive(&dir.lock(), run)?;
        files::remove_durably(&dir.path.join("meta.json"))?;
        // What else shows that it had begun, so that the rest of it is no run when this is cut.
        files::remove_durably(&dir.journal())?;
        files::remove_durably(&dir.anchor())?;
        files::remove_tree(&dir.path)?;
        files::remove_durably(&self.path().join("logs").join(format!("{run}.log")))?;
        self.obligations().forget(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(millis: u64) -> RunId {
        let id = ulid::Ulid::from_parts(millis, 7).to_string().to_ascii_lowercase();
        RunId::parse(&id).unwrap()
    }

    #[test]
    fn what_is_young_or_among_the_newest_stays_whatever_it_is() {
        let runs: Vec<RunId> = [1_000, 2_000, 3_000, 4_000].map(run).to_vec();
        let now = Timestamp::from_millis(5_000);
        let beyond = |newest, millis| {
            Retention { newest, younger_than: Duration::from_millis(millis) }.beyond(&runs, now)
        };
        assert_eq!(beyond(0, 0), runs);
        assert_eq!(beyond(0, 3_000), runs[..2]);
        assert_eq!(beyond(3, 3_000), runs[..1]);
        assert_eq!(beyond(9, 0), []);
        assert_eq!(beyond(0, 4_001), []);
    }
}
