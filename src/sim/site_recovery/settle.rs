//! What has come to its end? Jobs go from stage to stage, and replication from phase to phase, each at its
//! time and in one order.

use serde_json::{Value, json};

use super::job::{Job, JobState, JobStep, JobWork};
use super::job_body::stamp;
use super::pace::Pace;
use super::phase::{ItemPhase, ItemSide, MachineMove, Standing};
use super::place::{is_ours, kind};
use super::stages::items_of;
use super::words::{Pairing, PlanStatus, RecoveryHealth, VaultKind};
use crate::model::{Region, ResourceId, Timestamp};
use crate::sim::parts::{Resource, State};
use crate::sim::unconfirmed;
use crate::sim::world::World;

/// What has come to an end.
enum DueInVault {
    /// A part of this job.
    Job(String),
    /// A phase of this item's replication.
    Item(ResourceId),
}

impl World {
    /// Lets what is due in vaults take effect.
    pub(in crate::sim) fn settle_site_recovery(&mut self, now: Timestamp) {
        while let Some((at, due)) = self.next_due(now) {
            match due {
                DueInVault::Job(id) => self.advance(&id, at),
                DueInVault::Item(item) => self.replicate(&item, at),
            }
        }
    }

    /// The next thing that has ended by now: a job's part, or an item's phase of replication.
    fn next_due(&self, now: Timestamp) -> Option<(Timestamp, DueInVault)> {
        let jobs = self.vaults.jobs();
        let goes_on = |job: &Job| job.failure_due.is_some() || !self.is_out(&job.vault);
        let job = jobs
            .filter_map(|job| Some((job.due().filter(|at| *at <= now)?, job)))
            .filter(|(_, job)| goes_on(job))
            .map(|(at, job)| (at, job.id.clone()))
            .min()
            .map(|(at, id)| (at, DueInVault::Job(id)));
        let items = self.vaults.replicating();
        let item = items
            .filter(|(id, at)| *at <= now && self.replicates(id))
            .map(|(id, at)| (at, id.clone()))
            .min()
            .map(|(at, id)| (at, DueInVault::Item(id)));
        match (job, item) {
            (Some(job), Some(item)) => Some(if job.0 <= item.0 { job } else { item }),
            (one, other) => one.or(other),
        }
    }

    /// Both ends of a replication must be there.
    fn replicates(&self, item: &ResourceId) -> bool {
        let both = [ItemSide::Primary, ItemSide::Recovery];
        self.body(item).is_none_or(|body| both.iter().all(|side| self.side_is_up(body, *side)))
    }

    /// The region of an item's side, where it has one.
    pub(super) fn side(body: &Value, side: ItemSide) -> Option<Region> {
        let key = match side {
            ItemSide::Primary => "primaryFabricLocation",
            ItemSide::Recovery => "recoveryFabricLocation",
        };
        let text = body.pointer(&format!("/properties/providerSpecificDetails/{key}"))?;
        Region::parse(text.as_str()?).ok()
    }

    /// Whether the region of an item's side answers.
    pub(super) fn side_is_up(&self, body: &Value, side: ItemSide) -> bool {
        Self::side(body, side).is_none_or(|region| !self.regions.is_down(&region))
    }

    fn replicate(&mut self, item: &ResourceId, at: Timestamp) {
        self.vaults.stop_replicating(item);
        let Some(next) =
            self.body(item).and_then(|body| Standing::of(&body["properties"]).replicated())
        else {
            return;
        };
        let number = self.chance.seed();
        self.resources.edit(item, |body| {
            next.write(&mut body["properties"]);
            super::item::replicated(body, next, at, number);
        });
        if next.phase == ItemPhase::FirstPoint {
            let takes = self.takes(Pace::FirstPoint, item, "first point");
            self.vaults.replicate_until(item, at + takes);
        }
    }

    /// Lets an item be copied, from now on.
    pub(super) fn seed_item(&mut self, item: &ResourceId, at: Timestamp, again: bool) {
        let pace = if again { Pace::Resync } else { Pace::Seeding };
        let takes = self.takes(pace, item, "seeding");
        self.vaults.replicate_until(item, at + takes);
    }

