//! What Azure's own clients were seen to be answered, told one kind at a time: writes that say nothing, what is
//! made no more, what is said of a deletion, and both sides of a network that grows.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::azure::wire::Headers;
use backroad::azure::{Method, WireRequest};
use backroad::model::Timestamp;
use backroad::sim::{Answers, World};
use serde_json::{Value, json};

use crate::support::world_file;

const SEA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network";

struct Azure {
    world: World,
    now: Timestamp,
}

impl Azure {
    fn of(world: &str) -> Self {
        let scenario = world_file(world);
        Self { world: World::new(&scenario), now: scenario.now }
    }

    fn on(mut self, day: &str) -> Self {
        self.now = format!("{day}T00:00:00Z").parse().unwrap();
        self
    }

    fn ask(&mut self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url =
            format!("https://management.azure.com{SEA}/{path}{separator}api-version=2024-03-01");
        let body = bytes::Bytes::from(body.to_owned());
        let request =
            WireRequest { method, url: url.parse().unwrap(), headers: Headers::new(), body };
        let answer = self.world.answer(&request, self.now).0.unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    fn put(&mut self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.ask(Method::Put, path, &body.to_string());
        self.now = self.now + Duration::from_secs(1_200);
        answer
    }
}

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or_default()
}

#[test]
fn a_write_that_says_nothing_is_refused_for_what_it_lacks_and_not_for_its_json() {
    let mut azure = Azure::of("worlds/two-circuits.yaml");
    let side = "virtualNetworks/vnet-hub-sea/virtualNetworkPeerings/x";
    for nothing in ["", "null", "{}", r#"{"properties":null}"#] {
        let (status, answer) = azure.ask(Method::Put, side, nothing);
        assert_eq!((status, code(&answer)), (400, "InvalidRequestFormat"), "{nothing}");
        let (status, answer) = azure.ask(Method::Put, "publicIPAddresses/x", nothing);
        assert_eq!((status, code(&answer)), (400, "LocationRequired"), "{nothing}");
    }
    let (status, answer) = azure.ask(Method::Put, side, "{");
    assert_eq!((status, code(&answer)), (400, "InvalidRequestContent"));
}

#[test]
fn no_basic_address_is_made_once_they_are_retired() {
    let body = |sku: &str| {
        json!({ "location": "southeastasia", "sku": { "name": sku },
        "properties": { "publicIPAllocationMethod": "Static" } })
    };
    let mut before = Azure::of("worlds/two-circuits.yaml").on("2024-11-01");
    assert_eq!(before.put("publicIPAddresses/x", &body("Basic")).0, 201);
    let mut since = Azure::of("worlds/two-circuits.yaml").on("2025-06-01");
    let silent = json!({ "location": "southeastasia" });
    for refused in [body("Basic"), silent] {
        let (status, answer) = since.put("publicIPAddresses/x", &refused);
        assert_eq!((status, code(&answer)), (400, "IPv4BasicSkuPublicIpCountLimitReached"));
    }
    assert_eq!(since.put("publicIPAddresses/x", &body("Standard")).0, 201);
    // One that stands is written on.
    before.now = since.now;
    assert_eq!(before.put("publicIPAddresses/x", &body("Basic")).0, 200);
}

#[test]
fn the_deletion_of_an_endpoint_is_told_in_the_words_of_azures_client() {
    let mut azure = Azure::of("worlds/vpn-last-path.yaml");
    let profile = azure
        .world
        .ids()
        .find(|id| id.resource_type().as_str().ends_with("externalEndpoints"))
        .cloned()
        .unwrap();
    let url = format!("https://management.azure.com{profile}?api-version=2022-04-01");
    let request = WireRequest {
        method: Method::Delete,
        url: url.parse().unwrap(),
        headers: Headers::new(),
        body: bytes::Bytes::new(),
    };
    let answer = azure.world.answer(&request, azure.now).0.unwrap();
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, told), (200, json!({ "boolean": true })));
}

