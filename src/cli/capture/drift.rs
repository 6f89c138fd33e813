//! What differs between a world that was drilled and the estate as it is? Resource by resource, field by field.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde::Serialize;
use serde_json::Value;

use super::Hidden;
use crate::model::ResourceId;
use crate::sim::World;

/// What Azure changes by itself, all the time: no drift.
const RESTLESS: [&str; 9] = [
    "ingressBytesTransferred",
    "egressBytesTransferred",
    "connectionStatus",
    "tunnelConnectionStatus",
    "packetCaptureDiagnosticState",
    "resourceGuid",
    "gatewayManagerEtag",
    "lastModifiedBy",
    "etag",
];

/// A difference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::cli) struct Difference {
    /// What it is about: a resource, or a path of a circuit.
    pub(in crate::cli) about: String,
    /// `new`, `gone` or `changed`.
    pub(in crate::cli) what: &'static str,
    /// The field that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) field: Option<String>,
    /// As the world has it; null when it has none.
    pub(in crate::cli) world: Value,
    /// As it is.
    pub(in crate::cli) estate: Value,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { about, what, field, world, estate } = self;
        let shown = |value: &Value| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match text.char_indices().nth(120) {
                Some((at, _)) => format!("{}…", &text[..at]),
                None => text,
            }
        };
        match (field, world.is_null(), estate.is_null()) {
            (None, ..) => write!(f, "{what:<8}{about}"),
            (Some(field), true, _) => {
                write!(f, "{what:<8}{about}: {field} is {}, was nothing", shown(estate))
            }
            (Some(field), _, true) => {
                write!(f, "{what:<8}{about}: {field} is gone, was {}", shown(world))
            }
            (Some(field), ..) => {
                write!(f, "{what:<8}{about}: {field} is {}, was {}", shown(estate), shown(world))
            }
        }
    }
}

/// What of a world was looked at: the rest of it is not compared.
#[derive(Debug, Default)]
pub(in crate::cli) struct ComparedScope {
    /// In small letters.
    pub(in crate::cli) subscriptions: BTreeSet<String>,
    /// In small letters; all when empty.
    pub(in crate::cli) groups: BTreeSet<String>,
    /// Where something may be that was not read: that is not compared.
    pub(in crate::cli) hidden: Vec<Hidden>,
}

impl ComparedScope {
    fn covers(&self, id: &ResourceId) -> bool {
        let group = id.resource_group().to_ascii_lowercase();
        self.subscriptions.contains(&id.subscription().to_ascii_lowercase())
            && (self.groups.is_empty() || self.groups.contains(&group))
            && !self.hidden.iter().any(|hidden| hidden.covers(id))
    }
}

/// What differs, in the order of the ids.
pub(in crate::cli) fn differences(
    world: &World,
    estate: &World,
    scope: &ComparedScope,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let (before, after) = (world.comparable(), estate.comparable());
    let bodies = |all: &Value| -> BTreeMap<String, Value> {
        let all = all["resources"].as_object().into_iter().flatten();
        let covered = |key: &str| ResourceId::parse(key).is_ok_and(|id| scope.covers(&id));
        all.filter(|(key, _)| covered(key)).map(|(k, body)| (k.clone(), body.clone())).collect()
    };
    let (before, after) = (bodies(&before), bodies(&after));
    let named = |world: &World, key: &str| {
        let id = world.ids().find(|id| id.key() == key);
        id.map_or_else(|| key.to_owned(), ToString::to_string)
    };
    for (key, was) in &before {
        match after.get(key) {
            Some(is) => {
                let about = named(world, key);
                fields(&about, String::new(), (was, is), &mut found);
            }
            None if after.is_empty() => {}
            None => found.push(bare(named(world, key), "gone")),
        }
    }
    for key in after.keys().filter(|key| !before.contains_key(*key)) {
        found.push(bare(named(estate, key), "new"));
    }
    locks(world, estate, scope, &mut found);
    policies(world, estate, scope, &mut found);
    heard(world, estate, scope, &mut found);
    found
}

fn bare(about: String, what: &'static str) -> Difference {
    Difference { about, what, field: None, world: Value::Null, estate: Value::Null }
}

/// The fields in which two values differ, each by its path.
fn fields(about: &str, path: String, (was, is): (&Value, &Value), found: &mut Vec<Difference>) {
    let within = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
            for key in keys.into_iter().filter(|key| !RESTLESS.contains(&key.as_str())) {
                let pair =
                    (was.get(key).unwrap_or(&Value::Null), is.get(key).unwrap_or(&Value::Null));
                fields(about, within(key), pair, found);
            }
        }
        // By name where items have one: what was put in front of a list changes nothing else.
        (Value::Array(was), Value::Array(is)) if by_name(was) && by_name(is) => {
            let named = |list: &[Value], name: &str| {
                list.iter().find(|item| item["name"] == *name).cloned().unwrap_or_default()
            };
            let names: BTreeSet<&str> =
                was.iter().chain(is).filter_map(|item| item["name"].as_str()).collect();
            for name in names {
                let pair = (named(was, name), named(is, name));
                fields(about, format!("{path}[{name}]"), (&pair.0, &pair.1), found);
            }
        }
        _ if same(was, is) => {}
        _ => found.push(Difference {
            about: about.to_owned(),
            what: "changed",
            field: Some(path),
            world: was.clone(),
            estate: is.clone(),
        }),
    }
}

