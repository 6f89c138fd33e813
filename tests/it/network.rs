//! The network's truth holds in every estate: longest prefix, nothing invented, nothing gained by a loss.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};

use backroad::arm::CircuitPath;
use backroad::model::{Region, ResourceId};
use backroad::sim::network::{
    Estate, Link, OnPrem, Site, advertised_routes, arp_table, azure_choice, bgp_peers,
    circuit_routes, learned_routes, on_premises_choice,
};
use ipnet::{IpNet, Ipv4Net};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Hubs, each with a gateway and two spokes; as many circuits.
const PLACES: usize = 3;

fn id(kind: &str, name: &str) -> ResourceId {
    ResourceId::parse(&format!(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/{kind}/{name}"
    ))
    .unwrap()
}

fn gateway(place: usize) -> ResourceId {
    id("virtualNetworkGateways", &format!("gw{place}"))
}

fn circuit(place: usize) -> ResourceId {
    id("expressRouteCircuits", &format!("er{place}"))
}

/// Few networks of many lengths, so that they often cover one another.
fn net() -> impl Strategy<Value = IpNet> {
    (0_u8..4, 0_u8..4, 8_u8..=26).prop_map(|(second, third, length)| {
        let net = Ipv4Net::new([10, second, third, 64].into(), length).unwrap();
        IpNet::V4(net.trunc())
    })
}

fn peering_side() -> impl Strategy<Value = (bool, bool, bool)> {
    (prop::bool::weighted(0.8), prop::bool::weighted(0.8), prop::bool::weighted(0.8))
}

/// A hub, its two spokes, and the flags of the two sides of each peering.
type Place = (Vec<IpNet>, Vec<(IpNet, [(bool, bool, bool); 2])>);

fn place() -> impl Strategy<Value = Place> {
    let spoke = (net(), [peering_side(), peering_side()]);
    (vec(net(), 1..3), vec(spoke, 2))
}

fn link() -> impl Strategy<Value = Link> {
    (
        0..PLACES,
        any::<bool>(),
        prop::bool::weighted(0.8),
        prop::option::of(vec(net(), 0..3)),
        0_u8..3,
        100_u32..102,
    )
        .prop_map(|(place, primary, up, advertise, as_path_prepend, local_preference)| Link {
            circuit: circuit(place),
            sites: Vec::new(),
            path: if primary { CircuitPath::Primary } else { CircuitPath::Secondary },
            up,
            since: None,
            advertise,
            as_path_prepend,
            local_preference,
        })
}

/// A connection from a place's gateway to another's circuit: weight, finished, silent.
type Wiring = Vec<(usize, usize, u32, bool, bool)>;

fn wiring() -> impl Strategy<Value = Wiring> {
    let one =
        (0..PLACES, 0..PLACES, 0_u32..3, prop::bool::weighted(0.9), prop::bool::weighted(0.1));
    vec(one, 1..6)
}

#[derive(Debug, Clone)]
struct World {
    bodies: BTreeMap<ResourceId, Value>,
    down: BTreeSet<Region>,
    silent: BTreeSet<ResourceId>,
    onprem: OnPrem,
}

