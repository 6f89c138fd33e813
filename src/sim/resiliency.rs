//! How well would a gateway do without one of its peering locations? Site failover tests, and what Azure
//! says of redundancy (azure-facts 5.6, 1.9).
//!
//! The names of the fields are those of Azure's own SDKs. Nobody has recorded an answer: what the scores
//! are made of, what the refusals are called, and what the texts say is this world's own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::network::{Heard, heard_by_network};
use super::operation::Act;
use super::post::parameter;
use super::reply::{Refusal, guid};
use super::unconfirmed;
use super::world::World;
use super::write::Arrival;
use crate::arm;
use crate::azure::wire::WireResponse;
use crate::model::{ResourceId, Timestamp};

/// How long traffic takes to move when a test starts or stops (azure-facts 4).
pub(super) const TEST_TAKES: Duration = Duration::from_secs(15);

/// How often what is computed is computed anew (azure-facts 5.6).
const REFRESH: Duration = Duration::from_secs(3_600);

/// A site failover test of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteTest {
    /// Its name.
    pub id: String,
    /// The peering location whose links are dropped.
    pub location: String,
    /// How far it is.
    pub status: TestStatus,
    /// When it was asked for.
    pub began: Timestamp,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// What the person who stopped it said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successful: Option<bool>,
    /// The connections that this person looked at, as they were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Value>,
}

/// How far a test is, in Azure's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TestStatus {
    /// It was accepted.
    Starting,
    /// The links are dropped.
    Running,
    /// It could not be started.
    StartFailed,
    /// It is to stop, and the links are dropped still.
    Stopping,
    /// The links are back.
    Completed,
    /// It could not be stopped: the links are dropped still.
    StopFailed,
}

impl TestStatus {
    /// Whether the links are dropped.
    #[must_use]
    pub fn is_on(self) -> bool {
        matches!(self, Self::Running | Self::Stopping | Self::StopFailed)
    }
}

/// Whether one of these tests has dropped links.
pub(super) fn is_on(tests: &[SiteTest]) -> bool {
    tests.iter().any(|test| test.status.is_on())
}

/// The tests as a world file has them: nobody is at work in the world that begins.
pub(super) fn written_tests(
    tests: &BTreeMap<ResourceId, Vec<SiteTest>>,
) -> BTreeMap<ResourceId, Vec<SiteTest>> {
    let mut all = tests.clone();
    for test in all.values_mut().flatten() {
        test.status = match test.status {
            TestStatus::Starting => TestStatus::StartFailed,
            TestStatus::Stopping => TestStatus::Running,
            other => other,
        };
    }
    all
}

impl World {
    /// Starts a test: of an ExpressRoute gateway that is connected at two peering locations, one at a time.
    pub(super) fn start_test(
        &mut self,
        arrival: &Arrival<'_>,
        url: &Url,
    ) -> Result<WireResponse, Refusal> {
        let id = arrival.id;
        let asked = parameter(url.query().unwrap_or_default(), "peeringLocation")
            .filter(|location| !location.is_empty())
            .ok_or_else(|| {
                let message = "The query names no peeringLocation.";
                Refusal::new(400, "InvalidRequestFormat", message)
            })?;
        let locations = self.peering_locations(id);
        if locations.len() < 2 {
            let message = format!(
                "Gateway {id} is connected at {} peering location(s); a site failover test needs two.",
                locations.len()
            );
            return Err(Refusal::unconfirmed(&unconfirmed::TEST_ONE_LOCATION, message));
        }
        let own = locations.into_iter().find(|own| own.eq_ignore_ascii_case(&asked));
        let location = own.ok_or_else(|| {
            let message = format!("Gateway {id} has no circuit at peering location '{asked}'.");
            Refusal::unconfirmed(&unconfirmed::TEST_LOCATION, message)
        })?;
        if arm::is_metro(&location) {
            let message = format!("'{location}' is a Metro location, which cannot be tested.");
            return Err(Refusal::unconfirmed(&unconfirmed::TEST_LOCATION, message));
        }
        let tests = self.network.tests(id);
        let other = |test: &&SiteTest| test.status.is_on() || test.status == TestStatus::Starting;
        if let Some(other) = tests.iter().find(other) {
            let message = format!("Gateway {id} is under test {} already.", other.id);
            return Err(Refusal::unconfirmed(&unconfirmed::TEST_ON, message));
        }
        let number = tests.len().to_string();
        let ordinal = self.chance.ordinal(id).to_string();
        let test = self.chance.name(&[id.key(), &number, &ordinal, "siteTest"]);
        let answer = self.begin_act(arrival, Act::StartTest { test: test.clone() })?;
        let test = SiteTest {
            id: test,
            location,
            status: TestStatus::Starting,
            began: arrival.now,
            ended: None,
            successful: None,
            details: Vec::new(),
        };
        self.network.add_test(id, test);
        Ok(answer)
    }

