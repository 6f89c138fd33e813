//! Which store do several hosts share, who are we to it, and may this host drive a run that is in it?

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::args::{GivenStore, Verb};
use super::clock::{HostEntropy, host_clock};
use super::context::{Context, RunLook};
use super::error::{CliError, Status};
use super::folded::time_in;
use super::settings;
use super::shared_blobs::{self, StoreUse};
use crate::engine::{Clock, Command, DriverName, Entropy as _, Handle, Recorded};
use crate::model::limits::{CALL_TIMEOUT, INTENT_VALIDITY};
use crate::model::{RunId, Timestamp};
use crate::store::shared::{
    Answered, DriverNote, HEARTBEAT_EVERY, Inbox, LeftAside, LyingAside, SILENT_AFTER, SharedStore,
    StorePlace, place_of,
};
use crate::store::{RunStore, StoreError, holder_name};

/// How often whoever drives a run looks for letters from other hosts.
const LETTERS_EVERY: Duration = Duration::from_secs(5);

/// The shared store that was named, or none.
///
/// # Errors
/// It is none, its folder is not there, or the environment does not say clearly who we are to it.
pub fn store(given: &GivenStore, to: StoreUse) -> Result<Option<SharedStore>, CliError> {
    given.store.clone().or_else(settings::store).map(|text| at(&text, to)).transpose()
}

/// The shared store at a place that was named.
///
/// # Errors
/// As [`store`].
pub fn at(text: &str, to: StoreUse) -> Result<SharedStore, CliError> {
    let place = StorePlace::parse(text).map_err(|error| {
        CliError::usage("The shared store is not named as one.").because(&error)
    })?;
    let unusable = |error: &(dyn std::error::Error + 'static)| {
        CliError::new(Status::OutOfReach, format!("The shared store {place} cannot be used."))
            .because(error)
            .hint("`docs/operations.md` says what a shared store needs.")
    };
    let objects = match (&place, place.folder()) {
        (_, Some(folder)) => folder.map_err(|error| unusable(&error))?,
        (StorePlace::Azure { account, container, .. }, None) => {
            let primary = shared_blobs::primary(account, container, to)?;
            let secondary = match to {
                StoreUse::Read => shared_blobs::secondary(account, container).ok(),
                StoreUse::Drive => None,
            };
            let Some(secondary) = secondary else {
                return Ok(SharedStore::new(place.to_string(), primary, place.prefix()));
            };
            let both = (primary, secondary);
            return Ok(SharedStore::to_read(place.to_string(), both, place.prefix()));
        }
        (StorePlace::S3 { bucket, .. }, None) => shared_blobs::bucket(bucket, to)?,
        (StorePlace::Folder(_), None) => return Err(CliError::usage("That is no folder.")),
    };
    Ok(SharedStore::new(place.to_string(), objects, place.prefix()))
}

/// What a verb wants it for.
pub(super) fn wanted_for(verb: &Verb) -> StoreUse {
    if verb.only_reads_runs() { StoreUse::Read } else { StoreUse::Drive }
}

/// What is said of what was read at a secondary.
pub(super) fn behind(shared: &SharedStore) -> String {
    format!(
        "{} does not answer in its primary region. This is what its secondary has: the last seconds, or minutes, may \
         be missing.",
        shared.place()
    )
}

/// Whether a run may be opened here although others may drive it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// Only when nobody drives it, or its driver has been silent for long enough.
    IfFree,
    /// In any case: who drives it is shut out.
    Over,
}

/// A run that this host may drive.
#[derive(Debug)]
pub struct OpenedRun {
    /// Its store.
    pub store: RunStore,
    /// Who drove it, where they did not let it go.
    pub over: Option<DriverNote>,
}

