//! How does a run become known to all who watch it? Its journal is followed once, whoever asks first does the
//! looking, and nobody waits for the run or lets it wait.
//!
//! While nobody asks nothing is looked at. What was read stays in memory, for a few runs. What a look takes says how
//! soon the next may come: a run that is dear to look at is looked at less often, and not by more people less.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::known::{BoardPart, BoardPicture, KnownRun};
use super::pictures::DrawnNetworks;
use super::source::{WebProblem, WebSource};
use crate::engine::Clock;
use crate::model::{RunId, Seq, Timestamp};

/// How old what is known may be before it is looked again.
const FRESH: Duration = Duration::from_millis(400);

/// How much longer than a look takes nothing is looked at: the page has an eighth of the host's time for it.
const REST: u32 = 7;

/// The longest that nothing is looked at, however long a look takes.
const REST_MAX: Duration = Duration::from_secs(3);

/// Runs whose events are kept in memory.
const RUNS_MAX: usize = 12;

/// Moments of a run whose networks stay drawn: now, a moment ago, and one or two of somebody's replay.
const DRAWN_MAX: usize = 4;

/// A run that is followed.
pub(super) struct FollowedRun {
    /// What the last look found; held while somebody looks.
    looked: tokio::sync::Mutex<Option<RunLooked>>,
    /// Locked for work only, never while somebody waits for an answer.
    known: Mutex<KnownRun>,
    used: Mutex<Timestamp>,
    /// The networks after an event; held while they are drawn.
    drawn: tokio::sync::Mutex<Vec<(u64, Arc<DrawnNetworks>)>>,
}

/// What a look at a run found, for all who ask until the next.
#[derive(Clone)]
struct RunLooked {
    /// Until when it is good.
    until: Timestamp,
    found: Result<Arc<BoardPicture>, WebProblem>,
}

impl FollowedRun {
    /// What is known; only for work beside the tasks that answer, since it may take long to get.
    pub(super) fn known(&self) -> MutexGuard<'_, KnownRun> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self) -> MutexGuard<'_, Timestamp> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Whether the run was read already, so that nobody has to ask whether there is one.
    pub(super) fn knows(&self, run: &RunId) -> bool {
        self.runs().contains_key(run)
    }

    /// The run as it is now, or was a moment ago.
    ///
    /// # Errors
    /// It cannot be read, or has no event yet.
    pub(super) async fn run(&self, run: &RunId) -> Result<Arc<FollowedRun>, WebProblem> {
        let followed = self.followed(run);
        self.look(run, &followed).await?;
        Ok(followed)
    }

