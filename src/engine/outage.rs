//! What is a step's time where nothing could be recorded for a while? Longer by that, and a look at least.

use crate::model::action::General;
use crate::model::{Action, Step, Timestamp, limits};

/// From when on a step's time counts after an outage: later by its length, and by what a look takes where less
/// than that would be left.
pub(super) fn counted_from(
    step: &Step,
    since: Timestamp,
    (away, back): (Timestamp, Timestamp),
) -> Timestamp {
    if !counts_for(step) {
        return since;
    }
    let since = since + back.since(away);
    let left = (since + step.timeout).since(back);
    since + limits::LOOK_AFTER_OUTAGE.min(step.timeout).saturating_sub(left)
}

/// Whether an outage moves the step's time: people and pauses have times of their own.
pub(super) fn counts_for(step: &Step) -> bool {
    step.action.gate().is_none() && !matches!(step.action, Action::General(General::Wait { .. }))
}
