//! What does a PUT or a DELETE do? Refusals first, then an operation that takes its time.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::duration::{class, duration};
use super::fault::{ConnectionFault, OperationFault};
use super::operation::{Act, Operation, OperationWork};
use super::parts::{Resource, State};
use super::post::parameter;
use super::provider::{self, Provider, Put};
use super::reply::{Refusal, empty_answer, json_answer};
use super::resiliency::TEST_TAKES;
use super::scenario::OutageWrites;
use super::shape::shaped;
use super::unconfirmed;
use super::under_way::{NEVER, OperationFate, OperationOrder, locks};
use super::world::World;
use crate::azure::wire::{Method, WireRequest, WireResponse};
use crate::model::durations::Class;
use crate::model::resource_name::{self, NAME_LETTERS_MAX};
use crate::model::{ResourceId, Timestamp};

/// How long an operation in a region that is out takes to fail, where it is accepted (azure-facts 3.9).
pub(super) const FAILS_LATE: Duration = Duration::from_secs(30 * 60);

/// A write on its way in.
pub(super) struct Arrival<'a> {
    pub(super) id: &'a ResourceId,
    pub(super) request: &'a WireRequest,
    pub(super) origin: &'a str,
    pub(super) api_version: &'a str,
    pub(super) now: Timestamp,
}

impl Arrival<'_> {
    /// The body that was sent; nothing sent counts as null (recorders of Azure's own clients tell both alike).
    fn body(&self) -> Result<Value, Refusal> {
        let sent = self.request.body.trim_ascii();
        if sent.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(sent).map_err(|_| {
            Refusal::new(400, "InvalidRequestContent", "The request content was invalid JSON.")
                .by_gateway()
        })
    }
}

impl World {
    /// A PUT: 201 or 200 with the whole resource, `Updating`, and an operation.
    pub(super) fn put(&mut self, arrival: &Arrival<'_>) -> Result<WireResponse, Refusal> {
        let provider = self.writable_provider(arrival.id)?;
        let body = arrival.body()?;
        self.check_scope_locks(Method::Put, arrival.id)?;
        self.check_right(arrival.id, "write")?;
        let body = self.through_policies(arrival.id, body)?;
        for (id, verb) in provider.joins(arrival.id, &body) {
            self.check_right(&id, verb)?;
        }
        self.check_precondition(arrival)?;
        check_names(provider, arrival.id, &body)?;
        self.check_parent(arrival, &body)?;
        // References first: a peering whose remote network is being written hears of that, although its
        // own network is being written as well (recorded).
        self.check_references(provider, arrival.id, &body, arrival.now)?;
        self.check_locks(arrival, provider, &body)?;
        let ordinal = self.chance.ordinal(arrival.id) + 1;
        let put = Put {
            id: arrival.id,
            body: &body,
            stored: self.body(arrival.id),
            ordinal,
            now: arrival.now,
            syncs: syncs(&arrival.request.url),
        };
        provider.validate(self, &put)?;
        let failure = provider.fails(self, &put);
        let (new, class) = (put.stored.is_none(), class(put.stored, &body));
        let mut stored = provider.accept(self, &put);
        self.give_guid(arrival.id, provider, &mut stored);
        let version = self.resources.version(arrival.id) + 1;
        self.carries_meanwhile(arrival.id, provider, &stored);
        let resource =
            Resource { body: stored, state: State::Updating, version, settled_at: arrival.now };
        let before = self.resources.insert(arrival.id.clone(), resource);
        self.chance.count(arrival.id);
        self.resources.touch(arrival.id);
        self.put_children(arrival.id, &body, arrival.now);
        self.apply(provider.accepted(self, arrival.id), arrival.now);
        if let Some(before) = before {
            self.apply(provider.replaced(self, arrival.id, &before.body), arrival.now);
        }
        if provider.at_once() {
            self.resources.set_state(arrival.id, State::Succeeded, arrival.now);
            let shown = self.get_body(arrival.id, arrival.now).unwrap_or(Value::Null);
            let shown = shaped(shown, arrival.api_version, arrival.now);
            return Ok(json_answer(if new { 201 } else { 200 }, &shown));
        }
        let work = if new { OperationWork::Create } else { OperationWork::Update };
        let operation = self.begin(arrival, provider, work, failure, &body, class);
        let mut shown = self.get_body(arrival.id, arrival.now).unwrap_or(Value::Null);
        provider.tell(&mut shown);
        let shown = shaped(shown, arrival.api_version, arrival.now);
        let mut answer = json_answer(if new { 201 } else { 200 }, &shown);
        answer.headers.push("Azure-AsyncOperation", operation.status_url(arrival.origin));
        answer.headers.push("Azure-AsyncNotification", "Enabled");
        answer.headers.push("Retry-After", operation.first.to_string());
        answer.headers.push("x-ms-request-id", operation.id.clone());
        Ok(answer)
    }

