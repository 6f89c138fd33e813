//! Who looks on while a run is driven? The recorder, the screen, and whoever is asked at a gate.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::ui::Ui;
use crate::engine::{Busy, Clock, Command, Event, Handle, Recorded, RunState, Said, Watcher};
use crate::model::StepName;
use crate::model::limits::COMMANDS_WAITING_MAX;

/// Keeps the events, for the door and the summary.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Recorded>>);

impl Recorder {
    /// The events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Watcher for Recorder {
    fn recorded(&self, events: &[Recorded], _: &RunState) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(events);
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
pub struct Question {
    step: StepName,
    text: String,
    busy: Busy,
}

/// Sees gates open, and passes their questions on.
pub struct Gates {
    clock: Arc<dyn Clock>,
    questions: mpsc::Sender<Question>,
}

impl Gates {
    /// The watcher, and where the questions come out.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> (Self, mpsc::Receiver<Question>) {
        // As many as commands may wait: each question becomes one.
        let (questions, asked) = mpsc::channel(COMMANDS_WAITING_MAX);
        (Self { clock, questions }, asked)
    }
}

impl Watcher for Gates {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        let open = state.waiting_for_people();
        for Recorded { event, .. } in events {
            if let Event::GateOpened { step, question, .. } = event
                && open.contains(&step)
            {
                // A question that finds no room is still answered with `backroad approve`.
                drop(self.questions.try_send(Question {
                    step: step.clone(),
                    text: question.clone(),
                    busy: self.clock.enter(),
                }));
            }
        }
    }
}

/// Asks one question after the other, and says the answers to the run.
pub async fn answer(ui: Ui, mut asked: mpsc::Receiver<Question>, handle: Handle, by: String) {
    while let Some(Question { step, text, busy }) = asked.recv().await {
        let prompt = format!("{} {text} [yes/no]", ui.err.warn(&format!("{step}:")));
        loop {
            let prompt = prompt.clone();
            let line = tokio::task::spawn_blocking(move || ui.ask(&prompt)).await;
            let Ok(Some(line)) = line else { return };
            let said = Said { step: step.clone(), by: by.clone(), reason: None };
            let command = match line.to_ascii_lowercase().as_str() {
                "y" | "yes" => Command::Approve(said),
                "n" | "no" => Command::Decline(said),
                _ => continue,
            };
            if let Err(why) = handle.command(command).await {
                ui.say(&why);
            }
            break;
        }
        drop(busy);
    }
}
