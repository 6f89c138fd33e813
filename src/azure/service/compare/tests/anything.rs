//! Which action of a kind, and which of its values? Any, by a seed.

use std::net::IpAddr;

use super::super::super::route_table::Firewalls;
use crate::model::action::*;
use crate::model::azure_limits::GATEWAY_SKUS;
use crate::model::{Action, Region, ResourceId, SecretRef};

/// Chance, from a seed that a failure names.
#[derive(Clone)]
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    pub(super) fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for place in (1..list.len()).rev() {
            list.swap(place, self.below(place + 1));
        }
    }

    pub(super) fn letters(&mut self, text: &str) -> String {
        text.chars()
            .map(|c| if self.flip() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect()
    }
}

pub(super) fn id(kind: &str, name: &str) -> ResourceId {
    let group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
    ResourceId::parse(&format!("{group}/{kind}/{name}")).unwrap()
}

pub(super) fn maybe(chance: &mut Chance) -> Option<bool> {
    chance.flip().then(|| chance.flip())
}

pub(super) fn tags(chance: &mut Chance) -> Tags {
    let mut tags = Tags::new();
    for name in ["costCenter", "Owner", "stage"] {
        if chance.flip() {
            tags.insert(name.to_owned(), chance.pick(&["a", "A", ""]).to_owned());
        }
    }
    tags
}

pub(super) fn hop(chance: &mut Chance) -> NextHop {
    match chance.below(4) {
        0 => NextHop::None,
        1 => NextHop::Appliance("10.0.0.4".parse().unwrap()),
        2 => NextHop::Firewall(id("azureFirewalls", "fw")),
        _ => NextHop::Internet,
    }
}

pub(super) fn destination(chance: &mut Chance) -> Destination {
    chance.pick(&["10.1.0.0/16", "AzureMonitor", "fd00:db8::/32"]).parse().unwrap()
}

pub(super) fn firewalls() -> Firewalls {
    Firewalls::from([(id("azureFirewalls", "fw"), "10.0.1.4".parse().unwrap())])
}

