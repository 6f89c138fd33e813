//! What is done to items, plans, containers and jobs? Each move is refused where it is not allowed, and begins a
//! job where it is.

use serde_json::Value;

use super::VaultRequest;
use super::job::{JobState, JobWork};
use super::pace::Pace;
use super::phase::{MachineMove, Standing};
use super::place::{kind, spelled};
use super::refuse;
use super::stages::{Order, plain};
use super::words::{JobAction, SourceOperations, VaultAction, VaultKind};
use super::write::Begin;
use crate::azure::wire::WireResponse;
use crate::model::ResourceId;
use crate::model::recovery::FailoverDirection;
use crate::sim::reply::Refusal;
use crate::sim::world::World;

impl World {
    /// A POST.
    pub(super) fn act_in_vault(
        &mut self,
        id: &ResourceId,
        verb: &str,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        match (kind(id), VaultAction::parse(verb)) {
            (Some(VaultKind::Job), _) => match JobAction::parse(verb) {
                Some(action) => self.act_on_job(id, action, asked),
                None => Err(no_action(verb)),
            },
            (Some(VaultKind::Vault), Some(VaultAction::Export)) => {
                let target = asked.vault.child("replicationJobs", "export");
                self.small_job(target.unwrap_or_else(|_| id.clone()), None, JobWork::Export, asked)
            }
            (Some(VaultKind::Health), Some(VaultAction::Refresh)) => {
                let place = format!("{}/replicationVaultHealth", spelled(asked.vault));
                self.small_job(id.clone(), Some(place), JobWork::RefreshHealth, asked)
            }
            (Some(VaultKind::Container), Some(VaultAction::SwitchProtection)) => {
                self.switch(id, asked)
            }
            (
                Some(VaultKind::Container | VaultKind::ContainerMapping | VaultKind::Fabric),
                Some(VaultAction::Remove),
            ) => self.delete_in_vault(id, asked),
            (Some(own @ (VaultKind::Item | VaultKind::Plan)), _) => {
                match MachineMove::parse(verb) {
                    Some(machine_move @ (MachineMove::Disable | MachineMove::ChangePoint))
                        if own == VaultKind::Plan =>
                    {
                        Err(unknown(verb, machine_move))
                    }
                    Some(machine_move) => {
                        self.writable_vault(id, asked, &format!("{verb}/action"))?;
                        self.do_move(id, machine_move, asked)
                    }
                    None => Err(no_action(verb)),
                }
            }
            _ => Err(no_action(verb)),
        }
    }

    /// Does something to an item or a plan.
    pub(super) fn do_move(
        &mut self,
        id: &ResourceId,
        machine_move: MachineMove,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        let Some(body) = self.body(id) else { return Err(refuse::missing(id)) };
        let is_plan = kind(id) == Some(VaultKind::Plan);
        let groups: Option<Vec<Value>> =
            is_plan.then(|| body["properties"]["groups"].as_array().cloned().unwrap_or_default());
        let items = if is_plan { self.items_of_plan(id) } else { vec![id.clone()] };
        for busy in items.iter().chain([id]) {
            self.refuse_busy(busy, asked)?;
        }
        let allowed = self.allowed_in_vault(id, asked.now);
        if !allowed.contains(&machine_move.allowed_as()) {
            return Err(refuse::not_allowed(id, machine_move, &allowed));
        }
        let sent = asked.body()?;
        let text = |key: &str| sent["properties"].get(key).and_then(Value::as_str);
        let own = items.first().and_then(|item| self.body(item));
        let own = own.map_or(Standing::NEW, |body| Standing::of(&body["properties"])).direction();
        if let Some(direction) = text("failoverDirection")
            && machine_move.has_direction()
            && machine_move != MachineMove::Reprotect
            && FailoverDirection::parse(direction) != Some(own)
        {
            return Err(refuse::wrong_direction(id, direction, own));
        }
        self.refuse_unreachable(&items, machine_move)?;
        if machine_move == MachineMove::TestFailover {
            self.check_test_network(text("networkId"))?;
        }
        // Where nobody says that nothing is done at the source, it is tried first.
        let source = text("sourceSiteOperations").and_then(SourceOperations::parse);
        let shuts_down = machine_move == MachineMove::PlannedFailover
            || (machine_move == MachineMove::UnplannedFailover
                && source != Some(SourceOperations::NotRequired));
        self.count(id);
        items.iter().filter(|item| *item != id).for_each(|item| self.count(item));
        let order = Order {
            machine_move,
            target: id,
            items: &items,
            groups: groups.as_deref(),
            shuts_down,
            direction: own,
        };
        let stages = self.stages(&order);
        let place = Some(spelled(id));
        let begin = Begin {
            target: id.clone(),
            place,
            work: JobWork::MachineMove(machine_move),
            items,
            stages,
        };
        Ok(self.begin_job(begin, asked))
    }