fn by_name(list: &[Value]) -> bool {
    let names: BTreeSet<&str> = list.iter().filter_map(|item| item["name"].as_str()).collect();
    names.len() == list.len()
}

/// Nothing, and a list or a mapping without anything in it, are the same; ids are compared without case.
fn same(was: &Value, is: &Value) -> bool {
    let nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    match (was, is) {
        (Value::String(was), Value::String(is)) if was.starts_with("/subscriptions/") => {
            was.eq_ignore_ascii_case(is)
        }
        (Value::Array(was), Value::Array(is)) => {
            was.len() == is.len() && was.iter().zip(is).all(|(was, is)| same(was, is))
        }
        (was, is) => was == is || (nothing(was) && nothing(is)),
    }
}

fn locks(world: &World, estate: &World, scope: &ComparedScope, found: &mut Vec<Difference>) {
    let all = |of: &World| -> BTreeMap<String, String> {
        let inside = |key: &str| {
            let subscription = key.split('/').nth(2).unwrap_or_default();
            scope.subscriptions.contains(subscription)
        };
        of.locks()
            .iter()
            .filter(|lock| inside(&lock.scope.to_ascii_lowercase()))
            .map(|lock| (format!("{:?} lock of {}", lock.level, lock.scope), lock.scope.clone()))
            .collect()
    };
    let hidden = |at: &str| scope.hidden.iter().any(|hidden| hidden.covers_lock(at));
    only_in_one(&all(world), &all(estate), hidden, found);
}

/// The policies that deny, each by its whole.
fn policies(world: &World, estate: &World, scope: &ComparedScope, found: &mut Vec<Difference>) {
    let all = |of: &World| -> BTreeMap<String, String> {
        let written = |policy| serde_json::to_string(policy).unwrap_or_default();
        let each = of.policies().iter();
        each.map(|one| (format!("policy {}", written(one).to_lowercase()), one.scope.clone()))
            .collect()
    };
    let hidden = |at: &str| scope.hidden.iter().any(|hidden| hidden.covers_policy(at));
    only_in_one(&all(world), &all(estate), hidden, found);
}

/// What is in the world alone, but where it may have been hidden, and what is in the estate alone: each in words,
/// with its scope.
fn only_in_one(
    was: &BTreeMap<String, String>,
    is: &BTreeMap<String, String>,
    hidden: impl Fn(&str) -> bool,
    found: &mut Vec<Difference>,
) {
    let gone = was.iter().filter(|(words, at)| !is.contains_key(*words) && !hidden(at));
    found.extend(gone.map(|(words, _)| bare(words.clone(), "gone")));
    let new = is.keys().filter(|words| !was.contains_key(*words));
    found.extend(new.map(|words| bare(words.clone(), "new")));
}

/// What is heard over each path of each circuit.
fn heard(world: &World, estate: &World, scope: &ComparedScope, found: &mut Vec<Difference>) {
    type Paths = BTreeMap<(ResourceId, &'static str), (bool, BTreeSet<IpNet>)>;
    let all = |of: &World| -> Paths {
        let onprem = of.onprem();
        let mut paths = Paths::new();
        for link in onprem.links.iter().filter(|link| scope.covers(&link.circuit)) {
            let (up, heard) = paths.entry((link.circuit.clone(), link.path.as_str())).or_default();
            *up |= link.up;
            if link.up {
                heard.extend(onprem.advertised(link));
            }
        }
        paths
    };
    let (before, after) = (all(world), all(estate));
    for (key, (was_up, was)) in &before {
        let Some((is_up, is)) = after.get(key) else { continue };
        let (circuit, path) = key;
        let mut say = |field: &str, world: Value, estate: Value| {
            found.push(Difference {
                about: circuit.to_string(),
                what: "changed",
                field: Some(format!("the {path} path's {field}")),
                world,
                estate,
            });
        };
        if was_up != is_up {
            let word = |up: bool| Value::from(if up { "up" } else { "down" });
            say("session", word(*was_up), word(*is_up));
            continue;
        }
        for gone in was.difference(is) {
            say("prefix", gone.to_string().into(), Value::Null);
        }
        for new in is.difference(was) {
            say("prefix", Value::Null, new.to_string().into());
        }
    }
}
