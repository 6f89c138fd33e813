//! By which ways do networks reach on-premises? Those that steps give them: by a connection that is made, or by a place
//! behind a gateway whose connection stands (decision 90).

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde_json::Value;

use super::carried::{Carried, FarEnd, WayLost, WayOut};
use super::facts::Fact;
use super::inquiry::{
    CIRCUITS, GATEWAY_SUBNET, GATEWAYS, Inquiry, circuit_of, id_at, peering, peerings_of, prefixes,
};
use crate::arm::{self, PeeringView};
use crate::model::action::{HubAction, Vpn};
use crate::model::{Action, ResourceId, Step};

const DEVICE: &str = "/properties/localNetworkGateway2/id";
const BEHIND_DEVICE: &str = "/properties/localNetworkAddressSpace/addressPrefixes";

/// What a connection of either kind leads to.
fn far_end(body: &Value) -> Option<FarEnd> {
    let circuit = circuit_of(body).filter(|id| id.is_a(CIRCUITS)).map(FarEnd::Circuit);
    circuit.or_else(|| id_at(body, DEVICE).map(FarEnd::Device))
}

impl<'a> Inquiry<'a> {
    /// The ways of a gateway of any kind.
    #[must_use]
    pub fn ways_of(&self, gateway: &ResourceId) -> Vec<WayOut> {
        let links = self.links_at(gateway).into_iter();
        let way = |(link, body)| {
            let far = far_end(body)?;
            Some(WayOut { gateway: gateway.clone(), link, far })
        };
        links.filter_map(way).collect()
    }

    /// The ways of the gateways that stand in a network.
    #[must_use]
    pub fn ways_from(&self, host: &ResourceId) -> Vec<WayOut> {
        let gateways = self.facts.body(host).map(|body| self.gateways_in(body));
        gateways.into_iter().flatten().flat_map(|gateway| self.ways_of(&gateway)).collect()
    }

    /// The ways of the gateway of a virtual WAN's hub.
    fn ways_from_hub(&self, hub: &ResourceId) -> Vec<WayOut> {
        let here = self.hub_links().filter(|link| link.hub().as_ref() == Some(hub));
        let way = |gateway: &ResourceId, link, body| {
            Some(WayOut { gateway: gateway.clone(), link, far: far_end(body)? })
        };
        here.filter_map(|own| way(own.gateway.0, own.id, own.body)).collect()
    }

    /// Whether a network's traffic is carried by what stands in another one: it uses that one's gateway, and the two
    /// are connected.
    #[must_use]
    pub fn is_behind(&self, network: &ResourceId, host: &ResourceId) -> bool {
        let side = |from: &ResourceId, to: &ResourceId| {
            let mut sides = peerings_of(self.facts.body(from)).iter().map(PeeringView::of);
            sides.find(|side| side.leads_to(to))
        };
        let apart = |side: PeeringView<'_>| side.is_in("Disconnected") || side.is_in("Initiated");
        let lent = side(host, network);
        if matches!(self.facts.resource(network), Fact::Unknown(_)) {
            return !lent.is_some_and(apart) && self.spokes(host).contains(network);
        }
        let used = side(network, host).filter(|side| side.uses_gateway() && !apart(*side));
        used.is_some() && lent.is_some_and(|side| side.lends_gateway() && !apart(side))
    }

    /// The networks whose gateways carry for a network: itself, and the one whose gateway it uses.
    fn hosts_of(&self, network: &ResourceId) -> Vec<ResourceId> {
        let sides = peerings_of(self.facts.body(network)).iter().map(PeeringView::of);
        let used = sides.filter(|side| side.uses_gateway()).filter_map(PeeringView::remote);
        let used = used.filter(|host| self.is_behind(network, host));
        std::iter::once(network.clone()).chain(used).collect()
    }

    /// All ways of a network: those of its own gateways, of the one that it uses, and of the hubs that are known to
    /// have it.
    #[must_use]
    pub fn ways_out(&self, network: &ResourceId) -> Vec<WayOut> {
        let mut all: Vec<WayOut> =
            self.hosts_of(network).iter().flat_map(|host| self.ways_from(host)).collect();
        let sides = peerings_of(self.facts.body(network)).iter().map(PeeringView::of);
        let names: Vec<String> = sides.filter_map(PeeringView::hub).collect();
        let named = |hub: &ResourceId| names.iter().any(|own| own.eq_ignore_ascii_case(hub.name()));
        let hubs: BTreeSet<ResourceId> = match names.is_empty() {
            true => BTreeSet::new(),
            false => self.hub_links().filter_map(|link| link.hub()).filter(named).collect(),
        };
        for hub in hubs {
            let has = self.hub_networks(&BTreeSet::from([hub.clone()]));
            if has.is_ok_and(|networks| networks.contains(network)) {
                all.extend(self.ways_from_hub(&hub));
            }
        }
        all
    }