    /// The network of a test must be there, and we must see it.
    fn check_test_network(&mut self, network: Option<&str>) -> Result<(), Refusal> {
        let Some(network) = network else { return Ok(()) };
        let found = ResourceId::parse(network).ok().filter(|id| self.body(id).is_some());
        let missing = || refuse::invalid(format!("The network '{network}' was not found."));
        self.check_right(&found.ok_or_else(missing)?, "read")
    }

    /// What needs a region that is down is refused at once where Azure must ask it first: the source of a planned
    /// failover; and where an item is to go back to, of one that is protected again or cancelled.
    fn refuse_unreachable(
        &self,
        items: &[ResourceId],
        machine_move: MachineMove,
    ) -> Result<(), Refusal> {
        for item in items {
            let Some(body) = self.body(item) else { continue };
            let active = Standing::of(&body["properties"]).active;
            let needed = match machine_move {
                MachineMove::PlannedFailover => active,
                MachineMove::Reprotect | MachineMove::Switch | MachineMove::Cancel => {
                    active.other()
                }
                MachineMove::TestFailover
                | MachineMove::TestFailoverCleanup
                | MachineMove::UnplannedFailover
                | MachineMove::ChangePoint
                | MachineMove::Commit
                | MachineMove::Disable => continue,
            };
            if !self.side_is_up(body, needed) {
                let region = Self::side(body, needed).map(|region| region.as_str().to_owned());
                return Err(refuse::unreachable(item, &region.unwrap_or_default()));
            }
        }
        Ok(())
    }

    /// Protects an item again as one of the other side (recorded of Azure to Azure).
    fn switch(
        &mut self,
        container: &ResourceId,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        self.writable_vault(container, asked, "switchprotection/action")?;
        if self.body(container).is_none() {
            return Err(refuse::missing(container));
        }
        let sent = asked.body()?;
        let name = sent["properties"]["replicationProtectedItemName"].as_str().unwrap_or_default();
        let item = container.child("replicationProtectedItems", name);
        let item = item.map_err(|_| refuse::invalid("replicationProtectedItemName is missing."))?;
        if self.body(&item).is_none() {
            return Err(refuse::missing(&item));
        }
        self.refuse_busy(&item, asked)?;
        let allowed = self.allowed_in_vault(&item, asked.now);
        if !allowed.contains(&MachineMove::Switch.allowed_as()) {
            return Err(refuse::not_allowed(&item, MachineMove::Switch, &allowed));
        }
        let items = vec![item];
        self.refuse_unreachable(&items, MachineMove::Switch)?;
        self.count(container);
        items.iter().for_each(|item| self.count(item));
        let order = Order {
            machine_move: MachineMove::Switch,
            target: container,
            items: &items,
            groups: None,
            shuts_down: false,
            direction: FailoverDirection::PrimaryToRecovery,
        };
        let stages = self.stages(&order);
        let begin = Begin {
            target: container.clone(),
            place: Some(spelled(container)),
            work: JobWork::MachineMove(MachineMove::Switch),
            items,
            stages,
        };
        Ok(self.begin_job(begin, asked))
    }

