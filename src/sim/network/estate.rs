//! What is built? A typed view of the resource bodies that the network's truth depends on.
//!
//! Reads GET bodies as Azure shows them. A child is found whether it is a resource of its own or
//! stands inside its parent's body; when both are there, its own body counts.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ipnet::IpNet;
use serde_json::Value;

use super::onprem::OnPrem;
use super::parts::{
    Dead, EstateCircuit, EstateConnection, ExpressRouteGateway, PrivatePeering, Tunnel, Vnet,
    VnetPeering, read_gateway, truncated,
};
use super::routes;
use crate::arm::{self, CircuitPath, kind, read};
use crate::model::azure_limits::{VNET_PREFIXES, VNET_PREFIXES_V6};
use crate::model::{Region, ResourceId};

/// The resources, and what is wrong with them that no body shows.
#[derive(Debug, Clone)]
pub struct Estate<'a> {
    bodies: BTreeMap<&'a ResourceId, &'a Value>,
    regions_down: &'a BTreeSet<Region>,
    silent: &'a BTreeSet<ResourceId>,
    /// Gateways under a site failover test, and the peering location that they are cut off from.
    tested: BTreeMap<ResourceId, String>,
    /// Appliances that are not up: the network that they stand in, and their address.
    stopped: BTreeSet<(ResourceId, IpAddr)>,
    known: WorkedOut<'a>,
    read: Arc<EstateParts>,
}

/// The children of one kind of a resource, with their bodies.
pub(super) type Children<'a> = BTreeMap<ResourceId, &'a Value>;

/// What has been asked of an estate before and shows its bodies: they do not change under it, and reachability asks
/// the same for each site and network.
#[derive(Debug, Clone, Default)]
struct WorkedOut<'a> {
    children: RefCell<BTreeMap<(&'static str, ResourceId), Arc<Children<'a>>>>,
    beneath: OnceCell<BTreeMap<ResourceId, Vec<(&'a ResourceId, &'a Value)>>>,
}

/// What has been read of an estate. It follows from the bodies, the regions that are down and the connections that
/// carry nothing: of another estate with the same it is true as well ([`Estate::knowing`]).
#[derive(Debug, Default)]
pub struct EstateParts {
    vnets: OnceLock<BTreeMap<ResourceId, Vnet>>,
    peerings: OnceLock<BTreeMap<ResourceId, Vec<VnetPeering>>>,
    gateways: OnceLock<BTreeMap<ResourceId, ExpressRouteGateway>>,
    connections: OnceLock<Vec<EstateConnection>>,
    circuits: OnceLock<BTreeMap<ResourceId, EstateCircuit>>,
    told: Mutex<BTreeMap<ResourceId, Arc<BTreeSet<IpNet>>>>,
    serving: Mutex<BTreeMap<ResourceId, Arc<[ResourceId]>>>,
    tunnels: OnceLock<Vec<Tunnel>>,
    vpn_homes: OnceLock<BTreeMap<ResourceId, ResourceId>>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept is whole at any time.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Estate<'a> {
    /// A view of these resources.
    ///
    /// `regions_down` are dead; `silent` are connections that look well and carry nothing.
    #[must_use]
    pub fn new(
        resources: impl IntoIterator<Item = (&'a ResourceId, &'a Value)>,
        regions_down: &'a BTreeSet<Region>,
        silent: &'a BTreeSet<ResourceId>,
    ) -> Self {
        Self {
            bodies: resources.into_iter().collect(),
            regions_down,
            silent,
            tested: BTreeMap::new(),
            stopped: BTreeSet::new(),
            known: WorkedOut::default(),
            read: Arc::default(),
        }
    }

    /// The same, with appliances that are not up.
    #[must_use]
    pub fn with_stopped(self, stopped: BTreeSet<(ResourceId, IpAddr)>) -> Self {
        Self { stopped, read: Arc::default(), ..self }
    }

