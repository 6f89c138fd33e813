//! How does a run become known to all who watch it? Its journal is followed once, whoever asks first does the
//! looking, and nobody waits for the run or lets it wait.
//!
//! While nobody asks nothing is looked at. What was read stays in memory, for a few runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::answer;
use super::source::{FreshEvents, RunBeside, WebProblem, WebSource};
use crate::engine::{Clock, Recorded, RunState};
use crate::model::{RunId, Seq, Timestamp};
use crate::render::board::{BoardMoment, RunBoard, StepsWanted, board};
use crate::render::view::{Driven, RunView};

/// How old what is known may be before it is looked again.
const FRESH: Duration = Duration::from_millis(400);

/// How often the truth is told anew although nothing happened: the expected end moves.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Parts of a picture's steps that are kept: a few dozen people look at the beginning, and some at what is open.
const PARTS_MAX: usize = 16;

/// Runs whose events are kept in memory.
const RUNS_MAX: usize = 12;

/// What a run looks like at a moment, for everybody.
#[derive(Debug)]
pub(super) struct BoardPicture {
    /// Differs whenever there is something to tell.
    pub(super) version: BoardVersion,
    /// The head, and as the JSON that is sent.
    pub(super) board: RunBoard,
    pub(super) json: Arc<str>,
    /// What the other parts are made from.
    pub(super) view: RunView,
    /// Parts of the steps that were asked for, as they are sent: everybody's page asks for the same ones.
    parts: Mutex<Vec<(StepsWanted, Arc<str>)>>,
}

impl BoardPicture {
    fn parts(&self) -> MutexGuard<'_, Vec<(StepsWanted, Arc<str>)>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A part of the steps, where it was made for somebody already.
    pub(super) fn steps(&self, wanted: StepsWanted) -> Option<Arc<str>> {
        let parts = self.parts();
        let (_, text) = parts.iter().find(|(own, _)| *own == wanted)?;
        Some(Arc::clone(text))
    }

