//! Who is told what of a run, and by which way? Receivers as a plan keeps them; their secrets are references.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::id::Seq;
use super::net::is_loopback;
use super::secret::SecretSource;
use super::time::duration_text;

/// How long a receiver has for one message when nobody says.
pub const MESSAGE_LIMIT: Duration = Duration::from_secs(10);

/// The most that a receiver may be given: messages behind it wait.
pub const MESSAGE_LIMIT_MAX: Duration = Duration::from_secs(60);

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// A run has started.
    Started,
    /// A person is asked.
    GateAsked,
    /// The time of a gate is nearly up, and nobody has answered.
    GateExpiring,
    /// Nobody answered a gate in time.
    GateExpired,
    /// Somebody has answered: nobody else is needed for it.
    GateAnswered,
    /// A step ended without its goal, or could not be put back.
    StepFailed,
    /// A step that had failed, or was in doubt, is done.
    StepMended,
    /// The objective is in danger, or missed.
    Objective,
    /// Whether something landed is not known.
    InDoubt,
    /// A person paused the run.
    Paused,
    /// What the run did is being put back.
    Undoing,
    /// Another host drives the run from now on.
    TakenOver,
    /// The run ended.
    Ended,
    /// The run owes something.
    Owed,
    /// A runbook became ready, or is ready no more.
    Readiness,
}

impl MessageKind {
    /// All of them, as runbooks write them.
    pub const ALL: [(&'static str, Self); 15] = [
        ("started", Self::Started),
        ("gate_asked", Self::GateAsked),
        ("gate_expiring", Self::GateExpiring),
        ("gate_expired", Self::GateExpired),
        ("gate_answered", Self::GateAnswered),
        ("step_failed", Self::StepFailed),
        ("step_mended", Self::StepMended),
        ("objective", Self::Objective),
        ("in_doubt", Self::InDoubt),
        ("paused", Self::Paused),
        ("undoing", Self::Undoing),
        ("taken_over", Self::TakenOver),
        ("ended", Self::Ended),
        ("owed", Self::Owed),
        ("readiness", Self::Readiness),
    ];

    /// As runbooks and messages write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::GateAsked => "gate_asked",
            Self::GateExpiring => "gate_expiring",
            Self::GateExpired => "gate_expired",
            Self::GateAnswered => "gate_answered",
            Self::StepFailed => "step_failed",
            Self::StepMended => "step_mended",
            Self::Objective => "objective",
            Self::InDoubt => "in_doubt",
            Self::Paused => "paused",
            Self::Undoing => "undoing",
            Self::TakenOver => "taken_over",
            Self::Ended => "ended",
            Self::Owed => "owed",
            Self::Readiness => "readiness",
        }
    }

    /// What it calls off: whoever was told of one of these is told of this.
    #[must_use]
    pub fn calls_off(self) -> &'static [Self] {
        match self {
            Self::GateAnswered => &[Self::GateAsked, Self::GateExpiring],
            Self::StepMended => &[Self::StepFailed, Self::InDoubt],
            Self::Started
            | Self::GateAsked
            | Self::GateExpiring
            | Self::GateExpired
            | Self::StepFailed
            | Self::Objective
            | Self::InDoubt
            | Self::Paused
            | Self::Undoing
            | Self::TakenOver
            | Self::Ended
            | Self::Owed
            | Self::Readiness => &[],
        }
    }

    /// As a person says it.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Started => "that a run started",
            Self::GateAsked => "that somebody is asked",
            Self::GateExpiring => "that the time of a gate is nearly up",
            Self::GateExpired => "that nobody answered a gate in time",
            Self::GateAnswered => "that a gate is answered",
            Self::StepFailed => "that a step failed",
            Self::StepMended => "that a step is done that had failed",
            Self::Objective => "that the objective is in danger",
            Self::InDoubt => "that something is in doubt",
            Self::Paused => "that a run is paused",
            Self::Undoing => "that a run is being undone",
            Self::TakenOver => "that a run is driven from elsewhere",
            Self::Ended => "how a run ended",
            Self::Owed => "that something is owed",
            Self::Readiness => "that a runbook became ready, or is no more",
        }
    }
}

/// Where a message stands among those of its run: after the event that it is about, and the how manieth there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId {
    /// The event.
    pub seq: Seq,
    /// Which of its messages.
    pub nth: u32,
}

impl std::fmt::Display for MessageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.seq.0, self.nth)
    }
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for MessageId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let read = || {
            let (seq, nth) = text.split_once('.')?;
            Some(Self { seq: Seq(seq.parse().ok()?), nth: nth.parse().ok()? })
        };
        read().ok_or_else(|| format!("`{text}` is no place of a message"))
    }
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// Who reads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// By which way.
    pub way: MessageWay,
    /// What it is told; everything when nothing is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<MessageKind>,
    /// How long it has for each message.
    #[serde(with = "duration_text")]
    pub time_limit: Duration,
}

impl Receiver {
    /// Whether it is told of this: who is called is called off as well.
    #[must_use]
    pub fn wants(&self, kind: MessageKind) -> bool {
        self.on.is_empty()
            || self.on.contains(&kind)
            || kind.calls_off().iter().any(|other| self.on.contains(other))
    }

