//! What goes wrong? Faults as data: which request meets one, and what then happens.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tally::FaultTally;
use crate::model::pattern::fits;
use crate::model::time::duration_text;

/// A fault.
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
    /// Not before this much time since the world's beginning.
    #[serde(with = "duration_text::option", default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Duration>,
    /// Not after this much time since the world's beginning.
    #[serde(with = "duration_text::option", default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Duration>,
    /// How likely it is to strike what it meets, in percent; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// What happens.
    #[serde(with = "serde_yaml::with::singleton_map")]
    pub effect: FaultEffect,
    /// How many requests it has met: the draws of chance are made by it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub met: u64,
    /// What came of it in the world that it is in.
    #[serde(default, skip_serializing_if = "FaultTally::is_blank")]
    pub(super) tally: FaultTally,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultEffect {
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
    /// The operation is accepted and never ends.
    Stuck,
    /// The operation's URL is not found from the first poll on; the work itself goes on.
    Forget,
    /// The operation says that it has ended while Azure still works: writes meet a conflict for so long
    /// (azure-facts 3.2, the known lies).
    Linger {
        /// For how long after the end.
        #[serde(rename = "for", with = "duration_text")]
        lasts: Duration,
    },
    /// A resource that was just made is not found (docs/wire.md 3: seen of a circuit).
    Absent,
    /// The connection that is written looks well and carries nothing.
    Silent,
    /// The connection that is written never connects.
    Unconnected,
    /// The connection that is written carries, and never tells whether it is connected.
    Untold,
}

fn once() -> u32 {
    1
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a fault may meet: a request, with what decides chance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occasion<'a> {
    /// The method, or `POLL`.
    pub(super) method: &'a str,
    pub(super) resource: &'a str,
    /// Whether the resource is there, and has just been made.
    pub(super) is_new: bool,
    /// Time since the world's beginning.
    pub(super) since: Duration,
    pub(super) seed: u64,
}

impl Fault {
    /// A fault that strikes every request of a method to a resource, so many times.
    #[must_use]
    pub fn new(method: Option<&str>, resource: &str, times: u32, effect: FaultEffect) -> Self {
        Self {
            method: method.map(str::to_owned),
            resource: resource.to_owned(),
            skip: 0,
            times,
            from: None,
            until: None,
            percent: None,
            effect,
            met: 0,
            tally: FaultTally::default(),
        }
    }

    fn meets(&self, occasion: &Occasion<'_>) -> bool {
        let text = occasion.resource.to_ascii_lowercase();
        self.times > 0
            && self.method.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(occasion.method))
            && self.from.is_none_or(|from| occasion.since >= from)
            && self.until.is_none_or(|until| occasion.since <= until)
            && (occasion.is_new || self.effect != FaultEffect::Absent)
            && fits(&self.resource.to_ascii_lowercase(), &text)
    }

    /// Whether chance lets it strike this one of those it meets.
    fn has_bad_luck(&mut self, place: usize, occasion: &Occasion<'_>) -> bool {
        let Some(percent) = self.percent else { return true };
        self.met += 1;
        let text = format!("{}/{place}/{}/{}", occasion.seed, self.met, occasion.resource);
        let hash = blake3::hash(text.to_ascii_lowercase().as_bytes());
        let drawn = u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]]) % 100;
        drawn < u16::from(percent)
    }
}

/// What a fault does to an operation that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OperationFault {
    /// It fails with this code.
    Fail { code: String },
    /// It takes this many times as long.
    Slow { factor: u32 },
    /// It never ends.
    Stuck,
    /// Its URL is not found.
    Forget,
    /// It says that it has ended while Azure still works, for so long.
    Linger { lasts: Duration },
    /// What is written is a connection, which this becomes of.
    Connection(ConnectionFault),
}

/// What a fault makes of a connection that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionFault {
    /// It carries nothing.
    Silent,
    /// It never connects.
    Unconnected,
    /// It never tells whether it is connected.
    Untold,
}

impl FaultEffect {
    /// What it does to an operation that is accepted; none where it is about the request.
    fn on_operation(&self) -> Option<OperationFault> {
        Some(match self {
            Self::Fail { code } => OperationFault::Fail { code: code.clone() },
            Self::Slow { factor } => OperationFault::Slow { factor: *factor },
            Self::Stuck => OperationFault::Stuck,
            Self::Forget => OperationFault::Forget,
            Self::Linger { lasts } => OperationFault::Linger { lasts: *lasts },
            Self::Silent => OperationFault::Connection(ConnectionFault::Silent),
            Self::Unconnected => OperationFault::Connection(ConnectionFault::Unconnected),
            Self::Untold => OperationFault::Connection(ConnectionFault::Untold),
            Self::Throttle { .. }
            | Self::Conflict
            | Self::Refuse { .. }
            | Self::Html
            | Self::LoseRequest
            | Self::LoseAnswer
            | Self::Unreachable
            | Self::Absent => return None,
        })
    }
}

