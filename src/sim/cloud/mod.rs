//! What does ARM itself know, beside what its providers keep? Tenants, subscriptions, locations, providers, roles,
//! tags and deployments: what tools ask for before and around their work.

mod access;
mod account;
mod deploying;
mod deployment;
mod expression;
mod function;
mod inventory;
mod nested;
mod tags;
mod template;

use url::Url;

pub(super) use deployment::Deployments;

use super::reply::Refusal;
use super::world::World;
use crate::azure::wire::{WireRequest, WireResponse};
use crate::model::Timestamp;

/// A request to ARM itself.
pub(super) struct Asking<'a> {
    pub(super) request: &'a WireRequest,
    pub(super) url: &'a Url,
    /// The path as it was sent, without what is encoded.
    pub(super) path: &'a str,
    /// Its parts.
    pub(super) parts: Vec<&'a str>,
    pub(super) origin: &'a str,
    pub(super) now: Timestamp,
}

impl Asking<'_> {
    /// The parts in lower case: paths are the same however they are written.
    fn lower(&self) -> Vec<String> {
        self.parts.iter().map(|part| part.to_ascii_lowercase()).collect()
    }

    /// A parameter of the query.
    fn query(&self, name: &str) -> Option<String> {
        let mut pairs = self.url.query_pairs();
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.into_owned())
    }
}

impl World {
    /// The answer of ARM itself, where the request is one for it.
    pub(super) fn arm_itself(
        &mut self,
        request: &WireRequest,
        (url, path): (&Url, &str),
        origin: &str,
        now: Timestamp,
    ) -> Option<Result<WireResponse, Refusal>> {
        let parts = path.trim_matches('/').split('/').collect();
        let asking = Asking { request, url, path, parts, origin, now };
        self.account(&asking)
            .or_else(|| self.access(&asking))
            .or_else(|| self.inventories(&asking))
            .or_else(|| self.tagging(&asking))
            .or_else(|| self.deployments(&asking))
    }
}
