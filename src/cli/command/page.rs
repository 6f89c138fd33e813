//! How does the page reach the runs of this host? It reads the state directory, asks whoever drives a run for what is
//! new, and passes words on through that run's socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::ready::past;
use super::render::templates;
use super::report;
use crate::cli::account;
use crate::cli::clock::RealClock;
use crate::cli::context::{Context, RunLook, time_in};
use crate::cli::control::Knock;
use crate::cli::error::{CliError, Status};
use crate::cli::measured::{MeasuredRuns, measured_again};
use crate::cli::{kept_estate, world};
use crate::engine::{Clock as _, Command, Recorded};
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{Person, Plan, RunId, Seq, Timestamp};
use crate::render::board::KeptEstate;
use crate::render::document::material::Material;
use crate::render::machine::RunMeasures;
use crate::render::ready::{PastReadiness, ReadyTrend, trend};
use crate::render::view::Driven;
use crate::render::{document as render_document, report as render_report};
use crate::store::shared::DriverNote;
use crate::store::{RunGlance, regular};
use crate::web::{FreshEvents, RunBeside, WebProblem, WebSource};

/// How long whoever drives a run may take to tell what is new; beyond it the page shows what they wrote.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

/// How long the shared store may take for a look.
const STORE_WITHIN: Duration = Duration::from_secs(10);

/// The shared store does not answer, so that what another host does is not known.
struct SharedStoreSilent;

/// Runbooks whose readiness is told.
const RUNBOOKS_MAX: usize = 100;

/// The runs of a state directory, for the page.
#[derive(Debug, Clone)]
pub(super) struct PageSource {
    context: Context,
    /// What is known of the runs of a shared store.
    elsewhere: Arc<Mutex<BTreeMap<RunId, RunGlance>>>,
    /// What was seen of those that are looked at.
    seen: Arc<tokio::sync::Mutex<BTreeMap<RunId, RunLook>>>,
    /// When those that nobody drives were last read into this host's copy.
    fetched: Arc<Mutex<BTreeMap<RunId, Timestamp>>>,
    measured: MeasuredRuns,
}

/// How often a shared store is asked which runs there are, and how many of the newest: each is a request.
const LIST_EVERY: Duration = Duration::from_secs(20);
const LISTED_MAX: usize = 100;

/// Runs of a shared store that are followed at once.
const SEEN_MAX: usize = 32;

impl PageSource {
    pub(super) fn new(context: Context) -> Self {
        Self {
            context,
            elsewhere: Arc::default(),
            seen: Arc::default(),
            fetched: Arc::default(),
            measured: MeasuredRuns::default(),
        }
    }

    /// Asks a shared store again and again which runs there are; ends at once where there is none.
    pub(super) async fn list_elsewhere(self: Arc<Self>) {
        let Some(shared) = &self.context.shared else { return };
        let clock = RealClock::new(NonZeroU32::MIN, None);
        loop {
            match shared.runs(LISTED_MAX).await {
                Ok(notes) => {
                    let now = clock.now();
                    let glance = |note: DriverNote| {
                        let driven = note.drives && !note.is_silent(now);
                        let glance =
                            RunGlance { run: note.run.clone(), head: Some(note.head), driven };
                        (note.run, glance)
                    };
                    *self.glances_elsewhere() = notes.into_iter().map(glance).collect();
                }
                Err(error) => tracing::warn!(%error, "the runs of the shared store are not listed"),
            }
            clock.sleep_until(clock.now() + LIST_EVERY).await;
        }
    }

    fn glances_elsewhere(&self) -> MutexGuard<'_, BTreeMap<RunId, RunGlance>> {
        self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is new of a run that another host drives or drove; none where the shared store does not have it, and
    /// nothing where it does not answer.
    async fn fresh_elsewhere(
        &self,
        run: &RunId,
        after: Seq,
    ) -> Option<Result<FreshEvents, SharedStoreSilent>> {
        let glance = self.glances_elsewhere().get(run).cloned();
        let glance = glance.filter(|_| !self.context.drives_here(run))?;
        let clock = RealClock::new(NonZeroU32::MIN, None);
        if !glance.driven {
            // It is read into this host's copy, and from there: each reading is many requests.
            if self.is_to_be_fetched(run, clock.now()) {
                self.context.fetch(run).await;
            }
            return None;
        }
        let look = tokio::select! {
            look = self.look_elsewhere(run) => look.ok(),
            () = clock.sleep_until(clock.now() + STORE_WITHIN) => None,
        };
        let Some(look) = look else { return Some(Err(SharedStoreSilent)) };
        let RunLook { events, driven, now, warning: stale, .. } = look;
        let shorter = events.last().is_some_and(|last| last.seq < after);
        let events = events.into_iter().filter(|one| shorter || one.seq > after).collect();
        Some(Ok(FreshEvents { events, driven, now, stale }))
    }

