//! Whatever is asked of the simulated Azure, in whatever order: it stays a possible Azure.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use backroad::azure::wire::Headers;
use backroad::azure::{Method, WireRequest, WireResponse};
use backroad::model::{Region, ResourceId, Timestamp};
use backroad::sim::{Answers, World};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{shipped_world, world_file};

const SEA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network";
const EA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network";
const CIRCUITS: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network";
const HOST: &str = "https://management.azure.com";

/// What somebody does to the world.
#[derive(Debug, Clone)]
enum ClientCall {
    Put {
        what: usize,
        variant: u8,
    },
    Delete {
        what: usize,
    },
    Get {
        what: usize,
    },
    /// Polls the last operation of a resource, if there is one.
    Poll {
        what: usize,
    },
    Read {
        what: usize,
        variant: u8,
    },
    Later {
        seconds: u32,
    },
}

/// Actions, their queries, and whether they change anything.
const ACTIONS: [(&str, &str, bool); 9] = [
    ("getLearnedRoutes", "", false),
    ("getResiliencyInformation", "&attemptRefresh=true", false),
    ("getRoutesInformation", "", false),
    ("getFailoverAllTestsDetails", "&type=SingleSiteFailover&fetchLatest=true", false),
    ("getFailoverSingleTestDetails", "&peeringLocation=Singapore&failoverTestId=x", false),
    ("reset", "", true),
    ("resetconnection", "", true),
    ("startSiteFailoverTest", "&peeringLocation=Singapore", true),
    ("stopSiteFailoverTest", "", true),
];

/// A path, and the bodies that are written there.
type Thing = (String, fn(u8) -> Value);

/// The things that calls are about: some are there at first, some can be made, some never belong.
fn things() -> Vec<Thing> {
    fn address(_: u8) -> Value {
        json!({ "location": "southeastasia", "sku": { "name": "Standard" },
                "properties": { "publicIPAllocationMethod": "Static" } })
    }
    fn gateway_subnet(variant: u8) -> Value {
        let prefix = if variant % 4 == 3 { "192.0.2.0/24" } else { "10.10.10.128/25" };
        json!({ "properties": { "addressPrefix": prefix } })
    }
    fn gateway(variant: u8) -> Value {
        let sku = ["ErGw1AZ", "ErGw2AZ", "Nonsense"][usize::from(variant % 3)];
        json!({ "location": "southeastasia", "properties": {
            "gatewayType": "ExpressRoute", "sku": { "name": sku, "tier": sku },
            "ipConfigurations": [{ "name": "c", "properties": {
                "subnet": { "id": format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet") },
                "publicIPAddress": { "id": format!("{SEA}/publicIPAddresses/pip") } } }] } })
    }
    fn authorization(_: u8) -> Value {
        json!({ "properties": {} })
    }
    fn connection(variant: u8) -> Value {
        let circuit = ["er-singapore", "er-hongkong"][usize::from(variant % 2)];
        json!({ "location": "southeastasia", "properties": {
            "connectionType": "ExpressRoute", "routingWeight": i32::from(variant),
            "virtualNetworkGateway1": { "id": format!("{SEA}/virtualNetworkGateways/gw") },
            "peer": { "id": format!("{CIRCUITS}/expressRouteCircuits/{circuit}") } } })
    }
    fn table(variant: u8) -> Value {
        json!({ "location": "southeastasia", "properties": {
            "disableBgpRoutePropagation": variant.is_multiple_of(2), "routes": [] } })
    }
    fn peering(variant: u8) -> Value {
        let to = ["vnet-app1-sea", "vnet-app2-sea", "vnet-nowhere"][usize::from(variant % 3)];
        json!({ "properties": { "allowVirtualNetworkAccess": true, "allowForwardedTraffic": true,
            "allowGatewayTransit": true, "useRemoteGateways": false,
            "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/{to}") } } })
    }
    fn nonsense(variant: u8) -> Value {
        [Value::Null, json!([]), json!("x"), json!({ "properties": 7 })][usize::from(variant % 4)]
            .clone()
    }
    vec![
        (format!("{SEA}/publicIPAddresses/pip"), address),
        (format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet"), gateway_subnet),
        (format!("{SEA}/virtualNetworkGateways/gw"), gateway),
        (format!("{CIRCUITS}/expressRouteCircuits/er-singapore/authorizations/a"), authorization),
        (format!("{SEA}/connections/con"), connection),
        (format!("{SEA}/routeTables/rt"), table),
        (format!("{SEA}/virtualNetworks/vnet-hub-sea/virtualNetworkPeerings/p"), peering),
        (format!("{SEA}/publicIPAddresses/other"), nonsense),
        (format!("{EA}/connections/con-hub-ea-hongkong"), connection),
        (format!("{EA}/virtualNetworkGateways/ergw-hub-ea"), gateway),
        (format!("{CIRCUITS}/expressRouteCircuits/er-hongkong"), nonsense),
    ]
}

