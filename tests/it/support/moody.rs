//! An object store with moods: it delays, reorders, loses requests and answers, refuses, is slow, is cut off from
//! one host and not from another. In memory, on tokio's clock, by a seed.
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up fails its test")]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use backroad::engine::Entropy;
use chrono::{DateTime, Utc};
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// When the virtual time begins, in milliseconds.
pub(crate) const BEGAN: i64 = 1_770_000_000_000;

/// Chance by a seed: SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }
}

/// Chance that hangs on what it is for, and not on who asks first: what many tasks do at once is ordered by
/// chances that no seed decides.
pub(crate) fn chance_of(parts: &[u64]) -> Chance {
    let mix = |sum: u64, part: &u64| Chance(sum ^ part.wrapping_mul(0xff51_afd7_ed55_8ccd)).next();
    Chance(parts.iter().fold(0x0bad_cafe, mix))
}

fn number_of(path: &Path) -> u64 {
    let digest = blake3::hash(path.as_ref().as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Chance for those who ask for it once.
pub(crate) struct Dice(pub(crate) Mutex<Chance>);

impl Entropy for Dice {
    fn bytes(&self) -> [u8; 16] {
        let mut chance = self.0.lock().unwrap();
        let (one, two) = (chance.next(), chance.next());
        ((u128::from(one) << 64) | u128::from(two)).to_be_bytes()
    }
}

/// Waits by the virtual clock.
#[expect(clippy::disallowed_methods, reason = "this time is tokio's, and stands still for it")]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// How the store is to whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Fair,
    /// No request arrives.
    Unreachable,
    /// It asks to come later.
    Throttled,
    /// Each request takes so long.
    Slow(Duration),
    /// The container was deleted.
    Gone,
    /// The credential is over.
    Expired,
}

impl Mood {
    fn error(self, path: &Path) -> Option<Error> {
        let generic = |why: &str| Error::Generic { store: "moody", source: why.to_owned().into() };
        let path = path.to_string();
        Some(match self {
            Self::Fair | Self::Slow(_) => return None,
            Self::Unreachable => generic("connection refused"),
            Self::Throttled => generic("503 ServerBusy"),
            Self::Gone => Error::NotFound { path, source: "ContainerNotFound".into() },
            Self::Expired => Error::Unauthenticated { path, source: "the token expired".into() },
        })
    }
}

/// How often what goes wrong, in percent; and whether creation is exclusive, as it must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// A request is lost before it does anything.
    pub(crate) lost_requests: u64,
    /// It did what was asked, and the answer is lost.
    pub(crate) lost_answers: u64,
    /// It is told that it failed, and does what was asked later.
    pub(crate) late: u64,
    /// It takes up to 40 s.
    pub(crate) slow: u64,
    /// An object that must not exist is made only where there is none.
    pub(crate) exclusive: bool,
}

impl Weather {
    pub(crate) const FAIR: Self =
        Self { lost_requests: 0, lost_answers: 0, late: 0, slow: 0, exclusive: true };
}

/// What is asked of the store, for whoever counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) puts: u64,
    pub(crate) others: u64,
}

/// The store itself.
pub(crate) struct Sky {
    pub(crate) objects: Mutex<Arc<InMemory>>,
    pub(crate) weather: Mutex<Weather>,
    /// Until when it refuses everybody.
    refuses: Mutex<Option<Instant>>,
    seed: u64,
    began: Instant,
    written: Mutex<BTreeMap<Path, i64>>,
    asked: Mutex<Asked>,
    later: Mutex<JoinSet<()>>,
}

impl Sky {
    pub(crate) fn new(seed: u64, weather: Weather) -> Arc<Self> {
        Arc::new(Self {
            objects: Mutex::default(),
            weather: Mutex::new(weather),
            refuses: Mutex::new(None),
            seed,
            began: Instant::now(),
            written: Mutex::default(),
            asked: Mutex::default(),
            later: Mutex::new(JoinSet::new()),
        })
    }

    pub(crate) fn refuse_for(&self, duration: Duration) {
        *self.refuses.lock().unwrap() = Some(Instant::now() + duration);
    }

    pub(crate) fn asked(&self) -> Asked {
        *self.asked.lock().unwrap()
    }

    pub(crate) fn now(&self) -> i64 {
        BEGAN + i64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    fn objects(&self) -> Arc<InMemory> {
        Arc::clone(&self.objects.lock().unwrap())
    }

    fn met(&self, mut meta: ObjectMeta) -> ObjectMeta {
        let at = self.written.lock().unwrap().get(&meta.location).copied().unwrap_or(BEGAN);
        meta.last_modified = DateTime::<Utc>::from_timestamp_millis(at).unwrap();
        meta
    }

    async fn put(
        &self,
        path: &Path,
        bytes: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        if !self.weather.lock().unwrap().exclusive {
            options.mode = PutMode::Overwrite;
        }
        let put = self.objects().put_opts(path, bytes, options).await?;
        self.written.lock().unwrap().insert(path.clone(), self.now());
        Ok(put)
    }
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    LostRequest,
    LostAnswer,
    Late(Duration),
}

/// Whether whoever asks runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pulse {
    Runs,
    /// Stopped: it may wake.
    Stopped,
    /// Killed: nothing reaches it any more.
    Dead,
}

