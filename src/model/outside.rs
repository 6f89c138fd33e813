//! What may a step ask of the world beside Azure? A probe, a program, a call to a service.
//!
//! A probe only looks. A program and a call have an effect, unless their author declares that they only
//! read; what is known of such an effect afterwards is declared as well: something shows whether it is
//! there (`check`), it may be had again (`repeatable`), or neither, and then it is had at most once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::OutputType;
use super::assessment::Unanswered;
use super::call::Call;
use super::probe::Probe;
use super::secret::SecretRef;
use super::time::duration_text;

/// The longest that an author may give one program or call: a step that needs longer polls instead.
pub const TIME_LIMIT_MAX: Duration = Duration::from_secs(3_600);

/// What a probe has when its author says nothing.
pub const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// What a program or a call has when its author says nothing.
pub const CALL_LIMIT: Duration = Duration::from_secs(60);

/// Something that is not Azure's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", content = "with")]
pub enum Outside {
    /// Something is asked over the network, and answers as expected: `probe.tcp` and its like.
    #[serde(rename = "probe")]
    Probe(Box<Probe>),
    /// A program is run.
    #[serde(rename = "command")]
    Command(Box<CommandSpec>),
    /// A service is called.
    #[serde(rename = "http")]
    Http(Box<HttpCall>),
}

/// A program of this host that is run, and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// The program and its arguments, as they are; no shell reads them.
    pub argv: Vec<String>,
    /// Its whole environment, but for `PATH`, which every program has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvEntry>,
    /// What it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<PassedValue>,
    /// How long it may take; then it and all that it started are ended.
    #[serde(with = "duration_text")]
    pub time_limit: Duration,
    /// Whether it only reads: then it is a look, made as often as it takes and in dry runs as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
    /// Whether running it again does no harm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
    /// A program that only reads and tells whether the effect is there: 0 yes, 1 no.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub check_argv: Vec<String>,
    /// The program that takes it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo_argv: Vec<String>,
    /// What is taken from the JSON that it writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputSpec>,
    /// What stands in for it in a drill.
    #[serde(default)]
    pub drill: StandIn,
}

/// A variable of a program's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvEntry {
    /// Its name.
    pub name: String,
    /// Its value; that of this process when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<PassedValue>,
}

/// A value that is given to a program or a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassedValue {
    /// As it stands.
    Text(String),
    /// Read when it is needed, and never kept.
    Secret {
        /// What stands before it: `Bearer `.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// Where it comes from.
        of: SecretRef,
    },
}

/// A value that is taken from a JSON answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// Its name: `steps.STEP.NAME`.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: OutputType,
    /// Where it stands in the answer: a JSON pointer.
    pub pointer: String,
}

/// A call to a service over HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpCall {
    /// What is sent.
    #[serde(flatten)]
    pub request: HttpRequest,
    /// How long the answer may take.
    #[serde(with = "duration_text")]
    pub time_limit: Duration,
    /// The header by which the service knows a request that it has had already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_header: Option<String>,
    /// Whether sending it again does no harm.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeatable: bool,
    /// A request that only reads and tells whether the effect is there, by its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<HttpRequest>,
    /// The request that takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<HttpRequest>,
    /// What is taken from the answer's JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputSpec>,
    /// What stands in for it in a drill.
    #[serde(default)]
    pub drill: StandIn,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// How.
    pub method: HttpMethod,
    /// Where.
    pub url: String,
    /// With what headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<EnvEntry>,
    /// With what body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The statuses that are good; 200 to 299 when none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<u16>,
}

/// The methods of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Only reads.
    Get,
    /// Only reads, without a body.
    Head,
    /// Has an effect.
    Post,
    /// Puts something in place.
    Put,
    /// Changes something.
    Patch,
    /// Removes something.
    Delete,
}

/// What stands in for something in a drill, where nothing leaves this process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StandIn {
    /// How it goes.
    #[serde(default)]
    pub answer: StandInAnswer,
    /// How long it takes, in the drill's time.
    #[serde(with = "duration_text::option", default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<Duration>,
    /// What it puts out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Value>,
}

/// How something goes in a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandInAnswer {
    /// Well.
    #[default]
    Good,
    /// Badly.
    Bad,
    /// Nobody says.
    None,
}

