//! What is known of a run that is followed, and how does it look? One picture for everybody, and what is sent of it
//! once as bytes that all who watch share.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::answer;
use super::source::{FreshEvents, RunBeside, WebProblem};
use crate::engine::{Recorded, RunState};
use crate::model::{Seq, Timestamp};
use crate::render::board::{BoardMoment, RunBoard, StepsWanted, board};
use crate::render::view::{Driven, RunView};

/// How often the truth is told anew although nothing happened: the expected end moves.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Parts of a picture that are kept: a few dozen people look at the beginning, and some at what is open.
const PARTS_MAX: usize = 16;

/// What a run looks like at a moment, for everybody.
#[derive(Debug)]
pub(super) struct BoardPicture {
    /// Differs whenever there is something to tell.
    pub(super) version: BoardVersion,
    /// The head.
    pub(super) board: RunBoard,
    /// The head as it is sent.
    pub(super) told: ToldEvent,
    /// What the other parts are made from.
    pub(super) view: RunView,
    /// Parts that were asked for, as they are sent: everybody's page asks for the same ones.
    parts: Mutex<Vec<(BoardPart, Bytes)>>,
}

/// A part of a run's board, beside its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BoardPart {
    /// Some of its steps.
    Steps(StepsWanted),
    /// Some of its journal.
    Journal { from: usize, count: usize },
}

impl BoardPicture {
    fn parts(&self) -> MutexGuard<'_, Vec<(BoardPart, Bytes)>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A part, where it was made for somebody already.
    pub(super) fn part(&self, wanted: BoardPart) -> Option<Bytes> {
        let parts = self.parts();
        let (_, text) = parts.iter().find(|(own, _)| *own == wanted)?;
        Some(text.clone())
    }

    /// Keeps a part for the next who asks.
    pub(super) fn keep(&self, wanted: BoardPart, text: &Bytes) {
        let mut parts = self.parts();
        if parts.len() >= PARTS_MAX {
            parts.remove(0);
        }
        parts.push((wanted, text.clone()));
    }
}

/// An event of a stream, made once; whoever is sent it holds the same bytes.
#[derive(Debug, Clone)]
pub(super) struct ToldEvent {
    frame: Bytes,
    data: std::ops::Range<usize>,
}

impl ToldEvent {
    /// An event with data of one line, as JSON is.
    pub(super) fn new(event: &str, data: &str) -> Self {
        let head = format!("event: {event}\ndata: ");
        let from = head.len();
        Self { frame: Bytes::from(format!("{head}{data}\n\n")), data: from..from + data.len() }
    }

    /// As a stream has it.
    pub(super) fn frame(&self) -> Bytes {
        self.frame.clone()
    }

    /// Its data alone.
    pub(super) fn data(&self) -> Bytes {
        self.frame.slice(self.data.clone())
    }
}

/// What a picture was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BoardVersion {
    pub(super) head: Seq,
    pub(super) driven: bool,
    tick: u64,
    stale: Option<String>,
    reached: usize,
}

/// What is known of a run.
pub(super) struct KnownRun {
    pub(super) events: Vec<Recorded>,
    pub(super) state: RunState,
    driven: Driven,
    now: Timestamp,
    stale: Option<String>,
    beside: RunBeside,
}

impl KnownRun {
    /// Nothing yet.
    pub(super) fn nothing(now: Timestamp) -> Self {
        Self {
            events: Vec::new(),
            state: RunState::default(),
            driven: Driven::ByNobody,
            now,
            stale: None,
            beside: RunBeside::default(),
        }
    }

    /// Adds what is new.
    ///
    /// # Errors
    /// It does not follow on what is known.
    pub(super) fn take_in(&mut self, fresh: FreshEvents) -> Result<(), String> {
        for recorded in fresh.events {
            self.state.apply(&recorded).map_err(|error| error.to_string())?;
            self.events.push(recorded);
        }
        (self.driven, self.now, self.stale) = (fresh.driven, fresh.now, fresh.stale);
        Ok(())
    }

    pub(super) fn lay_beside(&mut self, beside: RunBeside) {
        self.beside = beside;
    }

    /// What there would be to tell of it.
    pub(super) fn version(&self) -> BoardVersion {
        let driven = self.driven == Driven::ByAProcess;
        // What nobody drives does not change between events, but for the time; of that a page knows itself.
        let tick = if driven && self.state.outcome().is_none() { self.now.as_millis() } else { 0 };
        let every = i64::try_from(TELL_EVERY.as_millis()).unwrap_or(i64::MAX);
        BoardVersion {
            head: self.state.head,
            driven,
            tick: u64::try_from(tick / every).unwrap_or_default(),
            stale: self.stale.clone(),
            reached: self.beside.reached.len(),
        }
    }

    /// Makes the picture.
    ///
    /// # Errors
    /// The run has no event yet.
    pub(super) fn pictured(&self) -> Result<BoardPicture, WebProblem> {
        let moment = BoardMoment {
            driven: self.driven,
            now: self.now,
            of: None,
            reached: &self.beside.reached,
            strikes: &self.beside.strikes,
        };
        let (mut board, view) = board(&self.state, &self.events, moment).ok_or_else(no_event)?;
        board.stale.clone_from(&self.stale);
        board.now = board.now.told_by(&self.beside.ourselves);
        let told = ToldEvent::new("board", &answer::text(&board)?);
        let parts = Mutex::default();
        Ok(BoardPicture { version: self.version(), board, told, view, parts })
    }

    /// The state after so many events, and these events.
    ///
    /// # Errors
    /// There is none, or they do not fold.
    pub(super) fn at(&self, event: u64) -> Result<(Cow<'_, RunState>, &[Recorded]), WebProblem> {
        let count = usize::try_from(event).unwrap_or(usize::MAX).clamp(1, self.events.len().max(1));
        let events = self.events.get(..count).ok_or_else(no_event)?;
        if events.len() == self.events.len() {
            return Ok((Cow::Borrowed(&self.state), events));
        }
        let state = RunState::fold(events).map_err(|error| {
            WebProblem::new(500, format!("The journal does not fold: {error}."))
        })?;
        Ok((Cow::Owned(state), events))
    }

    /// How the run stood after so many events.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub(super) fn board_at(&self, event: u64) -> Result<(RunBoard, RunView), WebProblem> {
        let (state, events) = self.at(event)?;
        let moment = BoardMoment {
            // What was, was driven; and its clock stood where its last event stands.
            driven: Driven::ByAProcess,
            now: events.last().map_or(self.now, |last| last.at),
            of: Some(self.state.head.0),
            reached: &self.beside.reached,
            strikes: &[],
        };
        board(&state, events, moment).ok_or_else(no_event)
    }
}

fn no_event() -> WebProblem {
    WebProblem::new(
        404,
        "The run has no event yet: its process ended before the first, or is about to begin.",
    )
}
