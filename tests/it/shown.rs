//! Is every answer of the simulated Azure one that Azure publishes? All types, every step of their lives.
//!
//! Held against the published schema of the answer's own path, method and status, errors included. Where
//! the documents are not at hand this says so on stderr and proves nothing.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use backroad::azure::wire::Headers;
use backroad::azure::{Method, WireRequest, WireResponse};
use backroad::model::Timestamp;
use backroad::sim::{Answers, World};
use serde_json::{Value, json};

use crate::specs::{Specs, UNKNOWN};
use crate::support::shipped_world;

const HOST: &str = "https://management.azure.com";
const GROUP: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-shown";

/// Keys that recorded answers have and the published documents do not: Azure says more than it publishes.
const SAID_AND_NOT_PUBLISHED: [&str; 22] = [
    "/circuitConnectionStatus",
    "/etag",
    "/primaryBytesIn",
    "/primaryBytesOut",
    "/properties/allowGlobalReach",
    "/properties/dpdTimeoutSeconds",
    "/properties/enableVmProtection",
    "/properties/gatewayManagerEtag",
    "/properties/isMigrateToCSES",
    "/properties/packetCaptureDiagnosticState",
    "/properties/peerCompleteVnets",
    "/properties/provisioningState",
    "/properties/remoteGateways",
    "/properties/resourceGuid",
    "/properties/routeServiceVips",
    "/properties/stag",
    "/properties/useLocalAzureIpAddress",
    "/properties/virtualNetworkGatewayMigrationStatus",
    "/properties/vpnClientConfiguration/vpnClientConnectionHealth",
    "/secondaryBytesIn",
    "/secondaryBytesOut",
    "/type",
];

struct Watched {
    specs: Specs,
    world: World,
    now: Timestamp,
    /// How many answers of each method and type were held against their schema.
    seen: BTreeMap<String, u32>,
    wrong: BTreeSet<String>,
}

impl Watched {
    fn ask(&mut self, method: Method, url: &str, body: &Value) -> WireResponse {
        let url = if url.starts_with('/') { format!("{HOST}{url}") } else { url.to_owned() };
        let body = if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() };
        let request =
            WireRequest { method, url: url.parse().unwrap(), headers: Headers::new(), body };
        self.now = self.now + Duration::from_millis(100);
        self.world.answer(&request, self.now).0.unwrap()
    }

    /// An answer to a path, held against what is published for it.
    fn call(&mut self, method: Method, path: &str, body: &Value) -> WireResponse {
        let answer = self.ask(method, &format!("{path}?api-version=2024-03-01"), body);
        let Ok(shown) = serde_json::from_slice::<Value>(&answer.body) else { return answer };
        self.hold(method, path, answer.status, &shown);
        answer
    }

    fn hold(&mut self, method: Method, path: &str, status: u16, shown: &Value) {
        let verb = method.as_str().to_ascii_lowercase();
        let Some(found) = self.specs.answered(&verb, path, status, shown) else { return };
        let kind: Vec<&str> = path.split('/').skip(6).step_by(2).collect();
        *self.seen.entry(format!("{verb} {}", kind.join("/"))).or_default() += 1;
        for one in found.wrong {
            let (at, why) = one.split_once(": ").unwrap();
            let known = at
                .split('/')
                .map(|part| if part.parse::<u32>().is_ok() { "*" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let said = SAID_AND_NOT_PUBLISHED.iter().any(|own| known.ends_with(own));
            if !(said && why == UNKNOWN) {
                self.wrong.insert(format!("{verb} {path} {status}: {known}: {why}"));
            }
        }
    }

    /// Makes something, watches it while it is made, and lets it be done.
    fn make(&mut self, path: &str, body: &Value) {
        let answer = self.call(Method::Put, path, body);
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status < 300, "{path}: {} {said}", answer.status);
        self.call(Method::Get, path, &Value::Null);
        self.now = self.now + Duration::from_secs(6 * 3_600);
        self.call(Method::Get, path, &Value::Null);
        self.call(Method::Put, path, body);
        self.now = self.now + Duration::from_secs(6 * 3_600);
        self.call(Method::Get, path, &Value::Null);
        let list = path.rsplit_once('/').unwrap().0;
        self.call(Method::Get, list, &Value::Null);
        self.call(Method::Get, &list.replace("/resourceGroups/rg-shown", ""), &Value::Null);
    }

    /// What a POST reads in the end.
    fn read(&mut self, path: &str, body: &Value) {
        let url = format!("{path}?api-version=2024-03-01");
        let answer = self.ask(Method::Post, &url, body);
        assert_eq!(answer.status, 202, "{path}: {}", String::from_utf8_lossy(&answer.body));
        let location = answer.headers.get("location").unwrap().to_owned();
        self.now = self.now + Duration::from_secs(3_600);
        let end = self.ask(Method::Get, &location, &Value::Null);
        assert_eq!(end.status, 200);
        self.hold(Method::Post, path, 200, &serde_json::from_slice(&end.body).unwrap());
    }
}

