//! How does what is compare with what shall be? An observation, read against one goal.
//!
//! The adapter reads the world and compares it with the goal; what comes out is plain data that the
//! engine, the preview and the report all use, so that none of them can disagree.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::Undo;
use super::resource::ResourceId;
use super::time::duration_text;

/// What was seen, and how it compares with a goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// How it compares.
    pub verdict: Assessed,
    /// The resources that were looked at.
    pub seen: Vec<Seen>,
    /// What the action puts out; only meaningful when the goal holds. Never holds a secret.
    pub outputs: Outputs,
}

/// What a step puts out, by name.
pub type Outputs = BTreeMap<String, Value>;

/// How the observed world compares with a goal.
#[derive(Debug, Clone, PartialEq)]
pub enum Assessed {
    /// The goal holds: nothing to do.
    Holds,
    /// One write leads to the goal.
    Change(Box<PlannedChange>),
    /// Azure is already at work on the resource; look again later.
    InProgress {
        /// What is going on.
        why: String,
        /// When to look again.
        after: Duration,
    },
    /// The goal does not hold yet, and time or another step must bring it about.
    NotYet {
        /// What is missing.
        why: String,
        /// When to look again.
        after: Duration,
    },
    /// The goal cannot be reached from here.
    Blocked {
        /// A stable code.
        code: String,
        /// Why, as a sentence.
        why: String,
    },
}

/// What of a resource Azure does not change in place, so that it stays in the way of its goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchangeable {
    /// Its SKU.
    Sku,
    /// Its zones.
    Zones,
    /// Another field.
    Field,
}

impl Unchangeable {
    const ALL: [Self; 3] = [Self::Sku, Self::Zones, Self::Field];

    /// The code of what is blocked by it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Sku => "sku_cannot_change",
            Self::Zones => "zones_cannot_change",
            Self::Field => "cannot_change",
        }
    }

    /// What is blocked under this code cannot change, if it is that.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.code() == code)
    }
}

/// A change that leads from what is to the goal.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedChange {
    /// What changes, field by field.
    pub changes: Vec<Change>,
    /// The write that does it.
    pub write: Write,
    /// How it is taken back.
    pub undo: Undo,
}

/// One field that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The resource.
    pub resource: ResourceId,
    /// The field, as a path such as `properties.sku.name`; empty for the whole resource.
    pub path: String,
    /// The value now; null when it is absent.
    pub before: Value,
    /// The value then; null when it goes away.
    pub after: Value,
}

impl std::fmt::Display for Change {
    /// As a clause: the field, what it is, and what it shall be.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { resource, path, before, after } = self;
        // A whole body is no clause.
        if path.is_empty() {
            return write!(f, "{} is not as it shall be", resource.name());
        }
        match (before.is_null(), after.is_null()) {
            (true, _) => write!(f, "{path} is not there, and shall be {after}"),
            (false, true) => write!(f, "{path} is {before}, and shall be gone"),
            (false, false) => write!(f, "{path} is {before}, and shall be {after}"),
        }
    }
}

/// A resource as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The resource.
    pub resource: ResourceId,
    /// How it was.
    pub state: SeenState,
    /// Its etag in the body, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// How a resource was when it was looked at. A text in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum SeenState {
    /// It is not there.
    Absent,
    /// Somebody has changed this field of it since the step wrote it, and the step is taken back.
    ChangedSince(String),
    /// As it says itself (its `provisioningState`), or as a verification says of it.
    As(String),
}

impl SeenState {
    const ABSENT: &str = "absent";

    const CHANGED_SINCE: &str = "changed_since ";

    /// The most that is kept of a state that somebody else writes, in characters.
    const MAX: usize = 128;

    /// As it says of itself.
    #[must_use]
    pub fn of(state: &str) -> Self {
        Self::As(state.chars().take(Self::MAX).collect())
    }

    /// Somebody has changed a field of it.
    #[must_use]
    pub fn changed_since(path: &str) -> Self {
        Self::ChangedSince(path.chars().take(Self::MAX - Self::CHANGED_SINCE.len()).collect())
    }
}

