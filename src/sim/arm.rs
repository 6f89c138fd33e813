//! What does Azure say to this request? From URL and method to an answer.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::envelope;
use super::fault::Fault;
use super::group::is_about_groups;
use super::network::Reach;
use super::operation::OperationWork;
use super::reply::Refusal;
use super::server::Answers;
use super::shared_key::connection_of;
use super::world::World;
use super::write::Arrival;
use crate::azure::wire::{Method, WireFault, WireRequest, WireResponse};
use crate::model::url_path::from_url_path;
use crate::model::{ResourceId, Timestamp};

/// How long ARM's front end waits for a resource provider (azure-facts 3.8).
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(60);

impl Answers for World {
    fn answer(
        &mut self,
        request: &WireRequest,
        now: Timestamp,
    ) -> (Result<WireResponse, WireFault>, Duration) {
        self.settle(now);
        let (answer, accepted) = self.with_faults(request, now);
        let latency = match request.method {
            // Whoever hears 504 has waited for it (azure-facts 3.5).
            _ if answer.as_ref().is_ok_and(|answer| answer.status == 504) => GATEWAY_TIMEOUT,
            Method::Put | Method::Patch | Method::Delete => self.latency.write,
            Method::Get | Method::Head | Method::Post => self.latency.read,
        };
        self.record(request, now, &answer, accepted);
        (answer, latency)
    }

    fn snapshot(&mut self, now: Timestamp) -> Value {
        self.settle(now);
        self.comparable()
    }

    fn add_fault(&mut self, fault: Value, _: Timestamp) -> Result<(), String> {
        let fault: Fault =
            serde_json::from_value(fault).map_err(|error| format!("It is no fault: {error}."))?;
        let groups = self.groups.keys();
        let all = groups.chain(self.ids().map(ResourceId::as_str));
        let subscriptions =
            all.filter_map(|id| id.split('/').nth(2)).map(str::to_ascii_lowercase).collect();
        fault.check_in(&subscriptions).map_err(|why| format!("It can never strike: {why}."))?;
        Self::add_fault(self, fault);
        Ok(())
    }

    fn world_file(&mut self, now: Timestamp) -> Value {
        self.settle(now);
        self.to_file(now)
    }

    fn faults(&self) -> Value {
        self.faults.all()
    }

    fn clear_faults(&mut self) {
        Self::clear_faults(self);
    }

    fn tenants(&self) -> Vec<String> {
        self.governance.tenancy().tenants()
    }

    fn network(&mut self, now: Timestamp) -> Value {
        self.settle(now);
        let reach = self.reachability();
        let one = |reach: &Reach| {
            json!({
                "site": reach.site, "network": reach.network, "verdict": reach.verdict.as_str(),
                "works": reach.verdict.works(), "remark": reach.remark,
                "circuits": reach.circuits.iter().map(ResourceId::as_str).collect::<Vec<_>>(),
            })
        };
        reach.iter().map(one).collect()
    }
}

fn asks_policies(path: &str) -> bool {
    path.to_ascii_lowercase()
        .ends_with("/providers/microsoft.policyinsights/checkpolicyrestrictions")
}

impl World {
    /// The operation that a URL polls.
    pub(super) fn polled(&self, url: &Url) -> Option<String> {
        let mut parts = url.path().split('/').skip(3);
        let mut is = |word: &str| parts.next().is_some_and(|part| part.eq_ignore_ascii_case(word));
        if !is("providers") {
            return None;
        }
        parts.next()?;
        let mut is = |word: &str| parts.next().is_some_and(|part| part.eq_ignore_ascii_case(word));
        if !is("locations") {
            return None;
        }
        let id = parts.nth(2)?;
        parts.next().is_none().then(|| id.to_ascii_lowercase())
    }

    pub(super) fn ask(&mut self, request: &WireRequest, now: Timestamp) -> WireResponse {
        let url = &request.url;
        if let Some(refusal) = self.governance.tenancy().refuse(request, url.path()) {
            return refusal;
        }
        let subscription = url.path().split('/').nth(2).unwrap_or_default().to_owned();
        let quota = match self.buckets.take(&subscription, request.method, now) {
            Ok(headers) => headers,
            Err(refusal) => return refusal.response(),
        };
        let mut answer = match self.dispatch(request, now) {
            Ok(answer) => answer,
            Err(refusal) => refusal.response(),
        };
        answer.headers.extend(quota);
        if answer.headers.get("x-ms-request-id").is_none() {
            let read = self.chance.count_read();
            let id = self.chance.name(&[&read, "request"]);
            answer.headers.push("x-ms-request-id", id);
        }
        let provider = url.path().to_ascii_lowercase().contains("/microsoft.network/");
        envelope::finish(&mut answer, &request.headers, provider, now);
        answer
    }