fn at(path: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Network/{path}")
}

fn id(path: &str) -> Value {
    json!({ "id": at(path) })
}

fn network(prefix: &str, subnets: &Value) -> Value {
    json!({ "location": "southeastasia",
        "properties": { "addressSpace": { "addressPrefixes": [prefix] }, "subnets": subnets } })
}

fn gateway(kind: &str, sku: &str, net: &str, address: &str) -> Value {
    json!({ "location": "southeastasia", "properties": {
        "gatewayType": kind, "vpnType": "RouteBased", "sku": { "name": sku, "tier": sku },
        "ipConfigurations": [{ "name": "default", "properties": {
            "subnet": id(&format!("virtualNetworks/{net}/subnets/GatewaySubnet")),
            "publicIPAddress": id(&format!("publicIPAddresses/{address}")) } }] } })
}

fn address() -> Value {
    json!({ "location": "southeastasia", "sku": { "name": "Standard" },
        "properties": { "publicIPAllocationMethod": "Static" } })
}

/// Networks and what is in them.
fn networks(azure: &mut Watched) {
    azure.make(&at("routeTables/rt"), &json!({ "location": "southeastasia", "properties": {} }));
    let route = json!({ "properties": { "addressPrefix": "10.9.0.0/16",
        "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.1.0.4" } });
    azure.make(&at("routeTables/rt/routes/one"), &route);
    azure.make(
        &at("networkSecurityGroups/nsg"),
        &json!({ "location": "southeastasia", "properties": {} }),
    );
    let rule = json!({ "properties": { "protocol": "Tcp", "sourcePortRange": "*",
        "destinationPortRange": "443", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*",
        "access": "Allow", "priority": 100, "direction": "Inbound" } });
    azure.make(&at("networkSecurityGroups/nsg/securityRules/https"), &rule);
    let subnets =
        json!([{ "name": "GatewaySubnet", "properties": { "addressPrefix": "10.1.255.0/24" } }]);
    azure.make(&at("virtualNetworks/one"), &network("10.1.0.0/16", &subnets));
    let other =
        json!([{ "name": "GatewaySubnet", "properties": { "addressPrefix": "10.2.255.0/24" } }]);
    azure.make(&at("virtualNetworks/two"), &network("10.2.0.0/16", &other));
    let subnet = json!({ "properties": { "addressPrefix": "10.1.1.0/24",
        "routeTable": id("routeTables/rt"),
        "delegations": [{ "name": "d", "properties": { "serviceName": "Microsoft.Web/serverFarms" } }],
        "serviceEndpoints": [{ "service": "Microsoft.Storage" }] } });
    azure.make(&at("virtualNetworks/one/subnets/apps"), &subnet);
    for (own, other) in [("one", "two"), ("two", "one")] {
        let peering = json!({ "properties": {
            "remoteVirtualNetwork": id(&format!("virtualNetworks/{other}")),
            "allowVirtualNetworkAccess": true, "allowForwardedTraffic": true } });
        azure.make(&at(&format!("virtualNetworks/{own}/virtualNetworkPeerings/to")), &peering);
    }
}

