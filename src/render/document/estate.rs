//! What do the networks look like before, during and after? A small estate, and what each step does to it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::material::Known;
use crate::arm::{self, kind, read};
use crate::engine::{RunState, StepRecord};
use crate::model::action::{
    Connection, HubAction, Peering, Removal, RemovalKind, Verification, Vpn,
};
use crate::model::{Action, Plan, Region, ResourceId};

/// What became of a thing since the beginning; on a map also what is being done to it, and what is still to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeMark {
    #[default]
    There,
    New,
    Changed,
    Gone,
    /// A step is at work on it.
    Working,
    /// A step is still to make it.
    Coming,
    /// A step is still to change it.
    Changing,
    /// A step is still to remove it.
    Leaving,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Network {
    #[serde(default)]
    pub(super) mark: ChangeMark,
    pub(super) region: Option<Region>,
    pub(super) prefixes: Vec<String>,
    /// Route tables that its subnets use.
    pub(super) tables: BTreeMap<ResourceId, ChangeMark>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct GatewayBox {
    pub(super) vnet: ResourceId,
    pub(super) sku: Option<String>,
    pub(super) mark: ChangeMark,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct NetworkLink {
    pub(super) gateway: ResourceId,
    pub(super) circuit: ResourceId,
    pub(super) mark: ChangeMark,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct CircuitBox {
    pub(super) place: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) mbps: Option<u64>,
    pub(super) mark: ChangeMark,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PeeringSide {
    pub(super) vnet: ResourceId,
    pub(super) remote: ResourceId,
    pub(super) transit: bool,
    pub(super) mark: ChangeMark,
}

/// A customer's VPN device, for which a local network gateway stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct DeviceBox {
    pub(super) address: Option<String>,
    pub(super) prefixes: Vec<String>,
    pub(super) mark: ChangeMark,
}

/// A tunnel, from a device to a VPN gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TunnelLine {
    pub(super) gateway: ResourceId,
    pub(super) device: ResourceId,
    pub(super) mark: ChangeMark,
}

/// The networks at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct NetworkPicture {
    pub(super) networks: BTreeMap<ResourceId, Network>,
    pub(super) gateways: BTreeMap<ResourceId, GatewayBox>,
    pub(super) links: BTreeMap<ResourceId, NetworkLink>,
    pub(super) circuits: BTreeMap<ResourceId, CircuitBox>,
    pub(super) peerings: BTreeMap<ResourceId, PeeringSide>,
    pub(super) sites: Vec<(String, Vec<String>)>,
    pub(super) site_links: Vec<(ResourceId, Vec<String>)>,
    pub(super) down: BTreeSet<Region>,
    #[serde(default)]
    pub(super) devices: BTreeMap<ResourceId, DeviceBox>,
    #[serde(default)]
    pub(super) tunnels: BTreeMap<ResourceId, TunnelLine>,
    /// Places from which a run looks, where no site is known by name.
    #[serde(default)]
    pub(super) vantages: Vec<String>,
}

impl NetworkPicture {
    /// The estate of bodies as Azure shows them.
    pub(super) fn of(known: &Known) -> Self {
        let mut estate = Self {
            sites: known.sites.clone(),
            site_links: known.links.clone(),
            down: known.down.clone(),
            ..Self::default()
        };
        for (id, body) in &known.bodies {
            estate.take_in(id, body);
        }
        estate
    }

