//! How does a resource's body compare with what shall be, and what must be written?
//!
//! Bodies are raw JSON (D13): a write is the GET's body merged with the wanted change, without what
//! only Azure writes, so that fields this program does not know survive it. Keys are taken out of
//! every body at this edge.

use std::time::Duration;

use serde_json::{Map, Value};

use super::compare::{Against, compare, without_nulls};
use super::taken_back::{Touched, changed_since, loses, taken_back};
use crate::arm::read::text;
use crate::arm::{has_failed, provisioning_state};
use crate::model::assessment::SeenState;
use crate::model::secret::seal;
use crate::model::tags::{TAGS_MAX, Tags};
use crate::model::{
    Assessed, Assessment, Change, Outputs, PlannedChange, ResourceId, Seen, Undo, Write,
    WriteMethod,
};

/// Wait before looking again at a resource that Azure is at work on.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Keys that may be in a body and never leave this room.
pub(crate) const SECRET_KEYS: [&str; 4] =
    ["authorizationKey", "sharedKey", "serviceKey", "radiusServerSecret"];

/// Keys that only Azure writes, at any depth.
const READ_ONLY_ANYWHERE: [&str; 3] = ["etag", "provisioningState", "resourceGuid"];

/// Keys that only Azure writes, under `properties`.
const READ_ONLY_PROPERTIES: [&str; 35] = [
    "associatedConnections",
    "authorizationUseStatus",
    "connectionResourceUri",
    "connectionStatus",
    "bgpConnections",
    "egressBytesTransferred",
    "endpointMonitorStatus",
    // Resources of their own, which a gateway of a hub shows in its body; its write has them as they stand then (`hub`).
    "expressRouteConnections",
    "ingressBytesTransferred",
    "inboundDnsForwardingEndpoint",
    "interfaceEndpoints",
    "ipAddress",
    "ipConfiguration",
    "ipConfigurationProfiles",
    "isAutoRegistered",
    // Azure shows these two and has published neither.
    "isMigrateToCSES",
    "networkVirtualAppliances",
    "packetCaptureDiagnosticState",
    "peeringState",
    "peeringSyncLevel",
    "privateEndpoints",
    "propagatingConnections",
    "purpose",
    "remoteAddressSpace",
    "remoteGateways",
    "remoteVirtualNetworkAddressSpace",
    "remoteVirtualNetworkEncryption",
    "resourceNavigationLinks",
    "routeMaps",
    "routeServiceVips",
    "routingState",
    "serviceAssociationLinks",
    "tunnelConnectionStatus",
    "virtualNetworkGatewayMigrationStatus",
    // Resources of their own: a write of a network without them leaves them, as azurerm has done for years, and asks for
    // no right on the peers (azure-powershell 13544), of which one may be Microsoft's own (azure-docs 107338).
    "virtualNetworkPeerings",
];

/// Keys further down that only Azure writes, as the published specification has them; `*` is each item
/// of a list.
const READ_ONLY_BELOW: [&str; 21] = [
    "identity/principalId",
    "identity/tenantId",
    "properties/bgpSettings/bgpPeeringAddresses/*/defaultBgpIpAddresses",
    "properties/bgpSettings/bgpPeeringAddresses/*/tunnelIpAddresses",
    "properties/delegations/*/properties/actions",
    "properties/addressSpace/ipamPoolPrefixAllocations/*/allocatedAddressPrefixes",
    "properties/ipConfigurations/*/properties/privateIPAddress",
    "properties/ipConfigurations/*/type",
    "properties/natRules/*/type",
    "properties/remoteBgpCommunities/regionalCommunity",
    "properties/routes/*/properties/hasBgpOverride",
    "properties/routingConfiguration/vnetRoutes/bgpConnections",
    "properties/routingConfiguration/vnetRoutes/staticRoutesConfig/propagateStaticRoutes",
    "properties/sku/capacity",
    // The subnets of a virtual network that is written whole.
    "properties/subnets/*/properties/ipConfigurationProfiles",
    "properties/subnets/*/properties/ipConfigurations",
    "properties/subnets/*/properties/privateEndpoints",
    "properties/subnets/*/properties/purpose",
    "properties/subnets/*/properties/resourceNavigationLinks",
    "properties/subnets/*/properties/serviceAssociationLinks",
    "properties/virtualNetworkGatewayPolicyGroups/*/properties/vngClientConnectionConfigurations",
];

