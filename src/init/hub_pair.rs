//! What does a hub of the target need to become what the source's is? Gateway, connections, peerings, routes.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::advice::Advice;
use super::blocks::{free_anywhere, free_within, moved};
use super::draft::{DraftGateway, DraftHub};
use super::error::InitError;
use super::estate::{CircuitLink, EstateGateway, EstateNetwork, KnownEstate, overlap};
use super::pairs::{Counterpart, HubMatch};
use super::strategy::Strategy;
use super::todo::Todo;
use crate::arm::{kind, read};
use crate::model::ResourceId;
use crate::model::azure_limits::{GATEWAY_SKUS, gateway_sku};

pub(super) const GATEWAY_SUBNET: &str = "GatewaySubnet";

pub(super) struct HubBuilder<'d> {
    pub(super) estate: &'d KnownEstate,
    pub(super) advice: &'d Advice,
    pub(super) todo: &'d mut Todo,
    pub(super) suffix: String,
}

impl HubBuilder<'_> {
    pub(super) fn build(&mut self, pair: &HubMatch, weight: u64) -> Result<DraftHub, InitError> {
        let pair = &self.with_room(pair);
        for own in std::iter::once(&pair.hub).chain(&pair.spokes).filter(|own| own.planned) {
            self.todo.plan_network(self.estate, &own.target);
        }
        let source_gateway =
            pair.hub.source.as_ref().and_then(|hub| self.estate.gateway_in(&hub.id)).cloned();
        let source_links = self.source_links(pair);
        let by_circuit = self.advice.strategy.is_hub_and_spoke();
        let gateway = self.gateway(pair, source_gateway.as_ref(), &source_links)?;
        let links = if by_circuit {
            self.links(&gateway, &source_links, weight, pair.hub.target.id.name())?
        } else {
            Vec::new()
        };
        let also_removed = self.also_removed(&links, &source_links);
        let spokes = self.spokes(pair);
        let tables = self.tables(pair);
        let v6 = !links.is_empty()
            && links.iter().all(|link| {
                self.estate.circuit(&link.circuit).is_some_and(|circuit| circuit.speaks_v6)
            });
        let mut onprem: Vec<IpNet> = links.iter().flat_map(|link| link.onprem.clone()).collect();
        if links.is_empty() {
            onprem = self.estate.all_sites();
        }
        let mut azure = pair.hub.target.space.clone();
        for (own, spoke) in pair.spokes.iter().zip(&spokes) {
            if spoke.spoke_side.gateway {
                azure.extend(own.target.space.clone());
            }
        }
        let (mut source_onprem, mut source_azure) = self.source_prefixes(pair, &source_links);
        for all in [&mut onprem, &mut azure, &mut source_onprem, &mut source_azure] {
            all.retain(|own| v6 || matches!(own, IpNet::V4(_)));
            let mut seen = BTreeSet::new();
            all.retain(|own| seen.insert(*own));
        }
        let readdressed = if self.advice.kept { readdressed(&pair.spokes) } else { Vec::new() };
        Ok(DraftHub {
            suffix: self.suffix.clone(),
            hub: pair.hub.target.clone(),
            gateway,
            source_gateway: source_gateway.map(|own| own.id),
            source_links,
            links,
            also_removed,
            spokes,
            tables,
            tunnels: None,
            onprem,
            azure,
            source_onprem,
            source_azure,
            readdressed,
        })
    }

    /// The connections of a source's hub with circuits.
    pub(super) fn source_links(&self, pair: &HubMatch) -> Vec<CircuitLink> {
        let hub = pair.hub.source.as_ref();
        let gateway = hub.and_then(|hub| self.estate.gateway_in(&hub.id));
        gateway.map(|own| self.estate.links_of(&own.id).cloned().collect()).unwrap_or_default()
    }

    /// What the source's gateway learns and tells, when its region is there.
    fn source_prefixes(&self, pair: &HubMatch, links: &[CircuitLink]) -> (Vec<IpNet>, Vec<IpNet>) {
        let onprem = links.iter().flat_map(|link| self.estate.heard_by(&link.circuit)).collect();
        let mut azure: Vec<IpNet> =
            pair.hub.source.iter().flat_map(|hub| hub.space.clone()).collect();
        for spoke in pair.spokes.iter().filter_map(|own| own.source.as_ref()) {
            if spoke.peerings.iter().any(|side| side.uses) {
                azure.extend(spoke.space.clone());
            }
        }
        (onprem, azure)
    }

    /// The pair with addresses for networks that are not there: the source's, or free ones where the target's are
    /// others.
    fn with_room(&self, pair: &HubMatch) -> HubMatch {
        let mut pair = pair.clone();
        let own_circuit = self.advice.strategy == Strategy::SameCircuit;
        let mut taken: Vec<IpNet> =
            self.estate.networks.iter().flat_map(|own| own.space.clone()).collect();
        taken.extend(self.estate.all_sites());
        let there: Vec<Vec<IpNet>> = self
            .estate
            .networks
            .iter()
            .filter(|own| own.region == self.advice.target)
            .map(|own| own.space.clone())
            .collect();
        for own in std::iter::once(&mut pair.hub).chain(&mut pair.spokes).filter(|own| own.planned)
        {
            let collides = there.iter().any(|space| overlap(space, &own.target.space));
            if !own_circuit && !collides {
                continue;
            }
            let before = own.target.space.clone();
            let after: Vec<IpNet> = before
                .iter()
                .filter_map(|prefix| {
                    let block = free_anywhere(&taken, prefix.prefix_len())?;
                    let block = IpNet::new(block.addr(), prefix.prefix_len()).ok()?;
                    taken.push(block);
                    Some(block)
                })
                .collect();
            for subnet in &mut own.target.subnets {
                let all = subnet.prefixes.iter();
                subnet.prefixes = all.filter_map(|own| moved(own, &before, &after)).collect();
            }
            own.target.space = after;
        }
        pair
    }

    fn gateway(
        &mut self,
        pair: &HubMatch,
        source: Option<&EstateGateway>,
        source_links: &[CircuitLink],
    ) -> Result<DraftGateway, InitError> {
        let hub = &pair.hub.target;
        let scale = |id: &ResourceId| -> Option<(u64, u64)> {
            let body = self.estate.bodies.get(id)?;
            let bound = |end: &str| {
                read::number(body, &format!("/properties/autoScaleConfiguration/bounds/{end}"))
            };
            Some((bound("min")?, bound("max")?))
        };
        if let Some(own) = self.estate.gateway_in(&hub.id) {
            return Ok(DraftGateway {
                id: own.id.clone(),
                exists: true,
                sku: own.sku.clone(),
                autoscale: None,
                subnet: None,
            });
        }
        let sku = match self.advice.chosen.get("gateway_sku") {
            Some(said) => known_sku(said)?.to_owned(),
            None => zone_redundant(source.map_or("", |own| own.sku.as_str())).to_owned(),
        };
        let autoscale = source
            .filter(|_| sku == "ErGwScale")
            .and_then(|own| scale(&own.id))
            .or_else(|| (sku == "ErGwScale").then_some((2, 10)));
        let name = source.map_or_else(
            || format!("ergw-{}", hub.id.name()),
            |own| self.advice.pairs.renaming.name(own.id.name()),
        );
        let id = fresh(self.estate, &hub.id, kind::GATEWAYS, &name)?;
        let subnet = self.gateway_subnet(&pair.hub)?;
        let subnet = self.without_v6(subnet, source_links, &pair.hub.target);
        Ok(DraftGateway { id, exists: false, sku, autoscale, subnet })
    }

    /// The prefixes of a GatewaySubnet to be made: where the source has its own, else the first room.
    pub(super) fn gateway_subnet(
        &mut self,
        hub: &Counterpart,
    ) -> Result<Option<Vec<IpNet>>, InitError> {
        let target = &hub.target;
        if target.subnets.iter().any(|own| own.name == GATEWAY_SUBNET) {
            return Ok(None);
        }
        let taken: Vec<IpNet> =
            target.subnets.iter().flat_map(|own| own.prefixes.clone()).collect();
        if let Some(said) = self.advice.chosen.get("gateway_subnet") {
            let prefix: IpNet = said.parse().map_err(|_| {
                InitError::new(format!("--param gateway_subnet={said} is no prefix."))
            })?;
            if matches!(prefix, IpNet::V6(_)) {
                return Err(InitError::new(format!(
                    "--param gateway_subnet={said} is of IPv6 alone, and a gateway wants IPv4."
                )));
            }
            return Ok(Some(vec![prefix]));
        }
        let fits = |own: &IpNet| {
            target.space.iter().any(|space| space.contains(own)) && !overlap(&[*own], &taken)
        };
        let source = hub.source.as_ref();
        let there =
            source.and_then(|own| own.subnets.iter().find(|own| own.name == GATEWAY_SUBNET));
        if let (Some(source), Some(there)) = (source, there) {
            let same: Vec<IpNet> = there
                .prefixes
                .iter()
                .filter_map(|own| {
                    let moved = moved(own, &source.space, &target.space);
                    [Some(*own), moved].into_iter().flatten().find(fits)
                })
                .collect();
            if same.iter().any(|own| matches!(own, IpNet::V4(_))) {
                return Ok(Some(same));
            }
        }
        let room =
            [26, 27].into_iter().find_map(|length| free_within(&target.space, &taken, length));
        if let Some(room) = room {
            return Ok(Some(vec![room]));
        }
        Ok(Some(vec![self.lack_room(target)?]))
    }

    /// The prefixes without IPv6 where a circuit has IPv4 alone: Azure connects no gateway in a subnet of both to that (rule
    /// PEER-IPV6-GATEWAY). The subnet is ours to choose, and IPv4 recovers.
    fn without_v6(
        &mut self,
        subnet: Option<Vec<IpNet>>,
        source_links: &[CircuitLink],
        hub: &EstateNetwork,
    ) -> Option<Vec<IpNet>> {
        let mut subnet = subnet?;
        let is_v6 = |own: &IpNet| matches!(own, IpNet::V6(_));
        if !self.advice.strategy.is_hub_and_spoke()
            || !subnet.iter().any(is_v6)
            || subnet.iter().all(is_v6)
        {
            return Some(subnet);
        }
        let all = self.circuits(&[], source_links);
        let speaks = |id: &ResourceId| self.estate.circuit(id).is_some_and(|own| own.speaks_v6);
        if let Some(silent) = all.iter().find(|id| !speaks(id)) {
            subnet.retain(|own| !is_v6(own));
            self.todo.decide(format!(
                "The private peering of {} has no IPv6: the GatewaySubnet of {} is made without an IPv6 prefix, and IPv4 \
                 recovers alone. For both, configure IPv6 on the peering and write the runbook again.",
                silent.name(),
                hub.id.name()
            ));
        }
        Some(subnet)
    }

    /// A network without room for a gateway needs more addresses: which of them the gateway would have.
    fn lack_room(&mut self, target: &EstateNetwork) -> Result<IpNet, InitError> {
        let all: Vec<IpNet> = self
            .estate
            .networks
            .iter()
            .flat_map(|own| own.space.clone())
            .chain(self.estate.all_sites())
            .collect();
        let block = free_anywhere(&all, 24)
            .and_then(|block| IpNet::new(block.addr(), 24).ok())
            .ok_or_else(|| InitError::new("There are no free private addresses left."))?;
        let gateway = IpNet::new(block.addr(), 26).unwrap_or(block);
        let mut space = target.space.clone();
        space.push(block);
        self.todo.lack(
            format!(
                "{} has no room for a GatewaySubnet (/27 or larger); {block} is a suggestion.",
                target.id.name()
            ),
            vec![format!(
                "az network vnet update --ids {} --address-prefixes {}",
                target.id,
                space.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            )],
        );
        if let Some(body) = self.todo.changed(self.estate, &target.id) {
            body["properties"]["addressSpace"]["addressPrefixes"] = serde_json::json!(space);
        }
        Ok(gateway)
    }
}

