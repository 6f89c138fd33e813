//! Where does the run stand? The fold of its journal, and nothing else.
//!
//! Whether a step is *ready* is computed from here, never stored. Any prefix of a valid journal
//! folds into a run that can be opened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::actor::Actor;
use super::event::{Event, Recorded};
use super::front::Front;
use super::illegal::IllegalMove;
use super::outage;
use super::record::releases_next;
pub use super::record::{AttemptWork, Direction, Phase, StepRecord, StepState};
use super::target::RunMode;
use super::target::{RunKind, RunTarget};
use crate::model::{
    Action, Operand, Person, Plan, RegionDown, RunId, RunOutcome, Seq, Step, StepError, StepName,
    Timestamp,
};

/// A run as its journal tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    /// What the first event said; none before it.
    pub opened: Option<Opened>,
    /// The last event's place.
    pub head: Seq,
    /// The steps, by name. Complete once the run is opened.
    pub steps: BTreeMap<StepName, StepRecord>,
    /// What the run is about now.
    pub phase: RunPhase,
    /// Why nothing new starts, if so: a step whose failure stops the run.
    pub stopped_by: Option<StepName>,
    /// Whether the run's deadline has passed.
    pub deadline_passed: bool,
    /// Who paused it, while it is.
    pub paused: Option<Actor>,
    /// Why the source region counts as out of reach, if it does.
    pub source_down: Option<String>,
    /// How it ended the last time it did.
    pub last_outcome: Option<RunOutcome>,
    /// When the last event was recorded.
    pub last_at: Option<Timestamp>,
    /// The steps at work and those whose turn may come: follows from the records.
    pub(super) front: Front,
}

/// What the first event said.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The run.
    pub run: RunId,
    /// The plan it executes.
    pub plan: Arc<Plan>,
    /// What kind of run it is.
    pub mode: RunMode,
    /// Where Azure is.
    pub endpoint: String,
    /// What operation keys are derived from.
    pub nonce: String,
    /// Who started it.
    pub by: Option<Person>,
    /// What it is made against.
    pub against: RunTarget,
    /// The bad days that a drill lives through, by name.
    pub bad_days: Vec<String>,
    /// The regions that whoever began a drill takes down in it.
    pub regions_down: Vec<RegionDown>,
    /// Whether a drill may go well although something that was to go wrong struck nothing.
    pub allow_no_strike: bool,
    /// How much faster than the host's its clock goes, where a simulator is served faster.
    pub clock_factor: Option<std::num::NonZeroU32>,
    /// When.
    pub at: Timestamp,
}

impl Opened {
    /// What kind of run it is, for people.
    #[must_use]
    pub fn kind(&self) -> RunKind {
        RunKind::of(self.mode, self.against)
    }
}

/// What a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunPhase {
    /// Towards the goal.
    Forward,
    /// Ending: nothing new starts.
    Cancelling,
    /// Putting back what was done.
    Undoing {
        /// Who asked; a person may go back past a pivot.
        by: Actor,
    },
    /// Meeting what it still owed when it ended so.
    Settling {
        /// How it had ended.
        before: RunOutcome,
    },
    /// Over.
    Ended {
        /// How.
        outcome: RunOutcome,
        /// When.
        at: Timestamp,
    },
}

/// An event that cannot follow: the journal is damaged, or the engine has a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} ({kind}) cannot follow here: {why}")]
pub struct IllegalTransition {
    /// Its place.
    pub seq: Seq,
    /// Its name.
    pub kind: String,
    /// Why not.
    pub why: IllegalMove,
}

impl Default for RunState {
    fn default() -> Self {
        Self {
            opened: None,
            head: Seq::default(),
            steps: BTreeMap::new(),
            phase: RunPhase::Forward,
            stopped_by: None,
            deadline_passed: false,
            paused: None,
            source_down: None,
            last_outcome: None,
            last_at: None,
            front: Front::default(),
        }
    }
}

