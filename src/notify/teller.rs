//! Who sends the messages while a run goes on? A task that makes them of the journal, and one for each receiver.
//!
//! The line of messages is the journal itself: whoever drives the run only rings a bell, which is never waited
//! for. Each receiver has its own place in that line, made durable before and after each message, so that a slow
//! one holds up nobody and a crash forgets nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};
use tokio::task::JoinSet;

use super::carrier::{MessageCarrier, SendEnd};
use super::maker::MessageMaker;
use super::message::{Delivery, Message};
use super::wait::{pause, within};
use crate::engine::{Event, Recorded, RunState, Watcher};
use crate::model::{
    GateNote, MessageId, MessageKind, Messages, NextMessage, ObjectiveNote, OutboxRecord, Receiver,
    ReceiverRecord, Seq, Timestamp, Unsent,
};
use crate::render::Ourselves;

/// Where a run's events are read, as they become durable.
pub trait EventSource: Send + Sync {
    /// The events after one.
    fn after(&self, last: Seq) -> Vec<Recorded>;
    /// The time in the run.
    fn now(&self) -> Timestamp;
    /// Whether that passes by itself, between events.
    fn ticks(&self) -> bool;
}

/// Where the record of what was sent is made durable.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Puts a record in place of the one before it, durably.
    ///
    /// # Errors
    /// The disk refuses; why.
    async fn save(&self, record: OutboxRecord) -> Result<(), String>;
}

/// How hard is tried.
#[derive(Debug, Clone, Copy)]
pub struct RetryPace {
    /// Attempts at a message before it is given up.
    pub attempts: u32,
    /// The wait before the second; doubles from there.
    pub first_wait: Duration,
    /// The longest.
    pub wait_max: Duration,
    /// How often the time is looked at between events.
    pub tick: Duration,
}

impl Default for RetryPace {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_secs(1),
            wait_max: Duration::from_secs(15),
            tick: Duration::from_secs(10),
        }
    }
}

/// How much longer than its own limit a way may take to notice that its time is up.
const GRACE: Duration = Duration::from_secs(6);

/// What a teller needs.
pub struct TellerSettings {
    /// Who is told what.
    pub messages: Messages,
    /// What they have been told: as [`OutboxRecord::found`] gives it.
    pub record: OutboxRecord,
    /// The run.
    pub source: Arc<dyn EventSource>,
    /// Where the record is kept.
    pub shelf: Arc<dyn Shelf>,
    /// What sends.
    pub carrier: Arc<dyn MessageCarrier>,
    /// How hard is tried.
    pub pace: RetryPace,
    /// How this program is called again, in the commands of messages.
    pub ourselves: Ourselves,
    /// Told of what could not be sent.
    pub say: Arc<dyn Fn(String) + Send + Sync>,
}

/// What could not be sent, of one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftUnsent {
    /// The receiver.
    pub receiver: String,
    /// How many messages.
    pub count: usize,
    /// Why, where it was tried.
    pub why: Option<String>,
}

/// Sends the messages of one run.
pub struct MessageTeller {
    shared: Arc<TellerShared>,
    tasks: JoinSet<()>,
}

/// Says that there is something new, and waits for nobody.
pub struct Bell(Arc<TellerShared>);

impl Watcher for Bell {
    fn recorded(&self, _: &[Recorded], _: &RunState) {
        self.0.bell.notify_one();
    }
}

struct TellerShared {
    settings: TellerSettings,
    made: Mutex<MadeMessages>,
    /// Held while it is made durable: one after the other.
    record: AsyncMutex<OutboxRecord>,
    bell: Notify,
    news: watch::Sender<News>,
}

/// What the time has told an earlier process.
struct TimeNotes {
    objective: Vec<ObjectiveNote>,
    gates: Vec<GateNote>,
}

impl TimeNotes {
    /// The messages that were noted after an event, in the order of their places.
    fn told_after(&self, maker: &mut MessageMaker, after: Seq) -> Vec<Message> {
        let objective = self.objective.iter().filter(|note| note.after == after);
        let mut told: Vec<Message> = objective.filter_map(|note| maker.take_note(note)).collect();
        let gates = self.gates.iter().filter(|note| note.after == after);
        told.extend(gates.filter_map(|note| maker.take_gate_note(note)));
        told.sort_by_key(|message| message.place);
        told
    }
}

