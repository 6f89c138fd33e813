//! What is read of a vault? Bodies with what is computed around them, lists, and how operations stand.

use serde_json::{Value, json};

use super::VaultRequest;
use super::item::without_kept;
use super::job::{Job, JobState, JobWork};
use super::job_body::stamp;
use super::phase::{ItemPhase, MachineMove, Standing};
use super::place::{kind, named, spelled};
use super::refuse;
use super::stages::items_of;
use super::standing::{given, provider, told};
use super::words::{AllowedOperation, Pairing, ReplicationProvider, VaultKind};
use crate::azure::wire::WireResponse;
use crate::model::{ResourceId, Timestamp};
use crate::sim::reply::{Refusal, common, empty_answer, guid, json_answer};
use crate::sim::world::World;

/// How soon a client may ask again, in seconds (published; the recorder kept none).
pub(super) const RETRY_AFTER: &str = "30";

impl World {
    /// Refuses where the vault is not there, or its region does not answer reads.
    pub(super) fn readable_vault(&self, asked: &VaultRequest<'_>) -> Result<(), Refusal> {
        self.check_group(asked.vault)?;
        if self.regions.refuse_reads() && self.is_out(asked.vault) {
            let message = "The service is unavailable in this region now.";
            return Err(Refusal::new(503, "ServiceUnavailable", message));
        }
        if self.body(asked.vault).is_none() {
            return Err(Refusal::not_found(asked.vault));
        }
        Ok(())
    }

    pub(super) fn get_in_vault(
        &mut self,
        id: &ResourceId,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        self.readable_vault(asked)?;
        self.check_right(id, "read")?;
        let shown = match kind(id) {
            Some(VaultKind::Job) => {
                let job = self.vaults.job(&id.name().to_ascii_lowercase());
                let own = job.filter(|job| job.vault == *asked.vault && !job.is_of_vault());
                own.map(|job| job.shown(false))
            }
            Some(VaultKind::Health) => Some(self.vault_health(asked.vault)),
            Some(VaultKind::Point) => {
                let all = id.parent().map(|item| self.points(&item, asked.now)).unwrap_or_default();
                all.into_iter().find(|point| point["name"] == id.name())
            }
            _ => self.get_body(id, asked.now),
        };
        shown.map(|body| json_answer(200, &body)).ok_or_else(|| refuse::missing(id))
    }

