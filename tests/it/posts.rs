//! What POSTs do to the simulated Azure: site failover tests, resets, counters; and peerings that catch up.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::azure::wire::Headers;
use backroad::azure::{Method, WireRequest, WireResponse};
use backroad::model::{ResourceId, Timestamp};
use backroad::sim::{Answers, Fault, FaultEffect, Grant, Lock, LockLevel, Scenario, World};
use serde_json::{Value, json};

use crate::support::shipped_world;

const EA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network";
const CIRCUITS: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits";
const HOST: &str = "https://management.azure.com";

struct Azure {
    world: World,
    now: Timestamp,
}

impl Azure {
    /// The shipped world on a day on which every region is up.
    fn new() -> Self {
        let mut scenario = shipped_world();
        scenario.regions_down.clear();
        Self { world: World::new(&scenario), now: scenario.now }
    }

    /// The same with its gateway connected to both circuits.
    fn at_two_locations() -> Self {
        let mut azure = Self::new();
        let key = format!("{CIRCUITS}/er-singapore/authorizations/second");
        azure.call(Method::Put, &key, "", &json!({ "properties": {} }));
        azure.later(60);
        let told = azure.call(Method::Get, &key, "", &Value::Null);
        let secret = json_of(&told)["properties"]["authorizationKey"].clone();
        let connection = json!({ "location": "eastasia", "properties": {
            "connectionType": "ExpressRoute", "authorizationKey": secret, "routingWeight": 0,
            "virtualNetworkGateway1": { "id": gateway() },
            "peer": { "id": format!("{CIRCUITS}/er-singapore") } } });
        let path = format!("{EA}/connections/con-second");
        let made = azure.call(Method::Put, &path, "", &connection);
        assert_eq!(made.status, 201, "{}", json_of(&made));
        azure.later(1_200);
        azure
    }

    fn ask(&mut self, method: Method, url: &str, body: &Value) -> WireResponse {
        let body = if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() };
        let request =
            WireRequest { method, url: url.parse().unwrap(), headers: Headers::new(), body };
        self.world.answer(&request, self.now).0.unwrap()
    }

    fn call(&mut self, method: Method, path: &str, query: &str, body: &Value) -> WireResponse {
        self.ask(method, &format!("{HOST}{path}?api-version=2025-01-01{query}"), body)
    }

    fn post(&mut self, action: &str, query: &str, body: &Value) -> WireResponse {
        self.call(Method::Post, &format!("{}/{action}", gateway()), query, body)
    }

    /// What an action tells in the end.
    fn told(&mut self, action: &str, query: &str) -> Value {
        let answer = self.post(action, query, &Value::Null);
        assert_eq!((answer.status, answer.body.as_ref()), (202, &b"null"[..]), "{action}");
        let location = answer.headers.get("location").unwrap().to_owned();
        self.later(10);
        let end = self.ask(Method::Get, &location, &Value::Null);
        assert_eq!(end.status, 200, "{action}");
        json_of(&end)
    }

    fn start(&mut self, location: &str) -> WireResponse {
        self.post("startSiteFailoverTest", &format!("&peeringLocation={location}"), &Value::Null)
    }

    fn stop(&mut self, location: &str) -> WireResponse {
        let body = json!({ "peeringLocation": location, "wasSimulationSuccessful": true,
            "details": [{ "failoverLocation": "Singapore", "failoverConnectionName": "con-second",
                "isVerified": true }] });
        self.post("stopSiteFailoverTest", "", &body)
    }

    fn status(&mut self) -> Value {
        self.told("getFailoverAllTestsDetails", "&type=SingleSiteFailover&fetchLatest=true")[0]
            .clone()
    }

    /// The circuits over which the first site reaches the hub.
    fn ways(&self) -> Vec<String> {
        let all = self.world.reachability();
        let hub = all.iter().find(|reach| reach.network.to_string() == "10.10.10.0/24").unwrap();
        hub.circuits.iter().map(|circuit| circuit.name().to_owned()).collect()
    }

    fn later(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        // The world is as of its last question.
        self.world.network(self.now);
    }
}

fn gateway() -> String {
    format!("{EA}/virtualNetworkGateways/ergw-hub-ea")
}

fn json_of(answer: &WireResponse) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