fn client_call() -> impl Strategy<Value = ClientCall> {
    let what = 0..things().len();
    prop_oneof![
        6 => (what.clone(), any::<u8>()).prop_map(|(what, variant)| ClientCall::Put { what, variant }),
        2 => what.clone().prop_map(|what| ClientCall::Delete { what }),
        3 => what.clone().prop_map(|what| ClientCall::Get { what }),
        2 => what.clone().prop_map(|what| ClientCall::Poll { what }),
        2 => (what, any::<u8>()).prop_map(|(what, variant)| ClientCall::Read { what, variant }),
        4 => prop_oneof![1_u32..20, 30_u32..2_000].prop_map(|seconds| ClientCall::Later { seconds }),
    ]
}

/// Somebody who does calls, and remembers what he was told.
struct Doer {
    world: World,
    now: Timestamp,
    /// The last operation of each resource, and of what it keeps others from: its root.
    operations: BTreeMap<String, String>,
}

impl Doer {
    fn ask(&mut self, method: Method, url: &str, body: &Value) -> WireResponse {
        let body = if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() };
        let request =
            WireRequest { method, url: url.parse().unwrap(), headers: Headers::new(), body };
        self.world.answer(&request, self.now).0.unwrap()
    }

    fn url(path: &str) -> String {
        format!("{HOST}{path}?api-version=2024-03-01")
    }

    fn get(&mut self, path: &str) -> WireResponse {
        self.ask(Method::Get, &Self::url(path), &Value::Null)
    }

    fn is_over(&mut self, url: &str) -> bool {
        let answer = self.ask(Method::Get, url, &Value::Null);
        answer.headers.get("retry-after").is_none()
    }

    /// Does one call and judges the answer; gives the answer's bytes.
    fn does(&mut self, call: &ClientCall) -> Vec<u8> {
        let all = things();
        match call {
            ClientCall::Later { seconds } => {
                self.now = self.now + Duration::from_secs(u64::from(*seconds));
                Vec::new()
            }
            ClientCall::Get { what } => {
                let first = self.get(&all[*what].0);
                let again = self.get(&all[*what].0);
                assert_eq!(etag(&first), etag(&again), "a look changes no etag");
                judged(&first)
            }
            ClientCall::Poll { what } => match self.operations.get(&all[*what].0).cloned() {
                Some(url) => judged(&self.ask(Method::Get, &url, &Value::Null)),
                None => Vec::new(),
            },
            ClientCall::Read { what, variant } => self.posts(&all[*what].0, *variant),
            ClientCall::Put { what, variant } => {
                let (path, body) = (&all[*what].0, all[*what].1(*variant));
                self.writes(Method::Put, path, &body)
            }
            ClientCall::Delete { what } => self.writes(Method::Delete, &all[*what].0, &Value::Null),
        }
    }

    /// Asks for one of the actions: those that only read, and those that do something.
    fn posts(&mut self, path: &str, variant: u8) -> Vec<u8> {
        let (action, query, writes) = ACTIONS[usize::from(variant) % ACTIONS.len()];
        let root = root(path);
        let busy = self.operations.get(&root).cloned();
        let was_at_work = busy.is_some_and(|url| !self.is_over(&url));
        let url = format!("{HOST}{path}/{action}?api-version=2025-01-01{query}");
        let body = json!({ "peeringLocation": "Singapore", "wasSimulationSuccessful": true });
        let answer = self.ask(Method::Post, &url, &body);
        if answer.status == 202 && writes {
            assert!(!was_at_work, "{action} {path}: two operations at once");
            let url = answer.headers.get("azure-asyncoperation").unwrap().to_owned();
            self.operations.insert(path.to_owned(), url.clone());
            self.operations.insert(root, url);
        }
        judged(&answer)
    }

    fn writes(&mut self, method: Method, path: &str, body: &Value) -> Vec<u8> {
        let before = etag(&self.get(path));
        let root = root(path);
        let busy = self.operations.get(&root).cloned();
        let was_at_work = busy.is_some_and(|url| !self.is_over(&url));
        let answer = self.ask(method, &Self::url(path), body);
        if answer.status < 300 && answer.status != 204 {
            assert!(!was_at_work, "{method} {path}: two operations at once");
            let url = answer.headers.get("azure-asyncoperation").unwrap().to_owned();
            self.operations.insert(path.to_owned(), url.clone());
            self.operations.insert(root, url);
            if method == Method::Put {
                assert_ne!(etag(&answer), before, "{path}: accepted, and the etag stays");
            }
        }
        judged(&answer)
    }

    /// What must be true of any Azure.
    fn check(&mut self) {
        let there: Vec<ResourceId> = self.world.ids().cloned().collect();
        for id in &there {
            if let Some(parent) = id.parent() {
                assert!(there.contains(&parent), "{id} is in nothing");
            }
            let body = self.world.body(id).unwrap();
            for pointer in [
                "/properties/virtualNetworkGateway1/id",
                "/properties/peer/id",
                "/properties/routeTable/id",
                "/properties/ipConfigurations/0/properties/subnet/id",
                "/properties/ipConfigurations/0/properties/publicIPAddress/id",
            ] {
                let Some(named) = body.pointer(pointer).and_then(Value::as_str) else { continue };
                let named = ResourceId::parse(named).unwrap();
                assert!(there.contains(&named), "{id} refers to {named}, which is not there");
            }
        }
        let on_hongkong = there.iter().filter(|id| {
            let peer = self.world.body(id).unwrap().pointer("/properties/peer/id").cloned();
            id.is_a("Microsoft.Network/connections")
                && peer.unwrap_or_default().as_str().unwrap_or_default().ends_with("er-hongkong")
        });
        assert!(on_hongkong.count() <= 1, "two networks of the same addresses are on one circuit");
    }
}