    /// Stops a test. It never stops by itself.
    pub(super) fn stop_test(&mut self, arrival: &Arrival<'_>) -> Result<WireResponse, Refusal> {
        let body: Value = serde_json::from_slice(&arrival.request.body).map_err(|_| {
            Refusal::new(400, "InvalidRequestContent", "The request content was invalid JSON.")
                .by_gateway()
        })?;
        let location = body.get("peeringLocation").and_then(Value::as_str).unwrap_or_default();
        let stoppable = |test: &&SiteTest| {
            test.location.eq_ignore_ascii_case(location)
                && matches!(test.status, TestStatus::Running | TestStatus::StopFailed)
        };
        let tests = self.network.tests(arrival.id);
        let test = tests.iter().find(stoppable).map(|test| test.id.clone()).ok_or_else(|| {
            let message = format!("No test of peering location '{location}' is running.");
            Refusal::unconfirmed(&unconfirmed::TEST_NOT_ON, message)
        })?;
        let answer = self.begin_act(arrival, Act::StopTest { test: test.clone() })?;
        self.network.edit_test(arrival.id, &test, |test| {
            test.status = TestStatus::Stopping;
            test.successful = body.get("wasSimulationSuccessful").and_then(Value::as_bool);
            let details = body.get("details").and_then(Value::as_array);
            test.details = details.cloned().unwrap_or_default();
        });
        Ok(answer)
    }

    /// A test has started or stopped, or has failed to.
    pub(super) fn test_moved(
        &mut self,
        id: &ResourceId,
        test: &str,
        starts: bool,
        failed: bool,
        at: Timestamp,
    ) {
        self.network.edit_test(id, test, |test| {
            test.status = match (starts, failed) {
                (true, false) => TestStatus::Running,
                (true, true) => TestStatus::StartFailed,
                (false, false) => TestStatus::Completed,
                (false, true) => TestStatus::StopFailed,
            };
            if matches!(test.status, TestStatus::StartFailed | TestStatus::Completed) {
                test.ended = Some(at);
            }
        });
    }

    /// The peering locations of the circuits that a gateway is connected to.
    fn peering_locations(&self, gateway: &ResourceId) -> BTreeSet<String> {
        let shown = self.shown();
        let estate = self.estate(&shown);
        let connections = estate.connections_of_gateway(gateway);
        connections
            .filter(|connection| connection.succeeded)
            .filter_map(|connection| estate.circuit(&connection.circuit)?.location.clone())
            .collect()
    }

