//! How does the page reach the runs of this host? It reads the state directory, asks whoever drives a run for what is
//! new, and passes words on through that run's socket.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;

use super::render::templates;
use super::report;
use crate::cli::account;
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::control::Knock;
use crate::cli::error::{CliError, Status};
use crate::cli::world;
use crate::engine::{Clock as _, Command, Event, Recorded, RunMode};
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{Person, Plan, RunId, Seq, Timestamp};
use crate::render::document::material::{Known, Material};
use crate::render::view::Driven;
use crate::render::{document as render_document, report as render_report};
use crate::store::{RunGlance, regular};
use crate::web::{FreshEvents, RunBeside, WebProblem, WebSource};

/// How long whoever drives a run may take to tell what is new; beyond it the page shows what they wrote.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

/// The runs of a state directory, for the page.
#[derive(Debug, Clone)]
pub(super) struct PageSource {
    context: Context,
}

impl PageSource {
    pub(super) fn new(context: Context) -> Self {
        Self { context }
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

    fn estate(&self, _run: &RunId) -> Option<Known> {
        None
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

    async fn tell(&self, run: &RunId, command: Command) -> Result<(), WebProblem> {
        self.context.tell(run, &command).await.map_err(|error| {
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