/// The same requests as the stock SDK's, with and without others before them.
#[test]
fn both_sides_tell_that_a_network_has_grown_whatever_was_done_before() {
    let network = |prefixes: &[&str]| {
        json!({ "location": "southeastasia",
        "properties": { "addressSpace": { "addressPrefixes": prefixes } } })
    };
    let side = |to: &str| {
        json!({ "properties": { "allowForwardedTraffic": true,
        "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/{to}") } } })
    };
    for rounds in 0..3 {
        let mut azure = Azure::of("worlds/one-circuit-kept.yaml");
        for round in 0..=rounds {
            let (a, b) = ("virtualNetworks/vnet-a", "virtualNetworks/vnet-b");
            let (from_a, from_b) = (
                format!("{a}/virtualNetworkPeerings/to"),
                format!("{b}/virtualNetworkPeerings/to"),
            );
            azure.put(a, &network(&["10.61.0.0/16"]));
            azure.put(b, &network(&["10.62.0.0/16"]));
            azure.put(&from_a, &side("vnet-b"));
            azure.put(&from_b, &side("vnet-a"));
            let (_, mut widened) = azure.ask(Method::Get, b, "");
            widened["properties"]["addressSpace"]["addressPrefixes"] =
                json!(["10.62.0.0/16", "10.63.0.0/16"]);
            azure.put(b, &widened);
            let mut level = |side: &str| {
                azure.ask(Method::Get, side, "").1["properties"]["peeringSyncLevel"].clone()
            };
            assert_eq!(level(&from_a), "LocalNotInSync", "round {round}");
            assert_eq!(level(&from_b), "RemoteNotInSync", "round {round}");
            azure.put(&format!("{from_a}?syncRemoteAddressSpace=true"), &side("vnet-b"));
            let mut level = |side: &str| {
                azure.ask(Method::Get, side, "").1["properties"]["peeringSyncLevel"].clone()
            };
            assert_eq!(
                (level(&from_a), level(&from_b)),
                ("FullyInSync".into(), "FullyInSync".into())
            );
            for gone in [&from_a, &from_b, &a.to_owned(), &b.to_owned()] {
                azure.ask(Method::Delete, gone, "");
                azure.now = azure.now + Duration::from_secs(600);
            }
        }
    }
}

#[test]
fn what_is_asked_of_something_that_is_not_there_is_refused_as_azure_does() {
    let mut azure = Azure::of("worlds/two-circuits.yaml");
    for (path, wanted) in [
        ("virtualNetworks/none", "ResourceNotFound"),
        ("virtualNetworks/vnet-hub-sea/subnets/none", "NotFound"),
    ] {
        let (status, answer) = azure.ask(Method::Get, path, "");
        assert_eq!((status, code(&answer)), (404, wanted), "{path}");
    }
    let nowhere = SEA.replace("rg-network-sea", "rg-nowhere");
    let url =
        format!("https://management.azure.com{nowhere}/virtualNetworks?api-version=2024-03-01");
    let (headers, body) = (Headers::new(), bytes::Bytes::new());
    let request = WireRequest { method: Method::Get, url: url.parse().unwrap(), headers, body };
    let answer = azure.world.answer(&request, azure.now).0.unwrap();
    let told: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, code(&told)), (404, "ResourceGroupNotFound"));
}

#[test]
fn a_network_whose_subnet_is_used_says_which_and_by_whom() {
    let mut azure = Azure::of("worlds/two-circuits-prepared.yaml");
    let (status, answer) = azure.ask(Method::Delete, "virtualNetworks/vnet-hub-sea", "");
    assert_eq!((status, code(&answer)), (400, "InUseSubnetCannotBeDeleted"));
    let told = answer["error"]["message"].as_str().unwrap();
    assert!(told.contains("GatewaySubnet") && told.contains("virtualNetworkGateways"), "{told}");
}

#[test]
fn networks_tell_their_peers_what_they_say_of_themselves() {
    let mut azure = Azure::of("worlds/two-circuits.yaml");
    let network = |prefix: &str| {
        json!({ "location": "southeastasia", "properties": {
        "addressSpace": { "addressPrefixes": [prefix] }, "encryption": { "enabled": true },
        "bgpCommunities": { "virtualNetworkCommunity": "12076:20001" } } })
    };
    let (_, one) = azure.put("virtualNetworks/one", &network("10.61.0.0/16"));
    assert_eq!(one["properties"]["encryption"]["enforcement"], "AllowUnencrypted");
    let community = one["properties"]["bgpCommunities"]["regionalCommunity"].as_str().unwrap();
    assert!(community.starts_with("12076:5"), "{community}");
    azure.put("virtualNetworks/two", &network("10.62.0.0/16"));
    let side = json!({ "properties": {
        "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/one") } } });
    let (_, side) = azure.put("virtualNetworks/two/virtualNetworkPeerings/to", &side);
    let of = &side["properties"];
    assert_eq!(of["remoteBgpCommunities"], one["properties"]["bgpCommunities"]);
    assert_eq!(of["remoteVirtualNetworkEncryption"], one["properties"]["encryption"]);
}