/// The spokes of which not every address is there at the target: what runs in them comes up with others.
pub(super) fn readdressed(all: &[Counterpart]) -> Vec<String> {
    let words = |all: &[IpNet]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let one = |own: &Counterpart| {
        let (source, target) = (own.source.as_ref()?, &own.target);
        let stays = |prefix: &IpNet| target.space.iter().any(|there| there.contains(prefix));
        (!source.space.iter().all(stays)).then(|| {
            format!(
                "{} ({}) comes up as {} ({})",
                source.id.name(),
                words(&source.space),
                target.id.name(),
                words(&target.space)
            )
        })
    };
    all.iter().filter_map(one).collect()
}

/// The SKU of a new gateway: the source's, or what Azure offers in its stead.
fn zone_redundant(sku: &str) -> &str {
    match sku {
        "HighPerformance" | "ErGw2AZ" => "ErGw2AZ",
        "UltraPerformance" | "ErGw3AZ" => "ErGw3AZ",
        "ErGwScale" => "ErGwScale",
        _ => "ErGw1AZ",
    }
}

/// An id beside another one that nothing has.
pub(super) fn fresh(
    estate: &KnownEstate,
    beside: &ResourceId,
    kind: &str,
    name: &str,
) -> Result<ResourceId, InitError> {
    let wrong = |error| InitError::new(format!("`{name}` is no name for a resource: {error}."));
    let mut id = beside.sibling(kind, name).map_err(wrong)?;
    let mut number = 2;
    while estate.bodies.contains_key(&id) {
        id = beside.sibling(kind, &format!("{name}-{number}")).map_err(wrong)?;
        number += 1;
    }
    Ok(id)
}

/// The SKU of an ExpressRoute gateway that somebody named, as Azure writes it.
fn known_sku(said: &str) -> Result<&'static str, InitError> {
    gateway_sku(said).map(|own| own.name).ok_or_else(|| {
        let all: Vec<&str> = GATEWAY_SKUS.iter().map(|own| own.name).collect();
        InitError::new(format!("--param gateway_sku={said} is no SKU of ExpressRoute gateways."))
            .hint(format!("There are {}.", all.join(", ")))
    })
}
