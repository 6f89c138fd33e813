//! What does a body say? Azure's JSON, read by the rules: nothing is an error, only absent.

use ipnet::IpNet;
use serde_json::Value;

use crate::model::{Region, ResourceId};

/// A text in a body.
#[must_use]
pub fn text<'v>(body: &'v Value, pointer: &str) -> Option<&'v str> {
    body.pointer(pointer)?.as_str()
}

/// Whether a text in a body is this, whatever the case of its letters.
#[must_use]
pub fn is(body: &Value, pointer: &str, wanted: &str) -> bool {
    text(body, pointer).is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

/// Whether a flag in a body is on.
#[must_use]
pub fn flag(body: &Value, pointer: &str) -> bool {
    body.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// A resource id in a body.
#[must_use]
pub fn id_at(body: &Value, pointer: &str) -> Option<ResourceId> {
    ResourceId::parse(text(body, pointer)?).ok()
}

/// A list in a body.
#[must_use]
pub fn list<'v>(body: &'v Value, pointer: &str) -> &'v [Value] {
    body.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The protected items that a recovery plan's body names.
#[must_use]
pub fn recovery_items(plan: &Value) -> Vec<ResourceId> {
    list(plan, "/properties/groups")
        .iter()
        .flat_map(|group| list(group, "/replicationProtectedItems"))
        .filter_map(|item| id_at(item, "/id"))
        .collect()
}

/// The prefixes of a list in a body.
#[must_use]
pub fn prefixes(body: &Value, pointer: &str) -> Vec<IpNet> {
    list(body, pointer).iter().filter_map(|item| item.as_str()?.parse().ok()).collect()
}

/// The peerings of a virtual network's body.
#[must_use]
pub fn peerings_of(vnet: Option<&Value>) -> &[Value] {
    vnet.map_or(&[], |body| list(body, "/properties/virtualNetworkPeerings"))
}

/// The subnets of a virtual network's body.
#[must_use]
pub fn subnets_of(vnet: &Value) -> &[Value] {
    list(vnet, "/properties/subnets")
}

/// The private peering of a circuit's body.
#[must_use]
pub fn peering<'v>(circuit: &'v Value, name: &str) -> Option<&'v Value> {
    list(circuit, "/properties/peerings").iter().find(|peering| is(peering, "/name", name))
}

/// The subnet that a gateway's body names.
#[must_use]
pub fn gateway_subnet(gateway: &Value) -> Option<ResourceId> {
    id_at(gateway, "/properties/ipConfigurations/0/properties/subnet/id")
}

/// The first prefix of a subnet's body.
#[must_use]
pub fn subnet_prefix(subnet: &Value) -> Option<IpNet> {
    subnet_prefixes(subnet).into_iter().next()
}

/// All prefixes of a subnet's body: one in the one field, or several in the other.
#[must_use]
pub fn subnet_prefixes(subnet: &Value) -> Vec<IpNet> {
    let one = text(subnet, "/properties/addressPrefix").and_then(|prefix| prefix.parse().ok());
    let mut all: Vec<IpNet> = one.into_iter().collect();
    all.extend(prefixes(subnet, "/properties/addressPrefixes"));
    all.dedup();
    all
}

/// A region in a body.
#[must_use]
pub fn region_at(body: &Value) -> Option<Region> {
    Region::parse(text(body, "/location")?).ok()
}

/// Whether one prefix is in the other.
#[must_use]
pub fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// The first pair of prefixes of two lists that overlap.
#[must_use]
pub fn clash<'p>(ours: &'p [IpNet], theirs: &'p [IpNet]) -> Option<(&'p IpNet, &'p IpNet)> {
    ours.iter().find_map(|a| theirs.iter().find(|b| overlap(a, b)).map(|b| (a, b)))
}
