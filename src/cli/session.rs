//! How is a run driven? Store, socket, screen, signals and the driver, put together once.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::asked::{self, Gates};
use super::clock::HostEntropy;
use super::collector::{Exporter, TraceSource};
use super::context::Context;
use super::control::ControlSocket;
use super::error::{CliError, Status};
pub use super::interrupts::Interrupts;
use super::interrupts::interrupted_twice;
use super::messages::{self, AboutRun, Messenger};
use super::screen::Screen;
use super::shared;
use super::ui::Ui;
use super::watch::{All, EventLog, EventRecorder, ObligationNotes};
use super::{logs, stream};
use crate::arm::kind;
use crate::engine::handle::{self, Handle, Requests};
use crate::engine::{
    Actuator, Clock, Command, Driver, DriverName, Ending, EngineError, NewRun, Patience, Ports,
    Recorded, RunMode, RunState, Watcher,
};
use crate::model::{Action, Epoch, Messages, Plan, ResourceId, RunId, RunOutcome, Seq, Timestamp};
use crate::render::machine::result_line;
use crate::render::truth::RunStanding;
use crate::render::view::{Driven, ReachedView, StrikesView};
use crate::render::{LeftView, RunView, json, run_view_at, text};
use crate::store::RunStore;
use crate::store::shared::RunJournal;

/// Who answers the gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateAnswers {
    /// Whoever sits at the terminal.
    Terminal,
    /// Nobody here: other processes, or the people of a drill. Left when only people can go on.
    Elsewhere,
    /// Other processes, for as long as it takes: the run is driven in the background.
    ControlSocket,
}

/// What a drive is made of.
pub struct Session {
    /// The run's store, open.
    pub store: RunStore,
    /// What reads and changes the world.
    pub actuator: Arc<dyn Actuator>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who answers the gates.
    pub answers: GateAnswers,
    /// Whether time is virtual: a drill's hours pass in a second.
    pub mode: RunMode,
    /// Who is told of it; none where nobody is.
    pub messages: Option<Messages>,
}

/// How a drive ended, and what was recorded.
pub struct Driving {
    /// How it ended.
    pub ending: Ending,
    /// The run as it stands.
    pub state: RunState,
    /// Its events.
    pub events: Vec<Recorded>,
    /// What each site reaches now, in a drill.
    pub reached: Vec<ReachedView>,
    /// What each bad day and fault has met and struck, in a drill.
    pub strikes: Vec<StrikesView>,
    /// What still stands of what its steps did, where they reached their end.
    pub left: Option<LeftView>,
    /// The time in it.
    pub now: Timestamp,
    /// What sends its trace, where somebody collects it.
    exporter: Option<Exporter>,
    /// What still sends.
    messenger: Option<Messenger>,
    /// The interrupts of this process, also those since the drive ended.
    pub interrupts: Interrupts,
}

/// What a drive begins with.
#[derive(Debug, Clone)]
pub enum DriveStart {
    /// A new run.
    New(Box<NewRun>),
    /// A run that exists, with a command first or without.
    Existing(Option<Command>),
}

