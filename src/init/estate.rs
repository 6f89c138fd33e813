//! What is there? The parts of an estate that a failover is about, read from a world.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde_json::Value;

use crate::arm::{
    self, CircuitPeeringView, CircuitView, ConnectionView, GatewayView, PeeringView, SubnetView,
    kind, read,
};
use crate::model::net::clash;
use crate::model::{Region, ResourceId};
use crate::sim::network::OnPrem;
use crate::sim::{Lock, Scenario, World};

/// An estate, by what its parts are for each other.
#[derive(Debug, Clone)]
pub struct KnownEstate {
    /// The name of the world that it was read from.
    pub(super) world: String,
    /// Every resource as a GET shows it, keys sealed, by its id.
    pub(super) bodies: BTreeMap<ResourceId, Value>,
    pub(super) networks: Vec<EstateNetwork>,
    pub(super) gateways: Vec<EstateGateway>,
    pub(super) links: Vec<CircuitLink>,
    pub(super) circuits: Vec<Circuit>,
    pub(super) firewalls: Vec<Firewall>,
    /// Resource groups and their homes.
    pub(super) groups: Vec<(String, Region)>,
    pub(super) onprem: OnPrem,
    pub(super) regions_down: Vec<Region>,
    pub(super) locks: Vec<Lock>,
}

/// A virtual network.
#[derive(Debug, Clone)]
pub(super) struct EstateNetwork {
    pub(super) id: ResourceId,
    pub(super) region: Region,
    pub(super) space: Vec<IpNet>,
    pub(super) subnets: Vec<EstateSubnet>,
    pub(super) peerings: Vec<VnetSide>,
    pub(super) dns: Vec<String>,
}

/// A subnet of a network.
#[derive(Debug, Clone)]
pub(super) struct EstateSubnet {
    pub(super) name: String,
    pub(super) prefixes: Vec<IpNet>,
    pub(super) table: Option<ResourceId>,
    pub(super) security_group: Option<ResourceId>,
}

/// A network's side of a peering.
#[derive(Debug, Clone)]
pub(super) struct VnetSide {
    pub(super) name: String,
    pub(super) remote: ResourceId,
    pub(super) forwarded: bool,
    pub(super) lends: bool,
    pub(super) uses: bool,
}

/// A gateway of a network, of either kind.
#[derive(Debug, Clone)]
pub(super) struct EstateGateway {
    pub(super) id: ResourceId,
    pub(super) network: ResourceId,
    pub(super) express_route: bool,
    pub(super) sku: String,
}

/// A connection of a gateway with a circuit.
#[derive(Debug, Clone)]
pub(super) struct CircuitLink {
    pub(super) id: ResourceId,
    pub(super) gateway: ResourceId,
    pub(super) circuit: ResourceId,
    pub(super) weight: u64,
    /// Whether packets go past its gateway.
    pub(super) fast_path: bool,
    /// The authorization that it was made with, where that can be told.
    pub(super) authorization: Option<String>,
}

/// A circuit.
#[derive(Debug, Clone)]
pub(super) struct Circuit {
    pub(super) id: ResourceId,
    pub(super) region: Option<Region>,
    pub(super) place: Option<String>,
    pub(super) tier: Option<String>,
    /// Provisioned on both sides, with an enabled private peering.
    pub(super) ready: bool,
    pub(super) speaks_v6: bool,
    /// What keeps replication off its Microsoft peering, as a phrase; none where that is ready.
    pub(super) not_replicated: Option<String>,
    /// Authorizations, and whether they are free.
    pub(super) authorizations: Vec<(String, bool)>,
}

/// An Azure firewall.
#[derive(Debug, Clone)]
pub(super) struct Firewall {
    pub(super) id: ResourceId,
    pub(super) network: Option<ResourceId>,
    pub(super) address: Option<std::net::IpAddr>,
}

