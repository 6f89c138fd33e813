//! What is a call for: to learn something, or to change it? Told by who makes it, never read off its method.
//!
//! Azure models reads as POSTs and changes as POSTs, so the method tells nothing. What a call is for
//! decides what a lost answer means (a read is asked again, a change is in doubt), so it is a type that
//! travels with the call from the adapter to the guard and into the error.

use std::fmt;

use super::wire::Method;
use crate::arm::CircuitPath;
use crate::model::OperationKey;
use crate::model::recovery::VERBS;

/// What a call is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// To learn. It cannot change anything, and may be repeated.
    Read,
    /// To change what the plan declares, as this operation. It may have taken effect once it has left.
    Change(OperationKey),
}

/// POSTs that only read: ARM models them as actions since they take time (azure-facts 5.2 to 5.4).
const READING_POSTS: [&str; 8] = [
    "arptables",
    "checkpolicyrestrictions",
    "effectiveroutes",
    "getadvertisedroutes",
    "getbgppeerstatus",
    "getlearnedroutes",
    "routetables",
    "routetablessummary",
];

impl Purpose {
    /// Whether the call may have changed something once it has left.
    #[must_use]
    pub fn may_change(&self) -> bool {
        match self {
            Self::Read => false,
            Self::Change(_) => true,
        }
    }

    /// The operation that it belongs to; reads belong to none.
    #[must_use]
    pub fn key(&self) -> Option<&OperationKey> {
        match self {
            Self::Read => None,
            Self::Change(key) => Some(key),
        }
    }

    /// The path of the resource that the call changes, none for a read.
    ///
    /// # Errors
    /// The method and path are not those of such a call: a bug of ours, which must not reach Azure.
    pub(super) fn changed<'a>(
        &self,
        method: Method,
        path: &'a str,
    ) -> Result<Option<&'a str>, &'static str> {
        match (self, method) {
            (Self::Read, Method::Get | Method::Head) => Ok(None),
            (Self::Read, Method::Post) if is_reading_post(path) => Ok(None),
            (Self::Read, _) => Err("it may change something, and was made as a read"),
            (Self::Change(_), Method::Put | Method::Delete) => Ok(Some(path)),
            (Self::Change(_), Method::Post) => {
                changing_post(path).map(Some).ok_or("no action of ours sends such a request")
            }
            (Self::Change(_), Method::Patch) => Err("no action of ours sends such a request"),
            (Self::Change(_), Method::Get | Method::Head) => {
                Err("it only reads, and was made as a change")
            }
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Read => "read",
            Self::Change(_) => "change",
        })
    }
}

fn is_reading_post(path: &str) -> bool {
    let mut parts = path.rsplit('/').map(str::to_ascii_lowercase);
    let (last, before) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    // Either `…/getLearnedRoutes` or `…/arpTables/primary`.
    READING_POSTS.contains(&last.as_str())
        || (READING_POSTS.contains(&before.as_str()) && CircuitPath::NAMES.contains(&last.as_str()))
}

/// The path of the resource that a POST changes, if it is one of those that steps send.
fn changing_post(path: &str) -> Option<&str> {
    let (resource, verb) = path.rsplit_once('/')?;
    VERBS.iter().any(|known| known.eq_ignore_ascii_case(verb)).then_some(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> Purpose {
        Purpose::Change(OperationKey::parse("00000000-0000-0000-0000-000000000000").unwrap())
    }

    #[test]
    fn every_verb_that_a_step_sends_is_a_change_and_no_read() {
        for verb in VERBS {
            let path = format!("/vaults/v/replicationRecoveryPlans/p/{verb}");
            let resource = Some("/vaults/v/replicationRecoveryPlans/p");
            assert_eq!(change().changed(Method::Post, &path), Ok(resource), "{verb}");
            assert!(Purpose::Read.changed(Method::Post, &path).is_err(), "{verb}");
        }
    }

    #[test]
    fn a_call_whose_purpose_and_method_disagree_is_none() {
        for method in [Method::Put, Method::Patch, Method::Delete] {
            assert!(Purpose::Read.changed(method, "/x").is_err(), "{method}");
        }
        for (method, path) in [
            (Method::Get, "/x"),
            (Method::Head, "/x"),
            (Method::Patch, "/x"),
            (Method::Post, "/gateway/getLearnedRoutes"),
        ] {
            assert!(change().changed(method, path).is_err(), "{method}");
        }
        assert_eq!(Purpose::Read.changed(Method::Post, "/p/arpTables/primary"), Ok(None));
    }
}