/// One process's way to the store.
#[derive(Clone)]
pub(crate) struct Line {
    sky: Arc<Sky>,
    number: u64,
    /// How often each object was asked about on it.
    times: Arc<Mutex<BTreeMap<Path, u64>>>,
    mood: Arc<Mutex<Mood>>,
    pulse: watch::Sender<Pulse>,
}

impl Line {
    pub(crate) fn new(sky: &Arc<Sky>, number: u64) -> Self {
        let pulse = watch::Sender::new(Pulse::Runs);
        let mood = Arc::new(Mutex::new(Mood::Fair));
        Self { sky: Arc::clone(sky), number, times: Arc::default(), mood, pulse }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(crate) fn pulse(&self, pulse: Pulse) {
        self.pulse.send_replace(pulse);
    }

    /// Goes on once whoever asks runs.
    pub(crate) async fn running(&self) {
        let mut pulse = self.pulse.subscribe();
        // The sender is ours: it does not go away.
        drop(pulse.wait_for(|pulse| *pulse == Pulse::Runs).await);
    }

    /// A request's way there: what becomes of it, or that it failed on it.
    async fn way(&self, path: &Path, puts: bool) -> Result<(Fate, Duration)> {
        self.running().await;
        {
            let mut asked = self.sky.asked.lock().unwrap();
            if puts { asked.puts += 1 } else { asked.others += 1 }
        }
        let nth = {
            let mut times = self.times.lock().unwrap();
            let nth = times.entry(path.clone()).or_default();
            *nth += 1;
            *nth
        };
        let mut chance = chance_of(&[self.sky.seed, self.number, number_of(path), nth]);
        let weather = *self.sky.weather.lock().unwrap();
        let (one, two) = (weather.lost_requests, weather.lost_answers);
        let fate = match chance.below(100) {
            roll if roll < one => Fate::LostRequest,
            roll if roll < one + two => Fate::LostAnswer,
            roll if roll < one + two + weather.late => Fate::Late(chance.millis(500, 90_000)),
            _ => Fate::Done,
        };
        let slow = chance.percent(weather.slow);
        let takes = if slow { chance.millis(1_000, 40_000) } else { chance.millis(2, 300) };
        let back = chance.millis(1, 200);
        let mood = *self.mood.lock().unwrap();
        pause(if let Mood::Slow(long) = mood { long } else { takes }).await;
        // The store's mood when it arrives, not when it left.
        let mood = *self.mood.lock().unwrap();
        if let Some(error) = mood.error(path) {
            return Err(error);
        }
        let refuses = *self.sky.refuses.lock().unwrap();
        if refuses.is_some_and(|until| Instant::now() < until) {
            return Err(Mood::Throttled.error(path).unwrap());
        }
        if fate == Fate::LostRequest {
            return Err(lost());
        }
        Ok((fate, back))
    }

    /// The answer's way back.
    async fn back<T>(&self, (fate, takes): (Fate, Duration), answer: Result<T>) -> Result<T> {
        pause(takes).await;
        self.running().await;
        let cut = *self.mood.lock().unwrap() == Mood::Unreachable;
        if fate == Fate::LostAnswer || cut { Err(lost()) } else { answer }
    }
}

fn lost() -> Error {
    Error::Generic { store: "moody", source: "connection reset".into() }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a store with moods")
    }
}

#[async_trait]
impl ObjectStore for Line {
    async fn put_opts(
        &self,
        path: &Path,
        bytes: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let fate = self.way(path, true).await?;
        if let (Fate::Late(wait), _) = fate {
            let (sky, path) = (Arc::clone(&self.sky), path.clone());
            self.sky.later.lock().unwrap().spawn(async move {
                pause(wait).await;
                drop(sky.put(&path, bytes, options).await);
            });
            return Err(lost());
        }
        let put = self.sky.put(path, bytes, options).await;
        self.back(fate, put).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        // A journal's objects are small.
        Err(Error::NotImplemented { operation: "parts".into(), implementer: "moody".into() })
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let fate = self.way(path, false).await?;
        let got = self.sky.objects().get_opts(path, options).await;
        let got = got.map(|mut got| {
            got.meta = self.sky.met(got.meta);
            got
        });
        self.back(fate, got).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let line = self.clone();
        let delete = move |path: Result<Path>| {
            let line = line.clone();
            async move {
                let path = path?;
                let fate = line.way(&path, true).await?;
                let done = line.sky.objects().delete(&path).await;
                line.back(fate, done).await?;
                Ok(path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (line, prefix) = (self.clone(), prefix.cloned());
        let listing = async move {
            let fate = line.way(prefix.as_ref().unwrap_or(&Path::default()), false).await?;
            let listed: Result<Vec<ObjectMeta>> =
                line.sky.objects().list(prefix.as_ref()).try_collect().await;
            let listed = line.back(fate, listed).await?;
            let met: Vec<Result<ObjectMeta>> =
                listed.into_iter().map(|meta| Ok(line.sky.met(meta))).collect();
            Ok::<_, Error>(futures::stream::iter(met))
        };
        futures::stream::once(listing).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let fate = self.way(prefix.unwrap_or(&Path::default()), false).await?;
        let listed = self.sky.objects().list_with_delimiter(prefix).await;
        self.back(fate, listed).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let fate = self.way(from, true).await?;
        let copied = self.sky.objects().copy_opts(from, to, options).await;
        self.back(fate, copied).await
    }
}