    fn take_in(&mut self, id: &ResourceId, body: &Value) {
        let own = id.resource_type();
        if self.take_in_tunnel(id, body) {
            return;
        }
        if own.is(kind::NETWORKS) {
            let network = self.networks.entry(id.clone()).or_default();
            network.region = read::region(body);
            let space = arm::VirtualNetworkView::of(body).space();
            network.prefixes = space.iter().map(ToString::to_string).collect();
            // Whoever asks for a network is shown its parts with it.
            for (part, kind) in [
                ("virtualNetworkPeerings", "/properties/virtualNetworkPeerings"),
                ("subnets", "/properties/subnets"),
            ] {
                for own in body.pointer(kind).and_then(Value::as_array).into_iter().flatten() {
                    let name = read::text(own, "/name").unwrap_or_default();
                    if let Ok(child) = id.child(part, name) {
                        self.take_in(&child, own);
                    }
                }
            }
        } else if own.is(kind::SUBNETS) {
            let table = arm::SubnetView::of(body).route_table();
            if let (Some(vnet), Some(table)) = (id.parent(), table) {
                self.networks.entry(vnet).or_default().tables.insert(table, ChangeMark::There);
            }
        } else if own.is(kind::PEERINGS) {
            let side = arm::PeeringView::of(body);
            if let (Some(vnet), Some(remote)) = (id.parent(), side.remote()) {
                let transit = side.lends_gateway();
                let side = PeeringSide { vnet, remote, transit, mark: ChangeMark::There };
                self.peerings.insert(id.clone(), side);
            }
        } else if own.is(kind::GATEWAYS) {
            let gateway = arm::GatewayView::of(body);
            if let Some(vnet) = gateway.network() {
                let sku = gateway.sku().map(str::to_owned);
                self.gateways.insert(id.clone(), GatewayBox { vnet, sku, mark: ChangeMark::There });
            }
        } else if own.is(kind::CONNECTIONS) {
            let connection = arm::ConnectionView::of(body);
            if let (Some(gateway), Some(circuit)) = (connection.gateway(), connection.circuit()) {
                self.links
                    .insert(id.clone(), NetworkLink { gateway, circuit, mark: ChangeMark::There });
            }
        } else if own.is(kind::CIRCUITS) {
            let circuit = arm::CircuitView::of(body);
            let circuit = CircuitBox {
                place: circuit.location().map(str::to_owned),
                provider: circuit.provider().map(str::to_owned),
                mbps: circuit.mbps(),
                mark: ChangeMark::There,
            };
            self.circuits.insert(id.clone(), circuit);
        } else {
            self.take_in_hub(id, body);
        }
    }

    /// The estate as far as a plan alone tells: what it refers to and does not make itself.
    pub(super) fn of_plan(plan: &Plan) -> Self {
        let mut estate = Self::default();
        for step in plan.steps() {
            for id in step.action.reads().into_iter().chain(step.action.subject()) {
                estate.mention(id);
            }
            if let Action::Gateway(spec) = &step.action
                && let Some(vnet) = spec.subnet.parent()
            {
                estate.networks.entry(vnet).or_default().region = Some(spec.location.clone());
            }
            if let Action::Verify(Verification::Routes { gateway, .. }) = &step.action
                && let Some(vnet) = estate.gateways.get(gateway).map(|gateway| gateway.vnet.clone())
            {
                estate.networks.entry(vnet).or_default();
            }
        }
        estate.sites_of_plan(plan);
        estate
    }

    /// This estate, and what another one knows besides.
    pub(super) fn with(mut self, other: Self) -> Self {
        for (id, network) in other.networks {
            self.networks.entry(id).or_insert(network);
        }
        for (id, circuit) in other.circuits {
            self.circuits.entry(id).or_insert(circuit);
        }
        if self.sites.is_empty() {
            // Azure does not know what lies on-premises; the runbook does, in part.
            (self.sites, self.site_links) = (other.sites, other.site_links);
            self.vantages = other.vantages;
        }
        self
    }

    fn mention(&mut self, id: &ResourceId) {
        let whole = id.parent().unwrap_or_else(|| id.clone());
        let own = whole.resource_type();
        if own.is(kind::NETWORKS) {
            self.networks.entry(whole).or_default();
        } else if own.is(kind::CIRCUITS) {
            self.circuits.entry(whole).or_default();
        }
    }

    /// What a step does to it. What is gone stays, marked, so that a picture can show it.
    pub(super) fn apply(&mut self, action: &Action) {
        match action {
            Action::Gateway(spec) => self.stand(&spec.id, &spec.subnet, &spec.sku),
            Action::Vpn(Vpn::Gateway(spec)) => self.stand(&spec.id, &spec.subnet, &spec.sku),
            Action::Vpn(vpn) => self.apply_tunnel(vpn),
            Action::Connection(spec) => self.connect(spec),
            Action::Peering(spec) => self.peer(spec),
            Action::Association(spec) => {
                if let Some(vnet) = spec.subnet.parent() {
                    let tables = &mut self.networks.entry(vnet).or_default().tables;
                    tables.entry(spec.route_table.clone()).or_insert(ChangeMark::New);
                }
            }
            Action::Dissociation(spec) => {
                if let Some(vnet) = spec.subnet.parent() {
                    self.networks.entry(vnet).or_default().tables.remove(&spec.route_table);
                }
            }
            Action::Bandwidth(spec) => {
                let circuit = self.circuits.entry(spec.id.clone()).or_default();
                if circuit.mbps.is_none_or(|mbps| mbps < u64::from(spec.mbps_min)) {
                    circuit.mbps = Some(u64::from(spec.bought().unwrap_or(spec.mbps_min)));
                    circuit.mark = ChangeMark::Changed;
                }
            }
            Action::Tier(spec) => {
                self.circuits.entry(spec.id.clone()).or_default().mark = ChangeMark::Changed;
            }
            Action::Hub(hub) => self.apply_hub(hub),
            Action::Remove(spec) => self.remove(spec),
            Action::PublicIp(_)
            | Action::Subnet(_)
            | Action::Authorization(_)
            | Action::RouteTable(_)
            | Action::Route(_)
            | Action::SecurityGroup(_)
            | Action::Dns(_)
            | Action::RecoveryPlan(_)
            | Action::Steering(_)
            | Action::Verify(_)
            | Action::Outside(_)
            | Action::General(_) => {}
        }
    }

