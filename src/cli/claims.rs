//! What has a run to itself, on this host and for all?
//!
//! What is claimed follows from the runs that have not ended. Where that file is lost or damaged it is worked
//! out anew before anything is claimed: two runs on one resource are never the answer.

use std::path::Path;

use super::context::Context;
use super::error::{CliError, Status};
use super::session::claimed;
use crate::engine::{Recorded, RunMode};
use crate::model::{ResourceId, RunId, Seq};
use crate::store::{ClaimError, RunClaims};

impl Context {
    /// Claims resources for a run, on this host and for all. One that only begins has none where others refuse it.
    ///
    /// # Errors
    /// Another run has one of them, or the claims cannot be read or written.
    pub async fn claim(
        &self,
        run: &RunId,
        (endpoint, resources): (&str, &[ResourceId]),
        begins: bool,
    ) -> Result<(), CliError> {
        let here = self.state.claims();
        let mut claimed = here.claim(run, endpoint, resources);
        if let Err(ClaimError::Lost { path, why }) = &claimed {
            self.work_out_claims(run, path, why).await?;
            claimed = here.claim(run, endpoint, resources);
        }
        // Each time round one run less is in the way.
        while let Err(ClaimError::Taken { run: by, resource }) = &claimed {
            if !self.state.has(by) {
                return Err(self.taken_by_none(by, resource));
            }
            let Some(place) = self.state.kept_in(by)? else { break };
            match self.has_ended_elsewhere(by, &place).await {
                Some(true) => here.release(by)?,
                Some(false) => return Err(taken_elsewhere(by, resource, &place)),
                None => return Err(not_known(by, resource, &place)),
            }
            claimed = here.claim(run, endpoint, resources);
        }
        claimed?;
        let Some(shared) = &self.shared else { return Ok(()) };
        let claimed = shared.claims().claim(run, endpoint, resources).await;
        if claimed.is_err() && begins {
            here.release(run)?;
        }
        Ok(claimed?)
    }

    /// Gives back what a run has claimed, on this host and for all.
    ///
    /// # Errors
    /// The claims cannot be read or written.
    pub async fn give_back(&self, run: &RunId) -> Result<(), CliError> {
        self.state.claims().release(run)?;
        if let Some(shared) = &self.shared {
            shared.claims().release(run).await?;
        }
        Ok(())
    }

    /// Works out from the other runs what is claimed.
    async fn work_out_claims(&self, own: &RunId, path: &Path, why: &str) -> Result<(), CliError> {
        let mut running = Vec::new();
        for other in self.state.all_progress()? {
            // One without an event has sent nothing.
            if other.run == *own || other.head == Some(Seq::default()) {
                continue;
            }
            let read = match other.driven {
                true => self.look(&other.run).await.map(|look| look.events),
                false => self.state.read(&other.run).map_err(CliError::from),
            };
            let claims = read.and_then(|events| claims_of(&other.run, &events));
            let unknown = |error| {
                self.claims_unknown(&other.run, &format!("{} {why}", path.display()), error)
            };
            running.extend(claims.map_err(unknown)?);
        }
        self.state.claims().restore(&running)?;
        if !running.is_empty() {
            let mark = self.ui.err.warn("warning:");
            let names: Vec<&str> = running.iter().map(|claims| claims.run.as_str()).collect();
            self.ui.say(&format!(
                "{mark} {} {why}. What is claimed was worked out anew, from what has not ended: {}.",
                path.display(),
                names.join(", ")
            ));
        }
        Ok(())
    }

    fn claims_unknown(&self, run: &RunId, lost: &str, error: CliError) -> CliError {
        let what = "What other runs have claimed is not known.";
        let mut refused = CliError::new(Status::OutOfReach, what)
            .reason(&format!("{lost}."))
            .reason(&format!("Run {run} may have not ended, and cannot be read: {}", error.what));
        refused.why.extend(error.why);
        refused.hint(format!(
            "Put {} back from a backup. Where you know that nothing more comes of that run, move it away, \
             and try again.",
            self.state.run_path(run).display()
        ))
    }

    fn taken_by_none(&self, by: &RunId, resource: &ResourceId) -> CliError {
        CliError::refused(format!("Run {by} has claimed {}, and is not there.", resource.as_str()))
            .hint(format!(
                "Put {} back from a backup. Where you know that nothing more comes of that run, move {} away, \
                 and try again: what is claimed is worked out anew from the runs that are there.",
                self.state.run_path(by).display(),
                self.state.path().join("claims").join("claims.json").display()
            ))
    }
}

/// A run in the way that is kept in a shared store, and goes on there.
fn taken_elsewhere(by: &RunId, resource: &ResourceId, place: &str) -> CliError {
    CliError::refused(format!("Run {by} works on {} and has not ended.", resource.as_str())).hint(
        format!(
            "It is kept in {place}: see it with `backroad status {by} --store {place}`; resume, cancel or undo it \
             there first."
        ),
    )
}

/// A run in the way that is kept in a shared store which does not say whether it has ended.
fn not_known(by: &RunId, resource: &ResourceId, place: &str) -> CliError {
    let what = format!("Run {by} has claimed {}.", resource.as_str());
    CliError::refused(what)
        .reason(&format!("It is kept in {place}, which does not say whether it has ended."))
        .hint(format!(
            "Ask there: `backroad status {by} --store {place}`. Where you know that nothing more comes of that run, \
             `backroad resume {by} --store {place}` takes up what is left of it, or ends it here as well."
        ))
}

/// What a run has to itself as long as it has not ended; drills have nothing.
fn claims_of(run: &RunId, events: &[Recorded]) -> Result<Option<RunClaims>, CliError> {
    let state = Context::fold(events)?;
    let goes_on = state.outcome().is_none();
    let opened = state.opened.filter(|opened| goes_on && opened.mode == RunMode::Live);
    Ok(opened.map(|opened| RunClaims {
        run: run.clone(),
        endpoint: opened.endpoint,
        resources: claimed(&opened.plan),
    }))
}
