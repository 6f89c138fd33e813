//! How is a run followed on the whole screen?
//!
//! It reads and never writes: what is to be done is told with its command, for another terminal. Where there is
//! no screen, or sentences are asked for, the run is told line by line until it ends.

use std::io::IsTerminal as _;
use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;
use ratatui::crossterm::event::{self, Event as Typed, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

use crate::cli::clock::RealClock;
use crate::cli::context::{Context, RunLook};
use crate::cli::error::{CliError, Status};
use crate::cli::interrupts::Interrupts;
use crate::cli::world;
use crate::engine::{Clock as _, Recorded, RunState};
use crate::model::RunId;
use crate::render::progress::Teller;
use crate::render::style::{Color, Style};
use crate::render::truth::truth;
use crate::render::view::{Driven, ReachedView};
use crate::render::watch::{Moment, WatchPage, draw};
use crate::render::{Ourselves, RunView, run_view_at, text};

/// What `watch` takes.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// The run's id, or its beginning [default: the one that is driven now, else the newest].
    pub run: Option<String>,
}

/// How often the run is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long the thread of the keys sleeps between two looks whether it is still wanted.
const KEYS_EVERY: Duration = Duration::from_millis(200);

/// Lines of what happened that are kept for the screen.
const LOG_MAX: usize = 500;

pub(super) async fn watch(context: &Context, args: &WatchArgs) -> Result<Status, CliError> {
    let run = context.pick(args.run.as_deref()).await?;
    context.fetch_files(&run).await;
    let first = context.look(&run).await?;
    if context.ui.full_screen && std::io::stdin().is_terminal() {
        full_screen(context, &run, first).await
    } else {
        by_lines(context, &run, first).await
    }
}

/// Looks again and again; what could not be seen is told instead.
async fn looks(context: &Context, run: &RunId, first: RunLook, to: mpsc::Sender<FreshLook>) {
    let clock = RealClock::new(NonZeroU32::MIN, None);
    let mut known = first;
    loop {
        clock.sleep_until(clock.now() + LOOK_EVERY).await;
        let seen = match context.look_on(run, &known).await {
            Ok(look) => {
                known = look.clone();
                FreshLook { stale: look.warning.clone(), look }
            }
            Err(error) => FreshLook { look: known.clone(), stale: Some(error.what) },
        };
        if to.send(seen).await.is_err() {
            return;
        }
    }
}

/// What was seen, and why it may be old.
struct FreshLook {
    look: RunLook,
    stale: Option<String>,
}

/// A run's state, event by event.
#[derive(Default)]
struct Folding {
    state: RunState,
    taken: usize,
}

impl Folding {
    /// Takes in what is new of these events.
    fn take_in(&mut self, events: &[Recorded]) -> Result<&RunState, CliError> {
        let new = events.get(self.taken..).unwrap_or_default();
        let follow = new.iter().all(|recorded| self.state.apply(recorded).is_ok());
        if !follow || self.state.opened.is_none() {
            // It says what is wrong with them.
            self.state = Context::fold(events)?;
        }
        self.taken = events.len();
        Ok(&self.state)
    }
}

async fn by_lines(context: &Context, run: &RunId, first: RunLook) -> Result<Status, CliError> {
    let ui = context.ui;
    let (seen, mut looks_come) = mpsc::channel(1);
    let mut looking = std::pin::pin!(looks(context, run, first.clone(), seen));
    let mut interrupts = Interrupts::listen();
    let mut teller = Teller::default();
    let (mut told, mut look) = (0, first);
    let mut headline = String::new();
    // Many may follow one run: each takes in what is new, and nothing twice.
    let mut folding = Folding::default();
    loop {
        let state = folding.take_in(&look.events)?;
        if let Some(opened) = &state.opened {
            for recorded in look.events.iter().skip(told) {
                let line = teller.told(recorded, &opened.plan, opened.at, ui.out);
                line.into_iter().for_each(|line| ui.data_line(&line));
            }
        }
        told = look.events.len();
        if let Some(truth) = truth(state, &look.events, look.driven, look.now) {
            let now = format!("{}: {}", truth.standing.shown(), truth.headline);
            if now != headline && !truth.standing.is_end() {
                ui.data_line(&now);
            }
            headline = now;
        }
        // Nobody will write more into a run that nobody drives.
        if state.outcome().is_some() || look.driven == Driven::ByNobody {
            let view = run_view_at(state, &look.events, look.driven, look.now);
            if let Some(mut view) = view {
                view.set_reached(&world::reached(context, run));
                ui.data(&format!("\n{}", text::summary(&view, ui.out)));
            }
            return Ok(Status::Done);
        }
        look = tokio::select! {
            Some(seen) = looks_come.recv() => seen.look,
            () = &mut looking => return Ok(Status::Done),
            () = interrupts.next() => return Ok(Status::Interrupted),
        };
    }
}

