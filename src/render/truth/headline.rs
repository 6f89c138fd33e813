//! Where does the run stand, in a word and in a sentence?

use serde::{Deserialize, Serialize};

use super::asks::{Ask, AskKind, pause_reason};
use super::at_work::AzureWork;
use super::barred::Barred;
use super::stopped;
use crate::engine::{Event, Phase, Recorded, RunPhase, RunState, StepState};
use crate::model::RunOutcome;
use crate::render::view::Driven;

/// Where a run stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStanding {
    /// It goes on.
    Running,
    /// It goes on when people have answered.
    Waiting,
    /// A person paused it.
    Paused,
    /// What it did is put back.
    Undoing,
    /// It is being ended: nothing new starts.
    Cancelling,
    /// What it owed is being met.
    Settling,
    /// Whether something landed, or ended, is not known.
    InDoubt,
    /// Nobody drives it.
    Interrupted,
    /// It reached its goal.
    Succeeded,
    /// It ended without its goal.
    Failed,
    /// What it did was put back.
    Undone,
    /// Not all of what it did could be put back.
    UndoIncomplete,
    /// A person ended it.
    Cancelled,
}

impl RunStanding {
    /// As it is written in lists and in the machine output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Undoing => "undoing",
            Self::Cancelling => "cancelling",
            Self::Settling => "settling",
            Self::InDoubt => "in_doubt",
            Self::Interrupted => "interrupted",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Undone => "undone",
            Self::UndoIncomplete => "undo_incomplete",
            Self::Cancelled => "cancelled",
        }
    }

    /// In capitals, as a screen shows it: seen from across the room.
    #[must_use]
    pub fn shown(self) -> String {
        self.as_str().replace('_', " ").to_ascii_uppercase()
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_end(self) -> bool {
        match self {
            Self::Succeeded
            | Self::Failed
            | Self::Undone
            | Self::UndoIncomplete
            | Self::Cancelled => true,
            Self::Running
            | Self::Waiting
            | Self::Paused
            | Self::Undoing
            | Self::Cancelling
            | Self::Settling
            | Self::InDoubt
            | Self::Interrupted => false,
        }
    }

    /// Whether it is as one would wish.
    #[must_use]
    pub fn mood(self) -> Mood {
        match self {
            Self::Running | Self::Settling => Mood::GoesOn,
            Self::Succeeded | Self::Undone => Mood::Good,
            Self::Waiting | Self::Paused | Self::Undoing | Self::Cancelling | Self::Interrupted => {
                Mood::WantsSomebody
            }
            Self::InDoubt | Self::Failed | Self::UndoIncomplete | Self::Cancelled => Mood::Bad,
        }
    }

    /// Where a run stands that has ended so.
    #[must_use]
    pub fn of_outcome(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Succeeded => Self::Succeeded,
            RunOutcome::Failed => Self::Failed,
            RunOutcome::Undone => Self::Undone,
            RunOutcome::UndoIncomplete => Self::UndoIncomplete,
            RunOutcome::Cancelled => Self::Cancelled,
        }
    }
}

/// Whether a standing is as one would wish; what its colour follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It goes on by itself.
    GoesOn,
    /// It ended well.
    Good,
    /// It wants somebody's attention.
    WantsSomebody,
    /// It is not as it should be.
    Bad,
}

/// The word and the sentence.
pub(super) fn headline(
    state: &RunState,
    events: &[Recorded],
    driven: Driven,
    barred: &Barred,
    asks: &[Ask],
    azure: &[AzureWork],
) -> (RunStanding, String) {
    let standing = standing(state, driven, asks, azure);
    let sentence = match standing {
        RunStanding::Succeeded => match state.owed_steps().len() {
            0 => "every step is done".to_owned(),
            1 => "every step is done but one, which is owed".to_owned(),
            owed => format!("done; {owed} steps are owed"),
        },
        RunStanding::Failed => failed(state),
        RunStanding::Undone => "what it changed was put back".to_owned(),
        RunStanding::UndoIncomplete => "not all of what it changed could be put back".to_owned(),
        RunStanding::Cancelled => match cancelled_by(events) {
            Some(by) => format!("ended by {by}"),
            None => "ended by a person".to_owned(),
        },
        RunStanding::InDoubt => doubt(state, driven),
        RunStanding::Interrupted => format!("nobody drives it{}", on_its_way(state)),
        RunStanding::Paused => {
            let nobody = match driven {
                Driven::ByAProcess => "",
                Driven::ByNobody => ", and nobody drives it",
            };
            match pause_reason(events) {
                Some((by, Some(reason))) => format!("by {}{nobody}: {reason}", by.name()),
                Some((by, None)) => format!("by {}{nobody}", by.name()),
                None => format!("by a person{nobody}"),
            }
        }
        RunStanding::Undoing => {
            let now = doing(azure).map_or_else(String::new, |now| format!(": {now}"));
            format!("asked for by {}{now}", undone_by(state))
        }
        RunStanding::Cancelling => {
            let now = doing(azure).map_or_else(String::new, |now| format!(": {now}"));
            format!("nothing new starts{now}")
        }
        RunStanding::Settling => doing(azure).unwrap_or_else(|| "meeting what it owed".to_owned()),
        RunStanding::Waiting => waiting(asks),
        RunStanding::Running => {
            let now = doing(azure).unwrap_or_else(|| "starting the next step".to_owned());
            let asked = asks.iter().any(|ask| ask.step.is_some());
            if asked { format!("{now}; waiting {}", waiting(asks)) } else { now }
        }
    };
    let sentence = match stopped(state) {
        Some(step) => format!("{step} failed, and nothing new starts; {sentence}"),
        None if barred.by.is_empty() => sentence,
        None => format!("{}; {sentence}", barred.told()),
    };
    (standing, sentence)
}