    /// A job of a second, that nothing keeps from beginning.
    fn small_job(
        &mut self,
        target: ResourceId,
        place: Option<String>,
        work: JobWork,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        self.writable_vault(&target, asked, "action")?;
        self.count(&target);
        let takes = self.takes(Pace::Book, &target, "small");
        let (name, said) = match work {
            JobWork::RefreshHealth => ("RefreshFailoverHealthTask", "Refreshing failover health"),
            JobWork::Export => ("ExportJobsTask", "Exporting jobs"),
            JobWork::Write(_)
            | JobWork::Remove
            | JobWork::MachineMove(_)
            | JobWork::CancelJob(_)
            | JobWork::RestartJob(_)
            | JobWork::ResumeJob(_)
            | JobWork::MakeVault
            | JobWork::RemoveVault => ("RemediateTask", "Changing the job"),
        };
        let stages = vec![plain(name, said, takes)];
        Ok(self.begin_job(Begin { target, place, work, items: Vec::new(), stages }, asked))
    }

    /// Cancels, resumes or restarts a job: by a job of its own.
    fn act_on_job(
        &mut self,
        id: &ResourceId,
        action: JobAction,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        let verb = action.as_str().to_ascii_lowercase();
        self.writable_vault(id, asked, &format!("{verb}/action"))?;
        let name = id.name().to_ascii_lowercase();
        let job = self.vaults.job(&name).filter(|job| job.vault == *asked.vault);
        let Some(mut job) = job.cloned() else { return Err(refuse::missing(id)) };
        if !job.allowed_actions().contains(&action) {
            return Err(refuse::job_action(&name, &verb));
        }
        let work = match action {
            JobAction::Cancel => {
                job.state = JobState::Cancelling;
                JobWork::CancelJob(name)
            }
            JobAction::Resume => {
                if let Some(stage) = job.stages.get_mut(job.at) {
                    // Somebody has done it: the stage ends, and the next one begins.
                    stage.manual = None;
                    stage.began = Some(asked.now);
                }
                self.pause_for_people(&mut job);
                JobWork::ResumeJob(name)
            }
            JobAction::Restart => {
                for busy in job.items.iter().chain([&job.target]) {
                    self.refuse_busy(busy, asked)?;
                }
                self.restart(&mut job, asked);
                JobWork::RestartJob(name)
            }
        };
        self.vaults.keep(job);
        self.small_job(id.clone(), None, work, asked)
    }

    /// Lets a failed job go on from the stage at which it failed, for the items that are still to be done.
    fn restart(&mut self, job: &mut super::job::Job, asked: &VaultRequest<'_>) {
        let JobWork::MachineMove(machine_move) = job.work else { return };
        (job.ended, job.failure, job.failure_due) = (None, None, None);
        let can = |item: &ResourceId| {
            let body = self.body(item);
            body.is_some_and(|body| Standing::of(&body["properties"]).after(machine_move).is_some())
        };
        let at = job.at;
        if let Some(stage) = job.stages.get_mut(at) {
            stage.began = Some(asked.now);
            for part in &mut stage.parts {
                part.done = part.item.as_ref().is_some_and(|item| !can(item));
            }
        }
        self.pause_for_people(job);
    }
}

fn no_action(verb: &str) -> Refusal {
    let message = format!("The action '{verb}' is not one of this world's.");
    Refusal::new(400, "InvalidAction", message).by_gateway()
}

fn unknown(verb: &str, machine_move: MachineMove) -> Refusal {
    let message = format!(
        "A recovery plan knows no action '{verb}' ({}).",
        machine_move.allowed_as().as_str()
    );
    Refusal::new(400, "InvalidAction", message).by_gateway()
}
