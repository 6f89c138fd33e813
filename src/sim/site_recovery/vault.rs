//! What does a vault answer? It has a protocol of its own: the whole body at once, and an operation in the vault
//! whose id is no guid (recorded in 2023).

use serde_json::{Value, json};

use super::VaultRequest;
use super::job::{Job, JobState, JobWork};
use super::pace::Pace;
use super::place::VAULTS;
use super::refuse;
use super::stages::plain;
use super::words::{PollStatus, VaultKind};
use super::write::Begin;
use crate::azure::wire::{Method, WireResponse};
use crate::model::ResourceId;
use crate::sim::parts::{Resource, State};
use crate::sim::reply::{Refusal, common, empty_answer, json_answer};
use crate::sim::world::World;

impl Job {
    fn vault_url(&self, origin: &str, kind: &str) -> String {
        let token = self.vault_token();
        format!("{origin}{}/{kind}/{token}?api-version={}", self.vault, self.api_version)
    }
}

/// What Azure adds when a vault is done (recorded).
pub(super) fn complete(body: &mut Value) {
    let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    properties.entry("backupStorageVersion").or_insert(json!("Unassigned"));
    properties.entry("securitySettings").or_insert(json!({
        "immutabilitySettings": null,
        "softDeleteSettings": { "softDeleteRetentionPeriodInDays": 14, "softDeleteState": "Enabled" },
        "multiUserAuthorization": "Disabled",
    }));
}

/// The body of a new vault.
fn new_vault(id: &ResourceId, sent: &Value) -> Value {
    let mut properties = json!({
        "privateEndpointStateForBackup": "None", "privateEndpointStateForSiteRecovery": "None",
        "monitoringSettings": {
            "azureMonitorAlertSettings": { "alertsForAllJobFailures": "Enabled" },
            "classicAlertSettings": { "alertsForCriticalOperations": "Enabled" },
        },
        "publicNetworkAccess": "Enabled",
        "restoreSettings": { "crossSubscriptionRestoreSettings": { "crossSubscriptionRestoreState": "Enabled" } },
    });
    for (key, value) in sent["properties"].as_object().into_iter().flatten() {
        if !value.is_null() {
            properties[key] = value.clone();
        }
    }
    let location = sent["location"].as_str().unwrap_or_default();
    let location = location.to_ascii_lowercase().replace(' ', "");
    let mut body = json!({ "location": location, "name": id.name(), "properties": properties,
                           "id": id.as_str(), "type": VAULTS });
    for key in ["sku", "tags", "identity"] {
        if let Some(value) = sent.get(key).filter(|value| !value.is_null()) {
            body[key] = value.clone();
        }
    }
    body
}

impl World {
    /// Adds what a GET of a vault says of the moment.
    pub(super) fn show_vault(&self, id: &ResourceId, body: &mut Value) {
        let state = self.resources.get(id).map_or(State::Succeeded, |resource| resource.state);
        let said = match state {
            State::Updating => "Provisioning",
            State::Succeeded | State::Deleting | State::Failed => state.as_str(),
        };
        body["properties"]["provisioningState"] = json!(said);
        body["etag"] = json!(self.etag_of_vault(id));
    }

    pub(super) fn get_vault(&mut self, asked: &VaultRequest<'_>) -> Result<WireResponse, Refusal> {
        self.readable_vault(asked)?;
        self.check_right(asked.vault, "read")?;
        let body = self.get_body(asked.vault, asked.now);
        body.map(|body| json_answer(200, &body)).ok_or_else(|| Refusal::not_found(asked.vault))
    }

