//! What is there to show? Flat, serialisable views; the only thing that texts and templates see.
//!
//! The names of the fields are the machine output's and are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Ourselves;
use super::by_hand;
use super::carried::Aim;
use super::left::LeftView;
use super::recovered::{recovered_at, until_recovered};
use super::split::split;
use super::step_words::{change, question, why};
pub use super::strikes::StrikesView;
use super::timeline::{Timeline, Waited, seconds};
pub use super::told::ToldView;
use super::truth::{RunStanding, RunTruth, truth};
use super::writes::{Writes, of_each_step};
use crate::engine::{Actor, Phase, Recorded, RunKind, RunPhase, RunState, StepState};
use crate::model::{Plan, RunId, RunOutcome, Step, StepName, StepStatus, Timestamp};

/// The schema of a run's view.
pub const RUN_SCHEMA: &str = "backroad.run/1";
/// The schema of a preview's view.
pub const PLAN_SCHEMA: &str = "backroad.plan/1";
/// The schema of the list of runs.
pub const RUNS_SCHEMA: &str = "backroad.runs/1";
/// The schema of a check's view.
pub const CHECK_SCHEMA: &str = "backroad.check/1";
/// The schema of a verification of a history.
pub const VERIFY_SCHEMA: &str = "backroad.verify/1";

/// Whether somebody drives the run while it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driven {
    /// A process holds it.
    ByAProcess,
    /// Nobody does.
    ByNobody,
}

/// One run, flat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// [`RUN_SCHEMA`].
    pub schema: String,
    /// Its id.
    pub run: String,
    /// Its runbook.
    pub runbook: String,
    /// What the runbook does.
    pub title: String,
    /// The profile it was compiled under.
    pub profile: Option<String>,
    /// `drill`, `simulated` (against a simulator that is served) or `live`.
    pub mode: RunKind,
    /// The bad days that a drill lived through, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad_days: Vec<String>,
    /// The regions that whoever began a drill took down in it, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions_down: Vec<String>,
    /// What each of them, and each fault of a drill's world, met and struck.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strikes: Vec<StrikesView>,
    /// What each receiver of messages has been told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<ToldView>,
    /// Where Azure is.
    pub endpoint: String,
    /// How it ended, or where it stands: `waiting`, `interrupted` or `running` and no more. [`RunView::now`] says it
    /// finer.
    pub outcome: RunStanding,
    /// Who started it: the name they gave, and the account they spoke from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What people told it, in order: when, what, who and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<String>,
    /// When it was opened.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// From its opening to its last event, in seconds.
    pub elapsed_seconds: f64,
    /// From its opening to the last step's end, in seconds, if it succeeded.
    pub recovery_seconds: Option<f64>,
    /// The same of a run that had succeeded, and was taken back since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back_seconds: Option<f64>,
    /// What that is measured against.
    pub objective_seconds: Option<f64>,
    /// How much of it went by for people alone, in seconds: they decided, or had work in hand, while nothing of
    /// Azure's was under way. The report says the two apart.
    pub people_seconds: f64,
    /// How long nothing was reachable: from the removal of a connection to the first proof that
    /// routes are learned after another was made, in seconds; none when no connection was swapped.
    pub window_seconds: Option<f64>,
    /// What each site reached at the end, in a drill: the simulated network's own answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reachability: Vec<ReachView>,
    /// What each site reached from when on, in a drill: the first is what it found, the last what it
    /// left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<ReachedView>,
    /// The circuits that carry what is reached as they did before, where the run has come to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried_as_before: Vec<String>,
    /// What was proven to be advertised and is not reached over the circuits it came to, in a drill: each with why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_reached: Vec<String>,
    /// Whether what its steps brought about still stands, where that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<LeftView>,
    /// What it was to bring about.
    #[serde(skip)]
    pub(super) aim: Aim,
    /// The chain of steps that made the run as long as it was.
    pub critical_path: Vec<String>,
    /// Writes that Azure took.
    pub writes: u32,
    /// Writes of which nobody knows whether Azure took them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub writes_in_doubt: u32,
    /// Its steps, in the author's order.
    pub steps: Vec<StepView>,
    /// What is left for a person to look after.
    pub obligations: Vec<String>,
    /// What stays of what it did, of a run that was undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<String>,
    /// The last event's place.
    pub events: u64,
    /// Where its log is, for whoever looks on the host that keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// What is true of it at the moment at which it is looked at; none in a record of what was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<RunTruth>,
    /// How this program is called again, from where the page is read.
    #[serde(skip)]
    pub ourselves: Ourselves,
}

/// What each site reached from a moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedView {
    /// The moment.
    pub at: Timestamp,
    /// The answers of the simulated network.
    pub reach: Vec<ReachView>,
}