impl World {
    fn estate(&self) -> Estate<'_> {
        Estate::new(&self.bodies, &self.down, &self.silent)
    }

    fn add_place(&mut self, index: usize, (hub, spokes): &Place) {
        let vnet = |prefixes: &[IpNet]| json!({"properties": {"addressSpace": {"addressPrefixes": prefixes}}});
        let hub_id = id("virtualNetworks", &format!("hub{index}"));
        let subnet = hub_id.child("subnets", "GatewaySubnet").unwrap();
        self.bodies.insert(hub_id.clone(), vnet(hub));
        for (number, (prefix, sides)) in spokes.iter().enumerate() {
            let spoke_id = id("virtualNetworks", &format!("spoke{index}-{number}"));
            self.bodies.insert(spoke_id.clone(), vnet(&[*prefix]));
            let ends = [(&hub_id, &spoke_id), (&spoke_id, &hub_id)];
            for ((from, to), (there, connected, flag)) in ends.into_iter().zip(sides) {
                if *there {
                    self.bodies.insert(
                        from.child("virtualNetworkPeerings", to.name()).unwrap(),
                        json!({"properties": {
                            "remoteVirtualNetwork": {"id": to.as_str()},
                            "peeringState": if *connected { "Connected" } else { "Disconnected" },
                            "allowGatewayTransit": flag, "useRemoteGateways": flag,
                        }}),
                    );
                }
            }
        }
        self.bodies.insert(
            gateway(index),
            json!({"location": format!("region{index}"), "properties": {
                "gatewayType": "ExpressRoute", "provisioningState": "Succeeded",
                "ipConfigurations": [{"properties": {"subnet": {"id": subnet.as_str()}}}],
            }}),
        );
        self.bodies.insert(circuit(index), json!({"properties": {
            "circuitProvisioningState": "Enabled", "serviceProviderProvisioningState": "Provisioned",
            "peerings": [{"name": "AzurePrivatePeering", "properties": {
                "state": "Enabled", "primaryPeerAddressPrefix": "172.16.0.0/30",
                "secondaryPeerAddressPrefix": "172.16.0.4/30",
            }}],
        }}));
    }

    fn add_connections(&mut self, wiring: &Wiring) {
        for (number, (from, to, weight, finished, silent)) in wiring.iter().enumerate() {
            let connection = id("connections", &format!("cn{number}"));
            let state = if *finished { "Succeeded" } else { "Updating" };
            self.bodies.insert(
                connection.clone(),
                json!({"properties": {
                    "virtualNetworkGateway1": {"id": gateway(*from).as_str()},
                    "peer": {"id": circuit(*to).as_str()},
                    "routingWeight": weight, "provisioningState": state,
                }}),
            );
            if *silent {
                self.silent.insert(connection);
            }
        }
    }

    /// Every destination that some table holds, with who holds it and by what next hop.
    fn routes(&self) -> BTreeSet<String> {
        let estate = self.estate();
        let mut all = BTreeSet::new();
        for place in 0..PLACES {
            for row in learned_routes(&estate, &self.onprem, &gateway(place)) {
                all.insert(format!("learned {place} {} {}", row.network, row.next_hop));
            }
            for (peer, network) in self.told(place) {
                all.insert(format!("told {place} {peer} {network}"));
            }
            for path in CircuitPath::BOTH {
                for row in circuit_routes(&estate, &self.onprem, &circuit(place), path) {
                    all.insert(format!("edge {place} {path} {} {}", row.network, row.next_hop));
                }
                for row in arp_table(&estate, &self.onprem, &circuit(place), path) {
                    all.insert(format!("arp {place} {path} {}", row.interface));
                }
            }
        }
        all
    }

    /// What a gateway tells each of its peers.
    fn told(&self, place: usize) -> Vec<(String, IpNet)> {
        let estate = self.estate();
        bgp_peers(&estate, &self.onprem, &gateway(place))
            .iter()
            .flat_map(|peer| {
                advertised_routes(&estate, &self.onprem, &gateway(place), peer.neighbor)
                    .into_iter()
                    .map(|row| (peer.neighbor.to_string(), row.network))
            })
            .collect()
    }
}

fn world() -> impl Strategy<Value = World> {
    (
        vec(place(), PLACES),
        wiring(),
        vec(link(), 1..8),
        prop::option::weighted(0.2, 0..PLACES),
        vec(net(), 1..3),
    )
        .prop_map(|(places, wiring, links, dead, prefixes)| {
            let mut world = World {
                bodies: BTreeMap::new(),
                down: dead
                    .map(|place| Region::parse(&format!("region{place}")).unwrap())
                    .into_iter()
                    .collect(),
                silent: BTreeSet::new(),
                onprem: OnPrem {
                    asn: 65_001,
                    sites: vec![Site { name: "hq".to_owned(), prefixes }],
                    links,
                    devices: Vec::new(),
                },
            };
            for (index, place) in places.iter().enumerate() {
                world.add_place(index, place);
            }
            world.add_connections(&wiring);
            world
        })
}

