//! What Azure really said, read by the adapter: recorded traffic of real subscriptions.
//!
//! The recordings are not part of the project. Where they are not at hand these tests say so on stderr
//! and look at the project's own sample; `BACKROAD_ARM_DATA` names the folder that has `recordings/` in it.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use backroad::azure::error::refusal;
use backroad::azure::operation::{read_polled, read_sent};
use backroad::azure::wire::Headers;
use backroad::azure::{
    Arm, ArmSettings, NoSecrets, Purpose, Simulated, Wire, WireFault, WireRequest, WireResponse,
};
use backroad::engine::{CallContext, Clock, Observer, PollAnswer, SendAnswer};
use backroad::model::action::{
    Destination, NextHop, Peering, PublicIp, Route, RouteTable, Subnet, Tags,
};
use backroad::model::{
    Action, Assessed, Disposition, Goal, HandleKind, OperationKey, Region, ResourceId, Timestamp,
};
use backroad::sim::VirtualClock;
use serde_json::Value;

use crate::support::{Extent, arm_data, data_files};

fn change() -> Purpose {
    Purpose::Change(OperationKey::parse("00000000-0000-0000-0000-000000000000").unwrap())
}

/// One recorded request and its answer.
pub(crate) struct Exchange {
    pub(crate) file: String,
    pub(crate) method: String,
    url: String,
    sent: String,
    pub(crate) response: WireResponse,
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(
        || if value.is_null() { String::new() } else { value.to_string() },
        str::to_owned,
    )
}

/// Header values stand alone, in a list, or joined.
fn headers(value: &Value) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let one = match value {
            Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
            other => text(other),
        };
        headers.push(name.clone(), one);
    }
    headers
}

fn exchange(file: &str, parts: [&Value; 6]) -> Exchange {
    let [method, url, sent, status, header, body] = parts;
    let status = status.as_u64().or_else(|| text(status).parse().ok()).unwrap_or(0);
    Exchange {
        file: file.to_owned(),
        method: text(method).to_ascii_uppercase(),
        url: text(url),
        sent: text(sent),
        response: WireResponse {
            status: u16::try_from(status).unwrap(),
            headers: headers(header),
            body: text(body).into(),
        },
    }
}

/// The five formats of the recorders.
fn read(path: &Path) -> Vec<Exchange> {
    let raw = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let all: Value = if name.ends_with(".json") {
        serde_json::from_str(raw.trim_start_matches('\u{feff}')).unwrap()
    } else {
        serde_yaml::from_str(&raw).unwrap()
    };
    let list = |key: &str| all[key].as_array().cloned().unwrap_or_default();
    let mut exchanges = Vec::new();
    for one in list("interactions") {
        let (request, response) = (&one["request"], &one["response"]);
        let url = if request["uri"].is_null() { &request["url"] } else { &request["uri"] };
        let status = if response["code"].is_null() {
            &response["status"]["code"]
        } else {
            &response["code"]
        };
        let body = if response["body"].is_object() {
            &response["body"]["string"]
        } else {
            &response["body"]
        };
        let parts = [&request["method"], url, &request["body"], status, &response["headers"], body];
        exchanges.push(exchange(name, parts));
    }
    for one in list("Entries") {
        let parts = [
            &one["RequestMethod"],
            &one["RequestUri"],
            &one["RequestBody"],
            &one["StatusCode"],
            &one["ResponseHeaders"],
            &one["ResponseBody"],
        ];
        exchanges.push(exchange(name, parts));
    }
    for one in list("exchanges") {
        let parts = [
            &one["method"],
            &one["path"],
            &Value::Null,
            &one["status"],
            &one["headers"],
            &one["body"],
        ];
        exchanges.push(exchange(name, parts));
    }
    for one in list("networkCallRecords") {
        let response = &one["Response"];
        let parts = [
            &one["Method"],
            &one["Uri"],
            &Value::Null,
            &response["StatusCode"],
            response,
            &response["Body"],
        ];
        exchanges.push(exchange(name, parts));
    }
    exchanges
}

/// All that was recorded and is at hand.
pub(crate) fn recorded() -> (Vec<Exchange>, Extent) {
    let (folder, extent) = arm_data("recordings").unwrap();
    let mut paths = Vec::new();
    data_files(&folder, &mut paths);
    paths.sort();
    let all: Vec<Exchange> = paths.iter().flat_map(|path| read(path)).collect();
    let enough = all.len() > if extent == Extent::Whole { 1_000 } else { 20 };
    assert!(enough, "only {} exchanges were read", all.len());
    (all, extent)
}

