//! What does a POST do? Tables that are read, and things that are done with a gateway or a connection.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::duration::class;
use super::fault::OperationFault;
use super::network::{
    Stats, advertised_routes, arp_table, bgp_peers, circuit_routes, circuit_routes_summary,
    effective_routes, learned_routes, traffic,
};
use super::operation::{Act, Operation, OperationQuery, OperationWork};
use super::parts::State;
use super::provider::{self, PostAction, PostReading};
use super::reply::{Refusal, common, json_answer};
use super::shape::shaped;
use super::under_way::NEVER;
use super::world::World;
use super::write::Arrival;
use crate::arm::{self, CircuitPath};
use crate::azure::wire::{Method, WireRequest, WireResponse};
use crate::model::hub::{DEFAULT_TABLE, HUB_TABLES};
use crate::model::{ResourceId, Timestamp};

/// How long a reading POST takes (docs/wire.md 2: ten seconds or more).
const READING: Duration = Duration::from_secs(9);

/// What a reading that fails by a fault says.
const BY_FAULT: &str = "The operation failed, by a fault of this world.";

impl World {
    /// A POST: 202, `Location` and the four bytes `null`, whether it reads or does something.
    pub(super) fn post(
        &mut self,
        request: &WireRequest,
        path: &str,
        url: &Url,
        (origin, api_version): (&str, &str),
        now: Timestamp,
    ) -> Result<WireResponse, Refusal> {
        let mut parts: Vec<&str> = path.split('/').collect();
        let last = parts.pop().unwrap_or_default();
        let mut action = last.to_ascii_lowercase();
        if CircuitPath::parse(&action).is_some() {
            action = format!("{}/{action}", parts.pop().unwrap_or_default().to_ascii_lowercase());
        }
        let id = ResourceId::parse(&parts.join("/")).map_err(|_| {
            Refusal::new(400, "InvalidResourceType", "The path names no resource.").by_gateway()
        })?;
        self.check_scope_locks(Method::Post, &id)?;
        let verb = match action.split_once('/') {
            Some((table, _)) => format!("{table}/read"),
            None => format!("{action}/action"),
        };
        self.check_right(&id, &verb)?;
        if !self.resources.contains_key(&id) {
            return Err(Refusal::not_found(&id));
        }
        let arrival = Arrival { id: &id, request, origin, api_version, now };
        match provider::of(&id).and_then(|provider| provider.post_action(&action)) {
            Some(PostAction::Reset) => self.reset(&arrival),
            Some(PostAction::StartTest) => self.start_test(&arrival, url),
            Some(PostAction::StopTest) => self.stop_test(&arrival),
            None if post_reading(&id, &action) == Some(PostReading::EffectiveRoutes) => {
                let table = table_of(&request.body, &id)?;
                self.begin_reading(&arrival, action, &table)
            }
            None => self.begin_reading(&arrival, action, url.query().unwrap_or_default()),
        }
    }

    /// Something is done with a resource: an operation that holds its lock like a write.
    pub(super) fn begin_act(
        &mut self,
        arrival: &Arrival<'_>,
        act: Act,
    ) -> Result<WireResponse, Refusal> {
        let provider = self.writable_provider(arrival.id)?;
        let stored =
            self.body(arrival.id).cloned().ok_or_else(|| Refusal::not_found(arrival.id))?;
        self.check_locks(arrival, provider, &stored)?;
        self.chance.count(arrival.id);
        if act == Act::Reset {
            self.resources.set_state(arrival.id, State::Updating, arrival.now);
        }
        let class = class(None, &stored);
        let work = OperationWork::Act { act };
        let operation = self.begin(arrival, provider, work, None, &stored, class);
        let mut answer = accepted(&operation, arrival.origin, operation.first);
        answer.headers.push("Azure-AsyncOperation", operation.status_url(arrival.origin));
        Ok(answer)
    }

    /// A gateway or a connection begins anew: nothing goes through it meanwhile. How long that takes has
    /// nobody recorded; it is drawn as a small update.
    fn reset(&mut self, arrival: &Arrival<'_>) -> Result<WireResponse, Refusal> {
        self.begin_act(arrival, Act::Reset)
    }

