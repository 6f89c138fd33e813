//! What does each resource type do with a write? One file per type, named like its service in `azure`.

mod authorization;
mod azure_firewall;
mod circuit;
mod circuit_peering;
mod connection;
pub(super) mod gateway;
mod global_reach;
pub(super) mod hub;
pub(super) mod hub_gateway;
mod hub_vnet;
mod local_gateway;
mod public_ip;
mod route_table;
mod security_group;
mod subnet;
mod virtual_network;
mod vnet_peering;

use serde_json::Value;

use super::reply::Refusal;
use super::world::World;
use crate::model::{ResourceId, Timestamp};

/// A write that has arrived: what it asks for and what is there.
pub(super) struct Put<'a> {
    pub(super) id: &'a ResourceId,
    /// The body as sent.
    pub(super) body: &'a Value,
    /// The body that is stored, if the resource exists.
    pub(super) stored: Option<&'a Value>,
    /// Which write of this resource it is, from 1.
    pub(super) ordinal: u64,
    /// When it has arrived: what Azure answers has changed over the years.
    pub(super) now: Timestamp,
    /// Whether it asks for the remote network's addresses as they are now (`syncRemoteAddressSpace`).
    pub(super) syncs: bool,
}

impl Put<'_> {
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer).and_then(Value::as_str)
    }

    /// The properties that were sent, without what only Azure says.
    pub(super) fn properties(&self) -> Value {
        let mut properties = self
            .body
            .get("properties")
            .filter(|properties| properties.is_object())
            .cloned()
            .unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("provisioningState");
            properties.remove("resourceGuid");
        }
        without_nulls(&mut properties);
        properties
    }
}

/// How a resource type behaves. What a type does not say is as most types do.
pub(super) trait Provider: Sync {
    /// The type's name.
    fn kind(&self) -> &'static str;

    /// The word for it in operation names: `VirtualNetworkGateway`.
    fn word(&self) -> &'static str;

    /// The first `Retry-After` of a PUT and of a DELETE, in seconds (docs/wire.md 1).
    fn first_retry_after(&self) -> (u64, u64) {
        (10, 10)
    }

    /// The children that stand in its body, as lists under these names.
    fn children(&self) -> &'static [&'static str] {
        &[]
    }

    /// Properties that a GET computes: a world file may hold them, the world does not.
    fn computed(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether Azure gives it a `resourceGuid`.
    fn has_guid(&self) -> bool {
        // Top-level types have one, their children have none.
        self.kind().matches('/').count() == 1
    }

    /// Whether a change of its tags is a long operation.
    fn patches_slowly(&self) -> bool {
        false
    }

    /// Whether a GET has an `ETag` header (docs/wire.md 1).
    fn etag_header(&self) -> bool {
        false
    }

    /// Whether its lock refuses with a 409 that names no time, instead of a 429 that does.
    fn locks_with_conflict(&self) -> bool {
        false
    }

    /// Refuses what cannot be.
    fn validate(&self, _world: &World, _put: &Put<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    /// The body to store: what was sent, with what Azure adds at once.
    fn accept(&self, world: &World, put: &Put<'_>) -> Value;

    /// Adds to a body what Azure answers for what was not sent: to a write, and to a world file.
    fn complete(&self, _body: &mut Value) {}

    /// Named parts that are no resources of their own: pointers to the lists that hold them. Each has an
    /// id, a type, and the etag and state of the whole.
    fn parts(&self) -> &'static [&'static str] {
        &[]
    }

    /// Adds what the answers to writes and the lists say, and a GET of one does not.
    fn tell(&self, _body: &mut Value) {}

    /// Adds what a GET says and nobody stores: what others are to it, and how far it has come.
    fn shows(&self, _world: &World, _id: &ResourceId, _body: &mut Value, _now: Timestamp) {}

    /// The resources that a body refers to, which must exist and be done.
    fn references(&self, _body: &Value) -> Vec<ResourceId> {
        Vec::new()
    }

    /// Rights on other resources that a write needs: Azure asks for them there.
    fn joins(&self, _id: &ResourceId, _body: &Value) -> Vec<(ResourceId, &'static str)> {
        Vec::new()
    }

    /// Resources that are written along, besides the resource's own root.
    fn also_locks(&self, _body: &Value) -> Vec<ResourceId> {
        Vec::new()
    }

    /// Why the operation is accepted and then fails, if it does.
    fn fails(&self, _world: &World, _put: &Put<'_>) -> Option<(String, String)> {
        None
    }

    /// What happens when a write is accepted, besides the resource itself.
    fn accepted(&self, _world: &mut World, _id: &ResourceId) {}

    /// What a write over what was there means for others.
    fn replaced(&self, _world: &mut World, _id: &ResourceId, _before: &Value) {}

    /// What Azure adds when a write is done.
    fn finished(&self, _world: &mut World, _id: &ResourceId) {}

    /// What else stands failed when a write of it has failed, and takes no children until it is written again.
    fn spoils(&self, _id: &ResourceId) -> Vec<ResourceId> {
        Vec::new()
    }

    /// Refuses a delete that cannot be.
    fn may_delete(&self, _world: &World, _id: &ResourceId) -> Result<(), Refusal> {
        Ok(())
    }

    /// What happens when it is gone; `body` is what it was.
    fn deleted(&self, _world: &mut World, _id: &ResourceId, _body: &Value) {}
}

/// The provider of a resource's type.
pub(super) fn of(id: &ResourceId) -> Option<&'static dyn Provider> {
    const ALL: [&dyn Provider; 22] = [
        &authorization::Authorization,
        &azure_firewall::AzureFirewall,
        &circuit::Circuit,
        &circuit_peering::Peering,
        &connection::Connection,
        &gateway::Gateway,
        &global_reach::GlobalReach,
        &hub::VirtualWan,
        &hub::VirtualHub,
        &hub::HubTable,
        &hub_gateway::HubGateway,
        &hub_gateway::HubConnection,
        &hub_vnet::HubVnet,
        &local_gateway::LocalGateway,
        &public_ip::PublicIp,
        &route_table::RouteTable,
        &route_table::Route,
        &security_group::SecurityGroup,
        &security_group::SecurityRule,
        &subnet::Subnet,
        &virtual_network::VirtualNetwork,
        &vnet_peering::Peering,
    ];
    let kind = id.resource_type();
    ALL.into_iter().find(|provider| kind.is(provider.kind()))
}

