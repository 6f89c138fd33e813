//! What does a run wait for, and since when? Told to people when it has waited for too long.

use super::state::{Phase, RunState, StepState};
use crate::model::{StepName, Timestamp};

impl RunState {
    /// Every wait of the run, the oldest first, as sentences that name the step.
    #[must_use]
    pub fn waits(&self) -> Vec<String> {
        let mut waits: Vec<(Timestamp, String)> = self
            .steps
            .iter()
            .filter_map(|(name, record)| {
                let (since, what) = match &record.state {
                    StepState::Working(work) => (work.since, doing(&work.phase)),
                    StepState::TimedOut { operation: Some(_), .. } => (
                        record.ended_at?,
                        "the end of Azure's operation, after its own time was up".to_owned(),
                    ),
                    StepState::Held { why } => (record.ended_at?, format!("a person: {why}")),
                    StepState::Pending
                    | StepState::Succeeded
                    | StepState::Failed(_)
                    | StepState::TimedOut { operation: None, .. }
                    | StepState::Skipped { .. }
                    | StepState::Undone
                    | StepState::UndoFailed(_) => return None,
                };
                Some((since, told(name, &what, since)))
            })
            .collect();
        waits.sort();
        waits.into_iter().map(|(_, wait)| wait).collect()
    }
}

fn told(name: &StepName, what: &str, since: Timestamp) -> String {
    format!("Step `{name}` has waited since {since} for {what}")
}

fn doing(phase: &Phase) -> String {
    match phase {
        Phase::Observing => "what its resource shows".to_owned(),
        Phase::Intended(intent) => format!("the answer to its write to {}", intent.write.resource),
        Phase::InDoubt(intent) => {
            format!("a sign of whether its write to {} landed", intent.write.resource)
        }
        Phase::Operating { intent, .. } => {
            format!("the end of Azure's operation on {}", intent.write.resource)
        }
        Phase::Confirming(intent) => format!("what {} shows", intent.write.resource),
        Phase::Waiting { why } => format!("this: {why}"),
        Phase::Retrying { at, error } => format!("its next attempt at {at}, after: {error}"),
        Phase::Asking { question, .. } => format!("a person's answer to: {question}"),
    }
}
