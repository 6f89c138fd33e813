//! What is done to items, plans, containers and jobs? Each deed is refused where it is not allowed, and begins a
//! job where it is.

use serde_json::Value;

use super::VaultRequest;
use super::job::{JobState, JobWork};
use super::pace::Pace;
use super::phase::{ItemSide, MachineMove, Standing};
use super::place::{kind, spelled};
use super::refuse;
use super::stages::{Order, plain};
use super::write::Begin;
use crate::azure::wire::WireResponse;
use crate::model::ResourceId;
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
        let word = kind(id);
        match (word.as_str(), verb) {
            ("replicationjobs", "cancel" | "resume" | "restart") => {
                self.act_on_job(id, verb, asked)
            }
            ("vaults", "export") => {
                let target = asked.vault.child("replicationJobs", "export");
                self.small_job(target.unwrap_or_else(|_| id.clone()), None, JobWork::Export, asked)
            }
            ("replicationvaulthealth", "refresh") => {
                let place = format!("{}/replicationVaultHealth", spelled(asked.vault));
                self.small_job(id.clone(), Some(place), JobWork::RefreshHealth, asked)
            }
            ("replicationprotectioncontainers", "switchprotection") => self.switch(id, asked),
            ("replicationprotectioncontainers", "remove")
            | ("replicationprotectioncontainermappings", "remove")
            | ("replicationfabrics", "remove") => self.delete_in_vault(id, asked),
            ("replicationprotecteditems" | "replicationrecoveryplans", _) => {
                match MachineMove::parse(verb) {
                    Some(deed @ (MachineMove::Disable | MachineMove::ChangePoint))
                        if word == "replicationrecoveryplans" =>
                    {
                        Err(unknown(verb, deed))
                    }
                    Some(deed) => {
                        self.writable_vault(id, asked, &format!("{verb}/action"))?;
                        self.do_deed(id, deed, asked)
                    }
                    None => Err(no_action(verb)),
                }
            }
            _ => Err(no_action(verb)),
        }
    }

    /// Does something to an item or a plan.
    pub(super) fn do_deed(
        &mut self,
        id: &ResourceId,
        deed: MachineMove,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        let Some(body) = self.body(id) else { return Err(refuse::missing(id)) };
        let is_plan = kind(id) == "replicationrecoveryplans";
        let groups: Option<Vec<Value>> =
            is_plan.then(|| body["properties"]["groups"].as_array().cloned().unwrap_or_default());
        let items = if is_plan { self.items_of_plan(id) } else { vec![id.clone()] };
        for busy in items.iter().chain([id]) {
            self.refuse_busy(busy, asked)?;
        }
        let allowed = self.allowed_in_vault(id, asked.now);
        if !allowed.iter().any(|word| word == deed.allowed_word()) {
            return Err(refuse::not_allowed(id, deed, &allowed));
        }
        let sent = asked.body()?;
        let text = |key: &str| sent["properties"].get(key).and_then(Value::as_str);
        let own = items.first().and_then(|item| self.body(item));
        let own = own.map_or(Standing::NEW, |body| Standing::of(&body["properties"])).direction();
        let direction = text("failoverDirection").unwrap_or(own).to_owned();
        if deed.has_direction() && deed != MachineMove::Reprotect && direction != own {
            return Err(refuse::wrong_direction(id, &direction, own));
        }
        self.refuse_unreachable(&items, deed)?;
        if let (MachineMove::TestFailover, Some(network)) = (deed, text("networkId")) {
            let network = ResourceId::parse(network)
                .ok()
                .filter(|network| self.body(network).is_some())
                .ok_or_else(|| {
                    refuse::invalid(format!("The network '{network}' was not found."))
                })?;
            self.check_right(&network, "read")?;
        }
        // Where nobody says that nothing is done at the source, it is tried first.
        let required = text("sourceSiteOperations").is_none_or(|said| said != "NotRequired");
        let shuts_down = deed == MachineMove::PlannedFailover
            || (deed == MachineMove::UnplannedFailover && required);
        self.count(id);
        items.iter().filter(|item| *item != id).for_each(|item| self.count(item));
        let order = Order {
            deed,
            target: id,
            items: &items,
            groups: groups.as_deref(),
            shuts_down,
            direction: &direction,
        };
        let stages = self.stages(&order);
        let place = Some(spelled(id));
        let begin =
            Begin { target: id.clone(), place, work: JobWork::MachineMove(deed), items, stages };
        Ok(self.begin_job(begin, asked))
    }

    /// What needs a region that is down is refused at once where Azure must ask it first: the source of a planned
    /// failover; and where an item is to go back to, of one that is protected again or cancelled.
    fn refuse_unreachable(&self, items: &[ResourceId], deed: MachineMove) -> Result<(), Refusal> {
        for item in items {
            let Some(body) = self.body(item) else { continue };
            let active = Standing::of(&body["properties"]).active;
            let other =
                if active == ItemSide::Primary { ItemSide::Recovery } else { ItemSide::Primary };
            let needed = match deed {
                MachineMove::PlannedFailover => active,
                MachineMove::Reprotect | MachineMove::Switch | MachineMove::Cancel => other,
                _ => continue,
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
        if !allowed.iter().any(|word| word == MachineMove::Switch.allowed_word()) {
            return Err(refuse::not_allowed(&item, MachineMove::Switch, &allowed));
        }
        let items = vec![item];
        self.refuse_unreachable(&items, MachineMove::Switch)?;
        self.count(container);
        items.iter().for_each(|item| self.count(item));
        let order = Order {
            deed: MachineMove::Switch,
            target: container,
            items: &items,
            groups: None,
            shuts_down: false,
            direction: "",
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
            _ => ("RemediateTask", "Changing the job"),
        };
        let stages = vec![plain(name, said, takes)];
        Ok(self.begin_job(Begin { target, place, work, items: Vec::new(), stages }, asked))
    }

    /// Cancels, resumes or restarts a job: by a job of its own.
    fn act_on_job(
        &mut self,
        id: &ResourceId,
        verb: &str,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        self.writable_vault(id, asked, &format!("{verb}/action"))?;
        let name = id.name().to_ascii_lowercase();
        let job = self.vaults.job(&name).filter(|job| job.vault == *asked.vault);
        let Some(mut job) = job.cloned() else { return Err(refuse::missing(id)) };
        let allowed = job.allowed_actions();
        if !allowed.iter().any(|word| word.eq_ignore_ascii_case(verb)) {
            return Err(refuse::job_action(&name, verb));
        }
        let work = match verb {
            "cancel" => {
                job.state = JobState::Cancelling;
                JobWork::CancelJob(name)
            }
            "resume" => {
                if let Some(stage) = job.stages.get_mut(job.at) {
                    // Somebody has done it: the stage ends, and the next one begins.
                    stage.manual = None;
                    stage.began = Some(asked.now);
                }
                self.pause_for_people(&mut job);
                JobWork::ResumeJob(name)
            }
            _ => {
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
        let JobWork::MachineMove(deed) = job.work else { return };
        (job.ended, job.failure, job.failure_due) = (None, None, None);
        let can = |item: &ResourceId| {
            let body = self.body(item);
            body.is_some_and(|body| Standing::of(&body["properties"]).after(deed).is_some())
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

fn unknown(verb: &str, deed: MachineMove) -> Refusal {
    let message = format!("A recovery plan knows no action '{verb}' ({}).", deed.allowed_word());
    Refusal::new(400, "InvalidAction", message).by_gateway()
}