/// An action of one of the kinds that compare fields; `kind` counts them.
pub(super) fn action(kind: usize, chance: &mut Chance) -> Action {
    let region = Region::parse("southeastasia").unwrap();
    let vnet = id("virtualNetworks", "v");
    let subnet = vnet.child("subnets", "s").unwrap();
    match kind {
        0 => {
            let mut zones = vec!["1".to_owned(), "2".to_owned(), "3".to_owned()];
            chance.shuffle(&mut zones);
            zones.truncate(chance.below(4));
            let id = id("publicIPAddresses", "p");
            Action::PublicIp(PublicIp { id, location: region, zones, tags: tags(chance) })
        }
        1 => {
            let mut prefixes = vec!["10.0.0.0/27".parse().unwrap()];
            if chance.flip() {
                prefixes.push("fd00:db8::/64".parse().unwrap());
                chance.shuffle(&mut prefixes);
            }
            Action::Subnet(Subnet { id: subnet, prefixes })
        }
        2 => {
            let sku = chance.pick(GATEWAY_SKUS).name.to_owned();
            let scales = sku == "ErGwScale" && chance.flip();
            Action::Gateway(Gateway {
                id: id("virtualNetworkGateways", "gw"),
                location: region,
                sku,
                subnet: vnet.child("subnets", "GatewaySubnet").unwrap(),
                public_ip: chance.flip().then(|| id("publicIPAddresses", "p")),
                autoscale: scales.then(|| Autoscale { min: chance.pick(&[2, 4]), max: 10 }),
                allow_remote_vnet_traffic: maybe(chance),
                allow_virtual_wan_traffic: maybe(chance),
                tags: tags(chance),
            })
        }
        3 => Action::Connection(Connection {
            id: id("connections", "c"),
            location: region,
            gateway: id("virtualNetworkGateways", "gw"),
            circuit: id("expressRouteCircuits", "er"),
            authorization: None,
            routing_weight: chance.pick(&[None, Some(0), Some(10), Some(100)]),
            fast_path: maybe(chance),
            private_link_fast_path: maybe(chance),
            tags: tags(chance),
        }),
        4 => Action::Peering(Peering {
            id: vnet.child("virtualNetworkPeerings", "p").unwrap(),
            remote: id("virtualNetworks", "w"),
            allow_access: maybe(chance),
            allow_forwarded_traffic: maybe(chance),
            allow_gateway_transit: maybe(chance),
            use_remote_gateways: maybe(chance),
        }),
        5 => {
            let mut names = vec!["a", "b", "c"];
            chance.shuffle(&mut names);
            names.truncate(chance.below(4));
            let routes = names.into_iter().map(|name| Route {
                name: name.to_owned(),
                prefix: destination(chance),
                next_hop: hop(chance),
            });
            Action::RouteTable(RouteTable {
                id: id("routeTables", "rt"),
                location: region,
                routes: routes.collect(),
                propagate_gateway_routes: maybe(chance),
                tags: tags(chance),
            })
        }
        6 => Action::Association(Association {
            subnet,
            route_table: id("routeTables", chance.pick(&["rt", "ru"])),
        }),
        7 => Action::Bandwidth(CircuitBandwidth {
            id: id("expressRouteCircuits", "er"),
            mbps_min: chance.pick(&[50, 200, 1_000]),
        }),
        8 => Action::Route(TableRoute {
            id: id("routeTables", "rt").child("routes", "a").unwrap(),
            prefix: destination(chance),
            next_hop: hop(chance),
        }),
        9 => Action::SecurityGroup(SecurityGroupUse {
            subnet,
            security_group: id("networkSecurityGroups", chance.pick(&["n", "m"])),
            used: true,
        }),
        10 => {
            let mut servers: Vec<IpAddr> =
                vec!["10.0.0.4".parse().unwrap(), "10.0.0.5".parse().unwrap()];
            chance.shuffle(&mut servers);
            servers.truncate(chance.below(3));
            Action::Dns(DnsServers { id: vnet, servers })
        }
        11 => Action::Tier(CircuitTier {
            id: id("expressRouteCircuits", "er"),
            at_least: chance.pick(&[Tier::Standard, Tier::Premium]),
        }),
        12 => {
            let mut prefixes =
                vec!["10.100.0.0/16".parse().unwrap(), "10.101.0.0/16".parse().unwrap()];
            chance.shuffle(&mut prefixes);
            prefixes.truncate(1 + chance.below(2));
            Action::Vpn(Vpn::LocalGateway(LocalGateway {
                id: id("localNetworkGateways", "hq"),
                location: region,
                address: chance.pick(&["203.0.113.7", "203.0.113.8"]).parse().unwrap(),
                prefixes,
                bgp: chance.flip().then(|| BgpSpeaker {
                    asn: chance.pick(&[65_001, 65_002]),
                    address: "10.100.0.1".parse().unwrap(),
                }),
                tags: tags(chance),
            }))
        }
        13 => {
            let mut public_ips = vec![id("publicIPAddresses", "p"), id("publicIPAddresses", "q")];
            chance.shuffle(&mut public_ips);
            public_ips.truncate(1 + chance.below(2));
            Action::Vpn(Vpn::Gateway(VpnGateway {
                id: id("virtualNetworkGateways", "vgw"),
                location: region,
                sku: chance.pick(&["VpnGw1AZ", "VpnGw2AZ", "VpnGw5AZ"]).to_owned(),
                subnet: vnet.child("subnets", "GatewaySubnet").unwrap(),
                public_ips,
                asn: chance.flip().then(|| chance.pick(&[65_010, 65_011])),
                tags: tags(chance),
            }))
        }
        14 => Action::Vpn(Vpn::Connection(VpnConnection {
            id: id("connections", "vpn"),
            location: region,
            gateway: id("virtualNetworkGateways", "vgw"),
            local_gateway: id("localNetworkGateways", "hq"),
            shared_key: SecretRef::Param("psk".to_owned()),
            bgp: maybe(chance),
            routing_weight: chance.pick(&[None, Some(0), Some(10)]),
            tags: tags(chance),
        })),
        15 => {
            let (kind, mut addresses) = if chance.flip() {
                ("A", vec!["10.20.0.4".parse().unwrap(), "10.20.0.5".parse().unwrap()])
            } else {
                ("AAAA", vec!["fd00::4".parse().unwrap(), "fd00::5".parse().unwrap()])
            };
            chance.shuffle(&mut addresses);
            addresses.truncate(1 + chance.below(2));
            Action::Steering(Steering::Record(DnsRecord {
                id: id("privateDnsZones", "corp.example").child(kind, "app").unwrap(),
                addresses,
                ttl: chance.pick(&[None, Some(30), Some(60)]),
            }))
        }
        16 => {
            let kind = chance.pick(&["azureEndpoints", "externalEndpoints", "nestedEndpoints"]);
            Action::Steering(Steering::Endpoint(TrafficEndpoint {
                id: id("trafficManagerProfiles", "tm").child(kind, "ea").unwrap(),
                enabled: maybe(chance),
                priority: chance.pick(&[None, Some(2), Some(3)]),
                weight: chance.pick(&[None, Some(2), Some(3)]),
            }))
        }
        17 => Action::Authorization(Authorization {
            id: id("expressRouteCircuits", "er").child("authorizations", "a").unwrap(),
        }),
        _ => Action::Hub(hub_action(kind - 18, chance)),
    }
}

