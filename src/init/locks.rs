//! Which management locks stand in the way? Azure refuses under a lock whatever right one has: what a failover makes
//! or what its way home removes.

use super::draft::{Draft, DraftHub, DraftKey};
use crate::model::ResourceId;
use crate::sim::{Lock, LockLevel};

/// Says of each lock over what the draft touches how it is taken off; the world of the drill is without them.
pub(super) fn look(locks: &[Lock], draft: &mut Draft) {
    let touched = touched(draft);
    for lock in locks {
        let under: Vec<&str> =
            touched.iter().filter(|id| covers(&lock.scope, id)).map(ResourceId::name).collect();
        let Some(first) = under.first() else { continue };
        let more = match under.len() {
            1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        let what = match lock.level {
            LockLevel::ReadOnly => "is ReadOnly: Azure refuses to write or to ask for routes there",
            LockLevel::CanNotDelete => {
                "is CanNotDelete: Azure refuses to take back there what was made"
            }
        };
        draft.todo.lack(
            format!(
                "The lock `{}` over {first}{more} {what}. Take it off before a failover, and put it back after \
                 the way home.",
                lock.name
            ),
            vec![
                format!(
                    "az lock delete --ids \"{}/providers/Microsoft.Authorization/locks/{}\"",
                    lock.scope, lock.name
                ),
                format!(
                    "az lock create --name \"{}\" --lock-type {} {}  # afterwards",
                    lock.name,
                    level(lock.level),
                    place(&lock.scope)
                ),
            ],
        );
        draft.todo.lifted.push(lock.clone());
    }
}

fn level(level: LockLevel) -> &'static str {
    match level {
        LockLevel::CanNotDelete => "CanNotDelete",
        LockLevel::ReadOnly => "ReadOnly",
    }
}

/// A lock's scope, as `az lock create` takes it.
fn place(scope: &str) -> String {
    let parts: Vec<&str> = scope.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        [_, subscription] => format!("--subscription {subscription}"),
        [_, subscription, _, group] => {
            format!("--subscription {subscription} --resource-group \"{group}\"")
        }
        _ => format!("--resource \"{scope}\""),
    }
}

/// Whether a scope is the resource's own, its group or subscription, or what it is part of.
fn covers(scope: &str, id: &ResourceId) -> bool {
    let (scope, id) = (scope.trim_end_matches('/').to_ascii_lowercase(), id.as_str());
    id.to_ascii_lowercase()
        .strip_prefix(&scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the failover or its way home writes or removes.
fn touched(draft: &Draft) -> Vec<ResourceId> {
    let mut all: Vec<ResourceId> = draft.hubs.iter().flat_map(of_hub).collect();
    if let Some(own) = &draft.wan {
        all.extend([own.hub.clone(), own.gateway.clone(), own.circuit.clone()]);
    }
    if let Some(own) = &draft.test {
        all.push(own.plan.clone());
    }
    all.extend(draft.plans.iter().cloned());
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|own| seen.insert(own.clone()));
    all
}

fn of_hub(hub: &DraftHub) -> Vec<ResourceId> {
    let mut all = vec![hub.hub.id.clone(), hub.gateway.id.clone()];
    for link in &hub.links {
        all.push(link.id.clone());
        if matches!(link.key, DraftKey::Made(_)) {
            all.push(link.circuit.clone());
        }
        all.extend(link.removed.iter().map(|own| own.id.clone()));
    }
    all.extend(hub.also_removed.iter().map(|own| own.link.id.clone()));
    for own in &hub.spokes {
        all.push(own.id.clone());
    }
    for table in &hub.tables {
        all.push(table.id.clone());
        all.extend(table.subnets.iter().map(|(_, subnet)| subnet.clone()));
    }
    if let Some(own) = &hub.tunnels {
        all.push(own.gateway.clone());
        all.extend(own.addresses.iter().cloned());
        all.extend(own.tunnels.iter().flat_map(|own| [own.id.clone(), own.local.clone()]));
    }
    all
}