#[test]
fn one_peering_leads_to_a_network_whatever_its_name() {
    let mut azure = Azure::of("worlds/two-circuits.yaml");
    let network = |prefix: &str| {
        json!({ "location": "southeastasia",
        "properties": { "addressSpace": { "addressPrefixes": [prefix] } } })
    };
    azure.put("virtualNetworks/one", &network("10.61.0.0/16"));
    azure.put("virtualNetworks/two", &network("10.62.0.0/16"));
    azure.put("virtualNetworks/three", &network("10.63.0.0/16"));
    let to = |name: &str| {
        let remote = format!("{SEA}/virtualNetworks/{name}");
        json!({ "properties": { "remoteVirtualNetwork": { "id": remote } } })
    };
    let side = |name: &str| format!("virtualNetworks/one/virtualNetworkPeerings/{name}");
    assert_eq!(azure.put(&side("first"), &to("two")).0, 201);
    for spelled in ["two", "TWO"] {
        let (status, answer) = azure.put(&side("second"), &to(spelled));
        assert_eq!(status, 400);
        assert_eq!(code(&answer), "AnotherPeeringAlreadyReferencesRemoteVnet");
        let said = answer["error"]["message"].as_str().unwrap();
        assert!(said.contains("/first referencing remote"), "{said}");
    }
    assert_eq!(azure.put(&side("First"), &to("two")).0, 200, "itself is no other");
    assert_eq!(azure.put(&side("second"), &to("three")).0, 201);
    azure.ask(Method::Delete, &side("first"), "");
    azure.now = azure.now + Duration::from_secs(600);
    assert_eq!(azure.put(&side("again"), &to("two")).0, 201, "when the first is gone");
}

/// The words are those of cloud-provider-azure 657.
#[test]
fn a_table_takes_one_route_to_a_prefix() {
    let mut azure = Azure::of("worlds/two-circuits.yaml");
    let to = |prefix: &str| json!({ "addressPrefix": prefix, "nextHopType": "Internet" });
    let table = |both: [&str; 2]| {
        json!({ "location": "southeastasia", "properties": { "routes": [
            { "name": "a", "properties": to(both[0]) }, { "name": "b", "properties": to(both[1]) } ] } })
    };
    let same = [
        ["10.0.0.0/8", "10.0.0.0/8"],
        ["10.0.0.0/8", "10.9.0.0/8"],
        ["fd00:0::/48", "fd00::/48"],
        ["AzureMonitor", "azuremonitor"],
    ];
    for both in same {
        let (status, answer) = azure.put("routeTables/whole", &table(both));
        assert_eq!((status, code(&answer)), (400, "RouteConflict"), "{both:?}");
        assert_eq!(
            answer["error"]["message"],
            "Route: b conflicts with Route: a. Routes cannot have the same AddressPrefix."
        );
    }
    assert_eq!(azure.put("routeTables/whole", &table(["10.0.0.0/8", "10.0.0.0/9"])).0, 201);
    let one = |prefix: &str| json!({ "properties": to(prefix) });
    let (status, answer) = azure.put("routeTables/whole/routes/c", &one("10.0.0.0/9"));
    assert_eq!((status, code(&answer)), (400, "RouteConflict"));
    assert_eq!(azure.put("routeTables/whole/routes/b", &one("10.0.0.0/9")).0, 200);
    assert_eq!(azure.put("routeTables/whole/routes/c", &one("10.0.0.0/10")).0, 201);
}

