//! What is there? Every type that a world holds, from every subscription that was named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};

use super::{Captured, Hidden, onprem, policy};
use crate::arm::{self, kind};
use crate::azure::{ArmObserver, EstateQuestion};
use crate::engine::Clock;
use crate::model::{Disposition, Region, ResourceId, StepError};
use crate::preflight::inquiry::recovery_group;
use crate::preflight::{FactReader, Question};
use crate::sim::{SHARED_KEY_SEAL, counted_usages};

const VAULTS: &str = "Microsoft.RecoveryServices/vaults";
const PRIVATE_ZONES: &str = "Microsoft.Network/privateDnsZones";
const TRAFFIC_MANAGERS: &str = "Microsoft.Network/trafficManagerProfiles";

/// The types that a world holds; their children stand in their bodies, but for those of [`APART`].
const KINDS: [&str; 16] = [
    kind::CIRCUITS,
    kind::PORTS,
    kind::NETWORKS,
    kind::GATEWAYS,
    kind::CONNECTIONS,
    kind::PUBLIC_ADDRESSES,
    kind::ROUTE_TABLES,
    kind::SECURITY_GROUPS,
    kind::FIREWALLS,
    kind::LOCAL_GATEWAYS,
    kind::VIRTUAL_WANS,
    kind::VIRTUAL_HUBS,
    kind::HUB_GATEWAYS,
    PRIVATE_ZONES,
    TRAFFIC_MANAGERS,
    VAULTS,
];

/// Children that no body of their parent's shows.
const APART: [(&str, &[&str]); 3] = [
    (kind::VIRTUAL_HUBS, &["hubRouteTables", "hubVirtualNetworkConnections", "routingIntent"]),
    (PRIVATE_ZONES, &["A", "AAAA", "CNAME", "virtualNetworkLinks"]),
    (
        VAULTS,
        &[
            "replicationFabrics",
            "replicationPolicies",
            "replicationProtectionContainers",
            "replicationProtectionContainerMappings",
            "replicationNetworkMappings",
            "replicationProtectedItems",
            "replicationRecoveryPlans",
            "replicationAlertSettings",
        ],
    ),
];

/// Children that a world does not hold, where they would matter.
const NOT_HELD: [(&str, &[&str]); 2] = [
    (kind::VIRTUAL_HUBS, &["bgpConnections", "routeMaps"]),
    (VAULTS, &["replicationMigrationItems"]),
];

/// How many resources are read at once.
const AT_ONCE: usize = 8;

/// How often something is asked again that may pass, and how long is waited where nobody says.
const TRIES: u32 = 4;
const WAIT: Duration = Duration::from_secs(5);
const WAIT_MAX: Duration = Duration::from_secs(60);

/// An estate that is read.
pub(in crate::cli) struct EstateReading<'a> {
    pub(in crate::cli) observer: &'a ArmObserver,
    pub(in crate::cli) clock: Arc<dyn Clock>,
    /// Only these groups; all when empty.
    pub(in crate::cli) groups: &'a [String],
}