fn root(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').take(9).collect();
    parts.join("/")
}

fn etag(answer: &WireResponse) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    body["etag"].as_str().map(str::to_owned)
}

/// An answer as Azure may give it: a known status, and an error's envelope where it is one.
fn judged(answer: &WireResponse) -> Vec<u8> {
    let known = [200, 201, 202, 204, 400, 404, 405, 409, 412, 429, 503];
    assert!(known.contains(&answer.status), "{answer:?}");
    if answer.status >= 400 {
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let text = |key: &str| body["error"][key].as_str().unwrap_or_default().to_owned();
        assert!(!text("code").is_empty() && !text("message").is_empty(), "{body}");
    }
    format!("{} {:?} {:?}", answer.status, answer.headers, answer.body).into_bytes()
}

fn doer(dead_source: bool) -> Doer {
    let scenario =
        if dead_source { shipped_world() } else { world_file("worlds/one-circuit-kept.yaml") };
    Doer { world: World::new(&scenario), now: scenario.now, operations: BTreeMap::new() }
}

/// A gateway that stands, so that connections can be made.
fn preparation() -> Vec<ClientCall> {
    let later = ClientCall::Later { seconds: 4_000 };
    let put = |what| ClientCall::Put { what, variant: 0 };
    vec![put(0), put(1), later.clone(), put(2), later]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_calls_leave_a_possible_azure_and_the_same_calls_the_same_bytes(
        dead_source in any::<bool>(),
        prepared in any::<bool>(),
        calls in prop::collection::vec(client_call(), 1..50),
    ) {
        let (mut one, mut other) = (doer(dead_source), doer(dead_source));
        let first = if prepared { preparation() } else { Vec::new() };
        for call in first.iter().chain(&calls) {
            let (told, again) = (one.does(call), other.does(call));
            prop_assert_eq!(told, again, "{:?}", call);
            one.check();
        }
        prop_assert_eq!(one.world.comparable(), other.world.comparable());
        let gateway = ResourceId::parse(&things()[2].0).unwrap();
        prop_assert!(!prepared || calls.len() > 5 || one.world.body(&gateway).is_some());
    }
}

