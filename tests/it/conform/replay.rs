//! What would the simulated Azure have said? A recording's requests, and the answers side by side.

use std::collections::{BTreeMap, BTreeSet};

use backroad::azure::wire::Headers;
use backroad::azure::{Method, WireRequest, WireResponse};
use backroad::model::{Region, ResourceId, Timestamp};
use backroad::sim::{Answers, Scenario, World};
use serde_json::Value;

use super::recordings::Exchange;

/// What came of one exchange.
#[derive(Debug)]
pub(super) enum Verdict {
    Same,
    Differs(Vec<String>),
    LeftOut(String),
}

/// The types that the simulator answers for.
const OURS: &[&str] = &[
    "connections",
    "connections/sharedkey",
    "expressroutecircuits",
    "expressroutecircuits/authorizations",
    "expressroutecircuits/peerings",
    "expressroutecircuits/peerings/connections",
    "expressroutecircuits/peerings/arptables",
    "expressroutecircuits/peerings/routetables",
    "expressroutecircuits/peerings/routetablessummary",
    "expressroutecircuits/peerings/stats",
    "expressroutecircuits/stats",
    "expressroutegateways",
    "expressroutegateways/expressrouteconnections",
    "localnetworkgateways",
    "networksecuritygroups",
    "networksecuritygroups/securityrules",
    "publicipaddresses",
    "routetables",
    "routetables/routes",
    "virtualnetworkgateways",
    "virtualnetworkgateways/getbgppeerstatus",
    "virtualnetworkgateways/getlearnedroutes",
    "virtualnetworkgateways/getadvertisedroutes",
    "virtualnetworkgateways/reset",
    "virtualnetworkgateways/connections",
    "virtualhubs",
    "virtualhubs/hubroutetables",
    "virtualhubs/hubvirtualnetworkconnections",
    "virtualnetworks",
    "virtualnetworks/subnets",
    "virtualnetworks/virtualnetworkpeerings",
    "virtualwans",
    "expressrouteserviceproviders",
    "vaults",
    "vaults/replicationalertsettings",
    "vaults/replicationappliances",
    "vaults/replicationfabrics",
    "vaults/replicationfabrics/replicationnetworks/replicationnetworkmappings",
    "vaults/replicationfabrics/replicationprotectioncontainers",
    "vaults/replicationfabrics/replicationprotectioncontainers/remove",
    "vaults/replicationfabrics/replicationprotectioncontainers/replicationprotecteditems",
    "vaults/replicationfabrics/replicationprotectioncontainers/replicationprotecteditems/failovercommit",
    "vaults/replicationfabrics/replicationprotectioncontainers/replicationprotecteditems/unplannedfailover",
    "vaults/replicationfabrics/replicationprotectioncontainers/replicationprotectioncontainermappings",
    "vaults/replicationfabrics/replicationprotectioncontainers/switchprotection",
    "vaults/replicationevents",
    "vaults/replicationjobs",
    "vaults/replicationmigrationitems",
    "vaults/replicationnetworkmappings",
    "vaults/replicationnetworks",
    "vaults/replicationpolicies",
    "vaults/replicationprotecteditems",
    "vaults/replicationprotectioncontainermappings",
    "vaults/replicationprotectioncontainers",
    "vaults/replicationrecoveryplans",
    "vaults/replicationrecoveryservicesproviders",
    "vaults/replicationstorageclassificationmappings",
    "vaults/replicationstorageclassifications",
    "vaults/replicationvaulthealth",
    "vaults/replicationvaulthealth/refresh",
    "vaults/replicationvcenters",
];

/// What an exchange is about: its type, and the resource's path where there is one.
fn subject(path: &str) -> (String, String) {
    let lower = path.to_ascii_lowercase();
    let Some((_, rest)) = lower.split_once("/providers/") else {
        let depth = lower.split('/').count();
        let group = lower.contains("/resourcegroups/") && depth == 5;
        let kind = if group { "resourcegroups" } else { "other paths of ARM" };
        return (kind.to_owned(), path.to_owned());
    };
    let of_vault = rest.strip_prefix("microsoft.recoveryservices/");
    let Some(rest) = rest.strip_prefix("microsoft.network/").or(of_vault) else {
        return (rest.split('/').take(2).collect::<Vec<_>>().join("/"), path.to_owned());
    };
    let words: Vec<&str> = rest.split('/').collect();
    // Vaults keep their operations in themselves.
    let in_vault = of_vault.is_some() && words.iter().any(|word| OPERATIONS.contains(word));
    if words[0] == "locations" || in_vault {
        return ("locations".to_owned(), path.to_owned());
    }
    let kinds: Vec<&str> = words.iter().step_by(2).copied().collect();
    (kinds.join("/"), path.to_owned())
}