fn is_network(url: &str) -> bool {
    url.to_ascii_lowercase().contains("/providers/microsoft.network/")
}

fn is_poll(url: &str) -> bool {
    let url = url.to_ascii_lowercase();
    url.contains("/operations/") || url.contains("/operationresults/")
}

#[test]
fn every_recorded_write_is_read_without_loss() {
    let (all, extent) = recorded();
    let (mut accepted, mut done, mut longest) = (0, 0, 0);
    for one in all.iter().filter(|one| is_network(&one.url)) {
        let write = ["PUT", "DELETE"].contains(&one.method.as_str());
        if !write || !(200..300).contains(&one.response.status) {
            continue;
        }
        let header = one.response.headers.get("azure-asyncoperation");
        match read_sent(&one.response, &change()).unwrap() {
            SendAnswer::Accepted { handle, after, .. } => {
                accepted += 1;
                longest = longest.max(handle.url.len());
                let expected = header.or_else(|| one.response.headers.get("location")).unwrap();
                assert_eq!(handle.url, expected, "{}", one.file);
                let seconds = one.response.headers.get("retry-after").and_then(|s| s.parse().ok());
                assert_eq!(after.map(|after| after.as_secs()), seconds, "{}", one.file);
            }
            SendAnswer::Done { .. } => {
                done += 1;
                assert!(header.is_none() || one.response.status == 204, "{}", one.file);
            }
            SendAnswer::Failed(error) => panic!("{}: {error}", one.file),
        }
    }
    assert!(accepted > 5 && done > 0, "{accepted} accepted, {done} done");
    if extent == Extent::Sample {
        return;
    }
    assert!(accepted > 100, "{accepted} accepted");
    assert!(longest > 1_000, "the signed URLs of today are among them: {longest}");
}

#[test]
fn every_recorded_poll_says_what_its_body_says() {
    let (all, extent) = recorded();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for one in all.iter().filter(|one| one.method == "GET" && is_poll(&one.url)) {
        let location = one.url.to_ascii_lowercase().contains("/operationresults/");
        let kind = if location { HandleKind::Location } else { HandleKind::AsyncOperation };
        let body: Value = serde_json::from_slice(&one.response.body).unwrap_or(Value::Null);
        let word = body["status"].as_str().unwrap_or_default().to_ascii_lowercase();
        let read = read_polled(kind, &one.response);
        let told = match (&read, one.response.status) {
            (Ok(PollAnswer::Succeeded), 200 | 204) if location => "result",
            (Ok(PollAnswer::Running { .. }), 202) => "running",
            (Ok(PollAnswer::Running { .. }), 200) if word == "inprogress" => "running",
            (Ok(PollAnswer::Succeeded), 200) if word == "succeeded" => "succeeded",
            (Ok(PollAnswer::Failed(error)), 200) if word == "failed" => {
                assert_eq!(
                    body["error"]["code"].as_str().map(str::len).unwrap_or(1) > 0,
                    !error.code.is_empty()
                );
                "failed"
            }
            (Err(error), 500..=599) if error.disposition != Disposition::Rejected => "not answered",
            (Err(error), 404 | 410) if error.code == "operation_gone" => "gone",
            (Ok(PollAnswer::Succeeded), 200) if word.is_empty() => "a resource",
            (Ok(PollAnswer::Running { .. }), 200) => "another word",
            other => panic!("{}: {other:?} for {word:?}", one.file),
        };
        *seen.entry(told.to_owned()).or_default() += 1;
    }
    let failed = (extent == Extent::Whole).then_some("failed");
    for expected in ["running", "succeeded"].into_iter().chain(failed) {
        assert!(seen.get(expected).is_some_and(|count| *count > 0), "{expected}: {seen:?}");
    }
}

