//! How does Azure work on something? The operation protocol, with its long signed URLs and its ladder.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::envelope::{SIGNED_SINCE, is_since};
use super::reply::{Refusal, common, empty_answer, json_answer, letters};
use crate::azure::wire::WireResponse;
use crate::model::durations::MeasuredChange;
use crate::model::{ResourceId, Timestamp};

/// The values of `Retry-After` on the polls of one operation (docs/wire.md 1).
const LADDER: [u64; 8] = [10, 20, 20, 40, 40, 80, 160, 100];

/// Something that Azure is at work on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) resource: ResourceId,
    pub(super) work: OperationWork,
    /// The region whose operations it is listed under.
    pub(super) location: String,
    pub(super) api_version: String,
    /// Resources that nobody else may write meanwhile.
    pub(super) locks: Vec<ResourceId>,
    pub(super) ends: Timestamp,
    /// The first `Retry-After`, in seconds.
    pub(super) first: u64,
    pub(super) polls: u32,
    /// When the next poll is due; earlier ones are counted.
    pub(super) next_poll: Timestamp,
    pub(super) early_polls: u32,
    /// The code and message with which it fails.
    pub(super) failure: Option<(String, String)>,
    /// Whether its end has taken effect.
    pub(super) settled: bool,
    /// Whether its URL is not found, by a fault.
    pub(super) forgotten: bool,
    /// How long after its end it still keeps others from writing, by a fault.
    pub(super) lingers: std::time::Duration,
    #[serde(skip)]
    pub(super) asked_by: OperationQuery,
}

/// The query of an operation's URLs, once it was worked out: what it is follows from the operation, so that all
/// are equal.
#[derive(Debug, Clone, Default)]
pub(super) struct OperationQuery(OnceLock<String>);

impl PartialEq for OperationQuery {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Operation {
    /// Whether nobody else may write what it locks.
    pub(super) fn is_at_work(&self, now: Timestamp) -> bool {
        !self.settled || now < self.ends + self.lingers
    }
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OperationWork {
    Create,
    Update,
    Delete,
    /// Something that is done with a resource, and is no new body for it.
    Act {
        act: Act,
    },
    /// A read that takes its time; the rest of the path and the query say what is read.
    Read {
        action: String,
        query: String,
    },
}

/// What can be done with a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    /// A gateway or a connection is begun anew.
    Reset,
    /// A site failover test is started.
    StartTest {
        /// The test.
        test: String,
    },
    /// A site failover test is stopped.
    StopTest {
        /// The test.
        test: String,
    },
}

impl OperationWork {
    pub(super) fn change(&self) -> MeasuredChange {
        match self {
            Self::Create => MeasuredChange::Create,
            Self::Delete => MeasuredChange::Delete,
            Self::Update | Self::Act { .. } | Self::Read { .. } => MeasuredChange::Update,
        }
    }

    /// The word in messages: `PutVirtualNetworkGatewayOperation`.
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Create | Self::Update => "Put",
            Self::Delete => "Delete",
            Self::Act { act: Act::Reset } => "Reset",
            Self::Act { act: Act::StartTest { .. } } => "StartSiteFailoverTest",
            Self::Act { act: Act::StopTest { .. } } => "StopSiteFailoverTest",
            Self::Read { .. } => "Get",
        }
    }
}

impl Operation {
    /// The query of its URLs: since 2023 four parameters that are signed; about 3 kB in all.
    fn query(&self) -> &str {
        self.asked_by.0.get_or_init(|| self.signed_query())
    }

    /// Works its query out, for the copies that are made of it.
    pub(super) fn work_out_query(&self) {
        let _: &str = self.query();
    }

    fn signed_query(&self) -> String {
        // The next poll is due at the earliest when it began: long before or after the first signature.
        if !is_since(self.next_poll, SIGNED_SINCE) {
            return format!("api-version={}", self.api_version);
        }
        let ticks = 638_000_000_000_000_000_u64 + u64::from(self.id.len() as u32);
        format!(
            "api-version={}&t={ticks}&c={}&s={}&h={}",
            self.api_version,
            letters(&[&self.id, "certificate"], 2_412),
            letters(&[&self.id, "s"], 288),
            letters(&[&self.id, "h"], 288)
        )
    }

    fn url(&self, origin: &str, kind: &str) -> String {
        format!(
            "{origin}/subscriptions/{}/providers/Microsoft.Network/locations/{}/{kind}/{}?{}",
            self.resource.subscription(),
            self.location,
            self.id,
            self.query()
        )
    }

    pub(super) fn status_url(&self, origin: &str) -> String {
        self.url(origin, "operations")
    }

    pub(super) fn result_url(&self, origin: &str) -> String {
        self.url(origin, "operationResults")
    }

    /// Whether a URL is one of its own, unchanged but for its origin.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        url.query() == Some(self.query())
    }

    /// The next rung of its ladder.
    fn rung(&self) -> u64 {
        let place = usize::try_from(self.polls).unwrap_or(usize::MAX).min(LADDER.len() - 1);
        if self.first >= 10 { LADDER[place] } else { (self.first << self.polls.min(3)).min(10) }
    }

    fn count_poll(&mut self, now: Timestamp) -> u64 {
        if now < self.next_poll {
            self.early_polls += 1;
        }
        let rung = self.rung();
        self.polls += 1;
        self.next_poll = now + std::time::Duration::from_secs(rung);
        rung
    }

    /// The answer to a poll of its status.
    pub(super) fn status(&mut self, now: Timestamp) -> WireResponse {
        if !self.settled {
            let rung = self.count_poll(now);
            let mut answer = json_answer(200, &json!({ "status": "InProgress" }));
            answer.headers.push("Retry-After", rung.to_string());
            return answer;
        }
        json_answer(200, &self.end())
    }

    fn end(&self) -> Value {
        match &self.failure {
            None => json!({ "status": "Succeeded" }),
            Some((code, message)) => json!({
                "status": "Failed",
                "error": { "code": code, "message": message, "details": [] },
            }),
        }
    }

    /// The answer to a poll of its result; `read` gives what a reading POST reads.
    pub(super) fn result(
        &mut self,
        now: Timestamp,
        origin: &str,
        read: impl FnOnce() -> Option<Value>,
    ) -> WireResponse {
        if !self.settled {
            let rung = self.count_poll(now);
            let mut answer = WireResponse { status: 202, headers: common(), body: "null".into() };
            answer.headers.push("Location", self.result_url(origin));
            answer.headers.push("Retry-After", rung.to_string());
            return answer;
        }
        if let Some((code, message)) = &self.failure {
            return Refusal::new(400, code, message.clone()).response();
        }
        match read() {
            Some(value) => {
                let mut answer = json_answer(200, &value);
                answer.headers.push("Location", self.result_url(origin));
                answer
            }
            // A finished DELETE: 204 with both headers repeated.
            None => {
                let mut answer = empty_answer(204);
                answer.headers.push("Azure-AsyncOperation", self.status_url(origin));
                answer.headers.push("Location", self.result_url(origin));
                answer
            }
        }
    }
}