/// Back references under `properties`: lists of ids that Azure keeps.
const BACK_REFERENCES: [&str; 2] = ["ipConfigurations", "subnets"];

/// What is told of a resource that was looked at.
pub(crate) fn seen(resource: &ResourceId, body: Option<&Value>) -> Seen {
    Seen {
        resource: resource.clone(),
        state: body.map_or(SeenState::Absent, |body| SeenState::of(provisioning_state(body))),
        etag: body.and_then(|body| text(body, "/etag")).map(str::to_owned),
    }
}

/// What is told of the fields that somebody has changed since the step wrote them, and that a write gives back: a look
/// of its own at the resource, after the one that its state is read from.
pub(crate) fn tell_of_others(assessment: &mut Assessment) {
    let Assessed::Change(change) = &assessment.verdict else { return };
    let whole = change.changes.first().is_some_and(|first| first.path.is_empty());
    let others = change.changes.iter().skip(1).filter(|own| whole && !own.path.is_empty());
    let told = others.map(|own| Seen {
        resource: own.resource.clone(),
        state: SeenState::changed_since(&own.path),
        etag: None,
    });
    let told: Vec<Seen> = told.collect();
    assessment.seen.extend(told);
}

/// An assessment about one resource.
pub(crate) fn assessment(
    resource: &ResourceId,
    body: Option<&Value>,
    verdict: Assessed,
) -> Assessment {
    let mut outputs = Outputs::new();
    if verdict == Assessed::Holds {
        outputs.insert("id".to_owned(), Value::from(resource.as_str()));
    }
    Assessment { verdict, seen: vec![seen(resource, body)], outputs }
}

/// Whether Azure is at work on the resource, as a verdict.
pub(crate) fn at_work(resource: &ResourceId, body: &Value) -> Option<Assessed> {
    let state = provisioning_state(body);
    let busy = ["updating", "creating", "deleting", "accepted"];
    busy.iter().any(|word| state.eq_ignore_ascii_case(word)).then(|| Assessed::InProgress {
        why: format!("Azure is at work on {} ({state})", resource.name()),
        after: LOOK_AGAIN,
    })
}

/// Blocks where the tags of others leave no room for ours.
fn too_many_tags(merged: &Value) -> Option<Assessed> {
    let count = merged.get("tags").and_then(Value::as_object).map_or(0, Map::len);
    (count > TAGS_MAX).then(|| {
        let why = format!(
            "With its own tags and those of the runbook it would have {count}, and Azure takes {TAGS_MAX}. \
             Take tags off it, or out of the runbook."
        );
        blocked("too_many_tags", why)
    })
}

