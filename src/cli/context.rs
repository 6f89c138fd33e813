//! What is a command given? The screen, the environment and the state directory.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::account;
use super::args::{CommandLine, GivenArgs};
use super::clock::{self, RealClock};
use super::collector::{self, settings::CollectorSettings};
use super::error::CliError;
use super::folded::time_in;
use super::settings::{self, Environment};
use super::shared::{self, SeenElsewhere};
use super::ui::Ui;
use crate::engine::{Clock as _, Command, Recorded, RunMode, StepCommand};
use crate::model::{Account, Person, RunId, Seq, StepName, Timestamp};
use crate::render::view::Driven;
use crate::store::shared::{LastFiles, SharedStore};
use crate::store::{Owed, Owing, StateDir, StoreError};

use super::control::{RunSocket, ToldEvents};
use super::silence;

/// How long a shared store may take to say what its runs owe.
const OWED_WITHIN: Duration = Duration::from_secs(5);

/// How long a shared store may take to keep the last files of a run.
const LAST_FILES_WITHIN: Duration = Duration::from_secs(20);

/// How often, and how long after one another, a run is looked at whose process has just stopped answering.
const ENDING_LOOKS: u32 = 4;
const ENDING_LOOK: Duration = Duration::from_millis(50);

/// A run as it is looked at from outside.
#[derive(Debug, Clone)]
pub struct RunLook {
    /// Its events.
    pub events: Vec<Recorded>,
    /// Whether somebody drives it.
    pub driven: Driven,
    /// The time in it.
    pub now: Timestamp,
    /// Why what it shows may be old, if it may, or why nothing moves in it.
    pub warning: Option<String>,
    /// How far the shared store had come that it was read from; none where it was read here.
    pub(super) elsewhere: Option<SeenElsewhere>,
}

impl RunLook {
    /// What whoever drives it tells.
    fn of(ToldEvents { events, now, silent }: ToldEvents) -> Self {
        let (driven, warning) = (Driven::ByAProcess, silent.map(silence::said));
        Self { events, driven, now, warning, elsewhere: None }
    }

    /// Says why what it shows may be old.
    pub fn warn(&self, ui: Ui) {
        if let Some(why) = &self.warning {
            ui.say(&format!("{} {why}", ui.err.warn("warning:")));
        }
    }
}

/// Who told the events: whoever drives the run, who knows the time in it too, or what is written.
enum LookedBy {
    Driver(RunLook),
    Journal(WrittenRun),
}

/// What is written of a run, here or in the shared store.
struct WrittenRun {
    events: Vec<Recorded>,
    driven: Driven,
    warning: Option<String>,
    /// As it was seen in the shared store; none where it was read here.
    elsewhere: Option<SeenElsewhere>,
}

impl WrittenRun {
    fn here(events: Vec<Recorded>, driven: Driven, warning: Option<String>) -> LookedBy {
        LookedBy::Journal(Self { events, driven, warning, elsewhere: None })
    }
}

/// What every command is given.
#[derive(Debug, Clone)]
pub struct Context {
    /// The person's screen.
    pub ui: Ui,
    /// What the environment says.
    pub environment: Environment,
    /// Where runs are kept.
    pub state: StateDir,
    /// The store that other hosts reach too, where one is named.
    pub shared: Option<SharedStore>,
    /// The account that speaks.
    pub account: Account,
    /// The run that this process drives in the background, without a terminal.
    pub background: Option<RunId>,
    /// Which collector gets a run's trace.
    pub collector: Option<CollectorSettings>,
    /// Whether a page is served beside what this process drives: people may answer on it.
    pub page: bool,
    /// What is to be put into the shared store when this process has written everything.
    last_files: Arc<Mutex<Option<LastFiles>>>,
}

impl Context {
    /// Puts it together.
    ///
    /// # Errors
    /// There is no place to keep state, or the run in the background has no name.
    pub fn new(line: &CommandLine, environment: Environment, ui: Ui) -> Result<Self, CliError> {
        let path = settings::state_dir(line.state_dir.as_deref(), &environment)?;
        if let Some(name) = settings::host_name() {
            crate::store::name_this_host(&name).map_err(|why| {
                CliError::usage("BACKROAD_HOST is no name of a host.")
                    .hint(format!("`{name}`: {why}."))
            })?;
        }
        let account = account::own(&environment);
        let page = line.verb.page().is_some();
        let background = match line.verb.drives() {
            Some((drive, _)) => drive.detach.leave_session()?,
            None => None,
        };
        let shared = shared::store(&line.shared, shared::wanted_for(&line.verb))?;
        let collector = collector::settings::read(&environment.otel, line.otlp.as_deref())?;
        if line.verb.is_about_a_run() {
            for note in &collector.notes {
                ui.say(&format!("{} {note}", ui.err.warn("note:")));
            }
        }
        let collector = collector.settings;
        Ok(Self {
            ui,
            environment,
            state: StateDir::new(path),
            shared,
            account,
            background,
            collector,
            page,
            last_files: Arc::default(),
        })
    }

