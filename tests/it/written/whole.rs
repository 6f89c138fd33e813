//! What the reader accepts can be served, written down, captured and served again: it is the same world.

use std::fmt::Write as _;
use std::process::Stdio;

use backroad::sim::{Answers, Scenario, World};
use proptest::prelude::*;

use super::{DocumentKind, ReadWorld, SourceFile, WORLD, file, read, read_world};
use crate::support::process::{binary, serve};

const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";

/// Worlds of every kind, to be cut at.
const WORLDS: [&str; 4] = [
    "runbooks/worlds/two-circuits.yaml",
    "runbooks/worlds/vpn-last-path.yaml",
    "runbooks/worlds/vwan-two-hubs.yaml",
    "runbooks/worlds/two-circuits-site-recovery.yaml",
];

/// A world that lies among the shipped ones.
fn read_beside(text: &str) -> ReadWorld {
    let open = |name: &str| {
        let path = file("runbooks/worlds").join(name);
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        Ok(SourceFile::of(DocumentKind::World, name, text))
    };
    read_world(SourceFile::of(DocumentKind::World, "cut.yaml", text), &open)
}

/// Whether a world begins as the same one when it is written down and read again.
fn comes_again(scenario: &Scenario) -> Result<(), String> {
    let mut world = World::new(scenario);
    let written = world.world_file(scenario.now);
    let text = serde_yaml::to_string(&written).unwrap();
    let again = Scenario::parse("written-down.yaml", &text)
        .map_err(|error| format!("it is not read again: {error}\n{text}"))?;
    let mut again = World::new(&again);
    if again.comparable() != world.comparable() {
        return Err(format!("it is another world:\n{text}"));
    }
    let twice = again.world_file(scenario.now);
    if twice != written {
        return Err(format!("written again it is another file:\n{written}\n{twice}"));
    }
    Ok(())
}

