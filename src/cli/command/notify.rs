//! Who has not heard yet? Sends what is left of a run's messages; or tries whether a receiver can be told at all.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::cli::args::{Compile, Output};
use crate::cli::clock::RealClock;
use crate::cli::context::{Context, RunLook};
use crate::cli::error::{CliError, Status};
use crate::cli::front;
use crate::cli::messages::{self, OnDisk, WrittenEvents};
use crate::engine::{Clock as _, RunMode};
use crate::model::{MessageId, MessageKind, Messages, Receiver, RunId};
use crate::notify::{
    Delivery, LeftUnsent, Message, MessageCarrier as _, MessageTeller, RetryPace, SendEnd,
    TellerSettings,
};
use crate::render::json as out;
use crate::runbook::did_you_mean;
use crate::store::Outbox;

/// How long all receivers of a run have together, when somebody asks for nothing else.
const SENT_WITHIN: Duration = Duration::from_secs(180);

/// What `notify` takes.
#[derive(Debug, Clone, Args)]
pub struct NotifyArgs {
    /// The run's id, or its beginning: what is left of its messages is sent.
    #[arg(required_unless_present = "test")]
    pub run: Option<String>,
    /// Send this receiver a test message instead.
    #[arg(long, value_name = "RECEIVER", conflicts_with = "run")]
    pub test: Option<String>,
    /// The runbook that names the receiver [default: the settings file].
    #[arg(long, value_name = "FILE", requires = "test")]
    pub runbook: Option<PathBuf>,
    /// How that is compiled.
    #[command(flatten)]
    pub compile: Compile,
}

pub(super) async fn notify(context: &Context, args: &NotifyArgs) -> Result<Status, CliError> {
    match (&args.test, &args.run) {
        (Some(receiver), _) => test(context, receiver, args).await,
        (None, Some(run)) => {
            let run = context.find(run).await?;
            send_left(context, &run).await
        }
        (None, None) => Err(CliError::usage("There is no run to tell of.")),
    }
}

/// A receiver by its name.
fn named<'a>(messages: &'a Messages, name: &str) -> Result<&'a Receiver, CliError> {
    let known = || messages.receivers.iter().map(|receiver| receiver.name.as_str());
    messages.receivers.iter().find(|receiver| receiver.name == name).ok_or_else(|| {
        let error = CliError::usage(format!("There is no receiver `{name}`."));
        match did_you_mean(name, known()) {
            Some(meant) => error.hint(format!("Did you mean `{meant}`?")),
            None if messages.receivers.is_empty() => error.hint(
                "Name them under `notify` in a runbook (`--runbook FILE`) or in the settings file.",
            ),
            None => error.hint(format!("There are {}.", known().collect::<Vec<_>>().join(", "))),
        }
    })
}

async fn test(context: &Context, name: &str, args: &NotifyArgs) -> Result<Status, CliError> {
    let (messages, runbook) = match &args.runbook {
        Some(path) => {
            let compiled = front::compile(context, path, &args.compile, "live")?;
            let name = compiled.plan.parts().runbook.to_string();
            (messages::of(context, &compiled.plan), name)
        }
        None => (messages::of_settings_file(context), "test".to_owned()),
    };
    let receiver = named(&messages, name)?;
    let host = context.account.counted().0.to_owned();
    let message = Message {
        place: MessageId::default(),
        kind: MessageKind::Started,
        run: None,
        runbook,
        title: "A test message".to_owned(),
        mode: None,
        at: RealClock::new(NonZeroU32::MIN, None).now(),
        step: None,
        headline: "this is a test, and nothing has happened".to_owned(),
        lines: vec![
            format!("Sent by {host} with `backroad notify --test {name}`."),
            format!("This receiver is told: {}.", receiver.told()),
        ],
        ask: None,
        objective: None,
        page: None,
    };
    let delivery = Delivery { message, again: false, settled: None };
    let end = messages::carrier(&messages).send(receiver, &delivery).await;
    let (taken, why) = match end {
        SendEnd::Taken => (true, None),
        SendEnd::Refused(why) | SendEnd::NotNow(why) | SendEnd::Unknown(why) => (false, Some(why)),
    };
    match (context.ui.output, &why) {
        (Output::Json | Output::Jsonl, _) => context.ui.data(&out::object(&json!({
            "schema": "backroad.notify_test/1",
            "receiver": name, "way": receiver.way.as_str(), "taken": taken, "why": why,
        }))),
        (Output::Text, None) => {
            context.ui.data_line(&format!("{name} took it ({}).", receiver.way.as_str()));
        }
        (Output::Text, Some(why)) => {
            return Err(CliError::new(Status::OutOfReach, format!("{name} cannot be told."))
                .reason(why)
                .hint(format!("It is told by {}.", receiver.way.shown())));
        }
    }
    Ok(if taken { Status::Done } else { Status::OutOfReach })
}