impl RunState {
    /// Folds a journal.
    ///
    /// # Errors
    /// An event cannot follow the ones before it.
    pub fn fold<'a>(
        events: impl IntoIterator<Item = &'a Recorded>,
    ) -> Result<Self, IllegalTransition> {
        let mut state = Self::default();
        for recorded in events {
            state.apply(recorded)?;
        }
        Ok(state)
    }

    /// The value of an operand, from what steps put out and how they ended.
    pub(super) fn operand(&self, operand: &Operand) -> Option<Value> {
        match operand {
            Operand::Literal(value) => Some(value.clone()),
            Operand::Output { step, field } => self.steps.get(step)?.outputs.get(field).cloned(),
            Operand::Status { step } => Some(Value::from(self.steps.get(step)?.status().as_str())),
        }
    }

    /// A step's action with what earlier steps put out in it; none where it takes in nothing.
    ///
    /// # Errors
    /// What it takes in is not there, or does not fit.
    pub(super) fn filled(&self, step: &StepName) -> Result<Option<Box<Action>>, StepError> {
        let plan = self.opened.as_ref().map(|opened| &opened.plan);
        let Some(Action::Outside(own)) =
            plan.and_then(|plan| plan.step(step)).map(|step| &step.action)
        else {
            return Ok(None);
        };
        if own.places() == 0 {
            return Ok(None);
        }
        let read = |step: &StepName, output: &str| {
            self.steps.get(step).and_then(|record| record.outputs.get(output).cloned())
        };
        own.filled(&read).map(|own| Some(Box::new(Action::Outside(own))))
    }

    /// Takes one more event in.
    ///
    /// # Errors
    /// It cannot follow; the state is unchanged in that case.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), IllegalTransition> {
        let illegal = |why: IllegalMove| IllegalTransition {
            seq: recorded.seq,
            kind: recorded.event.kind(),
            why,
        };
        if recorded.seq != self.head.next() {
            return Err(illegal(IllegalMove::NotNext { last: self.head }));
        }
        self.apply_event(&recorded.event, recorded.at).map_err(illegal)?;
        self.head = recorded.seq;
        self.last_at = Some(recorded.at);
        Ok(())
    }

    /// Takes an event in that is about to be recorded.
    pub(super) fn decided(
        &mut self,
        event: &Event,
        at: Timestamp,
    ) -> Result<(), IllegalTransition> {
        let seq = self.head.next();
        self.apply_event(event, at).map_err(|why| IllegalTransition {
            seq,
            kind: event.kind(),
            why,
        })
    }

    /// What was taken in already is recorded, and where.
    pub(super) fn recorded(&mut self, recorded: &[Recorded]) {
        if let Some(last) = recorded.last() {
            self.head = last.seq;
            self.last_at = Some(last.at);
        }
    }

    /// Takes an event in that has no place yet. The turn uses it to see where its own events lead.
    pub(super) fn apply_event(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalMove> {
        if let Event::RunOpened { .. } = event {
            return self.open(event, at);
        }
        let Some(opened) = &self.opened else {
            return Err(IllegalMove::NotOpen);
        };
        let plan = Arc::clone(&opened.plan);
        if let RunPhase::Ended { .. } = self.phase
            && !matches!(
                event,
                Event::Reopened { .. } | Event::RunClaimed { .. } | Event::SkipAgreed { .. }
            )
        {
            return Err(IllegalMove::RunEnded);
        }
        if let Some(name) = event.step() {
            let unknown = || IllegalMove::UnknownStep(name.clone());
            let place = plan.place(name).ok_or_else(unknown)?;
            let record = self.steps.get_mut(name).ok_or_else(unknown)?;
            let before = releases_next(&plan.steps()[place], record);
            super::transition::apply_to_step(record, event, at)?;
            self.front.follow(&plan, &self.steps, place, before);
            self.after_step_event(&plan, event);
            return Ok(());
        }
        self.apply_to_run(event, at)
    }

    /// An event that is about no step.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is about a step was taken before")]
    fn apply_to_run(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalMove> {
        match event {
            Event::RunClaimed { .. } => {
                let gap = self.last_at.map_or(Duration::ZERO, |last| at.since(last));
                self.give_back(|_, since| since + gap);
            }
            Event::JournalAway { since: away } => {
                self.give_back(|step, since| outage::counted_from(step, since, (*away, at)));
            }
            Event::CancelRequested { .. } => self.phase = RunPhase::Cancelling,
            Event::UndoRequested { by, .. } => self.phase = RunPhase::Undoing { by: by.clone() },
            Event::DeadlinePassed {} => self.deadline_passed = true,
            Event::Waived { .. } | Event::TerminalLost {} => {}
            Event::Paused { by, .. } => self.paused = Some(by.clone()),
            Event::Continued { .. } => self.paused = None,
            Event::SourceDown { why, .. } => self.source_down = Some(why.clone()),
            Event::SettleRequested { .. } => {
                let Some(before) = self.last_outcome else {
                    return Err(IllegalMove::RunNotEnded);
                };
                self.phase = RunPhase::Settling { before };
                // It is tried again: the source may have come back.
                self.source_down = None;
            }
            Event::RunEnded { outcome } => {
                self.phase = RunPhase::Ended { outcome: *outcome, at };
                self.last_outcome = Some(*outcome);
                self.paused = None;
            }
            Event::Reopened { .. } => {
                if !matches!(self.phase, RunPhase::Ended { .. }) {
                    return Err(IllegalMove::RunNotEnded);
                }
                self.phase = RunPhase::Forward;
                self.stopped_by = None;
                self.deadline_passed = false;
            }
            _ => return Err(IllegalMove::NamesNoStep),
        }
        Ok(())
    }

    /// The run begins.
    fn open(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalMove> {
        let Event::RunOpened {
            run,
            plan,
            mode,
            endpoint,
            nonce,
            by,
            against,
            bad_days,
            regions_down,
            allow_no_strike,
            clock_factor,
            // For those who are told of it; the run goes as it would anywhere.
            place: _,
        } = event
        else {
            return Err(IllegalMove::NotOpen);
        };
        if self.opened.is_some() {
            return Err(IllegalMove::OpenAlready);
        }
        self.steps = plan.steps().iter().map(|s| (s.name.clone(), StepRecord::default())).collect();
        self.front = Front::of(plan);
        self.opened = Some(Opened {
            run: run.clone(),
            plan: Arc::new((**plan).clone()),
            mode: *mode,
            endpoint: endpoint.clone(),
            nonce: nonce.clone(),
            by: by.clone(),
            against: against.unwrap_or_else(|| RunTarget::of(*mode, endpoint)),
            bad_days: bad_days.clone(),
            regions_down: regions_down.clone(),
            allow_no_strike: *allow_no_strike,
            clock_factor: *clock_factor,
            at,
        });
        Ok(())
    }

    /// The time in which nobody drove the run, or in which nothing could be recorded, does not count against its
    /// steps: a run that is taken up hours later looks before it gives up. Where nobody drove it is counted from the last
    /// event, so rather too generous.
    fn give_back(&mut self, since: impl Fn(&Step, Timestamp) -> Timestamp) {
        let plan = self.opened.as_ref().map(|opened| Arc::clone(&opened.plan));
        for place in self.front.at_work() {
            let Some(step) = plan.as_ref().and_then(|plan| plan.steps().get(place)) else {
                continue;
            };
            let Some(record) = self.steps.get_mut(&step.name) else { continue };
            if let StepState::Working(work) = &mut record.state {
                work.since = since(step, work.since);
            }
        }
    }

    fn after_step_event(&mut self, plan: &Plan, event: &Event) {
        use crate::model::OnFailure;
        if let Event::StepFailed { step, .. } | Event::StepTimedOut { step } = event {
            let stops = plan.step(step).is_some_and(|s| s.on_failure != OnFailure::Continue);
            if stops && self.stopped_by.is_none() {
                self.stopped_by = Some(step.clone());
            }
        } else if let Event::StepReset { step, .. } | Event::StepSkipped { step, .. } = event
            && self.stopped_by.as_ref() == Some(step)
        {
            self.stopped_by = None;
        }
    }

    /// The record of a step.
    #[must_use]
    pub fn step(&self, name: &StepName) -> Option<&StepRecord> {
        self.steps.get(name)
    }

    /// Steps at work, held for a person, or out of time while Azure works on, in the order of the plan.
    pub(super) fn at_work(&self) -> impl Iterator<Item = (&Step, &StepRecord)> {
        let steps = self.opened.as_ref().map_or(&[][..], |opened| opened.plan.steps());
        let at_work = self.front.at_work().filter_map(|place| steps.get(place));
        at_work.filter_map(|step| self.steps.get(&step.name).map(|record| (step, record)))
    }

    /// Whether the run is over, and how.
    #[must_use]
    pub fn outcome(&self) -> Option<RunOutcome> {
        match self.phase {
            RunPhase::Ended { outcome, .. } => Some(outcome),
            RunPhase::Forward
            | RunPhase::Cancelling
            | RunPhase::Undoing { .. }
            | RunPhase::Settling { .. } => None,
        }
    }

    /// The steps that wait for a person: open gates and steps held in doubt.
    #[must_use]
    pub fn waiting_for_people(&self) -> Vec<&StepName> {
        let asks = |work: &AttemptWork| matches!(work.phase, Phase::Asking { .. });
        let waits = |record: &StepRecord| {
            matches!(record.state, StepState::Held { .. }) || record.work().is_some_and(asks)
        };
        let at_work = self.at_work().filter(|(_, record)| waits(record));
        let mut waiting: Vec<&StepName> = at_work.map(|(step, _)| &step.name).collect();
        waiting.sort();
        waiting
    }
}