impl EstateReading<'_> {
    /// Reads the subscriptions, one after the other, and then what stands behind them.
    pub(in crate::cli) async fn read(&self, subscriptions: &[String]) -> Captured {
        let mut captured = Captured::default();
        let mut named = BTreeSet::new();
        let own: Vec<String> = subscriptions
            .iter()
            .filter(|id| named.insert(id.to_ascii_lowercase()))
            .cloned()
            .collect();
        let subscriptions = own.as_slice();
        for subscription in subscriptions {
            self.read_subscription(&mut captured, subscription).await;
        }
        for group in self.groups {
            let is = |id: &ResourceId| id.resource_group().eq_ignore_ascii_case(group);
            let ids = captured.resources.iter().filter_map(|body| body["id"].as_str());
            if !ids.filter_map(|id| ResourceId::parse(id).ok()).any(|id| is(&id)) {
                let what =
                    format!("resource group {group}: nothing that a world holds was found in it");
                captured.left_out.push(what);
            }
        }
        self.read_groups(&mut captured, subscriptions).await;
        for subscription in subscriptions {
            policy::read(self, &mut captured, subscription).await;
            self.read_limits(&mut captured, subscription).await;
        }
        onprem::read(self, &mut captured).await;
        captured.say_of_references(subscriptions);
        captured
    }

    pub(super) async fn estate(
        &self,
        question: &EstateQuestion,
    ) -> Result<Option<Value>, StepError> {
        self.patient(|| self.observer.estate(question)).await
    }

    pub(super) async fn ask(&self, question: &Question) -> Result<Option<Value>, StepError> {
        self.patient(|| self.observer.ask(question)).await
    }

    async fn sealed(&self, id: &ResourceId) -> Result<Option<Value>, StepError> {
        self.patient(|| self.observer.sealed(id)).await
    }

    /// Asks again while the answer is one that passes: an estate is larger than a quota of reads.
    async fn patient<T, F>(&self, ask: impl Fn() -> F) -> Result<T, StepError>
    where
        F: Future<Output = Result<T, StepError>>,
    {
        let mut left = TRIES;
        loop {
            left -= 1;
            match ask().await {
                Err(StepError { disposition: Disposition::Transient { after }, .. })
                    if left > 0 =>
                {
                    let wait = after.unwrap_or(WAIT).min(WAIT_MAX);
                    self.clock.sleep_until(self.clock.now() + wait).await;
                }
                answer => return answer,
            }
        }
    }

    fn wanted(&self, id: &ResourceId) -> bool {
        let group = id.resource_group();
        self.groups.is_empty() || self.groups.iter().any(|own| own.eq_ignore_ascii_case(group))
    }

    async fn read_subscription(&self, captured: &mut Captured, subscription: &str) {
        match self.estate(&EstateQuestion::Subscription(subscription.to_owned())).await {
            Ok(Some(body)) => {
                if let Some(tenant) = body["tenantId"].as_str() {
                    captured.tenants.insert(subscription.to_owned(), tenant.to_owned());
                }
                if body["state"] == json!("Disabled") {
                    captured.disabled.insert(subscription.to_owned());
                }
            }
            Ok(None) => {
                let place = format!("/subscriptions/{}", subscription.to_ascii_lowercase());
                captured.hidden.push(Hidden::Below(place));
                captured.unread.push(format!(
                    "subscription {subscription}: Azure knows none of that id, or not to us"
                ));
            }
            Err(error) => captured.unread(&format!("subscription {subscription}"), &error),
        }
        let ids = self.inventory(captured, subscription).await;
        let bodies = futures::stream::iter(&ids)
            .map(|id| async move { (id, self.sealed(id).await) })
            .buffered(AT_ONCE);
        let bodies: Vec<_> = bodies.collect().await;
        for (id, body) in bodies {
            match body {
                Ok(Some(body)) => captured.resources.push(as_written(id, body)),
                // It went while we were looking.
                Ok(None) => continue,
                Err(error) => {
                    captured.hide(id.as_str(), id.as_str(), &error);
                    continue;
                }
            }
            self.read_children(captured, id).await;
        }
    }

    /// The resources of the types that a world holds; of the others it is said how many there are.
    async fn inventory(&self, captured: &mut Captured, subscription: &str) -> Vec<ResourceId> {
        let mut ids = Vec::new();
        let mut others: BTreeMap<String, usize> = BTreeMap::new();
        let held = |id: &ResourceId| KINDS.iter().any(|kind| id.is_a(kind));
        match self.estate(&EstateQuestion::Resources(subscription.to_owned())).await {
            Ok(list) => {
                for id in ids_of(&list.unwrap_or_default()).filter(|id| self.wanted(id)) {
                    if held(&id) {
                        ids.push(id);
                    } else if id.parent().is_none() {
                        *others.entry(id.resource_type().as_str().to_owned()).or_default() += 1;
                    }
                }
            }
            // Too large to be listed at once, or not ours to list: type by type.
            Err(error) => {
                captured.unread(&format!("the list of all in subscription {subscription}"), &error);
                for kind in KINDS {
                    let question =
                        Question::Inventory { subscription: subscription.to_owned(), kind };
                    match self.ask(&question).await {
                        Ok(list) => {
                            let list = list.unwrap_or_default();
                            ids.extend(ids_of(&list).filter(|id| self.wanted(id)));
                        }
                        Err(error) => {
                            captured.unread(&format!("{kind} of {subscription}"), &error);
                            let subscription = subscription.to_ascii_lowercase();
                            captured.hidden.push(Hidden::OfType { subscription, kind });
                        }
                    }
                }
            }
        }
        for (kind, count) in others {
            captured.left_out.push(format!(
                "{count} of type {kind} in subscription {subscription}: a world has no such type"
            ));
        }
        // The same order whatever order Azure lists in, parents of references first.
        let place = |id: &ResourceId| KINDS.iter().position(|kind| id.is_a(kind));
        ids.sort_by_key(|id| (place(id), id.clone()));
        ids.dedup();
        ids
    }

    async fn read_children(&self, captured: &mut Captured, parent: &ResourceId) {
        let of = |table: &[(&str, &'static [&'static str])]| {
            let own = table.iter().find(|(kind, _)| parent.is_a(kind));
            own.map_or(&[][..], |(_, kinds)| kinds)
        };
        for kind in of(&APART) {
            let question = EstateQuestion::Children { parent: parent.clone(), kind };
            let list = match self.estate(&question).await {
                Ok(list) => list.unwrap_or_default(),
                Err(error) => {
                    let place = format!("{parent}/{kind}");
                    captured.hide(&place, &format!("{kind} of {parent}"), &error);
                    continue;
                }
            };
            for id in ids_of(&list) {
                // A list says less than what it lists: recovery plans without what is in them.
                match self.sealed(&id).await {
                    Ok(body) => captured.resources.extend(body),
                    Err(error) => captured.hide(id.as_str(), id.as_str(), &error),
                }
            }
        }
        for kind in of(&NOT_HELD) {
            let question = EstateQuestion::Children { parent: parent.clone(), kind };
            let count = match self.estate(&question).await {
                Ok(list) => list.unwrap_or_default()["value"].as_array().map_or(0, Vec::len),
                Err(error) => {
                    captured.unread(&format!("{kind} of {parent}"), &error);
                    0
                }
            };
            if count > 0 {
                captured
                    .left_out
                    .push(format!("{count} of type {kind} of {parent}: a world has no such type"));
            }
        }
    }

    /// The groups of what was read, whose homes decide what can be written when a region is down, and the locks.
    async fn read_groups(&self, captured: &mut Captured, subscriptions: &[String]) {
        let found: BTreeSet<(String, String)> = captured
            .resources
            .iter()
            .filter_map(|body| ResourceId::parse(body["id"].as_str()?).ok())
            .map(|id| (id.subscription().to_owned(), id.resource_group().to_owned()))
            // Those in which Site Recovery would make machines have nothing in them yet.
            .chain(captured.resources.iter().filter_map(recovery_group))
            .collect();
        for (subscription, group) in found {
            let id = format!("/subscriptions/{subscription}/resourceGroups/{group}");
            // One group, however its resources spell it.
            if captured.groups.contains_key(&id.to_ascii_lowercase()) {
                continue;
            }
            let asked = (subscription.clone(), group.clone());
            let question = Question::Group { subscription: asked.0, group: asked.1 };
            match self.ask(&question).await {
                Ok(Some(body)) => {
                    let entry = json!({ "id": id, "location": body["location"] });
                    captured.groups.insert(id.to_ascii_lowercase(), entry);
                }
                Ok(None) => continue,
                Err(error) => captured.unread(&id, &error),
            }
            match self.ask(&Question::Locks { subscription, group }).await {
                Ok(list) => captured.add_locks(&list.unwrap_or_default()),
                Err(error) => captured.hide_locks(&id, &error),
            }
        }
        for subscription in subscriptions {
            match self.estate(&EstateQuestion::Locks(subscription.clone())).await {
                Ok(list) => captured.add_locks(&list.unwrap_or_default()),
                Err(error) => {
                    captured.hide_locks(&format!("/subscriptions/{subscription}"), &error)
                }
            }
        }
    }

    /// Whether the network's provider is registered, and how much of it there may be where the estate is.
    async fn read_limits(&self, captured: &mut Captured, subscription: &str) {
        let subscription = subscription.to_owned();
        match self.ask(&Question::Registration { subscription: subscription.clone() }).await {
            Ok(Some(body)) if body["registrationState"] == json!("NotRegistered") => {
                captured.unregistered.insert(subscription.clone());
            }
            Ok(_) => {}
            Err(error) => captured.unread(&format!("registration of {subscription}"), &error),
        }
        let own = |body: &&Value| {
            let id = body["id"].as_str().and_then(|id| ResourceId::parse(id).ok());
            id.is_some_and(|id| id.subscription().eq_ignore_ascii_case(&subscription))
        };
        let regions: BTreeSet<Region> = captured
            .resources
            .iter()
            .filter(own)
            .filter_map(|body| Region::parse(body["location"].as_str()?).ok())
            .filter(|region| region.as_str() != "global")
            .collect();
        for region in regions {
            let subscription = subscription.clone();
            let question = Question::Usages { subscription, region: region.clone() };
            match self.ask(&question).await {
                Ok(list) => captured.add_limits(&list.unwrap_or_default()),
                Err(error) => captured.unread(&format!("quotas in {}", region.as_str()), &error),
            }
        }
    }
}