    /// The same, with what was read of an estate of the same bodies, regions and silent connections, tests and
    /// appliances.
    #[must_use]
    pub fn knowing(self, read: Arc<EstateParts>) -> Self {
        Self { read, ..self }
    }

    /// A resource's body.
    pub(super) fn body(&self, id: &ResourceId) -> Option<&'a Value> {
        self.bodies.get(id).copied()
    }

    /// Why an appliance is not up, if that is so.
    pub(super) fn is_appliance_down(&self, vnet: &ResourceId, address: IpAddr) -> Option<String> {
        if self.stopped.contains(&(vnet.clone(), address)) {
            return Some("it is stopped".to_owned());
        }
        let region = read::region(self.body(vnet)?)?;
        let down = self.regions_down.contains(&region);
        down.then(|| format!("region {} is down", region.as_str()))
    }

    /// Whether a region is down.
    pub(super) fn is_down(&self, region: &Region) -> bool {
        self.regions_down.contains(region)
    }

    /// Whether a connection looks well and carries nothing.
    pub(super) fn is_silent(&self, connection: &ResourceId) -> bool {
        self.silent.contains(connection)
    }

    /// The same, with gateways that a site failover test has cut off from a peering location.
    #[must_use]
    pub fn with_tests(self, tested: BTreeMap<ResourceId, String>) -> Self {
        Self { tested, read: Arc::default(), ..self }
    }

    pub(super) fn of_type(
        &self,
        wanted: &'static str,
    ) -> impl Iterator<Item = (&'a ResourceId, &'a Value)> {
        self.bodies.iter().filter(move |(id, _)| id.is_a(wanted)).map(|(id, body)| (*id, *body))
    }

    /// The children of one kind of a resource: those of their own and those in its body.
    pub(super) fn children(&self, parent: &ResourceId, kind: &'static str) -> Arc<Children<'a>> {
        let asked = (kind, parent.clone());
        let known = self.known.children.borrow().get(&asked).cloned();
        known.unwrap_or_else(|| {
            let found = Arc::new(self.find_children(parent, kind));
            self.known.children.borrow_mut().insert(asked, Arc::clone(&found));
            found
        })
    }

    fn find_children(&self, parent: &ResourceId, kind: &str) -> Children<'a> {
        let mut found = BTreeMap::new();
        let own = self.body(parent);
        let inside = own.map(|body| read::list(body, &format!("/properties/{kind}")));
        for body in inside.into_iter().flatten() {
            let id = read::name(body).and_then(|name| parent.child(kind, name).ok());
            if let Some(id) = id.or_else(|| read::id_at(body, "/id")) {
                found.insert(id, body);
            }
        }
        let wanted = format!("{}/{kind}", parent.resource_type().as_str());
        for (id, body) in self.beneath(parent) {
            if id.is_a(&wanted) {
                found.insert((*id).clone(), *body);
            }
        }
        found
    }

    /// What has a resource as its parent, of whichever kind.
    fn beneath(&self, parent: &ResourceId) -> &[(&'a ResourceId, &'a Value)] {
        let all = self.known.beneath.get_or_init(|| {
            let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for (id, body) in &self.bodies {
                if let Some(parent) = id.parent().filter(|parent| id.is_child_of(parent)) {
                    all.entry(parent).or_default().push((*id, *body));
                }
            }
            all
        });
        all.get(parent).map_or(&[], Vec::as_slice)
    }

    /// A virtual network.
    #[must_use]
    pub fn vnet(&self, id: &ResourceId) -> Option<&Vnet> {
        self.all_vnets().get(id)
    }

    /// All virtual networks, by id.
    pub fn vnets(&self) -> impl Iterator<Item = &Vnet> {
        self.all_vnets().values()
    }

    fn all_vnets(&self) -> &BTreeMap<ResourceId, Vnet> {
        self.read.vnets.get_or_init(|| {
            self.of_type(kind::NETWORKS)
                .map(|(id, body)| {
                    let prefixes = truncated(arm::VirtualNetworkView::of(body).space());
                    (id.clone(), Vnet { id: id.clone(), prefixes })
                })
                .collect()
        })
    }

    /// The prefix of a subnet; the first of IPv4, when it has several.
    #[must_use]
    pub fn subnet_prefix(&self, subnet: &ResourceId) -> Option<IpNet> {
        let children = self.children(&subnet.parent()?, "subnets");
        let body = children.get(subnet)?;
        // An IPv4 prefix sorts before those of IPv6.
        truncated(arm::SubnetView::of(body).prefixes()).first().copied()
    }

    /// The peerings of a virtual network: its own sides only, by id.
    #[must_use]
    pub fn peerings(&self, vnet: &ResourceId) -> &[VnetPeering] {
        let all = self.read.peerings.get_or_init(|| {
            let vnets = self.of_type(kind::NETWORKS).map(|(id, _)| id);
            vnets.map(|id| (id.clone(), self.peerings_in(id))).collect()
        });
        all.get(vnet).map_or(&[], Vec::as_slice)
    }

    fn peerings_in(&self, vnet: &ResourceId) -> Vec<VnetPeering> {
        self.children(vnet, "virtualNetworkPeerings")
            .iter()
            .filter_map(|(id, body)| {
                let side = arm::PeeringView::of(body);
                Some(VnetPeering {
                    remote: side.remote()?,
                    vnet: vnet.clone(),
                    connected: side.is_in("Connected"),
                    allow_gateway_transit: side.lends_gateway(),
                    use_remote_gateways: side.uses_gateway(),
                    known: side.known_space().map(truncated),
                    id: id.clone(),
                })
            })
            .collect()
    }

    /// An ExpressRoute gateway, of a network or of a hub; a VPN gateway is none.
    #[must_use]
    pub fn gateway(&self, id: &ResourceId) -> Option<&ExpressRouteGateway> {
        let all = self.read.gateways.get_or_init(|| {
            let bodies = self.bodies.iter();
            let read = bodies.filter_map(|(id, body)| read_gateway(id, body));
            let placed = read.map(|mut gateway| {
                gateway.cut_off = gateway.subnet.as_ref().is_some_and(|own| self.is_cut_off(own));
                (gateway.id.clone(), gateway)
            });
            placed.collect()
        });
        all.get(id)
    }

    /// Whether the route table of a gateway's subnet switches gateway routes off: no gateway works with that.
    pub(super) fn is_cut_off(&self, subnet: &ResourceId) -> bool {
        let table = subnet.parent().and_then(|vnet| {
            let children = self.children(&vnet, "subnets");
            arm::SubnetView::of(children.get(subnet)?).route_table()
        });
        let table = table.and_then(|table| self.body(&table));
        table.is_some_and(|own| arm::RouteTableView::of(own).keeps_gateway_routes_out())
    }

    /// All ExpressRoute gateways of networks, by id.
    pub fn gateways(&self) -> impl Iterator<Item = &ExpressRouteGateway> {
        self.of_type(kind::GATEWAYS).filter_map(|(id, _)| self.gateway(id))
    }

    /// The address that the gateway's body says it speaks BGP from, if it says one.
    #[must_use]
    pub(super) fn bgp_address(&self, gateway: &ResourceId) -> Option<std::net::IpAddr> {
        arm::GatewayView::of(self.body(gateway)?).bgp_address()
    }

    /// All connections between a gateway and a circuit, of networks and of hubs, by id.
    #[must_use]
    pub fn connections(&self) -> &[EstateConnection] {
        self.read.connections.get_or_init(|| {
            let own = self.of_type(kind::CONNECTIONS);
            let mut all: Vec<EstateConnection> = own
                .filter_map(|(id, body)| {
                    let own = arm::ConnectionView::of(body);
                    Some(EstateConnection {
                        id: id.clone(),
                        gateway: own.gateway()?,
                        circuit: own.circuit()?,
                        weight: u32::try_from(own.weight()).unwrap_or(0),
                        succeeded: arm::is_done(body),
                    })
                })
                .collect();
            all.extend(self.circuit_connections());
            all.sort_by(|a, b| a.id.cmp(&b.id));
            all
        })
    }

    /// Whether a region is down.
    pub(super) fn is_region_down(&self, region: &Region) -> bool {
        self.regions_down.contains(region)
    }

    /// The connections of a gateway, by id.
    pub fn connections_of_gateway<'e>(
        &'e self,
        gateway: &ResourceId,
    ) -> impl Iterator<Item = &'e EstateConnection> {
        self.connections().iter().filter(move |connection| connection.gateway == *gateway)
    }

    /// The connections to a circuit, by id.
    pub fn connections_of_circuit<'e>(
        &'e self,
        circuit: &ResourceId,
    ) -> impl Iterator<Item = &'e EstateConnection> {
        self.connections().iter().filter(move |connection| connection.circuit == *circuit)
    }

    /// What a gateway would tell if everything were well ([`routes::configured_prefixes`]).
    pub(super) fn told(&self, gateway: &ResourceId) -> Arc<BTreeSet<IpNet>> {
        let known = lock(&self.read.told).get(gateway).cloned();
        known.unwrap_or_else(|| {
            let told = Arc::new(routes::prefixes_behind(self, gateway));
            lock(&self.read.told).insert(gateway.clone(), Arc::clone(&told));
            told
        })
    }

    /// The gateways whose routes a network has, worked out once ([`Estate::serving`]).
    pub(super) fn known_serving(
        &self,
        vnet: &ResourceId,
        work_out: impl FnOnce() -> Vec<ResourceId>,
    ) -> Arc<[ResourceId]> {
        let known = lock(&self.read.serving).get(vnet).cloned();
        known.unwrap_or_else(|| {
            let serving: Arc<[ResourceId]> = work_out().into();
            lock(&self.read.serving).insert(vnet.clone(), Arc::clone(&serving));
            serving
        })
    }

    /// All tunnels, read once ([`Estate::tunnels`]).
    pub(super) fn known_tunnels(&self, read: impl FnOnce() -> Vec<Tunnel>) -> &[Tunnel] {
        self.read.tunnels.get_or_init(read)
    }

    /// The networks of living VPN gateways, worked out once ([`Estate::vpn_home`]).
    pub(super) fn known_vpn_homes(
        &self,
        work_out: impl FnOnce() -> BTreeMap<ResourceId, ResourceId>,
    ) -> &BTreeMap<ResourceId, ResourceId> {
        self.read.vpn_homes.get_or_init(work_out)
    }

    /// A circuit.
    #[must_use]
    pub fn circuit(&self, id: &ResourceId) -> Option<&EstateCircuit> {
        let all = self.read.circuits.get_or_init(|| {
            let circuits = self.of_type(kind::CIRCUITS);
            circuits.map(|(id, body)| (id.clone(), self.read_circuit(id, body))).collect()
        });
        all.get(id)
    }

    fn read_circuit(&self, id: &ResourceId, body: &Value) -> EstateCircuit {
        let peerings = self.children(id, "peerings");
        let private = peerings.iter().find(|(id, body)| {
            let named = id.name().eq_ignore_ascii_case(arm::PRIVATE_PEERING);
            named || arm::CircuitPeeringView::of(body).is_private()
        });
        let is = |text: Option<&str>, wanted: &str| {
            text.is_some_and(|own| own.eq_ignore_ascii_case(wanted))
        };
        let circuit = arm::CircuitView::of(body);
        let private = private.map(|(_, body)| arm::CircuitPeeringView::of(body));
        EstateCircuit {
            id: id.clone(),
            enabled: is(circuit.state(), "Enabled"),
            provisioned: circuit.is_provisioned(),
            location: circuit.location().map(str::to_owned),
            private: private.map(|own| PrivatePeering {
                enabled: own.is_enabled(),
                peer_asn: own.peer_asn(),
                primary: own.prefix(CircuitPath::Primary),
                secondary: own.prefix(CircuitPath::Secondary),
                v6: own.speaks_v6(),
            }),
        }
    }

    /// Whether a gateway is there, finished, and not in a region that is down.
    ///
    /// # Errors
    /// It is not; the reason says which.
    pub fn gateway_lives(&self, gateway: &ResourceId) -> Result<&ExpressRouteGateway, Dead> {
        let gateway = self.gateway(gateway).filter(|gateway| gateway.succeeded);
        let gateway = gateway.ok_or(Dead::Gateway)?;
        match &gateway.region {
            Some(region) if self.regions_down.contains(region) => Err(Dead::Region(region.clone())),
            _ if gateway.cut_off => Err(Dead::CutOff),
            _ => Ok(gateway),
        }
    }

    /// Whether a circuit is enabled, provisioned, and has an enabled private peering.
    ///
    /// # Errors
    /// It has not; the reason says which.
    pub fn circuit_lives(&self, circuit: &ResourceId) -> Result<&PrivatePeering, Dead> {
        let circuit = self
            .circuit(circuit)
            .filter(|circuit| circuit.enabled && circuit.provisioned)
            .ok_or(Dead::EstateCircuit)?;
        circuit.private.as_ref().filter(|peering| peering.enabled).ok_or(Dead::Peering)
    }

    /// Whether a prefix is told over a circuit, to either side: IPv6 only where its private peering has a
    /// configuration for it (azure-facts 2.2).
    #[must_use]
    pub fn crosses(&self, circuit: &ResourceId, network: &IpNet) -> bool {
        let private = || self.circuit(circuit)?.private.as_ref();
        matches!(network, IpNet::V4(_)) || private().is_some_and(|own| own.v6)
    }

    /// Whether a connection takes as many prefixes as its gateway tells; it goes down where it does not (azure-facts
    /// 2.2). Of hubs nothing is known.
    fn takes(&self, connection: &EstateConnection) -> Result<(), Dead> {
        let of_hub = self.gateway(&connection.gateway).is_some_and(|own| own.hub.is_some());
        let told = self.told(&connection.gateway);
        if of_hub || told.len() <= VNET_PREFIXES_V6 {
            return Ok(());
        }
        let v6 = told.iter().filter(|own| own.addr().is_ipv6()).count();
        let v4 = told.len() - v6;
        let too_many = v4 > VNET_PREFIXES || v6 > VNET_PREFIXES_V6;
        if too_many { Err(Dead::Prefixes(told.len())) } else { Ok(()) }
    }

    /// Whether the connection carries traffic: itself, its gateway, its circuit and a link are well.
    ///
    /// # Errors
    /// It does not; the first reason found, from Azure's side to the customer's.
    pub fn carries(&self, onprem: &OnPrem, connection: &EstateConnection) -> Result<(), Dead> {
        if !connection.succeeded {
            return Err(Dead::EstateConnection);
        }
        self.gateway_lives(&connection.gateway)?;
        let peering = self.circuit_lives(&connection.circuit)?;
        self.takes(connection)?;
        if let Some(location) = self.tested.get(&connection.gateway) {
            let circuit = self.circuit(&connection.circuit);
            let own = circuit.and_then(|circuit| circuit.location.as_deref());
            if own.is_some_and(|own| own.eq_ignore_ascii_case(location)) {
                return Err(Dead::Tested(location.clone()));
            }
        }
        // A session between two sides that disagree about the customer's number never stands.
        let agreed = peering.peer_asn.is_none_or(|asn| asn == onprem.asn);
        if !agreed || onprem.links_up(&connection.circuit).next().is_none() {
            return Err(Dead::Links);
        }
        if self.silent.contains(&connection.id) {
            return Err(Dead::Silent);
        }
        Ok(())
    }
}
