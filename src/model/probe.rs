//! What may be asked over the network, and is the answer the expected one? Probes, which only look.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::action::{Action, OutputType, Outside, Verification};
use super::assessment::Outputs;
use super::outside::{EnvEntry, HttpMethod, StandIn};
use super::time::duration_text;

/// A question over the network, from here or from a vantage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// What is asked.
    #[serde(flatten)]
    pub ask: ProbeAsk,
    /// From where; from this host when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vantage>,
    /// How long an answer may take.
    #[serde(with = "duration_text")]
    pub time_limit: Duration,
    /// What stands in for it in a drill.
    #[serde(default)]
    pub drill: StandIn,
}

/// A place to look from: a command that asks there and tells what was answered. It only reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vantage {
    /// Its name in the runbook.
    pub name: String,
    /// The command: it reads the question as JSON, and writes the answer as JSON.
    pub argv: Vec<String>,
    /// Its environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvEntry>,
}

/// What is asked, and what answer is expected. Its JSON is also what a vantage reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "probe", rename_all = "snake_case")]
pub enum ProbeAsk {
    /// Whether a TCP port takes connections.
    Tcp {
        /// The host: a name or an address.
        host: String,
        /// The port.
        port: u16,
        /// Whether it shall, or shall not.
        open: bool,
    },
    /// What a web server answers.
    Http {
        /// The URL.
        url: String,
        /// GET or HEAD.
        method: HttpMethod,
        /// The statuses that are good.
        status: Vec<u16>,
        /// What the body must hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contains: Option<String>,
    },
    /// What a name stands for.
    Dns {
        /// The name.
        name: String,
        /// The records that are asked for.
        record: RecordType,
        /// The server that is asked; that of the host when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<SocketAddr>,
        /// Exactly these; an empty list: the name has none.
        expect: Vec<String>,
    },
}

/// A type of DNS records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Another name.
    Cname,
    /// Texts.
    Txt,
}

/// What was answered. Its JSON is also what a vantage writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ProbeAnswer {
    /// To a question about a port.
    Tcp {
        /// Whether it takes connections.
        open: bool,
    },
    /// To a question to a web server.
    Http {
        /// The status.
        status: u16,
        /// Whether the body holds what it must.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contains: Option<bool>,
    },
    /// To a question about a name.
    Dns {
        /// The records.
        answers: Vec<String>,
    },
}

impl RecordType {
    /// The words of runbooks.
    pub const ALL: [(&'static str, Self); 4] =
        [("A", Self::A), ("AAAA", Self::Aaaa), ("CNAME", Self::Cname), ("TXT", Self::Txt)];

    /// The word of zones.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("A", |(word, _)| word)
    }
}

impl ProbeAsk {
    /// The action's name in runbooks.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Tcp { .. } => "probe.tcp",
            Self::Http { .. } => "probe.http",
            Self::Dns { .. } => "probe.dns",
        }
    }

    /// What it puts out.
    #[must_use]
    pub fn outputs(&self) -> &'static [(&'static str, OutputType)] {
        match self {
            Self::Tcp { .. } => &[],
            Self::Http { .. } => &[("status", OutputType::Number)],
            Self::Dns { .. } => &[("answers", OutputType::List)],
        }
    }

    /// What is asked, for sentences.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Tcp { host, port, .. } => format!("TCP port {port} of {host}"),
            Self::Http { url, method, .. } => format!("{} {url}", method.as_str()),
            Self::Dns { name, record, server: Some(server), .. } => {
                format!("the {} records of {name} at {server}", record.as_str())
            }
            Self::Dns { name, record, .. } => format!("the {} records of {name}", record.as_str()),
        }
    }

    /// What is expected, for sentences.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Tcp { open: true, .. } => "it takes connections".to_owned(),
            Self::Tcp { .. } => "it takes no connections".to_owned(),
            Self::Http { status, contains, .. } => {
                let all: Vec<String> = status.iter().map(u16::to_string).collect();
                match contains {
                    Some(text) => format!("status {}, and “{text}” in the body", all.join(" or ")),
                    None => format!("status {}", all.join(" or ")),
                }
            }
            Self::Dns { expect, .. } if expect.is_empty() => "there are none".to_owned(),
            Self::Dns { expect, .. } => format!("exactly {}", expect.join(", ")),
        }
    }

    /// Whether an answer is the expected one: what is put out, or what is missing.
    ///
    /// # Errors
    /// It is not: a clause that says what was answered.
    pub fn judge(&self, answer: &ProbeAnswer) -> Result<Outputs, String> {
        match (self, answer) {
            (Self::Tcp { open: wanted, .. }, ProbeAnswer::Tcp { open }) => match (wanted, open) {
                (true, true) | (false, false) => Ok(Outputs::new()),
                (true, false) => Err("it takes no connections".to_owned()),
                (false, true) => Err("it still takes connections".to_owned()),
            },
            (
                Self::Http { status, contains, .. },
                ProbeAnswer::Http { status: got, contains: held },
            ) => {
                if !status.contains(got) {
                    return Err(format!("it answers {got}, and not {}", self.expected()));
                }
                if contains.is_some() && *held != Some(true) {
                    return Err(format!("it answers {got}, and its body does not hold the text"));
                }
                Ok(Outputs::from([("status".to_owned(), json!(got))]))
            }
            (Self::Dns { expect, record, .. }, ProbeAnswer::Dns { answers }) => {
                let set = |list: &[String]| {
                    let mut all: Vec<String> =
                        list.iter().map(|text| plain(text, *record)).collect();
                    all.sort();
                    all.dedup();
                    all
                };
                if set(expect) == set(answers) {
                    let shown: Vec<Value> = set(answers).into_iter().map(Value::from).collect();
                    return Ok(Outputs::from([("answers".to_owned(), Value::from(shown))]));
                }
                Err(match answers.is_empty() {
                    true => "there are none".to_owned(),
                    false => format!("they are {}", set(answers).join(", ")),
                })
            }
            (Self::Tcp { .. } | Self::Http { .. } | Self::Dns { .. }, _) => {
                Err("what was answered answers another question".to_owned())
            }
        }
    }

    /// The answer that is expected: what stands in for it in a drill.
    #[must_use]
    pub fn as_expected(&self) -> ProbeAnswer {
        match self {
            Self::Tcp { open, .. } => ProbeAnswer::Tcp { open: *open },
            Self::Http { status, contains, .. } => ProbeAnswer::Http {
                status: status.first().copied().unwrap_or(200),
                contains: contains.as_ref().map(|_| true),
            },
            Self::Dns { expect, .. } => ProbeAnswer::Dns { answers: expect.clone() },
        }
    }
}