/// What happens by itself leaves what a write of the same would.
#[test]
fn a_network_that_somebody_elsewhere_grows_leaves_its_peers_behind() {
    let space = json!(["10.61.0.0/16", "10.63.0.0/16"]);
    let side = |to: &str| {
        json!({ "name": "to", "properties": { "peeringState": "Connected", "peeringSyncLevel":
        "FullyInSync", "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/{to}") } } })
    };
    let network = |name: &str, prefix: &str, to: &str| {
        json!({ "id": format!("{SEA}/virtualNetworks/{name}"), "location": "southeastasia",
            "properties": { "addressSpace": { "addressPrefixes": [prefix] },
                "virtualNetworkPeerings": [side(to)] } })
    };
    let grown = |by_itself: bool| {
        let mut scenario = world_file("worlds/two-circuits.yaml");
        scenario.resources.push(network("near", "10.61.0.0/16", "far"));
        scenario.resources.push(network("far", "10.62.0.0/16", "near"));
        if by_itself {
            let set = json!({ "properties": { "addressSpace": { "addressPrefixes": space } } });
            let event = json!({ "after": "1m",
                "change": [{ "resource": "*/virtualnetworks/near", "set": set }] });
            scenario.events.push(serde_json::from_value(event).unwrap());
        }
        let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
        if by_itself {
            azure.now = azure.now + Duration::from_secs(1_200);
        } else {
            let (_, mut body) = azure.ask(Method::Get, "virtualNetworks/near", "");
            body["properties"]["addressSpace"]["addressPrefixes"] = space.clone();
            assert_eq!(azure.put("virtualNetworks/near", &body).0, 200);
        }
        ["near", "far"].map(|name| {
            let path = format!("virtualNetworks/{name}/virtualNetworkPeerings/to");
            let (_, mut side) = azure.ask(Method::Get, &path, "");
            side["properties"].take()
        })
    };
    let [near, far] = grown(true);
    assert_eq!(near["peeringSyncLevel"], "RemoteNotInSync");
    assert_eq!(far["peeringSyncLevel"], "LocalNotInSync");
    assert_eq!(far["remoteAddressSpace"]["addressPrefixes"], json!(["10.61.0.0/16"]));
    assert_eq!(far["remoteVirtualNetworkAddressSpace"]["addressPrefixes"], space);
    let [near_written, far_written] = grown(false);
    assert_eq!(near["peeringSyncLevel"], near_written["peeringSyncLevel"]);
    assert_eq!(far, far_written);
}