    /// The ways that steps make, each a connection with all that is behind its gateway.
    fn made_ways(&self) -> Vec<Carried<'a>> {
        let circuits = self.planned_links().into_iter().map(|own| {
            let far = FarEnd::Circuit(own.circuit.clone());
            let way = WayOut { gateway: own.gateway, link: own.id.clone(), far };
            Carried { step: own.step, way, network: None }
        });
        let tunnels = self.actions(|action| match action {
            Action::Vpn(Vpn::Connection(spec)) => Some(spec),
            _ => None,
        });
        let tunnels = tunnels.into_iter().map(|(step, spec)| {
            let far = FarEnd::Device(spec.local_gateway.clone());
            let way = WayOut { gateway: spec.gateway.clone(), link: spec.id.clone(), far };
            Carried { step, way, network: None }
        });
        circuits.chain(tunnels).collect()
    }

    /// The networks that steps put behind the gateway of another one, each with the last of these steps. One that is
    /// there already, and one that is only to be there for a while, are told apart by the worlds as the run finds it
    /// and as its steps leave it.
    fn joining(&self) -> BTreeMap<(ResourceId, ResourceId), &'a Step> {
        let end = self.at_end();
        let places: BTreeMap<usize, usize> = self
            .plan
            .dag()
            .order()
            .iter()
            .enumerate()
            .map(|(turn, place)| (*place, turn))
            .collect();
        let turn = |step: &Step| {
            self.plan.place(&step.name).and_then(|place| places.get(&place)).copied().unwrap_or(0)
        };
        let mut all: BTreeMap<(ResourceId, ResourceId), &'a Step> = BTreeMap::new();
        for (step, spec) in self.peerings() {
            let Some(own) = spec.id.parent() else { continue };
            let (uses, lends) = (spec.use_remote_gateways, spec.allow_gateway_transit);
            let ways = [(&own, &spec.remote, uses), (&spec.remote, &own, lends)];
            for (network, host, flag) in ways {
                if self.is_behind(network, host) {
                    continue;
                }
                let for_a_while =
                    || flag == Some(true) && self.left_by(step).is_behind(network, host);
                if end.is_behind(network, host) || for_a_while() {
                    let pair = (network.clone(), host.clone());
                    let last = all.entry(pair).or_insert(step);
                    if turn(step) > turn(last) {
                        *last = step;
                    }
                }
            }
        }
        all
    }

    /// The networks that steps connect to a hub which does not have them yet, each with the hub.
    pub(super) fn joining_hubs(&self) -> Vec<(&'a Step, ResourceId, ResourceId)> {
        let all = self.hub_actions().into_iter().filter_map(|(step, action)| {
            let HubAction::Vnet(spec) = action else { return None };
            let hub = spec.id.parent()?;
            let has = self.hub_networks(&BTreeSet::from([hub.clone()]));
            let stood = has.is_ok_and(|has| has.contains(&spec.vnet));
            (!stood).then(|| (step, spec.vnet.clone(), hub))
        });
        all.collect()
    }

    /// What steps bring to on-premises: by the connections that they make, and by putting networks behind gateways whose
    /// connections no step makes. Each way is one, so that a network behind two circuits is there twice.
    #[must_use]
    pub fn carried(&self) -> Vec<Carried<'a>> {
        self.brought.get_or_init(|| self.all_brought()).clone()
    }

    fn all_brought(&self) -> Vec<Carried<'a>> {
        let mut all = self.made_ways();
        let made: BTreeSet<ResourceId> = all.iter().map(|own| own.way.link.clone()).collect();
        let end = self.at_end();
        let mut add = |step: &'a Step, network: &ResourceId, ways: Vec<WayOut>| {
            let standing = ways.into_iter().filter(|way| !made.contains(&way.link));
            all.extend(standing.map(|way| Carried { step, way, network: Some(network.clone()) }));
        };
        for ((network, host), step) in self.joining() {
            add(step, &network, end.ways_from(&host));
        }
        for (step, network, hub) in self.joining_hubs() {
            add(step, &network, end.ways_from_hub(&hub));
        }
        all
    }

    /// What steps put behind gateways whose connections no step makes.
    #[must_use]
    pub fn joined(&self) -> Vec<(Carried<'a>, ResourceId)> {
        let all = self.carried().into_iter();
        all.filter_map(|own| own.network.clone().map(|network| (own, network))).collect()
    }

    /// The networks that have their ways before the run and after it, and whose subnets get other tables, routes or
    /// groups by steps.
    #[must_use]
    pub fn changed(&self) -> Vec<Carried<'a>> {
        self.otherwise.get_or_init(|| self.all_otherwise()).clone()
    }

    fn all_otherwise(&self) -> Vec<Carried<'a>> {
        let end = self.at_end();
        let brought = self.carried();
        let made: BTreeSet<&ResourceId> =
            brought.iter().filter(|own| own.network.is_none()).map(|own| &own.way.link).collect();
        let mut networks: BTreeMap<ResourceId, &'a Step> = BTreeMap::new();
        for (step, subnet) in self.subnets_changed() {
            let Some(network) = subnet.parent() else { continue };
            // What comes from on-premises passes the table of the gateway's own subnet.
            if subnet.name().eq_ignore_ascii_case(GATEWAY_SUBNET) {
                networks.extend(end.spokes(&network).into_iter().map(|spoke| (spoke, step)));
            }
            networks.insert(network, step);
        }
        let mut all = Vec::new();
        for (network, step) in networks {
            for way in end.ways_out(&network) {
                let joins =
                    |own: &Carried<'_>| own.network.as_ref() == Some(&network) && own.way == way;
                if !made.contains(&way.link) && !brought.iter().any(joins) {
                    all.push(Carried { step, way, network: Some(network.clone()) });
                }
            }
        }
        all
    }

    /// The subnets whose table or group steps change: by giving them another one, or by writing the one that they use.
    #[must_use]
    pub fn subnets_changed(&self) -> Vec<(&'a Step, ResourceId)> {
        let mut all = Vec::new();
        for step in self.plan.steps_to_run() {
            let table = match &step.action {
                Action::Association(spec) => {
                    all.push((step, spec.subnet.clone()));
                    continue;
                }
                Action::Dissociation(spec) => {
                    all.push((step, spec.subnet.clone()));
                    continue;
                }
                Action::SecurityGroup(spec) => {
                    all.push((step, spec.subnet.clone()));
                    continue;
                }
                Action::RouteTable(spec) => Some(spec.id.clone()),
                Action::Route(spec) => spec.id.parent(),
                Action::Remove(spec) => {
                    spec.id.parent().filter(|id| id.is_a(arm::kind::ROUTE_TABLES))
                }
                _ => None,
            };
            let body = table.and_then(|table| self.facts.body(&table));
            let users = body.map(|body| arm::RouteTableView::of(body).users());
            all.extend(users.into_iter().flatten().map(|subnet| (step, subnet)));
        }
        all
    }

    /// The networks that a way is about: the one that is put on it, or all that are behind its gateway.
    ///
    /// # Errors
    /// It is not known which they are, and why.
    pub fn networks_on(&self, own: &Carried<'_>) -> Result<BTreeSet<ResourceId>, String> {
        if let Some(network) = &own.network {
            return Ok(BTreeSet::from([network.clone()]));
        }
        let gateway = &own.way.gateway;
        if let Some(hub) = self.hub_of(gateway) {
            return self.hub_networks(&BTreeSet::from([hub]));
        }
        let host = self.vnet_of(gateway).ok_or_else(|| UNREAD.to_owned())?;
        let mut all = self.spokes(&host);
        all.insert(host);
        Ok(all)
    }

    /// The addresses that a way is about. A hub's gateway speaks for all of its WAN.
    ///
    /// # Errors
    /// They are not known, and why.
    pub fn space_on(&self, own: &Carried<'_>) -> Result<Vec<IpNet>, String> {
        if let Some(network) = &own.network {
            let space = self.space(network);
            return space.ok_or_else(|| format!("{} cannot be read", network.name()));
        }
        match self.hub_of(&own.way.gateway) {
            Some(hub) => self.hub_space(&hub),
            None => self.advertised(&own.way.gateway).ok_or_else(|| UNREAD.to_owned()),
        }
    }

    /// Every prefix that a gateway would speak for but for those of one network; none when a network of it is not known.
    #[must_use]
    pub fn advertised_but(
        &self,
        gateway: &ResourceId,
        network: Option<&ResourceId>,
    ) -> Option<Vec<IpNet>> {
        let host = self.vnet_of(gateway)?;
        let mut all = Vec::new();
        for own in std::iter::once(host.clone()).chain(self.spokes(&host)) {
            if Some(&own) != network {
                all.extend(self.space(&own)?);
            }
        }
        Some(all)
    }

    /// What is told of on-premises at the far end: over either path of a circuit; of a device what stands in its local
    /// network gateway, as what it tells by BGP is seen by nobody before.
    ///
    /// # Errors
    /// It is not known, and why.
    pub fn told_by(&self, far: &FarEnd) -> Result<Vec<IpNet>, String> {
        match far {
            FarEnd::Circuit(circuit) => self.heard(circuit),
            FarEnd::Device(device) => self.behind_device(device),
        }
    }

    /// The prefixes behind the device of a tunnel: as planned, or as they stand.
    ///
    /// # Errors
    /// They were not read, and why.
    pub fn behind_device(&self, device: &ResourceId) -> Result<Vec<IpNet>, String> {
        let planned = self.actions(|action| match action {
            Action::Vpn(Vpn::LocalGateway(spec)) if spec.id == *device => Some(&spec.prefixes),
            _ => None,
        });
        if let Some((_, own)) = planned.first() {
            return Ok((*own).clone());
        }
        Ok(self.read(device)?.map(|body| prefixes(body, BEHIND_DEVICE)).unwrap_or_default())
    }

    /// Whether a way may carry, as far as anybody can see: no circuit or peering that is switched off, no session, no
    /// tunnel.
    #[must_use]
    pub fn may_carry(&self, way: &WayOut) -> bool {
        let circuit = match &way.far {
            FarEnd::Device(_) => {
                let body = self.links_at(&way.gateway).into_iter().find(|(id, _)| *id == way.link);
                let status = body.and_then(|(_, body)| arm::ConnectionView::of(body).status());
                return status != Some("NotConnected");
            }
            FarEnd::Circuit(circuit) => circuit,
        };
        let Some(body) = self.facts.body(circuit) else { return true };
        let own = arm::CircuitView::of(body);
        let enabled = own.state().is_none_or(|own| own.eq_ignore_ascii_case("Enabled"));
        let peered = peering(body, arm::PRIVATE_PEERING)
            .is_some_and(|own| arm::CircuitPeeringView::of(own).is_enabled());
        let silent = self.received(circuit) == Ok([None; 2]);
        enabled && own.is_provisioned() && peered && !silent
    }

    /// The circuits that are to carry what steps bring: those that connections are to lead to, and of a gateway whose
    /// connections stand those that may carry. Where none of them may, all: each rule says what is wrong with it.
    #[must_use]
    pub fn counted_on(&self) -> BTreeSet<ResourceId> {
        let end = self.at_end();
        let mut all: BTreeSet<ResourceId> = self.connected().into_iter().cloned().collect();
        for (own, network) in self.joined() {
            let Some(circuit) = own.circuit() else { continue };
            let others = end.ways_out(&network);
            if self.may_carry(&own.way) || !others.iter().any(|way| self.may_carry(way)) {
                all.insert(circuit.clone());
            }
        }
        all
    }

    /// The gateways of networks that stand connected and behind which steps put others. One that is switched off does not
    /// count where another of its network carries: so it is while one takes over from the other.
    #[must_use]
    pub fn gateways_joined(&self) -> BTreeSet<ResourceId> {
        let joined: BTreeSet<ResourceId> = self
            .joined()
            .into_iter()
            .map(|(own, _)| own.way.gateway)
            .filter(|gateway| gateway.is_a(GATEWAYS))
            .collect();
        let off = |gateway: &ResourceId| {
            self.facts.body(gateway).is_some_and(|own| arm::GatewayView::of(own).is_switched_off())
        };
        let carries = |gateway: &ResourceId| {
            let host = self.vnet_of(gateway);
            joined.iter().any(|other| self.vnet_of(other) == host && !off(other))
        };
        joined.iter().filter(|own| !off(own) || !carries(own)).cloned().collect()
    }

    /// The circuits that are to carry what steps bring, and those that steps write.
    #[must_use]
    pub fn circuits_used(&self) -> BTreeSet<ResourceId> {
        let written = self.circuits().into_iter().cloned();
        written.chain(self.counted_on()).collect()
    }

    /// The networks that lose their only way to on-premises by what a step says of a peering, and not by its removal.
    /// Where connections were not read, some of them may have another one.
    #[must_use]
    pub fn ways_lost(&self) -> Vec<WayLost<'a>> {
        let end = self.at_end();
        let mut all = Vec::new();
        for (step, spec) in self.peerings() {
            let Some(own) = spec.id.parent() else { continue };
            for (network, host) in [(&own, &spec.remote), (&spec.remote, &own)] {
                let left = self.is_behind(network, host) && !end.is_behind(network, host);
                if left && !self.ways_from(host).is_empty() && end.ways_out(network).is_empty() {
                    all.push(WayLost { step, network: network.clone(), host: host.clone() });
                }
            }
        }
        all
    }
}

const UNREAD: &str = "a network behind the gateway cannot be read";
