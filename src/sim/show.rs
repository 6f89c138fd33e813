//! What does a GET show? A stored resource with what Azure computes around it.

use serde_json::{Value, json};

use super::provider::{self, Shown};
use super::reply::{Refusal, json_answer};
use super::shape::{end_of_day, shaped};
use super::site_recovery::is_ours;
use super::told::{ShownMark, ToldOf};
use super::world::World;
use crate::azure::wire::WireResponse;
use crate::model::{ResourceId, Timestamp};

impl World {
    /// The body of a GET.
    pub(super) fn get_body(&self, id: &ResourceId, now: Timestamp) -> Option<Value> {
        if is_ours(id) {
            return self.recovery_shown(id, now);
        }
        let resource = self.resources.get(id)?;
        let mut body = resource.body.clone();
        let etag = self.etag(id);
        let state = resource.state.as_str();
        let silent = provider::of(id).is_some_and(provider::Provider::at_once);
        let properties = body.get_mut("properties").and_then(Value::as_object_mut);
        if let Some(properties) = properties.filter(|_| !silent) {
            properties.insert("provisioningState".to_owned(), state.into());
        }
        if let Some(object) = body.as_object_mut().filter(|object| object.contains_key("id")) {
            object.insert("etag".to_owned(), etag.clone().into());
        }
        let children = provider::of(id).map(provider::Provider::children).unwrap_or_default();
        self.insert_children(id, &mut body, children, now);
        let Some(provider) = provider::of(id) else { return Some(body) };
        for pointer in provider.parts() {
            mark_parts(body.pointer_mut(pointer), &etag, state);
        }
        provider.hide(&mut body, now);
        provider.show(self, &Shown { id, resource, etag: &etag, now }, &mut body);
        Some(body)
    }

    fn insert_children(&self, id: &ResourceId, body: &mut Value, kinds: &[&str], now: Timestamp) {
        for kind in kinds {
            let wanted = format!("{}/{kind}", id.resource_type());
            let children: Vec<Value> = self
                .resources
                .children(id)
                .filter(|(child, _)| child.is_a(&wanted))
                .filter_map(|(child, _)| self.get_body(child, now))
                .collect();
            body["properties"][*kind] = Value::from(children);
        }
    }

    /// Refuses a read of what is in a region that is down, where such a region answers none: whoever would
    /// answer for the resource, its key and its tables alike (azure-facts 3.9).
    pub(super) fn check_answers(&self, id: &ResourceId) -> Result<(), Refusal> {
        if self.regions.refuse_reads() && self.is_out(id) {
            let message = "The service is unavailable in this region now.";
            return Err(Refusal::new(503, "ServiceUnavailable", message));
        }
        Ok(())
    }

    /// The answer to a GET of one resource.
    pub(super) fn get(
        &mut self,
        id: &ResourceId,
        api_version: &str,
        now: Timestamp,
    ) -> Result<WireResponse, Refusal> {
        self.check_answers(id)?;
        let mark = self.shown_mark();
        if let Some(told) = self.told.of(id, api_version, &mark, now) {
            return Ok(told.answer());
        }
        let body = self.get_body(id, now).ok_or_else(|| Refusal::not_found(id))?;
        let header = provider::of(id).is_some_and(provider::Provider::etag_header);
        let etag = body.get("etag").filter(|_| header).and_then(Value::as_str).map(str::to_owned);
        let body = json_answer(200, &shaped(body, api_version, now)).body;
        let api_version = api_version.to_owned();
        let until = self.shown_until(id, now);
        let told = ToldOf { api_version, mark, from: now, until, body, etag };
        let answer = told.answer();
        self.told.keep(id, told);
        Ok(answer)
    }

    /// What a GET of a resource follows from now, but for the time.
    pub(super) fn shown_mark(&self) -> ShownMark {
        ShownMark {
            resources: self.resources.revision(),
            network: self.network.revision(),
            regions: self.regions.revision(),
            seed: self.chance.seed(),
        }
    }

