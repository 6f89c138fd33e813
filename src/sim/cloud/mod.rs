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

/// Whether a path is one resource of the network provider's, or one within it: ARM itself has nothing to say of it.
fn is_of_network(parts: &[&str]) -> bool {
    let is = |place: usize, word: &str| {
        parts.get(place).is_some_and(|part: &&str| part.eq_ignore_ascii_case(word))
    };
    // What ARM tells of a resource stands behind a second `providers`.
    let alone = parts.iter().filter(|part| part.eq_ignore_ascii_case("providers")).count() == 1;
    alone && parts.len() >= 8 && is(4, "providers") && is(5, "Microsoft.Network")
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
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        if is_of_network(&parts) {
            return None;
        }
        let asking = Asking { request, url, path, parts, origin, now };
        self.account(&asking)
            .or_else(|| self.access(&asking))
            .or_else(|| self.inventories(&asking))
            .or_else(|| self.tagging(&asking))
            .or_else(|| self.deployments(&asking))
    }
}