impl RunView {
    /// Whether it did what it was for.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        self.outcome == RunStanding::Succeeded
    }
}

/// Whether a site reaches a network, flat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachView {
    /// The site.
    pub site: String,
    /// The network in Azure.
    pub network: String,
    /// The ids of the virtual networks that have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vnets: Vec<String>,
    /// `reachable`, or why not.
    pub verdict: String,
    /// Whether it is.
    pub works: bool,
    /// The circuits that its packets take.
    pub circuits: Vec<String>,
}

/// One step of a run, flat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// What it does.
    pub title: String,
    /// The action's name.
    pub action: String,
    /// Where it stands.
    pub status: StepStatus,
    /// How many attempts were begun, undo included.
    pub attempts: u32,
    /// How many of its writes were refused before they were accepted.
    pub refusals: u32,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended, the last time.
    pub ended_at: Option<Timestamp>,
    /// From the run's opening to its start, in seconds.
    pub start_seconds: Option<f64>,
    /// From the run's opening to its end, in seconds.
    pub end_seconds: Option<f64>,
    /// What it waited for before it began; for a gate, what its answer took.
    pub waited_for: Option<Waited>,
    /// The steps it needs.
    pub needs: Vec<String>,
    /// The resource it is about.
    pub resource: Option<String>,
    /// What became of the resource: `created`, `updated`, `already_so`, `restored`, `removed`.
    pub change: Option<String>,
    /// Why it stands as it does, if that needs a word.
    pub why: Option<String>,
    /// Whether it was left out since its condition does not call for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_called_for: bool,
    /// The question of its open gate.
    pub question: Option<String>,
    /// How to do it by hand, for a step that did not do: the commands of the document, as they are.
    pub by_hand: Option<String>,
    /// Whom to call, for such a step.
    #[serde(default)]
    pub call: Option<String>,
}

/// One line of the list of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Its id.
    pub run: String,
    /// Its runbook; none when the run cannot be read.
    pub runbook: Option<String>,
    /// As [`RunView::mode`].
    pub mode: Option<RunKind>,
    /// As [`RunView::outcome`].
    pub outcome: Option<String>,
    /// Where it stands, as every view says it; none when the run cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<RunStanding>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// Who started it, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The steps at which people are asked now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_gates: Vec<String>,
    /// When it was opened.
    pub started_at: Option<Timestamp>,
    /// How long ago that was, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<f64>,
    /// As [`RunView::recovery`].
    pub recovery_seconds: Option<f64>,
    /// Why not all is recovered, where every step of a drill was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<String>,
    /// Who drives it now.
    pub holder: Option<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

impl RunLine {
    /// Of a run whose events were not read.
    #[must_use]
    pub fn unread(run: &RunId, holder: Option<String>, problem: Option<String>) -> Self {
        Self {
            run: run.to_string(),
            runbook: None,
            mode: None,
            outcome: None,
            standing: None,
            headline: None,
            by: None,
            open_gates: Vec::new(),
            started_at: None,
            age_seconds: None,
            recovery_seconds: None,
            short: None,
            holder,
            problem,
        }
    }
}

/// The view of a run; none before its first event.
#[must_use]
pub fn run_view(state: &RunState, events: &[Recorded], driven: Driven) -> Option<RunView> {
    let last = state.last_at.or(state.opened.as_ref().map(|opened| opened.at))?;
    viewed(state, events, driven, last)
}

/// The view of a run, what is open measured until `now`.
fn viewed(
    state: &RunState,
    events: &[Recorded],
    driven: Driven,
    now: Timestamp,
) -> Option<RunView> {
    let opened = state.opened.as_ref()?;
    let plan = &opened.plan;
    let timeline = Timeline::of(until_recovered(events));
    let since = |at: Timestamp| seconds(at.since(opened.at));
    let writes = of_each_step(events);
    let steps: Vec<StepView> = plan
        .steps()
        .iter()
        .filter_map(|step| step_view(state, plan, step, &timeline, &writes, now))
        .collect();
    let split = split(events, plan);
    let succeeded = state.outcome() == Some(RunOutcome::Succeeded);
    Some(RunView {
        schema: RUN_SCHEMA.to_owned(),
        run: opened.run.to_string(),
        runbook: plan.parts().runbook.to_string(),
        title: plan.parts().title.clone(),
        profile: plan.parts().profile.clone(),
        mode: opened.kind(),
        bad_days: opened.bad_days.clone(),
        regions_down: opened.regions_down.iter().map(ToString::to_string).collect(),
        strikes: Vec::new(),
        told: Vec::new(),
        endpoint: opened.endpoint.clone(),
        outcome: outcome(state, driven),
        by: opened.by.as_ref().map(ToString::to_string),
        said: super::spoken::lines(events, plan, opened.at),
        started_at: opened.at,
        ended_at: ended_at(state),
        elapsed_seconds: since(now),
        recovery_seconds: recovered_at(events).filter(|_| succeeded).map(since),
        taken_back_seconds: recovered_at(events).filter(|_| taken_back(state)).map(since),
        objective_seconds: plan.parts().objective.rto.map(seconds),
        people_seconds: seconds(split.deciding + split.people + split.left),
        window_seconds: timeline.window(plan, events).map(seconds),
        reachability: Vec::new(),
        reached: Vec::new(),
        carried_as_before: Vec::new(),
        not_reached: Vec::new(),
        left: None,
        aim: Aim::of(state, plan),
        critical_path: timeline.critical_path(plan, driven == Driven::ByNobody),
        writes: writes.values().map(|write| write.taken).sum(),
        writes_in_doubt: writes.values().map(|write| u32::from(write.in_doubt)).sum(),
        steps,
        obligations: state.obligations(),
        stays: stays(state),
        events: state.head.0,
        log: None,
        now: None,
        ourselves: Ourselves::default(),
    })
}