/// What was made so far.
#[derive(Debug, Default)]
struct MadeMessages {
    messages: Vec<Message>,
    /// The steps that wait for people.
    waiting: Vec<String>,
}

impl MadeMessages {
    /// What has become of a question that nobody is asked any more.
    fn settled(&self, question: &Message) -> String {
        let ends = [MessageKind::GateAnswered, MessageKind::GateExpired, MessageKind::StepMended];
        let end = self.messages.iter().find(|later| {
            later.place > question.place
                && later.step == question.step
                && ends.contains(&later.kind)
        });
        match end {
            Some(end) => format!("Since then: {}.", end.headline),
            None => "Nobody is asked this any more.".to_owned(),
        }
    }
}

/// What senders wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct News {
    /// The last event of which everything was made.
    made_to: Seq,
    /// Grows with each message.
    count: usize,
    /// No event comes any more.
    closing: bool,
    /// Nothing will be made any more.
    complete: bool,
}

impl MessageTeller {
    /// Begins to send.
    #[must_use]
    pub fn start(mut settings: TellerSettings) -> Self {
        let record = AsyncMutex::new(std::mem::take(&mut settings.record));
        let receivers = settings.messages.receivers.clone();
        let shared = Arc::new(TellerShared {
            settings,
            made: Mutex::new(MadeMessages::default()),
            record,
            bell: Notify::new(),
            news: watch::Sender::new(News::default()),
        });
        let mut tasks = JoinSet::new();
        let own = Arc::clone(&shared);
        tasks.spawn(async move { own.make().await });
        for receiver in receivers {
            let own = Arc::clone(&shared);
            tasks.spawn(async move { own.tell(&receiver).await });
        }
        Self { shared, tasks }
    }

    /// What tells it that there is something new.
    #[must_use]
    pub fn bell(&self) -> Bell {
        Bell(Arc::clone(&self.shared))
    }

    /// Waits until all is sent, but no longer than this; gives what is left.
    pub async fn finish(mut self, limit: Duration) -> Vec<LeftUnsent> {
        self.shared.news.send_modify(|news| news.closing = true);
        self.shared.bell.notify_one();
        within(limit, async { while self.tasks.join_next().await.is_some() {} }).await;
        self.tasks.shutdown().await;
        self.shared.left().await
    }
}

impl TellerShared {
    fn made(&self) -> MutexGuard<'_, MadeMessages> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes messages as long as there are events.
    async fn make(&self) {
        let source = &self.settings.source;
        let mut maker = MessageMaker::new(self.settings.messages.clone())
            .told_by(self.settings.ourselves.clone());
        let noted = {
            let record = self.record.lock().await;
            TimeNotes { objective: record.noted.clone(), gates: record.closing.clone() }
        };
        // While events come, they say when to look at the time.
        let mut long_silent = false;
        loop {
            let closing = self.news.borrow().closing;
            let new = source.after(maker.state().head);
            for recorded in &new {
                if let Err(error) = self.make_of(&mut maker, recorded, &noted).await {
                    // Who drives the run finds the same, and says so.
                    tracing::warn!(%error, "no more messages are made of this run");
                    self.news.send_modify(|news| news.complete = true);
                    return;
                }
            }
            if long_silent && source.ticks() && maker.state().outcome().is_none() {
                self.look_at_objective(&mut maker, source.now()).await;
                self.look_at_gates(&mut maker, source.now()).await;
            }
            self.publish(&maker);
            if closing && new.is_empty() {
                self.news.send_modify(|news| news.complete = true);
                return;
            }
            if new.is_empty() {
                let rang = within(self.settings.pace.tick, self.bell.notified()).await;
                long_silent = rang.is_none();
            }
        }
    }