    /// What has been done with a resource takes effect.
    pub(super) fn acted(&mut self, id: &ResourceId, act: &Act, failed: bool, at: Timestamp) {
        match act {
            Act::Reset => {
                let state = if failed { State::Failed } else { State::Succeeded };
                self.resources.set_state(id, state, at);
            }
            Act::StartTest { test } | Act::StopTest { test } => {
                self.test_moved(id, test, matches!(act, Act::StartTest { .. }), failed, at);
            }
        }
    }

    /// The result of what was done: a gateway that was reset as it is, nothing of a connection, and of a
    /// test its name. The SDKs read a text there; nobody has recorded which.
    pub(super) fn told_of(
        &self,
        id: &ResourceId,
        act: &Act,
        operation: &Operation,
        now: Timestamp,
    ) -> Option<Value> {
        match act {
            Act::Reset => {
                provider::of(id).filter(|provider| provider.is_told_when_reset())?;
                Some(shaped(self.get_body(id, now)?, &operation.api_version, now))
            }
            Act::StartTest { test } | Act::StopTest { test } => Some(json!(test)),
        }
    }

    fn begin_reading(
        &mut self,
        arrival: &Arrival<'_>,
        action: String,
        query: &str,
    ) -> Result<WireResponse, Refusal> {
        let (id, now) = (arrival.id, arrival.now);
        if !self.knows(id, &action, query, now) {
            let message = format!("The action '{action}' is not one of this world's.");
            return Err(Refusal::new(400, "InvalidAction", message).by_gateway());
        }
        self.check_answers(id)?;
        let (mut takes, mut failure, mut forgotten) = (READING, None, false);
        for effect in self.posted_faults(id, arrival.request.url.path(), now) {
            match effect {
                OperationFault::Fail { code } => failure = Some((code, BY_FAULT.to_owned())),
                OperationFault::Slow { factor } => takes *= factor,
                OperationFault::Stuck => takes = NEVER,
                OperationFault::Forget => forgotten = true,
                // What only reads holds nothing up, and connects nothing.
                OperationFault::Linger { .. } | OperationFault::Connection(_) => {}
            }
        }
        let read = self.chance.count_read();
        let key = self.chance.name(&[id.key(), &action, &read]);
        let operation = Operation {
            id: key.clone(),
            location: self.location(id).map_or_else(String::new, |l| l.as_str().to_owned()),
            resource: id.clone(),
            work: OperationWork::Read { action, query: query.to_owned() },
            api_version: arrival.api_version.to_owned(),
            locks: Vec::new(),
            ends: now + takes,
            first: 10,
            polls: 0,
            next_poll: now + Duration::from_secs(10),
            early_polls: 0,
            failure,
            settled: false,
            forgotten,
            lingers: Duration::ZERO,
            asked_by: OperationQuery::default(),
        };
        let answer = accepted(&operation, arrival.origin, 10);
        self.operations.insert(operation);
        Ok(answer)
    }

    /// Whether a reading POST is one of this world's, without reading: that is done when it ends.
    fn knows(&self, id: &ResourceId, action: &str, query: &str, now: Timestamp) -> bool {
        match post_reading(id, action) {
            Some(PostReading::AdvertisedRoutes) => peer_of(query).is_some(),
            Some(PostReading::Resiliency) => self.resiliency(id, action, query, now).is_some(),
            Some(
                PostReading::LearnedRoutes
                | PostReading::BgpPeers
                | PostReading::ArpTable(_)
                | PostReading::RouteTable(_)
                | PostReading::RouteSummary(_)
                | PostReading::EffectiveRoutes,
            ) => true,
            None => false,
        }
    }

