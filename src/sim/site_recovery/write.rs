//! What does a write in a vault do? It is taken with 202 and nothing said, and a job begins (recorded).

use std::time::Duration;

use serde_json::{Value, json};

use super::VaultRequest;
use super::ask::RETRY_AFTER;
use super::job::{Job, JobState, JobWork, Stage};
use super::pace::Pace;
use super::phase::MachineMove;
use super::place::{kind, spelled};
use super::refuse;
use super::stages::plain;
use super::words::VaultKind;
use crate::azure::wire::{Method, WireResponse};
use crate::model::ResourceId;
use crate::sim::fault::OperationFault;
use crate::sim::reply::{Refusal, empty_answer, json_answer};
use crate::sim::scenario::OutageWrites;
use crate::sim::under_way::NEVER;
use crate::sim::world::World;
use crate::sim::write::FAILS_LATE;

/// A job that is to begin.
pub(super) struct Begin {
    pub(super) target: ResourceId,
    /// The path under which its result is asked for; the job's own where nothing is said.
    pub(super) place: Option<String>,
    pub(super) work: JobWork,
    pub(super) items: Vec<ResourceId>,
    pub(super) stages: Vec<Stage>,
}

impl World {
    /// Refuses what no vault takes now: it is not there, its region is down, or we may not.
    pub(super) fn writable_vault(
        &mut self,
        id: &ResourceId,
        asked: &VaultRequest<'_>,
        right: &str,
    ) -> Result<(), Refusal> {
        self.check_writable(asked.vault)?;
        self.check_scope_locks(asked.request.method, id)?;
        self.check_right(id, right)?;
        let vault = self.body(asked.vault);
        if vault.is_none() && id != asked.vault {
            return Err(Refusal::not_found(asked.vault));
        }
        Ok(())
    }

    pub(super) fn refuse_busy(
        &self,
        id: &ResourceId,
        asked: &VaultRequest<'_>,
    ) -> Result<(), Refusal> {
        self.job_at_work(id, asked.now).map_or(Ok(()), |job| Err(refuse::busy(id, &job.id)))
    }

    /// A PUT or a PATCH.
    pub(super) fn write_in_vault(
        &mut self,
        id: &ResourceId,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        self.writable_vault(id, asked, "write")?;
        let body = asked.body()?;
        if !body.is_object() {
            return Err(refuse::invalid("The request has no body."));
        }
        if kind(id) == Some(VaultKind::AlertSettings) {
            return Ok(self.write_alerts(id, &body, asked));
        }
        // The network of a mapping is one that nobody makes: `azureNetwork` (recorded).
        let parent = id.parent().filter(|parent| kind(parent) != Some(VaultKind::Network));
        let parent = parent.or_else(|| id.parent().and_then(|network| network.parent()));
        if let Some(parent) = parent.filter(|parent| self.body(parent).is_none()) {
            return Err(refuse::missing(&parent));
        }
        if asked.request.method == Method::Patch && self.body(id).is_none() {
            return Err(refuse::missing(id));
        }
        self.refuse_busy(id, asked)?;
        let stored = self.recovery_body(id, &body)?;
        if self.body(id).is_none() && kind(id) == Some(VaultKind::Item) {
            use super::phase::ItemSide::{Primary, Recovery};
            for side in [Primary, Recovery] {
                if !self.side_is_up(&stored, side) {
                    let region = Self::side(&stored, side).map(|region| region.as_str().to_owned());
                    return Err(refuse::unreachable(id, &region.unwrap_or_default()));
                }
            }
        }
        self.count(id);
        let new = self.body(id).is_none();
        let pace = match kind(id) {
            Some(VaultKind::Fabric) if new => Pace::Fabric,
            Some(VaultKind::ContainerMapping) if new => Pace::Mapping,
            Some(VaultKind::NetworkMapping) => Pace::NetworkMapping,
            Some(VaultKind::Item) if new => Pace::Enable,
            _ => Pace::Book,
        };
        let stages = vec![plain("WriteTask", "Write", self.takes(pace, id, "write"))];
        let begin = Begin {
            target: id.clone(),
            place: Some(spelled(id)),
            work: JobWork::Write(stored),
            items: Vec::new(),
            stages,
        };
        Ok(self.begin_job(begin, asked))
    }

    /// Who is told of alerts: written at once (recorded).
    fn write_alerts(
        &mut self,
        id: &ResourceId,
        sent: &Value,
        asked: &VaultRequest<'_>,
    ) -> WireResponse {
        let property = |key: &str| sent["properties"].get(key).cloned().unwrap_or_default();
        let body = json!({
            "name": id.name(), "type": id.resource_type().as_str(), "id": spelled(id),
            "properties": { "sendToOwners": property("sendToOwners"),
                "customEmailAddresses": property("customEmailAddresses"), "locale": property("locale") },
        });
        self.write_body(id, body.clone(), asked.now);
        json_answer(200, &body)
    }

    /// A DELETE, or the action `remove`, of anything but an item.
    pub(super) fn delete_in_vault(
        &mut self,
        id: &ResourceId,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        let right = if asked.request.method == Method::Post { "remove/action" } else { "delete" };
        self.writable_vault(id, asked, right)?;
        if self.body(id).is_none() {
            return Ok(empty_answer(204));
        }
        if kind(id) == Some(VaultKind::Item) {
            return self.do_move(id, MachineMove::Disable, asked);
        }
        self.refuse_busy(id, asked)?;
        if let Some(user) = self.user_in_vault(id) {
            return Err(refuse::used(id, user.name()));
        }
        self.count(id);
        let takes = self.takes(Pace::Book, id, "delete");
        let begin = Begin {
            target: id.clone(),
            place: Some(spelled(id)),
            work: JobWork::Remove,
            items: Vec::new(),
            stages: vec![plain("DeleteTask", "Delete", takes)],
        };
        Ok(self.begin_job(begin, asked))
    }

