//! How much longer will this take? The recorded durations, given how long it has taken already.

use std::time::Duration;

use crate::engine::Intent;
use crate::model::action::{RemovalKind, Vpn};
use crate::model::durations::{Class, MeasuredChange, Spread, spread};
use crate::model::{Action, ResourceId, Undo, WriteMethod};
use crate::render::typical::typical;

/// How long something usually takes.
#[derive(Debug, Clone)]
pub(super) enum Usual {
    /// As was recorded.
    Recorded(&'static Spread),
    /// Between two times.
    Between(Duration, Duration),
}

/// What is left of something: at best, as half of them, and in nine of ten; none where nothing recorded took
/// as long as this has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Left {
    pub(super) low: Duration,
    pub(super) likely: Duration,
    pub(super) high: Option<Duration>,
}

/// The shares of those that have ended at the low, the likely and the high end of a range.
const SHARES: [f64; 3] = [0.1, 0.5, 0.9];

/// A share beyond which what was recorded says nothing.
const LATE: f64 = 0.99;

impl Left {
    pub(super) const NOTHING: Self =
        Self { low: Duration::ZERO, likely: Duration::ZERO, high: Some(Duration::ZERO) };

    pub(super) fn exactly(duration: Duration) -> Self {
        Self { low: duration, likely: duration, high: Some(duration) }
    }

    /// How long what is late has taken so far.
    pub(super) fn late_for(self) -> Duration {
        self.likely * LATE_LIKELY
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            likely: self.likely + other.likely,
            high: self.high.zip(other.high).map(|(one, two)| one + two),
        }
    }
}

/// What is late takes a quarter more, as half of such things do.
const LATE_LIKELY: u32 = 4;

impl Usual {
    pub(super) fn seconds(from: u64, to: u64) -> Self {
        Self::Between(Duration::from_secs(from), Duration::from_secs(to))
    }

    /// What is left after so much.
    pub(super) fn left(&self, elapsed: Duration) -> Left {
        if self.is_late(elapsed) {
            return Left { low: Duration::ZERO, likely: elapsed / LATE_LIKELY, high: None };
        }
        let at = |share: f64| self.after(share, elapsed);
        Left { low: at(SHARES[0]), likely: at(SHARES[1]), high: Some(at(SHARES[2])) }
    }

    /// Whether it has taken longer than nearly all of them.
    pub(super) fn is_late(&self, elapsed: Duration) -> bool {
        match self {
            Self::Recorded(spread) => elapsed > spread.at(LATE),
            Self::Between(_, to) => elapsed > *to,
        }
    }

    /// The time in which this share of those that are not done by now is done.
    fn after(&self, share: f64, elapsed: Duration) -> Duration {
        match self {
            Self::Recorded(spread) => {
                let gone = share_at(spread, elapsed);
                spread.at(gone + share * (LATE - gone).max(0.0)).saturating_sub(elapsed)
            }
            Self::Between(from, to) => {
                let from = (*from).max(elapsed);
                let wide = to.saturating_sub(from);
                // Most are done early: the square puts the half at a quarter.
                (from + wide.mul_f64(share * share)).saturating_sub(elapsed)
            }
        }
    }

    /// As a person says it.
    pub(super) fn phrase(&self) -> String {
        let (from, to) = match self {
            Self::Recorded(spread) => (spread.at(SHARES[0]), spread.at(SHARES[2])),
            Self::Between(from, to) => (*from, *to),
        };
        let (from, to) = (from.as_secs(), to.as_secs());
        match to {
            0..60 => format!("usually under {} s", to.max(1)),
            _ => format!("usually {}–{} min", from / 60, to.div_ceil(60)),
        }
    }
}

/// The share of those that have ended by then.
fn share_at(spread: &Spread, elapsed: Duration) -> f64 {
    let (mut low, mut high) = (0.0, LATE);
    for _ in 0..20 {
        let middle = f64::midpoint(low, high);
        if spread.at(middle) <= elapsed {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// How long an action usually takes, before it has begun.
pub(super) fn of_action(action: &Action) -> Option<Usual> {
    let recorded = match action {
        Action::Gateway(spec) => of_change(&spec.id, Class::Usual, MeasuredChange::Create),
        Action::Connection(spec) => of_change(&spec.id, Class::Usual, MeasuredChange::Create),
        Action::Vpn(Vpn::Gateway(spec)) => of_change(&spec.id, Class::Vpn, MeasuredChange::Create),
        Action::Remove(spec) if is_slow(spec.kind) => action
            .written()
            .and_then(|id| of_change(id, action.recorded_as(), MeasuredChange::Delete)),
        _ => None,
    };
    recorded.or_else(|| between(action))
}

/// How long the operation of this intent usually takes.
pub(super) fn of_intent(action: &Action, intent: &Intent) -> Option<Usual> {
    let change = match (intent.write.method, &intent.undo) {
        (WriteMethod::Delete, _) => MeasuredChange::Delete,
        (WriteMethod::Put, Undo::Delete { .. }) => MeasuredChange::Create,
        (WriteMethod::Put | WriteMethod::Post | WriteMethod::Run, _) => MeasuredChange::Update,
    };
    let resource = intent.write.resource.azure();
    let recorded = resource.and_then(|id| of_change(id, action.recorded_as(), change));
    recorded.or_else(|| between(action))
}

/// How long taking a change back usually takes.
pub(super) fn of_undo(action: &Action, undo: &Undo) -> Option<Usual> {
    let id = action.written()?;
    match undo {
        Undo::Nothing | Undo::ByStep => None,
        Undo::Delete { .. } => of_change(id, action.recorded_as(), MeasuredChange::Delete),
        Undo::Restore { .. } | Undo::Call { .. } => {
            of_change(id, action.recorded_as(), MeasuredChange::Update)
        }
    }
    .or_else(|| between(action))
}

fn between(action: &Action) -> Option<Usual> {
    typical(action).map(|typical| Usual::Between(typical.from, typical.to))
}

fn of_change(id: &ResourceId, class: Class, change: MeasuredChange) -> Option<Usual> {
    spread(&id.resource_type(), class, change).map(Usual::Recorded)
}

fn is_slow(kind: RemovalKind) -> bool {
    matches!(
        kind,
        RemovalKind::Gateway
            | RemovalKind::VpnGateway
            | RemovalKind::Connection
            | RemovalKind::VpnConnection
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_shrinks_as_time_goes_by_and_is_never_negative() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworkGateways/gw";
        let gateway =
            of_change(&ResourceId::parse(id).unwrap(), Class::Usual, MeasuredChange::Create)
                .unwrap();
        for usual in [gateway, Usual::seconds(10, 600)] {
            let mut end = Duration::ZERO;
            for elapsed in (0..600).step_by(20).map(Duration::from_secs) {
                let left = usual.left(elapsed);
                let high = left.high.unwrap();
                assert!(left.low <= left.likely && left.likely <= high, "{elapsed:?}: {left:?}");
                // What has taken longer than others ends no earlier than was thought before.
                assert!(elapsed + left.likely + Duration::from_millis(50) >= end, "{elapsed:?}");
                end = elapsed + left.likely;
            }
            let late = usual.left(Duration::from_secs(20_000));
            assert_eq!(late.high, None, "nobody knows");
        }
    }
}
