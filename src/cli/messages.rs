//! Who is told of this run? Receivers of the runbook and of the settings file, and what sends to them beside a drive.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use super::clock::RealClock;
use super::context::Context;
use super::interrupts::Interrupts;
use super::settings;
use super::ui::Ui;
use super::watch::EventRecorder;
use crate::azure::secret::{of_text, read_file};
use crate::engine::{Clock, Recorded, RunMode, RunState, RunTarget};
use crate::model::{
    MessageWay, Messages, OutboxRecord, Plan, ReceiverSecret, RunId, SecretSource, Seq, Timestamp,
};
use crate::notify::{
    Bell, EventSource, HostCarrier, LeftUnsent, MessageMaker, MessageTeller, ReadSecret, RetryPace,
    Shelf, TellerSettings,
};
use crate::outward::{self, Secret};
use crate::plan::messages::of_settings;
use crate::render::diagnostic;
use crate::render::view::ToldView;
use crate::runbook::{DocumentKind, SourceFile};
use crate::store::{Outbox, StoreError, outbox, regular};

/// Bytes of the settings file.
const SETTINGS_BYTES_MAX: u64 = 1 << 20;

/// Bytes of a secret's file.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// How long messages are waited for when a drive is over. What is left then is sent by `notify`.
const SENT_WITHIN: Duration = Duration::from_secs(10);

/// After how long it is said that they are waited for.
const SAID_AFTER: Duration = Duration::from_secs(2);

/// The receivers of the settings file. A mistake in it is said, and stops nothing.
#[must_use]
pub(super) fn of_settings_file(context: &Context) -> Messages {
    let Some((path, named)) = settings::file(&context.environment) else {
        return Messages::default();
    };
    let warn = |what: &str| {
        let mark = context.ui.err.warn("warning:");
        context.ui.say(&format!("{mark} The settings {}: {what}", path.display()));
    };
    let bytes = match regular::read(&path, SETTINGS_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => {
            return Messages::default();
        }
        Err(error) => {
            warn(&format!("they cannot be read, and nobody of them is told: {error}."));
            return Messages::default();
        }
    };
    let name = path.display().to_string();
    let source = match SourceFile::read_as(DocumentKind::Settings, &name, &bytes) {
        Ok(source) => source,
        Err(refused) => {
            warn(&refused.1.message);
            return Messages::default();
        }
    };
    let (messages, diagnostics) = of_settings(&source);
    if !diagnostics.is_empty() {
        let text = diagnostic::diagnostics(&source, &diagnostics, context.ui.err);
        context.ui.say(text.trim_end());
    }
    messages
}

/// Who is told of the runs of a plan.
#[must_use]
pub(super) fn of(context: &Context, plan: &Plan) -> Messages {
    plan.parts().messages.clone().with(&of_settings_file(context))
}

/// Whether the messages of a run are sent: of one against Azure always, of a drill or one against a simulator
/// where somebody said so.
#[must_use]
pub(super) fn are_sent(mode: RunMode, endpoint: &str, asked: bool) -> bool {
    asked || RunTarget::of(mode, endpoint) == RunTarget::Azure
}

/// Whether somebody said so when a run began.
#[must_use]
pub(super) fn were_sent(context: &Context, run: &RunId) -> bool {
    !matches!(outbox::look(&context.state.run_path(run)), Ok(None))
}

/// What each receiver has been told of a run.
#[must_use]
pub(super) fn told(context: &Context, run: &RunId, state: &RunState) -> Vec<ToldView> {
    let record = outbox::look(&context.state.run_path(run)).ok().flatten();
    let (Some(record), Some(opened)) = (record, &state.opened) else { return Vec::new() };
    ToldView::of(&of(context, &opened.plan), &record)
}

/// Says whom a drill would tell what, in place of telling them.
pub(super) fn say_would_tell(context: &Context, plan: &Plan, events: &[Recorded]) {
    let messages = of(context, plan);
    if messages.receivers.is_empty() {
        return;
    }
    let mut maker = MessageMaker::new(messages.clone());
    let made: Vec<_> = events.iter().filter_map(|event| maker.take(event).ok()).flatten().collect();
    for receiver in &messages.receivers {
        let wanted = made.iter().filter(|made| receiver.wants(made.kind));
        let kinds: Vec<&str> = wanted.map(|made| made.kind.as_str()).collect();
        let (name, way) = (&receiver.name, receiver.way.as_str());
        let what = match kinds.as_slice() {
            [] => "nothing of this".to_owned(),
            kinds => kinds.join(", "),
        };
        context.ui.say(&format!("would tell {name} ({way}): {what}"));
    }
    context.ui.say("  A drill tells nobody; with `--notify` it does.");
}

