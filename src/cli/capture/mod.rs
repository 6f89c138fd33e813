//! What does an estate look like, as a world to drill on? Read with reads only, and nothing passed over in silence.
//!
//! `read` asks Azure for everything that a world holds; `onprem` infers the customer's side from what edges and
//! gateways have learned; `policy` reads policies as far as a world has words for them; `written` puts it into a
//! world file, with what was left out and why at its head; `drift` compares a world with another.

pub(super) mod drift;
mod onprem;
mod policy;
mod read;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(super) use read::EstateReading;
pub(super) use written::{text, world};

use crate::model::{ResourceId, StepError};

/// What has been read of an estate, and what has not.
#[derive(Debug, Default)]
pub(super) struct Captured {
    /// Bodies, with seals for authorization keys and without other secrets.
    pub(super) resources: Vec<Value>,
    /// By folded id.
    groups: BTreeMap<String, Value>,
    locks: Vec<Value>,
    policies: Vec<Value>,
    onprem: onprem::Inferred,
    /// The smallest limit of each usage that is counted.
    quotas: BTreeMap<String, u64>,
    unregistered: BTreeSet<String>,
    disabled: BTreeSet<String>,
    /// The tenant of each subscription.
    tenants: BTreeMap<String, String>,
    /// What is there, and is no part of the world: a sentence each.
    pub(super) left_out: Vec<String>,
    /// What could not be read, and why.
    pub(super) unread: Vec<String>,
    /// Where something may be that was not read.
    pub(super) hidden: Vec<Hidden>,
}

/// A place in which something may be that was not read: nothing there is known to be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hidden {
    /// An id and everything below it, in small letters.
    Below(String),
    /// A type in a subscription.
    OfType {
        /// The subscription, in small letters.
        subscription: String,
        /// The type.
        kind: &'static str,
    },
    /// The locks of a subscription or a group, by its path in small letters, and of what is below it.
    Locks(String),
    /// Policies of a subscription, by its path in small letters.
    Policies(String),
}

/// Whether a path is a place or below it, both in small letters.
fn is_below(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Hidden {
    /// Whether a resource may be there.
    pub(super) fn covers(&self, id: &ResourceId) -> bool {
        match self {
            Self::Below(place) => is_below(id.key(), place),
            Self::OfType { subscription, kind } => {
                id.subscription().eq_ignore_ascii_case(subscription) && id.root().is_a(kind)
            }
            Self::Locks(_) | Self::Policies(_) => false,
        }
    }

    /// Whether a lock on this scope may be there.
    fn covers_lock(&self, scope: &str) -> bool {
        matches!(self, Self::Locks(place) if is_below(&scope.to_ascii_lowercase(), place))
    }

    /// Whether a policy of this scope may be there; one without a scope is everywhere.
    fn covers_policy(&self, scope: &str) -> bool {
        let below = |place| scope.is_empty() || is_below(&scope.to_ascii_lowercase(), place);
        matches!(self, Self::Policies(place) if below(place))
    }
}

impl Captured {
    fn unread(&mut self, what: &str, error: &StepError) {
        self.unread.push(format!("{what}: {error}"));
    }

    /// What lies at an id, or below it, could not be read.
    fn hide(&mut self, place: &str, what: &str, error: &StepError) {
        self.hidden.push(Hidden::Below(place.to_ascii_lowercase()));
        self.unread(what, error);
    }

    /// The locks of a subscription or a group could not be read.
    fn hide_locks(&mut self, place: &str, error: &StepError) {
        self.hidden.push(Hidden::Locks(place.to_ascii_lowercase()));
        self.unread(&format!("locks of {place}"), error);
    }

    /// Policies of a subscription could not be read.
    fn hide_policies(&mut self, subscription: &str, what: &str, error: &StepError) {
        let place = format!("/subscriptions/{}", subscription.to_ascii_lowercase());
        self.hidden.push(Hidden::Policies(place));
        self.unread(what, error);
    }

    /// The bodies of a type.
    fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (ResourceId, &'a Value)> {
        self.resources.iter().filter_map(move |body| {
            let id = ResourceId::parse(body["id"].as_str()?).ok()?;
            id.is_a(kind).then_some((id, body))
        })
    }
}
