//! What is Azure doing, since when, and how long does that usually take?

use serde::{Deserialize, Serialize};

use super::usual::{self, Usual};
use crate::engine::record::Direction;
use crate::engine::{Phase, RunPhase, RunState};
use crate::model::{Step, Timestamp};
use crate::render::timeline::seconds;
use crate::render::typical::{doing, typical};
use crate::render::view::Driven;

/// A step that is at work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AzureWork {
    /// The step.
    pub step: String,
    /// What goes on.
    pub doing: String,
    /// Whether it is taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undoing: bool,
    /// Since when.
    pub since: Timestamp,
    /// For how long, in seconds.
    pub for_seconds: f64,
    /// How long that usually takes, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usually: Option<String>,
    /// Whether it has taken longer than nearly all that were recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// What is at work now, in the plan's order. Who waits for people is told among the asks.
pub(super) fn at_work(state: &RunState, driven: Driven, now: Timestamp) -> Vec<AzureWork> {
    let Some(opened) = &state.opened else { return Vec::new() };
    opened.plan.steps().iter().filter_map(|step| work_of(step, state, driven, now)).collect()
}

fn work_of(step: &Step, state: &RunState, driven: Driven, now: Timestamp) -> Option<AzureWork> {
    let record = state.step(&step.name)?;
    let work = record.work()?;
    let undoing = work.direction == Direction::Backward;
    let mut since = work.since;
    let (mut usually, mut late) = (None, false);
    // What is ours to do nobody does while nobody drives the run.
    let ours = |does: &str, does_not: &str| match driven {
        Driven::ByAProcess => does.to_owned(),
        Driven::ByNobody => does_not.to_owned(),
    };
    let text = match &work.phase {
        Phase::Asking { .. } => return None,
        Phase::Observing => ours("looking before anything is written", "not looked at yet"),
        Phase::Intended(_) => ours("asking Azure", "asked of Azure, and no answer was heard"),
        Phase::InDoubt(_) => {
            ours("looking whether its write landed", "whether its write landed is not looked at")
        }
        Phase::Operating { intent, since: from, .. } => {
            since = *from;
            let usual = usual::of_intent(&step.action, intent);
            late = usual.as_ref().is_some_and(|usual| usual.is_late(now.since(since)));
            usually = match undoing {
                true => usual.as_ref().map(Usual::phrase),
                false => typical(&step.action).map(|typical| typical.phrase()),
            };
            let doing = if undoing { "Azure takes it back" } else { doing(&step.action) };
            match &record.unasked {
                Some(why) => format!("{doing}; {why}"),
                None => doing.to_owned(),
            }
        }
        Phase::Confirming(_) => ours(
            "Azure is done; looking whether it is so",
            "Azure is done; whether it is so is not looked at",
        ),
        Phase::Waiting { why } => why.clone(),
        Phase::Retrying { error, .. } if driven == Driven::ByNobody => {
            format!("another attempt once somebody drives the run: {}", error.message)
        }
        Phase::Retrying { at, error } => {
            let wait = crate::render::style::clock(at.since(now));
            format!("another attempt in {wait}: {}", error.message)
        }
    };
    // What was begun before an undo is finished first: a screen that only spoke of building would be wrong.
    let turned = !undoing && matches!(state.phase, RunPhase::Undoing { .. });
    let text = if turned { format!("{text}, before it is taken back") } else { text };
    Some(AzureWork {
        step: step.name.to_string(),
        doing: text,
        undoing,
        since,
        for_seconds: seconds(now.since(since)),
        usually,
        late,
    })
}
