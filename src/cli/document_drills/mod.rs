//! What does the executor do on a good day, and when a step meets a fault? Drills in memory, for
//! documents: nothing of them is kept.

mod good_day;
mod judge;
mod sample;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use self::good_day::GoodDay;
use self::judge::{DIFFERS, folded, judge, last, not_met, stopped};
use self::sample::{Sample, sample};
use super::args::Waive;
use super::azure::SecretSettings;
use super::error::{CliError, Status};
use super::preflight;
use super::world::KeptDrill;
use crate::drill::{Drill, DrillError, Drilled};
use crate::model::{Action, ActionClass, Plan, ResourceId, Step, StepName, Timestamp};
use crate::outside::BesideAzure;
use crate::preflight::Finding;
use crate::render::document::material::{self, Cell, Day, Handling, Matrix, PreflightRefusal};
use crate::render::run_view;
use crate::render::view::{Driven, RunView};
use crate::sim::bad_day::library;
use crate::sim::{BadDay, Fault, FaultEffect, World};

/// A fault of one step.
struct DrilledFault {
    id: &'static str,
    title: &'static str,
    what: &'static str,
    times: u32,
    effect: fn() -> FaultEffect,
    /// Whether a step that only looks can meet it.
    looks: bool,
}

/// So many times that it does not pass by itself.
const FOR_GOOD: u32 = 1_000;

const DRILLED_FAULTS: [DrilledFault; 8] = [
    DrilledFault {
        id: "request-lost",
        title: "Request lost",
        what: "The request never arrives, and nobody can know that.",
        times: 1,
        effect: || FaultEffect::LoseRequest,
        looks: true,
    },
    DrilledFault {
        id: "answer-lost",
        title: "Answer lost",
        what: "Azure does what was asked, and its answer never arrives.",
        times: 1,
        effect: || FaultEffect::LoseAnswer,
        looks: true,
    },
    DrilledFault {
        id: "throttled",
        title: "Throttled",
        what: "429 three times, each with half a minute to wait.",
        times: 3,
        effect: || FaultEffect::Throttle { after: Some(Duration::from_secs(30)) },
        looks: true,
    },
    DrilledFault {
        id: "refused",
        title: "Region refuses",
        what: "503 ServiceUnavailable four times, without a time to come back.",
        times: 4,
        effect: || FaultEffect::Refuse { status: 503, code: "ServiceUnavailable".to_owned() },
        looks: true,
    },
    DrilledFault {
        id: "slow",
        title: "Three times slower",
        what: "Azure takes the write and needs three times as long.",
        times: 1,
        effect: || FaultEffect::Slow { factor: 3 },
        looks: false,
    },
    DrilledFault {
        id: "fails-once",
        title: "Fails once",
        what: "Azure takes the write, its operation fails, and works when repeated.",
        times: 1,
        effect: || FaultEffect::Fail { code: "InternalServerError".to_owned() },
        looks: false,
    },
    DrilledFault {
        id: "stuck",
        title: "Never ends",
        what: "Azure takes the write and says InProgress for ever.",
        times: 1,
        effect: || FaultEffect::Stuck,
        looks: false,
    },
    DrilledFault {
        id: "forbidden",
        title: "Forbidden",
        what: "403 AuthorizationFailed every time: the right is missing.",
        times: FOR_GOOD,
        effect: || FaultEffect::Refuse { status: 403, code: "AuthorizationFailed".to_owned() },
        looks: true,
    },
];

/// Where drills begin: a world, and the time in it.
pub(super) struct DrillOrigin {
    pub(super) plan: Plan,
    pub(super) world: World,
    pub(super) now: Timestamp,
}

impl DrillOrigin {
    async fn play(&self, with_faults: impl FnOnce(&mut World)) -> Result<Drilled, DrillError> {
        let mut world = self.world.clone();
        with_faults(&mut world);
        let secrets = Arc::new(SecretSettings::of(&self.plan));
        Drill::within(&self.plan, world, self.now).secrets(secrets).run().await
    }