    /// What a reading POST reads, from the network's truth.
    pub(super) fn reading(
        &self,
        id: &ResourceId,
        action: &str,
        query: &str,
        now: Timestamp,
    ) -> Option<Value> {
        let reading = post_reading(id, action)?;
        if reading == PostReading::Resiliency {
            return self.resiliency(id, action, query, now);
        }
        let shown = self.shown();
        let estate = self.estate(&shown);
        let onprem = &*self.onprem_now();
        let circuit = || id.parent();
        let rows = match reading {
            PostReading::LearnedRoutes => serde_json::to_value(learned_routes(&estate, onprem, id)),
            PostReading::BgpPeers => serde_json::to_value(bgp_peers(&estate, onprem, id)),
            PostReading::AdvertisedRoutes => {
                serde_json::to_value(advertised_routes(&estate, onprem, id, peer_of(query)?))
            }
            PostReading::ArpTable(path) => {
                serde_json::to_value(arp_table(&estate, onprem, &circuit()?, path))
            }
            PostReading::RouteTable(path) => {
                serde_json::to_value(circuit_routes(&estate, onprem, &circuit()?, path))
            }
            PostReading::RouteSummary(path) => serde_json::to_value(circuit_routes_summary(
                &estate,
                onprem,
                &circuit()?,
                path,
                now,
            )),
            PostReading::EffectiveRoutes => {
                let table = ResourceId::parse(query).ok()?;
                serde_json::to_value(effective_routes(&estate, onprem, &table))
            }
            PostReading::Resiliency => return None,
        };
        Some(json!({ "value": rows.ok()? }))
    }

    /// The counters of a circuit, or of one of its peerings, synchronous. Only private peering carries
    /// anything here, so its counters are the circuit's and those of other peerings stay at nothing.
    pub(super) fn stats(&mut self, path: &str) -> Result<WireResponse, Refusal> {
        let id = ResourceId::parse(path)
            .ok()
            .filter(|id| provider::of(id).is_some_and(provider::Provider::has_counters))
            .ok_or_else(|| Refusal::new(404, "NotFound", "No such circuit.").by_gateway())?;
        self.check_right(&id, "stats/read")?;
        if !self.resources.contains_key(&id) {
            return Err(Refusal::not_found(&id));
        }
        self.check_answers(&id)?;
        let circuit = id.parent().unwrap_or_else(|| id.clone());
        let private = id == circuit || id.name().eq_ignore_ascii_case(arm::PRIVATE_PEERING);
        let mut stats = Stats::default();
        if private {
            let shown = self.shown();
            let rates = traffic(&self.estate(&shown), &self.onprem_now(), &circuit);
            // One hour's worth: the world keeps no counters yet.
            stats = stats.after(rates, Duration::from_secs(3_600));
        }
        Ok(json_answer(200, &serde_json::to_value(stats).unwrap_or(Value::Null)))
    }
}

/// A parameter of a query, whatever the case of its name.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.into_owned())
}

/// 202 with the four bytes `null`, and where to ask.
fn accepted(operation: &Operation, origin: &str, after: u64) -> WireResponse {
    let mut answer = WireResponse { status: 202, headers: common(), body: "null".into() };
    answer.headers.push("Location", operation.result_url(origin));
    answer.headers.push("Retry-After", after.to_string());
    answer.headers.push("x-ms-request-id", operation.id.clone());
    answer
}

/// What a POST of this verb reads of a resource; nothing where its type is not read so.
fn post_reading(id: &ResourceId, action: &str) -> Option<PostReading> {
    provider::of(id)?.post_reading(action)
}

/// The peer that advertised routes are asked about.
fn peer_of(query: &str) -> Option<IpAddr> {
    parameter(query, "peer")?.parse().ok()
}

/// The table whose effective routes a body asks about; of a hub that is asked about nothing, its default one.
fn table_of(body: &[u8], hub: &ResourceId) -> Result<String, Refusal> {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| asked.get(key).and_then(Value::as_str);
    let table = match text("resourceId") {
        Some(id) => ResourceId::parse(id),
        None => hub.child(HUB_TABLES, DEFAULT_TABLE),
    };
    let of_table =
        text("virtualWanResourceType").is_none_or(|of| of.eq_ignore_ascii_case("RouteTable"));
    match table {
        Ok(table) if of_table && table.parent().as_ref() == Some(hub) => Ok(table.to_string()),
        _ => {
            let message = format!("This world answers for the route tables of {hub} only.");
            Err(Refusal::new(400, "InvalidRequestFormat", message))
        }
    }
}