/// Compares a resource with what is wanted of it, and plans the write that leads there.
pub(crate) fn ensure(resource: &ResourceId, body: Option<&Value>, wanted: &Value) -> Assessed {
    let Some(body) = body else {
        let wanted = &without_nulls(wanted);
        return Assessed::Change(Box::new(PlannedChange {
            changes: vec![Change {
                resource: resource.clone(),
                path: String::new(),
                before: Value::Null,
                after: without_secrets(wanted),
            }],
            write: put(resource, wanted.clone()),
            undo: Undo::Delete { resource: resource.clone() },
        }));
    };
    let compared = compare(resource, wanted, body, Against::Wanted);
    if let Some(stuck) = compared.stuck.or_else(|| too_many_tags(&compared.merged)) {
        return stuck;
    }
    if let Some(verdict) = at_work(resource, body) {
        return verdict;
    }
    let mut changes = compared.changes;
    let failed = has_failed(body);
    if changes.is_empty() && !failed {
        return Assessed::Holds;
    }
    if changes.is_empty() {
        changes.push(Change {
            resource: resource.clone(),
            path: "properties.provisioningState".to_owned(),
            before: Value::from("Failed"),
            after: Value::from("Succeeded"),
        });
    }
    let before = writable(body);
    Assessed::Change(Box::new(PlannedChange {
        changes,
        write: put(resource, compare(resource, wanted, &before, Against::Wanted).merged),
        undo: Undo::Restore { resource: resource.clone(), body: before },
    }))
}

fn put(resource: &ResourceId, body: Value) -> Write {
    Write { body: Some(body), ..Write::to(WriteMethod::Put, resource) }
}

/// Compares a resource with how it was before a step, and plans the write that takes it back.
/// `written` is what the step wanted, null where it removed the resource: what it did not touch stays as it is now.
pub(crate) fn undo(undo: &Undo, body: Option<&Value>, written: &Value) -> Assessed {
    undo_of(undo, body, |resource, before| {
        (!written.is_null()).then(|| compare(resource, written, before, Against::Wanted).merged)
    })
}

/// The same, where the body that was sent is more than what was wanted laid over how it was: `wrote` says it of how
/// it was, and nothing where the resource was removed.
pub(super) fn undo_of(
    undo: &Undo,
    body: Option<&Value>,
    wrote: impl FnOnce(&ResourceId, &Value) -> Option<Value>,
) -> Assessed {
    let (resource, wanted) = match undo {
        Undo::Nothing | Undo::ByStep => return Assessed::Holds,
        Undo::Delete { resource } => (resource, None),
        Undo::Restore { resource, body } => (resource, Some(body)),
        Undo::Call { resource, verb, .. } => {
            let why =
                format!("Nothing of {} is written back: {verb} takes it back.", resource.name());
            return Assessed::Blocked { code: "undo_by_verb".to_owned(), why };
        }
    };
    if let Some(verdict) = body.and_then(|body| at_work(resource, body)) {
        return verdict;
    }
    let change = |before: Value, after: Value, write: Write| {
        Assessed::Change(Box::new(PlannedChange {
            changes: vec![Change {
                resource: resource.clone(),
                path: String::new(),
                before,
                after,
            }],
            write,
            undo: Undo::Nothing,
        }))
    };
    match (wanted, body) {
        (None, None) => Assessed::Holds,
        (None, Some(body)) => {
            let write = Write::to(WriteMethod::Delete, resource);
            change(writable(body), Value::Null, write)
        }
        (Some(wanted), None) => change(Value::Null, wanted.clone(), put(resource, wanted.clone())),
        (Some(before), Some(body)) => {
            let now = writable(body);
            let failed = has_failed(body);
            let wrote = wrote(resource, before);
            let target = taken_back(before, wrote.as_ref(), &now);
            let compared = compare(resource, &target, &now, Against::Before);
            if let Some(stuck) = compared.stuck {
                return stuck;
            }
            if !failed && compared.changes.is_empty() && !loses(&target, &now) {
                return Assessed::Holds;
            }
            let others = wrote.map(|wrote| changed_since(before, &wrote, &now));
            let whole = change(now, target.clone(), put(resource, target));
            beside(whole, resource, others.unwrap_or_default())
        }
    }
}

/// A change, and behind the whole body what of it somebody else has changed since the step wrote it.
fn beside(mut verdict: Assessed, resource: &ResourceId, others: Vec<Touched>) -> Assessed {
    if let Assessed::Change(change) = &mut verdict {
        change.changes.extend(others.into_iter().map(|own| Change {
            resource: resource.clone(),
            path: own.path,
            before: own.now,
            after: own.before,
        }));
    }
    verdict
}

