//! How does the page reach the runs of this host? It reads the state directory, asks whoever drives a run for what is
//! new, and passes words on through that run's socket.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::page_elsewhere::{LIST_EVERY, RunsElsewhere, SharedStoreSilent};
use super::ready::past;
use super::render::templates;
use super::report;
use crate::cli::account;
use crate::cli::clock::RealClock;
use crate::cli::context::{Context, RunLook};
use crate::cli::control::{SocketClient, ToldEvents};
use crate::cli::error::{CliError, Status};
use crate::cli::folded::time_in;
use crate::cli::measured::{MeasuredRuns, measured_again};
use crate::cli::silence::said;
use crate::cli::{kept_estate, world};
use crate::engine::{Clock as _, Command};
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{Person, Plan, RunId, Seq, Timestamp};
use crate::render::RunLine;
use crate::render::board::KeptEstate;
use crate::render::document::material::Material;
use crate::render::machine::RunMeasures;
use crate::render::ready::{PastReadiness, ReadyTrend, trend};
use crate::render::view::Driven;
use crate::render::{document as render_document, report as render_report};
use crate::store::{RunProgress, regular};
use crate::web::{FreshEvents, RunBeside, RunOfList, RunsListed, WebProblem, WebSource};

/// How long whoever drives a run may take to tell what is new; beyond it the page shows what they wrote.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

/// Runbooks whose readiness is told.
const RUNBOOKS_MAX: usize = 100;

/// The runs of a state directory, for the page.
#[derive(Debug, Clone)]
pub(super) struct PageSource {
    context: Context,
    /// What is known of the runs of a shared store.
    elsewhere: Arc<RunsElsewhere>,
    /// What was seen of those that are looked at.
    seen: Arc<tokio::sync::Mutex<BTreeMap<RunId, RunLook>>>,
    /// When those that nobody drives were last read into this host's copy.
    fetched: Arc<Mutex<BTreeMap<RunId, Timestamp>>>,
    measured: MeasuredRuns,
    sockets: Option<SocketClient>,
}

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
            sockets: SocketClient::new().ok(),
        }
    }

    /// Asks a shared store again and again which runs there are; ends at once where there is none.
    pub(super) async fn list_elsewhere(self: Arc<Self>) {
        if let Some(shared) = &self.context.shared {
            self.elsewhere.list(shared).await;
        }
    }

    /// What is new of a run that another host drives or drove; none where the shared store does not have it, and
    /// nothing where it does not answer.
    async fn fresh_elsewhere(
        &self,
        run: &RunId,
        after: Seq,
    ) -> Option<Result<FreshEvents, SharedStoreSilent>> {
        let progress = self.elsewhere.progress(run).filter(|_| !self.context.drives_here(run))?;
        if !progress.driven {
            // It is read into this host's copy, and from there: each reading is many requests.
            if self.elsewhere.is_silent() {
                return Some(Err(SharedStoreSilent));
            }
            if self.is_to_be_fetched(run, RealClock::new(NonZeroU32::MIN, None).now()) {
                return self.elsewhere.asked(self.context.fetch(run)).await.err().map(Err);
            }
            return None;
        }
        let look = match self.elsewhere.asked(self.look_elsewhere(run)).await {
            Ok(Ok(look)) => look,
            Ok(Err(_)) | Err(SharedStoreSilent) => return Some(Err(SharedStoreSilent)),
        };
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
    async fn told(&self, run: &RunId, after: Seq) -> Option<ToldEvents> {
        let socket = self.sockets.as_ref()?.at(&self.context.state.run_path(run)).ok()?;
        let clock = RealClock::new(NonZeroU32::MIN, None);
        tokio::select! {
            told = socket.events_after(after) => told.ok(),
            () = clock.sleep_until(clock.now() + TOLD_WITHIN) => None,
        }
    }

    /// A run of the list: what is here of it, or what its driver says in the shared store. One that has ended is told
    /// from that alone where this host has no copy of it, since a copy is many requests.
    fn listed_run(&self, run: &RunId, here: Option<RunProgress>) -> Option<RunOfList> {
        let progress = match (self.elsewhere.progress(run), here) {
            // What this host drives it knows best; of the rest there may be a copy that is behind.
            (Some(known), Some(here)) if !here.driven && known.head >= here.head => {
                return Some(RunOfList {
                    line: (known.head != here.head).then(|| self.line_elsewhere(run)).flatten(),
                    progress: known,
                });
            }
            (_, Some(here)) => here,
            (Some(known), None) => {
                return Some(RunOfList { line: self.line_elsewhere(run), progress: known });
            }
            (None, None) => return None,
        };
        Some(RunOfList { progress, line: None })
    }

    /// What the driver of a run of the shared store says of it, where it has ended.
    fn line_elsewhere(&self, run: &RunId) -> Option<RunLine> {
        let note = self.elsewhere.note(run).filter(|note| !note.drives)?;
        note.outcome.map(|_| super::runs::elsewhere(&note, false))
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
        Status::Done
        | Status::EndedOtherwise
        | Status::Runbook
        | Status::OutOfReach
        | Status::UndoIncomplete
        | Status::NotReady
        | Status::Waiting
        | Status::Bug
        | Status::Interrupted => 500,
    };
    let mut what = error.what.clone();
    for why in &error.why {
        what.push_str(&format!(" {}.", why.trim_end_matches('.')));
    }
    WebProblem { status, what, hint: error.hints.first().cloned() }
}

