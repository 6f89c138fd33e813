//! What does each resource type do with a write? One file per type, named like its service in `azure`.

mod authorization;
mod azure_firewall;
mod circuit;
mod circuit_peering;
mod connection;
mod connection_ends;
mod gateway;
mod gateway_check;
mod gateway_place_check;
mod global_reach;
pub(super) mod hub;
pub(super) mod hub_gateway;
mod hub_vnet;
mod local_gateway;
mod private_dns;
mod public_ip;
mod route_server;
mod route_table;
mod security_group;
mod subnet;
mod subnet_check;
mod traffic_manager;
mod virtual_network;
mod vnet_peering;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::body_rule::BodyRule;
use super::consequence::Consequence;
use super::parts::Resource;
use super::reply::Refusal;
use super::world::World;
use crate::arm::CircuitPath;
pub(super) use crate::arm::read::id_at;
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

/// A resource that is shown.
pub(super) struct Shown<'a> {
    pub(super) id: &'a ResourceId,
    pub(super) resource: &'a Resource,
    pub(super) etag: &'a str,
    pub(super) now: Timestamp,
}

/// Something that is done with a resource, and is no new body for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PostAction {
    /// It is begun anew.
    Reset,
    /// A failover test of a site is started.
    StartTest,
    /// A failover test of a site is stopped.
    StopTest,
}

/// What a POST reads of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PostReading {
    /// What a gateway has learned.
    LearnedRoutes,
    /// The sessions of a gateway.
    BgpPeers,
    /// What a gateway tells one of its peers.
    AdvertisedRoutes,
    /// The neighbours of one path of a circuit.
    ArpTable(CircuitPath),
    /// The routes of one path of a circuit.
    RouteTable(CircuitPath),
    /// The sessions of one path of a circuit.
    RouteSummary(CircuitPath),
    /// The routes of one table of a hub.
    EffectiveRoutes,
    /// How resilient a gateway is, and what its tests came to.
    Resiliency,
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

    /// Lists in its body that show children of several types, each by its own id: a world file may hold them there.
    fn shows_children(&self) -> &'static [&'static str] {
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

    /// Whether Azure answers a write when it is done, with no operation to follow, and a GET shows no state.
    fn at_once(&self) -> bool {
        false
    }

    /// What is said of a deletion that is done at once, where anything is.
    fn tells_of_delete(&self) -> Option<Value> {
        None
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

    /// Takes out of a body what Azure shows no more.
    fn hide(&self, _body: &mut Value, _now: Timestamp) {}

    /// Adds to a body what a GET computes.
    fn show(&self, _world: &World, _shown: &Shown<'_>, _body: &mut Value) {}

    /// Until when a GET shows what it shows now, if nothing changes: a time other than the day is over; none where it
    /// shows nothing that time alone changes.
    fn shows_until(&self, _resource: &Resource, _now: Timestamp) -> Option<Timestamp> {
        None
    }

    /// Whether what goes over the network depends on its being done.
    fn carries(&self) -> bool {
        false
    }

    /// Where a write may change what carries, and it carries all the while: no fact says that it is interrupted.
    fn changes_softly(&self) -> &'static [&'static str] {
        &[]
    }

    /// What is done with it by a POST of this verb, in lower case.
    fn post_action(&self, _verb: &str) -> Option<PostAction> {
        None
    }

    /// What is read of it by a POST of this verb, in lower case; a verb may name a path after a slash.
    fn post_reading(&self, _verb: &str) -> Option<PostReading> {
        None
    }

    /// Whether it has counters of what goes through it.
    fn has_counters(&self) -> bool {
        false
    }

    /// Types that stand by themselves and are listed under it, by the last word of their names: each with the keys
    /// of its body that name it.
    fn lists(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[]
    }

    /// Whether its configurations stand in subnets and have addresses: those show it, and stay while it does.
    fn stands_in_subnets(&self) -> bool {
        false
    }

    /// The list in which what its body names shows it.
    fn is_shown_among(&self) -> Option<&'static str> {
        None
    }

    /// Whether a shared key is read and set under it.
    fn has_shared_key(&self) -> bool {
        false
    }

    /// Whether the links of the on-premises side end at it.
    fn ends_links(&self) -> bool {
        false
    }

    /// Whether Azure makes it along with another, so that a world file may name it unwritten.
    fn comes_along(&self) -> bool {
        false
    }

    /// The property that says the customer's autonomous system.
    fn customer_asn(&self) -> Option<&'static str> {
        None
    }

    /// Azure's names for the quotas that it counts against, and how many there may be where a world says nothing.
    fn usages(&self) -> &'static [(&'static str, u64)] {
        &[]
    }

    /// What must hold of its bodies in a world file, besides their shape.
    fn body_rules(&self) -> &'static [BodyRule] {
        &[]
    }

    /// The circuit that a body leads to, and the key that it was made with.
    fn redeemed<'b>(&self, _body: &'b Value) -> Option<(ResourceId, &'b str)> {
        None
    }

    /// Whether the end of its reset tells it as it is.
    fn is_told_when_reset(&self) -> bool {
        false
    }

    /// Whether what it refers to may not be written meanwhile, and the refusal is one that no time makes pass.
    fn needs_references_idle(&self) -> bool {
        false
    }

    /// Whether its children stay when they are not among those that are sent with it.
    fn keeps_children(&self) -> bool {
        false
    }

    /// Whether its children go when it is written without a list of them.
    fn drops_unsent_children(&self) -> bool {
        false
    }

    /// Adds what the answers to writes and the lists say, and a GET of one does not.
    fn tell(&self, _body: &mut Value) {}

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

    /// What Azure makes along with it, where it is not there.
    fn comes_with(&self, _world: &World, _id: &ResourceId) -> Vec<(ResourceId, Value)> {
        Vec::new()
    }

    /// What follows when a write is accepted, besides the resource itself.
    fn accepted(&self, _world: &World, _id: &ResourceId) -> Vec<Consequence> {
        Vec::new()
    }

    /// What a write over what was there means for others.
    fn replaced(&self, _world: &World, _id: &ResourceId, _before: &Value) -> Vec<Consequence> {
        Vec::new()
    }

    /// What Azure adds when a write is done.
    fn finished(&self, _world: &World, _id: &ResourceId) -> Vec<Consequence> {
        Vec::new()
    }

    /// What follows when a write of it has failed, besides that it stands failed itself.
    fn failed(&self, _world: &World, _id: &ResourceId) -> Vec<Consequence> {
        Vec::new()
    }

    /// Refuses a delete that cannot be.
    fn may_delete(&self, _world: &World, _id: &ResourceId) -> Result<(), Refusal> {
        Ok(())
    }

    /// What follows when it is gone; `body` is what it was.
    fn deleted(&self, _world: &World, _id: &ResourceId, _body: &Value) -> Vec<Consequence> {
        Vec::new()
    }
}