    /// What the four reading calls tell; nothing for other actions.
    pub(super) fn resiliency(
        &self,
        id: &ResourceId,
        action: &str,
        query: &str,
        now: Timestamp,
    ) -> Option<Value> {
        match action {
            "getresiliencyinformation" => Some(self.scores(id, now)),
            "getroutesinformation" => Some(self.route_sets(id, now)),
            "getfailoveralltestsdetails" => {
                let latest = parameter(query, "fetchLatest");
                let latest = latest.is_some_and(|latest| latest.eq_ignore_ascii_case("true"));
                let single = parameter(query, "type")
                    .is_none_or(|kind| kind.eq_ignore_ascii_case("SingleSiteFailover"));
                Some(if single { self.all_tests(id, latest) } else { json!([]) })
            }
            "getfailoversingletestdetails" => {
                let location = parameter(query, "peeringLocation").unwrap_or_default();
                let test = parameter(query, "failoverTestId").unwrap_or_default();
                Some(self.one_test(id, &location, &test))
            }
            _ => None,
        }
    }

    /// When it was computed, and when it will be again: on the hour of the world.
    fn computed(&self, now: Timestamp) -> (String, String) {
        let hours = now.since(self.schedule.began()).as_secs() / REFRESH.as_secs();
        let last = self.schedule.began() + Duration::from_secs(hours * REFRESH.as_secs());
        (last.to_string(), (last + REFRESH).to_string())
    }

    /// What is heard where, whatever is under test.
    fn heard_untested(&self, id: &ResourceId) -> BTreeMap<ipnet::IpNet, Vec<Heard>> {
        let shown = self.shown();
        let estate = self.estate(&shown).with_tests(BTreeMap::new());
        heard_by_network(&estate, &self.onprem_now(), id)
    }

    fn scores(&self, id: &ResourceId, now: Timestamp) -> Value {
        let heard = self.heard_untested(id);
        let twice = heard.values().filter(|ways| places(ways).len() > 1).count();
        let routes = if heard.is_empty() { 0 } else { 50 * twice / heard.len() };
        let sku =
            self.body(id).and_then(|body| arm::GatewayView::of(body).sku()).unwrap_or_default();
        let zones = if sku.ends_with("AZ") || sku == "ErGwScale" { 25 } else { 0 };
        let tests = self.network.tests(id);
        let tested = tests.iter().any(|test| test.successful == Some(true));
        let tested = if tested { 25 } else { 0 };
        let component = |name: &str, score: usize, most: usize, advice: &str| {
            let recommendations = if score < most {
                json!([{
                    "recommendationTitle": advice,
                    "recommendationId": guid(&[name, "recommendation"]),
                    "severity": if most > 25 { "High" } else { "Medium" },
                    "recommendationText": advice,
                }])
            } else {
                json!([])
            };
            json!({
                "name": name, "currentScore": score.to_string(), "maxScore": most.to_string(),
                "recommendations": recommendations,
            })
        };
        let score = routes + zones + tested;
        let (last, next) = self.computed(now);
        json!({
            "overallScore": score.to_string(),
            "scoreChange": "0",
            "minScoreFromRecommendations": "0",
            "maxScoreFromRecommendations": (100 - score).to_string(),
            "lastComputedTime": last,
            "nextEligibleComputeTime": next,
            "components": [
                component("RouteResiliency", routes, 50, "Connect circuits at two peering locations."),
                component("ZoneRedundancy", zones, 25, "Use a gateway that spans zones."),
                component("SiteFailoverTest", tested, 25, "Test the failover of a site."),
            ],
        })
    }

    fn route_sets(&self, id: &ResourceId, now: Timestamp) -> Value {
        let mut sets: BTreeMap<BTreeSet<String>, serde_json::Map<String, Value>> = BTreeMap::new();
        let mut circuits = serde_json::Map::new();
        for (network, ways) in self.heard_untested(id) {
            let sources: Vec<Value> = ways
                .iter()
                .map(|way| {
                    let said = |path: &Option<String>| path.clone().unwrap_or_default();
                    let (pri, sec) = (said(&way.primary), said(&way.secondary));
                    json!({ "circuit": way.circuit.name(), "pri": pri, "sec": sec })
                })
                .collect();
            for way in &ways {
                let about = json!({
                    "name": way.circuit.name(), "link": way.circuit.as_str(), "location": way.location,
                });
                circuits.insert(way.circuit.name().to_owned(), about);
            }
            sets.entry(places(&ways)).or_default().insert(network.to_string(), sources.into());
        }
        let sets: Vec<Value> = sets
            .into_iter()
            .enumerate()
            .map(|(n, (locations, details))| {
                json!({ "name": format!("RouteSet{}", n + 1), "locations": locations, "details": details })
            })
            .collect();
        let (last, next) = self.computed(now);
        json!({
            "lastComputedTime": last, "nextEligibleComputeTime": next, "routeSetVersion": "1",
            "routeSets": sets, "circuitsMetadataMap": circuits,
        })
    }

