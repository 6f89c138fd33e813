//! What is a resource group to ARM? Made at once, deleted with all that is in it, and home to its writes.

use std::time::Duration;

use serde_json::{Value, json};

use super::envelope::{Month, is_since};
use super::parts::Deletion;
use super::reply::{Refusal, common, empty_answer, json_answer};
use super::world::World;
use crate::azure::wire::{Method, WireRequest, WireResponse};
use crate::model::{Region, Timestamp};

/// How long a group's deletion takes when nothing is in it, and for each resource more. A belief: the
/// recordings hold groups whose deletion took from one to twenty minutes.
const EMPTY: Duration = Duration::from_secs(30);
const EACH: Duration = Duration::from_secs(20);

/// What ARM tells those who wait for a group's end (docs/wire.md 2).
const RETRY_AFTER: &str = "15";

/// The api-version, and the month, from which on a group's body says its type.
const TYPED_SINCE: (&str, Month) = ("2019-05-01", (2019, 6));

/// Whether a path is a group, the list of groups, or what one polls for a group's end.
pub(super) fn is_about_groups(path: &str) -> bool {
    let mut parts = path.trim_matches('/').split('/');
    let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
    let is = |part: &str, word: &str| part.eq_ignore_ascii_case(word);
    match parts {
        [Some(first), Some(_), Some(kind), token, None] if is(first, "subscriptions") => {
            is(kind, "resourceGroups") || token.is_some() && is(kind, "operationResults")
        }
        _ => false,
    }
}