/// Circuits, with all three kinds of peering, and Global Reach.
fn circuits(azure: &mut Watched) {
    for name in ["er", "er2"] {
        let circuit = json!({ "location": "southeastasia",
            "sku": { "name": "Premium_MeteredData", "tier": "Premium", "family": "MeteredData" },
            "properties": { "serviceProviderProperties": { "serviceProviderName": "Equinix",
                "peeringLocation": "Singapore", "bandwidthInMbps": 1000 } } });
        azure.make(&at(&format!("expressRouteCircuits/{name}")), &circuit);
        for (kind, third, microsoft) in [
            ("AzurePrivatePeering", 1, Value::Null),
            ("AzurePublicPeering", 2, Value::Null),
            ("MicrosoftPeering", 3, json!({ "advertisedPublicPrefixes": ["203.0.113.0/24"] })),
        ] {
            let peering = json!({ "properties": { "peeringType": kind, "peerASN": 65010,
                "primaryPeerAddressPrefix": format!("192.168.{third}.0/30"),
                "secondaryPeerAddressPrefix": format!("192.168.{third}.4/30"), "vlanId": 100 + third,
                "microsoftPeeringConfig": microsoft } });
            azure.make(&at(&format!("expressRouteCircuits/{name}/peerings/{kind}")), &peering);
        }
    }
    azure.make(&at("expressRouteCircuits/er/authorizations/auth"), &json!({ "properties": {} }));
    let reach = json!({ "properties": {
        "expressRouteCircuitPeering": id("expressRouteCircuits/er/peerings/AzurePrivatePeering"),
        "peerExpressRouteCircuitPeering": id("expressRouteCircuits/er2/peerings/AzurePrivatePeering"),
        "addressPrefix": "10.200.0.0/29" } });
    let path = at("expressRouteCircuits/er/peerings/AzurePrivatePeering/connections/reach");
    azure.call(Method::Put, &path, &reach);
    azure.now = azure.now + Duration::from_secs(3_600);
    azure.call(Method::Get, &path, &Value::Null);
    azure.call(Method::Get, &at("expressRouteCircuits/er/stats"), &Value::Null);
    azure.call(
        Method::Get,
        &at("expressRouteCircuits/er/peerings/AzurePrivatePeering/stats"),
        &Value::Null,
    );
    let private = "expressRouteCircuits/er2/peerings/AzurePrivatePeering";
    for table in ["arpTables", "routeTables", "routeTablesSummary"] {
        azure.read(&at(&format!("{private}/{table}/primary")), &Value::Null);
    }
}