impl Session {
    /// Drives the run until it ends, waits for people, or this process is interrupted.
    ///
    /// # Errors
    /// The command was refused, or the journal failed.
    pub async fn drive(self, context: &Context, begin: DriveStart) -> Result<Driving, CliError> {
        let ui = context.ui;
        let (handle, requests) = handle::channel();
        keep_log(context, self.store.lease.run());
        let recorder = Arc::new(EventRecorder::default());
        let mut screen = Screen::new(ui, self.mode, &self.clock);
        let (shown, stillness) = screen.watcher();
        let notes = notes(context)?;
        let mut watchers = watchers(ui, &recorder, &notes, shown, self.store.lease.epoch());
        let mut aside = JoinSet::new();
        let patience = self.answers.patience();
        if self.answers == GateAnswers::Terminal {
            let (gates, questions) = Gates::new(Arc::clone(&self.clock));
            watchers.push(Arc::new(gates));
            let by = context.user();
            aside.spawn(asked::answer(ui, questions, handle.clone(), by, stillness));
        }
        let RunStore { journal, lease, dir } = self.store;
        let exporter = exporter(context, &lease, &recorder, &self.clock);
        let letters = journal.inbox().map(|inbox| shared::answer_letters(inbox, handle.clone()));
        context.keep_last_files(journal.last_files());
        let holder = shared::driver_name(context, letters.is_some() && self.mode != RunMode::Drill);
        let journal = Arc::new(journal);
        let messages = self.messages.filter(|messages| !messages.receivers.is_empty());
        let head = begin.head(journal.as_ref()).await?;
        let about = AboutRun { run: lease.run(), dir: &dir, head, mode: self.mode };
        let messenger = messages.and_then(|messages| {
            Messenger::begin(context, messages, &about, (&recorder, &self.clock))
        });
        if let Some(messenger) = &messenger {
            watchers.push(Arc::new(messenger.bell()));
        }
        // Before the socket: who sees the socket open may interrupt at once.
        let mut interrupts = Interrupts::listen();
        let clock = Arc::clone(&self.clock);
        let told = (Arc::clone(&recorder), Arc::clone(&self.clock));
        let socket = open_socket(&dir, told, handle.clone()).await?;
        let ports = Ports {
            journal: Arc::clone(&journal) as Arc<dyn crate::engine::Journal>,
            actuator: self.actuator,
            clock: self.clock,
            watcher: Arc::new(All(watchers)),
        };
        let outside = (ui, &handle, &mut interrupts);
        let driven = drive(ports, lease, requests, (begin, holder), patience, outside).await;
        aside.shutdown().await;
        notes.finish(NOTED_WITHIN);
        drop(letters);
        screen.clear();
        drop(socket);
        let closed = close(journal).await;
        let driven = match driven.and_then(|driven| closed_after(ui, driven, closed)) {
            Ok(driven) => driven,
            Err(error) => return Err(finish_messages(messenger, error).await),
        };
        let ended = Driving::of(driven, recorder.events(), clock.now(), interrupts);
        Ok(Driving { exporter, messenger, ..ended })
    }
}

impl GateAnswers {
    /// How long a run is driven that waits for people: until its end where they are heard.
    fn patience(self) -> Patience {
        match self {
            Self::Terminal | Self::ControlSocket => Patience::UntilEnded,
            Self::Elsewhere => Patience::UntilPeople,
        }
    }
}

impl DriveStart {
    /// How far the journal had come before the first event of this drive, so that nobody misses that.
    ///
    /// # Errors
    /// The journal cannot be read: from its beginning on, people would be told again what they know.
    async fn head(&self, journal: &dyn crate::engine::Journal) -> Result<Seq, EngineError> {
        match self {
            Self::New(_) => Ok(Seq::default()),
            Self::Existing(_) => last(journal).await,
        }
    }
}

/// What is told of each event in every drive.
fn watchers(
    ui: Ui,
    recorder: &Arc<EventRecorder>,
    notes: &Arc<ObligationNotes>,
    shown: Arc<dyn Watcher>,
    epoch: Epoch,
) -> Vec<Arc<dyn Watcher>> {
    let mut watchers: Vec<Arc<dyn Watcher>> = vec![
        Arc::clone(recorder) as _,
        Arc::clone(notes) as _,
        shown,
        Arc::new(EventLog { epoch }),
    ];
    if ui.lines {
        watchers.push(Arc::new(stream::tell(recorder, epoch)));
    }
    watchers
}

/// A run goes on without its log.
fn keep_log(context: &Context, run: &RunId) {
    if let Ok(log) = context.state.open_run_log(run) {
        logs::into(log);
    }
}

/// Where what the run owes is noted.
fn notes(context: &Context) -> Result<Arc<ObligationNotes>, CliError> {
    let notes = ObligationNotes::new(context.state.obligations()).map_err(|error| {
        CliError::new(Status::OutOfReach, "What the run owes cannot be noted.").because(&error)
    })?;
    Ok(Arc::new(notes))
}

async fn close(journal: Arc<RunJournal>) -> Result<(), CliError> {
    match Arc::into_inner(journal) {
        Some(journal) => Ok(journal.close().await?),
        None => Ok(()),
    }
}

