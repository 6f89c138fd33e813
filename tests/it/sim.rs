//! The simulated Azure does what the recordings show, the same every time.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

mod gateways;
mod refused;

use std::time::Duration;

use backroad::azure::wire::Headers;
use backroad::azure::{Method, WireFault, WireRequest, WireResponse};
use backroad::model::{Region, Timestamp};
use backroad::sim::{Answers, Fault, FaultEffect, World};
use serde_json::{Value, json};

use crate::support::shipped_world;

const NETWORK: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network";
const SOURCE: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network";
const HOST: &str = "https://management.azure.com";

/// A world and the time in it.
struct Azure {
    world: World,
    now: Timestamp,
}

impl Azure {
    fn new() -> Self {
        let scenario = shipped_world();
        Self { world: World::new(&scenario), now: scenario.now }
    }

    fn ask(&mut self, method: Method, url: &str, body: &Value) -> Result<WireResponse, WireFault> {
        let body = if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() };
        let headers = Headers::new().with("x-ms-client-request-id", "key");
        let request = WireRequest { method, url: url.parse().unwrap(), headers, body };
        self.world.answer(&request, self.now).0
    }

    fn call(&mut self, method: Method, path: &str, body: &Value) -> WireResponse {
        self.ask(method, &format!("{HOST}{path}?api-version=2024-03-01"), body).unwrap()
    }

    fn get(&mut self, path: &str) -> Value {
        json_of(&self.call(Method::Get, path, &Value::Null))
    }

    fn later(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }
}

fn json_of(answer: &WireResponse) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

fn code(answer: &WireResponse) -> String {
    let error = &json_of(answer)["error"];
    error["details"][0]["code"].as_str().or(error["code"].as_str()).unwrap_or_default().to_owned()
}

fn address() -> Value {
    json!({ "location": "southeastasia", "sku": { "name": "Standard" },
            "properties": { "publicIPAllocationMethod": "Static" } })
}

fn gateway() -> Value {
    json!({ "location": "southeastasia", "properties": {
        "gatewayType": "ExpressRoute", "sku": { "name": "ErGw1AZ", "tier": "ErGw1AZ" },
        "ipConfigurations": [{ "name": "c", "properties": {
            "subnet": { "id": format!("{NETWORK}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet") },
            "publicIPAddress": { "id": format!("{NETWORK}/publicIPAddresses/pip") } } }] } })
}

/// A world in which the address and the subnet of a gateway are there.
fn ready_for_a_gateway() -> Azure {
    let mut azure = Azure::new();
    let subnet = json!({ "properties": { "addressPrefix": "10.10.10.128/25" } });
    azure.call(Method::Put, &format!("{NETWORK}/publicIPAddresses/pip"), &address());
    azure.call(
        Method::Put,
        &format!("{NETWORK}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet"),
        &subnet,
    );
    azure.later(60);
    azure
}