/// Reads secrets where they are said to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecretPlaces;

impl SecretPlaces {
    fn text(source: &SecretSource) -> Result<String, String> {
        let read = match source {
            SecretSource::Env(name) => settings::secret_variable(name).map_err(str::to_owned),
            SecretSource::File(path) => read_file(Path::new(path), SECRET_BYTES_MAX)
                .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())),
        };
        read.map_err(|why| format!("{source} cannot be read: {why}"))
    }
}

impl ReadSecret for SecretPlaces {
    fn read(&self, source: &SecretSource) -> Result<Secret, String> {
        let text = Self::text(source)?;
        of_text(&text).map_err(|why| format!("{source} cannot be used: {why}"))
    }

    fn read_url(&self, source: &SecretSource) -> Result<String, String> {
        let text = Self::text(source)?;
        let text = text.trim();
        let Ok(url) = Url::parse(text) else {
            outward::know(text);
            return Err(format!("{source} cannot be used: it holds no URL"));
        };
        // Not its host: others may name that, and their texts would be blanked.
        let after_host = text.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        if let Some((_, secret)) = after_host {
            outward::know(secret);
        }
        url.query().into_iter().for_each(outward::know);
        Ok(text.to_owned())
    }
}

/// Why receivers cannot be told as things stand, a sentence each; their secrets are known from here on.
#[must_use]
pub(super) fn unreadable(messages: &Messages) -> Vec<String> {
    let mut why = Vec::new();
    for receiver in &messages.receivers {
        for (what, source) in receiver.secrets() {
            let read = match what {
                ReceiverSecret::Url => SecretPlaces.read_url(source).map(drop),
                ReceiverSecret::Key | ReceiverSecret::Password => {
                    SecretPlaces.read(source).map(drop)
                }
            };
            if let Err(told) = read {
                why.push(format!(
                    "{} cannot be told, since {} is not there: {told}.",
                    receiver.name,
                    what.as_str()
                ));
            }
        }
    }
    why
}

/// A run's events as this process records them.
struct Recorder(Arc<EventRecorder>, Arc<dyn Clock>, RunMode);

impl EventSource for Recorder {
    fn after(&self, last: Seq) -> Vec<Recorded> {
        self.0.after(last)
    }

    fn now(&self) -> Timestamp {
        self.1.now()
    }

    fn ticks(&self) -> bool {
        self.2 == RunMode::Live
    }
}

/// A run's events as they stand.
pub(super) struct WrittenEvents(pub(super) Vec<Recorded>, pub(super) Timestamp);

impl EventSource for WrittenEvents {
    fn after(&self, last: Seq) -> Vec<Recorded> {
        let from = self.0.partition_point(|event| event.seq <= last);
        self.0.get(from..).unwrap_or_default().to_vec()
    }

    fn now(&self) -> Timestamp {
        self.1
    }

    fn ticks(&self) -> bool {
        false
    }
}

/// The record of a run, written where it cannot hold up a task.
pub(super) struct OnDisk(pub(super) Arc<Outbox>);

#[async_trait]
impl Shelf for OnDisk {
    async fn save(&self, record: OutboxRecord) -> Result<(), String> {
        let outbox = Arc::clone(&self.0);
        let saved = tokio::task::spawn_blocking(move || outbox.save(&record)).await;
        saved.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}

/// What sends beside a drive.
pub(super) struct Messenger {
    teller: MessageTeller,
    run: RunId,
    ui: Ui,
}

/// What a messenger is about.
pub(super) struct AboutRun<'a> {
    pub(super) run: &'a RunId,
    pub(super) dir: &'a Path,
    /// The last event that is there already.
    pub(super) head: Seq,
    pub(super) mode: RunMode,
}

