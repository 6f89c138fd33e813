//! What does the page ask of whoever serves it? Runs to read, and words to pass on.

use std::net::SocketAddr;

use async_trait::async_trait;

use crate::engine::{Command, Recorded};
use crate::model::{Plan, RunId, Seq, Timestamp};
use crate::render::board::KeptEstate;
use crate::render::machine::RunMeasures;
use crate::render::ready::ReadyTrend;
use crate::render::view::{Driven, ReachedView, StrikesView};
use crate::render::{Ourselves, RunLine};
use crate::store::RunProgress;

/// Events that were not known, and who drives the run.
#[derive(Debug, Clone)]
pub struct FreshEvents {
    /// Those after the one that was named.
    pub events: Vec<Recorded>,
    /// Whether somebody drives it.
    pub driven: Driven,
    /// The time in it.
    pub now: Timestamp,
    /// Why that may be old, if it may.
    pub stale: Option<String>,
}

/// A part of the list of all runs.
#[derive(Debug, Clone, Default)]
pub struct RunsListed {
    /// How many there are in all.
    pub total: usize,
    /// How many of all are driven now.
    pub driven: usize,
    /// Those of the part, the newest first.
    pub runs: Vec<RunOfList>,
}

/// A run of the list.
#[derive(Debug, Clone)]
pub struct RunOfList {
    /// How far it has come.
    pub progress: RunProgress,
    /// What is told of it where it is not to be read for a list.
    pub line: Option<RunLine>,
}

/// What lies beside a run's journal.
#[derive(Debug, Clone, Default)]
pub struct RunBeside {
    /// What each site reached from when on, in a drill.
    pub reached: Vec<ReachedView>,
    /// What was to go wrong, in a drill.
    pub strikes: Vec<StrikesView>,
    /// How whoever reads the page calls this program for it.
    pub ourselves: Ourselves,
}

/// Why the page cannot answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebProblem {
    /// The status of HTTP.
    pub status: u16,
    /// What is wrong, as a sentence.
    pub what: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

impl WebProblem {
    /// A problem without a hint.
    #[must_use]
    pub fn new(status: u16, what: impl Into<String>) -> Self {
        Self { status, what: what.into(), hint: None }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Where runs are read, and told what people say.
#[async_trait]
pub trait WebSource: Send + Sync + 'static {
    /// A part of all runs, the newest first: so many are left out before it, and so many are in it. Cheap enough to
    /// be asked every second.
    ///
    /// # Errors
    /// They cannot be listed.
    async fn listed(&self, from: usize, count: usize) -> Result<RunsListed, WebProblem>;

    /// One of them; none when there is no such run.
    fn progress(&self, run: &RunId) -> Option<RunProgress>;

    /// A run's events after one.
    ///
    /// # Errors
    /// It cannot be read, and nobody answers for it.
    async fn fresh(&self, run: &RunId, after: Seq) -> Result<FreshEvents, WebProblem>;

    /// What lies beside its journal.
    fn beside(&self, run: &RunId) -> RunBeside;

    /// What was kept of the estate in which it began.
    fn estate(&self, run: &RunId) -> Option<KeptEstate>;

    /// Its report, as a page.
    ///
    /// # Errors
    /// It cannot be made.
    async fn report(&self, run: &RunId) -> Result<String, WebProblem>;

    /// What it is about to do, or did, as a document that a person can follow.
    ///
    /// # Errors
    /// It cannot be made.
    async fn document(&self, run: &RunId, plan: &Plan) -> Result<String, WebProblem>;

    /// How ready the runbooks were that were looked at here.
    ///
    /// # Errors
    /// A history cannot be read.
    fn readiness(&self) -> Result<Vec<ReadyTrend>, WebProblem>;

    /// What is measured of the runs, the newest first.
    ///
    /// # Errors
    /// They cannot be listed.
    async fn measures(&self) -> Result<Vec<RunMeasures>, WebProblem>;

    /// Passes a word on to the process that drives a run.
    ///
    /// # Errors
    /// Nobody drives it, or it was refused; the sentence says why.
    async fn tell(&self, run: &RunId, command: Command) -> Result<(), WebProblem>;

    /// Whether a connection is of the account whose page this is, by the kernel's word; none where the system does
    /// not say whose it is.
    fn is_own(&self, peer: SocketAddr, ours: SocketAddr) -> Option<bool>;

    /// How a person who reached it by that invitation is named in the journal.
    fn person(&self, name: &str, role: Option<&str>) -> crate::model::Person;
}