/// The words before an operation's id.
const OPERATIONS: [&str; 4] =
    ["operations", "operationresults", "operationstatus", "replicationoperationstatus"];

/// The path of the top-level resource.
fn root(path: &str) -> String {
    path.to_ascii_lowercase().split('/').take(9).collect::<Vec<_>>().join("/")
}

/// The operation's id in a URL of one.
fn operation_id(url: &str) -> Option<String> {
    let path = url.split('?').next()?;
    let words: Vec<String> = path.split('/').map(str::to_ascii_lowercase).collect();
    let at = words.iter().position(|word| OPERATIONS.contains(&word.as_str()))?;
    words.get(at + 1).cloned()
}

/// How a recorded poll stands.
fn is_running(exchange: &Exchange) -> bool {
    match exchange.status {
        202 => true,
        200 => exchange.json().is_some_and(|body| body["status"] == "InProgress"),
        _ => false,
    }
}

struct Replay<'a> {
    exchanges: &'a [Exchange],
    world: World,
    now: Timestamp,
    /// Our URL of each recorded operation: of its status, and of its result.
    operations: BTreeMap<String, Operation>,
    /// Paths whose bodies were made from answers, as the recorder kept no requests.
    inferred: BTreeSet<String>,
    /// Groups that the recording has deleted.
    gone: BTreeSet<String>,
    /// Paths that were taken in as recorded and not written since: what is read of them is an echo.
    taken_in: BTreeSet<String>,
}

#[derive(Clone)]
struct Operation {
    status: Option<String>,
    result: Option<String>,
    resource: String,
    last_running: Option<usize>,
    ended: bool,
}

pub(super) fn replay(exchanges: &[Exchange]) -> Vec<(String, Verdict)> {
    // Azure as it was on the day of the recording.
    let day = exchanges.iter().find_map(Exchange::day).unwrap_or_else(|| "2024-09-01".to_owned());
    let empty = format!(
        "world: empty\nnow: {day}T00:00:00Z\nresource_groups: []\nresources: []\nonprem: {{ asn: 65001 }}\n"
    );
    let scenario = Scenario::parse("empty", &empty).unwrap();
    let mut world = World::new(&scenario);
    world.hold_operations();
    let mut replay = Replay {
        exchanges,
        world,
        now: scenario.now,
        operations: BTreeMap::new(),
        inferred: BTreeSet::new(),
        gone: BTreeSet::new(),
        taken_in: BTreeSet::new(),
    };
    (0..exchanges.len()).map(|place| replay.judge(place)).collect()
}

