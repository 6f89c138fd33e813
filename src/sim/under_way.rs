//! What is Azure at work on? Operations as they are begun, also those that a world begins with.

use std::time::Duration;

use serde_json::Value;

use super::duration::{class, duration};
use super::operation::{Operation, OperationQuery, OperationWork};
use super::parts::State;
use super::provider::{self, Provider};
use super::scenario::Scenario;
use super::world::World;
use crate::arm;
use crate::model::{ResourceId, Timestamp};

/// How long a stuck operation takes: longer than anybody waits.
pub(super) const NEVER: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The version under which what nobody of this run has asked for is worked on.
const API_VERSION: &str = "2024-05-01";

/// What an operation is begun for.
pub(super) struct OperationOrder<'a> {
    pub(super) id: &'a ResourceId,
    pub(super) api_version: &'a str,
    pub(super) now: Timestamp,
    pub(super) provider: &'a dyn Provider,
    pub(super) work: OperationWork,
    pub(super) body: &'a Value,
    pub(super) fate: OperationFate,
}

/// What becomes of an operation.
pub(super) struct OperationFate {
    pub(super) takes: Duration,
    pub(super) failure: Option<(String, String)>,
    pub(super) forgotten: bool,
    pub(super) lingers: Duration,
}

impl OperationFate {
    /// It ends well after this long.
    pub(super) fn taking(takes: Duration) -> Self {
        Self { takes, failure: None, forgotten: false, lingers: Duration::ZERO }
    }
}

impl World {
    /// Sets to work.
    pub(super) fn work_on(&mut self, order: OperationOrder<'_>) -> Operation {
        let OperationOrder { id: resource, api_version, now, provider, work, body, fate } = order;
        let ordinal = self.chance.ordinal(resource);
        let (put, delete) = provider.first_retry_after();
        let first = if work == OperationWork::Delete { delete } else { put };
        let id = self.chance.name(&[resource.key(), &ordinal.to_string(), "operation"]);
        let operation = Operation {
            id: id.clone(),
            resource: resource.clone(),
            work,
            location: self.location(resource).map_or_else(String::new, |l| l.as_str().to_owned()),
            api_version: api_version.to_owned(),
            locks: locks(provider, resource, body),
            ends: now + fate.takes,
            first,
            polls: 0,
            next_poll: now + Duration::from_secs(first),
            early_polls: 0,
            failure: fate.failure,
            settled: false,
            forgotten: fate.forgotten,
            lingers: fate.lingers,
            asked_by: OperationQuery::default(),
        };
        // The copy has the query as well, which is long.
        operation.work_out_query();
        self.operations.insert(operation.clone());
        operation
    }

    /// Sets to work on what a scenario says is being changed or removed: it ends after as long as such a thing takes,
    /// and in a region that is down it does not end.
    pub(super) fn go_on_with(&mut self, scenario: &Scenario) {
        for body in &scenario.resources {
            let Ok(id) = ResourceId::parse(body["id"].as_str().unwrap_or_default()) else {
                continue;
            };
            let (work, state) = match arm::provisioning_state(body) {
                "Deleting" => (OperationWork::Delete, State::Deleting),
                "Updating" | "Creating" => (OperationWork::Update, State::Updating),
                _ => continue,
            };
            let Some(provider) = provider::of(&id).filter(|own| !own.at_once()) else { continue };
            let Some(stored) = self.body(&id).cloned() else { continue };
            let class = class(None, &stored);
            let takes =
                duration(self.chance.seed(), &id, self.chance.ordinal(&id), class, work.change());
            let takes = if self.is_out(&id) { NEVER } else { takes };
            self.chance.count(&id);
            self.resources.set_state(&id, state, scenario.now);
            self.work_on(OperationOrder {
                id: &id,
                api_version: API_VERSION,
                now: scenario.now,
                provider,
                work,
                body: &stored,
                fate: OperationFate::taking(takes),
            });
        }
    }
}

/// What a write keeps others from writing: its root and what it writes along. A gateway is its own
/// root, so it does not keep its network for twenty minutes.
pub(super) fn locks(provider: &dyn Provider, id: &ResourceId, body: &Value) -> Vec<ResourceId> {
    let mut locks = vec![id.root()];
    locks.extend(provider.also_locks(body).iter().map(ResourceId::root));
    locks
}