    /// Whether it is time to bring this host's copy up to the store, which is not asked more often what it has.
    fn is_to_be_fetched(&self, run: &RunId, now: Timestamp) -> bool {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        fetched.retain(|_, at| now.since(*at) < LIST_EVERY);
        let is_due = !fetched.contains_key(run);
        if is_due {
            fetched.insert(run.clone(), now);
        }
        is_due
    }

    /// A run that another host drives, read anew only where the store has more of it than is known.
    async fn look_elsewhere(&self, run: &RunId) -> Result<RunLook, CliError> {
        let mut seen = self.seen.lock().await;
        let look = match seen.get(run) {
            Some(known) => self.context.look_on(run, known).await?,
            None => {
                self.context.fetch_files(run).await;
                self.context.look(run).await?
            }
        };
        while seen.len() >= SEEN_MAX && !seen.contains_key(run) {
            seen.pop_first();
        }
        seen.insert(run.clone(), look.clone());
        Ok(look)
    }

    /// What whoever drives the run tells; none where nobody answers in time.
    async fn told(&self, run: &RunId, after: Seq) -> Option<(Vec<Recorded>, Timestamp)> {
        let knock = Knock::at(&self.context.state.run_path(run)).ok()?;
        let clock = RealClock::new(NonZeroU32::MIN, None);
        tokio::select! {
            told = knock.events_after(after) => told.ok(),
            () = clock.sleep_until(clock.now() + TOLD_WITHIN) => None,
        }
    }

    /// Reads files beside the tasks that answer.
    async fn beside_tasks<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Context) -> Result<T, CliError> + Send + 'static,
    ) -> Result<T, WebProblem> {
        let context = self.context.clone();
        let broke = |_| WebProblem::new(500, "The run cannot be read.");
        tokio::task::spawn_blocking(move || read(&context))
            .await
            .map_err(broke)?
            .map_err(|error| problem(&error))
    }
}

/// An error of ours as the page tells it.
pub(super) fn problem(error: &CliError) -> WebProblem {
    let status = match error.status {
        Status::Refused => 409,
        Status::Usage => 404,
        _ => 500,
    };
    let mut what = error.what.clone();
    for why in &error.why {
        what.push_str(&format!(" {}.", why.trim_end_matches('.')));
    }
    WebProblem { status, what, hint: error.hints.first().cloned() }
}

#[async_trait]
impl WebSource for PageSource {
    fn glances(&self) -> Result<Vec<RunGlance>, WebProblem> {
        let here = self.context.state.glances().map_err(|error| problem(&error.into()))?;
        let mut all = self.glances_elsewhere().clone();
        for glance in here {
            // What this host drives it knows best; of the rest there may be a copy that is behind.
            match all.get(&glance.run) {
                Some(known) if !glance.driven && known.head >= glance.head => {}
                _ => drop(all.insert(glance.run.clone(), glance)),
            }
        }
        Ok(all.into_values().collect())
    }

    fn glance(&self, run: &RunId) -> Option<RunGlance> {
        let here = self.context.state.glance(run);
        if here.as_ref().is_some_and(|here| here.driven) {
            return here;
        }
        self.glances_elsewhere().get(run).cloned().or(here)
    }