#[async_trait]
impl WebSource for PageSource {
    async fn listed(&self, from: usize, count: usize) -> Result<RunsListed, WebProblem> {
        let here = self.beside_tasks(|context| Ok(context.state.all_progress()?)).await?;
        let mut here: BTreeMap<RunId, RunProgress> =
            here.into_iter().map(|progress| (progress.run.clone(), progress)).collect();
        let elsewhere: BTreeSet<RunId> = self.elsewhere.runs().into_iter().collect();
        let all: BTreeSet<&RunId> = elsewhere.iter().chain(here.keys()).collect();
        let total = all.len();
        let shown: Vec<RunId> = all.into_iter().rev().skip(from).take(count).cloned().collect();
        let mut driven: BTreeSet<RunId> = self.elsewhere.driven().into_iter().collect();
        driven.extend(here.values().filter(|one| one.driven).map(|one| one.run.clone()));
        if let Some(shared) = &self.context.shared {
            self.elsewhere.read_notes(shared, &shown).await.map_err(|SharedStoreSilent| {
                WebProblem::new(
                    503,
                    "The shared store does not answer, so that these runs cannot be listed.",
                )
                .hint("Those that were listed before are on the first page.")
            })?;
        }
        let runs = shown.iter().filter_map(|run| self.listed_run(run, here.remove(run)));
        let runs = runs.collect();
        Ok(RunsListed { total, driven: driven.len(), runs })
    }

    fn progress(&self, run: &RunId) -> Option<RunProgress> {
        let here = self.context.state.progress(run);
        if here.as_ref().is_some_and(|here| here.driven) {
            return here;
        }
        self.elsewhere.progress(run).or(here)
    }

    async fn fresh(&self, run: &RunId, after: Seq) -> Result<FreshEvents, WebProblem> {
        if let Some(ToldEvents { events, now, silent }) = self.told(run, after).await {
            let stale = silent.map(said);
            return Ok(FreshEvents { events, driven: Driven::ByAProcess, now, stale });
        }
        let silent = match self.fresh_elsewhere(run, after).await {
            Some(Ok(fresh)) => return Ok(fresh),
            Some(Err(SharedStoreSilent)) => true,
            None => false,
        };
        if silent && !self.context.state.has(run) {
            return Err(WebProblem::new(
                503,
                "The shared store does not answer, and this host has no copy of the run.",
            )
            .hint("It is asked again in a few seconds."));
        }
        let (run, known) = (run.clone(), after);
        self.beside_tasks(move |context| {
            let driven = context.state.progress(&run).is_some_and(|progress| progress.driven);
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
            ourselves: self.context.ui.ours.clone(),
        }
    }

    fn estate(&self, run: &RunId) -> Option<KeptEstate> {
        kept_estate::read(&self.context, run)
    }

    async fn report(&self, run: &RunId) -> Result<String, WebProblem> {
        let look = async {
            self.context.fetch(run).await;
            self.context.look(run).await
        };
        let look = match self.elsewhere.progress(run) {
            Some(_) => self.elsewhere.asked(look).await.map_err(|SharedStoreSilent| {
                WebProblem::new(
                    503,
                    "The shared store does not answer, so that the run cannot be reported of.",
                )
            })?,
            None => look.await,
        };
        let look = look.map_err(|error| problem(&error))?;
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
                refused: Vec::new(),
                undrilled: None,
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
        let told = if self.elsewhere.progress(run).is_some() && !self.context.drives_here(run) {
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

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use clap::Parser as _;
    use futures::stream::{BoxStream, StreamExt as _};
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{
        CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
        ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    };

    use super::*;
    use crate::cli::args::{CommandLine, Output};
    use crate::cli::settings::Environment;
    use crate::cli::ui::{Manner, Ui};
    use crate::render::truth::RunStanding;
    use crate::store::shared::SharedStore;

    /// A store that counts what it is asked, and from a moment on answers nothing.
    #[derive(Debug, Default)]
    struct FallsSilent {
        inner: InMemory,
        is_silent: AtomicBool,
        asked: AtomicUsize,
    }

    impl FallsSilent {
        async fn asked(&self) {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.is_silent.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
        }

        /// How much was asked since the last time.
        fn count(&self) -> usize {
            self.asked.swap(0, Ordering::SeqCst)
        }
    }

    impl fmt::Display for FallsSilent {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a store that falls silent")
        }
    }

    #[async_trait]
    impl ObjectStore for FallsSilent {
        async fn put_opts(&self, at: &Path, all: PutPayload, how: PutOptions) -> Result<PutResult> {
            self.asked().await;
            self.inner.put_opts(at, all, how).await
        }

        async fn put_multipart_opts(
            &self,
            at: &Path,
            how: PutMultipartOptions,
        ) -> Result<Box<dyn MultipartUpload>> {
            self.inner.put_multipart_opts(at, how).await
        }

        async fn get_opts(&self, at: &Path, how: GetOptions) -> Result<GetResult> {
            self.asked().await;
            self.inner.get_opts(at, how).await
        }

        fn delete_stream(
            &self,
            all: BoxStream<'static, Result<Path>>,
        ) -> BoxStream<'static, Result<Path>> {
            self.inner.delete_stream(all)
        }

        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            match self.is_silent.load(Ordering::SeqCst) {
                true => futures::stream::pending().boxed(),
                // All but the newest were driven an hour ago.
                false => self
                    .inner
                    .list(prefix)
                    .enumerate()
                    .map(|(n, meta)| {
                        meta.map(|mut meta| {
                            let hour = Duration::from_secs(if n < 45 { 3_600 } else { 0 });
                            meta.last_modified -= hour;
                            meta
                        })
                    })
                    .boxed(),
            }
        }

        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
            self.asked().await;
            self.inner.list_with_delimiter(prefix).await
        }