    /// The drill on a good day.
    ///
    /// # Errors
    /// It broke.
    pub(super) async fn good_day(&self) -> Result<GoodDay, CliError> {
        let played = self.play(|_| {}).await.map_err(|error| {
            CliError::refused("The drill for the document broke.").because(&error)
        })?;
        let state = folded(&played)?;
        let view = run_view(&state, &played.events, Driven::ByNobody)
            .ok_or_else(|| CliError::refused("The drill for the document has no event."))?;
        let stopped = stopped(&played.ending, &state, &view);
        Ok(GoodDay { view, stopped, world: played.world, end: played.now })
    }

    /// What preflight would refuse here, before the first step. A drill of it would not be started.
    ///
    /// # Errors
    /// Nothing can be asked.
    pub(super) async fn refused(&self, place: &str) -> Result<Vec<PreflightRefusal>, CliError> {
        // In a copy: looking leaves no trace in the world of the drills.
        let looked = KeptDrill::within(self.world.clone(), self.now, &self.plan)?;
        let beside = BesideAzure::stand_in(Arc::clone(&looked.clock));
        let waive = Waive::default();
        let found =
            preflight::look(&looked.arm, &beside, &looked.clock, &self.plan, &waive).await?;
        let refusal = |finding: &Finding| PreflightRefusal {
            rule: finding.rule.to_owned(),
            finding: match finding.verdict.why() {
                Some(why) => format!("{}: {why}", finding.about),
                None => finding.about.clone(),
            },
            place: place.to_owned(),
        };
        Ok(found.blocking().map(refusal).collect())
    }

    /// Every fault at every step that reads or writes, and every bad day of the library. The drills
    /// go side by side; each has a world and a clock of its own. Where they would be too many, steps
    /// that are alike share those of one of them.
    ///
    /// # Errors
    /// A drill could not be set up.
    pub(super) async fn matrix(
        self: &Arc<Self>,
        good: &Arc<GoodDay>,
        place: &str,
        heard: &dyn DrillsHeard,
    ) -> Result<Matrix, CliError> {
        let mut cells = BTreeMap::new();
        let mut fault_drills = Vec::new();
        let Sample { alike, stands_in } = sample(&self.plan, &good.view, drills_of);
        for step in self.plan.steps().iter().filter(|step| !stands_in.contains(&step.name)) {
            for fault in &DRILLED_FAULTS {
                let key = (step.name.clone(), fault.id.to_owned());
                match (step.action.subject(), fault.looks) {
                    (None, _) => {}
                    (Some(_), false) if step.action.written().is_none() => {
                        let text = String::new();
                        cells.insert(key, Cell { handling: Handling::NotMet, text });
                    }
                    (Some(subject), _) => {
                        let faults = faults(step, subject, fault, &good.view);
                        fault_drills.push(FaultDrill::At(key, faults));
                    }
                }
            }
        }
        fault_drills.extend(library().iter().map(FaultDrill::Day));
        let drills = fault_drills.len();
        heard.begins(drills, &alike);
        let mut days: Vec<Option<Day>> = vec![None; library().len()];
        for (fault_drill, cell) in self.try_all(good, fault_drills, heard).await? {
            match fault_drill {
                FaultDrill::At(key, _) => {
                    cells.insert(key, cell);
                }
                FaultDrill::Day(day) => {
                    let place = library().iter().position(|other| other == day);
                    let (name, title) = (day.name.clone(), day.title.clone());
                    let what = day.what.clone();
                    if let Some(slot) = place.and_then(|place| days.get_mut(place)) {
                        *slot = Some(Day { name, title, what, cell });
                    }
                }
            }
        }
        let days: Vec<Day> = days.into_iter().flatten().collect();
        Ok(Matrix {
            proof: format!(
                "Proven by {drills} drills when this document was made, {place}.{}",
                sample::said(&alike)
            ),
            faults: DRILLED_FAULTS
                .iter()
                .map(|m| (m.id.to_owned(), m.title.to_owned(), m.what.to_owned()))
                .collect(),
            digest: material::digest(&cells, &days),
            cells,
            days,
            alike,
        })
    }