impl Replay<'_> {
    fn ask(&mut self, method: Method, url: &str, body: &str) -> WireResponse {
        self.now = self.now + World::REPLAY_STEP;
        let url = if url.starts_with('/') {
            format!("https://management.azure.com{url}")
        } else {
            url.to_owned()
        };
        let mut headers = Headers::new();
        if !body.is_empty() {
            headers.push("Content-Type", "application/json");
        }
        let request = WireRequest {
            method,
            url: url.parse().unwrap(),
            headers,
            body: bytes::Bytes::from(body.to_owned()),
        };
        self.world.answer(&request, self.now).0.unwrap()
    }

    fn judge(&mut self, place: usize) -> (String, Verdict) {
        let exchange = &self.exchanges[place].clone();
        let (kind, path) = subject(exchange.path());
        if kind == "locations" {
            return self.poll(place, exchange);
        }
        let group = kind == "resourcegroups";
        if !group && !OURS.contains(&kind.as_str()) {
            return (kind, Verdict::LeftOut("not one of the types".to_owned()));
        }
        if exchange.status >= 500 {
            return (kind, Verdict::LeftOut("Azure stumbled".to_owned()));
        }
        let recorded = exchange.json();
        let code = error_code(recorded.as_ref());
        if exchange.status == 429 && code.contains("Throttled") {
            return (kind, Verdict::LeftOut("Azure was busy with others".to_owned()));
        }
        if code == "ResourceGroupNotFound" || (group && exchange.status == 404) {
            // A deletion that was asked for has come to its end.
            self.now = self.now + std::time::Duration::from_secs(7_200);
        }
        if exchange.status == 400 && names_others(&exchange.body) {
            let why = "refused because of a resource of another type";
            return (kind, Verdict::LeftOut(why.to_owned()));
        }
        self.set_the_scene(place, exchange, &path, group);
        self.let_replicate(recorded.as_ref(), &path);
        if self.bring_in(exchange, recorded.as_ref(), &path, group) {
            let why = "made before the recording, or by other means, and taken in from here";
            return (kind, Verdict::LeftOut(why.to_owned()));
        }
        let Some(method) = Method::parse(&exchange.method) else {
            return (kind, Verdict::LeftOut("no method of ARM".to_owned()));
        };
        let mut inferred = false;
        let body = match &exchange.sent {
            Some(sent) => sent.clone(),
            None => {
                inferred = true;
                let Some(body) = recorded.as_ref().filter(|_| exchange.status < 300) else {
                    let why = "a refusal of a request whose body was not kept";
                    return (kind, Verdict::LeftOut(why.to_owned()));
                };
                infer(body).to_string()
            }
        };
        let busy = ["AnotherOperationInProgress", "RetryableErrorDueToAnotherOperation"];
        if busy.iter().any(|word| code.contains(word)) && !self.is_busy(&path) {
            // Sent, it would be taken, and stand in the way of what follows.
            let why = "refused for an operation that this client did not start, or is yet to start";
            return (kind, Verdict::LeftOut(why.to_owned()));
        }
        let lower = path.to_ascii_lowercase();
        let echo = exchange.method == "GET" && exchange.status == 200;
        let echo = echo && self.taken_in.contains(&lower);
        // What is written, in it or around it, changes what is read.
        if exchange.method != "GET" {
            self.taken_in.retain(|own| root(own) != root(&lower));
        }
        let answer = self.ask(method, &self.with_our_job(&exchange.url), &body);
        if echo {
            let why = "read again, and not written since it was taken in from here";
            return (kind, Verdict::LeftOut(why.to_owned()));
        }
        self.remember(place, exchange, &answer, &path);
        if inferred {
            self.inferred.insert(path.to_ascii_lowercase());
            let why = "the recorder kept no request, one was made from the answer";
            return (kind, Verdict::LeftOut(why.to_owned()));
        }
        if group && exchange.method == "DELETE" {
            self.gone.insert(path.to_ascii_lowercase());
        }
        let mut recorded = recorded.map(|body| self.without_others(body));
        let mut answer = answer;
        if group {
            recorded.iter_mut().for_each(drop_policy_tags);
            if let Ok(mut body) = serde_json::from_slice(&answer.body) {
                drop_policy_tags(&mut body);
                answer.body = body.to_string().into();
            }
        }
        (kind, compare(exchange, recorded.as_ref(), &answer))
    }

    /// A URL with our job's id in the place of the recorded one: a job has its operation's.
    fn with_our_job(&self, url: &str) -> String {
        for (theirs, operation) in &self.operations {
            let ours = operation.status.as_deref().and_then(operation_id);
            if let (true, Some(ours)) = (url.contains(&format!("/replicationJobs/{theirs}")), ours)
            {
                return url.replace(theirs.as_str(), &ours);
            }
        }
        url.to_owned()
    }

    /// Lets time pass until an item has replicated as far as the recording shows it.
    fn let_replicate(&mut self, recorded: Option<&Value>, path: &str) {
        let state = |body: &Value| body.pointer("/properties/protectionState").cloned();
        let Some(theirs) = recorded.and_then(state) else { return };
        let Ok(id) = ResourceId::parse(path) else { return };
        for _ in 0..2_000 {
            let ours = self.world.body(&id).and_then(state);
            let behind = ours.as_ref().and_then(Value::as_str).is_some_and(|ours| {
                ours.starts_with("InitialReplication") && theirs.as_str() != Some(ours)
            });
            if !behind {
                return;
            }
            self.now = self.now + std::time::Duration::from_secs(60);
            self.world
                .answer(
                    &WireRequest {
                        method: Method::Get,
                        url: format!("https://management.azure.com{path}?api-version=2022-08-01")
                            .parse()
                            .unwrap(),
                        headers: Headers::new(),
                        body: bytes::Bytes::new(),
                    },
                    self.now,
                )
                .0
                .unwrap();
        }
    }

    /// Whether an operation is at work on the resource, its parent or what is in it.
    fn is_busy(&self, path: &str) -> bool {
        let open = self.world.open_operations();
        open.iter().any(|(_, resource)| root(resource.as_str()) == root(path))
    }

    /// A body without what resources of other types have put into it, or a list without those that were
    /// not made here.
    fn without_others(&self, mut body: Value) -> Value {
        if let Some(list) = body.get_mut("value").and_then(Value::as_array_mut) {
            list.retain(|item| {
                let id = item.get("id").and_then(Value::as_str).map(ResourceId::parse);
                id.is_none_or(|id| {
                    let job = |id: &ResourceId| id.key().contains("/replicationjobs/");
                    id.is_ok_and(|id| job(&id) || self.world.body(&id).is_some())
                })
            });
        }
        drop_others(&mut body);
        body
    }

    /// Ends the operations that must have ended by now, since Azure took this request or shows it so.
    fn set_the_scene(&mut self, place: usize, exchange: &Exchange, path: &str, group: bool) {
        let accepted = exchange.status < 300;
        let recorded = exchange.json();
        let state =
            recorded.as_ref().and_then(|body| body.pointer("/properties/provisioningState"));
        let shown = state.and_then(Value::as_str);
        let over = exchange.status == 404 || matches!(shown, Some("Succeeded" | "Failed"));
        let wrong = error_code(recorded.as_ref());
        let lower = path.to_ascii_lowercase();
        let sent = exchange.sent.clone().unwrap_or_default().to_ascii_lowercase();
        let open: Vec<(String, Operation)> = self
            .operations
            .iter()
            .filter(|(_, operation)| !operation.ended && operation.last_running < Some(place))
            .map(|(id, operation)| (id.clone(), operation.clone()))
            .collect();
        self.end_changes_of_tags(exchange, &lower, over);
        for (id, operation) in open {
            let related = operation.resource.starts_with(&lower)
                || lower.starts_with(&operation.resource)
                || root(&operation.resource) == root(&lower)
                || sent.contains(&operation.resource);
            let still = operation.last_running.is_some_and(|last| last >= place);
            let write = matches!(exchange.method.as_str(), "PUT" | "DELETE" | "PATCH" | "POST");
            let shows = exchange.method == "GET" && related && (over || shown.is_none());
            let refused = exchange.status >= 400
                && !wrong.contains("InProgress")
                && !wrong.contains("AnotherOperation")
                && !wrong.contains("NotProvisioned");
            if !still && !group && ((write && related && (accepted || refused)) || shows) {
                self.end(&id, None);
            }
        }
    }

    /// A change of tags has no URL: its end is where the resource is shown to be done, or is written again.
    fn end_changes_of_tags(&mut self, exchange: &Exchange, path: &str, over: bool) {
        let done = (exchange.method == "GET" && over)
            || (["PUT", "DELETE", "PATCH"].contains(&exchange.method.as_str())
                && exchange.status < 300);
        let ours = |url: &Option<String>, id: &str| {
            url.as_ref().is_some_and(|url| operation_id(url).as_deref() == Some(id))
        };
        for (id, resource) in self.world.open_operations() {
            let known =
                self.operations.values().any(|o| ours(&o.status, &id) || ours(&o.result, &id));
            if done && !known && resource.as_str().eq_ignore_ascii_case(path) {
                let url = format!(
                    "https://management.azure.com/subscriptions/s/providers/Microsoft.Network/locations/l/operations/{id}"
                );
                self.now = self.now + World::REPLAY_STEP;
                self.world.end_operation(&url, None, self.now);
            }
        }
    }

    fn end(&mut self, id: &str, failure: Option<(String, String)>) {
        let Some(operation) = self.operations.get_mut(id) else { return };
        operation.ended = true;
        let url = operation.status.clone().or_else(|| operation.result.clone());
        if let Some(url) = url {
            self.now = self.now + World::REPLAY_STEP;
            self.world.end_operation(&url, failure, self.now);
        }
    }

    /// Takes in what nobody was seen making; whether it was this that the exchange asks for.
    fn bring_in(
        &mut self,
        exchange: &Exchange,
        recorded: Option<&Value>,
        path: &str,
        group: bool,
    ) -> bool {
        let words: Vec<&str> = path.split('/').collect();
        if words.len() >= 5 && words[3].eq_ignore_ascii_case("resourceGroups") && !group {
            let id = words[..5].join("/");
            let missing = error_code(recorded) == "ResourceGroupNotFound";
            let gone = exchange.status >= 400 && self.gone.contains(&id.to_ascii_lowercase());
            if !missing && !gone && !self.world.has_group(&id) {
                let home = recorded.and_then(|body| body["location"].as_str()).unwrap_or("westus");
                let shown = self
                    .exchanges
                    .iter()
                    .find(|other| other.path().eq_ignore_ascii_case(&id) && other.status == 200);
                let body = shown.and_then(Exchange::json).unwrap_or_default();
                let home = body["location"].as_str().unwrap_or(home).to_owned();
                self.world.put_group(&id, Region::parse(&home).unwrap(), &body["tags"]);
            }
        }
        self.bring_in_parents(exchange, path);
        self.bring_in_references(exchange);
        if exchange.method == "PUT" && exchange.status == 200 && !group {
            // Written again, and nobody was seen making it.
            let id = ResourceId::parse(path);
            if let (Some(body), Ok(id)) = (recorded, id)
                && self.world.body(&id).is_none()
            {
                self.world.put_resource(body, self.now);
            }
            return false;
        }
        if exchange.method != "GET" || exchange.status != 200 {
            return false;
        }
        if group {
            let new = !self.world.has_group(path);
            if let (true, Some(home)) = (new, recorded.and_then(|body| body["location"].as_str())) {
                let tags = recorded.map(|body| body["tags"].clone()).unwrap_or_default();
                self.world.put_group(path, Region::parse(home).unwrap(), &tags);
            }
            return new;
        }
        let Some(body) = recorded.filter(|body| body.get("id").is_some()) else { return false };
        let Ok(id) = ResourceId::parse(path) else { return false };
        if self.world.body(&id).is_some() || path.to_ascii_lowercase().contains("/replicationjobs/")
        {
            return false;
        }
        self.world.put_resource(body, self.now);
        self.taken_in.insert(path.to_ascii_lowercase());
        true
    }

    /// What an accepted write refers to, and nobody was seen making.
    fn bring_in_references(&mut self, exchange: &Exchange) {
        let sent = exchange.sent.as_deref().and_then(|sent| serde_json::from_str(sent).ok());
        let mut found = Vec::new();
        ids_in(&sent.unwrap_or_default(), &mut found);
        for id in found {
            if self.world.body(&id).is_none() && exchange.status < 300 && exchange.method == "PUT" {
                let shown = self
                    .exchanges
                    .iter()
                    .filter(|other| other.method == "GET" && other.status == 200)
                    .find_map(|other| found_in(&other.json()?, id.as_str()));
                let body = shown.unwrap_or_else(|| {
                    serde_json::json!({ "id": id.as_str(), "location": "westus", "properties": {} })
                });
                self.bring_in_parents(exchange, id.as_str());
                self.world.put_resource(&body, self.now);
            }
        }
    }

    /// Parents that nobody was seen making, of children that Azure wrote or showed.
    fn bring_in_parents(&mut self, exchange: &Exchange, path: &str) {
        let id = ResourceId::parse(path).ok().filter(|_| exchange.status < 300);
        let Some(parent) = id.and_then(|id| id.parent()) else { return };
        if self.world.body(&parent).is_some() {
            return;
        }
        self.bring_in_parents(exchange, parent.as_str());
        let shown = self.exchanges.iter().find(|other| {
            other.path().eq_ignore_ascii_case(parent.as_str())
                && other.status == 200
                && other.method == "GET"
        });
        let body = shown.and_then(Exchange::json).unwrap_or_else(
            || serde_json::json!({ "id": parent.as_str(), "location": "westus", "properties": {} }),
        );
        self.world.put_resource(&body, self.now);
    }

    /// Keeps which of our operations is which of the recorded ones.
    fn remember(&mut self, place: usize, exchange: &Exchange, answer: &WireResponse, path: &str) {
        let theirs = ["azure-asyncoperation", "location"];
        let id = theirs.iter().find_map(|name| exchange.header(name).and_then(operation_id));
        let ours = |name: &str| answer.headers.get(name).map(str::to_owned);
        let (status, result) = (ours("azure-asyncoperation"), ours("location"));
        let (Some(id), true) = (id, status.is_some() || result.is_some()) else { return };
        let later = self.exchanges.iter().enumerate().skip(place + 1);
        let last_running = later
            .filter(|(_, other)| {
                operation_id(other.path()).as_deref() == Some(id.as_str()) && is_running(other)
            })
            .map(|(at, _)| at)
            .next_back();
        let resource = path.to_ascii_lowercase();
        let operation = Operation { status, result, resource, last_running, ended: false };
        self.operations.insert(id, operation);
    }

    /// A poll of an operation, by the URL that we gave for it.
    fn poll(&mut self, place: usize, exchange: &Exchange) -> (String, Verdict) {
        let kind = "operations".to_owned();
        if exchange.status >= 500 {
            return (kind, Verdict::LeftOut("Azure stumbled".to_owned()));
        }
        let known = operation_id(exchange.path())
            .and_then(|id| self.operations.get(&id).cloned().map(|operation| (id, operation)));
        let Some((id, operation)) = known else {
            return (kind, Verdict::LeftOut("of an operation of another type".to_owned()));
        };
        let recorded = exchange.json();
        if !is_running(exchange) && !operation.ended {
            let failure = recorded.as_ref().and_then(|body| {
                let text = |key: &str| Some(body["error"][key].as_str()?.to_owned());
                Some((text("code")?, text("message")?))
            });
            self.end(&id, failure);
        }
        let result = exchange.path().to_ascii_lowercase().contains("/operationresults/");
        let url = if result { operation.result } else { operation.status };
        let Some(url) = url else {
            return (kind, Verdict::Differs(vec!["we gave no such URL".to_owned()]));
        };
        let answer = self.ask(Method::Get, &url, "");
        if self.inferred.contains(&operation.resource) {
            let why = "of a write whose request was made from its answer";
            return (kind, Verdict::LeftOut(why.to_owned()));
        }
        let _ = place;
        (kind, compare(exchange, recorded.as_ref(), &answer))
    }
}