/// The longest length among those that cover the target.
fn longest(networks: impl Iterator<Item = IpNet>, target: &IpNet) -> Option<u8> {
    networks.filter(|network| network.contains(target)).map(|network| network.prefix_len()).max()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn azure_always_takes_the_longest_prefix_that_it_has_learned(world in world(), target in net()) {
        let estate = world.estate();
        for place in 0..PLACES {
            let rows = learned_routes(&estate, &world.onprem, &gateway(place));
            let expected = longest(
                rows.iter().filter(|row| row.origin == "EBgp").map(|row| row.network),
                &target,
            );
            let ways = azure_choice(&estate, &world.onprem, &gateway(place), &target);
            prop_assert_eq!(ways.is_empty(), expected.is_none());
            // Among the rows of that length none weighs more than what was chosen.
            for way in &ways {
                prop_assert_eq!(Some(way.network.prefix_len()), expected);
                let heavier = rows.iter().any(|row| {
                    row.network == way.network && row.origin == "EBgp" && row.weight > 32_769 + way.weight
                });
                prop_assert!(!heavier);
            }
        }
    }

    #[test]
    fn on_premises_always_takes_the_longest_prefix_that_an_edge_shows(world in world(), target in net()) {
        let estate = world.estate();
        let shown = (0..PLACES)
            .flat_map(|place| CircuitPath::BOTH.map(|path| (place, path)))
            .filter(|(place, path)| {
                world.onprem.links_up(&circuit(*place)).any(|link| link.path == *path)
            })
            .flat_map(|(place, path)| circuit_routes(&estate, &world.onprem, &circuit(place), path))
            .filter(|row| row.path == "65515")
            .map(|row| row.network);
        let expected = longest(shown, &target);
        let ways = on_premises_choice(&estate, &world.onprem, Some("hq"), &target);
        prop_assert_eq!(ways.is_empty(), expected.is_none());
        for way in &ways {
            prop_assert_eq!(Some(way.network.prefix_len()), expected);
        }
    }

    #[test]
    fn nothing_is_advertised_that_no_network_of_the_hub_or_its_spokes_has(world in world()) {
        let estate = world.estate();
        for place in 0..PLACES {
            let names = ["hub", "spoke"];
            let there: BTreeSet<IpNet> = estate
                .vnets()
                .filter(|vnet| names.iter().any(|name| vnet.id.name().starts_with(&format!("{name}{place}"))))
                .flat_map(|vnet| vnet.prefixes.clone())
                .collect();
            for (_, network) in world.told(place) {
                prop_assert!(there.contains(&network), "{network} is not at place {place}");
            }
        }
    }

    #[test]
    fn losing_a_link_never_adds_a_route(world in world(), which in any::<prop::sample::Index>()) {
        let before = world.routes();
        let index = which.index(world.onprem.links.len());
        let mut cut = world.clone();
        cut.onprem.links[index].up = false;
        let mut gone = world;
        gone.onprem.links.remove(index);
        for after in [cut.routes(), gone.routes()] {
            let added: Vec<_> = after.difference(&before).collect();
            prop_assert!(added.is_empty(), "{added:?}");
        }
    }

    #[test]
    fn a_dead_region_never_adds_a_route_and_silences_its_gateway(world in world(), place in 0..PLACES) {
        let before = world.routes();
        let mut dead = world;
        dead.down.insert(Region::parse(&format!("region{place}")).unwrap());
        let after = dead.routes();
        let added: Vec<_> = after.difference(&before).collect();
        prop_assert!(added.is_empty(), "{added:?}");
        prop_assert!(dead.told(place).is_empty());
    }
}