    async fn fresh(&self, run: &RunId, after: Seq) -> Result<FreshEvents, WebProblem> {
        if let Some((events, now)) = self.told(run, after).await {
            return Ok(FreshEvents { events, driven: Driven::ByAProcess, now, stale: None });
        }
        let silent = match self.fresh_elsewhere(run, after).await {
            Some(Ok(fresh)) => return Ok(fresh),
            Some(Err(SharedStoreSilent)) => true,
            None => false,
        };
        let (run, known) = (run.clone(), after);
        self.beside_tasks(move |context| {
            let driven = context.state.glance(&run).is_some_and(|glance| glance.driven);
            let (all, driven, stale) = if driven {
                let stale =
                    "The process that drives the run does not answer. This is what it wrote.";
                let all = context.state.read_export(&run)?;
                (all, Driven::ByAProcess, Some(stale.to_owned()))
            } else {
                let copy = "The shared store does not answer. This is the copy of this host.";
                let stale = silent.then(|| copy.to_owned());
                (context.state.read(&run)?, Driven::ByNobody, stale)
            };
            let now = time_in(&all);
            // Less than what is known is another history: it is handed over whole, and seen to be one.
            let shorter = all.last().is_some_and(|last| last.seq < known);
            let events = all.into_iter().filter(|one| shorter || one.seq > known).collect();
            Ok(FreshEvents { events, driven, now, stale })
        })
        .await
    }

    fn beside(&self, run: &RunId) -> RunBeside {
        RunBeside {
            reached: world::reached(&self.context, run),
            strikes: world::strikes(&self.context, run),
        }
    }

    fn estate(&self, run: &RunId) -> Option<KeptEstate> {
        kept_estate::read(&self.context, run)
    }

    async fn report(&self, run: &RunId) -> Result<String, WebProblem> {
        self.context.fetch(run).await;
        let look = self.context.look(run).await.map_err(|error| problem(&error))?;
        let run = run.clone();
        self.beside_tasks(move |context| {
            let templates = templates(None)?;
            let made = report::of_look(context, &run, &look, &templates)?;
            render_report::html(&made, &templates).map_err(|error| super::render::refused(&error))
        })
        .await
    }

    async fn document(&self, run: &RunId, plan: &Plan) -> Result<String, WebProblem> {
        let (plan, run) = (plan.clone(), run.clone());
        self.beside_tasks(move |context| {
            let templates = templates(None)?;
            let place = context.state.run_path(&run).join("runbook.yaml");
            let text = regular::read(&place, FILE_BYTES_MAX).unwrap_or_default();
            let material = Material {
                source_digest: blake3::hash(&text).to_hex().to_string(),
                parameters: Vec::new(),
                profiles: Vec::new(),
                known: None,
                drill: None,
                matrix: None,
                plan,
            };
            let view = render_document::document(&material, None, &templates, None);
            let written = render_document::html(&view, &templates);
            written.map(|written| written.text).map_err(|error| super::render::refused(&error))
        })
        .await
    }

    fn readiness(&self) -> Result<Vec<ReadyTrend>, WebProblem> {
        let readiness = self.context.state.readiness();
        let names = readiness.runbooks(RUNBOOKS_MAX).map_err(|error| problem(&error.into()))?;
        let mut found = Vec::new();
        for name in names {
            // One that is damaged hides none of the others.
            let Ok(notes) = readiness.of(&name) else { continue };
            let past: Vec<PastReadiness> = notes.into_iter().map(past).collect();
            found.push(trend(name.as_str(), &past));
        }
        Ok(found)
    }

    async fn measures(&self) -> Result<Vec<RunMeasures>, WebProblem> {
        measured_again(&self.context, &self.measured).await.map_err(|error| problem(&error))
    }

    async fn tell(&self, run: &RunId, command: Command) -> Result<(), WebProblem> {
        let elsewhere = self.glances_elsewhere().contains_key(run);
        let told = if elsewhere && !self.context.drives_here(run) {
            self.context.tell_elsewhere(run, &command).await
        } else {
            self.context.tell(run, &command).await
        };
        told.map_err(|error| {
            let mut problem = problem(&error);
            problem.status = 409;
            problem
        })
    }

    fn is_own(&self, peer: SocketAddr, ours: SocketAddr) -> Option<bool> {
        account::is_own(peer, ours)
    }

    fn person(&self, name: &str, _role: Option<&str>) -> Person {
        let account = crate::model::Account { invited: true, ..self.context.account.clone() };
        Person { name: name.to_owned(), account: Some(Box::new(account)) }
    }
}
