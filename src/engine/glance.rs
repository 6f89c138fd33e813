//! When is the end near? Looks at the resource itself, between the polls of its operation.
//!
//! Azure tells pollers to wait 10, 20, 20, 40, 40, 80, 160, 100, 100 … seconds (docs/wire.md 1), so who only
//! polls notices the end of a gateway's creation up to 100 s late. What it says of the operation's URL is
//! obeyed; beside that the resource is read where the recorded durations say that the end is near. Over
//! those durations: half of the ends are seen within 1.4 s and nineteen in twenty within 10 s, for 2.95
//! times the reads of a poller (`scripts/measure` prints both).

use std::time::Duration;

use super::event::Intent;
use crate::model::durations::{MeasuredChange, QUANTILE_LEVELS, Quantiles, quantiles};
use crate::model::{Undo, WriteMethod};

/// What the root of the time that an end is still to be waited for, in seconds, is multiplied with for the gap
/// between two looks. Of so many looks, those lose the least time that stand as close as the root of how many
/// of the operations still under way end each second.
const GAP_OF_ROOT: f64 = 0.57;

/// The least and the most between two looks, in seconds.
const GAP: (f64, f64) = (4.5, 60.0);

/// What an intent does to its resource.
fn change(intent: &Intent) -> MeasuredChange {
    match (intent.write.method, &intent.undo) {
        (WriteMethod::Delete, _) => MeasuredChange::Delete,
        (WriteMethod::Put, Undo::Delete { .. }) => MeasuredChange::Create,
        (WriteMethod::Put | WriteMethod::Post | WriteMethod::Run, _) => MeasuredChange::Update,
    }
}

/// The next look after so much time since the write was accepted; none when it is hopelessly late.
pub(super) fn next(intent: &Intent, elapsed: Duration) -> Option<Duration> {
    let resource = intent.write.resource.azure()?;
    next_of(quantiles(&resource.resource_type(), change(intent)), elapsed)
}

/// The next look for a change with these quantiles.
#[must_use]
pub fn next_of(quantiles: Quantiles, elapsed: Duration) -> Option<Duration> {
    let q = quantiles.map(f64::from);
    let mut at = q[0].max(GAP.0);
    let gap = |wait: f64| (GAP_OF_ROOT * wait.sqrt()).clamp(GAP.0, GAP.1);
    // A look at the very moment counts as made.
    let now = elapsed.as_secs_f64() + 0.001;
    for (ends, levels) in q.windows(2).zip(QUANTILE_LEVELS.windows(2)) {
        let (from, to) = (ends[0], ends[1]);
        // While so many end, so many are under way, half of those that end among them.
        let share = (levels[1] - levels[0]) / (1.0 - (levels[0] + levels[1]) / 2.0);
        while at < to {
            if at > now {
                return Some(seconds(at));
            }
            at += gap((to - from) / share);
        }
    }
    let [.., most] = q;
    // What takes longer than nineteen in twenty may take as long again. Four times the usual, and a minute: from
    // there on the polls alone will tell.
    while at < most * 4.0 + 60.0 {
        if at > now {
            return Some(seconds(at));
        }
        at += gap(at);
    }
    None
}

/// Whole milliseconds: timestamps hold no finer ones.
fn seconds(at: f64) -> Duration {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small, positive")]
    let millis = (at * 1_000.0).round() as u64;
    Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_move_on_are_never_closer_than_the_least_gap_and_end() {
        let gateway = [650, 760, 980, 1_230, 1_800, 2_100, 2_300];
        let (mut at, mut count) = (Duration::ZERO, 0);
        while let Some(next) = next_of(gateway, at) {
            assert!(next >= at + Duration::from_secs(4) || at.is_zero(), "{at:?} to {next:?}");
            (at, count) = (next, count + 1);
        }
        assert!((100..300).contains(&count), "{count}");
        assert!(next_of(gateway, Duration::ZERO) >= Some(Duration::from_secs(600)));
    }
}