    /// What it is in must be there and not have failed; what is in nothing says where it is to be.
    fn check_parent(&self, arrival: &Arrival<'_>, body: &Value) -> Result<(), Refusal> {
        if let Some(parent) = arrival.id.parent() {
            let parent = self.resources.get(&parent).ok_or_else(|| {
                Refusal::new(404, "ParentResourceNotFound", format!("{parent} was not found."))
                    .by_gateway()
            })?;
            let above = arrival.id.parent().and_then(|parent| parent.parent());
            let above = above.and_then(|above| self.resources.get(&above));
            if [Some(parent), above].into_iter().flatten().any(|one| one.state == State::Failed) {
                let message = format!(
                    "PUT operation on child resource {} is blocked because last operation on parent \
                     resource failed leaving it in failed state. Run PUT operation on the parent, \
                     then retry operation on the child.",
                    arrival.id
                );
                return Err(Refusal::new(400, "ParentResourceIsInFailedState", message));
            }
        } else if body.get("location").and_then(Value::as_str).is_none() {
            let message = "The location property is required for this definition.";
            return Err(Refusal::new(400, "LocationRequired", message).by_gateway());
        }
        Ok(())
    }

    /// A PATCH: tags and nothing else.
    pub(super) fn patch(&mut self, arrival: &Arrival<'_>) -> Result<WireResponse, Refusal> {
        let provider = self.writable_provider(arrival.id)?;
        self.check_scope_locks(Method::Put, arrival.id)?;
        self.check_right(arrival.id, "write")?;
        // What says nothing changes nothing.
        let body = Some(arrival.body()?).filter(|body| !body.is_null());
        let body = body.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        let stored =
            self.body(arrival.id).cloned().ok_or_else(|| Refusal::not_found(arrival.id))?;
        self.check_locks(arrival, provider, &stored)?;
        if provider.at_once() {
            return self.patch_at_once(arrival, provider, &body);
        }
        let tags =
            body.get("tags").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        self.resources.edit(arrival.id, |stored| stored["tags"] = tags);
        let mut operation = None;
        if provider.patches_slowly() {
            self.chance.count(arrival.id);
            self.carries_meanwhile(arrival.id, provider, &stored);
            self.resources.set_state(arrival.id, State::Updating, arrival.now);
            let class = class(None, &stored);
            operation =
                Some(self.begin(arrival, provider, OperationWork::Update, None, &stored, class));
        }
        let mut shown = self.get_body(arrival.id, arrival.now).unwrap_or(Value::Null);
        provider.tell(&mut shown);
        let mut answer = json_answer(200, &shaped(shown, arrival.api_version, arrival.now));
        if let Some(operation) = operation {
            // No URL: who waits reads the resource (docs/wire.md 1).
            answer.headers.push("Azure-AsyncNotification", "Enabled");
            answer.headers.push("x-ms-request-id", operation.id.clone());
        }
        Ok(answer)
    }

    /// A PATCH of what is answered at once: its properties are laid over those that stand.
    fn patch_at_once(
        &mut self,
        arrival: &Arrival<'_>,
        provider: &dyn Provider,
        change: &Value,
    ) -> Result<WireResponse, Refusal> {
        let mut body = self.body(arrival.id).cloned().unwrap_or_default();
        super::patch::merge(&mut body, change);
        let ordinal = self.chance.ordinal(arrival.id) + 1;
        let stored = self.body(arrival.id);
        let (now, id) = (arrival.now, arrival.id);
        let put = Put { id, body: &body, stored, ordinal, now, syncs: false };
        provider.validate(self, &put)?;
        let accepted = provider.accept(self, &put);
        self.resources.edit(arrival.id, |stored| *stored = accepted);
        self.chance.count(arrival.id);
        let shown = self.get_body(arrival.id, arrival.now).unwrap_or(Value::Null);
        Ok(json_answer(200, &shaped(shown, arrival.api_version, arrival.now)))
    }

    /// A DELETE: 202 with both headers, or 204 when it is not there.
    pub(super) fn delete(&mut self, arrival: &Arrival<'_>) -> Result<WireResponse, Refusal> {
        self.check_scope_locks(Method::Delete, arrival.id)?;
        self.check_right(arrival.id, "delete")?;
        let provider = self.writable_provider(arrival.id)?;
        if let Some(parent) = arrival.id.parent().filter(|parent| self.body(parent).is_none()) {
            return Err(Refusal::not_found(&parent.root()));
        }
        let Some(body) = self.body(arrival.id).cloned() else {
            return Ok(empty_answer(204));
        };
        self.check_precondition(arrival)?;
        self.check_locks(arrival, provider, &body)?;
        provider.may_delete(self, arrival.id)?;
        self.chance.count(arrival.id);
        if provider.at_once() {
            self.resources.remove(arrival.id);
            self.resources.remove_within(arrival.id);
            let told = provider.tells_of_delete();
            return Ok(told.map_or_else(|| empty_answer(200), |told| json_answer(200, &told)));
        }
        self.resources.set_state(arrival.id, State::Deleting, arrival.now);
        let class = class(None, &body);
        let operation = self.begin(arrival, provider, OperationWork::Delete, None, &body, class);
        let mut answer = empty_answer(202);
        answer.headers.push("Azure-AsyncOperation", operation.status_url(arrival.origin));
        answer.headers.push("Location", operation.result_url(arrival.origin));
        answer.headers.push("Retry-After", operation.first.to_string());
        answer.headers.push("x-ms-request-id", operation.id.clone());
        Ok(answer)
    }