#[test]
fn every_recorded_refusal_means_what_the_clients_then_did() {
    let (all, extent) = recorded();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for one in all.iter().filter(|one| is_network(&one.url) && one.response.status >= 400) {
        // Every PUT, PATCH and DELETE of the recordings changes something; their POSTs read.
        let changes = ["PUT", "PATCH", "DELETE"].contains(&one.method.as_str());
        let purpose = if changes { change() } else { Purpose::Read };
        let error = refusal(&one.response, &purpose);
        seen.insert(format!("{} {}", one.response.status, error.code));
        let transient = matches!(error.disposition, Disposition::Transient { .. });
        let again = ["AnotherOperationInProgress", "ReferencedResourceNotProvisioned"];
        match one.response.status {
            429 => assert!(transient, "{}: {error:?}", one.file),
            _ if again.contains(&error.code.as_str()) => {
                assert!(transient, "{}: {error:?}", one.file);
            }
            500..=599 if changes => {
                assert_eq!(error.disposition, Disposition::Ambiguous, "{}", one.file);
            }
            500..=599 => assert!(transient, "{}: {error:?}", one.file),
            400 | 404 if error.code != "InvalidResourceReference" => {
                assert_eq!(error.disposition, Disposition::Rejected, "{}: {error:?}", one.file);
            }
            _ => {}
        }
        if error.message.contains("can be retried in") {
            let after = Disposition::Transient { after: None };
            assert_ne!(error.disposition, after, "the seconds in the text are read: {error:?}");
        }
    }
    let has = |word: &str| seen.iter().any(|code| code.contains(word));
    let expected = match extent {
        Extent::Whole => has("AnotherOperationInProgress"),
        Extent::Sample => has("RetryableErrorDueToAnotherOperation"),
    };
    assert!(has("404") && expected, "{seen:#?}");
}

/// Answers every read with one body.
#[derive(Debug)]
struct OneBody(Value);

#[async_trait]
impl Wire for OneBody {
    async fn send(&self, _: WireRequest) -> Result<WireResponse, WireFault> {
        let body = self.0.to_string().into();
        Ok(WireResponse { status: 200, headers: Headers::new(), body })
    }
}