const VAULT: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-recovery-sea/providers/Microsoft.RecoveryServices/vaults/vault-recovery-sea";
const CONTAINERS: [&str; 2] = [
    "replicationFabrics/fabric-ea/replicationProtectionContainers/container-ea",
    "replicationFabrics/fabric-sea/replicationProtectionContainers/container-sea",
];
const MACHINES: [&str; 3] = ["vm-db", "vm-app1", "vm-app2"];
const VERBS: [&str; 10] = [
    "testFailover",
    "testFailoverCleanup",
    "unplannedFailover",
    "plannedFailover",
    "failoverCommit",
    "failoverCancel",
    "reProtect",
    "applyRecoveryPoint",
    "remove",
    "switchprotection",
];

/// What somebody does to a vault.
#[derive(Debug, Clone)]
enum Recovery {
    Do { what: usize, verb: usize, backwards: bool, required: bool },
    WritePlan { which: usize },
    Job { verb: usize },
    Region { source: bool, down: bool },
    Later { minutes: u32 },
}

fn recovery() -> impl Strategy<Value = Recovery> {
    prop_oneof![
        8 => (0..8_usize, 0..VERBS.len(), any::<bool>(), any::<bool>()).prop_map(
            |(what, verb, backwards, required)| Recovery::Do { what, verb, backwards, required }
        ),
        // A life in the right order is likelier to be seen.
        4 => (0..2_usize, prop_oneof![Just(2_usize), Just(4), Just(6)], any::<bool>()).prop_map(
            |(what, verb, backwards)| Recovery::Do { what, verb, backwards, required: false }
        ),
        1 => (0..2_usize).prop_map(|which| Recovery::WritePlan { which }),
        2 => (0..3_usize).prop_map(|verb| Recovery::Job { verb }),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(source, down)| Recovery::Region { source, down }),
        6 => prop_oneof![1_u32..20, 60_u32..2_400].prop_map(|minutes| Recovery::Later { minutes }),
    ]
}

/// Somebody at a vault, with the jobs that were begun and what each is about.
struct Operator {
    doer: Doer,
    jobs: Vec<(String, Vec<String>)>,
}

impl Operator {
    fn new() -> Self {
        let scenario = world_file("worlds/two-circuits-site-recovery.yaml");
        let world = World::new(&scenario);
        let doer = Doer { world, now: scenario.now, operations: BTreeMap::new() };
        Self { doer, jobs: Vec::new() }
    }

    /// A plan, an item wherever it may stand.
    fn path(what: usize) -> String {
        match what {
            0 => "replicationRecoveryPlans/rp-apps".to_owned(),
            1 => "replicationRecoveryPlans/rp-apps-checked".to_owned(),
            _ => {
                let (container, machine) = (CONTAINERS[what % 2], MACHINES[what / 2 - 1]);
                format!("{container}/replicationProtectedItems/{machine}")
            }
        }
    }

    fn does(&mut self, call: &Recovery) -> Vec<u8> {
        match call {
            Recovery::Later { minutes } => {
                self.doer.now = self.doer.now + Duration::from_secs(u64::from(*minutes) * 60);
                Vec::new()
            }
            Recovery::Region { source, down } => {
                let region = if *source { "eastasia" } else { "southeastasia" };
                self.doer.world.set_region_down(Region::parse(region).unwrap(), *down);
                Vec::new()
            }
            Recovery::WritePlan { which } => {
                let path = Self::path(*which);
                let ids: Vec<Value> = MACHINES
                    .iter()
                    .map(|name| json!({ "id": format!("{VAULT}/{}/replicationProtectedItems/{name}", CONTAINERS[0]) }))
                    .collect();
                let body = json!({ "properties": { "groups": [{ "groupType": "Boot", "replicationProtectedItems": ids }] } });
                self.asks(Method::Patch, &path, &path, &body)
            }
            Recovery::Job { verb } => {
                let Some((url, _)) = self.jobs.last() else { return Vec::new() };
                let id = url.split("replicationOperationStatus/").nth(1).unwrap()[..36].to_owned();
                let path = format!("replicationJobs/{id}");
                let verb = ["cancel", "resume", "restart"][*verb];
                let url = Doer::url(&format!("{VAULT}/{path}/{verb}"));
                judged(&self.doer.ask(Method::Post, &url, &json!({})))
            }
            Recovery::Do { what, verb, backwards, required } => {
                let path = Self::path(*what);
                let verb = VERBS[*verb];
                let direction = if *backwards { "RecoveryToPrimary" } else { "PrimaryToRecovery" };
                let source = if *required { "Required" } else { "NotRequired" };
                let body = json!({ "properties": { "failoverDirection": direction,
                    "sourceSiteOperations": source, "replicationProtectedItemName": MACHINES[*what % 3] } });
                if verb == "switchprotection" {
                    let container = CONTAINERS[*what % 2];
                    let item =
                        format!("{container}/replicationProtectedItems/{}", MACHINES[*what % 3]);
                    return self.asks(Method::Post, &format!("{container}/{verb}"), &item, &body);
                }
                self.asks(Method::Post, &format!("{path}/{verb}"), &path, &body)
            }
        }
    }