impl Messenger {
    /// Begins to send. Whatever is in its way is said, and stops nothing.
    pub(super) fn begin(
        context: &Context,
        messages: Messages,
        about: &AboutRun<'_>,
        (recorder, clock): (&Arc<EventRecorder>, &Arc<dyn Clock>),
    ) -> Option<Self> {
        let ui = context.ui;
        let warn = move |text: String| ui.say(&format!("{} {text}", ui.err.warn("not told:")));
        for why in unreadable(&messages) {
            warn(why);
        }
        let outbox = match Outbox::open(about.dir, about.run) {
            Ok(outbox) => outbox,
            Err(error) => {
                warn(format!("The run's messages are not sent by this process: {error}."));
                return None;
            }
        };
        let record = match record(&outbox, &messages, about.head) {
            Ok(record) => record,
            Err(error) => {
                warn(format!("The run's messages are not sent by this process: {error}."));
                return None;
            }
        };
        let source = Recorder(Arc::clone(recorder), Arc::clone(clock), about.mode);
        let say = Arc::new(warn);
        let teller = MessageTeller::start(TellerSettings {
            ourselves: context.ui.ours.clone(),
            carrier: Arc::new(carrier(&messages)),
            messages,
            record,
            source: Arc::new(source),
            shelf: Arc::new(OnDisk(Arc::new(outbox))),
            pace: RetryPace::default(),
            say,
        });
        Some(Self { teller, run: about.run.clone(), ui })
    }

    /// What tells it that something was recorded.
    pub(super) fn bell(&self) -> Bell {
        self.teller.bell()
    }

    /// Waits for what is still to be sent, for a bounded time or until somebody interrupts.
    pub(super) async fn finish(self) {
        let mut interrupts = Interrupts::listen();
        let (run, ui) = (self.run, self.ui);
        let clock = RealClock::new(NonZeroU32::MIN, None);
        let mut sending = std::pin::pin!(self.teller.finish(SENT_WITHIN));
        let mut long = std::pin::pin!(clock.sleep_until(clock.now() + SAID_AFTER));
        let mut said = false;
        let left = loop {
            tokio::select! {
                left = &mut sending => break left,
                () = interrupts.next() => {
                    ui.say(&format!("Messages are left. Send them with `backroad notify {run}`."));
                    return;
                }
                () = &mut long, if !said => {
                    said = true;
                    ui.say("The last messages are being sent; Ctrl-C leaves them.");
                }
            }
        };
        say_left(ui, &run, &left);
    }
}

/// Says what is left to be sent.
pub(super) fn say_left(ui: Ui, run: &RunId, left: &[LeftUnsent]) {
    for one in left {
        let count = match one.count {
            1 => "1 message".to_owned(),
            many => format!("{many} messages"),
        };
        let why = one.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let mark = ui.err.warn("not told:");
        ui.say(&format!("{mark} {count} for {} left{why}.", one.receiver));
    }
    if !left.is_empty() {
        ui.say(&format!("  Send what is left with `backroad notify {run}`."));
    }
}

/// What sends for real, with the variables that receivers name.
pub(super) fn carrier(messages: &Messages) -> HostCarrier {
    let names = messages.receivers.iter().flat_map(|receiver| match &receiver.way {
        MessageWay::Exec { env, .. } => env.as_slice(),
        MessageWay::Webhook { .. }
        | MessageWay::Teams { .. }
        | MessageWay::Slack { .. }
        | MessageWay::Mail(_) => &[],
    });
    let names: Vec<&str> = names.map(String::as_str).collect();
    HostCarrier {
        secrets: Arc::new(SecretPlaces),
        host: settings::host(&names),
        clock: Arc::new(RealClock::new(NonZeroU32::MIN, None)),
    }
}

/// The record as this process finds it, with everybody in it who is to be told; durable before anything happens.
///
/// # Errors
/// It cannot be read or written.
pub(super) fn record(
    outbox: &Outbox,
    messages: &Messages,
    head: Seq,
) -> Result<OutboxRecord, StoreError> {
    let names = || messages.receivers.iter().map(|receiver| receiver.name.as_str());
    let mut record = match outbox.load() {
        Ok(found) => found.unwrap_or_default().found(),
        // Nobody knows what arrived: all of it is sent once more, and says so.
        Err(StoreError::Damaged { .. }) => OutboxRecord::lost(names(), head),
        Err(error) => return Err(error),
    };
    record.admit(names(), head);
    outbox.save(&record)?;
    Ok(record)
}