        async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
            self.inner.copy_opts(from, to, how).await
        }
    }

    fn run(n: usize) -> RunId {
        RunId::parse(&format!("01jd{n:022}")).unwrap()
    }

    /// A page of a store with so many runs that have ended, and the store.
    async fn page_of(runs: usize) -> (PageSource, Arc<FallsSilent>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let objects = Arc::new(FallsSilent::default());
        for n in 1..=runs {
            let run = run(n);
            let note = serde_json::json!({
                "run": run, "epoch": 1, "holder": "jump", "place": "jump:/runs", "since": "2026-03-14T03:00:00Z",
                "at": "2026-03-14T03:00:00Z", "head": 4, "drives": false, "runbook": "dr", "outcome": "succeeded",
            });
            let at = Path::from(format!("team/drivers/{run}/{:020}.json", 1));
            objects.inner.put(&at, note.to_string().into()).await.unwrap();
        }
        let place = folder.path().display().to_string();
        let line = CommandLine::parse_from(["backroad", "--state-dir", &place, "web"]);
        let environment = Environment::default();
        let manner = Manner { plain: true, local_time: false };
        let ui = Ui::new(Output::Text, &environment, manner);
        let mut context = Context::new(&line, environment, ui).unwrap();
        let store = Arc::clone(&objects) as Arc<dyn ObjectStore>;
        context.shared = Some(SharedStore::new("memory", store, Path::from("team")));
        let mut source = PageSource::new(context);
        source.elsewhere = Arc::new(RunsElsewhere::patient_for(Duration::from_millis(50)));
        source.elsewhere.list_once(source.context.shared.as_ref().unwrap()).await;
        (source, objects, folder)
    }

    #[tokio::test]
    async fn a_page_of_the_list_reads_its_own_notes_once_and_no_run() {
        let (source, objects, _folder) = page_of(70).await;
        assert_eq!(objects.count(), 26, "a listing, and the notes of the first page");
        let first = source.listed(0, 25).await.unwrap();
        assert_eq!((first.total, first.runs.len(), objects.count()), (70, 25, 0));
        for _ in 0..3 {
            let last = source.listed(50, 25).await.unwrap();
            let ids: Vec<RunId> = last.runs.iter().map(|one| one.progress.run.clone()).collect();
            assert_eq!(ids, (1..=20).rev().map(run).collect::<Vec<_>>());
            for one in &last.runs {
                let line = one.line.as_ref().unwrap();
                assert_eq!(line.standing, Some(RunStanding::Succeeded));
                assert_eq!(line.runbook.as_deref(), Some("dr"));
            }
        }
        assert_eq!(objects.count(), 20, "a note for each of them, once");
    }

    #[tokio::test]
    async fn a_store_that_hangs_holds_nobody_up_and_is_not_asked_again_and_again() {
        let (source, objects, _folder) = page_of(70).await;
        objects.count();
        objects.is_silent.store(true, Ordering::SeqCst);
        // Everybody who looks gets an answer, and the store one question.
        let (mine, other) = (run(70), run(69));
        let problem = source.fresh(&mine, Seq(0)).await.unwrap_err();
        assert_eq!(problem.status, 503, "{problem:?}");
        assert!(problem.what.contains("does not answer"), "{problem:?}");
        assert_eq!(objects.count(), 1);
        for _ in 0..20 {
            assert_eq!(source.fresh(&mine, Seq(0)).await.unwrap_err().status, 503);
            assert_eq!(source.fresh(&other, Seq(0)).await.unwrap_err().status, 503);
            assert_eq!(source.report(&mine).await.unwrap_err().status, 503);
            assert_eq!(source.listed(50, 25).await.unwrap_err().status, 503);
        }
        assert_eq!(objects.count(), 0);
        // What was listed before is shown all the same.
        assert_eq!(source.listed(0, 25).await.unwrap().runs.len(), 25);
    }
}