    fn all_tests(&self, id: &ResourceId, latest: bool) -> Value {
        let tests = self.network.tests(id);
        let is_last = |place: usize, test: &SiteTest| {
            !tests[place + 1..].iter().any(|later| later.location == test.location)
        };
        let shown = self.shown();
        let estate = self.estate(&shown);
        let all = tests.iter().enumerate().filter(|(place, test)| !latest || is_last(*place, test));
        all.map(|(_, test)| {
            let (mut circuits, mut connections) = (Vec::new(), Vec::new());
            for connection in estate.connections_of_gateway(id) {
                let circuit = estate.circuit(&connection.circuit);
                let here =
                    circuit.and_then(|circuit| circuit.location.as_ref()) == Some(&test.location);
                if here {
                    circuits.push(json!({
                        "nrpResourceUri": connection.circuit.as_str(),
                        "name": connection.circuit.name(),
                        "connectionName": connection.id.name(),
                    }));
                }
                let dropped = here && test.status.is_on();
                connections.push(json!({
                    "nrpResourceUri": connection.id.as_str(),
                    "name": connection.id.name(),
                    "status": if dropped { "Disconnected" } else { "Connected" },
                    "lastUpdatedTime": test.ended.unwrap_or(test.began).to_string(),
                }));
            }
            json!({
                "peeringLocation": test.location,
                "circuits": circuits,
                "status": test.status,
                "startTime": test.began.to_string(),
                "endTime": test.ended.map(|at| at.to_string()),
                "connections": connections,
                "testGuid": test.id,
                "testType": "SingleSiteFailover",
                "issues": [],
            })
        })
        .collect()
    }

    fn one_test(&self, id: &ResourceId, location: &str, test: &str) -> Value {
        let mut redundant: BTreeMap<BTreeSet<String>, Vec<String>> = BTreeMap::new();
        let mut alone = Vec::new();
        for (network, ways) in self.heard_untested(id) {
            let mut places = places(&ways);
            let here = places.iter().find(|own| own.eq_ignore_ascii_case(location)).cloned();
            if !here.is_some_and(|here| places.remove(&here)) {
                continue;
            }
            if places.is_empty() {
                alone.push(network.to_string());
            } else {
                redundant.entry(places).or_default().push(network.to_string());
            }
        }
        let redundant: Vec<Value> = redundant
            .into_iter()
            .map(|(places, routes)| json!({ "peeringLocations": places, "routes": routes }))
            .collect();
        let tests = self.network.tests(id);
        let wanted = tests.iter().filter(|own| {
            own.id.eq_ignore_ascii_case(test) && own.location.eq_ignore_ascii_case(location)
        });
        wanted
            .map(|own| {
                json!({
                    "peeringLocation": own.location,
                    "status": own.status,
                    "startTimeUtc": own.began.to_string(),
                    "endTimeUtc": own.ended.map(|at| at.to_string()),
                    "redundantRoutes": redundant,
                    "nonRedundantRoutes": alone,
                    "wasSimulationSuccessful": own.successful,
                    "failoverConnectionDetails": own.details,
                })
            })
            .collect()
    }
}

/// The peering locations of these ways.
fn places(ways: &[Heard]) -> BTreeSet<String> {
    ways.iter().filter_map(|way| way.location.clone()).collect()
}
