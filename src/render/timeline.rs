//! What waited for what? Read from the events alone: when each step began and ended, why it did not
//! begin earlier, and which chain of steps made the run as long as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::outage::{makes_connection, removes_connection};
use crate::engine::{Event, Recorded};
use crate::model::probe::ReachProof;
use crate::model::{Plan, StepName, Timestamp};

/// A start this soon after what it waited for needs no other reason.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What a step waited for before it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Waited {
    /// The step it needs that ended last.
    Step {
        /// That step.
        step: StepName,
    },
    /// Another step that had the same resource to itself.
    Resource {
        /// The resource's name.
        resource: String,
        /// The step that had it.
        step: StepName,
    },
    /// A person's answer.
    Person {
        /// How long, in seconds.
        seconds: f64,
    },
}

/// When a step began and ended, and what people had to do with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct StepSpan {
    pub(super) began: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    /// When a gate of it was open.
    pub(super) asked: Vec<(Timestamp, Option<Timestamp>)>,
    /// When it began to be taken back.
    pub(super) undo_began: Option<Timestamp>,
}

impl StepSpan {
    /// How long its gates were open, up to `now` when one still is.
    pub(super) fn asked_for(&self, now: Timestamp) -> Duration {
        self.asked.iter().map(|(from, to)| to.unwrap_or(now).since(*from)).sum()
    }

    fn answered(&mut self, at: Timestamp) {
        if let Some((_, end @ None)) = self.asked.last_mut() {
            *end = Some(at);
        }
    }
}

/// The spans of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Timeline {
    pub(super) spans: BTreeMap<StepName, StepSpan>,
}

impl Timeline {
    pub(super) fn of(events: &[Recorded]) -> Self {
        let mut spans: BTreeMap<StepName, StepSpan> = BTreeMap::new();
        for Recorded { at, event, .. } in events {
            let Some(step) = event.step() else { continue };
            let span = spans.entry(step.clone()).or_default();
            match event {
                Event::StepStarted { .. } | Event::GateOpened { .. } => {
                    span.began.get_or_insert(*at);
                    span.ended = None;
                    if let Event::GateOpened { .. } = event {
                        span.asked.push((*at, None));
                    }
                }
                Event::Approved { .. } | Event::Declined { .. } | Event::GateExpired { .. } => {
                    span.answered(*at);
                }
                Event::StepSucceeded { .. }
                | Event::StepFailed { .. }
                | Event::StepTimedOut { .. }
                | Event::StepHeld { .. }
                | Event::StepSkipped { .. } => {
                    span.answered(*at);
                    span.ended = Some(*at);
                }
                Event::StepReset { .. } => span.ended = None,
                Event::UndoStarted { .. } => {
                    span.undo_began.get_or_insert(*at);
                }
                Event::StepUndone { .. } | Event::StepUndoFailed { .. } => span.ended = Some(*at),
                _ => {}
            }
        }
        Self { spans }
    }

    /// How long nothing was reachable, when one connection was removed for another.
    pub(super) fn window(&self, plan: &Plan, events: &[Recorded]) -> Option<Duration> {
        let steps = || plan.steps().iter();
        let removed = steps().find(|step| removes_connection(&step.action))?;
        let from = events.iter().find_map(|recorded| match &recorded.event {
            Event::Accepted { step, .. } if *step == removed.name => Some(recorded.at),
            _ => None,
        })?;
        let place = plan.place(&removed.name)?;
        let after = plan.dag().descendants(place);
        let made = steps().enumerate().any(|(at, step)| {
            after.contains(&at)
                && makes_connection(&step.action)
                && self.ended(&step.name).is_some()
        });
        // What was seen from where traffic must flow proves more than routes do.
        let proof = |wanted: ReachProof| {
            steps()
                .enumerate()
                .filter(|(at, step)| after.contains(at) && step.action.proof() == Some(wanted))
                .filter_map(|(_, step)| self.ended(&step.name))
                .filter(|at| *at > from)
                .min()
        };
        let proven = proof(ReachProof::Seen).or_else(|| proof(ReachProof::Routes))?;
        made.then(|| proven.since(from))
    }