/// The terminal in its other state; as it was again when this is dropped, and after a panic.
struct FullScreen(ratatui::DefaultTerminal);

impl FullScreen {
    fn new() -> Result<Self, CliError> {
        ratatui::try_init().map(Self).map_err(|error| {
            CliError::new(Status::Usage, "The terminal cannot be drawn on.")
                .because(&error)
                .hint("Leave the whole screen out: `backroad watch --plain`, or `backroad status`.")
        })
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        // A terminal that is gone has nothing to restore.
        drop(ratatui::try_restore());
    }
}

/// The keys as they are typed, and that the window was resized.
fn typed() -> mpsc::Receiver<Typed> {
    let (keys, typed) = mpsc::channel(64);
    let reading = std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        while !keys.is_closed() {
            match event::poll(KEYS_EVERY) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(_) => return,
            }
            let Ok(key) = event::read() else { return };
            if keys.blocking_send(key).is_err() {
                return;
            }
        }
    });
    // Without a thread there are no keys; a signal still ends it.
    drop(reading);
    typed
}

async fn full_screen(context: &Context, run: &RunId, first: RunLook) -> Result<Status, CliError> {
    let mut interrupts = Interrupts::listen();
    let (seen, mut looks_come) = mpsc::channel(1);
    let mut looking = std::pin::pin!(looks(context, run, first.clone(), seen));
    // Listened for once, so that none is lost between two frames.
    let mut hung_up = std::pin::pin!(hung_up());
    let mut screen = FullScreen::new()?;
    let mut keys = typed();
    let mut shown = Followed::new(first, world::reached(context, run), context.ui.ours)?;
    loop {
        let drawn = screen.0.draw(|frame| draw(frame, &shown.page(context.ui.out)));
        drawn.map_err(|error| {
            CliError::new(Status::Usage, "The terminal cannot be drawn on.").because(&error)
        })?;
        tokio::select! {
            Some(seen) = looks_come.recv() => {
                shown.stale = seen.stale;
                shown.look = seen.look;
                shown.reached = world::reached(context, run);
                shown.fold()?;
            }
            () = &mut looking => return Ok(Status::Done),
            key = keys.recv() => match key {
                Some(key) => {
                    if shown.quits(&key)? {
                        return Ok(Status::Done);
                    }
                }
                None => return Ok(Status::Done),
            },
            () = interrupts.next() => return Ok(Status::Interrupted),
            () = &mut hung_up => return Ok(Status::Interrupted),
        }
    }
}