/// What the adapter thinks of a goal when a resource stands so.
pub(crate) fn observe(goal: &Goal<'_>, body: &Value) -> Assessed {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(Timestamp::from_millis(0)));
    let arm = Arm::new(ArmSettings {
        endpoint: url::Url::parse("https://management.azure.com").unwrap(),
        wire: Arc::new(OneBody(body.clone())),
        token: Arc::new(Simulated),
        clock,
        secrets: Arc::new(NoSecrets),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let context = CallContext { run: None, not_after: None, waited: None };
    runtime.block_on(arm.observer().observe(goal, &context)).unwrap().verdict
}

/// The action whose goal a recorded body is, for the types that the recorders kept.
fn action_of(id: &ResourceId, body: &Value) -> Option<Action> {
    let of = id.resource_type();
    let properties = &body["properties"];
    let location = Region::parse(body["location"].as_str().unwrap_or("westus2")).ok()?;
    let flag = |key: &str| properties[key].as_bool().unwrap_or(false);
    if of.is("Microsoft.Network/publicIPAddresses") {
        let standard = body["sku"]["name"] == "Standard"
            && properties["publicIPAllocationMethod"] == "Static"
            && properties["publicIPAddressVersion"] == "IPv4";
        return standard.then(|| {
            Action::PublicIp(PublicIp {
                id: id.clone(),
                location,
                zones: Vec::new(),
                tags: Tags::new(),
            })
        });
    }
    if of.is("Microsoft.Network/virtualNetworks/subnets") {
        let prefixes = vec![properties["addressPrefix"].as_str()?.parse().ok()?];
        return Some(Action::Subnet(Subnet { id: id.clone(), prefixes }));
    }
    if of.is("Microsoft.Network/virtualNetworks/virtualNetworkPeerings") {
        let remote = ResourceId::parse(properties["remoteVirtualNetwork"]["id"].as_str()?).ok()?;
        return Some(Action::Peering(Peering {
            id: id.clone(),
            remote,
            allow_access: Some(flag("allowVirtualNetworkAccess")),
            allow_forwarded_traffic: Some(flag("allowForwardedTraffic")),
            allow_gateway_transit: Some(flag("allowGatewayTransit")),
            use_remote_gateways: Some(flag("useRemoteGateways")),
        }));
    }
    if of.is("Microsoft.Network/routeTables") {
        let routes = properties["routes"].as_array()?.iter().map(|route| {
            let hop = match route["properties"]["nextHopType"].as_str()? {
                "VirtualAppliance" => NextHop::Appliance(
                    route["properties"]["nextHopIpAddress"].as_str()?.parse().ok()?,
                ),
                "VnetLocal" | "VNetLocal" => NextHop::VnetLocal,
                "Internet" => NextHop::Internet,
                "None" => NextHop::None,
                _ => return None,
            };
            let prefix = Destination::parse(route["properties"]["addressPrefix"].as_str()?)?;
            Some(Route { name: route["name"].as_str()?.to_owned(), prefix, next_hop: hop })
        });
        return Some(Action::RouteTable(RouteTable {
            id: id.clone(),
            location,
            routes: routes.collect::<Option<Vec<_>>>()?,
            propagate_gateway_routes: Some(!flag("disableBgpRoutePropagation")),
            tags: Tags::new(),
        }));
    }
    None
}

#[test]
fn a_recorded_resource_holds_its_own_goal_and_a_change_keeps_the_rest_of_it() {
    let (all, extent) = recorded();
    let mut held: BTreeMap<String, u32> = BTreeMap::new();
    for one in all.iter().filter(|one| one.method == "GET" && one.response.status == 200) {
        let Ok(body) = serde_json::from_slice::<Value>(&one.response.body) else { continue };
        let Some(Ok(id)) = body["id"].as_str().map(ResourceId::parse) else { continue };
        let Some(action) = action_of(&id, &body) else { continue };
        let state = body["properties"]["provisioningState"].as_str().unwrap_or("Succeeded");
        let verdict = observe(&Goal::Do(&action), &body);
        match state {
            "Succeeded" if body["properties"]["peeringState"] != "Disconnected" => {
                assert_eq!(verdict, Assessed::Holds, "{}: {body:#}", one.file);
            }
            "Updating" => {
                assert!(matches!(verdict, Assessed::InProgress { .. }), "{}", one.file);
                continue;
            }
            _ => continue,
        }
        *held.entry(id.resource_type().to_string().to_ascii_lowercase()).or_default() += 1;
        let Action::Peering(mut spec) = action else { continue };
        spec.allow_forwarded_traffic = spec.allow_forwarded_traffic.map(|on| !on);
        let Assessed::Change(change) = observe(&Goal::Do(&Action::Peering(spec)), &body) else {
            panic!()
        };
        assert_eq!(change.changes.len(), 1, "{:?}", change.changes);
        let written = change.write.body.unwrap();
        for key in
            ["allowVirtualNetworkAccess", "remoteVirtualNetwork", "doNotVerifyRemoteGateways"]
        {
            assert_eq!(written["properties"][key], body["properties"][key], "{key} survives");
        }
        assert!(
            written["properties"].get("peeringState").is_none() && written.get("etag").is_none()
        );
    }
    assert!(extent == Extent::Sample || held.len() >= 3, "{held:?}");
}

#[test]
fn what_we_write_has_the_shape_of_what_others_wrote() {
    let (all, extent) = recorded();
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in all.iter().filter(|one| one.method == "PUT" && !one.sent.is_empty()) {
        let path = one.url.split('?').next().unwrap_or_default();
        let path = path.strip_prefix("https://management.azure.com").unwrap_or(path);
        let Ok(id) = ResourceId::parse(path) else { continue };
        let Ok(body) = serde_json::from_str::<Value>(&one.sent) else { continue };
        let kind = id.resource_type().to_string().to_ascii_lowercase();
        let known = keys.entry(kind).or_default();
        known.extend(
            body["properties"].as_object().into_iter().flatten().map(|(key, _)| key.clone()),
        );
    }
    let ours = [
        ("publicipaddresses", vec!["publicIPAllocationMethod", "publicIPAddressVersion"]),
        ("virtualnetworks/subnets", vec!["addressPrefix"]),
        ("virtualnetworkgateways", vec!["gatewayType", "sku", "ipConfigurations"]),
        ("connections", vec!["connectionType", "virtualNetworkGateway1", "routingWeight"]),
        (
            "virtualnetworks/virtualnetworkpeerings",
            vec![
                "remoteVirtualNetwork",
                "allowVirtualNetworkAccess",
                "allowForwardedTraffic",
                "allowGatewayTransit",
                "useRemoteGateways",
            ],
        ),
        ("routetables", vec!["disableBgpRoutePropagation"]),
    ];
    for (kind, ours) in ours {
        let Some(known) = keys.get(&format!("microsoft.network/{kind}")) else {
            assert_eq!(extent, Extent::Sample, "nobody wrote {kind}");
            continue;
        };
        for key in ours {
            assert!(known.contains(key), "nobody wrote `{key}` into {kind}: {known:?}");
        }
    }
}
