//! What if Azure answers while nothing can be made durable? The answer is kept beside the run, and taken in later.

use super::decision::{Input, Intake, Moment};
use super::ports::Aside;
use super::reserve::without_secrets;
use super::state::RunState;
use super::turn::take_turn;
use crate::model::{Plan, Timestamp, limits};

/// What came in while an append was under way.
#[derive(Debug, Default)]
pub(super) struct Meanwhile {
    inputs: Vec<Input>,
    /// Where the run would stand with them.
    ahead: Option<RunState>,
    /// Until when the outage is accounted for there.
    told_until: Option<Timestamp>,
}

impl Meanwhile {
    /// Whether nothing came.
    pub(super) fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Takes an input in. What the answer to a write would add to the journal is kept aside at once: who sent
    /// it may be gone before the journal can be written again. What was under way since `begun` is an outage by
    /// then, if it took so long: no time is up because of it.
    pub(super) fn take_in(
        &mut self,
        input: Input,
        plan: &Plan,
        state: &RunState,
        (begun, now): (Timestamp, &Moment),
        aside: &dyn Aside,
    ) {
        if matches!(input, Input::Sent(..)) {
            let ahead = self.ahead.get_or_insert_with(|| state.clone());
            let since = self.told_until.unwrap_or(begun);
            let mut events = Vec::new();
            if now.at.since(since) >= limits::OUTAGE_AFTER {
                let back = Input::JournalBack { since };
                events.extend(take_turn(plan, ahead, back, now, Intake::Leaving).events);
                self.told_until = Some(now.at);
            }
            events.extend(take_turn(plan, ahead, input.clone(), now, Intake::Leaving).events);
            let (events, _) = without_secrets(events);
            if !events.is_empty() {
                aside.keep(now.at, &events);
            }
        }
        self.inputs.push(input);
    }

    /// What came, in its order, to be decided on now.
    pub(super) fn inputs(&mut self) -> Vec<Input> {
        (self.ahead, self.told_until) = (None, None);
        std::mem::take(&mut self.inputs)
    }
}