impl Outside {
    /// The action's name in runbooks.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Probe(probe) => probe.ask.action(),
            Self::Command(_) => "command",
            Self::Http(_) => "http",
        }
    }

    /// What it puts out.
    #[must_use]
    pub fn outputs(&self) -> Vec<(&str, OutputType)> {
        match self {
            Self::Probe(probe) => probe.ask.outputs().to_vec(),
            Self::Command(spec) => named(&spec.outputs),
            Self::Http(spec) => named(&spec.outputs),
        }
    }

    /// Whether it only looks.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        match self {
            Self::Probe(_) => true,
            Self::Command(spec) => spec.reads,
            Self::Http(spec) => spec.request.method.only_reads(),
        }
    }

    /// Whether something tells whether its effect is there.
    #[must_use]
    pub fn has_check(&self) -> bool {
        match self {
            Self::Probe(_) => false,
            Self::Command(spec) => !spec.check_argv.is_empty(),
            Self::Http(spec) => spec.check.is_some(),
        }
    }

    /// Whether something takes it back.
    #[must_use]
    pub fn has_undo(&self) -> bool {
        match self {
            Self::Probe(_) => false,
            Self::Command(spec) => !spec.undo_argv.is_empty(),
            Self::Http(spec) => spec.undo.is_some(),
        }
    }

    /// What is done about an answer that is missing: a look where one tells, again where that does no harm,
    /// else a person is asked.
    #[must_use]
    pub fn unanswered(&self) -> Unanswered {
        let again = match self {
            Self::Probe(_) => true,
            Self::Command(spec) => spec.repeatable,
            Self::Http(spec) => spec.repeatable || spec.idempotency_header.is_some(),
        };
        match (self.has_check(), again) {
            (true, _) => Unanswered::Look,
            (false, true) => Unanswered::SendAgain,
            (false, false) => Unanswered::AskPerson,
        }
    }

    /// The longest that one look or one call takes.
    #[must_use]
    pub fn time_limit(&self) -> Duration {
        match self {
            Self::Probe(probe) => probe.time_limit,
            Self::Command(spec) => spec.time_limit,
            Self::Http(spec) => spec.time_limit,
        }
    }

    /// What stands in for it in a drill.
    #[must_use]
    pub fn drill(&self) -> &StandIn {
        match self {
            Self::Probe(probe) => &probe.drill,
            Self::Command(spec) => &spec.drill,
            Self::Http(spec) => &spec.drill,
        }
    }

    /// The programs of this host that it runs.
    #[must_use]
    pub fn programs(&self) -> Vec<&str> {
        let lists: Vec<&Vec<String>> = match self {
            Self::Probe(probe) => probe.from.iter().map(|vantage| &vantage.argv).collect(),
            Self::Command(spec) => vec![&spec.argv, &spec.check_argv, &spec.undo_argv],
            Self::Http(_) => Vec::new(),
        };
        lists.into_iter().filter_map(|argv| argv.first().map(String::as_str)).collect()
    }

    /// The variables of programs, and the headers of requests.
    fn entries(&self) -> Vec<&EnvEntry> {
        match self {
            Self::Probe(probe) => probe.from.iter().flat_map(|vantage| &vantage.env).collect(),
            Self::Command(spec) => spec.env.iter().collect(),
            Self::Http(spec) => {
                let all = std::iter::once(&spec.request).chain(&spec.check).chain(&spec.undo);
                all.flat_map(|request| &request.headers).collect()
            }
        }
    }

    /// The variables of this process that its programs are given.
    #[must_use]
    pub fn passed_on(&self) -> Vec<&str> {
        let passed = self.entries().into_iter().filter(|entry| entry.value.is_none());
        passed.map(|entry| entry.name.as_str()).collect()
    }

    /// The secret parameters that it sends.
    #[must_use]
    pub fn secrets(&self) -> Vec<&SecretRef> {
        let stdin = match self {
            Self::Command(spec) => spec.stdin.as_ref(),
            Self::Probe(_) | Self::Http(_) => None,
        };
        let values = self.entries().into_iter().filter_map(|entry| entry.value.as_ref());
        values.chain(stdin).filter_map(PassedValue::secret).collect()
    }

    /// What is called to have the effect, or to take it back; none for what only looks.
    #[must_use]
    pub fn call(&self, undo: bool) -> Option<Call> {
        if self.only_reads() {
            return None;
        }
        match self {
            Self::Probe(_) => None,
            Self::Command(spec) => Some(Call::Program {
                argv: if undo { spec.undo_argv.clone() } else { spec.argv.clone() },
                env: spec.env.clone(),
                stdin: spec.stdin.clone().filter(|_| !undo),
                time_limit: spec.time_limit,
                // Where a check tells, its words count.
                outputs: spec
                    .outputs
                    .clone()
                    .into_iter()
                    .filter(|_| !undo && !self.has_check())
                    .collect(),
            }),
            Self::Http(spec) => Some(Call::Http {
                request: if undo { spec.undo.clone()? } else { spec.request.clone() },
                time_limit: spec.time_limit,
                idempotency_header: spec.idempotency_header.clone(),
                outputs: spec
                    .outputs
                    .clone()
                    .into_iter()
                    .filter(|_| !undo && !self.has_check())
                    .collect(),
            }),
        }
    }
}

fn named(outputs: &[OutputSpec]) -> Vec<(&str, OutputType)> {
    outputs.iter().map(|spec| (spec.name.as_str(), spec.kind)).collect()
}

impl PassedValue {
    /// The secret, if it is one.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretRef> {
        match self {
            Self::Text(_) => None,
            Self::Secret { of, .. } => Some(of),
        }
    }
}

impl HttpMethod {
    /// The words of runbooks and of the wire.
    pub const ALL: [(&'static str, Self); 6] = [
        ("GET", Self::Get),
        ("HEAD", Self::Head),
        ("POST", Self::Post),
        ("PUT", Self::Put),
        ("PATCH", Self::Patch),
        ("DELETE", Self::Delete),
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, method)| *method == self).map_or("GET", |(word, _)| word)
    }

    /// Whether it has no effect, as HTTP has it.
    #[must_use]
    pub fn only_reads(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

impl HttpRequest {
    /// Whether a status is one that is good.
    #[must_use]
    pub fn is_good(&self, status: u16) -> bool {
        match self.status.is_empty() {
            true => (200..300).contains(&status),
            false => self.status.contains(&status),
        }
    }

    /// The good statuses, in words.
    #[must_use]
    pub fn good(&self) -> String {
        match self.status.is_empty() {
            true => "200 to 299".to_owned(),
            false => self.status.iter().map(u16::to_string).collect::<Vec<_>>().join(" or "),
        }
    }
}