/// A body as a world file has it: without counters, and with what stands for a key that Azure tells only at a path
/// of its own.
fn as_written(id: &ResourceId, mut body: Value) -> Value {
    if id.is_a(kind::CONNECTIONS)
        && let Some(properties) = body["properties"].as_object_mut()
    {
        properties.retain(|key, _| !key.ends_with("BytesTransferred"));
        let kind = properties.get("connectionType").and_then(Value::as_str);
        if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("ExpressRoute")) {
            properties.insert("sharedKey".to_owned(), SHARED_KEY_SEAL.into());
        }
    }
    body
}

fn ids_of(list: &Value) -> impl Iterator<Item = ResourceId> {
    let items = list["value"].as_array().into_iter().flatten();
    items.filter_map(|item| ResourceId::parse(item["id"].as_str()?).ok())
}

impl Captured {
    fn add_locks(&mut self, list: &Value) {
        for lock in list["value"].as_array().into_iter().flatten() {
            let id = lock["id"].as_str().unwrap_or_default();
            let lower = id.to_ascii_lowercase();
            let Some(end) = lower.find("/providers/microsoft.authorization/locks/") else {
                continue;
            };
            // Of a group that is not part of the world a lock says nothing.
            let inside = self.groups.keys().any(|group| {
                let scope = &lower[..end];
                scope.starts_with(group.as_str()) || group.starts_with(scope)
            });
            let entry = json!({
                "name": lock["name"], "scope": &id[..end], "level": lock["properties"]["level"],
            });
            if inside && !self.locks.contains(&entry) {
                self.locks.push(entry);
            }
        }
    }