fn taken_back(state: &RunState) -> bool {
    matches!(state.outcome(), Some(RunOutcome::Undone | RunOutcome::UndoIncomplete))
}

fn ended_at(state: &RunState) -> Option<Timestamp> {
    let RunPhase::Ended { at, .. } = state.phase else { return None };
    Some(at)
}

/// What was not taken back by a run that was.
fn stays(state: &RunState) -> Vec<String> {
    match state.outcome() {
        Some(RunOutcome::Undone | RunOutcome::UndoIncomplete) => state.stays(),
        Some(RunOutcome::Succeeded | RunOutcome::Failed | RunOutcome::Cancelled) | None => {
            Vec::new()
        }
    }
}

/// The view of a step, in the time of its run.
fn step_view(
    state: &RunState,
    plan: &Plan,
    step: &Step,
    timeline: &Timeline,
    writes: &BTreeMap<StepName, Writes>,
    now: Timestamp,
) -> Option<StepView> {
    let opened = state.opened.as_ref()?.at;
    let since = |at: Timestamp| seconds(at.since(opened));
    let record = state.step(&step.name)?;
    let span = timeline.spans.get(&step.name).cloned().unwrap_or_default();
    let why = why(record);
    let failed =
        matches!(record.status(), StepStatus::Failed | StepStatus::TimedOut | StepStatus::Held);
    Some(StepView {
        name: step.name.to_string(),
        title: step.title.clone(),
        action: step.action.name().to_owned(),
        status: record.status(),
        attempts: record.attempt,
        refusals: record.refusals,
        started_at: span.began,
        ended_at: span.ended,
        start_seconds: span.began.map(since),
        end_seconds: span.ended.map(since),
        waited_for: timeline.waited(plan, &step.name, now),
        needs: step.needs.iter().map(ToString::to_string).collect(),
        resource: step.action.subject().map(ToString::to_string),
        change: change(step, record, writes).map(str::to_owned),
        why,
        not_called_for: matches!(record.state, StepState::Skipped { by: Actor::Engine, .. }),
        question: question(record),
        by_hand: failed
            .then(|| {
                let exact = by_hand::typed(step, &plan.parts().secrets);
                exact.or_else(|| step.prose.by_hand.clone())
            })
            .flatten(),
        call: step.prose.call.clone().filter(|_| failed),
    })
}

/// The view of a run at a moment: its clock goes on between events. None before its first event.
#[must_use]
pub fn run_view_at(
    state: &RunState,
    events: &[Recorded],
    driven: Driven,
    now: Timestamp,
) -> Option<RunView> {
    let truth = truth(state, events, driven, now)?;
    let last = state.last_at.unwrap_or(truth.at);
    // What was settled after the end belongs to the view as it always did.
    let until = if truth.standing.is_end() { last } else { truth.at };
    let view = viewed(state, events, driven, until)?;
    Some(RunView { now: Some(truth), ..view })
}

/// How the run ended, or where it stands.
fn outcome(state: &RunState, driven: Driven) -> RunStanding {
    if let Some(outcome) = state.outcome() {
        return RunStanding::of_outcome(outcome);
    }
    let at_work = state.steps.values().any(|record| {
        record.work().is_some_and(|work| !matches!(work.phase, Phase::Asking { .. }))
    });
    let asked = !state.waiting_for_people().is_empty();
    match driven {
        _ if state.paused.is_some() && !at_work => RunStanding::Waiting,
        _ if asked && !at_work => RunStanding::Waiting,
        Driven::ByAProcess => RunStanding::Running,
        Driven::ByNobody => RunStanding::Interrupted,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}