fn code(answer: &WireResponse) -> String {
    json_of(answer)["error"]["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_site_failover_test_moves_traffic_until_it_is_stopped() {
    let mut azure = Azure::at_two_locations();
    let count =
        |azure: &mut Azure| azure.told("getLearnedRoutes", "")["value"].as_array().unwrap().len();
    let before = count(&mut azure);
    assert_eq!(azure.ways(), ["er-hongkong"], "on-premises prefers Hong Kong");
    assert_eq!(azure.start("Hong%20Kong").status, 202);
    azure.later(5);
    assert_eq!(azure.ways(), ["er-hongkong"], "it takes a quarter of a minute");
    azure.later(10);
    assert_eq!(azure.ways(), ["er-singapore"]);
    let during = count(&mut azure);
    assert!(during < before, "{during} of {before} routes");
    let peers = azure.told("getBgpPeerStatus", "");
    let states: Vec<&str> =
        peers["value"].as_array().unwrap().iter().map(|p| p["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["Idle", "Idle", "Connected", "Connected"]);
    let first = peers["value"][0]["neighbor"].as_str().unwrap();
    let told = azure.told("getAdvertisedRoutes", &format!("&peer={first}"));
    assert_eq!(told["value"], json!([]), "nothing is advertised there");
    azure.later(86_400);
    assert_eq!(azure.status()["status"], "Running", "it never stops by itself");
    assert_eq!(azure.ways(), ["er-singapore"]);
    assert_eq!(azure.stop("Hong Kong").status, 202);
    azure.later(15);
    assert_eq!(azure.ways(), ["er-hongkong"]);
    assert_eq!(count(&mut azure), before);
    let status = azure.status();
    assert_eq!(status["status"], "Completed");
    assert_eq!(status["circuits"][0]["name"], "er-hongkong");
    let test = status["testGuid"].as_str().unwrap().to_owned();
    let query = format!("&peeringLocation=Hong%20Kong&failoverTestId={test}");
    let one = azure.told("getFailoverSingleTestDetails", &query);
    assert_eq!(one[0]["wasSimulationSuccessful"], true);
    assert_eq!(one[0]["redundantRoutes"][0]["peeringLocations"], json!(["Singapore"]));
    assert_eq!(one[0]["failoverConnectionDetails"][0]["isVerified"], true);
}

#[test]
fn a_test_needs_two_locations_and_is_alone() {
    let mut one = Azure::new();
    assert_eq!(code(&one.start("Hong%20Kong")), "SiteFailoverTestNeedsTwoPeeringLocations");
    let mut azure = Azure::at_two_locations();
    assert_eq!(code(&azure.start("Tokyo")), "SiteFailoverTestPeeringLocationNotValid");
    assert_eq!(code(&azure.stop("Hong Kong")), "SiteFailoverTestNotRunning");
    assert_eq!(azure.start("Singapore").status, 202);
    assert_eq!(code(&azure.start("Hong%20Kong")), "SiteFailoverTestInProgress");
    azure.later(20);
    assert_eq!(azure.start("Hong%20Kong").status, 409, "while it runs, too");
    assert_eq!(azure.ways(), ["er-hongkong"]);
}

#[test]
fn a_running_test_outlives_a_world_file_and_not_its_gateway() {
    let mut azure = Azure::at_two_locations();
    azure.start("Hong%20Kong");
    azure.later(20);
    let text = serde_yaml::to_string(&azure.world.to_file(azure.now)).unwrap();
    let scenario = Scenario::parse("again", &text).unwrap();
    let mut again = Azure { world: World::new(&scenario), now: scenario.now };
    assert_eq!(again.ways(), ["er-singapore"]);
    assert_eq!(again.status()["status"], "Running");
    assert!(again.world.comparable()["under_test"].is_array());
}

#[test]
fn a_test_that_fails_to_start_drops_nothing_and_one_that_fails_to_stop_keeps_on() {
    let fault = |times| {
        let effect = FaultEffect::Fail { code: "InternalServerError".to_owned() };
        Fault::new(Some("POST"), "*/virtualnetworkgateways/*", times, effect)
    };
    let mut azure = Azure::at_two_locations();
    azure.world.add_fault(fault(1));
    azure.start("Hong%20Kong");
    azure.later(20);
    assert_eq!(azure.ways(), ["er-hongkong"]);
    assert_eq!(azure.status()["status"], "StartFailed");
    azure.start("Hong%20Kong");
    azure.later(20);
    azure.world.add_fault(fault(1));
    azure.stop("Hong Kong");
    azure.later(20);
    assert_eq!(azure.ways(), ["er-singapore"]);
    assert_eq!(azure.status()["status"], "StopFailed");
    assert_eq!(azure.stop("Hong Kong").status, 202, "it can be stopped again");
    azure.later(20);
    assert_eq!(azure.status()["status"], "Completed");
}

#[test]
fn what_azure_says_of_redundancy_follows_the_circuits() {
    let score = |azure: &mut Azure| -> u32 {
        let told = azure.told("getResiliencyInformation", "&attemptRefresh=true");
        told["overallScore"].as_str().unwrap().parse().unwrap()
    };
    let (mut one, mut two) = (Azure::new(), Azure::at_two_locations());
    assert!(score(&mut one) < score(&mut two));
    let sets = two.told("getRoutesInformation", "");
    assert_eq!(sets["routeSets"][0]["locations"], json!(["Hong Kong", "Singapore"]));
    let way = &sets["routeSets"][0]["details"]["10.100.0.0/16"][0];
    assert_eq!((&way["circuit"], &way["pri"]), (&json!("er-hongkong"), &json!("12076-65001")));
    assert_eq!(sets["circuitsMetadataMap"]["er-singapore"]["location"], "Singapore");
}

#[test]
fn a_reset_holds_the_gateway_like_a_write() {
    let mut azure = Azure::new();
    let answer = azure.post("reset", "", &Value::Null);
    assert_eq!((answer.status, answer.body.as_ref()), (202, &b"null"[..]));
    assert_eq!(azure.world.ledger().last().unwrap().accepted, Some(true), "it is a change");
    let again = azure.post("reset", "", &Value::Null);
    assert_eq!((again.status, code(&again).as_str()), (409, "AnotherOperationInProgress"));
    assert!(azure.ways().is_empty(), "nothing goes through a gateway that begins anew");
    let path = format!("{EA}/connections/con-hub-ea-hongkong/resetconnection");
    assert_eq!(
        azure.call(Method::Post, &path, "", &Value::Null).status,
        409,
        "its gateway is held"
    );
    azure.later(3_600);
    let location = answer.headers.get("location").unwrap().to_owned();
    let end = azure.ask(Method::Get, &location, &Value::Null);
    assert_eq!((end.status, &json_of(&end)["name"]), (200, &json!("ergw-hub-ea")));
    assert_eq!(azure.ways(), ["er-hongkong"]);
    let reset = azure.call(Method::Post, &path, "", &Value::Null);
    assert_eq!(reset.status, 202);
    assert!(azure.ways().is_empty());
    azure.later(3_600);
    assert_eq!(azure.ways(), ["er-hongkong"]);
    let location = reset.headers.get("location").unwrap().to_owned();
    assert_eq!(azure.ask(Method::Get, &location, &Value::Null).status, 204);
}

#[test]
fn what_changes_something_needs_the_right_and_no_lock() {
    let mut azure = Azure::at_two_locations();
    azure.world.add_lock(Lock {
        name: "still".to_owned(),
        scope: gateway(),
        level: LockLevel::ReadOnly,
    });
    assert_eq!(code(&azure.start("Singapore")), "ScopeLocked");
    let mut azure = Azure::at_two_locations();
    azure.world.set_rights(vec![Grant {
        scope: "/subscriptions/11111111-1111-1111-1111-111111111111".to_owned(),
        actions: vec![
            "Microsoft.Network/virtualNetworkGateways/startSiteFailoverTest/action".to_owned(),
        ],
        not_actions: Vec::new(),
    }]);
    let refused = azure.post("reset", "", &Value::Null);
    assert_eq!((refused.status, code(&refused).as_str()), (403, "AuthorizationFailed"));
    assert_eq!(azure.start("Singapore").status, 202);
    let used = azure.world.rights_used();
    assert!(
        used.iter()
            .any(|right| right.to_ascii_lowercase().ends_with("/startsitefailovertest/action"))
    );
    let mut azure = Azure::at_two_locations();
    let effect = FaultEffect::Throttle { after: None };
    azure.world.add_fault(Fault::new(Some("POST"), "*/startsitefailovertest", 1, effect));
    assert_eq!(azure.start("Singapore").status, 429);
    assert_eq!(azure.start("Singapore").status, 202);
}

#[test]
fn the_counters_of_private_peering_are_those_of_the_circuit() {
    let mut azure = Azure::new();
    let circuit = format!("{CIRCUITS}/er-hongkong");
    let mut stats = |path: String| azure.call(Method::Get, &path, "", &Value::Null);
    let whole = json_of(&stats(format!("{circuit}/stats")));
    assert!(whole["primaryBytesIn"].as_u64() > Some(0));
    let own = stats(format!("{circuit}/peerings/AzurePrivatePeering/stats"));
    assert_eq!((own.status, json_of(&own)), (200, whole));
    assert_eq!(stats(format!("{circuit}/peerings/MicrosoftPeering/stats")).status, 404);
}

#[test]
fn tags_of_gateways_and_connections_take_their_time_and_those_of_circuits_do_not() {
    let mut azure = Azure::new();
    let tags = json!({ "tags": { "a": "b" } });
    for (path, state) in [
        (gateway(), "Updating"),
        (format!("{EA}/connections/con-hub-ea-hongkong"), "Updating"),
        (format!("{CIRCUITS}/er-hongkong"), "Succeeded"),
        (format!("{EA}/virtualNetworks/vnet-hub-ea"), "Succeeded"),
        (format!("{EA}/routeTables/rt-hub-ea"), "Succeeded"),
    ] {
        let answer = azure.call(Method::Patch, &path, "", &tags);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(json_of(&answer)["properties"]["provisioningState"], state, "{path}");
        azure.later(3_600);
        let told = json_of(&azure.call(Method::Get, &path, "", &Value::Null));
        assert_eq!(told["properties"]["provisioningState"], "Succeeded", "{path}");
        assert_eq!(told["tags"], json!({ "a": "b" }), "{path}");
    }
}

#[test]
fn a_peering_knows_of_new_addresses_when_it_is_synced() {
    let mut azure = Azure::new();
    let (hub, app) =
        (format!("{EA}/virtualNetworks/vnet-hub-ea"), format!("{EA}/virtualNetworks/vnet-app1-ea"));
    let (here, there) = (
        format!("{hub}/virtualNetworkPeerings/hub-to-app1"),
        format!("{app}/virtualNetworkPeerings/app1-to-hub"),
    );
    let levels = |azure: &mut Azure| {
        [&here, &there].map(|path| {
            let told = json_of(&azure.call(Method::Get, path, "", &Value::Null));
            let known = &told["properties"]["remoteAddressSpace"]["addressPrefixes"];
            (told["properties"]["peeringSyncLevel"].clone(), known.as_array().map_or(0, Vec::len))
        })
    };
    let mut body = json_of(&azure.call(Method::Get, &hub, "", &Value::Null));
    body["properties"]["addressSpace"]["addressPrefixes"] =
        json!(["10.10.10.0/24", "10.10.11.0/24"]);
    let put = azure.call(Method::Put, &hub, "", &body);
    assert_eq!(put.status, 200, "{}", json_of(&put));
    azure.later(600);
    let seen = levels(&mut azure);
    assert_eq!(seen[0].0, "RemoteNotInSync");
    assert_eq!((&seen[1].0, seen[1].1), (&json!("LocalNotInSync"), 1));
    let side = json_of(&azure.call(Method::Get, &there, "", &Value::Null));
    assert_eq!(azure.call(Method::Put, &there, "", &side).status, 200);
    azure.later(600);
    assert_eq!(levels(&mut azure)[1].0, "LocalNotInSync", "a write alone does not sync");
    assert_eq!(azure.call(Method::Put, &there, "&syncRemoteAddressSpace=true", &side).status, 200);
    azure.later(600);
    let seen = levels(&mut azure);
    assert_eq!(seen[0].0, "FullyInSync");
    assert_eq!((&seen[1].0, seen[1].1), (&json!("FullyInSync"), 2));
    assert!(azure.world.body(&ResourceId::parse(&there).unwrap()).is_some());
}