    /// A world has one limit of each kind: the smallest counts.
    fn add_limits(&mut self, list: &Value) {
        for usage in list["value"].as_array().into_iter().flatten() {
            let (Some(name), Some(limit)) =
                (usage["name"]["value"].as_str(), usage["limit"].as_u64())
            else {
                continue;
            };
            if counted_usages().any(|known| known == name) {
                let own = self.quotas.entry(name.to_owned()).or_insert(limit);
                *own = (*own).min(limit);
            }
        }
    }

    /// Says of what is referred to and lies in a subscription that was not named.
    fn say_of_references(&mut self, subscriptions: &[String]) {
        let mut elsewhere = BTreeSet::new();
        for body in &self.resources {
            references(body, &mut elsewhere);
        }
        let named = |id: &ResourceId| {
            subscriptions.iter().any(|own| own.eq_ignore_ascii_case(id.subscription()))
        };
        // The network of a hub is Microsoft's own, and nobody can name its subscription.
        let theirs = |id: &ResourceId| arm::hub_behind(&id.root()).is_some();
        let held = |id: &ResourceId| KINDS.iter().any(|kind| id.root().is_a(kind));
        let roots = elsewhere
            .iter()
            .filter(|id| !named(id) && held(id) && !theirs(id))
            .map(ResourceId::root);
        for root in roots.collect::<BTreeSet<_>>() {
            self.left_out.push(format!(
                "{root}: it is referred to and lies in another subscription; name it too, \
                 `--subscription {}`",
                root.subscription()
            ));
        }
    }
}

/// The ids that stand anywhere in a body.
fn references(value: &Value, found: &mut BTreeSet<ResourceId>) {
    match value {
        Value::String(text) if text.starts_with('/') => found.extend(ResourceId::parse(text)),
        Value::Array(list) => list.iter().for_each(|item| references(item, found)),
        Value::Object(object) => object.values().for_each(|item| references(item, found)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captured_world_holds_every_type_that_is_simulated() {
        let top = |kind: &&str| kind.matches('/').count() == 1;
        let left_out: Vec<&str> = crate::sim::simulated_types()
            .filter(top)
            .filter(|kind| !KINDS.iter().any(|own| own.eq_ignore_ascii_case(kind)))
            .collect();
        assert!(left_out.is_empty(), "capture does not read {left_out:?}");
    }

    #[test]
    fn a_hubs_own_network_is_not_to_be_named() {
        let guid = "1fafef55-0000-4000-8000-000000000000";
        let said_of = |network: &str| {
            let id = format!(
                "/subscriptions/{guid}/resourceGroups/RG_hub_{guid}/providers/Microsoft.Network/virtualNetworks/{network}"
            );
            let body = json!({ "properties": { "remoteVirtualNetwork": { "id": id } } });
            let mut captured = Captured { resources: vec![body], ..Captured::default() };
            captured.say_of_references(&["s".to_owned()]);
            captured.left_out
        };
        assert!(said_of("HV_hub").is_empty());
        assert_eq!(said_of("other").len(), 1);
    }
}
