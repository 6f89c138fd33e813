//! Who is asked at a gate? Whoever sits at the terminal: one question at a time, each shown once.
//!
//! A question that is answered from elsewhere, or that expires, is taken back. What was typed before a
//! question stood there answers nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::live::Stillness;
use super::ui::Ui;
use crate::engine::{
    Busy, Clock, Command, Event, Handle, Recorded, RunState, StepCommand, Watcher,
};
use crate::model::limits::COMMANDS_WAITING_MAX;
use crate::model::{Person, StepName};

/// A question for whoever sits at the terminal. Virtual time stands still until it is answered.
#[derive(Debug)]
pub struct Prompt {
    step: StepName,
    /// What may be chosen, at a decision.
    options: Vec<String>,
    busy: Busy,
}

/// Sees gates open, and passes their questions on.
pub struct Gates {
    clock: Arc<dyn Clock>,
    questions: mpsc::Sender<Prompt>,
    open: watch::Sender<BTreeSet<StepName>>,
}

/// The questions as they come, and which of them are open.
#[derive(Debug)]
pub struct Questions {
    asked: mpsc::Receiver<Prompt>,
    open: watch::Receiver<BTreeSet<StepName>>,
}

impl Gates {
    /// The watcher, and where the questions come out.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> (Self, Questions) {
        // As many as commands may wait: each question becomes one.
        let (questions, asked) = mpsc::channel(COMMANDS_WAITING_MAX);
        let (open, opened) = watch::channel(BTreeSet::new());
        (Self { clock, questions, open }, Questions { asked, open: opened })
    }
}

impl Watcher for Gates {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        let open: BTreeSet<StepName> = state.waiting_for_people().into_iter().cloned().collect();
        self.open.send_if_modified(|known| {
            let changed = *known != open;
            known.clone_from(&open);
            changed
        });
        for Recorded { event, .. } in events {
            if let Event::GateOpened { step, failure, .. } = event
                && open.contains(step)
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
                    options,
                    busy: self.clock.enter(),
                }));
            }
        }
    }
}

/// What is typed, line by line, on a thread that may wait for it for ever.
fn typed() -> mpsc::Receiver<String> {
    let (lines, typed) = mpsc::channel(16);
    let thread = std::thread::Builder::new().name("typed".to_owned());
    let reading = thread.spawn(move || {
        while let Some(line) = Ui::line() {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    // Without a thread the questions are answered with `backroad approve`.
    drop(reading);
    typed
}

/// What became of a question that stood there.
enum Reply {
    Typed(String),
    /// It is open no more.
    Elsewhere,
    /// Nothing will be typed any more.
    Nobody,
}

struct Desk {
    ui: Ui,
    typed: mpsc::Receiver<String>,
    open: watch::Receiver<BTreeSet<StepName>>,
}

impl Desk {
    async fn reply(&mut self, step: &StepName, prompt: &str) -> Reply {
        // What was typed before was no answer to this.
        while self.typed.try_recv().is_ok() {}
        let _open = self.ui.prompt(prompt);
        let open = &mut self.open;
        let closed = async { drop(open.wait_for(|open| !open.contains(step)).await) };
        tokio::select! {
            line = self.typed.recv() => line.map_or(Reply::Nobody, Reply::Typed),
            () = closed => Reply::Elsewhere,
        }
    }
}

/// Asks one question after the other, and says the answers to the run.
pub async fn answer(
    ui: Ui,
    questions: Questions,
    handle: Handle,
    by: Person,
    screen: Option<Stillness>,
) {
    let Questions { mut asked, open } = questions;
    let mut desk = Desk { ui, typed: typed(), open };
    while let Some(prompt) = asked.recv().await {
        if !desk.open.borrow().contains(&prompt.step) {
            continue;
        }
        if let Some(screen) = &screen {
            let screen = screen.clone();
            // It waits for the lines before the question.
            drop(tokio::task::spawn_blocking(move || screen.keep()).await);
        }
        let answered = ask(&mut desk, &prompt, &handle, &by).await;
        drop(prompt.busy);
        if let Some(screen) = &screen {
            screen.end();
        }
        if answered.is_none() {
            return;
        }
    }
}

/// Asks until there is an answer; none when nobody is there to give one.
async fn ask(desk: &mut Desk, prompt: &Prompt, handle: &Handle, by: &Person) -> Option<()> {
    let Prompt { step, options, .. } = prompt;
    let ui = desk.ui;
    let name = ui.err.warn(&step.to_string());
    let (verb, answers) = match options.is_empty() {
        true => ("approve", "yes/no".to_owned()),
        false => ("choose at", options.join("/")),
    };
    // The question itself stands in the line above, with its time.
    let question = format!("  {verb} {name}? [{answers}]");
    let elsewhere = || {
        ui.say(&format!("\n  {step} needs no answer here any more."));
        Some(())
    };
    loop {
        let typed = match desk.reply(step, &question).await {
            Reply::Typed(typed) => typed,
            Reply::Elsewhere => return elsewhere(),
            Reply::Nobody => return None,
        };
        let word = typed.to_ascii_lowercase();
        let choice = options.iter().find(|option| **option == word).cloned();
        let mut said = StepCommand { step: step.clone(), by: by.clone(), reason: None, choice };
        let command = match word.as_str() {
            _ if said.choice.is_some() => Command::Approve(said),
            "y" | "yes" => Command::Approve(said),
            "n" | "no" => {
                // A no goes into the journal with its reason.
                while said.reason.is_none() {
                    let reason = match desk.reply(step, &format!("  {name}: Why not?")).await {
                        Reply::Typed(reason) => reason,
                        Reply::Elsewhere => return elsewhere(),
                        Reply::Nobody => return None,
                    };
                    said.reason = Some(reason).filter(|reason| !reason.is_empty());
                }
                Command::Decline(said)
            }
            _ => continue,
        };
        if let Err(why) = handle.command(command).await {
            ui.say(&why.to_string());
        }
        return Some(());
    }
}
