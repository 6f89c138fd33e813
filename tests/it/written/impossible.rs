//! Worlds that Azure never has: what is said of them, and that they can be used all the same.

use super::{WORLD, read, said};

const NETWORKS: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";

fn gateway(name: &str, kind: &str, network: &str, region: &str) -> String {
    format!(
        "  - id: {NETWORKS}/virtualNetworkGateways/{name}\n    location: {region}\n    properties:\n      \
         gatewayType: {kind}\n      sku: {{ name: x, tier: x }}\n      ipConfigurations:\n        \
         - name: default\n          properties:\n            subnet: {{ id: {NETWORKS}/virtualNetworks/{network}\
         /subnets/GatewaySubnet }}\n"
    )
}

/// The small world with these resources besides.
fn with(more: &str) -> String {
    WORLD.replacen("onprem:\n", &format!("{more}onprem:\n"), 1)
}

/// The small world with this at the end of the network of its spoke.
fn spoke(more: &str) -> String {
    let space = "addressSpace: { addressPrefixes: [10.1.0.0/16] }\n";
    WORLD.replacen(space, &format!("{space}{more}"), 1)
}

fn peering(state: &str, more: &str) -> String {
    format!(
        "      virtualNetworkPeerings:\n        - name: to-hub\n          properties:\n            \
         peeringState: {state}\n{more}            remoteVirtualNetwork: {{ id: {NETWORKS}/virtualNetworks/hub }}\n"
    )
}

#[test]
fn a_map_that_no_drill_follows_is_doubted() {
    let hub = format!("{NETWORKS}/virtualHubs/h");
    let connection = |routing: &str| {
        with(&format!(
            "  - id: {hub}\n    location: westeurope\n  - id: {hub}/hubVirtualNetworkConnections/c\n    properties:\n      \
             remoteVirtualNetwork: {{ id: {NETWORKS}/virtualNetworks/spoke }}\n      routingConfiguration: {routing}\n"
        ))
    };
    let map = format!("{{ inboundRouteMap: {{ id: {hub}/routeMaps/m }} }}");
    let mapped = read("small.yaml", &connection(&map));
    assert!(said(&mapped).contains("BR0513") && mapped.scenario.is_some(), "{}", said(&mapped));
    let plain = read("small.yaml", &connection("{}"));
    assert!(!said(&plain).contains("BR0513"), "{}", said(&plain));
}

#[test]
fn what_azure_shows_of_peerings_is_known_and_a_hubs_own_network_need_not_be_there() {
    let shown =
        "            routeServiceVips: { a: 10.0.9.4 }\n            remoteGateways: [{ id: x }]\n";
    let plain = read("small.yaml", &spoke(&peering("Connected", shown)));
    assert!(!said(&plain).contains("BR0503"), "{}", said(&plain));
    let guid = "00000000-0000-4000-8000-000000000000";
    let theirs = format!(
        "/subscriptions/{guid}/resourceGroups/RG_hub_{guid}/providers/Microsoft.Network/virtualNetworks"
    );
    for (network, missing) in [("HV_hub_x", false), ("other", true)] {
        let side = peering("Connected", "")
            .replace(&format!("{NETWORKS}/virtualNetworks/hub"), &format!("{theirs}/{network}"));
        let read = read("small.yaml", &spoke(&side));
        assert_eq!(said(&read).contains("BR0501"), missing, "{}", said(&read));
    }
}

#[test]
fn what_azure_never_has_beside_one_another_is_doubted() {
    let uses = "            useRemoteGateways: true\n";
    let own_gateway = format!(
        "      subnets:\n        - {{ name: GatewaySubnet, properties: {{ addressPrefix: 10.1.255.0/27 }} }}\n{}",
        peering("Connected", uses)
    );
    let own_gateway = spoke(&own_gateway).replacen(
        "onprem:\n",
        &format!("{}onprem:\n", gateway("vgw", "Vpn", "spoke", "westeurope")),
        1,
    );
    let overlapping =
        spoke(&peering("Connected", "")).replacen("[10.1.0.0/16]", "[10.1.0.0/16, 10.0.4.0/24]", 1);
    let other_table = WORLD.replacen(
        "routeTables/rt\n    location: westeurope",
        "routeTables/rt\n    location: northeurope",
        1,
    );
    for (world, words) in [
        (
            WORLD.replacen("addressPrefix: 10.0.1.0/24", "addressPrefix: 10.0.0.0/24", 1),
            "The subnet `GatewaySubnet` has addresses of `apps`",
        ),
        (
            with(&gateway("second", "ExpressRoute", "hub", "westeurope")),
            "`second` is the second gateway of its kind in `hub`, beside `ergw`",
        ),
        (
            with(&gateway("far", "Vpn", "hub", "northeurope")),
            "in northeurope, and its network `hub` in",
        ),
        (own_gateway, "`spoke` uses the gateway of `hub`, and has its own: `vgw`"),
        (overlapping, "`spoke` is connected with `hub`, whose addresses `spoke` has, too: 10.0"),
        (
            other_table,
            "The subnet `apps` is in westeurope, and `rt`, which it uses, in northeurope",
        ),
    ] {
        assert_ne!(world, WORLD, "{words}");
        let read = read("small.yaml", &world);
        let said = said(&read);
        assert!(said.contains(words) && said.contains("BR0512"), "{words}\n{said}");
        assert!(read.scenario.is_some(), "a doubt, and no mistake: {said}");
    }
    for world in [
        with(&gateway("vgw", "Vpn", "hub", "westeurope")),
        spoke(&peering("Connected", uses)),
        spoke(&peering("Disconnected", "")).replacen(
            "[10.1.0.0/16]",
            "[10.1.0.0/16, 10.0.4.0/24]",
            1,
        ),
    ] {
        let read = read("small.yaml", &world);
        assert!(!said(&read).contains("BR0512"), "{}", said(&read));
    }
}