/// An estate that nobody has: hubs with gateways, spokes, circuits, connections, sites, what goes wrong.
fn estate(hubs: u8, spokes: u8, circuits: u8, says: u32) -> String {
    let mut text = "world: estate\nresources:\n".to_owned();
    let yes = |bit: u32| says & (1 << bit) != 0;
    let region = |n: u8| if n.is_multiple_of(2) { "westeurope" } else { "northeurope" };
    for hub in 0..hubs {
        let at = region(hub);
        writeln!(text, "  - id: {GROUP}/virtualNetworks/hub{hub}\n    location: {at}\n    properties:\n      addressSpace: {{ addressPrefixes: [10.{hub}.0.0/16] }}\n      subnets:\n        - {{ name: GatewaySubnet, properties: {{ addressPrefix: 10.{hub}.0.0/27 }} }}").unwrap();
        if yes(0) {
            writeln!(text, "        - {{ name: apps, properties: {{ addressPrefix: 10.{hub}.1.0/24, routeTable: {{ id: {GROUP}/routeTables/rt }} }} }}").unwrap();
        }
        writeln!(text, "  - id: {GROUP}/publicIPAddresses/pip{hub}\n    location: {at}\n    sku: {{ name: Standard }}\n    properties: {{ publicIPAllocationMethod: Static }}").unwrap();
        writeln!(text, "  - id: {GROUP}/virtualNetworkGateways/gw{hub}\n    location: {at}\n    properties:\n      gatewayType: ExpressRoute\n      sku: {{ name: ErGw1AZ, tier: ErGw1AZ }}\n      ipConfigurations:\n        - name: default\n          properties: {{ subnet: {{ id: {GROUP}/virtualNetworks/hub{hub}/subnets/GatewaySubnet }}, publicIPAddress: {{ id: {GROUP}/publicIPAddresses/pip{hub} }} }}").unwrap();
    }
    if yes(0) {
        writeln!(text, "  - id: {GROUP}/routeTables/rt\n    location: westeurope\n    properties: {{ routes: [{{ name: out, properties: {{ addressPrefix: 0.0.0.0/0, nextHopType: Internet }} }}] }}").unwrap();
    }
    for spoke in 0..spokes {
        let hub = spoke % hubs;
        writeln!(text, "  - id: {GROUP}/virtualNetworks/spoke{spoke}\n    location: {}\n    properties:\n      addressSpace: {{ addressPrefixes: [10.{}.0.0/16] }}\n      virtualNetworkPeerings:\n        - {{ name: to-hub, properties: {{ remoteVirtualNetwork: {{ id: {GROUP}/virtualNetworks/hub{hub} }}, useRemoteGateways: {} }} }}", region(hub), 100 + spoke, yes(1)).unwrap();
    }
    for circuit in 0..circuits {
        writeln!(text, "  - id: {GROUP}/expressRouteCircuits/er{circuit}\n    location: westeurope\n    sku: {{ name: Premium_MeteredData, tier: Premium, family: MeteredData }}\n    properties:\n      circuitProvisioningState: Enabled\n      serviceProviderProvisioningState: Provisioned\n      serviceProviderProperties: {{ serviceProviderName: Equinix, peeringLocation: Amsterdam, bandwidthInMbps: 1000 }}\n      peerings:\n        - {{ name: AzurePrivatePeering, properties: {{ peeringType: AzurePrivatePeering, peerASN: 65001, vlanId: {}, primaryPeerAddressPrefix: 172.16.{circuit}.0/30, secondaryPeerAddressPrefix: 172.16.{circuit}.4/30, state: Enabled }} }}", 100 + u32::from(circuit)).unwrap();
        if circuit < hubs {
            writeln!(text, "  - id: {GROUP}/connections/con{circuit}\n    location: {}\n    properties: {{ connectionType: ExpressRoute, virtualNetworkGateway1: {{ id: {GROUP}/virtualNetworkGateways/gw{circuit} }}, peer: {{ id: {GROUP}/expressRouteCircuits/er{circuit} }} }}", region(circuit)).unwrap();
        }
    }
    if circuits > 0 && yes(2) {
        text.push_str("onprem:\n  asn: 65001\n  sites: [{ name: dc, prefixes: [192.168.0.0/16] }]\n  links:\n");
        for circuit in 0..circuits {
            for path in ["primary", "secondary"] {
                writeln!(text, "    - {{ circuit: {GROUP}/expressRouteCircuits/er{circuit}, path: {path}, up: {}, as_path_prepend: {} }}", yes(3), circuit).unwrap();
            }
        }
    }
    if yes(4) {
        text.push_str("regions_down: [westeurope]\noutage: { writes: hang, reads: refuse }\n");
    }
    if yes(5) {
        text.push_str("faults:\n  - { method: PUT, resource: \"*\", percent: 20, times: 3, effect: { throttle: { after: 9s } } }\n  - { resource: \"*/connections/*\", until: 1h, effect: html }\n");
    }
    if yes(6) {
        text.push_str("events:\n  - { after: 10m, down: [westeurope] }\n  - { after: 2h, up: [westeurope], withdraw: [192.168.0.0/24] }\n");
    }
    if yes(7) {
        text.push_str("rights: [{ scope: /subscriptions/s, actions: [\"*\"], not_actions: [\"*/delete\"] }]\nlocks: [{ name: k, scope: /subscriptions/s, level: ReadOnly }]\noverlap: accept\n");
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_estate_that_is_read_is_written_down_and_read_again_as_the_same(
        hubs in 1_u8..4, spokes in 0_u8..5, circuits in 0_u8..4, says in 0_u32..256,
    ) {
        let text = estate(hubs, spokes, circuits, says);
        let read = read("estate.yaml", &text);
        prop_assert!(read.scenario.is_some(), "{}", super::said(&read));
        prop_assert_eq!(comes_again(&read.scenario.unwrap()), Ok(()));
    }

    #[test]
    fn a_world_that_somebody_cut_at_is_refused_with_a_reason_or_comes_again(
        cuts in prop::collection::vec((0_usize..2_000, 0_u8..5, 0_usize..12), 1..5),
        which in 0_usize..5,
    ) {
        const WORDS: [&str; 12] = [
            "[]", "{}", "~", "0", "true", "x", "*", "10.0.0.0/8", "/subscriptions/s", "5m", "[~]", "\"\"",
        ];
        let whole = match which {
            0 => WORLD.to_owned(),
            other => std::fs::read_to_string(file(WORLDS[other - 1])).unwrap(),
        };
        let mut lines: Vec<String> = whole.lines().map(str::to_owned).collect();
        for (at, how, word) in cuts {
            let at = at % lines.len();
            match how {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[at].clone()),
                2 => {
                    let other = lines.len() - 1 - at;
                    lines.swap(at, other);
                }
                3 => {
                    let line = lines[at].clone();
                    lines[at] = line.replacen("- ", "", 1);
                }
                _ => {
                    if let Some((key, _)) = lines[at].clone().split_once(": ") {
                        lines[at] = format!("{key}: {}", WORDS[word]);
                    }
                }
            }
        }
        let text = lines.join("\n");
        let read = read_beside(&text);
        match &read.scenario {
            Some(scenario) => prop_assert_eq!(comes_again(scenario), Ok(()), "{}", text),
            None => prop_assert!(read.diagnostics.has_errors(), "no world and no reason:\n{text}"),
        }
        // The reader's own table and the types say the same.
        prop_assert!(!super::said(&read).contains("This cannot be used"), "{}", super::said(&read));
    }
}