    /// Until when a GET of a resource shows what it shows now, if nothing changes.
    fn shown_until(&self, id: &ResourceId, now: Timestamp) -> Timestamp {
        // Vaults tell of jobs, which go on by themselves.
        if is_ours(id) {
            return now;
        }
        let kinds = provider::of(id).map(provider::Provider::children).unwrap_or_default();
        let shown_in = |child: &ResourceId| {
            kinds.iter().any(|kind| kind.eq_ignore_ascii_case(child.type_word_key()))
        };
        let own = self.resources.get(id).map(|resource| (id, resource));
        let children = self.resources.children(id).filter(|(child, _)| shown_in(child));
        let each = own.into_iter().chain(children).filter_map(|(id, resource)| {
            provider::of(id).and_then(|provider| provider.shows_until(resource, now))
        });
        each.fold(end_of_day(now), Timestamp::min)
    }

    /// The answer to a GET of a list: everything whose id is the path and one name more.
    pub(super) fn list(&self, path: &str, api_version: &str, now: Timestamp) -> WireResponse {
        if let Some((above, word)) = path.rsplit_once('/')
            && let Ok(above) = ResourceId::parse(above)
            && let lists = provider::of(&above).map(provider::Provider::lists).unwrap_or_default()
            && let Some((kind, keys)) =
                lists.iter().find(|(kind, _)| kind.rsplit('/').next() == Some(word))
        {
            return self.listed_under(&above, (kind, keys), api_version, now);
        }
        let prefix = format!("{}/", path.trim_end_matches('/').to_ascii_lowercase());
        let group_free = prefix
            .split_once("/providers/")
            .map(|(subscription, kind)| (subscription.to_owned(), kind.to_owned()));
        let value: Vec<Value> = self
            .resources
            .keys()
            .filter(|id| {
                let key = id.key();
                let direct =
                    key.strip_prefix(prefix.as_str()).is_some_and(|rest| !rest.contains('/'));
                // `/subscriptions/{s}/providers/{type}`: those of every group.
                let all = group_free.as_ref().is_some_and(|(subscription, kind)| {
                    !subscription.contains("/resourcegroups/")
                        && key.starts_with(subscription.as_str())
                        && key.split_once("/providers/").is_some_and(|(_, rest)| {
                            rest.strip_prefix(kind.as_str()).is_some_and(|name| !name.contains('/'))
                        })
                });
                direct || all
            })
            .filter_map(|id| self.listed(id, now))
            .collect();
        json_answer(200, &shaped(json!({ "value": value }), api_version, now))
    }

    /// A body as a list shows it.
    fn listed(&self, id: &ResourceId, now: Timestamp) -> Option<Value> {
        let mut body = self.get_body(id, now)?;
        // Whether it is connected, and its key, are told of one connection at a time.
        if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove("connectionStatus");
            properties.remove("sharedKey");
        }
        if let Some(provider) = provider::of(id) {
            provider.tell(&mut body);
        }
        Some(body)
    }

    /// Those of a type that name a resource under one of these keys.
    fn listed_under(
        &self,
        above: &ResourceId,
        (kind, keys): (&str, &[&str]),
        api_version: &str,
        now: Timestamp,
    ) -> WireResponse {
        let value: Vec<Value> = self
            .resources
            .of_type(kind)
            .filter(|(_, resource)| {
                keys.iter().any(|key| {
                    let at = resource.body.pointer(&format!("/properties/{key}/id"));
                    at.and_then(Value::as_str)
                        .is_some_and(|at| at.eq_ignore_ascii_case(above.as_str()))
                })
            })
            .filter_map(|(id, _)| self.listed(id, now))
            .collect();
        json_answer(200, &shaped(json!({ "value": value }), api_version, now))
    }
}

/// Gives the items of a list the etag and the state of the whole that they are part of.
pub(super) fn mark_parts(list: Option<&mut Value>, etag: &str, state: &str) {
    let list = list.and_then(Value::as_array_mut).into_iter().flatten();
    for part in list.filter(|part| part.is_object()) {
        part["etag"] = json!(etag);
        part["properties"]["provisioningState"] = json!(state);
    }
}