/// The id at a pointer of a body.
pub(super) fn id_at(body: &Value, pointer: &str) -> Option<ResourceId> {
    ResourceId::parse(body.pointer(pointer)?.as_str()?).ok()
}

/// A top-level body: name, id, type and location around properties.
pub(super) fn top_level(put: &Put<'_>, properties: Value) -> Value {
    let mut body = serde_json::Map::new();
    body.insert("name".to_owned(), put.id.name().into());
    body.insert("id".to_owned(), put.id.as_str().into());
    body.insert("type".to_owned(), put.id.resource_type().as_str().into());
    for (key, value) in put.body.as_object().into_iter().flatten() {
        // What is null, or a list without anything in it, counts as not sent.
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty && !["name", "id", "type", "etag", "properties"].contains(&key.as_str()) {
            body.insert(key.clone(), value.clone());
        }
    }
    if let Some(location) = body.get_mut("location") {
        let text = location.as_str().unwrap_or_default();
        *location = text.to_ascii_lowercase().replace(' ', "").into();
    }
    body.insert("properties".to_owned(), properties);
    body.into()
}

/// A child's body: name, id and type around properties.
pub(super) fn child(put: &Put<'_>, properties: Value) -> Value {
    let kind = put.id.resource_type();
    let mut body = serde_json::Map::new();
    body.insert("name".to_owned(), put.id.name().into());
    body.insert("id".to_owned(), put.id.as_str().into());
    body.insert("properties".to_owned(), properties);
    body.insert("type".to_owned(), kind.as_str().into());
    body.into()
}

/// Names the parts of a body: each gets its id and type.
pub(super) fn name_parts(properties: &mut Value, id: &ResourceId, parts: &[&str]) {
    for pointer in parts {
        let Some(own) = pointer.strip_prefix("/properties") else { continue };
        let kind = own.rsplit('/').next().unwrap_or_default();
        let list = properties.pointer_mut(own).and_then(Value::as_array_mut);
        for part in list.into_iter().flatten().filter(|part| part.is_object()) {
            let name = part["name"].as_str().unwrap_or("default").to_owned();
            part["id"] = format!("{id}/{kind}/{name}").into();
            part["type"] = format!("{}/{kind}", id.resource_type()).into();
        }
    }
}

/// Takes out what was sent as null: Azure takes it as not sent.
pub(super) fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// Keeps of the stored properties what a write cannot set.
pub(super) fn keep(properties: &mut Value, stored: Option<&Value>, keys: &[&str]) {
    for key in keys {
        let kept = stored.and_then(|stored| stored.pointer(&format!("/properties/{key}")));
        match (kept, properties.as_object_mut()) {
            (Some(kept), Some(properties)) => {
                properties.insert((*key).to_owned(), kept.clone());
            }
            (None, Some(properties)) => {
                properties.remove(*key);
            }
            (_, None) => {}
        }
    }
}

/// Sets what was not sent.
pub(super) fn default(properties: &mut Value, key: &str, value: Value) {
    if let Some(properties) = properties.as_object_mut() {
        properties.entry(key).or_insert(value);
    }
}
