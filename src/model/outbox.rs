//! What has each receiver been told? The record that outlives the process, and how it moves on.
//!
//! A message is *tried* in the record before it leaves, and *done* after it was taken: a process that ends in
//! between leaves it tried, and the next one sends it again and says so. What was given up stays in the record
//! until it was sent after all. The record never holds a message: the journal does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::Seq;
use super::id::StepName;
use super::message::MessageId;
use super::time::Timestamp;

/// The record's format. Refuse larger ones.
pub const OUTBOX_FORMAT: u32 = 1;

/// Where the number of a message begins that no event but the time has made.
const BY_TIME: u32 = 1_000;

/// Where the number of a message begins that the time made before the next event: after all that were noted there.
pub const BEFORE_NEXT_EVENT: u32 = 1_000_000;

/// What the receivers of one run have been told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRecord {
    /// [`OUTBOX_FORMAT`].
    pub format: u32,
    /// When the objective was seen to be in danger: the time tells that, and no event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noted: Vec<ObjectiveNote>,
    /// When gates were seen to be about to close.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closing: Vec<GateNote>,
    /// Each receiver's, by name.
    pub receivers: BTreeMap<String, ReceiverRecord>,
}

/// That the objective was seen to be in danger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectiveNote {
    /// The last event before it.
    pub after: Seq,
    /// How great the danger is: 1 at risk, 2 will be missed, 3 missed.
    pub level: u32,
    /// When.
    pub at: Timestamp,
    /// The number of its message; records of earlier versions have none, and the level says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
}

impl ObjectiveNote {
    /// Its message's place.
    #[must_use]
    pub fn id(&self) -> MessageId {
        MessageId { seq: self.after, nth: self.nth.unwrap_or(BY_TIME + self.level) }
    }
}

/// That the time of a gate was seen to be nearly up, with nobody's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateNote {
    /// The last event before it.
    pub after: Seq,
    /// The number of its message.
    pub nth: u32,
    /// The gate's step.
    pub step: StepName,
    /// When it had to be told.
    pub at: Timestamp,
}

impl GateNote {
    /// Its message's place.
    #[must_use]
    pub fn id(&self) -> MessageId {
        MessageId { seq: self.after, nth: self.nth }
    }
}

/// What one receiver has been told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReceiverRecord {
    /// The last message that was dealt with, in order.
    pub done: MessageId,
    /// The one that is being sent: it may have arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trying: Option<MessageId>,
    /// Up to here nobody knows what arrived: the record was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubtful_to: Option<Seq>,
    /// Those that were given up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsent: Vec<Unsent>,
    /// How many were taken.
    #[serde(default)]
    pub sent: u64,
    /// When the last one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sent: Option<Timestamp>,
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsent {
    /// Which.
    pub message: MessageId,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was not taken, the last time.
    pub why: String,
    /// When that was.
    pub at: Timestamp,
    /// Whether one of the attempts may have arrived all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_have_arrived: bool,
}

/// What is to be sent next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextMessage {
    /// Which.
    pub message: MessageId,
    /// Whether it may have arrived before.
    pub again: bool,
}

impl Default for OutboxRecord {
    fn default() -> Self {
        Self {
            format: OUTBOX_FORMAT,
            noted: Vec::new(),
            closing: Vec::new(),
            receivers: BTreeMap::new(),
        }
    }
}

impl OutboxRecord {
    /// Lets these receivers be told of what comes after an event: those that are known keep their place.
    pub fn admit<'a>(&mut self, names: impl Iterator<Item = &'a str>, after: Seq) {
        for name in names {
            let place = MessageId { seq: after, nth: if after.0 == 0 { 0 } else { u32::MAX } };
            self.receivers
                .entry(name.to_owned())
                .or_insert_with(|| ReceiverRecord { done: place, ..ReceiverRecord::default() });
        }
    }

    /// In place of a record that was lost: all is sent once more up to an event, and says so.
    #[must_use]
    pub fn lost<'a>(names: impl Iterator<Item = &'a str>, to: Seq) -> Self {
        let doubtful = || ReceiverRecord { doubtful_to: Some(to), ..ReceiverRecord::default() };
        let receivers = names.map(|name| (name.to_owned(), doubtful())).collect();
        Self { receivers, ..Self::default() }
    }

    /// As a later process finds it: what was being sent may have arrived.
    #[must_use]
    pub fn found(mut self) -> Self {
        for record in self.receivers.values_mut() {
            let Some(trying) = record.trying else { continue };
            if let Some(unsent) = record.unsent.iter_mut().find(|one| one.message == trying) {
                unsent.may_have_arrived = true;
                record.trying = None;
            } else if trying <= record.done {
                record.trying = None;
            }
        }
        self
    }

    /// The number of the next message that the time makes after an event: behind all that were noted there, since
    /// receivers go on from the last one that they were told.
    #[must_use]
    pub fn next_nth(&self, after: Seq) -> u32 {
        let noted = self.noted.iter().map(ObjectiveNote::id);
        let closing = self.closing.iter().map(GateNote::id);
        let last = noted.chain(closing).filter(|id| id.seq == after).map(|id| id.nth).max();
        last.unwrap_or(BY_TIME) + 1
    }

    /// Those whom nobody could tell everything.
    pub fn behind(&self) -> impl Iterator<Item = (&str, &ReceiverRecord)> {
        let behind = |record: &ReceiverRecord| !record.unsent.is_empty() || record.trying.is_some();
        self.receivers
            .iter()
            .filter(move |(_, one)| behind(one))
            .map(|(name, one)| (name.as_str(), one))
    }
}