    async fn make_of(
        &self,
        maker: &mut MessageMaker,
        recorded: &Recorded,
        noted: &TimeNotes,
    ) -> Result<(), crate::engine::state::IllegalTransition> {
        let made = maker.take(recorded)?;
        self.made().messages.extend(made);
        self.made().messages.extend(noted.told_after(maker, recorded.seq));
        // A step's end, or an answer, may have used up what there was to spare.
        let decides = matches!(
            recorded.event,
            Event::StepSucceeded { .. }
                | Event::StepFailed { .. }
                | Event::StepTimedOut { .. }
                | Event::RetryScheduled { .. }
                | Event::GateOpened { .. }
                | Event::Approved { .. }
        );
        let known = noted.objective.last().is_some_and(|last| last.after > recorded.seq);
        if decides && !known {
            self.look_at_objective(maker, recorded.at).await;
        }
        Ok(())
    }

    /// Notes that the objective is in greater danger than before, and then tells it.
    async fn look_at_objective(&self, maker: &mut MessageMaker, now: Timestamp) {
        let Some(mut note) = maker.endangered(now) else { return };
        note.nth = Some(self.record.lock().await.next_nth(note.after));
        let noted = self.update(|record| record.noted.push(note.clone())).await;
        if noted.is_ok() {
            let told = maker.take_note(&note);
            self.made().messages.extend(told);
        }
    }

    /// Notes that gates are about to close, and then tells it. What is not noted is told with the next event.
    async fn look_at_gates(&self, maker: &mut MessageMaker, now: Timestamp) {
        for gate in maker.closing(now) {
            let after = maker.state().head;
            let nth = self.record.lock().await.next_nth(after);
            let note = GateNote { after, nth, step: gate.step, at: gate.due };
            if self.update(|record| record.closing.push(note.clone())).await.is_err() {
                return;
            }
            let told = maker.take_gate_note(&note);
            self.made().messages.extend(told);
        }
    }

    fn publish(&self, maker: &MessageMaker) {
        let waiting = maker.state().waiting_for_people();
        let waiting: Vec<String> = waiting.into_iter().map(ToString::to_string).collect();
        let count = {
            let mut made = self.made();
            made.waiting = waiting;
            made.messages.len()
        };
        let made_to = maker.state().head;
        self.news.send_if_modified(|news| {
            let new = (news.made_to, news.count) != (made_to, count);
            (news.made_to, news.count) = (made_to, count);
            new
        });
    }

    /// Changes the record and makes it durable; where that fails, it is as it was.
    async fn update(&self, change: impl FnOnce(&mut OutboxRecord)) -> Result<(), String> {
        let mut record = self.record.lock().await;
        let mut changed = record.clone();
        change(&mut changed);
        self.settings.shelf.save(changed.clone()).await?;
        *record = changed;
        Ok(())
    }

    async fn update_own(
        &self,
        receiver: &Receiver,
        change: impl FnOnce(&mut ReceiverRecord),
    ) -> Result<(), String> {
        let name = receiver.name.clone();
        self.update(move |record| change(record.receivers.entry(name).or_default())).await
    }

    async fn own(&self, receiver: &Receiver) -> ReceiverRecord {
        self.record.lock().await.receivers.get(&receiver.name).cloned().unwrap_or_default()
    }

