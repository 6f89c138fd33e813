//! Is everything there that a store says it has? One run after the other, without changing any.
//!
//! `verify` judges one history by its chain; this looks at all of a store: that each history is whole and makes
//! sense, that what belongs beside it is there, and that what is claimed is claimed by a run.

use std::collections::BTreeSet;

use super::StateDir;
use super::cost::StoreCost;
use super::error::StoreError;
use super::files;
use crate::engine::state::Opened;
use crate::engine::{Recorded, RunMode, RunState};
use crate::model::RunId;

/// Files beside a journal that are JSON, where they are there.
const JSON_FILES: [&str; 4] = ["meta.json", "reached.json", "strikes.json", "outbox.json"];

/// What a look at one run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedRun {
    /// The run.
    pub run: RunId,
    /// Its events, as far as they are whole.
    pub events: u64,
    /// How it ended, if it did.
    pub outcome: Option<String>,
    /// Whether somebody drives it now.
    pub driven: bool,
    /// What its drivers asked a shared store for; none in a state directory.
    pub cost: Option<StoreCost>,
    /// What is wrong or missing, as words after the run's name.
    pub wrong: Vec<String>,
}

/// What a look at a store found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckedStore {
    /// Its runs, the oldest first.
    pub runs: Vec<CheckedRun>,
    /// What is wrong and belongs to none of them, as sentences without a dot.
    pub wrong: Vec<String>,
}

impl CheckedStore {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.wrong.is_empty() && self.runs.iter().all(|run| run.wrong.is_empty())
    }
}

impl CheckedRun {
    pub(super) fn of(run: &RunId) -> Self {
        let (outcome, cost, wrong) = (None, None, Vec::new());
        Self { run: run.clone(), events: 0, outcome, driven: false, cost, wrong }
    }

    /// Takes in a history that was read: whether it makes sense, and how it ended. Gives how the run stands.
    pub(super) fn take_in(&mut self, events: &[Recorded]) -> Option<RunState> {
        self.events = events.len() as u64;
        let state = match RunState::fold(events) {
            Ok(state) => {
                self.outcome = state.outcome().map(|outcome| outcome.to_string());
                Some(state)
            }
            Err(error) => {
                self.wrong.push(format!("its history makes no sense: {error}"));
                None
            }
        };
        if events.is_empty() {
            self.wrong.push("it has no event: its process ended before the first".to_owned());
        }
        state
    }
}

/// Whether a run has something to itself: it changes something in a real Azure, or a served one, and goes on.
fn needs_claims(state: &RunState) -> bool {
    let opened = state.opened.as_ref().filter(|opened| opened.mode == RunMode::Live);
    let writes =
        |opened: &Opened| opened.plan.steps().iter().any(|step| step.action.written().is_some());
    state.outcome().is_none() && opened.is_some_and(writes)
}

/// What is claimed by runs that are not there.
pub(super) fn claimed_by_none(claiming: &BTreeSet<RunId>, runs: &[CheckedRun]) -> Vec<String> {
    let there: BTreeSet<&RunId> = runs.iter().map(|run| &run.run).collect();
    let lost = claiming.iter().filter(|run| !there.contains(run));
    lost.map(|run| format!("run {run} has claims and is not there")).collect()
}

impl StateDir {
    /// Looks at every run of this state directory, or at one.
    ///
    /// # Errors
    /// The runs cannot be listed. What is wrong with one is told of it.
    pub fn check(&self, only: Option<&RunId>) -> Result<CheckedStore, StoreError> {
        let ids = self.ids()?;
        let chosen = ids.iter().filter(|run| only.is_none_or(|only| only == *run));
        let claiming = self.claims().runs();
        let known = claiming.as_ref().ok();
        let runs = chosen.map(|run| self.checked_run(run, known)).collect();
        let mut found = CheckedStore { runs, wrong: Vec::new() };
        if only.is_none() {
            match claiming {
                Ok(claiming) => found.wrong.extend(claimed_by_none(&claiming, &found.runs)),
                Err(error) => found.wrong.push(format!("the claims cannot be read: {error}")),
            }
            found.wrong.extend(self.owed().unknown);
        }
        Ok(found)
    }

    fn checked_run(&self, run: &RunId, claiming: Option<&BTreeSet<RunId>>) -> CheckedRun {
        let mut found = CheckedRun::of(run);
        found.driven = self.is_held(run);
        // Whoever drives it has its database; what it wrote is beside it.
        let read = if found.driven { self.read_export(run) } else { self.read(run) };
        match read {
            Ok(events) => {
                let state = found.take_in(&events);
                let claims = claiming.is_none_or(|claiming| claiming.contains(run));
                if !claims && state.is_some_and(|state| needs_claims(&state)) {
                    found.wrong.push(format!(
                        "it has not ended and has claimed nothing: `backroad resume {run}` claims what it works on"
                    ));
                }
            }
            Err(error) => found.wrong.push(error.to_string()),
        }
        if !found.driven {
            match self.verify(run) {
                Ok(report) => found
                    .wrong
                    .extend(report.first_bad.map(|bad| format!("event {}: {}", bad.seq, bad.why))),
                Err(error) => found.wrong.push(error.to_string()),
            }
        }
        if self.dir(run).lost_meta() {
            found.wrong.push(self.dir(run).lost_meta_said());
        }
        let folder = self.run_path(run);
        if !folder.join("runbook.yaml").is_file() {
            found.wrong.push("the text of its runbook is not there".to_owned());
        }
        for name in JSON_FILES {
            match files::read_if_there(&folder.join(name)) {
                Ok(None) => {}
                Ok(Some(bytes)) => {
                    if let Err(error) = serde_json::from_slice::<serde_json::Value>(&bytes) {
                        found.wrong.push(format!("{name} is damaged: {error}"));
                    }
                }
                Err(error) => found.wrong.push(error.to_string()),
            }
        }
        // One thing that is wrong may show twice.
        found.wrong.dedup();
        found
    }
}