/// Types in whose name others write into bodies of ours.
const OTHERS: [&str; 9] = [
    "/applicationgateways/",
    "/azurefirewalls/",
    "/bastionhosts/",
    "/loadbalancers/",
    "/natgateways/",
    "/networkinterfaces/",
    "/privateendpoints/",
    "/privatelinkservices/",
    "/dnsresolvers/",
];

fn names_others(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    OTHERS.iter().any(|other| lower.contains(other))
}

/// A policy of the testers' own subscription writes two tags into every group, some time after it is made.
fn drop_policy_tags(group: &mut Value) {
    if let Some(tags) = group.get_mut("tags").and_then(Value::as_object_mut) {
        tags.retain(|tag, _| tag != "Creator" && tag != "DateCreated");
    }
}

/// The body of a resource wherever an answer holds it, alone or in a list.
fn found_in(value: &Value, id: &str) -> Option<Value> {
    match value {
        Value::Object(object) => {
            let own = object.get("id").and_then(Value::as_str);
            if own.is_some_and(|own| own.eq_ignore_ascii_case(id))
                && object.contains_key("properties")
            {
                return Some(value.clone());
            }
            object.values().find_map(|inner| found_in(inner, id))
        }
        Value::Array(list) => list.iter().find_map(|inner| found_in(inner, id)),
        _ => None,
    }
}

