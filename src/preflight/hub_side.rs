//! What else is on a circuit, by way of a hub? The connections of virtual WANs' gateways, and the addresses behind
//! them.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::Value;

use super::facts::Fact;
use super::inquiry::{Inquiry, circuit_of, id_at, list, prefixes, text};
use crate::arm::kind::HUB_GATEWAYS;
use crate::model::action::{HubAction, Verification};
use crate::model::{Action, CircuitConnection, ResourceId, SecretRef, Step};

/// The networks of a hub, under it.
pub(super) const HUB_VNETS: &str = "hubVirtualNetworkConnections";

const REMOTE: &str = "/properties/remoteVirtualNetwork/id";
const SPACE: &str = "/properties/addressSpace/addressPrefixes";

/// A connection that is to be, of a network's gateway or of a hub's.
#[derive(Debug)]
pub struct PlannedLink<'p> {
    /// The step that makes it.
    pub step: &'p Step,
    /// Its id.
    pub id: &'p ResourceId,
    /// Its gateway.
    pub gateway: ResourceId,
    /// Its circuit.
    pub circuit: &'p ResourceId,
    /// Its weight, where the author says it.
    pub weight: Option<u64>,
    /// Where its key comes from.
    pub authorization: Option<&'p SecretRef>,
}

/// A connection of a hub's gateway as it is now.
#[derive(Debug)]
pub struct HubLink<'f> {
    /// Its id.
    pub id: ResourceId,
    /// Its gateway, and the gateway's body.
    pub gateway: (&'f ResourceId, &'f Value),
    /// Its own body.
    pub body: &'f Value,
}

/// A hub that is to lead to a circuit.
#[derive(Debug)]
pub struct ConnectedHub<'p> {
    /// The circuit.
    pub circuit: &'p ResourceId,
    /// The networks of the hub, or why they are not known.
    pub networks: Result<BTreeSet<ResourceId>, String>,
}

/// Which way routes go by a connection of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteWay {
    /// Into the hub.
    In,
    /// Out of it.
    Out,
}

impl RouteWay {
    const BOTH: [(Self, &'static str); 2] = [
        (Self::In, "/properties/routingConfiguration/inboundRouteMap/id"),
        (Self::Out, "/properties/routingConfiguration/outboundRouteMap/id"),
    ];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "inbound",
            Self::Out => "outbound",
        }
    }
}

/// A route map on a connection that the run uses.
#[derive(Debug)]
pub struct MapUse {
    /// The hub.
    pub hub: ResourceId,
    /// The connection.
    pub connection: ResourceId,
    /// The network that it connects, if it is one.
    pub network: Option<ResourceId>,
    /// The circuit that it connects, if it is one.
    pub circuit: Option<ResourceId>,
    /// Which routes the map is for.
    pub way: RouteWay,
    /// The map.
    pub map: ResourceId,
}

impl HubLink<'_> {
    /// The hub that its gateway stands in.
    #[must_use]
    pub fn hub(&self) -> Option<ResourceId> {
        id_at(self.gateway.1, "/properties/virtualHub/id")
    }
}