/// The faults that an accepted operation meets: each fault strikes it once at most.
pub(super) fn strike_operation(
    faults: &mut [Fault],
    occasion: &Occasion<'_>,
) -> Vec<OperationFault> {
    let each = faults.iter_mut().enumerate();
    each.filter_map(|(place, fault)| strike_one_operation(fault, place, occasion)).collect()
}

/// The same by the path with the verb, for faults that do not name the resource itself.
pub(super) fn strike_operation_by_path(
    faults: &mut [Fault],
    resource: &str,
    occasion: &Occasion<'_>,
) -> Vec<OperationFault> {
    let resource = resource.to_ascii_lowercase();
    let names_it = |fault: &Fault| fits(&fault.resource.to_ascii_lowercase(), &resource);
    let each = faults.iter_mut().enumerate().filter(|(_, fault)| !names_it(fault));
    each.filter_map(|(place, fault)| strike_one_operation(fault, place, occasion)).collect()
}

/// The fault that this request meets, if any; it is used up by that.
pub(super) fn strike_request(faults: &mut [Fault], occasion: &Occasion<'_>) -> Option<FaultEffect> {
    let mut each = faults.iter_mut().enumerate();
    each.find_map(|(place, fault)| {
        let on_request = fault.effect.on_operation().is_none();
        (on_request && strikes(fault, place, occasion)).then(|| fault.effect.clone())
    })
}

fn strike_one_operation(
    fault: &mut Fault,
    place: usize,
    occasion: &Occasion<'_>,
) -> Option<OperationFault> {
    let effect = fault.effect.on_operation()?;
    strikes(fault, place, occasion).then_some(effect)
}

/// Whether it strikes this time; it is used up by that.
fn strikes(fault: &mut Fault, place: usize, occasion: &Occasion<'_>) -> bool {
    if !fault.meets(occasion) {
        return false;
    }
    fault.tally.met += 1;
    if !fault.has_bad_luck(place, occasion) {
        return false;
    }
    if fault.skip > 0 {
        fault.skip -= 1;
        return false;
    }
    fault.times -= 1;
    fault.tally.struck += 1;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occasion(since: u64) -> Occasion<'static> {
        let since = Duration::from_secs(since);
        Occasion { method: "PUT", resource: "/x", is_new: true, since, seed: 7 }
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_says_after_what_it_skips() {
        let mut faults = vec![Fault::new(Some("PUT"), "*", 2, FaultEffect::Conflict)];
        faults[0].skip = 1;
        let mut struck = || strike_request(&mut faults, &occasion(0)).is_some();
        assert_eq!([struck(), struck(), struck(), struck()], [false, true, true, false]);
    }

    #[test]
    fn a_fault_has_its_time() {
        let mut faults = vec![Fault::new(None, "*", 9, FaultEffect::Html)];
        faults[0].from = Some(Duration::from_secs(10));
        faults[0].until = Some(Duration::from_secs(20));
        let struck = |at| strike_request(&mut faults.clone(), &occasion(at)).is_some();
        assert_eq!([struck(9), struck(10), struck(20), struck(21)], [false, true, true, false]);
    }

    #[test]
    fn chance_is_decided_by_the_seed() {
        let mut faults = vec![Fault::new(None, "*", 10_000, FaultEffect::Html)];
        faults[0].percent = Some(20);
        let mut again = faults.clone();
        let draw = |faults: &mut Vec<Fault>| strike_request(faults, &occasion(0)).is_some();
        let first: Vec<bool> = (0..1_000).map(|_| draw(&mut faults)).collect();
        let second: Vec<bool> = (0..1_000).map(|_| draw(&mut again)).collect();
        assert_eq!(first, second);
        let struck = first.iter().filter(|struck| **struck).count();
        assert!((150..250).contains(&struck), "{struck}");
    }

    #[test]
    fn only_what_was_just_made_can_be_hidden() {
        let mut faults = vec![Fault::new(Some("PUT"), "*", 1, FaultEffect::Absent)];
        let old = Occasion { is_new: false, ..occasion(0) };
        assert_eq!(strike_request(&mut faults, &old), None);
        assert_eq!(strike_request(&mut faults, &occasion(0)), Some(FaultEffect::Absent));
    }
}
