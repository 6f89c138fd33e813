//! What goes wrong? Misfortunes as data: which request meets one, and what then happens.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::time::duration_text;

/// A misfortune.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `GET`, `PUT`, `DELETE`, `POST`, or `POLL` for polls of an operation; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The resource's id, with `*` for any text; compared without case.
    pub resource: String,
    /// How many matching requests go well before it strikes.
    #[serde(default)]
    pub skip: u32,
    /// How often it strikes.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    pub effect: Effect,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// 429, with `Retry-After` when given.
    Throttle {
        /// The seconds it names.
        #[serde(with = "duration_text::option", default)]
        after: Option<Duration>,
    },
    /// 409 `AnotherOperationInProgress`, without `Retry-After`.
    Conflict,
    /// A refusal with this status and code.
    Refuse {
        /// The status.
        status: u16,
        /// The code.
        code: String,
    },
    /// 503 with an HTML page.
    Html,
    /// The request is lost on its way: no effect, no answer.
    LoseRequest,
    /// The answer is lost on its way: the effect stays.
    LoseAnswer,
    /// No connection: the request never leaves.
    Unreachable,
    /// The operation is accepted and fails with this code.
    Fail {
        /// The code.
        code: String,
    },
    /// The operation takes this many times as long.
    Slow {
        /// The factor.
        factor: u32,
    },
    /// The connection that is written looks well and carries nothing.
    Silent,
}

fn once() -> u32 {
    1
}

impl Fault {
    fn meets(&self, method: &str, resource: &str) -> bool {
        self.times > 0
            && self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && glob(&self.resource.to_ascii_lowercase(), &resource.to_ascii_lowercase())
    }

    /// Whether it is about an operation that is accepted, rather than about the request.
    fn is_about_operations(&self) -> bool {
        matches!(self.effect, Effect::Fail { .. } | Effect::Slow { .. } | Effect::Silent)
    }
}

/// The misfortunes that an accepted operation meets: each fault strikes it once at most.
pub(super) fn strike_operation(faults: &mut [Fault], method: &str, resource: &str) -> Vec<Effect> {
    let each = faults.iter_mut().map(std::slice::from_mut);
    each.filter_map(|fault| strike(fault, method, resource, true)).collect()
}

/// The fault that this request meets, if any; it is used up by that.
pub(super) fn strike(
    faults: &mut [Fault],
    method: &str,
    resource: &str,
    about_operations: bool,
) -> Option<Effect> {
    for fault in faults.iter_mut() {
        if fault.is_about_operations() != about_operations || !fault.meets(method, resource) {
            continue;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
            continue;
        }
        fault.times -= 1;
        return Some(fault.effect.clone());
    }
    None
}

/// Whether the text matches a pattern in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(glob("*/connections/*", "/a/connections/c"));
        assert!(glob("/a/b", "/a/b"));
        assert!(!glob("/a/b", "/a/b/c"));
        assert!(!glob("*/gateways/*", "/a/connections/c"));
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_says_after_what_it_skips() {
        let mut faults = vec![Fault {
            method: Some("PUT".to_owned()),
            resource: "*".to_owned(),
            skip: 1,
            times: 2,
            effect: Effect::Conflict,
        }];
        let mut struck = || strike(&mut faults, "PUT", "/x", false).is_some();
        assert_eq!([struck(), struck(), struck(), struck()], [false, true, true, false]);
    }
}