fn drop_others(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for key in ["ipConfigurations", "ipConfiguration", "natGateway", "privateEndpoints"] {
                let other = object.get(key).is_some_and(|inner| {
                    let text = inner.to_string();
                    names_others(&text) && !text.contains("provisioningState")
                });
                if other {
                    object.remove(key);
                }
            }
            // How far a copy has come is a matter of the moment, and a replay has moments of its own; tags come
            // from a machine, which is of another type.
            for key in ["monitoringPercentageCompletion", "monitoringJobType"] {
                object.remove(key);
            }
            if let Some(synced) =
                object.get_mut("vmSyncedConfigDetails").and_then(Value::as_object_mut)
            {
                synced.remove("tags");
            }
            // What is advertised then is what the rules of the filter say.
            if object.get("routeFilter").is_some_and(Value::is_object)
                && let Some(config) =
                    object.get_mut("microsoftPeeringConfig").and_then(Value::as_object_mut)
            {
                config.remove("advertisedCommunities");
            }
            object.values_mut().for_each(drop_others);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_others),
        _ => {}
    }
}

/// The resources that a body refers to: the values of `id` keys one level or more down.
fn ids_in(value: &Value, found: &mut Vec<ResourceId>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let names = [
                    "subnet",
                    "publicIPAddress",
                    "virtualNetworkGateway1",
                    "virtualNetworkGateway2",
                ];
                let others = ["localNetworkGateway2", "peer", "remoteVirtualNetwork"];
                let hubs = ["virtualWan", "virtualHub", "expressRouteCircuitPeering"];
                if (names.contains(&key.as_str())
                    || others.contains(&key.as_str())
                    || hubs.contains(&key.as_str()))
                    && let Some(Ok(id)) = inner["id"].as_str().map(ResourceId::parse)
                {
                    found.push(id);
                }
                ids_in(inner, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| ids_in(inner, found)),
        _ => {}
    }
}