#[test]
fn an_expressroute_gateway_stands_beside_no_policy_based_and_no_basic_vpn_gateway() {
    let mut scenario = world_file("worlds/two-circuits.yaml");
    let hub = format!("{SEA}/virtualNetworks/vnet-hub-sea");
    let named = scenario.resources.iter_mut().find(|body| body["id"] == hub.as_str()).unwrap();
    let subnets = named["properties"]["subnets"].as_array_mut().unwrap();
    subnets.push(
        json!({ "name": "GatewaySubnet", "properties": { "addressPrefix": "10.10.10.128/25" } }),
    );
    let place = json!([{ "name": "c", "properties": {
        "subnet": { "id": format!("{hub}/subnets/GatewaySubnet") } } }]);
    let express = json!({ "location": "southeastasia", "properties": {
        "gatewayType": "ExpressRoute", "sku": { "name": "ErGw1AZ", "tier": "ErGw1AZ" },
        "ipConfigurations": place } });
    for (kind, sku, taken) in [
        ("PolicyBased", "VpnGw1AZ", false),
        ("RouteBased", "Basic", false),
        ("RouteBased", "VpnGw1AZ", true),
    ] {
        let mut scenario = scenario.clone();
        scenario.resources.push(json!({
            "id": format!("{SEA}/virtualNetworkGateways/vpngw"), "location": "southeastasia",
            "properties": { "gatewayType": "Vpn", "vpnType": kind,
                "sku": { "name": sku, "tier": sku }, "ipConfigurations": place } }));
        let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
        let (status, answer) = azure.put("virtualNetworkGateways/ergw", &express);
        assert_eq!(status, if taken { 201 } else { 400 }, "{kind} {sku}: {answer}");
        let said = answer["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(said.contains("beside"), !taken, "{said}");
    }
}

/// A subnet takes a table and a group of its network's region and subscription alone (N-SUBNET), and the subnets of two
/// services none.
#[test]
fn a_subnet_takes_no_table_and_no_group_from_elsewhere() {
    let mut azure = Azure::of("worlds/two-circuits.yaml");
    let table = |region: &str| json!({ "location": region, "properties": { "routes": [] } });
    azure.put("routeTables/here", &table("southeastasia"));
    azure.put("routeTables/there", &table("japaneast"));
    azure.put("networkSecurityGroups/there", &json!({ "location": "japaneast", "properties": {} }));
    let subnet = |kind: &str, name: &str| {
        let key = if kind == "routeTables" { "routeTable" } else { "networkSecurityGroup" };
        let id = format!("{SEA}/{kind}/{name}");
        json!({ "name": "snet-app", "properties": { "addressPrefix": "10.1.0.0/25", key: { "id": id } } })
    };
    let place = "virtualNetworks/vnet-app1-sea/subnets/snet-app";
    for kind in ["routeTables", "networkSecurityGroups"] {
        let (status, answer) = azure.put(place, &subnet(kind, "there"));
        assert_eq!((status, code(&answer)), (400, "InvalidResourceReference"), "{kind}");
        let said = answer["error"]["message"].as_str().unwrap();
        assert!(said.ends_with("and that both resources are in the same region."), "{said}");
    }
    // The same, in a write of the whole network.
    let network = json!({ "location": "southeastasia", "properties": {
        "addressSpace": { "addressPrefixes": ["10.1.0.0/24"] }, "subnets": [subnet("routeTables", "there")] } });
    let (status, answer) = azure.put("virtualNetworks/vnet-app1-sea", &network);
    assert_eq!((status, code(&answer)), (400, "InvalidResourceReference"));
    assert_eq!(azure.put(place, &subnet("routeTables", "here")).0, 200);
}

#[test]
fn a_subnet_takes_no_table_of_another_subscription() {
    let mut scenario = world_file("worlds/two-circuits.yaml");
    let other =
        SEA.replace("11111111-1111-1111-1111-111111111111", "33333333-3333-3333-3333-333333333333");
    let id = format!("{other}/routeTables/rt");
    scenario
        .resources
        .push(json!({ "id": id, "location": "southeastasia", "properties": { "routes": [] } }));
    let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
    let body =
        json!({ "properties": { "addressPrefix": "10.1.0.0/25", "routeTable": { "id": id } } });
    let (status, answer) = azure.put("virtualNetworks/vnet-app1-sea/subnets/snet-app", &body);
    assert_eq!((status, code(&answer)), (400, "ReferencedResourceInAnotherSubscription"));
}

/// The code is that of Azure-Landing-Zones 1679.
#[test]
fn the_subnets_of_bastion_and_route_server_take_no_table() {
    let mut azure = Azure::of("worlds/two-circuits.yaml");
    azure.put("routeTables/rt", &json!({ "location": "southeastasia", "properties": {} }));
    let table = format!("{SEA}/routeTables/rt");
    for (name, wanted) in [
        ("AzureBastionSubnet", "RouteTableCannotBeAttachedForAzureBastionSubnet"),
        ("RouteServerSubnet", "ResourceCannotBeAttachedForRouteServerSubnet"),
    ] {
        let place = format!("virtualNetworks/vnet-app1-sea/subnets/{name}");
        let body = json!({ "properties": { "addressPrefix": "10.1.0.128/26" } });
        assert_eq!(azure.put(&place, &body).0, 201);
        let mut with = body.clone();
        with["properties"]["routeTable"] = json!({ "id": table });
        let (status, answer) = azure.put(&place, &with);
        assert_eq!((status, code(&answer)), (400, wanted));
        azure.ask(Method::Delete, &place, "");
        azure.now = azure.now + Duration::from_secs(600);
    }
}

#[test]
fn a_network_that_uses_a_remote_gateway_takes_none_of_its_own() {
    let mut scenario = world_file("worlds/two-circuits.yaml");
    let hub = scenario.resources.iter_mut().find(|body| {
        body["name"] == "vnet-hub-sea" || body["id"].as_str().unwrap().ends_with("/vnet-hub-sea")
    });
    hub.unwrap()["properties"]["virtualNetworkPeerings"] = json!([{ "name": "to-core", "properties": {
        "useRemoteGateways": true, "peeringState": "Connected", "remoteVirtualNetwork": {
            "id": format!("{}/virtualNetworks/vnet-hub-ea", SEA.replace("-sea", "-ea")) } } }]);
    let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
    let place = "virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet";
    azure.put(place, &json!({ "properties": { "addressPrefix": "10.10.10.128/25" } }));
    let gateway = json!({ "location": "southeastasia", "properties": {
        "gatewayType": "ExpressRoute", "sku": { "name": "ErGw1AZ", "tier": "ErGw1AZ" },
        "ipConfigurations": [{ "name": "c", "properties": { "subnet": { "id": format!("{SEA}/{place}") } } }] } });
    let (status, answer) = azure.put("virtualNetworkGateways/ergw", &gateway);
    assert_eq!((status, code(&answer)), (400, "VnetUsesRemoteGateways"));
    azure.ask(Method::Delete, "virtualNetworks/vnet-hub-sea/virtualNetworkPeerings/to-core", "");
    azure.now = azure.now + Duration::from_secs(600);
    assert_eq!(azure.put("virtualNetworkGateways/ergw", &gateway).0, 201);
}

#[test]
fn a_subnet_shows_the_network_cards_that_are_in_it_each_once() {
    let shown = |told: bool, subnet: &str| -> Value {
        let mut scenario = world_file("worlds/two-circuits.yaml");
        let id = format!("{SEA}/networkInterfaces/nic");
        if told {
            let spoke = scenario.resources.iter_mut();
            let mut spoke =
                spoke.filter(|own| own["id"].as_str().unwrap().ends_with("/vnet-app1-sea"));
            spoke.next().unwrap()["properties"]["subnets"][0]["properties"]["ipConfigurations"] =
                json!([{ "id": format!("{}/ipConfigurations/C", id.to_uppercase()) }]);
        }
        let subnet = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/{subnet}");
        scenario.resources.push(json!({ "id": id, "location": "southeastasia", "properties": {
            "ipConfigurations": [{ "name": "c", "properties": { "subnet": { "id": subnet } } }] } }));
        let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
        let place = "virtualNetworks/vnet-app1-sea/subnets/snet-app";
        let (_, body) = azure.ask(Method::Get, place, "");
        body["properties"]["ipConfigurations"].clone()
    };
    let own = json!([{ "id": format!("{SEA}/networkInterfaces/nic/ipConfigurations/c") }]);
    assert_eq!(shown(false, "snet-app"), own);
    assert_eq!(shown(true, "snet-app"), own);
    assert_eq!(shown(false, "snet-other"), Value::Null);
}

/// A thousand since the spring of 2026 (Azure updates 562695), or what the subscription has.
#[test]
fn a_table_takes_no_more_routes_than_it_may_have() {
    let routes = |count: u32| -> Value {
        let one = |n: u32| {
            let prefix = format!("10.{}.{}.0/24", n / 256, n % 256);
            json!({ "name": format!("r{n}"),
                "properties": { "addressPrefix": prefix, "nextHopType": "None" } })
        };
        json!({ "location": "southeastasia", "properties": { "routes": (0..count).map(one).collect::<Value>() } })
    };
    let mut azure = Azure::of("worlds/two-circuits.yaml");
    let (status, answer) = azure.put("routeTables/rt", &routes(1_001));
    assert_eq!((status, code(&answer)), (400, "RoutesPerRouteTableLimitReached"));
    assert_eq!(azure.put("routeTables/rt", &routes(1_000)).0, 201);
    let more = json!({ "properties": { "addressPrefix": "172.16.0.0/12", "nextHopType": "None" } });
    let (status, answer) = azure.put("routeTables/rt/routes/more", &more);
    assert_eq!((status, code(&answer)), (400, "RoutesPerRouteTableLimitReached"));
    assert_eq!(azure.put("routeTables/rt/routes/r1", &more).0, 200, "itself is no other");
    let mut scenario = world_file("worlds/two-circuits.yaml");
    scenario.quotas.insert("RoutesPerRouteTable".to_owned(), 400);
    let mut azure = Azure { world: World::new(&scenario), now: scenario.now };
    assert_eq!(azure.put("routeTables/rt", &routes(401)).0, 400);
    assert_eq!(azure.put("routeTables/rt", &routes(400)).0, 201);
}