impl KnownEstate {
    /// Reads an estate from a world.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        // Through the simulator's own reading, so that children stand in their parents however they were written.
        let file = World::new(scenario).to_file(scenario.now);
        let mut bodies = BTreeMap::new();
        for body in read::list(&file, "/resources") {
            if let Some(id) = read::id_at(body, "/id") {
                bodies.insert(id, body.clone());
            }
        }
        let mut estate = Self {
            world: scenario.world.clone(),
            bodies: BTreeMap::new(),
            networks: Vec::new(),
            gateways: Vec::new(),
            links: Vec::new(),
            circuits: Vec::new(),
            firewalls: Vec::new(),
            groups: scenario
                .resource_groups
                .iter()
                .map(|group| (group.id.clone(), group.location.clone()))
                .collect(),
            onprem: scenario.onprem.clone(),
            regions_down: scenario.regions_down.iter().cloned().collect(),
            locks: scenario.locks.clone(),
        };
        for (id, body) in &bodies {
            estate.take(id, body);
        }
        for circuit in &mut estate.circuits {
            circuit.place = circuit.place.take().or_else(|| place_of_port(&bodies, &circuit.id));
        }
        for link in &mut estate.links {
            link.authorization = authorization_of(&bodies, link);
        }
        estate.bodies = bodies;
        estate
    }

    fn take(&mut self, id: &ResourceId, body: &Value) {
        let own = id.resource_type();
        if own.is(kind::NETWORKS) {
            self.networks.extend(network(id, body));
        } else if own.is(kind::GATEWAYS) {
            let view = GatewayView::of(body);
            if let Some(network) = view.network() {
                self.gateways.push(EstateGateway {
                    id: id.clone(),
                    network,
                    express_route: view.is_express_route(),
                    sku: view.sku().unwrap_or_default().to_owned(),
                });
            }
        } else if own.is(kind::CONNECTIONS) {
            let view = ConnectionView::of(body);
            if let (Some(gateway), Some(circuit), true) =
                (view.gateway(), view.circuit(), view.is_express_route())
            {
                self.links.push(CircuitLink {
                    id: id.clone(),
                    gateway,
                    circuit,
                    weight: view.weight(),
                    fast_path: view.goes_past_gateway(),
                    authorization: None,
                });
            }
        } else if own.is(kind::CIRCUITS) {
            self.circuits.push(circuit(id, body));
        } else if own.is(kind::FIREWALLS) {
            let subnet = read::list(body, "/properties/ipConfigurations")
                .iter()
                .find_map(|own| read::id_at(own, "/properties/subnet/id"));
            self.firewalls.push(Firewall {
                id: id.clone(),
                network: subnet.and_then(|subnet| subnet.parent()),
                address: arm::firewall_address(body),
            });
        }
    }

    pub(super) fn network(&self, id: &ResourceId) -> Option<&EstateNetwork> {
        self.networks.iter().find(|network| network.id == *id)
    }

    pub(super) fn circuit(&self, id: &ResourceId) -> Option<&Circuit> {
        self.circuits.iter().find(|circuit| circuit.id == *id)
    }

    /// The ExpressRoute gateway of a network.
    pub(super) fn gateway_in(&self, network: &ResourceId) -> Option<&EstateGateway> {
        self.gateways.iter().find(|own| own.express_route && own.network == *network)
    }

    /// Whether a network has a gateway of either kind.
    pub(super) fn has_gateway(&self, network: &ResourceId) -> bool {
        self.gateways.iter().any(|own| own.network == *network)
    }

    /// The VPN gateway of a network.
    pub(super) fn vpn_in(&self, network: &ResourceId) -> Option<&EstateGateway> {
        self.gateways.iter().find(|own| !own.express_route && own.network == *network)
    }

    pub(super) fn links_of<'e>(
        &'e self,
        gateway: &'e ResourceId,
    ) -> impl Iterator<Item = &'e CircuitLink> {
        self.links.iter().filter(move |link| link.gateway == *gateway)
    }

    /// Bodies of a type, by their ids.
    pub(super) fn of_kind<'e>(
        &'e self,
        kind: &'e str,
    ) -> impl Iterator<Item = (&'e ResourceId, &'e Value)> {
        self.bodies.iter().filter(move |(id, _)| id.is_a(kind))
    }

    /// What on-premises tells a circuit, on either path; nothing where the world has no links of it.
    pub(super) fn heard_by(&self, circuit: &ResourceId) -> Vec<IpNet> {
        let mut all: Vec<IpNet> = Vec::new();
        for link in self.onprem.links.iter().filter(|link| link.circuit == *circuit) {
            let behind = |name: &String| link.sites.is_empty() || link.sites.contains(name);
            let told: Vec<IpNet> = link.advertise.clone().unwrap_or_else(|| {
                let sites = self.onprem.sites.iter().filter(|site| behind(&site.name));
                sites.flat_map(|site| site.prefixes.clone()).collect()
            });
            all.extend(told);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether a session between on-premises and the circuit stands.
    pub(super) fn has_session(&self, circuit: &ResourceId) -> bool {
        self.onprem.links.iter().any(|link| link.circuit == *circuit && link.up)
    }

    /// Every prefix of every site.
    pub(super) fn all_sites(&self) -> Vec<IpNet> {
        let mut all: Vec<IpNet> =
            self.onprem.sites.iter().flat_map(|site| site.prefixes.clone()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The home of a resource's group.
    pub(super) fn home_of(&self, id: &ResourceId) -> Option<&Region> {
        let own = group_id(id);
        self.groups.iter().find(|(group, _)| group.eq_ignore_ascii_case(&own)).map(|(_, home)| home)
    }
}

/// The id of a resource's group.
pub(super) fn group_id(id: &ResourceId) -> String {
    format!("/subscriptions/{}/resourceGroups/{}", id.subscription(), id.resource_group())
}

/// Whether two lists of prefixes have an address in common.
pub(super) fn overlap(left: &[IpNet], right: &[IpNet]) -> bool {
    clash(left, right).is_some()
}

fn network(id: &ResourceId, body: &Value) -> Option<EstateNetwork> {
    let view = arm::VirtualNetworkView::of(body);
    let subnets = view.subnets().iter().filter_map(|own| {
        let view = SubnetView::of(own);
        Some(EstateSubnet {
            name: read::name(own)?.to_owned(),
            prefixes: view.prefixes(),
            table: view.route_table(),
            security_group: view.security_group(),
        })
    });
    let sides = view.peerings().iter().filter_map(|own| {
        let view = PeeringView::of(own);
        Some(VnetSide {
            name: read::name(own)?.to_owned(),
            remote: view.remote()?,
            forwarded: read::flag(own, "/properties/allowForwardedTraffic"),
            lends: view.lends_gateway(),
            uses: view.uses_gateway(),
        })
    });
    let servers = read::list(body, "/properties/dhcpOptions/dnsServers");
    Some(EstateNetwork {
        id: id.clone(),
        region: read::region(body)?,
        space: view.space(),
        subnets: subnets.collect(),
        peerings: sides.collect(),
        dns: servers.iter().filter_map(|own| own.as_str().map(str::to_owned)).collect(),
    })
}

/// Where the port is that a circuit stands on, where it has one of its own (azure-facts 2.1, GEO-DIRECT).
fn place_of_port(bodies: &BTreeMap<ResourceId, Value>, circuit: &ResourceId) -> Option<String> {
    let port = read::id_at(bodies.get(circuit)?, "/properties/expressRoutePort/id")?;
    read::text(bodies.get(&port)?, "/properties/peeringLocation").map(str::to_owned)
}

fn circuit(id: &ResourceId, body: &Value) -> Circuit {
    let view = CircuitView::of(body);
    let private = view.peering(arm::PRIVATE_PEERING);
    let done = |state: Option<&str>, wanted: &str| {
        state.is_some_and(|state| state.eq_ignore_ascii_case(wanted))
    };
    let peered = private.is_some_and(|own| CircuitPeeringView::of(own).is_enabled());
    let authorizations = read::list(body, "/properties/authorizations").iter().filter_map(|own| {
        let free = read::is(own, "/properties/authorizationUseStatus", "Available");
        Some((read::name(own)?.to_owned(), free))
    });
    Circuit {
        id: id.clone(),
        region: read::region(body),
        place: view.location().map(str::to_owned),
        tier: view.tier().map(str::to_owned),
        ready: done(view.state(), "Enabled") && view.is_provisioned() && peered,
        speaks_v6: private.is_some_and(|own| CircuitPeeringView::of(own).speaks_v6()),
        not_replicated: Some(view.microsoft_peering_lacks())
            .filter(|lacks| !lacks.is_empty())
            .map(|lacks| lacks.join(", ")),
        authorizations: authorizations.collect(),
    }
}

/// The authorization whose key a connection was made with; where no key tells, the only one in use.
fn authorization_of(bodies: &BTreeMap<ResourceId, Value>, link: &CircuitLink) -> Option<String> {
    let circuit = bodies.get(&link.circuit)?;
    let all = read::list(circuit, "/properties/authorizations");
    let key = bodies.get(&link.id).and_then(|body| ConnectionView::of(body).key());
    let same = key.and_then(|key| {
        all.iter().find(|own| read::text(own, "/properties/authorizationKey") == Some(key))
    });
    let used = || {
        let is_used = |own: &&Value| read::is(own, "/properties/authorizationUseStatus", "InUse");
        let mut used = all.iter().filter(is_used);
        let one = used.next()?;
        (used.next().is_none() && key.is_none()).then_some(one)
    };
    same.or_else(used).and_then(read::name).map(str::to_owned)
}