    /// Ends the parts of a job that are due, its stage with the last of them, and itself with its last stage.
    fn advance(&mut self, id: &str, at: Timestamp) {
        let Some(mut job) = self.vaults.job(id).cloned() else { return };
        let place = job.at;
        let Some(stage) = job.stages.get_mut(place) else { return };
        let began = stage.began.unwrap_or(at);
        let step = stage.step;
        let mut due = Vec::new();
        for part in stage.parts.iter_mut().filter(|part| !part.done && began + part.takes <= at) {
            part.done = true;
            due.push(part.item.clone());
        }
        let is_last = stage.parts.iter().all(|part| part.done);
        let mut failure = job.failure_due.clone().filter(|_| is_last);
        for item in due.into_iter().flatten().filter(|_| job.failure_due.is_none()) {
            failure = failure.or(self.part_done(&job, step, &item, at));
        }
        if let Some(failure) = failure {
            job.failure = Some(failure);
            self.end_job(job, JobState::Failed, at);
            return;
        }
        if is_last {
            if let Some(stage) = job.stages.get_mut(place) {
                stage.ended = Some(at);
            }
            job.at += 1;
            match job.stages.get_mut(job.at) {
                None => return self.end_job(job, JobState::Succeeded, at),
                Some(next) => next.began = Some(at),
            }
            self.pause_for_people(&mut job);
        }
        self.vaults.keep(job);
    }

    /// A stage that waits for a person suspends its job.
    pub(super) fn pause_for_people(&mut self, job: &mut Job) {
        let waits = job.stages.get(job.at).is_some_and(|stage| stage.manual.is_some());
        job.state = if waits { JobState::Suspended } else { JobState::InProgress };
        let status = if waits { PlanStatus::WaitsForPerson } else { PlanStatus::InProgress };
        self.tell_plan(&job.target.clone(), status);
    }

    fn tell_plan(&mut self, plan: &ResourceId, status: PlanStatus) {
        if kind(plan) == Some(VaultKind::Plan) {
            let (status, said) = status.words();
            self.resources.edit(plan, |body| {
                body["properties"]["currentScenarioStatus"] = json!(status);
                body["properties"]["currentScenarioStatusDescription"] = json!(said);
            });
        }
    }

    /// What one part of a stage does to its item; the code and message where it fails.
    fn part_done(
        &mut self,
        job: &Job,
        step: JobStep,
        item: &ResourceId,
        at: Timestamp,
    ) -> Option<(String, String)> {
        let JobWork::MachineMove(machine_move) = job.work else { return None };
        let body = self.body(item)?.clone();
        let standing = Standing::of(&body["properties"]);
        if let Some(failure) = self.unreachable(standing, step, machine_move, &body, item) {
            return Some(failure);
        }
        if step != JobStep::Main {
            return None;
        }
        let next = standing.after(machine_move)?;
        match machine_move {
            MachineMove::Disable => {
                self.forget_item(item);
                return None;
            }
            MachineMove::Switch => {
                self.switch_item(item, at);
                return None;
            }
            MachineMove::TestFailover
            | MachineMove::TestFailoverCleanup
            | MachineMove::PlannedFailover
            | MachineMove::UnplannedFailover
            | MachineMove::ChangePoint
            | MachineMove::Cancel
            | MachineMove::Commit
            | MachineMove::Reprotect => {}
        }
        let began = job.began;
        let current = job.current();
        self.resources.edit(item, |body| {
            let properties = &mut body["properties"];
            next.write(properties);
            moved(properties, item, machine_move, began, current);
            super::item::points_after(properties, item, machine_move);
        });
        if machine_move == MachineMove::Reprotect {
            self.seed_item(item, at, true);
        }
        None
    }

