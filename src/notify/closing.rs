//! Which gates are about to close with nobody's answer? By the journal alone: when each was asked, and until when.

use std::time::Duration;

use crate::engine::{Phase, RunState};
use crate::model::{StepName, Timestamp};

/// How long before a gate closes people are told at most; of a short one it is a quarter of its time.
const BEFORE_MAX: Duration = Duration::from_secs(15 * 60);

/// A gate that is about to close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosingGate {
    /// Its step.
    pub step: StepName,
    /// When it had to be told.
    pub due: Timestamp,
    /// When it closes.
    pub until: Timestamp,
}

/// The gates that ask at a moment and of which it has to be told by then that they close, the first to close first.
pub(super) fn closing(state: &RunState, now: Timestamp) -> Vec<ClosingGate> {
    let mut found: Vec<ClosingGate> = state
        .waiting_for_people()
        .into_iter()
        .filter_map(|step| {
            let Phase::Asking { since, expires_at: Some(until), .. } =
                &state.step(step)?.work()?.phase
            else {
                return None;
            };
            let due = *since + open_for(until.since(*since));
            Some(ClosingGate { step: step.clone(), due, until: *until })
        })
        .filter(|gate| gate.due <= now)
        .collect();
    found.sort_by(|one, other| (one.until, &one.step).cmp(&(other.until, &other.step)));
    found
}

/// How long a gate is open before it is told that it closes.
fn open_for(whole: Duration) -> Duration {
    whole.saturating_sub(BEFORE_MAX.min(whole / 4))
}