impl ReceiverRecord {
    /// What comes next, of the messages that are for it, in order.
    #[must_use]
    pub fn next(&self, mut messages: impl Iterator<Item = MessageId>) -> Option<NextMessage> {
        let message = messages.find(|id| *id > self.done)?;
        let doubtful = self.doubtful_to.is_some_and(|to| message.seq <= to);
        Some(NextMessage { message, again: doubtful || self.trying == Some(message) })
    }

    /// What was given up and comes next, after one.
    #[must_use]
    pub fn next_unsent(&self, after: Option<MessageId>) -> Option<NextMessage> {
        let unsent =
            self.unsent.iter().find(|one| after.is_none_or(|after| one.message > after))?;
        Some(NextMessage { message: unsent.message, again: unsent.may_have_arrived })
    }

    /// It is about to be sent.
    pub fn try_now(&mut self, message: MessageId) {
        self.trying = Some(message);
    }

    /// It was taken.
    pub fn taken(&mut self, message: MessageId, at: Timestamp) {
        self.trying = None;
        self.unsent.retain(|one| one.message != message);
        self.done = self.done.max(message);
        self.sent += 1;
        self.last_sent = Some(at);
    }

    /// It was given up.
    pub fn given_up(&mut self, unsent: Unsent) {
        self.trying = None;
        self.done = self.done.max(unsent.message);
        self.unsent.retain(|one| one.message != unsent.message);
        self.unsent.push(unsent);
        self.unsent.sort_by_key(|one| one.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(seq: u64) -> MessageId {
        MessageId { seq: Seq(seq), nth: 0 }
    }

    fn unsent(seq: u64) -> Unsent {
        Unsent {
            message: id(seq),
            attempts: 1,
            why: "no".to_owned(),
            at: Timestamp::from_millis(0),
            may_have_arrived: false,
        }
    }

    #[test]
    fn a_message_that_was_being_sent_is_sent_again_and_says_so() {
        let mut record = OutboxRecord::default();
        record.admit(["ops"].into_iter(), Seq(0));
        let ops = record.receivers.get_mut("ops").unwrap();
        let all = || [id(1), id(4)].into_iter();
        assert_eq!(ops.next(all()), Some(NextMessage { message: id(1), again: false }));
        ops.try_now(id(1));
        let record = record.found();
        let mut ops = record.receivers["ops"].clone();
        assert_eq!(ops.next(all()), Some(NextMessage { message: id(1), again: true }));
        ops.taken(id(1), Timestamp::from_millis(0));
        assert_eq!(ops.next(all()), Some(NextMessage { message: id(4), again: false }));
        ops.given_up(unsent(4));
        assert_eq!(ops.next(all()), None);
        assert_eq!(ops.next_unsent(None), Some(NextMessage { message: id(4), again: false }));
        ops.try_now(id(4));
        let mut record = OutboxRecord::default();
        record.receivers.insert("ops".to_owned(), ops);
        let ops = record.found().receivers["ops"].clone();
        assert_eq!(ops.next_unsent(None), Some(NextMessage { message: id(4), again: true }));
    }

    #[test]
    fn who_is_new_to_a_run_that_goes_on_is_told_of_what_comes_and_not_of_what_was() {
        let mut record = OutboxRecord::default();
        record.admit(["ops"].into_iter(), Seq(7));
        record.admit(["ops"].into_iter(), Seq(0));
        let next = record.receivers["ops"].next([id(3), id(7), id(8)].into_iter());
        assert_eq!(next.map(|next| next.message), Some(id(8)));
    }
}