fn standing(state: &RunState, driven: Driven, asks: &[Ask], azure: &[AzureWork]) -> RunStanding {
    if let Some(outcome) = state.outcome() {
        return RunStanding::of_outcome(outcome);
    }
    let unknown = state.steps.values().any(|record| {
        matches!(record.state, StepState::Held { .. })
            || record.work().is_some_and(|work| matches!(work.phase, Phase::InDoubt(_)))
    });
    let asked = asks.iter().any(|ask| ask.step.is_some());
    if unknown {
        return RunStanding::InDoubt;
    }
    if state.paused.is_some() {
        return RunStanding::Paused;
    }
    // A process leaves a run that waits for people alone; that is no interruption.
    if driven == Driven::ByNobody && (!azure.is_empty() || !asked) {
        return RunStanding::Interrupted;
    }
    match state.phase {
        RunPhase::Undoing { .. } => RunStanding::Undoing,
        RunPhase::Cancelling => RunStanding::Cancelling,
        RunPhase::Settling { .. } => RunStanding::Settling,
        RunPhase::Forward | RunPhase::Ended { .. } => {
            if asked && azure.is_empty() {
                RunStanding::Waiting
            } else {
                RunStanding::Running
            }
        }
    }
}

/// For whom, for what: the first question, and how many more.
fn waiting(asks: &[Ask]) -> String {
    let mut asked = asks.iter().filter(|ask| ask.step.is_some());
    let Some(first) = asked.next() else { return "for a person".to_owned() };
    let step = first.step.as_deref().unwrap_or_default();
    let count = match first.needed {
        1 => String::new(),
        needed => format!(" ({} of {needed})", first.given),
    };
    let more = match asked.count() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("for {} to {} {step}{count}{more}", first.whom(), first.kind.verb())
}

/// What goes on, in a few words: the step that has been at work longest, and how many more.
fn doing(azure: &[AzureWork]) -> Option<String> {
    let first = azure.iter().min_by_key(|work| work.since)?;
    let more = match azure.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!("{}, {}{more}", first.step, first.doing))
}

fn on_its_way(state: &RunState) -> String {
    match state.phase {
        RunPhase::Undoing { .. } => ", in the middle of its undo".to_owned(),
        RunPhase::Cancelling => ", while it is being cancelled".to_owned(),
        RunPhase::Settling { .. } => ", while it meets what it owed".to_owned(),
        RunPhase::Forward | RunPhase::Ended { .. } => String::new(),
    }
}

fn failed(state: &RunState) -> String {
    let first = state.opened.iter().flat_map(|opened| opened.plan.steps()).find_map(|step| {
        match &state.step(&step.name)?.state {
            StepState::Failed(error) => Some(format!("{}: {}", step.name, error.message)),
            StepState::TimedOut { missing: Some(why), .. } => {
                Some(format!("{}: its time was up: {why}", step.name))
            }
            StepState::TimedOut { .. } => Some(format!("{}: its time was up", step.name)),
            _ => None,
        }
    });
    first.unwrap_or_else(|| "it did not come to its goal".to_owned())
}

fn doubt(state: &RunState, driven: Driven) -> String {
    let looked = match driven {
        Driven::ByAProcess => "; looking",
        Driven::ByNobody => ", and nobody looks",
    };
    let steps = state.opened.iter().flat_map(|opened| opened.plan.steps());
    let mut said = steps.filter_map(|step| {
        let record = state.step(&step.name)?;
        match (&record.state, record.work().map(|work| &work.phase)) {
            (StepState::Held { .. }, _) => {
                Some(format!("{} is held until a person has looked", step.name))
            }
            (_, Some(Phase::InDoubt(_))) => {
                Some(format!("whether the write of {} landed is not known{looked}", step.name))
            }
            _ => None,
        }
    });
    said.next().unwrap_or_else(|| "something is not known".to_owned())
}

fn undone_by(state: &RunState) -> String {
    match &state.phase {
        RunPhase::Undoing { by } => by.name().to_owned(),
        RunPhase::Forward
        | RunPhase::Cancelling
        | RunPhase::Settling { .. }
        | RunPhase::Ended { .. } => "somebody".to_owned(),
    }
}

fn cancelled_by(events: &[Recorded]) -> Option<String> {
    events.iter().rev().find_map(|recorded| match &recorded.event {
        Event::CancelRequested { by, .. } => Some(by.name().to_owned()),
        _ => None,
    })
}

impl Ask {
    /// Whether it holds the whole run up.
    #[must_use]
    pub fn is_about_the_run(&self) -> bool {
        match self.kind {
            AskKind::Paused | AskKind::Interrupted | AskKind::Stopped => true,
            AskKind::Approval
            | AskKind::Manual
            | AskKind::Decision
            | AskKind::Failure
            | AskKind::Held => false,
        }
    }
}