    /// The provider, if the resource's region and its group's home take writes.
    pub(super) fn writable_provider(
        &self,
        id: &ResourceId,
    ) -> Result<&'static dyn Provider, Refusal> {
        let provider = provider::of(id).ok_or_else(|| {
            let kind = id.resource_type();
            let message = format!("The resource type '{kind}' is not one of this world's.");
            Refusal::new(400, "NoRegisteredProviderFound", message).by_gateway()
        })?;
        self.check_writable(id)?;
        Ok(provider)
    }

    /// Refuses what a region or a group's home that is down does not take.
    pub(super) fn check_writable(&self, id: &ResourceId) -> Result<(), Refusal> {
        let home = self.group_home(id).ok_or_else(|| {
            let message = format!("Resource group '{}' could not be found.", id.resource_group());
            Refusal::new(404, "ResourceGroupNotFound", message).by_gateway()
        })?;
        let at = self.location(id).unwrap_or_else(|| home.clone());
        let is_down = |region| self.regions.is_down(region);
        // Of a group that is at home there nothing can be written, wherever it stands.
        match self.regions.writes().felt(is_down(&home)) {
            _ if !is_down(&home) && !is_down(&at) => {}
            OutageWrites::Hang => {
                let message = format!("The service in {at} did not answer within a minute.");
                return Err(Refusal::new(504, "GatewayTimeout", message).by_gateway());
            }
            OutageWrites::NeverEnd | OutageWrites::FailLate => {}
            OutageWrites::FailFast => {
                let message = format!("The service is unavailable in {at} now.");
                return Err(Refusal::new(503, "ServiceUnavailable", message));
            }
        }
        Ok(())
    }

    fn check_precondition(&self, arrival: &Arrival<'_>) -> Result<(), Refusal> {
        let current = self.resources.get(arrival.id).map(|_| self.etag(arrival.id));
        let headers = &arrival.request.headers;
        let stale = headers
            .get("if-match")
            .is_some_and(|wanted| wanted != "*" && current.as_deref() != Some(wanted));
        let exists = headers.get("if-none-match") == Some("*") && current.is_some();
        if stale || exists {
            let message = "The condition set in the request header does not match the etag.";
            return Err(Refusal::new(412, "PreconditionFailed", message));
        }
        Ok(())
    }

    /// The lock of what is being written (docs/wire.md 3): one family answers with a 429 that names a time,
    /// the other with a 409 that does not.
    pub(super) fn check_locks(
        &self,
        arrival: &Arrival<'_>,
        provider: &dyn Provider,
        body: &Value,
    ) -> Result<(), Refusal> {
        let wanted = locks(provider, arrival.id, body);
        let other = self.operations.open().find(|operation| {
            operation.is_at_work(arrival.now)
                && operation.locks.iter().any(|lock| wanted.contains(lock))
        });
        let Some(other) = other else { return Ok(()) };
        if provider.locks_with_conflict() {
            let message = format!(
                "Another operation on this or dependent resource is in progress. To retrieve status \
                 of the operation use uri: {}.",
                other.status_url(arrival.origin)
            );
            return Err(Refusal::new(409, "AnotherOperationInProgress", message));
        }
        let word = provider::of(&other.resource).map_or("Resource", Provider::word);
        let seconds = 11;
        let message = format!(
            "Operation {}{word}Operation ({}) is updating resource {}. The call can be retried in \
             {seconds} seconds.",
            other.work.verb(),
            other.id,
            other.resource
        );
        Err(Refusal::retryable("RetryableErrorDueToAnotherOperation", message).after(seconds))
    }

    fn check_references(
        &self,
        provider: &dyn Provider,
        id: &ResourceId,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        for reference in provider.references(body) {
            let Some(resource) = self.resources.get(&reference) else {
                let message = format!(
                    "Resource {reference} referenced by resource {id} was not found. Please make sure \
                     that the referenced resource exists, and that both resources are in the same \
                     region."
                );
                return Err(Refusal::new(400, "InvalidResourceReference", message));
            };
            let idle = provider.needs_references_idle();
            // A network whose subnet is being written is being written itself (recorded).
            let writer = self.operations.open().find(|operation| {
                let within =
                    operation.resource == reference || operation.resource.is_within(&reference);
                let write = !matches!(operation.work, OperationWork::Read { .. });
                within && write && operation.is_at_work(now) && operation.resource != *id
            });
            let writer = writer.filter(|_| idle || resource.state != State::Succeeded);
            if resource.state == State::Succeeded && writer.is_none() {
                continue;
            }
            let state = if writer.is_some() { State::Updating } else { resource.state };
            let last = writer.map_or_else(String::new, |operation| {
                let word = provider::of(&operation.resource).map_or("Resource", Provider::word);
                let verb = operation.work.verb();
                format!(
                    " and the last operation that updated/is updating the resource is \
                     {verb}{word}Operation"
                )
            });
            let message = format!(
                "Cannot proceed with operation because resource {reference} used by resource {id} is \
                 not in Succeeded state. Resource is in {} state{last}.",
                state.as_str()
            );
            let code = "ReferencedResourceNotProvisioned";
            return Err(if idle {
                Refusal::new(400, code, message)
            } else {
                Refusal::retryable(code, message)
            });
        }
        Ok(())
    }

    /// Begins an operation, with its own luck.
    pub(super) fn begin(
        &mut self,
        arrival: &Arrival<'_>,
        provider: &dyn Provider,
        work: OperationWork,
        failure: Option<(String, String)>,
        body: &Value,
        class: Class,
    ) -> Operation {
        let ordinal = self.chance.ordinal(arrival.id);
        let mut takes = duration(self.chance.seed(), arrival.id, ordinal, class, work.change());
        if let OperationWork::Act { act: Act::StartTest { .. } | Act::StopTest { .. } } = &work {
            takes = TEST_TAKES;
        }
        let mut fate = OperationFate { failure, ..OperationFate::taking(takes) };
        self.meet_faults(arrival, &mut fate);
        let Arrival { id, api_version, now, .. } = *arrival;
        self.work_on(OperationOrder { id, api_version, now, provider, work, body, fate })
    }

    /// What faults and a region that is down make of an operation.
    fn meet_faults(&mut self, arrival: &Arrival<'_>, fate: &mut OperationFate) {
        let method = arrival.request.method.as_str();
        let effects = if method == "POST" {
            self.posted_faults(arrival.id, arrival.request.url.path(), arrival.now)
        } else {
            self.operation_faults(method, arrival.id.as_str(), arrival.now)
        };
        for effect in effects {
            match effect {
                OperationFault::Fail { code } => {
                    fate.failure =
                        Some((code, "The operation failed, by a fault of this world.".to_owned()));
                }
                OperationFault::Slow { factor } => fate.takes *= factor,
                OperationFault::Stuck => fate.takes = NEVER,
                OperationFault::Forget => fate.forgotten = true,
                OperationFault::Linger { lasts } => fate.lingers = lasts,
                OperationFault::Connection(fault) => match fault {
                    ConnectionFault::Silent => self.network.silence(arrival.id),
                    ConnectionFault::Unconnected => self.network.disconnect(arrival.id),
                    ConnectionFault::Untold => self.network.never_tell(arrival.id),
                },
            }
        }
        if self.is_out(arrival.id) && self.regions.writes() == OutageWrites::FailLate {
            fate.takes = FAILS_LATE;
            let message = "The gateway manager did not answer in time.";
            fate.failure = Some(("GwmOperationTimeOut".to_owned(), message.to_owned()));
        }
    }
}

/// Whether a URL says `syncRemoteAddressSpace=true`.
fn syncs(url: &Url) -> bool {
    let query = url.query().unwrap_or_default();
    parameter(query, "syncRemoteAddressSpace").is_some_and(|own| own.eq_ignore_ascii_case("true"))
}

/// The name of what is written, and those of what its body brings with it.
fn check_names(provider: &dyn Provider, id: &ResourceId, body: &Value) -> Result<(), Refusal> {
    let below = provider.children().iter().filter_map(|kind| {
        let kind = body.pointer(&format!("/properties/{kind}"))?.as_array()?;
        kind.iter()
            .filter_map(|child| child.get("name")?.as_str())
            .find(|name| resource_name::wrong_child(name).is_some())
    });
    let own = resource_name::wrong(id).map(|_| id.name());
    let Some(name) = own.into_iter().chain(below).next() else { return Ok(()) };
    let message = format!(
        "Resource name {name} is invalid. The name can be up to {NAME_LETTERS_MAX} characters long. It must \
         begin with a word character, and it must end with a word character or with '_'. The name may \
         contain word characters or '.', '-', '_'."
    );
    Err(Refusal::unconfirmed(&unconfirmed::NAME, message))
}