/// All of them.
const ALL: &[&dyn Provider] = &[
    &authorization::AuthorizationType,
    &azure_firewall::AzureFirewallType,
    &circuit::CircuitType,
    &circuit_peering::CircuitPeeringType,
    &connection::ConnectionType,
    &gateway::GatewayType,
    &global_reach::GlobalReachType,
    &hub::VirtualWanType,
    &hub::VirtualHubType,
    &hub::HubTableType,
    &hub_gateway::HubGatewayType,
    &hub_gateway::HubConnectionType,
    &hub_vnet::HubVnetType,
    &local_gateway::LocalGatewayType,
    &private_dns::ZoneType,
    &private_dns::Records(private_dns::V4),
    &private_dns::Records(private_dns::V6),
    &private_dns::AliasType,
    &private_dns::LinkType,
    &public_ip::PublicIpType,
    &route_table::RouteTableType,
    &route_table::RouteType,
    &security_group::SecurityGroupType,
    &security_group::SecurityRuleType,
    &subnet::SubnetType,
    &traffic_manager::ProfileType,
    &traffic_manager::EndpointType("azureEndpoints"),
    &traffic_manager::EndpointType("externalEndpoints"),
    &traffic_manager::EndpointType("nestedEndpoints"),
    &virtual_network::VirtualNetworkType,
    &vnet_peering::NetworkPeeringType,
];

/// All of them, for what is asked of every type.
pub(super) fn all() -> impl Iterator<Item = &'static dyn Provider> {
    ALL.iter().copied()
}

/// The provider of a resource's type.
pub(super) fn of(id: &ResourceId) -> Option<&'static dyn Provider> {
    static BY_TYPE: LazyLock<BTreeMap<String, &'static dyn Provider>> = LazyLock::new(|| {
        all().map(|provider| (provider.kind().to_ascii_lowercase(), provider)).collect()
    });
    BY_TYPE.get(&id.type_key()).copied()
}

/// The types that have a provider, for the tests of those who must know each of them.
#[cfg(test)]
pub(crate) fn types() -> impl Iterator<Item = &'static str> {
    all().map(|provider| provider.kind())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_of_the_simulator_names_every_type() {
        let book = include_str!("../../../docs/simulator.md");
        let unnamed: Vec<&str> = types()
            .filter(|kind| {
                let name = kind.rsplit('/').next().unwrap_or_default();
                !book.contains(&format!("`{name}`"))
            })
            .collect();
        assert!(unnamed.is_empty(), "docs/simulator.md does not say that it knows {unnamed:?}");
    }
}
