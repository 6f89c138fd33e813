//! Who is asked at a gate? Whoever sits at the terminal: one question at a time, each shown once.
//!
//! A question that is answered from elsewhere, or that expires, is taken back. What was typed before a
//! question stood there answers nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::live::Stillness;
use super::reply::{Meant, Offer, reasoned};
use super::ui::Ui;
use crate::engine::{Busy, Clock, Event, Handle, Recorded, RunState, Watcher};
use crate::model::limits::COMMANDS_WAITING_MAX;
use crate::model::{Person, StepName};
use crate::render::question::{self, QuestionAsked};
use crate::render::truth::{self, Ask};

/// A question for whoever sits at the terminal. Virtual time stands still until it is answered.
#[derive(Debug)]
pub struct Prompt {
    offer: Offer,
    ask: Ask,
    /// The run it is about, in words.
    run: String,
    /// Whether the line of its event was told just now.
    told: bool,
    busy: Busy,
}

/// Sees gates open, and passes their questions on.
pub struct Gates {
    clock: Arc<dyn Clock>,
    questions: mpsc::Sender<Prompt>,
    open: watch::Sender<BTreeSet<StepName>>,
}

/// The questions as they come, and which of them are open.
pub struct Questions {
    asked: mpsc::Receiver<Prompt>,
    open: watch::Receiver<BTreeSet<StepName>>,
    clock: Arc<dyn Clock>,
}

impl Gates {
    /// The watcher, and where the questions come out.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> (Self, Questions) {
        // As many as commands may wait: each question becomes one.
        let (questions, asked) = mpsc::channel(COMMANDS_WAITING_MAX);
        let (open, opened) = watch::channel(BTreeSet::new());
        let answered = Questions { asked, open: opened, clock: Arc::clone(&clock) };
        (Self { clock, questions, open }, answered)
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
        // A journal that is opened again tells its events as one line.
        let told = events.first().is_some_and(|first| first.seq.0 > 1);
        for Recorded { event, .. } in events {
            if let Event::GateOpened { step, failure, .. } = event
                && open.contains(step)
                && let Some((offer, ask, run)) = offered(state, step, failure.is_some())
            {
                let prompt = Prompt { offer, ask, run, told, busy: self.clock.enter() };
                // A question that finds no room is still answered with `backroad approve`.
                drop(self.questions.try_send(prompt));
            }
        }
    }
}

/// What a step asks, what may be answered, and of which run.
fn offered(state: &RunState, step: &StepName, failed: bool) -> Option<(Offer, Ask, String)> {
    let opened = state.opened.as_ref()?;
    let ask = truth::question(state, step)?;
    let gate = opened.plan.step(step)?.action.gate();
    let decision = gate.and_then(|gate| gate.decision()).filter(|_| !failed);
    let options = decision.map_or_else(Vec::new, |decision| {
        decision.options.iter().map(|(name, _)| name.clone()).collect()
    });
    let offer = Offer::new(step.clone(), ask.kind, options, gate.is_some());
    Some((offer, ask, format!("run {} of {}", opened.run, opened.plan.parts().runbook)))
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
    let Questions { mut asked, open, clock } = questions;
    let mut desk = Desk { ui, typed: typed(), open };
    let mut waited = false;
    while let Some(mut prompt) = asked.recv().await {
        // One that stood behind another was told long before.
        prompt.told &= !waited;
        if !desk.open.borrow().contains(&prompt.offer.step) {
            continue;
        }
        if let Some(screen) = &screen {
            let screen = screen.clone();
            // It waits for the lines before the question.
            drop(tokio::task::spawn_blocking(move || screen.keep()).await);
        }
        let now = clock.now();
        let about = QuestionAsked { ask: &prompt.ask, run: &prompt.run, told: prompt.told, now };
        for line in question::lines(&about, &prompt.offer.words(), desk.ui.err_now()) {
            desk.ui.say(&line);
        }
        let answered = ask(&mut desk, &prompt.offer, &handle, &by).await;
        waited = !asked.is_empty();
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
async fn ask(desk: &mut Desk, offer: &Offer, handle: &Handle, by: &Person) -> Option<()> {
    let (ui, step) = (desk.ui, &offer.step);
    let name = ui.err.warn(&step.to_string());
    let prompt = offer.prompt(&name);
    let elsewhere = || {
        ui.say(&format!("\n  {step} needs no answer here any more."));
        Some(())
    };
    loop {
        let typed = match desk.reply(step, &prompt).await {
            Reply::Typed(typed) => typed,
            Reply::Elsewhere => return elsewhere(),
            Reply::Nobody => return None,
        };
        let command = match offer.meant(&typed, by) {
            Meant::This(command) => command,
            Meant::WithReason(command, why) => {
                match why_then(desk, step, &format!("  {name}: {why}")).await {
                    Reply::Typed(reason) if reason == BACK => continue,
                    // It goes into the journal with its reason.
                    Reply::Typed(reason) => reasoned(command, reason),
                    Reply::Elsewhere => return elsewhere(),
                    Reply::Nobody => return None,
                }
            }
            Meant::Nothing => {
                let words = offer.words().join(", ");
                ui.say(&format!("  That is no answer here. Answers are: {words}."));
                continue;
            }
        };
        let Err(why) = handle.command(command).await else { return Some(()) };
        ui.say(&format!("  {why}"));
        if !desk.open.borrow().contains(step) {
            return Some(());
        }
    }
}

/// What leads from the question for a reason back to the question itself.
const BACK: &str = "back";

/// Asks for a reason until there is one.
async fn why_then(desk: &mut Desk, step: &StepName, prompt: &str) -> Reply {
    let ui = desk.ui;
    loop {
        match desk.reply(step, prompt).await {
            Reply::Typed(reason) if reason.is_empty() => {
                ui.say(&format!(
                    "  It takes a reason, for the journal. `{BACK}` answers otherwise."
                ));
            }
            reply => return reply,
        }
    }
}
