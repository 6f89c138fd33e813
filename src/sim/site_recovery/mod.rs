//! What would Site Recovery answer? Vaults and what is in them: fabrics, containers, protected items, recovery
//! plans and jobs, with a protocol and a state machine of their own (azure-facts 6, docs/wire.md 5).
//!
//! `place` reads a path; `ask` answers what is read, `write` what is written, `act` what is done to items, plans
//! and jobs; each of the latter two begins a `job`. `settle` lets jobs and replication go on. `phase` is the
//! state machine, and the only place that says what may follow what. `words` has Azure's words; `standing` and
//! `job_body`, as `bodies`, `item` and `elsewhere`, make JSON of what the others decide.

mod act;
mod ask;
mod bodies;
mod elsewhere;
mod item;
mod job;
mod job_body;
mod pace;
mod phase;
mod place;
mod refuse;
mod settle;
mod stages;
mod standing;
mod vault;
mod vaults;
mod words;
mod write;

use serde_json::Value;
use url::Url;

use super::reply::Refusal;
use super::world::World;
use crate::azure::wire::{Method, WireRequest, WireResponse};
use crate::model::{ResourceId, Timestamp};
pub(super) use job::Job;
pub(super) use place::is_ours;
use place::{VaultPlace, placed};
pub(super) use standing::{knows, states_of};
pub(super) use vaults::Vaults;

/// A request that is about a vault or what is in it.
struct VaultRequest<'a> {
    vault: &'a ResourceId,
    request: &'a WireRequest,
    url: &'a Url,
    origin: &'a str,
    api_version: &'a str,
    now: Timestamp,
}

impl VaultRequest<'_> {
    /// The body that was sent; an action may have none.
    fn body(&self) -> Result<Value, Refusal> {
        if self.request.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.request.body).map_err(|_| {
            Refusal::new(400, "InvalidRequestContent", "The request content was invalid JSON.")
                .by_gateway()
        })
    }
}

impl World {
    /// The answer to a request about a vault; nothing where the path is not of one.
    pub(super) fn site_recovery(
        &mut self,
        request: &WireRequest,
        url: &Url,
        path: &str,
        about: (&str, &str),
        now: Timestamp,
    ) -> Option<Result<WireResponse, Refusal>> {
        let (vault, place) = placed(path, request.method == Method::Post)?;
        let (origin, api_version) = about;
        let asked = VaultRequest { vault: &vault, request, url, origin, api_version, now };
        Some(self.in_vault(&asked, &place, path))
    }

    fn in_vault(
        &mut self,
        asked: &VaultRequest<'_>,
        place: &VaultPlace,
        path: &str,
    ) -> Result<WireResponse, Refusal> {
        let method = asked.request.method;
        match (method, place) {
            (Method::Get, VaultPlace::Status(id)) => self.job_status(id),
            (Method::Get, VaultPlace::Result(id)) => self.job_result(id, asked),
            (Method::Get, VaultPlace::OfVault(token, result)) => {
                self.vault_operation(token, *result, asked)
            }
            (Method::Get, VaultPlace::Vault) => self.get_vault(asked),
            (Method::Get, VaultPlace::One(id)) => self.get_in_vault(id, asked),
            (Method::Get, VaultPlace::Many(word)) => self.list_in_vault(word, path, asked),
            (Method::Put | Method::Patch, VaultPlace::Vault) => self.write_vault(asked),
            (Method::Delete, VaultPlace::Vault) => self.delete_vault(asked),
            (Method::Put | Method::Patch, VaultPlace::One(id)) => self.write_in_vault(id, asked),
            (Method::Delete, VaultPlace::One(id)) => self.delete_in_vault(id, asked),
            (Method::Post, VaultPlace::Action(id, verb)) => self.act_in_vault(id, verb, asked),
            _ => {
                let message = format!("{method} is not allowed here.");
                Err(Refusal::new(405, "MethodNotAllowed", message).by_gateway())
            }
        }
    }

    /// The job that a URL polls.
    pub(super) fn polled_job(&self, url: &Url) -> Option<&Job> {
        match placed(url.path(), false)?.1 {
            VaultPlace::Status(id) | VaultPlace::Result(id) => self.vaults.job(&id),
            VaultPlace::OfVault(token, _) => {
                self.vaults.jobs().find(|job| job.vault_token() == token)
            }
            _ => None,
        }
    }
}

/// Takes out what two equal worlds may differ in: the names of jobs, and times.
pub(super) fn without_times(body: &mut Value) {
    match body {
        Value::Object(object) => {
            object.retain(|key, _| {
                let time = ["Time", "TimeUtc", "Date"].iter().any(|end| key.ends_with(end));
                !time
                    && key != "jobId"
                    && key != "lastHeartbeat"
                    && key != "failoverRecoveryPointId"
            });
            object.values_mut().for_each(without_times);
        }
        Value::Array(list) => list.iter_mut().for_each(without_times),
        _ => {}
    }
}
