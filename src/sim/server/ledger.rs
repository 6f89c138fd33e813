//! What was asked of the simulator? Every request in order, for people and tests to look at.

use serde::{Deserialize, Serialize};

use crate::azure::wire::{Method, WireRequest};
use crate::model::Timestamp;

/// Entries kept at most; the oldest go first, many at once. A failover makes a few thousand.
const ENTRIES_MAX: usize = 100_000;

/// How many go when there are too many.
const ENTRIES_GO: usize = ENTRIES_MAX / 10;

/// One request and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place, from 1.
    pub seq: u64,
    /// When it arrived, by the simulator's clock.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The HTTP status of the answer; 0 when the connection was closed without one.
    pub status: u16,
    /// `x-ms-client-request-id`, if there was one.
    pub client_request_id: Option<String>,
    /// Whether it asked for a change and got it; not known when there was no answer.
    pub accepted: Option<bool>,
}

/// Parts of the paths of those POSTs that only read (azure-facts 5.2–5.4, 5.6), in lower case.
const READING_POSTS: [&str; 12] = [
    "arptables",
    "checkpolicyrestrictions",
    "effectiveroutes",
    "getadvertisedroutes",
    "getbgppeerstatus",
    "getfailoveralltestsdetails",
    "getfailoversingletestdetails",
    "getlearnedroutes",
    "getresiliencyinformation",
    "getroutesinformation",
    "routetables",
    "routetablessummary",
];

/// Whether a request asks for a change.
pub(crate) fn changes(method: Method, path: &str) -> bool {
    match method {
        Method::Get | Method::Head => false,
        Method::Put | Method::Patch | Method::Delete => true,
        // The action is the last part, or the one before `{devicePath}`.
        Method::Post => !path
            .rsplit('/')
            .take(2)
            .any(|part| READING_POSTS.contains(&part.to_ascii_lowercase().as_str())),
    }
}

/// The requests so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::sim) struct Ledger(Vec<Entry>);

impl Ledger {
    /// Adds a request. `status` is `None` when there was no answer.
    pub(super) fn record(
        &mut self,
        request: &WireRequest,
        path: &str,
        at: Timestamp,
        status: Option<u16>,
    ) {
        let changes = changes(request.method, path);
        let accepted = match status {
            Some(status) => Some(changes && (200..300).contains(&status)),
            None if changes => None,
            None => Some(false),
        };
        self.note(request, path, at, (status, accepted));
    }

    /// Adds a request of which it is known whether it asked for a change and got it.
    pub(in crate::sim) fn note(
        &mut self,
        request: &WireRequest,
        path: &str,
        at: Timestamp,
        (status, accepted): (Option<u16>, Option<bool>),
    ) {
        let seq = self.0.last().map_or(1, |last| last.seq + 1);
        if self.0.len() >= ENTRIES_MAX {
            self.0.drain(..ENTRIES_GO);
        }
        self.0.push(Entry {
            seq,
            at,
            method: request.method.as_str().to_owned(),
            path: path.to_owned(),
            status: status.unwrap_or(0),
            client_request_id: request.headers.get("x-ms-client-request-id").map(str::to_owned),
            accepted,
        });
    }

    pub(in crate::sim) fn entries(&self) -> &[Entry] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::wire::Headers;

    #[test]
    fn a_ledger_is_bounded_and_its_places_go_on() {
        let mut ledger = Ledger::default();
        let url = "https://management.azure.com/x".parse().unwrap();
        let (headers, body) = (Headers::new(), bytes::Bytes::new());
        let request = WireRequest { method: Method::Get, url, headers, body };
        for _ in 0..=2 * ENTRIES_MAX as u64 {
            ledger.record(&request, "/x", Timestamp::from_millis(0), Some(200));
            assert!(ledger.entries().len() <= ENTRIES_MAX);
        }
        let (first, last) = (ledger.0.first().unwrap(), ledger.0.last().unwrap());
        assert_eq!(last.seq, 2 * ENTRIES_MAX as u64 + 1);
        assert_eq!(last.seq - first.seq + 1, ledger.0.len() as u64, "none is missing between");
    }

    #[test]
    fn a_post_that_only_reads_is_no_change() {
        let circuit =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/c";
        for read in ["getLearnedRoutes", "arpTables/primary", "routeTables/secondary"] {
            assert!(!changes(Method::Post, &format!("{circuit}/{read}")), "{read}");
        }
        assert!(changes(Method::Post, &format!("{circuit}/reset")));
        let table = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t";
        assert!(changes(Method::Put, table));
    }
}