    /// What keeps a part from being done: a region that it needs and that is down.
    fn unreachable(
        &self,
        standing: Standing,
        step: JobStep,
        machine_move: MachineMove,
        body: &Value,
        item: &ResourceId,
    ) -> Option<(String, String)> {
        let there = standing.active.other();
        let needed = match (step, machine_move) {
            (JobStep::Plain, _)
            | (
                JobStep::Main,
                MachineMove::Commit | MachineMove::Disable | MachineMove::TestFailoverCleanup,
            ) => None,
            (JobStep::Shutdown, _) | (JobStep::Main, MachineMove::ChangePoint) => {
                Some(standing.active)
            }
            (JobStep::Main, _) => Some(there),
        };
        let side = needed.filter(|side| !self.side_is_up(body, *side))?;
        let region = Self::side(body, side).map(|region| region.as_str().to_owned());
        let message = format!(
            "The region '{}' cannot be reached, and '{}' needs it.",
            region.unwrap_or_default(),
            item.name()
        );
        Some((unconfirmed::FABRIC_UNREACHABLE.code.to_owned(), message))
    }

    /// An item that is protected no more is gone from its plans, too.
    fn forget_item(&mut self, item: &ResourceId) {
        self.resources.remove(item);
        self.vaults.stop_replicating(item);
        self.rename_in_plans(item, None);
    }