#[test]
fn a_gateway_takes_its_time_and_its_end_is_noticed_by_polling() {
    let mut azure = ready_for_a_gateway();
    let path = format!("{NETWORK}/virtualNetworkGateways/gw");
    let answer = azure.call(Method::Put, &path, &gateway());
    assert_eq!(answer.status, 201);
    assert_eq!(json_of(&answer)["properties"]["provisioningState"], "Updating");
    assert!(answer.headers.get("location").is_none(), "no Location on a PUT");
    let url = answer.headers.get("azure-asyncoperation").unwrap().to_owned();
    assert!(url.len() > 2_500, "signed, and long: {}", url.len());
    let (mut waits, mut waited) = (Vec::new(), 0);
    loop {
        let poll = azure.ask(Method::Get, &url, &Value::Null).unwrap();
        assert_eq!(poll.status, 200, "200 in every state");
        match json_of(&poll)["status"].as_str().unwrap() {
            "InProgress" => {
                let after = poll.headers.retry_after().unwrap().as_secs();
                waits.push(after);
                waited += after;
                azure.later(after);
            }
            "Succeeded" => {
                assert!(poll.headers.retry_after().is_none(), "none on the last");
                break;
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(waits[..7], [10, 20, 20, 40, 40, 80, 160], "the ladder of the wire");
    assert!((300..2_900).contains(&waited), "{waited} s");
    assert_eq!(azure.get(&path)["properties"]["provisioningState"], "Succeeded");
}

#[test]
fn an_operation_url_works_only_as_it_was_given() {
    let mut azure = Azure::new();
    let path = format!("{NETWORK}/publicIPAddresses/pip");
    let answer = azure.call(Method::Put, &path, &address());
    let url = answer.headers.get("azure-asyncoperation").unwrap().to_owned();
    let rebuilt = format!("{}?api-version=2024-03-01", url.split('?').next().unwrap());
    let cut = &url[..url.len() - 1];
    for wrong in [rebuilt.as_str(), cut] {
        assert_eq!(azure.ask(Method::Get, wrong, &Value::Null).unwrap().status, 404);
    }
    assert_eq!(azure.ask(Method::Get, &url, &Value::Null).unwrap().status, 200);
}

#[test]
fn a_name_that_azure_does_not_take_is_refused_and_so_is_one_within_a_body() {
    let mut azure = Azure::new();
    let network = |subnets: &Value| {
        json!({ "location": "southeastasia", "properties": {
            "addressSpace": { "addressPrefixes": ["10.99.0.0/24"] }, "subnets": subnets } })
    };
    let within = json!([{ "name": "a b", "properties": { "addressPrefix": "10.99.0.0/27" } }]);
    let asked = [
        ("publicIPAddresses/pip%20one", address()),
        ("publicIPAddresses/pip-", address()),
        ("virtualNetworks/v-new", network(&within)),
    ];
    for (path, body) in asked {
        let answer = azure.call(Method::Put, &format!("{NETWORK}/{path}"), &body);
        assert_eq!((answer.status, code(&answer).as_str()), (400, "InvalidResourceName"), "{path}");
    }
    let good =
        azure.call(Method::Put, &format!("{NETWORK}/virtualNetworks/v-new"), &network(&json!([])));
    assert_eq!(good.status, 201);
}

#[test]
fn the_second_writer_of_one_parent_is_told_to_wait() {
    let mut azure = Azure::new();
    let subnet = |prefix: &str| json!({ "properties": { "addressPrefix": prefix } });
    let vnet = format!("{NETWORK}/virtualNetworks/vnet-hub-sea/subnets");
    assert_eq!(
        azure.call(Method::Put, &format!("{vnet}/a"), &subnet("10.10.10.64/27")).status,
        201
    );
    let second = azure.call(Method::Put, &format!("{vnet}/b"), &subnet("10.10.10.96/27"));
    assert_eq!(
        (second.status, code(&second).as_str()),
        (429, "RetryableErrorDueToAnotherOperation")
    );
    assert!(second.headers.retry_after().is_some());
    // Of gateways and circuits it is a 409 that names no time.
    let mut azure = ready_for_a_gateway();
    let path = format!("{NETWORK}/virtualNetworkGateways/gw");
    azure.call(Method::Put, &path, &gateway());
    let second = azure.call(Method::Delete, &path, &Value::Null);
    assert_eq!((second.status, code(&second).as_str()), (409, "AnotherOperationInProgress"));
    assert!(second.headers.retry_after().is_none());
}

#[test]
fn what_is_used_cannot_be_deleted_and_what_is_gone_is_deleted_already() {
    let mut azure = ready_for_a_gateway();
    azure.call(Method::Put, &format!("{NETWORK}/virtualNetworkGateways/gw"), &gateway());
    azure.later(3_600);
    let address = format!("{NETWORK}/publicIPAddresses/pip");
    let refused = azure.call(Method::Delete, &address, &Value::Null);
    assert_eq!((refused.status, code(&refused).as_str()), (400, "PublicIPAddressCannotBeDeleted"));
    let missing =
        azure.call(Method::Delete, &format!("{NETWORK}/publicIPAddresses/none"), &Value::Null);
    assert_eq!((missing.status, missing.body.len()), (204, 0));
    let no_group = NETWORK.replace("rg-network-sea", "rg-none");
    let missing =
        azure.call(Method::Delete, &format!("{no_group}/publicIPAddresses/none"), &Value::Null);
    assert_eq!((missing.status, code(&missing).as_str()), (404, "ResourceGroupNotFound"));
    let removed =
        azure.call(Method::Delete, &format!("{NETWORK}/virtualNetworkGateways/gw"), &Value::Null);
    assert_eq!(removed.status, 202);
    assert!(
        removed.headers.get("location").is_some()
            && removed.headers.get("azure-asyncoperation").is_some()
    );
}

#[test]
fn a_region_that_is_down_takes_no_writes_and_still_answers_reads() {
    let mut azure = Azure::new();
    let path = format!("{SOURCE}/connections/con-hub-ea-hongkong");
    let refused = azure.call(Method::Delete, &path, &Value::Null);
    assert_eq!((refused.status, code(&refused).as_str()), (503, "ServiceUnavailable"));
    assert_eq!(azure.get(&path)["properties"]["provisioningState"], "Succeeded");
    azure.world.set_region_down(Region::parse("eastasia").unwrap(), false);
    assert_eq!(azure.call(Method::Delete, &path, &Value::Null).status, 202);
}

#[test]
fn an_extra_read_changes_nobodys_luck() {
    let took = |reads: u32| {
        let mut azure = ready_for_a_gateway();
        for _ in 0..reads {
            azure.get(&format!("{NETWORK}/virtualNetworks/vnet-hub-sea"));
        }
        let path = format!("{NETWORK}/virtualNetworkGateways/gw");
        azure.call(Method::Put, &path, &gateway());
        let mut seconds = 0;
        while azure.get(&path)["properties"]["provisioningState"] == "Updating" {
            azure.later(5);
            seconds += 5;
        }
        seconds
    };
    assert_eq!(took(0), took(37));
}

#[test]
fn a_lost_answer_has_taken_effect_and_a_lost_request_has_not() {
    let path = format!("{NETWORK}/publicIPAddresses/pip");
    let after = |effect: FaultEffect| {
        let mut azure = Azure::new();
        azure.world.add_fault(Fault::new(Some("PUT"), &path, 1, effect));
        let url = format!("{HOST}{path}?api-version=2024-03-01");
        assert!(azure.ask(Method::Put, &url, &address()).is_err());
        let accepted = azure.world.ledger().last().unwrap().accepted;
        (azure.call(Method::Get, &path, &Value::Null).status, accepted)
    };
    assert_eq!(after(FaultEffect::LoseAnswer), (200, Some(true)));
    assert_eq!(after(FaultEffect::LoseRequest), (404, Some(false)));
}

#[test]
fn a_peering_needs_both_its_sides_and_dies_with_one_of_them() {
    let mut azure = Azure::new();
    let peering = |remote: &str| {
        json!({ "properties": { "remoteVirtualNetwork": { "id": format!("{NETWORK}/virtualNetworks/{remote}") },
                                "allowVirtualNetworkAccess": true } })
    };
    let hub = format!("{NETWORK}/virtualNetworks/vnet-hub-sea/virtualNetworkPeerings/a");
    let spoke = format!("{NETWORK}/virtualNetworks/vnet-app1-sea/virtualNetworkPeerings/b");
    azure.call(Method::Put, &hub, &peering("vnet-app1-sea"));
    azure.later(60);
    assert_eq!(azure.get(&hub)["properties"]["peeringState"], "Initiated");
    azure.call(Method::Put, &spoke, &peering("vnet-hub-sea"));
    azure.later(60);
    assert_eq!(
        azure.get(&hub)["properties"]["peeringState"],
        "Connected",
        "nobody wrote this side"
    );
    azure.call(Method::Delete, &spoke, &Value::Null);
    azure.later(60);
    assert_eq!(azure.get(&hub)["properties"]["peeringState"], "Disconnected");
    let again = azure.call(Method::Put, &spoke, &peering("vnet-hub-sea"));
    assert_eq!(again.status, 400, "not before both are rebuilt");
}

#[test]
fn a_circuit_that_was_just_made_may_not_be_found_at_first() {
    let mut azure = Azure::new();
    let path = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-new";
    azure.world.add_fault(Fault::new(
        Some("GET"),
        "*/expressroutecircuits/*",
        1,
        FaultEffect::Absent,
    ));
    let body = json!({ "location": "southeastasia",
        "sku": { "name": "Standard_MeteredData", "tier": "Standard", "family": "MeteredData" },
        "properties": { "serviceProviderProperties": { "serviceProviderName": "Equinix",
            "peeringLocation": "Singapore", "bandwidthInMbps": 100 } } });
    assert_eq!(azure.call(Method::Put, path, &body).status, 201);
    let mut seen = Vec::new();
    for _ in 0..60 {
        azure.later(10);
        seen.push(azure.call(Method::Get, path, &Value::Null).status);
    }
    assert_eq!(seen.iter().filter(|status| **status == 404).count(), 1, "{seen:?}");
    assert_eq!(seen.last(), Some(&200));
}