    /// Keeps a part for the next who asks.
    pub(super) fn keep_steps(&self, wanted: StepsWanted, text: &Arc<str>) {
        let mut parts = self.parts();
        if parts.len() >= PARTS_MAX {
            parts.remove(0);
        }
        parts.push((wanted, Arc::clone(text)));
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

/// A run that is followed.
pub(super) struct FollowedRun {
    /// When it was looked at; held while somebody looks.
    looked: tokio::sync::Mutex<Option<Timestamp>>,
    known: Mutex<KnownRun>,
}

/// What is known of a run.
pub(super) struct KnownRun {
    pub(super) events: Vec<Recorded>,
    pub(super) state: RunState,
    driven: Driven,
    now: Timestamp,
    stale: Option<String>,
    pub(super) beside: RunBeside,
    picture: Option<Arc<BoardPicture>>,
    used: Timestamp,
}

impl FollowedRun {
    pub(super) fn known(&self) -> MutexGuard<'_, KnownRun> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type FollowParts = (Arc<dyn WebSource>, Arc<dyn Clock>, Arc<Semaphore>);

/// Follows runs.
pub(super) struct Follower {
    source: Arc<dyn WebSource>,
    clock: Arc<dyn Clock>,
    work: Arc<Semaphore>,
    runs: Mutex<BTreeMap<RunId, Arc<FollowedRun>>>,
}

impl Follower {
    pub(super) fn new((source, clock, work): FollowParts) -> Self {
        Self { source, clock, work, runs: Mutex::default() }
    }

    /// The run as it is now, or was a moment ago.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn run(&self, run: &RunId) -> Result<Arc<FollowedRun>, WebProblem> {
        let followed = self.followed(run);
        let mut looked = followed.looked.lock().await;
        let now = self.clock.now();
        if looked.is_some_and(|at| now.since(at) < FRESH) {
            return Ok(Arc::clone(&followed));
        }
        let after = followed.known().state.head;
        let fresh = self.source.fresh(run, after).await?;
        let beside = self.source.beside(run);
        let again = {
            let mut known = followed.known();
            known.beside = beside;
            known.used = now;
            known.take_in(fresh).is_err()
        };
        if again {
            // Another history than the one that is known: it is read from its beginning.
            let fresh = self.source.fresh(run, Seq(0)).await?;
            let mut known = followed.known();
            known.forget();
            known.take_in(fresh).map_err(|why| {
                WebProblem::new(500, format!("The run's journal does not make sense: {why}."))
                    .hint("Check it with `backroad verify RUN`.")
            })?;
        }
        *looked = Some(self.clock.now());
        drop(looked);
        Ok(followed)
    }

    /// The picture of the run as it is now, made once for all who look.
    ///
    /// # Errors
    /// It cannot be read, or has no event yet.
    pub(super) async fn picture(&self, run: &RunId) -> Result<Arc<BoardPicture>, WebProblem> {
        let followed = self.run(run).await?;
        if let Some(picture) = followed.known().current() {
            return Ok(picture);
        }
        self.worked(move || {
            let mut known = followed.known();
            // Somebody else may have made it meanwhile.
            if let Some(picture) = known.current() {
                return Ok(picture);
            }
            let picture = Arc::new(known.pictured()?);
            known.picture = Some(Arc::clone(&picture));
            Ok(picture)
        })
        .await
    }

    /// Works something out beside the tasks that answer, and no more at once than leaves a run its cores.
    ///
    /// # Errors
    /// What the work says.
    pub(super) async fn worked<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, WebProblem> + Send + 'static,
    ) -> Result<T, WebProblem> {
        let _place = self.work.acquire().await;
        let broke = |_| WebProblem::new(500, "The page could not be worked out.");
        tokio::task::spawn_blocking(work).await.map_err(broke)?
    }

    fn followed(&self, run: &RunId) -> Arc<FollowedRun> {
        let now = self.clock.now();
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(followed) = runs.get(run) {
            return Arc::clone(followed);
        }
        while runs.len() >= RUNS_MAX {
            // Whoever watches it still holds it; the next who asks reads it again.
            let oldest = runs
                .iter()
                .filter_map(|(run, followed)| {
                    Some((followed.known.try_lock().ok()?.used, run.clone()))
                })
                .min_by(|one, other| one.0.cmp(&other.0));
            let Some((_, oldest)) = oldest else { break };
            runs.remove(&oldest);
        }
        let known = KnownRun {
            events: Vec::new(),
            state: RunState::default(),
            driven: Driven::ByNobody,
            now,
            stale: None,
            beside: RunBeside::default(),
            picture: None,
            used: now,
        };
        let followed =
            FollowedRun { looked: tokio::sync::Mutex::new(None), known: Mutex::new(known) };
        let followed = Arc::new(followed);
        runs.insert(run.clone(), Arc::clone(&followed));
        followed
    }
}

impl KnownRun {
    fn forget(&mut self) {
        self.events.clear();
        self.state = RunState::default();
        self.picture = None;
    }

    fn take_in(&mut self, fresh: FreshEvents) -> Result<(), String> {
        for recorded in fresh.events {
            self.state.apply(&recorded).map_err(|error| error.to_string())?;
            self.events.push(recorded);
        }
        (self.driven, self.now, self.stale) = (fresh.driven, fresh.now, fresh.stale);
        Ok(())
    }

    fn version(&self) -> BoardVersion {
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

    fn current(&self) -> Option<Arc<BoardPicture>> {
        self.picture.as_ref().filter(|picture| picture.version == self.version()).cloned()
    }

    fn pictured(&self) -> Result<BoardPicture, WebProblem> {
        let moment = BoardMoment {
            driven: self.driven,
            now: self.now,
            of: None,
            reached: &self.beside.reached,
            strikes: &self.beside.strikes,
        };
        let (mut board, view) = board(&self.state, &self.events, moment).ok_or_else(no_event)?;
        board.stale.clone_from(&self.stale);
        let json = answer::text(&board)?.into();
        let parts = Mutex::default();
        Ok(BoardPicture { version: self.version(), board, json, view, parts })
    }

    /// The state after so many events, and these events.
    pub(super) fn at(&self, event: u64) -> Result<(RunState, &[Recorded]), WebProblem> {
        let count = usize::try_from(event).unwrap_or(usize::MAX).clamp(1, self.events.len().max(1));
        let events = self.events.get(..count).ok_or_else(no_event)?;
        let state = RunState::fold(events).map_err(|error| {
            WebProblem::new(500, format!("The journal does not fold: {error}."))
        })?;
        Ok((state, events))
    }

    /// How the run stood after so many events.
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
