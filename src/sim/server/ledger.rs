//! What was asked of the simulator? Every request in order, for people and tests to look at.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::azure::wire::{Method, WireRequest};
use crate::model::Timestamp;

/// Entries kept; the oldest go first. A failover makes a few thousand.
const ENTRIES_MAX: usize = 100_000;

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
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: VecDeque<Entry>,
    last: u64,
}

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
        self.last += 1;
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            seq: self.last,
            at,
            method: request.method.to_string(),
            path: path.to_owned(),
            status: status.unwrap_or(0),
            client_request_id: request.headers.get("x-ms-client-request-id").map(str::to_owned),
            accepted: match status {
                Some(status) => Some(changes && (200..300).contains(&status)),
                None if changes => None,
                None => Some(false),
            },
        });
    }

    pub(super) fn entries(&self) -> &VecDeque<Entry> {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