    async fn try_all(
        self: &Arc<Self>,
        good: &Arc<GoodDay>,
        fault_drills: Vec<FaultDrill>,
        heard: &dyn DrillsHeard,
    ) -> Result<Vec<(FaultDrill, Cell)>, CliError> {
        let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut waiting = fault_drills.into_iter();
        let mut under_way = JoinSet::new();
        let mut done = Vec::new();
        loop {
            while under_way.len() < at_once
                && let Some(fault_drill) = waiting.next()
            {
                let (stage, good) = (Arc::clone(self), Arc::clone(good));
                under_way.spawn(async move { stage.try_one(&good, fault_drill).await });
            }
            let Some(one) = under_way.join_next().await else { return Ok(done) };
            done.push(one.map_err(|error| {
                CliError::new(Status::Bug, "A drill for the document broke.").because(&error)
            })?);
            heard.done(done.len());
        }
    }

    async fn try_one(&self, good: &GoodDay, fault_drill: FaultDrill) -> (FaultDrill, Cell) {
        let now = self.now;
        match fault_drill {
            FaultDrill::At(key, faults) => {
                let count = faults.len();
                let played = self.play(|world| {
                    world.begin_at(now);
                    faults.into_iter().for_each(|fault| world.add_fault(fault));
                });
                let played = played.await;
                let cell = match not_met(&played, |all| last(all, count)) {
                    Some(cell) => cell,
                    None => judge(played, good, Some(&key.0)),
                };
                (FaultDrill::At(key, Vec::new()), cell)
            }
            FaultDrill::Day(day) => {
                let played = self.play(|world| world.live_through(day, &self.plan, now)).await;
                if let Some(cell) =
                    not_met(&played, |all| all.into_iter().filter(|one| one.is_day).collect())
                {
                    return (fault_drill, cell);
                }
                let cell = match judge(played, good, None) {
                    // What others changed is not the run's to put right.
                    cell if day.is_lived_by_others() && cell.text == DIFFERS => {
                        Cell { handling: Handling::Recovers, text: String::new() }
                    }
                    cell => cell,
                };
                (fault_drill, cell)
            }
        }
    }
}

/// How many drills the faults of a step take: a look meets fewer of them, a step of people none.
fn drills_of(step: &Step) -> usize {
    let looks_only = step.action.written().is_none();
    match step.action.subject() {
        None => 0,
        Some(_) => DRILLED_FAULTS.iter().filter(|fault| fault.looks || !looks_only).count(),
    }
}

/// Who is told how far the drills of a document are.
pub(super) trait DrillsHeard: Send + Sync {
    /// So many will be made; the steps of which each stands for so many others.
    fn begins(&self, drills: usize, alike: &BTreeMap<StepName, usize>);
    /// So many are done.
    fn done(&self, drills: usize);
}

/// One drill to be made.
enum FaultDrill {
    /// A fault at a step.
    At((StepName, String), Vec<Fault>),
    /// A bad day.
    Day(&'static BadDay),
}

/// The fault of a step. It is met from when the step begins, since others look at the same resource
/// before, or write it: a plan that goes there and back asks twice for the same commit. A look meets it as a
/// GET of the resource, or as a POST to it or to what it has inside.
fn faults(step: &Step, subject: &ResourceId, fault: &DrilledFault, good: &RunView) -> Vec<Fault> {
    let of = |method: &str, target: &str| {
        Fault::new(Some(method), target, fault.times, (fault.effect)())
    };
    let mut faults = match (&step.action, step.action.nature().class) {
        (Action::RecoveryPlan(spec), _) => {
            vec![of("POST", &format!("{subject}/{}", spec.to.verb()))]
        }
        (_, ActionClass::Remove) => vec![of("DELETE", subject.as_str())],
        (_, ActionClass::Look) => {
            vec![of("GET", subject.as_str()), of("POST", &format!("{subject}*"))]
        }
        (
            _,
            ActionClass::Make
            | ActionClass::Change
            | ActionClass::Release
            | ActionClass::Call
            | ActionClass::Ask
            | ActionClass::Wait,
        ) => vec![of("PUT", subject.as_str())],
    };
    let from = began(good, step);
    faults.iter_mut().for_each(|fault| fault.from = from);
    faults
}

/// How long after the beginning a step began.
fn began(view: &RunView, step: &Step) -> Option<Duration> {
    let seen = view.steps.iter().find(|seen| seen.name == step.name.as_str())?;
    Some(Duration::from_secs_f64(seen.start_seconds?.max(0.0)))
}