pub(super) fn routing(chance: &mut Chance) -> Routing {
    let table = |name: &str| id("virtualHubs", "h").child("hubRouteTables", name).unwrap();
    let mut tables = vec![table("defaultRouteTable"), table("rt")];
    chance.shuffle(&mut tables);
    tables.truncate(1 + chance.below(2));
    let mut labels = vec!["default".to_owned(), "apps".to_owned()];
    chance.shuffle(&mut labels);
    labels.truncate(1 + chance.below(2));
    Routing {
        associated: chance.flip().then(|| table(chance.pick(&["defaultRouteTable", "rt"]))),
        propagated: chance.flip().then_some(tables),
        labels: chance.flip().then_some(labels),
    }
}

pub(super) fn hub_action(kind: usize, chance: &mut Chance) -> HubAction {
    let location = Region::parse("southeastasia").unwrap();
    let hub = id("virtualHubs", "h");
    match kind {
        0 => HubAction::Hub(VirtualHub {
            id: hub,
            wan: id("virtualWans", "w"),
            location,
            prefix: "10.40.0.0/23".parse().unwrap(),
            preference: chance
                .flip()
                .then(|| chance.pick(&[HubPreference::Expressroute, HubPreference::AsPath])),
            routing_units_min: chance.flip().then(|| chance.pick(&[2, 5])),
            tags: tags(chance),
        }),
        1 => HubAction::Gateway(HubGateway {
            id: id("expressRouteGateways", "g"),
            hub,
            location,
            units: Autoscale { min: chance.pick(&[1, 2]), max: chance.pick(&[2, 4]) },
            allow_non_wan_traffic: maybe(chance),
            tags: tags(chance),
        }),
        2 => HubAction::Connection(HubConnection {
            id: id("expressRouteGateways", "g").child("expressRouteConnections", "c").unwrap(),
            circuit: id("expressRouteCircuits", "er"),
            authorization: None,
            routing_weight: chance.flip().then(|| chance.pick(&[0, 100])),
            internet_security: maybe(chance),
            fast_path: maybe(chance),
            routing: routing(chance),
        }),
        3 => HubAction::Vnet(HubVnet {
            id: hub.child("hubVirtualNetworkConnections", "n").unwrap(),
            vnet: id("virtualNetworks", "v"),
            internet_security: maybe(chance),
            routing: routing(chance),
        }),
        _ => {
            let mut names = vec!["a", "b", "c"];
            chance.shuffle(&mut names);
            names.truncate(1 + chance.below(3));
            let routes = names.into_iter().map(|name| HubRoute {
                name: name.to_owned(),
                prefixes: vec![
                    "10.60.0.0/16".parse().unwrap(),
                    chance.pick(&["10.61.0.0/16", "10.62.0.0/16"]).parse().unwrap(),
                ],
                next_hop: hub.child("hubVirtualNetworkConnections", "n").unwrap(),
            });
            HubAction::Routes(HubRoutes {
                routes: routes.collect(),
                labels: chance.flip().then(|| vec!["apps".to_owned()]),
                id: hub.child("hubRouteTables", "rt").unwrap(),
            })
        }
    }
}

pub(super) const KINDS: usize = 23;