    /// What it is told, in words.
    #[must_use]
    pub fn told(&self) -> String {
        if self.on.is_empty() {
            return "everything".to_owned();
        }
        self.on.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The secrets that it takes, and what each of them is.
    #[must_use]
    pub fn secrets(&self) -> Vec<(ReceiverSecret, &SecretSource)> {
        use ReceiverSecret::{Key, Password, Url};
        match &self.way {
            MessageWay::Webhook { url, key } => {
                let url = match url {
                    HookUrl::Plain(_) => None,
                    HookUrl::Secret(source) => Some((Url, source)),
                };
                url.into_iter().chain(key.as_ref().map(|key| (Key, key))).collect()
            }
            MessageWay::Teams { url } | MessageWay::Slack { url } => vec![(Url, url)],
            MessageWay::Mail(mail) => {
                mail.login.iter().map(|login| (Password, &login.password)).collect()
            }
            MessageWay::Exec { .. } => Vec::new(),
        }
    }
}

/// What a secret of a receiver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiverSecret {
    /// The URL that it is told at: who has it can post there.
    Url,
    /// What messages are signed with.
    Key,
    /// A relay's.
    Password,
}

impl ReceiverSecret {
    /// In words, as the receiver's own.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Url => "its URL",
            Self::Key => "its key",
            Self::Password => "its password",
        }
    }
}

/// A way by which messages go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageWay {
    /// JSON by HTTP, signed where there is a key.
    Webhook {
        /// Where to.
        url: HookUrl,
        /// What it is signed with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<SecretSource>,
    },
    /// A card to a workflow of Microsoft Teams.
    Teams {
        /// The workflow's URL, which is a secret: whoever has it can post.
        url: SecretSource,
    },
    /// Blocks to an incoming webhook of Slack's.
    Slack {
        /// Its URL, which is a secret: whoever has it can post.
        url: SecretSource,
    },
    /// Mail by a relay.
    Mail(MailWay),
    /// A program of this host, which reads the message's JSON.
    Exec {
        /// The program and its arguments; no shell reads them.
        argv: Vec<String>,
        /// The variables of this process that it is given, beside PATH.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        env: Vec<String>,
    },
}

impl MessageWay {
    /// In a word, as runbooks write it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Teams { .. } => "teams",
            Self::Slack { .. } => "slack",
            Self::Mail(_) => "mail",
            Self::Exec { .. } => "exec",
        }
    }

    /// Where it leads, as far as everybody may know.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Webhook { url: HookUrl::Plain(url), .. } => format!("webhook {url}"),
            Self::Webhook { url: HookUrl::Secret(from), .. } => format!("webhook, URL in {from}"),
            Self::Teams { url } => format!("Microsoft Teams, URL in {url}"),
            Self::Slack { url } => format!("Slack, URL in {url}"),
            Self::Mail(mail) => format!("mail to {} by {}", mail.to.join(", "), mail.relay),
            Self::Exec { argv, .. } => format!("program {}", argv.join(" ")),
        }
    }
}

/// Where a webhook is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookUrl {
    /// At a URL that everybody may know.
    Plain(String),
    /// At one that is a secret.
    Secret(SecretSource),
}

/// Whether messages may go to a URL: to this host, or where nobody on the way can read.
///
/// # Errors
/// They may not: a sentence, without the URL.
pub fn hook_url(text: &str) -> Result<(), String> {
    let Some(url) = Url::parse(text).ok().filter(Url::has_host) else {
        return Err("That is not the URL of a receiver: it has no host.".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "A password in a URL would become part of the plan: use `secret_url`.".to_owned()
        );
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        _ => Err("Messages go by https, or by http to this host alone.".to_owned()),
    }
}

/// Mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailWay {
    /// The relay: a host, and a port where it is not the usual one.
    pub relay: String,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
    /// How the line is kept from being read.
    #[serde(default, skip_serializing_if = "MailTls::is_none")]
    pub tls: MailTls,
    /// As whom it logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<MailLogin>,
}

/// How the line to a relay is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// It is not: for a relay nearby.
    #[default]
    None,
    /// TLS is asked for, and nothing is sent without it.
    Starttls,
    /// The line begins with TLS.
    Tls,
}

impl MailTls {
    /// Whether the line is open to be read.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// The usual port.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::Starttls => 587,
            Self::Tls => 465,
        }
    }
}

/// How it logs in to a relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailLogin {
    /// By which name.
    pub user: String,
    /// Where its password is read.
    pub password: SecretSource,
}

/// Who is told of runs, and where their pages are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Messages {
    /// The address of a run's page; `{run}` stands for its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Those who are told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<Receiver>,
}

impl Messages {
    /// Whether nobody is told anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.page.is_none() && self.receivers.is_empty()
    }

    /// These and others; of two of one name the first.
    #[must_use]
    pub fn with(mut self, others: &Self) -> Self {
        for other in &others.receivers {
            if !self.receivers.iter().any(|known| known.name == other.name) {
                self.receivers.push(other.clone());
            }
        }
        self.page = self.page.or_else(|| others.page.clone());
        self
    }

    /// The page of a run.
    #[must_use]
    pub fn page_of(&self, run: &str) -> Option<String> {
        self.page.as_ref().map(|page| page.replace("{run}", run))
    }
}
