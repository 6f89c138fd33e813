//! What if Azure answers while nothing can be made durable? The answer is kept beside the run, and taken in later.

use super::decision::{Input, Intake, Moment};
use super::ports::Aside;
use super::reserve::without_secrets;
use super::state::RunState;
use super::turn::take_turn;
use crate::model::Plan;

/// What came in while an append was under way.
#[derive(Debug, Default)]
pub(super) struct Meanwhile {
    inputs: Vec<Input>,
    /// Where the run would stand with them.
    ahead: Option<RunState>,
}

impl Meanwhile {
    /// Whether nothing came.
    pub(super) fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Takes an input in. What the answer to a write would add to the journal is kept aside at once: who sent
    /// it may be gone before the journal can be written again.
    pub(super) fn take_in(
        &mut self,
        input: Input,
        plan: &Plan,
        state: &RunState,
        now: &Moment,
        aside: &dyn Aside,
    ) {
        if matches!(input, Input::Sent(..)) {
            let ahead = self.ahead.get_or_insert_with(|| state.clone());
            let turn = take_turn(plan, ahead, input.clone(), now, Intake::Leaving);
            let (events, _) = without_secrets(turn.events);
            if !events.is_empty() {
                aside.keep(now.at, &events);
            }
        }
        self.inputs.push(input);
    }

    /// What came, in its order, to be decided on now.
    pub(super) fn inputs(&mut self) -> Vec<Input> {
        self.ahead = None;
        std::mem::take(&mut self.inputs)
    }
}