    /// The picture of the run as it is now, or was a moment ago; made once for all who look.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) async fn picture(&self, run: &RunId) -> Result<Arc<BoardPicture>, WebProblem> {
        self.look(run, &self.followed(run)).await
    }

    /// Lets the next who asks look again: something was said to the run.
    pub(super) async fn freshen(&self, run: &RunId) {
        if let Some(looked) = &mut *self.followed(run).looked.lock().await {
            looked.until = self.clock.now();
        }
    }

    /// A part of the run as it is now, made once for all who ask for it.
    ///
    /// # Errors
    /// As [`Self::run`], or what `make` says.
    pub(super) async fn part(
        &self,
        run: &RunId,
        wanted: BoardPart,
        make: impl FnOnce(&KnownRun, &BoardPicture) -> Result<String, WebProblem> + Send + 'static,
    ) -> Result<Bytes, WebProblem> {
        let followed = self.followed(run);
        let picture = self.look(run, &followed).await?;
        if let Some(text) = picture.part(wanted) {
            return Ok(text);
        }
        self.worked(move || {
            let known = followed.known();
            // Somebody else may have had it made meanwhile.
            if let Some(text) = picture.part(wanted) {
                return Ok(text);
            }
            let text = Bytes::from(make(&known, &picture)?);
            picture.keep(wanted, &text);
            Ok(text)
        })
        .await
    }

    /// The run's networks after an event, now when none is named; drawn once for all who ask.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) async fn networks(
        &self,
        run: &RunId,
        at: Option<u64>,
    ) -> Result<Arc<DrawnNetworks>, WebProblem> {
        let followed = self.followed(run);
        let head = self.look(run, &followed).await?.version.head.0;
        let event = at.map_or(head, |at| at.clamp(1, head.max(1)));
        let mut drawn = followed.drawn.lock().await;
        if let Some((_, networks)) = drawn.iter().find(|(own, _)| *own == event) {
            return Ok(Arc::clone(networks));
        }
        let (source, run, known) = (Arc::clone(&self.source), run.clone(), Arc::clone(&followed));
        let networks = self
            .worked(move || {
                let estate = source.estate(&run);
                let known = known.known();
                Ok(Arc::new(DrawnNetworks::of(&known.at(event)?.0, estate.as_ref())))
            })
            .await?;
        if drawn.len() >= DRAWN_MAX {
            drawn.remove(0);
        }
        drawn.push((event, Arc::clone(&networks)));
        Ok(networks)
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

    /// Looks, unless somebody did a moment ago. That it cannot be read is found once for all, too.
    async fn look(
        &self,
        run: &RunId,
        followed: &Arc<FollowedRun>,
    ) -> Result<Arc<BoardPicture>, WebProblem> {
        let mut looked = followed.looked.lock().await;
        let began = self.clock.now();
        *followed.used() = began;
        if let Some(last) = looked.as_ref().filter(|last| began < last.until) {
            return last.found.clone();
        }
        let before = looked.as_ref().and_then(|last| last.found.clone().ok());
        let found = self.looked(run, followed, before).await;
        let ended = self.clock.now();
        let rest = (ended.since(began) * REST).clamp(FRESH, REST_MAX);
        *looked = Some(RunLooked { until: ended + rest, found: found.clone() });
        found
    }

    async fn looked(
        &self,
        run: &RunId,
        followed: &Arc<FollowedRun>,
        before: Option<Arc<BoardPicture>>,
    ) -> Result<Arc<BoardPicture>, WebProblem> {
        let known = Arc::clone(followed);
        let after = self.worked(move || Ok(known.known().state.head)).await?;
        let fresh = self.source.fresh(run, after).await?;
        let (source, id, known) = (Arc::clone(&self.source), run.clone(), Arc::clone(followed));
        let now = self.clock.now();
        let taken = move || {
            let mut known = known.known();
            known.lay_beside(source.beside(&id));
            if known.take_in(fresh).is_err() {
                return Ok(None);
            }
            match before.filter(|picture| picture.version == known.version()) {
                Some(picture) => Ok(Some(picture)),
                None => known.pictured().map(Arc::new).map(Some),
            }
        };
        if let Some(picture) = self.worked(taken).await? {
            return Ok(picture);
        }
        // Another history than the one that is known: it is read from its beginning.
        let fresh = self.source.fresh(run, Seq(0)).await?;
        let (source, id, known) = (Arc::clone(&self.source), run.clone(), Arc::clone(followed));
        self.worked(move || {
            let mut known = known.known();
            *known = KnownRun::nothing(now);
            known.lay_beside(source.beside(&id));
            known.take_in(fresh).map_err(|why| {
                WebProblem::new(500, format!("The run's journal does not make sense: {why}."))
                    .hint("Check it with `backroad verify RUN`.")
            })?;
            known.pictured().map(Arc::new)
        })
        .await
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, Arc<FollowedRun>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn followed(&self, run: &RunId) -> Arc<FollowedRun> {
        let now = self.clock.now();
        let mut runs = self.runs();
        if let Some(followed) = runs.get(run) {
            return Arc::clone(followed);
        }
        while runs.len() >= RUNS_MAX {
            // Whoever watches it still holds it; the next who asks reads it again.
            let used = runs.iter().map(|(run, followed)| (*followed.used(), run.clone()));
            let oldest = used.min_by(|one, other| one.0.cmp(&other.0));
            let Some((_, oldest)) = oldest else { break };
            runs.remove(&oldest);
        }
        let followed = FollowedRun {
            looked: tokio::sync::Mutex::new(None),
            known: Mutex::new(KnownRun::nothing(now)),
            used: Mutex::new(now),
            drawn: tokio::sync::Mutex::default(),
        };
        let followed = Arc::new(followed);
        runs.insert(run.clone(), Arc::clone(&followed));
        followed
    }
}
