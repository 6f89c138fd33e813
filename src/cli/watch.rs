//! Who looks on while a run is driven? The recorder, the screen, and whoever is asked at a gate.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use super::ui::Ui;
use crate::engine::{
    Busy, Clock, Command, Event, Handle, Recorded, RunState, StepCommand, Watcher,
};
use crate::model::limits::COMMANDS_WAITING_MAX;
use crate::model::{Person, Seq, StepName};
use crate::store::{Obligations, Owed};

/// Keeps the events, for the socket and the summary.
#[derive(Debug, Default)]
pub struct EventRecorder(Mutex<Vec<Recorded>>);

impl EventRecorder {
    /// The events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The events after one: who looks again and again is told only what is new.
    #[must_use]
    pub fn after(&self, last: Seq) -> Vec<Recorded> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = events.partition_point(|event| event.seq <= last);
        events.get(from..).unwrap_or_default().to_vec()
    }
}

impl Watcher for EventRecorder {
    fn recorded(&self, events: &[Recorded], _: &RunState) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(events);
    }
}

/// Notes what the run owes, as soon as it owes it.
pub struct ObligationNotes {
    notes: Obligations,
    last: Mutex<Option<Vec<String>>>,
}

impl ObligationNotes {
    /// Notes into this state directory.
    #[must_use]
    pub fn new(notes: Obligations) -> Self {
        Self { notes, last: Mutex::new(None) }
    }
}

impl Watcher for ObligationNotes {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        let Some(opened) = &state.opened else { return };
        let owed = state.owed();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // At its end too, so that nobody has to read the journal to know that nothing is owed.
        let ended = events.iter().any(|one| matches!(one.event, Event::RunEnded { .. }));
        if last.as_ref() == Some(&owed) && !ended {
            return;
        }
        let note = Owed {
            run: opened.run.clone(),
            mode: opened.mode,
            obligations: owed.clone(),
            head: events.last().map(|last| last.seq),
        };
        match self.notes.set(&note) {
            Ok(()) => *last = Some(owed),
            Err(error) => tracing::warn!(%error, "what the run owes is not noted"),
        }
    }
}

/// A watcher on a thread of its own, for one that may have to wait for a terminal: the run does not.
pub struct Aside {
    told: Option<SyncSender<(Vec<Recorded>, RunState)>>,
    ended: Receiver<()>,
}

/// What a watcher may be behind with. Beyond it nothing is shown until it has caught up.
const BEHIND_MAX: usize = 256;

/// How long the end waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(3);

impl Aside {
    /// Tells `watcher` from a thread of its own; `last` is done there at the end.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn new(
        watcher: Arc<dyn Watcher>,
        last: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (told, inbox) = sync_channel::<(Vec<Recorded>, RunState)>(BEHIND_MAX);
        let (ends, ended) = sync_channel(1);
        std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            for (events, state) in inbox {
                watcher.recorded(&events, &state);
            }
            last();
            let _nobody_waits_any_more = ends.try_send(());
        })?;
        Ok(Self { told: Some(told), ended })
    }

    /// Lets the thread end, and waits a moment for it.
    pub fn end(&mut self) {
        drop(self.told.take());
        let _stuck_or_ended = self.ended.recv_timeout(LAST_LINES);
    }
}

/// The part of it that a driver tells.
pub struct Telling(SyncSender<(Vec<Recorded>, RunState)>);

impl Aside {
    /// What a driver tells; none after the end.
    #[must_use]
    pub fn teller(&self) -> Option<Telling> {
        self.told.clone().map(Telling)
    }
}

impl Watcher for Telling {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        // What finds no room is not shown; the next state shows where the run is.
        drop(self.0.try_send((events.to_vec(), state.clone())));
    }
}

/// Several watchers as one.
pub struct All(pub Vec<Arc<dyn Watcher>>);

impl Watcher for All {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        for watcher in &self.0 {
            watcher.recorded(events, state);
        }
    }
}

/// A question for whoever sits at the terminal. Virtual time stands still until it is answered.
#[derive(Debug)]
pub struct Prompt {
    step: StepName,
    text: String,
    /// What may be chosen, at a decision.
    options: Vec<String>,
    busy: Busy,
}

/// Sees gates open, and passes their questions on.
pub struct Gates {
    clock: Arc<dyn Clock>,
    questions: mpsc::Sender<Prompt>,
}

impl Gates {
    /// The watcher, and where the questions come out.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> (Self, mpsc::Receiver<Prompt>) {
        // As many as commands may wait: each question becomes one.
        let (questions, asked) = mpsc::channel(COMMANDS_WAITING_MAX);
        (Self { clock, questions }, asked)
    }
}

impl Watcher for Gates {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        let open = state.waiting_for_people();
        for Recorded { event, .. } in events {
            if let Event::GateOpened { step, question, failure, .. } = event
                && open.contains(&step)
            {
                let action = state
                    .opened
                    .as_ref()
                    .and_then(|opened| opened.plan.step(step))
                    .filter(|_| failure.is_none())
                    .map(|step| &step.action);
                let decision = action.and_then(|action| action.gate()?.decision());
                let options = decision.map_or_else(Vec::new, |decision| {
                    decision.options.iter().map(|(name, _)| name.clone()).collect()
                });
                // A question that finds no room is still answered with `backroad approve`.
                drop(self.questions.try_send(Prompt {
                    step: step.clone(),
                    text: question.clone(),
                    options,
                    busy: self.clock.enter(),
                }));
            }
        }
    }
}

async fn line(ui: Ui, prompt: String) -> Option<String> {
    tokio::task::spawn_blocking(move || ui.ask(&prompt)).await.ok().flatten()
}

/// Asks one question after the other, and says the answers to the run.
pub async fn answer(ui: Ui, mut asked: mpsc::Receiver<Prompt>, handle: Handle, by: Person) {
    while let Some(Prompt { step, text, options, busy }) = asked.recv().await {
        let answers = if options.is_empty() { "yes/no".to_owned() } else { options.join("/") };
        let prompt = format!("{} {text} [{answers}]", ui.err.warn(&format!("{step}:")));
        loop {
            let prompt = prompt.clone();
            let Some(typed) = line(ui, prompt).await else { return };
            let word = typed.to_ascii_lowercase();
            let choice = options.iter().find(|option| **option == word).cloned();
            let mut said = StepCommand { step: step.clone(), by: by.clone(), reason: None, choice };
            let command = match word.as_str() {
                _ if said.choice.is_some() => Command::Approve(said),
                "y" | "yes" => Command::Approve(said),
                "n" | "no" => {
                    // A no goes into the journal with its reason.
                    while said.reason.is_none() {
                        let why = format!("{} Why not?", ui.err.warn(&format!("{step}:")));
                        let Some(reason) = line(ui, why).await else { return };
                        said.reason = Some(reason).filter(|reason| !reason.is_empty());
                    }
                    Command::Decline(said)
                }
                _ => continue,
            };
            if let Err(why) = handle.command(command).await {
                ui.say(&why.to_string());
            }
            break;
        }
        drop(busy);
    }
}