    /// Tells one receiver what there is to tell, in order.
    async fn tell(&self, receiver: &Receiver) {
        let mut news = self.news.subscribe();
        let mut answers = self.tell_unsent(receiver, &mut news).await;
        loop {
            let seen = *news.borrow_and_update();
            let own = self.own(receiver).await;
            let next = {
                let made = self.made();
                let wanted = made.messages.iter().filter(|made| receiver.wants(made.kind));
                own.next(wanted.map(|made| made.place))
            };
            match next {
                Some(next) => {
                    let attempts = if answers { self.settings.pace.attempts } else { 1 };
                    answers = self.deliver(receiver, next, attempts).await;
                }
                None if seen.complete => return,
                None => {
                    if news.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// What was given up before is tried once more, until something is not taken; whether all of it was.
    async fn tell_unsent(&self, receiver: &Receiver, news: &mut watch::Receiver<News>) -> bool {
        let mut after = None;
        while let Some(next) = self.own(receiver).await.next_unsent(after) {
            after = Some(next.message);
            let made = |news: &News| news.complete || news.made_to >= next.message.seq;
            if news.wait_for(made).await.is_err() {
                return false;
            }
            if !self.deliver(receiver, next, 1).await {
                return false;
            }
        }
        true
    }

    fn delivery(&self, next: NextMessage, may_have_arrived: bool) -> Option<Delivery> {
        let made = self.made();
        let message = made.messages.iter().find(|made| made.place == next.message)?.clone();
        let asks = matches!(
            message.kind,
            MessageKind::GateAsked | MessageKind::GateExpiring | MessageKind::InDoubt
        ) && message.ask.is_some();
        let open = message.step.as_ref().is_none_or(|step| made.waiting.contains(step));
        let settled = (asks && !open).then(|| made.settled(&message));
        Some(Delivery { message, again: next.again || may_have_arrived, settled })
    }

    /// Sends one message: intended durably first, tried some times, and taken or given up durably.
    async fn deliver(&self, receiver: &Receiver, next: NextMessage, attempts: u32) -> bool {
        let id = next.message;
        let pace = self.settings.pace;
        if let Err(why) = self.update_own(receiver, |own| own.try_now(id)).await {
            tracing::warn!(why, receiver = receiver.name, "what is about to be sent is not noted");
            pause(pace.wait_max).await;
            return false;
        }
        let (mut may_have_arrived, mut why, mut tried) = (false, String::new(), 0);
        let mut wait = pace.first_wait;
        while tried < attempts {
            if tried > 0 {
                pause(wait).await;
                wait = (wait * 2).min(pace.wait_max);
            }
            tried += 1;
            let Some(delivery) = self.delivery(next, may_have_arrived) else {
                "the journal does not tell it any more".clone_into(&mut why);
                break;
            };
            let sending = self.settings.carrier.send(receiver, &delivery);
            let end = within(receiver.time_limit + GRACE, sending).await;
            match end.unwrap_or_else(|| SendEnd::Unknown("no answer in time".to_owned())) {
                SendEnd::Taken => return self.taken(receiver, id).await,
                SendEnd::Refused(told) => {
                    why = told;
                    break;
                }
                SendEnd::NotNow(told) => why = told,
                SendEnd::Unknown(told) => {
                    why = told;
                    may_have_arrived = true;
                }
            }
        }
        may_have_arrived |= next.again;
        self.give_up(receiver, id, (tried, why, may_have_arrived)).await;
        false
    }

    async fn taken(&self, receiver: &Receiver, id: MessageId) -> bool {
        let at = self.settings.source.now();
        let noted = self.update_own(receiver, |own| own.taken(id, at)).await;
        if let Err(why) = noted {
            // It is sent again by whoever reads the record, and says so; here it is known.
            tracing::warn!(why, receiver = receiver.name, "what was sent is not noted");
            let mut record = self.record.lock().await;
            record.receivers.entry(receiver.name.clone()).or_default().taken(id, at);
        }
        true
    }

    async fn give_up(
        &self,
        receiver: &Receiver,
        message: MessageId,
        (attempts, why, may_have_arrived): (u32, String, bool),
    ) {
        let about =
            self.made().messages.iter().find(|made| made.place == message).map(|made| made.kind);
        let what = about.map_or("something", MessageKind::phrase);
        (self.settings.say)(format!("{} could not be told {what}: {why}.", receiver.name));
        let at = self.settings.source.now();
        let unsent = Unsent { message, attempts, why, at, may_have_arrived };
        let noted = self.update_own(receiver, |own| own.given_up(unsent.clone())).await;
        if let Err(why) = noted {
            tracing::warn!(why, receiver = receiver.name, "what was given up is not noted");
            let mut record = self.record.lock().await;
            record.receivers.entry(receiver.name.clone()).or_default().given_up(unsent);
        }
    }

    /// What is left to be sent.
    async fn left(&self) -> Vec<LeftUnsent> {
        let record = self.record.lock().await;
        let made = self.made();
        let of = |receiver: &Receiver| {
            let own = record.receivers.get(&receiver.name).cloned().unwrap_or_default();
            let wanted = made.messages.iter().filter(|made| receiver.wants(made.kind));
            let pending = wanted.filter(|made| made.place > own.done).count();
            let count = pending + own.unsent.len();
            let why = own.unsent.last().map(|unsent| unsent.why.clone());
            (count > 0).then(|| LeftUnsent { receiver: receiver.name.clone(), count, why })
        };
        self.settings.messages.receivers.iter().filter_map(of).collect()
    }
}