/// Gateways of both kinds, and VPN connections.
fn gateways(azure: &mut Watched) {
    for name in ["er", "vpn", "vpn2"] {
        azure.make(&at(&format!("publicIPAddresses/{name}")), &address());
    }
    azure.make(&at("virtualNetworkGateways/er"), &gateway("ExpressRoute", "ErGw1AZ", "one", "er"));
    let mut vpn = gateway("Vpn", "VpnGw2", "one", "vpn");
    vpn["properties"]["bgpSettings"] = json!({ "asn": 65020 });
    vpn["properties"]["natRules"] = json!([{ "name": "nat", "properties": { "type": "Static",
        "mode": "EgressSnat", "internalMappings": [{ "addressSpace": "10.4.0.0/24" }],
        "externalMappings": [{ "addressSpace": "50.4.0.0/24" }] } }]);
    vpn["properties"]["vpnClientConfiguration"] = json!({
        "vpnClientAddressPool": { "addressPrefixes": ["172.16.0.0/24"] },
        "vpnClientRootCertificates": [{ "name": "root", "properties": { "publicCertData": "MII" } }] });
    azure.make(&at("virtualNetworkGateways/vpn"), &vpn);
    azure.make(&at("virtualNetworkGateways/vpn2"), &gateway("Vpn", "VpnGw2", "two", "vpn2"));
    let site = json!({ "location": "southeastasia", "properties": {
        "gatewayIpAddress": "203.0.113.9",
        "localNetworkAddressSpace": { "addressPrefixes": ["10.50.0.0/16"] } } });
    azure.make(&at("localNetworkGateways/site"), &site);
    let ipsec = json!({ "location": "southeastasia", "properties": { "connectionType": "IPsec",
        "virtualNetworkGateway1": id("virtualNetworkGateways/vpn"),
        "localNetworkGateway2": id("localNetworkGateways/site"), "sharedKey": "k-e-y" } });
    azure.make(&at("connections/ipsec"), &ipsec);
    let between = json!({ "location": "southeastasia", "properties": {
        "connectionType": "Vnet2Vnet",
        "virtualNetworkGateway1": id("virtualNetworkGateways/vpn"),
        "virtualNetworkGateway2": id("virtualNetworkGateways/vpn2"), "sharedKey": "k-e-y" } });
    azure.make(&at("connections/between"), &between);
    azure.call(Method::Get, &at("virtualNetworkGateways/vpn/connections"), &Value::Null);
    let key = at("connections/ipsec/sharedkey");
    assert_eq!(azure.call(Method::Put, &key, &json!({ "value": "other" })).status, 200);
    azure.now = azure.now + Duration::from_secs(3_600);
    let told = azure.call(Method::Get, &key, &Value::Null);
    assert_eq!(serde_json::from_slice::<Value>(&told.body).unwrap()["value"], "other");
    azure.read(&format!("{key}/reset"), &json!({ "keyLength": 40 }));
    azure.now = azure.now + Duration::from_secs(3_600);
    let tags = json!({ "tags": { "a": "b" } });
    for path in ["virtualNetworkGateways/vpn", "connections/ipsec", "virtualNetworks/one"] {
        azure.call(Method::Patch, &at(path), &tags);
        azure.now = azure.now + Duration::from_secs(6 * 3_600);
    }
    for action in ["getLearnedRoutes", "getBgpPeerStatus", "reset"] {
        azure.read(&at(&format!("virtualNetworkGateways/er/{action}")), &Value::Null);
    }
}

/// Refusals of every kind of speaker.
fn refusals(azure: &mut Watched) {
    let get = |azure: &mut Watched, path: &str| azure.call(Method::Get, &at(path), &Value::Null);
    assert_eq!(get(azure, "virtualNetworks/none").status, 404);
    assert_eq!(get(azure, "routeTables/rt/routes/none").status, 404);
    let used = azure.call(Method::Delete, &at("publicIPAddresses/vpn"), &Value::Null);
    assert_eq!(used.status, 400);
    let wrong = network("10.300.0.0/16", &json!([]));
    assert_eq!(azure.call(Method::Put, &at("virtualNetworks/bad"), &wrong).status, 400);
    let busy = json!({ "properties": { "addressPrefix": "10.1.2.0/24" } });
    azure.call(Method::Put, &at("virtualNetworks/one/subnets/a"), &busy);
    let other = json!({ "properties": { "addressPrefix": "10.1.3.0/24" } });
    assert_eq!(azure.call(Method::Put, &at("virtualNetworks/one/subnets/b"), &other).status, 429);
}

#[test]
fn every_answer_is_one_that_azure_publishes() {
    let Some(specs) = Specs::of_answers() else { return };
    let scenario = shipped_world();
    let (world, now) = (World::new(&scenario), scenario.now);
    let mut azure = Watched { specs, world, now, seen: BTreeMap::new(), wrong: BTreeSet::new() };
    let group = format!("{GROUP}?api-version=2021-04-01");
    assert_eq!(azure.ask(Method::Put, &group, &json!({ "location": "southeastasia" })).status, 201);
    networks(&mut azure);
    circuits(&mut azure);
    gateways(&mut azure);
    refusals(&mut azure);
    let total: u32 = azure.seen.values().sum();
    println!("shown: {total} answers of {} kinds", azure.seen.len());
    assert!(azure.wrong.is_empty(), "{:#?}", azure.wrong);
    assert!(azure.seen.len() > 40 && total > 150, "too few: {:#?}", azure.seen);
}
