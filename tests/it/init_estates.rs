//! What `init` makes of estates whose networks, circuits and vaults leave a choice, or stand otherwise than one would
//! have them: it chooses as the estate's owner would, and says what it chose.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use backroad::init::{Strategy, Wish};
use backroad::model::Region;
use backroad::sim::Scenario;
use serde_json::{Value, json};

use crate::support::told::{Told, body, estate_file, told, tried};
use crate::support::world_file;

fn region(name: &str) -> Option<Region> {
    Some(Region::parse(name).unwrap())
}

fn saying(params: &[(&str, &str)]) -> Vec<(String, String)> {
    params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn of_site(params: &[(&str, &str)]) -> Wish {
    Wish {
        target: region("southeastasia"),
        strategy: Some(Strategy::OnpremToAzure),
        params: saying(params),
        ..Wish::default()
    }
}

/// The network that gets the gateway.
fn hub(told: &Told) -> String {
    let params = told.failover().split("\n  hub:\n").nth(1).unwrap();
    let line = params.lines().find(|own| own.contains("default:")).unwrap();
    line.rsplit('/').next().unwrap().to_owned()
}

/// The site's estate without a name that tells which network is the hub.
fn nameless_site() -> Scenario {
    let text = serde_json::to_string(&world_file("onprem-site.yaml")).unwrap();
    serde_json::from_str(&text.replace("vnet-hub-sea", "alpha")).unwrap()
}

/// One side of a peering, as a body shows it.
fn side(name: &str, remote: &str, lends: bool) -> Value {
    json!({ "name": name, "properties": {
        "remoteVirtualNetwork": { "id": remote }, "allowVirtualNetworkAccess": true,
        "allowForwardedTraffic": true, "allowGatewayTransit": lends, "useRemoteGateways": false,
        "peeringState": "Connected", "peeringSyncLevel": "FullyInSync",
    } })
}

#[test]
fn the_hub_of_a_site_is_the_network_that_leads_to_the_moved_ones_and_not_one_of_them() {
    let mut scenario = nameless_site();
    // Nothing is peered, and no name tells: the choice is a guess, and said to be one.
    let guessed = told(&scenario, &of_site(&[]));
    assert!(guessed.says(&["gets the gateway", "--param hub=NAME"]), "{:?}", guessed.todo);
    assert_ne!(hub(&guessed), "vnet-app1-sea", "the machines moved into it");
    let (hub_id, spoke_id) = (
        body(&mut scenario, "alpha")["id"].as_str().unwrap().to_owned(),
        body(&mut scenario, "vnet-app1-sea")["id"].as_str().unwrap().to_owned(),
    );
    for lends in [false, true] {
        let sides = json!([side("to-app", &spoke_id, lends)]);
        body(&mut scenario, "alpha")["properties"]["virtualNetworkPeerings"] = sides;
        let sides = json!([side("to-alpha", &hub_id, false)]);
        body(&mut scenario, "vnet-app1-sea")["properties"]["virtualNetworkPeerings"] = sides;
        let own = told(&scenario, &of_site(&[]));
        assert_eq!(hub(&own), "alpha");
        assert_eq!(own.says(&["gets the gateway"]), !lends, "{:?}", own.todo);
    }
    assert!(
        told(&scenario, &of_site(&[])).explained.contains("it lends a gateway to others there")
    );
    // A network that only leads there goes before one that lends to others: it is theirs.
    let sides = json!([side("to-app", &spoke_id, false)]);
    body(&mut scenario, "alpha")["properties"]["virtualNetworkPeerings"] = sides;
    let sides = json!([side(
        "to-somebody",
        "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/elsewhere",
        true
    )]);
    body(&mut scenario, "vnet-app2-sea")["properties"]["virtualNetworkPeerings"] = sides;
    assert_eq!(hub(&told(&scenario, &of_site(&[]))), "alpha");
    // What uses a gateway of another network is in production, and nobody's spoke here.
    let used = &mut body(&mut scenario, "vnet-app2-sea")["properties"]["virtualNetworkPeerings"][0];
    used["properties"]["allowGatewayTransit"] = false.into();
    used["properties"]["useRemoteGateways"] = true.into();
    let own = told(&scenario, &of_site(&[]));
    assert!(!own.failover().contains("vnet-app2-sea"), "{}", own.failover());
    // Who knows better says so.
    let own = told(&scenario, &of_site(&[("hub", "vnet-app2-sea")]));
    assert_eq!(hub(&own), "vnet-app2-sea");
    let wrong = tried(&scenario, &of_site(&[("hub", "nowhere")])).err().unwrap();
    assert!(wrong.what.contains("--param hub=nowhere"), "{}", wrong.what);
}

#[test]
fn the_replication_of_a_site_is_looked_at_or_said_to_have_no_way() {
    let mut scenario = world_file("onprem-site.yaml");
    let own = told(&scenario, &of_site(&[]));
    assert!(own.failover().contains("action: verify.microsoft_peering"));
    assert!(!own.says(&["Microsoft peering"]), "{:?}", own.todo);
    let peerings = |scenario: &mut Scenario, change: &dyn Fn(&mut Vec<Value>)| {
        let all = &mut body(scenario, "er-singapore")["properties"]["peerings"];
        change(all.as_array_mut().unwrap());
    };
    // What is not ready is no step: preflight would stop a failover for what it does not need.
    peerings(&mut scenario, &|all| {
        let is_it = |own: &&mut Value| own["name"] == "MicrosoftPeering";
        let own = all.iter_mut().find(is_it).unwrap();
        let config = &mut own["properties"]["microsoftPeeringConfig"];
        config["advertisedPublicPrefixesState"] = "ValidationNeeded".into();
    });
    let own = told(&scenario, &of_site(&[]));
    assert!(!own.failover().contains("verify.microsoft_peering"));
    assert!(
        own.says(&["er-singapore: its advertised prefixes are ValidationNeeded"]),
        "{:?}",
        own.todo
    );
    peerings(&mut scenario, &|all| {
        let is_it = |own: &&mut Value| own["name"] == "MicrosoftPeering";
        let own = &mut all.iter_mut().find(is_it).unwrap()["properties"];
        own["microsoftPeeringConfig"]["advertisedPublicPrefixesState"] = "Configured".into();
        own.as_object_mut().unwrap().remove("routeFilter");
    });
    let own = told(&scenario, &of_site(&[]));
    assert!(own.says(&["has no route filter, so no prefix comes over it"]), "{:?}", own.todo);
    peerings(&mut scenario, &|all| all.retain(|own| own["name"] != "MicrosoftPeering"));
    let own = told(&scenario, &of_site(&[]));
    assert!(!own.failover().contains("verify.microsoft_peering"));
    assert!(
        own.says(&["er-singapore: it has no Microsoft peering", "failing back"]),
        "{:?}",
        own.todo
    );
}

#[test]
fn a_circuit_of_ipv4_alone_gets_a_gateway_without_ipv6() {
    let mut scenario = estate_file("dual-stack");
    let own = told(&scenario, &Wish::default());
    assert!(own.failover().contains("[10.90.0.128/26, \"fd00:90:0:ff::/64\"]"));
    assert!(!own.says(&["has no IPv6"]), "{:?}", own.todo);
    let peerings = &mut body(&mut scenario, "er-marseille")["properties"]["peerings"];
    for own in peerings.as_array_mut().unwrap() {
        own["properties"].as_object_mut().unwrap().remove("ipv6PeeringConfig");
    }
    let own = told(&scenario, &Wish::default());
    assert!(!own.failover().contains("fd00:"), "{}", own.failover());
    assert!(own.failover().contains("default: 10.90.0.128/26"));
    assert!(own.says(&["er-marseille has no IPv6", "IPv4 recovers alone"]), "{:?}", own.todo);
}

/// One gateway on two circuits, and no other circuit. Both are managed in the target's region, or the second alone.
fn two_circuits(both: bool) -> (Scenario, Wish) {
    let mut scenario = estate_file("bow-tie");
    let gone = ["hub-jpw", "archive-jpw", "core-jpw", "ergw-jpw", "jpw-tokyo", "jpw-osaka"];
    scenario.resources.retain(|body| {
        let id = body["id"].as_str().unwrap();
        !gone.iter().any(|own| id.ends_with(&format!("/{own}")))
    });
    if both {
        body(&mut scenario, "er-tokyo")["location"] = "japanwest".into();
    }
    let wish = Wish { source: region("japaneast"), target: region("japanwest"), ..Wish::default() };
    (scenario, wish)
}

#[test]
fn of_two_circuits_the_one_is_swapped_whose_connection_can_be_ended_and_both_let_go() {
    let (scenario, wish) = two_circuits(false);
    let own = told(&scenario, &wish);
    let text = own.failover();
    assert!(text.contains("same-circuit-swap") && text.contains("\n  revoke:\n"), "{text}");
    assert!(text.contains("\n  circuit:\n") && !text.contains("\n  connection_"), "{text}");
    assert!(text.contains("\n  disconnect:\n    title: jpe-osaka is removed"), "{text}");
    assert!(text.contains("\n  disconnect_also_er_tokyo:\n    title: jpe-tokyo is removed"));
    let home = &own.files["my-failover-failback.yaml"];
    assert!(home.contains("jpe-osaka returns") && home.contains("jpe-tokyo returns"), "{home}");
    assert!(own.says(&["er-tokyo as well", "er-osaka alone", "jpe-tokyo goes too"]));
    // Where both can be ended, both are swapped.
    let (scenario, wish) = two_circuits(true);
    let own = told(&scenario, &wish);
    assert!(own.failover().contains("\n  revoke_osaka:\n"), "{}", own.failover());
    assert!(!own.says(&["goes too"]), "{:?}", own.todo);
    // Who says one gets that one.
    let wish = Wish { params: saying(&[("circuit", "er-tokyo")]), ..wish };
    let own = told(&scenario, &wish);
    assert!(own.failover().contains("disconnect_also_er_osaka"));
    assert!(own.says(&["er-tokyo alone, as was said"]), "{:?}", own.todo);
}

#[test]
fn what_is_said_and_does_nothing_is_refused() {
    let refused = |scenario: &Scenario, wish: Wish, key: &str, value: &str| {
        let wish = Wish { params: saying(&[(key, value)]), ..wish };
        let error = tried(scenario, &wish).err().unwrap_or_else(|| panic!("{key} does nothing"));
        assert!(error.what.starts_with(&format!("--param {key}={value}")), "{}", error.what);
    };
    let (scenario, wish) = (estate_file("same-addresses"), Wish::default());
    refused(&scenario, wish.clone(), "hub", "vnet-hub-neu");
    refused(&scenario, wish.clone(), "hub_prefix", "10.0.0.0/24");
    refused(&scenario, wish, "network.vnet-erp-neu", "vnet-hub-neu");
    let vpn = Wish { strategy: Some(Strategy::VpnLastPath), ..Wish::default() };
    for (key, value) in [("circuit", "erc-ams-01"), ("weight", "7"), ("gateway_sku", "ErGw1AZ")] {
        refused(&estate_file("firewall-and-vpn"), vpn.clone(), key, value);
    }
    let (scenario, wish) = two_circuits(true);
    let wish = Wish { strategy: Some(Strategy::SameCircuitSwap), ..wish };
    refused(&scenario, wish, "network.vnet-nothing", "hub");
    let stands = Wish { source: region("japaneast"), ..Wish::default() };
    for (key, value) in [("gateway_sku", "ErGw1AZ"), ("gateway_subnet", "10.0.0.0/26")] {
        refused(&estate_file("bow-tie"), stands.clone(), key, value);
    }
    let wan = Wish { target: region("australiasoutheast"), ..Wish::default() };
    for (key, value) in [("gateway_sku", "ErGw1AZ"), ("gateway_subnet", "10.0.0.0/26")] {
        refused(&estate_file("virtual-wan"), wan.clone(), key, value);
    }
}

/// Half a peering: the side of the hub or of the spoke stands at the target already.
fn half_a_peering(of_hub: bool) -> Scenario {
    let mut scenario = estate_file("same-addresses");
    let id = |scenario: &mut Scenario, name: &str| {
        body(scenario, name)["id"].as_str().unwrap().to_owned()
    };
    let (hub, spoke) = (id(&mut scenario, "vnet-hub-neu"), id(&mut scenario, "vnet-erp-neu"));
    let (own, remote) = if of_hub { ("vnet-hub-neu", spoke) } else { ("vnet-erp-neu", hub) };
    let mut half = side("half", &remote, false);
    half["properties"]["peeringState"] = "Initiated".into();
    half["properties"]["peeringSyncLevel"] = "RemoteNotInSync".into();
    body(&mut scenario, own)["properties"]["virtualNetworkPeerings"] = json!([half]);
    scenario
}

#[test]
fn a_side_that_stood_before_is_never_left_disconnected() {
    for of_hub in [false, true] {
        let own = told(&half_a_peering(of_hub), &Wish::default());
        let home = &own.files["my-failover-failback.yaml"];
        let (stays, was) = match of_hub {
            true => ("spoke_side_stays", "hub_side_as_it_was"),
            false => ("hub_side_stays", "spoke_side_as_it_was"),
        };
        assert!(home.contains(stays) && home.contains(was), "{home}");
        assert!(!home.contains("side_gone_"), "{home}");
        assert!(own.says(&["only one side stands today, half", "leaves both"]), "{:?}", own.todo);
    }
}

#[test]
fn of_two_hubs_with_the_same_addresses_the_choice_is_told() {
    let mut scenario = estate_file("same-addresses");
    let text = body(&mut scenario, "vnet-hub-neu").to_string();
    let other: Value =
        serde_json::from_str(&text.replace("vnet-hub-neu", "vnet-zwei-neu")).unwrap();
    scenario.resources.push(other);
    let own = told(&scenario, &Wish::default());
    assert!(own.says(&[
        "vnet-hub-neu stands for",
        "vnet-zwei-neu would as well",
        "--param network."
    ]));
    let wish =
        Wish { params: saying(&[("network.VNET-hub-weu", "vnet-zwei-neu")]), ..Wish::default() };
    let own = told(&scenario, &wish);
    assert_eq!(hub(&own), "vnet-zwei-neu");
    assert!(!own.says(&["would as well"]), "{:?}", own.todo);
}

#[test]
fn a_network_of_the_wanted_name_in_another_region_is_not_made_again() {
    let mut scenario = estate_file("same-addresses");
    body(&mut scenario, "vnet-erp-neu")["location"] = "norwayeast".into();
    let wish = Wish { target: region("northeurope"), ..Wish::default() };
    let own = told(&scenario, &wish);
    assert!(
        own.says(&["vnet-erp-neu is in norwayeast", "vnet-erp-neu-northeurope"]),
        "{:?}",
        own.todo
    );
    let world = &own.files["my-failover-world.yaml"];
    assert!(world.contains("virtualNetworks/vnet-erp-neu-northeurope"), "{world}");
    assert!(!world.contains("virtualNetworks/vnet-erp-neu\n"), "{world}");
}

#[test]
fn addresses_that_are_kept_want_the_sources_subnets() {
    let mut scenario = estate_file("same-addresses");
    assert!(!told(&scenario, &Wish::default()).says(&["no subnet for"]));
    let subnets = &mut body(&mut scenario, "vnet-erp-neu")["properties"]["subnets"];
    subnets[0]["properties"]["addressPrefix"] = "10.50.2.128/25".into();
    let own = told(&scenario, &Wish::default());
    assert!(own.says(&["vnet-erp-neu", "no subnet for 10.50.2.0/25 of its subnet snet-work"]));
    // A larger one has all of them.
    let subnets = &mut body(&mut scenario, "vnet-erp-neu")["properties"]["subnets"];
    subnets[0]["properties"]["addressPrefix"] = "10.50.2.0/24".into();
    assert!(!told(&scenario, &Wish::default()).says(&["no subnet for"]));
    // So have two halves, of a subnet and of a network.
    let own = body(&mut scenario, "vnet-erp-neu");
    let mut half = own["properties"]["subnets"][0].clone();
    half["name"] = "snet-work-2".into();
    half["properties"]["addressPrefix"] = "10.50.2.128/25".into();
    own["properties"]["subnets"][0]["properties"]["addressPrefix"] = "10.50.2.0/25".into();
    own["properties"]["subnets"].as_array_mut().unwrap().push(half);
    assert!(!told(&scenario, &Wish::default()).says(&["no subnet for"]));
    // A hub of half the size is told too.
    assert!(!told(&scenario, &Wish::default()).says(&["a part of the addresses"]));
    let hub = body(&mut scenario, "vnet-hub-neu");
    hub["properties"]["addressSpace"]["addressPrefixes"] = json!(["10.50.0.0/25"]);
    assert!(told(&scenario, &Wish::default()).says(&["vnet-hub-neu has a part of the addresses"]));
}

#[test]
fn networks_that_stand_for_nobody_are_named_where_some_would_have_to_be_made() {
    let text = serde_json::to_string(&estate_file("same-addresses")).unwrap();
    let text = text.replace("vnet-erp-neu", "zz-001").replace("vnet-shop-neu", "zz-002");
    let mut scenario: Scenario = serde_json::from_str(&text).unwrap();
    for (name, space) in [("zz-001", "10.88.0.0/16"), ("zz-002", "10.89.0.0/16")] {
        let own = body(&mut scenario, name);
        own["properties"]["addressSpace"]["addressPrefixes"] = json!([space]);
        own["properties"]["subnets"] = json!([]);
    }
    let own = told(&scenario, &Wish::default());
    assert!(
        own.says(&["zz-001, zz-002 in northeurope stand for none", "=zz-001"]),
        "{:?}",
        own.todo
    );
}

#[test]
fn a_vault_that_goes_down_with_the_source_is_named() {
    let mut scenario = world_file("two-circuits-site-recovery.yaml");
    let wish =
        Wish { source: region("eastasia"), target: region("southeastasia"), ..Wish::default() };
    let own = told(&scenario, &wish);
    assert!(!own.says(&["goes down with"]) && !own.says(&["No recovery plan"]), "{:?}", own.todo);
    for body in &mut scenario.resources {
        let id = body["id"].as_str().unwrap().to_ascii_lowercase();
        if id.rsplit('/').nth(1) == Some("vaults") {
            body["location"] = "eastasia".into();
        }
    }
    let own = told(&scenario, &wish);
    assert!(own.says(&["cannot be used: its vault", "eastasia"]), "{:?}", own.todo);
    assert!(!own.says(&["No recovery plan"]), "{:?}", own.todo);
}

#[test]
fn a_site_behind_no_device_is_named() {
    let mut scenario = estate_file("vpn-to-two-devices");
    assert!(!told(&scenario, &Wish::default()).says(&["behind no device"]));
    let site = json!({ "name": "office", "prefixes": ["172.31.0.0/16"] });
    scenario.onprem.sites.push(serde_json::from_value(site).unwrap());
    let own = told(&scenario, &Wish::default());
    assert!(own.says(&["The site office is behind no device"]), "{:?}", own.todo);
    assert!(!own.says(&["The site utrecht"]), "{:?}", own.todo);
    // Where the devices are not known, the prefixes of what stands for them say it.
    scenario.onprem.devices.clear();
    let own = told(&scenario, &Wish::default());
    assert!(own.says(&["The site office is behind no device"]), "{:?}", own.todo);
    assert!(!own.says(&["The site utrecht"]), "{:?}", own.todo);
}

/// A virtual WAN whose circuits are all in one place of this tier.
fn wan(place: &str, tier: &str) -> (Scenario, Wish) {
    let mut scenario = estate_file("virtual-wan");
    let wish = Wish {
        target: region("australiasoutheast"),
        strategy: Some(Strategy::VwanDrCircuit),
        ..Wish::default()
    };
    for own in &mut scenario.resources {
        if own["id"].as_str().unwrap().contains("/expressRouteCircuits/") {
            own["sku"]["tier"] = tier.into();
            own["properties"]["serviceProviderProperties"]["peeringLocation"] = place.into();
        }
    }
    (scenario, wish)
}

#[test]
fn a_virtual_wan_without_a_circuit_says_why_each_will_not_do() {
    let (scenario, wish) = wan("London", "Standard");
    let error = tried(&scenario, &wish).err().unwrap();
    assert!(error.hints.iter().any(|own| own.contains("only Premium reaches it")), "{error:?}");
}

#[test]
fn what_the_drill_of_a_swap_assumes_is_told_in_the_list_and_in_its_world() {
    // Where a revoke ends the source's connection for certain, nothing is assumed.
    let mut scenario = estate_file("no-spare-circuit");
    let own = told(&scenario, &Wish::default());
    assert!(!own.says(&["overlap"]), "{:?}", own.todo);
    assert!(!own.files["my-failover-world.yaml"].contains("overlap"));
    // A circuit that is managed in the source's region goes down with it, and nobody can revoke there.
    for own in &mut scenario.resources {
        if own["id"].as_str().unwrap().contains("/expressRouteCircuits/") {
            own["location"] = "westeurope".into();
        }
    }
    let own = told(&scenario, &Wish::default());
    let head = |name: &str| {
        let lines = own.files[name].lines().take_while(|own| own.starts_with('#'));
        lines.map(|own| own.trim_start_matches(['#', ' '])).collect::<Vec<_>>().join(" ")
    };
    assert!(own.says(&["assumes", "`overlap: accept`", "`overlap: refuse`"]), "{:?}", own.todo);
    assert!(head("my-failover-world.yaml").contains("`overlap: accept` is an assumption"));
    assert!(!head("my-failover-world-planned.yaml").contains("overlap"));
    assert!(!told(&estate_file("same-addresses"), &Wish::default()).says(&["overlap"]));
}

#[test]
fn a_gateway_of_no_sku_or_in_ipv6_alone_is_refused_before_anything_is_written() {
    for (param, said, why) in [
        ("gateway_sku", "ErGw9AZ", "is no SKU"),
        ("gateway_subnet", "fd00:90:0:ff::/64", "of IPv6 alone"),
    ] {
        let wish = Wish { params: saying(&[(param, said)]), ..Wish::default() };
        let error = tried(&estate_file("dual-stack"), &wish).err().unwrap();
        assert!(error.what.contains(said) && error.what.contains(why), "{}", error.what);
    }
    let wish = Wish { params: saying(&[("gateway_sku", "ergw2az")]), ..Wish::default() };
    assert!(told(&estate_file("dual-stack"), &wish).failover().contains("ErGw2AZ"));
}