    /// A PUT or a PATCH of a vault.
    pub(super) fn write_vault(
        &mut self,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        let id = asked.vault;
        let sent = asked.body()?;
        if self.body(id).is_none() && asked.request.method == Method::Patch {
            return Err(Refusal::not_found(id));
        }
        if self.body(id).is_none() && sent["location"].as_str().is_none() {
            let message = "The location property is required for this definition.";
            return Err(Refusal::new(400, "LocationRequired", message).by_gateway());
        }
        self.writable_vault(id, asked, "write")?;
        self.refuse_busy(id, asked)?;
        let new = self.body(id).is_none();
        let body = match self.body(id) {
            Some(stored) => {
                let mut body = stored.clone();
                for (key, value) in sent["properties"].as_object().into_iter().flatten() {
                    body["properties"][key] = value.clone();
                }
                for key in ["sku", "tags", "identity"] {
                    if let Some(value) = sent.get(key).filter(|value| !value.is_null()) {
                        body[key] = value.clone();
                    }
                }
                body
            }
            None => new_vault(id, &sent),
        };
        self.count(id);
        let version = self.resources.get(id).map_or(0, |resource| resource.version) + 1;
        let state = State::Updating;
        self.resources.insert(id.clone(), Resource { body, state, version, settled_at: asked.now });
        let takes = self.takes(Pace::Vault, id, "vault");
        let begin = Begin {
            target: id.clone(),
            place: None,
            work: JobWork::MakeVault,
            items: Vec::new(),
            stages: vec![plain("VaultTask", "Vault", takes)],
        };
        let job = self.insert_job(begin, asked);
        let shown = self.get_body(id, asked.now).unwrap_or_default();
        let mut answer = json_answer(if new { 201 } else { 200 }, &shown);
        if let Some(job) = self.vaults.job(&job) {
            answer
                .headers
                .push("Azure-AsyncOperation", job.vault_url(asked.origin, "operationStatus"));
        }
        Ok(answer)
    }

    /// A DELETE of a vault: only of an empty one.
    pub(super) fn delete_vault(
        &mut self,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        let id = asked.vault;
        self.writable_vault(id, asked, "delete")?;
        if self.body(id).is_none() {
            return Ok(empty_answer(204));
        }
        self.refuse_busy(id, asked)?;
        let holds = |other: &ResourceId| {
            let word = super::place::kind(other);
            other != id && other.is_within(id) && word != Some(VaultKind::AlertSettings)
        };
        let at_work = |job: &Job| job.vault == *id && !job.is_over();
        if self.ids().any(holds) || self.vaults.jobs().any(at_work) {
            return Err(refuse::vault_used(id));
        }
        self.count(id);
        self.resources.set_state(id, State::Deleting, asked.now);
        let takes = self.takes(Pace::Vault, id, "vault");
        let begin = Begin {
            target: id.clone(),
            place: None,
            work: JobWork::RemoveVault,
            items: Vec::new(),
            stages: vec![plain("VaultTask", "Vault", takes)],
        };
        let job = self.insert_job(begin, asked);
        let mut answer = empty_answer(202);
        if let Some(job) = self.vaults.job(&job) {
            answer
                .headers
                .push("Azure-AsyncOperation", job.vault_url(asked.origin, "operationStatus"));
            answer.headers.push("Location", job.vault_url(asked.origin, "operationResults"));
        }
        Ok(answer)
    }

    /// A poll of a vault's own operation.
    pub(super) fn vault_operation(
        &self,
        token: &str,
        result: bool,
        asked: &VaultRequest<'_>,
    ) -> Result<WireResponse, Refusal> {
        let mut jobs = self.vaults.jobs();
        let job = jobs.find(|job| job.vault == *asked.vault && job.vault_token() == token);
        let Some(job) = job.filter(|job| !job.forgotten) else {
            let message = format!("The operation {token} was not found.");
            return Err(Refusal::new(404, "NotFound", message));
        };
        let going = [
            ("Azure-AsyncOperation", job.vault_url(asked.origin, "operationStatus")),
            ("Location", job.vault_url(asked.origin, "operationResults")),
        ];
        if result {
            if job.is_over() {
                let shown = self.get_body(asked.vault, asked.now);
                return Ok(shown.map_or_else(|| empty_answer(204), |body| json_answer(200, &body)));
            }
            let mut answer = empty_answer(202);
            going.into_iter().for_each(|(name, url)| answer.headers.push(name, url));
            return Ok(answer);
        }
        let status = match job.state {
            JobState::Succeeded => PollStatus::Succeeded,
            JobState::Failed => PollStatus::Failed,
            JobState::InProgress
            | JobState::Suspended
            | JobState::Cancelling
            | JobState::Cancelled => PollStatus::InProgress,
        };
        let id = format!("{}/operationStatus/{token}", asked.vault);
        let mut body = json!({ "id": id, "name": token, "status": status.as_str() });
        if let Some((code, message)) = &job.failure {
            body["error"] = json!({ "code": code, "message": message });
        }
        // Spread over lines (recorded).
        let text = serde_json::to_string_pretty(&body).unwrap_or_default();
        let mut answer = WireResponse { status: 200, headers: common(), body: text.into() };
        if !job.is_over() {
            going.into_iter().for_each(|(name, url)| answer.headers.push(name, url));
        }
        Ok(answer)
    }
}