impl World {
    /// The answer to a request about groups.
    pub(super) fn group_request(
        &mut self,
        request: &WireRequest,
        path: &str,
        (origin, api_version): (&str, &str),
        now: Timestamp,
    ) -> Result<WireResponse, Refusal> {
        let shaped = |mut body: Value| {
            // Groups have a type since then.
            if let Some(body) = body
                .as_object_mut()
                .filter(|_| api_version < TYPED_SINCE.0 || !is_since(now, TYPED_SINCE.1))
            {
                body.remove("type");
            }
            body
        };
        let path = path.trim_end_matches('/');
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method, parts.as_slice()) {
            (Method::Get, [_, _, kind, token]) if kind.eq_ignore_ascii_case("operationresults") => {
                Ok(self.group_poll(token, path, origin))
            }
            (Method::Get, [_, subscription, _]) => Ok(self.group_list(subscription)),
            (Method::Get, _) => self.group_body(path).map(|body| json_answer(200, &shaped(body))),
            (Method::Head, _) => {
                let there = self.groups.home(path).is_some();
                Ok(empty_answer(if there { 204 } else { 404 }))
            }
            (Method::Put | Method::Patch, [_, _, _, name]) => {
                let status = self.group_put(request, path, name)?;
                Ok(json_answer(status, &shaped(self.group_body(path)?)))
            }
            (Method::Delete, _) => self.group_delete(path, origin, now),
            _ => Err(Refusal::new(405, "MethodNotAllowed", "Not allowed here.").by_gateway()),
        }
    }

    fn group_body(&self, path: &str) -> Result<Value, Refusal> {
        let Some(home) = self.groups.home(path) else {
            let name = path.rsplit('/').next().unwrap_or_default();
            let message = format!("Resource group '{name}' could not be found.");
            return Err(Refusal::new(404, "ResourceGroupNotFound", message).by_gateway());
        };
        let subscription = path.split('/').nth(2).unwrap_or_default();
        let name = self.groups.name(path);
        let leaving = self.groups.deletion(path).is_some();
        let state = if leaving { "Deleting" } else { "Succeeded" };
        let mut body = json!({
            "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"), "name": name,
            "type": "Microsoft.Resources/resourceGroups", "location": home.as_str(),
            "properties": { "provisioningState": state },
        });
        if let Some(tags) = self.groups.tags(path) {
            body["tags"] = tags.clone();
        }
        Ok(body)
    }

    fn group_list(&self, subscription: &str) -> WireResponse {
        let prefix = format!("/subscriptions/{}/", subscription.to_ascii_lowercase());
        let own = self.groups.keys().filter(|id| id.starts_with(&prefix));
        let value: Vec<Value> = own.filter_map(|id| self.group_body(id).ok()).collect();
        json_answer(200, &json!({ "value": value }))
    }

    fn group_put(&mut self, request: &WireRequest, path: &str, name: &str) -> Result<u16, Refusal> {
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| {
            Refusal::new(400, "InvalidRequestContent", "The request content was invalid JSON.")
                .by_gateway()
        })?;
        if self.groups.deletion(path).is_some() {
            let message = format!("The resource group '{name}' is in deprovisioning state.");
            return Err(Refusal::new(409, "ResourceGroupBeingDeleted", message).by_gateway());
        }
        let wanted =
            body["location"].as_str().map(|text| text.to_ascii_lowercase().replace(' ', ""));
        let before = self.groups.home(path).cloned();
        let home = match (wanted.as_deref().map(Region::parse), &before) {
            (Some(Ok(wanted)), Some(before)) if wanted != *before => {
                let message = format!(
                    "Invalid resource group location '{wanted}'. The Resource group already exists in \
                     location '{before}'."
                );
                let code = "InvalidResourceGroupLocation";
                return Err(Refusal::new(409, code, message).by_gateway());
            }
            (Some(Ok(wanted)), _) => wanted,
            (_, Some(before)) => before.clone(),
            _ => {
                let message = "The location property is required for this definition.";
                return Err(Refusal::new(400, "LocationRequired", message).by_gateway());
            }
        };
        self.groups.put(path, home, body.get("tags"));
        Ok(if before.is_some() { 200 } else { 201 })
    }

    fn group_delete(
        &mut self,
        path: &str,
        origin: &str,
        now: Timestamp,
    ) -> Result<WireResponse, Refusal> {
        self.group_body(path)?;
        let key = path.to_ascii_lowercase();
        // Both levels forbid to remove.
        if let Some(lock) = self.governance.locks_near(path).next() {
            let message = format!(
                "The scope '{path}' cannot perform delete operation because following scope(s) are \
                 locked: '{}'. Please remove the lock and try again.",
                lock.scope
            );
            return Err(Refusal::new(409, "ScopeLocked", message).by_gateway());
        }
        let known = self.groups.deletion(path).cloned();
        let deletion = known.unwrap_or_else(|| {
            let inside = self.ids().filter(|id| id.key().starts_with(&format!("{key}/"))).count();
            let token = self.chance.name(&[&key, &now.as_millis().to_string()]);
            let each = EACH * u32::try_from(inside).unwrap_or(u32::MAX);
            let deletion = Deletion {
                token: token.replace('-', "").to_ascii_uppercase(),
                group: key,
                ends: now + EMPTY + each,
            };
            self.groups.leave(deletion.clone());
            deletion
        });
        let subscription = path.split('/').nth(2).unwrap_or_default();
        Ok(still(origin, subscription, &deletion.token))
    }

    fn group_poll(&self, token: &str, path: &str, origin: &str) -> WireResponse {
        let subscription = path.split('/').nth(2).unwrap_or_default();
        if self.groups.is_going(token) {
            still(origin, subscription, token)
        } else {
            empty_answer(200)
        }
    }

    /// Lets groups go whose time has come.
    pub(super) fn settle_groups(&mut self, now: Timestamp) {
        for group in self.groups.take_gone(now) {
            let inside = format!("{group}/");
            self.resources.remove_if(|id| id.key().starts_with(&inside));
            self.operations.remove_if(|operation| operation.resource.key().starts_with(&inside));
        }
    }
}

fn still(origin: &str, subscription: &str, token: &str) -> WireResponse {
    let location = format!(
        "{origin}/subscriptions/{subscription}/operationresults/{token}?api-version=2021-04-01"
    );
    let headers = common().with("Location", location).with("Retry-After", RETRY_AFTER);
    WireResponse { status: 202, headers, body: bytes::Bytes::new() }
}