    /// Asks, and holds that what is begun is about nothing that another job is still at work on.
    fn asks(&mut self, method: Method, path: &str, about: &str, body: &Value) -> Vec<u8> {
        let mut concerned = vec![about.to_owned()];
        let url = Doer::url(&format!("{VAULT}/{about}"));
        let shown = self.doer.ask(Method::Get, &url, &Value::Null);
        let shown: Value = serde_json::from_slice(&shown.body).unwrap_or_default();
        for group in shown["properties"]["groups"].as_array().into_iter().flatten() {
            for item in group["replicationProtectedItems"].as_array().into_iter().flatten() {
                let id = item["id"].as_str().unwrap();
                concerned.push(id.split("/vault-recovery-sea/").nth(1).unwrap().to_owned());
            }
        }
        let call = path.rsplit('/').next().unwrap();
        // A plan's own writing is about the plan, whatever is done to its items.
        if method == Method::Patch || about.contains("replicationProtectedItems") {
            concerned.truncate(1);
        }
        let busy = self.jobs.clone().into_iter().find(|(url, own)| {
            own.iter().any(|one| concerned.contains(one)) && {
                let answer = self.doer.ask(Method::Get, url, &Value::Null);
                serde_json::from_slice::<Value>(&answer.body).unwrap()["status"] == "InProgress"
            }
        });
        let answer = self.doer.ask(method, &Doer::url(&format!("{VAULT}/{path}")), body);
        if answer.status == 202 {
            assert!(busy.is_none(), "{call} of {about}, while a job is at work: {busy:?}");
            let url = answer.headers.get("azure-asyncoperation").unwrap().to_owned();
            self.jobs.push((url, concerned));
        }
        judged(&answer)
    }

    /// What must be true of any vault.
    fn check(&mut self) {
        let url = Doer::url(&format!("{VAULT}/replicationProtectedItems"));
        let list = self.doer.ask(Method::Get, &url, &Value::Null);
        let list: Value = serde_json::from_slice(&list.body).unwrap();
        let mut names = Vec::new();
        for item in list["value"].as_array().unwrap() {
            let text = |key: &str| item["properties"][key].as_str().unwrap().to_owned();
            let (state, test) = (text("protectionState"), text("testFailoverState"));
            let legal = match state.as_str() {
                "InitialReplicationInProgress"
                | "InitialReplicationRecoveryCompletionPending"
                | "UnplannedFailoverCommitPendingStatesBegin"
                | "UnplannedFailoverStatesBegin" => test == "None",
                "Protected" => test == "None" || test == "WaitingForCompletion",
                _ => false,
            };
            assert!(legal, "{state} {test}");
            assert!(["Primary", "Recovery"].contains(&text("activeLocation").as_str()));
            names.push(item["name"].as_str().unwrap().to_owned());
        }
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "a machine is protected once, wherever it stands");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_recovery_leaves_a_possible_vault_and_the_same_recovery_the_same_bytes(
        calls in prop::collection::vec(recovery(), 1..40),
    ) {
        let (mut one, mut other) = (Operator::new(), Operator::new());
        for call in &calls {
            let (told, again) = (one.does(call), other.does(call));
            prop_assert_eq!(told, again, "{:?}", call);
            one.check();
            // Request ids count every request, looks too.
            other.check();
        }
        prop_assert_eq!(one.doer.world.comparable(), other.doer.world.comparable());
    }
}