async fn send_left(context: &Context, run: &RunId) -> Result<Status, CliError> {
    let dir = context.state.run_path(run);
    // Who drives the run sends its messages, and holds their record.
    let outbox = Outbox::open(&dir, run).map_err(|error| {
        CliError::refused(format!("The messages of run {run} cannot be sent from here."))
            .because(&error)
            .hint("Who drives the run sends them; `backroad status` shows what is left.")
    })?;
    let look = context.look(run).await?;
    look.warn(context.ui);
    let RunLook { events, now, .. } = look;
    let state = Context::fold(&events)?;
    let opened = Context::opened(&state)?;
    let (mode, endpoint) = (opened.mode, opened.endpoint.clone());
    if !messages::are_sent(mode, &endpoint, messages::were_sent(context, run)) {
        let what = match mode {
            RunMode::Drill => "Nobody was to be told of this drill.",
            RunMode::Live => "Nobody was to be told of this run: it is one against a simulator.",
        };
        return Err(CliError::refused(what).hint("Start it with `--notify` to send its messages."));
    }
    let told = messages::of(context, &opened.plan);
    if told.receivers.is_empty() {
        return Err(CliError::refused("Nobody is told of this run: it has no receiver.")
            .hint("Name receivers under `notify` in the runbook or in the settings file."));
    }
    for why in messages::unreadable(&told) {
        context.ui.say(&format!("{} {why}", context.ui.err.warn("not told:")));
    }
    let head = events.last().map(|last| last.seq).unwrap_or_default();
    let record = messages::record(&outbox, &told, head)?;
    let before: u64 = record.receivers.values().map(|one| one.sent).sum();
    let outbox = Arc::new(outbox);
    let ui = context.ui;
    let teller = MessageTeller::start(TellerSettings {
        ourselves: context.ui.ours.clone(),
        carrier: Arc::new(messages::carrier(&told)),
        messages: told,
        record,
        source: Arc::new(WrittenEvents(events, now)),
        shelf: Arc::new(OnDisk(Arc::clone(&outbox))),
        pace: RetryPace { attempts: 2, ..RetryPace::default() },
        say: Arc::new(move |why| ui.say(&format!("{} {why}", ui.err.warn("not told:")))),
    });
    let left = teller.finish(SENT_WITHIN).await;
    let after = outbox.load()?.unwrap_or_default();
    let sent = after.receivers.values().map(|one| one.sent).sum::<u64>().saturating_sub(before);
    show(context, run, sent, &left);
    Ok(if left.is_empty() { Status::Done } else { Status::OutOfReach })
}

fn show(context: &Context, run: &RunId, sent: u64, left: &[LeftUnsent]) {
    match context.ui.output {
        Output::Json | Output::Jsonl => {
            let left: Vec<_> = left
                .iter()
                .map(|one| json!({ "receiver": one.receiver, "count": one.count, "why": one.why }))
                .collect();
            context.ui.data(&out::object(&json!({
                "schema": "backroad.notify/1", "run": run, "sent": sent, "left": left,
            })));
        }
        Output::Text => {
            let what = match sent {
                0 if left.is_empty() => "Nothing was left to be sent.".to_owned(),
                1 => "1 message was sent.".to_owned(),
                many => format!("{many} messages were sent."),
            };
            context.ui.data_line(&what);
            messages::say_left(context.ui, run, left);
        }
    }
}