    fn ended(&self, step: &StepName) -> Option<Timestamp> {
        self.spans.get(step).and_then(|span| span.ended)
    }

    fn began(&self, step: &StepName) -> Option<Timestamp> {
        self.spans.get(step).and_then(|span| span.began)
    }

    /// The need that ended last.
    fn last_need(&self, plan: &Plan, step: &StepName) -> Option<(StepName, Timestamp)> {
        let needs = &plan.step(step)?.needs;
        needs
            .iter()
            .filter_map(|need| Some((need.clone(), self.ended(need)?)))
            .max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)))
    }

    /// The step that had one of the same resources to itself until this one began.
    fn holder(
        &self,
        plan: &Plan,
        name: &StepName,
        since: Option<Timestamp>,
    ) -> Option<(StepName, String)> {
        let began = self.began(name)?;
        let wanted: BTreeSet<_> =
            plan.step(name)?.action.holds().into_iter().map(|hold| hold.resource).collect();
        plan.steps()
            .iter()
            .filter(|other| other.name != *name)
            .filter_map(|other| {
                let shared = other
                    .action
                    .holds()
                    .into_iter()
                    .find(|hold| wanted.contains(&hold.resource))?;
                let (from, to) = (self.began(&other.name)?, self.ended(&other.name)?);
                let overlaps = from <= began && to <= began + AT_ONCE && Some(to) > since;
                overlaps.then(|| (to, other.name.clone(), shared.resource.name().to_owned()))
            })
            .max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)))
            .map(|(_, step, resource)| (step, resource))
    }

    /// Why the step did not begin earlier; for a gate, what its answer took.
    pub(super) fn waited(&self, plan: &Plan, name: &StepName, now: Timestamp) -> Option<Waited> {
        let span = self.spans.get(name)?;
        let asked = span.asked_for(now);
        if asked >= AT_ONCE {
            let seconds = seconds(asked);
            return Some(Waited::Person { seconds });
        }
        let began = span.began?;
        let need = self.last_need(plan, name);
        let since = need.as_ref().map(|(_, at)| *at);
        if since.is_none_or(|at| began.since(at) > AT_ONCE)
            && let Some((step, resource)) = self.holder(plan, name, since)
        {
            return Some(Waited::Resource { resource, step });
        }
        need.map(|(step, _)| Waited::Step { step })
    }

    /// The chain of steps that made the run as long as it was, first to last: from the step that
    /// ended last back along what each one waited for. Where nobody drives it any more, from the step that it was
    /// left at, if Azure is at work on one: the one that has been so for longest.
    pub(super) fn critical_path(&self, plan: &Plan, left: bool) -> Vec<String> {
        let open = plan.steps().iter().filter(|step| {
            let span = self.spans.get(&step.name);
            let asks = |span: &StepSpan| span.asked.last().is_some_and(|(_, to)| to.is_none());
            left && span.is_some_and(|span| span.ended.is_none() && !asks(span))
        });
        let open = open
            .filter_map(|step| Some((self.began(&step.name)?, &step.name)))
            .min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1)));
        let last = plan
            .steps()
            .iter()
            .filter_map(|step| Some((self.ended(&step.name)?, &step.name)))
            .filter(|(_, name)| self.began(name).is_some())
            .max_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(a.1)));
        let mut way = Vec::new();
        let mut next = open.or(last).map(|(_, name)| name.clone());
        while let Some(name) = next {
            if way.contains(&name) {
                break;
            }
            let need = self.last_need(plan, &name);
            let since = need.as_ref().map(|(_, at)| *at);
            let late = self
                .began(&name)
                .is_some_and(|began| since.is_none_or(|at| began.since(at) > AT_ONCE));
            let holder = late.then(|| self.holder(plan, &name, since)).flatten();
            next = holder.map(|(step, _)| step).or_else(|| need.map(|(step, _)| step));
            way.push(name);
        }
        // A step that nobody did took no time; what it waited for may have.
        way.retain(|name| self.began(name).is_some());
        way.iter().rev().map(ToString::to_string).collect()
    }
}

/// Seconds to a thousandth.
pub(super) fn seconds(duration: Duration) -> f64 {
    let millis = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    f64::from(millis) / 1_000.0
}