/// A body without what only Azure writes and without keys: what may be written back.
pub(crate) fn writable(body: &Value) -> Value {
    let mut body = without_secrets(body);
    strip(&mut body);
    for path in READ_ONLY_BELOW {
        remove(&mut body, &path.split('/').collect::<Vec<_>>());
    }
    if let Some(object) = body.as_object_mut() {
        // Azure takes no circuit's connection of a hub without its name (published as required).
        let named = object
            .get("id")
            .and_then(Value::as_str)
            .is_some_and(|id| id.to_ascii_lowercase().contains("/expressrouteconnections/"));
        for key in ["id", "name", "type"].iter().filter(|key| !(named && **key == "name")) {
            object.remove(*key);
        }
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
            for key in READ_ONLY_PROPERTIES {
                properties.remove(key);
            }
            // A gateway's own `ipConfigurations` have properties of their own to write; what a
            // subnet lists under that name are references.
            for key in BACK_REFERENCES {
                let own = |item: &Value| match key {
                    // The subnets of a virtual network are its own, and gone when they are not written.
                    "subnets" => item.get("properties").is_some(),
                    _ => item.pointer("/properties/subnet").is_some(),
                };
                let only_references = properties
                    .get(key)
                    .and_then(Value::as_array)
                    .is_some_and(|list| !list.iter().any(own));
                if only_references {
                    properties.remove(key);
                }
            }
        }
    }
    body
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for key in READ_ONLY_ANYWHERE {
                object.remove(key);
            }
            // The names of tags are people's own.
            object.iter_mut().filter(|(key, _)| *key != "tags").for_each(|(_, value)| strip(value));
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Takes the value at the end of a path out, wherever the path leads.
fn remove(value: &mut Value, path: &[&str]) {
    match (value, path) {
        (Value::Object(object), [last]) => drop(object.remove(*last)),
        (Value::Array(list), ["*", rest @ ..]) => {
            list.iter_mut().for_each(|item| remove(item, rest));
        }
        (Value::Object(object), [key, rest @ ..]) => {
            if let Some(value) = object.get_mut(*key) {
                remove(value, rest);
            }
        }
        _ => {}
    }
}

/// A body without the values of keys.
pub(crate) fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(key, _)| !is_secret_key(key))
            .map(|(key, value)| (key.clone(), without_secrets(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(without_secrets).collect(),
        other => other.clone(),
    }
}

/// A body for a file: its authorization keys sealed, so that it can be told which connection uses which,
/// and every other secret left out.
pub(crate) fn with_seals(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter_map(|(key, value)| match value {
                Value::String(text) if key.eq_ignore_ascii_case("authorizationKey") => {
                    Some((key.clone(), Value::from(seal(text))))
                }
                _ if is_secret_key(key) => None,
                _ => Some((key.clone(), with_seals(value))),
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(with_seals).collect(),
        other => other.clone(),
    }
}

/// Whether values under this name never leave this room.
pub(crate) fn is_secret_key(key: &str) -> bool {
    SECRET_KEYS.iter().any(|secret| secret.eq_ignore_ascii_case(key))
}

/// Puts the wanted tags into a body that is wanted.
pub(crate) fn with_tags(mut wanted: Value, tags: &Tags) -> Value {
    if !tags.is_empty() {
        wanted["tags"] = tags.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
    }
    wanted
}

/// Puts a flag or number into the properties of a wanted body, where the author said one.
pub(crate) fn set<T: Into<Value>>(wanted: &mut Value, key: &str, value: Option<T>) {
    if let Some(value) = value {
        wanted["properties"][key] = value.into();
    }
}

/// A verdict that nothing of ours can change.
pub(crate) fn blocked(code: &str, why: String) -> Assessed {
    Assessed::Blocked { code: code.to_owned(), why }
}

#[cfg(test)]
mod tests;