/// A record as it is compared: addresses in one writing, names without case and the last dot.
fn plain(text: &str, record: RecordType) -> String {
    match record {
        RecordType::A | RecordType::Aaaa => match text.parse::<std::net::IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => text.to_owned(),
        },
        RecordType::Cname => text.trim_end_matches('.').to_ascii_lowercase(),
        RecordType::Txt => text.to_owned(),
    }
}

/// How well a step proves that traffic flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReachProof {
    /// Routes are there.
    Routes,
    /// It was seen from where it must flow: from a vantage.
    Seen,
}

impl Action {
    /// How well the step proves that traffic flows, if it does.
    #[must_use]
    pub fn proof(&self) -> Option<ReachProof> {
        if let Self::Verify(Verification::Routes { .. } | Verification::HubRoutes { .. }) = self {
            return Some(ReachProof::Routes);
        }
        if let Self::Outside(Outside::Probe(probe)) = self
            && probe.from.is_some()
        {
            return Some(ReachProof::Seen);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(record: RecordType, expect: &[&str]) -> ProbeAsk {
        ProbeAsk::Dns {
            name: "app.example".to_owned(),
            record,
            server: None,
            expect: expect.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    fn answers(list: &[&str]) -> ProbeAnswer {
        ProbeAnswer::Dns { answers: list.iter().map(|text| (*text).to_owned()).collect() }
    }

    #[test]
    fn records_are_compared_as_sets_and_in_one_writing() {
        let two = dns(RecordType::A, &["10.0.0.1", "10.0.0.2"]);
        assert!(two.judge(&answers(&["10.0.0.2", "10.0.0.1"])).is_ok());
        assert!(two.judge(&answers(&["10.0.0.1"])).is_err());
        assert!(two.judge(&answers(&["10.0.0.1", "10.0.0.2", "10.0.0.3"])).is_err());
        let six = dns(RecordType::Aaaa, &["2001:db8::0001"]);
        assert!(six.judge(&answers(&["2001:0db8:0:0:0:0:0:1"])).is_ok());
        let name = dns(RecordType::Cname, &["Web.Example"]);
        assert!(name.judge(&answers(&["web.example."])).is_ok());
        assert!(dns(RecordType::Txt, &["A"]).judge(&answers(&["a"])).is_err());
        assert!(dns(RecordType::A, &[]).judge(&answers(&[])).is_ok());
        assert!(dns(RecordType::A, &[]).judge(&answers(&["10.0.0.1"])).is_err());
    }

    #[test]
    fn an_answer_to_another_question_is_no_answer() {
        let tcp = ProbeAsk::Tcp { host: "h".to_owned(), port: 1, open: false };
        assert!(tcp.judge(&answers(&[])).is_err());
        assert!(tcp.judge(&ProbeAnswer::Http { status: 200, contains: None }).is_err());
    }

    #[test]
    fn a_vantage_reads_and_writes_plain_json() {
        let ask = ProbeAsk::Tcp { host: "h".to_owned(), port: 443, open: true };
        let text = serde_json::to_string(&ask).unwrap();
        assert_eq!(text, r#"{"probe":"tcp","host":"h","port":443,"open":true}"#);
        let answer: ProbeAnswer = serde_json::from_str(r#"{"open": true}"#).unwrap();
        assert_eq!(answer, ask.as_expected());
        let answer: ProbeAnswer = serde_json::from_str(r#"{"status": 503}"#).unwrap();
        assert_eq!(answer, ProbeAnswer::Http { status: 503, contains: None });
        assert!(serde_json::from_str::<ProbeAnswer>(r#"{"oepn": true}"#).is_err());
    }
}