    /// What keeps something from being deleted. A fabric goes with its containers when they are empty, as
    /// recorded of one whose container was removed before; network mappings go with it.
    fn user_in_vault(&self, id: &ResourceId) -> Option<ResourceId> {
        let vault = super::item::vault_of(id);
        let names = |body: &Value, key: &str| {
            let named = body["properties"].get(key).and_then(Value::as_str);
            named.is_some_and(|named| named.eq_ignore_ascii_case(id.as_str()))
        };
        let uses = |other: &&ResourceId| {
            let word = kind(other);
            let inside = *other != id
                && other.is_within(id)
                && matches!(word, Some(VaultKind::Container | VaultKind::Item));
            let mapping = word == Some(VaultKind::ContainerMapping) && !other.is_within(id);
            let points = |body: &Value| {
                (mapping && (names(body, "policyId") || names(body, "targetProtectionContainerId")))
                    || (word == Some(VaultKind::Item) && names(body, "policyId"))
            };
            other.is_within(&vault) && (inside || self.body(other).is_some_and(points))
        };
        self.ids().find(uses).cloned()
    }

    /// Counts a job of something: every draw depends on it.
    pub(super) fn count(&mut self, id: &ResourceId) {
        self.chance.count(id);
    }

    /// Begins a job, with its own luck, and says so.
    pub(super) fn begin_job(&mut self, begin: Begin, asked: &VaultRequest<'_>) -> WireResponse {
        let id = self.insert_job(begin, asked);
        let mut answer = empty_answer(202);
        if let Some(job) = self.vaults.job(&id) {
            answer.headers.push("Azure-AsyncOperation", job.status_url(asked.origin));
            answer.headers.push("Location", job.result_url(asked.origin));
            answer.headers.push("Retry-After", RETRY_AFTER);
        }
        answer
    }

    /// Begins a job; its id.
    pub(super) fn insert_job(&mut self, begin: Begin, asked: &VaultRequest<'_>) -> String {
        let ordinal = self.chance.ordinal(&begin.target);
        let id = self.chance.name(&[begin.target.key(), &ordinal.to_string(), "recovery job"]);
        let own_place = format!("{}/replicationJobs/{id}", spelled(asked.vault));
        let mut job = Job {
            id: id.clone(),
            vault: asked.vault.clone(),
            target: begin.target,
            place: begin.place.unwrap_or(own_place),
            work: begin.work,
            api_version: asked.api_version.to_owned(),
            items: begin.items,
            began: asked.now,
            stages: begin.stages,
            at: 0,
            state: JobState::InProgress,
            ended: None,
            failure_due: None,
            failure: None,
            forgotten: false,
            lingers: Duration::ZERO,
        };
        self.have_luck(&mut job, asked);
        if let Some(first) = job.stages.first_mut() {
            first.began = Some(asked.now);
        }
        let plan = job.target.clone();
        if let (JobWork::MachineMove(machine_move), Some(VaultKind::Plan)) =
            (&job.work, kind(&plan))
        {
            let current = job.current();
            let started = super::job_body::stamp(asked.now);
            let key = match machine_move {
                MachineMove::TestFailover => Some("lastTestFailoverTime"),
                MachineMove::PlannedFailover => Some("lastPlannedFailoverTime"),
                MachineMove::UnplannedFailover => Some("lastUnplannedFailoverTime"),
                MachineMove::TestFailoverCleanup
                | MachineMove::ChangePoint
                | MachineMove::Cancel
                | MachineMove::Commit
                | MachineMove::Reprotect
                | MachineMove::Switch
                | MachineMove::Disable => None,
            };
            self.resources.edit(&plan, |body| {
                body["properties"]["currentScenario"] = current;
                if let Some(key) = key {
                    body["properties"][key] = json!(started);
                }
            });
        }
        self.pause_for_people(&mut job);
        self.vaults.keep(job);
        id
    }

    /// The faults that a job meets, and the way in which a region is out.
    fn have_luck(&mut self, job: &mut Job, asked: &VaultRequest<'_>) {
        let path = asked.url.path().to_owned();
        let all = |job: &mut Job, change: &dyn Fn(Duration) -> Duration| {
            let parts = job.stages.iter_mut().flat_map(|stage| stage.parts.iter_mut());
            parts.for_each(|part| part.takes = change(part.takes));
        };
        for effect in self.operation_faults(asked.request.method.as_str(), &path, asked.now) {
            match effect {
                OperationFault::Fail { code } => {
                    let message = "The operation failed, by a fault of this world.";
                    job.failure_due = Some((code, message.to_owned()));
                }
                OperationFault::Slow { factor } => all(job, &|takes| takes * factor),
                OperationFault::Stuck => all(job, &|_| NEVER),
                OperationFault::Forget => job.forgotten = true,
                OperationFault::Linger { lasts } => job.lingers = lasts,
                OperationFault::Connection(_) => {}
            }
        }
        if self.is_out(asked.vault) && self.regions.writes() == OutageWrites::FailLate {
            all(job, &|_| FAILS_LATE);
            let message = "The service did not answer in time.";
            job.failure_due = Some(("GatewayTimeout".to_owned(), message.to_owned()));
        }
    }
}