    /// Names an item anew in the plans that have it, or takes it out.
    pub(super) fn rename_in_plans(&mut self, item: &ResourceId, to: Option<&str>) {
        let plans: Vec<ResourceId> =
            self.ids().filter(|id| kind(id) == Some(VaultKind::Plan)).cloned().collect();
        for plan in plans {
            let has = |body: &Value| {
                let groups = body["properties"]["groups"].as_array();
                groups.into_iter().flatten().any(|group| items_of(group).contains(item))
            };
            if !self.body(&plan).is_some_and(has) {
                continue;
            }
            self.resources.edit(&plan, |body| {
                let groups = body["properties"]["groups"].as_array_mut();
                for group in groups.into_iter().flatten() {
                    let Some(list) = group["replicationProtectedItems"].as_array_mut() else {
                        continue;
                    };
                    let is = |one: &Value| {
                        one["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(item.as_str()))
                    };
                    match to {
                        Some(to) => list
                            .iter_mut()
                            .filter(|one| is(one))
                            .for_each(|one| one["id"] = json!(to)),
                        None => list.retain(|one| !is(one)),
                    }
                }
            });
        }
    }

    /// Ends a job, and does what was to be done at its end.
    pub(super) fn end_job(&mut self, mut job: Job, state: JobState, at: Timestamp) {
        job.state = state;
        job.ended = Some(at);
        let done = state == JobState::Succeeded;
        let target = job.target.clone();
        let status = match (&job.work, state) {
            (JobWork::MachineMove(MachineMove::TestFailover), JobState::Succeeded) => {
                PlanStatus::TestStands
            }
            (_, JobState::Succeeded) => PlanStatus::Succeeded,
            (_, JobState::Cancelled) => PlanStatus::Cancelled,
            (
                _,
                JobState::InProgress
                | JobState::Suspended
                | JobState::Cancelling
                | JobState::Failed,
            ) => PlanStatus::Failed,
        };
        match &job.work {
            JobWork::MachineMove(_) => self.tell_plan(&target, status),
            JobWork::Write(body) if done => {
                let new = self.body(&target).is_none();
                let body = body.clone();
                self.write_body(&target, body, at);
                if new && kind(&target) == Some(VaultKind::Item) {
                    self.seed_item(&target, at, false);
                }
            }
            JobWork::Remove | JobWork::RemoveVault if done => {
                self.resources.remove(&target);
                self.resources.remove_within(&target);
                if job.is_of_vault() {
                    // What was done in it is gone with it.
                    self.vaults.forget_vault(&target);
                }
            }
            JobWork::MakeVault => {
                let state = if done { State::Succeeded } else { State::Failed };
                self.resources.edit(&target, super::vault::complete);
                self.resources.set_state(&target, state, at);
            }
            JobWork::CancelJob(other) if done => {
                if let Some(other) = self.vaults.job(other).cloned()
                    && !other.is_over()
                {
                    self.end_job(other, JobState::Cancelled, at);
                }
            }
            _ => {}
        }
        self.vaults.keep(job);
    }

    /// Stores a body.
    pub(super) fn write_body(&mut self, id: &ResourceId, body: Value, at: Timestamp) {
        let version = self.resources.version(id) + 1;
        let resource = Resource { body, state: State::Succeeded, version, settled_at: at };
        self.resources.insert(id.clone(), resource);
    }

    /// A recording's end of a job: all that is left of it happens now.
    pub(in crate::sim) fn finish_job(
        &mut self,
        id: &str,
        failure: Option<(String, String)>,
        now: Timestamp,
    ) {
        self.vaults.edit_job(id, |job| {
            for stage in &mut job.stages {
                stage.parts.iter_mut().for_each(|part| part.takes = std::time::Duration::ZERO);
            }
            job.failure_due = job.failure_due.take().or(failure);
        });
        self.settle_site_recovery(now);
    }

    /// What a world file says of the middle of a job is over in the world that begins: nobody works on it.
    pub(in crate::sim) fn begin_in_vault(&mut self, id: &ResourceId, now: Timestamp) {
        if !is_ours(id) {
            return;
        }
        match kind(id) {
            Some(VaultKind::Item) => {
                let mut began = None;
                self.resources.edit(id, |body| {
                    began = Standing::begin(&mut body["properties"]);
                    if began.is_some_and(|own| own.phase != ItemPhase::Tested) {
                        body["properties"]["currentScenario"] = super::item::no_scenario(id);
                    }
                });
                let Some(standing) = began else { return };
                match standing.phase {
                    ItemPhase::Seeding => {
                        let again = standing.active == ItemSide::Recovery;
                        self.seed_item(id, now, again);
                    }
                    ItemPhase::FirstPoint => {
                        let takes = self.takes(Pace::FirstPoint, id, "first point");
                        self.vaults.replicate_until(id, now + takes);
                    }
                    ItemPhase::Protected
                    | ItemPhase::Tested
                    | ItemPhase::FailedOver
                    | ItemPhase::Committed => {}
                }
            }
            // What a GET computes is not stored.
            Some(VaultKind::Fabric) => self.resources.edit(id, |body| {
                if let Some(ids) = body.pointer_mut("/properties/customDetails/containerIds") {
                    *ids = json!([]);
                }
            }),
            Some(VaultKind::Container) => self.resources.edit(id, |body| {
                body["properties"]["protectedItemCount"] = json!(0);
                body["properties"]["pairingStatus"] = json!(Pairing::NotPaired.as_str());
            }),
            Some(VaultKind::Plan) => self.resources.edit(id, |body| {
                let properties = &mut body["properties"];
                properties["allowedOperations"] = json!([]);
                let (going, _) = PlanStatus::InProgress.words();
                let (_, waiting) = PlanStatus::WaitsForPerson.words();
                if properties["currentScenarioStatusDescription"] == waiting
                    || properties["currentScenarioStatus"] == going
                {
                    properties["currentScenarioStatus"] = Value::Null;
                    properties["currentScenarioStatusDescription"] = Value::Null;
                    properties["currentScenario"] = Value::Null;
                }
            }),
            _ => {}
        }
    }
}

/// What an item tells of the move that was just made.
fn moved(
    properties: &mut Value,
    item: &ResourceId,
    machine_move: MachineMove,
    began: Timestamp,
    current: Value,
) {
    match machine_move {
        MachineMove::TestFailover => {
            properties["lastSuccessfulTestFailoverTime"] = json!(stamp(began));
            properties["currentScenario"] = current;
        }
        MachineMove::PlannedFailover | MachineMove::UnplannedFailover => {
            properties["lastSuccessfulFailoverTime"] = json!(stamp(began));
        }
        MachineMove::TestFailoverCleanup
        | MachineMove::ChangePoint
        | MachineMove::Cancel
        | MachineMove::Commit
        | MachineMove::Reprotect
        | MachineMove::Switch
        | MachineMove::Disable => {
            properties["currentScenario"] = super::item::no_scenario(item);
        }
    }
    if machine_move == MachineMove::TestFailover {
        properties["failoverHealth"] = json!(RecoveryHealth::Normal.as_str());
        properties["healthErrors"] = json!([]);
    }
}