impl Context {
    /// Makes a new run: in the shared store where one is named, else in the state directory.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn create(&self, run: &RunId) -> Result<RunStore, CliError> {
        match &self.shared {
            Some(shared) => Ok(shared.open(&self.state, run, host_clock()).await?.store),
            None => Ok(self.state.create_run(run)?),
        }
    }

    /// Opens a run for driving it.
    ///
    /// # Errors
    /// Somebody drives it ([`StoreError::Held`], with where), or it cannot be opened.
    pub async fn open(&self, run: &RunId, taking: Taking) -> Result<OpenedRun, StoreError> {
        let Some(shared) = self.shared_with(run)? else {
            return Ok(OpenedRun { store: self.state.open(run)?, over: None });
        };
        let now = host_clock().now();
        let driver = shared.driver(run).await?;
        if taking == Taking::IfFree
            && let Some(note) = driver.filter(|note| note.drives && !note.is_silent(now))
            && note.place != place_of(&self.state)
        {
            return Err(StoreError::Held { run: run.clone(), holder: note.holder });
        }
        let opened = shared.open(&self.state, run, host_clock()).await?;
        if opened.put_back > 0 {
            self.ui.say(&format!(
                "{} What was not in the shared store any more was put back from this host: {}.",
                self.ui.err.warn("warning:"),
                events(opened.put_back)
            ));
        }
        let mark = self.ui.err.warn("warning:");
        match &opened.left_aside {
            Some(LeftAside::Shared(count)) => self.ui.say(&format!(
                "What this host had recorded while the shared store did not answer is in the journal now: {}.",
                events(*count)
            )),
            Some(LeftAside::Passed { told, path }) => self.ui.say(&format!(
                "{mark} This host recorded what the journal went on without: {told}. It lies in {}.",
                path.display()
            )),
            None => {}
        }
        let over = opened.before.filter(|note| note.drives);
        Ok(OpenedRun { store: opened.store, over })
    }

    /// What this host recorded of a run and its shared store does not have, for people; none as nearly always.
    pub(super) fn unshared(&self, run: &RunId) -> Option<String> {
        let found = match self.state.unshared(run) {
            Ok(found) => found,
            Err(error) => {
                return Some(format!("What this host recorded aside cannot be read: {error}."));
            }
        };
        let told = found.iter().map(|LyingAside { path, unshared, passed }| {
            let what_next = match passed {
                true => "It was gone on without it elsewhere: nothing is to be done.".to_owned(),
                false => format!(
                    "`backroad resume {run}` here puts it there if nobody went on without it."
                ),
            };
            format!(
                "This host recorded {} after event {} that {} does not have: {}. It lies in {}. {what_next}",
                events(unshared.count()),
                unshared.after,
                unshared.place,
                unshared.told(),
                path.display()
            )
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join(" "))
    }

    /// That what lies here of a run is a copy, where the store that has the run was not named.
    pub(super) fn kept_elsewhere(&self, run: &RunId) -> Option<String> {
        let place = self.state.kept_in(run).ok()??;
        let named = self.shared.as_ref().is_some_and(|shared| shared.place() == place);
        (!named && !self.drives_here(run)).then(|| {
            format!(
                "It is kept in {place}, and may have gone on there: this is what this host has of it. Say \
                 `--store {place}` as well, here and with each command below."
            )
        })
    }

    /// The shared store that has this run; none where only the state directory has it.
    fn shared_with(&self, run: &RunId) -> Result<Option<&SharedStore>, StoreError> {
        let kept = self.state.kept_in(run)?;
        Ok(self.shared.as_ref().filter(|shared| {
            // A run of this host alone stays one.
            kept.as_deref().map_or(!self.state.has(run), |place| place == shared.place())
        }))
    }

    /// The run in the shared store whose id begins so, where the state directory knows none.
    ///
    /// # Errors
    /// There is none, more than one, or the store does not answer.
    pub async fn find(&self, named: &str) -> Result<RunId, CliError> {
        let here = self.state.find(named);
        let Some(shared) = &self.shared else { return Ok(here?) };
        if let Ok(run) = here {
            return Ok(run);
        }
        let wanted = named.to_ascii_lowercase();
        let there = shared.runs(RUNS_MAX).await?;
        let mut matches: Vec<RunId> = there.into_iter().map(|note| note.run).collect();
        matches.retain(|run| !wanted.is_empty() && run.as_str().starts_with(&wanted));
        match matches.as_slice() {
            [one] => Ok(one.clone()),
            [] => Ok(here?),
            _ => Err(StoreError::Ambiguous { text: named.to_owned(), matches }.into()),
        }
    }

    /// What the shared store says of a run that this host does not drive; none where it does not have it.
    pub(super) async fn look_shared(
        &self,
        run: &RunId,
    ) -> Result<Option<(Vec<Recorded>, Option<DriverNote>, SeenElsewhere)>, CliError> {
        let Some(shared) = self.shared_with(run)? else { return Ok(None) };
        let Some(driver) = shared.driver(run).await? else { return Ok(None) };
        let now = host_clock().now();
        // Before the events: what comes in between is seen as new the next time.
        let end = shared.log_end(run, None).await?;
        let seen = SeenElsewhere { end, at: now, driver_at: now };
        Ok(Some((shared.read(run).await?, Some(driver), seen)))
    }

    /// What is known of a run in the shared store, where it was looked at a moment ago or there is nothing new.
    pub(super) async fn unchanged_elsewhere(
        &self,
        run: &RunId,
        known: &RunLook,
    ) -> Result<Option<RunLook>, CliError> {
        let Some(seen) = known.elsewhere.as_ref().filter(|_| !self.state.is_held(run)) else {
            return Ok(None);
        };
        let now = host_clock().now();
        let mut look = RunLook { now: time_in(&known.events), ..known.clone() };
        if now.since(seen.at) < LOOK_ELSEWHERE_EVERY {
            return Ok(Some(look));
        }
        let Some(shared) = self.shared_with(run)? else { return Ok(None) };
        // Who drives it may change without a new event.
        let driver_is_old = now.since(seen.driver_at) > HEARTBEAT_EVERY;
        if driver_is_old || shared.log_end(run, seen.end.as_deref()).await?.is_some() {
            return Ok(None);
        }
        look.elsewhere = Some(SeenElsewhere { at: now, ..seen.clone() });
        Ok(Some(look))
    }

    /// Brings this host's copy of a run of the shared store up to date, with the files beside it: for what is made of
    /// them. What cannot be had is told, and what is here is taken.
    pub(super) async fn fetch(&self, run: &RunId) {
        if self.state.is_held(run) {
            return;
        }
        let fetched = match self.shared_with(run) {
            Ok(Some(shared)) => shared.fetch(&self.state, run).await.map(drop),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        self.say_of_copy(run, fetched);
    }

    /// Fetches the files beside a run of the shared store.
    pub(super) async fn fetch_files(&self, run: &RunId) {
        if self.state.is_held(run) {
            return;
        }
        let fetched = match self.shared_with(run) {
            Ok(Some(shared)) => shared.fetch_files(&self.state, run).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        self.say_of_copy(run, fetched);
    }

    fn say_of_copy(&self, run: &RunId, fetched: Result<(), StoreError>) {
        if let Err(error) = fetched {
            let mark = self.ui.err.warn("warning:");
            self.ui.say(&format!("{mark} This host's copy of run {run} is as it was: {error}."));
        }
    }

    /// What there is to do about a run that another host drives, should that host be lost; none of one that is driven
    /// here.
    pub(super) async fn if_it_is_lost(&self, run: &RunId) -> Option<String> {
        if self.drives_here(run) {
            return None;
        }
        let note = self.shared_with(run).ok()??.driver(run).await.ok()??;
        let left = note.heard.map_or(SILENT_AFTER, |heard| {
            SILENT_AFTER.saturating_sub(host_clock().now().since(heard))
        });
        Some(format!(
            "It was {}. Where you know that its host is lost, `backroad take-over {run}` drives it from here at once; \
             if nothing more is heard of it, `backroad resume {run}` does so in {} s.",
            ago(note.heard),
            left.as_secs()
        ))
    }

    /// Whether a run that this host has a copy of has ended where it is kept; none where that cannot be known.
    pub(super) async fn has_ended_elsewhere(&self, run: &RunId, place: &str) -> Option<bool> {
        let own = self.shared.as_ref().filter(|shared| shared.place() == place).cloned();
        let shared = own.map_or_else(|| at(place, StoreUse::Read), Ok).ok()?;
        let note = shared.driver(run).await.ok()??;
        Some(note.outcome.is_some() && !note.drives)
    }

    /// Whether a process of this host drives the run.
    pub(super) fn drives_here(&self, run: &RunId) -> bool {
        self.state.is_held(run)
    }

    /// Says a command to whoever drives a run on another host, and waits for the answer.
    ///
    /// # Errors
    /// The command was refused, nobody answered in time, or the store does not answer.
    pub async fn tell_elsewhere(&self, run: &RunId, command: &Command) -> Result<(), CliError> {
        let Some(shared) = self.shared_with(run)? else {
            return Err(CliError::refused(format!("Run {run} is not in a shared store.")));
        };
        let inbox = shared.inbox(run);
        let millis = u64::try_from(host_clock().now().as_millis()).unwrap_or_default();
        let id =
            ulid::Ulid::from_parts(millis, u128::from_be_bytes(HostEntropy.bytes())).to_string();
        inbox.send(&id, command).await?;
        let mut answered = inbox.wait(&id).await?;
        if answered.is_none() && !inbox.withdraw(&id).await? {
            answered = inbox.wait(&id).await?;
        }
        match answered {
            Some(Answered::Done) => Ok(()),
            Some(Answered::Refused(why)) => Err(CliError::refused(why)
                .hint(format!("See the run with `backroad status {run}`."))),
            Some(Answered::Taken) => Err(CliError::refused(
                "The command was taken, and what became of it was not said.",
            )
            .hint(format!("See with `backroad status {run}` whether it was done, before you say it again."))),
            Some(Answered::Withdrawn) | None => {
                Err(CliError::refused("Nobody has taken the command within a minute.")
                    .reason("It was taken back: nobody will act on it.")
                    .hint(format!(
                        "See with `backroad runs` who drives it; `backroad take-over {run}` drives it from here. Then \
                         say it again."
                    )))
            }
        }
    }

    /// Waits until a call that the elder driver may have sent has ended: what it meant to write is known, and
    /// whether it was sent is not. By this host's clock alone, from when the elder was shut out on; how the
    /// two clocks differ is no matter.
    pub(super) async fn outwait(
        &self,
        over: Option<&DriverNote>,
        under_way: Option<Duration>,
        clock: &Arc<dyn Clock>,
    ) {
        let Some(note) = over else { return };
        self.ui.say(&format!("Taken over from {}; it can record nothing more.", note.holder));
        if let Some(skew) = note.skew_ms().filter(|skew| skew.abs() > 2_000) {
            self.ui.say(&format!("Its clock was {} s off the store's.", skew / 1_000));
        }
        let Some(lasts) = under_way.map(|lasts| lasts.max(CALL_TIMEOUT)) else { return };
        let until = clock.now() + INTENT_VALIDITY + lasts;
        let seconds = (INTENT_VALIDITY + lasts).as_secs();
        self.ui.say(&format!("A call that it may have sent is waited out first: {seconds} s."));
        let _busy = clock.enter();
        clock.sleep_until(until).await;
    }
}

/// How far a run in the shared store was seen.
#[derive(Debug, Clone)]
pub struct SeenElsewhere {
    /// The newest object of its log.
    end: Option<String>,
    /// When that was asked.
    at: Timestamp,
    /// When it was asked who drives it.
    driver_at: Timestamp,
}

/// How often a run that another host drives is looked at by who follows it: each look is a request.
const LOOK_ELSEWHERE_EVERY: Duration = Duration::from_secs(4);

/// Runs of a shared store that are looked through for one that is named.
const RUNS_MAX: usize = 1_000;

/// Who we are to a run; with where we drive it from, where others may from elsewhere.
pub(super) fn driver_name(context: &Context, is_shared: bool) -> DriverName {
    let place = is_shared.then(|| place_of(&context.state));
    DriverName { name: holder_name(), place }
}

/// Answers letters of other hosts to a run that this process drives, until it is dropped.
pub(super) fn answer_letters(inbox: Inbox, handle: Handle) -> JoinSet<()> {
    let mut answering = JoinSet::new();
    answering.spawn(async move {
        loop {
            #[expect(clippy::disallowed_methods, reason = "other hosts wait by their time")]
            tokio::time::sleep(LETTERS_EVERY).await;
            let letters = match inbox.take::<Command>().await {
                Ok(letters) => letters,
                Err(error) => {
                    tracing::warn!(%error, "letters of other hosts cannot be read");
                    continue;
                }
            };
            for letter in letters {
                let mut command = letter.said;
                // Whoever may write into the store may write any name: nobody here vouches for it.
                if let Some(account) = &mut command.by().account {
                    account.said = true;
                }
                let answered = match handle.command(command).await {
                    Ok(()) => Answered::Done,
                    Err(why) => Answered::Refused(why.to_string()),
                };
                if let Err(error) = inbox.say(&letter.id, &answered).await {
                    tracing::warn!(%error, "the answer to a letter could not be written");
                }
            }
        }
    });
    answering
}

fn events(count: usize) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}

/// How long ago something was heard, for people.
#[must_use]
pub fn ago(heard: Option<Timestamp>) -> String {
    match heard {
        Some(heard) => {
            let since = host_clock().now().since(heard);
            format!("heard of {} s ago", since.as_secs())
        }
        None => "not heard of".to_owned(),
    }
}