    /// A list: of one parent, or of the whole vault.
    pub(super) fn list_in_vault(
        &mut self,
        word: &str,
        path: &str,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        self.readable_vault(asked)?;
        let parent = path.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent);
        let parent = ResourceId::parse(parent).unwrap_or_else(|_| asked.vault.clone());
        // A list is a read of its type, wherever it is asked for.
        if let Ok(any) = parent.child(path.rsplit('/').next().unwrap_or(word), "any") {
            self.check_right(&any, "read")?;
        }
        let listed = VaultKind::parse(word);
        if listed == Some(VaultKind::Health) {
            return Ok(json_answer(200, &self.vault_health(asked.vault)));
        }
        if parent != *asked.vault
            && self.body(&parent).is_none()
            && kind(&parent) != Some(VaultKind::Network)
        {
            return Err(refuse::missing(&parent));
        }
        let value: Vec<Value> = match listed {
            Some(VaultKind::Job) => {
                let mut jobs: Vec<&Job> = self.vaults.jobs().collect();
                jobs.retain(|job| job.vault == *asked.vault && !job.is_of_vault());
                jobs.sort_by_key(|job| std::cmp::Reverse(job.began));
                jobs.into_iter().map(|job| job.shown(true)).collect()
            }
            Some(VaultKind::Point) => self.points(&parent, asked.now),
            // What this world never has.
            Some(
                VaultKind::Network
                | VaultKind::Appliance
                | VaultKind::MigrationItem
                | VaultKind::ServicesProvider
                | VaultKind::StorageClass
                | VaultKind::StorageClassMapping
                | VaultKind::VCenter
                | VaultKind::Event
                | VaultKind::Intent
                | VaultKind::ProtectableItem,
            ) => Vec::new(),
            Some(
                VaultKind::Fabric
                | VaultKind::Container
                | VaultKind::ContainerMapping
                | VaultKind::NetworkMapping
                | VaultKind::Policy
                | VaultKind::Item
                | VaultKind::Plan
                | VaultKind::AlertSettings,
            ) => self.all_of(listed, &parent, asked),
            Some(VaultKind::Vault | VaultKind::Health) | None => {
                return Err(refuse::unknown_type(word));
            }
        };
        Ok(json_answer(200, &json!({ "value": value, "nextLink": null })))
    }

    /// What there is of a kind: in one parent, or in the whole vault.
    fn all_of(
        &self,
        of: Option<VaultKind>,
        parent: &ResourceId,
        asked: &VaultRequest<'_>,
    ) -> Vec<Value> {
        let plan = filter_of_plan(asked);
        let inside = |id: &&ResourceId| {
            let near =
                if parent == asked.vault { id.is_within(parent) } else { id.is_child_of(parent) };
            near && kind(id) == of && self.is_of_plan(id, plan.as_deref())
        };
        self.ids().filter(inside).filter_map(|id| self.listed_in_vault(id, asked.now)).collect()
    }

    fn listed_in_vault(&self, id: &ResourceId, now: Timestamp) -> Option<Value> {
        let mut body = self.get_body(id, now)?;
        // A list of plans does not say what is in them (recorded).
        if kind(id) == Some(VaultKind::Plan) {
            body["properties"]["groups"] = json!([]);
        }
        Some(body)
    }

    fn is_of_plan(&self, item: &ResourceId, plan: Option<&str>) -> bool {
        let Some(plan) = plan.filter(|_| kind(item) == Some(VaultKind::Item)) else {
            return true;
        };
        let vault = super::item::vault_of(item);
        let plan = vault.child("replicationRecoveryPlans", plan).ok();
        plan.is_some_and(|plan| self.items_of_plan(&plan).contains(item))
    }

    /// The items of a plan, in the order of its groups.
    pub(super) fn items_of_plan(&self, plan: &ResourceId) -> Vec<ResourceId> {
        let groups = self.body(plan).and_then(|body| body["properties"]["groups"].as_array());
        groups.into_iter().flatten().flat_map(items_of).collect()
    }

    /// The job that is at work on something, if any.
    pub(super) fn job_at_work(&self, id: &ResourceId, now: Timestamp) -> Option<&Job> {
        let concerns = |job: &&Job| job.target == *id || job.items.contains(id);
        self.vaults.jobs().filter(concerns).find(|job| job.is_at_work(now))
    }

    /// What may be done to an item or a plan now.
    pub(super) fn allowed_in_vault(
        &self,
        id: &ResourceId,
        now: Timestamp,
    ) -> Vec<AllowedOperation> {
        if self.job_at_work(id, now).is_some() {
            return Vec::new();
        }
        let of_item = |item: &ResourceId| -> Vec<AllowedOperation> {
            let Some(body) = self.body(item) else { return Vec::new() };
            let properties = &body["properties"];
            given(properties).unwrap_or_else(|| {
                Standing::of(properties).allowed(provider(&properties["providerSpecificDetails"]))
            })
        };
        if kind(id) == Some(VaultKind::Item) {
            return of_item(id);
        }
        let items = self.items_of_plan(id);
        let mut all = items.iter().map(of_item);
        let mut allowed = all.next().unwrap_or_default();
        let alone = [MachineMove::Disable.allowed_as(), MachineMove::ChangePoint.allowed_as()];
        let rest: Vec<Vec<AllowedOperation>> = all.collect();
        allowed.retain(|one| rest.iter().all(|own| own.contains(one)) && !alone.contains(one));
        allowed
    }

    /// The body of a GET of something in a vault, or of the vault.
    pub(in crate::sim) fn recovery_shown(&self, id: &ResourceId, now: Timestamp) -> Option<Value> {
        let mut body = self.body(id)?.clone();
        let within = |of: VaultKind| {
            self.ids().filter(move |other| other.is_child_of(id) && kind(other) == Some(of))
        };
        match kind(id) {
            Some(VaultKind::Vault) => self.show_vault(id, &mut body),
            Some(VaultKind::Fabric) => {
                let containers: Vec<String> = within(VaultKind::Container).map(spelled).collect();
                if let Some(ids) = body.pointer_mut("/properties/customDetails/containerIds") {
                    *ids = json!(containers);
                }
            }
            Some(VaultKind::Container) => {
                let properties = &mut body["properties"];
                properties["protectedItemCount"] = json!(within(VaultKind::Item).count());
                let paired = within(VaultKind::ContainerMapping).next().is_some();
                properties["pairingStatus"] =
                    json!(if paired { Pairing::Paired } else { Pairing::NotPaired }.as_str());
            }
            Some(VaultKind::Item) => {
                without_kept(&mut body);
                // The agent tells every few minutes that it is there.
                if let Some(heard) =
                    body.pointer_mut("/properties/providerSpecificDetails/lastHeartbeat")
                {
                    let minutes = now.as_millis().div_euclid(300_000);
                    *heard = json!(stamp(Timestamp::from_millis(minutes * 300_000)));
                }
                // Those of a world's file may be others than this program knows: they are shown as they are.
                let list = body.pointer("/properties/allowedOperations");
                if self.job_at_work(id, now).is_some() || !list.is_some_and(Value::is_array) {
                    let allowed = told(&self.allowed_in_vault(id, now));
                    body["properties"]["allowedOperations"] = allowed;
                }
                let job = self.job_at_work(id, now).filter(|job| !job.is_over());
                if let Some(job) = job {
                    body["properties"]["currentScenario"] = job.current();
                }
            }
            Some(VaultKind::Plan) => {
                body["properties"]["allowedOperations"] = told(&self.allowed_in_vault(id, now));
            }
            _ => {}
        }
        Some(body)
    }

    /// The points to which an item may be recovered: one every five minutes, until a commit deletes them.
    fn points(&self, item: &ResourceId, now: Timestamp) -> Vec<Value> {
        let Some(body) = self.body(item) else { return Vec::new() };
        let standing = Standing::of(&body["properties"]);
        let since = body.pointer("/properties/lastSuccessfulFailoverTime").and_then(Value::as_str);
        let until = match standing.phase {
            ItemPhase::Protected | ItemPhase::Tested => now,
            ItemPhase::FailedOver => since.and_then(|at| at.parse().ok()).unwrap_or(now),
            ItemPhase::Seeding | ItemPhase::FirstPoint | ItemPhase::Committed => return Vec::new(),
        };
        let step = 300_000;
        let last = until.as_millis().div_euclid(step);
        (0..3)
            .map(|back| {
                let at = Timestamp::from_millis((last - back) * step);
                let name = guid(&[item.key(), &at.to_string(), "point"]);
                json!({
                    "id": format!("{}/recoveryPoints/{name}", spelled(item)), "name": name,
                    "type": format!("{}/recoveryPoints", item.resource_type().as_str()),
                    "properties": { "recoveryPointTime": stamp(at), "recoveryPointType": "CrashConsistent",
                        "providerSpecificDetails": { "instanceType": ReplicationProvider::AzureToAzure.as_str(),
                            "recoveryPointSyncType": "PerVmRecoveryPoint", "disks": [] } },
                })
            })
            .collect()
    }

    /// The vault's health: how many items there are and wait (recorded of an empty vault).
    fn vault_health(&self, vault: &ResourceId) -> Value {
        let all = |of: VaultKind| {
            self.ids().filter(move |id| id.is_within(vault) && kind(id) == Some(of))
        };
        let count = |of: VaultKind| all(of).count();
        let phases: Vec<ItemPhase> = all(VaultKind::Item)
            .filter_map(|id| Some(Standing::of(&self.body(id)?["properties"]).phase))
            .collect();
        let of = |phase: ItemPhase| phases.iter().filter(|own| **own == phase).count();
        let without = |count: usize| json!({ "resourceCount": count, "issues": [], "categorizedResourceCounts": null });
        json!({
            "name": "Default", "type": "Microsoft.RecoveryServices/vaults/replicationVaultHealth",
            "id": format!("{}/replicationVaultHealth/Default", spelled(vault)),
            "properties": {
                "vaultErrors": [],
                "protectedItemsHealth": {
                    "resourceCount": phases.len(), "issues": [],
                    "categorizedResourceCounts": {
                        "testFailoverApplicableProtectedItemsCount": of(ItemPhase::Protected),
                        "testFailoverInProgressProtectedItemsCount": 0,
                        "testFailoverWaitingProtectedItemsCount": of(ItemPhase::Tested),
                        "protectedItemsCriticalCount": 0, "protectedItemsWarningCount": 0,
                        "protectedItemsNeutralCount": 0, "protectedItemsTestFailoverCriticalCount": 0,
                        "protectedItemsTestFailoverWarningCount": 0,
                        "protectedItemsConfigurationCriticalCount": 0,
                        "protectedItemsConfigurationWarningCount": 0,
                        "protectedItemsFailoverHealthCriticalCount": 0,
                        "protectedItemsFailoverHealthWarningCount": 0,
                    },
                },
                "fabricsHealth": without(count(VaultKind::Fabric)),
                "containersHealth": without(count(VaultKind::Container)),
            },
        })
    }

    /// A poll of an operation.
    pub(super) fn job_status(&self, id: &str) -> Result<WireResponse, Refusal> {
        let job = self.vaults.polled(id);
        let job = job.ok_or_else(|| unknown_operation(id))?;
        Ok(json_answer(200, &job.status()))
    }

    /// What an operation came to: 202 while it goes on, then the object, or 204 where there is none.
    pub(super) fn job_result(
        &self,
        id: &str,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        let job = self.vaults.polled(id);
        let job = job.ok_or_else(|| unknown_operation(id))?;
        if !job.is_over() {
            let headers = common()
                .with("Location", job.result_url(asked.origin))
                .with("Retry-After", RETRY_AFTER);
            return Ok(WireResponse { status: 202, headers, body: bytes::Bytes::new() });
        }
        if let (JobState::Failed, Some((code, message))) = (job.state, &job.failure) {
            return Err(Refusal::new(400, code, message.clone()));
        }
        let shown = match &job.work {
            JobWork::Remove | JobWork::RemoveVault | JobWork::MachineMove(MachineMove::Disable) => {
                None
            }
            JobWork::Export | JobWork::RestartJob(_) => Some(job.shown(false)),
            JobWork::CancelJob(other) | JobWork::ResumeJob(other) => {
                self.vaults.job(other).map(|job| job.shown(false))
            }
            JobWork::RefreshHealth => Some(self.vault_health(&job.vault)),
            JobWork::Write(_) | JobWork::MachineMove(_) | JobWork::MakeVault => {
                self.get_body(&job.target, asked.now)
            }
        };
        Ok(shown.map_or_else(|| empty_answer(204), |body| json_answer(200, &body)))
    }

    /// The vault in the way that a machine is known to a client: always the same for the same name.
    pub(super) fn etag_of_vault(&self, id: &ResourceId) -> String {
        let resource = self.resources.get(id);
        let at = resource.map_or_else(String::new, |resource| stamp(resource.settled_at));
        let version = resource.map_or(0, |resource| resource.version);
        let own = named(self.chance.seed(), id, &version.to_string());
        // As recorded, a time; two writes in one moment differ in its last places.
        let mark: String = own.chars().filter(char::is_ascii_digit).take(4).collect();
        format!(
            "W/\"datetime'{}'\"",
            at.replace("0000Z", &format!("{mark:0>4}Z")).replace(':', "%3A")
        )
    }
}

fn unknown_operation(id: &str) -> Refusal {
    Refusal::new(404, "NotFound", format!("The operation {id} was not found."))
}

/// `$filter=RecoveryPlanName eq '…'`, the only filter that is understood.
fn filter_of_plan(asked: &VaultRequest<'_>) -> Option<String> {
    let (_, filter) = asked.url.query_pairs().find(|(key, _)| key == "$filter")?;
    let is_plan = filter.trim_start().to_ascii_lowercase().starts_with("recoveryplanname");
    filter.split('\'').nth(1).filter(|_| is_plan).map(str::to_owned)
}

impl Job {
    /// The URL of its status: in the vault, with a large S (recorded).
    pub(super) fn status_url(&self, origin: &str) -> String {
        format!(
            "{origin}{}/replicationOperationStatus/{}?api-version={}",
            spelled(&self.vault),
            self.id,
            self.api_version
        )
    }

    pub(super) fn result_url(&self, origin: &str) -> String {
        format!(
            "{origin}{}/operationresults/{}?api-version={}",
            self.place, self.id, self.api_version
        )
    }
}