/// Ends when the terminal goes away: then there is nobody to show anything to. It is listened for from the call on, not
/// only once it is waited for: a signal that nobody listens for ends the process as it is, and the terminal stays drawn on.
fn hung_up() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let mut hangups = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup()).ok()
    };
    async move {
        #[cfg(unix)]
        if let Some(hangups) = &mut hangups
            && hangups.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// What is on the screen.
struct Followed {
    look: RunLook,
    reached: Vec<ReachedView>,
    stale: Option<String>,
    /// Events that are counted; none: all of them.
    place: Option<usize>,
    scroll: Option<usize>,
    view: RunView,
    log: Vec<String>,
    ours: &'static Ourselves,
}

impl Followed {
    fn new(
        look: RunLook,
        reached: Vec<ReachedView>,
        ours: &'static Ourselves,
    ) -> Result<Self, CliError> {
        let (view, log) = folded(&look, &reached, None)?;
        let view = view.told_by(ours);
        let stale = look.warning.clone();
        Ok(Self { look, reached, ours, stale, place: None, scroll: None, view, log })
    }

    fn fold(&mut self) -> Result<(), CliError> {
        let (view, log) = folded(&self.look, &self.reached, self.place)?;
        (self.view, self.log) = (view.told_by(self.ours), log);
        Ok(())
    }

    fn page(&self, style: Style) -> WatchPage<'_> {
        let of = self.look.events.len();
        WatchPage {
            view: &self.view,
            log: &self.log,
            moment: self.place.map_or(Moment::Now, |event| Moment::After { event, of }),
            stale: self.stale.as_deref(),
            scroll: self.scroll,
            style,
        }
    }

    /// Follows a key; tells whether it ends the watch.
    fn quits(&mut self, typed: &Typed) -> Result<bool, CliError> {
        let Typed::Key(key) = typed else { return Ok(false) };
        if key.kind == KeyEventKind::Release {
            return Ok(false);
        }
        let all = self.look.events.len();
        let place = self.place.unwrap_or(all);
        // The least is the first event: before it there is no run.
        let to = |place: usize| (place < all).then_some(place.max(1));
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Ok(true),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Ok(true);
            }
            KeyCode::Left => self.place = to(place.saturating_sub(1)),
            KeyCode::Right => self.place = to(place + 1),
            KeyCode::PageUp => self.place = to(place.saturating_sub(10)),
            KeyCode::PageDown => self.place = to(place + 10),
            KeyCode::Home => self.place = to(1),
            KeyCode::End => (self.place, self.scroll) = (None, None),
            KeyCode::Up => self.scroll = Some(self.scroll.unwrap_or(0).saturating_sub(1)),
            KeyCode::Down => {
                let most = self.view.steps.len().saturating_sub(1);
                self.scroll = Some((self.scroll.unwrap_or(0) + 1).min(most));
            }
            _ => return Ok(false),
        }
        self.fold()?;
        Ok(false)
    }
}

/// The run as it stood after so many events, and what had happened.
fn folded(
    look: &RunLook,
    reached: &[ReachedView],
    place: Option<usize>,
) -> Result<(RunView, Vec<String>), CliError> {
    let events = &look.events[..place.unwrap_or(look.events.len()).min(look.events.len())];
    let state: RunState = Context::fold(events)?;
    // What was, was driven; and its clock stood where its last event stands.
    let (driven, now) = match (place, events.last()) {
        (Some(_), Some(last)) => (Driven::ByAProcess, last.at),
        _ => (look.driven, look.now),
    };
    let none = || CliError::refused("The run has no event yet.");
    let mut view = run_view_at(&state, events, driven, now).ok_or_else(none)?;
    let until: Vec<ReachedView> = reached.iter().filter(|one| one.at <= now).cloned().collect();
    view.set_reached(&until);
    let mut log = Vec::new();
    if let Some(opened) = &state.opened {
        let style = Style { color: Color::No, ..Style::PLAIN };
        let mut teller = Teller::default();
        let lines = events.iter();
        log.extend(lines.filter_map(|one| teller.told(one, &opened.plan, opened.at, style)));
    }
    let old = log.len().saturating_sub(LOG_MAX);
    log.drain(..old);
    Ok((view, log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "it panics: the test after it runs it on a terminal of its own"]
    fn panics_on_a_whole_screen() {
        let _screen = FullScreen::new().unwrap();
        panic!("on the screen");
    }

    #[cfg(unix)]
    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        let terminal = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/terminal.py");
        let run = std::process::Command::new("python3")
            .args([terminal, "60", "--"])
            .arg(std::env::current_exe().unwrap())
            .args(["panics_on_a_whole_screen", "--ignored", "--nocapture", "--test-threads=1"])
            .env("TERM", "xterm")
            .stdin(std::process::Stdio::null())
            .output();
        // Where there is no Python there is no terminal.
        let Ok(run) = run else { return };
        let screen = String::from_utf8_lossy(&run.stdout).into_owned();
        let entered = screen.find("\u{1b}[?1049h").unwrap_or_else(|| panic!("{screen:?}"));
        let left = screen.find("\u{1b}[?1049l").unwrap_or_else(|| panic!("{screen:?}"));
        let told = screen.find("on the screen").unwrap_or_else(|| panic!("{screen:?}"));
        assert!(entered < left && left < told, "{screen:?}");
    }
}