/// How a run has ended is durable before its journal is closed: what is wrong then, such as a full disk, is said beside it.
fn closed_after(
    ui: Ui,
    driven: (Ending, RunState),
    closed: Result<(), CliError>,
) -> Result<(Ending, RunState), CliError> {
    match (closed, &driven.0) {
        (Err(error), Ending::Ended(_)) => {
            let why = error.why.first().unwrap_or(&error.what);
            let warning = ui.err.warn("warning:");
            ui.say(&format!(
                "{warning} The run has ended and is recorded. Its journal is not closed: {why}."
            ));
            Ok(driven)
        }
        (closed, Ending::Ended(_) | Ending::Waiting(_) | Ending::Interrupted) => {
            closed.map(|()| driven)
        }
    }
}

/// The socket at which commands come in.
async fn open_socket(
    dir: &Path,
    told: (Arc<EventRecorder>, Arc<dyn Clock>),
    handle: Handle,
) -> Result<ControlSocket, CliError> {
    ControlSocket::open(dir, told, handle, &HostEntropy).await.map_err(|error| {
        CliError::new(Status::OutOfReach, "The run's socket cannot be opened.").because(&error)
    })
}

/// What sends the run's trace, where somebody collects it.
fn exporter(
    context: &Context,
    lease: &crate::engine::Lease,
    recorder: &Arc<EventRecorder>,
    clock: &Arc<dyn Clock>,
) -> Option<Exporter> {
    let source = TraceSource {
        run: lease.run().clone(),
        recorder: Arc::clone(recorder),
        epoch: lease.epoch(),
        clock: Arc::clone(clock),
    };
    Exporter::start(context.collector.clone()?, source).ok()
}

/// Sends what is left of a drive that broke.
async fn finish_messages(messenger: Option<Messenger>, error: CliError) -> CliError {
    if let Some(messenger) = messenger {
        messenger.finish().await;
    }
    error
}

/// The last event that is there already.
async fn last(journal: &dyn crate::engine::Journal) -> Result<Seq, EngineError> {
    let events = journal.load().await?;
    Ok(events.last().map(|last| last.seq).unwrap_or_default())
}

async fn drive(
    ports: Ports,
    lease: crate::engine::Lease,
    requests: Requests,
    (begin, holder): (DriveStart, DriverName),
    patience: Patience,
    (ui, handle, interrupts): (Ui, &Handle, &mut Interrupts),
) -> Result<(Ending, RunState), CliError> {
    let (new, command) = match begin {
        DriveStart::New(new) => (Some(*new), None),
        DriveStart::Existing(command) => (None, command),
    };
    // From the first word to the journal on: a disk may hang at any of them.
    let mut left = pin!(async {
        tokio::select! {
            () = interrupted_twice(ui, handle, interrupts) => {}
            () = hung_up(handle) => {}
        }
    });
    let run = lease.run().clone();
    let beginning = async {
        let mut driver = Driver::open(ports, lease, requests, new, holder).await?;
        if let Some(command) = command {
            let said = driver.say(command).await?;
            said.map_err(|why| {
                CliError::refused(why.to_string())
                    .hint(format!("See the run with `backroad status {run}`."))
            })?;
        }
        Ok::<_, CliError>(driver)
    };
    let mut driver = tokio::select! {
        driver = beginning => driver?,
        () = &mut left => {
            let what = "The run was left before it was taken up.";
            return Err(CliError::new(Status::Interrupted, what)
                .hint("Go on with `backroad resume`; `backroad runs` lists the runs."));
        }
    };
    let ending = tokio::select! {
        ending = driver.drive(patience) => ending?,
        () = &mut left => Ending::Interrupted,
    };
    Ok((ending, driver.state().clone()))
}

/// A terminal that goes away (a dropped session) does not stop a failover: the run is told, and goes on.
/// Never ends.
async fn hung_up(handle: &Handle) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut hangups) = signal(SignalKind::hangup()) {
            while hangups.recv().await.is_some() {
                handle.terminal_lost();
            }
        }
    }
    std::future::pending::<()>().await;
}

/// How long the note of what the run owes is waited for at its end.
const NOTED_WITHIN: Duration = Duration::from_secs(5);