impl<'a> Inquiry<'a> {
    /// The connections that are to be, of networks' gateways and of hubs'.
    #[must_use]
    pub fn planned_links(&self) -> Vec<PlannedLink<'a>> {
        let links = self.actions(|action| action.nature().link).into_iter();
        let of = |(step, link): (&'a Step, CircuitConnection<'a>)| PlannedLink {
            step,
            id: link.id,
            gateway: link.gateway(),
            circuit: link.circuit,
            weight: link.weight.map(u64::from),
            authorization: step.action.nature().secret,
        };
        links.map(of).collect()
    }

    /// The connections of hubs' gateways now.
    pub fn hub_links(&self) -> impl Iterator<Item = HubLink<'a>> {
        self.facts.bodies(HUB_GATEWAYS).flat_map(|(id, gateway)| {
            let own = list(gateway, "/properties/expressRouteConnections").iter();
            own.filter_map(move |body| {
                Some(HubLink { id: id_at(body, "/id")?, gateway: (id, gateway), body })
            })
        })
    }

    /// The connections of hubs' gateways that lead to a circuit now.
    #[must_use]
    pub fn hub_links_to(&self, circuit: &ResourceId) -> Vec<HubLink<'a>> {
        self.hub_links().filter(|link| circuit_of(link.body).as_ref() == Some(circuit)).collect()
    }

    /// The ids of the connections of networks and hubs that lead to a circuit now.
    #[must_use]
    pub fn all_links_to(&self, circuit: &ResourceId) -> Vec<ResourceId> {
        let networks = self.links(circuit).into_iter().map(|(id, _)| id.clone());
        networks.chain(self.hub_links_to(circuit).into_iter().map(|link| link.id)).collect()
    }

    /// The connections of a gateway of either kind now, each with its body.
    #[must_use]
    pub fn links_at(&self, gateway: &ResourceId) -> Vec<(ResourceId, &'a Value)> {
        let networks = self.links_of(gateway).into_iter().map(|(id, body)| (id.clone(), body));
        let hubs = self.hub_links().filter(|link| link.gateway.0 == gateway);
        networks.chain(hubs.map(|link| (link.id, link.body))).collect()
    }

    /// The prefixes that verifications expect of a hub.
    #[must_use]
    pub fn expected_of(&self, hub: &ResourceId) -> Vec<IpNet> {
        let all = self.actions(|action| match action {
            Action::Verify(Verification::HubRoutes { hub: own, expect, .. }) if own == hub => {
                Some(expect)
            }
            _ => None,
        });
        all.into_iter().flat_map(|(_, expect)| expect.iter().copied()).collect()
    }

    /// The networks that the run connects to a hub.
    #[must_use]
    pub fn networks_brought(&self, hub: &ResourceId) -> Vec<ResourceId> {
        let all = self.hub_actions().into_iter();
        all.filter_map(|(_, action)| match action {
            HubAction::Vnet(spec) => {
                (spec.id.parent().as_ref() == Some(hub)).then(|| spec.vnet.clone())
            }
            _ => None,
        })
        .collect()
    }

    /// This circuit, or else those that a hub leads to by then.
    #[must_use]
    pub fn circuits_of_hub(
        &self,
        hub: &ResourceId,
        only: Option<&ResourceId>,
    ) -> BTreeSet<ResourceId> {
        if let Some(only) = only {
            return BTreeSet::from([only.clone()]);
        }
        let planned = self.planned_links().into_iter();
        let planned = planned.filter(|link| self.hub_of(&link.gateway).as_ref() == Some(hub));
        let stands = self.hub_links().filter(|link| link.hub().as_ref() == Some(hub));
        let stands = stands.filter_map(|link| circuit_of(link.body));
        planned.map(|link| link.circuit.clone()).chain(stands).collect()
    }

    /// The route maps on connections of hubs that the run writes or counts on.
    #[must_use]
    pub fn maps_in_use(&self) -> Vec<MapUse> {
        let verified = self.actions(|action| match action {
            Action::Verify(Verification::HubRoutes { hub, .. }) => Some(hub),
            _ => None,
        });
        let planned: BTreeSet<&ResourceId> =
            self.planned_links().into_iter().map(|link| link.id).collect();
        let mut all = Vec::new();
        for link in self.hub_links() {
            let Some(hub) = link.hub() else { continue };
            if planned.contains(&link.id) || verified.iter().any(|(_, own)| **own == hub) {
                let ends = (None, circuit_of(link.body));
                all.extend(maps_of(link.body, &hub, &link.id, &ends));
            }
        }
        for (_, action) in self.hub_actions() {
            let HubAction::Vnet(spec) = action else { continue };
            let Some((body, hub)) = self.facts.body(&spec.id).zip(spec.id.parent()) else {
                continue;
            };
            all.extend(maps_of(body, &hub, &spec.id, &(Some(spec.vnet.clone()), None)));
        }
        all
    }

    /// The virtual WAN of a hub: as it stands, or as planned.
    #[must_use]
    pub fn wan_of(&self, hub: &ResourceId) -> Option<ResourceId> {
        let planned = self.hub_actions().into_iter().find_map(|(_, action)| match action {
            HubAction::Hub(spec) if spec.id == *hub => Some(spec.wan.clone()),
            _ => None,
        });
        planned.or_else(|| id_at(self.facts.body(hub)?, "/properties/virtualWan/id"))
    }

    /// Every prefix that a hub's gateway would speak for: those of all hubs of its WAN and of their networks.
    ///
    /// # Errors
    /// Something of it was not read, and why.
    pub fn hub_space(&self, hub: &ResourceId) -> Result<Vec<IpNet>, String> {
        let wan = self.wan_of(hub).and_then(|wan| self.facts.body(&wan));
        let mut hubs: BTreeSet<ResourceId> = wan
            .map_or(&[][..], |wan| list(wan, "/properties/virtualHubs"))
            .iter()
            .filter_map(|hub| id_at(hub, "/id"))
            .collect();
        hubs.insert(hub.clone());
        let mut space = Vec::new();
        for hub in &hubs {
            let own = self.read(hub)?.and_then(|body| text(body, "/properties/addressPrefix"));
            space.extend(own.and_then(|net| net.parse::<IpNet>().ok()));
        }
        for vnet in self.hub_networks(&hubs)? {
            space.extend(self.read(&vnet)?.into_iter().flat_map(|body| prefixes(body, SPACE)));
        }
        Ok(space)
    }

    /// The networks that are connected to hubs, or that steps which are done have connected.
    ///
    /// # Errors
    /// Something of it was not read, and why.
    pub fn hub_networks(
        &self,
        hubs: &BTreeSet<ResourceId>,
    ) -> Result<BTreeSet<ResourceId>, String> {
        let mut vnets = BTreeSet::new();
        for hub in hubs {
            if self.read(hub)?.is_none() {
                continue;
            }
            let connected = self.facts.children(hub, HUB_VNETS).map_err(|why| {
                format!("what is connected to {} cannot be read: {why}", hub.name())
            })?;
            let stays = |connection: &&&Value| {
                let own = id_at(connection, "/id");
                own.is_none_or(|own| self.facts.resource(&own) != Fact::Absent)
            };
            vnets.extend(connected.iter().filter(stays).filter_map(|own| id_at(own, REMOTE)));
        }
        for (step, action) in self.hub_actions() {
            if let HubAction::Vnet(spec) = action
                && self.is_done(step)
                && spec.id.parent().is_some_and(|hub| hubs.contains(&hub))
            {
                vnets.insert(spec.vnet.clone());
            }
        }
        Ok(vnets)
    }

    /// The hubs that are to lead to a circuit, each with that circuit and the networks that it has by then.
    pub fn connected_hubs(&self) -> Vec<ConnectedHub<'a>> {
        let links = self.planned_links().into_iter();
        let links = links.filter_map(|planned| {
            let hub = BTreeSet::from([self.hub_of(&planned.gateway)?]);
            Some(ConnectedHub { circuit: planned.circuit, networks: self.hub_networks(&hub) })
        });
        links.collect()
    }

    /// The hub of a hub's gateway: as planned, or as it stands.
    #[must_use]
    pub fn hub_of(&self, gateway: &ResourceId) -> Option<ResourceId> {
        let gateway = Some(gateway).filter(|gateway| gateway.is_a(HUB_GATEWAYS))?;
        let made = self.hub_actions().into_iter().find_map(|(_, action)| match action {
            HubAction::Gateway(spec) if spec.id == *gateway => Some(spec.hub.clone()),
            _ => None,
        });
        made.or_else(|| id_at(self.facts.body(gateway)?, "/properties/virtualHub/id"))
    }
}

/// The maps that a connection's body names; its ends are a network or a circuit.
fn maps_of(
    body: &Value,
    hub: &ResourceId,
    connection: &ResourceId,
    (network, circuit): &(Option<ResourceId>, Option<ResourceId>),
) -> Vec<MapUse> {
    let named = RouteWay::BOTH.into_iter().filter_map(|(way, at)| Some((way, id_at(body, at)?)));
    let own = named.map(|(way, map)| MapUse {
        hub: hub.clone(),
        connection: connection.clone(),
        network: network.clone(),
        circuit: circuit.clone(),
        way,
        map,
    });
    own.collect()
}
