//! What does a drive show while it goes on?

use std::sync::Arc;

use super::live::{LiveScreen, Stillness};
use super::ui::Ui;
use crate::engine::{Clock, RunMode, Unwatched, Watcher};
use crate::render::progress::EventLines;

/// What shows the progress.
pub(super) enum Screen {
    Live(LiveScreen),
    EventLines(Arc<EventLines>),
}

impl Screen {
    /// Lines that redraw on a terminal in real time; plain ones else, as in a drill, whose hours pass
    /// in a second.
    pub(super) fn new(ui: Ui, mode: RunMode, clock: &Arc<dyn Clock>) -> Self {
        // A terminal that nobody reads must not hold the run up.
        if ui.live
            && mode == RunMode::Live
            && let Ok(screen) = LiveScreen::new(ui, Arc::clone(clock))
        {
            return Self::Live(screen);
        }
        let sink = Box::new(move |line: &str| ui.say(line));
        Self::EventLines(Arc::new(EventLines::new(sink, ui.err)))
    }

    /// What a driver tells, and the way to keep the screen still while somebody is asked.
    pub(super) fn watcher(&self) -> (Arc<dyn Watcher>, Option<Stillness>) {
        match self {
            Self::Live(screen) => match screen.teller() {
                Some((telling, stillness)) => (Arc::new(telling), Some(stillness)),
                None => (Arc::new(Unwatched), None),
            },
            Self::EventLines(lines) => (Arc::clone(lines) as Arc<dyn Watcher>, None),
        }
    }

    /// The lines are taken off the screen, where there is one.
    pub(super) fn clear(&mut self) {
        if let Self::Live(screen) = self {
            screen.end();
        }
    }
}