    /// Keeps in mind what is to be put into the shared store at the end.
    pub(super) fn keep_last_files(&self, files: Option<LastFiles>) {
        *self.last_files.lock().unwrap_or_else(PoisonError::into_inner) = files;
    }

    /// Puts into the shared store what this process has written beside a run.
    pub async fn put_last_files(&self) {
        let files = self.last_files.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(files) = files {
            #[expect(
                clippy::disallowed_methods,
                reason = "a store is waited for by the host's time"
            )]
            let put = tokio::time::timeout(LAST_FILES_WITHIN, files.put()).await;
            if put.is_err() {
                tracing::warn!("the shared store did not take the last files of the run in time");
            }
        }
        if let Some(cost) = self.shared.as_ref().map(SharedStore::cost) {
            tracing::info!(%cost, "the shared store was asked");
        }
    }

    /// Says what ended runs still owe: nothing is to be done in ignorance of it.
    pub async fn remind(&self, elsewhere: bool) {
        let mut found = self.state.owed();
        if let Some(shared) = self.shared.as_ref().filter(|_| elsewhere) {
            self.add_owed(shared, &mut found).await;
        }
        let live = |owed: &&Owed| owed.mode == RunMode::Live;
        for owed in found.owed.iter().filter(live) {
            for obligation in &owed.obligations {
                let mark = self.ui.err.warn("owed:");
                self.ui.say(&format!("{mark} {obligation} Run {} owes it.", owed.run));
            }
            self.ui.say(&format!("  Meet it with `backroad settle {}`.", owed.run));
        }
        for unknown in &found.unknown {
            let mark = self.ui.err.warn("warning:");
            self.ui.say(&format!("{mark} What is owed is not known in full: {unknown}."));
        }
    }

    /// Adds what runs of other hosts owe. A store that does not answer holds nothing up for long.
    async fn add_owed(&self, shared: &SharedStore, found: &mut Owing) {
        #[expect(clippy::disallowed_methods, reason = "a store is waited for by the host's time")]
        let owed = tokio::time::timeout(OWED_WITHIN, shared.owed()).await;
        match owed {
            Ok(Ok(owed)) => {
                let new = |one: &Owed| found.owed.iter().all(|known| known.run != one.run);
                let new: Vec<Owed> = owed.into_iter().filter(new).collect();
                found.owed.extend(new);
            }
            Ok(Err(error)) => found.unknown.push(error.to_string()),
            Err(_) => {
                let seconds = OWED_WITHIN.as_secs();
                found.unknown.push(format!("{} did not say within {seconds} s", shared.place()));
            }
        }
    }

    /// Who sits here, as the journal names them.
    #[must_use]
    pub fn user(&self) -> Person {
        let name = self.account.counted().0.to_owned();
        Person { name, account: Some(Box::new(self.account.clone())) }
    }

    /// A word about a step.
    ///
    /// # Errors
    /// The text is not a step's name.
    pub fn step_command(&self, step: &str, given: &GivenArgs) -> Result<StepCommand, CliError> {
        let step = StepName::parse(step)
            .map_err(|error| CliError::usage("That is not a step's name.").because(&error))?;
        Ok(StepCommand { step, by: self.by(given)?, reason: given.reason.clone(), choice: None })
    }

    /// By whom: the name that is claimed, beside the account that claims it.
    ///
    /// # Errors
    /// The name is none.
    pub fn by(&self, given: &GivenArgs) -> Result<Person, CliError> {
        match &given.by {
            None => Ok(self.user()),
            Some(name) if name.trim().is_empty() => Err(CliError::usage("`--by` names nobody.")
                .hint("Leave it out to speak as the account of this session.")),
            Some(name) => Ok(Person { name: name.trim().to_owned(), ..self.user() }),
        }
    }

    /// What is said, with a reason: the one given, else the one that whoever sits at the terminal gives.
    ///
    /// # Errors
    /// There is none.
    pub fn reasoned(&self, given: &GivenArgs, verb: &str) -> Result<GivenArgs, CliError> {
        let reason = match &given.reason {
            None if self.ui.somebody => self.ui.ask(&format!("Why {verb}?")),
            reason => reason.clone(),
        };
        match reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty()) {
            Some(reason) => Ok(GivenArgs { reason: Some(reason), by: given.by.clone() }),
            None => Err(CliError::usage(format!("`{verb}` takes a reason, and there is none."))
                .hint("Say why with `--reason TEXT`; it goes into the journal and the report.")),
        }
    }

    /// The run that is meant: the one whose id begins so; where none is named the newest that a process
    /// drives, else the newest.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub async fn pick(&self, named: Option<&str>) -> Result<RunId, CliError> {
        if let Some(named) = named {
            return self.find(named).await;
        }
        let runs = self.state.list()?;
        if let (true, Some(shared)) = (runs.is_empty(), &self.shared)
            && let Some(note) = shared.runs(1).await?.into_iter().next()
        {
            return Ok(note.run);
        }
        let driven = runs.iter().rev().filter(|run| run.holder.is_some());
        let others: Vec<&str> = driven.clone().skip(1).map(|run| run.run.as_str()).collect();
        if !others.is_empty() {
            let (mark, others) = (self.ui.err.warn("warning:"), others.join(", "));
            self.ui.say(&format!(
                "{mark} Others go on as well: {others}. See `backroad runs --running`."
            ));
        }
        // One that never began is picked only where there is no other.
        let begun = runs.iter().rev().filter(|run| run.head > Seq::default());
        let picked = driven.chain(begun).chain(runs.iter().rev()).next();
        picked.map(|run| run.run.clone()).ok_or_else(|| {
            CliError::usage("There is no run here yet.").hint(format!(
                "Runs are kept in {}; another place is named with `--state-dir`.",
                self.state.path().display()
            ))
        })
    }

    /// How long ago a run was started by this host's clock, in seconds: its id tells when.
    #[must_use]
    pub fn age(run: &RunId) -> f64 {
        let begun = ulid::Ulid::from_string(run.as_str()).map_or(0, |id| id.timestamp_ms());
        let begun = Timestamp::from_millis(i64::try_from(begun).unwrap_or_default());
        RealClock::new(NonZeroU32::MIN, None).now().since(begun).as_secs_f64().floor()
    }

    /// A run's events, from its store or from the process that holds it.
    ///
    /// # Errors
    /// The run cannot be read, and nobody answers for it.
    pub async fn read(&self, run: &RunId) -> Result<(Vec<Recorded>, Driven), CliError> {
        let look = self.look(run).await?;
        look.warn(self.ui);
        Ok((look.events, look.driven))
    }

    /// A run's events and the time in it: the one of whoever drives it, since a drill's time is its own and a
    /// simulator's may go faster; else the host's, or of a drill the last that was recorded.
    ///
    /// # Errors
    /// The run cannot be read, and nobody answers for it.
    pub async fn look(&self, run: &RunId) -> Result<RunLook, CliError> {
        let looked = self.read_or_ask(run).await?;
        // After the look: whoever drove it may have ended meanwhile.
        let unshared = self.unshared(run).or_else(|| self.kept_elsewhere(run));
        let WrittenRun { events, driven, warning, elsewhere } = match looked {
            LookedBy::Driver(look) => {
                let warning = look.warning.clone().or(unshared);
                return Ok(RunLook { warning, ..look });
            }
            LookedBy::Journal(written) => written,
        };
        let warning = match (warning, unshared) {
            (Some(warning), Some(unshared)) => Some(format!("{warning} {unshared}")),
            (warning, unshared) => warning.or(unshared),
        };
        let warning = warning.or_else(|| clock::behind(&events));
        let now = time_in(&events);
        Ok(RunLook { events, driven, now, warning, elsewhere })
    }

    /// What this host has of a run that none of its processes drives.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn look_at_copy(&self, run: &RunId) -> Result<RunLook, CliError> {
        let events = self.state.read(run)?;
        let now = time_in(&events);
        let (driven, warning, elsewhere) = (Driven::ByNobody, self.kept_elsewhere(run), None);
        Ok(RunLook { events, driven, now, warning, elsewhere })
    }

    /// Looks again at a run of which something is known: whoever drives it is asked only for what is new.
    ///
    /// # Errors
    /// As [`Self::look`].
    pub async fn look_on(&self, run: &RunId, known: &RunLook) -> Result<RunLook, CliError> {
        if let Some(unchanged) = self.unchanged_elsewhere(run, known).await? {
            return Ok(unchanged);
        }
        let last = known.events.last().map(|last| last.seq).unwrap_or_default();
        let told = match RunSocket::at(&self.state.run_path(run)) {
            Ok(socket) => socket.events_after(last).await.ok(),
            Err(_) => None,
        };
        let Some(told) = told else { return self.look(run).await };
        let mut look = RunLook::of(told);
        look.events.splice(0..0, known.events.iter().cloned());
        Ok(look)
    }

    /// A run as the shared store has it; none where it does not.
    async fn look_elsewhere(&self, run: &RunId) -> Result<Option<WrittenRun>, CliError> {
        let Some((events, driver, seen)) = self.look_shared(run).await? else { return Ok(None) };
        let now = RealClock::new(NonZeroU32::MIN, None).now();
        let driver = driver.filter(|note| note.drives);
        let behind = self.shared.as_ref().filter(|shared| shared.is_behind());
        // Who is silent is not to be told from what is behind.
        let silent = driver.as_ref().filter(|note| behind.is_none() && note.is_silent(now));
        let silent = silent.map(|note| {
            format!("{} drives it and is silent, {}.", note.holder, shared::ago(note.heard))
        });
        let driven = match driver {
            Some(_) if silent.is_none() => Driven::ByAProcess,
            _ => Driven::ByNobody,
        };
        let warning = silent.or_else(|| behind.map(shared::behind));
        Ok(Some(WrittenRun { events, driven, warning, elsewhere: Some(seen) }))
    }

    /// What others have recorded of a run after the process of this host that holds it and does not answer.
    async fn gone_on_without(&self, run: &RunId, written: &[Recorded]) -> Option<WrittenRun> {
        let last = |events: &[Recorded]| events.last().map(|last| last.seq);
        // The store may be as far away as whoever holds the run.
        let there = self.look_elsewhere(run).await.ok().flatten()?;
        let own = "A process of this host holds the run and does not answer: it was taken over, and this is what was \
                   recorded since.";
        let warning = there.warning.as_ref().map(|more| format!("{own} {more}"));
        let warning = Some(warning.unwrap_or_else(|| own.to_owned()));
        (last(&there.events) > last(written)).then(|| WrittenRun { warning, ..there })
    }

    async fn read_or_ask(&self, run: &RunId) -> Result<LookedBy, CliError> {
        // What this host does not drive itself is read where all hosts write.
        if !self.state.is_held(run)
            && let Some(there) = self.look_elsewhere(run).await?
        {
            return Ok(LookedBy::Journal(there));
        }
        match self.state.read(run) {
            Ok(events) => Ok(WrittenRun::here(events, Driven::ByNobody, None)),
            Err(StoreError::Held { .. }) => {
                let told = match RunSocket::at(&self.state.run_path(run)) {
                    Ok(socket) => socket.events_after(Seq::default()).await,
                    Err(error) => Err(error),
                };
                let error = match told {
                    Ok(told) => return Ok(LookedBy::Driver(RunLook::of(told))),
                    Err(error) => error,
                };
                if let Some(events) = self.let_go(run).await {
                    return Ok(WrittenRun::here(events, Driven::ByNobody, None));
                }
                // It hangs, or could not open its socket: what it has written is at most a moment old.
                let written = self.state.read_export(run).unwrap_or_default();
                if let Some(there) = self.gone_on_without(run, &written).await {
                    return Ok(LookedBy::Journal(there));
                }
                if written.is_empty() {
                    return Err(error);
                }
                let warning = format!("{} This is what it wrote.", error.what);
                Ok(WrittenRun::here(written, Driven::ByAProcess, Some(warning)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What is written of a run whose process ended, or was killed, while it was asked; none where it still holds it.
    async fn let_go(&self, run: &RunId) -> Option<Vec<Recorded>> {
        let clock = RealClock::new(NonZeroU32::MIN, None);
        for _ in 0..ENDING_LOOKS {
            if let Ok(events) = self.state.read(run) {
                return Some(events);
            }
            clock.sleep_until(clock.now() + ENDING_LOOK).await;
        }
        None
    }

    /// Takes away a run that was refused before its first event, so that nobody is led to it. One that other hosts
    /// have heard of stays.
    pub async fn discard_unbegun(&self, store: crate::store::RunStore) {
        let run = store.lease.run().clone();
        let discarded = match store.close().await {
            Ok(()) if self.shared.is_none() => self.state.discard_unbegun(&run),
            closed => closed,
        };
        if let Err(error) = discarded {
            tracing::warn!(%run, %error, "a run that did not begin is still there");
        }
    }

    /// Says a command to the process that holds the run.
    ///
    /// # Errors
    /// Nobody answers, or the command was refused.
    pub async fn tell(&self, run: &RunId, command: &Command) -> Result<(), CliError> {
        let socket = RunSocket::at(&self.state.run_path(run))?;
        socket.command(command).await?.map_err(|why| {
            CliError::refused(why).hint(format!("See the run with `backroad status {run}`."))
        })
    }
}
