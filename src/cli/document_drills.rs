//! What does the executor do on a good day, and when a step meets a fault? Drills in memory, for
//! documents: nothing of them is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::azure::SecretSettings;
use super::error::{CliError, Status};
use super::world::reach_view;
use crate::drill::{Drill, DrillError, Drilled};
use crate::engine::{Ending, Event, Recorded, RunState, StepRecord, StepState};
use crate::model::{Action, ActionClass, Plan, ResourceId, RunOutcome, Step, StepName, Timestamp};
use crate::render::document::material::{self, Cell, Day, Handling, Matrix};
use crate::render::run_view;
use crate::render::view::{Driven, ReachView, RunView};
use crate::sim::bad_day::library;
use crate::sim::{BadDay, Fault, FaultEffect, Strikes, World};

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

/// A drill on a good day: what happened, and the world after it.
pub(super) struct GoodDay {
    pub(super) view: RunView,
    world: World,
    end: Timestamp,
}

impl GoodDay {
    /// What each site reaches after it.
    pub(super) fn reachability(&self) -> Vec<ReachView> {
        self.world.reachability().into_iter().map(reach_view).collect()
    }
}

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
        Ok(GoodDay { view, world: played.world, end: played.now })
    }

    /// Every fault at every step that reads or writes, and every bad day of the library. The drills
    /// go side by side; each has a world and a clock of its own.
    ///
    /// # Errors
    /// A drill could not be set up.
    pub(super) async fn matrix(
        self: &Arc<Self>,
        good: &Arc<GoodDay>,
        place: &str,
    ) -> Result<Matrix, CliError> {
        let mut cells = BTreeMap::new();
        let mut fault_drills = Vec::new();
        for step in self.plan.steps() {
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
        let mut days: Vec<Option<Day>> = vec![None; library().len()];
        for (fault_drill, cell) in self.try_all(good, fault_drills).await? {
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
            proof: format!("Proven by {drills} drills when this document was made, {place}."),
            faults: DRILLED_FAULTS
                .iter()
                .map(|m| (m.id.to_owned(), m.title.to_owned(), m.what.to_owned()))
                .collect(),
            digest: material::digest(&cells, &days),
            cells,
            days,
        })
    }

    async fn try_all(
        self: &Arc<Self>,
        good: &Arc<GoodDay>,
        fault_drills: Vec<FaultDrill>,
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
                let played = self.play(|world| world.live_through(day, now)).await;
                if let Some(cell) =
                    not_met(&played, |all| all.into_iter().filter(|one| one.is_day).collect())
                {
                    return (fault_drill, cell);
                }
                let cell = match judge(played, good, None) {
                    // What others changed is not the run's to put right.
                    cell if !day.events.is_empty() && cell.text == DIFFERS => {
                        Cell { handling: Handling::Recovers, text: String::new() }
                    }
                    cell => cell,
                };
                (fault_drill, cell)
            }
        }
    }
}

/// The cell of a drill in which nothing of what was to go wrong did: no step meets it.
fn not_met(
    played: &Result<Drilled, DrillError>,
    own: impl FnOnce(Vec<Strikes>) -> Vec<Strikes>,
) -> Option<Cell> {
    let played = played.as_ref().ok()?;
    let own = own(played.world.strikes());
    let idle = !own.is_empty() && own.iter().all(|one| one.struck == 0);
    idle.then(|| Cell { handling: Handling::NotMet, text: String::new() })
}

/// The last so many that are no bad days: those of a drill stand behind the world's own.
fn last(all: Vec<Strikes>, count: usize) -> Vec<Strikes> {
    let faults: Vec<Strikes> = all.into_iter().filter(|one| !one.is_day).collect();
    let from = faults.len().saturating_sub(count);
    faults.into_iter().skip(from).collect()
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

fn folded(played: &Drilled) -> Result<RunState, CliError> {
    RunState::fold(&played.events).map_err(|error| {
        CliError::refused("The drill for the document does not make sense.").because(&error)
    })
}

const DIFFERS: &str = "the run says that it succeeded, and the world is another";

fn judge(played: Result<Drilled, DrillError>, good: &GoodDay, at: Option<&StepName>) -> Cell {
    let unhandled = |text: String| Cell { handling: Handling::Unhandled, text };
    let played = match played {
        Ok(played) => played,
        Err(error) => return unhandled(error.to_string().trim_end_matches('.').to_owned()),
    };
    let Ok(state) = folded(&played) else {
        return unhandled("its journal does not make sense".to_owned());
    };
    let record = at.and_then(|name| state.step(name));
    match played.ending {
        Ending::Ended(RunOutcome::Succeeded) => {
            if let Some(step) = gone_on_without(&played.events, &state) {
                let text = format!("asks at {step}, and goes on without it at a yes");
                return Cell { handling: Handling::Asks, text };
            }
            if played.world.comparable() != good.world.comparable()
                && state.obligations().is_empty()
            {
                return unhandled(DIFFERS.to_owned());
            }
            let later = played.now.since(good.end);
            Cell { handling: Handling::Recovers, text: recovered(record, later) }
        }
        Ending::Ended(RunOutcome::Undone) => {
            Cell { handling: Handling::Undoes, text: "everything is put back".to_owned() }
        }
        Ending::Ended(outcome) => match why(&state, at) {
            Some(why) => Cell { handling: Handling::Stops, text: why },
            None => unhandled(format!("it ended {outcome}, and no step says why")),
        },
        Ending::Waiting(steps) => {
            let names: Vec<String> = steps.iter().map(ToString::to_string).collect();
            Cell { handling: Handling::Asks, text: format!("waits at {}", names.join(", ")) }
        }
        Ending::Interrupted => unhandled("it was interrupted".to_owned()),
    }
}

/// The first step whose failure a person was asked about, and that was gone on without.
fn gone_on_without<'e>(events: &'e [Recorded], state: &RunState) -> Option<&'e StepName> {
    events.iter().find_map(|recorded| match &recorded.event {
        Event::GateOpened { step, failure: Some(_), .. } => {
            let left = state.step(step).map(|record| &record.state);
            matches!(left, Some(StepState::Skipped { .. })).then_some(step)
        }
        _ => None,
    })
}

fn recovered(record: Option<&StepRecord>, later: Duration) -> String {
    let mut parts = Vec::new();
    if let Some(record) = record {
        let again = record.attempt.saturating_sub(1) + record.refusals;
        match again {
            0 => {}
            1 => parts.push("tried again".to_owned()),
            n => parts.push(format!("tried again {n} times")),
        }
    }
    match later.as_secs() {
        0 => {}
        seconds if seconds < 120 => parts.push(format!("{seconds} s later")),
        seconds => parts.push(format!("{} min later", (seconds + 30) / 60)),
    }
    parts.join(", ")
}

/// What stopped a run, in a few words; the step is not named where it is the one that met it.
fn why(state: &RunState, at: Option<&StepName>) -> Option<String> {
    let first = state.stopped_by.as_ref().and_then(|name| state.steps.get_key_value(name));
    first.into_iter().chain(&state.steps).find_map(|(name, record)| {
        let what = match &record.state {
            StepState::Failed(error) => error.code.clone(),
            StepState::TimedOut { .. } => "time is up".to_owned(),
            StepState::Held { why } => why.clone(),
            _ => return None,
        };
        Some(if at == Some(name) { what } else { format!("{name}: {what}") })
    })
}