/// What a property found: a tunnel that carries had its counters written down as if they stood.
#[test]
fn a_world_with_a_tunnel_that_carries_comes_again() {
    let whole = std::fs::read_to_string(file(WORLDS[1])).unwrap();
    let up = whole.replacen("regions_down: [eastasia]", "regions_down: []", 1);
    let lines: Vec<&str> = whole.lines().collect();
    let at = lines.iter().position(|line| line.ends_with("virtualNetworkGateways/vgw-hub-ea"));
    let at = at.unwrap() + 1;
    assert_eq!(lines[at].trim(), "location: eastasia");
    let cut = [&lines[..at], &lines[at + 1..]].concat().join("\n");
    for text in [up, cut] {
        let scenario = read_beside(&text).scenario.unwrap();
        assert_eq!(comes_again(&scenario), Ok(()));
    }
}

/// By the program itself: served, captured, and served again.
#[test]
fn a_served_estate_is_captured_as_the_same_and_can_be_served_again() {
    let folder = tempfile::tempdir().unwrap();
    for (place, says) in [0b0000_0111_u32, 0b0000_1101].into_iter().enumerate() {
        let text = estate(2, 3, 2, says);
        let path = folder.path().join(format!("estate{place}.yaml"));
        std::fs::write(&path, &text).unwrap();
        let original = World::new(&read("estate.yaml", &text).scenario.unwrap());
        let out = folder.path().join(format!("captured{place}.yaml"));
        let captured = capture(&path, &out);
        assert_eq!(captured.comparable()["resources"], original.comparable()["resources"]);
        let out = folder.path().join(format!("again{place}.yaml"));
        let again = capture(&folder.path().join(format!("captured{place}.yaml")), &out);
        assert_eq!(again.comparable()["resources"], original.comparable()["resources"]);
    }
}

/// What is captured of a world that is served, as a world.
fn capture(world: &std::path::Path, out: &std::path::Path) -> World {
    let served = serve(world, 600);
    let mut command = binary();
    command
        .args(["capture", "--subscription", "s", "--clock-factor", "600", "--endpoint"])
        .arg(&served.endpoint)
        .arg("-o")
        .arg(out)
        .arg("--state-dir")
        .arg(out.with_extension("state"))
        .stdin(Stdio::null());
    let said = command.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let text = std::fs::read_to_string(out).unwrap();
    let read = read("captured.yaml", &text);
    assert!(read.scenario.is_some(), "{}", super::said(&read));
    World::new(&read.scenario.unwrap())
}
