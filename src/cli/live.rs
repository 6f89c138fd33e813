//! What does the terminal of a driven run show? Lines as events happen, and below them where the run stands.
//!
//! A thread of its own, since a terminal may take no more bytes: the run does not wait for it. Its clock moves
//! between events, and its lines are as wide as the window is then. While somebody is asked something nothing moves
//! but what happens: that is told in pieces, and the question put again below each.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::ui::Ui;
use super::voice;
use crate::engine::{Clock, Recorded, RunState, Watcher};
use crate::render::progress::{Teller, standing_lines};
use crate::render::truth::truth;
use crate::render::view::Driven;

/// What a watcher may be behind with. Beyond it nothing is shown until it has caught up.
const BEHIND_MAX: usize = 256;

/// How long the end, or a question, waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(3);

/// How often the clock moves.
const TICK: Duration = Duration::from_millis(500);

/// Lines after which whoever is asked something is told what happens, although more of it comes: the question is
/// put again below each piece.
const BESIDE_A_QUESTION: usize = 20;

enum ForScreen {
    Recorded(Vec<Recorded>, Box<RunState>),
    /// Somebody is asked: only what happens is written until they have answered.
    Still(SyncSender<()>),
    /// They have.
    GoOn,
}

/// The screen, from the side of whoever drives.
pub struct LiveScreen {
    told: Option<SyncSender<ForScreen>>,
    ended: Receiver<()>,
}

/// What a driver tells.
pub struct Telling(SyncSender<ForScreen>);

/// The way to keep the screen still.
#[derive(Clone)]
pub struct Stillness(SyncSender<ForScreen>);

impl LiveScreen {
    /// A screen on the terminal.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn new(ui: Ui, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let (told, inbox) = sync_channel::<ForScreen>(BEHIND_MAX);
        let (ends, ended) = sync_channel(1);
        std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            show(ui, clock.as_ref(), &inbox);
            let _nobody_waits_any_more = ends.try_send(());
        })?;
        Ok(Self { told: Some(told), ended })
    }

    /// What a driver tells; none after the end.
    #[must_use]
    pub fn teller(&self) -> Option<(Telling, Stillness)> {
        let told = self.told.clone()?;
        Some((Telling(told.clone()), Stillness(told)))
    }

    /// Lets the thread end, and waits a moment for it. Whoever else holds an end has let go by then.
    pub fn end(&mut self) {
        drop(self.told.take());
        let _stuck_or_ended = self.ended.recv_timeout(LAST_LINES);
        voice::stand(Vec::new());
    }
}

impl Watcher for Telling {
    fn recorded(&self, events: &[Recorded], state: &RunState) {
        // What finds no room is not shown; the next state shows where the run is.
        drop(self.0.try_send(ForScreen::Recorded(events.to_vec(), Box::new(state.clone()))));
    }
}

impl Stillness {
    /// Keeps the screen still; all that was told before is shown by then.
    pub fn keep(&self) {
        let (done, shown) = sync_channel(1);
        if self.0.try_send(ForScreen::Still(done)).is_ok() {
            let _stuck_or_shown = shown.recv_timeout(LAST_LINES);
        }
    }

    /// Lets it go on.
    pub fn end(&self) {
        drop(self.0.try_send(ForScreen::GoOn));
    }
}

fn show(ui: Ui, clock: &dyn Clock, inbox: &Receiver<ForScreen>) {
    let mut teller = Teller::default();
    let mut latest: Option<(Vec<Recorded>, Box<RunState>)> = None;
    let mut still = false;
    let mut kept: Vec<String> = Vec::new();
    loop {
        let next = inbox.recv_timeout(TICK);
        let quiet = matches!(next, Err(RecvTimeoutError::Timeout));
        match next {
            Ok(ForScreen::Recorded(events, state)) => {
                let lines = teller.lines(&events, &state, ui.err_now());
                kept.extend(lines);
                let known = latest.take().map_or_else(Vec::new, |(events, _)| events);
                latest = Some((about_people(known, events), state));
            }
            Ok(ForScreen::Still(done)) => {
                say(ui, &mut kept);
                voice::stand(Vec::new());
                still = true;
                let _nobody_waits_any_more = done.try_send(());
            }
            Ok(ForScreen::GoOn) => still = false,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if still {
            if !kept.is_empty() && (quiet || kept.len() >= BESIDE_A_QUESTION) {
                ui.say(&std::mem::take(&mut kept).join("\n"));
            }
            continue;
        }
        say(ui, &mut kept);
        let Some((events, state)) = &latest else { continue };
        let Some(opened) = &state.opened else { continue };
        let lines = match truth(state, events, Driven::ByAProcess, clock.now()) {
            Some(truth) if !truth.standing.is_end() => {
                standing_lines(opened.run.as_str(), &truth.told_by(ui.ours), ui.err_now())
            }
            _ => Vec::new(),
        };
        Ui::stand(lines);
    }
    say(ui, &mut kept);
    voice::stand(Vec::new());
}

fn say(ui: Ui, kept: &mut Vec<String>) {
    for line in kept.drain(..) {
        ui.say(&line);
    }
}

/// Of all events only those are kept from which a headline is told: who paused it and why, who ended it.
fn about_people(mut known: Vec<Recorded>, new: Vec<Recorded>) -> Vec<Recorded> {
    known.extend(new.into_iter().filter(|recorded| recorded.event.step().is_none()));
    known
}