impl Driving {
    /// A drive that has ended, of which nobody is told any more.
    fn of(
        (ending, state): (Ending, RunState),
        events: Vec<Recorded>,
        now: Timestamp,
        interrupts: Interrupts,
    ) -> Self {
        Self {
            ending,
            state,
            events,
            reached: Vec::new(),
            strikes: Vec::new(),
            left: None,
            now,
            exporter: None,
            messenger: None,
            interrupts,
        }
    }

    /// Waits for what is still to be sent, for a bounded time: once nothing of the run waits any more.
    pub async fn finish_messages(&mut self) {
        if let Some(messenger) = self.messenger.take() {
            messenger.finish().await;
        }
    }

    /// Shows the run and says how the command ends.
    #[must_use]
    pub fn show(&mut self, context: &Context, asked: RunOutcome) -> Status {
        self.show_as(context, asked, |status| status)
    }

    /// Shows the run and says how the command ends, where more than the run decides that.
    #[must_use]
    pub fn show_as(
        &mut self,
        context: &Context,
        asked: RunOutcome,
        decided: impl FnOnce(Status) -> Status,
    ) -> Status {
        let ui = context.ui;
        let status = decided(self.status(asked));
        if let Some(exporter) = self.exporter.take() {
            exporter.end(ui);
        }
        if let Some(mut view) = self.view().map(|view| view.told_by(ui.ours)) {
            if let Some(opened) = &self.state.opened {
                view.told = messages::told(context, &opened.run, &self.state);
            }
            match ui.output {
                super::args::Output::Text => {
                    ui.data(&format!("\n{}", text::summary(&view, ui.out_now())))
                }
                _ if ui.lines => stream::finish(result_line(&view, status.code())),
                _ => ui.data(&json::object(&view)),
            }
            if self.ending == Ending::Interrupted {
                ui.say(&format!("Go on with `backroad resume {}`.", view.run));
            } else if self.state.paused.is_some() {
                ui.say(&format!("It is paused. Go on with `backroad resume {}`.", view.run));
            } else if !self.state.owed_steps().is_empty() && self.state.outcome().is_some() {
                ui.say(&format!("Meet what it owes with `backroad settle {}`.", view.run));
            }
        }
        status
    }

    /// The run as it stands; none before its first event.
    #[must_use]
    pub fn view(&self) -> Option<RunView> {
        let mut view = run_view_at(&self.state, &self.events, Driven::ByNobody, self.now)?;
        view.set_reached(&self.reached);
        view.strikes.clone_from(&self.strikes);
        view.left = self.left.clone().filter(LeftView::is_amiss);
        if self.ending == Ending::Interrupted {
            view.outcome = RunStanding::Interrupted;
        }
        Some(view)
    }

    fn status(&self, asked: RunOutcome) -> Status {
        match &self.ending {
            Ending::Ended(outcome) if *outcome == asked => Status::Done,
            Ending::Ended(RunOutcome::Failed) if self.was_declined() => Status::Refused,
            Ending::Ended(outcome) => Status::of(*outcome, asked),
            Ending::Waiting(_) => Status::Waiting,
            Ending::Interrupted => Status::Interrupted,
        }
    }

    /// Whether a person's no is what ended the run.
    fn was_declined(&self) -> bool {
        let declined = |step: &crate::model::StepName| {
            self.events.iter().any(|recorded| {
                matches!(&recorded.event, crate::engine::Event::Declined { step: s, .. } if s == step)
            })
        };
        self.state.stopped_by.as_ref().is_some_and(declined)
    }
}

/// What a run has to itself among the runs of this state directory: what it writes, and the circuits,
/// gateways and networks that it relies on.
#[must_use]
pub fn claimed(plan: &Plan) -> Vec<ResourceId> {
    const SHARED: [&str; 4] = [kind::CIRCUITS, kind::GATEWAYS, kind::NETWORKS, kind::VIRTUAL_HUBS];
    let mut claimed: Vec<ResourceId> = Vec::new();
    for step in plan.steps() {
        let read = step
            .action
            .reads()
            .into_iter()
            .filter(|id| SHARED.iter().any(|kind| id.is_a(kind)))
            .filter(|_| !matches!(step.action, Action::Verify(_)));
        for id in step.action.written().into_iter().chain(read) {
            if !claimed.contains(id) {
                claimed.push(id.clone());
            }
        }
    }
    claimed
}