impl fmt::Display for SeenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str(Self::ABSENT),
            Self::ChangedSince(path) => write!(f, "{}{path}", Self::CHANGED_SINCE),
            Self::As(state) => f.write_str(state),
        }
    }
}

impl From<SeenState> for String {
    fn from(state: SeenState) -> Self {
        state.to_string()
    }
}

impl From<String> for SeenState {
    fn from(text: String) -> Self {
        if text == Self::ABSENT {
            return Self::Absent;
        }
        match text.strip_prefix(Self::CHANGED_SINCE) {
            Some(path) => Self::ChangedSince(path.to_owned()),
            None => Self::As(text),
        }
    }
}

/// One write to one resource, whole: what is journalled before it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// The HTTP method.
    pub method: WriteMethod,
    /// The resource, or what it is that is not Azure's.
    pub resource: WriteTarget,
    /// What is asked of it: the last part of a POST's path; none for the other methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<String>,
    /// The body, with placeholders for secrets; none for a delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Whether a side of a peering takes the addresses of the other network as they are now
    /// (`syncRemoteAddressSpace=true`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sync: bool,
    /// Refuse unless the resource still has this etag (`If-Match`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
    /// What is done when its answer is missing.
    #[serde(default, skip_serializing_if = "Unanswered::is_look")]
    pub unanswered: Unanswered,
    /// The longest that its call lasts; that of a call to Azure when absent.
    #[serde(with = "duration_text::option", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Duration>,
}

impl Write {
    /// The BLAKE3 digest of its canonical form, in hexadecimal, as its intent carries it.
    ///
    /// # Panics
    /// Never: every part of a write is plain data.
    #[must_use]
    #[expect(clippy::expect_used, reason = "plain data always becomes JSON")]
    pub fn digest(&self) -> String {
        let value = serde_json::to_value(self).expect("writes are plain data");
        blake3::hash(super::canonical::canonical(&value).as_bytes()).to_hex().to_string()
    }
}

impl Write {
    /// A write to a resource of Azure's, without anything that not every write has.
    #[must_use]
    pub fn to(method: WriteMethod, resource: &ResourceId) -> Self {
        Self {
            method,
            resource: WriteTarget::Azure(resource.clone()),
            verb: None,
            body: None,
            sync: false,
            if_match: None,
            unanswered: Unanswered::Look,
            lasts: None,
        }
    }
}

/// What a write is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WriteTarget {
    /// A resource of Azure's.
    Azure(ResourceId),
    /// A program or a service, in words.
    Outside(String),
}

impl WriteTarget {
    /// The resource of Azure's, if it is one.
    #[must_use]
    pub fn azure(&self) -> Option<&ResourceId> {
        match self {
            Self::Azure(id) => Some(id),
            Self::Outside(_) => None,
        }
    }
}

impl fmt::Display for WriteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Azure(id) => id.fmt(f),
            Self::Outside(text) => f.write_str(text),
        }
    }
}

impl From<ResourceId> for WriteTarget {
    fn from(id: ResourceId) -> Self {
        Self::Azure(id)
    }
}

/// What is done about a write whose answer is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unanswered {
    /// What it is about is looked at, which tells.
    #[default]
    Look,
    /// Nothing tells, and once is harmless as twice: it is sent again.
    SendAgain,
    /// Nothing tells, and it must not happen twice: a person is asked.
    AskPerson,
}

impl Unanswered {
    /// Whether a look tells what became of it.
    #[must_use]
    pub fn is_look(&self) -> bool {
        matches!(self, Self::Look)
    }
}

/// The method of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum WriteMethod {
    /// Create or replace.
    Put,
    /// Remove.
    Delete,
    /// Ask for a change that is no body: a failover.
    Post,
    /// Run a program, or call a service, that is not Azure's.
    Run,
}

impl WriteMethod {
    /// The method's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Post => "POST",
            Self::Run => "RUN",
        }
    }
}