/// A request that may have led to an answer.
fn infer(answer: &Value) -> Value {
    let mut body = answer.clone();
    if let Some(object) = body.as_object_mut() {
        for key in ["id", "etag", "type", "name"] {
            object.remove(key);
        }
    }
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
        for key in ["provisioningState", "resourceGuid", "serviceKey", "peerings", "authorizations"]
        {
            properties.remove(key);
        }
    }
    body
}

fn error_code(body: Option<&Value>) -> String {
    let Some(error) = body.and_then(|body| body.get("error")) else { return String::new() };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let inner = text(error.pointer("/details/0/code"));
    if inner.is_empty() { text(error.get("code")) } else { inner }
}

fn compare(exchange: &Exchange, recorded: Option<&Value>, answer: &WireResponse) -> Verdict {
    let mut found = Vec::new();
    let mut ours: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if let Some(ours) = &mut ours {
        drop_others(ours);
    }
    if exchange.status != answer.status {
        let code = error_code(ours.as_ref());
        let message = ours.as_ref().map(|body| body["error"]["message"].to_string());
        found.push(format!(
            "status {} is {} {code} {}",
            exchange.status,
            answer.status,
            message.unwrap_or_default()
        ));
        return Verdict::Differs(found);
    }
    for name in ["azure-asyncoperation", "location"] {
        let (theirs, own) = (exchange.header(name).is_some(), answer.headers.get(name).is_some());
        if theirs != own {
            let what = if theirs { "lacks" } else { "has" };
            found.push(format!("{what} the header {name}"));
        }
    }
    // Some recorders take it out: only what is there can be missed.
    if exchange.header("retry-after").is_some_and(|value| value != "0")
        && answer.headers.get("retry-after").is_none()
    {
        found.push("lacks the header retry-after".to_owned());
    }
    if exchange.status >= 400 {
        for pointer in ["/error/code", "/error/details/0/code"] {
            let code = |body: Option<&Value>| {
                let code = body.and_then(|body| body.pointer(pointer)).and_then(Value::as_str);
                code.unwrap_or_default().to_owned()
            };
            let (theirs, own) = (code(recorded), code(ours.as_ref()));
            if theirs != own {
                found.push(format!("{pointer} {theirs} is {own}"));
            }
        }
    }
    match (recorded, &ours) {
        (Some(recorded), Some(ours)) => shapes(recorded, ours, "", &mut found),
        (Some(_), None) => found.push("lacks a body".to_owned()),
        (None, Some(_)) => found.push("has a body".to_owned()),
        (None, None) => {}
    }
    if found.is_empty() { Verdict::Same } else { Verdict::Differs(found) }
}

fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn shapes(recorded: &Value, ours: &Value, at: &str, found: &mut Vec<String>) {
    match (recorded, ours) {
        (Value::Object(recorded), Value::Object(ours)) => {
            for (key, value) in recorded {
                match ours.get(key) {
                    Some(own) => shapes(value, own, &format!("{at}/{key}"), found),
                    None => found.push(format!("lacks {at}/{key}")),
                }
            }
            for key in ours.keys().filter(|key| !recorded.contains_key(*key)) {
                found.push(format!("surplus {at}/{key}"));
            }
        }
        (Value::Array(recorded), Value::Array(ours)) => {
            if recorded.len() != ours.len() {
                found.push(format!("{at} has {} for {}", ours.len(), recorded.len()));
            }
            for (place, (value, own)) in recorded.iter().zip(ours).enumerate() {
                shapes(value, own, &format!("{at}/{place}"), found);
            }
        }
        (recorded, ours) if shape(recorded) != shape(ours) => {
            found.push(format!("{at} is a {} for a {}", shape(ours), shape(recorded)));
        }
        _ => {}
    }
}
