//! What does a GET show? A stored resource with what Azure computes around it.

use std::time::Duration;

use serde_json::{Value, json};

use super::envelope::is_since;
use super::network::connection_status;
use super::provider;
use super::reply::{Refusal, json_answer};
use super::scenario::OutageReads;
use super::shape::shaped;
use super::site_recovery::is_ours;
use super::world::{Resource, State, World};
use crate::azure::wire::WireResponse;
use crate::model::{ResourceId, Timestamp};

/// How long after its operation's end a connection still says `Unknown`, then `Connecting`
/// (azure-facts 3.3: unknown right after Succeeded).
const UNKNOWN: Duration = Duration::from_secs(10);
const CONNECTING: Duration = Duration::from_secs(25);

/// Before, the connection of a circuit had no status (recorded in 2016).
const STATUS_OF_CIRCUITS_SINCE: &str = "2017-01";

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
        if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("provisioningState".to_owned(), state.into());
        }
        if let Some(object) = body.as_object_mut().filter(|object| object.contains_key("id")) {
            object.insert("etag".to_owned(), etag.clone().into());
        }
        let children = provider::of(id).map(provider::Provider::children).unwrap_or_default();
        self.insert_children(id, &mut body, children, now);
        for pointer in provider::of(id).map(provider::Provider::parts).unwrap_or_default() {
            let list = body.pointer_mut(pointer).and_then(Value::as_array_mut);
            for part in list.into_iter().flatten().filter(|part| part.is_object()) {
                part["etag"] = json!(etag);
                part["properties"]["provisioningState"] = json!(state);
            }
        }
        if let Some(provider) = provider::of(id) {
            provider.shows(self, id, &mut body, now);
        }
        let kind = id.resource_type();
        if kind.is("Microsoft.Network/routeTables")
            || kind.is("Microsoft.Network/networkSecurityGroups")
        {
            let users = self.users_of(id);
            if users.as_array().is_some_and(|users| !users.is_empty()) {
                body["properties"]["subnets"] = users;
            }
            for rule in list_in(&mut body, "defaultSecurityRules") {
                rule["etag"] = json!(etag);
                rule["properties"]["provisioningState"] = json!(state);
            }
        } else if kind.is("Microsoft.Network/virtualNetworks/subnets") {
            let mut users = self.configurations_with(id);
            let others = body.pointer("/properties/ipConfigurations").and_then(Value::as_array);
            users.extend(others.into_iter().flatten().cloned());
            if !users.is_empty() {
                body["properties"]["ipConfigurations"] = json!(users);
            }
            for delegation in list_in(&mut body, "delegations") {
                delegation["etag"] = json!(etag);
                delegation["properties"]["provisioningState"] = json!(state);
            }
        } else if kind.is("Microsoft.Network/virtualNetworkGateways") {
            provider::gateway::hide_address(&mut body, now);
        } else if kind.is("Microsoft.Network/publicIPAddresses") {
            if let Some(user) = self.configurations_with(id).into_iter().next() {
                body["properties"]["ipConfiguration"] = user;
            }
        } else if kind.is("Microsoft.Network/connections")
            && resource.state == State::Succeeded
            && (is_since(now, STATUS_OF_CIRCUITS_SINCE)
                || body.pointer("/properties/connectionType") != Some(&json!("ExpressRoute")))
        {
            let since = now.since(resource.settled_at);
            let status = if since < UNKNOWN {
                "Unknown"
            } else if since < CONNECTING {
                "Connecting"
            } else {
                self.settled_status(id)
            };
            body["properties"]["connectionStatus"] = json!(status);
        }
        Some(body)
    }

    fn settled_status(&self, id: &ResourceId) -> &'static str {
        if self.unconnected.contains(id) {
            return "NotConnected";
        }
        let shown = self.shown();
        let estate = self.estate(&shown);
        estate
            .connections()
            .iter()
            .find(|connection| connection.id == *id)
            .map_or("Unknown", |connection| connection_status(&estate, &self.onprem, connection))
    }

    fn insert_children(&self, id: &ResourceId, body: &mut Value, kinds: &[&str], now: Timestamp) {
        for kind in kinds {
            let wanted = format!("{}/{kind}", id.resource_type());
            let children: Vec<Value> = self
                .resources
                .children(id)
                .filter(|(child, _)| child.resource_type().is(&wanted))
                .filter_map(|(child, _)| self.get_body(child, now))
                .collect();
            body["properties"][*kind] = Value::from(children);
        }
    }

    /// The configurations of gateways that use a subnet or an address.
    fn configurations_with(&self, id: &ResourceId) -> Vec<Value> {
        let names = |configuration: &&Value| {
            ["subnet", "publicIPAddress"].iter().any(|key| {
                let used = configuration.pointer(&format!("/properties/{key}/id"));
                let used = used.and_then(Value::as_str);
                used.is_some_and(|used| used.eq_ignore_ascii_case(id.as_str()))
            })
        };
        let gateways = self.resources.of_type("Microsoft.Network/virtualNetworkGateways");
        gateways
            .flat_map(|(gateway, resource)| {
                let list = resource.body.pointer("/properties/ipConfigurations");
                let own = list.and_then(Value::as_array).into_iter().flatten().filter(names);
                own.map(move |configuration| {
                    let name = configuration["name"].as_str().unwrap_or("default");
                    json!({ "id": format!("{gateway}/ipConfigurations/{name}") })
                })
            })
            .collect()
    }

    /// The subnets that use a route table or a security group.
    fn users_of(&self, id: &ResourceId) -> Value {
        let named = |resource: &Resource, pointer: &str| {
            let used = resource.body.pointer(pointer).and_then(Value::as_str);
            used.is_some_and(|used| used.eq_ignore_ascii_case(id.as_str()))
        };
        self.resources
            .of_type("Microsoft.Network/virtualNetworks/subnets")
            .filter(|(_, resource)| {
                named(resource, "/properties/routeTable/id")
                    || named(resource, "/properties/networkSecurityGroup/id")
            })
            .map(|(user, _)| json!({ "id": user.as_str() }))
            .collect()
    }

    /// The answer to a GET of one resource.
    pub(super) fn get(
        &self,
        id: &ResourceId,
        api_version: &str,
        now: Timestamp,
    ) -> Result<WireResponse, Refusal> {
        if self.outage.reads == OutageReads::Refuse && self.is_out(id) {
            let message = "The service is unavailable in this region now.";
            return Err(Refusal::new(503, "ServiceUnavailable", message));
        }
        let body = self.get_body(id, now).ok_or_else(|| Refusal::not_found(id))?;
        let mut answer = json_answer(200, &shaped(&body, api_version, now));
        let header = provider::of(id).is_some_and(provider::Provider::etag_header);
        if let (true, Some(etag)) = (header, body.get("etag").and_then(Value::as_str)) {
            answer.headers.push("ETag", etag);
        }
        Ok(answer)
    }

    /// The answer to a GET of a list: everything whose id is the path and one name more.
    pub(super) fn list(&self, path: &str, api_version: &str, now: Timestamp) -> WireResponse {
        if let Some(gateway) = path.strip_suffix("/connections")
            && let Ok(gateway) = ResourceId::parse(gateway)
            && gateway.resource_type().is("Microsoft.Network/virtualNetworkGateways")
        {
            return self.connections_of(&gateway, api_version, now);
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
        json_answer(200, &shaped(&json!({ "value": value }), api_version, now))
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

    /// The connections of a gateway, at either end.
    fn connections_of(
        &self,
        gateway: &ResourceId,
        api_version: &str,
        now: Timestamp,
    ) -> WireResponse {
        let ends = ["virtualNetworkGateway1", "virtualNetworkGateway2"];
        let value: Vec<Value> = self
            .resources
            .of_type("Microsoft.Network/connections")
            .filter(|(_, resource)| {
                ends.iter().any(|end| {
                    let at = resource.body.pointer(&format!("/properties/{end}/id"));
                    at.and_then(Value::as_str)
                        .is_some_and(|at| at.eq_ignore_ascii_case(gateway.as_str()))
                })
            })
            .filter_map(|(id, _)| self.listed(id, now))
            .collect();
        json_answer(200, &shaped(&json!({ "value": value }), api_version, now))
    }
}

/// The items of a list among a body's properties.
fn list_in<'a>(body: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    let list = body.get_mut("properties").and_then(|properties| properties.get_mut(key));
    list.and_then(Value::as_array_mut).into_iter().flatten()
}