    /// A gateway is connected with a circuit.
    fn connect(&mut self, spec: &Connection) {
        let there = self.links.get(&spec.id).filter(|link| link.mark != ChangeMark::Gone);
        let mark = there.map_or(ChangeMark::New, |link| link.mark);
        let link =
            NetworkLink { gateway: spec.gateway.clone(), circuit: spec.circuit.clone(), mark };
        self.links.insert(spec.id.clone(), link);
        self.circuits.entry(spec.circuit.clone()).or_default();
    }

    /// A side of a peering is written.
    fn peer(&mut self, spec: &Peering) {
        let Some(vnet) = spec.id.parent() else { return };
        self.networks.entry(vnet.clone()).or_default();
        self.networks.entry(spec.remote.clone()).or_default();
        let there = self.peerings.get(&spec.id).filter(|side| side.mark != ChangeMark::Gone);
        let mark = there.map_or(ChangeMark::New, |side| side.mark);
        let (remote, transit) = (spec.remote.clone(), there.is_some_and(|side| side.transit));
        let transit = spec.allow_gateway_transit.unwrap_or(transit);
        self.peerings.insert(spec.id.clone(), PeeringSide { vnet, remote, transit, mark });
    }

    /// What is gone stays, marked.
    fn remove(&mut self, spec: &Removal) {
        match spec.kind {
            RemovalKind::Connection | RemovalKind::HubConnection => {
                if let Some(link) = self.links.get_mut(&spec.id) {
                    link.mark = ChangeMark::Gone;
                }
            }
            RemovalKind::Gateway | RemovalKind::VpnGateway | RemovalKind::HubGateway => {
                if let Some(gateway) = self.gateways.get_mut(&spec.id) {
                    gateway.mark = ChangeMark::Gone;
                }
            }
            RemovalKind::Peering | RemovalKind::HubVnet => {
                if let Some(side) = self.peerings.get_mut(&spec.id) {
                    side.mark = ChangeMark::Gone;
                }
            }
            RemovalKind::VpnConnection | RemovalKind::LocalGateway => {
                self.remove_tunnel(&spec.id);
            }
            RemovalKind::PublicIp
            | RemovalKind::Subnet
            | RemovalKind::Authorization
            | RemovalKind::RouteTable
            | RemovalKind::Route
            | RemovalKind::HubRoutes
            | RemovalKind::VirtualHub => {}
        }
    }

    /// A gateway stands in the network of its subnet.
    fn stand(&mut self, id: &ResourceId, subnet: &ResourceId, sku: &str) {
        let Some(vnet) = subnet.parent() else { return };
        self.networks.entry(vnet.clone()).or_default();
        let mark = self.gateways.get(id).map_or(ChangeMark::New, |there| there.mark);
        self.gateways.insert(id.clone(), GatewayBox { vnet, sku: Some(sku.to_owned()), mark });
    }

    /// The same, once those steps of a run are done of whose records something holds.
    pub(super) fn after(
        &self,
        plan: &Plan,
        state: &RunState,
        wanted: &dyn Fn(Option<&StepRecord>) -> bool,
    ) -> Self {
        let mut estate = self.clone();
        for place in plan.dag().order() {
            let Some(step) = plan.steps().get(*place) else { continue };
            if wanted(state.step(&step.name)) {
                estate.apply(&step.action);
            }
        }
        estate
    }

    /// Nothing to draw.
    pub(super) fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.circuits.is_empty()
    }
}

/// The steps that are done just before the traffic turns, and the step at which it does: the first
/// connection that is made, or where none is the first that is removed.
pub(super) fn turning(plan: &Plan) -> Option<(BTreeSet<usize>, usize)> {
    let steps = plan.steps();
    let first = |wanted: fn(&Action) -> bool| {
        plan.dag().order().iter().copied().find(|place| wanted(&steps[*place].action))
    };
    let made = first(|action| {
        matches!(action, Action::Connection(_) | Action::Hub(HubAction::Connection(_)))
    });
    let removed = first(|action| {
        let kinds = [RemovalKind::Connection, RemovalKind::HubConnection];
        matches!(action, Action::Remove(spec) if kinds.contains(&spec.kind))
    });
    let place = made.or(removed)?;
    Some((plan.dag().ancestors(place), place))
}
