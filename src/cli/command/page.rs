//! How does the page reach the runs of this host? It reads the state directory, asks whoever drives a run for what is
//! new, and passes words on through that run's socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::ready::past;
use super::render::templates;
use super::report;
use crate::cli::account;
use crate::cli::clock::RealClock;
use crate::cli::context::{Context, RunLook};
use crate::cli::control::Knock;
use crate::cli::error::{CliError, Status};
use crate::cli::measured::{MeasuredRuns, measured_again};
use crate::cli::{kept_estate, world};
use crate::engine::{Clock as _, Command, Event, Recorded, RunMode};
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{Person, Plan, RunId, Seq, Timestamp};
use crate::render::board::KeptEstate;
use crate::render::document::material::Material;
use crate::render::machine::RunMeasures;
use crate::render::ready::{PastReadiness, ReadyTrend, trend};
use crate::render::view::Driven;
use crate::render::{document as render_document, report as render_report};
use crate::store::{RunGlance, regular};
use crate::web::{FreshEvents, RunBeside, WebProblem, WebSource};

/// How long whoever drives a run may take to tell what is new; beyond it the page shows what they wrote.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

/// How often a run that another host drives is looked at in the shared store: each look is a request that is paid for,
/// and its driver looks for letters no more often.
const ELSEWHERE_EVERY: Duration = Duration::from_secs(5);

/// Runbooks whose readiness is told.
const RUNBOOKS_MAX: usize = 100;

/// Runs of other hosts of which the last look is kept.
const ELSEWHERE_MAX: usize = 12;

/// The runs of a state directory, for the page.
#[derive(Debug, Clone)]
pub(super) struct PageSource {
    context: Context,
    elsewhere: Arc<Mutex<BTreeMap<RunId, (Timestamp, RunLook)>>>,
    measured: MeasuredRuns,
}

impl PageSource {
    pub(super) fn new(context: Context) -> Self {
        Self { context, elsewhere: Arc::default(), measured: MeasuredRuns::default() }
    }

    /// What the host that drives a run of the shared store has written there; none where no other host does, or the
    /// store does not answer.
    async fn elsewhere(&self, run: &RunId) -> Option<RunLook> {
        if self.context.shared.is_none() || self.context.drives_here(run) {
            return None;
        }
        let known = || self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let now = RealClock::new(NonZeroU32::MIN, None).now();
        if let Some((at, look)) = known().get(run)
            && now.since(*at) < ELSEWHERE_EVERY
        {
            return Some(look.clone());
        }
        self.context.state.kept_in(run).ok().flatten()?;
        let look = self.context.look(run).await.ok()?;
        let mut known = known();
        if known.len() >= ELSEWHERE_MAX {
            known.pop_first();
        }
        known.insert(run.clone(), (now, look.clone()));
        Some(look)
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

/// The time in a run that nobody tells: the host's, or of a drill the last that was recorded.
fn time_of(events: &[Recorded], drill: bool) -> Timestamp {
    let last = events.last().map(|last| last.at);
    match last {
        Some(last) if drill => last,
        last => RealClock::new(NonZeroU32::MIN, last).now(),
    }
}

fn is_drill(events: &[Recorded]) -> bool {
    let mode = events.first().map(|first| &first.event);
    matches!(mode, Some(Event::RunOpened { mode: RunMode::Drill, .. }))
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
        self.context.state.glances().map_err(|error| problem(&error.into()))
    }

    fn glance(&self, run: &RunId) -> Option<RunGlance> {
        self.context.state.glance(run)
    }

    async fn fresh(&self, run: &RunId, after: Seq) -> Result<FreshEvents, WebProblem> {
        if let Some((events, now)) = self.told(run, after).await {
            return Ok(FreshEvents { events, driven: Driven::ByAProcess, now, stale: None });
        }
        if let Some(look) = self.elsewhere(run).await {
            let shorter = look.events.last().is_some_and(|last| last.seq < after);
            let events = look.events.into_iter().filter(|one| shorter || one.seq > after).collect();
            let (driven, now, stale) = (look.driven, look.now, look.warning);
            return Ok(FreshEvents { events, driven, now, stale });
        }
        let (run, known) = (run.clone(), after);
        self.beside_tasks(move |context| {
            let driven = context.state.glance(&run).is_some_and(|glance| glance.driven);
            let (all, driven, stale) = if driven {
                let stale =
                    "The process that drives the run does not answer. This is what it wrote.";
                let all = context.state.read_export(&run)?;
                (all, Driven::ByAProcess, Some(stale.to_owned()))
            } else {
                (context.state.read(&run)?, Driven::ByNobody, None)
            };
            let now = time_of(&all, is_drill(&all));
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
        let elsewhere = self.context.shared.is_some() && !self.context.drives_here(run);
        let told = match elsewhere {
            // A letter to the host that drives it, as from a terminal here.
            true => self.context.tell_elsewhere(run, &command).await,
            false => self.context.tell(run, &command).await,
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
