//! Which runs are there? A folder is a run once its `meta.json` says so, which is written last.
//!
//! What `meta.json` says is known without it: the run by its folder, the format by each event. So a run whose
//! `meta.json` was lost is not lost with it: what was recorded shows that it had begun, and whoever drives it
//! next writes the file anew.

use serde::{Deserialize, Serialize};

use super::StateDir;
use super::anchor;
use super::error::StoreError;
use super::files;
use super::rundir::RunDir;
use super::runs::unknown;
use super::schema::FORMAT;
use crate::model::{RunId, Seq};

/// What `meta.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct Meta {
    format: u32,
    run: RunId,
    created_by: String,
}

impl RunDir {
    fn meta(&self) -> std::path::PathBuf {
        self.path.join("meta.json")
    }

    /// Whether this is a run, and not what a creation left that was cut: nothing was acknowledged in that.
    pub(super) fn is_run(&self) -> bool {
        self.meta().exists() || self.has_begun()
    }

    /// Whether its `meta.json` is gone although it had begun.
    pub(super) fn lost_meta(&self) -> bool {
        !self.meta().exists() && self.has_begun()
    }

    fn has_begun(&self) -> bool {
        let acknowledged = anchor::look(&self.anchor(), &self.run);
        acknowledged.is_ok_and(|mark| mark.head.seq > Seq::default())
            || self.journal().metadata().is_ok_and(|found| found.len() > 0)
    }

    /// What is to be said of a lost `meta.json`, as words after the run's name.
    pub(super) fn lost_meta_said(&self) -> String {
        format!(
            "its {} is lost; what it says is known without it, and `backroad resume {}` writes it anew",
            self.meta().display(),
            self.run
        )
    }

    /// Says durably that the run exists.
    pub(super) fn write_meta(&self) -> Result<(), StoreError> {
        let meta = Meta {
            format: FORMAT,
            run: self.run.clone(),
            created_by: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let text = serde_json::to_vec_pretty(&meta)
            .map_err(|e| StoreError::Engine { path: self.path.clone(), why: e.to_string() })?;
        files::write_atomically(&self.meta(), &text)
    }
}

impl StateDir {
    /// Whether there is such a run.
    #[must_use]
    pub fn has(&self, run: &RunId) -> bool {
        self.dir(run).is_run()
    }

    pub(super) fn ids(&self) -> Result<Vec<RunId>, StoreError> {
        Ok(files::entries(&self.runs())?
            .iter()
            .filter_map(|path| RunId::parse(path.file_name()?.to_str()?).ok())
            .filter(|run| self.has(run))
            .collect())
    }

    pub(super) fn existing(&self, run: &RunId) -> Result<RunDir, StoreError> {
        let dir = self.dir(run);
        let path = dir.meta();
        let Some(bytes) = files::read_if_there(&path)? else {
            return match dir.has_begun() {
                true => Ok(dir),
                false => Err(unknown(run.as_str(), &self.ids()?)),
            };
        };
        let damaged = |why: String| StoreError::Damaged { path: path.clone(), why };
        // The format is read on its own: a later version may have changed everything else.
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
        let found = value.get("format").and_then(serde_json::Value::as_u64);
        let found = found.ok_or_else(|| damaged("it does not say its format".to_owned()))?;
        if found > u64::from(FORMAT) {
            return Err(StoreError::Newer {
                path: dir.path,
                found: u32::try_from(found).unwrap_or(u32::MAX),
                known: FORMAT,
            });
        }
        let meta: Meta = serde_json::from_value(value).map_err(|e| damaged(e.to_string()))?;
        if meta.run != *run {
            return Err(damaged(format!("it is of run {}", meta.run)));
        }
        Ok(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Event, Journal};
    use crate::model::Timestamp;

    #[tokio::test]
    async fn a_run_whose_meta_json_is_lost_is_there_and_written_anew_when_it_is_driven() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::new(folder.path());
        let run = RunId::parse("01jd0000000000000000000001").unwrap();
        let store = state.create_run(&run).unwrap();
        let events = vec![Event::DeadlinePassed {}];
        store
            .journal
            .append(&store.lease, Seq(0), Timestamp::from_millis(0), events)
            .await
            .unwrap();
        store.close().await.unwrap();
        let meta = state.run_path(&run).join("meta.json");
        let said = std::fs::read(&meta).unwrap();
        std::fs::remove_file(&meta).unwrap();

        assert_eq!(state.find(run.as_str()).unwrap(), run);
        let problem = state.list().unwrap().remove(0).problem.unwrap();
        assert!(problem.contains(&meta.display().to_string()), "{problem}");
        let found = state.check(None).unwrap();
        assert!(found.runs[0].wrong.contains(&problem), "{:?}", found.runs);
        assert!(
            matches!(state.create_run(&run), Err(StoreError::Exists(_))),
            "nothing is written over"
        );
        assert_eq!(state.read(&run).unwrap().len(), 1);

        state.open(&run).unwrap().close().await.unwrap();
        assert_eq!(std::fs::read(&meta).unwrap(), said);
        assert_eq!(state.list().unwrap().remove(0).problem, None);

        // What a creation left that was cut before anything was recorded is no run.
        let cut = RunId::parse("01jd0000000000000000000002").unwrap();
        state.create_run(&cut).unwrap().close().await.unwrap();
        std::fs::remove_file(state.run_path(&cut).join("meta.json")).unwrap();
        assert_eq!(state.ids().unwrap(), [run]);
        state.create_run(&cut).unwrap().close().await.unwrap();
    }
}