    fn dispatch(&mut self, request: &WireRequest, now: Timestamp) -> Result<WireResponse, Refusal> {
        let url = &request.url;
        let origin = origin(url);
        if let Some(id) = self.polled(url) {
            return self.poll(&id, url, &origin, now);
        }
        let api_version = version_of(url)?;
        let path = from_url_path(url.path());
        if is_about_groups(&path) {
            return self.group_request(request, &path, (&origin, &api_version), now);
        }
        if let Some(answer) = self.arm_itself(request, (url, &path), &origin, now) {
            return answer;
        }
        if let Some(answer) = self.site_recovery(request, url, &path, (&origin, &api_version), now)
        {
            return answer;
        }
        if let Some((id, reset)) = connection_of(&path) {
            let api_version = api_version.as_str();
            let arrival = Arrival { id: &id, request, origin: &origin, api_version, now };
            return self.shared_key(&arrival, reset);
        }
        if request.method == Method::Post && asks_policies(&path) {
            return self.restrictions(&path, &request.body);
        }
        let arrival = |id| Arrival { id, request, origin: &origin, api_version: &api_version, now };
        let id = ResourceId::parse(&path).ok();
        match (request.method, id) {
            (Method::Get, Some(id)) => {
                self.check_group(&id)?;
                self.check_right(&id, "read")?;
                self.get(&id, &api_version, now)
            }
            (Method::Get, None) => match (self.govern(&path), path.strip_suffix("/stats")) {
                (Some(answer), _) => answer,
                (None, Some(circuit)) => self.stats(circuit),
                (None, None) => {
                    self.check_listed(&path)?;
                    Ok(self.list(&path, &api_version, now))
                }
            },
            (Method::Put, Some(id)) => self.put(&arrival(&id)),
            (Method::Delete, Some(id)) => self.delete(&arrival(&id)),
            (Method::Patch, Some(id)) => self.patch(&arrival(&id)),
            (Method::Post, _) => self.post(request, &path, url, (&origin, &api_version), now),
            _ => {
                let message = format!("{} is not allowed here.", request.method);
                Err(Refusal::new(405, "MethodNotAllowed", message).by_gateway())
            }
        }
    }

    /// Refuses a list in a group that is not there, or within what nobody answers for.
    fn check_listed(&self, path: &str) -> Result<(), Refusal> {
        let parts: Vec<&str> = path.split('/').collect();
        let of_group = parts.get(3).is_some_and(|word| word.eq_ignore_ascii_case("resourceGroups"));
        if let (true, Some(name)) = (of_group && parts.len() > 5, parts.get(4))
            && self.groups.home(&parts[..5].join("/")).is_none()
        {
            let message = format!("Resource group '{name}' could not be found.");
            return Err(Refusal::new(404, "ResourceGroupNotFound", message).by_gateway());
        }
        // What is within a resource is told by whoever tells of that.
        let above = path.rsplit_once('/').and_then(|(above, _)| ResourceId::parse(above).ok());
        above.map_or(Ok(()), |above| self.check_answers(&above))
    }

    pub(super) fn check_group(&self, id: &ResourceId) -> Result<(), Refusal> {
        if self.group_home(id).is_some() {
            return Ok(());
        }
        let message = format!("Resource group '{}' could not be found.", id.resource_group());
        Err(Refusal::new(404, "ResourceGroupNotFound", message).by_gateway())
    }

    fn poll(
        &mut self,
        id: &str,
        url: &Url,
        origin: &str,
        now: Timestamp,
    ) -> Result<WireResponse, Refusal> {
        let known = self
            .operations
            .get(id)
            .is_some_and(|operation| operation.is_own(url) && !operation.forgotten);
        if !known {
            let message = format!("The operation {id} was not found, or its URL was changed.");
            return Err(Refusal::new(404, "NotFound", message));
        }
        let result = url.path().to_ascii_lowercase().contains("/operationresults/");
        // Only an end is asked what it read.
        let ended = self.operations.get(id).filter(|operation| result && operation.settled);
        let read = ended.and_then(|operation| match &operation.work {
            OperationWork::Read { action, query } => {
                self.reading(&operation.resource, action, query, now)
            }
            // Of all updates only a new key has a result to be asked for.
            OperationWork::Update => Some(self.key_length(&operation.resource)),
            OperationWork::Act { act } => self.told_of(&operation.resource, act, operation, now),
            OperationWork::Create | OperationWork::Delete => None,
        });
        let Some(operation) = self.operations.get_mut(id) else {
            return Err(Refusal::new(404, "NotFound", "The operation was not found."));
        };
        if result {
            return Ok(operation.result(now, origin, || read));
        }
        Ok(operation.status(now))
    }

    fn record(
        &mut self,
        request: &WireRequest,
        now: Timestamp,
        answer: &Result<WireResponse, WireFault>,
        accepted: bool,
    ) {
        let status = answer.as_ref().ok().map(|answer| answer.status);
        self.ledger.note(request, request.url.path(), now, (status, Some(accepted)));
    }
}

/// The api-version that is asked for.
fn version_of(url: &Url) -> Result<String, Refusal> {
    let version = url.query_pairs().find(|(key, _)| key == "api-version");
    let api_version = version.map(|(_, value)| value.into_owned()).ok_or_else(|| {
        let message =
            "The api-version query parameter (?api-version=) is required for all requests.";
        Refusal::new(400, "MissingApiVersionParameter", message).by_gateway()
    })?;
    if !is_api_version(&api_version) {
        let message = format!("The api-version '{api_version}' is invalid.");
        return Err(Refusal::new(400, "InvalidApiVersionParameter", message).by_gateway());
    }
    Ok(api_version)
}

/// Whether a version is of the days in which answers were recorded: a day of 2014 to 2026, with or without
/// `-preview`.
fn is_api_version(text: &str) -> bool {
    let day = text.strip_suffix("-preview").unwrap_or(text);
    let is_day = day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok();
    is_day && ("2014".."2027").contains(&day)
}

fn origin(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_day_of_these_years() {
        for known in ["2014-04-01-preview", "2015-06-15", "2024-03-01", "2026-12-31"] {
            assert!(is_api_version(known), "{known}");
        }
        for unknown in ["", "1", "latest", "2013-03-01", "2027-01-01", "2024-02-31", "2024-03-01-x"]
        {
            assert!(!is_api_version(unknown), "{unknown}");
        }
    }
}
