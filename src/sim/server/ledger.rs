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
        let changes = matches!(
            request.method,
            Method::Put | Method::Patch | Method::Delete | Method::Post
        );
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
            client_request_id: request
                .headers
                .get("x-ms-client-request-id")
                .map(str::to_owned),
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
